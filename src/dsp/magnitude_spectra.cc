// The public function, over Spectrum.

#include "contentvec/error.h"
#include "contentvec/spectrum.h"
#include "dsp/padding.h"
#include "dsp/spectrum.h"

namespace contentvec {
namespace {

constexpr int64_t kLargestSpectrum = int64_t{1} << 16;

void check(std::span<const float> waveform, std::span<const int64_t> centres, int64_t size) {
  if (size < 4 || size > kLargestSpectrum || size % 2 != 0) {
    throw Error("a spectrum of " + std::to_string(size) + " samples; expected an even number from 4 to " +
                std::to_string(kLargestSpectrum));
  }
  for (const int64_t centre : centres) {
    if (centre < 0 || centre > static_cast<int64_t>(waveform.size())) {
      throw Error("a spectrum around sample " + std::to_string(centre) + "; the waveform has " +
                  std::to_string(waveform.size()));
    }
  }
}

}  // namespace

std::vector<float> magnitude_spectra(std::span<const float> waveform, std::span<const int64_t> centres,
                                     int64_t size) {
  check(waveform, centres, size);
  const dsp::Spectrum spectrum(size);
  const dsp::PaddedSignal signal(waveform, size / 2, dsp::PaddedSignal::Padding::kZeros);
  const auto bins = static_cast<size_t>(spectrum.bins());
  dsp::Spectrum::Scratch scratch;
  std::vector<float> padded;
  std::vector<double> magnitudes(bins);
  std::vector<float> spectra;
  spectra.reserve(centres.size() * bins);
  for (const int64_t centre : centres) {
    spectrum.magnitudes(signal.read(centre, size, padded), 0, scratch, magnitudes.data());
    for (const double magnitude : magnitudes) spectra.push_back(static_cast<float>(magnitude));
  }
  return spectra;
}

}  // namespace contentvec
