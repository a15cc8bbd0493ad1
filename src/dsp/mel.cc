#include "dsp/mel.h"

#include <algorithm>
#include <cmath>

namespace contentvec::dsp {
namespace {

// Slaney's scale: 200 / 3 Hz a mel up to 1 kHz, then 27 mels to a factor of 6.4.
constexpr double kLinearStep = 200.0 / 3.0;
constexpr double kBreakHz = 1000.0;
constexpr double kBreakMel = kBreakHz / kLinearStep;
constexpr double kLogStep = 0.06875177742094912;  // ln(6.4) / 27

double to_mel(MelScale scale, double hz) {
  if (scale == MelScale::kHtk) return 2595.0 * std::log10(1.0 + hz / 700.0);
  return hz < kBreakHz ? hz / kLinearStep : kBreakMel + std::log(hz / kBreakHz) / kLogStep;
}

double to_hz(MelScale scale, double mel) {
  if (scale == MelScale::kHtk) return 700.0 * (std::pow(10.0, mel / 2595.0) - 1.0);
  return mel < kBreakMel ? mel * kLinearStep : kBreakHz * std::exp(kLogStep * (mel - kBreakMel));
}

/// The corners of the triangles: each begins at one, peaks at the next and ends at the one after.
std::vector<double> corners(MelScale scale, int64_t mels, double lowest_hz, double highest_hz) {
  const double from = to_mel(scale, lowest_hz);
  const double to = to_mel(scale, highest_hz);
  const double step = (to - from) / static_cast<double>(mels + 1);
  std::vector<double> hz(static_cast<size_t>(mels) + 2);
  for (size_t i = 0; i < hz.size(); ++i) hz[i] = to_hz(scale, from + static_cast<double>(i) * step);
  hz.back() = to_hz(scale, to);
  return hz;
}

}  // namespace

MelBasis::MelBasis(MelScale scale, double sample_rate, int64_t fft_size, int64_t mels, double lowest_hz,
                   double highest_hz)
    : mels_(mels), bins_(fft_size / 2 + 1), weights_(static_cast<size_t>(mels * bins_)) {
  const std::vector<double> hz = corners(scale, mels, lowest_hz, highest_hz);
  first_.reserve(static_cast<size_t>(mels));
  end_.reserve(static_cast<size_t>(mels));
  const double bin_hz = 1.0 / (static_cast<double>(fft_size) * (1.0 / sample_rate));
  for (int64_t mel = 0; mel < mels; ++mel) {
    const auto m = static_cast<size_t>(mel);
    float* row = weights_.data() + mel * bins_;
    const double area = 2.0 / (hz[m + 2] - hz[m]);
    for (int64_t bin = 0; bin < bins_; ++bin) {
      const double f = static_cast<double>(bin) * bin_hz;
      const double rising = (f - hz[m]) / (hz[m + 1] - hz[m]);
      const double falling = (hz[m + 2] - f) / (hz[m + 2] - hz[m + 1]);
      const auto height = static_cast<float>(std::max(0.0, std::min(rising, falling)));
      row[bin] = static_cast<float>(static_cast<double>(height) * area);
    }
    const auto is_used = [](float weight) { return weight != 0.0F; };
    first_.push_back(std::find_if(row, row + bins_, is_used) - row);
    end_.push_back(first_.back());
    for (int64_t bin = first_.back(); bin < bins_; ++bin)
      if (is_used(row[bin])) end_.back() = bin + 1;
  }
}

void MelBasis::log_mel(std::span<const double> magnitudes, float* out) const {
  for (int64_t mel = 0; mel < mels_; ++mel) {
    const float* row = weights_.data() + mel * bins_;
    double sum = 0;
    for (int64_t bin = first_[static_cast<size_t>(mel)]; bin < end_[static_cast<size_t>(mel)]; ++bin)
      sum += static_cast<double>(row[bin]) * magnitudes[static_cast<size_t>(bin)];
    out[mel] = static_cast<float>(std::log(std::max(sum, 1e-5)));
  }
}

}  // namespace contentvec::dsp
