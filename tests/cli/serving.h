#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/process.h"
#include "cli/web_client.h"
#include "support.h"

namespace contentvec::test {

/// The program, serving two voices of a folder and one that is named.
class Serving {
 public:
  explicit Serving(const std::vector<std::string>& more = {}, const std::string& token = "");

  [[nodiscard]] int port() const { return port_; }
  /// What it printed.
  [[nodiscard]] std::string address() const;
  /// What it has in the folder for temporary files.
  [[nodiscard]] std::vector<std::filesystem::path> folders() const;
  Process& process() { return *process_; }

  [[nodiscard]] Answer get(const std::string& target, const std::vector<std::string>& headers = {}) const;
  [[nodiscard]] Answer convert(const std::string& query, const std::string& recording) const;
  /// Waits until a conversion that was added has ended.
  [[nodiscard]] nlohmann::json ended(const Answer& added) const;

 private:
  [[nodiscard]] std::filesystem::path temporary() const { return folder_ / "tmp"; }
  void wait_for_port();

  TemporaryFolder folder_;
  std::optional<Process> process_;
  int port_ = 0;
};

/// One server for all tests that leave it as it was.
class ServeTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { serving = new Serving; }
  static void TearDownTestSuite() { delete std::exchange(serving, nullptr); }
  void TearDown() override { EXPECT_EQ(serving->get("/api/status").status, 200) << "it goes on"; }
  static inline Serving* serving = nullptr;
};

}  // namespace contentvec::test
