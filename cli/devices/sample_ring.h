#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <span>
#include <vector>

namespace contentvec::cli {

/// Samples on their way from one thread to another, of which neither waits for the other: one pushes, one pops.
class SampleRing {
 public:
  explicit SampleRing(size_t capacity) : samples_(capacity) {}

  /// As many of the first samples as there is room for; returns how many.
  size_t push(std::span<const float> samples) {
    const size_t end = pushed_.load(std::memory_order_relaxed);
    const size_t room = samples_.size() - (end - popped_.load(std::memory_order_acquire));
    const size_t count = std::min(room, samples.size());
    for (size_t i = 0; i < count; ++i) samples_[(end + i) % samples_.size()] = samples[i];
    pushed_.store(end + count, std::memory_order_release);
    return count;
  }
  /// As many as there are, and are asked for; returns how many.
  size_t pop(std::span<float> samples) {
    const size_t begin = popped_.load(std::memory_order_relaxed);
    const size_t count = std::min(pushed_.load(std::memory_order_acquire) - begin, samples.size());
    for (size_t i = 0; i < count; ++i) samples[i] = samples_[(begin + i) % samples_.size()];
    popped_.store(begin + count, std::memory_order_release);
    return count;
  }
  /// Samples in it, for either thread.
  [[nodiscard]] size_t held() const {
    const size_t begin = popped_.load(std::memory_order_acquire);  // first: it never passes the end
    return pushed_.load(std::memory_order_acquire) - begin;
  }
  /// And samples that it still takes.
  [[nodiscard]] size_t room() const { return samples_.size() - held(); }
  /// All that were ever pushed and popped: they change while sound flows.
  [[nodiscard]] size_t pushed() const { return pushed_.load(std::memory_order_acquire); }
  [[nodiscard]] size_t popped() const { return popped_.load(std::memory_order_acquire); }

 private:
  std::vector<float> samples_;
  std::atomic<size_t> pushed_ = 0;  // counts on and on
  std::atomic<size_t> popped_ = 0;
};

}  // namespace contentvec::cli
