#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "nn/kernels/kernels.h"
#include "nn/same_conv1d.h"
#include "synthesizer/stretch.h"
#include "tensors/named_tensors.h"

namespace contentvec::synthesizer {

/// HiFi-GAN's residual block over [rows, channels], of one of its two kinds, for each dilation d:
///   1: x = x + conv(leaky_relu(conv_d(leaky_relu(x))))
///   2: x = x + conv_d(leaky_relu(x))
/// All its convolutions go through time together, some rows at a time, each as far behind the one before as it must see
/// ahead, so that what is between them stays in cache and nothing is computed twice.
class ResidualBlock {
 public:
  /// Reads "NAME.convs1.0" and so on.
  ResidualBlock(const nn::Kernels& kernels, const tensors::NamedTensors& tensors, const std::string& name,
                int kind, int64_t channels, int64_t kernel, const std::vector<int64_t>& dilations);

  /// The rows of x that rows of the result need, wherever the utterance begins and ends.
  [[nodiscard]] RowSpan inputs_of(RowSpan rows) const;
  /// Those that run() writes for them.
  [[nodiscard]] RowSpan outputs_of(RowSpan rows) const { return convs_.back().blocks_of(rows); }

  /// What one thread works in.
  struct Workspace {
    std::vector<Stretch> between;  ///< the results of all convolutions but the last
    std::vector<RowSpan> whole;    ///< of each convolution, the rows that it has to give
    std::vector<RowSpan> now;      ///< likewise, up to those of a step
    std::vector<int64_t> done;     ///< of each convolution, up to here
    AlignedBuffer<float> scratch;
  };

  /// sum = the block's result, or sum += it, for some rows within the utterance's rows [0, utterance_rows), on the
  /// calling thread. x holds inputs_of(rows), zero beyond the utterance; sum has room for outputs_of(rows).
  void run(const Stretch& x, int64_t utterance_rows, RowSpan rows, bool accumulate, Stretch& sum,
           Workspace& workspace, std::byte* product_scratch) const;

 private:
  void find_spans(RowSpan rows, std::vector<RowSpan>& spans) const;
  [[nodiscard]] bool adds_residual(size_t conv) const { return kind_ == 2 || conv % 2 == 1; }
  /// Which convolution's input it adds to its result.
  [[nodiscard]] size_t residual_of(size_t conv) const { return kind_ == 2 ? conv : conv - 1; }

  const nn::Kernels& kernels_;
  int kind_;
  int64_t channels_;
  std::vector<nn::SameConv1d> convs_;
};

}  // namespace contentvec::synthesizer
