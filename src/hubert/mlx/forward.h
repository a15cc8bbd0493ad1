#pragma once

#include <optional>
#include <span>
#include <vector>

#include "contentvec/model.h"
#include "hubert/mlx/parameters.h"

namespace contentvec::mlx {

/// What goes into a pass over a padded batch.
struct PassInputs {
  mx::array waveform;                  ///< [batch, samples], with zeros after each one's end
  mx::array samples;                   ///< [batch] int32: samples of each
  mx::array frames;                    ///< [batch] int32: frames of each that are not padding
  std::optional<mx::array> speaker{};  ///< [batch, speaker_dim], where the model takes one

  /// As mx::compile passes them, and back.
  [[nodiscard]] std::vector<mx::array> as_list() const;
  static PassInputs from_list(const std::vector<mx::array>& list);
};

/// Frames of the first convolution that GroupNorm's sums take at once, a multiple of which a pass has.
inline constexpr int kSumFrames = 64;

/// The forward pass as an MLX graph: nothing is computed before it is asked for. Padded frames reach no
/// others: GroupNorm's statistics leave them out, the positional convolution sees zeros in their place, attention
/// does not see them, and all else goes frame by frame. Convolutions are matrix products over strided views.
class Forward {
 public:
  Forward(const ModelConfig& config, const Parameters& parameters, DType dtype, mx::Stream stream)
      : config_(config), parameters_(parameters), dtype_(product_type(dtype)), stream_(stream) {}

  /// The stages of every row, each [batch, frames, dim] in float32; padded frames hold anything.
  [[nodiscard]] std::vector<mx::array> operator()(const PassInputs& inputs, int frames,
                                                  std::span<const Stage> stages) const;

 private:
  [[nodiscard]] mx::array frontend(const PassInputs& inputs, int frames) const;
  [[nodiscard]] mx::array first_conv(const PassInputs& inputs) const;
  [[nodiscard]] mx::array conv(const mx::array& x, const Conv& conv, const ConvLayer& layer) const;
  [[nodiscard]] mx::array windows(const mx::array& x, int kernel, int stride) const;
  [[nodiscard]] mx::array group_norm(const PassInputs& inputs, mx::array windows, const Conv& conv) const;
  [[nodiscard]] mx::array positional(const mx::array& x) const;
  [[nodiscard]] mx::array add_positions(const mx::array& x, const mx::array& valid) const;
  [[nodiscard]] mx::array block(const Block& block, mx::array x, const mx::array& valid,
                                const PassInputs& inputs) const;
  [[nodiscard]] mx::array attention(const Block& block, const mx::array& x, const mx::array& valid) const;

  /// x and its result in the products' type.
  [[nodiscard]] mx::array linear(const mx::array& x, const Linear& layer) const;
  [[nodiscard]] mx::array gelu(const mx::array& x) const;
  [[nodiscard]] mx::array layer_norm(const mx::array& x, const Norm& norm, float eps) const;
  [[nodiscard]] mx::array layer_norm(const mx::array& x, const BlockNorm& norm,
                                     const PassInputs& inputs) const;
  /// Whether position `i` of each row is before `counts` [batch]: [batch, size, 1].
  [[nodiscard]] mx::array before(const mx::array& counts, int size) const;
  [[nodiscard]] mx::array only(const mx::array& valid, const mx::array& x) const {
    return mx::where(valid, x, mx::array(0.0F), stream_);
  }
  [[nodiscard]] mx::array add(const mx::array& a, const mx::array& b) const { return mx::add(a, b, stream_); }
  [[nodiscard]] mx::array multiply(const mx::array& a, const mx::array& b) const {
    return mx::multiply(a, b, stream_);
  }
  /// As a side of a product, and back.
  [[nodiscard]] mx::array narrow(const mx::array& x) const { return mx::astype(x, dtype_, stream_); }
  [[nodiscard]] mx::array widen(const mx::array& x) const { return mx::astype(x, mx::float32, stream_); }

  const ModelConfig& config_;
  const Parameters& parameters_;
  mx::Dtype dtype_;
  mx::Stream stream_;
};

}  // namespace contentvec::mlx
