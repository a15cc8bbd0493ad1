#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "cli/serve/reply.h"
#include "cli/serve/settings.h"
#include "cli/serve/studio.h"
#include "cli/serve/temporary_file.h"
#include "contentvec/audio.h"

namespace contentvec::cli::serve {

/// Bounds of what is taken and kept.
struct JobLimits {
  uint64_t upload_bytes = 0;
  double seconds = 0;  ///< of a recording
};
inline constexpr size_t kMostWaiting = 8;  ///< conversions that have not ended, with their uploads
inline constexpr size_t kMostKept = 32;    ///< conversions in all; the oldest that ended goes first
inline constexpr uint64_t kMostKeptBytes = 2'000'000'000;  ///< of their results

/// Conversions: done one after the other, each by all threads, and kept until they are asked for. Any thread may call.
class Jobs {
 public:
  Jobs(Studio& studio, const VoiceArguments& arguments, const JobLimits& limits);
  /// Breaks off what is being converted.
  ~Jobs();
  Jobs(const Jobs&) = delete;
  Jobs& operator=(const Jobs&) = delete;

  /// Room for one more, held while its recording arrives. Throws Problem where there is none.
  class Place {
   public:
    explicit Place(Jobs& jobs);
    ~Place();
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    /// An empty file for the recording.
    [[nodiscard]] std::unique_ptr<TemporaryFile> file() const;

   private:
    Jobs& jobs_;
  };

  [[nodiscard]] const JobLimits& limits() const { return limits_; }
  /// `settings` have been checked. Gives the conversion as clients see it.
  Json add(const Place& place, const Settings& settings, AudioContainer container,
           std::unique_ptr<TemporaryFile> recording);
  [[nodiscard]] Json list() const;
  /// These throw Problem where there is no such conversion, or no result of it yet.
  [[nodiscard]] Json find(const std::string& id) const;
  [[nodiscard]] Response result(const std::string& id) const;
  void remove(const std::string& id);

 private:
  enum class State { kWaiting, kConverting, kDone, kFailed };
  struct Job {
    std::string id;
    Settings settings;
    AudioContainer container = AudioContainer::kWav;
    std::shared_ptr<const TemporaryFile> recording;
    State state = State::kWaiting;
    double progress = 0;
    std::string error;
    std::vector<std::string> warnings;
    std::shared_ptr<const TemporaryFile> result;
    int rate = 0;
    double seconds = 0;  ///< of the result
    double took = 0;
    std::atomic<bool> is_unwanted = false;
  };
  using JobHandle = std::shared_ptr<Job>;

  void work();
  void convert(const JobHandle& job);
  void carry_out(const JobHandle& job);
  [[nodiscard]] std::shared_ptr<const TemporaryFile> written(const Job& job,
                                                             const Converted& converted) const;
  // With the lock held:
  [[nodiscard]] const JobHandle& at(const std::string& id) const;
  [[nodiscard]] size_t unfinished() const;
  void forget_old();
  static Json json_of_job(const Job& job);

  Studio& studio_;
  VoiceArguments arguments_;
  JobLimits limits_;
  TemporaryFolder folder_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<JobHandle> jobs_;  ///< the oldest first
  size_t arriving_ = 0;
  bool is_over_ = false;
  std::thread worker_;
};

}  // namespace contentvec::cli::serve
