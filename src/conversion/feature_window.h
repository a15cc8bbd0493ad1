#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "contentvec/stream.h"

namespace contentvec::conversion {

/// The features of the end of a window that moves on block by block, in hops of 10 ms, of which a frame is two.
///
/// Exact: as RVC has it, the window is extracted anew each time, from wherever it begins. Fast: frames stay where they
/// are in the stream, so that the convolutions, a third of the work, are computed for new ones alone; what they go by
/// instead of the extracted part's level is the level of the whole window, which hardly moves.
class FeatureWindow {
 public:
  /// `hops`: of the window, that features are made of.
  FeatureWindow(Model model, StreamQuality quality, int64_t hops);

  /// The features of `hops` more, which were pushed to the end of `window`, 16 kHz: [frames, dim of the stage]. A
  /// window that is shorter than what features are made of is heard whole. Takes no memory after prepare().
  /// So many hops before them have changed since the window had them last.
  std::span<const float> advance(std::span<const float> window, int64_t hops, const Stage& stage,
                                 int64_t changed = 0);
  /// By so many hops the features begin before the window's last `hops` hops do; -1: behind.
  [[nodiscard]] int64_t offset() const { return offset_; }

  /// Hops move by that are not listened to.
  void skip(int64_t hops);
  void reset();
  void prepare() const;

  [[nodiscard]] const Model& model() const { return model_; }

 private:
  void move(int64_t hops, int64_t window_hops, int64_t changed);

  Model model_;
  StreamQuality quality_;
  int64_t hops_;
  int64_t width_;                 ///< of the projected stage
  int64_t end_ = 0;               ///< hops of the stream so far
  int64_t heard_ = 0;             ///< hops of the extracted part
  int64_t offset_ = 0;            ///< hops from where the extracted part begins to where the window does
  int64_t first_ = 0;             ///< the first of projected_'s frames, counted in the stream
  int64_t known_ = 0;             ///< of these
  std::vector<float> projected_;  ///< [frames, width]
  std::vector<float> features_;   ///< [frames, dim]
};

}  // namespace contentvec::conversion
