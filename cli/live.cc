#include "cli/live.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "cli/console.h"
#include "cli/devices/devices.h"
#include "cli/fail.h"
#include "cli/folder.h"
#include "cli/live_io.h"
#include "cli/live_keys.h"
#include "cli/live_report.h"
#include "cli/signals.h"
#include "cli/voice_parts.h"
#include "contentvec/audio.h"
#include "contentvec/stream.h"

namespace contentvec::cli {
namespace {

using Clock = std::chrono::steady_clock;

struct LiveArguments : VoiceArguments {
  std::vector<std::string> voices;
  std::string input;
  std::string output;
  bool is_monitored = false;
  std::string monitor;
  int rate = 0;
  std::string encoding = "s16";
  bool list_devices = false;
  bool paced = false;
  std::string record;
  std::string stats;
  double block = 250;
  double extra = 2500;
  double stream_crossfade = 50;
  double search = 10;
  std::string quality = "exact";
  std::optional<double> context;
  double gate = -60;
  std::string denoise;
  bool bypass = false;
};

constexpr const char* kPipe = "-";
constexpr int kStandardRate = 48000;

/// What a side of the stream is, by its name.
bool is_file(const std::string& name) {
  if (name.empty() || name == kPipe) return false;
  const std::string ending = std::filesystem::path(name).extension().string();
  const bool is_word = ending.size() > 1 && std::all_of(ending.begin() + 1, ending.end(),
                                                        [](unsigned char c) { return std::isalnum(c) != 0; });
  std::error_code ignored;
  return is_word || name.find('/') != std::string::npos || std::filesystem::exists(name, ignored);
}
bool is_device(const std::string& name) {
  return name != kPipe && !is_file(name);
}

/// The devices that speak and are heard, where they are devices.
struct Devices {
  std::optional<AudioDevice> input;
  std::optional<AudioDevice> output;
  std::optional<AudioDevice> monitor;
};

Devices find_devices(const LiveArguments& arguments) {
  Devices devices;
  if (is_device(arguments.input)) devices.input = find_device(arguments.input, Direction::kInput);
  if (is_device(arguments.output)) devices.output = find_device(arguments.output, Direction::kOutput);
  if (!arguments.is_monitored) return devices;
  devices.monitor = find_device(arguments.monitor, Direction::kOutput);
  if (devices.output && devices.output->number == devices.monitor->number)
    throw UsageError(fmt::format("--monitor and --output are the same device, \"{}\": choose another for one",
                                 devices.output->name));
  return devices;
}

/// Whether two names are of one file, which need not be there.
bool is_same(const std::string& a, const std::string& b) {
  if (a.empty() || b.empty()) return false;
  const auto settled = [](const std::string& path) {
    std::error_code ignored;
    return std::filesystem::weakly_canonical(std::filesystem::absolute(path, ignored), ignored);
  };
  return settled(a) == settled(b);
}

/// A mistake in a name is to be known before the sound is over, and nothing that is read is written over.
void check_written(const LiveArguments& arguments, const std::string& path, const char* option) {
  const std::filesystem::path file = path;
  std::error_code ignored;
  std::vector<std::string> reads = {arguments.input, arguments.model, arguments.pitch_model, arguments.index};
  reads.insert(reads.end(), arguments.voices.begin(), arguments.voices.end());
  for (const std::string& read : reads) {
    if (!read.empty() && std::filesystem::equivalent(file, read, ignored))
      throw UsageError(
          fmt::format("{} {} would be written over, and is to be read: choose another file", option, path));
  }
  if (std::filesystem::is_directory(file, ignored))
    throw UsageError(fmt::format("{} {} is a folder: expected a file's name", option, path));
  if (file.has_parent_path() && !std::filesystem::is_directory(file.parent_path(), ignored))
    fail("{} {}: there is no folder {}; make it first", option, path, file.parent_path().string());
}

void check_sound(const LiveArguments& arguments, const std::string& path, const char* option) {
  const std::string ending = ending_of(path);
  if (ending != ".wav" && ending != ".flac")
    throw UsageError(fmt::format("{} {}: expected a file that ends in .wav or .flac", option, path));
  check_written(arguments, path, option);
}

/// What is written, and that no two of it are one file.
void check_outputs(const LiveArguments& arguments) {
  if (is_file(arguments.output)) check_sound(arguments, arguments.output, "--output");
  if (!arguments.record.empty()) check_sound(arguments, arguments.record, "--record");
  if (arguments.stats == kPipe) throw UsageError("--stats -: expected a file's name");
  if (!arguments.stats.empty()) check_written(arguments, arguments.stats, "--stats");
  if (is_same(arguments.record, arguments.output))
    throw UsageError(fmt::format("--record {} is --output's file, which has the same in it: leave it out",
                                 arguments.record));
  if (is_same(arguments.stats, arguments.output) || is_same(arguments.stats, arguments.record))
    throw UsageError(fmt::format("--stats {} is the file of the sound: choose another", arguments.stats));
}

void check_arguments(const LiveArguments& arguments) {
  if (arguments.voices.empty())
    throw UsageError("--voice is required: the voice that speaks (see `contentvec live --help`)");
  if (arguments.output == kPipe && isatty(STDOUT_FILENO) == 1)
    throw UsageError(
        "--output - writes samples to standard output, which is a terminal: lead it into a program or file");
  if (arguments.input == kPipe && isatty(STDIN_FILENO) == 1)
    throw UsageError(
        "--input - reads samples from standard input, which is a terminal: lead a program or file into it");
  check_outputs(arguments);
  if (arguments.rate % 100 != 0)
    throw UsageError(fmt::format("--rate {}: expected a multiple of 100", arguments.rate));
  if (arguments.paced && !is_file(arguments.input))
    throw UsageError("--paced is for files: pipes and devices have a pace of their own");
}

bool streams_take(double rate) {
  return std::fmod(rate, 100) == 0 && rate >= 8000 && rate <= 192'000;
}

/// A file's sound, read before the models are loaded, and once: a pipe that has a name gives it once.
std::optional<AudioChannels> read_recording(const LiveArguments& arguments) {
  if (!is_file(arguments.input)) return std::nullopt;
  AudioChannels recording = read_audio_channels(arguments.input);
  warning_lines(recording.warnings);
  return recording;
}

/// What is asked for, else a device's or a file's own where a stream can have it.
int settle_rate(const LiveArguments& arguments, const Devices& devices,
                const std::optional<AudioChannels>& recording) {
  if (arguments.rate != 0) return arguments.rate;
  if (arguments.input == kPipe) return kStandardRate;
  for (const std::optional<AudioDevice>& device : {devices.input, devices.output, devices.monitor})
    if (device && streams_take(device->rate)) return static_cast<int>(device->rate);
  return recording && streams_take(recording->rate) ? recording->rate : kStandardRate;
}

/// A stream goes by tens of milliseconds.
void note_if_rounded(const char* option, double ms) {
  if (const double rounded = 10 * std::round(ms / 10); rounded != ms)
    note_line(fmt::format("contentvec: note: {} {:g} is {:g} ms: lengths are rounded to 10 ms", option, ms,
                          rounded));
}

/// What is not as it was asked for.
void say_of_lengths(const LiveArguments& arguments) {
  note_if_rounded("--block", arguments.block);
  note_if_rounded("--extra", arguments.extra);
  note_if_rounded("--crossfade", arguments.stream_crossfade);
  note_if_rounded("--search", arguments.search);
  if (arguments.quality != "fast")
    warn_if_idle("--fast-context", arguments.context.has_value(), "it is for --quality fast");
  else
    note_if_rounded("--fast-context", arguments.context.value_or(0));
}

StreamOptions stream_options_of(const LiveArguments& arguments, int rate) {
  return {.rate = rate,
          .block_ms = arguments.block,
          .extra_ms = arguments.extra,
          .crossfade_ms = arguments.stream_crossfade,
          .search_ms = arguments.search,
          .quality = arguments.quality == "fast" ? StreamQuality::kFast : StreamQuality::kExact,
          .fast_context_ms = arguments.context.value_or(StreamOptions().fast_context_ms),
          .pitch_threshold = arguments.threshold,
          .seed = arguments.seed.value_or(0),
          .settings = {.key = arguments.key,
                       .formant = arguments.formant,
                       .speaker = arguments.speaker,
                       .index_rate = arguments.index_rate.value_or(kIndexRate),
                       .protect = arguments.protect.value_or(0.5F),
                       .rms_mix_rate = arguments.rms_mix_rate.value_or(1),
                       .gate_db = arguments.gate,
                       .denoise_input = arguments.denoise == "input" || arguments.denoise == "both",
                       .denoise_output = arguments.denoise == "output" || arguments.denoise == "both",
                       .unvoiced = unvoiced_of(arguments.unvoiced),
                       .bypass = arguments.bypass}};
}

/// All that may speak: a key goes from one to the next.
std::vector<Speaker> load_voices(const LiveArguments& arguments, float index_rate) {
  std::vector<Speaker> voices;
  for (const std::string& voice : arguments.voices) {
    voices.push_back(load_speaker(voice, arguments, index_rate));
    warn_of_idle_options(arguments, voices.back().voice.info(), voices.back().index.has_value());
  }
  return voices;
}

VoiceStream make_stream(const LiveArguments& arguments, const Speaker& first, const StreamOptions& options) {
  const VoiceInfo& info = first.voice.info();
  std::optional<PitchEstimator> estimator = load_estimator(arguments, info);
  return {load_model(arguments, info), std::move(estimator), first.voice, first.retriever, options};
}

RawEncoding encoding_of(const LiveArguments& arguments) {
  return arguments.encoding == "float" ? RawEncoding::kFloat : RawEncoding::kS16;
}

/// A device's comes last, once the stream can take what it hears.
std::unique_ptr<LiveSource> open_input(const LiveArguments& arguments, const Devices& devices,
                                       const std::optional<AudioChannels>& recording,
                                       const VoiceStream& stream) {
  if (recording) return recording_input(*recording, stream.rate());
  if (!devices.input) return raw_input(encoding_of(arguments));
  return device_input(*devices.input, stream.rate(), static_cast<size_t>(stream.block()));
}

/// A device that hears what the output does. Without it the sound goes on.
class Monitor final : public LiveSink {
 public:
  explicit Monitor(std::unique_ptr<LiveSink> device) : device_(std::move(device)) {}
  void write(std::span<const float> block) override {
    attempt([&] { device_->write(block); });
  }
  void finish() override {
    attempt([&] { device_->finish(); });
  }
  [[nodiscard]] SideStats stats() const override { return device_->stats(); }

