#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "contentvec/export.h"
#include "contentvec/model.h"
#include "contentvec/stream.h"

namespace contentvec {

/// How a FeatureStream is set up. Lengths are rounded to 20 ms.
struct FeatureStreamOptions {
  Stage stage = {};       ///< What is extracted.
  double block_ms = 100;  ///< Frames are computed every so often; 20 to 2000. Shorter takes more time in all.
  double context_ms = 2500;    ///< A frame is heard with so much before it, at least; 0 to 30,000.
  double look_ahead_ms = 100;  ///< And with so much behind it; 0 to 10,000. A frame comes as much later.
  /// kExact: each block's window is extracted anew; kFast: its convolutions for new samples alone, on the CPU.
  StreamQuality quality = StreamQuality::kFast;
};

/// Features of a recording that is still going on: samples in, frames out, in order and each once, as many as
/// Model::extract() gives for the whole. Frame i begins at sample i * hop(); it is what the model gives there for the
/// window from context_ms before the block to look_ahead_ms behind it, so that more of either comes nearer to the
/// whole recording's. The waveform is taken as it is, not normalised.
///
/// For one thread at a time. Once the window is full, push() takes no memory on the CPU.
class FeatureStream {
 public:
  /// Throws Error for an option out of range, a stage that the model does not have, a model of another hop than 20 ms
  /// or one that takes a speaker, and kFast on MLX.
  CONTENTVEC_API explicit FeatureStream(Model model, const FeatureStreamOptions& options = {});
  CONTENTVEC_API ~FeatureStream();
  CONTENTVEC_API FeatureStream(FeatureStream&& other) noexcept;
  CONTENTVEC_API FeatureStream& operator=(FeatureStream&& other) noexcept;

  /// Values of a frame.
  [[nodiscard]] CONTENTVEC_API int64_t dim() const;
  /// Samples from when a frame begins to when it is ready at the latest: what it hears behind itself, and the block.
  [[nodiscard]] CONTENTVEC_API int64_t latency() const;

  /// Any number of samples: 16 kHz, mono, finite. Throws Error as Model::extract() does; then reset() the stream.
  CONTENTVEC_API void push(std::span<const float> samples);
  /// The recording ends here: what is left becomes ready. Then only pull() and reset() are of use.
  CONTENTVEC_API void finish();
  /// Frames that are ready.
  [[nodiscard]] CONTENTVEC_API int64_t ready() const;
  /// Takes as many of them as fit: [frames, dim()], row-major. Returns how many.
  CONTENTVEC_API int64_t pull(std::span<float> features);
  /// Begins anew.
  CONTENTVEC_API void reset();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace contentvec
