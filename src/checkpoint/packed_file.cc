#include "checkpoint/packed_file.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "checkpoint/text.h"
#include "checkpoint/torch_zip.h"
#include "checkpoint/zip_archive.h"
#include "runtime/fail.h"
#include "runtime/virtual_input_file.h"

namespace contentvec::checkpoint {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMostBytes = uint64_t{1} << 30;
/// Weights and vectors are hardly smaller for being packed; what grows by more is made to fill the memory.
constexpr uint64_t kMostGrowth = 16;

struct PackedName {
  std::string pack, entry;
};

std::optional<PackedName> packed_name(const std::string& path) {
  constexpr size_t kLongest = 1 << 14;
  std::error_code ignored;
  if (path.size() > kLongest || fs::exists(path, ignored)) return std::nullopt;
  for (size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    std::string pack = path.substr(0, slash);
    if (fs::is_regular_file(pack, ignored)) return PackedName{std::move(pack), path.substr(slash + 1)};
  }
  return std::nullopt;
}

/// What `read` gives of a zip file; errors name it.
template <typename Read>
auto from_zip(const std::string& pack, const Read& read) {
  const auto file = std::make_shared<const InputFile>(pack);
  try {
    return read(ZipArchive(file), *file);
  } catch (const Error& error) {
    fail("cannot open {}: {}", pack, error.what());
  }
}

}  // namespace

bool is_packed(const std::string& path) {
  return packed_name(path).has_value();
}

bool has_packed(const std::string& path) {
  const std::optional<PackedName> name = packed_name(path);
  if (!name) return false;
  return from_zip(name->pack, [&](const ZipArchive& zip, const InputFile& /*file*/) {
    return zip.contains(name->entry);
  });
}

void check_packed(const std::string& path) {
  const std::optional<PackedName> name = packed_name(path);
  if (!name || has_packed(path)) return;
  const std::vector<std::string> names = packed_files(name->pack).value_or(std::vector<std::string>());
  if (names.empty())
    fail("{} is no zip file with voices, in which {} would be", name->pack, quote(name->entry));
  fail("there is no {} in {}; it has {}", quote(name->entry), name->pack, listed(names));
}

std::shared_ptr<const InputFile> open_input_file(const std::string& path) {
  const std::optional<PackedName> name = packed_name(path);
  if (!name) return std::make_shared<const InputFile>(path);
  check_packed(path);
  const auto content = from_zip(name->pack, [&](const ZipArchive& zip, const InputFile& file) {
    const uint64_t most = std::min(kMostBytes, kMostGrowth * file.size());
    return std::make_shared<const std::vector<std::byte>>(zip.unpack(name->entry, most));
  });
  const auto read = [content](uint64_t offset, std::span<std::byte> part) {
    std::copy_n(content->begin() + static_cast<std::ptrdiff_t>(offset), part.size(), part.begin());
  };
  return std::make_shared<const VirtualInputFile>(path, content->size(), read);
}

std::optional<std::vector<std::string>> packed_files(const fs::path& path) {
  const InputFile beginning(path);
  std::array<std::byte, 4> start{};
  if (beginning.size() < start.size()) return std::nullopt;
  beginning.read(0, start);
  if (!is_zip(start)) return std::nullopt;
  return from_zip(path.string(), [](const ZipArchive& zip, const InputFile& /*file*/) {
    std::optional<std::vector<std::string>> names(std::in_place);
    for (const auto& [name, index] : zip.names()) {
      if (name.ends_with("data.pkl")) return std::optional<std::vector<std::string>>();
      if (!name.ends_with('/')) names->emplace_back(name);
    }
    return names;
  });
}

}  // namespace contentvec::checkpoint
