#include "hub/download.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>

#include "hub/partial_file.h"
#include "hub/settings.h"
#include "runtime/digest.h"
#include "runtime/fail.h"

namespace contentvec::hub {
namespace {

namespace fs = std::filesystem;

/// Whether a transfer is fast enough to be waited for. What passes between two answers is not counted: the
/// server may have asked for that pause.
class Pace {
 public:
  void begin_answer() { begin_ = Clock::now(); }
  void end_answer() {
    if (begin_) earlier_ += Clock::now() - *begin_;
    begin_.reset();
  }
  void add(int64_t bytes) { bytes_ += bytes; }
  /// Over the last full span of limits().slow_seconds.
  bool is_too_slow() {
    if (!begin_) return false;
    const auto now = Clock::now();
    if (earlier_ + (now - *begin_) < std::chrono::seconds(limits().slow_seconds)) return false;
    const bool slow = bytes_ < limits().slowest * limits().slow_seconds;
    *this = Pace();
    begin_ = now;
    return slow;
  }

 private:
  using Clock = std::chrono::steady_clock;
  std::optional<Clock::time_point> begin_;  ///< of the answer at hand
  Clock::duration earlier_{};               ///< what the answers before it took
  int64_t bytes_ = 0;
};

/// However an answer ends.
class Pacing {
 public:
  explicit Pacing(Pace& pace) : pace_(pace) {}
  ~Pacing() { pace_.end_answer(); }
  Pacing(const Pacing&) = delete;
  Pacing& operator=(const Pacing&) = delete;

 private:
  Pace& pace_;
};

/// One file on its way.
class Download {
 public:
  Download(const Client& client, const std::string& repo, const std::string& file, const RemoteFile& remote,
           const std::function<void(const DownloadProgress&)>& progress, const fs::path& partial)
      : client_(client),
        repo_(repo),
        file_(file),
        remote_(remote),
        progress_(progress),
        partial_(partial),
        partial_path_(partial) {}

  void run(const fs::path& name) {
    if (remote_.size >= 0 && partial_.size() > remote_.size) partial_.clear();  // not of this file
    check_size();
    pieced_ = partial_.size() > 0;
    receive_all();
    bool right = is_right();
    if (pieced_ && !right) {  // one of its pieces may be at fault: once more, all of it
      partial_.clear();
      receive_all();
      right = is_right();
    }
    if (!right) {
      partial_.remove();
      fail(
          "{} of {} arrived altered: its digest is not the hub's {}. It was thrown away; try again, and look "
          "for a proxy or mirror (HF_ENDPOINT) that changes files",
          file_, repo_, remote_.etag);
    }
    partial_.finish(name);
  }

 private:
  [[nodiscard]] bool complete() const { return remote_.size >= 0 && partial_.size() == remote_.size; }

  [[nodiscard]] bool is_right() const {
    return (remote_.size < 0 || complete()) &&
           remote_.etag == (remote_.etag.size() == 64 ? sha256_of_file(partial_path_)
                                                      : git_blob_sha1_of_file(partial_path_));
  }

  void tell() const {
    if (progress_) progress_({repo_, file_, partial_.size(), remote_.size});
  }

  /// Configurations are small, whatever a server says.
  void check_size() const {
    if (file_.ends_with(".json") && remote_.size > limits().json)
      fail("{} of {} has {} bytes; expected a .json file of at most {}: is this the right repository?", file_,
           repo_, remote_.size, limits().json);
  }

  /// The most bytes it may have.
  [[nodiscard]] int64_t most() const {
    if (remote_.size >= 0) return remote_.size;
    return file_.ends_with(".json") ? limits().json : limits().unannounced;
  }

  /// Before it begins; where nobody says how large it is, now and then, too.
  void check_room() {
    std::error_code error;
    const fs::space_info space = fs::space(partial_path_.parent_path(), error);
    const int64_t left = remote_.size < 0 ? limits().reserve : remote_.size - partial_.size();
    const auto missing = static_cast<uint64_t>(std::max<int64_t>(0, left));
    if (error || space.available >= missing) return;
    if (remote_.size < 0) partial_.remove();
    fail(
        "no room for {} of {}: {} MB are missing and the disk of {} has {} MB free; free some space, or set "
        "HF_HUB_CACHE to another disk",
        file_, repo_, (missing >> 20) + 1, partial_path_.parent_path().string(), space.available >> 20);
  }

  /// As often as it takes; a few times in a row that brought next to nothing are enough.
  void receive_all() {
    constexpr int kMostInVain = 4;
    constexpr int64_t kWorthAnother = 1 << 16;
    check_room();
    tell();
    int in_vain = 0;
    while (!complete()) {
      const int64_t before = partial_.size();
      std::string problem = "the answer ended early";
      try {
        if (receive() && remote_.size < 0) return;
      } catch (const Unreachable& error) {
        if (!error.again()) throw;
        problem = error.what();
      }
      in_vain = partial_.size() >= before + kWorthAnother ? 0 : in_vain + 1;
      if (complete()) break;
      if (in_vain == kMostInVain)
        fail(
            "the download of {} from {} stopped after {} of {} bytes: {}. What arrived is kept; run it again "
            "to go on from there",
            file_, repo_, partial_.size(), remote_.size < 0 ? "?" : fmt::format("{}", remote_.size), problem);
      pause(in_vain);
    }
    tell();
  }

