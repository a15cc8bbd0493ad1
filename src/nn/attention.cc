#include "nn/attention.h"

#include <algorithm>

#include "nn/matmul.h"

namespace contentvec::nn {
namespace {

constexpr int64_t kQueryRows = 96;     // of one parallel item
constexpr int64_t kRelativeRows = 48;  // likewise, whose scores are held: those of 50 s, 1 MB, stay in L2

/// The columns of [rows, columns] as rows.
std::vector<float> transposed(std::span<const float> values, int64_t rows, int64_t columns) {
  std::vector<float> result;
  result.reserve(values.size());
  for (int64_t column = 0; column < columns; ++column) {
    for (int64_t row = 0; row < rows; ++row)
      result.push_back(values[static_cast<size_t>(row * columns + column)]);
  }
  return result;
}

}  // namespace

RelativePositions::RelativePositions(const Kernels& kernels, std::span<const float> of_keys,
                                     std::span<const float> of_values, int64_t head_dim)
    : reach(static_cast<int64_t>(of_keys.size()) / head_dim / 2),
      keys(kernels, of_keys, 2 * reach + 1, head_dim, {}),
      values(kernels, transposed(of_values, 2 * reach + 1, head_dim), head_dim, 2 * reach + 1, {}) {}

int64_t SelfAttention::key_bytes(int64_t rows) const {
  return panel_bytes(*kernels_, kernels_->key_values, rows, head_dim_);
}

int64_t SelfAttention::value_bytes(int64_t rows) const {
  return panel_bytes(*kernels_, kernels_->key_values, head_dim_, rows);
}

void SelfAttention::start(const Kernels& kernels, int64_t heads, int64_t head_dim,
                          const Sequences& sequences) {
  kernels_ = &kernels;
  heads_ = heads;
  head_dim_ = head_dim;
  panels_.clear();
  panels_.reserve(sequences.all().size());
  int64_t all_keys = 0;
  int64_t all_values = 0;
  for (const Sequence& sequence : sequences.all()) {
    panels_.push_back({sequence, all_keys, all_values});
    all_keys += heads * key_bytes(sequence.rows);
    all_values += heads * value_bytes(sequence.rows);
  }
  keys_.reserve(all_keys);
  values_.reserve(all_values);
  rows_.reserve(sequences.rows() * row_stride(heads * head_dim));
}

void SelfAttention::take(int64_t begin, int64_t end, const float* qkv, int64_t qkv_stride) {
  const int64_t width = heads_ * head_dim_;
  const int64_t stride = row_stride(width);
  for (int64_t row = begin; row < end; ++row) {
    std::copy_n(qkv + (row - begin) * qkv_stride, width, rows_.data() + row * stride);
  }
  const int64_t step = kernels_->panel_width;
  for (const Panels& panels : panels_) {
    const Sequence& sequence = panels.sequence;
    const int64_t last = std::min(end, sequence.first + sequence.rows);
    // A panel's width at a time, so that all of a row is read while it and the panels are in cache.
    for (int64_t first = std::max(begin, sequence.first); first < last; first += step) {
      const KeyRange range = {first - sequence.first, std::min(first + step, last) - sequence.first,
                              sequence.rows};
      for (int64_t head = 0; head < heads_; ++head) {
        const float* k = qkv + (first - begin) * qkv_stride + width + head * head_dim_;
        kernels_->pack_keys(k, qkv_stride, range, head_dim_, keys(panels, head));
        kernels_->pack_values(k + width, qkv_stride, range, head_dim_, values(panels, head));
      }
    }
  }
}

void SelfAttention::run(const Context& context, Sequences& sequences) {
  const int64_t stride = row_stride(heads_ * head_dim_);
  context.reserve_scratch(attention_scratch(*kernels_, head_dim_) / static_cast<int64_t>(sizeof(float)));
  const std::span<const RowRange> queries = sequences.ranges(kQueryRows);
  // A head's panels serve all its queries while they are in cache: queries go by fastest.
  const auto count = static_cast<int64_t>(queries.size());
  context.team.parallel_for(heads_ * count, [&](int64_t item, int thread) {
    const int64_t head = item / count;
    const RowRange& range = queries[static_cast<size_t>(item % count)];
    const Panels& panels = panels_[static_cast<size_t>(range.sequence)];
    float* at = rows_.data() + range.begin * stride + head * head_dim_;
    kernels_->attention(at, stride, range.end - range.begin, keys(panels, head), values(panels, head),
                        panels.sequence.rows, head_dim_, at, stride, context.scratch(thread));
  });
}

void SelfAttention::run(const Context& context, Sequences& sequences, const RelativePositions& positions) {
  int64_t longest = 0;
  for (const Sequence& sequence : sequences.all()) longest = std::max(longest, sequence.rows);
  context.reserve_scratch(kRelativeRows * (row_stride(longest) + positions.keys.columns()));
  const std::span<const RowRange> queries = sequences.ranges(kRelativeRows);
  const auto count = static_cast<int64_t>(queries.size());
  context.team.parallel_for(heads_ * count, [&](int64_t item, int thread) {
    attend(queries[static_cast<size_t>(item % count)], item / count, positions, context.scratch(thread));
  });
}

/// The rows of `range`, of one head: the products with all keys and values, and those with the places near a query,
/// whose scores and probabilities are a band along the diagonal.
void SelfAttention::attend(const RowRange& range, int64_t head, const RelativePositions& positions,
                           float* scratch) {
  const Panels& panels = panels_[static_cast<size_t>(range.sequence)];
  const int64_t keys_count = panels.sequence.rows;
  const int64_t rows = range.end - range.begin;
  const int64_t first = range.begin - panels.sequence.first;
  const int64_t reach = positions.reach;
  const int64_t places = positions.keys.columns();
  const int64_t stride = row_stride(heads_ * head_dim_);
  const int64_t score_stride = row_stride(keys_count);
  float* at = rows_.data() + range.begin * stride + head * head_dim_;
  float* scores = scratch;
  float* near = scores + kRelativeRows * score_stride;  // [rows, places]
  // exchange(score, near): of a row's keys that are near it.
  const auto for_near = [&](int64_t row, const auto& exchange) {
    const int64_t before = first + row - reach;  // the key of place 0
    const int64_t end = std::min(places, keys_count - before);
    for (int64_t place = std::max<int64_t>(0, -before); place < end; ++place)
      exchange(scores[row * score_stride + before + place], near[row * places + place]);
  };
  const Rows queries = matrix_rows(at, stride, head_dim_);
  kernels_->product(queries, rows, keys(panels, head), keys_count, scores, score_stride, {}, nullptr);
  kernels_->product(queries, rows, positions.keys.panels(), places, near, places, {}, nullptr);
  for (int64_t row = 0; row < rows; ++row) for_near(row, [](float& score, float& more) { score += more; });
  kernels_->softmax(scores, score_stride, rows, keys_count);
  std::fill_n(near, rows * places, 0.0F);
  for (int64_t row = 0; row < rows; ++row) for_near(row, [](float& p, float& copy) { copy = p; });
  kernels_->product(matrix_rows(scores, score_stride, keys_count), rows, values(panels, head), head_dim_, at,
                    stride, {}, nullptr);
  kernels_->product(matrix_rows(near, places, places), rows, positions.values.panels(), head_dim_, at, stride,
                    {.accumulate = true}, nullptr);
}

}  // namespace contentvec::nn
