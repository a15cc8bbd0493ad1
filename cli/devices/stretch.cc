#include "cli/devices/stretch.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>

namespace contentvec::cli {
namespace {

constexpr int64_t kReach = 16;  // samples to either side

/// cos and sin of what Blackman's window is at whole samples, from 1 - kReach to kReach.
struct Turns {
  Turns() {
    for (size_t i = 0; i < cosines.size(); ++i) {
      const double angle =
          std::numbers::pi / kReach * static_cast<double>(static_cast<int64_t>(i) + 1 - kReach);
      cosines[i] = std::cos(angle);
      sines[i] = std::sin(angle);
    }
  }
  std::array<double, 2 * kReach> cosines;
  std::array<double, 2 * kReach> sines;
};

/// Between samples: what the sinc under Blackman's window makes of those around.
float value_at(std::span<const float> samples, double place) {
  static const Turns turns;
  const auto left = static_cast<int64_t>(place);
  const double behind = place - static_cast<double>(left);
  if (behind == 0) return samples[static_cast<size_t>(left)];
  const double cosine_behind = std::cos(std::numbers::pi / kReach * behind);
  const double sine_behind = std::sin(std::numbers::pi / kReach * behind);
  double sign = kReach % 2 == 0 ? -1 : 1;  // of the sinc's sine, which all samples share but for that
  double sum = 0;
  double weights = 0;
  for (size_t i = 0; i < turns.cosines.size(); ++i, sign = -sign) {
    const double k = static_cast<double>(i) + 1 - kReach;
    const double cosine = cosine_behind * turns.cosines[i] + sine_behind * turns.sines[i];
    const double weight = sign * (0.34 + 0.5 * cosine + 0.16 * cosine * cosine) / (behind - k);
    sum += weight * static_cast<double>(samples[static_cast<size_t>(left + 1 - kReach) + i]);
    weights += weight;
  }
  return static_cast<float>(sum / weights);
}

}  // namespace

void stretch(std::span<const float> in, std::span<float> out) {
  std::copy_n(in.begin(), kReach, out.begin());
  std::copy_n(in.end() - kReach, kReach, out.end() - kReach);
  const auto from = static_cast<double>(in.size() - 2 * kReach + 1);
  const auto to = static_cast<double>(out.size() - 2 * kReach + 1);
  for (size_t i = kReach; i < out.size() - kReach; ++i) {
    const double place = static_cast<double>(i - kReach + 1) * from / to;
    out[i] = value_at(in, static_cast<double>(kReach - 1) + place);
  }
}

}  // namespace contentvec::cli
