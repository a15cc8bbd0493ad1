#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <span>

namespace contentvec {

/// Floats on a cache-line boundary, not initialised. Grows and never shrinks, so that a workspace which has
/// seen a size once does not allocate for it again.
class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  explicit AlignedBuffer(int64_t count) { reserve(count); }

  /// Makes room for `count` floats; what was there before is lost when it has to grow. Throws std::bad_alloc.
  float* reserve(int64_t count) {
    if (count > capacity_) {
      data_.reset();  // first, so that the peak is the larger of the two and not their sum
      capacity_ = 0;
      const size_t bytes =
          (static_cast<size_t>(count) * sizeof(float) + kAlignment - 1) / kAlignment * kAlignment;
      data_.reset(static_cast<float*>(std::aligned_alloc(kAlignment, bytes)));
      if (!data_) throw std::bad_alloc();
      capacity_ = count;
    }
    return data_.get();
  }

  [[nodiscard]] float* data() { return data_.get(); }
  [[nodiscard]] const float* data() const { return data_.get(); }
  [[nodiscard]] int64_t capacity() const { return capacity_; }

 private:
  static constexpr size_t kAlignment = 64;
  struct Free {
    void operator()(float* pointer) const { std::free(pointer); }
  };
  std::unique_ptr<float[], Free> data_;
  int64_t capacity_ = 0;
};

}  // namespace contentvec
