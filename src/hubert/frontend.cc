#include "hubert/frontend.h"

#include <algorithm>
#include <span>

#include "hubert/window_moments.h"
#include "nn/matmul.h"
#include "nn/rounding.h"

namespace contentvec::hubert {
namespace {

/// Output frames per tile: enough that the weights, streamed once per tile, cost little; few enough for the
/// cache.
constexpr int64_t kTileFrames = 64;
/// Rows of conv 1 that conv 0 makes its rows for at a time: conv 0's output is the largest of all, and so
/// stays in L2.
constexpr int64_t kSecondRows = 72;
static_assert(kSecondRows % nn::FastFir::kRows == 0);
/// Rows of conv 0 per partial sum of its statistics. Fixed, so that sums do not depend on the threads.
constexpr int64_t kMomentRows = 4096;

/// Which rows of each convolution some frames take, of an utterance that has `frames` in all.
class ConvRows {
 public:
  ConvRows(const PackedModel& model, nn::RowSpan of_last, int64_t frames)
      : model_(model), of_last_(of_last), frames_(frames) {}

  /// The rows of conv `index` that are computed: whole blocks at the beginning, and none that the utterance lacks.
  [[nodiscard]] nn::RowSpan computed(size_t index) const {
    const bool last = index + 1 == convs().size();
    const nn::RowSpan wanted = last ? of_last_ : read(index + 1);
    const int64_t block = index == 0 ? 1 : model_.convs[index].conv.block();
    return {nn::divide_down(wanted.begin, block) * block, std::min(wanted.end, all(index))};
  }
  /// The rows that conv `index` reads of the one before for them; past what that computes, zeros.
  [[nodiscard]] nn::RowSpan read(size_t index) const {
    return model_.convs[index].conv.inputs_of(computed(index));
  }

  /// As many rows as any frames take of conv `index`.
  static int64_t most(const PackedModel& model, size_t index, int64_t frames) {
    int64_t most = 0;
    // Where blocks begin repeats after so many frames.
    for (int64_t first = 0; first < nn::FastFir::kRows; ++first) {
      const ConvRows rows(model, {first, first + frames}, first + frames + 8);  // some more: none is lacking
      const bool last = index + 1 == model.config.conv_layers.size();
      const int64_t end = last ? first + frames : rows.read(index + 1).end;
      most = std::max(most, end - rows.computed(index).begin);
    }
    return most;
  }

 private:
  [[nodiscard]] const std::vector<ConvLayer>& convs() const { return model_.config.conv_layers; }
  /// The rows of conv `index` that all frames of the utterance see.
  [[nodiscard]] int64_t all(size_t index) const {
    int64_t rows = frames_;
    for (size_t i = convs().size() - 1; i > index; --i)
      rows = (rows - 1) * convs()[i].stride + convs()[i].kernel;
    return rows;
  }

