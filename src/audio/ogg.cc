#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "audio/containers.h"
#include "audio/flac.h"
#include "audio/pieced_source.h"
#include "runtime/fail.h"

namespace contentvec::audio {
namespace {

using namespace std::string_view_literals;

constexpr int64_t kPageHeader = 27;      // then one byte for each segment: its size
constexpr size_t kFirst = 2, kLast = 4;  // flags

struct Page {
  int64_t begin = 0;
  int64_t body = 0;
  int64_t end = 0;
  size_t flags = 0;
  uint64_t serial = 0;
  uint64_t number = 0;
  size_t packets = 0;  ///< that end in it
};

enum class Codec { kVorbis, kOpus, kFlac, kOther };

struct Kind {
  std::string_view start;  ///< of the stream's first packet
  std::string_view name;
  Codec codec;
};

constexpr std::array<Kind, 14> kKinds = {{
    {"\x01vorbis"sv, "Vorbis", Codec::kVorbis},
    {"OpusHead"sv, "Opus", Codec::kOpus},
    {"\x7f"
     "FLAC"sv,
     "FLAC", Codec::kFlac},
    {"Speex   "sv, "Speex", Codec::kOther},
    {"CELT    "sv, "CELT", Codec::kOther},
    {"PCM     "sv, "PCM", Codec::kOther},
    {"\x80theora"sv, "Theora video", Codec::kOther},
    {"OVP80"sv, "VP8 video", Codec::kOther},
    {"BBCD\0"sv, "Dirac video", Codec::kOther},
    {"\x01video\0\0"sv, "OGM video", Codec::kOther},
    {"\x01"
     "audio\0\0"sv,
     "OGM audio", Codec::kOther},
    {"fishead\0"sv, "Skeleton", Codec::kOther},
    {"\x80kate"sv, "Kate subtitles", Codec::kOther},
    {"\x01text\0"sv, "subtitles", Codec::kOther},
}};

constexpr std::array<uint32_t, 256> crc_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i << 24;
    for (int bit = 0; bit < 8; ++bit) crc = crc << 1 ^ ((crc & 0x80000000u) != 0 ? 0x04c11db7u : 0);
    table[i] = crc;
  }
  return table;
}

constexpr auto kCrc = crc_table();

/// Of a page, whose own checksum counts as zero.
uint32_t checksum(std::string_view page) {
  constexpr size_t kAt = 22;
  uint32_t crc = 0;
  for (size_t i = 0; i < page.size(); ++i) {
    const uint32_t byte = i >= kAt && i < kAt + 4 ? 0 : static_cast<unsigned char>(page[i]);
    crc = crc << 8 ^ kCrc[crc >> 24 ^ byte];
  }
  return crc;
}

/// Takes the first stream of sound that can be read out of each of the files that are joined here.
class Ogg {
 public:
  explicit Ogg(const Part& part) : part_(part), scan_(part.source) {}

  std::optional<Contents> contents() {
    for (int64_t at = part_.begin; at < part_.end;) {
      if (const auto page = page_at(at)) {
        take(*page);
        at = page->end;
        continue;
      }
      const int64_t next = scan_.find("OggS", at + 1, part_.end);
      if (next < 0) break;
      if (taken_) damaged_ += next - at;
      at = next;
    }
    finish_link(true);
    if (contents_.streams.empty()) refuse();
    if (damaged_ > 0) {
      contents_.warnings.push_back(fmt::format(
          "{} bytes between its pages are damaged, and the sound in them was left out", damaged_));
    } else if (gaps_ > 0) {
      contents_.warnings.push_back("pages are missing, and the sound in them with them");
    }
    if (others_) contents_.warnings.push_back("it holds several tracks side by side: the first was taken");
    return std::move(contents_);
  }

 private:
  std::optional<Page> page_at(int64_t at) {
    const std::string_view header = scan_.text(at, kPageHeader);
    if (header.size() < kPageHeader || !header.starts_with("OggS"sv) || header[4] != 0) return std::nullopt;
    Page page{.begin = at, .flags = byte_at(header, 5)};
    const size_t segments = byte_at(header, 26);
    page.serial = scan_.little(at + 14, 4);
    page.number = scan_.little(at + 18, 4);
    const uint64_t sum = scan_.little(at + 22, 4);
    page.body = at + kPageHeader + static_cast<int64_t>(segments);
    page.end = page.body;
    const std::string_view sizes = scan_.text(at + kPageHeader, segments);
    for (size_t i = 0; i < sizes.size(); ++i) {
      page.end += static_cast<int64_t>(byte_at(sizes, i));
      page.packets += byte_at(sizes, i) < 255;
    }
    if (sizes.size() < segments || page.end > part_.end) return std::nullopt;
    const std::string_view whole = scan_.text(at, static_cast<size_t>(page.end - at));
    if (checksum(whole) != sum) {
      check_effort(page.end - at);
      return std::nullopt;
    }
    return page;
  }

