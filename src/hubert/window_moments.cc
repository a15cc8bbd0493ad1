#include "hubert/window_moments.h"

#include <algorithm>
#include <cmath>

namespace contentvec::hubert {

void WindowMoments::clear() {
  std::fill_n(sums_, size(kernel_), 0.0);
}

void WindowMoments::add_windows(const float* waveform, int64_t count, int64_t stride) {
  for (int64_t t = 0; t < count; ++t, waveform += stride) {
    double* sum = sums_;
    for (int64_t j = 0; j < kernel_; ++j) {
      const double x = static_cast<double>(waveform[j]);
      *sum++ += x;
      for (int64_t k = j; k < kernel_; ++k) *sum++ += x * static_cast<double>(waveform[k]);
    }
  }
}

void WindowMoments::add(const WindowMoments& other) {
  for (int64_t i = 0; i < size(kernel_); ++i) sums_[i] += other.sums_[i];
}

ChannelAffine WindowMoments::group_norm(const float* weight, int64_t count, float scale, float shift) const {
  constexpr double kEps = 1e-5;  // GroupNorm's own, whatever the encoder's
  double mean = 0;
  double square = 0;
  const double* sum = sums_;
  for (int64_t j = 0; j < kernel_; ++j) {
    const double w = static_cast<double>(weight[j]);
    mean += w * *sum++;
    for (int64_t k = j; k < kernel_; ++k)
      square += (k == j ? 1 : 2) * w * static_cast<double>(weight[k]) * *sum++;
  }
  mean /= static_cast<double>(count);
  const double variance = std::max(0.0, square / static_cast<double>(count) - mean * mean);
  const double factor = static_cast<double>(scale) / std::sqrt(variance + kEps);
  return {factor, static_cast<double>(shift) - mean * factor};
}

}  // namespace contentvec::hubert
