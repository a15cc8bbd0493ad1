#include "conversion/pipeline.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "contentvec/audio.h"
#include "conversion/join.h"
#include "conversion/loudness.h"
#include "conversion/options.h"
#include "conversion/parts.h"
#include "conversion/protect.h"
#include "conversion/recording.h"
#include "dsp/padding.h"
#include "runtime/fail.h"
#include "runtime/finite.h"

namespace contentvec::conversion {
namespace {

// The work for a second of sound, as shares of the whole: what `progress` goes by.
constexpr double kPitchShare = 0.05;
constexpr double kFeaturesShare = 0.11;

/// Every frame twice, the first `frames` of them.
std::vector<float> doubled(const Features& features, int64_t frames) {
  std::vector<float> rows(static_cast<size_t>(frames * features.dim));
  double_frames(features.data, features.dim, 0, rows);
  return rows;
}

/// Frames around a piece that a crossfade takes: half of it, and one, since the features may be as much short of it.
int64_t margin_of(double crossfade_ms) {
  constexpr double kFrameMs = 10;
  return crossfade_ms == 0 ? 0 : static_cast<int64_t>(std::ceil(crossfade_ms / 2 / kFrameMs)) + 1;
}

}  // namespace

/// One conversion.
class Pipeline::Run {
 public:
  Run(const Pipeline& parts, const ConvertOptions& options, const Seams& seams)
      : parts_(parts),
        options_(options),
        seams_(seams),
        info_(parts.voice_.info()),
        margin_(margin_of(options.crossfade_ms)) {}

  Converted convert(std::span<const float> waveform, int rate) {
    const Recording recording(waveform, rate);
    observe(-1, "filtered", recording.samples());
    const std::vector<int64_t> cuts = find_cuts(recording.samples(), seams_.cuts);
    const std::vector<Piece> pieces = pieces_between(cuts, static_cast<int64_t>(recording.samples().size()));
    check_length(pieces.back(), recording);
    report(0);
    Converted result;
    if (info_.pitch) settle_pitch(recording, result.pitch);
    result.waveform = synthesize_all(recording, pieces);
    observe(-1, "joined", result.waveform);
    if (options_.rms_mix_rate != 1)
      mix_loudness(result.waveform, info_.sample_rate, recording.samples(), options_.rms_mix_rate);
    check_result(result.waveform);
    result.sample_rate = info_.sample_rate;
    resample_result(result);
    report(1);
    return result;
  }

  Pitch estimate_pitch(std::span<const float> waveform, int rate) {
    const Recording recording(waveform, rate);
    Pitch told;
    estimate_pitch(recording, frames_in(recording), told);
    return told;
  }

 private:
  void observe(int64_t piece, std::string_view stage, std::span<const float> values) const {
    if (seams_.observe) seams_.observe(piece, stage, values);
  }
  void report(double done) const {
    if (options_.progress) options_.progress(done);
  }

  /// Frames that the voice is given for a piece.
  [[nodiscard]] int64_t frames_of(const Piece& piece) const {
    return std::min({piece.samples / kPitchHop, 2 * parts_.model_.config().frames(piece.samples),
                     info_.pitch ? piece.f0_frames : piece.samples});
  }

  void check_length(const Piece& last, const Recording& recording) const {
    if (last.begin > 0 || frames_of(last) > 2 * kPadFrames) return;
    fail("the recording has {} samples at 16 kHz ({:.1f} ms); {} are the least that become a frame",
         recording.samples().size(), 1000.0 * static_cast<double>(recording.samples().size()) / kSampleRate,
         parts_.model_.config().receptive_field());
  }

  // ---- Pitch ----

  static int64_t frames_in(const Recording& recording) {
    return static_cast<int64_t>(recording.samples().size()) / kPitchHop + 1;
  }

