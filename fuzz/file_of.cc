#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "fuzz/fuzz.h"

namespace contentvec::fuzz {

const std::filesystem::path& file_of(const uint8_t* data, size_t size) {
  static const std::filesystem::path path = [] {
    const auto made =
        std::filesystem::temp_directory_path() / ("contentvec-fuzz-" + std::to_string(getpid()));
    std::atexit([] {
      std::error_code ignored;
      std::filesystem::remove(
          std::filesystem::temp_directory_path(ignored) / ("contentvec-fuzz-" + std::to_string(getpid())),
          ignored);
    });
    return made;
  }();
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
  return path;
}

}  // namespace contentvec::fuzz
