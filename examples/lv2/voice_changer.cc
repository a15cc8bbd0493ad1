// A voice changer as an LV2 plug-in: a VoiceStream behind a BlockWorker. README.md says how it is installed and what
// contentvec.conf holds.

#include <contentvec/contentvec.h>
#include <lv2/core/lv2.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>

#include "block_worker.h"
#include "load_stream.h"

namespace {

enum Port : uint32_t {  // voice_changer.ttl has the same
  kInput,
  kOutput,
  kKey,
  kFormant,
  kIndexRate,
  kGate,
  kBypass,
  kLatency,
  kFreeWheeling,
  kPorts,
};

class VoiceChanger {
 public:
  VoiceChanger(const std::string& configuration, double rate)
      : stream_(load_stream(configuration, rate)),
        worker_(stream_.block(), [this](const float* in, float* out) { convert(in, out); }) {}

  void connect(uint32_t port, void* data) {
    if (port < kPorts) ports_[port] = static_cast<float*>(data);
  }

  void start() {
    stream_.reset();
    worker_.start();
  }
  void stop() { worker_.stop(); }

  /// In the audio thread: neither waits nor takes memory.
  void run(uint32_t samples) {
    for (uint32_t port = kKey; port <= kBypass; ++port)
      if (ports_[port] != nullptr) knobs_[port].store(*ports_[port], std::memory_order_relaxed);
    if (ports_[kLatency] != nullptr) *ports_[kLatency] = static_cast<float>(latency());
    if (ports_[kInput] == nullptr || ports_[kOutput] == nullptr) return;
    const bool wait = ports_[kFreeWheeling] != nullptr && *ports_[kFreeWheeling] > 0;
    worker_.run(ports_[kInput], ports_[kOutput], samples, wait);
  }

 private:
  /// The worker's two blocks, and by how much more than none the stream is late.
  [[nodiscard]] int64_t latency() const { return worker_.latency() + stream_.latency() - stream_.block(); }

  void convert(const float* in, float* out) {
    follow_knobs();
    const auto block = static_cast<size_t>(stream_.block());
    stream_.process({in, block}, {out, block});  // what fails is silent
  }

  void follow_knobs() {
    contentvec::StreamSettings settings = stream_.settings();
    settings.key = knobs_[kKey];
    settings.formant = knobs_[kFormant];
    settings.index_rate = knobs_[kIndexRate];
    settings.gate_db = knobs_[kGate];
    settings.bypass = knobs_[kBypass] > 0;
    try {
      if (knobs_changed(settings)) stream_.set(settings);
    } catch (const contentvec::Error&) {
      // A host that goes past what the port's range allows: the settings stay as they are.
    }
  }

  [[nodiscard]] bool knobs_changed(const contentvec::StreamSettings& settings) const {
    const contentvec::StreamSettings now = stream_.settings();
    return now.key != settings.key || now.formant != settings.formant ||
           now.index_rate != settings.index_rate || now.gate_db != settings.gate_db ||
           now.bypass != settings.bypass;
  }

  contentvec::VoiceStream stream_;
  std::array<float*, kPorts> ports_ = {};
  std::array<std::atomic<float>, kPorts> knobs_ = {};
  BlockWorker worker_;  // the last: its thread ends before the stream does
};

VoiceChanger* changer(LV2_Handle handle) {
  return static_cast<VoiceChanger*>(handle);
}

/// Hosts call this outside of the audio thread, and it takes as long as loading does.
LV2_Handle instantiate(const LV2_Descriptor* /*descriptor*/, double rate, const char* bundle,
                       const LV2_Feature* const* /*features*/) {
  try {
    const char* chosen = std::getenv("CONTENTVEC_LV2_CONFIG");
    return new VoiceChanger(chosen != nullptr ? chosen : std::string(bundle) + "/contentvec.conf", rate);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "contentvec voice changer: %s\n", error.what());
    return nullptr;
  }
}

const LV2_Descriptor kDescriptor = {
    "urn:contentvec:voice-changer",
    instantiate,
    [](LV2_Handle handle, uint32_t port, void* data) { changer(handle)->connect(port, data); },
    [](LV2_Handle handle) { changer(handle)->start(); },
    [](LV2_Handle handle, uint32_t samples) { changer(handle)->run(samples); },
    [](LV2_Handle handle) { changer(handle)->stop(); },
    [](LV2_Handle handle) { delete changer(handle); },
    [](const char* /*uri*/) -> const void* { return nullptr; },
};

}  // namespace

LV2_SYMBOL_EXPORT const LV2_Descriptor* lv2_descriptor(uint32_t index) {
  return index == 0 ? &kDescriptor : nullptr;
}
