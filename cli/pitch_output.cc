#include "cli/pitch_output.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>

#include "cli/console.h"
#include "cli/fail.h"
#include "cli/picture.h"
#include "contentvec/audio.h"
#include "contentvec/feature_file.h"

namespace contentvec::cli {
namespace {

namespace fs = std::filesystem;

Outcome outcome_of(const Pitch& pitch) {
  const Voicing voicing = voicing_of(pitch.f0);
  Outcome outcome;
  outcome.fields["frames"] = pitch.f0.size();
  outcome.fields["voiced"] = voicing.frames;
  outcome.text = fmt::format("{} frames, {} voiced", pitch.f0.size(), voicing.frames);
  if (voicing.median_hz) outcome.text += fmt::format(", median {:.1f} Hz", *voicing.median_hz);
  return outcome;
}

/// A NumPy array of one dimension, and of `dtype`.
void check_npy(const fs::path& path, const std::string& dtype) {
  const FeatureFileInfo info = inspect_features(path, FeatureFormat::kNpy);
  if (info.dtype != dtype || info.shape.size() != 1) {
    fail("its type is '{}' and its shape [{}], expected '{}' and [frames]", info.dtype,
         fmt::join(info.shape, ", "), dtype);
  }
}

/// Text as write_pitch() writes it, to the end of a line.
void check_csv(const fs::path& path) {
  check_begins(path, "time,f0,confidence\n");
  check_ends(path, "\n");
  (void)read_pitch(path);
}

/// What was estimated, over what it was estimated from.
void write_plot(const PitchOutput& output, const Job& job, const std::vector<float>& f0,
                const std::vector<float>& waveform) {
  const plot::Panel panel = {.title = title_of(job),
                             .spectrogram = plot::spectrogram_of(waveform, kSampleRate, plot::range_for(f0)),
                             .f0 = f0,
                             .f0_label = fmt::format("pitch ({}); gaps: unvoiced", output.method)};
  write_picture(job.beside.front(), std::span(&panel, 1));
}

}  // namespace

Voicing voicing_of(const std::vector<float>& f0) {
  std::vector<float> voiced;
  std::copy_if(f0.begin(), f0.end(), std::back_inserter(voiced), [](float hz) { return hz > 0; });
  if (voiced.empty()) return {};
  const auto middle = voiced.begin() + static_cast<std::ptrdiff_t>(voiced.size() / 2);
  std::nth_element(voiced.begin(), middle, voiced.end());
  return {voiced.size(), *middle};
}

Outcome write_output(const PitchOutput& output, const Job& job, Pitch pitch,
                     const std::vector<float>& waveform) {
  Outcome outcome = outcome_of(pitch);
  if (output.for_rvc && outcome.fields["voiced"] == 0) {
    outcome.nothing_written = "no frame of it is voiced: nothing is written, as RVC does";
    return outcome;
  }
  const std::vector<float> as_estimated = output.plot ? pitch.f0 : std::vector<float>();
  if (output.interpolate) interpolate_unvoiced(pitch.f0);
  shift_semitones(pitch.f0, output.key);
  if (output.for_rvc) {
    write_pitch_for_rvc(job.output, job.beside.front(), pitch.f0);
  } else {
    write_pitch(job.output, pitch, output.format);
  }
  if (output.plot) {
    write_plot(output, job, as_estimated, waveform);
    set_path(outcome.fields, "plot", job.beside.front().string());
  }
  return outcome;
}

void check_existing(const PitchOutput& output, const Job& job) {
  if (output.for_rvc) {
    check_npy(job.output, "<i8");
    return check_npy(job.beside.front(), "<f8");
  }
  if (output.plot) check_picture(job.beside.front());
  output.format == PitchFormat::kNpy ? check_npy(job.output, "<f4") : check_csv(job.output);
}

}  // namespace contentvec::cli
