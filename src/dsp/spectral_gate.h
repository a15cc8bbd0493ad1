#pragma once

#include <complex>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace contentvec::dsp {

/// Takes steady noise out of a stretch of a signal that comes block by block: in spectra of 40 ms, 10 ms apart, what is
/// not 1.5 standard deviations louder than the mean of its bin in a longer judged part is made quieter by 20 dB, with
/// soft edges of 60 ms and 275 Hz. Levels more than 40 dB below their bin's loudest count as that.
///
/// Source: TorchGate of RVC WebUI and noisereduce (Sainburg et al. 2020), stationary, with prop_decrease 0.9; the mask
/// fades towards the ends of the stretch and of the spectrum, as it does there.
class SpectralGate {
 public:
  /// In samples, multiples of `hop`, which is 10 ms: what noise is judged by, and what it is taken out of.
  SpectralGate(int64_t hop, int64_t judged, int64_t stretch);
  ~SpectralGate();
  SpectralGate(const SpectralGate&) = delete;
  SpectralGate& operator=(const SpectralGate&) = delete;

  /// Judges by `signal`, [judged], which has moved on by `moved` samples since it was judged by last; of these and
  /// `told_again` before them the spectra are new.
  void judge(std::span<const float> signal, int64_t moved, int64_t told_again);
  /// What it judges by next may be anything.
  void forget() { is_known_ = false; }
  /// in and out: [stretch], may be the same. Takes no memory, as judge().
  void run(std::span<const float> in, std::span<float> out);

 private:
  class Fft;  // the library's, which no header of ours shows

  void transform(std::span<const float> signal, int64_t frame, std::complex<double>* spectrum);
  void add_inverse(const std::complex<double>* spectrum, int64_t frame);
  template <typename T>
  void find_loudest(const std::vector<T>& levels, int64_t frames);
  void find_threshold();
  void find_mask();
  void smooth_mask();

  int64_t hop_;
  int64_t size_;            ///< points of a transform
  size_t bins_;             ///< size / 2 + 1
  int64_t judged_frames_;   ///< one at each hop's beginning, and one at the end
  int64_t stretch_frames_;  ///< likewise
  bool is_known_ = false;   ///< levels_ are those of what was judged by last
  std::unique_ptr<Fft> fft_;
  std::vector<double> window_;
  std::vector<std::complex<double>> turns_;    ///< of the inverse of real values
  std::vector<std::complex<double>> packed_;   ///< [size / 2]
  std::vector<double> frame_;                  ///< [size]
  std::vector<float> levels_;                  ///< dB of what is judged by, [frames, bins]
  std::vector<double> threshold_;              ///< dB, [bins]
  std::vector<std::complex<double>> spectra_;  ///< of the stretch, [frames, bins]
  std::vector<double> stretch_levels_;         ///< dB, [frames, bins]
  std::vector<double> mask_;                   ///< [frames, bins]
  std::vector<double> loudest_;                ///< dB, [bins]
  std::vector<double> sums_;                   ///< with the frames' ends that are thrown away
  std::vector<double> weights_;                ///< of these
};

}  // namespace contentvec::dsp
