#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <new>

namespace contentvec {

/// Gives a large container pages of its own, which go back to the system when it frees them. malloc promises
/// no such thing: once glibc has freed a large block, it takes blocks of up to 32 MB from heaps that it
/// keeps.
template <typename T>
struct PageAllocator {
  using value_type = T;

  PageAllocator() = default;
  template <typename Other>
  explicit PageAllocator(const PageAllocator<Other>&) {}

  T* allocate(size_t count) {
    void* pages =
        mmap(nullptr, count * sizeof(T), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) throw std::bad_alloc();
    return static_cast<T*>(pages);
  }
  void deallocate(T* pages, size_t count) noexcept { munmap(pages, count * sizeof(T)); }

  bool operator==(const PageAllocator&) const = default;
};

}  // namespace contentvec
