#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "audio/containers.h"
#include "audio/lengths.h"
#include "audio/pieced_source.h"
#include "runtime/fail.h"

namespace contentvec::audio {
namespace {

constexpr uint64_t kUnknown32 = 0xffffffff;

struct UnreadCodec {
  uint64_t tag;
  std::string_view name;
};

constexpr uint64_t kMpeg = 0x50, kMp3 = 0x55, kExtensible = 0xfffe;

/// What libsndfile reads; their names are not needed.
constexpr std::array<uint64_t, 10> kRead = {0x01, 0x02, 0x03, 0x06, 0x07,
                                            0x11, 0x31, 0x38, 0x40, kExtensible};

constexpr std::array<UnreadCodec, 37> kUnread = {{
    {0x08, "DTS"},
    {0x09, "DRM"},
    {0x0a, "WMA Voice"},
    {0x10, "OKI ADPCM"},
    {0x14, "G.723 ADPCM"},
    {0x15, "DIGISTD"},
    {0x16, "DIGIFIX"},
    {0x17, "Dialogic OKI ADPCM"},
    {0x20, "Yamaha ADPCM"},
    {0x22, "TrueSpeech"},
    {0x28, "LPC-10"},
    {0x2e, "GSM-AMR"},
    {0x30, "Dolby AC-2"},
    {0x34, "QDesign"},
    {0x41, "G.728"},
    {0x42, "G.723.1"},
    {0x45, "G.726"},
    {0x57, "AMR-NB"},
    {0x58, "AMR-WB"},
    {0x59, "G.726"},
    {0x61, "Duck DK4 ADPCM"},
    {0x62, "Duck DK3 ADPCM"},
    {0x64, "G.726"},
    {0x65, "G.722"},
    {0x69, "Xbox ADPCM"},
    {0x75, "VoxWare"},
    {0x83, "G.729"},
    {0x92, "AC-3"},
    {0xff, "AAC"},
    {0x160, "WMA 1"},
    {0x161, "WMA"},
    {0x162, "WMA Professional"},
    {0x163, "WMA Lossless"},
    {0x28f, "G.722"},
    {0x2000, "AC-3"},
    {0x2001, "DTS"},
    {0x1600, "AAC"},
}};

std::string codec_name(uint64_t tag) {
  const auto found =
      std::find_if(kUnread.begin(), kUnread.end(), [&](const UnreadCodec& c) { return c.tag == tag; });
  return found == kUnread.end() ? "an unknown codec" : std::string(found->name);
}

/// RIFF's chunks and Sony's, which have GUIDs for names and count their own headers.
struct Layout {
  int64_t first_chunk;
  int64_t header;      ///< bytes before a chunk's content
  int64_t size_bytes;  ///< of its size, the last part of the header
  int64_t alignment;   ///< of the chunks
  bool counts_header;  ///< the size does
  bool big_endian = false;
};

struct Chunk {
  std::string name;
  int64_t begin = 0;  ///< of its content
  uint64_t size = 0;  ///< of its content, as its header has it
};

class Wav {
 public:
  Wav(Part part, const Layout& layout) : part_(part), scan_(part.source), layout_(layout) {}

  std::optional<Contents> contents() {
    if (!find_chunks() || format_.size < 14) return std::nullopt;
    const uint64_t tag = read_codec();
    if (tag != kMpeg && tag != kMp3 && std::find(kRead.begin(), kRead.end(), tag) == kRead.end()) {
      fail(
          "{}: a WAV file that holds {} (format tag 0x{:04x}), which is not read here; convert it first: "
          "`ffmpeg -i in.wav -c:a pcm_s16le out.wav`",
          part_.doing, codec_name(tag), tag);
    }
    settle_extent();
    if (tag == kMpeg || tag == kMp3) return mpeg_inside();
    const int64_t next = find_joined();
    if (next >= 0) part_.end = next;
    if (more_samples_ > 0 || is_other_joined_) part_.end = extent_.end;
    Contents contents;
    contents.streams.push_back({stream()});
    if (extent_.worth_a_word) {
      contents.warnings.push_back(length_warning(blocks(), data_.size, extent_.end - data_.begin));
    }
    if (is_other_joined_) contents.warnings.emplace_back(kJoined);
    if (more_samples_ > 0) {
      contents.warnings.push_back(
          fmt::format("it has several data chunks: the first, of {} bytes, was taken; the others have {}",
                      extent_.end - data_.begin, more_samples_));
    }
    if (next >= 0) next_ = next;
    return contents;
  }

