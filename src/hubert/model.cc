// Composes the pipeline: checkpoint -> weights -> engine, waveform -> features. The one place that knows all
// of them.

#include <algorithm>
#include <memory>
#include <utility>

#include "contentvec/model.h"
#include "hubert/backend.h"
#include "hubert/device.h"
#include "hubert/engine.h"
#include "hubert/mlx/mlx_backend.h"
#include "hubert/model_file.h"
#include "hubert/waveform.h"
#include "runtime/digest.h"
#include "runtime/fail.h"
#include "runtime/finite.h"
#include "runtime/pool.h"

namespace contentvec {
namespace {

void check_stage(const ModelConfig& config, const Stage& stage) {
  if (stage.layer < kModelOutput || stage.layer > config.total_layers()) {
    fail("layer {} does not exist; this model has layers 1 to {}, 0 (projected) and -1 (its output)",
         stage.layer, config.total_layers());
  }
  if (stage.final_proj && config.final_dim == 0) {
    fail(
        "final_proj was asked for, but this checkpoint has none; extract without it, or use a checkpoint "
        "that has final_proj.weight (RVC's hubert_base.pt does)");
  }
}

void check_speaker(const ModelConfig& config, std::span<const float> embedding, size_t batch) {
  if (!config.speaker_conditioned()) {
    if (!embedding.empty()) {
      fail(
          "a speaker embedding of {} values was given, but this model takes none (no speaker-conditioned "
          "layers)",
          embedding.size());
    }
    return;
  }
  const auto width = static_cast<size_t>(config.speaker_dim);
  if (embedding.size() != width && embedding.size() != width * batch) {
    fail("this model needs a speaker embedding of {} values{}, {} were given", width,
         batch > 1 ? fmt::format(" (or {}, one row for each of {} utterances)", width * batch, batch) : "",
         embedding.size());
  }
  if (const auto place = first_non_finite(embedding))
    fail("value {} of the speaker embedding is {}; it must be finite", *place, embedding[*place]);
}

void check_result(std::span<const float> features, int64_t dim) {
  if (const auto place = first_non_finite(features)) {
    fail(
        "the model gave {} at frame {}, channel {}: the weights overflow float32 on this waveform; check "
        "that the samples are nominally in [-1, 1] and the checkpoint is the right one",
        features[*place], static_cast<int64_t>(*place) / dim, static_cast<int64_t>(*place) % dim);
  }
}

std::unique_ptr<Backend> make_backend(const hubert::Weights& weights, const LoadOptions& options) {
  const Device device = settle_device(options.device);
  if (device != Device::kCpu)
    return mlx::make_backend(weights, options.dtype, device == Device::kGpu, options.notice);
  return std::make_unique<hubert::Engine>(weights, options.dtype, settle_threads(options.threads),
                                          options.run_tasks);
}

/// What a wrong option is said of before the file is read.
void check_options(const LoadOptions& options) {
  settle_threads(options.threads);
  check_dtype(options.dtype, settle_device(options.device));
}

}  // namespace

class Model::Impl {
 public:
  Impl(const hubert::ModelFile& file, const LoadOptions& options)
      : info_(file.info),
        device_(settle_device(options.device)),
        threads_(device_ == Device::kCpu ? settle_threads(options.threads) : 0),
        backend_(make_backend(file.weights, options)) {}

  [[nodiscard]] const ModelInfo& info() const { return info_; }

  [[nodiscard]] Device device() const { return device_; }

  [[nodiscard]] std::string isa() const { return backend_->isa(); }

  [[nodiscard]] int threads() const { return threads_; }

  /// Floats of one stage of one utterance.
  [[nodiscard]] int64_t dim(const Stage& stage) const {
    return stage.final_proj ? info_.config.final_dim : info_.config.encoder_embed_dim;
  }

  void check(std::span<const std::span<const float>> waveforms, std::span<const Stage> stages,
             const ExtractOptions& options) const {
    for (const Stage& stage : stages) check_stage(info_.config, stage);
    check_speaker(info_.config, options.speaker_embedding, waveforms.size());
    for (size_t i = 0; i < waveforms.size(); ++i) check_utterance(waveforms[i], i, waveforms.size());
    if (!options.around.empty() || !options.projected.empty()) check_window(waveforms, options);
  }

