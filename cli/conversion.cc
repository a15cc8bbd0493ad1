#include "cli/conversion.h"

#include <fmt/format.h>

#include <array>
#include <filesystem>
#include <memory>
#include <utility>
#include <vector>

#include "cli/console.h"
#include "cli/fail.h"
#include "cli/picture.h"
#include "cli/pitch_output.h"
#include "contentvec/audio.h"

namespace contentvec::cli {
namespace {

constexpr size_t kMostChannels = 8;  // as FLAC has

/// What a recording has become.
struct Result {
  std::vector<std::vector<float>> channels;
  int rate = 0;
  std::vector<float>
      f0;  ///< as found or given, Hz for each 10 ms; of the first channel where each has its own
};

std::string voice_name(const Conversion& conversion) {
  return utf8_text(std::filesystem::path(conversion.converter.voice().info().source).filename().string());
}

/// A float32 with the digits that tell it from others: 0.4, where a double would be 0.4000000059604645.
nlohmann::ordered_json number_of(float value) {
  return nlohmann::ordered_json::parse(fmt::format("{}", value));
}

Outcome outcome_of(const Result& result, const Conversion& conversion) {
  const size_t samples = result.channels.front().size();
  Outcome outcome;
  outcome.fields["sample_rate"] = result.rate;
  outcome.fields["channels"] = result.channels.size();
  outcome.fields["samples"] = samples;
  outcome.fields["seed"] = conversion.options.seed;
  if (conversion.index) {
    set_path(outcome.fields, "index", *conversion.index);
    outcome.fields["index_rate"] = number_of(conversion.options.index_rate);
  }
  outcome.text = fmt::format("{:.2f} s at {} Hz",
                             static_cast<double>(samples) / static_cast<double>(result.rate), result.rate);
  if (result.f0.empty()) return outcome;
  const Voicing voicing = voicing_of(result.f0);
  outcome.fields["voiced"] = voicing.frames;
  if (voicing.median_hz) {
    outcome.fields["median_hz"] = number_of(*voicing.median_hz);
    outcome.text += fmt::format(", median pitch {:.0f} Hz", *voicing.median_hz);
  } else {
    outcome.text += ", no pitch in it";
  }
  return outcome;
}

/// Recording and result, each with its pitch: what was found, and what the voice was given.
void write_plot(const Result& result, const Conversion& conversion, const Job& job,
                const std::vector<float>& recording) {
  const double key = conversion.options.key;
  std::vector<float> given = result.f0;
  shift_semitones(given, key);
  std::vector<float> both = result.f0;
  both.insert(both.end(), given.begin(), given.end());
  const plot::FrequencyRange range = plot::range_for(both);
  const std::array panels = {
      plot::Panel{.title = title_of(job),
                  .spectrogram = plot::spectrogram_of(recording, kSampleRate, range),
                  .f0 = result.f0,
                  .f0_label = "pitch; gaps: unvoiced"},
      plot::Panel{.title = fmt::format("converted to {}", voice_name(conversion)),
                  .spectrogram = plot::spectrogram_of(result.channels.front(), result.rate, range),
                  .f0 = given,
                  .f0_label = key == 0 ? "the same pitch" : fmt::format("the same, {:+g} semitones", key)}};
  write_picture(job.beside.front(), panels);
}

Outcome write_result(const Result& result, const Conversion& conversion, const Job& job,
                     const std::vector<float>& recording) {
  const std::vector<std::span<const float>> channels(result.channels.begin(), result.channels.end());
  write_converted(job.output, channels, conversion.file);
  Outcome outcome = outcome_of(result, conversion);
  if (conversion.plot) {
    write_plot(result, conversion, job, recording);
    set_path(outcome.fields, "plot", job.beside.front().string());
  }
  return outcome;
}

/// The channels as they are to be converted, one after the other.
std::vector<std::span<const float>> channels_of(const Recording& recording) {
  if (recording.channels.empty()) return {recording.waveform};
  if (recording.channels.size() > kMostChannels) {
    fail(
        "it has {} channels, and {} are the most that are converted each: --channels mono converts their mean",
        recording.channels.size(), kMostChannels);
  }
  return {recording.channels.begin(), recording.channels.end()};
}

Result convert_channels(const Conversion& conversion, const Recording& recording,
                        const std::function<void(double)>& done) {
  const std::vector<std::span<const float>> channels = channels_of(recording);
  ConvertOptions options = conversion.options;
  Result result;
  const bool needs_shared = channels.size() > 1 && conversion.shared_pitch && options.f0.empty();
  if (needs_shared && conversion.converter.voice().info().pitch) {
    result.f0 = conversion.converter.estimate_pitch(recording.waveform, kSampleRate, options).f0;
    options.f0 = result.f0;
  }
  for (size_t i = 0; i < channels.size(); ++i) {
    options.progress = [&, i](double part) {
      done((static_cast<double>(i) + part) / static_cast<double>(channels.size()));
    };
    Converted converted = conversion.converter.convert(channels[i], kSampleRate, options);
    result.rate = converted.sample_rate;
    if (result.f0.empty()) result.f0 = std::move(converted.pitch.f0);
    result.channels.push_back(std::move(converted.waveform));
  }
  return result;
}

}  // namespace

Write convert_recording(const Conversion& conversion, Recording& recording,
                        const std::function<void(double)>& done) {
  const auto result = std::make_shared<const Result>(convert_channels(conversion, recording, done));
  std::vector<float> drawn = std::exchange(recording.waveform, {});
  if (!conversion.plot) drawn = {};
  return [&conversion, result, job = recording.job, drawn = std::move(drawn)] {
    return write_result(*result, conversion, *job, drawn);
  };
}

void check_existing(const Conversion& conversion, const Job& job) {
  if (conversion.plot) check_picture(job.beside.front());
  ConvertedFile expected = conversion.file;
  if (!conversion.each_channel) {
    expected.channels = 1;
  } else if (job.input != "-") {  // which is read once
    expected.channels = audio_channel_count(job.input);
  }
  check_existing(job.output, expected);
}

}  // namespace contentvec::cli
