#pragma once

#include <cstdint>
#include <functional>
#include <span>

namespace contentvec::f0 {

/// Both estimators give, per frame, how likely each of 360 pitches is, 20 cents apart.
inline constexpr int64_t kSalienceBins = 360;

/// Takes what an estimator gives, piece after piece: the salience [frames, 360] from a frame on.
using TakeSalience = std::function<void(int64_t first, std::span<const float> salience)>;
/// Called between an estimator's steps; may throw, which ends it.
using Poll = std::function<void()>;

/// What comes of one frame.
struct FramePitch {
  float f0 = 0;          ///< Hz; 0: unvoiced
  float confidence = 0;  ///< the largest salience
};

/// RMVPE's: the mean over the nine bins around the first largest, weighted by salience; bins beyond the ends count
/// nothing. Unvoiced where the largest is at most `threshold`.
FramePitch decode_rmvpe(std::span<const float> salience, float threshold);

/// FCPE's "local_argmax": the same, where bins beyond the ends count as the last one inside does; `cents`: the pitch of
/// each bin, in cents above 10 Hz.
FramePitch decode_fcpe(std::span<const float> salience, std::span<const float> cents, float threshold);

}  // namespace contentvec::f0
