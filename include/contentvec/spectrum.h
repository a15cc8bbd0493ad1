#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "contentvec/export.h"

namespace contentvec {

/// The spectra of a waveform around some of its samples, for pictures: |FFT| of `size` samples (even, 4 to 65,536)
/// under Hann's window, periodic, with zeros beyond the ends. [centres.size(), size / 2 + 1], row-major; row i is
/// centred at sample centres[i], 0 to waveform.size(). A sine of full scale has about size / 4. Any rate; samples are
/// not looked at. Safe from any number of threads. Throws Error for a size or a centre out of range.
[[nodiscard]] CONTENTVEC_API std::vector<float> magnitude_spectra(std::span<const float> waveform,
                                                                  std::span<const int64_t> centres,
                                                                  int64_t size);

}  // namespace contentvec
