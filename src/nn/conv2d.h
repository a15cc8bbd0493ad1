#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "nn/context.h"
#include "nn/feature_map.h"
#include "nn/packed_matrix.h"

namespace contentvec::nn {

/// Scale and shift per channel that a BatchNorm with the statistics of training is, to be folded into the
/// convolution before it. Ioffe and Szegedy, 2015.
struct ChannelAffine {
  std::vector<double> scale;
  std::vector<double> shift;
};

/// A convolution over a FeatureMap with kernel 3x3 and padding 1, or 1x1; stride 1.
class Conv2d {
 public:
  Conv2d() = default;
  /// `weight`: [out, in, kernel, kernel], as torch keeps it. `bias`: [out], or none; `norm` follows it.
  Conv2d(const Kernels& kernels, int64_t in, int64_t out, int64_t kernel, std::span<const float> weight,
         std::span<const float> bias, const ChannelAffine* norm = nullptr);

  [[nodiscard]] int64_t out() const { return matrix_.columns(); }

  /// to = activation(conv(from)) + residual; `to` takes from's size and must be neither. Over the team; how that cuts
  /// it changes no bit. A 3x3 kernel goes by Winograd's form where the map's size lets that pay (winograd.h).
  void run(const Context& context, const FeatureMap& from, FeatureMap& to, Activation activation = {},
           const FeatureMap* residual = nullptr) const;

 private:
  int64_t kernel_ = 0;
  PackedMatrix matrix_;
};

/// A transposed convolution with kernel 3x3, stride 2, padding 1 and output padding 1, which doubles both sizes: each
/// pixel of the output is a convolution of 1x1, 1x2, 2x1 or 2x2 pixels of the input, by its place's parity.
class UpConv2d {
 public:
  UpConv2d() = default;
  /// `weight`: [in, out, 3, 3], as torch keeps it; without bias, `norm` follows it.
  UpConv2d(const Kernels& kernels, int64_t in, int64_t out, std::span<const float> weight,
           const ChannelAffine& norm);

  [[nodiscard]] int64_t out() const { return phases_[0].columns(); }

  /// The first out() channels of `to` = activation(conv(from)); `to` has its size, twice that of `from`, already.
  /// `between` is worked in.
  void run(const Context& context, const FeatureMap& from, FeatureMap& to, Activation activation,
           AlignedBuffer<float>& between) const;

 private:
  std::array<PackedMatrix, 4> phases_;  ///< by 2 (row is odd) + (column is odd)
};

/// to = the mean of each 2x2 pixels; both sizes of `from` are even.
void average_pool(const Context& context, const FeatureMap& from, FeatureMap& to);

}  // namespace contentvec::nn
