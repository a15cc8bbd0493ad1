#include "nn/attention.h"

#include <algorithm>

#include "nn/matmul.h"

namespace contentvec::nn {
namespace {

constexpr int64_t kQueryRows = 96;  // of one parallel item

}  // namespace

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

}  // namespace contentvec::nn
