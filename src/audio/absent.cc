// Stands in for audio files in a build that leaves them out: waveforms come from the caller.

#include "contentvec/audio.h"
#include "runtime/fail.h"

namespace contentvec {
namespace {

[[noreturn]] void fail_absent(std::string_view doing) {
  fail(
      "cannot {}: this build leaves out audio files and resampling (CONTENTVEC_AUDIO=OFF). Give the model 16 "
      "kHz mono samples, or build again with -DCONTENTVEC_AUDIO=ON",
      doing);
}

}  // namespace

Audio read_audio(const std::filesystem::path& path, const AudioReadOptions& /*options*/) {
  fail_absent(fmt::format("read audio from '{}'", path.string()));
}

Audio read_audio(std::span<const std::byte> /*file*/, std::string_view name,
                 const AudioReadOptions& /*options*/) {
  fail_absent(fmt::format("read audio from '{}'", name));
}

std::vector<float> load_audio(const std::filesystem::path& path) {
  return read_audio(path).waveform;
}

std::vector<float> load_audio(std::span<const std::byte> file, std::string_view name) {
  return read_audio(file, name).waveform;
}

AudioChannels read_audio_channels(const std::filesystem::path& path) {
  fail_absent(fmt::format("read audio from '{}'", path.string()));
}

void write_audio(const std::filesystem::path& path, std::span<const std::span<const float>> /*channels*/,
                 int /*rate*/, const AudioFileOptions& /*options*/) {
  fail_absent(fmt::format("write '{}'", path.string()));
}

int audio_rate(const std::filesystem::path& path) {
  fail_absent(fmt::format("read audio from '{}'", path.string()));
}

int audio_channel_count(const std::filesystem::path& path) {
  return audio_rate(path);
}

void check_audio(const std::filesystem::path& path) {
  (void)audio_rate(path);
}

std::span<const std::string_view> audio_extensions() {
  return {};
}

std::vector<float> resample(std::span<const float> /*waveform*/, int from_rate, int to_rate) {
  fail_absent(fmt::format("resample from {} to {} Hz", from_rate, to_rate));
}

}  // namespace contentvec
