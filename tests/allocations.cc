#include "allocations.h"

#include <atomic>
#include <cstdlib>
#include <new>

// Replaces the global operator new of the test binaries that link this file.

namespace {
std::atomic<size_t> largest{0};
std::atomic<size_t> count{0};

[[maybe_unused]] void note(size_t size) {
  ++count;
  size_t known = largest;
  while (size > known && !largest.compare_exchange_weak(known, size)) {
  }
}
}  // namespace

namespace contentvec::test {
size_t largest_allocation() {
  return largest;
}
void reset_largest_allocation() {
  largest = 0;
}
size_t allocation_count() {
  return count;
}
}  // namespace contentvec::test

#ifndef CONTENTVEC_SANITIZED
bool contentvec::test::allocations_are_counted() {
  return true;
}
void* operator new(size_t size) {
  note(size);
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
void* operator new[](size_t size) {
  return operator new(size);
}
void* operator new(size_t size, std::align_val_t alignment) {
  note(size);
  const auto unit = static_cast<size_t>(alignment);
  if (void* memory = std::aligned_alloc(unit, (size + unit - 1) / unit * unit)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, size_t, std::align_val_t) noexcept {
  std::free(memory);
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
#else
bool contentvec::test::allocations_are_counted() {
  return false;
}
#endif
