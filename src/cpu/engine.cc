#include "cpu/engine.h"

#include <algorithm>

#include "cpu/encoder.h"
#include "cpu/frontend.h"
#include "cpu/kernels/select.h"
#include "cpu/matmul.h"

namespace contentvec::cpu {
namespace {

void fill_batch(const ModelConfig& config, std::span<const Input> inputs, Batch& batch) {
  batch.utterances.clear();
  batch.frames = 0;
  for (const Input& input : inputs) {
    const int64_t frames = config.frames(static_cast<int64_t>(input.waveform.size()));
    batch.utterances.push_back({input.waveform, input.speaker_embedding, batch.frames, frames});
    batch.frames += frames;
  }
}

/// The last block that any stage needs; 0: none.
int last_block(const ModelConfig& config, std::span<const Stage> stages) {
  int last = 0;
  for (const Stage& stage : stages) {
    last = std::max(last, stage.layer == kModelOutput ? config.total_layers() : stage.layer);
  }
  return last;
}

/// Collects what the forward pass produces for the stages that were asked for.
class Outputs {
 public:
  Outputs(const PackedModel& model, const Context& context, std::span<const Stage> stages,
          std::span<const std::span<float>> outputs)
      : model_(model), context_(context), stages_(stages), outputs_(outputs) {}

  [[nodiscard]] bool wants(int layer) const {
    return std::any_of(stages_.begin(), stages_.end(),
                       [&](const Stage& stage) { return stage.layer == layer; });
  }

  /// Copies (or projects) `x`, the output of `layer`, to every stage that asks for it.
  void take(int layer, const float* x) {
    for (size_t stage = 0; stage < stages_.size(); ++stage) {
      if (stages_[stage].layer != layer) continue;
      for (size_t u = 0; u < context_.batch().utterances.size(); ++u) copy(u, stage, x);
    }
  }

 private:
  void copy(size_t u, size_t stage, const float* x) {
    const Utterance& utterance = context_.batch().utterances[u];
    const int64_t width = model_.config.encoder_embed_dim;
    const int64_t pitch = row_pitch(width);
    float* out = outputs_[u * stages_.size() + stage].data();
    const float* from = x + utterance.first_frame * pitch;
    if (stages_[stage].final_proj) {
      multiply(context_, matrix_rows(from, pitch, width), utterance.frames, model_.final_proj, out,
               model_.config.final_dim);
    } else {
      for (int64_t i = 0; i < utterance.frames; ++i) std::copy_n(from + i * pitch, width, out + i * width);
    }
  }

  const PackedModel& model_;
  const Context& context_;
  std::span<const Stage> stages_;
  std::span<const std::span<float>> outputs_;
};

struct CpuSession final : Backend::Session {
  CpuSession(int threads, const RunTasks& run_tasks) : team(threads, run_tasks) {}
  void check() const {
    if (poll) poll();
  }
  ThreadTeam team;
  Workspace workspace;
};

}  // namespace

Engine::Engine(const model::Weights& weights, DType dtype, int threads, const RunTasks& run_tasks)
    : kernels_(select_kernels(dtype)),
      threads_(threads),
      run_tasks_(run_tasks),
      model_(kernels_, weights, threads, run_tasks) {}

std::unique_ptr<Backend::Session> Engine::make_session() const {
  return std::make_unique<CpuSession>(threads_, run_tasks_);
}

void Engine::forward(Session& session, std::span<const Input> inputs, std::span<const Stage> stages,
                     std::span<const std::span<float>> outputs) const {
  auto& own = static_cast<CpuSession&>(session);
  const ModelConfig& config = model_.config;
  Workspace& w = own.workspace;
  Batch& batch = w.batch;
  fill_batch(config, inputs, batch);
  w.threads.resize(static_cast<size_t>(own.team.size()));
  for (ThreadScratch& thread : w.threads) thread.product.reserve(kernels_.product_scratch);
  w.x.reserve(batch.frames * row_pitch(config.encoder_embed_dim));
  w.y.reserve(batch.frames * row_pitch(config.encoder_embed_dim));
  const Context context = {kernels_, own.team, w};
  Outputs wanted(model_, context, stages, outputs);

  own.check();
  run_frontend(model_, context);
  wanted.take(kProjected, w.x.data());
  const int last = last_block(config, stages);
  if (last > 0) prepare_speaker_norms(model_, context);
  if (last > 0) add_positions(model_, context);
  for (int layer = 1; layer <= last; ++layer) {
    own.check();
    run_block(model_, layer - 1, context);
    wanted.take(layer, w.x.data());
  }
  if (wanted.wants(kModelOutput)) {
    if (config.layer_norm_first) {
      final_norm(model_, context);
      wanted.take(kModelOutput, w.y.data());
    } else {
      wanted.take(kModelOutput, w.x.data());
    }
  }
}

}  // namespace contentvec::cpu
