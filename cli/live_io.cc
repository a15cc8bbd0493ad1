#include "cli/live_io.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cerrno>
#include <climits>
#include <cmath>
#include <csignal>
#include <cstring>
#include <system_error>

#include "cli/fail.h"
#include "cli/signals.h"
#include "contentvec/audio.h"

namespace contentvec::cli {
namespace {

size_t bytes_of(RawEncoding encoding) {
  return encoding == RawEncoding::kS16 ? sizeof(int16_t) : sizeof(float);
}

constexpr float kScale = 32768;

class RawInput final : public LiveSource {
 public:
  explicit RawInput(RawEncoding encoding) : encoding_(encoding) {}

  size_t read(std::span<float> block) override {
    bytes_.resize(block.size() * bytes_of(encoding_));
    size_t filled = 0;
    while (filled < bytes_.size() && !asked_to_stop()) {
      if (!comes_soon()) continue;
      const ssize_t count = ::read(STDIN_FILENO, bytes_.data() + filled, bytes_.size() - filled);
      if (count == 0) break;
      if (count < 0) {
        if (errno == EINTR) continue;
        fail("cannot read standard input: {}", std::generic_category().message(errno));
      }
      filled += static_cast<size_t>(count);
    }
    const size_t samples = filled / bytes_of(encoding_);  // half a sample is none
    for (size_t i = 0; i < samples; ++i) block[i] = sample(i);
    return samples;
  }

 private:
  /// Waits a little for samples, or the end: a key or another thread's signal does not interrupt a read.
  static bool comes_soon() {
    pollfd input = {STDIN_FILENO, POLLIN, 0};
    return poll(&input, 1, 100) > 0;
  }

  [[nodiscard]] float sample(size_t i) const {
    if (encoding_ == RawEncoding::kFloat) {
      float value = 0;
      std::memcpy(&value, bytes_.data() + i * sizeof value, sizeof value);
      return value;
    }
    int16_t value = 0;
    std::memcpy(&value, bytes_.data() + i * sizeof value, sizeof value);
    return static_cast<float>(value) / kScale;
  }

  RawEncoding encoding_;
  std::vector<char> bytes_;
};

class RecordingInput final : public LiveSource {
 public:
  RecordingInput(const AudioChannels& audio, int rate) {
    std::vector<float> mean(audio.channels.front().size());
    for (size_t i = 0; i < mean.size(); ++i) {
      double sum = 0;
      for (const std::vector<float>& channel : audio.channels) sum += static_cast<double>(channel[i]);
      mean[i] = static_cast<float>(sum / static_cast<double>(audio.channels.size()));
    }
    samples_ = audio.rate == rate ? std::move(mean) : resample(mean, audio.rate, rate);
  }

  size_t read(std::span<float> block) override {
    const size_t count = asked_to_stop() ? 0 : std::min(block.size(), samples_.size() - next_);
    std::copy_n(samples_.begin() + static_cast<std::ptrdiff_t>(next_), count, block.begin());
    next_ += count;
    return count;
  }

 private:
  std::vector<float> samples_;
  size_t next_ = 0;
};

class RawOutput final : public LiveSink {
 public:
  explicit RawOutput(RawEncoding encoding) : encoding_(encoding) {}

  void write(std::span<const float> block) override {
    bytes_.resize(block.size() * bytes_of(encoding_));
    for (size_t i = 0; i < block.size(); ++i) put(i, block[i]);
    size_t written = 0;
    while (written < bytes_.size()) {
      wait_for_reader();
      // So much a pipe takes at once where it takes anything: a write does not wait.
      const size_t most = std::min<size_t>(bytes_.size() - written, PIPE_BUF);
      const ssize_t count = ::write(STDOUT_FILENO, bytes_.data() + written, most);
      if (count < 0) {
        if (errno == EINTR) continue;
        fail("cannot write standard output: {}", std::generic_category().message(errno));
      }
      written += static_cast<size_t>(count);
    }
  }
  void finish() override {}

 private:
  /// Waits until something can be written, and once somebody asked to stop, not for a reader that stands still.
  static void wait_for_reader() {
    pollfd output = {STDOUT_FILENO, POLLOUT, 0};
    constexpr int kTimes = 10;
    for (int times = 0; poll(&output, 1, 100) <= 0;) {  // also where a signal interrupts it
      if (asked_to_stop() && ++times == kTimes)
        fail("standard output takes nothing: what reads it stands still");
    }
  }

  void put(size_t i, float value) {
    if (encoding_ == RawEncoding::kFloat) {
      std::memcpy(bytes_.data() + i * sizeof value, &value, sizeof value);
      return;
    }
    const auto rounded = static_cast<int16_t>(std::lrint(std::clamp(value * kScale, -kScale, kScale - 1)));
    std::memcpy(bytes_.data() + i * sizeof rounded, &rounded, sizeof rounded);
  }

  RawEncoding encoding_;
  std::vector<char> bytes_;
};

class FileOutput final : public LiveSink {
 public:
  FileOutput(std::string path, int rate) : path_(std::move(path)), rate_(rate) {}
  void write(std::span<const float> block) override {
    samples_.insert(samples_.end(), block.begin(), block.end());
  }
  void finish() override {
    const std::span<const float> mono = samples_;
    write_audio(path_, std::span(&mono, 1), rate_);
  }

 private:
  std::string path_;
  int rate_;
  std::vector<float> samples_;
};

}  // namespace

std::unique_ptr<LiveSource> raw_input(RawEncoding encoding) {
  return std::make_unique<RawInput>(encoding);
}

std::unique_ptr<LiveSource> recording_input(const AudioChannels& recording, int rate) {
  return std::make_unique<RecordingInput>(recording, rate);
}

std::unique_ptr<LiveSink> raw_output(RawEncoding encoding) {
  return std::make_unique<RawOutput>(encoding);
}

std::unique_ptr<LiveSink> file_output(const std::string& path, int rate) {
  return std::make_unique<FileOutput>(path, rate);
}

}  // namespace contentvec::cli
