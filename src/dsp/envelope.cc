#include "dsp/envelope.h"

#include <algorithm>
#include <cmath>

namespace contentvec::dsp {

namespace {

double energy_of(std::span<const float> samples) {
  double sum = 0;
  for (const float x : samples) sum += static_cast<double>(x) * static_cast<double>(x);
  return sum;
}

/// The value at a place between two, of which the last stands for what is beyond.
double between(std::span<const double> values, double place) {
  const auto left = std::min(static_cast<size_t>(place), values.size() - 1);
  const size_t right = std::min(left + 1, values.size() - 1);
  const double part = place - static_cast<double>(left);
  return values[left] * (1 - part) + values[right] * part;
}

}  // namespace

void rms_envelope(std::span<const float> signal, int64_t hop, int64_t hops, std::span<double> out) {
  const auto samples = static_cast<int64_t>(signal.size());
  const auto hop_at = [&](int64_t begin) {
    const int64_t first = std::clamp<int64_t>(begin, 0, samples);
    const int64_t end = std::clamp<int64_t>(begin + hop, 0, samples);
    return signal.subspan(static_cast<size_t>(first), static_cast<size_t>(end - first));
  };
  for (int64_t frame = 0; frame < static_cast<int64_t>(out.size()); ++frame) {
    double sum = 0;
    for (int64_t i = frame - hops / 2; i < frame + hops / 2; ++i) sum += energy_of(hop_at(i * hop));
    out[static_cast<size_t>(frame)] = std::sqrt(sum / static_cast<double>(hops * hop));
  }
}

std::vector<double> rms_envelope(std::span<const float> signal, int64_t hop) {
  std::vector<double> envelope(signal.size() / static_cast<size_t>(hop) + 1);
  rms_envelope(signal, hop, 2, envelope);
  return envelope;
}

double HalfPixel::at(int64_t i) const {
  return between(values_, std::max((static_cast<double>(i) + 0.5) * scale_ - 0.5, 0.0));
}

double AlignedCorners::at(int64_t i) const {
  return between(values_, static_cast<double>(i) * scale_);
}

}  // namespace contentvec::dsp
