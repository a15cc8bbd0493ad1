#include "cpu/encoder.h"

#include <algorithm>
#include <utility>

#include "cpu/matmul.h"

namespace contentvec::cpu {
namespace {

/// Rows of one parallel item in the steps that go row by row.
constexpr int64_t kNormRows = 32;
constexpr int64_t kPositionRows = 96;
constexpr int64_t kQueryRows = 96;

/// y = matrix @ speaker, in double: the conditional LayerNorms' scales are small sums of large terms.
std::vector<float> times_speaker(const std::vector<float>& matrix, std::span<const float> speaker) {
  std::vector<float> y(matrix.size() / speaker.size());
  const float* row = matrix.data();
  for (float& out : y) {
    double sum = 0;
    for (const float s : speaker) sum += static_cast<double>(*row++) * static_cast<double>(s);
    out = static_cast<float>(sum);
  }
  return y;
}

/// to = LayerNorm(from), all frames; both [frames, width] with the width's pitch.
void norm_rows(const PackedModel& model, const BlockNorm& norm, const Context& context, const Batch& batch,
               const float* from, float* to) {
  const int64_t width = model.config.encoder_embed_dim;
  const int64_t pitch = row_pitch(width);
  std::vector<Norm> of_speaker;
  if (norm.conditional()) {
    for (const Utterance& utterance : batch.utterances) {
      of_speaker.push_back({times_speaker(norm.speaker.weight_ln, utterance.speaker_embedding),
                            times_speaker(norm.speaker.bias_ln, utterance.speaker_embedding)});
    }
  }
  const std::vector<FrameRange> ranges = batch.ranges(kNormRows);
  context.team.parallel_for(static_cast<int64_t>(ranges.size()), [&](int64_t item, int) {
    const FrameRange& range = ranges[static_cast<size_t>(item)];
    const Norm& here = norm.conditional() ? of_speaker[static_cast<size_t>(range.utterance)] : norm.plain;
    context.kernels.layer_norm(from + range.begin * pitch, pitch, range.end - range.begin, width,
                               here.scale.data(), here.shift.data(), model.config.layer_norm_eps, false,
                               to + range.begin * pitch, pitch);
  });
}

/// Keys and values of every utterance and head as panels, one utterance after the other, head by head.
class KeyValuePanels {
 public:
  KeyValuePanels(const PackedModel& model, const Context& context, const Batch& batch)
      : kernels_(context.kernels),
        heads_(model.config.encoder_attention_heads),
        head_dim_(model.config.encoder_embed_dim / heads_) {
    int64_t keys = 0;
    int64_t values = 0;
    for (const Utterance& utterance : batch.utterances) {
      first_key_.push_back(keys);
      first_value_.push_back(values);
      keys += heads_ * key_size(utterance.frames);
      values += heads_ * value_size(utterance.frames);
    }
    keys_ = context.workspace.key_panels.reserve(keys);
    values_ = context.workspace.value_panels.reserve(values);
  }

  [[nodiscard]] float* keys(const Batch& batch, int64_t utterance, int64_t head) const {
    const auto u = static_cast<size_t>(utterance);
    return keys_ + first_key_[u] + head * key_size(batch.utterances[u].frames);
  }
  [[nodiscard]] float* values(const Batch& batch, int64_t utterance, int64_t head) const {
    const auto u = static_cast<size_t>(utterance);
    return values_ + first_value_[u] + head * value_size(batch.utterances[u].frames);
  }

  /// Packs one head from rows of [q, k, v].
  void pack(const Batch& batch, const float* qkv, int64_t pitch, int64_t utterance, int64_t head) const {
    const Utterance& u = batch.utterances[static_cast<size_t>(utterance)];
    const int64_t width = heads_ * head_dim_;
    const float* k = qkv + u.first_frame * pitch + width + head * head_dim_;
    pack_panels(kernels_, k, pitch, u.frames, head_dim_, keys(batch, utterance, head));
    copy_values(k + width, pitch, u.frames, values(batch, utterance, head));
  }

