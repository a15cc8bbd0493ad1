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
/// Most frames that go through the feed-forward layers at a time, their inner activation being the widest of
/// all: more would take memory, and the weights are streamed once in them.
constexpr int64_t kFeedForwardRows = 512;

/// out = matrix @ speaker, in double: the conditional LayerNorms' scales are small sums of large terms.
void times_speaker(const std::vector<float>& matrix, std::span<const float> speaker, float* out) {
  const float* row = matrix.data();
  const float* const end = row + matrix.size();
  while (row < end) {
    double sum = 0;
    for (const float s : speaker) sum += static_cast<double>(*row++) * static_cast<double>(s);
    *out++ = static_cast<float>(sum);
  }
}

/// Where workspace.speaker_norms keeps scale [width] and shift [width] of an utterance: block by block, its
/// two norms one after the other, utterance by utterance.
float* speaker_norm(const PackedModel& model, const Context& context, int block, int which,
                    size_t utterance) {
  const auto utterances = static_cast<int64_t>(context.batch().utterances.size());
  const int64_t norm = 2 * int64_t{block - model.config.encoder_layers} + which;
  return context.workspace.speaker_norms.data() +
         (norm * utterances + static_cast<int64_t>(utterance)) * 2 * model.config.encoder_embed_dim;
}

/// A LayerNorm over frames of the batch.
class RowNorm {
 public:
  /// The norm of the encoder itself.
  RowNorm(const PackedModel& model, const Context& context)
      : model_(model), context_(context), plain_(&model.encoder_norm) {}
  /// One of a block's two norms: 0 after (or before) attention, 1 after (or before) the feed-forward layers.
  RowNorm(const PackedModel& model, const Context& context, int block, int which)
      : model_(model), context_(context), block_(block), which_(which) {
    const PackedBlock& b = model.blocks[static_cast<size_t>(block)];
    const BlockNorm& norm = which == 0 ? b.self_attn_layer_norm : b.final_layer_norm;
    if (!norm.conditional()) plain_ = &norm.plain;
  }

  /// to = LayerNorm(from) for frames [begin, end); both [frames, width] with the width's pitch.
  void operator()(int64_t begin, int64_t end, const float* from, float* to) const {
    if (plain_ != nullptr) return run(begin, end, from, to, plain_->scale.data(), plain_->shift.data());
    const std::vector<Utterance>& utterances = context_.batch().utterances;
    for (size_t u = 0; u < utterances.size(); ++u) {
      const int64_t first = std::max(begin, utterances[u].first_frame);
      const int64_t last = std::min(end, utterances[u].first_frame + utterances[u].frames);
      const float* norm = speaker_norm(model_, context_, block_, which_, u);
      if (first < last) run(first, last, from, to, norm, norm + model_.config.encoder_embed_dim);
    }
  }

  /// All frames, over the team.
  void everywhere(const float* from, float* to) const {
    const int64_t frames = context_.batch().frames;
    context_.team.parallel_for((frames + kNormRows - 1) / kNormRows, [&](int64_t item, int) {
      (*this)(item * kNormRows, std::min((item + 1) * kNormRows, frames), from, to);
    });
  }

 private:
  void run(int64_t begin, int64_t end, const float* from, float* to, const float* scale,
           const float* shift) const {
    const int64_t width = model_.config.encoder_embed_dim;
    const int64_t pitch = row_pitch(width);
    context_.kernels.layer_norm(from + begin * pitch, pitch, end - begin, width, scale, shift,
                                model_.config.layer_norm_eps, false, to + begin * pitch, pitch);
  }

  const PackedModel& model_;
  const Context& context_;
  const Norm* plain_ = nullptr;  ///< null: of the speaker
  int block_ = 0;
  int which_ = 0;
};

/// Attention's shapes, and where the panels of an utterance's keys and values stand: head by head.
class Heads {
 public:
  Heads(const PackedModel& model, const Context& context)
      : kernels_(context.kernels),
        workspace_(context.workspace),
        count(model.config.encoder_attention_heads),
        dim(model.config.encoder_embed_dim / count) {}

  void reserve_panels() const {
    int64_t keys = 0;
    int64_t values = 0;
    for (Utterance& utterance : workspace_.batch.utterances) {
      utterance.first_key = keys;
      utterance.first_value = values;
      keys += count * key_bytes(utterance.frames);
      values += count * value_bytes(utterance.frames);
    }
    workspace_.keys.reserve(keys);
    workspace_.values.reserve(values);
  }
  [[nodiscard]] std::byte* keys(const Utterance& utterance, int64_t head) const {
    return workspace_.keys.data() + utterance.first_key + head * key_bytes(utterance.frames);
  }
  [[nodiscard]] std::byte* values(const Utterance& utterance, int64_t head) const {
    return workspace_.values.data() + utterance.first_value + head * value_bytes(utterance.frames);
  }