  /// What was checked, into outputs[utterance * stages.size() + stage].
  void extract(std::span<const std::span<const float>> waveforms, std::span<const Stage> stages,
               const ExtractOptions& options, std::span<const std::span<float>> outputs) const {
    if (stages.empty()) return;
    const auto worker = borrow();
    extract_with(*worker, waveforms, stages, options, outputs);
  }

  /// As Model::prepare. Each call of it holds a worker while the next one takes another.
  void prepare(std::span<const float> silence, std::span<const Stage> stages, const ExtractOptions& options,
               std::span<const std::span<float>> outputs, int calls) const {
    const auto worker = borrow();
    extract_with(*worker, std::span(&silence, 1), stages, options, outputs);
    if (calls > 1) return prepare(silence, stages, options, outputs, calls - 1);
    if (device_ != Device::kCpu)
      warm_up_batches(*worker, silence, stages, options, outputs);  // for all of them
  }

 private:
  struct Worker;

  /// MLX's kernels for a batch are others than those for one waveform.
  void warm_up_batches(Worker& worker, std::span<const float> silence, std::span<const Stage> stages,
                       const ExtractOptions& options, std::span<const std::span<float>> outputs) const {
    const std::vector<std::span<const float>> twice(2, silence);
    std::vector<std::span<float>> both(outputs.begin(), outputs.end());
    std::vector<std::vector<float>> others;
    for (const std::span<float> output : outputs) both.emplace_back(others.emplace_back(output.size()));
    extract_with(worker, twice, stages, options, both);
  }

  void extract_with(Worker& worker, std::span<const std::span<const float>> waveforms,
                    std::span<const Stage> stages, const ExtractOptions& options,
                    std::span<const std::span<float>> outputs) const {
    const PollOfCall poll(*worker.session, options.poll);
    for (size_t begin = 0; begin < waveforms.size();) {
      const size_t end = pass_end(waveforms, begin);
      worker.fill_inputs(info_.config, waveforms.subspan(begin, end - begin), begin, options);
      const auto results = outputs.subspan(begin * stages.size(), (end - begin) * stages.size());
      backend_->forward(*worker.session, worker.inputs, stages, results);
      begin = end;
    }
    for (size_t i = 0; i < outputs.size(); ++i) check_result(outputs[i], dim(stages[i % stages.size()]));
  }

  /// What one call at a time works with, kept for the next.
  struct Worker {
    std::unique_ptr<Backend::Session> session;
    std::vector<Input> inputs;
    std::vector<std::vector<float>> copies;  ///< the normalised waveforms, where they are to be

    /// `first`: where the waveforms stand in the whole batch.
    void fill_inputs(const ModelConfig& config, std::span<const std::span<const float>> waveforms,
                     size_t first, const ExtractOptions& options) {
      const auto width = static_cast<size_t>(config.speaker_dim);
      const bool one_each = options.speaker_embedding.size() > width;
      inputs.clear();
      for (size_t i = 0; i < waveforms.size(); ++i) {
        std::span<const float> samples = waveforms[i];
        if (const auto normaliser = normaliser_of(config, options.normalize, samples)) {
          if (copies.size() < waveforms.size()) copies.resize(waveforms.size());
          normaliser->apply(samples, copies[i]);
          samples = copies[i];
        }
        inputs.push_back({samples,
                          one_each ? options.speaker_embedding.subspan((first + i) * width, width)
                                   : options.speaker_embedding,
                          options.around, options.projected});
      }
    }
  };

  /// ExtractOptions::poll for the time of one call: it may hold what the caller's is to let go.
  class PollOfCall {
   public:
    PollOfCall(Backend::Session& session, const std::function<void()>& poll) : session_(session) {
      session_.poll = poll;
    }
    ~PollOfCall() { session_.poll = nullptr; }
    PollOfCall(const PollOfCall&) = delete;
    PollOfCall& operator=(const PollOfCall&) = delete;

   private:
    Backend::Session& session_;
  };

  [[nodiscard]] Pool<Worker>::Loan borrow() const {
    return pool_.borrow([this] {
      auto worker = std::make_unique<Worker>();
      worker->session = backend_->make_session();
      return worker;
    });
  }

