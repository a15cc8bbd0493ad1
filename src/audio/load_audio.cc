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

/// What becomes of the channels.
enum class Keep {
  kMean,  ///< one waveform of 16 kHz
  kEach,  ///< as they are, at the rate of the file's first stream
};

/// Decodes the streams of a file and puts them together.
class Loading {
 public:
  Loading(audio::ByteSource& source, std::string doing, Keep keep, const AudioReadOptions& options = {})
      : size_(source.size()), doing_(std::move(doing)), keep_(keep), options_(options) {
    auto contents = audio::find_contents(source, doing_);
    warnings_ = std::move(contents.warnings);
    for (audio::Stream& stream : contents.streams) load(std::move(stream));
    append_resampled();
    for (std::string& warning : levels_.warnings(source_rate_)) warnings_.push_back(std::move(warning));
  }

  Audio take_mean() { return {std::move(lanes_.front().samples), source_rate_, std::move(warnings_)}; }

  AudioChannels take_channels() {
    AudioChannels audio = {{}, source_rate_, std::move(warnings_)};
    for (Lane& lane : lanes_) audio.channels.push_back(std::move(lane.samples));
    return audio;
  }

 private:
  /// One waveform of the result.
  struct Lane {
    std::vector<float> samples;
    std::optional<audio::Resampler> resampler;  ///< for streams of one rate, one after the other
  };

  void load(audio::Stream stream) {
    audio::Decoder decoder(std::move(stream), doing_);
    settle_lanes(decoder);
    if (decoder.rate() != rate_) {
      append_resampled();
      rate_ = decoder.rate();
      for (Lane& lane : lanes_) lane.resampler.emplace(rate_, target_rate());
    }
    for (auto block = decoder.next(); !block.empty(); block = decoder.next()) {
      push(decoder, block);
      levels_.add(decoder.channels(), block);
      values_ += static_cast<int64_t>(decoder.channels().size());
      check_limits();
    }
  }

  void settle_lanes(const audio::Decoder& decoder) {
    const size_t lanes = keep_ == Keep::kMean ? 1 : static_cast<size_t>(decoder.channel_count());
    if (source_rate_ == 0) {
      source_rate_ = decoder.rate();
      lanes_.resize(lanes);
    }
    if (lanes != lanes_.size()) {
      fail(
          "{}: files with {} and with {} channels are joined in it; expected the same number in each; average the "
          "channels, or take the file apart",
          doing_, lanes_.size(), lanes);
    }
  }

  void push(const audio::Decoder& decoder, std::span<const float> mean) {
    if (keep_ == Keep::kMean) return lanes_.front().resampler->push(mean);
    const std::span<const float> interleaved = decoder.channels();
    for (size_t channel = 0; channel < lanes_.size(); ++channel) {
      one_channel_.resize(mean.size());
      for (size_t t = 0; t < mean.size(); ++t) one_channel_[t] = interleaved[t * lanes_.size() + channel];
      lanes_[channel].resampler->push(one_channel_);
    }
  }

  void append_resampled() {
    for (Lane& lane : lanes_) {
      if (!lane.resampler) continue;
      std::vector<float> more = lane.resampler->finish();
      lane.resampler.reset();
      if (lane.samples.empty()) {
        lane.samples = std::move(more);
      } else {
        lane.samples.insert(lane.samples.end(), more.begin(), more.end());
      }
    }
  }

  [[nodiscard]] int target_rate() const { return keep_ == Keep::kMean ? kSampleRate : source_rate_; }

  void check_limits() const {
    const Lane& lane = lanes_.front();
    const int64_t samples = static_cast<int64_t>(lane.samples.size()) + lane.resampler->size();
    if (options_.max_seconds && static_cast<double>(samples) > *options_.max_seconds * target_rate())
      fail("{}: it is longer than {:g} seconds, which are the most that are taken here", doing_,
           *options_.max_seconds);
    if (const int64_t most = kSamples.of(size_); samples > most * target_rate() / kSampleRate) {
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
  Keep keep_;
  AudioReadOptions options_;
  std::vector<Lane> lanes_;
  std::vector<float> one_channel_;  ///< of a block
  std::vector<std::string> warnings_;
  audio::Levels levels_;
  int source_rate_ = 0;  ///< of the first stream
  int rate_ = 0;         ///< of the stream at hand
  int64_t values_ = 0;
};

std::string doing_with(const std::filesystem::path& path) {
  return "cannot read audio from " +
         (path == "-" ? std::string("standard input") : fmt::format("'{}'", path.string()));
}

/// What its header says of a file's first stream.
int of_first_stream(const std::filesystem::path& path, int (audio::Decoder::*what)() const) {
  const std::string doing = doing_with(path);
  const auto source = audio::open_source(path, doing);
  const audio::Decoder decoder(std::move(audio::find_contents(*source, doing).streams.front()), doing);
  return (decoder.*what)();
}

}  // namespace

Audio read_audio(const std::filesystem::path& path, const AudioReadOptions& options) {
  const std::string doing = doing_with(path);
  return Loading(*audio::open_source(path, doing), doing, Keep::kMean, options).take_mean();
}

AudioChannels read_audio_channels(const std::filesystem::path& path) {
  const std::string doing = doing_with(path);
  return Loading(*audio::open_source(path, doing), doing, Keep::kEach).take_channels();
}

Audio read_audio(std::span<const std::byte> file, std::string_view name, const AudioReadOptions& options) {
  const std::string doing = fmt::format("cannot read audio from '{}'", name);
  if (file.empty()) fail("{}: it is empty; expected the bytes of an audio file", doing);
  return Loading(*audio::memory_source(file), doing, Keep::kMean, options).take_mean();
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
  return of_first_stream(path, &audio::Decoder::rate);
}

int audio_channel_count(const std::filesystem::path& path) {
  return of_first_stream(path, &audio::Decoder::channel_count);
}

void check_audio(const std::filesystem::path& path) {
  const std::string doing = doing_with(path);
  const auto source = audio::open_source(path, doing);
  for (audio::Stream& stream : audio::find_contents(*source, doing).streams) {
    audio::Decoder decoder(std::move(stream), doing);
    while (!decoder.next().empty()) {
    }
  }
}

}  // namespace contentvec
