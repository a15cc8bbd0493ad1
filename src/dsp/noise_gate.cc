#include "dsp/noise_gate.h"

#include <algorithm>

#include "dsp/envelope.h"

namespace contentvec::dsp {
namespace {

constexpr int64_t kHopsAround = 4;

}  // namespace

NoiseGate::NoiseGate(int64_t block, int64_t hop)
    : hop_(hop),
      heard_(static_cast<size_t>(block + kHopsAround * hop)),
      envelope_(heard_.size() / static_cast<size_t>(hop) + 1) {}

void NoiseGate::pass(std::span<const float> block) {
  const auto kept = heard_.size() - block.size();
  std::copy(heard_.end() - static_cast<int64_t>(kept), heard_.end(), heard_.begin());
  std::copy(block.begin(), block.end(), heard_.begin() + static_cast<int64_t>(kept));
}

void NoiseGate::run(std::span<const float> block, double threshold, std::span<float> out) {
  pass(block);
  rms_envelope(heard_, hop_, kHopsAround, envelope_);
  const int64_t told = kToldAgain * hop_;  // where `out` begins in what was heard
  std::copy(heard_.begin() + told, heard_.end(), out.begin());
  const auto size = static_cast<int64_t>(out.size());
  for (int64_t frame = kToldAgain; frame < static_cast<int64_t>(envelope_.size()); ++frame) {
    if (envelope_[static_cast<size_t>(frame)] >= threshold) continue;
    const int64_t begin = std::clamp<int64_t>(frame * hop_ - hop_ / 2 - told, 0, size);
    const int64_t end = std::clamp<int64_t>(frame * hop_ + (hop_ - hop_ / 2) - told, 0, size);
    std::fill(out.begin() + begin, out.begin() + end, 0.0F);
  }
}

void NoiseGate::reset() {
  std::fill(heard_.begin(), heard_.end(), 0.0F);
}

}  // namespace contentvec::dsp
