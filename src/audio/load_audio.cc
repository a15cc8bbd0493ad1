#include <string>
#include <utility>

#include "audio/byte_source.h"
#include "audio/decoder.h"
#include "audio/resampler.h"
#include "contentvec/audio.h"
#include "runtime/fail.h"

namespace contentvec {
namespace {

std::vector<float> decode_and_resample(std::unique_ptr<audio::ByteSource> source, std::string doing) {
  audio::Decoder decoder(std::move(source), std::move(doing));
  audio::Resampler resampler(decoder.rate(), kSampleRate);
  for (auto block = decoder.next(); !block.empty(); block = decoder.next()) resampler.push(block);
  return resampler.finish();
}

std::string doing_with(const std::filesystem::path& path) {
  return "cannot read audio from " +
         (path == "-" ? std::string("standard input") : fmt::format("'{}'", path.string()));
}

}  // namespace

std::vector<float> load_audio(const std::filesystem::path& path) {
  const std::string doing = doing_with(path);
  return decode_and_resample(audio::open_source(path, doing), doing);
}

std::vector<float> load_audio(std::span<const std::byte> file, std::string_view name) {
  const std::string doing = fmt::format("cannot read audio from '{}'", name);
  if (file.empty()) fail("{}: it is empty; expected the bytes of an audio file", doing);
  return decode_and_resample(audio::memory_source(file), doing);
}

int audio_rate(const std::filesystem::path& path) {
  const std::string doing = doing_with(path);
  return audio::Decoder(audio::open_source(path, doing), doing).rate();
}

}  // namespace contentvec