  void check_window(std::span<const std::span<const float>> waveforms, const ExtractOptions& options) const {
    if (waveforms.size() != 1 || device_ != Device::kCpu) {
      fail(
          "ExtractOptions::around and projected are for one waveform at a time on the CPU; here are {} on {}",
          waveforms.size(), device_ == Device::kCpu ? "the CPU" : "MLX");
    }
    if (!options.around.empty()) check_waveform(info_.config, options.around);
    const int64_t width = info_.config.encoder_embed_dim;
    const auto known = static_cast<int64_t>(options.projected.size());
    const int64_t frames = info_.config.frames(static_cast<int64_t>(waveforms.front().size()));
    if (known % width != 0 || known / width >= frames) {
      fail(
          "ExtractOptions::projected holds {} values; expected rows of {} for fewer than the {} frames of the window",
          known, width, frames);
    }
  }

  void check_utterance(std::span<const float> waveform, size_t index, size_t count) const {
    try {
      check_waveform(info_.config, waveform);
    } catch (const Error& error) {
      if (count == 1) throw;
      fail("utterance {} of {}: {}", index, count, error.what());
    }
  }

  /// Where the pass that begins with waveform `begin` of the batch ends.
  [[nodiscard]] size_t pass_end(std::span<const std::span<const float>> waveforms, size_t begin) const {
    int64_t frames = 0;
    size_t end = begin;
    while (end < waveforms.size()) {
      frames += info_.config.frames(static_cast<int64_t>(waveforms[end].size()));
      if (end > begin && frames > backend_->most_frames()) break;
      ++end;
    }
    return end;
  }

