#include "audio/lengths.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace contentvec::audio {

std::string_view length_verdict(uint64_t promised_bytes, int64_t bytes_there) {
  return static_cast<uint64_t>(bytes_there) < promised_bytes
             ? "the file is cut short, and what is there was taken"
             : "the header is out of date, and all that is there was taken";
}

std::string length_warning(const Blocks& blocks, uint64_t promised_bytes, int64_t bytes_there) {
  const auto bytes = static_cast<uint64_t>(std::max<int64_t>(1, blocks.bytes));
  const bool counts_cut = blocks.frames > 1 && blocks.last_may_be_cut;
  const auto length = [&](uint64_t size) {
    const uint64_t whole = size / bytes + (counts_cut && size % bytes != 0);
    const auto frames = static_cast<double>(whole) * static_cast<double>(blocks.frames);
    return fmt::format("{:.0f} samples ({:.2f} s)", frames,
                       frames / static_cast<double>(std::max<int64_t>(1, blocks.rate)));
  };
  return fmt::format("the header promises {}, {} are there: {}", length(promised_bytes),
                     length(static_cast<uint64_t>(bytes_there)), length_verdict(promised_bytes, bytes_there));
}

bool is_placeholder(uint64_t size) {
  constexpr uint64_t kHeader = 4096;
  constexpr std::array<uint64_t, 5> kLargest = {0x7f000fff, 0x7fffffff, 0xffffffff, 0x7fffffffffffffff,
                                                0xffffffffffffffff};
  return std::any_of(kLargest.begin(), kLargest.end(), [&](uint64_t largest) {
    return size <= largest ? largest - size <= kHeader : size - largest <= 1;
  });
}

}  // namespace contentvec::audio
