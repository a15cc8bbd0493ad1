// A stream's blocks with made-up weights of the real sizes (base, RMVPE or FCPE, RVC v2 at 48 kHz): how long each
// takes, and what share of what registers alone reach the reference's operations are done at.
//
//   contentvec-bench-stream [--block MS] [--extra MS] [--quality exact|fast] [--context MS] [--dtype f32|bf16]
//                           [--pitch rmvpe|fcpe] [--threads N] [--blocks N] [--configs FOLDER]
//   contentvec-bench-stream --features RECORDING [--model SPEC]
//
// The second compares the features of each block with those of RVC's window, for shorter ones.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "contentvec/audio.h"
#include "contentvec/error.h"
#include "contentvec/feature_stream.h"
#include "contentvec/performance.h"
#include "contentvec/stream.h"

namespace contentvec::bench {
namespace {

struct Options {
  StreamOptions stream = {};
  DType dtype = DType::kF32;
  std::string pitch = "rmvpe";
  int threads = 0;
  int blocks = 40;
  std::string features;
  std::string model = "synthetic:base";
  std::filesystem::path configs = "tests/oracle-rvc/configs";
};

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    const std::string value = argv[i + 1];
    if (name == "--block") {
      options.stream.block_ms = std::stod(value);
    } else if (name == "--extra") {
      options.stream.extra_ms = std::stod(value);
    } else if (name == "--context") {
      options.stream.fast_context_ms = std::stod(value);
    } else if (name == "--quality") {
      options.stream.quality = value == "fast" ? StreamQuality::kFast : StreamQuality::kExact;
    } else if (name == "--dtype") {
      options.dtype = value == "bf16" ? DType::kBF16 : DType::kF32;
    } else if (name == "--pitch") {
      options.pitch = value;
    } else if (name == "--threads") {
      options.threads = std::stoi(value);
    } else if (name == "--blocks") {
      options.blocks = std::max(1, std::stoi(value));
    } else if (name == "--features") {
      options.features = value;
    } else if (name == "--model") {
      options.model = value;
    } else if (name == "--configs") {
      options.configs = value;
    }
  }
  return options;
}

/// Multiplications and additions of a block as RVC computes it, in their direct form: what each part takes for a second
/// of sound, times what it is given.
double reference_flops(const Options& options, const ModelInfo& model) {
  const double block = options.stream.block_ms / 1000;
  const double tail = (std::min(options.stream.crossfade_ms, 40.0) + options.stream.search_ms) / 1000;
  const double window =
      (options.stream.extra_ms + options.stream.crossfade_ms + options.stream.search_ms) / 1000 + block;
  const double listened =
      options.pitch == "rmvpe" ? std::ceil((block + 0.05) / 0.32) * 0.32 - 0.01 : block + 0.05;
  constexpr double kRmvpe = 7.2e9;
  constexpr double kFcpe = 2.2e9;
  constexpr double kTextEncoder = 1.3e9;
  constexpr double kFlow = 1.1e9;
  constexpr double kFlowContext = 0.24;
  constexpr double kGenerator = 110e9;
  return flops(model, model.config.frames(static_cast<int64_t>(window * 16000))) +
         listened * (options.pitch == "rmvpe" ? kRmvpe : kFcpe) + window * kTextEncoder +
         (block + tail + kFlowContext) * kFlow + (block + tail) * kGenerator;
}

std::vector<float> hum(int64_t samples, int64_t from) {
  std::vector<float> values(static_cast<size_t>(samples));
  for (int64_t i = 0; i < samples; ++i) {
    const double t = static_cast<double>(from + i) / 48000;
    values[static_cast<size_t>(i)] =
        static_cast<float>(0.2 * std::sin(2 * 3.141592653589793 * (150 + 20 * std::sin(t)) * t) +
                           0.02 * std::sin(static_cast<double>((from + i) * (from + i) % 9973)));
  }
  return values;
}

