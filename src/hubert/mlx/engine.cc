#include "hubert/mlx/engine.h"

#include <mlx/backend/cuda/cuda.h>

#include <algorithm>
#include <exception>
#include <new>
#include <optional>
#include <utility>

#include "contentvec/error.h"
#include "hubert/mlx/kernel_cache.h"
#include "hubert/mlx/mlx_backend.h"
#include "hubert/mlx/precision.h"
#include "hubert/waveform.h"
#include "runtime/fail.h"

namespace contentvec::mlx {
namespace {

/// Graphs kept. Few callers have more shapes; all are let go when one has.
constexpr size_t kMostGraphs = 64;

/// MLX's errors as this library's.
template <typename Action>
void translated(const Action& action) {
  try {
    action();
  } catch (const Error&) {
    throw;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& error) {
    fail("MLX: {}", error.what());
  }
}

mx::Device device_of(bool gpu) {
  return mx::Device(gpu ? mx::Device::gpu : mx::Device::cpu);
}

/// Copying is the memory's work: a few threads have all of it.
int copying_threads() {
  return std::min(usable_cpus(), 4);
}

/// A number that MLX knows of a device by this name; 0 where it does not.
size_t number_of(mx::Device device, const std::string& name) {
  const auto& info = mx::device_info(device);
  const auto found = info.find(name);
  const auto* number = found == info.end() ? nullptr : std::get_if<size_t>(&found->second);
  return number == nullptr ? 0 : *number;
}

/// In bytes, by CUDA's name or Metal's.
size_t memory_of(mx::Device device) {
  return std::max(number_of(device, "total_memory"), number_of(device, "memory_size"));
}

/// Frames of a bucket: where there is a GPU with the memory for it, 8192, so that its products fill it. What a frame
/// takes is a few arrays of the first convolution's output, the largest of all; two buckets may be there at once, and
/// an eighth of the memory is for each.
int64_t frames_at_once(const ModelConfig& config, bool gpu) {
  const int64_t least = pass_frames(config);
  if (!gpu) return least;
  const ConvLayer& first = config.conv_layers.front();
  const int64_t bytes = config.hop() / first.stride * first.dim * int64_t{sizeof(float)} * 5;
  const auto fitting = static_cast<int64_t>(memory_of(device_of(true)) / 8) / bytes;
  return std::max(least, std::min<int64_t>(fitting, 8192));
}

}  // namespace

struct Engine::OnDevice {
  OnDevice(const ModelConfig& config, const hubert::Weights& weights, DType dtype, bool gpu)
      : stream(precise_stream(device_of(gpu), dtype)),
        parameters(upload_parameters(weights, dtype, stream)),
        forward(config, parameters, dtype, stream) {}

