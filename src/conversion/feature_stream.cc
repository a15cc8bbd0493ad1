// Cuts a recording that is still going on into windows, and hands out each frame of their features once.

#include "contentvec/feature_stream.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "conversion/feature_window.h"
#include "conversion/pieces.h"
#include "conversion/stream_sizes.h"
#include "runtime/fail.h"

namespace contentvec {
namespace {

using conversion::FeatureWindow;

constexpr int64_t kHopsPerFrame = 2;
constexpr int64_t kFrame = kHopsPerFrame * kPitchHop;  // samples

int64_t frames_of(std::string_view what, double ms, double least, double most) {
  return (conversion::hops_of(what, ms, least, most) + 1) / kHopsPerFrame;
}

const ModelConfig& checked(const Model& model, const FeatureStreamOptions& options) {
  const ModelConfig& config = model.config();
  if (config.hop() != kFrame)
    fail("a stream of features takes a model of {} samples a frame; '{}' has {}", kFrame, model.info().source,
         config.hop());
  if (config.speaker_conditioned())
    fail("a stream of features takes a model without speakers, which '{}' has", model.info().source);
  if (options.quality == StreamQuality::kFast && model.device() != Device::kCpu)
    fail("a stream of features is fast on the CPU alone; '{}' runs on MLX: ask for the exact one",
         model.info().source);
  return config;
}

}  // namespace

class FeatureStream::Impl {
 public:
  Impl(Model model, const FeatureStreamOptions& options)
      : config_(checked(model, options)),
        stage_(options.stage),
        block_(frames_of("block in ms", options.block_ms, 20, 2000)),
        look_ahead_(frames_of("look-ahead in ms", options.look_ahead_ms, 0, 10'000)),
        // A frame more: the last of a block hears a little of the next.
        kept_(frames_of("context in ms", options.context_ms, 0, 30'000) + look_ahead_ + 1),
        dim_(stage_.final_proj ? config_.final_dim : config_.encoder_embed_dim),
        window_(std::move(model), options.quality, kHopsPerFrame * (kept_ + block_)) {
    // Computes silence, which finds out whether there is such a stage, and takes the memory.
    samples_.resize(static_cast<size_t>((kept_ + block_) * kFrame));
    ready_.reserve(static_cast<size_t>((kept_ + block_) * dim_));
    window_.prepare();
    window_.advance(samples_, kHopsPerFrame * block_, stage_);
    reset();
  }

  [[nodiscard]] int64_t dim() const { return dim_; }
  [[nodiscard]] int64_t latency() const {
    return config_.receptive_field() + (look_ahead_ + block_) * kFrame;
  }

  void push(std::span<const float> samples) {
    while (!samples.empty()) {
      const int64_t wanted = block_end_ - pushed_;
      const auto some = samples.first(std::min(samples.size(), static_cast<size_t>(wanted)));
      samples_.insert(samples_.end(), some.begin(), some.end());
      pushed_ += static_cast<int64_t>(some.size());
      samples = samples.subspan(some.size());
      if (pushed_ == block_end_) end_block();
    }
  }

  void finish() {
    const int64_t all = config_.frames(pushed_);
    if (all <= given_) return;
    const Features features = window_.model().extract(
        samples_, {.layer = stage_.layer, .final_proj = stage_.final_proj, .normalize = Normalize::kOff});
    give(features.data, all);
  }

  [[nodiscard]] int64_t ready() const { return static_cast<int64_t>(ready_.size()) / dim_; }

  int64_t pull(std::span<float> features) {
    const int64_t frames = std::min(ready(), static_cast<int64_t>(features.size()) / dim_);
    const auto end = ready_.begin() + frames * dim_;
    std::copy(ready_.begin(), end, features.begin());
    ready_.erase(ready_.begin(), end);
    return frames;
  }

  void reset() {
    window_.reset();
    samples_.clear();
    ready_.clear();
    pushed_ = 0;
    given_ = 0;
    block_end_ = block_ * kFrame;
  }

 private:
  void end_block() {
    const std::span<const float> features = window_.advance(samples_, kHopsPerFrame * block_, stage_);
    // What is not told yet, and has been heard for long enough.
    give(features, config_.frames(std::max<int64_t>(pushed_ - look_ahead_ * kFrame, 0)));
    block_end_ += block_ * kFrame;
    const auto kept = std::min(static_cast<size_t>(kept_ * kFrame), samples_.size());
    samples_.erase(samples_.begin(), samples_.end() - static_cast<int64_t>(kept));
  }

  /// Frames up to `end` of the features of all of samples_.
  void give(std::span<const float> features, int64_t end) {
    const int64_t first = (pushed_ - static_cast<int64_t>(samples_.size())) / kFrame;
    for (; given_ < end; ++given_) {
      const auto row =
          features.subspan(static_cast<size_t>((given_ - first) * dim_), static_cast<size_t>(dim_));
      ready_.insert(ready_.end(), row.begin(), row.end());
    }
  }

  ModelConfig config_;
  Stage stage_;
  int64_t block_;       ///< frames
  int64_t look_ahead_;  ///< frames
  int64_t kept_;        ///< frames of the window before a block
  int64_t dim_;
  FeatureWindow window_;
  std::vector<float> samples_;  ///< the newest, from a whole frame on
  std::vector<float> ready_;    ///< [frames, dim]
  int64_t pushed_ = 0;          ///< samples
  int64_t block_end_ = 0;       ///< where the next block ends
  int64_t given_ = 0;           ///< frames
};

FeatureStream::FeatureStream(Model model, const FeatureStreamOptions& options)
    : impl_(std::make_unique<Impl>(std::move(model), options)) {}

FeatureStream::~FeatureStream() = default;
FeatureStream::FeatureStream(FeatureStream&& other) noexcept = default;
FeatureStream& FeatureStream::operator=(FeatureStream&& other) noexcept = default;

int64_t FeatureStream::dim() const {
  return impl_->dim();
}

int64_t FeatureStream::latency() const {
  return impl_->latency();
}

void FeatureStream::push(std::span<const float> samples) {
  impl_->push(samples);
}

void FeatureStream::finish() {
  impl_->finish();
}

int64_t FeatureStream::ready() const {
  return impl_->ready();
}

int64_t FeatureStream::pull(std::span<float> features) {
  return impl_->pull(features);
}

void FeatureStream::reset() {
  impl_->reset();
}

}  // namespace contentvec
