#include "audio/levels.h"

#include <fmt/format.h>

#include <cmath>

namespace contentvec::audio {
namespace {

constexpr float kFarBeyond = 16;  // 24 dB over full scale: no mixing desk's overshoot

double energy(std::span<const float> samples) {
  double sum = 0;
  for (const float x : samples) sum += static_cast<double>(x) * x;
  return sum;
}

}  // namespace

void Levels::add(std::span<const float> interleaved, std::span<const float> mono) {
  if (interleaved.size() != mono.size()) {
    several_ = true;
    channels_energy_ +=
        energy(interleaved) * static_cast<double>(mono.size()) / static_cast<double>(interleaved.size());
    mono_energy_ += energy(mono);
  }
  for (size_t t = 0; t < mono.size(); ++t) {
    const float size = std::abs(mono[t]);
    beyond_ += size > kFarBeyond;
    if (size > peak_) peak_ = size, peak_at_ = frames_ + static_cast<int64_t>(t);
  }
  frames_ += static_cast<int64_t>(mono.size());
}

std::vector<std::string> Levels::warnings(int rate) const {
  constexpr double kCancelled = 1e-4;  // -40 dB
  constexpr float kInt16 = 32768;
  std::vector<std::string> all;
  if (several_ && channels_energy_ > 0 && mono_energy_ < kCancelled * channels_energy_) {
    all.emplace_back(
        "its channels cancel each other in their mean, which is (nearly) silence: one is the other's "
        "opposite; use one channel alone, such as with `ffmpeg -i in.wav -af pan=mono|c0=c0 out.wav`");
  }
  if (peak_ <= kFarBeyond) return all;
  const bool is_scale = peak_ > kInt16 / 256 && peak_ <= kInt16 && beyond_ > frames_ / 100;
  if (is_scale) {
    all.push_back(fmt::format(
        "its samples reach {:.6g}, where 1 is full scale: they seem to have the scale of 16-bit integers; "
        "divide them by 32768",
        peak_));
  } else {
    all.push_back(fmt::format(
        "{} of its samples are far beyond 1, which is full scale; the largest is {:.6g}, at {:.3f} s; the "
        "features are those of such a sound: check how the file was made",
        beyond_, peak_, static_cast<double>(peak_at_) / rate));
  }
  return all;
}

}  // namespace contentvec::audio
