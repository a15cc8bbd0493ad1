#include "dsp/high_pass.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <vector>

namespace contentvec::dsp {
namespace {

/// One factor of the filter, of order two, in the transposed direct form II.
struct Section {
  double b0 = 0, b1 = 0, b2 = 0, a1 = 0, a2 = 0;
  double s1 = 0, s2 = 0;

  double step(double x) {
    const double y = b0 * x + s1;
    s1 = b1 * x - a1 * y + s2;
    s2 = b2 * x - a2 * y;
    return y;
  }

  /// As after an endless x, of which a high-pass leaves nothing.
  void settle(double x) {
    s2 = b2 * x;
    s1 = (b1 + b2) * x;
  }
};

/// The filter as factors: multiplied out, its coefficients would leave half of a double's digits, since all its poles
/// and zeros are close to 1.
///
/// Butterworth's poles of order 5 lie on a circle, at 0, +-36 and +-72 degrees from the negative axis: in s, scaled to
/// the cutoff w, the factors s / (s + w) and s^2 / (s^2 + 2 cos(angle) w s + w^2). The bilinear transform puts
/// (1 - 1/z) / (1 + 1/z) for s, and w = tan(pi cutoff / rate) keeps the cutoff where it is.
class Butterworth {
 public:
  Butterworth(double cutoff, double rate) {
    const double w = std::tan(std::numbers::pi * cutoff / rate);
    const auto pair = [w](double angle) {
      const double damping = 2 * std::cos(angle) * w;
      const double scale = 1 / (1 + damping + w * w);
      return Section{scale, -2 * scale, scale, 2 * (w * w - 1) * scale, (1 - damping + w * w) * scale};
    };
    const double scale = 1 / (1 + w);
    sections_ = {pair(std::numbers::pi / 5), pair(2 * std::numbers::pi / 5),
                 Section{scale, -scale, 0, (w - 1) * scale, 0}};
  }

  double step(double x) {
    for (Section& section : sections_) x = section.step(x);
    return x;
  }

  /// As after an endless x: the first factor's output is 0 by then, and so is all that the others see.
  void settle(double x) {
    sections_[0].settle(x);
    sections_[1].settle(0);
    sections_[2].settle(0);
  }

 private:
  std::array<Section, 3> sections_;
};

constexpr size_t kExtension = 18;  // three times the number of coefficients of order 5
constexpr size_t kBlock = size_t{1} << 14;

/// What stands before a signal, turned about its first sample, in the signal's order. Of the reversed signal it is what
/// stands behind, from there inwards.
template <typename Iterator>
std::vector<double> extension(Iterator first, size_t size) {
  const size_t length = std::min(kExtension, size - 1);
  std::vector<double> values(length);
  for (size_t i = 0; i < length; ++i)
    values[i] =
        2 * static_cast<double>(first[0]) - static_cast<double>(first[static_cast<ptrdiff_t>(length - i)]);
  return values;
}

}  // namespace

void high_pass(std::span<float> signal, double cutoff, double rate) {
  if (signal.empty()) return;
  Butterworth forward(cutoff, rate);
  const std::vector<double> before = extension(signal.begin(), signal.size());
  std::vector<double> behind = extension(signal.rbegin(), signal.size());
  std::reverse(behind.begin(), behind.end());

  // Forward, keeping how the filter stands at the beginning of each block.
  forward.settle(before.empty() ? static_cast<double>(signal.front()) : before.front());
  for (const double x : before) forward.step(x);
  std::vector<Butterworth> at_block;
  double last = 0;
  for (size_t i = 0; i < signal.size(); ++i) {
    if (i % kBlock == 0) at_block.push_back(forward);
    last = forward.step(static_cast<double>(signal[i]));
  }
  for (double& x : behind) x = last = forward.step(x);

  // Backward; each block's forward run is made once more for it.
  Butterworth backward = forward;
  backward.settle(last);
  for (auto y = behind.rbegin(); y != behind.rend(); ++y) backward.step(*y);
  std::vector<double> block;
  for (size_t number = at_block.size(); number-- > 0;) {
    const auto samples = signal.subspan(number * kBlock, std::min(kBlock, signal.size() - number * kBlock));
    block.resize(samples.size());
    for (size_t i = 0; i < samples.size(); ++i)
      block[i] = at_block[number].step(static_cast<double>(samples[i]));
    for (size_t i = samples.size(); i-- > 0;) samples[i] = static_cast<float>(backward.step(block[i]));
  }
}

}  // namespace contentvec::dsp
