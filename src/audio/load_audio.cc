#include <array>
#include <string>
#include <utility>

#include "audio/byte_source.h"
#include "audio/decoder.h"
#include "audio/resampler.h"
#include "contentvec/audio.h"
#include "runtime/fail.h"

namespace contentvec {
namespace {

constexpr std::array<std::string_view, 19> kExtensions = {
    ".wav", ".wave", ".bwf", ".rf64", ".bw64", ".w64", ".aif",  ".aiff", ".aifc", ".au",
    ".snd", ".caf",  ".voc", ".flac", ".ogg",  ".oga", ".opus", ".mp3",  ".mp2"};

Audio decode_and_resample(std::unique_ptr<audio::ByteSource> source, std::string doing) {
  audio::Decoder decoder(std::move(source), std::move(doing));
  audio::Resampler resampler(decoder.rate(), kSampleRate);
  for (auto block = decoder.next(); !block.empty(); block = decoder.next()) resampler.push(block);
  return {resampler.finish(), decoder.rate(), {}};
}

std::string doing_with(const std::filesystem::path& path) {
  return "cannot read audio from " +
         (path == "-" ? std::string("standard input") : fmt::format("'{}'", path.string()));
}

}  // namespace

Audio read_audio(const std::filesystem::path& path) {
  const std::string doing = doing_with(path);
  return decode_and_resample(audio::open_source(path, doing), doing);
}

Audio read_audio(std::span<const std::byte> file, std::string_view name) {
  const std::string doing = fmt::format("cannot read audio from '{}'", name);
  if (file.empty()) fail("{}: it is empty; expected the bytes of an audio file", doing);
  return decode_and_resample(audio::memory_source(file), doing);
}

std::vector<float> load_audio(const std::filesystem::path& path) {
  return read_audio(path).waveform;
}

std::vector<float> load_audio(std::span<const std::byte> file, std::string_view name) {
  return read_audio(file, name).waveform;
}

std::span<const std::string_view> audio_extensions() {
  return kExtensions;
}

int audio_rate(const std::filesystem::path& path) {
  const std::string doing = doing_with(path);
  return audio::Decoder(audio::open_source(path, doing), doing).rate();
}

}  // namespace contentvec
