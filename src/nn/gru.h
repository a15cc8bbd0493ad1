#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "nn/context.h"
#include "nn/packed_matrix.h"

namespace contentvec::nn {

/// A bidirectional GRU of one layer (Cho et al., 2014), in PyTorch's form. The gates' products with the input are
/// matrix products over many rows; the recurrence goes row by row, both directions at once where there are two threads.
class BidirectionalGru {
 public:
  /// One direction's weights as torch keeps them, gates r, z, n below each other: [3 hidden, in], [3 hidden, hidden],
  /// [3 hidden], [3 hidden].
  struct Direction {
    std::vector<float> input_weight;
    std::vector<float> hidden_weight;
    std::vector<float> input_bias;
    std::vector<float> hidden_bias;
  };

  BidirectionalGru() = default;
  BidirectionalGru(const Kernels& kernels, int64_t in, int64_t hidden, const Direction& forward,
                   const Direction& backward);

  /// Forward's state and backward's, side by side.
  [[nodiscard]] int64_t out() const { return 2 * hidden_; }

  /// x [rows, in] to [own, out()]: the first `own` rows. Of a longer signal in pieces `state` [out()] begins with what
  /// forward has heard before, and then with that of the next piece; backward hears the rows from `own` on and nothing
  /// beyond them. For a whole signal own is rows, and the state zeros. `gates` is worked in.
  void run(const Context& context, const float* x, int64_t x_stride, int64_t rows, int64_t own,
           std::span<float> state, float* to, int64_t to_stride, AlignedBuffer<float>& gates) const;

 private:
  int64_t in_ = 0;
  int64_t hidden_ = 0;
  std::array<PackedMatrix, 2> input_;      ///< by direction
  std::array<PackedMatrix, 2> recurrent_;  ///< in float32: its errors would add up
};

}  // namespace contentvec::nn
