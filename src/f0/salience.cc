#include "f0/salience.h"

#include <algorithm>
#include <cmath>

namespace contentvec::f0 {
namespace {

constexpr int64_t kReach = 4;  // bins on either side of the largest

int64_t first_largest(std::span<const float> salience) {
  return std::max_element(salience.begin(), salience.end()) - salience.begin();
}

float hz(double cents) {
  return static_cast<float>(10.0 * std::exp2(cents / 1200.0));
}

}  // namespace

FramePitch decode_rmvpe(std::span<const float> salience, float threshold) {
  const int64_t center = first_largest(salience);
  const float largest = salience[static_cast<size_t>(center)];
  if (!(largest > threshold)) return {0, largest};
  const int64_t last = static_cast<int64_t>(salience.size()) - 1;
  double weights = 0;
  double sum = 0;
  for (int64_t bin = std::max<int64_t>(0, center - kReach); bin <= std::min(last, center + kReach); ++bin) {
    const auto weight = static_cast<double>(salience[static_cast<size_t>(bin)]);
    weights += weight;
    sum += weight * (20.0 * static_cast<double>(bin) + 1997.3794084376191);
  }
  return {hz(sum / weights), largest};
}

FramePitch decode_fcpe(std::span<const float> salience, std::span<const float> cents, float threshold) {
  const int64_t center = first_largest(salience);
  const float largest = salience[static_cast<size_t>(center)];
  if (!(largest > threshold)) return {0, largest};
  const int64_t last = static_cast<int64_t>(salience.size()) - 1;
  double weights = 0;
  double sum = 0;
  for (int64_t bin = center - kReach; bin <= center + kReach; ++bin) {
    const auto inside = static_cast<size_t>(std::clamp<int64_t>(bin, 0, last));
    weights += static_cast<double>(salience[inside]);
    sum += static_cast<double>(salience[inside]) * static_cast<double>(cents[inside]);
  }
  return {hz(sum / weights), largest};
}

}  // namespace contentvec::f0
