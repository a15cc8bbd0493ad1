#include "hubert/mlx/engine.h"

#include <algorithm>
#include <exception>
#include <new>
#include <utility>

#include "contentvec/error.h"
#include "hubert/mlx/mlx_backend.h"
#include "hubert/waveform.h"
#include "hubert/window_moments.h"
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

mx::array to_array(const std::vector<float>& values, mx::Shape shape) {
  return mx::array(values.begin(), std::move(shape), mx::float32);
}

}  // namespace

/// A padded bucket, before MLX has seen it.
struct Engine::HostInputs {
  std::vector<float> waveform;    ///< [batch, samples]
  std::vector<int32_t> lengths;   ///< [batch]
  std::vector<float> norm_scale;  ///< [batch, channels], where there is a GroupNorm
  std::vector<float> norm_shift;
  std::vector<float> speaker;  ///< [batch, speaker_dim], where the model takes one
};

struct Engine::OnDevice {
  using Graph = std::function<std::vector<mx::array>(const std::vector<mx::array>&)>;

  OnDevice(const ModelConfig& config, const hubert::Weights& weights, DType dtype, bool gpu)
      : stream(mx::new_stream(device_of(gpu))),
        parameters(upload_parameters(weights, dtype, stream)),
        forward(config, parameters, dtype, stream) {}

  mx::Stream stream;
  Parameters parameters;
  Forward forward;
  std::map<std::vector<int>, Graph> graphs;  ///< by batch, frames and stages
};

Engine::Engine(const hubert::Weights& weights, DType dtype, bool gpu) : config_(weights.config()) {
  if (config_.extractor_mode != ExtractorMode::kLayerNorm) {
    first_weight_ = weights.read("feature_extractor.conv_layers.0.0.weight");
    norm_scale_ = weights.read("feature_extractor.conv_layers.0.2.weight");
    norm_shift_ = weights.read("feature_extractor.conv_layers.0.2.bias");
  }
  translated(
      [&] { worker_.run([&] { device_ = std::make_unique<OnDevice>(config_, weights, dtype, gpu); }); });
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

void Engine::forward(Session& session, std::span<const Input> inputs, std::span<const Stage> stages,
                     std::span<const std::span<float>> outputs) const {
  std::vector<int64_t> frames;
  for (const Input& input : inputs)
    frames.push_back(config_.frames(static_cast<int64_t>(input.waveform.size())));
  // Padded frames are what attention's scores, where MLX keeps them whole, and the first convolution's output
  // take memory for.
  for (const Bucket& bucket : sort_into_buckets(frames, pass_frames(config_))) {
    if (session.poll) session.poll();
    const HostInputs host = gather(inputs, bucket);
    translated([&] { worker_.run([&] { run(host, bucket, stages, outputs); }); });
  }
}

Engine::HostInputs Engine::gather(std::span<const Input> inputs, const Bucket& bucket) const {
  const auto samples = static_cast<size_t>((bucket.frames - 1) * config_.hop() + config_.receptive_field());
  HostInputs host;
  host.waveform.resize(bucket.members.size() * samples);
  for (size_t row = 0; row < bucket.members.size(); ++row) {
    const Input& input = inputs[bucket.members[row]];
    const std::span<const float> whole = input.waveform;
    const std::span<const float> seen = whole.first(std::min(whole.size(), samples));
    std::copy(seen.begin(), seen.end(), host.waveform.begin() + static_cast<std::ptrdiff_t>(row * samples));
    host.lengths.push_back(static_cast<int32_t>(config_.frames(static_cast<int64_t>(whole.size()))));
    host.speaker.insert(host.speaker.end(), input.speaker_embedding.begin(), input.speaker_embedding.end());
    if (!first_weight_.empty()) add_group_norm(whole, host);
  }
  return host;
}

/// Appends the GroupNorm of one waveform, all of it, as an affine map per channel.
void Engine::add_group_norm(std::span<const float> waveform, HostInputs& host) const {
  const ConvLayer& layer = config_.conv_layers.front();
  std::vector<double> sums(static_cast<size_t>(hubert::WindowMoments::size(layer.kernel)));
  hubert::WindowMoments moments(sums.data(), layer.kernel);
  const int64_t windows = (static_cast<int64_t>(waveform.size()) - layer.kernel) / layer.stride + 1;
  moments.add_windows(waveform.data(), windows, layer.stride);
  for (size_t channel = 0; channel < norm_scale_.size(); ++channel) {
    const float* weight = first_weight_.data() + channel * static_cast<size_t>(layer.kernel);
    const auto [scale, shift] =
        moments.group_norm(weight, windows, norm_scale_[channel], norm_shift_[channel]);
    host.norm_scale.push_back(static_cast<float>(scale));
    host.norm_shift.push_back(static_cast<float>(shift));
  }
}

/// On the worker's thread.
void Engine::run(const HostInputs& host, const Bucket& bucket, std::span<const Stage> stages,
                 std::span<const std::span<float>> outputs) const {
  const int batch = static_cast<int>(bucket.members.size());
  PassInputs inputs = {to_array(host.waveform, {batch, static_cast<int>(host.waveform.size()) / batch}),
                       mx::array(host.lengths.begin(), {batch}, mx::int32),
                       {},
                       {}};
  if (!host.norm_scale.empty()) {
    const mx::Shape shape = {batch, 1, static_cast<int>(norm_scale_.size())};
    inputs.group_norm = Norm{to_array(host.norm_scale, shape), to_array(host.norm_shift, shape)};
  }
  if (config_.speaker_conditioned()) inputs.speaker = to_array(host.speaker, {batch, config_.speaker_dim});

  std::vector<int> key = {batch, static_cast<int>(bucket.frames)};
  for (const Stage& stage : stages) key.insert(key.end(), {stage.layer, stage.final_proj ? 1 : 0});
  if (!device_->graphs.contains(key)) {
    if (device_->graphs.size() >= kMostGraphs) device_->graphs.clear();
    device_->graphs[key] = mx::compile(OnDevice::Graph(
        [this, asked = std::vector<Stage>(stages.begin(), stages.end())](const std::vector<mx::array>& list) {
          ++traces_;
          return device_->forward(PassInputs::from_list(config_, list), asked);
        }));
  }
  std::vector<mx::array> results = device_->graphs[key](inputs.as_list());
  mx::eval(results);

  for (size_t row = 0; row < bucket.members.size(); ++row) {
    for (size_t stage = 0; stage < stages.size(); ++stage) {
      const auto size = static_cast<size_t>(bucket.frames * results[stage].shape(2));
      const std::span<float> out = outputs[bucket.members[row] * stages.size() + stage];
      std::copy_n(results[stage].data<float>() + row * size, out.size(), out.data());
    }
  }
}

bool built() {
  return true;
}

bool has_gpu() {
  return mx::is_available(device_of(true));
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

std::unique_ptr<Backend> make_backend(const hubert::Weights& weights, DType dtype, bool gpu) {
  return std::make_unique<Engine>(weights, dtype, gpu);
}

}  // namespace contentvec::mlx
