#include "output/atomic_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <random>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "contentvec/unfinished_files.h"
#include "runtime/fail.h"
#include "runtime/system_path.h"

namespace contentvec {
namespace {

namespace fs = std::filesystem;

std::string reason(int error) {
  return std::generic_category().message(error);
}

// ---- The list of unfinished files ----
//
// A signal handler may neither lock nor allocate, so the list is a static array, and each slot changes hands
// by one atomic step. The owner takes a slot (kFree -> kTaken), fills it in (-> kListed), and gives it back
// (kListed -> kFree). The handler takes a listed slot for good (kListed -> kRemoved): its path can then no
// longer change under the handler's hands.

enum State : int { kFree, kTaken, kListed, kRemoved };

constexpr size_t kPathRoom = 4096;

struct Slot {
  std::atomic<int> state = kFree;
  pid_t process = 0;
  std::array<char, kPathRoom> path{};
};
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler may not wait for a lock");

std::array<Slot, output::kListedFiles> slots;

// A file that another thread makes while the handler goes through the list would stay behind. So the handler
// first forbids new ones, and waits for those that are being made; and no signal interrupts a thread that
// makes one, which the handler would wait for in vain.

std::atomic<bool> ending = false;
std::atomic<int> being_made = 0;

/// While it lives, this thread makes a file: no signals, and the handler waits.
class Making {
 public:
  Making() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
    being_made.fetch_add(1);
  }
  ~Making() {
    being_made.fetch_sub(1);
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  Making(const Making&) = delete;
  Making& operator=(const Making&) = delete;

 private:
  sigset_t before_{};
};

/// Waits until no file is being made, but no longer than a second: the file system may hang.
void wait_for_makers() noexcept {
  constexpr int kTries = 1000;
  for (int i = 0; i < kTries && being_made.load() > 0; ++i) {
    timespec millisecond = {0, 1'000'000};
    ::nanosleep(&millisecond, nullptr);
  }
}

bool step(Slot& slot, State from, State to) noexcept {
  int expected = from;
  return slot.state.compare_exchange_strong(expected, to);
}

/// The index of the slot that now lists `path`, or -1 when all are taken or the path does not fit.
int list(const fs::path& path) noexcept {
  const std::string& text = path.native();
  if (text.size() >= kPathRoom) return -1;
  for (size_t i = 0; i < slots.size(); ++i) {
    Slot& slot = slots[i];
    if (!step(slot, kFree, kTaken)) continue;
    slot.process = ::getpid();
    std::memcpy(slot.path.data(), text.c_str(), text.size() + 1);
    slot.state.store(kListed);
    return static_cast<int>(i);
  }
  return -1;
}

void unlist(int index) noexcept {
  if (index >= 0) step(slots[static_cast<size_t>(index)], kListed, kFree);
}

// ---- Names and files ----

bool is_under_dev(const fs::path& path) {
  return path.native().starts_with("/dev/") && !path.native().starts_with("/dev/shm/");
}

/// Where the file will be: behind any links, and absolute, because the working folder may change meanwhile.
fs::path resolve(const fs::path& target, bool exists) {
  std::error_code error;
  fs::path resolved = exists ? fs::canonical(target, error) : fs::absolute(target, error);
  if (error) fail("cannot write '{}': {}", target.string(), error.message());
  if (resolved.filename().empty()) {
    fail("cannot write '{}': expected the name of a file, found that of a folder", target.string());
  }
  return resolved;
}

constexpr std::string_view kTemporaryStart = ".contentvec-";
constexpr std::string_view kTemporaryEnd = ".tmp";

/// A name that no other thread, process or earlier run uses; its length does not depend on the target's,
/// which may already be the longest that the file system takes.
fs::path temporary_name(const fs::path& folder) {
  static std::atomic<unsigned> counter = 0;
  std::random_device random;
  return folder /
         fmt::format("{}{}-{}-{:08x}{}", kTemporaryStart, ::getpid(), counter++, random(), kTemporaryEnd);
}

int open_retrying(const fs::path& path, int flags, mode_t mode = 0) {
  int descriptor = -1;
  do {
    descriptor = ::open(path.c_str(), flags | O_CLOEXEC, mode);
  } while (descriptor < 0 && errno == EINTR);
  return descriptor;
}

/// Marks a file as being written, by a lock that ends with the process however that ends. False where
/// somebody took the new file for an abandoned one before it had the lock, and removed it.
bool claim(int descriptor) {
  ::flock(descriptor, LOCK_EX);
  struct stat status {};
  return ::fstat(descriptor, &status) != 0 || status.st_nlink > 0;
}

/// Makes the rename itself survive a power cut. Some file systems cannot; the file is complete regardless.
void flush_folder(const fs::path& folder) noexcept {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::close(descriptor);
}

[[noreturn]] void fail_to_create(const fs::path& target, const fs::path& folder, int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      fail("cannot write '{}': there is no folder '{}'; make it first: `mkdir -p`", target.string(),
           folder.string());
    case EACCES:
    case EPERM:
    case EROFS:
      fail(
          "cannot write '{}': the folder '{}' may not be written to ({}); change its permissions, or "
          "choose another",
          target.string(), folder.string(), reason(error));
    case ENAMETOOLONG:
      fail(
          "cannot write '{}': its name has {} bytes with its ending, more than this file system takes (most: "
          "255); choose a shorter one",
          target.string(), target.filename().native().size());
    default:
      fail("cannot write '{}': making a file in '{}' failed: {}", target.string(), folder.string(),
           reason(error));
  }
}

[[noreturn]] void fail_to_write(const fs::path& target, int error) {
  const char* advice = error == ENOSPC || error == EDQUOT || error == EFBIG
                           ? "; free some space or write elsewhere: nothing was left behind"
                       : error == ESPIPE
                           ? "; a pipe takes values in their order only, and here they come in another: "
                             "write to a file"
                           : "";
  fail("cannot write '{}': {}{}", target.string(), reason(error), advice);
}

}  // namespace

