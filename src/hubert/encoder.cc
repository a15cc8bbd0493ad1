#include "hubert/encoder.h"

#include <algorithm>
#include <functional>

#include "nn/matmul.h"

namespace contentvec::hubert {
namespace {

/// Rows of one parallel item in the steps that go row by row.
constexpr int64_t kNormRows = 32;
constexpr int64_t kPositionRows = 96;  // likewise, of the positional convolution
static_assert(kPositionRows % nn::SameConv1d::kTileRows == 0,
              "whole tiles, from an utterance's first frame on");
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
float* speaker_norm(const PackedModel& model, Workspace& workspace, int block, int which, int64_t utterance) {
  const auto utterances = static_cast<int64_t>(workspace.utterances.size());
  const int64_t norm = 2 * int64_t{block - model.config.encoder_layers} + which;
  return workspace.speaker_norms.data() +
         (norm * utterances + utterance) * 2 * model.config.encoder_embed_dim;
}

/// A LayerNorm over frames of the batch.
class FrameNorm {
 public:
  /// The norm of the encoder itself.
  FrameNorm(const PackedModel& model, Workspace& workspace, const nn::Context& context)
      : model_(model), workspace_(workspace), context_(context), plain_(&model.encoder_norm) {}
  /// One of a block's two norms: 0 after (or before) attention, 1 after (or before) the feed-forward layers.
  FrameNorm(const PackedModel& model, Workspace& workspace, const nn::Context& context, int block, int which)
      : model_(model), workspace_(workspace), context_(context), block_(block), which_(which) {
    const PackedBlock& b = model.blocks[static_cast<size_t>(block)];
    const BlockNorm& norm = which == 0 ? b.self_attn_layer_norm : b.final_layer_norm;
    if (!norm.conditional()) plain_ = &norm.plain;
  }

  /// to = LayerNorm(from) for frames [begin, end); both [frames, width] with the width's stride.
  void operator()(int64_t begin, int64_t end, const float* from, float* to) const {
    if (plain_ != nullptr) return run(begin, end, from, to, plain_->scale.data(), plain_->shift.data());
    int64_t utterance = 0;
    for (const nn::Sequence& frames : workspace_.frames.all()) {
      const int64_t first = std::max(begin, frames.first);
      const int64_t last = std::min(end, frames.first + frames.rows);
      const float* norm = speaker_norm(model_, workspace_, block_, which_, utterance++);
      if (first < last) run(first, last, from, to, norm, norm + model_.config.encoder_embed_dim);
    }
  }

  /// All frames, over the team.
  void everywhere(const float* from, float* to) const {
    const int64_t frames = workspace_.frames.rows();
    context_.team.parallel_for((frames + kNormRows - 1) / kNormRows, [&](int64_t item, int) {
      (*this)(item * kNormRows, std::min((item + 1) * kNormRows, frames), from, to);
    });
  }

 private:
  void run(int64_t begin, int64_t end, const float* from, float* to, const float* scale,
           const float* shift) const {
    const int64_t width = model_.config.encoder_embed_dim;
    const int64_t stride = nn::row_stride(width);
    context_.kernels.layer_norm(from + begin * stride, stride, end - begin, width, scale, shift,
                                model_.config.layer_norm_eps, {}, to + begin * stride, stride);
  }

