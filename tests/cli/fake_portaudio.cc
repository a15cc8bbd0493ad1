// PortAudio's functions over three files: an input device that gives one's samples and then silence, and two output
// devices that keep what they are given in the others, all at their own pace, the output CONTENTVEC_FAKE_SPEED times
// as fast as it should be. The loader takes it for PortAudio by its file's name. CONTENTVEC_FAKE_FAULT says what goes
// wrong after 500 ms: "input lost", "input stalled", "input paused" (for half a second), "input flagged" (it says that
// it lost something, for half a second), and the same for "output" and "monitor".

#include <portaudio.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr int kMicrophone = 0;
constexpr int kLoudspeaker = 1;
constexpr int kHeadphones = 2;
constexpr const char* kSides[] = {"input", "output", "monitor"};

PaDeviceInfo device(const char* name, int inputs, int outputs) {
  PaDeviceInfo info = {};
  info.structVersion = 2;
  info.name = name;
  info.maxInputChannels = inputs;
  info.maxOutputChannels = outputs;
  info.defaultSampleRate = 16000;
  return info;
}

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

class FakeStream {
 public:
  FakeStream(int device, int channels, double rate, PaStreamCallback* callback, void* user)
      : side_(kSides[device]),
        is_input_(device == kMicrophone),
        channels_(static_cast<size_t>(channels)),
        frames_(static_cast<size_t>(rate / 100)),
        callback_(callback),
        user_(user) {}
  ~FakeStream() { stop(); }
  FakeStream(const FakeStream&) = delete;
  FakeStream& operator=(const FakeStream&) = delete;

  void start() {
    is_active_ = true;
    thread_ = std::thread([this] { play(); });
  }
  void stop() {
    if (!thread_.joinable()) return;
    is_stopping_ = true;
    thread_.join();
    is_active_ = false;
  }
  [[nodiscard]] bool is_active() const { return is_active_; }

 private:
  void play() {
    const std::string fault = variable("CONTENTVEC_FAKE_FAULT");
    std::ifstream in;
    std::ofstream out;
    if (is_input_)
      in.open(variable("CONTENTVEC_FAKE_INPUT"), std::ios::binary);
    else
      out.open(variable(side_ == "output" ? "CONTENTVEC_FAKE_OUTPUT" : "CONTENTVEC_FAKE_MONITOR"),
               std::ios::binary);
    const std::string speed = side_ == "output" ? variable("CONTENTVEC_FAKE_SPEED") : "";
    const auto lasts =
        std::chrono::nanoseconds(static_cast<int64_t>(1e7 / (speed.empty() ? 1 : std::stod(speed))));
    auto due = std::chrono::steady_clock::now();
    for (int period = 1; !is_stopping_; ++period) {
      std::this_thread::sleep_until(due += lasts);
      if (period > 50) {
        if (fault == side_ + " lost") {
          is_active_ = false;
          return;
        }
        if (fault == side_ + " stalled" || (fault == side_ + " paused" && period <= 100)) continue;
      }
      const bool is_flagged = fault == side_ + " flagged" && period > 50 && period <= 100;
      const PaStreamCallbackFlags flag = is_input_ ? paInputOverflow : paOutputUnderflow;
      std::vector<float> samples(frames_ * channels_);
      const auto bytes = static_cast<std::streamsize>(samples.size() * sizeof(float));
      if (is_input_) in.read(reinterpret_cast<char*>(samples.data()), bytes);
      callback_(is_input_ ? samples.data() : nullptr, is_input_ ? nullptr : samples.data(), frames_, nullptr,
                is_flagged ? flag : 0, user_);
      if (!is_input_) out.write(reinterpret_cast<const char*>(samples.data()), bytes);
    }
  }

  std::string side_;
  bool is_input_;
  size_t channels_;
  size_t frames_;
  PaStreamCallback* callback_;
  void* user_;
  std::atomic<bool> is_active_ = false;
  std::atomic<bool> is_stopping_ = false;
  std::thread thread_;
};

FakeStream* stream_of(PaStream* stream) {
  return static_cast<FakeStream*>(stream);
}

}  // namespace

extern "C" {

PaError Pa_Initialize(void) {
  return paNoError;
}
PaError Pa_Terminate(void) {
  return paNoError;
}
const char* Pa_GetErrorText(PaError error) {
  return error == paInvalidSampleRate ? "Invalid sample rate" : "Something";
}
PaDeviceIndex Pa_GetDeviceCount(void) {
  return 3;
}
PaDeviceIndex Pa_GetDefaultInputDevice(void) {
  return kMicrophone;
}
PaDeviceIndex Pa_GetDefaultOutputDevice(void) {
  return kLoudspeaker;
}
const PaDeviceInfo* Pa_GetDeviceInfo(PaDeviceIndex number) {
  static const PaDeviceInfo microphone = device("Fake Microphone", 1, 0);
  static const PaDeviceInfo loudspeaker = device("Fake Loudspeaker", 0, 2);
  static const PaDeviceInfo headphones = device("Fake Headphones", 0, 1);
  return number == kMicrophone ? &microphone : number == kLoudspeaker ? &loudspeaker : &headphones;
}
const PaHostApiInfo* Pa_GetHostApiInfo(PaHostApiIndex /*number*/) {
  static const PaHostApiInfo info = {1, paInDevelopment, "Fake", 3, kMicrophone, kLoudspeaker};
  return &info;
}
PaError Pa_OpenStream(PaStream** stream, const PaStreamParameters* input, const PaStreamParameters* output,
                      double rate, unsigned long /*frames*/, PaStreamFlags /*flags*/,
                      PaStreamCallback* callback, void* user) {
  if (rate != 16000) return paInvalidSampleRate;
  const PaStreamParameters& parameters = input != nullptr ? *input : *output;
  *stream = new FakeStream(parameters.device, parameters.channelCount, rate, callback, user);
  return paNoError;
}
PaError Pa_StartStream(PaStream* stream) {
  stream_of(stream)->start();
  return paNoError;
}
PaError Pa_AbortStream(PaStream* stream) {
  stream_of(stream)->stop();
  return paNoError;
}
PaError Pa_CloseStream(PaStream* stream) {
  delete stream_of(stream);
  return paNoError;
}
PaError Pa_IsStreamActive(PaStream* stream) {
  return stream_of(stream)->is_active() ? 1 : 0;
}
const PaStreamInfo* Pa_GetStreamInfo(PaStream* /*stream*/) {
  static const PaStreamInfo info = {1, 0.01, 0.01, 16000};
  return &info;
}

}  // extern "C"
