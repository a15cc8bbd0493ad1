#include "synthesizer/synthesizer.h"

#include <algorithm>
#include <cmath>

#include "contentvec/pitch.h"
#include "nn/time_rows.h"
#include "runtime/fail.h"
#include "runtime/finite.h"
#include "synthesizer/resize.h"

namespace contentvec::synthesizer {
namespace {

constexpr int64_t kFlowContext = 24;      // frames before the first that is kept, which the flow sees
constexpr double kTemperature = 0.66666;  // of the latent's noise
constexpr double kEncoderShare = 0.03;    // of the work, before the generator begins

/// Shows columns [first, first + width) of rows with a stride.
void show(const Generator::Observe& observe, std::string_view stage, const float* rows, int64_t count,
          int64_t stride, int64_t width) {
  if (!observe) return;
  std::vector<float> values;
  for (int64_t row = 0; row < count; ++row)
    values.insert(values.end(), rows + row * stride, rows + row * stride + width);
  observe(stage, values.data(), count, width);
}

/// The generator would make finite samples of anything, since it ends in tanh.
void check_latent(std::span<const float> z) {
  if (const auto place = first_non_finite(z)) {
    fail(
        "the voice's latent is {}: its weights overflow float32 on these features; check that they are of the stage "
        "that it takes, and the file is not damaged",
        z[*place]);
  }
}

}  // namespace

Synthesizer::Synthesizer(const nn::Kernels& kernels, const tensors::NamedTensors& tensors,
                         const VoiceConfig& config, const nn::Packers& packers)
    : config_(config),
      encoder_(kernels, tensors, config),
      flow_(kernels, tensors, config, packers),
      source_(config.f0 ? std::optional<Source>(std::in_place, tensors, config) : std::nullopt),
      generator_(kernels, tensors, config, packers),
      speakers_(tensors.read("emb_g.weight")) {}

FrameRange Synthesizer::frame_range(const VoiceInput& input) const {
  const int64_t frames = static_cast<int64_t>(input.features.size()) / config_.phone_channels;
  const int64_t count = input.keep_frames < 0 ? frames - input.skip_frames : input.keep_frames;
  const int64_t stretch = input.stretch_to < 0 ? count : input.stretch_to;
  return {.frames = frames,
          .head = std::max<int64_t>(input.skip_frames - kFlowContext, 0),
          .begin = input.skip_frames,
          .count = count,
          .stretch = stretch,
          .wanted = {input.drop_first, stretch - input.drop_last}};
}

/// workspace.statistics of the frames that the flow sees.
void Synthesizer::encode(const nn::Context& context, Workspace& w, const VoiceInput& input,
                         const FrameRange& range, const Generator::Observe& observe) const {
  const int64_t inter = config_.inter_channels;
  const int64_t count = range.frames - range.head;
  TextEncoder::Observe observe_encoder;
  if (observe) {
    observe_encoder = [&](std::string_view stage, const float* rows, int64_t stride, int64_t width) {
      show(observe, stage, rows, range.frames, stride, width);
    };
  }
  float* statistics = w.statistics.reserve(count * 2 * inter);
  w.pitch.resize(input.f0.size());
  coarse_pitch(input.f0, w.pitch);
  std::fill_n(w.pitch.begin(), std::min(input.unheard_frames, static_cast<int64_t>(w.pitch.size())), 0);
  encoder_.run(context, w.encoder, input.features, w.pitch, range.head, statistics, observe_encoder);
  show(observe, "m", statistics, count, 2 * inter, inter);
  show(observe, "logs", statistics + inter, count, 2 * inter, inter);
}

/// workspace.latent = m + exp(logs) noise temperature
void Synthesizer::sample_latent(const nn::Context& context, Workspace& w, const VoiceInput& input,
                                const FrameRange& range) const {
  const int64_t inter = config_.inter_channels;
  const int64_t count = range.frames - range.head;
  const Noise noise(input.latent_noise, "noise.z", input.seed, input.piece);
  float* latent = w.latent.reserve(count * inter);
  nn::in_parts(context, count, [&](int64_t begin, int64_t end, int64_t) {
    noise.fill(begin * inter, {latent + begin * inter, static_cast<size_t>((end - begin) * inter)});
    for (int64_t row = begin; row < end; ++row) {
      const float* m = w.statistics.data() + row * 2 * inter;
      const float* logs = m + inter;
      float* z = latent + row * inter;
      for (int64_t i = 0; i < inter; ++i) {
        const double deviation = std::exp(static_cast<double>(logs[i])) * kTemperature;
        z[i] = static_cast<float>(static_cast<double>(m[i]) + deviation * static_cast<double>(z[i]));
      }
    }
  });
}

std::span<const float> Synthesizer::run_source(const nn::Context& context, Workspace& w,
                                               const VoiceInput& input, const FrameRange& range,
                                               const Generator::Observe& observe) const {
  if (!source_) return {};
  const int64_t per_frame = config_.samples_per_frame();
  const int64_t samples = range.count * per_frame;
  const Noise noise(input.source_noise, "noise.source", input.seed, input.piece);
  const auto frames = input.f0.subspan(static_cast<size_t>(range.begin), static_cast<size_t>(range.count));
  w.f0.assign(frames.begin(), frames.end());
  for (float& hz : w.f0) hz = static_cast<float>(static_cast<double>(hz) * input.source_pitch);
  float* source = w.source.reserve(samples);
  source_->run(context, w.f0, noise, source, w.phases);
  show(observe, "har_source", source, samples, 1, 1);
  if (range.stretch != range.count) {
    float* stretched = w.stretched_source.reserve(range.stretch * per_frame);
    resize(context, source, samples, 1, stretched, range.stretch * per_frame);
    source = stretched;
  }
  return {source, static_cast<size_t>(range.stretch * per_frame)};
}

void Synthesizer::run(const nn::Context& context, Workspace& w, const VoiceInput& input, float* audio,
                      const Generator::Observe& observe) const {
  const int64_t inter = config_.inter_channels;
  const FrameRange range = frame_range(input);
  const std::span<const float> speaker = std::span(speakers_).subspan(
      static_cast<size_t>(input.speaker * config_.gin_channels), static_cast<size_t>(config_.gin_channels));
  const auto progress = [&](double done) {
    if (input.progress) input.progress(done);
  };
  progress(0);
  encode(context, w, input, range, observe);
  sample_latent(context, w, input, range);
  float* z = w.latent.data();
  show(observe, "z_p", z, range.frames - range.head, inter, inter);
  flow_.run(context, w.flow, z, range.frames - range.head, speaker);
  z += (range.begin - range.head) * inter;
  check_latent({z, static_cast<size_t>(range.count * inter)});
  show(observe, "z", z, range.count, inter, inter);
  const std::span<const float> source = run_source(context, w, input, range, observe);
  if (range.stretch != range.count) {
    float* stretched = w.stretched.reserve(range.stretch * inter);
    resize(context, z, range.count, inter, stretched, range.stretch);
    z = stretched;
  }
  progress(kEncoderShare);
  generator_.run(
      context, w.generator, z, range.stretch, speaker, source, audio,
      [&](double done) { progress(kEncoderShare + (1 - kEncoderShare) * done); }, observe, range.wanted);
  progress(1);
}

}  // namespace contentvec::synthesizer
