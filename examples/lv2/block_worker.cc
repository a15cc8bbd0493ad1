#include "block_worker.h"

#include <algorithm>
#include <utility>

BlockWorker::BlockWorker(int64_t block, Work work) : block_(block), work_(std::move(work)) {
  for (Slots* slots : {&inputs_, &outputs_})
    for (Slot& slot : *slots) slot.samples.resize(static_cast<size_t>(block));
}

void BlockWorker::start() {
  stop();
  for (Slots* slots : {&inputs_, &outputs_})
    for (Slot& slot : *slots) slot.number = -1;
  number_ = filled_ = 0;
  has_slot_ = true;
  whole_ = done_ = 0;
  stopping_ = false;
  while (blocks_.try_acquire()) {
  }
  thread_ = std::thread([this] { work_until_stopped(); });
}

void BlockWorker::stop() {
  if (!thread_.joinable()) return;
  stopping_ = true;
  blocks_.release();
  thread_.join();
}

void BlockWorker::run(const float* in, float* out, int64_t samples, bool wait) {
  while (samples > 0) {
    const int64_t now = std::min(samples, block_ - filled_);
    take(in, now);
    give(out, now, wait);
    filled_ += now;
    if (filled_ == block_) finish_input();
    in += now;
    out += now;
    samples -= now;
  }
}

void BlockWorker::take(const float* in, int64_t samples) {
  if (has_slot_) std::copy_n(in, samples, of(inputs_, number_).samples.data() + filled_);
}

void BlockWorker::give(float* out, int64_t samples, bool wait) {
  const int64_t heard = number_ - 2;
  if (wait && thread_.joinable())
    for (int64_t done = done_; done <= heard; done = done_) done_.wait(done);
  const Slot* slot = heard < 0 ? nullptr : &of(outputs_, heard);
  if (slot != nullptr && slot->number.load(std::memory_order_acquire) == heard)
    std::copy_n(slot->samples.data() + filled_, samples, out);
  else
    std::fill_n(out, samples, 0.0F);
}

void BlockWorker::finish_input() {
  if (has_slot_) of(inputs_, number_).number.store(number_, std::memory_order_release);
  ++number_;
  filled_ = 0;
  whole_.store(number_, std::memory_order_release);
  // The worker reads block done_ and later ones; the slot of an earlier one is free.
  has_slot_ = number_ - done_.load(std::memory_order_acquire) < kSlots;
  blocks_.release();
}

void BlockWorker::work_until_stopped() {
  int64_t number = 0;
  for (;;) {
    blocks_.acquire();
    if (stopping_) return;
    const int64_t whole = whole_.load(std::memory_order_acquire);
    if (number >= whole) continue;
    if (whole - number > 2) number = whole - 1;  // those before it would come too late to be heard
    convert(number);
    ++number;
    done_.store(number, std::memory_order_release);
    done_.notify_one();
  }
}

void BlockWorker::convert(int64_t number) {
  const Slot& in = of(inputs_, number);
  if (in.number.load(std::memory_order_acquire) != number) return;
  Slot& out = of(outputs_, number);
  work_(in.samples.data(), out.samples.data());
  out.number.store(number, std::memory_order_release);
}
