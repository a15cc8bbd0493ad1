#pragma once

#include <memory>
#include <span>
#include <string>

#include "hubert/backend.h"
#include "hubert/packed_model.h"
#include "hubert/waveform.h"
#include "hubert/workspace.h"
#include "runtime/thread_team.h"

namespace contentvec::hubert {

/// The model on the CPU: packed weights and the forward pass over them.
class Engine final : public Backend {
 public:
  /// Packs the weights for the kernels select_kernels(dtype) chooses. Throws Error.
  /// `threads`: of one forward pass, at least 1.
  /// `run_tasks`: where they run, see ThreadTeam.
  Engine(const Weights& weights, DType dtype, int threads, const RunTasks& run_tasks = nullptr);

  [[nodiscard]] std::unique_ptr<Session> make_session() const override;
  void forward(Session& session, std::span<const Input> inputs, std::span<const Stage> stages,
               std::span<const std::span<float>> outputs) const override;

  [[nodiscard]] std::string isa() const override { return kernels_.isa; }
  [[nodiscard]] int64_t most_frames() const override { return pass_frames(model_.config); }

 private:
  const nn::Kernels& kernels_;
  int threads_;
  RunTasks run_tasks_;
  PackedModel model_;
};

}  // namespace contentvec::hubert
