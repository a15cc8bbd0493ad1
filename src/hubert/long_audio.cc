#include "contentvec/long_audio.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "contentvec/audio.h"
#include "hubert/waveform.h"
#include "runtime/fail.h"

namespace contentvec {
namespace {

/// How far from its even place a cut may be, as a share of the longest piece. RVC looks 10 s to either side
/// of every minute.
constexpr int64_t kSearchShare = 10;

/// What has to be quiet is a tenth of a second: longer than the closure of a stop, so that a cut falls
/// between words rather than into "p".
constexpr int64_t kQuietSamples = kSampleRate / 10;

/// LongAudioOptions in frames.
struct Limits {
  int64_t most;     ///< frames of a piece
  int64_t overlap;  ///< frames
};

Limits limits_of(const ModelConfig& config, const LongAudioOptions& long_audio) {
  if (long_audio.max_seconds == 0) return {std::numeric_limits<int64_t>::max(), 0};
  const double frames_per_second = static_cast<double>(kSampleRate) / static_cast<double>(config.hop());
  const double least = static_cast<double>(kSearchShare) / frames_per_second;
  if (!(long_audio.max_seconds >= least && std::isfinite(long_audio.max_seconds))) {
    fail("recordings are to be cut into pieces of {} s; expected 0 (never cut) or at least {:.2f} s",
         long_audio.max_seconds, least);
  }
  if (!(long_audio.overlap_seconds >= 0 && long_audio.overlap_seconds <= long_audio.max_seconds)) {
    fail("pieces of {} s are to overlap by {} s; expected 0 to {}", long_audio.max_seconds,
         long_audio.overlap_seconds, long_audio.max_seconds);
  }
  const auto frames = [&](double seconds) {
    constexpr double kMost = 1e15;  // thousands of years, which still fit
    return static_cast<int64_t>(std::min(std::floor(seconds * frames_per_second + 1e-6), kMost));
  };
  return {frames(long_audio.max_seconds), frames(long_audio.overlap_seconds)};
}

/// The power of the sound around a sample: a constant offset is no sound.
double power(std::span<const float> waveform, int64_t center) {
  const auto size = static_cast<int64_t>(waveform.size());
  const int64_t begin = std::max<int64_t>(0, center - kQuietSamples / 2);
  const int64_t end = std::min(size, center + kQuietSamples / 2);
  double sum = 0;
  double squares = 0;
  for (int64_t i = begin; i < end; ++i) {
    const auto x = static_cast<double>(waveform[static_cast<size_t>(i)]);
    sum += x;
    squares += x * x;
  }
  const auto count = static_cast<double>(end - begin);
  return std::max(0.0, squares / count - (sum / count) * (sum / count));
}

/// The frame from `first` to `last` that a piece had best begin with: the first of the quietest.
int64_t quietest(std::span<const float> waveform, const ModelConfig& config, int64_t first, int64_t last) {
  // A frame begins with its first sample, the one before ends with its last: the cut is between the two.
  const int64_t middle = (config.receptive_field() - config.hop()) / 2;
  int64_t best = first;
  double least = std::numeric_limits<double>::infinity();
  for (int64_t frame = first; frame <= last; ++frame) {
    const double here = power(waveform, frame * config.hop() + middle);
    if (here < least) {
      best = frame;
      least = here;
    }
  }
  return best;
}

/// The frames that the pieces begin with, and the end: even places, each moved to the quietest point near it.
std::vector<int64_t> boundaries(std::span<const float> waveform, const ModelConfig& config, int64_t most) {
  const int64_t frames = config.frames(static_cast<int64_t>(waveform.size()));
  if (frames <= most) return {0, frames};
  const int64_t search = most / kSearchShare;
  const int64_t even = most - 2 * search;  // so that no piece is longer than `most`, however its ends move
  const int64_t pieces = (frames + even - 1) / even;
  std::vector<int64_t> found = {0};
  for (int64_t i = 1; i < pieces; ++i) {
    const int64_t place = frames * i / pieces;
    found.push_back(quietest(waveform, config, place - search, place + search));
  }
  found.push_back(frames);
  return found;
}

/// Drops the overlaps of a piece's features.
void keep_own_frames(const Piece& piece, Features& features) {
  const auto row = [&](int64_t frame) { return features.data.begin() + frame * features.dim; };
  features.data.erase(row(piece.skipped + piece.frames), features.data.end());
  features.data.erase(features.data.begin(), row(piece.skipped));
  features.frames = piece.frames;
}

}  // namespace

std::vector<Piece> cut_at_quiet_points(std::span<const float> waveform, const ModelConfig& config,
                                       const LongAudioOptions& long_audio) {
  const Limits limits = limits_of(config, long_audio);
  check_waveform(config, waveform);
  const std::vector<int64_t> begins = boundaries(waveform, config, limits.most);
  const int64_t frames = begins.back();
  std::vector<Piece> pieces;
  for (size_t i = 0; i + 1 < begins.size(); ++i) {
    const int64_t first = std::max<int64_t>(0, begins[i] - limits.overlap);
    const int64_t last = std::min(frames, begins[i + 1] + limits.overlap) - 1;
    const int64_t begin = first * config.hop();
    const int64_t end = last == frames - 1 ? static_cast<int64_t>(waveform.size())
                                           : last * config.hop() + config.receptive_field();
    pieces.push_back({.first_sample = begin,
                      .samples = end - begin,
                      .first_frame = begins[i],
                      .frames = begins[i + 1] - begins[i],
                      .skipped = begins[i] - first});
  }
  return pieces;
}

PlannedRecording::PlannedRecording(std::span<const float> waveform, const ModelConfig& config,
                                   const LongAudioOptions& long_audio, Normalize normalize)
    : waveform_(waveform), pieces_(cut_at_quiet_points(waveform, config, long_audio)) {
  if (normalises(config, normalize)) normaliser_ = std::make_shared<const Normaliser>(waveform);
}

std::span<const float> PlannedRecording::samples_of(const Piece& piece,
                                                    std::vector<float>& normalised) const {
  const auto samples =
      waveform_.subspan(static_cast<size_t>(piece.first_sample), static_cast<size_t>(piece.samples));
  if (!normaliser_) return samples;
  normaliser_->apply(samples, normalised);
  return normalised;
}

std::vector<std::vector<Features>> extract_piece_batch(const Model& model,
                                                       std::span<const PlannedPiece> pieces,
                                                       std::span<const Stage> stages,
                                                       const ExtractOptions& options) {
  std::vector<std::vector<float>> normalised(pieces.size());
  std::vector<std::span<const float>> waveforms(pieces.size());
  const auto piece_of = [&](size_t i) -> const Piece& {
    return pieces[i].recording->pieces()[pieces[i].number];
  };
  for (size_t i = 0; i < pieces.size(); ++i) {
    waveforms[i] = pieces[i].recording->samples_of(piece_of(i), normalised[i]);
  }
  ExtractOptions as_planned = options;
  as_planned.normalize = Normalize::kOff;
  std::vector<std::vector<Features>> results = model.extract_batch_stages(waveforms, stages, as_planned);
  for (size_t i = 0; i < pieces.size(); ++i) {
    for (Features& stage : results[i]) keep_own_frames(piece_of(i), stage);
  }
  return results;
}

void extract_pieces(const Model& model, std::span<const float> waveform, std::span<const Stage> stages,
                    const LongAudioOptions& long_audio, const ExtractOptions& options,
                    const TakePiece& take) {
  const PlannedRecording recording(waveform, model.config(), long_audio, options.normalize);
  for (size_t number = 0; number < recording.pieces().size(); ++number) {
    const PlannedPiece piece = {&recording, number};
    auto features = extract_piece_batch(model, std::span(&piece, 1), stages, options);
    take(recording.pieces()[number].first_frame, std::move(features.front()));
  }
}

Features extract_long(const Model& model, std::span<const float> waveform, const LongAudioOptions& long_audio,
                      const ExtractOptions& options) {
  const Stage stage = {options.layer, options.final_proj};
  Features whole;
  extract_pieces(model, waveform, std::span(&stage, 1), long_audio, options,
                 [&](int64_t, std::vector<Features> stages) {
                   const Features& piece = stages.front();
                   if (whole.data.empty()) {
                     whole.frames = model.config().frames(static_cast<int64_t>(waveform.size()));
                     whole.dim = piece.dim;
                     whole.data.reserve(static_cast<size_t>(whole.frames * whole.dim));
                   }
                   whole.data.insert(whole.data.end(), piece.data.begin(), piece.data.end());
                 });
  return whole;
}

}  // namespace contentvec
