#include "runtime/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "runtime/fail.h"

namespace contentvec {
namespace {

struct Descriptor {
  int number;
  explicit Descriptor(int opened) : number(opened) {}
  ~Descriptor() {
    if (number >= 0) close(number);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
};

[[noreturn]] void fail_with_errno(const std::string& path, const char* advice) {
  fail("cannot open {}: {}; {}", path, std::generic_category().message(errno), advice);
}

}  // namespace

MappedFile::MappedFile(const std::filesystem::path& path) : path_(path.string()) {
  // Not blocking, so that a pipe without a writer is refused below instead of waited for.
  const Descriptor file(open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.number < 0) fail_with_errno(path_, "check the path and that you may read it");
  struct stat status {};
  if (fstat(file.number, &status) != 0) fail_with_errno(path_, "check the file system");
  if (!S_ISREG(status.st_mode))
    fail(
        "cannot open {}: expected a regular file, found something else (a folder, pipe or device); "
        "give the path of a file",
        path_);
  const auto size = static_cast<size_t>(status.st_size);
  if (size == 0) return;  // an empty mapping is not allowed
  void* start = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.number, 0);
  if (start == MAP_FAILED) fail_with_errno(path_, "the system could not map it into memory");
  bytes_ = {static_cast<const std::byte*>(start), size};
}

void MappedFile::release(std::span<const std::byte> part) const {
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const auto offset = static_cast<size_t>(part.data() - bytes_.data());
  const size_t begin = (offset + page - 1) / page * page;
  const size_t end = (offset + part.size()) / page * page;
  if (begin >= end) return;
  // A private mapping that nothing wrote to: dropping its pages loses nothing. Failure only leaves them
  // resident.
  madvise(const_cast<std::byte*>(bytes_.data()) + begin, end - begin, MADV_DONTNEED);
}

MappedFile::~MappedFile() {
  // munmap takes a pointer to non-const but changes nothing behind it.
  if (!bytes_.empty()) munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

}  // namespace contentvec