  /// Where another file begins that is joined to this one, or -1.
  [[nodiscard]] int64_t next() const { return next_; }

 private:
  bool is_joined(int64_t at) {
    return layout_.size_bytes == 4 && (scan_.has(at, "RIF") || scan_.has(at, "RF64")) &&
           scan_.has(at + 8, "WAVE");
  }

  int64_t find_joined() {
    for (int64_t at = behind({"", data_.begin, static_cast<uint64_t>(extent_.end - data_.begin)});;) {
      const auto chunk = chunk_at(at);
      if (!chunk) return -1;
      if (is_joined(at)) return at;
      is_other_joined_ = is_other_joined_ || (layout_.size_bytes == 8 && chunk->name == "riff");
      if (chunk->name == "data") {
        more_samples_ += std::min(chunk->size, static_cast<uint64_t>(part_.end - chunk->begin));
      }
      if (!fits(*chunk)) return -1;
      at = behind(*chunk);
    }
  }

  /// Frames of MPEG audio; how much sound they are only they themselves say.
  std::optional<Contents> mpeg_inside() {
    auto contents = mpeg_contents({part_.source, data_.begin, extent_.end, part_.doing});
    if (contents && extent_.worth_a_word) contents->warnings.push_back(byte_warning());
    return contents;
  }

  std::string byte_warning() const {
    const int64_t there = extent_.end - data_.begin;
    return fmt::format("the header promises {} bytes of MPEG audio, {} are there: {}", data_.size, there,
                       length_verdict(data_.size, there));
  }

  uint64_t number(int64_t offset, size_t bytes) {
    return layout_.big_endian ? scan_.big(offset, bytes) : scan_.little(offset, bytes);
  }

  std::optional<Chunk> chunk_at(int64_t at) {
    const std::string_view name = scan_.text(at, 4);
    const bool is_name = name.size() == 4 &&
                         std::all_of(name.begin(), name.end(), [](char c) { return c >= ' ' && c <= '~'; });
    if (!is_name || at + layout_.header > part_.end) return std::nullopt;
    Chunk chunk{std::string(name), at + layout_.header, 0};
    const auto own = static_cast<uint64_t>(layout_.counts_header ? layout_.header : 0);
    const uint64_t size =
        number(at + layout_.header - layout_.size_bytes, static_cast<size_t>(layout_.size_bytes));
    chunk.size = size < own ? 0 : size - own;
    return chunk;
  }

  /// Where the chunk behind this one begins: aligned, unless whoever wrote the file forgot that.
  int64_t behind(const Chunk& chunk) {
    const int64_t end = chunk.begin + static_cast<int64_t>(chunk.size);
    const int64_t aligned = (end + layout_.alignment - 1) / layout_.alignment * layout_.alignment;
    if (aligned == end || chunk_at(aligned) || !chunk_at(end)) return aligned;
    is_unaligned_ = true;
    return end;
  }

  bool fits(const Chunk& chunk) const { return chunk.size <= static_cast<uint64_t>(part_.end - chunk.begin); }

  /// Up to the samples.
  bool find_chunks() {
    for (int64_t at = part_.begin + layout_.first_chunk; at < part_.end;) {
      const auto chunk = chunk_at(at);
      if (!chunk) return false;
      if (chunk->name == "data") {
        data_ = *chunk;
        return true;
      }
      if (!fits(*chunk)) return false;
      if (chunk->name == "fmt ") format_ = *chunk;
      if (chunk->name == "ds64") sizes_ = *chunk;
      at = behind(*chunk);
    }
    return false;
  }

