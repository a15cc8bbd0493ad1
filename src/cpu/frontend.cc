#include "cpu/frontend.h"

#include <algorithm>
#include <span>

#include "cpu/matmul.h"
#include "model/window_moments.h"

namespace contentvec::cpu {
namespace {

/// Output frames per tile: enough that the weights, streamed once per tile, cost little; few enough for the
/// cache.
constexpr int64_t kTileFrames = 64;
/// Rows of conv 1 that conv 0 makes its rows for at a time: conv 0's output is the largest of all, and so
/// stays in L2.
constexpr int64_t kSecondRows = 64;
/// Rows of conv 0 per partial sum of its statistics. Fixed, so that sums do not depend on the threads.
constexpr int64_t kMomentRows = 4096;

/// Rows [begin, end) of one convolution's output.
struct RowRange {
  int64_t begin;
  int64_t end;
  [[nodiscard]] int64_t count() const { return end - begin; }
};

/// The rows of conv `index` that rows `of_last` of the last one depend on.
RowRange needed_rows(const std::vector<ConvLayer>& convs, size_t index, RowRange of_last) {
  RowRange range = of_last;
  for (size_t i = convs.size() - 1; i > index; --i) {
    range = {range.begin * convs[i].stride, (range.end - 1) * convs[i].stride + convs[i].kernel};
  }
  return range;
}

/// conv 0 and its GroupNorm, an affine map of its output, as one convolution. `scratch`: dim * (kernel + 1)
/// floats.
void fold_group_norm(const Kernels& kernels, const GroupNormConv& conv, const ConvLayer& layer,
                     const model::WindowMoments& moments, int64_t rows, float* scratch,
                     PackedMatrix& folded) {
  const std::span<float> weight(scratch, static_cast<size_t>(layer.dim * layer.kernel));
  const std::span<float> bias(scratch + weight.size(), static_cast<size_t>(layer.dim));
  for (int64_t c = 0; c < layer.dim; ++c) {
    const auto channel = static_cast<size_t>(c);
    const float* w = conv.weight.data() + c * layer.kernel;
    const auto [scale, shift] =
        moments.group_norm(w, rows, conv.norm.scale[channel], conv.norm.shift[channel]);
    float* out = weight.data() + c * layer.kernel;
    for (int64_t k = 0; k < layer.kernel; ++k) out[k] = static_cast<float>(static_cast<double>(w[k]) * scale);
    bias[channel] = static_cast<float>(shift);
  }
  folded.assign(kernels, weight, layer.dim, layer.kernel, bias);
}

/// Rows of conv 0 that a waveform gives.
int64_t first_rows(const ConvLayer& layer, const Utterance& utterance) {
  return (static_cast<int64_t>(utterance.waveform.size()) - layer.kernel) / layer.stride + 1;
}

/// workspace.first_convs[utterance] = fold_group_norm of it.
void fold_group_norms(const PackedModel& model, const Context& context) {
  const ConvLayer& layer = model.config.conv_layers.front();
  Workspace& workspace = context.workspace;
  const std::vector<Utterance>& utterances = context.batch().utterances;
  const auto parts_of = [&](const Utterance& utterance) {
    return (first_rows(layer, utterance) + kMomentRows - 1) / kMomentRows;
  };
  int64_t parts = 0;
  for (const Utterance& utterance : utterances) parts += parts_of(utterance);
  workspace.moments.resize(static_cast<size_t>(parts * model::WindowMoments::size(layer.kernel)));
  if (workspace.first_convs.size() < utterances.size()) workspace.first_convs.resize(utterances.size());
  context.reserve_stage_scratch(int64_t{layer.dim} * (layer.kernel + 1));
  const auto moments = [&](int64_t part) {
    return model::WindowMoments(workspace.moments.data() + part * model::WindowMoments::size(layer.kernel),
                                layer.kernel);
  };

  int64_t before = 0;  // parts of earlier utterances
  for (const Utterance& utterance : utterances) {
    const int64_t rows = first_rows(layer, utterance);
    context.team.parallel_for(parts_of(utterance), [&](int64_t part, int) {
      const int64_t begin = part * kMomentRows;
      model::WindowMoments sums = moments(before + part);
      sums.clear();
      sums.add_windows(utterance.waveform.data() + begin * layer.stride, std::min(kMomentRows, rows - begin),
                       layer.stride);
    });
    for (int64_t part = 1; part < parts_of(utterance); ++part) moments(before).add(moments(before + part));
    fold_group_norm(*context.kernels.float32, model.first_conv, layer, moments(before), rows,
                    context.stage_scratch(0),
                    workspace.first_convs[static_cast<size_t>(&utterance - utterances.data())]);
    before += parts_of(utterance);
  }
}

/// The convolutions over one tile of frames of one utterance.
class ConvTile {
 public:
  /// Floats of scratch for a tile of `frames` frames.
  static int64_t scratch_size(const ModelConfig& config, int64_t frames) {
    return first_size(config.conv_layers) + 2 * half_size(config.conv_layers, frames);
  }

