#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "audio/containers.h"
#include "audio/lengths.h"
#include "audio/pieced_source.h"
#include "runtime/fail.h"

namespace contentvec::audio {
namespace {

constexpr int64_t kFileHeader = 8, kCafChunkHeader = 12, kEditCount = 4;

/// Whether nothing but chunks follow. The last may be cut short.
bool is_chunks(Scanner& scan, int64_t at) {
  while (at + kCafChunkHeader <= scan.size()) {
    const std::string_view name = scan.text(at, 4);
    if (name == "caff") return true;  // another file
    if (!std::all_of(name.begin(), name.end(), [](char c) { return c >= ' ' && c <= '~'; })) return false;
    const auto size = scan.big(at + 4, 8);
    if (size > static_cast<uint64_t>(scan.size() - at - kCafChunkHeader)) return true;
    at += kCafChunkHeader + static_cast<int64_t>(size);
  }
  return true;
}

/// The file as libsndfile takes it, of the chunks that matter alone: others it keeps in a buffer of 100 kB,
/// and where that ends it takes what they hold for samples.
std::unique_ptr<PiecedSource> reduced(const Part& part, Scanner& scan, int64_t samples, int64_t end) {
  auto source = std::make_unique<PiecedSource>(part.source);
  source->add_range(part.begin, part.begin + kFileHeader);
  constexpr std::array<std::string_view, 3> kKept = {"desc", "kuki", "pakt"};  // the last two are ALAC's
  for (int64_t at = part.begin + kFileHeader; at + kCafChunkHeader <= part.end;) {
    const std::string name(scan.text(at, 4));
    const uint64_t size =
        name == "data" ? static_cast<uint64_t>(end - at - kCafChunkHeader) : scan.big(at + 4, 8);
    if (size > static_cast<uint64_t>(part.end - at - kCafChunkHeader) || name == "caff") break;
    const int64_t behind = at + kCafChunkHeader + static_cast<int64_t>(size);
    if (std::find(kKept.begin(), kKept.end(), name) != kKept.end()) source->add_range(at, behind);
    at = behind;
  }
  source->add_bytes("data" + big_bytes(static_cast<uint64_t>(end - samples + kEditCount), 8));
  source->add_range(samples - kEditCount, end);
  return source;
}

}  // namespace

std::optional<Contents> caf_contents(const Part& part) {
  Scanner scan(part.source);
  const int64_t description = part.begin + kFileHeader + kCafChunkHeader;
  if (!scan.has(part.begin + kFileHeader, "desc")) return std::nullopt;
  const std::string codec(scan.text(description + 8, 4));
  constexpr std::array<std::string_view, 4> kRead = {"lpcm", "alaw", "ulaw", "alac"};
  if (std::find(kRead.begin(), kRead.end(), codec) == kRead.end()) {
    fail(
        "{}: a CAF file that holds '{}' (such as aac, .mp3, opus, ima4), which is not read here; convert it "
        "first: `ffmpeg -i in.caf -c:a pcm_s16le out.wav`",
        part.doing, codec);
  }
  for (int64_t at = part.begin + kFileHeader; at + kCafChunkHeader <= part.end;) {
    const uint64_t size = scan.big(at + 4, 8);
    if (!scan.has(at, "data")) {
      if (size > static_cast<uint64_t>(part.end - at)) return std::nullopt;
      at += kCafChunkHeader + static_cast<int64_t>(size);
      continue;
    }
    const int64_t samples = at + kCafChunkHeader + kEditCount;
    const uint64_t promised = size < static_cast<uint64_t>(kEditCount) ? 0 : size - kEditCount;
    const Extent extent = find_extent(scan, std::min(samples, part.end), part.end, promised, 0,
                                      [&](int64_t end) { return is_chunks(scan, end); });
    Contents contents;
    if (extent.worth_a_word) {
      const uint64_t rate_bits = scan.big(description, 8);
      double rate = 0;
      std::memcpy(&rate, &rate_bits, sizeof rate);
      const bool is_rate = std::isfinite(rate) && rate >= 1 && rate < 1e9;
      const Blocks blocks{static_cast<int64_t>(scan.big(description + 16, 4)),
                          static_cast<int64_t>(scan.big(description + 20, 4)),
                          is_rate ? static_cast<int64_t>(rate) : 1};
      contents.warnings.push_back(length_warning(blocks, promised, extent.end - samples));
    }
    const bool is_joined = scan.has(extent.end, "caff");
    if (is_joined) contents.warnings.emplace_back(kJoined);
    contents.streams.push_back({reduced(part, scan, samples, extent.end)});
    return contents;
  }
  return std::nullopt;
}

}  // namespace contentvec::audio
