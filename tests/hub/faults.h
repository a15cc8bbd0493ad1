#pragma once

// Downloads of which something goes wrong.

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "contentvec/hub.h"
#include "hub/hub_server.h"
#include "hub/settings.h"
#include "support.h"

namespace contentvec::test {

inline const std::string kContent(200000, 'x');

/// Other limits for a while.
class WithLimits {
 public:
  explicit WithLimits(const hub::Limits& limits) { hub::limits() = limits; }
  ~WithLimits() { hub::limits() = before_; }
  WithLimits(const WithLimits&) = delete;
  WithLimits& operator=(const WithLimits&) = delete;

 private:
  hub::Limits before_ = hub::limits();
};

class FaultTest : public testing::Test {
 protected:
  FaultTest() {
    setenv("HF_HUB_ETAG_TIMEOUT", "1", 1);
    setenv("HF_HUB_DOWNLOAD_TIMEOUT", "1", 1);
    hub_.publish(kRepo, "model.pt", kContent);
  }

  /// The error of a download with these faults, after a look at what it left: no file with a name of its own,
  /// and at most one to go on with. Without the faults it then works.
  std::string error_with(const nlohmann::json& faults) {
    hub_.set_faults(faults);
    const std::string error = error_of([] { download(kRepo, "model.pt"); });
    EXPECT_FALSE(find_cached("org/repo/model.pt"));
    EXPECT_LE(left().size(), 1U);
    for (const std::string& name : left()) EXPECT_TRUE(name.ends_with(".incomplete")) << name;
    EXPECT_FALSE(std::filesystem::exists(hub_.cached(kRepo) / "snapshots" / kCommit / "model.pt"));
    return error;
  }

  void expect_to_work() {
    hub_.set_faults(nlohmann::json::array());
    EXPECT_EQ(std::filesystem::file_size(download(kRepo, "model.pt").path), kContent.size());
  }

  /// Names of the blobs.
  std::vector<std::string> left() {
    std::vector<std::string> names;
    std::error_code none;
    for (const auto& entry : std::filesystem::directory_iterator(hub_.cached(kRepo) / "blobs", none))
      names.push_back(entry.path().filename().string());
    return names;
  }

  HubServer hub_;

 private:
  WithLimits limits_{{.breath = std::chrono::milliseconds(1)}};
};

}  // namespace contentvec::test
