#include "checkpoint/wheel.h"

#include "checkpoint/packed_file.h"

namespace contentvec::checkpoint {

namespace fs = std::filesystem;

std::optional<Checkpoint> open_in_package(const fs::path& path, const std::string& entry) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) {
    const fs::path inside = path / entry.substr(entry.find('/') + 1);
    return fs::exists(inside, ignored) ? std::optional(open(inside)) : std::nullopt;
  }
  if (path.extension() != ".whl") return std::nullopt;
  return open(open_input_file(path.string() + "/" + entry));
}

}  // namespace contentvec::checkpoint
