#include "cli/devices/devices.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>
#include <utility>

#include "cli/devices/portaudio_library.h"
#include "cli/devices/sample_ring.h"
#include "cli/fail.h"

namespace contentvec::cli {
namespace {

using Clock = std::chrono::steady_clock;

/// How long a device may take and give nothing before it counts as gone.
constexpr auto kPatience = std::chrono::seconds(3);
/// How often a thread looks whether its samples are there: the device's own thread must not wake it.
constexpr auto kPoll = std::chrono::milliseconds(1);

/// An open stream of PortAudio's in one direction.
class DeviceStream {
 public:
  DeviceStream(const AudioDevice& device, Direction direction, int channels, int rate,
               PaStreamCallback* callback, void* user)
      : name_(device.name), is_input_(direction == Direction::kInput) {
    const PaDeviceInfo* info = portaudio().GetDeviceInfo(device.number);
    if (info == nullptr) fail("device {} is gone", device.name);
    const PaStreamParameters parameters = {
        device.number, channels, paFloat32,
        is_input_ ? info->defaultLowInputLatency : info->defaultLowOutputLatency, nullptr};
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
  }

  /// Waits until `is_ready`, as long as `progress` changes. Throws Error where the device has stopped or stalls.
  template <typename Ready, typename Progress>
  void wait(Ready is_ready, Progress progress) {
    size_t last = progress();
    Clock::time_point since = Clock::now();
    while (!is_ready()) {
      if (portaudio().IsStreamActive(stream_) != 1)
        fail("the {} has stopped: see whether it is still plugged in", what());
      if (const size_t now = progress(); now != last) {
        last = now;
        since = Clock::now();
      } else if (Clock::now() - since > kPatience) {
        fail(
            "the {} has {} nothing for {} seconds: see whether it is plugged in and not held by another program",
            what(), is_input_ ? "given" : "taken", kPatience.count());
      }
      std::this_thread::sleep_for(kPoll);
    }
  }

  /// From when a sample is handed over to when it is heard.
  [[nodiscard]] std::chrono::duration<double> output_latency() const {
    const PaStreamInfo* info = portaudio().GetStreamInfo(stream_);
    return std::chrono::duration<double>(info == nullptr ? 0 : std::clamp(info->outputLatency, 0.0, 1.0));
  }

 private:
  [[nodiscard]] std::string what() const {
    return fmt::format("{} device \"{}\"", is_input_ ? "input" : "output", name_);
  }

  std::string name_;
  bool is_input_;
  bool is_started_ = false;
  PaStream* stream_ = nullptr;
};

class DeviceInput final : public LiveSource {
 public:
  DeviceInput(const AudioDevice& device, int rate, size_t block)
      : ring_(4 * block), stream_(device, Direction::kInput, 1, rate, &DeviceInput::take, this) {}

  size_t read(std::span<float> block) override {
    stream_.start();
    stream_.wait([&] { return ring_.held() >= block.size() || asked_to_stop(); },
                 [&] { return ring_.pushed(); });
    // Where it stops, a whole block would not look like the end.
    return ring_.pop(asked_to_stop() ? block.first(block.size() - 1) : block);
  }
  [[nodiscard]] int64_t gaps() const override { return gaps_; }

 private:
  /// Called by the device's thread, which must not wait.
  static int take(const void* in, void* /*out*/, unsigned long frames,
                  const PaStreamCallbackTimeInfo* /*time*/, PaStreamCallbackFlags flags, void* user) {
    auto& self = *static_cast<DeviceInput*>(user);
    const size_t taken = in == nullptr ? 0 : self.ring_.push({static_cast<const float*>(in), frames});
    if (taken < frames || (flags & paInputOverflow) != 0) ++self.gaps_;
    return paContinue;
  }

  SampleRing ring_;
  std::atomic<int64_t> gaps_ = 0;
  DeviceStream stream_;  // last: its thread uses the others
};

class DeviceOutput final : public LiveSink {
 public:
  DeviceOutput(const AudioDevice& device, int rate, size_t block)
      : channels_(std::min(device.outputs, 2)),
        ring_(block / 2 + 2 * block),
        stream_(device, Direction::kOutput, channels_, rate, &DeviceOutput::give, this) {
    ring_.push(std::vector<float>(block / 2));
  }

  void write(std::span<const float> block) override {
    try {
      while (true) {
        block = block.subspan(ring_.push(block));
        stream_.start();
        if (block.empty()) return;
        const size_t before = ring_.popped();
        stream_.wait([&] { return ring_.popped() != before; }, [&] { return ring_.popped(); });
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
    std::this_thread::sleep_for(stream_.output_latency());
  }
  [[nodiscard]] int64_t gaps() const override { return gaps_; }

 private:
  /// Called by the device's thread, which must not wait.
  static int give(const void* /*in*/, void* out, unsigned long frames,
                  const PaStreamCallbackTimeInfo* /*time*/, PaStreamCallbackFlags flags, void* user) {
    auto& self = *static_cast<DeviceOutput*>(user);
    auto* const samples = static_cast<float*>(out);
    const size_t given = self.ring_.pop({samples, frames});
    if ((given < frames || (flags & paOutputUnderflow) != 0) && !self.is_over_) ++self.gaps_;
    std::fill(samples + given, samples + frames, 0.0F);
    if (self.channels_ == 2)  // from the end on, each to both sides
      for (size_t i = frames; i-- > 0;) samples[2 * i] = samples[2 * i + 1] = samples[i];
    return paContinue;
  }

  int channels_;
  SampleRing ring_;
  std::atomic<int64_t> gaps_ = 0;
  std::atomic<bool> is_over_ = false;
  bool is_lost_ = false;
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

std::unique_ptr<LiveSink> device_output(const AudioDevice& device, int rate, size_t block) {
  return std::make_unique<DeviceOutput>(device, rate, block);
}

}  // namespace contentvec::cli
