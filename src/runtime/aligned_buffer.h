#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace contentvec {

/// Asks the system to back memory with huge pages where it can: fewer page faults, and fewer misses of the
/// TLB.
inline void advise_huge_pages([[maybe_unused]] void* start, [[maybe_unused]] size_t bytes) {
#if defined(__linux__)
  madvise(start, bytes, MADV_HUGEPAGE);
#endif
}

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
      const size_t bytes = static_cast<size_t>(count) * sizeof(T);
      const std::align_val_t alignment{bytes >= kHugePage ? kHugePage : kCacheLine};
      data_ = {static_cast<T*>(::operator new(bytes, alignment)), Free{alignment}};
      if (bytes >= kHugePage) advise_huge_pages(data_.get(), bytes / kHugePage * kHugePage);
      capacity_ = count;
    }
    return data_.get();
  }

  [[nodiscard]] T* data() { return data_.get(); }
  [[nodiscard]] const T* data() const { return data_.get(); }

 private:
  static_assert(std::is_trivial_v<T>);
  static constexpr size_t kCacheLine = 64;
  static constexpr size_t kHugePage = size_t{2} << 20;
  struct Free {
    std::align_val_t alignment{kCacheLine};
    void operator()(T* pointer) const { ::operator delete(pointer, alignment); }
  };
  std::unique_ptr<T[], Free> data_;
  int64_t capacity_ = 0;
};

}  // namespace contentvec
