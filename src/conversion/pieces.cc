#include "conversion/pieces.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "dsp/padding.h"

namespace contentvec::conversion {
namespace {

constexpr int64_t kQuiet = 160;  // samples that are to be quiet

/// The first of the quietest samples from `begin` to `end`.
int64_t quietest(std::span<const float> recording, int64_t begin, int64_t end) {
  const auto size = static_cast<int64_t>(recording.size());
  // Whole numbers, so that what leaves the sum is what came into it, and silence is as quiet as silence.
  const auto magnitude = [&](int64_t place) {
    const float x = recording[static_cast<size_t>(dsp::mirrored(place, size))];
    return static_cast<int64_t>(std::ldexp(std::abs(static_cast<double>(x)), 40));
  };
  int64_t sum = 0;
  for (int64_t i = begin - kQuiet / 2; i < begin + kQuiet / 2; ++i) sum += magnitude(i);
  int64_t best = begin;
  int64_t least = sum;
  for (int64_t i = begin + 1; i < end; ++i) {
    sum += magnitude(i + kQuiet / 2 - 1) - magnitude(i - kQuiet / 2 - 1);
    if (sum < least) {
      best = i;
      least = sum;
    }
  }
  return best;
}

}  // namespace

std::vector<int64_t> find_cuts(std::span<const float> recording, const CutRule& rule) {
  const auto size = static_cast<int64_t>(recording.size());
  std::vector<int64_t> cuts;
  if (size + kPitchHop <= rule.longest) return cuts;
  for (int64_t place = rule.every; place < size; place += rule.every) {
    const int64_t best = quietest(recording, place - rule.search, std::min(size, place + rule.search));
    cuts.push_back(best / kPitchHop * kPitchHop);
  }
  return cuts;
}

std::vector<Piece> pieces_between(std::span<const int64_t> cuts, int64_t samples) {
  std::vector<Piece> pieces;
  int64_t begin = 0;
  for (const int64_t cut : cuts) {
    const int64_t own = cut - begin;
    pieces.push_back({begin, own + 2 * kPad + kPitchHop, (own + 2 * kPad) / kPitchHop, own / kPitchHop});
    begin = cut;
  }
  const int64_t own = samples - begin;
  pieces.push_back({begin, own + 2 * kPad, (own + 2 * kPad) / kPitchHop, own / kPitchHop});
  return pieces;
}

}  // namespace contentvec::conversion
