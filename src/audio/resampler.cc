#include "audio/resampler.h"

#include <algorithm>
#include <utility>

#include "contentvec/audio.h"
#include "runtime/fail.h"

namespace contentvec {
namespace audio {
namespace {

constexpr size_t kBlock = 1 << 14;  // samples in or out of libsoxr at a time
constexpr size_t kPart = 1 << 20;   // samples

bool is_rate(int rate) {
  return rate >= 1 && rate <= kHighestRate;
}

}  // namespace

Resampler::Resampler(int from_rate, int to_rate) : from_(from_rate), to_(to_rate) {
  if (!is_rate(from_) || !is_rate(to_)) {
    fail("cannot resample from {} Hz to {} Hz: expected rates from 1 to {} Hz", from_, to_, kHighestRate);
  }
  if (from_ == to_) return;
  block_.resize(kBlock);
  soxr_error_t error = nullptr;
  const soxr_quality_spec_t quality = soxr_quality_spec(SOXR_HQ, 0);
  soxr_.reset(soxr_create(from_, to_, 1, &error, nullptr, &quality, nullptr));
  if (error != nullptr) fail("cannot resample from {} Hz to {} Hz: {}", from_, to_, error);
}

Resampler::Progress Resampler::process(std::span<const float> waveform) {
  Progress progress{};
  const soxr_error_t error = soxr_process(soxr_.get(), waveform.data(), waveform.size(), &progress.consumed,
                                          block_.data(), block_.size(), &progress.produced);
  if (error != nullptr) fail("resampling from {} Hz to {} Hz failed: {}", from_, to_, error);
  keep(std::span(block_).first(progress.produced));
  return progress;
}

void Resampler::keep(std::span<const float> samples) {
  while (!samples.empty()) {
    if (parts_.empty() || parts_.back().size() == kPart) parts_.emplace_back().reserve(kPart);
    Part& part = parts_.back();
    const auto first = samples.first(std::min(samples.size(), kPart - part.size()));
    part.insert(part.end(), first.begin(), first.end());
    samples = samples.subspan(first.size());
  }
}

void Resampler::push(std::span<const float> waveform) {
  consumed_ += static_cast<int64_t>(waveform.size());
  if (soxr_ == nullptr) {
    keep(waveform);
    return;
  }
  while (!waveform.empty()) {
    const Progress progress = process(waveform.first(std::min(waveform.size(), kBlock)));
    waveform = waveform.subspan(progress.consumed);
  }
}

int64_t Resampler::size() const {
  return (consumed_ * to_ + from_ - 1) / from_;
}

std::vector<float> Resampler::finish() {
  if (soxr_ != nullptr) {
    while (process({}).produced > 0) {
    }
  }
  // libsoxr rounds the length to the nearest; librosa rounds up, and fills with zeros.
  const auto size = static_cast<size_t>(this->size());
  std::vector<float> result;
  result.reserve(size + 1);
  for (Part& part : parts_) {
    result.insert(result.end(), part.begin(), part.end());
    part = Part();  // "= {}" would keep its memory
  }
  result.resize(size);
  return result;
}

}  // namespace audio

std::vector<float> resample(std::span<const float> waveform, int from_rate, int to_rate) {
  audio::Resampler resampler(from_rate, to_rate);
  resampler.push(waveform);
  return resampler.finish();
}

}  // namespace contentvec
