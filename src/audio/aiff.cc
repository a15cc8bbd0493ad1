#include <algorithm>
#include <array>

#include "audio/containers.h"
#include "audio/lengths.h"
#include "audio/pieced_source.h"

namespace contentvec::audio {
namespace {

constexpr int64_t kFormHeader = 12, kChunkHeader = 8, kSsndHeader = 8;

/// The rate of a COMM chunk: an 80-bit float, positive and below 2^32 in any real file.
int64_t rate_at(Scanner& scan, int64_t offset) {
  const auto exponent = static_cast<int64_t>(scan.big(offset, 2)) - 16383;
  if (exponent < 0 || exponent > 31) return 1;
  return static_cast<int64_t>(scan.big(offset + 2, 8) >> (63 - exponent));
}

/// Whether nothing but chunks follow. The last may be cut short.
bool is_chunks(Scanner& scan, const Part& part, int64_t at) {
  at += (at - part.begin) % 2;
  while (at + kChunkHeader <= part.end) {
    const std::string_view name = scan.text(at, 4);
    if (!std::all_of(name.begin(), name.end(), [](char c) { return c >= ' ' && c <= '~'; })) return false;
    const auto size = static_cast<int64_t>(scan.big(at + 4, 4));
    at += kChunkHeader + size + size % 2;
  }
  return true;
}

/// A file of one form as libsndfile takes it, of the chunks that matter alone: the others it keeps in a
/// buffer of 100 kB, and where that ends it refuses the file or never comes back.
class Form {
 public:
  Form(const Part& part, Scanner& scan)
      : source_(std::make_unique<PiecedSource>(part.source)), kind_(scan.text(part.begin + 8, 4)) {}

  /// A chunk of the bytes from `begin` to `end` of the file, which says it has `size`.
  void add_chunk(std::string_view name, uint64_t size, int64_t begin, int64_t end,
                 const std::vector<Patch>& patches = {}) {
    source_->add_bytes(std::string(name) + big_bytes(std::min<uint64_t>(size, UINT32_MAX), 4));
    source_->add_patched(begin, end, patches);
    if (source_->size() % 2 == 1) source_->add_repeated(std::byte{0}, 1);
  }

  std::unique_ptr<PiecedSource> finish() {
    const auto size = static_cast<uint64_t>(source_->size()) + kind_.size();
    source_->put_before("FORM" + big_bytes(std::min<uint64_t>(size, UINT32_MAX), 4) + kind_);
    return std::move(source_);
  }

 private:
  std::unique_ptr<PiecedSource> source_;
  std::string kind_;
};

class Aiff {
 public:
  explicit Aiff(const Part& part) : part_(part), scan_(part.source) {}

  std::optional<Contents> contents() {
    for (int64_t at = part_.begin + kFormHeader; at + kChunkHeader <= part_.end;) {
      const int64_t content = at + kChunkHeader;
      if (scan_.has(at, "COMM") && common_ == 0) common_ = content;
      if (scan_.has(at, "FORM")) {
        joined_ = at;
        break;
      }
      if (scan_.has(at, "SSND") && samples_ == 0) {
        samples_ = std::min(part_.end, content + kSsndHeader + static_cast<int64_t>(scan_.big(content, 4)));
        header_end_ = content;
        samples_size_ = scan_.big(at + 4, 4);
        settle_extent();
        at = extent_.end + (extent_.end - part_.begin) % 2;
      } else {
        at = content + static_cast<int64_t>(scan_.big(at + 4, 4) + (scan_.big(at + 4, 4) & 1));
      }
    }
    if (common_ == 0 || samples_ == 0) return std::nullopt;
    return settled();
  }

 private:
  /// The size counts eight bytes before the samples; where it is 0 nothing was filled in.
  void settle_extent() {
    const auto before = static_cast<uint64_t>(samples_ - header_end_);
    promised_ = samples_size_ < before ? 0 : samples_size_ - before;
    extent_ = find_extent(scan_, samples_, part_.end, promised_, kWrap32,
                          [this](int64_t at) { return is_chunks(scan_, part_, at); });
  }

