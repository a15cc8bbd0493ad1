#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "contentvec/model.h"
#include "cpu/packed_model.h"
#include "cpu/workspace.h"
#include "runtime/thread_team.h"

namespace contentvec::cpu {

/// One waveform to extract, already normalised if it is to be. Not owned.
struct Input {
  std::span<const float> waveform;           ///< at least the receptive field
  std::span<const float> speaker_embedding;  ///< [speaker_dim] for a speaker-conditioned model
};

/// The model on the CPU: packed weights and the forward pass over them. Immutable; one forward pass per
/// session at a time, any number of sessions at once.
class Engine {
 public:
  /// Packs the weights for the kernels select_kernels() chooses. Throws Error.
  explicit Engine(const model::Weights& weights);

  /// What one forward pass at a time works with: its threads and its memory, both kept for the next.
  struct Session {
    explicit Session(int threads) : team(threads) {}
    ThreadTeam team;
    Workspace workspace;
  };

  /// Extracts `stages` (checked by the caller) of every input: result[input][stage].
  [[nodiscard]] std::vector<std::vector<Features>> forward(Session& session, std::span<const Input> inputs,
                                                           std::span<const Stage> stages) const;

  [[nodiscard]] const Kernels& kernels() const { return kernels_; }

 private:
  const Kernels& kernels_;
  PackedModel model_;
};

}  // namespace contentvec::cpu
