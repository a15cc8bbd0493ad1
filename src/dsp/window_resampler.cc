#include "dsp/window_resampler.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

namespace contentvec::dsp {
namespace {

constexpr double kCrossings = 6;
constexpr double kRolloff = 0.99;  // the cutoff, as a share of the lower of both Nyquist frequencies

/// A windowed sinc at `place`, in zero crossings.
double windowed_sinc(double place) {
  if (std::abs(place) >= kCrossings) return 0;
  const double window = std::cos(place * std::numbers::pi / kCrossings / 2);
  const double turn = place * std::numbers::pi;
  return (turn == 0 ? 1 : std::sin(turn) / turn) * window * window;
}

}  // namespace

WindowResampler::WindowResampler(int64_t from, int64_t to)
    : from_(from / std::gcd(from, to)), to_(to / std::gcd(from, to)) {
  if (from_ == to_) return;
  const double cutoff = static_cast<double>(std::min(from_, to_)) * kRolloff;
  width_ = static_cast<int64_t>(std::ceil(kCrossings * static_cast<double>(from_) / cutoff)) + 1;
  const double scale = cutoff / static_cast<double>(from_);
  kernel_.reserve(static_cast<size_t>(to_ * (2 * width_ + 1)));
  for (int64_t phase = 0; phase < to_; ++phase) {
    const int64_t nearest = phase * from_ / to_;
    for (int64_t tap = nearest - width_; tap <= nearest + width_; ++tap) {
      const double seconds = static_cast<double>(tap) / static_cast<double>(from_) -
                             static_cast<double>(phase) / static_cast<double>(to_);
      kernel_.push_back(scale * windowed_sinc(seconds * cutoff));
    }
  }
}

void WindowResampler::run(std::span<const float> in, std::span<float> out) const {
  if (from_ == to_) {
    std::copy_n(in.begin(), out.size(), out.begin());
    return;
  }
  const auto samples = static_cast<int64_t>(in.size());
  const int64_t taps = 2 * width_ + 1;
  for (int64_t i = 0; i < static_cast<int64_t>(out.size()); ++i) {
    const double* kernel = kernel_.data() + i % to_ * taps;
    const int64_t first = i / to_ * from_ + i % to_ * from_ / to_ - width_;
    const int64_t begin = std::max<int64_t>(first, 0);
    const int64_t end = std::min(first + taps, samples);
    double sum = 0;
    for (int64_t at = begin; at < end; ++at)
      sum += kernel[at - first] * static_cast<double>(in[static_cast<size_t>(at)]);
    out[static_cast<size_t>(i)] = static_cast<float>(sum);
  }
}

}  // namespace contentvec::dsp
