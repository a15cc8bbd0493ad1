#include "f0/salience.h"

#include <algorithm>
#include <cmath>

namespace contentvec::f0 {
namespace {

constexpr int64_t kReach = 4;  // bins on either side of the largest

/// The mean pitch of the bins around the first largest, weighted by salience. cents_of(bin) is that of a bin,
/// and counted(bin) the one inside that a bin beyond the ends counts as; below 0: none.
template <typename Cents, typename Counted>
FramePitch decode(std::span<const float> salience, float threshold, const Cents& cents_of,
                  const Counted& counted) {
  const int64_t center = std::max_element(salience.begin(), salience.end()) - salience.begin();
  const float largest = salience[static_cast<size_t>(center)];
  if (!(largest > threshold)) return {0, largest};
  double weights = 0;
  double sum = 0;
  for (int64_t bin = center - kReach; bin <= center + kReach; ++bin) {
    const int64_t inside = counted(bin);
    if (inside < 0) continue;
    const auto weight = static_cast<double>(salience[static_cast<size_t>(inside)]);
    weights += weight;
    sum += weight * cents_of(inside);
  }
  return {static_cast<float>(10.0 * std::exp2(sum / weights / 1200.0)), largest};
}

}  // namespace

FramePitch decode_rmvpe(std::span<const float> salience, float threshold) {
  const auto bins = static_cast<int64_t>(salience.size());
  return decode(
      salience, threshold, [](int64_t bin) { return 20.0 * static_cast<double>(bin) + 1997.3794084376191; },
      [&](int64_t bin) { return bin < bins ? bin : -1; });
}

FramePitch decode_fcpe(std::span<const float> salience, std::span<const float> cents, float threshold) {
  const int64_t last = static_cast<int64_t>(salience.size()) - 1;
  return decode(
      salience, threshold, [&](int64_t bin) { return static_cast<double>(cents[static_cast<size_t>(bin)]); },
      [&](int64_t bin) { return std::clamp<int64_t>(bin, 0, last); });
}

}  // namespace contentvec::f0
