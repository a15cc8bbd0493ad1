#include "conversion/feature_window.h"

#include <algorithm>
#include <array>
#include <utility>

#include "conversion/pieces.h"

namespace contentvec::conversion {

FeatureWindow::FeatureWindow(Model model, StreamQuality quality, int64_t hops)
    : model_(std::move(model)), quality_(quality), hops_(hops), width_(model_.config().encoder_embed_dim) {
  const auto frames = static_cast<size_t>(model_.config().frames((hops_ + 1) * kPitchHop));
  const auto widest =
      static_cast<size_t>(std::max(model_.config().encoder_embed_dim, model_.config().final_dim));
  features_.resize(frames * widest);
  if (quality_ == StreamQuality::kFast) projected_.resize(frames * static_cast<size_t>(width_));
}

void FeatureWindow::prepare() const {
  model_.prepare((hops_ + 1) * kPitchHop);
}

void FeatureWindow::reset() {
  end_ = 0;
  known_ = 0;
}

void FeatureWindow::skip(int64_t hops) {
  end_ += hops;
  known_ = 0;
}

/// Moves what is known on by so many hops, to where the extracted part begins.
void FeatureWindow::move(int64_t hops, int64_t window_hops, int64_t changed) {
  end_ += hops;
  heard_ = std::min(hops_, window_hops);
  offset_ = 0;
  if (quality_ == StreamQuality::kExact) return;
  // Frames begin at even hops of the stream: one more is heard than was asked for, or where there is none, one less.
  if ((end_ - heard_) % 2 != 0) offset_ = heard_ < window_hops ? 1 : -1;
  heard_ += offset_;
  // Frame f reaches from hop 2 f to 2 f + 2.5.
  if (changed > 0) known_ = std::clamp<int64_t>((end_ - hops - changed - 1) / 2 - first_, 0, known_);
  const int64_t first = (end_ - heard_) / 2;
  const int64_t gone = std::clamp<int64_t>(first - first_, 0, known_);
  std::copy(projected_.begin() + gone * width_, projected_.begin() + known_ * width_, projected_.begin());
  known_ -= gone;
  first_ = first;
}

std::span<const float> FeatureWindow::advance(std::span<const float> window, int64_t hops, const Stage& stage,
                                              int64_t changed) {
  move(hops, static_cast<int64_t>(window.size()) / kPitchHop, changed);
  const std::span<const float> heard = window.last(static_cast<size_t>(heard_ * kPitchHop));
  const auto frames = static_cast<size_t>(model_.config().frames(static_cast<int64_t>(heard.size())));
  const int dim = stage.final_proj ? model_.config().final_dim : model_.config().encoder_embed_dim;
  const std::span<float> features = std::span(features_).first(frames * static_cast<size_t>(dim));
  if (quality_ == StreamQuality::kExact) {
    model_.extract_into(heard, features,
                        {.layer = stage.layer, .final_proj = stage.final_proj, .normalize = Normalize::kOff});
    return features;
  }
  const std::span<float> projected = std::span(projected_).first(frames * static_cast<size_t>(width_));
  const std::array<Stage, 2> stages = {Stage{.layer = kProjected}, stage};
  const std::array<std::span<float>, 2> results = {projected, features};
  model_.extract_batch_into(std::span(&heard, 1), stages, results,
                            {.normalize = Normalize::kOff,
                             .around = window,
                             .projected = projected.first(static_cast<size_t>(known_ * width_))});
  known_ = static_cast<int64_t>(frames);
  return features;
}

}  // namespace contentvec::conversion