  const PackedModel& model_;
  nn::RowSpan of_last_;
  int64_t frames_;
};

/// conv 0 and its GroupNorm, an affine map of its output, as one convolution. `scratch`: dim * (kernel + 1)
/// floats.
void fold_group_norm(const nn::Kernels& kernels, const GroupNormConv& conv, const ConvLayer& layer,
                     const WindowMoments& moments, int64_t rows, float* scratch, nn::PackedMatrix& folded) {
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

/// Rows of conv 0 that an utterance's level is taken from.
int64_t first_rows(const ConvLayer& layer, const Utterance& utterance) {
  return (static_cast<int64_t>(utterance.around.size()) - layer.kernel) / layer.stride + 1;
}

/// workspace.first_convs[utterance] = fold_group_norm of it.
void fold_group_norms(const PackedModel& model, Workspace& workspace, const nn::Context& context) {
  const ConvLayer& layer = model.config.conv_layers.front();
  const std::vector<Utterance>& utterances = workspace.utterances;
  const auto parts_of = [&](const Utterance& utterance) {
    return (first_rows(layer, utterance) + kMomentRows - 1) / kMomentRows;
  };
  int64_t parts = 0;
  for (const Utterance& utterance : utterances) parts += parts_of(utterance);
  workspace.moments.resize(static_cast<size_t>(parts * WindowMoments::size(layer.kernel)));
  if (workspace.first_convs.size() < utterances.size()) workspace.first_convs.resize(utterances.size());
  context.reserve_scratch(int64_t{layer.dim} * (layer.kernel + 1));
  const auto moments = [&](int64_t part) {
    return WindowMoments(workspace.moments.data() + part * WindowMoments::size(layer.kernel), layer.kernel);
  };

  int64_t before = 0;  // parts of earlier utterances
  for (const Utterance& utterance : utterances) {
    const int64_t rows = first_rows(layer, utterance);
    context.team.parallel_for(parts_of(utterance), [&](int64_t part, int) {
      const int64_t begin = part * kMomentRows;
      WindowMoments sums = moments(before + part);
      sums.clear();
      sums.add_windows(utterance.around.data() + begin * layer.stride, std::min(kMomentRows, rows - begin),
                       layer.stride);
    });
    for (int64_t part = 1; part < parts_of(utterance); ++part) moments(before).add(moments(before + part));
    fold_group_norm(*context.kernels.float32, model.group_norm_conv, layer, moments(before), rows,
                    context.scratch(0),
                    workspace.first_convs[static_cast<size_t>(&utterance - utterances.data())]);
    before += parts_of(utterance);
  }
}

/// The convolutions over one tile of frames of one utterance.
class ConvTile {
 public:
  /// Floats of scratch for a tile of `frames` frames.
  static int64_t scratch_size(const PackedModel& model, int64_t frames) {
    return first_size(model.config.conv_layers) + 2 * half_size(model, frames) + conv_scratch(model);
  }

  /// `first` is conv 0, with its GroupNorm folded in where there is one; `frames` at most what `scratch` was
  /// made for, of the `all_frames` that the waveform has.
  ConvTile(const PackedModel& model, const nn::Context& context, int thread, const nn::PackedMatrix& first,
           const float* waveform, nn::RowSpan frames, int64_t all_frames, int64_t tile_frames)
      : model_(model),
        kernels_(conv_kernels(context.kernels)),
        convs_(model.config.conv_layers),
        first_(first),
        waveform_(waveform),
        frames_(frames),
        rows_(model, frames, all_frames),
        product_scratch_(context.product_scratch(thread)) {
    first_buffer_ = context.scratch(thread);
    halves_[0] = first_buffer_ + first_size(convs_);
    halves_[1] = halves_[0] + half_size(model, tile_frames);
    conv_scratch_ = halves_[1] + half_size(model, tile_frames);
  }

  /// Writes feature_norm of the last convolution's output to `out`.
  void run(float* out, int64_t out_stride) {
    const int64_t width = convs_.back().dim;
    const int64_t stride = nn::row_stride(width);
    const float* output = run_convs() + (frames_.begin - rows_.computed(convs_.size() - 1).begin) * stride;
    if (model_.config.feat_proj_layer_norm) {
      nn::layer_norm(kernels_, model_.feature_norm, model_.config.layer_norm_eps, output, stride,
                     frames_.count(), out, out_stride);
    } else {
      for (int64_t row = 0; row < frames_.count(); ++row)
        std::copy_n(output + row * stride, width, out + row * out_stride);
    }
  }

 private:
  /// Rows of conv 0 that kSecondRows of conv 1 need.
  static int64_t first_size(const std::vector<ConvLayer>& convs) {
    if (convs.size() == 1) return 0;
    return ((kSecondRows - 1) * convs[1].stride + convs[1].kernel) * nn::row_stride(convs[0].dim);
  }
  /// One of two buffers that take turns as input and output.
  static int64_t half_size(const PackedModel& model, int64_t frames) {
    const std::vector<ConvLayer>& convs = model.config.conv_layers;
    int64_t largest = 0;
    for (size_t i = convs.size() == 1 ? 0 : 1; i < convs.size(); ++i) {
      largest = std::max(largest, ConvRows::most(model, i, frames) * nn::row_stride(convs[i].dim));
    }
    return largest;
  }
  static int64_t conv_scratch(const PackedModel& model) {
    int64_t largest = 0;
    for (size_t i = 1; i < model.convs.size(); ++i)
      largest = std::max(largest, model.convs[i].conv.scratch_size());
    return largest;
  }

  /// All convolutions; returns the last one's rows.
  [[nodiscard]] const float* run_convs() const {
    if (convs_.size() == 1) {
      run_first(frames_, halves_[0]);
      return halves_[0];
    }
    run_first_two();
    for (size_t i = 2; i < convs_.size(); ++i) {
      const nn::RowSpan input = rows_.computed(i - 1);
      clear_past(i - 1, input, rows_.read(i), halves_[(i - 1) % 2]);
      run_conv(i, rows_.computed(i), halves_[(i - 1) % 2], input.begin, halves_[i % 2]);
    }
    return halves_[(convs_.size() - 1) % 2];
  }

  /// GELU comes with the product, unless a LayerNorm is between the two.
  [[nodiscard]] bool layer_norm_frontend() const {
    return model_.config.extractor_mode == ExtractorMode::kLayerNorm;
  }
  [[nodiscard]] nn::Epilogue epilogue() const {
    return {.activation = layer_norm_frontend() ? nn::Activation() : nn::kGelu};
  }
  void finish(size_t index, int64_t rows, float* output) const {
    if (!layer_norm_frontend()) return;
    const int64_t stride = nn::row_stride(convs_[index].dim);
    nn::layer_norm(kernels_, model_.convs[index].layer_norm, 1e-5F, output, stride, rows, output, stride,
                   nn::kGelu);
  }
  /// Zeros for the rows of conv `index` that are read, but past what is there.
  void clear_past(size_t index, nn::RowSpan there, nn::RowSpan read, float* rows) const {
    const int64_t stride = nn::row_stride(convs_[index].dim);
    const int64_t past = std::max<int64_t>(0, read.end - there.end);
    std::fill_n(rows + there.count() * stride, past * stride, 0.0F);
  }

  /// Rows `rows` of conv 0, always in float32.
  void run_first(nn::RowSpan rows, float* output) const {
    const ConvLayer& layer = convs_.front();
    const nn::Rows windows = {waveform_ + rows.begin * layer.stride, layer.stride, 1, layer.kernel, 0};
    nn::multiply(*kernels_.float32, windows, rows.count(), first_, output, nn::row_stride(layer.dim),
                 epilogue(), product_scratch_);
    finish(0, rows.count(), output);
  }

  /// conv `index` over some rows, whose input begins with row `first` of the one before. May change `input`.
  void run_conv(size_t index, nn::RowSpan rows, float* input, int64_t first, float* output) const {
    const nn::Conv1d& conv = model_.convs[index].conv;
    const int64_t stride = nn::row_stride(convs_[index - 1].dim);
    conv.run(kernels_, input + (conv.inputs_of(rows).begin - first) * stride, stride, rows.count(), output,
             nn::row_stride(convs_[index].dim), epilogue(), conv_scratch_, product_scratch_);
    finish(index, rows.count(), output);
  }

  /// conv 0 into conv 1, some rows at a time, into halves_[1].
  void run_first_two() const {
    const nn::RowSpan all = rows_.computed(1);
    const int64_t rows_of_first = rows_.computed(0).end;
    for (int64_t begin = all.begin; begin < all.end; begin += kSecondRows) {
      const nn::RowSpan rows = {begin, std::min(begin + kSecondRows, all.end)};
      const nn::RowSpan read = model_.convs[1].conv.inputs_of(rows);
      const nn::RowSpan input = {read.begin, std::min(read.end, rows_of_first)};
      run_first(input, first_buffer_);
      clear_past(0, input, read, first_buffer_);
      run_conv(1, rows, first_buffer_, input.begin,
               halves_[1] + (begin - all.begin) * nn::row_stride(convs_[1].dim));
    }
  }

  const PackedModel& model_;
  const nn::Kernels& kernels_;
  const std::vector<ConvLayer>& convs_;
  const nn::PackedMatrix& first_;
  const float* waveform_;
  nn::RowSpan frames_;
  ConvRows rows_;
  std::byte* product_scratch_;
  float* first_buffer_ = nullptr;
  float* halves_[2] = {};
  float* conv_scratch_ = nullptr;
};

/// Frames of a tile: at most kTileFrames, and so many that all threads have as many tiles of one waveform, all of them
/// alike.
int64_t frames_of_tile(int64_t frames, int threads) {
  const int64_t tiles = nn::divide_up(nn::divide_up(frames, kTileFrames), threads) * threads;
  return std::max<int64_t>(1, nn::divide_up(frames, tiles));
}

}  // namespace

void run_frontend(const PackedModel& model, Workspace& workspace, const nn::Context& context) {
  const std::vector<ConvLayer>& convs = model.config.conv_layers;
  const bool group_norm = model.config.extractor_mode != ExtractorMode::kLayerNorm;
  if (group_norm) fold_group_norms(model, workspace, context);

  // Frames whose projection is known are those of the first utterance, which is then alone.
  const int64_t width = model.config.encoder_embed_dim;
  const int64_t hidden_stride = nn::row_stride(width);
  const std::span<const float> projected = workspace.utterances.front().projected;
  const int64_t known = static_cast<int64_t>(projected.size()) / width;
  float* hidden = workspace.hidden.data();
  for (int64_t frame = 0; frame < known; ++frame)
    std::copy_n(projected.data() + frame * width, width, hidden + frame * hidden_stride);

  const bool has_projection = model.projection.columns() > 0;
  const int64_t frames = workspace.frames.rows() - known;
  const int64_t stride = nn::row_stride(convs.back().dim);
  float* conv_features = has_projection ? workspace.sum.data() : hidden;

  const int64_t tile_frames = frames_of_tile(frames, context.team.size());
  // For the most that as many frames or fewer may have in a tile, which is not always what these have: no pass that is
  // shorter than one before takes memory.
  const int64_t most = std::min(kTileFrames, nn::divide_up(frames, context.team.size()));
  context.reserve_scratch(ConvTile::scratch_size(model, most));
  const std::span<const nn::RowRange> tiles = workspace.frames.ranges(tile_frames, known);
  context.team.parallel_for(static_cast<int64_t>(tiles.size()), [&](int64_t item, int thread) {
    const nn::RowRange& tile = tiles[static_cast<size_t>(item)];
    const auto utterance = static_cast<size_t>(tile.sequence);
    const nn::PackedMatrix& first = group_norm ? workspace.first_convs[utterance] : model.first_conv;
    const int64_t begin = workspace.frames[tile.sequence].first;
    ConvTile(model, context, thread, first, workspace.utterances[utterance].waveform.data(),
             {tile.begin - begin, tile.end - begin}, workspace.frames[tile.sequence].rows, tile_frames)
        .run(conv_features + tile.begin * stride, stride);
  });
  if (has_projection) {
    nn::multiply(context, nn::matrix_rows(conv_features + known * stride, stride, convs.back().dim), frames,
                 model.projection, hidden + known * hidden_stride, hidden_stride);
  }
}

}  // namespace contentvec::hubert
