#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>

#include "contentvec/model.h"

namespace contentvec {

/// One waveform to extract, already normalised if it is to be. Not owned.
struct Input {
  std::span<const float> waveform;           ///< at least the receptive field
  std::span<const float> speaker_embedding;  ///< [speaker_dim] for a speaker-conditioned model
  std::span<const float> around = {};        ///< as ExtractOptions has them; on the CPU
  std::span<const float> projected = {};
};

/// The model on some device: waveforms in, features out. The seam between devices is the whole model, not
/// single operators. Immutable once made; one forward pass per session at a time, any number of sessions at
/// once.
class Backend {
 public:
  virtual ~Backend() = default;

  /// What one forward pass at a time works with (threads, memory), kept for the next.
  class Session {
   public:
    virtual ~Session() = default;
    std::function<void()> poll;  ///< ExtractOptions::poll of the present call; may be empty
  };

  [[nodiscard]] virtual std::unique_ptr<Session> make_session() const = 0;

  /// As Model::isa().
  [[nodiscard]] virtual std::string isa() const = 0;

  /// Frames that one forward() is best given, of all inputs together: a larger batch takes several.
  [[nodiscard]] virtual int64_t most_frames() const = 0;

  /// Extracts `stages` (checked by the caller) of every input into outputs[input * stages.size() + stage],
  /// each of frames * dim floats. `session` must be of this backend's making. Throws Error and
  /// std::bad_alloc.
  virtual void forward(Session& session, std::span<const Input> inputs, std::span<const Stage> stages,
                       std::span<const std::span<float>> outputs) const = 0;
};

}  // namespace contentvec
