#include <atomic>
#include <cstdlib>
#include <new>

#include "checkpoint/hostile.h"

// Replaces the global operator new of this test binary, to see the largest allocation a hostile file brings
// about.

namespace {
std::atomic<size_t> largest{0};
}

namespace contentvec::test {
size_t largest_allocation() {
  return largest;
}
void reset_largest_allocation() {
  largest = 0;
}
}  // namespace contentvec::test

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define CONTENTVEC_SANITIZED
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CONTENTVEC_SANITIZED
#endif

#ifndef CONTENTVEC_SANITIZED
void* operator new(size_t size) {
  size_t known = largest;
  while (size > known && !largest.compare_exchange_weak(known, size)) {
  }
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
void* operator new[](size_t size) {
  return operator new(size);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, size_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, size_t) noexcept {
  std::free(memory);
}
#endif
