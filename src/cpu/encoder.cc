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
/// Most frames that go through a block's widest layers at a time: more would take memory for what they give,
/// and the weights are streamed once in them.
constexpr int64_t kWideRows = 512;

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

/// run(first, rows) for parts of all frames of at most kWideRows, all alike.
template <typename Run>
void in_wide_parts(int64_t frames, const Run& run) {
  const int64_t parts = (frames + kWideRows - 1) / kWideRows;
  for (int64_t part = 0; part < parts; ++part) {
    const int64_t first = frames * part / parts;
    run(first, frames * (part + 1) / parts - first);
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

/// Queries, keys and values of frames [begin, end), `qkv` holding them side by side with its pitch, to where
/// attention takes them from.
void distribute(const Heads& heads, const Context& context, int64_t begin, int64_t end, const float* qkv,
                int64_t qkv_pitch) {
  const int64_t width = heads.count * heads.dim;
  const int64_t pitch = row_pitch(width);
  for (int64_t frame = begin; frame < end; ++frame) {
    std::copy_n(qkv + (frame - begin) * qkv_pitch, width, context.workspace.q.data() + frame * pitch);
  }
  for (const Utterance& u : context.batch().utterances) {
    const int64_t last = std::min(end, u.first_frame + u.frames);
    // A panel's width at a time, so that all of a row is read while it and the panels are in cache.
    for (int64_t first = std::max(begin, u.first_frame); first < last; first += context.kernels.panel_width) {
      const KeyRange range = {first - u.first_frame,
                              std::min(first + context.kernels.panel_width, last) - u.first_frame, u.frames};
      for (int64_t head = 0; head < heads.count; ++head) {
        const float* k = qkv + (first - begin) * qkv_pitch + width + head * heads.dim;
        context.kernels.pack_keys(k, qkv_pitch, range, heads.dim, heads.keys(u, head));
        context.kernels.pack_values(k + width, qkv_pitch, range, heads.dim, heads.values(u, head));
      }
    }
  }
}

/// workspace.q, keys and values of all frames: the projections of the rows of `x`.
void project_qkv(const PackedMatrix& qkv, const Heads& heads, const Context& context, const Rows& x) {
  const int64_t width = heads.count * heads.dim;
  const int64_t pitch = row_pitch(3 * width);
  Workspace& w = context.workspace;
  heads.reserve_panels();
  w.q.reserve(context.batch().frames * row_pitch(width));
  in_wide_parts(context.batch().frames, [&](int64_t first, int64_t rows) {
    Rows part = x;
    part.data += first * x.row_stride;
    float* out = w.wide.data();
    multiply(context, part, rows, qkv, out, pitch, {}, [&](int64_t begin, int64_t end) {
      distribute(heads, context, first + begin, first + end, out + begin * pitch, pitch);
    });
  });
}

/// workspace.q = softmax(q k') v, head by head.
void attend(const Heads& heads, const Context& context) {
  const int64_t pitch = row_pitch(heads.count * heads.dim);
  float* q = context.workspace.q.data();
  context.reserve_stage_scratch(attention_scratch(context.kernels, heads.dim) /
                                static_cast<int64_t>(sizeof(float)));
  const std::span<const FrameRange> queries = context.batch().ranges(kQueryRows);
  // A head's panels serve all its queries while they are in cache: queries go by fastest.
  const auto count = static_cast<int64_t>(queries.size());
  context.team.parallel_for(heads.count * count, [&](int64_t item, int thread) {
    const int64_t head = item / count;
    const FrameRange& range = queries[static_cast<size_t>(item % count)];
    const Utterance& u = context.batch().utterances[static_cast<size_t>(range.utterance)];
    float* at = q + range.begin * pitch + head * heads.dim;
    context.kernels.attention(at, pitch, range.end - range.begin, heads.keys(u, head), heads.values(u, head),
                              u.frames, heads.dim, at, pitch, context.stage_scratch(thread));
  });
}

/// One frame's channels of a group as the positional convolution takes them, with the BatchNorm before it if
/// there is one: what the convolution's padding adds is zero after it.
void copy_normalised(const model::Weights::BatchNorm& norm, int64_t first_channel, int64_t channels,
                     const float* from, float* to) {
  if (norm.mean.empty()) {
    std::copy_n(from, channels, to);
    return;
  }
  for (int64_t i = 0; i < channels; ++i) {
    const auto channel = static_cast<size_t>(first_channel + i);
    to[i] = (from[i] - norm.mean[channel]) * norm.scale[channel] + norm.shift[channel];
  }
}

/// The channels of one group in the frames that `range` reaches, side by side: then the taps of a row are
/// contiguous.
void copy_window(const PackedModel& model, const Utterance& utterance, const FrameRange& range, int64_t group,
                 const float* x, float* window) {
  const ModelConfig& c = model.config;
  const int64_t pitch = row_pitch(c.encoder_embed_dim);
  const int64_t group_width = c.encoder_embed_dim / c.conv_pos_groups;
  const int64_t first_channel = group * group_width;
  const int64_t left = c.conv_pos / 2;  // padding; an even kernel gives one frame more, which is not computed
  for (int64_t i = 0; i < range.end - range.begin + c.conv_pos - 1; ++i, window += group_width) {
    const int64_t frame = range.begin - left + i;
    if (frame >= utterance.first_frame && frame < utterance.first_frame + utterance.frames) {
      copy_normalised(model.pos_conv_norm, first_channel, group_width, x + frame * pitch + first_channel,
                      window);
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
    copy_window(model, context.batch().utterances[static_cast<size_t>(range.utterance)], range, group, x,
                window);
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
  const int64_t inner_pitch = row_pitch(c.encoder_ffn_embed_dim);
  const int64_t frames = context.batch().frames;
  Workspace& w = context.workspace;
  float* x = w.x.data();
  float* y = w.y.data();
  float* wide = w.wide.reserve(std::min(frames, kWideRows) * std::max(row_pitch(3 * width), inner_pitch));
  const RowNorm attention_norm(model, context, index, 0);
  const RowNorm final_layer_norm(model, context, index, 1);

  // q = attention(x), or of LN(x) in a pre-norm model
  const Heads heads(model, context);
  if (pre_norm) attention_norm.everywhere(x, y);
  project_qkv(block.qkv, heads, context, matrix_rows(pre_norm ? y : x, pitch, width));
  attend(heads, context);

  // y = x + out_proj(q), and at once x = LN(y): the stream itself in a post-norm model, in a pre-norm one the
  // input of fc1, while the stream is y
  const RowNorm& middle_norm = pre_norm ? final_layer_norm : attention_norm;
  multiply(context, matrix_rows(w.q.data(), pitch, width), frames, block.out_proj, y, pitch, {.residual = x},
           [&](int64_t begin, int64_t end) { middle_norm(begin, end, y, x); });

  // stream + fc2(GELU(fc1(x))), with its LayerNorm in a post-norm model
  in_wide_parts(frames, [&](int64_t first, int64_t rows) {
    const int64_t at = first * pitch;
    multiply(context, matrix_rows(x + at, pitch, width), rows, block.fc1, wide, inner_pitch, {.gelu = true});
    const Rows inner = matrix_rows(wide, inner_pitch, c.encoder_ffn_embed_dim);
    if (pre_norm) {
      multiply(context, inner, rows, block.fc2, x + at, pitch, {.residual = y + at});
    } else {
      multiply(context, inner, rows, block.fc2, y + at, pitch, {.residual = x + at},
               [&](int64_t begin, int64_t end) { final_layer_norm(first + begin, first + end, y, x); });
    }
  });
}

void final_norm(const PackedModel& model, const Context& context) {
  RowNorm(model, context).everywhere(context.workspace.x.data(), context.workspace.y.data());
}

}  // namespace contentvec::cpu