  /// `first` is conv 0, with its GroupNorm folded in where there is one; `frames` at most what `scratch` was
  /// made for.
  ConvTile(const PackedModel& model, const Context& context, int thread, const PackedMatrix& first,
           const float* waveform, RowRange frames, int64_t tile_frames)
      : model_(model),
        kernels_(context.kernels),
        convs_(model.config.conv_layers),
        first_(first),
        waveform_(waveform),
        frames_(frames),
        product_scratch_(context.product_scratch(thread)) {
    first_buffer_ = context.stage_scratch(thread);
    halves_[0] = first_buffer_ + first_size(convs_);
    halves_[1] = halves_[0] + half_size(convs_, tile_frames);
  }

  /// Writes feature_norm of the last convolution's output to `out`.
  void run(float* out, int64_t out_stride) {
    const int64_t width = convs_.back().dim;
    float* output = nullptr;
    if (convs_.size() == 1) {
      run_first(frames_, halves_[0]);
      output = halves_[0];
    } else {
      run_first_two();
      output = halves_[1];
      for (size_t i = 2; i < convs_.size(); ++i) {
        run_conv(i, needed_rows(convs_, i, frames_).count(), output, halves_[i % 2]);
        output = halves_[i % 2];
      }
    }
    const int64_t pitch = row_pitch(width);
    if (model_.config.feat_proj_layer_norm) {
      kernels_.layer_norm(output, pitch, frames_.count(), width, model_.feature_norm.scale.data(),
                          model_.feature_norm.shift.data(), model_.config.layer_norm_eps, false, out,
                          out_stride);
    } else {
      for (int64_t row = 0; row < frames_.count(); ++row)
        std::copy_n(output + row * pitch, width, out + row * out_stride);
    }
  }

 private:
  /// Rows of conv 0 that kSecondRows of conv 1 need.
  static int64_t first_size(const std::vector<ConvLayer>& convs) {
    if (convs.size() == 1) return 0;
    return ((kSecondRows - 1) * convs[1].stride + convs[1].kernel) * row_pitch(convs[0].dim);
  }
  /// One of two buffers that take turns as input and output.
  static int64_t half_size(const std::vector<ConvLayer>& convs, int64_t frames) {
    int64_t largest = 0;
    for (size_t i = convs.size() == 1 ? 0 : 1; i < convs.size(); ++i) {
      largest = std::max(largest, needed_rows(convs, i, {0, frames}).count() * row_pitch(convs[i].dim));
    }
    return largest;
  }

  /// GELU, with the LayerNorm before it where the model has one after every convolution.
  void finish(size_t index, int64_t rows, float* output) const {
    if (model_.config.extractor_mode != ExtractorMode::kLayerNorm) return;  // in the product's epilogue
    const Norm& norm = model_.convs[index].layer_norm;
    const int64_t pitch = row_pitch(convs_[index].dim);
    kernels_.layer_norm(output, pitch, rows, convs_[index].dim, norm.scale.data(), norm.shift.data(), 1e-5F,
                        true, output, pitch);
  }

  [[nodiscard]] bool gelu_in_product() const {
    return model_.config.extractor_mode != ExtractorMode::kLayerNorm;
  }

  /// Rows `range` of conv 0. In float32 whatever the weights are in: ten products a sum cost nothing, and the
  /// waveform may be anywhere in its range.
  void run_first(RowRange range, float* output) const {
    const ConvLayer& layer = convs_.front();
    const Rows windows = {waveform_ + range.begin * layer.stride, layer.stride, 1, layer.kernel, 0};
    multiply(*kernels_.float32, windows, range.count(), first_, output, row_pitch(layer.dim),
             {.gelu = gelu_in_product()}, product_scratch_);
    finish(0, range.count(), output);
  }

  /// conv `index` over rows that begin with the first one needed. May change `input`.
  void run_conv(size_t index, int64_t rows, float* input, float* output) const {
    const ConvLayer& layer = convs_[index];
    const int64_t pitch = row_pitch(convs_[index - 1].dim);
    if (model_.convs[index].fast_fir.shared.columns() > 0) {
      run_fast_fir(index, rows, input, output);
    } else {
      const Rows windows = {input, layer.stride * pitch, layer.kernel, convs_[index - 1].dim, pitch};
      multiply(kernels_, windows, rows, model_.convs[index].matrix, output, row_pitch(layer.dim),
               {.gelu = gelu_in_product()}, product_scratch_);
    }
    finish(index, rows, output);
  }

