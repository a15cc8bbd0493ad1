#include <algorithm>
#include <array>

#include "audio/containers.h"
#include "audio/lengths.h"
#include "audio/pieced_source.h"
#include "runtime/fail.h"

namespace contentvec::audio {
namespace {

/// How the samples of a block are to be read.
struct Format {
  uint64_t rate = 0;
  uint64_t channels = 1;
  uint64_t bits = 8;
  uint64_t codec = 0;  ///< as in the file

  bool operator==(const Format&) const = default;
};

enum Block : uint64_t {
  kEnd,
  kSound,
  kMore,
  kSilence,
  kMarker,
  kText,
  kRepeat,
  kRepeatEnd,
  kExtended,
  kNewSound
};

/// Creative's blocks become one WAV file for each run of blocks of one format. libsndfile takes everything
/// behind the first block's header for samples.
class Voc {
 public:
  explicit Voc(const Part& part) : part_(part), scan_(part.source) {}

  std::optional<Contents> contents() {
    int64_t at = part_.begin + static_cast<int64_t>(scan_.little(part_.begin + 20, 2));
    if (at < part_.begin + 26) return std::nullopt;
    while (at < part_.end) {
      const uint64_t type = scan_.little(at, 1);
      if (type == kEnd) break;
      const auto size = static_cast<int64_t>(scan_.little(at + 1, 3));
      const int64_t begin = at + 4;
      if (begin > part_.end) break;
      const int64_t end = end_of_block(type, begin, begin + size);
      missing_ += std::max<int64_t>(0, begin + size - end);
      take(type, begin, end);
      at = end;
    }
    finish_run();
    if (contents_.streams.empty()) return std::nullopt;
    if (missing_ > 0 || unannounced_ > 0) {
      const Blocks blocks{static_cast<int64_t>(frame_bytes()), 1, static_cast<int64_t>(format_.rate)};
      const auto promised = static_cast<uint64_t>(all_bytes_ + missing_ - unannounced_);
      contents_.warnings.push_back(length_warning(blocks, promised, all_bytes_));
    }
    return std::move(contents_);
  }

 private:
  /// Where a block ends that should end at `end`.
  int64_t end_of_block(uint64_t type, int64_t begin, int64_t end) {
    constexpr int64_t kForgotten = 8;  // of the twelve bytes before the samples: SoX counts four
    if (end >= part_.end) return part_.end;
    const int64_t sox_end = end + kForgotten;
    if (type == kNewSound && sox_end + 1 == part_.end && scan_.is_zero(sox_end, part_.end)) return sox_end;
    const bool is_sound = type == kSound || type == kMore || type == kNewSound;
    if (!is_sound || scan_.little(end, 1) <= kNewSound || end == begin) return end;
    unannounced_ = part_.end - end;  // no block begins there
    return part_.end;
  }

  void take(uint64_t type, int64_t begin, int64_t end) {
    switch (type) {
      case kSound: {
        Format format{.rate = 1'000'000 / (256 - scan_.little(begin, 1)),
                      .codec = scan_.little(begin + 1, 1)};
        if (extended_) {
          format.rate = extended_->rate, format.channels = extended_->channels;
          extended_.reset();
        }
        if (format.codec == 4) format.bits = 16;
        return add(format, begin + 2, end);
      }
      case kNewSound:
        return add({scan_.little(begin, 4), scan_.little(begin + 5, 1), scan_.little(begin + 4, 1),
                    scan_.little(begin + 6, 2)},
                   begin + 12, end);
      case kMore:
        if (samples_) add(format_, begin, end);
        return;
      case kSilence: {  // a length and a rate of its own; only its duration counts
        constexpr int64_t kEnough = int64_t{1} << 50;  // bytes, more than is ever decoded
        if (!samples_ || samples_->size() > kEnough) return;
        const uint64_t frames = scan_.little(begin, 2) + 1;
        const uint64_t rate = 1'000'000 / (256 - scan_.little(begin + 2, 1));
        const auto count = static_cast<int64_t>(frames * format_.rate / rate * frame_bytes());
        samples_->add_repeated(format_.bits == 8 && format_.codec == 0 ? std::byte{0x80} : std::byte{0},
                               count);
        return;
      }
      case kExtended: {
        const uint64_t channels = scan_.little(begin + 3, 1) + 1;
        const uint64_t rate = 256'000'000 / (channels * (65536 - scan_.little(begin, 2)));
        extended_ = Format{.rate = rate, .channels = channels};
        return;
      }
      default:
        return;
    }
  }

  void add(const Format& format, int64_t begin, int64_t end) {
    constexpr std::array<uint64_t, 4> kRead = {0, 4, 6, 7};  // unsigned, 16-bit, A-law, mu-law
    if (std::find(kRead.begin(), kRead.end(), format.codec) == kRead.end()) {
      fail(
          "{}: a VOC file of Creative's ADPCM (codec {}), which is not read here; convert it first: "
          "`ffmpeg -i in.voc out.wav`",
          part_.doing, format.codec);
    }
    if (!samples_ || format != format_) {
      finish_run();
      check_stream_count(part_, contents_.streams.size());
      format_ = format;
      samples_ = std::make_unique<PiecedSource>(part_.source);
    }
    samples_->add_range(begin, end);
    all_bytes_ += std::max<int64_t>(0, end - begin);
  }

  [[nodiscard]] uint64_t frame_bytes() const {
    return std::max<uint64_t>(1, format_.channels * (format_.bits / 8));
  }

  /// A WAV header before the samples, by way of a source of its own.
  void finish_run() {
    if (!samples_ || samples_->size() == 0) return;
    const uint64_t tag = format_.codec == 6 || format_.codec == 7 ? format_.codec : 1;
    const auto size = static_cast<uint64_t>(std::min<int64_t>(samples_->size(), INT32_MAX));
    const std::string header = "RIFF" + little_bytes(size + 36, 4) + "WAVEfmt " + little_bytes(16, 4) +
                               little_bytes(tag, 2) + little_bytes(format_.channels, 2) +
                               little_bytes(format_.rate, 4) + little_bytes(format_.rate * frame_bytes(), 4) +
                               little_bytes(frame_bytes(), 2) + little_bytes(format_.bits, 2) + "data" +
                               little_bytes(size, 4);
    samples_->put_before(header);
    contents_.streams.push_back({std::move(samples_)});
  }

  const Part& part_;
  Scanner scan_;
  Contents contents_;
  Format format_;
  std::optional<Format> extended_;         ///< what a block of kind 8 says of the next
  std::unique_ptr<PiecedSource> samples_;  ///< of the run
  int64_t all_bytes_ = 0;
  int64_t missing_ = 0;      ///< bytes of the last block
  int64_t unannounced_ = 0;  ///< bytes behind where the last block should end
};

}  // namespace

std::optional<Contents> voc_contents(const Part& part) {
  return Voc(part).contents();
}

}  // namespace contentvec::audio
