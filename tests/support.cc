#include "support.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "contentvec/error.h"
#include "output/npy.h"

namespace contentvec::test {

namespace fs = std::filesystem;

fs::path oracle() {
  if (const char* set = std::getenv("CONTENTVEC_ORACLE")) return set;
  const fs::path source = CONTENTVEC_SOURCE_DIR;
  const fs::path shared = source.parent_path() / "shared" / "oracle";
  return fs::exists(shared / "golden") ? shared : source / "tests" / "oracle";
}

fs::path oracle_rvc() {
  const fs::path source = CONTENTVEC_SOURCE_DIR;
  const fs::path shared = source.parent_path() / "shared" / "oracle-rvc";
  return fs::exists(shared / "golden") ? shared : source / "tests" / "oracle-rvc";
}

std::string rvc_synthetic(const std::string& config) {
  return "synthetic:" + (oracle_rvc() / "configs" / (config + ".json")).string();
}

fs::path data() {
  return fs::path(CONTENTVEC_SOURCE_DIR) / "tests" / "data";
}

TemporaryFolder::TemporaryFolder() {
  std::string name = (fs::temp_directory_path() / "contentvec-test-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw Error("cannot make a temporary folder");
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::vector<std::byte> read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw Error("cannot read " + path.string());
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  std::vector<std::byte> bytes(text.size());
  for (size_t i = 0; i < text.size(); ++i) bytes[i] = static_cast<std::byte>(text[i]);
  return bytes;
}

std::string text_of(const fs::path& path) {
  std::string text;
  for (const std::byte byte : read_file(path)) text += static_cast<char>(byte);
  return text;
}

void write_file(const fs::path& path, const std::vector<std::byte>& bytes) {
  std::ofstream out(path, std::ios::binary);
  out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (!out.flush()) throw Error("cannot write " + path.string());
}

void write_file(const fs::path& path, const std::string& text) {
  std::ofstream out(path, std::ios::binary);
  out << text;
  if (!out.flush()) throw Error("cannot write " + path.string());
}

void write_npy(const fs::path& path, const std::vector<int64_t>& shape, std::span<const float> values) {
  std::string file = output::start_of_npy(shape);
  file.append(reinterpret_cast<const char*>(values.data()), values.size_bytes());
  write_file(path, file);
}

std::vector<float> read(const checkpoint::Tensor& tensor) {
  std::vector<float> values(static_cast<size_t>(tensor.count()));
  tensor.copy_to(values);
  return values;
}

nlohmann::json read_json(const fs::path& path) {
  std::ifstream in(path);
  return nlohmann::json::parse(in);
}

std::string error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  } catch (const std::exception& error) {
    ADD_FAILURE() << "threw something other than contentvec::Error: " << error.what();
    return "";
  }
  ADD_FAILURE() << "threw nothing";
  return "";
}

}  // namespace contentvec::test