 private:
  [[nodiscard]] int64_t key_bytes(int64_t frames) const {
    return panel_bytes(kernels_, kernels_.key_values, frames, dim);
  }
  [[nodiscard]] int64_t value_bytes(int64_t frames) const {
    return panel_bytes(kernels_, kernels_.key_values, dim, frames);
  }
  const Kernels& kernels_;
  Workspace& workspace_;

 public:
  const int64_t count;
  const int64_t dim;
};

/// softmax(q k') v for every head, from the rows of workspace.qkv. Returns where it is: in place of the keys,
/// which have been packed by then, with the rows' pitch.
const float* attend(const PackedModel& model, const Context& context) {
  const int64_t width = model.config.encoder_embed_dim;
  const int64_t qkv_pitch = row_pitch(3 * width);
  float* qkv = context.workspace.qkv.data();
  float* out = qkv + width;
  const Heads heads(model, context);
  const std::vector<Utterance>& utterances = context.batch().utterances;
  heads.reserve_panels();
  context.reserve_stage_scratch(attention_scratch(context.kernels, heads.dim) /
                                static_cast<int64_t>(sizeof(float)));

  context.team.parallel_for(static_cast<int64_t>(utterances.size()) * heads.count, [&](int64_t item, int) {
    const Utterance& u = utterances[static_cast<size_t>(item / heads.count)];
    const int64_t head = item % heads.count;
    const float* k = qkv + u.first_frame * qkv_pitch + width + head * heads.dim;
    context.kernels.pack_keys(k, qkv_pitch, u.frames, heads.dim, heads.keys(u, head));
    context.kernels.pack_values(k + width, qkv_pitch, u.frames, heads.dim, heads.values(u, head));
  });
  const std::span<const FrameRange> queries = context.batch().ranges(kQueryRows);
  // A head's panels serve all its queries while they are in cache: queries go by fastest.
  const auto count = static_cast<int64_t>(queries.size());
  context.team.parallel_for(heads.count * count, [&](int64_t item, int thread) {
    const int64_t head = item / count;
    const FrameRange& range = queries[static_cast<size_t>(item % count)];
    const Utterance& u = utterances[static_cast<size_t>(range.utterance)];
    context.kernels.attention(qkv + range.begin * qkv_pitch + head * heads.dim, qkv_pitch,
                              range.end - range.begin, heads.keys(u, head), heads.values(u, head), u.frames,
                              heads.dim, out + range.begin * qkv_pitch + head * heads.dim, qkv_pitch,
                              context.stage_scratch(thread));
  });
  return out;
}

/// The channels of one group in the frames that `range` reaches, side by side: then the taps of a row are
/// contiguous.
void copy_window(const ModelConfig& c, const Utterance& utterance, const FrameRange& range, int64_t group,
                 const float* x, float* window) {
  const int64_t pitch = row_pitch(c.encoder_embed_dim);
  const int64_t group_width = c.encoder_embed_dim / c.conv_pos_groups;
  const int64_t left = c.conv_pos / 2;  // padding; an even kernel gives one frame more, which is not computed
  for (int64_t i = 0; i < range.end - range.begin + c.conv_pos - 1; ++i, window += group_width) {
    const int64_t frame = range.begin - left + i;
    if (frame >= utterance.first_frame && frame < utterance.first_frame + utterance.frames) {
      std::copy_n(x + frame * pitch + group * group_width, group_width, window);
    } else {
      std::fill_n(window, group_width, 0.0F);
    }
  }
}

}  // namespace

void prepare_speaker_norms(const PackedModel& model, const Context& context) {
  const ModelConfig& c = model.config;
  if (!c.speaker_conditioned()) return;
  const std::vector<Utterance>& utterances = context.batch().utterances;
  const auto count = static_cast<int64_t>(utterances.size());
  context.workspace.speaker_norms.reserve(int64_t{c.encoder_layers_1} * 4 * count * c.encoder_embed_dim);
  for (int block = c.encoder_layers; block < c.total_layers(); ++block) {
    const PackedBlock& b = model.blocks[static_cast<size_t>(block)];
    context.team.parallel_for(2 * count, [&](int64_t item, int) {
      const auto u = static_cast<size_t>(item / 2);
      const int which = static_cast<int>(item % 2);
      const SpeakerNorm& norm = (which == 0 ? b.self_attn_layer_norm : b.final_layer_norm).speaker;
      float* out = speaker_norm(model, context, block, which, u);
      times_speaker(norm.weight_ln, utterances[u].speaker_embedding, out);
      times_speaker(norm.bias_ln, utterances[u].speaker_embedding, out + c.encoder_embed_dim);
    });
  }
}

