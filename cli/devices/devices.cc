#include "cli/devices/devices.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>
#include <utility>

#include "cli/devices/clock_follower.h"
#include "cli/devices/portaudio_library.h"
#include "cli/devices/sample_ring.h"
#include "cli/devices/stretch.h"
#include "cli/fail.h"
#include "cli/signals.h"

namespace contentvec::cli {
namespace {

using Clock = std::chrono::steady_clock;

/// How long a device may take and give nothing before it counts as gone.
constexpr auto kPatience = std::chrono::seconds(3);
/// How often a thread looks whether its samples are there: the device's own thread must not wake it.
constexpr auto kPoll = std::chrono::milliseconds(1);

/// An open stream of PortAudio's in one direction, for blocks of so many samples.
class DeviceStream {
 public:
  DeviceStream(const AudioDevice& device, Direction direction, int channels, int rate, size_t block,
               PaStreamCallback* callback, void* user)
      : name_(device.name), is_input_(direction == Direction::kInput) {
    const PaDeviceInfo* info = portaudio().GetDeviceInfo(device.number);
    if (info == nullptr) fail("device {} is gone", device.name);
    const PaStreamParameters parameters = {device.number, channels, paFloat32,
                                           latency_for(*info, static_cast<double>(block) / rate), nullptr};
    const PaError error =
        portaudio().OpenStream(&stream_, is_input_ ? &parameters : nullptr, is_input_ ? nullptr : &parameters,
                               rate, paFramesPerBufferUnspecified, paClipOff, callback, user);
    if (error != paNoError)
      fail("cannot open the {} at {} Hz: {}; its own --rate is {:.0f}", what(), rate,
           portaudio().GetErrorText(error), device.rate);
  }
  ~DeviceStream() {
    portaudio().AbortStream(stream_);
    portaudio().CloseStream(stream_);
  }
  DeviceStream(const DeviceStream&) = delete;
  DeviceStream& operator=(const DeviceStream&) = delete;

  void start() {
    if (std::exchange(is_started_, true)) return;
    if (const PaError error = portaudio().StartStream(stream_); error != paNoError)
      fail("cannot start the {}: {}", what(), portaudio().GetErrorText(error));
    since_ = Clock::now();
  }

  /// Throws Error where the device has stopped, or has stalled: `progress` has been the same for long.
  void watch(size_t progress) {
    if (portaudio().IsStreamActive(stream_) != 1)
      fail("the {} has stopped: see whether it is still plugged in", what());
    const Clock::time_point now = Clock::now();
    if (std::exchange(progress_, progress) != progress)
      since_ = now;
    else if (now - since_ > kPatience)
      fail(
          "the {} has {} nothing for {} seconds: see whether it is plugged in and not held by another program",
          what(), is_input_ ? "given" : "taken", kPatience.count());
  }

  /// Waits until `is_ready`, as long as `progress` changes. Throws Error as watch().
  template <typename Ready, typename Progress>
  void wait(Ready is_ready, Progress progress) {
    for (since_ = Clock::now(); !is_ready(); std::this_thread::sleep_for(kPoll)) watch(progress());
  }

  /// From when a sample is spoken to when it is here, or from when it is handed over to when it is heard; seconds.
  [[nodiscard]] double latency() const {
    const PaStreamInfo* info = portaudio().GetStreamInfo(stream_);
    if (info == nullptr) return 0;
    return std::clamp(is_input_ ? info->inputLatency : info->outputLatency, 0.0, 1.0);
  }

 private:
  /// What is asked of the device: an eighth of a block, in which its own thread may come late, within what it says of
  /// itself.
  [[nodiscard]] double latency_for(const PaDeviceInfo& info, double block_seconds) const {
    const double low = is_input_ ? info.defaultLowInputLatency : info.defaultLowOutputLatency;
    const double high = is_input_ ? info.defaultHighInputLatency : info.defaultHighOutputLatency;
    return std::clamp(block_seconds / 8, low, std::max(low, high));
  }

  [[nodiscard]] std::string what() const {
    return fmt::format("{} device \"{}\"", is_input_ ? "input" : "output", name_);
  }

