#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>

#include "runtime/pages.h"

namespace contentvec {

/// Values of a trivial type on a cache-line boundary, not initialised. Grows and never shrinks, so that a
/// workspace which has seen a size once does not allocate for it again. Large ones are pages of their own.
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
      const Memory memory{static_cast<size_t>(count) * sizeof(T)};
      data_ = {static_cast<T*>(memory.allocate()), memory};
      capacity_ = count;
    }
    return data_.get();
  }

  [[nodiscard]] T* data() { return data_.get(); }
  [[nodiscard]] const T* data() const { return data_.get(); }

 private:
  static_assert(std::is_trivial_v<T>);
  struct Memory {
    static constexpr std::align_val_t kCacheLine{64};
    size_t bytes = 0;
    [[nodiscard]] void* allocate() const {
      return bytes >= kHugePage ? map_pages(bytes) : ::operator new(bytes, kCacheLine);
    }
    void operator()(T* pointer) const {
      if (bytes >= kHugePage) return unmap_pages(pointer, bytes);
      ::operator delete(pointer, kCacheLine);
    }
  };
  std::unique_ptr<T[], Memory> data_;
  int64_t capacity_ = 0;
};

}  // namespace contentvec
