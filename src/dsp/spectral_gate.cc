#include "dsp/spectral_gate.h"

#include <algorithm>
#include <cmath>
#include <kissfft/kissfft.hh>
#include <limits>
#include <numbers>

namespace contentvec::dsp {
namespace {

constexpr int64_t kHopsPerFrame = 4;
constexpr double kDeviations = 1.5;  ///< above the mean, from where on it is no noise
constexpr double kKept = 0.1;        ///< of noise
constexpr double kRange = 40;        ///< dB below a bin's loudest
// The mask is averaged under triangles that reach so far: 50 ms, and 500 Hz of twice the distance of bins.
constexpr int64_t kFramesAround = 5;
constexpr int64_t kBinsAround = 10;

double decibels(const std::complex<double>& bin) {
  return 20 * std::log10(std::sqrt(std::norm(bin)) + std::numeric_limits<double>::epsilon());
}

/// values[i] under a triangle of weights whose sum is 1, zeros around them; `stride` apart. In place.
void smooth(double* values, int64_t count, int64_t stride, int64_t around, std::vector<double>& line) {
  for (int64_t i = 0; i < count; ++i) line[static_cast<size_t>(i)] = values[i * stride];
  const auto height = static_cast<double>(around + 1);
  for (int64_t i = 0; i < count; ++i) {
    double sum = 0;
    for (int64_t j = std::max<int64_t>(i - around, 0); j <= std::min(i + around, count - 1); ++j)
      sum += line[static_cast<size_t>(j)] * (height - static_cast<double>(std::abs(i - j)));
    values[i * stride] = sum / (height * height);
  }
}

}  // namespace

class SpectralGate::Fft {
 public:
  explicit Fft(size_t size) : forward(size, false), inverse(size, true) {}
  kissfft<double> forward;
  kissfft<double> inverse;
};

SpectralGate::SpectralGate(int64_t hop, int64_t judged, int64_t stretch)
    : hop_(hop),
      size_(kHopsPerFrame * hop),
      bins_(static_cast<size_t>(size_ / 2 + 1)),
      judged_frames_(judged / hop + 1),
      stretch_frames_(stretch / hop + 1),
      fft_(std::make_unique<Fft>(bins_ - 1)),
      window_(static_cast<size_t>(size_)),
      turns_(bins_ - 1),
      packed_(bins_ - 1),
      frame_(window_.size()),
      levels_(static_cast<size_t>(judged_frames_) * bins_),
      threshold_(bins_),
      spectra_(static_cast<size_t>(stretch_frames_) * bins_),
      stretch_levels_(spectra_.size()),
      mask_(spectra_.size()),
      loudest_(std::max(bins_, static_cast<size_t>(stretch_frames_))),
      sums_(static_cast<size_t>(stretch + size_)),
      weights_(sums_.size()) {
  const double turn = 2 * std::numbers::pi / static_cast<double>(size_);
  for (size_t i = 0; i < window_.size(); ++i)
    window_[i] = 0.5 - 0.5 * std::cos(turn * static_cast<double>(i));
  for (size_t k = 0; k < turns_.size(); ++k) turns_[k] = std::polar(0.5, turn * static_cast<double>(k));
  for (int64_t frame = 0; frame < stretch_frames_; ++frame)
    for (int64_t i = 0; i < size_; ++i)
      weights_[static_cast<size_t>(frame * hop_ + i)] +=
          window_[static_cast<size_t>(i)] * window_[static_cast<size_t>(i)];
  // Once, for the memory that transforms of some sizes take.
  transform({}, 0, spectra_.data());
  add_inverse(spectra_.data(), 0);
}

SpectralGate::~SpectralGate() = default;

/// Of the 40 ms around the beginning of hop `frame`; silence is around the signal.
void SpectralGate::transform(std::span<const float> signal, int64_t frame, std::complex<double>* spectrum) {
  const int64_t begin = (frame - kHopsPerFrame / 2) * hop_;
  const auto samples = static_cast<int64_t>(signal.size());
  for (int64_t i = 0; i < size_; ++i) {
    const int64_t place = begin + i;
    const bool is_inside = place >= 0 && place < samples;
    frame_[static_cast<size_t>(i)] =
        is_inside ? static_cast<double>(signal[static_cast<size_t>(place)]) * window_[static_cast<size_t>(i)]
                  : 0;
  }
  fft_->forward.transform_real(frame_.data(), spectrum);
  // The transform keeps its last bin, which is real like the first, in the first's other half.
  spectrum[bins_ - 1] = spectrum[0].imag();
  spectrum[0] = spectrum[0].real();
}

/// Adds what the spectrum is of to sums_, under the window once more.
void SpectralGate::add_inverse(const std::complex<double>* spectrum, int64_t frame) {
  const size_t half = bins_ - 1;
  for (size_t k = 0; k < half; ++k) {
    const std::complex<double> other = std::conj(spectrum[half - k]);
    const std::complex<double> odd = (spectrum[k] - other) * turns_[k];
    packed_[k] = 0.5 * (spectrum[k] + other) + std::complex<double>(-odd.imag(), odd.real());
  }
  auto* const samples = reinterpret_cast<std::complex<double>*>(frame_.data());
  fft_->inverse.transform(packed_.data(), samples);
  double* const sums = sums_.data() + frame * hop_;
  for (size_t i = 0; i < window_.size(); ++i) sums[i] += frame_[i] * window_[i] / static_cast<double>(half);
}

void SpectralGate::judge(std::span<const float> signal, int64_t moved, int64_t told_again) {
  const int64_t gone = std::min(moved / hop_, judged_frames_);
  const auto row = static_cast<int64_t>(bins_);
  if (is_known_) std::copy(levels_.begin() + gone * row, levels_.end(), levels_.begin());
  // A frame reaches two hops to either side, at the ends into the silence there.
  const int64_t fresh = is_known_ ? judged_frames_ - 1 - gone - told_again / hop_ - 1 : 0;
  for (int64_t frame = 0; frame < judged_frames_; ++frame) {
    if (frame >= kHopsPerFrame / 2 && frame < fresh) continue;
    transform(signal, frame, spectra_.data());
    for (size_t k = 0; k < bins_; ++k)
      levels_[static_cast<size_t>(frame) * bins_ + k] = static_cast<float>(decibels(spectra_[k]));
  }
  is_known_ = true;
  find_threshold();
}

/// Of each bin, in some frames.
template <typename T>
void SpectralGate::find_loudest(const std::vector<T>& levels, int64_t frames) {
  std::copy_n(levels.begin(), bins_, loudest_.begin());
  for (int64_t frame = 1; frame < frames; ++frame) {
    const T* const row = levels.data() + static_cast<size_t>(frame) * bins_;
    for (size_t k = 0; k < bins_; ++k) loudest_[k] = std::max(loudest_[k], static_cast<double>(row[k]));
  }
}

void SpectralGate::find_threshold() {
  find_loudest(levels_, judged_frames_);
  std::vector<double>& sums = threshold_;
  std::vector<double>& squares = mask_;  // free until the mask is made
  std::fill(sums.begin(), sums.end(), 0.0);
  std::fill_n(squares.begin(), bins_, 0.0);
  for (int64_t frame = 0; frame < judged_frames_; ++frame) {
    const float* const levels = levels_.data() + static_cast<size_t>(frame) * bins_;
    for (size_t k = 0; k < bins_; ++k) {
      const double below = std::max(static_cast<double>(levels[k]) - loudest_[k], -kRange);
      sums[k] += below;
      squares[k] += below * below;
    }
  }
  const auto count = static_cast<double>(judged_frames_);
  for (size_t k = 0; k < bins_; ++k) {
    const double mean = sums[k] / count;
    const double variance = std::max(squares[k] - sums[k] * mean, 0.0) / (count - 1);
    threshold_[k] = loudest_[k] + mean + kDeviations * std::sqrt(variance);
  }
}

void SpectralGate::find_mask() {
  std::transform(spectra_.begin(), spectra_.end(), stretch_levels_.begin(), decibels);
  find_loudest(stretch_levels_, stretch_frames_);
  for (int64_t frame = 0; frame < stretch_frames_; ++frame) {
    const size_t row = static_cast<size_t>(frame) * bins_;
    for (size_t k = 0; k < bins_; ++k)
      mask_[row + k] = std::max(stretch_levels_[row + k], loudest_[k] - kRange) > threshold_[k] ? 1 : kKept;
  }
}

void SpectralGate::smooth_mask() {
  const auto row = static_cast<int64_t>(bins_);
  for (int64_t frame = 0; frame < stretch_frames_; ++frame)
    smooth(mask_.data() + frame * row, row, 1, kBinsAround, loudest_);
  for (int64_t k = 0; k < row; ++k) smooth(mask_.data() + k, stretch_frames_, row, kFramesAround, loudest_);
}

void SpectralGate::run(std::span<const float> in, std::span<float> out) {
  const auto spectrum = [&](int64_t frame) { return spectra_.data() + static_cast<size_t>(frame) * bins_; };
  for (int64_t frame = 0; frame < stretch_frames_; ++frame) transform(in, frame, spectrum(frame));
  find_mask();
  smooth_mask();
  for (size_t i = 0; i < spectra_.size(); ++i) spectra_[i] *= mask_[i];
  std::fill(sums_.begin(), sums_.end(), 0.0);
  for (int64_t frame = 0; frame < stretch_frames_; ++frame) add_inverse(spectrum(frame), frame);
  const auto before = static_cast<size_t>(kHopsPerFrame / 2 * hop_);
  for (size_t i = 0; i < out.size(); ++i)
    out[i] = static_cast<float>(sums_[before + i] / weights_[before + i]);
}

}  // namespace contentvec::dsp