  /// f0_ of the padded recording, and what is told of it.
  void settle_pitch(const Recording& recording, Pitch& told) {
    const int64_t frames = frames_in(recording);
    if (!seams_.f0.empty()) {
      f0_ = seams_.f0;
    } else if (options_.f0.empty()) {
      estimate_pitch(recording, frames, told);
    } else {
      take_pitch(frames);
      told.f0.assign(f0_.begin() + kPadFrames, f0_.begin() + kPadFrames + frames);
    }
    observe(-1, "f0_raw", f0_);
    if (options_.unvoiced == Unvoiced::kInterpolate) interpolate_unvoiced(f0_);
    shift_semitones(f0_, options_.key);
    observe(-1, "f0", f0_);
  }

  void estimate_pitch(const Recording& recording, int64_t frames, Pitch& told) {
    if (!parts_.estimator_)
      fail("the voice '{}' takes a pitch; give the converter a pitch estimator, or the conversion a curve",
           info_.source);
    Pitch pitch = parts_.estimator_->estimate(
        recording.padded(), {.threshold = options_.pitch_threshold, .poll = [this] { report(0); }});
    const auto own = [&](const std::vector<float>& values) {
      return std::vector<float>(values.begin() + kPadFrames, values.begin() + kPadFrames + frames);
    };
    told = {own(pitch.f0), own(pitch.confidence)};
    f0_ = std::move(pitch.f0);
  }

  /// The caller's curve, mirrored as the recording is. One value more or less is how programs differ that count frames.
  void take_pitch(int64_t frames) {
    const auto given = static_cast<int64_t>(options_.f0.size());
    if (std::abs(given - frames) > 1) {
      fail("the pitch has {} values and the recording {} frames of 10 ms; expected one for each", given,
           frames);
    }
    f0_.resize(static_cast<size_t>(frames + 2 * kPadFrames));
    for (int64_t i = 0; i < static_cast<int64_t>(f0_.size()); ++i) {
      const int64_t place = std::min(dsp::mirrored(i - kPadFrames, frames), given - 1);
      f0_[static_cast<size_t>(i)] = options_.f0[static_cast<size_t>(place)];
    }
  }

  // ---- Pieces ----

  std::vector<float> synthesize_all(const Recording& recording, const std::vector<Piece>& pieces) {
    const int64_t per_frame = info_.samples_per_frame;
    Join join(margin_ * per_frame, std::llround(options_.crossfade_ms * info_.sample_rate / 1000));
    const auto samples = static_cast<int64_t>(recording.samples().size());
    join.joined().reserve(static_cast<size_t>((samples / kPitchHop + 1) * per_frame));
    for (size_t number = 0; number < pieces.size(); ++number) {
      const Piece& piece = pieces[number];
      const double seconds_before = static_cast<double>(piece.begin) / static_cast<double>(samples);
      const double share = static_cast<double>(piece.own_frames * kPitchHop) / static_cast<double>(samples);
      const auto done = [&, this](double part) {
        report(kPitchShare + (1 - kPitchShare) * (seconds_before + share * std::min(part, 1.0)));
      };
      const auto name = pieces.size() > 1 ? static_cast<int64_t>(number) : -1;
      const std::vector<float> audio = synthesize(recording.padded(), piece, name, done);
      observe(static_cast<int64_t>(number), "audio", audio);
      join.add(audio, piece.own_frames * per_frame, number + 1 == pieces.size());
    }
    return std::move(join.joined());
  }

