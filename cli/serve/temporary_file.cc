#include "cli/serve/temporary_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <fmt/format.h>

#include <cerrno>
#include <cstdlib>
#include <string>
#include <system_error>

#include "cli/console.h"
#include "cli/fail.h"

namespace contentvec::cli::serve {
namespace {

std::string last_error() {
  return std::generic_category().message(errno);
}

}  // namespace

TemporaryFolder::TemporaryFolder() {
  // Not temp_directory_path(), which only says that TMPDIR names no folder, and not which.
  const char* const given = std::getenv("TMPDIR");
  const std::filesystem::path parent = given == nullptr || *given == '\0' ? "/tmp" : given;
  std::string name = (parent / "contentvec-serve-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr)
    fail("cannot make the temporary folder {}: {}; set TMPDIR to a folder that may be written to", name,
         last_error());
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

TemporaryFile::TemporaryFile(const std::filesystem::path& folder) {
  std::string name = (folder / "XXXXXX").string();
  file_ = mkstemp(name.data());
  if (file_ < 0) fail("cannot make a temporary file in {}: {}", folder.string(), last_error());
  unlink(name.c_str());
}

std::shared_ptr<const TemporaryFile> TemporaryFile::adopt(const std::filesystem::path& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) fail("cannot open {}: {}", path.string(), last_error());
  std::shared_ptr<const TemporaryFile> adopted(new TemporaryFile(file, std::filesystem::file_size(path)));
  unlink(path.c_str());
  return adopted;
}

TemporaryFile::~TemporaryFile() {
  close(file_);
}

void TemporaryFile::append(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail("cannot write a temporary file: {}", last_error());
    bytes = bytes.subspan(static_cast<size_t>(written));
    size_ += static_cast<uint64_t>(written);
  }
}

void TemporaryFile::read(uint64_t offset, std::span<std::byte> bytes) const {
  while (!bytes.empty()) {
    const ssize_t count = pread(file_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail("cannot read a temporary file: {}", last_error());
    if (count == 0) fail("a temporary file is shorter than it was");
    bytes = bytes.subspan(static_cast<size_t>(count));
    offset += static_cast<uint64_t>(count);
  }
}

TemporaryFile::View::View(const TemporaryFile& file) {
  const auto size = static_cast<size_t>(file.size());
  if (size == 0) return;
  void* const begin = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.file_, 0);
  if (begin == MAP_FAILED) fail("cannot read a temporary file: {}", last_error());
  bytes_ = {static_cast<const std::byte*>(begin), size};
}

TemporaryFile::View::~View() {
  // munmap() takes what mmap() gave, which is not const.
  if (!bytes_.empty()) munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

std::string cannot_keep(const char* what, const std::exception& error) {
  error_line(error.what());
  return fmt::format(
      "{} cannot be kept: the server cannot write its temporary files, and its console says why", what);
}

}  // namespace contentvec::cli::serve
