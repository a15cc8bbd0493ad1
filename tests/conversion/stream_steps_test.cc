// A stream against the steps of ../shared/oracle-rvc/SPEC.md, section 9, written out one after the other over all of
// the input, with the library's parts called one by one.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "conversion/golden_case.h"
#include "conversion/stream_case.h"
#include "dsp/spectral_gate.h"
#include "dsp/window_resampler.h"

namespace contentvec::conversion {
namespace {

using Samples = std::vector<float>;

struct StepsCase {
  std::string name;
  StreamOptions options;
  std::string voice = "tiny-v2-48k";
  std::string pitch = "tiny-rmvpe";
  bool has_index = false;
};

int64_t hops(double ms) {
  return std::llround(ms / 10);
}

Samples resampled(const Samples& samples, int64_t from, int64_t to) {
  const dsp::WindowResampler resampler(from, to);
  Samples result(static_cast<size_t>(resampler.size(static_cast<int64_t>(samples.size()))));
  resampler.run(samples, result);
  return result;
}

/// Samples [begin, end), silence before the first.
Samples part(const Samples& samples, int64_t begin, int64_t end) {
  Samples result(static_cast<size_t>(end - begin));
  for (int64_t i = std::max<int64_t>(begin, 0); i < end; ++i)
    result[static_cast<size_t>(i - begin)] = samples[static_cast<size_t>(i)];
  return result;
}

std::vector<double> levels(const Samples& samples, int64_t hop) {
  std::vector<double> result;
  for (int64_t center = 0; center <= static_cast<int64_t>(samples.size()); center += hop) {
    double sum = 0;
    for (int64_t i = center - 2 * hop; i < center + 2 * hop; ++i) {
      if (i < 0 || i >= static_cast<int64_t>(samples.size())) continue;
      sum += std::pow(static_cast<double>(samples[static_cast<size_t>(i)]), 2);
    }
    result.push_back(std::sqrt(sum / static_cast<double>(4 * hop)));
  }
  return result;
}

/// As a block of them looks when the gate has heard `end` samples: `told` before, those of the blocks before.
void gate(const Samples& input, int64_t end, int64_t block, int64_t hop, double db, Samples& told) {
  const Samples heard = part(input, end - block - 4 * hop, end);
  const std::vector<double> level = levels(heard, hop);
  Samples fresh = part(input, end - block - 2 * hop, end);
  for (int64_t frame = 2; frame < static_cast<int64_t>(level.size()); ++frame) {
    if (20 * std::log10(std::max(level[static_cast<size_t>(frame)], 1e-5)) >= db) continue;
    for (int64_t i = (frame - 2) * hop - hop / 2; i < (frame - 2) * hop - hop / 2 + hop; ++i)
      if (i >= 0 && i < static_cast<int64_t>(fresh.size())) fresh[static_cast<size_t>(i)] = 0;
  }
  told.resize(static_cast<size_t>(end));
  for (int64_t i = 0; i < static_cast<int64_t>(fresh.size()); ++i)
    if (const int64_t at = end - block - 2 * hop + i; at >= 0)
      told[static_cast<size_t>(at)] = fresh[static_cast<size_t>(i)];
}

/// `stretch` without the noise that all of `judged` tells of.
Samples without_noise(const Samples& judged, const Samples& stretch, int64_t hop) {
  dsp::SpectralGate gate(hop, static_cast<int64_t>(judged.size()), static_cast<int64_t>(stretch.size()));
  gate.judge(judged, 0, 0);
  Samples result(stretch.size());
  gate.run(stretch, result);
  return result;
}

double sine_squared(int64_t i, int64_t count) {
  return std::pow(std::sin(std::numbers::pi / 2 * static_cast<double>(i) / static_cast<double>(count - 1)),
                  2);
}

/// Adds the newest block without noise to `told`, faded into from what was told of the `fade` samples before it, with
/// nothing behind them.
void denoise(const Samples& device, int64_t end, int64_t block, int64_t fade, int64_t window, int64_t hop,
             Samples& told) {
  const int64_t begin = end - block - fade;
  Samples fresh = without_noise(part(device, end - window, end), part(device, begin, end), hop);
  for (int64_t i = 0; i < fade; ++i) {
    const auto before = static_cast<double>(told[told.size() - static_cast<size_t>(fade - i)]);
    const double in = sine_squared(i, fade);
    float& now = fresh[static_cast<size_t>(i)];
    now = static_cast<float>(in * static_cast<double>(now) + (1 - in) * before);
  }
  told.resize(told.size() - static_cast<size_t>(fade));
  told.insert(told.end(), fresh.begin(), fresh.end());
}

double at_corner_aligned(const std::vector<double>& values, int64_t i, int64_t count) {
  const double place =
      static_cast<double>(i) * static_cast<double>(values.size() - 1) / static_cast<double>(count);
  const auto left = static_cast<size_t>(place);
  const size_t right = std::min(left + 1, values.size() - 1);
  return values[left] + (values[right] - values[left]) * (place - static_cast<double>(left));
}

/// The best place of the made block behind `tail`, which is then faded and replaced.
Samples join(Samples made, Samples& tail, int64_t block, int64_t search) {
  int64_t best = 0;
  double largest = -1e300;
  for (int64_t o = 0; o <= search; ++o) {
    double product = 0;
    double energy = 1e-8;
    for (size_t i = 0; i < tail.size(); ++i) {
      const auto y = static_cast<double>(made[static_cast<size_t>(o) + i]);
      product += y * static_cast<double>(tail[i]);
      energy += y * y;
    }
    if (product / std::sqrt(energy) <= largest) continue;
    largest = product / std::sqrt(energy);
    best = o;
  }
  made.erase(made.begin(), made.begin() + best);
  for (size_t i = 0; i < tail.size(); ++i) {
    const double in = sine_squared(static_cast<int64_t>(i), static_cast<int64_t>(tail.size()));
    made[i] = static_cast<float>(in * static_cast<double>(made[i]) + (1 - in) * static_cast<double>(tail[i]));
  }
  tail.assign(made.begin() + block, made.begin() + block + static_cast<int64_t>(tail.size()));
  made.resize(static_cast<size_t>(block));
  return made;
}

Samples straightforward(const StepsCase& test, const StreamParts& parts,
                        const std::optional<Retriever>& retriever, const Samples& input) {
  const StreamOptions& o = test.options;
  const StreamSettings& s = o.settings;
  const VoiceInfo& voice = parts.voice.info();
  const int64_t hop = o.rate / 100;
  const int64_t block = hops(o.block_ms);
  const int64_t crossfade = hops(o.crossfade_ms);
  const int64_t search = hops(o.search_ms);
  const int64_t extra = hops(o.extra_ms);
  const int64_t fade = std::min<int64_t>(crossfade, 4);
  const int64_t frames = extra + crossfade + search + block;
  const int64_t made_frames = block + fade + search;
  const bool gated = s.gate_db > -60;

  Samples device;  // what came, gated
  const int64_t before = frames * hop;
  Samples clean(static_cast<size_t>(before));                // the same without noise, and before it began
  Samples spoken_before(static_cast<size_t>(frames * hop));  // by the voice
  Samples window(static_cast<size_t>(frames * 160));
  Samples pitch_cache(1024);
  int64_t heard_pitch = 0;
  Samples tail(static_cast<size_t>(fade * hop));
  Samples output;
  for (int64_t number = 0; (number + 1) * block * hop <= static_cast<int64_t>(input.size()); ++number) {
    const int64_t end = (number + 1) * block * hop;
    int64_t fresh = block;
    if (gated) {
      gate(input, end, block * hop, hop, s.gate_db, device);
      fresh += 2;
    } else {
      device = part(input, 0, end);
    }
    if (s.denoise_input) {
      denoise(device, end, block * hop, fade * hop, frames * hop, hop, clean);
      fresh = block + fade;
    }
    const Samples& heard_input = s.denoise_input ? clean : device;
    const int64_t heard_end = s.denoise_input ? before + end : end;
    // The newest samples at 16 kHz, of which the first 160 only warm the filter.
    Samples newest = resampled(part(heard_input, heard_end - (fresh + 2) * hop, heard_end), o.rate, 16000);
    newest.erase(newest.begin(), newest.begin() + 160);
    std::copy(window.begin() + block * 160, window.end(), window.begin());
    const auto kept = std::min(newest.size(), window.size());
    std::copy(newest.end() - static_cast<int64_t>(kept), newest.end(),
              window.end() - static_cast<int64_t>(kept));

    // Pitch.
    int64_t listened = block * 160 + 800;
    if (test.pitch == "tiny-rmvpe") listened = 5120 * ((listened - 1) / 5120 + 1) - 160;
    listened = std::min(listened, frames * 160);
    Samples f0;
    if (voice.pitch) {
      f0 = parts.pitch.estimate(Samples(window.end() - listened, window.end())).f0;
      if (s.unvoiced == Unvoiced::kInterpolate) interpolate_unvoiced(f0);
      shift_semitones(f0, s.key - s.formant);
      std::copy(pitch_cache.begin() + block, pitch_cache.end(), pitch_cache.begin());
      std::copy(f0.begin() + 3, f0.end() - 1, pitch_cache.end() - static_cast<int64_t>(f0.size()) + 4);
      heard_pitch = std::max(heard_pitch + block, static_cast<int64_t>(f0.size()) - 4);
      f0.assign(pitch_cache.end() - frames, pitch_cache.end());
    }

    // Features, of the whole window.
    Features own = parts.model.extract(window, {.normalize = Normalize::kOff});
    own.data.insert(own.data.end(), own.data.end() - own.dim, own.data.end());
    ++own.frames;
    Features blended = own;
    if (retriever && s.index_rate > 0) {
      Features looked_up = {
          own.frames - extra / 2, own.dim, {own.data.begin() + extra / 2 * own.dim, own.data.end()}};
      looked_up = retriever->blend(looked_up, s.index_rate);
      std::copy(looked_up.data.begin(), looked_up.data.end(), blended.data.begin() + extra / 2 * own.dim);
    }
    Samples phone;
    for (int64_t frame = 0; frame < frames; ++frame) {
      const float keep =
          voice.pitch && f0[static_cast<size_t>(frame)] < 1 && s.protect < 0.5F ? s.protect : 1;
      for (int64_t c = 0; c < own.dim; ++c) {
        const auto at = static_cast<size_t>(frame / 2 * own.dim + c);
        phone.push_back(keep == 1 ? blended.data[at] : keep * blended.data[at] + (1 - keep) * own.data[at]);
      }
    }

    // Synthesis, stretched where formants are shifted, and played back as much faster.
    const double factor = std::pow(2, s.formant / 12);
    const auto stretched = static_cast<int64_t>(std::ceil(static_cast<double>(made_frames) * factor));
    Samples audio = parts.voice.synthesize(
        {.features = phone,
         .f0 = f0,
         .speaker = s.speaker,
         .seed = o.seed,
         .piece = number,
         .skip_frames = extra,
         .keep_frames = made_frames,
         .stretch_to = stretched,
         .unheard_frames = std::max<int64_t>(0, frames - heard_pitch),
         .source_pitch = static_cast<double>(stretched) / static_cast<double>(made_frames)});
    const auto stretched_hop = static_cast<int64_t>(std::floor(factor * voice.sample_rate / 100));
    if (stretched_hop != voice.sample_rate / 100) {
      audio.resize(static_cast<size_t>(made_frames * stretched_hop));
      audio = resampled(audio, stretched_hop, voice.sample_rate / 100);
    }
    audio = resampled(audio, voice.sample_rate, o.rate);

    if (s.denoise_output) {
      spoken_before.erase(spoken_before.begin(), spoken_before.begin() + block * hop);
      spoken_before.insert(spoken_before.end(), audio.end() - block * hop, audio.end());
      audio = without_noise(spoken_before, audio, hop);
    }
    if (s.rms_mix_rate < 1) {
      const int64_t begin = heard_end - (crossfade + search + block) * hop;
      const std::vector<double> wanted = levels(part(heard_input, begin, begin + made_frames * hop), hop);
      const std::vector<double> found = levels(audio, hop);
      const auto count = static_cast<int64_t>(audio.size());
      for (int64_t i = 0; i < count; ++i) {
        const double ratio =
            at_corner_aligned(wanted, i, count) / std::max(at_corner_aligned(found, i, count), 1e-3);
        audio[static_cast<size_t>(i)] *=
            static_cast<float>(std::pow(ratio, 1 - static_cast<double>(s.rms_mix_rate)));
      }
    }
    const Samples heard = join(audio, tail, block * hop, search * hop);
    output.insert(output.end(), heard.begin(), heard.end());
  }
  return output;
}

class StreamStepsTest : public testing::TestWithParam<StepsCase> {};

TEST_P(StreamStepsTest, AreThoseOfTheReference) {
  const StepsCase& test = GetParam();
  if (test.has_index && !test::has_faiss()) GTEST_SKIP() << "this build reads no indexes";
  const StreamParts parts(test.voice, 2, test.pitch);
  std::optional<Retriever> retriever;
  if (test.has_index) {
    const Samples other = spoken(4, 16000);
    retriever = Retriever::build(parts.model.extract(other, {.normalize = Normalize::kOff}).data, 768);
  }
  const Samples input = spoken(1.3 + 3 * test.options.block_ms / 1000, test.options.rate);
  VoiceStream stream(parts.model, parts.pitch, parts.voice, retriever, test.options);
  const Samples output = run(stream, input);
  const Samples expected = straightforward(test, parts, retriever, input);
  ASSERT_EQ(output.size(), expected.size());
  ASSERT_FALSE(output.empty());
  for (size_t i = 0; i < output.size(); ++i) ASSERT_NEAR(output[i], expected[i], 1e-5F) << i;
}

StreamOptions with(int rate, double block_ms, StreamSettings settings = {}, double extra_ms = 500) {
  return {.rate = rate, .block_ms = block_ms, .extra_ms = extra_ms, .seed = 5, .settings = settings};
}

INSTANTIATE_TEST_SUITE_P(
    Cases, StreamStepsTest,
    testing::Values(
        StepsCase{"48k_250ms", with(48000, 250, {.key = 3}, 2500)}, StepsCase{"16k_50ms", with(16000, 50)},
        StepsCase{"44k_100ms", with(44100, 100, {.key = -2})}, StepsCase{"96k_1s", with(96000, 1000)},
        StepsCase{"formants_up", with(48000, 130, {.key = 2, .formant = 3})},
        StepsCase{"formants_down", with(44100, 200, {.formant = -5.5})},
        StepsCase{"gated", with(44100, 90, {.gate_db = -35})},
        StepsCase{"gated_short_window", with(16000, 20, {.gate_db = -20}, 0)},
        StepsCase{"loudness", with(48000, 250, {.rms_mix_rate = 0.25F})},
        StepsCase{"loudness_gated", with(16000, 110, {.rms_mix_rate = 0, .gate_db = -35})},
        StepsCase{"denoised", with(44100, 90, {.denoise_input = true, .denoise_output = true})},
        StepsCase{"denoised_gated_loudness",
                  with(16000, 110, {.rms_mix_rate = 0, .gate_db = -35, .denoise_input = true})},
        StepsCase{"denoised_short_window",
                  with(16000, 20, {.denoise_input = true, .denoise_output = true}, 0)},
        StepsCase{"unvoiced_kept", with(16000, 100, {.unvoiced = Unvoiced::kKeep})},
        StepsCase{"index", with(16000, 200, {.index_rate = 0.6F}), "tiny-v2-48k", "tiny-rmvpe", true},
        StepsCase{"index_protected", with(16000, 200, {.protect = 0.2F, .unvoiced = Unvoiced::kKeep}),
                  "tiny-v2-48k", "tiny-rmvpe", true},
        StepsCase{"fcpe", with(16000, 100), "tiny-v2-48k", "tiny-fcpe"},
        StepsCase{"without_pitch", with(48000, 100), "tiny-v2-32k-nono"},
        StepsCase{"voice_of_24k", with(48000, 100), "tiny-v2-24k-resblock2"}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace contentvec::conversion
