#include "checkpoint/wheel.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "checkpoint/zip_archive.h"
#include "runtime/fail.h"
#include "runtime/virtual_input_file.h"

namespace contentvec::checkpoint {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMostBytes = uint64_t{256} << 20;

std::vector<std::byte> unpack(const fs::path& wheel, const std::string& entry) {
  try {
    return ZipArchive(std::make_shared<const InputFile>(wheel)).unpack(entry, kMostBytes);
  } catch (const Error& error) {
    fail("cannot open {}: {}", wheel.string(), error.what());
  }
}

}  // namespace

std::optional<Checkpoint> open_in_package(const fs::path& path, const std::string& entry) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) {
    const fs::path inside = path / entry.substr(entry.find('/') + 1);
    return fs::exists(inside, ignored) ? std::optional(open(inside)) : std::nullopt;
  }
  if (path.extension() != ".whl") return std::nullopt;
  const auto content = std::make_shared<const std::vector<std::byte>>(unpack(path, entry));
  const auto read = [content](uint64_t offset, std::span<std::byte> part) {
    std::copy_n(content->begin() + static_cast<std::ptrdiff_t>(offset), part.size(), part.begin());
  };
  return open(std::make_shared<const VirtualInputFile>(path.string() + ", " + entry, content->size(), read));
}

}  // namespace contentvec::checkpoint
