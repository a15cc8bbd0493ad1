#include "cpu/frontend.h"

#include <algorithm>
#include <cmath>

#include "cpu/matmul.h"

namespace contentvec::cpu {
namespace {

/// Output frames per tile: enough that the weights, streamed once per tile, cost little; few enough for the
/// cache.
constexpr int64_t kTileFrames = 64;
/// Rows of conv 0 per partial sum of its statistics. Fixed, so that sums do not depend on the threads.
constexpr int64_t kMomentRows = 4096;

/// Rows [begin, end) of one convolution's output.
struct RowRange {
  int64_t begin;
  int64_t end;
  [[nodiscard]] int64_t count() const { return end - begin; }
};

/// ranges[i]: the rows of conv i that frames [begin, end) of the last one depend on.
std::vector<RowRange> needed_rows(const std::vector<ConvLayer>& convs, int64_t begin, int64_t end) {
  std::vector<RowRange> ranges(convs.size());
  ranges.back() = {begin, end};
  for (size_t i = convs.size() - 1; i > 0; --i) {
    ranges[i - 1] = {ranges[i].begin * convs[i].stride,
                     (ranges[i].end - 1) * convs[i].stride + convs[i].kernel};
  }
  return ranges;
}

/// First and second moments of the windows conv 0 sees: sum of x_j, and of x_j x_k for j <= k.
class Moments {
 public:
  explicit Moments(int64_t kernel) : kernel_(kernel), sums_(static_cast<size_t>(kernel * (kernel + 3) / 2)) {}

  void add_windows(const float* waveform, int64_t count, int64_t stride) {
    for (int64_t t = 0; t < count; ++t, waveform += stride) {
      double* sum = sums_.data();
      for (int64_t j = 0; j < kernel_; ++j) {
        const double x = static_cast<double>(waveform[j]);
        *sum++ += x;
        for (int64_t k = j; k < kernel_; ++k) *sum++ += x * static_cast<double>(waveform[k]);
      }
    }
  }
  void add(const Moments& other) {
    for (size_t i = 0; i < sums_.size(); ++i) sums_[i] += other.sums_[i];
  }

  struct MeanAndVariance {
    double mean;
    double variance;
  };
  /// Of sum_j weight[j] x_j over `count` windows.
  [[nodiscard]] MeanAndVariance of(const float* weight, int64_t count) const {
    double mean = 0;
    double square = 0;
    const double* sum = sums_.data();
    for (int64_t j = 0; j < kernel_; ++j) {
      const double w = static_cast<double>(weight[j]);
      mean += w * *sum++;
      for (int64_t k = j; k < kernel_; ++k)
        square += (k == j ? 1 : 2) * w * static_cast<double>(weight[k]) * *sum++;
    }
    mean /= static_cast<double>(count);
    return {mean, std::max(0.0, square / static_cast<double>(count) - mean * mean)};
  }

