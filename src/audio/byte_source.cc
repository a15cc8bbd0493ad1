#include "audio/byte_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>
#include <vector>

#include "audio/contents.h"
#include "runtime/fail.h"
#include "runtime/system_path.h"

namespace contentvec::audio {
namespace {

std::string reason(int error) {
  return std::generic_category().message(error);
}

/// A file descriptor that is closed when it goes, unless it is standard input, which is only borrowed.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (number_ > STDIN_FILENO) ::close(number_);
  }
  [[nodiscard]] int get() const { return number_; }

 private:
  int number_;
};

class MemorySource : public ByteSource {
 public:
  explicit MemorySource(std::span<const std::byte> bytes) : bytes_(bytes) {}

  [[nodiscard]] int64_t size() const noexcept override { return static_cast<int64_t>(bytes_.size()); }

  size_t read(int64_t offset, std::span<std::byte> into) noexcept override {
    if (offset < 0 || offset >= size()) return 0;
    const auto from = bytes_.subspan(static_cast<size_t>(offset));
    const size_t count = std::min(from.size(), into.size());
    std::copy_n(from.begin(), count, into.begin());
    return count;
  }

 private:
  std::span<const std::byte> bytes_;
};

class FileSource : public ByteSource {
 public:
  FileSource(Descriptor file, int64_t size) : file_(std::move(file)), size_(size) {}

  [[nodiscard]] int64_t size() const noexcept override { return size_; }
  [[nodiscard]] int error() const noexcept override { return error_; }

  size_t read(int64_t offset, std::span<std::byte> into) noexcept override {
    size_t done = 0;
    while (done < into.size()) {
      const ssize_t got = ::pread(file_.get(), into.data() + done, std::min(into.size() - done, kMostAtOnce),
                                  offset + static_cast<off_t>(done));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0 && error_ == 0) error_ = errno;
      if (got <= 0) break;
      done += static_cast<size_t>(got);
    }
    return done;
  }

 private:
  static constexpr size_t kMostAtOnce = size_t{1} << 30;  // macOS refuses 2 GiB and more
  Descriptor file_;
  int64_t size_;
  int error_ = 0;
};

/// What came through a pipe, in blocks: one array that grows would at times take the memory of two.
class StreamSource : public ByteSource {
 public:
  [[nodiscard]] int64_t size() const noexcept override { return size_; }

  size_t read(int64_t offset, std::span<std::byte> into) noexcept override {
    size_t done = 0;
    while (done < into.size() && offset >= 0 && offset < size_) {
      const auto& block = blocks_[static_cast<size_t>(offset / kBlock)];
      const int64_t from = offset % kBlock;
      const int64_t there = std::min(kBlock - from, size_ - offset);
      const size_t count = std::min(into.size() - done, static_cast<size_t>(there));
      std::copy_n(block.get() + from, count, into.data() + done);
      done += count;
      offset += static_cast<int64_t>(count);
    }
    return done;
  }

  /// Returns read(2)'s result: 0 at the end, less than 0 where it failed.
  ssize_t fill(int descriptor) {
    const int64_t used = size_ % kBlock;
    if (used == 0 && size_ / kBlock == static_cast<int64_t>(blocks_.size())) {
      blocks_.push_back(std::make_unique_for_overwrite<std::byte[]>(kBlock));
    }
    const ssize_t got = ::read(descriptor, blocks_.back().get() + used, static_cast<size_t>(kBlock - used));
    size_ += std::max<ssize_t>(got, 0);
    return got;
  }

 private:
  static constexpr int64_t kBlock = 1 << 20;
  std::vector<std::unique_ptr<std::byte[]>> blocks_;
  int64_t size_ = 0;
};

std::unique_ptr<ByteSource> whole_stream(const Descriptor& file, const std::string& doing) {
  constexpr int64_t kMib = 1 << 20;
  constexpr int64_t kMostUnknown = 16 * kMib;  // more than any tag or junk before the audio
  constexpr int64_t kMost = 4096 * kMib;       // it is held in memory
  auto source = std::make_unique<StreamSource>();
  bool known = false;
  for (;;) {
    const ssize_t got = source->fill(file.get());
    if (got < 0 && errno != EINTR) fail("{}: reading failed: {}", doing, reason(errno));
    if (got == 0) break;
    if (source->size() > kMost) {
      fail(
          "{}: it goes on for more than {} GiB, the limit for what comes through a pipe; write it to a file "
          "first",
          doing, kMost / kMib / 1024);
    }
    if (!known && source->size() >= kMostUnknown) {
      known = begins_as_audio(*source);
      if (!known)
        fail("{}: its first {} MiB, the limit for what has to be known by then, are no audio", doing,
             kMostUnknown / kMib);
    }
  }
  if (source->size() == 0) {
    fail("{}: no bytes came through; expected an audio file, such as `cat in.wav | ...`", doing);
  }
  return source;
}

Descriptor open_to_read(const std::filesystem::path& path, const std::string& doing) {
  const char* name = system_path(path.native());
  int number = -1;
  do {
    number = ::open(name, O_RDONLY | O_CLOEXEC);
  } while (number < 0 && errno == EINTR);
  if (number >= 0) return Descriptor(number);
  switch (errno) {
    case ENOENT:
    case ENOTDIR:
      fail("{}: there is no such file; check the path", doing);
    case EACCES:
    case EPERM:
      fail("{}: this user may not read it; change its permissions, such as with `chmod u+r`", doing);
    default:
      fail("{}: opening it failed: {}", doing, reason(errno));
  }
}

}  // namespace

std::unique_ptr<ByteSource> memory_source(std::span<const std::byte> bytes) {
  return std::make_unique<MemorySource>(bytes);
}

std::unique_ptr<ByteSource> open_source(const std::filesystem::path& path, const std::string& doing) {
  if (path == "-") return whole_stream(Descriptor(STDIN_FILENO), doing);
  Descriptor file = open_to_read(path, doing);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) fail("{}: looking at it failed: {}", doing, reason(errno));
  if (S_ISDIR(status.st_mode)) fail("{}: it is a folder; name an audio file in it", doing);
  if (S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode)) return whole_stream(file, doing);
  if (!S_ISREG(status.st_mode)) fail("{}: it is a device; expected a file or a pipe", doing);
  if (status.st_size == 0) fail("{}: the file is empty; expected audio", doing);
  return std::make_unique<FileSource>(std::move(file), static_cast<int64_t>(status.st_size));
}

}  // namespace contentvec::audio
