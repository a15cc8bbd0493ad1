#pragma once

#include <mlx/mlx.h>

#include <optional>
#include <string>
#include <vector>

#include "contentvec/device.h"
#include "hubert/weights.h"

namespace contentvec::mlx {

namespace mx = ::mlx::core;

/// x @ weight + bias.
struct Linear {
  mx::array weight;  ///< [in, out], in the products' type
  mx::array bias;    ///< [out], in the same: the product's own last step adds it
};

struct Norm {
  mx::array scale;
  mx::array shift;
};

/// With the statistics of training: scale (x - mean) + shift, per channel.
struct BatchNorm {
  mx::array mean;
  mx::array scale;
  mx::array shift;
};

/// A block's LayerNorm: plain, or with a scale and a shift that are linear in the speaker embedding.
struct BlockNorm {
  std::optional<Norm> plain;
  std::optional<mx::array> weight_ln;  ///< [speaker_dim, width]
  std::optional<mx::array> bias_ln;    ///< [speaker_dim, width]
};

struct Conv {
  mx::array weight;                ///< [kernel * in, out]
  std::optional<mx::array> bias;   ///< [out], as Linear's; not where a GroupNorm follows, which cancels it
  std::optional<Norm> layer_norm;  ///< where the frontend has one after each convolution
  std::optional<Norm> group_norm;  ///< where one follows the first
};

/// The positional convolution as a product of each group's windows of `block + kernel - 1` frames with a matrix that
/// gives `block` frames at once: [groups, (block + kernel - 1) * in, block * out]. A window a frame would copy each
/// frame `kernel` times; so it is `block` times fewer, for (block - 1) / kernel more arithmetic.
struct BlockConv {
  static constexpr int kBlock = 4;
  mx::array weight;
  mx::array bias;  ///< float32
};

struct Block {
  Linear qkv;  ///< side by side
  Linear out_proj;
  Linear fc1;
  Linear fc2;
  BlockNorm self_attn_layer_norm;
  BlockNorm final_layer_norm;
};

/// The weights on MLX's device.
struct Parameters {
  std::vector<Conv> convs;
  std::optional<Norm> feature_norm;
  std::optional<Linear> projection;
  std::optional<BatchNorm> pos_conv_norm;
  BlockConv pos_conv;
  Norm encoder_norm;
  std::vector<Block> blocks;
  std::optional<Linear> final_proj;
};

/// Uploads the weights through `stream`, on whose thread this must run. Throws Error.
Parameters upload_parameters(const hubert::Weights& weights, DType dtype, mx::Stream stream);

/// The type that products are computed from.
mx::Dtype product_type(DType dtype);

}  // namespace contentvec::mlx
