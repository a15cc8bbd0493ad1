#include "conversion/block_converter.h"

#include <algorithm>
#include <utility>

#include "conversion/parts.h"
#include "conversion/pieces.h"
#include "conversion/protect.h"

namespace contentvec::conversion {
namespace {

constexpr int64_t kPitchMemory = 1024;  // frames whose pitch is kept
// Of the pitch that is found in a block, so many frames at either end hear too little around them.
constexpr int64_t kDroppedBegin = 3;
constexpr int64_t kDroppedEnd = 1;
constexpr int64_t kListenedBefore = 800;  // samples before a block in which its pitch is looked for

/// Samples at the end of a window in which the pitch of a block is looked for. RMVPE takes whole multiples of 32
/// frames, so that nothing is heard but what there is.
int64_t listened_samples(int64_t block, const PitchEstimator& estimator) {
  constexpr int64_t kRmvpeStep = 32 * kPitchHop;
  const int64_t samples = block + kListenedBefore;
  if (estimator.method() != PitchMethod::kRmvpe) return samples;
  return kRmvpeStep * ((samples - 1) / kRmvpeStep + 1) - kPitchHop;
}

void observe(const BlockSeams& seams, std::string_view stage, std::span<const float> values) {
  if (seams.observe) seams.observe(stage, values);
}

}  // namespace

BlockConverter::BlockConverter(const StreamSizes& sizes, const StreamOptions& options, Model model,
                               std::optional<PitchEstimator> estimator)
    : sizes_(sizes),
      pitch_threshold_(options.pitch_threshold),
      seed_(options.seed),
      heard_frames_(sizes.context_frames + sizes.frames(sizes.window() - sizes.extra)),
      features_(std::move(model), options.quality, heard_frames_),
      estimator_(std::move(estimator)),
      pitch_(static_cast<size_t>(std::max(kPitchMemory, sizes.frames(sizes.window())))) {
  const ModelConfig& config = this->model().config();
  const auto widest = static_cast<size_t>(std::max(config.encoder_embed_dim, config.final_dim));
  blended_.resize(static_cast<size_t>(config.frames((heard_frames_ + 1) * kPitchHop)) * widest);
  phone_.resize(static_cast<size_t>(heard_frames_) * widest);
  own_phone_.resize(phone_.size());
  if (!estimator_) return;
  listened_ = std::min(listened_samples(sizes.frames(sizes.block) * kPitchHop, *estimator_),
                       sizes.frames(sizes.window()) * kPitchHop);
  f0_.resize(static_cast<size_t>(estimator_->frames(listened_)));
  confidence_.resize(f0_.size());
}

void BlockConverter::prepare() {
  features_.prepare();
  if (!estimator_) return;
  const std::vector<float> silence(static_cast<size_t>(listened_));
  estimator_->estimate_into(silence, f0_, confidence_, {.threshold = pitch_threshold_});
}

void BlockConverter::prepare(const Voice& voice) const {
  StreamSettings highest;
  highest.formant = kHighestFormant;
  Speech speech(sizes_, voice, std::nullopt, highest);
  const std::vector<float> phone(static_cast<size_t>(heard_frames_ * voice.info().feature_dim));
  const std::vector<float> f0(static_cast<size_t>(voice.info().pitch ? heard_frames_ : 0));
  synthesize(phone, f0, speech, 0, {});
}

void BlockConverter::pass() {
  shift_pitch();
  const int64_t block = sizes_.frames(sizes_.block);
  features_.skip(block);
  std::fill(pitch_.end() - block, pitch_.end(), 0.0F);
  last_f0_ = 0;
}

void BlockConverter::reset() {
  std::fill(pitch_.begin(), pitch_.end(), 0.0F);
  features_.reset();
  known_frames_ = 0;
  last_f0_ = 0;
}

/// Moves what is known of the pitch on by a block.
void BlockConverter::shift_pitch() {
  const int64_t block = sizes_.frames(sizes_.block);
  std::copy(pitch_.begin() + block, pitch_.end(), pitch_.begin());
  known_frames_ = std::min(known_frames_ + block, static_cast<int64_t>(pitch_.size()));
}

void BlockConverter::follow_pitch(std::span<const float> window, const Speech& speech,
                                  const BlockSeams& seams) {
  estimator_->estimate_into(window.last(static_cast<size_t>(listened_)), f0_, confidence_,
                            {.threshold = pitch_threshold_});
  observe(seams, "f0_raw", f0_);
  const auto voiced = std::find_if(f0_.rbegin(), f0_.rend(), [](float hz) { return hz > 0; });
  last_f0_ = voiced == f0_.rend() ? 0 : *voiced;
  if (speech.settings().unvoiced == Unvoiced::kInterpolate) interpolate_unvoiced(f0_);
  shift_semitones(f0_, speech.pitch_shift());
  shift_pitch();
  const auto found = std::span(f0_).subspan(kDroppedBegin, f0_.size() - kDroppedBegin - kDroppedEnd);
  std::copy(found.begin(), found.end(), pitch_.end() - static_cast<int64_t>(found.size()));
  known_frames_ = std::max(known_frames_, static_cast<int64_t>(found.size()));
}

/// [heard_frames_, dim], as the voice takes them.
std::span<const float> BlockConverter::extract(std::span<const float> window, int64_t changed,
                                               const Speech& speech, const BlockSeams& seams) {
  const int64_t dim = speech.voice().info().feature_dim;
  const std::span<const float> own =
      seams.features.empty()
          ? features_.advance(window, sizes_.frames(sizes_.block), speech.voice().info().stage, changed)
          : seams.features;
  const std::span<float> phone = std::span(phone_).first(static_cast<size_t>(heard_frames_ * dim));
  double_frames(own, dim, features_.offset(), phone);
  const StreamSettings& settings = speech.settings();
  if (!speech.retriever() || settings.index_rate == 0) return phone;

  // Only what is synthesized is looked up.
  const std::span<float> blended = std::span(blended_).first(own.size());
  std::copy(own.begin(), own.end(), blended.begin());
  const int64_t first = std::max<int64_t>(sizes_.context_frames + features_.offset(), 0) / 2;
  speech.retriever()->blend_in_place(blended.subspan(static_cast<size_t>(first * dim)), settings.index_rate);
  const std::span<float> own_phone = std::span(own_phone_).first(phone.size());
  std::copy(phone.begin(), phone.end(), own_phone.begin());
  double_frames(blended, dim, features_.offset(), phone);
  if (settings.protect < 0.5F && speech.voice().info().pitch)
    protect_unvoiced(phone, own_phone, std::span(pitch_).last(static_cast<size_t>(heard_frames_)),
                     settings.protect);
  return phone;
}

void BlockConverter::run(std::span<const float> window, int64_t changed, Speech& speech, int64_t number,
                         std::span<float> made, const BlockSeams& seams) {
  const bool has_pitch = speech.voice().info().pitch;
  std::span<const float> f0;
  if (has_pitch) {
    follow_pitch(window, speech, seams);
    f0 = std::span(pitch_).last(static_cast<size_t>(heard_frames_));
    observe(seams, "pitchf", f0);
  }
  const auto phone = extract(window, changed, speech, seams);
  observe(seams, "phone", phone);
  synthesize(phone, f0, speech, number, seams);
  observe(seams, "audio", speech.audio());
  speech.play(made);
}

void BlockConverter::synthesize(std::span<const float> phone, std::span<const float> f0, Speech& speech,
                                int64_t number, const BlockSeams& seams) const {
  const int64_t frames = sizes_.frames(sizes_.made());
  speech.voice().synthesize_into(
      {
          .features = phone,
          .f0 = f0,
          .speaker = speech.settings().speaker,
          .seed = seed_,
          .piece = number,
          .latent_noise = seams.latent_noise,
          .source_noise = seams.source_noise,
          .skip_frames = sizes_.context_frames,
          .keep_frames = frames,
          .stretch_to = speech.stretched_frames(),
          .unheard_frames = std::max<int64_t>(heard_frames_ - known_frames_, 0),
          .source_pitch = static_cast<double>(speech.stretched_frames()) / static_cast<double>(frames),
      },
      speech.audio());
}

}  // namespace contentvec::conversion