 private:
  [[nodiscard]] int64_t key_size(int64_t frames) const {
    return padded_columns(kernels_, frames) * head_dim_;
  }
  [[nodiscard]] int64_t value_size(int64_t frames) const {
    return padded_columns(kernels_, head_dim_) * frames;
  }

  /// [frames, head_dim] to panels: the rows already have the panels' order, so this only cuts them.
  void copy_values(const float* v, int64_t pitch, int64_t frames, float* panels) const {
    const int64_t panel_width = kernels_.panel_width;
    for (int64_t column = 0; column < head_dim_; column += panel_width) {
      const int64_t count = std::min(panel_width, head_dim_ - column);
      for (int64_t frame = 0; frame < frames; ++frame, panels += panel_width) {
        std::fill(std::copy_n(v + frame * pitch + column, count, panels), panels + panel_width, 0.0F);
      }
    }
  }

  const Kernels& kernels_;
  int64_t heads_;
  int64_t head_dim_;
  std::vector<int64_t> first_key_;
  std::vector<int64_t> first_value_;
  float* keys_ = nullptr;
  float* values_ = nullptr;
};

/// out = softmax(q k') v for every head, from the rows of workspace.qkv.
void attend(const PackedModel& model, const Context& context, const Batch& batch, float* out) {
  const ModelConfig& c = model.config;
  const int64_t heads = c.encoder_attention_heads;
  const int64_t head_dim = c.encoder_embed_dim / heads;
  const int64_t pitch = row_pitch(c.encoder_embed_dim);
  const int64_t qkv_pitch = row_pitch(int64_t{3} * c.encoder_embed_dim);
  const float* qkv = context.workspace.qkv.data();
  const KeyValuePanels panels(model, context, batch);
  const int64_t utterances = static_cast<int64_t>(batch.utterances.size());
  context.team.parallel_for(utterances * heads, [&](int64_t item, int) {
    panels.pack(batch, qkv, qkv_pitch, item / heads, item % heads);
  });
  for (AlignedBuffer& scratch : context.workspace.thread_scratch) {
    scratch.reserve(attention_scratch(context.kernels, head_dim));
  }
  const std::vector<FrameRange> queries = batch.ranges(kQueryRows);
  // A head's panels serve all its queries while they are in cache: queries go by fastest.
  const int64_t count = static_cast<int64_t>(queries.size());
  context.team.parallel_for(heads * count, [&](int64_t item, int thread) {
    const int64_t head = item / count;
    const FrameRange& range = queries[static_cast<size_t>(item % count)];
    const int64_t keys = batch.utterances[static_cast<size_t>(range.utterance)].frames;
    context.kernels.attention(qkv + range.begin * qkv_pitch + head * head_dim, qkv_pitch,
                              range.end - range.begin, panels.keys(batch, range.utterance, head),
                              panels.values(batch, range.utterance, head), keys, head_dim,
                              out + range.begin * pitch + head * head_dim, pitch,
                              context.workspace.thread_scratch[static_cast<size_t>(thread)].data());
  });
}

}  // namespace

void add_positions(const PackedModel& model, const Context& context, const Batch& batch) {
  const ModelConfig& c = model.config;
  const int64_t width = c.encoder_embed_dim;
  const int64_t pitch = row_pitch(width);
  const int64_t group_width = width / c.conv_pos_groups;
  const int64_t left = c.conv_pos / 2;  // padding; an even kernel gives one frame more, which is not computed
  const float* x = context.workspace.x.data();
  float* y = context.workspace.y.data();
  const std::vector<FrameRange> ranges = batch.ranges(kPositionRows);
  for (AlignedBuffer& scratch : context.workspace.thread_scratch) {
    scratch.reserve((kPositionRows + c.conv_pos - 1) * group_width);
  }
  context.team.parallel_for(c.conv_pos_groups * static_cast<int64_t>(ranges.size()), [&](int64_t item,
                                                                                         int thread) {
    const int64_t group = item % c.conv_pos_groups;
    const FrameRange& range = ranges[static_cast<size_t>(item / c.conv_pos_groups)];
    const Utterance& utterance = batch.utterances[static_cast<size_t>(range.utterance)];
    // The group's channels of the frames in reach, side by side: then the taps of a row are contiguous.
    float* window = context.workspace.thread_scratch[static_cast<size_t>(thread)].data();
    const int64_t rows = range.end - range.begin;
    for (int64_t i = 0; i < rows + c.conv_pos - 1; ++i) {
      const int64_t frame = range.begin - left + i;
      const bool inside = frame >= utterance.first_frame && frame < utterance.first_frame + utterance.frames;
      float* to = window + i * group_width;
      if (inside) {
        std::copy_n(x + frame * pitch + group * group_width, group_width, to);
      } else {
        std::fill_n(to, group_width, 0.0F);
      }
    }
    const PackedMatrix& weight = model.pos_conv[static_cast<size_t>(group)];
    const int64_t offset = range.begin * pitch + group * group_width;
    context.kernels.product(
        matrix_rows(window, group_width, weight.depth()), rows, weight.panels(), group_width, y + offset,
        pitch, {.bias = weight.bias(), .gelu = true, .residual = x + offset, .residual_stride = pitch});
  });
  if (c.layer_norm_first) {
    std::swap(context.workspace.x, context.workspace.y);
  } else {
    norm_rows(model, {model.encoder_norm, {}}, context, batch, context.workspace.y.data(),
              context.workspace.x.data());
  }
}

void run_block(const PackedModel& model, int index, const Context& context, const Batch& batch) {
  const PackedBlock& block = model.blocks[static_cast<size_t>(index)];
  const ModelConfig& c = model.config;
  const bool pre_norm = c.layer_norm_first;
  const int64_t width = c.encoder_embed_dim;
  const int64_t inner = c.encoder_ffn_embed_dim;
  const int64_t pitch = row_pitch(width);
  const int64_t qkv_pitch = row_pitch(3 * width);
  const int64_t hidden_pitch = row_pitch(inner);
  Workspace& w = context.workspace;
  float* x = w.x.data();
  float* y = w.y.data();
  float* qkv = w.qkv.reserve(batch.frames * qkv_pitch);
  float* hidden = w.hidden.reserve(batch.frames * std::max(hidden_pitch, pitch));
  const auto product = [&](const float* from, int64_t from_pitch, const PackedMatrix& weight, float* to,
                           int64_t to_pitch, const After& after = {}) {
    multiply(context.team, context.kernels, matrix_rows(from, from_pitch, weight.depth()), batch.frames,
             weight, to, to_pitch, after);
  };

  // x = x + out_proj(attention(q, k, v)), with its LayerNorm before or after
  const float* input = x;
  if (pre_norm) {
    norm_rows(model, block.self_attn_layer_norm, context, batch, x, y);
    input = y;
  }
  product(input, pitch, block.qkv, qkv, qkv_pitch);
  float* attended = hidden;  // free until fc1
  attend(model, context, batch, attended);
  product(attended, pitch, block.out_proj, x, pitch, {.residual = x});
  if (!pre_norm) norm_rows(model, block.self_attn_layer_norm, context, batch, x, x);

  // x = x + fc2(GELU(fc1(x))), likewise
  input = x;
  if (pre_norm) {
    norm_rows(model, block.final_layer_norm, context, batch, x, y);
    input = y;
  }
  product(input, pitch, block.fc1, hidden, hidden_pitch, {.gelu = true});
  product(hidden, hidden_pitch, block.fc2, x, pitch, {.residual = x});
  if (!pre_norm) norm_rows(model, block.final_layer_norm, context, batch, x, x);
}

void final_norm(const PackedModel& model, const Context& context, const Batch& batch) {
  norm_rows(model, {model.encoder_norm, {}}, context, batch, context.workspace.x.data(),
            context.workspace.y.data());
}

}  // namespace contentvec::cpu
