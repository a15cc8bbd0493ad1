#include "dsp/spectrum.h"

#include <cmath>
#include <kissfft/kissfft.hh>
#include <numbers>

namespace contentvec::dsp {

class Spectrum::Fft : public kissfft<double> {
 public:
  using kissfft<double>::kissfft;
};

Spectrum::Spectrum(int64_t size)
    : window_(static_cast<size_t>(size)),
      fft_(std::make_unique<const Fft>(static_cast<size_t>(size) / 2, false)) {
  for (size_t i = 0; i < window_.size(); ++i) {
    const double phase = 2 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(size);
    window_[i] = 0.5 - 0.5 * std::cos(phase);
  }
}

Spectrum::~Spectrum() = default;
Spectrum::Spectrum(Spectrum&&) noexcept = default;
Spectrum& Spectrum::operator=(Spectrum&&) noexcept = default;

void Spectrum::prepare(Scratch& scratch) const {
  scratch.windowed.resize(window_.size());
  scratch.bins.resize(window_.size() / 2);
  scratch.frame.resize(window_.size());
  scratch.magnitudes.resize(static_cast<size_t>(bins()));
}

void Spectrum::magnitudes(const float* frame, double floor, Scratch& scratch, double* out) const {
  prepare(scratch);
  for (size_t i = 0; i < window_.size(); ++i)
    scratch.windowed[i] = static_cast<double>(frame[i]) * window_[i];
  fft_->transform_real(scratch.windowed.data(), scratch.bins.data());
  // The transform of real values keeps its last bin, which is real like the first, in the first's other half.
  const auto last = static_cast<size_t>(bins()) - 1;
  const std::complex<double> ends = scratch.bins[0];
  out[0] = std::sqrt(ends.real() * ends.real() + floor);
  out[last] = std::sqrt(ends.imag() * ends.imag() + floor);
  for (size_t k = 1; k < last; ++k) out[k] = std::sqrt(std::norm(scratch.bins[k]) + floor);
}

}  // namespace contentvec::dsp