  /// Whether nothing but chunks follow. The last may be cut short.
  bool is_chunks(int64_t at) {
    // Behind an odd number of bytes comes one more, or should.
    const int64_t aligned = (at + layout_.alignment - 1) / layout_.alignment * layout_.alignment;
    if (!chunk_at(at) || chunk_at(aligned)) at = aligned;
    if (at >= part_.end) return true;
    while (at < part_.end) {
      const auto chunk = chunk_at(at);
      if (is_joined(at)) return true;
      if (!chunk) return part_.end - at < layout_.header && scan_.is_zero(at, part_.end);
      if (!fits(*chunk)) return is_known(chunk->name);
      at = behind(*chunk);
    }
    return true;
  }

  static bool is_known(std::string_view name) {
    constexpr std::array<std::string_view, 18> kKnown = {"LIST", "list", "id3 ", "ID3 ", "bext", "cue ",
                                                         "smpl", "JUNK", "junk", "PEAK", "fact", "iXML",
                                                         "axml", "_PMX", "cart", "inst", "PAD ", "FLLR"};
    return std::find(kKnown.begin(), kKnown.end(), name) != kKnown.end();
  }

  uint64_t read_codec() {
    const uint64_t tag = number(format_.begin, 2);
    // The sub-format's GUID begins with what would be the tag.
    const bool is_guid = tag == kExtensible && format_.size >= 40 && number(format_.begin + 16, 2) >= 22;
    return is_guid ? number(format_.begin + 24, 2) : tag;
  }

  void settle_extent() {
    const bool is_32 = layout_.size_bytes == 4;
    if (is_32 && data_.size == kUnknown32 && sizes_.size >= 16) {
      data_.size = number(sizes_.begin + 8, 8);
      is_long_ = true;
    }
    extent_ = find_extent(scan_, data_.begin, part_.end, data_.size, is_32 && !is_long_ ? kWrap32 : 0,
                          [&](int64_t at) { return is_chunks(at); });
  }

  Blocks blocks() {
    const auto align = static_cast<int64_t>(number(format_.begin + 12, 2));
    const auto rate = static_cast<int64_t>(number(format_.begin + 4, 4));
    const uint64_t tag = read_codec();
    const bool is_blocked = tag == 0x02 || tag == 0x11 || tag == 0x31;
    const auto frames = is_blocked ? static_cast<int64_t>(number(format_.begin + 18, 2)) : 1;
    return {std::max<int64_t>(1, align), std::max<int64_t>(1, frames), rate, tag != 0x02};
  }

  /// The file with right sizes, up to the end of its samples. Where four bytes cannot hold one, or libsndfile
  /// does not read it as it is, as Sony's kind. Of a long header only what matters: libsndfile keeps 100 kB
  /// at most.
  std::unique_ptr<ByteSource> stream() {
    const int64_t size = extent_.end - data_.begin;
    const bool is_riff = scan_.has(part_.begin, "RIFF");
    constexpr int64_t kLongestHeader = 1 << 16;
    const bool is_long = data_.begin - part_.begin > kLongestHeader;
    if (is_long && layout_.big_endian) return as_rifx();
    const bool is_unread = scan_.has(part_.begin, "BW64") || (is_riff && is_unaligned_) || is_long;
    if (!extent_.corrected && !is_unread) return patched(part_.source, part_.begin, extent_.end, {});
    if (is_unread) return as_w64();
    if (layout_.size_bytes == 8) {
      const auto whole = static_cast<uint64_t>(size + layout_.header);
      return patched(part_.source, part_.begin, extent_.end, {{data_.begin - 8, little_bytes(whole, 8)}});
    }
    if (!(is_riff || layout_.big_endian) || size > INT32_MAX) return as_w64();
    const auto bytes = layout_.big_endian ? big_bytes : little_bytes;
    const auto to_end = static_cast<uint64_t>(extent_.end - part_.begin - 8);
    return patched(
        part_.source, part_.begin, extent_.end,
        {{part_.begin + 4, bytes(to_end, 4)}, {data_.begin - 4, bytes(static_cast<uint64_t>(size), 4)}});
  }