  /// The piece with margin_ before and behind it; `name` is its in the noise, -1 where it is the whole.
  std::vector<float> synthesize(std::span<const float> padded, const Piece& piece, int64_t name,
                                const std::function<void(double)>& done) {
    const int64_t number = std::max<int64_t>(name, 0);
    const int64_t frames = frames_of(piece);
    const auto samples = padded.subspan(static_cast<size_t>(piece.begin), static_cast<size_t>(piece.samples));
    const int64_t dropped = kPadFrames - margin_;
    if (frames <= 2 * dropped) return {};
    std::vector<float> f0;
    if (info_.pitch)
      f0.assign(f0_.begin() + piece.begin / kPitchHop, f0_.begin() + piece.begin / kPitchHop + frames);
    const std::vector<float> phone = phones(samples, number, f0, frames, done);
    observe(number, "phone", phone);
    observe(number, "pitchf", f0);
    Seams::Noise noise;
    if (seams_.noise) noise = seams_.noise(number);

    // Formants are shifted by stretching what is synthesized and playing it back as much faster, at the ratio of whole
    // frames, so that it ends where it should. It is synthesized lower by that, as the voice is told; the source, which
    // the stretching lowers by itself, is not.
    const auto stretched =
        static_cast<int64_t>(std::ceil(static_cast<double>(frames) * std::exp2(options_.formant / 12)));
    const double stretch = static_cast<double>(stretched) / static_cast<double>(frames);
    for (float& hz : f0) hz = static_cast<float>(static_cast<double>(hz) / stretch);
    std::vector<float> audio = parts_.voice_.synthesize({
        .features = phone,
        .f0 = f0,
        .speaker = options_.speaker,
        .seed = options_.seed,
        .piece = name,
        .latent_noise = noise.latent,
        .source_noise = noise.source,
        .stretch_to = stretched,
        .source_pitch = stretch,
        .drop_first = stretched == frames ? dropped : 0,
        .drop_last = stretched == frames ? dropped : 0,
        .progress = [&](double part) { done(kFeaturesShare + (1 - kFeaturesShare) * part); },
    });
    if (stretched == frames) return audio;
    audio = resample(audio, static_cast<int>(stretched), static_cast<int>(frames));
    const int64_t edge = dropped * info_.samples_per_frame;
    return {audio.begin() + edge, audio.end() - edge};
  }

  /// [frames, feature_dim]
  std::vector<float> phones(std::span<const float> samples, int64_t number, std::span<const float> f0,
                            int64_t frames, const std::function<void(double)>& done) const {
    const Stage stage = info_.stage;
    const Features own = parts_.model_.extract(samples, {.layer = stage.layer,
                                                         .final_proj = stage.final_proj,
                                                         .normalize = Normalize::kOff,
                                                         .poll = [&] { done(0); }});
    observe(number, "feats", own.data);
    if (!parts_.retriever_ || options_.index_rate == 0) return doubled(own, frames);
    std::vector<float> blended =
        doubled(parts_.retriever_->blend(own, options_.index_rate, options_.nprobe), frames);
    if (options_.protect < 0.5F) protect_unvoiced(blended, doubled(own, frames), f0, options_.protect);
    return blended;
  }

  // ---- The result ----

  void check_result(std::span<const float> waveform) const {
    const auto place = first_non_finite(waveform);
    if (!place) return;
    fail(
        "the voice '{}' gave {} at sample {}: its weights overflow float32 on this recording; check that the file is "
        "the right one",
        info_.source, waveform[*place], *place);
  }

  void resample_result(Converted& result) const {
    if (options_.output_rate == 0 || options_.output_rate == result.sample_rate) return;
    result.waveform = resample(result.waveform, result.sample_rate, options_.output_rate);
    result.sample_rate = options_.output_rate;
  }

  const Pipeline& parts_;
  const ConvertOptions& options_;
  const Seams& seams_;
  const VoiceInfo& info_;
  int64_t margin_;         ///< frames around a piece that are kept for its crossfade
  std::vector<float> f0_;  ///< of the padded recording, as the voice takes it
};

Pipeline::Pipeline(Model model, std::optional<PitchEstimator> estimator, Voice voice,
                   std::optional<Retriever> retriever)
    : model_(std::move(model)),
      estimator_(std::move(estimator)),
      voice_(std::move(voice)),
      retriever_(std::move(retriever)) {
  check_parts(model_, voice_, retriever_);
}

Converted Pipeline::convert(std::span<const float> waveform, int rate, const ConvertOptions& options,
                            const Seams& seams) const {
  check_options(options, voice_.info());
  return Run(*this, options, seams).convert(waveform, rate);
}

Pitch Pipeline::estimate_pitch(std::span<const float> waveform, int rate,
                               const ConvertOptions& options) const {
  check_options(options, voice_.info());
  return Run(*this, options, {}).estimate_pitch(waveform, rate);
}

}  // namespace contentvec::conversion
