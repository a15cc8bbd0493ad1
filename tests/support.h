#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "checkpoint/tensor.h"

namespace contentvec::test {

/// The reference data: $CONTENTVEC_ORACLE, else ../shared/oracle beside the checkout, else the copy in
/// tests/oracle.
std::filesystem::path oracle();
/// The same for what is behind the features: ../shared/oracle-rvc, or what tests/oracle-rvc has of it.
std::filesystem::path oracle_rvc();
/// The spec of its architecture `config` with made-up weights: "tiny-v2-48k", "tiny-rmvpe", ...
std::string rvc_synthetic(const std::string& config);

/// Files that belong to the tests: tests/data.
std::filesystem::path data();

/// A folder that is new, empty and gone when the test ends.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

std::vector<std::byte> read_file(const std::filesystem::path& path);
std::string text_of(const std::filesystem::path& path);
void write_file(const std::filesystem::path& path, const std::vector<std::byte>& bytes);
void write_file(const std::filesystem::path& path, const std::string& text);
/// A .npy file of float32 in C order.
void write_npy(const std::filesystem::path& path, const std::vector<int64_t>& shape,
               std::span<const float> values);

/// All elements in C order as float32.
std::vector<float> read(const checkpoint::Tensor& tensor);

/// The content of a JSON file; throws where it is none.
nlohmann::json read_json(const std::filesystem::path& path);

/// The text of the contentvec::Error that `action` throws; fails the test and returns "" when it throws none.
std::string error_of(const std::function<void()>& action);

}  // namespace contentvec::test