  std::unique_ptr<ByteSource> as_rifx() const {
    auto source = std::make_unique<PiecedSource>(part_.source);
    const auto chunk = [&](std::string_view name, int64_t begin, int64_t end) {
      source->add_bytes(std::string(name) +
                        big_bytes(std::min<uint64_t>(static_cast<uint64_t>(end - begin), UINT32_MAX), 4));
      source->add_range(begin, end);
    };
    chunk("fmt ", format_.begin, format_.begin + static_cast<int64_t>(format_.size));
    chunk("data", data_.begin, extent_.end);
    source->put_before(
        "RIFX" + big_bytes(std::min<uint64_t>(static_cast<uint64_t>(source->size()) + 4, UINT32_MAX), 4) +
        "WAVE");
    return source;
  }

  std::unique_ptr<ByteSource> as_w64() const {
    using namespace std::string_view_literals;
    constexpr std::string_view kRiff = "riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00"sv;
    constexpr std::string_view kRest = "\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"sv;
    constexpr int64_t kHeader = 24;
    const auto format_size = static_cast<int64_t>(format_.size);
    const int64_t padding = (8 - format_size % 8) % 8;
    const int64_t size = extent_.end - data_.begin;
    auto source = std::make_unique<PiecedSource>(part_.source);
    const int64_t whole = 40 + kHeader + format_size + padding + kHeader + size;
    const auto chunk = [&](std::string_view name, int64_t content) {
      source->add_bytes(std::string(name) + std::string(kRest) +
                        little_bytes(static_cast<uint64_t>(content + kHeader), 8));
    };
    source->add_bytes(std::string(kRiff) + little_bytes(static_cast<uint64_t>(whole), 8) + "wave" +
                      std::string(kRest));
    chunk("fmt ", format_size);
    source->add_range(format_.begin, format_.begin + format_size);
    source->add_repeated(std::byte{0}, padding);
    chunk("data", size);
    source->add_range(data_.begin, extent_.end);
    return source;
  }

  Part part_;
  Scanner scan_;
  Layout layout_;
  Chunk format_, data_, sizes_;
  int64_t next_ = -1;
  uint64_t more_samples_ = 0;     ///< bytes of them in further data chunks
  bool is_other_joined_ = false;  ///< Sony's, which are not taken apart
  bool is_unaligned_ = false;     ///< some chunk follows an odd one at once
  bool is_long_ = false;          ///< its size stands in the ds64 chunk
  Extent extent_;
};

}  // namespace

std::optional<Contents> wav_contents(const Part& part) {
  std::optional<Contents> all;
  for (int64_t at = part.begin; at >= 0;) {
    const bool big_endian = Scanner(part.source).has(at, "RIFX");
    Wav wav({part.source, at, part.end, part.doing}, {12, 8, 4, 2, false, big_endian});
    auto contents = wav.contents();
    if (!contents) {
      if (all) all->warnings.emplace_back("another WAV file is joined to it, whose header is damaged");
      break;
    }
    if (!all) all.emplace();
    std::move(contents->streams.begin(), contents->streams.end(), std::back_inserter(all->streams));
    std::move(contents->warnings.begin(), contents->warnings.end(), std::back_inserter(all->warnings));
    check_stream_count(part, all->streams.size());
    at = wav.next();
  }
  return all;
}

std::optional<Contents> w64_contents(const Part& part) {
  return Wav(part, {40, 24, 8, 8, true}).contents();
}

}  // namespace contentvec::audio