namespace output {

AtomicFile::AtomicFile(fs::path target) : target_(std::move(target)) {
  struct stat status {};
  const bool exists = ::stat(system_path(target_.native()), &status) == 0;
  if (!exists && errno != ENOENT) fail_to_create(target_, target_.parent_path(), errno);
  if (exists && S_ISDIR(status.st_mode)) {
    fail("cannot write '{}': it is a folder; name a file in it", target_.string());
  }
  if (is_under_dev(target_) || (exists && !S_ISREG(status.st_mode))) {
    open_device();
    return;
  }
  target_ = resolve(target_, exists);
  open_temporary();
  if (exists) ::fchmod(descriptor_, static_cast<mode_t>(status.st_mode & 0777));
}

/// Standard output is written to as it is: opened anew, a file that the shell appends to would be emptied,
/// and a socket refuse.
void AtomicFile::open_device() {
  descriptor_ = target_ == "/dev/stdout" ? ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0)
                                         : open_retrying(target_, O_WRONLY | O_TRUNC);
  if (descriptor_ < 0) fail("cannot write '{}': opening it failed: {}", target_.string(), reason(errno));
}

void AtomicFile::open_temporary() {
  do {
    temporary_ = temporary_name(target_.parent_path());
    const Making making;
    if (ending.load()) fail("cannot write '{}': a signal is ending the process", target_.string());
    slot_ = list(temporary_);
    descriptor_ = open_retrying(temporary_, O_WRONLY | O_CREAT | O_EXCL, 0666);
    if (descriptor_ >= 0 && claim(descriptor_)) return;
    const int error = errno;
    unlist(slot_);
    if (descriptor_ < 0) fail_to_create(target_, target_.parent_path(), error);
    ::close(descriptor_);
  } while (true);
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (temporary_.empty()) return;
  ::unlink(temporary_.c_str());
  unlist(slot_);
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  constexpr size_t kMostAtOnce = size_t{1} << 30;  // macOS refuses 2 GiB and more
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), std::min(bytes.size(), kMostAtOnce));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail_to_write(target_, errno);
    bytes = bytes.subspan(static_cast<size_t>(written));
    position_ += written;
  }
}

void AtomicFile::write_at(int64_t position, std::span<const std::byte> bytes) {
  if (position != position_ && ::lseek(descriptor_, position, SEEK_SET) < 0) fail_to_write(target_, errno);
  position_ = position;
  write(bytes);
}

void AtomicFile::commit() {
  if (temporary_.empty()) {  // straight through
    if (::close(std::exchange(descriptor_, -1)) != 0 && errno != EINTR) fail_to_write(target_, errno);
    return;
  }
  if (::fsync(descriptor_) != 0) fail_to_write(target_, errno);
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) fail_to_write(target_, errno);
  temporary_.clear();
  unlist(slot_);
  ::close(std::exchange(descriptor_, -1));  // only now: its lock says that the file is not abandoned
  flush_folder(target_.parent_path());
}

}  // namespace output

void write_whole_file(const fs::path& path, std::span<const std::byte> bytes) {
  output::AtomicFile file(path);
  file.write(bytes);
  file.commit();
}

void remove_abandoned_files(const fs::path& folder) noexcept {
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().string();
    if (!name.starts_with(kTemporaryStart) || !name.ends_with(kTemporaryEnd)) continue;
    const int descriptor = open_retrying(at->path(), O_RDWR);
    if (descriptor < 0) continue;
    if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) ::unlink(at->path().c_str());
    ::close(descriptor);
  }
}

void remove_unfinished_files() noexcept {
  const int before = errno;  // the interrupted code may be about to look at it
  ending.store(true);
  wait_for_makers();
  for (Slot& slot : slots) {
    if (step(slot, kListed, kRemoved) && slot.process == ::getpid()) ::unlink(slot.path.data());
  }
  errno = before;
}

}  // namespace contentvec
