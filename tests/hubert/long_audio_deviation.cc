// How far the features of a recording that was cut are from those of the whole one: the table in
// docs/long-audio.md.
//
//   contentvec-long-audio [MODEL [MINUTES]]        default: synthetic:base 4

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <random>
#include <vector>

#include "contentvec/contentvec.h"
#include "support.h"

namespace contentvec {
namespace {

/// Minutes of speech: the test's sentence again and again, each time at another speed, pitch and loudness,
/// with pauses between, in a little noise.
std::vector<float> speech(double minutes) {
  const std::vector<float> sentence = load_audio(test::data() / "audio" / "speech.flac");
  std::mt19937 random(1);
  std::uniform_real_distribution<float> uniform(0.0F, 1.0F);
  std::normal_distribution<float> normal(0.0F, 0.001F);
  std::vector<float> waveform;
  const auto samples = static_cast<size_t>(minutes * 60 * kSampleRate);
  while (waveform.size() < samples) {
    const float gain = 0.3F + 0.7F * uniform(random);
    for (const float x : resample(sentence, static_cast<int>(14500.0F + 3000.0F * uniform(random)))) {
      waveform.push_back(gain * x);
    }
    waveform.resize(waveform.size() + static_cast<size_t>(0.1F * kSampleRate * (1 + 7 * uniform(random))));
  }
  waveform.resize(samples);
  for (float& x : waveform) x += normal(random);
  return waveform;
}

struct Deviation {
  double relative;          ///< norm of the difference by the norm of the uncut features
  double one_in_a_hundred;  ///< cosine that 1 % of the frames fall below
  double least_cosine;      ///< of any frame
};

Deviation deviation(const Features& cut, const Features& whole) {
  double difference = 0;
  double norm = 0;
  std::vector<double> cosines;
  for (int64_t frame = 0; frame < whole.frames; ++frame) {
    double dot = 0;
    double a2 = 0;
    double b2 = 0;
    for (int64_t i = 0; i < whole.dim; ++i) {
      const auto a = static_cast<double>(cut.row(frame)[static_cast<size_t>(i)]);
      const auto b = static_cast<double>(whole.row(frame)[static_cast<size_t>(i)]);
      dot += a * b;
      a2 += a * a;
      b2 += b * b;
      difference += (a - b) * (a - b);
    }
    norm += b2;
    cosines.push_back(dot / std::sqrt(a2 * b2));
  }
  std::sort(cosines.begin(), cosines.end());
  return {std::sqrt(difference / norm), cosines[cosines.size() / 100], cosines.front()};
}

/// extract_long for several stages in one pass.
std::vector<Features> extract(const Model& model, const std::vector<float>& waveform,
                              const std::vector<Stage>& stages, const LongAudioOptions& long_audio) {
  std::vector<Features> whole(stages.size());
  extract_pieces(model, waveform, stages, long_audio, {}, [&](int64_t, const std::vector<Features>& piece) {
    for (size_t i = 0; i < stages.size(); ++i) {
      whole[i].frames += piece[i].frames;
      whole[i].dim = piece[i].dim;
      whole[i].data.insert(whole[i].data.end(), piece[i].data.begin(), piece[i].data.end());
    }
  });
  return whole;
}

void compare(const Model& model, const std::vector<float>& waveform) {
  const int last = model.config().total_layers();
  const std::vector<Stage> stages = {{kProjected}, {std::min(9, last)}, {last}};
  fmt::print("| --max-seconds | overlap | pieces | projected | layer {} | layer {} |\n", stages[1].layer,
             last);
  fmt::print("| - | - | - | - | - | - |\n");
  const std::vector<Features> whole = extract(model, waveform, stages, {.max_seconds = 0});
  for (const double seconds : {60.0, 30.0, 15.0}) {
    for (const double overlap : {0.0, 1.0, 3.0}) {
      const LongAudioOptions long_audio = {.max_seconds = seconds, .overlap_seconds = overlap};
      fmt::print("| {:g} s | {:g} s | {} |", seconds, overlap,
                 cut_at_quiet_points(waveform, model.config(), long_audio).size());
      const std::vector<Features> pieces = extract(model, waveform, stages, long_audio);
      for (size_t i = 0; i < stages.size(); ++i) {
        const Deviation d = deviation(pieces[i], whole[i]);
        fmt::print(" {:.4f} / {:.4f} / {:.4f} |", d.relative, d.one_in_a_hundred, d.least_cosine);
      }
      fmt::print("\n");
      std::fflush(stdout);
    }
  }
}

}  // namespace
}  // namespace contentvec

int main(int argc, char** argv) {
  using namespace contentvec;
  try {
    const Model model = Model::load(argc > 1 ? argv[1] : "synthetic:base");
    const std::vector<float> waveform = speech(argc > 2 ? std::atof(argv[2]) : 4);
    compare(model, waveform);
  } catch (const std::exception& error) {
    fmt::print(stderr, "contentvec-long-audio: {}\n", error.what());
    return 1;
  }
}
