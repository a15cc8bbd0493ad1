#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>

#include "audio/byte_source.h"
#include "audio/contents.h"
#include "audio/decoder.h"
#include "audio/levels.h"
#include "audio/resampler.h"
#include "contentvec/audio.h"
#include "runtime/fail.h"

namespace contentvec {
namespace {

constexpr std::array<std::string_view, 19> kExtensions = {
    ".wav", ".wave", ".bwf", ".rf64", ".bw64", ".w64", ".aif",  ".aiff", ".aifc", ".au",
    ".snd", ".caf",  ".voc", ".flac", ".ogg",  ".oga", ".opus", ".mp3",  ".mp2"};

/// What a file may become. A few bytes can stand for hours of silence, so that nothing in the file itself
/// bounds this: small files may become little, those of hours of true silence as much as that, and long
/// recordings so much for each of their bytes as no codec for speech exceeds.
struct Limit {
  int64_t of_any_file;
  int64_t of_silence, per_byte_of_silence;
  int64_t per_byte;
  [[nodiscard]] int64_t of(int64_t bytes) const {
    return std::max({of_any_file, std::min(of_silence, bytes * per_byte_of_silence), bytes * per_byte});
  }
};
constexpr int64_t kHour = int64_t{3600} * kSampleRate;
constexpr Limit kSamples{kHour, 6 * kHour, 1024, 64};  // of the waveform
constexpr Limit kValues{int64_t{1} << 28, int64_t{1} << 31, 1024,
                        256};  // frames x channels, as they are decoded

/// Decodes the streams of a file and puts them together.
class Loading {
 public:
  Loading(audio::ByteSource& source, std::string doing) : size_(source.size()), doing_(std::move(doing)) {
    auto contents = audio::find_contents(source, doing_);
    result_.warnings = std::move(contents.warnings);
    for (audio::Stream& stream : contents.streams) load(std::move(stream));
    append_resampled();
    for (std::string& warning : levels_.warnings(result_.source_rate))
      result_.warnings.push_back(std::move(warning));
  }

  Audio take() { return std::move(result_); }

 private:
  void load(audio::Stream stream) {
    audio::Decoder decoder(std::move(stream), doing_);
    if (decoder.rate() != rate_) {
      append_resampled();
      rate_ = decoder.rate();
      if (result_.source_rate == 0) result_.source_rate = rate_;
      resampler_.emplace(rate_, kSampleRate);
    }
    for (auto block = decoder.next(); !block.empty(); block = decoder.next()) {
      resampler_->push(block);
      levels_.add(decoder.channels(), block);
      values_ += static_cast<int64_t>(decoder.channels().size());
      check_limits();
    }
  }

  void append_resampled() {
    if (!resampler_) return;
    std::vector<float> more = resampler_->finish();
    resampler_.reset();
    if (result_.waveform.empty()) {
      result_.waveform = std::move(more);
    } else {
      result_.waveform.insert(result_.waveform.end(), more.begin(), more.end());
    }
  }

  void check_limits() const {
    const int64_t samples = static_cast<int64_t>(result_.waveform.size()) + resampler_->size();
    if (const int64_t most = kSamples.of(size_); samples > most) {
      fail(
          "{}: its {} bytes become more than {:.1f} hours of sound, the limit for a file of this size; "
          "decode it by other means, such as `ffmpeg -i in.xyz out.wav`, if this is true",
          doing_, size_, static_cast<double>(most) / kHour);
    }
    if (const int64_t most = kValues.of(size_); values_ > most) {
      fail(
          "{}: its {} bytes become more than {} samples, the limit for a file of this size; decode it by "
          "other means, such as `ffmpeg -i in.xyz out.wav`, if this is true",
          doing_, size_, most);
    }
  }

  int64_t size_;  ///< bytes of the file
  std::string doing_;
  Audio result_;
  audio::Levels levels_;
  std::optional<audio::Resampler> resampler_;  ///< for streams of one rate, one after the other
  int rate_ = 0;
  int64_t values_ = 0;
};

std::string doing_with(const std::filesystem::path& path) {
  return "cannot read audio from " +
         (path == "-" ? std::string("standard input") : fmt::format("'{}'", path.string()));
}

}  // namespace

Audio read_audio(const std::filesystem::path& path) {
  const std::string doing = doing_with(path);
  return Loading(*audio::open_source(path, doing), doing).take();
}

Audio read_audio(std::span<const std::byte> file, std::string_view name) {
  const std::string doing = fmt::format("cannot read audio from '{}'", name);
  if (file.empty()) fail("{}: it is empty; expected the bytes of an audio file", doing);
  return Loading(*audio::memory_source(file), doing).take();
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
  const auto source = audio::open_source(path, doing);
  return audio::Decoder(std::move(audio::find_contents(*source, doing).streams.front()), doing).rate();
}

}  // namespace contentvec
