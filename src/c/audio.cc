// Audio files of the C interface.

#include "contentvec/audio.h"

#include <array>

#include "c/guard.h"
#include "c/handles.h"

using contentvec::c::guarded;
using contentvec::c::needed;

namespace {

contentvec::AudioEncoding encoding_of(contentvec_encoding encoding) {
  using contentvec::AudioEncoding;
  constexpr std::array kEncodings = {AudioEncoding::kPcm16, AudioEncoding::kPcm24, AudioEncoding::kFloat};
  if (encoding < CONTENTVEC_PCM16 || encoding > CONTENTVEC_FLOAT)
    throw contentvec::c::InvalidArgument("no encoding has the number " + std::to_string(encoding));
  return kEncodings[static_cast<size_t>(encoding)];
}

}  // namespace

contentvec_status contentvec_audio_load(const char* path, contentvec_audio** audio) {
  return guarded([&] {
    needed(audio, "audio");
    *audio = new contentvec_audio{contentvec::read_audio(&needed(path, "path"))};
  });
}

contentvec_status contentvec_audio_load_memory(const void* file, size_t size, const char* name,
                                               contentvec_audio** audio) {
  return guarded([&] {
    needed(audio, "audio");
    contentvec::c::check_array(file, size, "file");
    const std::span bytes(static_cast<const std::byte*>(file), size);
    *audio = new contentvec_audio{contentvec::read_audio(bytes, name == nullptr ? "memory" : name)};
  });
}

contentvec_status contentvec_audio_resample(const float* waveform, int64_t count, int32_t from_rate,
                                            contentvec_audio** audio) {
  return guarded([&] {
    needed(audio, "audio");
    const size_t size = contentvec::c::checked_count(count, "count");
    contentvec::c::check_array(waveform, size, "waveform");
    *audio = new contentvec_audio{
        {.waveform = contentvec::resample(std::span(waveform, size), from_rate), .source_rate = from_rate}};
  });
}

contentvec_status contentvec_audio_new(const float* waveform, int64_t count, int32_t rate,
                                       contentvec_audio** audio) {
  return guarded([&] {
    needed(audio, "audio");
    const size_t size = contentvec::c::checked_count(count, "count");
    contentvec::c::check_array(waveform, size, "waveform");
    if (rate < 1 || rate > contentvec::kHighestRate)
      throw contentvec::c::InvalidArgument("a rate of " + std::to_string(rate) +
                                           " Hz; expected 1 to 1000000");
    *audio = new contentvec_audio{{.waveform = {waveform, waveform + size}, .source_rate = rate}, rate};
  });
}

const float* contentvec_audio_waveform(const contentvec_audio* audio) {
  return audio == nullptr ? nullptr : audio->audio.waveform.data();
}

int64_t contentvec_audio_samples(const contentvec_audio* audio) {
  return audio == nullptr ? 0 : static_cast<int64_t>(audio->audio.waveform.size());
}

int32_t contentvec_audio_rate(const contentvec_audio* audio) {
  return audio == nullptr ? 0 : audio->rate;
}

int32_t contentvec_audio_source_rate(const contentvec_audio* audio) {
  return audio == nullptr ? 0 : audio->audio.source_rate;
}

const char* contentvec_audio_warning(const contentvec_audio* audio, size_t index) {
  if (audio == nullptr || index >= audio->audio.warnings.size()) return nullptr;
  return audio->audio.warnings[index].c_str();
}

contentvec_status contentvec_audio_save(const contentvec_audio* audio, const char* path,
                                        contentvec_encoding encoding) {
  return guarded([&] {
    const std::span<const float> waveform = needed(audio, "audio").audio.waveform;
    contentvec::write_audio(&needed(path, "path"), std::span(&waveform, 1), audio->rate,
                            {.encoding = encoding_of(encoding)});
  });
}

void contentvec_audio_free(contentvec_audio* audio) {
  delete audio;
}