  const PackedModel& model_;
  Workspace& workspace_;
  const nn::Context& context_;
  const nn::Norm* plain_ = nullptr;  ///< null: of the speaker
  int block_ = 0;
  int which_ = 0;
};

/// One frame's channels of a group as the positional convolution takes them, with the BatchNorm before it if
/// there is one: what the convolution's padding adds is zero after it.
void copy_normalised(const Weights::BatchNorm& norm, int64_t first_channel, int64_t channels,
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

/// sum = hidden + GELU(pos_conv(hidden)) in the channels of one group.
class PositionsOfGroup {
 public:
  PositionsOfGroup(const PackedModel& model, Workspace& workspace, const nn::Context& context, int thread,
                   int64_t group)
      : model_(model),
        workspace_(workspace),
        kernels_(context.kernels),
        group_(group),
        width_(width_of(model)),
        stride_(nn::row_stride(model.config.encoder_embed_dim)),
        scratch_(context.scratch(thread)),
        product_scratch_(context.product_scratch(thread)) {}

  /// Floats of scratch for ranges of at most kPositionRows.
  static int64_t scratch_size(const PackedModel& model) {
    const int64_t window = (kPositionRows + model.config.conv_pos - 1) * width_of(model);
    if (model.pos_conv.fast.empty()) return window;
    const nn::SameConv1d& conv = model.pos_conv.fast.front();
    const nn::RowSpan rows = conv.blocks_of({0, kPositionRows});
    return conv.inputs_of(rows).count() * width_of(model) + rows.end * width_of(model) +
           conv.scratch_size(rows.end);
  }

  void run(const nn::RowRange& range) const {
    if (model_.pos_conv.fast.empty()) {
      run_plain(range);
    } else {
      run_fast(range);
    }
  }

 private:
  static int64_t width_of(const PackedModel& model) {
    return model.config.encoder_embed_dim / model.config.conv_pos_groups;
  }

  /// The channels in `frames` frames from the first on that `range` reaches, zeros around those of its utterance, side
  /// by side: then the taps of a row are contiguous.
  void copy_window(const nn::RowRange& range, int64_t frames) const {
    const nn::Sequence& utterance = workspace_.frames[range.sequence];
    const int64_t first_channel = group_ * width_;
    const int64_t left =
        model_.config.conv_pos / 2;  // padding; of an even kernel one frame more than on the right
    float* window = scratch_;
    for (int64_t i = 0; i < frames; ++i, window += width_) {
      const int64_t frame = range.begin - left + i;
      if (frame >= utterance.first && frame < utterance.first + utterance.rows) {
        copy_normalised(model_.pos_conv_norm, first_channel, width_,
                        workspace_.hidden.data() + frame * stride_ + first_channel, window);
      } else {
        std::fill_n(window, width_, 0.0F);
      }
    }
  }

  void run_plain(const nn::RowRange& range) const {
    const nn::PackedMatrix& weight = model_.pos_conv.plain.group(group_);
    const int64_t rows = range.end - range.begin;
    const int64_t offset = range.begin * stride_ + group_ * width_;
    copy_window(range, rows + model_.config.conv_pos - 1);
    kernels_.product(nn::matrix_rows(scratch_, width_, weight.depth()), rows, weight.panels(), width_,
                     workspace_.sum.data() + offset, stride_,
                     {.bias = weight.bias(),
                      .activation = nn::kGelu,
                      .residual = workspace_.hidden.data() + offset,
                      .residual_stride = stride_},
                     product_scratch_);
  }

  /// In whole blocks of rows, counted from the utterance's first; those past its last are left.
  void run_fast(const nn::RowRange& range) const {
    const nn::SameConv1d& conv = model_.pos_conv.fast[static_cast<size_t>(group_)];
    const nn::RowSpan rows = conv.blocks_of({0, range.end - range.begin});
    const int64_t read = conv.inputs_of(rows).count();
    float* output = scratch_ + read * width_;
    copy_window(range, read);
    conv.run(kernels_, scratch_, width_, 1.0F, rows.end, output, width_, {.activation = nn::kGelu},
             output + rows.end * width_, product_scratch_);
    const int64_t offset = range.begin * stride_ + group_ * width_;
    for (int64_t row = 0; row < range.end - range.begin; ++row, output += width_) {
      const float* hidden = workspace_.hidden.data() + offset + row * stride_;
      std::transform(output, output + width_, hidden, workspace_.sum.data() + offset + row * stride_,
                     std::plus());
    }
  }

  const PackedModel& model_;
  Workspace& workspace_;
  const nn::Kernels& kernels_;
  int64_t group_;
  int64_t width_;
  int64_t stride_;
  float* scratch_;
  std::byte* product_scratch_;
};

/// What one block works on, and its parts in the order of the paper.
class Block {
 public:
  Block(const PackedModel& model, int index, Workspace& workspace, const nn::Context& context)
      : config_(model.config),
        weights_(model.blocks[static_cast<size_t>(index)]),
        workspace_(workspace),
        context_(context),
        frames_(workspace.frames.rows()),
        width_(config_.encoder_embed_dim),
        inner_(config_.encoder_ffn_embed_dim),
        hidden_(workspace.hidden.data()),
        sum_(workspace.sum.data()),
        wide_(workspace.wide.reserve(std::min(frames_, kWideRows) *
                                     std::max(nn::row_stride(3 * width_), nn::row_stride(inner_)))),
        attention_norm_(model, workspace, context, index, 0),
        feed_forward_norm_(model, workspace, context, index, 1) {}

  /// x = LN(x + attention(x));  x = LN(x + fc2(GELU(fc1(x))))
  void run_post_norm() const {
    attend(hidden_);
    project_attended(hidden_, sum_, attention_norm_, hidden_);
    feed_forward(hidden_, hidden_, sum_,
                 [&](int64_t begin, int64_t end) { feed_forward_norm_(begin, end, sum_, hidden_); });
  }

  /// x = x + attention(LN(x));  x = x + fc2(GELU(fc1(LN(x))))
  void run_pre_norm() const {
    float* normed = sum_;
    attention_norm_.everywhere(hidden_, normed);
    attend(normed);
    project_attended(hidden_, sum_, feed_forward_norm_, hidden_);  // the norm is fc1's input
    feed_forward(hidden_, sum_, hidden_, [](int64_t, int64_t) {});
  }

 private:
  /// workspace.attention = attention(x), before its output projection.
  void attend(const float* x) const {
    const int64_t stride = nn::row_stride(3 * width_);
    nn::SelfAttention& attention = workspace_.attention;
    const int64_t heads = config_.encoder_attention_heads;
    attention.start(context_.kernels, heads, width_ / heads, workspace_.frames);
    in_wide_parts(frames_, [&](int64_t first, int64_t rows) {
      nn::multiply(context_, rows_of(x, first), rows, weights_.qkv, wide_, stride, {},
                   [&](int64_t begin, int64_t end) {
                     attention.take(first + begin, first + end, wide_ + begin * stride, stride);
                   });
    });
    attention.run(context_, workspace_.frames);
  }

  /// sum = x + out_proj(attended), and at once normed = norm(sum).
  void project_attended(const float* x, float* sum, const FrameNorm& norm, float* normed) const {
    nn::multiply(context_, rows_of(workspace_.attention.rows(), 0), frames_, weights_.out_proj, sum, stride(),
                 {.residual = x, .residual_stride = stride()},
                 [&](int64_t begin, int64_t end) { norm(begin, end, sum, normed); });
  }

  /// out = x + fc2(GELU(fc1(in))), some frames at a time, and at once rows_done(begin, end); `out` may be
  /// `in`.
  template <typename RowsDone>
  void feed_forward(const float* in, const float* x, float* out, const RowsDone& rows_done) const {
    const int64_t inner_stride = nn::row_stride(inner_);
    in_wide_parts(frames_, [&](int64_t first, int64_t rows) {
      nn::multiply(context_, rows_of(in, first), rows, weights_.fc1, wide_, inner_stride,
                   {.activation = nn::kGelu});
      nn::multiply(context_, nn::matrix_rows(wide_, inner_stride, inner_), rows, weights_.fc2,
                   out + first * stride(), stride(),
                   {.residual = x + first * stride(), .residual_stride = stride()},
                   [&](int64_t begin, int64_t end) { rows_done(first + begin, first + end); });
    });
  }

  [[nodiscard]] int64_t stride() const { return nn::row_stride(width_); }
  [[nodiscard]] nn::Rows rows_of(const float* x, int64_t first) const {
    return nn::matrix_rows(x + first * stride(), stride(), width_);
  }

  const ModelConfig& config_;
  const PackedBlock& weights_;
  Workspace& workspace_;
  const nn::Context& context_;
  int64_t frames_;
  int64_t width_;
  int64_t inner_;
  float* hidden_;
  float* sum_;
  float* wide_;
  FrameNorm attention_norm_;
  FrameNorm feed_forward_norm_;
};

}  // namespace

void prepare_speaker_norms(const PackedModel& model, Workspace& workspace, const nn::Context& context) {
  const ModelConfig& c = model.config;
  if (!c.speaker_conditioned()) return;
  const auto count = static_cast<int64_t>(workspace.utterances.size());
  workspace.speaker_norms.reserve(int64_t{c.encoder_layers_1} * 4 * count * c.encoder_embed_dim);
  for (int block = c.encoder_layers; block < c.total_layers(); ++block) {
    const PackedBlock& b = model.blocks[static_cast<size_t>(block)];
    context.team.parallel_for(2 * count, [&](int64_t item, int) {
      const int64_t utterance = item / 2;
      const int which = static_cast<int>(item % 2);
      const SpeakerNorm& norm = (which == 0 ? b.self_attn_layer_norm : b.final_layer_norm).speaker;
      const std::span<const float> speaker =
          workspace.utterances[static_cast<size_t>(utterance)].speaker_embedding;
      float* out = speaker_norm(model, workspace, block, which, utterance);
      times_speaker(norm.weight_ln, speaker, out);
      times_speaker(norm.bias_ln, speaker, out + c.encoder_embed_dim);
    });
  }
}

void add_positions(const PackedModel& model, Workspace& workspace, const nn::Context& context) {
  const ModelConfig& c = model.config;
  const int64_t stride = nn::row_stride(c.encoder_embed_dim);
  const std::span<const nn::RowRange> ranges = workspace.frames.ranges(kPositionRows);
  context.reserve_scratch(PositionsOfGroup::scratch_size(model));
  const auto count = static_cast<int64_t>(ranges.size());
  context.team.parallel_for(c.conv_pos_groups * count, [&](int64_t item, int thread) {
    const int64_t group = item / count;  // a group's weights serve all ranges while they are in cache
    PositionsOfGroup(model, workspace, context, thread, group).run(ranges[static_cast<size_t>(item % count)]);
  });
  if (c.layer_norm_first) {
    std::copy_n(workspace.sum.data(), workspace.frames.rows() * stride, workspace.hidden.data());
  } else {
    FrameNorm(model, workspace, context).everywhere(workspace.sum.data(), workspace.hidden.data());
  }
}

void run_block(const PackedModel& model, int index, Workspace& workspace, const nn::Context& context) {
  const Block block(model, index, workspace, context);
  if (model.config.layer_norm_first) {
    block.run_pre_norm();
  } else {
    block.run_post_norm();
  }
}

void normalise_output(const PackedModel& model, Workspace& workspace, const nn::Context& context) {
  FrameNorm(model, workspace, context).everywhere(workspace.hidden.data(), workspace.sum.data());
}

}  // namespace contentvec::hubert