  std::string name_;
  bool is_input_;
  bool is_started_ = false;
  size_t progress_ = 0;  ///< when it was last looked at
  Clock::time_point since_;
  PaStream* stream_ = nullptr;
};

/// Counts what is missing, once from when it begins to when it ends.
class GapCounter {
 public:
  void add(bool is_gap) {
    if (is_gap && !was_gap_) ++count_;
    was_gap_ = is_gap;
  }
  [[nodiscard]] int64_t count() const { return count_; }

 private:
  bool was_gap_ = false;  // of the device's thread
  std::atomic<int64_t> count_ = 0;
};

class DeviceInput final : public LiveSource {
 public:
  DeviceInput(const AudioDevice& device, int rate, size_t block)
      : rate_(rate),
        ring_(std::max(4 * block, static_cast<size_t>(rate) / 2)),
        stream_(device, Direction::kInput, 1, rate, block, &DeviceInput::take, this) {}

  size_t read(std::span<float> block) override {
    stream_.start();
    stream_.wait([&] { return ring_.held() >= block.size() || asked_to_stop(); },
                 [&] { return ring_.pushed(); });
    // Where it stops, a whole block would not look like the end.
    return ring_.pop(asked_to_stop() ? block.first(block.size() - 1) : block);
  }
  [[nodiscard]] SideStats stats() const override {
    return {.device_gaps = device_gaps_.count(),
            .program_gaps = program_gaps_.count(),
            .latency = stream_.latency() + static_cast<double>(ring_.held()) / rate_};
  }

 private:
  /// Called by the device's thread, which must not wait.
  static int take(const void* in, void* /*out*/, unsigned long frames,
                  const PaStreamCallbackTimeInfo* /*time*/, PaStreamCallbackFlags flags, void* user) {
    auto& self = *static_cast<DeviceInput*>(user);
    const size_t given = in == nullptr ? 0 : frames;
    const size_t taken = self.ring_.push({static_cast<const float*>(in), given});
    self.program_gaps_.add(taken < given);
    self.device_gaps_.add(in == nullptr || (flags & paInputOverflow) != 0);
    return paContinue;
  }

  int rate_;
  SampleRing ring_;
  GapCounter device_gaps_;
  GapCounter program_gaps_;
  DeviceStream stream_;  // last: its thread uses the others
};

class DeviceOutput final : public LiveSink {
 public:
  DeviceOutput(const AudioDevice& device, int rate, size_t block, WhenFull when_full)
      : rate_(rate),
        channels_(std::min(device.outputs, 2)),
        when_full_(when_full),
        reserve_(block / 2),
        clock_(reserve_.size(), rate),
        ring_(reserve_.size() + 2 * block),
        stream_(device, Direction::kOutput, channels_, rate, block, &DeviceOutput::give, this) {
    ring_.push(reserve_);
  }

  void write(std::span<const float> block) override {
    try {
      waiting_ = ring_.held();
      if (!is_started_) {
        ring_.push(block);
        stream_.start();
        is_started_ = true;
      } else if (block = in_step(block); when_full_ == WhenFull::kWait) {
        push(block);
      } else {
        stream_.watch(ring_.popped());
        if (is_behind(block.size()))
          ++skipped_;
        else
          ring_.push(block);
      }
    } catch (...) {
      is_lost_ = true;
      throw;
    }
  }

  void finish() override {
    is_over_ = true;
    if (is_lost_ || ring_.held() == 0) return;
    stream_.start();
    stream_.wait([&] { return ring_.held() == 0; }, [&] { return ring_.popped(); });
    std::this_thread::sleep_for(std::chrono::duration<double>(stream_.latency()));
  }
  [[nodiscard]] SideStats stats() const override {
    return {.device_gaps = device_gaps_.count(),
            .program_gaps = program_gaps_.count(),
            .inserted = inserted_,
            .skipped = skipped_,
            .latency = stream_.latency() + static_cast<double>(waiting_) / rate_};
  }

