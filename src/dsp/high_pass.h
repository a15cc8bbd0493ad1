#pragma once

#include <span>

namespace contentvec::dsp {

/// Takes away what is below `cutoff` Hz of a signal of `rate` samples a second, in place: a Butterworth high-pass of
/// order 5, run forward and then backward, so that nothing is delayed. In double, whatever the length, in memory that
/// does not grow with it but for 64 bytes in 16384 samples.
///
/// What scipy's filtfilt(*butter(5, cutoff, "high", fs=rate), signal) gives: before and after it the signal goes on for
/// 18 samples, turned about its end point, and each run begins as if what it sees first had stood there for ever. A
/// signal of 18 samples and fewer, which scipy refuses, goes on for one sample less than it has.
void high_pass(std::span<float> signal, double cutoff, double rate);

}  // namespace contentvec::dsp
