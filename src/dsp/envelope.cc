#include "dsp/envelope.h"

#include <algorithm>
#include <cmath>

namespace contentvec::dsp {

std::vector<double> rms_envelope(std::span<const float> signal, int64_t hop) {
  const auto step = static_cast<size_t>(hop);
  std::vector<double> envelope(signal.size() / step + 1);
  double before = 0;  // the sum of squares of the hop before: each frame is two hops
  for (size_t frame = 0; frame < envelope.size(); ++frame) {
    const size_t begin = frame * step;
    double behind = 0;
    for (const float x : signal.subspan(begin, std::min(step, signal.size() - begin)))
      behind += static_cast<double>(x) * static_cast<double>(x);
    envelope[frame] = std::sqrt((before + behind) / static_cast<double>(2 * hop));
    before = behind;
  }
  return envelope;
}

double HalfPixel::at(int64_t i) const {
  const double place = std::max((static_cast<double>(i) + 0.5) * scale_ - 0.5, 0.0);
  const auto left = std::min(static_cast<size_t>(place), values_.size() - 1);
  const size_t right = std::min(left + 1, values_.size() - 1);
  const double part = place - static_cast<double>(left);
  return values_[left] * (1 - part) + values_[right] * part;
}

}  // namespace contentvec::dsp
