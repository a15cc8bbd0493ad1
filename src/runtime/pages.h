#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <new>

namespace contentvec {

// Memory as pages of its own, which go back to the system when they are freed. malloc promises no such thing:
// once glibc has freed a large block, it takes blocks of up to 32 MB from heaps that it keeps.

inline constexpr size_t kHugePage = size_t{2} << 20;

/// `bytes` in whole pages of any size that systems have.
constexpr size_t whole_pages(size_t bytes) {
  constexpr size_t kLargestPage = size_t{64} << 10;
  return (bytes + kLargestPage - 1) / kLargestPage * kLargestPage;
}

/// `bytes` of zeros from a huge page's boundary on, in huge pages where the system has them: fewer page
/// faults, and fewer misses of the TLB. unmap_pages() frees them. Throws std::bad_alloc.
inline void* map_pages(size_t bytes) {
  if (bytes > SIZE_MAX / 2) throw std::bad_alloc();
  const size_t size = whole_pages(bytes);
  // What the system gives begins on any page: one huge page more, and what lies before and after goes back.
  void* const mapped =
      mmap(nullptr, size + kHugePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) throw std::bad_alloc();
  const size_t before = (kHugePage - reinterpret_cast<uintptr_t>(mapped) % kHugePage) % kHugePage;
  std::byte* const pages = static_cast<std::byte*>(mapped) + before;
  if (before > 0) munmap(mapped, before);
  if (before < kHugePage) munmap(pages + size, kHugePage - before);
#if defined(__linux__)
  madvise(pages, bytes / kHugePage * kHugePage, MADV_HUGEPAGE);
#endif
  return pages;
}

inline void unmap_pages(void* pages, size_t bytes) noexcept {
  munmap(pages, whole_pages(bytes));
}

/// For a large container to have its memory from map_pages().
template <typename T>
struct PageAllocator {
  using value_type = T;

  PageAllocator() = default;
  template <typename Other>
  explicit PageAllocator(const PageAllocator<Other>&) {}

  T* allocate(size_t count) { return static_cast<T*>(map_pages(count * sizeof(T))); }
  void deallocate(T* pages, size_t count) noexcept { unmap_pages(pages, count * sizeof(T)); }

  bool operator==(const PageAllocator&) const = default;
};

}  // namespace contentvec