double cpu_seconds() {
  timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

void run(const Options& options) {
  const auto made_up = [&](const std::string& config) {
    return "synthetic:" + (options.configs / (config + ".json")).string();
  };
  const Model model = Model::load(options.model, {.threads = options.threads, .dtype = options.dtype});
  VoiceStream stream(
      model,
      PitchEstimator::load(made_up("base-" + options.pitch),
                           {.threads = options.threads, .dtype = options.dtype}),
      Voice::load(made_up("base-v2-48k"), {.threads = options.threads, .dtype = options.dtype}), std::nullopt,
      options.stream);
  const int threads = model.threads();
  const double peak = measure_cpu_peak(DType::kF32, threads).best;
  std::vector<float> out(static_cast<size_t>(stream.block()));
  const double cpu_begin = cpu_seconds();
  for (int i = 0; i < options.blocks; ++i) {
    if (stream.process(hum(stream.block(), i * stream.block()), out) != StreamStatus::kOk) {
      throw Error(stream.error());
    }
  }
  const double cpu = (cpu_seconds() - cpu_begin) / options.blocks;
  const StreamStats stats = stream.stats();
  const double work = reference_flops(options, model.info());
  const double again = measure_cpu_peak(DType::kF32, threads).best;
  fmt::print(
      "{} {}, {}, {} threads, block {} ms, extra {} ms: mean {:.1f} ms, p99 {:.1f} ms ({:.0f} % of the block), worst "
      "{:.1f} ms, {} underruns; CPU {:.1f} ms\n",
      options.stream.quality == StreamQuality::kFast ? "fast" : "exact",
      options.dtype == DType::kBF16 ? "bf16" : "f32", options.pitch, threads, options.stream.block_ms,
      options.stream.extra_ms, stats.mean_ms, stats.p99_ms, 100 * stats.p99_ms / options.stream.block_ms,
      stats.worst_ms, stats.underruns, cpu * 1000);
  fmt::print(
      "the reference's operations, {:.1f} GFLOP, at the mean {:.0f} %, at p99 {:.0f} %, by CPU time {:.0f} % of the "
      "float32 peak of registers, {:.0f} and {:.0f} GFLOP/s\n",
      work / 1e9, work / peak / stats.mean_ms * 1e5, work / peak / stats.p99_ms * 1e5,
      100 * work / peak * threads / cpu, peak / 1e9, again / 1e9);
}

std::vector<float> features_of(const Model& model, const std::vector<float>& recording, double context_ms,
                               StreamQuality quality) {
  FeatureStream stream(model,
                       {.block_ms = 240, .context_ms = context_ms, .look_ahead_ms = 0, .quality = quality});
  stream.push(recording);
  stream.finish();
  std::vector<float> features(static_cast<size_t>(stream.ready() * stream.dim()));
  stream.pull(features);
  return features;
}

void print_cosines(const std::string& name, const std::vector<float>& features,
                   const std::vector<float>& reference, int64_t dim) {
  std::vector<double> cosines;
  for (size_t row = 0; row < features.size(); row += static_cast<size_t>(dim)) {
    double product = 0;
    double own = 0;
    double other = 0;
    for (size_t i = row; i < row + static_cast<size_t>(dim); ++i) {
      product += static_cast<double>(features[i]) * static_cast<double>(reference[i]);
      own += static_cast<double>(features[i]) * static_cast<double>(features[i]);
      other += static_cast<double>(reference[i]) * static_cast<double>(reference[i]);
    }
    cosines.push_back(product / std::sqrt(own * other));
  }
  std::sort(cosines.begin(), cosines.end());
  double mean = 0;
  for (const double cosine : cosines) mean += cosine / static_cast<double>(cosines.size());
  fmt::print(
      "{}: cosine with the exact window's, mean {:.5f}, of the worst hundredth {:.5f}, lowest {:.5f}\n", name,
      mean, cosines[cosines.size() / 100], cosines.front());
}

/// Blocks of 240 ms, whole frames of the model, of which each is heard with what was before it and nothing behind.
void compare_features(const Options& options) {
  const Model model = Model::load(options.model, {.threads = options.threads, .dtype = options.dtype});
  const std::vector<float> recording = load_audio(options.features);
  const int64_t dim = model.config().encoder_embed_dim;
  const std::vector<float> reference = features_of(model, recording, 2500, StreamQuality::kExact);
  for (const double context : {250, 500, 750, 1000, 1500, 2500}) {
    print_cosines(fmt::format("exact, {} ms before", context),
                  features_of(model, recording, context, StreamQuality::kExact), reference, dim);
    print_cosines(fmt::format("fast, {} ms before", context),
                  features_of(model, recording, context, StreamQuality::kFast), reference, dim);
  }
}

}  // namespace
}  // namespace contentvec::bench

int main(int argc, char** argv) {
  try {
    const contentvec::bench::Options options = contentvec::bench::parse(argc, argv);
    options.features.empty() ? contentvec::bench::run(options) : contentvec::bench::compare_features(options);
  } catch (const std::exception& error) {
    fmt::print(stderr, "contentvec-bench-stream: {}\n", error.what());
    return 1;
  }
  return 0;
}
