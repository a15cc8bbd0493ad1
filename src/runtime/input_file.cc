#include "runtime/input_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "runtime/fail.h"
#include "runtime/pages.h"
#include "runtime/system_path.h"

namespace contentvec {
namespace {

std::string reason() {
  return std::generic_category().message(errno);
}

}  // namespace

InputFile::InputFile(const std::filesystem::path& path) : path_(path.string()) {
  // Not blocking, so that a pipe without a writer is refused below instead of waited for.
  descriptor_ = open(system_path(path_), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor_ < 0) fail("cannot open {}: {}; check the path and that you may read it", path_, reason());
  struct stat status {};
  const bool known = fstat(descriptor_, &status) == 0;
  const std::string problem = known ? "" : reason();
  if (!known || !S_ISREG(status.st_mode)) {
    close(descriptor_);  // no destructor runs after this
    if (!known) fail("cannot open {}: {}; check the file system", path_, problem);
    fail(
        "cannot open {}: expected a regular file, found something else (a folder, pipe or device); "
        "give the path of a file",
        path_);
  }
  size_ = static_cast<uint64_t>(status.st_size);
}

InputFile::~InputFile() {
  close(descriptor_);
}

void InputFile::read(uint64_t offset, std::span<std::byte> part) const {
  constexpr size_t kMost = size_t{1} << 30;  // at a time: some systems take no more
  while (!part.empty()) {
    const ssize_t got =
        pread(descriptor_, part.data(), std::min(part.size(), kMost), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail("cannot read {}: {}; check the disk or network it is on", path_, reason());
    if (got == 0) {
      fail(
          "cannot read {}: it had {} bytes when it was opened and now ends at byte {}; somebody has "
          "shortened or replaced it: try again when it is complete",
          path_, size_, offset);
    }
    part = part.subspan(static_cast<size_t>(got));
    offset += static_cast<uint64_t>(got);
  }
}

std::shared_ptr<const std::byte[]> InputFile::read(uint64_t offset, size_t count) const {
  std::shared_ptr<std::byte[]> bytes;
  if (count < kHugePage) {
    bytes.reset(new std::byte[count]);
  } else {
    bytes.reset(static_cast<std::byte*>(map_pages(count)),
                [count](std::byte* pages) { unmap_pages(pages, count); });
  }
  read(offset, {bytes.get(), count});
  return bytes;
}

}  // namespace contentvec
