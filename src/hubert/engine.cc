#include "hubert/engine.h"

#include <algorithm>

#include "hubert/encoder.h"
#include "hubert/frontend.h"
#include "nn/kernels/select.h"
#include "nn/matmul.h"

namespace contentvec::hubert {
namespace {

/// Takes the batch, and makes room for what flows through the pass.
void start_pass(const ModelConfig& config, std::span<const Input> inputs, Workspace& workspace) {
  workspace.utterances.clear();
  workspace.frames.clear();
  for (const Input& input : inputs) {
    workspace.utterances.push_back({input.waveform, input.speaker_embedding,
                                    input.around.empty() ? input.waveform : input.around, input.projected});
    workspace.frames.add(config.frames(static_cast<int64_t>(input.waveform.size())));
  }
  const int64_t width = config.encoder_embed_dim;
  const int64_t conv_width = config.conv_layers.back().dim;
  workspace.hidden.reserve(workspace.frames.rows() * nn::row_stride(width));
  workspace.sum.reserve(workspace.frames.rows() *
                        std::max(nn::row_stride(width), nn::row_stride(conv_width)));
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
  Outputs(const PackedModel& model, const nn::Sequences& frames, const nn::Context& context,
          std::span<const Stage> stages, std::span<const std::span<float>> outputs)
      : model_(model), frames_(frames), context_(context), stages_(stages), outputs_(outputs) {}

  [[nodiscard]] bool wants(int layer) const {
    return std::any_of(stages_.begin(), stages_.end(),
                       [&](const Stage& stage) { return stage.layer == layer; });
  }

  /// Copies (or projects) `hidden`, the output of `layer`, to every stage that asks for it.
  void take(int layer, const float* hidden) {
    for (size_t stage = 0; stage < stages_.size(); ++stage) {
      if (stages_[stage].layer != layer) continue;
      for (size_t u = 0; u < frames_.all().size(); ++u) copy(u, stage, hidden);
    }
  }

 private:
  void copy(size_t u, size_t stage, const float* hidden) {
    const nn::Sequence& frames = frames_.all()[u];
    const int64_t width = model_.config.encoder_embed_dim;
    const int64_t stride = nn::row_stride(width);
    float* out = outputs_[u * stages_.size() + stage].data();
    const float* from = hidden + frames.first * stride;
    if (stages_[stage].final_proj) {
      nn::multiply(context_, nn::matrix_rows(from, stride, width), frames.rows, model_.final_proj, out,
                   model_.config.final_dim);
    } else {
      for (int64_t i = 0; i < frames.rows; ++i) std::copy_n(from + i * stride, width, out + i * width);
    }
  }

  const PackedModel& model_;
  const nn::Sequences& frames_;
  const nn::Context& context_;
  std::span<const Stage> stages_;
  std::span<const std::span<float>> outputs_;
};

struct CpuSession final : Backend::Session {
  CpuSession(int threads, const RunTasks& run_tasks) : team(threads, run_tasks) {}
  void check() const {
    if (poll) poll();
  }
  ThreadTeam team;
  nn::Scratch scratch;
  Workspace workspace;
};

}  // namespace

Engine::Engine(const Weights& weights, DType dtype, int threads, const RunTasks& run_tasks)
    : kernels_(nn::select_kernels(dtype)),
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
  start_pass(config, inputs, w);
  own.scratch.prepare(kernels_, own.team.size());
  const nn::Context context = {kernels_, own.team, own.scratch};
  Outputs wanted(model_, w.frames, context, stages, outputs);

  own.check();
  run_frontend(model_, w, context);
  wanted.take(kProjected, w.hidden.data());
  const int last = last_block(config, stages);
  if (last > 0) prepare_speaker_norms(model_, w, context);
  if (last > 0) add_positions(model_, w, context);
  for (int layer = 1; layer <= last; ++layer) {
    own.check();
    run_block(model_, layer - 1, w, context);
    wanted.take(layer, w.hidden.data());
  }
  if (wanted.wants(kModelOutput)) {
    if (config.layer_norm_first) {
      normalise_output(model_, w, context);
      wanted.take(kModelOutput, w.sum.data());
    } else {
      wanted.take(kModelOutput, w.hidden.data());
    }
  }
}

}  // namespace contentvec::hubert
