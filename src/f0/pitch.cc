// What is done with f0 once it is there.

#include <algorithm>
#include <cmath>

#include "contentvec/pitch.h"
#include "runtime/fail.h"

namespace contentvec {
namespace {

double mel(double hz) {
  return 1127.0 * std::log1p(hz / 700.0);
}

}  // namespace

std::string_view pitch_method_name(PitchMethod method) {
  return method == PitchMethod::kRmvpe ? "rmvpe" : "fcpe";
}

void interpolate_unvoiced(std::span<float> f0) {
  const auto is_voiced = [](float hz) { return hz > 0; };
  const auto first = std::find_if(f0.begin(), f0.end(), is_voiced);
  if (first == f0.end()) return;
  std::fill(f0.begin(), first, *first);
  for (auto left = first; left != f0.end();) {
    const auto right = std::find_if(left + 1, f0.end(), is_voiced);
    if (right == f0.end()) {
      std::fill(left + 1, f0.end(), *left);
    } else {
      const double from = static_cast<double>(*left);
      const double slope = (static_cast<double>(*right) - from) / static_cast<double>(right - left);
      for (auto at = left + 1; at < right; ++at)
        *at = static_cast<float>(from + slope * static_cast<double>(at - left));
    }
    left = right;
  }
}

void shift_semitones(std::span<float> f0, double semitones) {
  constexpr double kMost = 120;  // ten octaves, from one end of hearing to the other
  if (!(std::abs(semitones) <= kMost))
    fail("the pitch is to be shifted by {} semitones; expected {} to {}", semitones, -kMost, kMost);
  const double factor = std::exp2(semitones / 12.0);
  for (float& hz : f0) hz = static_cast<float>(static_cast<double>(hz) * factor);
}

std::vector<int64_t> coarse_pitch(std::span<const float> f0) {
  std::vector<int64_t> coarse(f0.size());
  coarse_pitch(f0, coarse);
  return coarse;
}

void coarse_pitch(std::span<const float> f0, std::span<int64_t> coarse) {
  const double lowest = mel(50);
  const double scale = 254.0 / (mel(1100) - lowest);
  std::transform(f0.begin(), f0.end(), coarse.begin(), [&](float hz) {
    const double m = mel(static_cast<double>(hz));
    if (!(m > 0)) return int64_t{1};  // what is no number, too
    return static_cast<int64_t>(std::nearbyint(std::clamp((m - lowest) * scale + 1, 1.0, 255.0)));
  });
}

}  // namespace contentvec
