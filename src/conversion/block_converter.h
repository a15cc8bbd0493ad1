#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "contentvec/stream.h"
#include "conversion/feature_window.h"
#include "conversion/speech.h"
#include "conversion/stream_sizes.h"

namespace contentvec::conversion {

/// What tests need to hold each step of a block to the reference's.
struct BlockSeams {
  /// Sees what a step gives, by the goldens' name for it.
  std::function<void(std::string_view stage, std::span<const float> values)> observe = {};
  /// The model's features in place of its own, [frames, dim]; empty: its own.
  std::span<const float> features = {};
  /// Noise in place of the seed's.
  std::span<const float> latent_noise = {};
  std::span<const float> source_noise = {};
};

/// Turns the window of a stream into what is heard of its end: pitch, features, retrieval, synthesis. Keeps the pitch
/// of what it heard, since each block is only listened to once. Once prepared it takes no memory.
class BlockConverter {
 public:
  BlockConverter(const StreamSizes& sizes, const StreamOptions& options, Model model,
                 std::optional<PitchEstimator> estimator);

  /// Takes the memory that model and estimator need, and that a voice needs: as much as it may, with the formants as
  /// high as they go. The second may be called while another thread runs.
  void prepare();
  void prepare(const Voice& voice) const;

  /// window: 16 kHz, the frames of sizes.window(), of which `changed` hops before the block are others than they were
  /// with the last one; made: [sizes.made()] at the stream's rate. `number`: of the block,
  /// for its noise. Throws Error where weights overflow float32.
  void run(std::span<const float> window, int64_t changed, Speech& speech, int64_t number,
           std::span<float> made, const BlockSeams& seams = {});
  /// A block goes by that is not converted.
  void pass();
  void reset();

  [[nodiscard]] const Model& model() const { return features_.model(); }
  [[nodiscard]] const std::optional<PitchEstimator>& estimator() const { return estimator_; }
  /// Hz, of the newest frame of the last block's input that is voiced; 0: none is.
  [[nodiscard]] float last_f0() const { return last_f0_; }

 private:
  void shift_pitch();
  void follow_pitch(std::span<const float> window, const Speech& speech, const BlockSeams& seams);
  void synthesize(std::span<const float> phone, std::span<const float> f0, Speech& speech, int64_t number,
                  const BlockSeams& seams) const;
  std::span<const float> extract(std::span<const float> window, int64_t changed, const Speech& speech,
                                 const BlockSeams& seams);

  const StreamSizes& sizes_;
  std::optional<double> pitch_threshold_;
  uint64_t seed_;
  int64_t heard_frames_;  ///< of the window that features are made of
  FeatureWindow features_;
  int64_t listened_ = 0;  ///< samples at its end in which the pitch is looked for
  std::optional<PitchEstimator> estimator_;
  std::vector<float> f0_;          ///< of what is listened to in one block
  std::vector<float> confidence_;  ///< likewise
  std::vector<float> pitch_;       ///< Hz as the voice takes it, of frames up to the newest
  std::vector<float> blended_;     ///< the model's features with the retriever's, [frames, dim]
  std::vector<float> phone_;       ///< as the voice takes them, [heard_frames_, dim]
  std::vector<float> own_phone_;   ///< likewise, without the retriever's
  int64_t known_frames_ = 0;       ///< of the pitch, up to the newest
  float last_f0_ = 0;
};

}  // namespace contentvec::conversion
