#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace contentvec::conversion {

/// Puts synthesized pieces one after the other. Each comes with `pad` samples before and behind what is its own.
///
/// Without a crossfade pieces are cut as RVC does it: at their ends, less `pad`. A piece's last frame may be missing
/// then, since the features of a stretch are a frame or two short of it, and 10 or 20 ms with it. With one, both pieces
/// are heard around the cut at its true place, one coming as sin^2, the other going as cos^2.
class Join {
 public:
  Join(int64_t pad, int64_t crossfade) : pad_(pad), half_(crossfade / 2) {}

  /// `own`: samples from the begin of the piece to that of the next, which is not asked for where it is the last.
  void add(std::span<const float> piece, int64_t own, bool is_last);

  [[nodiscard]] std::vector<float>& joined() { return joined_; }

 private:
  void append(std::span<const float> samples) {
    joined_.insert(joined_.end(), samples.begin(), samples.end());
  }
  /// `coming`: as much on either side of the cut as the fade takes, at most what is leaving.
  void fade_in(std::span<const float> coming);

  int64_t pad_;
  int64_t half_;                ///< of the crossfade
  std::vector<float> leaving_;  ///< of the piece before: `half_` on either side of the cut
  std::vector<float> joined_;
};

}  // namespace contentvec::conversion