  ModelInfo info_;
  Device device_;
  int threads_;
  std::unique_ptr<const Backend> backend_;
  Pool<Worker> pool_;
};

Model::Model(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

Model Model::load(const std::string& spec, const LoadOptions& options) {
  check_options(options);
  return Model(
      std::make_shared<const Impl>(hubert::open_model_file(spec, options.config, options.hub), options));
}

VirtualFile file_in_memory(std::span<const std::byte> bytes, std::string name) {
  return {std::move(name), bytes.size(), [bytes](uint64_t offset, std::span<std::byte> part) {
            std::ranges::copy(bytes.subspan(offset, part.size()), part.begin());
          }};
}

Model Model::load(const VirtualFile& file, const LoadOptions& options) {
  check_options(options);
  return Model(std::make_shared<const Impl>(hubert::open_model_file(file, options.config), options));
}

Model Model::from_pretrained(const LoadOptions& options) {
  return load(kDefaultModel, options);
}

Model Model::from_pretrained(const std::string& repo, const std::string& file, const LoadOptions& options) {
  check_options(options);
  ResolvedModel found = download(repo, file, options.hub);
  hubert::ModelFile opened = hubert::open_model_file(found.path.string(), options.config);
  opened.info.warnings.insert(opened.info.warnings.begin(), found.warnings.begin(), found.warnings.end());
  return Model(std::make_shared<const Impl>(std::move(opened), options));
}

const ModelConfig& Model::config() const {
  return impl_->info().config;
}

const ModelInfo& Model::info() const {
  return impl_->info();
}

Device Model::device() const {
  return impl_->device();
}

std::string Model::isa() const {
  return impl_->isa();
}

int Model::threads() const {
  return impl_->threads();
}

Features Model::extract(std::span<const float> waveform, const ExtractOptions& options) const {
  return std::move(extract_batch(std::span(&waveform, 1), options).front());
}

void Model::extract_into(std::span<const float> waveform, std::span<float> features,
                         const ExtractOptions& options) const {
  const Stage stage = {options.layer, options.final_proj};
  extract_batch_into(std::span(&waveform, 1), std::span(&stage, 1), std::span(&features, 1), options);
}

void Model::extract_batch_into(std::span<const std::span<const float>> waveforms,
                               std::span<const Stage> stages, std::span<const std::span<float>> features,
                               const ExtractOptions& options) const {
  impl_->check(waveforms, stages, options);
  if (features.size() != waveforms.size() * stages.size()) {
    fail("{} waveforms of {} stages each were given memory for {} features", waveforms.size(), stages.size(),
         features.size());
  }
  for (size_t i = 0; i < features.size(); ++i) {
    const std::span<const float> waveform = waveforms[i / stages.size()];
    const int64_t frames = config().frames(static_cast<int64_t>(waveform.size()));
    const int64_t dim = impl_->dim(stages[i % stages.size()]);
    if (static_cast<int64_t>(features[i].size()) != frames * dim) {
      fail(
          "the features of this waveform are {} frames of {} values, but the memory given for them holds {} "
          "floats",
          frames, dim, features[i].size());
    }
  }
  impl_->extract(waveforms, stages, options, features);
}

void Model::prepare(int64_t max_samples, int calls) const {
  if (max_samples < config().receptive_field()) {
    fail("cannot prepare for {} samples; expected at least {}, which are one frame", max_samples,
         config().receptive_field());
  }
  if (calls < 1 || calls > kMaxThreads) {
    fail("cannot prepare for {} calls at once; expected 1 to {}", calls, kMaxThreads);
  }
  std::vector<Stage> stages = {{}};
  if (config().final_dim > 0) stages.push_back({.final_proj = true});
  const std::vector<float> silence(static_cast<size_t>(max_samples));
  const std::vector<float> speaker(config().speaker_conditioned() ? static_cast<size_t>(config().speaker_dim)
                                                                  : 0);
  std::vector<std::vector<float>> features(stages.size());
  std::vector<std::span<float>> outputs(stages.size());
  for (size_t i = 0; i < stages.size(); ++i) {
    features[i].resize(static_cast<size_t>(config().frames(max_samples) * impl_->dim(stages[i])));
    outputs[i] = features[i];
  }
  impl_->prepare(silence, stages, {.normalize = Normalize::kOn, .speaker_embedding = speaker}, outputs,
                 calls);
}

std::vector<Features> Model::extract_stages(std::span<const float> waveform, std::span<const Stage> stages,
                                            const ExtractOptions& options) const {
  return std::move(extract_batch_stages(std::span(&waveform, 1), stages, options).front());
}

std::vector<Features> Model::extract_batch(std::span<const std::span<const float>> waveforms,
                                           const ExtractOptions& options) const {
  const Stage stage = {options.layer, options.final_proj};
  std::vector<Features> features;
  for (std::vector<Features>& one : extract_batch_stages(waveforms, std::span(&stage, 1), options)) {
    features.push_back(std::move(one.front()));
  }
  return features;
}

std::vector<std::vector<Features>> Model::extract_batch_stages(
    std::span<const std::span<const float>> waveforms, std::span<const Stage> stages,
    const ExtractOptions& options) const {
  impl_->check(waveforms, stages, options);
  std::vector<std::vector<Features>> results(waveforms.size(), std::vector<Features>(stages.size()));
  std::vector<std::span<float>> outputs;
  for (size_t i = 0; i < waveforms.size(); ++i) {
    const int64_t frames = config().frames(static_cast<int64_t>(waveforms[i].size()));
    for (size_t stage = 0; stage < stages.size(); ++stage) {
      const int64_t dim = impl_->dim(stages[stage]);
      results[i][stage] = {frames, dim, std::vector<float>(static_cast<size_t>(frames * dim))};
      outputs.emplace_back(results[i][stage].data);
    }
  }
  impl_->extract(waveforms, stages, options, outputs);
  return results;
}

namespace {

/// Of the file that was opened: one that somebody is writing just now is no model yet.
std::string digest_of(const ModelInfo& info) {
  const InputFile file(info.source);
  if (static_cast<int64_t>(file.size()) != info.bytes)
    fail("cannot read {}: it had {} bytes when it was opened and now has {}; try again when it is complete",
         info.source, info.bytes, file.size());
  return sha256_of(file);
}

}  // namespace

ModelInfo inspect(const std::string& spec, const LoadOptions& options, bool digest) {
  // RVC's hubert_base.pt is ContentVec-500 in plain HuBERT's clothes: only its digest tells.
  constexpr const char* kRvcHubertBase = "f54b40fd2802423a5643779c4861af1e9ee9c1564dc9d32f54f20b5ffba7db96";
  ModelInfo info = hubert::open_model_file(spec, options.config, options.hub).info;
  if (digest && info.bytes > 0) info.sha256 = digest_of(info);
  if (info.sha256 == kRvcHubertBase) info.kind = "ContentVec (RVC's hubert_base.pt)";
  return info;
}

const char* version() {
  return CONTENTVEC_VERSION;
}

}  // namespace contentvec
