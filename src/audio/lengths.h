#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "audio/containers.h"
#include "audio/scanner.h"

namespace contentvec::audio {

/// How bytes of samples become frames: `frames` of them in every `bytes`, at so many a second.
struct Blocks {
  int64_t bytes = 1;
  int64_t frames = 1;
  int64_t rate = 1;
  bool last_may_be_cut = true;  ///< a block that is not whole gives sound, too
};

/// Both lengths, in samples and seconds, where a header promises more or less than there is.
std::string length_warning(const Blocks& blocks, uint64_t promised_bytes, int64_t bytes_there);

/// What such a difference means, and what was done.
std::string_view length_verdict(uint64_t promised_bytes, int64_t bytes_there);

/// A number of bytes that programs write into a header which they cannot come back to: 0xffffffff,
/// 0x7fffffff, 0x80000000 and what is a header's size away from them.
bool is_placeholder(uint64_t size);

/// What sizes of 32 bits are taken modulo.
inline constexpr uint64_t kWrap32 = uint64_t{1} << 32;

/// The end of a file's samples.
struct Extent {
  int64_t end = 0;
  bool corrected = false;     ///< the header says something else
  bool worth_a_word = false;  ///< and no program that streams would write that
};

/// Decides where samples that begin at `begin` end, in a file that ends at `file_end`, when the header says
/// that there are `promised` bytes of them. `goes_on_well(offset)` says whether what follows from there on is
/// what the format has behind the samples. `wrap`: the header has so many bits' room for the size (2^32), or
/// 0.
template <typename GoesOnWell>
Extent find_extent(Scanner& scan, int64_t begin, int64_t file_end, uint64_t promised, uint64_t wrap,
                   GoesOnWell goes_on_well) {
  constexpr int64_t kPadding = 4096;  // bytes, zero, up to a block of some disk
  const auto there = static_cast<uint64_t>(file_end - begin);
  if (promised > there && !is_placeholder(promised)) return {file_end, true, true};
  if (promised <= there) {
    const auto is_end = [&](int64_t end) {
      return end == file_end || end_before_tags(scan, end - 1, file_end) == end ||
             begin_behind_tags(scan, end, file_end) == file_end || goes_on_well(end) ||
             (file_end - end <= kPadding && scan.is_zero(end, file_end));
    };
    const uint64_t wraps = wrap > 0 ? (there - promised) / wrap : 0;
    for (uint64_t i = wraps + 1; i-- > 0;) {
      const int64_t end = begin + static_cast<int64_t>(promised + i * wrap);
      if (is_end(end)) return {end, i > 0, false};
    }
  }
  return {end_before_tags(scan, begin, file_end), true, promised != 0 && !is_placeholder(promised)};
}

}  // namespace contentvec::audio
