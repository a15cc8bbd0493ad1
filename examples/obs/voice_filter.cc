// A voice changer as a filter of OBS's audio sources: the skeleton of one. What it loads is in the file that
// $CONTENTVEC_CONFIG names (examples/lv2/contentvec.conf is one). Key and bypass are its properties. OBS's log says by
// how much the sound is later; a render delay holds the picture back as long.

#include <contentvec/contentvec.h>
#include <obs-module.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <exception>

#include "block_worker.h"
#include "load_stream.h"

OBS_DECLARE_MODULE()

namespace {

class VoiceFilter {
 public:
  VoiceFilter(const char* configuration, uint32_t rate)
      : stream_(load_stream(configuration, rate)),
        worker_(stream_.block(), [this](const float* in, float* out) { convert(in, out); }) {
    const int64_t late = worker_.latency() + stream_.latency() - stream_.block();
    blog(LOG_INFO, "contentvec: heard %d ms later", static_cast<int>(1000 * late / rate));
    worker_.start();
  }

  void update(double key, bool bypass) {
    key_ = key;
    bypass_ = bypass;
  }

  /// In the audio thread: all channels become the voice, of their mean.
  void filter(obs_audio_data& audio) {
    auto* const* channels = reinterpret_cast<float**>(audio.data);
    const auto* const end = std::find(channels, channels + MAX_AV_PLANES, nullptr);
    if (channels == end) return;
    const auto count = static_cast<float>(end - channels);
    float* mono = channels[0];
    for (uint32_t i = 0; i < audio.frames; ++i) {
      float sum = 0;
      for (auto* const* channel = channels; channel != end; ++channel) sum += (*channel)[i];
      mono[i] = sum / count;
    }
    worker_.run(mono, mono, audio.frames, false);
    for (auto* const* channel = channels + 1; channel != end; ++channel)
      std::copy_n(mono, audio.frames, *channel);
  }

 private:
  void convert(const float* in, float* out) {
    contentvec::StreamSettings settings = stream_.settings();
    if (settings.key != key_ || settings.bypass != bypass_) {
      settings.key = key_;
      settings.bypass = bypass_;
      stream_.set(settings);
    }
    const auto block = static_cast<size_t>(stream_.block());
    stream_.process({in, block}, {out, block});  // what fails is silent
  }

  contentvec::VoiceStream stream_;
  std::atomic<double> key_ = 0;
  std::atomic<bool> bypass_ = false;
  BlockWorker worker_;  // the last: its thread ends before the stream does
};

VoiceFilter* filter_of(void* data) {
  return static_cast<VoiceFilter*>(data);
}

void update(void* data, obs_data_t* settings) {
  filter_of(data)->update(obs_data_get_double(settings, "key"), obs_data_get_bool(settings, "bypass"));
}

void* create(obs_data_t* settings, obs_source_t* /*source*/) {
  try {
    const char* configuration = std::getenv("CONTENTVEC_CONFIG");
    if (configuration == nullptr) throw contentvec::Error("CONTENTVEC_CONFIG names no file");
    auto* filter = new VoiceFilter(configuration, audio_output_get_sample_rate(obs_get_audio()));
    update(filter, settings);
    return filter;
  } catch (const std::exception& error) {
    blog(LOG_ERROR, "contentvec: %s", error.what());
    return nullptr;
  }
}

obs_properties_t* properties(void* /*data*/) {
  obs_properties_t* all = obs_properties_create();
  obs_properties_add_float_slider(all, "key", "Key", -24, 24, 0.5);
  obs_properties_add_bool(all, "bypass", "Bypass");
  return all;
}

}  // namespace

bool obs_module_load() {
  obs_source_info info = {};
  info.id = "contentvec_voice";
  info.type = OBS_SOURCE_TYPE_FILTER;
  info.output_flags = OBS_SOURCE_AUDIO;
  info.get_name = [](void* /*type*/) { return "contentvec voice changer"; };
  info.create = create;
  info.destroy = [](void* data) { delete filter_of(data); };
  info.update = update;
  info.get_properties = properties;
  info.filter_audio = [](void* data, obs_audio_data* audio) {
    filter_of(data)->filter(*audio);
    return audio;
  };
  obs_register_source(&info);
  return true;
}
