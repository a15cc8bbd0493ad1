#include "dsp/sola.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace contentvec::dsp {
namespace {

constexpr double kLeastEnergy = 1e-8;

}  // namespace

std::vector<double> fade_in(int64_t samples) {
  std::vector<double> weights(static_cast<size_t>(samples));
  for (int64_t i = 0; i < samples; ++i) {
    const double place = samples == 1 ? 0 : static_cast<double>(i) / static_cast<double>(samples - 1);
    const double sine = std::sin(std::numbers::pi / 2 * place);
    weights[static_cast<size_t>(i)] = sine * sine;
  }
  return weights;
}

Sola::Sola(int64_t block, int64_t fade, int64_t search)
    : block_(block),
      search_(search),
      fade_in_(dsp::fade_in(fade)),
      leaving_(static_cast<size_t>(fade)),
      correlations_(static_cast<size_t>(search + 1)),
      energies_(correlations_.size()) {}

/// Where sum_i y[o + i] b[i] / sqrt(sum_i y[o + i]^2 + 1e-8) is largest.
int64_t Sola::find_offset(std::span<const float> made) {
  std::fill(correlations_.begin(), correlations_.end(), 0.0);
  std::fill(energies_.begin(), energies_.end(), kLeastEnergy);
  // Offsets innermost: their sums are independent of each other, so that they are computed side by side.
  for (size_t i = 0; i < leaving_.size(); ++i) {
    const auto b = static_cast<double>(leaving_[i]);
    for (size_t o = 0; o < correlations_.size(); ++o) {
      const auto y = static_cast<double>(made[o + i]);
      correlations_[o] += y * b;
      energies_[o] += y * y;
    }
  }
  for (size_t o = 0; o < correlations_.size(); ++o) correlations_[o] /= std::sqrt(energies_[o]);
  return std::max_element(correlations_.begin(), correlations_.end()) - correlations_.begin();
}

int64_t Sola::join(std::span<const float> made, std::span<float> out) {
  const int64_t offset = find_offset(made);
  made = made.subspan(static_cast<size_t>(offset));
  // What fades may be longer than a block: then it goes on fading in the next.
  const auto block = static_cast<size_t>(block_);
  const auto joined = [&](size_t i) {
    return i < leaving_.size() ? faded(fade_in_[i], made[i], leaving_[i]) : made[i];
  };
  for (size_t i = 0; i < block; ++i) out[i] = joined(i);
  for (size_t i = 0; i < leaving_.size(); ++i) leaving_[i] = joined(block + i);
  return offset;
}

void Sola::reset() {
  std::fill(leaving_.begin(), leaving_.end(), 0.0F);
}

}  // namespace contentvec::dsp