  /// What begins as a page every few bytes, each with a size of its own, would be read over and over.
  void check_effort(int64_t bytes_in_vain) {
    constexpr int64_t kAlways = 1 << 26;
    in_vain_ += bytes_in_vain;
    if (in_vain_ > std::max(kAlways, 4 * (part_.end - part_.begin))) {
      fail("{}: too many of its pages are damaged (their checksums are wrong); get a whole copy",
           part_.doing);
    }
  }

  void take(const Page& page) {
    if ((page.flags & kFirst) != 0) {
      if (!heads_) finish_link(false);
      heads_ = true;
      const Kind* kind = kind_of(page);
      constexpr size_t kMostNames = 8;
      if (names_.size() < kMostNames) names_.push_back(kind == nullptr ? "an unknown codec" : kind->name);
      const bool reads = kind != nullptr && kind->codec != Codec::kOther;
      others_ = others_ || (taken_ && reads);
      if (taken_ || !reads) return;
      begin_stream(page, kind->codec);
      return;
    }
    heads_ = false;
    if (!taken_ || page.serial != serial_) return;
    if (page.number != number_ + 1) {
      if (packets_ < headers()) fail("{}: its header is damaged; get a whole copy", part_.doing);
      // Whoever listens to a broadcast gets the header first, and then what is on.
      gaps_ += packets_ > headers();
    }
    number_ = page.number;
    packets_ += page.packets;
    last_ = last_ || (page.flags & kLast) != 0;
    taken_->add_range(codec_ == Codec::kFlac ? page.body : page.begin, page.end);
  }

  const Kind* kind_of(const Page& page) {
    for (const Kind& kind : kKinds) {
      if (scan_.has(page.body, kind.start)) return &kind;
    }
    return nullptr;
  }

  void begin_stream(const Page& page, Codec codec) {
    codec_ = codec;
    serial_ = page.serial;
    number_ = page.number;
    packets_ = page.packets;
    last_ = (page.flags & kLast) != 0;
    taken_ = std::make_unique<PiecedSource>(part_.source);
    // FLAC's packets, one after the other, are a FLAC file; the first is behind a header of its own.
    constexpr int64_t kFlacHeader = 9, kDepth = 8 + 12;
    if (codec == Codec::kFlac) {
      check_flac_depth((scan_.big(page.body + kFlacHeader + kDepth, 2) >> 4 & 0x1f) + 1, part_.doing);
    }
    taken_->add_range(codec == Codec::kFlac ? page.body + kFlacHeader : page.begin, page.end);
  }

  void finish_link(bool is_last) {
    if (!taken_) return;
    check_stream_count(part_, contents_.streams.size());
    if (packets_ < headers())
      fail("{}: it ends within its header: it is cut short; get a whole copy", part_.doing);
    if (!last_ && packets_ == headers()) return leave_out_silent_link(is_last);
    const std::string_view cut = last_ ? "" : "its last page is missing";
    if (!last_ && !is_last) {
      contents_.warnings.push_back(fmt::format("recording {} of those joined in this file ends early: {}",
                                               contents_.streams.size() + 1, cut));
    }
    contents_.streams.push_back({std::move(taken_), is_last ? cut : ""});
  }

  /// libsndfile would call the header damaged, where nothing but a header is there.
  void leave_out_silent_link(bool is_last) {
    if (is_last) fail("{}: it ends before its first sound: it is cut short; get a whole copy", part_.doing);
    contents_.warnings.emplace_back("a recording of those joined in this file ends before its first sound");
    taken_.reset();
  }

  /// Pages, but none of sound that can be read.
  [[noreturn]] void refuse() {
    if (names_.empty()) refuse_format(part_.doing, "its first page is damaged");
    fail(
        "{}: an Ogg file that holds {}, and no Vorbis, Opus or FLAC, which are read here; convert it first: "
        "`ffmpeg -i in.ogg out.wav`",
        part_.doing, fmt::join(names_, ", "));
  }

  /// Packets before the sound. That they are whole is asked here, because libsndfile forgets some memory
  /// wherever libvorbis refuses a file.
  [[nodiscard]] size_t headers() const {
    return codec_ == Codec::kVorbis ? 3 : codec_ == Codec::kOpus ? 2 : 1;
  }

  const Part& part_;
  Scanner scan_;
  Contents contents_;
  std::vector<std::string_view> names_;  ///< of all streams' codecs
  bool heads_ = false;                   ///< the first pages of the streams of a file go by
  // The stream that is taken, of the file that goes by.
  std::unique_ptr<PiecedSource> taken_;
  Codec codec_ = Codec::kOther;
  uint64_t serial_ = 0;
  uint64_t number_ = 0;  ///< of the last page
  size_t packets_ = 0;
  bool last_ = false;
  // Of the whole file.
  int64_t damaged_ = 0;  ///< bytes
  int64_t in_vain_ = 0;  ///< bytes of pages whose checksums are wrong, each as often as it was read
  int64_t gaps_ = 0;     ///< in the pages' numbers
  bool others_ = false;  ///< there is sound beside what is taken
};

}  // namespace

std::optional<Contents> ogg_contents(const Part& part) {
  return Ogg(part).contents();
}

}  // namespace contentvec::audio
