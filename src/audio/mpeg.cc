#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "audio/containers.h"
#include "audio/pieced_source.h"

namespace contentvec::audio {
namespace {

constexpr size_t kFrameHeader = 4;

/// The header of a frame, as far as it is needed.
struct Frame {
  int version = 0;  ///< 3: MPEG-1, 2: MPEG-2, 0: MPEG-2.5
  int layer = 0;
  int rate = 0;
  int64_t bit_rate = 0;  ///< bits a second
  bool mono = false;
  int64_t size = 0;  ///< bytes

  [[nodiscard]] bool is_like(const Frame& other) const {
    return version == other.version && layer == other.layer && rate == other.rate && mono == other.mono;
  }
  /// Bytes of a frame at one bit a second and one frame a second.
  [[nodiscard]] int64_t slots() const { return layer == 1 ? 48 : layer == 3 && version != 3 ? 72 : 144; }
  /// Bytes between the header and what a Xing header stands in.
  [[nodiscard]] size_t side_info() const { return version == 3 ? (mono ? 17 : 32) : (mono ? 9 : 17); }
};

std::optional<Frame> frame_in(std::string_view bytes) {
  // In kbit/s: MPEG-1 layers 1 to 3, MPEG-2 layer 1, layers 2 and 3.
  constexpr std::array<std::array<int, 15>, 5> kBitRates = {{
      {0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448},
      {0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384},
      {0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320},
      {0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256},
      {0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160},
  }};
  constexpr std::array<int, 3> kRates = {44100, 48000, 32000};
  if (bytes.size() < kFrameHeader || byte_at(bytes, 0) != 0xff || byte_at(bytes, 1) < 0xe0)
    return std::nullopt;
  Frame frame;
  frame.version = static_cast<int>(byte_at(bytes, 1) >> 3 & 3);
  frame.layer = 4 - static_cast<int>(byte_at(bytes, 1) >> 1 & 3);
  const size_t bit_rate = byte_at(bytes, 2) >> 4, rate = byte_at(bytes, 2) >> 2 & 3;
  const bool padded = (byte_at(bytes, 2) & 2) != 0;
  // A bit rate of 0 ("free") does not tell a frame's size: nobody uses it.
  if (frame.version == 1 || frame.layer == 4 || bit_rate == 0 || bit_rate == 15 || rate == 3)
    return std::nullopt;
  frame.rate = kRates[rate] >> (frame.version == 3 ? 0 : frame.version == 2 ? 1 : 2);
  frame.mono = byte_at(bytes, 3) >> 6 == 3;
  const size_t table = static_cast<size_t>(frame.version == 3 ? frame.layer - 1 : frame.layer == 1 ? 3 : 4);
  frame.bit_rate = int64_t{1000} * kBitRates[table][bit_rate];
  const int64_t unit = frame.layer == 1 ? 4 : 1;  // what a frame is padded by
  frame.size = (frame.slots() / unit * frame.bit_rate / frame.rate + padded) * unit;
  return frame;
}

/// Finds the frames of a file, and puts those together that one decoder can read.
class Mpeg {
 public:
  explicit Mpeg(const Part& part) : part_(part), scan_(part.source) {}

  std::optional<Contents> contents() {
    const int64_t end = end_before_tags(scan_, part_.begin, part_.end);
    int64_t at = find_frames(part_.begin, end);
    if (at < 0) return std::nullopt;
    while (at >= 0 && at < end) {
      const std::optional<Frame> frame = frame_in(scan_.text(at, kFrameHeader));
      if (!frame || at + frame->size > end) {
        // The last frame may be cut: nothing of it can be heard.
        if (frame && end - at < frame->size && at == behind_) break;
        const int64_t behind_tag = begin_behind_tags(scan_, at, end);
        const int64_t from = at;
        at = find_frames(behind_tag > at ? behind_tag : at + 1, end);
        if (at > behind_tag) skipped_ += at - std::max(from, behind_tag);
        continue;
      }
      take(*frame, at);
      at += frame->size;
      behind_ = at;
    }
    finish_run();
    if (contents_.streams.empty()) return std::nullopt;
    if (skipped_ > 0) {
      contents_.warnings.push_back(
          fmt::format("{} bytes between its frames are damaged or no audio, and were left out", skipped_));
    }
    return std::move(contents_);
  }

 private:
  /// Where several frames follow each other, or up to the end; -1 if nowhere.
  int64_t find_frames(int64_t begin, int64_t end) {
    for (int64_t at = begin; at < end;) {
      at = scan_.find("\xff", at, end);
      if (at < 0) return -1;
      if (const auto frame = frame_in(scan_.text(at, kFrameHeader)); frame && is_followed(at, *frame, end))
        return at;
      ++at;
    }
    return -1;
  }

  bool is_followed(int64_t at, const Frame& first, int64_t end) {
    constexpr int kFrames = 3;
    Frame frame = first;
    for (int i = 0; i < kFrames; ++i) {
      at += frame.size;
      if (at >= end) return at == end && i > 0;
      const auto next = frame_in(scan_.text(at, kFrameHeader));
      if (!next || next->version != first.version || next->layer != first.layer || next->rate != first.rate) {
        return false;
      }
      frame = *next;
    }
    return true;
  }

