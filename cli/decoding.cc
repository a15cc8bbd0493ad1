#include "cli/decoding.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <filesystem>
#include <iterator>
#include <new>
#include <system_error>
#include <utility>

#include "cli/fail.h"
#include "contentvec/audio.h"

namespace contentvec::cli {
namespace {

/// What a recording counts for: one without samples takes some memory, too.
int64_t cost(const Recording& recording) {
  return static_cast<int64_t>(recording.waveform.size() * (1 + recording.channels.size())) + kSampleRate;
}

/// Of channels of one length.
std::vector<float> mean_of(const std::vector<std::vector<float>>& channels) {
  std::vector<float> mean(channels.front().size());
  for (size_t t = 0; t < mean.size(); ++t) {
    double sum = 0;
    for (const std::vector<float>& channel : channels) sum += static_cast<double>(channel[t]);
    mean[t] = static_cast<float>(sum / static_cast<double>(channels.size()));
  }
  return mean;
}

void read_each_channel(Recording& recording) {
  AudioChannels audio = read_audio_channels(recording.job->input);
  for (std::vector<float>& channel : audio.channels) channel = resample(channel, audio.rate);
  recording.waveform = mean_of(audio.channels);
  if (audio.channels.size() > 1) recording.channels = std::move(audio.channels);
  std::move(audio.warnings.begin(), audio.warnings.end(), std::back_inserter(recording.warnings));
}

void read_mono(Recording& recording) {
  Audio audio = read_audio(recording.job->input);
  recording.waveform = std::move(audio.waveform);
  std::move(audio.warnings.begin(), audio.warnings.end(), std::back_inserter(recording.warnings));
}

}  // namespace

Decoding::Decoding(std::span<const Job> jobs, const Options& options) : jobs_(jobs), options_(options) {
  try {
    for (int i = 0; i < options.threads; ++i) threads_.emplace_back([this] { decode_jobs(); });
  } catch (const std::exception& error) {  // no thread, or no memory for one
    if (threads_.empty())
      fail("cannot start a thread to decode with: {}", error.what());  // else fewer will do
  }
}

Decoding::~Decoding() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

std::optional<Recording> Decoding::next() {
  std::unique_lock lock(mutex_);
  if (taken_ == jobs_.size()) return std::nullopt;
  changed_.wait(lock, [this] { return decoded_.contains(taken_); });
  return take_first();
}

std::optional<Recording> Decoding::next_if_ready(int64_t most_samples) {
  const std::lock_guard lock(mutex_);
  const auto first = decoded_.find(taken_);
  if (first == decoded_.end() || static_cast<int64_t>(first->second.waveform.size()) > most_samples) {
    return std::nullopt;
  }
  return take_first();
}

Recording Decoding::take_first() {
  Recording recording = std::move(decoded_.extract(taken_++).mapped());
  waiting_ -= cost(recording);
  changed_.notify_all();
  return recording;
}

void Decoding::decode_jobs() {
  for (;;) {
    size_t number = 0;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return stopped_ || waiting_ <= options_.most_samples; });
      if (stopped_ || begun_ == jobs_.size()) return;
      number = begun_++;
    }
    Recording recording = decode(jobs_[number]);
    const std::lock_guard lock(mutex_);
    waiting_ += cost(recording);
    decoded_.emplace(number, std::move(recording));
    changed_.notify_all();
  }
}

/// Whether the outputs need not be written. Says why where something is there that will not do.
bool Decoding::is_there(const Job& job, Recording& recording) const {
  const std::vector<std::filesystem::path> outputs = job.outputs();
  const auto is_file = [](const std::filesystem::path& path) {
    std::error_code ignored;
    return std::filesystem::is_regular_file(path, ignored);
  };
  if (!std::all_of(outputs.begin(), outputs.end(), is_file)) return false;
  try {
    options_.check_existing(job);
    return true;
  } catch (const std::exception& error) {
    recording.warnings.push_back(fmt::format("what was there already is written anew: {}", error.what()));
    return false;
  }
}

/// One input failing, be it by taking all memory, leaves the others to be done.
Recording Decoding::decode(const Job& job) const {
  const auto start = std::chrono::steady_clock::now();
  Recording recording{.job = &job, .problem = job.problem};
  if (!recording.problem.empty()) return recording;
  try {
    recording.skipped = options_.check_existing && is_there(job, recording);
    if (recording.skipped) return recording;
    if (const int rate = options_.only_16k ? audio_rate(job.input) : kSampleRate; rate != kSampleRate) {
      fail("its sample rate is {} Hz; this preset takes {} Hz only, as RVC does: resample it first", rate,
           kSampleRate);
    }
    options_.each_channel ? read_each_channel(recording) : read_mono(recording);
    recording.audio_seconds = static_cast<double>(recording.waveform.size()) / kSampleRate;
    if (options_.pad > 0) {
      const std::vector<float> zeros(static_cast<size_t>(options_.pad));
      recording.waveform.insert(recording.waveform.begin(), zeros.begin(), zeros.end());
      recording.waveform.insert(recording.waveform.end(), zeros.begin(), zeros.end());
    }
  } catch (const std::bad_alloc&) {
    recording.waveform = std::vector<float>();
    recording.problem = "out of memory; cut the recording into shorter ones";
  } catch (const std::exception& error) {
    recording.waveform = std::vector<float>();
    recording.problem = error.what();
  }
  recording.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return recording;
}

}  // namespace contentvec::cli
