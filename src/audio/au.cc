#include <algorithm>
#include <array>

#include "audio/containers.h"
#include "audio/lengths.h"
#include "audio/pieced_source.h"

namespace contentvec::audio {

std::optional<Contents> au_contents(const Part& part) {
  constexpr uint64_t kUnknown = 0xffffffff;
  // By encoding: 8-bit mu-law, 8 to 32 bits, float, double; 27: A-law.
  constexpr std::array<int64_t, 8> kBytes = {1, 1, 1, 2, 3, 4, 4, 8};
  Scanner scan(part.source);
  const bool big_endian = scan.has(part.begin, ".snd");
  const auto field = [&](int64_t number) {
    const int64_t at = part.begin + 4 * number;
    return big_endian ? scan.big(at, 4) : scan.little(at, 4);
  };
  const int64_t samples = part.begin + static_cast<int64_t>(field(1));
  const uint64_t promised = field(2);
  const uint64_t encoding = field(3);
  if (samples > part.end) return std::nullopt;
  const int64_t bytes = encoding < kBytes.size() ? kBytes[encoding] : 1;
  const Blocks blocks{bytes * std::max<int64_t>(1, static_cast<int64_t>(field(5))), 1,
                      static_cast<int64_t>(field(4))};
  const Extent extent =
      find_extent(scan, samples, part.end, promised, kWrap32, [](int64_t) { return false; });
  Contents contents;
  if (extent.worth_a_word) {
    contents.warnings.push_back(length_warning(blocks, promised, extent.end - samples));
  }
  std::vector<Patch> patches;
  if (scan.has(part.begin, std::string_view("\0ds.", 4)))
    patches.push_back({part.begin, "dns."});  // SoX's name
  if (extent.corrected) {                     // libsndfile then takes the rest of the file, however long
    patches.push_back({part.begin + 8, little_bytes(kUnknown, 4)});
  }
  contents.streams.push_back({patched(part.source, part.begin, extent.end, patches)});
  return contents;
}

}  // namespace contentvec::audio
