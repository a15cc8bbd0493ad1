#include "hub/partial_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
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

[[noreturn]] void fail_to_open(const fs::path& path, int error) {
  fail("cannot write {} in the model cache: {}; set HF_HUB_CACHE to a folder you may write to", path.string(),
       reason(error));
}

/// Whether nothing but this name leads to what is open, and it is a file.
bool is_own_file(int descriptor) {
  struct stat status {};
  return ::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode) && status.st_nlink <= 1;
}

bool has_no_locks(int error) {
  constexpr std::array kErrors = {ENOLCK, ENOSYS, EOPNOTSUPP, ENOTSUP};  // some are one on some systems
  return std::find(kErrors.begin(), kErrors.end(), error) != kErrors.end();
}

/// Whether `descriptor` still is the file of that name: who held the lock may have removed it.
bool is_still(int descriptor, const fs::path& path) {
  struct stat mine {
  }, named{};
  return ::fstat(descriptor, &mine) == 0 && ::lstat(path.c_str(), &named) == 0 &&
         mine.st_ino == named.st_ino && mine.st_dev == named.st_dev;
}

}  // namespace

int open_own_file(const fs::path& path, int flags) {
  constexpr int kMostRemoved = 3;  // somebody puts them there faster than they go
  const int all = flags | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
  for (int removed = 0;; ++removed) {
    const int descriptor = ::open(path.c_str(), all, 0666);
    const int error = errno;
    if (descriptor >= 0 && is_own_file(descriptor)) return descriptor;
    if (descriptor >= 0) ::close(descriptor);
    const bool foreign = descriptor >= 0 || error == ELOOP || error == EMLINK || error == ENXIO;
    if (!foreign) fail_to_open(path, error);
    if (removed == kMostRemoved || ::unlink(path.c_str()) != 0)
      fail("{} in the model cache is a link or no regular file, and cannot be removed; remove it",
           path.string());
  }
}

std::optional<std::string> beginning_of(const fs::path& path, size_t most) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (descriptor < 0) return std::nullopt;
  struct stat status {};
  std::string text(most, '\0');
  const bool regular = ::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
  const ssize_t count = regular ? ::read(descriptor, text.data(), most) : -1;
  ::close(descriptor);
  if (count < 0) return std::nullopt;
  text.resize(static_cast<size_t>(count));
  return text;
}

FileLock::FileLock(const fs::path& path, const std::function<void()>& waiting,
                   const std::function<int(int, int)>& lock) {
  while (true) {
    descriptor_ = open_own_file(path, O_RDWR);
    const int operation = LOCK_EX | LOCK_NB;
    const bool locked = (lock ? lock(descriptor_, operation) : ::flock(descriptor_, operation)) == 0;
    const int error = errno;
    if ((!locked && has_no_locks(error)) || (locked && is_still(descriptor_, path))) return;
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
    : path_(std::move(path)), descriptor_(open_own_file(path_, O_RDWR | O_APPEND)) {
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
