#pragma once

#include <complex>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace contentvec::dsp {

/// Magnitudes of the spectra of windowed frames: |FFT(frame * Hann)| for frames `hop` samples apart. In double, of
/// which one rounding to float32 is left: a logarithm of small magnitudes follows. Immutable, so that any number of
/// threads may use one; each with a Scratch of its own.
class Spectrum {
 public:
  struct Scratch {
    std::vector<double> windowed;
    std::vector<std::complex<double>> bins;
    std::vector<float> frame;        ///< for the caller: a frame that has to be put together
    std::vector<double> magnitudes;  ///< for the caller: out of magnitudes()
  };

  /// `size`: samples of a frame and points of the transform, even. The window is Hann's, periodic.
  explicit Spectrum(int64_t size);
  ~Spectrum();
  Spectrum(Spectrum&&) noexcept;
  Spectrum& operator=(Spectrum&&) noexcept;

  [[nodiscard]] int64_t size() const { return static_cast<int64_t>(window_.size()); }
  /// size / 2 + 1
  [[nodiscard]] int64_t bins() const { return size() / 2 + 1; }

  /// Takes the memory that one frame needs, the caller's as well.
  void prepare(Scratch& scratch) const;
  /// sqrt(|X|^2 + floor) of one frame of size() samples into out[bins()].
  void magnitudes(const float* frame, double floor, Scratch& scratch, double* out) const;

 private:
  class Fft;  // the library's, which no header of ours shows
  std::vector<double> window_;
  std::unique_ptr<const Fft> fft_;
};

}  // namespace contentvec::dsp
