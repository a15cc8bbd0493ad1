#pragma once

#include <cstdint>
#include <vector>

#include "contentvec/model.h"

namespace contentvec::cli {

/// A frame, and the cosine of both sides' features there.
struct ComparedFrame {
  int64_t frame;
  float cosine;
};

/// How far two sides' features of the same recording are apart.
struct Comparison {
  std::vector<float> cosines;  ///< for each frame; 1 where both are zero, 0 where one is
  double mean = 0;             ///< of them
  double median = 0;
  std::vector<ComparedFrame> worst = {};  ///< the least first, no two within half a second
  double largest_difference = 0;          ///< of any two values
  int64_t largest_frame = 0;              ///< where that is
  int64_t largest_channel = 0;
  double rms_difference = 0;
  double rms = 0;  ///< of the first side's values
};

/// Throws Error where the sizes differ, there are no frames, or a value is not finite.
Comparison compare_features(const Features& a, const Features& b);

}  // namespace contentvec::cli
