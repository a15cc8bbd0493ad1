#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "nn/context.h"
#include "nn/packed_matrix.h"
#include "nn/sequences.h"
#include "runtime/aligned_buffer.h"

namespace contentvec::nn {

/// What a key's place relative to its query's adds, for places up to `reach` rows before and after it: to the score
/// q k' another q E_k', to the value v another E_v. All heads share them. Shaw et al., "Self-Attention with Relative
/// Position Representations", 2018, arXiv:1803.02155.
struct RelativePositions {
  /// `keys` and `values`: [2 reach + 1, head_dim], the furthest before first. `kernels` as of SelfAttention::start().
  RelativePositions(const Kernels& kernels, std::span<const float> keys, std::span<const float> values,
                    int64_t head_dim);

  int64_t reach;
  PackedMatrix keys;    ///< q E_k'
  PackedMatrix values;  ///< p E_v
};

/// Self-attention of several heads, softmax(q k') v, within each sequence of a batch. Vaswani et al.,
/// "Attention is all you need", 2017. Holds the queries, keys and values of one pass at a time, in memory
/// that is kept for the next.
class SelfAttention {
 public:
  /// What comes is of so many heads of `head_dim` values, over the rows of `sequences`.
  void start(const Kernels& kernels, int64_t heads, int64_t head_dim, const Sequences& sequences);

  /// Takes rows [begin, end): `qkv` holds their queries (already divided by sqrt(head_dim)), keys and values
  /// side by side. From any thread; every row once.
  void take(int64_t begin, int64_t end, const float* qkv, int64_t qkv_stride);

  /// Computes all rows; what comes out is rows().
  void run(const Context& context, Sequences& sequences);
  /// The same with relative positions. Holds the scores of some queries with all keys at a time: memory for each
  /// thread grows with the longest sequence, by 200 bytes a row. `kernels` of start() must be for float32 weights.
  void run(const Context& context, Sequences& sequences, const RelativePositions& positions);

  /// [rows, heads * head_dim], row_stride() of that apart; the queries before run(), the result after.
  [[nodiscard]] float* rows() { return rows_.data(); }

 private:
  /// A sequence, and where the panels of its first head stand.
  struct Panels {
    Sequence sequence;
    int64_t first_key;    ///< in bytes
    int64_t first_value;  ///< likewise
  };
  void attend(const RowRange& range, int64_t head, const RelativePositions& positions, float* scratch);
  [[nodiscard]] int64_t key_bytes(int64_t rows) const;
  [[nodiscard]] int64_t value_bytes(int64_t rows) const;
  [[nodiscard]] std::byte* keys(const Panels& panels, int64_t head) {
    return keys_.data() + panels.first_key + head * key_bytes(panels.sequence.rows);
  }
  [[nodiscard]] std::byte* values(const Panels& panels, int64_t head) {
    return values_.data() + panels.first_value + head * value_bytes(panels.sequence.rows);
  }

  const Kernels* kernels_ = nullptr;
  int64_t heads_ = 0;
  int64_t head_dim_ = 0;
  std::vector<Panels> panels_;  ///< by sequence
  AlignedBuffer<float> rows_;
  AlignedBuffer<std::byte> keys_;
  AlignedBuffer<std::byte> values_;
};

}  // namespace contentvec::nn