  /// The same as a fast FIR filter. Rows begin with an even one in every tile, so which form a row is
  /// computed in depends on its place in the utterance only.
  void run_fast_fir(size_t index, int64_t rows, float* input, float* output) const {
    const FastFir& fir = model_.convs[index].fast_fir;
    const int64_t in_width = convs_[index - 1].dim;
    const int64_t in = row_pitch(in_width);
    const int64_t out = row_pitch(convs_[index].dim);
    const int64_t even_rows = (rows + 1) / 2;
    const int64_t odd_rows = rows / 2;
    const After after = {.gelu = gelu_in_product(), .accumulate = true};
    multiply(kernels_, {input + 2 * in, 4 * in, 1, in_width, 0}, even_rows, fir.shared, output, 2 * out, {},
             product_scratch_);
    for (int64_t row = 0; row < odd_rows; ++row) {
      std::copy_n(output + 2 * row * out, convs_[index].dim, output + (2 * row + 1) * out);
    }
    // In place of x0 its difference to x2, and in place of x2 that of the next x0: each then stands beside
    // its x1, x3.
    for (int64_t row = 0; row < even_rows; ++row) {
      float* x = input + 4 * row * in;
      subtract(x, x + 2 * in, in_width, x);
      if (row < odd_rows) subtract(x + 4 * in, x + 2 * in, in_width, x + 2 * in);
    }
    multiply(kernels_, {input, 4 * in, 2, in_width, in}, even_rows, fir.even, output, 2 * out, after,
             product_scratch_);
    multiply(kernels_, {input + 2 * in, 4 * in, 2, in_width, in}, odd_rows, fir.odd, output + out, 2 * out,
             after, product_scratch_);
  }

  /// result = a - b; either may be the result.
  static void subtract(const float* a, const float* b, int64_t count, float* result) {
    for (int64_t i = 0; i < count; ++i) result[i] = a[i] - b[i];
  }

  /// conv 0 into conv 1, some rows at a time, into halves_[1].
  void run_first_two() const {
    const ConvLayer& second = convs_[1];
    const RowRange all = needed_rows(convs_, 1, frames_);
    for (int64_t begin = all.begin; begin < all.end; begin += kSecondRows) {
      const int64_t end = std::min(begin + kSecondRows, all.end);
      run_first({begin * second.stride, (end - 1) * second.stride + second.kernel}, first_buffer_);
      run_conv(1, end - begin, first_buffer_, halves_[1] + (begin - all.begin) * row_pitch(second.dim));
    }
  }

  const PackedModel& model_;
  const Kernels& kernels_;
  const std::vector<ConvLayer>& convs_;
  const PackedMatrix& first_;
  const float* waveform_;
  RowRange frames_;
  std::byte* product_scratch_;
  float* first_buffer_ = nullptr;
  float* halves_[2] = {};
};

}  // namespace

void run_frontend(const PackedModel& model, const Context& context) {
  const std::vector<ConvLayer>& convs = model.config.conv_layers;
  const bool group_norm = model.config.extractor_mode != ExtractorMode::kLayerNorm;
  if (group_norm) fold_group_norms(model, context);

  const bool has_projection = model.projection.columns() > 0;
  const int64_t feature_pitch = row_pitch(convs.back().dim);
  Workspace& workspace = context.workspace;
  Batch& batch = context.batch();
  float* x = workspace.x.data();
  float* features = has_projection ? workspace.q.reserve(batch.frames * feature_pitch) : x;

  const int64_t per_thread = (batch.frames + context.team.size() - 1) / context.team.size();
  const int64_t tile = std::clamp<int64_t>(per_thread, 1, kTileFrames);
  context.reserve_stage_scratch(ConvTile::scratch_size(model.config, tile));
  const std::span<const FrameRange> tiles = batch.ranges(tile);
  context.team.parallel_for(static_cast<int64_t>(tiles.size()), [&](int64_t item, int thread) {
    const FrameRange& range = tiles[static_cast<size_t>(item)];
    const auto index = static_cast<size_t>(range.utterance);
    const Utterance& utterance = batch.utterances[index];
    const PackedMatrix& first = group_norm ? workspace.first_convs[index] : model.convs[0].matrix;
    ConvTile(model, context, thread, first, utterance.waveform.data(),
             {range.begin - utterance.first_frame, range.end - utterance.first_frame}, tile)
        .run(features + range.begin * feature_pitch, feature_pitch);
  });
  if (has_projection) {
    multiply(context, matrix_rows(features, feature_pitch, convs.back().dim), batch.frames, model.projection,
             x, row_pitch(model.config.encoder_embed_dim));
  }
}

}  // namespace contentvec::cpu
