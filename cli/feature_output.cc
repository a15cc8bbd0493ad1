#include "cli/feature_output.h"

#include <fmt/format.h>

#include <utility>

#include "cli/console.h"
#include "cli/picture.h"
#include "contentvec/audio.h"

namespace contentvec::cli {
namespace {

/// Every frame `times` times: RVC's decoder works at 100 frames a second.
std::vector<float> repeated(const Features& features, int times) {
  std::vector<float> rows;
  rows.reserve(features.data.size() * static_cast<size_t>(times));
  for (int64_t frame = 0; frame < features.frames; ++frame) {
    const auto row = features.row(frame);
    for (int i = 0; i < times; ++i) rows.insert(rows.end(), row.begin(), row.end());
  }
  return rows;
}

}  // namespace

FeatureOutput::FeatureOutput(const Job& job, std::span<const float> waveform, int64_t frames,
                             const FeatureOutputOptions& options)
    : job_(job), frames_(frames), options_(options) {
  if (options.plot) spectrogram_ = plot::spectrogram_of(waveform, kSampleRate, plot::kSpeechRange);
}

Outcome FeatureOutput::write(int64_t first_frame, const std::vector<Features>& stages) {
  try {
    if (!file_) begin_file(stages);
    for (size_t stage = 0; stage < stages.size(); ++stage) {
      const Features& features = stages[stage];
      const auto layer = static_cast<int64_t>(stage) + 1;
      if (options_.repeat > 1) {
        file_->write(first_frame * options_.repeat, repeated(features, options_.repeat), layer);
      } else {
        file_->write(first_frame, features.data, layer);
      }
    }
    if (map_) map_->add(first_frame, stages.back().data);
    if (first_frame + stages.front().frames < frames_) return {};
    if (map_) draw();
    file_->commit();
    file_.reset();
    return outcome(stages);
  } catch (...) {
    file_.reset();  // so that nothing is open while something is printed
    throw;
  }
}

void FeatureOutput::begin_file(const std::vector<Features>& stages) {
  const FeatureFileOptions options = {
      .format = options_.format, .layers = layers(stages), .metadata = options_.metadata};
  file_ =
      std::make_unique<FeatureWriter>(job_.output, frames_ * options_.repeat, stages.front().dim, options);
  if (spectrogram_) map_.emplace(frames_, stages.back().dim);
}

void FeatureOutput::draw() {
  write_picture(job_.beside.front(), plot::FeatureFigure{title_of(job_), *spectrogram_, *map_});
}

Outcome FeatureOutput::outcome(const std::vector<Features>& stages) const {
  Outcome outcome;
  const int64_t frames = frames_ * options_.repeat;
  if (options_.all_layers) outcome.fields["layers"] = layers(stages);
  outcome.fields["frames"] = frames;
  outcome.fields["dim"] = stages.front().dim;
  if (map_) set_path(outcome.fields, "plot", job_.beside.front().string());
  outcome.text =
      fmt::format("{}{} frames x {}", options_.all_layers ? fmt::format("{} layers x ", layers(stages)) : "",
                  frames, stages.front().dim);
  return outcome;
}

}  // namespace contentvec::cli