  mx::Stream stream;
  Parameters parameters;
  Forward forward;
  std::map<std::vector<int>, Graph> graphs;  ///< by batch, frames and stages
};

Engine::Engine(const hubert::Weights& weights, DType dtype, bool gpu,
               std::function<void(const std::string&)> notice)
    : config_(weights.config()), gpu_(gpu), notice_(std::move(notice)), copiers_(copying_threads()) {
  translated([&] {
    bucket_frames_ = frames_at_once(config_, gpu);
    worker_.run([&] { device_ = std::make_unique<OnDevice>(config_, weights, dtype, gpu); });
  });
}

Engine::~Engine() {
  // MLX keeps freed memory for the next array: with the model goes that too.
  worker_.run([this] {
    device_.reset();
    mx::clear_cache();
    mx::clear_streams();
  });
}

std::unique_ptr<Backend::Session> Engine::make_session() const {
  return std::make_unique<Session>();
}

/// Enough to have one bucket fetched while another is computed, and to sort by length.
int64_t Engine::most_frames() const {
  return gpu_ ? 4 * bucket_frames_ : bucket_frames_;
}

/// Runs `job` on the worker's thread, and says so if that takes long the first time.
void Engine::run(const std::function<void()>& job) const {
  const bool first = notice_ && traces_ == 0 && !told_;
  const auto tell = [this] {
    if (!told_.exchange(true)) notice_(compiling_notice(gpu_));
  };
  translated([&] { worker_.run(job, first ? std::function<void()>(tell) : nullptr); });
}

void Engine::forward(Session& session, std::span<const Input> inputs, std::span<const Stage> stages,
                     std::span<const std::span<float>> outputs) const {
  std::vector<int64_t> frames;
  for (const Input& input : inputs)
    frames.push_back(config_.frames(static_cast<int64_t>(input.waveform.size())));
  std::optional<Pending> computing;  // the worker's
  try {
    for (const Bucket& bucket : sort_into_buckets(frames, bucket_frames_)) {
      if (session.poll) session.poll();
      run([&] {
        Pending next = start(inputs, bucket, stages);
        if (computing) finish(*computing, outputs);
        computing = std::move(next);
      });
    }
    run([&] {
      if (computing) finish(*computing, outputs);
      computing.reset();
    });
  } catch (...) {
    worker_.run([&] { computing.reset(); });
    throw;
  }
}

Engine::Pending Engine::start(std::span<const Input> inputs, const Bucket& bucket,
                              std::span<const Stage> stages) const {
  Pending pending = {bucket, graph(bucket, stages)(gather(inputs, bucket).as_list())};
  mx::async_eval(pending.results);
  return pending;
}

/// The waveforms go straight into MLX's memory.
PassInputs Engine::gather(std::span<const Input> inputs, const Bucket& bucket) const {
  const int batch = static_cast<int>(bucket.members.size());
  const auto size = static_cast<size_t>(bucket_samples(config_, bucket.frames, kSumFrames));
  mx::array waveform(mx::allocator::malloc(bucket.members.size() * size * sizeof(float)),
                     {batch, static_cast<int>(size)}, mx::float32);
  auto* rows = waveform.data<float>();
  copiers_.parallel_for(batch, [&](int64_t row, int) {
    const std::span<const float> whole = inputs[bucket.members[static_cast<size_t>(row)]].waveform;
    float* to = std::copy(whole.begin(), whole.end(), rows + static_cast<size_t>(row) * size);
    std::fill_n(to, size - whole.size(), 0.0F);
  });
  std::vector<int32_t> samples;
  std::vector<int32_t> frames;
  std::vector<float> speaker;
  for (const size_t member : bucket.members) {
    const Input& input = inputs[member];
    samples.push_back(static_cast<int32_t>(input.waveform.size()));
    frames.push_back(static_cast<int32_t>(config_.frames(static_cast<int64_t>(input.waveform.size()))));
    speaker.insert(speaker.end(), input.speaker_embedding.begin(), input.speaker_embedding.end());
  }
  PassInputs pass = {waveform, mx::array(samples.begin(), {batch}, mx::int32),
                     mx::array(frames.begin(), {batch}, mx::int32)};
  if (config_.speaker_conditioned())
    pass.speaker = mx::array(speaker.begin(), {batch, config_.speaker_dim}, mx::float32);
  return pass;
}

const Engine::Graph& Engine::graph(const Bucket& bucket, std::span<const Stage> stages) const {
  const int frames = static_cast<int>(bucket.frames);
  std::vector<int> key = {static_cast<int>(bucket.members.size()), frames};
  for (const Stage& stage : stages) key.insert(key.end(), {stage.layer, stage.final_proj ? 1 : 0});
  if (!device_->graphs.contains(key)) {
    if (device_->graphs.size() >= kMostGraphs) device_->graphs.clear();
    device_->graphs[key] =
        mx::compile(Graph([this, frames, asked = std::vector<Stage>(stages.begin(), stages.end())](
                              const std::vector<mx::array>& list) {
          ++traces_;
          return device_->forward(PassInputs::from_list(list), frames, asked);
        }));
  }
  return device_->graphs[key];
}

/// Waits for a bucket and copies what was asked for to where it belongs.
void Engine::finish(Pending& pending, std::span<const std::span<float>> outputs) const {
  mx::eval(pending.results);
  const size_t stages = pending.results.size();
  std::vector<const float*> results;
  results.reserve(stages);
  for (const mx::array& result : pending.results) results.push_back(result.data<float>());
  copiers_.parallel_for(static_cast<int64_t>(pending.bucket.members.size() * stages), [&](int64_t item, int) {
    const size_t row = static_cast<size_t>(item) / stages;
    const size_t stage = static_cast<size_t>(item) % stages;
    const auto size = static_cast<size_t>(pending.bucket.frames * pending.results[stage].shape(2));
    const std::span<float> out = outputs[pending.bucket.members[row] * stages + stage];
    std::copy_n(results[stage] + row * size, out.size(), out.data());
  });
}

bool built() {
  return true;
}

bool has_gpu() {
  static const bool has = [] {
    const mx::Device gpu = device_of(true);
    // A library with CUDA says that it is available, whether or not there is a device.
    if (!mx::is_available(gpu) || mx::device_count(mx::Device::gpu) == 0) return false;
    // Its kernels are for Turing and later.
    constexpr size_t kTuring = 75;
    return !mx::cu::is_available() ||
           10 * number_of(gpu, "compute_capability_major") + number_of(gpu, "compute_capability_minor") >=
               kTuring;
  }();
  return has;
}

bool has_cuda() {
  return has_gpu() && mx::cu::is_available();
}

std::string description() {
  return fmt::format("MLX {}", mx::version());
}

std::string gpu_name() {
  if (!has_gpu()) return "";
  const auto& info = mx::device_info(device_of(true));
  const auto found = info.find("device_name");
  const auto* name = found == info.end() ? nullptr : std::get_if<std::string>(&found->second);
  return name == nullptr ? "" : *name;
}

std::unique_ptr<Backend> make_backend(const hubert::Weights& weights, DType dtype, bool gpu,
                                      std::function<void(const std::string&)> notice) {
  return std::make_unique<Engine>(weights, dtype, gpu, std::move(notice));
}

}  // namespace contentvec::mlx