 private:
  template <typename Action>
  void attempt(Action action) {
    try {
      if (!is_lost_) action();
    } catch (const Error& error) {
      is_lost_ = true;
      warning_line(fmt::format("nothing is monitored any more: {}", error.what()));
    }
  }

  std::unique_ptr<LiveSink> device_;
  bool is_lost_ = false;
};

/// Where the sound goes: the output, what records it, and what monitors it. Where the input has no pace of its own, the
/// first device sets it.
std::vector<std::unique_ptr<LiveSink>> open_outputs(const LiveArguments& arguments, const Devices& devices,
                                                    const VoiceStream& stream) {
  const auto block = static_cast<size_t>(stream.block());
  const WhenFull when_full = devices.input || arguments.paced ? WhenFull::kSkip : WhenFull::kWait;
  std::vector<std::unique_ptr<LiveSink>> sinks;
  if (devices.output)
    sinks.push_back(device_output(*devices.output, stream.rate(), block, when_full));
  else if (arguments.output == kPipe)
    sinks.push_back(raw_output(encoding_of(arguments)));
  else
    sinks.push_back(file_output(arguments.output, stream.rate()));
  if (!arguments.record.empty()) sinks.push_back(file_output(arguments.record, stream.rate()));
  if (devices.monitor)
    sinks.push_back(std::make_unique<Monitor>(
        device_output(*devices.monitor, stream.rate(), block, devices.output ? WhenFull::kSkip : when_full)));
  return sinks;
}

/// Runs the stream until its input ends, and as much longer as it takes until all of it has been heard.
void run_stream(VoiceStream& stream, const LiveKeys& keys, LiveSource& source,
                std::span<const std::unique_ptr<LiveSink>> sinks, bool paced) {
  const auto size = static_cast<size_t>(stream.block());
  std::vector<float> block(size);
  LiveDisplay display(stream);
  const Clock::time_point begin = Clock::now();
  const auto lasts = std::chrono::duration<double>(block_ms(stream) / 1000);
  // What is put out is later than what was taken in by this.
  auto left = static_cast<size_t>(stream.latency() - stream.block());
  bool is_over = false;
  for (int64_t number = 1; !is_over || left > 0; ++number) {
    size_t heard = is_over ? 0 : source.read(block);
    std::fill(block.begin() + static_cast<std::ptrdiff_t>(heard), block.end(), 0.0F);
    if (heard < size) {  // the end, and of what follows as much as is left
      is_over = true;
      const size_t more = std::min(left, size - heard);
      left -= more;
      heard += more;
      if (heard == 0) return;
    }
    if (paced)
      std::this_thread::sleep_until(begin + std::chrono::duration_cast<Clock::duration>(lasts * number));
    if (stream.process(block, block) == StreamStatus::kFailed)
      warning_line(fmt::format("a block is silent: {}", stream.error()));
    for (const auto& sink : sinks) sink->write(std::span(block).first(heard));
    display.update({source.stats(), sinks.front()->stats(), {}}, keys.has_index());
  }
}

/// Does what may fail for a device, a pipe or a file, and says so: what was heard until then is kept.
template <typename Action>
bool succeeds(Action action) {
  try {
    action();
    return true;
  } catch (const Error& error) {
    error_line(error.what());
    return false;
  }
}

int list_devices() {
  const std::vector<AudioDevice> devices = audio_devices();
  if (devices.empty()) note_line("contentvec: there is no sound device: see whether the sound server runs");
  for (const AudioDevice& device : devices)
    if (!print_line(fmt::format("{:3}  {}  ({}, {} in, {} out, {:.0f} Hz{}{})", device.number, device.name,
                                device.system, device.inputs, device.outputs, device.rate,
                                device.default_input ? ", standard input" : "",
                                device.default_output ? ", standard output" : "")))
      return kFailed;
  return kDone;
}

int run(LiveArguments arguments) {
  if (arguments.list_devices) return list_devices();
  check_arguments(arguments);
  check_cpu_device(arguments.device, "a stream");
  arguments.device = "cpu";
  say_of_lengths(arguments);
  const Devices devices = find_devices(arguments);
  std::optional<AudioChannels> recording = read_recording(arguments);
  const StreamOptions options = stream_options_of(arguments, settle_rate(arguments, devices, recording));
  const std::vector<Speaker> voices = load_voices(arguments, options.settings.index_rate);
  VoiceStream stream = make_stream(arguments, voices.front(), options);
  const std::unique_ptr<LiveSource> source = open_input(arguments, devices, recording, stream);
  recording.reset();  // the source has its sound
  const std::vector<std::unique_ptr<LiveSink>> sinks = open_outputs(arguments, devices, stream);
  stop_on_signals();
  bool is_well = succeeds([&] {
    const LiveKeys keys(stream, voices);
    run_stream(stream, keys, *source, sinks, arguments.paced);
  });
  // As it was while the sound went through: nobody reads the input while the rest of the output is heard.
  const Sides sides = {source->stats(), sinks.front()->stats(),
                       devices.monitor ? sinks.back()->stats() : SideStats()};
  for (const auto& sink : sinks) is_well = succeeds([&] { sink->finish(); }) && is_well;
  summarise(stream, sides, arguments.stats);
  return is_well ? kDone : kFailed;
}

void add_sides(Options& options, LiveArguments& a) {
  options
      .add(
          "--voice", a.voices,
          fmt::format(
              "The voice, as convert takes it; several times for more, of which v speaks with the next. Keys, "
              "on a terminal: {}",
              kLiveKeys),
          "FILE")
      ->allow_extra_args(false);
  options.add(
      "--input", a.input,
      "What is spoken: a device's number or part of its name (default: the system's own), - for samples from "
      "standard input, or an audio file, as fast as it goes",
      "DEVICE|FILE|-");
  options.add(
      "--output", a.output,
      "Where it is heard: a device (default: the system's own), - for samples to standard output, block by "
      "block, or a .wav or .flac file",
      "DEVICE|FILE|-");
  options
      .add(
          "--rate", a.rate,
          "Samples per second of both, a multiple of 100 (default: a device's or file's own; of a pipe 48000)",
          "HZ")
      ->check(number_in(8000, 192000));
  options
      .add("--encoding", a.encoding,
           "Of samples in pipes, mono: s16 (default), 16-bit integers; or float, 32-bit", "TYPE")
      ->check(one_of({"s16", "float"}));
  options.add("--record", a.record, "Also write what is heard to a .wav or .flac file", "FILE");
  options.add("--stats", a.stats, "Write how long blocks took to a file, as JSON, when the sound has ended",
              "FILE");
}

void add_blocks(Options& options, LiveArguments& a) {
  options.add("--block", a.block, "Milliseconds converted at a time, 20 to 2000 (default: 250)", "MS")
      ->check(number_in(20.0, 2000.0));
  options.add("--extra", a.extra, "Milliseconds heard before them, 0 to 10000 (default: 2500)", "MS")
      ->check(number_in(0.0, 10000.0));
  options
      .add("--crossfade", a.stream_crossfade, "Milliseconds from block to block, 10 to 500 (default: 50)",
           "MS")
      ->check(number_in(10.0, 500.0));
  options
      .add("--search", a.search,
           "Milliseconds in which a block may begin where it fits best, 10 to 100 (default: 10)", "MS")
      ->check(number_in(10.0, 100.0));
  options
      .add("--quality", a.quality,
           "exact (default): RVC's own result; fast: half the time, features of a shorter context", "WHAT")
      ->check(one_of({"exact", "fast"}));
  options
      .add("--fast-context", a.context, "Milliseconds that fast hears before a block (default: 750)", "MS")
      ->check(number_in(0.0, 10000.0));
  options
      .add("--gate", a.gate, "What is less loud is silence to the voice; dB, -60 (nothing is, default) to 0",
           "DB")
      ->check(number_in(-60.0, 0.0));
  options
      .add("--denoise", a.denoise,
           "Take steady noise out of the input, of the output (what the voice makes of it), or of both",
           "WHAT")
      ->check(one_of({"input", "output", "both"}));
}

}  // namespace

Command add_live(CLI::App& app) {
  CLI::App* parser = app.add_subcommand("live", "Convert a voice as it is spoken, block by block");
  const auto a = std::make_shared<LiveArguments>();
  Options options(*parser);
  add_sides(options, *a);
  CLI::Option* const monitor =
      options
          .add(
              "--monitor", a->monitor,
              "Let another device be heard, too, or where none is named the system's own: headphones, while the "
              "output is a virtual cable or a file",
              "DEVICE")
          ->expected(0, 1);
  parser->add_flag("--list-devices", a->list_devices, "Print the sound devices and stop");
  parser->add_flag("--paced", a->paced, "Play an audio file at its own speed");
  add_blocks(options, *a);
  parser->add_flag("--bypass", a->bypass, "Let the input be heard, as late as the voice would be");
  add_voice_parts(options, *a);
  add_pitch(options, *a);
  add_retrieval(options, *a, "0.5");
  add_sound(options, *a, 12);
  add_seed(options, *a, "0");
  add_speed(options, *a);
  add_cpu_device(*parser, a->device, "a stream");
  return {parser, [a, monitor] {
            a->is_monitored = monitor->count() > 0;
            return run(*a);
          }};
}

}  // namespace contentvec::cli