 private:
  int64_t kernel_;
  std::vector<double> sums_;
};

/// conv 0 and its GroupNorm as one affine map. The norm's mean and variance per channel follow from the
/// waveform's own moments (the convolution is linear), in double, so no pass over conv 0's output is needed.
PackedMatrix fold_group_norm(const Kernels& kernels, const GroupNormConv& conv, const ConvLayer& layer,
                             const Moments& moments, int64_t rows) {
  constexpr double kEps = 1e-5;  // GroupNorm's own, whatever the encoder's
  std::vector<float> weight = conv.weight;
  std::vector<float> bias(static_cast<size_t>(layer.dim));
  for (int64_t c = 0; c < layer.dim; ++c) {
    const auto channel = static_cast<size_t>(c);
    float* w = weight.data() + c * layer.kernel;
    const auto [mean, variance] = moments.of(w, rows);
    const double scale = static_cast<double>(conv.norm.scale[channel]) / std::sqrt(variance + kEps);
    for (int64_t k = 0; k < layer.kernel; ++k) w[k] = static_cast<float>(static_cast<double>(w[k]) * scale);
    // the convolution's own bias moves the mean along and cancels
    bias[channel] = static_cast<float>(static_cast<double>(conv.norm.shift[channel]) - mean * scale);
  }
  return {kernels, weight, layer.dim, layer.kernel, bias};
}

/// fold_group_norm for every utterance of the batch.
std::vector<PackedMatrix> fold_group_norms(const PackedModel& model, const Context& context,
                                           const Batch& batch) {
  const ConvLayer& layer = model.config.conv_layers.front();
  struct Part {
    int64_t utterance;
    int64_t begin;
    int64_t end;
    Moments moments;
  };
  std::vector<Part> parts;
  std::vector<int64_t> rows;
  for (const Utterance& utterance : batch.utterances) {
    rows.push_back((static_cast<int64_t>(utterance.waveform.size()) - layer.kernel) / layer.stride + 1);
    for (int64_t row = 0; row < rows.back(); row += kMomentRows) {
      parts.push_back({static_cast<int64_t>(rows.size()) - 1, row, std::min(row + kMomentRows, rows.back()),
                       Moments(layer.kernel)});
    }
  }
  context.team.parallel_for(static_cast<int64_t>(parts.size()), [&](int64_t item, int) {
    Part& part = parts[static_cast<size_t>(item)];
    const float* waveform = batch.utterances[static_cast<size_t>(part.utterance)].waveform.data();
    part.moments.add_windows(waveform + part.begin * layer.stride, part.end - part.begin, layer.stride);
  });
  std::vector<Moments> sums(rows.size(), Moments(layer.kernel));
  for (const Part& part : parts) sums[static_cast<size_t>(part.utterance)].add(part.moments);
  std::vector<PackedMatrix> folded(rows.size());
  context.team.parallel_for(static_cast<int64_t>(rows.size()), [&](int64_t item, int) {
    const auto i = static_cast<size_t>(item);
    folded[i] = fold_group_norm(context.kernels, model.first_conv, layer, sums[i], rows[i]);
  });
  return folded;
}

/// Floats of scratch that one tile of `frames` output frames needs: two buffers that take turns as input and
/// output.
int64_t half_scratch(const std::vector<ConvLayer>& convs, int64_t frames) {
  int64_t largest = 0;
  const std::vector<RowRange> ranges = needed_rows(convs, 0, frames);
  for (size_t i = 0; i < convs.size(); ++i)
    largest = std::max(largest, ranges[i].count() * row_pitch(convs[i].dim));
  return largest;
}

/// Runs all convolutions for frames [begin, end) of one utterance and writes feature_norm of the last one's
/// output to `out`. `first` is conv 0, with its GroupNorm folded in where there is one.
void run_convs(const PackedModel& model, const Kernels& kernels, const PackedMatrix& first,
               const float* waveform, int64_t begin, int64_t end, float* scratch, int64_t half, float* out,
               int64_t out_stride) {
  const std::vector<ConvLayer>& convs = model.config.conv_layers;
  const bool layer_norm = model.config.extractor_mode == ExtractorMode::kLayerNorm;
  const std::vector<RowRange> ranges = needed_rows(convs, begin, end);
  Rows input = {waveform + ranges[0].begin * convs[0].stride, convs[0].stride, 1, convs[0].kernel, 0};
  float* output = scratch;
  int64_t pitch = 0;
  for (size_t i = 0; i < convs.size(); ++i) {
    output = scratch + (i % 2 == 0 ? 0 : half);
    pitch = row_pitch(convs[i].dim);
    const int64_t rows = ranges[i].count();
    multiply(kernels, input, rows, i == 0 ? first : model.convs[i].matrix, output, pitch,
             {.gelu = !layer_norm});
    if (layer_norm) {
      const Norm& norm = model.convs[i].layer_norm;
      kernels.layer_norm(output, pitch, rows, convs[i].dim, norm.scale.data(), norm.shift.data(), 1e-5F, true,
                         output, pitch);
    }
    if (i + 1 < convs.size()) {
      input = {output, convs[i + 1].stride * pitch, convs[i + 1].kernel, convs[i].dim, pitch};
    }
  }
  const int64_t width = convs.back().dim;
  if (model.config.feat_proj_layer_norm) {
    kernels.layer_norm(output, pitch, end - begin, width, model.feature_norm.scale.data(),
                       model.feature_norm.shift.data(), model.config.layer_norm_eps, false, out, out_stride);
  } else {
    for (int64_t row = 0; row < end - begin; ++row)
      std::copy_n(output + row * pitch, width, out + row * out_stride);
  }
}

}  // namespace

void run_frontend(const PackedModel& model, const Context& context, const Batch& batch) {
  const std::vector<ConvLayer>& convs = model.config.conv_layers;
  const bool group_norm = model.config.extractor_mode != ExtractorMode::kLayerNorm;
  std::vector<PackedMatrix> folded;
  if (group_norm) folded = fold_group_norms(model, context, batch);

  const bool has_projection = model.projection.columns() > 0;
  const int64_t feature_pitch = row_pitch(convs.back().dim);
  Workspace& workspace = context.workspace;
  float* x = workspace.x.data();
  float* features = has_projection ? workspace.conv_features.reserve(batch.frames * feature_pitch) : x;

  const int64_t per_thread = (batch.frames + context.team.size() - 1) / context.team.size();
  const int64_t tile = std::clamp<int64_t>(per_thread, 1, kTileFrames);
  const int64_t half = half_scratch(convs, tile);
  for (AlignedBuffer& scratch : workspace.thread_scratch) scratch.reserve(2 * half);
  const std::vector<FrameRange> tiles = batch.ranges(tile);
  context.team.parallel_for(static_cast<int64_t>(tiles.size()), [&](int64_t item, int thread) {
    const FrameRange& range = tiles[static_cast<size_t>(item)];
    const auto index = static_cast<size_t>(range.utterance);
    const Utterance& utterance = batch.utterances[index];
    run_convs(model, context.kernels, group_norm ? folded[index] : model.convs[0].matrix,
              utterance.waveform.data(), range.begin - utterance.first_frame,
              range.end - utterance.first_frame, workspace.thread_scratch[static_cast<size_t>(thread)].data(),
              half, features + range.begin * feature_pitch, feature_pitch);
  });
  if (has_projection) {
    multiply(context.team, context.kernels, matrix_rows(features, feature_pitch, convs.back().dim),
             batch.frames, model.projection, x, row_pitch(model.config.encoder_embed_dim));
  }
}

}  // namespace contentvec::cpu
