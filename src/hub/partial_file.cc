#include "hub/partial_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <system_error>
#include <thread>
#include <utility>

#include "runtime/fail.h"

namespace contentvec::hub {
namespace {

namespace fs = std::filesystem;

std::string reason(int error) {
  return std::generic_category().message(error);
}

int open_or_fail(const fs::path& path, int flags) {
  const int descriptor = ::open(path.c_str(), flags | O_CREAT | O_CLOEXEC, 0666);
  if (descriptor < 0)
    fail("cannot write {} in the model cache: {}; set HF_HUB_CACHE to a folder you may write to",
         path.string(), reason(errno));
  return descriptor;
}

/// Whether `descriptor` still is the file of that name: who held the lock may have removed it.
bool is_still(int descriptor, const fs::path& path) {
  struct stat mine {
  }, named{};
  return ::fstat(descriptor, &mine) == 0 && ::stat(path.c_str(), &named) == 0 &&
         mine.st_ino == named.st_ino && mine.st_dev == named.st_dev;
}

}  // namespace

FileLock::FileLock(const fs::path& path, const std::function<void()>& waiting) {
  while (true) {
    descriptor_ = open_or_fail(path, O_RDWR);
    const bool locked = ::flock(descriptor_, LOCK_EX | LOCK_NB) == 0;
    const int error = errno;
    if (locked && is_still(descriptor_, path)) return;
    ::close(std::exchange(descriptor_, -1));
    if (locked) continue;
    if (error != EWOULDBLOCK && error != EINTR)
      fail("cannot lock {}: {}; set HF_HUB_CACHE to a folder on a local disk", path.string(), reason(error));
    waiting();
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

FileLock::~FileLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

PartialFile::PartialFile(fs::path path)
    : path_(std::move(path)), descriptor_(open_or_fail(path_, O_RDWR | O_APPEND)) {
  struct stat status {};
  if (::fstat(descriptor_, &status) == 0) size_ = status.st_size;
}

PartialFile::~PartialFile() {
  if (size_ == 0) remove();  // nothing to go on with
  if (descriptor_ >= 0) ::close(descriptor_);
}

void PartialFile::fail_to_write(int error) {
  const bool full = error == ENOSPC || error == EDQUOT || error == EFBIG;
  if (full) remove();
  fail("cannot write {} in the model cache: {}{}", path_.string(), reason(error),
       full ? "; free some space, or set HF_HUB_CACHE to another disk: nothing was left behind" : "");
}

void PartialFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail_to_write(errno);
    size_ += written;
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
}

void PartialFile::clear() {
  if (::ftruncate(descriptor_, 0) != 0) fail_to_write(errno);
  size_ = 0;
}

void PartialFile::remove() {
  ::unlink(path_.c_str());
}

void PartialFile::finish(const fs::path& name) {
  if (::fsync(descriptor_) != 0) fail_to_write(errno);
  if (::rename(path_.c_str(), name.c_str()) != 0) fail_to_write(errno);
}

}  // namespace contentvec::hub
