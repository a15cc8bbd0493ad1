#pragma once

#include <cstdint>
#include <string_view>

#include "contentvec/stream.h"

namespace contentvec::conversion {

/// A length of a stream in whole hops of 10 ms. Throws Error for one out of range.
int64_t hops_of(std::string_view what, double ms, double least, double most);

inline constexpr int64_t kMostFadedHops = 4;
inline constexpr double kNoGate = -60;  ///< dB, at which and below nothing is silenced

/// The lengths of a stream, in samples of its rate where nothing else is said. What is converted with every block is a
/// window: what is heard before (extra), what was given already but is faded with what comes (crossfade, search), and
/// the block.
struct StreamSizes {
  /// Throws Error for options out of range.
  explicit StreamSizes(const StreamOptions& options);

  int64_t rate;
  int64_t hop;  ///< 10 ms, of which all others are multiples
  int64_t block;
  int64_t crossfade;
  int64_t search;
  int64_t extra;
  int64_t fade;            ///< of the crossfade, what is faded
  int64_t context_frames;  ///< of the extra, what features are made of; 10 ms each

  [[nodiscard]] int64_t window() const { return extra + crossfade + search + block; }
  /// Of what is made with every block, from `extra` of the window on.
  [[nodiscard]] int64_t made() const { return block + fade + search; }
  /// The same in frames of 10 ms.
  [[nodiscard]] int64_t frames(int64_t samples) const { return samples / hop; }
};

}  // namespace contentvec::conversion