  /// Longer each time: the network may need a moment to come back.
  void pause(int in_vain) const {
    for (int breaths = 0; breaths < (1 << in_vain); ++breaths) {
      tell();
      std::this_thread::sleep_for(limits().breath);
    }
  }

  /// One request for what is missing. False where the server has nothing from there on: then what is here may
  /// be damaged, and it starts over, once.
  bool receive() {
    const int64_t from = partial_.size();
    constexpr int64_t kLook = int64_t{64} << 20;  // bytes between two looks at the disk
    const Pacing pacing(pace_);
    bool begun = false;
    const Response response = client_.fetch(
        repo_, remote_.commit, file_, from,
        [&](const Response& so_far, std::span<const std::byte> bytes) {
          if (!begun) {
            pace_.begin_answer();
            begin(so_far, from);
          }
          begun = true;
          if (partial_.size() + static_cast<int64_t>(bytes.size()) > most()) fail_for_too_much();
          partial_.write(bytes);
          pace_.add(static_cast<int64_t>(bytes.size()));
          if (remote_.size < 0 &&
              partial_.size() / kLook != (partial_.size() - static_cast<int64_t>(bytes.size())) / kLook)
            check_room();
        },
        [&] {
          tell();
          if (pace_.is_too_slow()) fail_for_slowness();
        });
    if (response.status != 416) return true;
    if (started_over_) {
      partial_.remove();
      fail(
          "the server has no more than {} bytes of {} of {}, the hub says {}; try again, or set HF_ENDPOINT "
          "to another",
          from, file_, repo_, remote_.size);
    }
    started_over_ = true;
    partial_.clear();
    return false;
  }

  [[noreturn]] void fail_for_too_much() {
    partial_.clear();
    partial_.remove();
    fail(
        "the server sends more than the {} bytes that {} of {} {}; try again, and look for a proxy "
        "or mirror (HF_ENDPOINT) that changes files",
        most(), file_, repo_, remote_.size >= 0 ? "has" : "may have, as nobody says how many it has");
  }

  [[noreturn]] void fail_for_slowness() const {
    fail(
        "the download of {} from {} is given up: less than {} bytes a second arrived for {} s. What arrived "
        "is kept; run it again on a better network to go on from there",
        file_, repo_, limits().slowest, limits().slow_seconds);
  }

  /// Before the first byte of an answer: it is the whole file, where the server knows no ranges, or the range
  /// that was asked for.
  void begin(const Response& response, int64_t from) {
    if (from == 0) return;
    if (response.status == 200) return partial_.clear();
    pieced_ = true;
    const std::string range = response.header("content-range");
    if (!range.starts_with(fmt::format("bytes {}-", from))) {
      partial_.remove();
      fail(
          "the server was asked for {} of {} from byte {} and sends \"{}\"; try again, or set HF_ENDPOINT to "
          "another",
          file_, repo_, from, range);
    }
  }

  const Client& client_;
  const std::string& repo_;
  const std::string& file_;
  const RemoteFile& remote_;
  const std::function<void(const DownloadProgress&)>& progress_;
  PartialFile partial_;
  fs::path partial_path_;
  Pace pace_;  ///< of all answers together: one that is cut again and again is as slow
  bool started_over_ = false;
  bool pieced_ = false;  ///< it was put together from more than one answer
};

/// Whether the blob is there, in the size it should have. A link in its place is none: it is replaced.
bool is_there(const fs::path& blob, const RemoteFile& remote) {
  std::error_code error;
  if (!fs::is_regular_file(fs::symlink_status(blob, error))) return false;
  const uint64_t size = fs::file_size(blob, error);
  return !error && (remote.size < 0 || size == static_cast<uint64_t>(remote.size));
}

}  // namespace

void download_blob(const Client& client, const CachedRepo& cache, const std::string& repo,
                   const std::string& file, const RemoteFile& remote,
                   const std::function<void(const DownloadProgress&)>& progress) {
  const fs::path blob = cache.blob(remote.etag);
  if (is_there(blob, remote)) return;
  const fs::path lock = cache.lock(remote.etag);
  cache.make_room_for(remote.commit, file, remote.etag);
  const FileLock held(lock, [&] {
    if (progress) progress({.repo = repo, .file = file, .total = remote.size, .waiting = true});
  });
  if (is_there(blob, remote)) return;  // another process was faster
  Download(client, repo, file, remote, progress, blob.string() + ".incomplete").run(blob);
}

}  // namespace contentvec::hub
