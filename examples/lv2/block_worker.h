#pragma once

// Samples as a host brings them, in blocks of a worker's: the audio thread neither waits nor takes memory, and what it
// hears is always equally late.

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <semaphore>
#include <thread>
#include <vector>

/// Block q of the input is whole with sample (q + 1) * block, and its result is heard from (q + 2) * block on: the
/// worker has a block's time for it. What comes later than that is not heard, so that nothing ever shifts.
class BlockWorker {
 public:
  /// Computes `out` from `in`, `block` samples each, in the worker's thread.
  using Work = std::function<void(const float* in, float* out)>;

  BlockWorker(int64_t block, Work work);
  ~BlockWorker() { stop(); }
  BlockWorker(const BlockWorker&) = delete;
  BlockWorker& operator=(const BlockWorker&) = delete;

  /// Starts its thread, with silence behind it; ends it. Not while run() runs.
  void start();
  void stop();

  /// The audio thread's: any number of samples in, as many out, which may be the same memory. `wait`: for results that
  /// are not there yet, where the host renders faster than time goes.
  void run(const float* in, float* out, int64_t samples, bool wait);

  /// Samples from run()'s input to its output, with a work that delays nothing.
  [[nodiscard]] int64_t latency() const { return 2 * block_; }

 private:
  static constexpr int64_t kSlots = 8;
  struct Slot {
    std::vector<float> samples;
    std::atomic<int64_t> number = -1;  ///< of the block that it holds, whole
  };
  using Slots = std::array<Slot, kSlots>;

  static Slot& of(Slots& slots, int64_t number) { return slots[static_cast<size_t>(number % kSlots)]; }
  void take(const float* in, int64_t samples);
  void give(float* out, int64_t samples, bool wait);
  void finish_input();
  void work_until_stopped();
  void convert(int64_t number);

  const int64_t block_;
  const Work work_;
  Slots inputs_;
  Slots outputs_;
  int64_t number_ = 0;              ///< of the input block that is being filled; the audio thread's own
  int64_t filled_ = 0;              ///< samples of it
  bool has_slot_ = true;            ///< it goes somewhere: the worker is not a whole ring late
  std::atomic<int64_t> whole_ = 0;  ///< input blocks there have been
  std::atomic<int64_t> done_ = 0;   ///< of these the worker is through with
  std::counting_semaphore<> blocks_ = std::counting_semaphore<>(0);
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};