 private:
  void push(std::span<const float> block) {
    while (true) {
      block = block.subspan(ring_.push(block));
      if (block.empty()) return;
      clock_.forget();
      const size_t before = ring_.popped();
      stream_.wait([&] { return ring_.popped() != before; }, [&] { return ring_.popped(); });
    }
  }

  /// Whether there is no room for a block, or there was none, and more waits still than is wanted: one long break,
  /// after which the delay is what it was, instead of many with a delay that stays.
  bool is_behind(size_t block) {
    if (ring_.room() < block)
      is_behind_ = true;
    else if (waiting_ <= reserve_.size() + block / 2)
      is_behind_ = false;
    if (is_behind_) clock_.forget();
    return is_behind_;
  }

  /// A block as long as the device's clock wants it. Where there was nothing for it twice in a row, silence comes
  /// first, as in the beginning: once more is better than from now on with each block.
  std::span<const float> in_step(std::span<const float> block) {
    if (ring_.held() > 0) {
      was_empty_ = false;
    } else if (std::exchange(was_empty_, !was_empty_)) {
      ring_.push(reserve_);
      clock_.forget();
    }
    const int64_t more = clock_.next(waiting_, block.size());
    if (more == 0) return block;
    inserted_ += more;
    stretched_.resize(static_cast<size_t>(static_cast<int64_t>(block.size()) + more));
    stretch(block, stretched_);
    return stretched_;
  }

  /// Called by the device's thread, which must not wait.
  static int give(const void* /*in*/, void* out, unsigned long frames,
                  const PaStreamCallbackTimeInfo* /*time*/, PaStreamCallbackFlags flags, void* user) {
    auto& self = *static_cast<DeviceOutput*>(user);
    auto* const samples = static_cast<float*>(out);
    const size_t given = self.ring_.pop({samples, frames});
    if (!self.is_over_) {
      self.program_gaps_.add(given < frames);
      self.device_gaps_.add((flags & paOutputUnderflow) != 0);
    }
    std::fill(samples + given, samples + frames, 0.0F);
    if (self.channels_ == 2)  // from the end on, each to both sides
      for (size_t i = frames; i-- > 0;) samples[2 * i] = samples[2 * i + 1] = samples[i];
    return paContinue;
  }

  int rate_;
  int channels_;
  WhenFull when_full_;
  std::vector<float> reserve_;  ///< silence
  std::vector<float> stretched_;
  ClockFollower clock_;
  size_t waiting_ = 0;  ///< samples, when the last block came
  int64_t inserted_ = 0;
  int64_t skipped_ = 0;
  bool is_started_ = false;
  bool was_empty_ = false;  ///< when the last block came
  bool is_behind_ = false;
  bool is_lost_ = false;
  SampleRing ring_;
  GapCounter device_gaps_;
  GapCounter program_gaps_;
  std::atomic<bool> is_over_ = false;
  DeviceStream stream_;  // last: its thread uses the others
};

}  // namespace

std::vector<AudioDevice> audio_devices() {
  const PortAudioLibrary& library = portaudio();
  std::vector<AudioDevice> devices;
  for (int number = 0; number < library.GetDeviceCount(); ++number) {
    const PaDeviceInfo* info = library.GetDeviceInfo(number);
    if (info == nullptr) continue;
    const PaHostApiInfo* system = library.GetHostApiInfo(info->hostApi);
    devices.push_back({number, info->name, system == nullptr ? "" : system->name, info->maxInputChannels,
                       info->maxOutputChannels, info->defaultSampleRate,
                       number == library.GetDefaultInputDevice(),
                       number == library.GetDefaultOutputDevice()});
  }
  return devices;
}

std::unique_ptr<LiveSource> device_input(const AudioDevice& device, int rate, size_t block) {
  return std::make_unique<DeviceInput>(device, rate, block);
}

std::unique_ptr<LiveSink> device_output(const AudioDevice& device, int rate, size_t block,
                                        WhenFull when_full) {
  return std::make_unique<DeviceOutput>(device, rate, block, when_full);
}

}  // namespace contentvec::cli