  Contents settled() {
    const auto channels = std::max<int64_t>(1, static_cast<int64_t>(scan_.big(common_, 2)));
    const auto bits = std::max<int64_t>(1, static_cast<int64_t>(scan_.big(common_ + 6, 2)));
    // Of what is not compressed the number of frames follows from the number of bytes.
    constexpr std::array<std::string_view, 10> kPlain = {"NONE", "twos", "sowt", "raw ", "fl32",
                                                         "FL32", "fl64", "FL64", "in24", "in32"};
    const std::string kind =
        scan_.has(part_.begin + 8, "AIFC") ? std::string(scan_.text(common_ + 18, 4)) : "NONE";
    const bool is_plain = std::find(kPlain.begin(), kPlain.end(), kind) != kPlain.end();
    Blocks blocks{is_plain ? (bits + 7) / 8 * channels : channels, 1, rate_at(scan_, common_ + 8)};
    if (kind == "ima4") blocks = {34 * channels, 64, blocks.rate};

    Contents contents;
    const int64_t there = extent_.end - samples_;
    const uint64_t frames_promised = scan_.big(common_ + 2, 4);
    const bool is_other_number = is_plain && !extent_.corrected && scan_.big(header_end_ + 4, 4) == 0 &&
                                 static_cast<int64_t>(frames_promised) != there / blocks.bytes;
    if (is_other_number) {
      extent_.corrected = true;
      extent_.worth_a_word = frames_promised != 0 && !is_placeholder(frames_promised);
      promised_ = frames_promised * static_cast<uint64_t>(blocks.bytes);
    }
    if (extent_.worth_a_word) {
      contents.warnings.push_back(length_warning(blocks, promised_, there));
    }
    if (joined_ > 0) contents.warnings.emplace_back(kJoined);
    std::vector<Patch> frames;
    uint64_t size = samples_size_;
    if (extent_.corrected) {
      const auto count = static_cast<uint64_t>(there / blocks.bytes * (is_plain ? 1 : blocks.frames));
      frames.push_back({common_ + 2, big_bytes(std::min<uint64_t>(count, UINT32_MAX), 4)});
      size = static_cast<uint64_t>(extent_.end - header_end_);
    }
    Form form(part_, scan_);
    constexpr int64_t kLargestCommon = 512;  // a kind of at most 255 letters at its end included
    const int64_t common_end = std::min(
        part_.end,
        common_ + std::min<int64_t>(kLargestCommon, static_cast<int64_t>(scan_.big(common_ - 4, 4))));
    form.add_chunk("COMM", static_cast<uint64_t>(common_end - common_), common_, common_end, frames);
    form.add_chunk("SSND", size, header_end_, extent_.end);
    contents.streams.push_back({form.finish()});
    return contents;
  }

  const Part& part_;
  Scanner scan_;
  int64_t common_ = 0;      ///< where the COMM chunk's content begins
  int64_t header_end_ = 0;  ///< of the SSND chunk, whose content begins with two numbers
  int64_t samples_ = 0;
  uint64_t samples_size_ = 0;
  uint64_t promised_ = 0;  ///< bytes of samples
  int64_t joined_ = 0;     ///< where another file begins behind this one, or 0
  Extent extent_;
};

}  // namespace

std::optional<Contents> aiff_contents(const Part& part) {
  return Aiff(part).contents();
}

std::optional<Contents> svx_contents(const Part& part) {
  Scanner scan(part.source);
  Blocks blocks{scan.has(part.begin + 8, "16SV") ? 2 : 1, 1, 1};
  constexpr int64_t kVoiceHeader = 20;
  int64_t header = 0;
  for (int64_t at = part.begin + kFormHeader; at + kChunkHeader <= part.end;) {
    const int64_t content = at + kChunkHeader;
    const auto size = static_cast<int64_t>(scan.big(at + 4, 4));
    if (scan.has(at, "VHDR") && content + kVoiceHeader <= part.end) {
      header = content;
      blocks.rate = static_cast<int64_t>(scan.big(content + 12, 2));
    }
    if (!scan.has(at, "BODY")) {
      at = content + size + size % 2;
      continue;
    }
    if (header == 0) refuse_format(part.doing, "it has no whole VHDR chunk before its BODY chunk");
    const auto promised = static_cast<uint64_t>(size);
    const Extent extent = find_extent(scan, content, part.end, promised, kWrap32,
                                      [&](int64_t end) { return is_chunks(scan, part, end); });
    Contents contents;
    if (extent.worth_a_word) {
      contents.warnings.push_back(length_warning(blocks, promised, extent.end - content));
    }
    Form form(part, scan);
    form.add_chunk("VHDR", kVoiceHeader, header, header + kVoiceHeader);
    form.add_chunk("BODY", extent.corrected ? static_cast<uint64_t>(extent.end - content) : promised, content,
                   extent.end);
    contents.streams.push_back({form.finish()});
    return contents;
  }
  refuse_format(part.doing, "it has no BODY chunk, where the samples are");
}

}  // namespace contentvec::audio