void add_positions(const PackedModel& model, const Context& context) {
  const ModelConfig& c = model.config;
  const int64_t pitch = row_pitch(c.encoder_embed_dim);
  const int64_t group_width = c.encoder_embed_dim / c.conv_pos_groups;
  Workspace& w = context.workspace;
  float* x = w.x.data();
  float* y = w.y.data();
  const std::span<const FrameRange> ranges = context.batch().ranges(kPositionRows);
  context.reserve_stage_scratch((kPositionRows + c.conv_pos - 1) * group_width);
  const auto count = static_cast<int64_t>(ranges.size());
  context.team.parallel_for(c.conv_pos_groups * count, [&](int64_t item, int thread) {
    const int64_t group = item / count;  // a group's weights serve all ranges while they are in cache
    const FrameRange& range = ranges[static_cast<size_t>(item % count)];
    float* window = context.stage_scratch(thread);
    copy_window(c, context.batch().utterances[static_cast<size_t>(range.utterance)], range, group, x, window);
    const PackedMatrix& weight = model.pos_conv[static_cast<size_t>(group)];
    const int64_t offset = range.begin * pitch + group * group_width;
    context.kernels.product(
        matrix_rows(window, group_width, weight.depth()), range.end - range.begin, weight.panels(),
        group_width, y + offset, pitch,
        {.bias = weight.bias(), .gelu = true, .residual = x + offset, .residual_stride = pitch},
        context.product_scratch(thread));
  });
  if (c.layer_norm_first) {
    std::swap(w.x, w.y);
  } else {
    RowNorm(model, context).everywhere(y, x);
  }
}

void run_block(const PackedModel& model, int index, const Context& context) {
  const PackedBlock& block = model.blocks[static_cast<size_t>(index)];
  const ModelConfig& c = model.config;
  const bool pre_norm = c.layer_norm_first;
  const int64_t width = c.encoder_embed_dim;
  const int64_t pitch = row_pitch(width);
  const int64_t qkv_pitch = row_pitch(3 * width);
  const int64_t hidden_pitch = row_pitch(c.encoder_ffn_embed_dim);
  const int64_t frames = context.batch().frames;
  Workspace& w = context.workspace;
  float* x = w.x.data();
  float* y = w.y.data();
  float* qkv = w.qkv.reserve(frames * qkv_pitch);
  float* hidden = w.hidden.reserve(std::min(frames, kFeedForwardRows) * hidden_pitch);
  const RowNorm attention_norm(model, context, index, 0);
  const RowNorm final_layer_norm(model, context, index, 1);

  // attended = attention(x), or of LN(x) in a pre-norm model
  if (pre_norm) attention_norm.everywhere(x, y);
  multiply(context, matrix_rows(pre_norm ? y : x, pitch, width), frames, block.qkv, qkv, qkv_pitch);
  const float* attended = attend(model, context);

  // y = x + out_proj(attended), and at once x = LN(y): the stream itself in a post-norm model, in a pre-norm
  // one the input of fc1, while the stream is y
  const RowNorm& middle_norm = pre_norm ? final_layer_norm : attention_norm;
  multiply(context, matrix_rows(attended, qkv_pitch, width), frames, block.out_proj, y, pitch,
           {.residual = x}, [&](int64_t begin, int64_t end) { middle_norm(begin, end, y, x); });

  // stream + fc2(GELU(fc1(x))), with its LayerNorm in a post-norm model; some rows at a time, all alike
  const int64_t parts = (frames + kFeedForwardRows - 1) / kFeedForwardRows;
  for (int64_t part = 0; part < parts; ++part) {
    const int64_t first = frames * part / parts;
    const int64_t rows = frames * (part + 1) / parts - first;
    const int64_t at = first * pitch;
    multiply(context, matrix_rows(x + at, pitch, width), rows, block.fc1, hidden, hidden_pitch,
             {.gelu = true});
    const Rows inner = matrix_rows(hidden, hidden_pitch, c.encoder_ffn_embed_dim);
    if (pre_norm) {
      multiply(context, inner, rows, block.fc2, x + at, pitch, {.residual = y + at});
    } else {
      multiply(context, inner, rows, block.fc2, y + at, pitch, {.residual = x + at},
               [&](int64_t begin, int64_t end) { final_layer_norm(first + begin, first + end, y, x); });
    }
  }
}

void final_norm(const PackedModel& model, const Context& context) {
  RowNorm(model, context).everywhere(context.workspace.x.data(), context.workspace.y.data());
}

}  // namespace contentvec::cpu