  /// The offset of a Xing or Info header in a frame that holds nothing else, or 0.
  int64_t tag_in(const Frame& frame, int64_t at) {
    if (frame.layer != 3) return 0;
    const auto xing = at + static_cast<int64_t>(kFrameHeader + frame.side_info());
    return scan_.has(xing, "Xing") || scan_.has(xing, "Info") ? xing : 0;
  }

  void take(const Frame& frame, int64_t at) {
    const int64_t tag = tag_in(frame, at);
    const bool is_vbri = frame.layer == 3 && scan_.has(at + static_cast<int64_t>(kFrameHeader) + 32, "VBRI");
    if (tag > 0 || is_vbri || !samples_ || !frame.is_like(first_)) {
      finish_run();
      check_stream_count(part_, contents_.streams.size());
      first_ = frame;
      first_at_ = at;
      frames_ = 0;
      is_constant_ = true;
      tag_ = tag;
      promised_ = tag > 0 && (scan_.big(tag + 4, 4) & 1) != 0 ? scan_.big(tag + 8, 4) : 0;
      samples_ = std::make_unique<PiecedSource>(part_.source);
      if (tag > 0) return;
    }
    if (frames_ == 0) first_sound_ = frame;
    samples_->add_range(at, at + frame.size);
    is_constant_ = is_constant_ && frame.bit_rate == first_sound_.bit_rate;
    ++frames_;
  }

  /// mpg123 takes the length from a header in the first frame, or, where there is none, from the first bit
  /// rate. What comes out too short gets a header of its own.
  void finish_run() {
    if (!samples_ || frames_ == 0) return samples_.reset();
    const bool is_believed = tag_ > 0 && promised_ > 0;
    const bool is_short = is_believed ? promised_ < frames_ : is_guessed_short();
    if (is_short) {
      samples_->put_before(length_frame());
    } else if (tag_ > 0) {
      samples_->put_before(own_length_frame());
    }
    contents_.streams.push_back({std::move(samples_), "", !is_short && !is_believed});
  }

  [[nodiscard]] bool is_guessed_short() const {
    if (is_constant_ || first_.layer != 3) return false;
    const auto frames = static_cast<int64_t>(frames_);
    return frames * first_sound_.slots() * first_sound_.bit_rate > samples_->size() * first_sound_.rate;
  }

  /// The file's own, with the true number of bytes: mpg123 warns of another on standard error.
  std::string own_length_frame() {
    std::string frame(scan_.text(first_at_, static_cast<size_t>(first_.size)));
    const uint64_t flags = scan_.big(tag_ + 4, 4);
    const auto bytes = static_cast<size_t>(tag_ - first_at_) + ((flags & 1) != 0 ? 12 : 8);
    if ((flags & 2) != 0 && bytes + 4 <= frame.size()) {
      frame.replace(bytes, 4, big_bytes(static_cast<uint64_t>(samples_->size() + first_.size), 4));
    }
    return frame;
  }

  /// An "Info" header of the number of frames, in a frame of the lowest bit rate that has room for it.
  std::string length_frame() {
    constexpr uint64_t kFrames = 1;
    const std::string text = "Info" + big_bytes(kFrames, 4) + big_bytes(frames_, 4);
    const size_t before = kFrameHeader + first_.side_info();
    std::string frame(scan_.text(first_at_, kFrameHeader));
    frame[1] = static_cast<char>(byte_at(frame, 1) | 1);  // no checksum
    size_t size = 0;
    for (size_t bit_rate = 1; size < before + text.size(); ++bit_rate) {
      frame[2] = static_cast<char>(bit_rate << 4 | (byte_at(frame, 2) & 0x0d));  // not padded
      size = static_cast<size_t>(frame_in(frame)->size);
    }
    frame.resize(before);
    frame += text;
    frame.resize(size);
    return frame;
  }

  const Part& part_;
  Scanner scan_;
  Contents contents_;
  Frame first_;              ///< of the run
  Frame first_sound_;        ///< of the run, after a header of its length
  bool is_constant_ = true;  ///< the bit rate
  int64_t first_at_ = 0;
  int64_t behind_ = 0;  ///< the last frame
  int64_t tag_ = 0;     ///< where the run's own header of its length is, or 0
  uint64_t promised_ = 0;
  int64_t skipped_ = 0;  ///< bytes between frames
  uint64_t frames_ = 0;  ///< with sound in them
  std::unique_ptr<PiecedSource> samples_;
};

}  // namespace

bool is_unsure_mpeg(Scanner& scan, int64_t begin) {
  const std::string_view header = scan.text(begin, kFrameHeader);
  if (header.size() < kFrameHeader || byte_at(header, 0) != 0xff || byte_at(header, 1) < 0xe0) return false;
  // A free bit rate is told by its zero, and a frame's size by where the next begins: mpg123 reads that.
  std::string fixed(header);
  fixed[2] = static_cast<char>(byte_at(header, 2) | 0x10);
  const bool is_free = byte_at(header, 2) >> 4 == 0 && frame_in(fixed);
  return !is_free;
}

std::optional<Contents> mpeg_contents(const Part& part) {
  return Mpeg(part).contents();
}

}  // namespace contentvec::audio
