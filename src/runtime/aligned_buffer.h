#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>

namespace contentvec {

/// Values of a trivial type on a cache-line boundary, not initialised. Grows and never shrinks, so that a
/// workspace which has seen a size once does not allocate for it again.
template <typename T>
class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  explicit AlignedBuffer(int64_t count) { reserve(count); }

  /// Makes room for `count` values; what was there before is lost when it has to grow. Throws std::bad_alloc.
  T* reserve(int64_t count) {
    if (count > capacity_) {
      data_.reset();  // first, so that the peak is the larger of the two and not their sum
      capacity_ = 0;
      data_.reset(static_cast<T*>(::operator new(static_cast<size_t>(count) * sizeof(T), kAlignment)));
      capacity_ = count;
    }
    return data_.get();
  }

  [[nodiscard]] T* data() { return data_.get(); }
  [[nodiscard]] const T* data() const { return data_.get(); }
  [[nodiscard]] int64_t capacity() const { return capacity_; }

 private:
  static_assert(std::is_trivial_v<T>);
  static constexpr std::align_val_t kAlignment{64};
  struct Free {
    void operator()(T* pointer) const { ::operator delete(pointer, kAlignment); }
  };
  std::unique_ptr<T[], Free> data_;
  int64_t capacity_ = 0;
};

}  // namespace contentvec
