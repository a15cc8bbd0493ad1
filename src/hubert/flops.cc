#include "contentvec/performance.h"

namespace contentvec {
namespace {

/// The products of a [rows, depth] by [depth, columns] matrix product, each a multiplication and an addition.
double product(int64_t rows, int64_t depth, int64_t columns) {
  return 2.0 * static_cast<double>(rows) * static_cast<double>(depth) * static_cast<double>(columns);
}

/// From the last convolution back: as many rows as the one after it reads.
double convolutions(const ModelConfig& config, int64_t frames) {
  double total = 0;
  int64_t rows = frames;
  for (size_t i = config.conv_layers.size(); i-- > 0;) {
    const ConvLayer& layer = config.conv_layers[i];
    const int64_t in = i == 0 ? 1 : config.conv_layers[i - 1].dim;
    total += product(rows, layer.kernel * in, layer.dim);
    rows = (rows - 1) * layer.stride + layer.kernel;
  }
  return total;
}

double block(const ModelConfig& config, int64_t frames) {
  const int64_t width = config.encoder_embed_dim;
  const double attention = 2 * product(frames, width, frames);  // q k' and p v, over all heads
  const double linear = product(frames, width, 4 * width);      // q, k, v and out_proj
  const double feed_forward = 2 * product(frames, width, config.encoder_ffn_embed_dim);
  return attention + linear + feed_forward;
}

}  // namespace

double flops(const ModelInfo& model, int64_t frames) {
  if (frames < 1) return 0;
  const ModelConfig& config = model.config;
  const int64_t width = config.encoder_embed_dim;
  const int64_t conv_width = config.conv_layers.back().dim;
  const double projection = model.feature_projection ? product(frames, conv_width, width) : 0;
  const double positions = product(frames, config.conv_pos * (width / config.conv_pos_groups), width);
  return convolutions(config, frames) + projection + positions +
         config.total_layers() * block(config, frames);
}

}  // namespace contentvec
