// Composes the pipeline: checkpoint -> weights -> engine, waveform -> features. The one place that knows all
// of them.

#include <algorithm>
#include <cmath>
#include <memory>
#include <mutex>
#include <utility>

#include "contentvec/model.h"
#include "cpu/engine.h"
#include "model/model_file.h"
#include "runtime/fail.h"
#include "runtime/sha256.h"

namespace contentvec {
namespace {

/// Frames that go through the model together, a minute of audio. A larger batch goes in parts, so that memory
/// stays bounded.
constexpr int64_t kBatchFrames = 3000;

int settle_threads(int threads) {
  if (threads < 0 || threads > kMaxThreads) {
    fail("threads is {}; expected 0 (one per usable CPU) or 1 to {}", threads, kMaxThreads);
  }
  return threads == 0 ? usable_cpus() : threads;
}

void check_waveform(const ModelConfig& config, std::span<const float> waveform) {
  if (static_cast<int64_t>(waveform.size()) < config.receptive_field()) {
    fail("the waveform has {} samples; this model needs at least {} ({:.1f} ms at 16 kHz) for one frame",
         waveform.size(), config.receptive_field(),
         1000.0 * static_cast<double>(config.receptive_field()) / 16000.0);
  }
  for (size_t i = 0; i < waveform.size(); ++i) {
    if (!std::isfinite(waveform[i])) {
      fail("sample {} of the waveform is {}; every sample must be a finite number", i, waveform[i]);
    }
  }
}

void check_stage(const ModelConfig& config, const Stage& stage) {
  if (stage.layer < kModelOutput || stage.layer > config.total_layers()) {
    fail("layer {} does not exist; this model has layers 1 to {}, 0 (projected) and -1 (its output)",
         stage.layer, config.total_layers());
  }
  if (stage.final_proj && config.final_dim == 0) {
    fail(
        "final_proj was asked for, but this checkpoint has none; extract without it, or use a checkpoint "
        "that has "
        "final_proj.weight (RVC's hubert_base.pt does)");
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
  for (size_t i = 0; i < embedding.size(); ++i) {
    if (!std::isfinite(embedding[i]))
      fail("value {} of the speaker embedding is {}; it must be finite", i, embedding[i]);
  }
}

void check_result(const Features& features) {
  for (size_t i = 0; i < features.data.size(); ++i) {
    if (!std::isfinite(features.data[i])) {
      fail(
          "the model gave {} at frame {}, channel {}: the weights overflow float32 on this waveform; check "
          "that the "
          "samples are nominally in [-1, 1] and the checkpoint is the right one",
          features.data[i], static_cast<int64_t>(i) / features.dim, static_cast<int64_t>(i) % features.dim);
    }
  }
}

/// Zero mean and unit variance over the whole waveform, eps 1e-5 (fairseq: F.layer_norm(wav, wav.shape));
/// sums in double.
std::vector<float> normalised(std::span<const float> waveform) {
  const auto count = static_cast<double>(waveform.size());
  double sum = 0;
  for (const float x : waveform) sum += static_cast<double>(x);
  const double mean = sum / count;
  double squares = 0;
  for (const float x : waveform) squares += (static_cast<double>(x) - mean) * (static_cast<double>(x) - mean);
  const double factor = 1.0 / std::sqrt(squares / count + 1e-5);
  std::vector<float> result(waveform.size());
  for (size_t i = 0; i < waveform.size(); ++i) {
    result[i] = static_cast<float>((static_cast<double>(waveform[i]) - mean) * factor);
  }
  return result;
}

}  // namespace

class Model::Impl {
 public:
  Impl(model::ModelFile file, int threads)
      : info_(std::move(file.info)), threads_(settle_threads(threads)), engine_(file.weights) {}

  [[nodiscard]] const ModelInfo& info() const { return info_; }

  [[nodiscard]] std::vector<std::vector<Features>> extract(std::span<const std::span<const float>> waveforms,
                                                           std::span<const Stage> stages,
                                                           const ExtractOptions& options) const {
    for (const Stage& stage : stages) check_stage(info_.config, stage);
    check_speaker(info_.config, options.speaker_embedding, waveforms.size());
    for (size_t i = 0; i < waveforms.size(); ++i) check_utterance(waveforms[i], i, waveforms.size());
    std::vector<std::vector<Features>> results;
    if (stages.empty()) {
      results.resize(waveforms.size());
      return results;
    }
    const Loan session = borrow();
    for (size_t begin = 0; begin < waveforms.size();) {
      const size_t end = part_end(waveforms, begin);
      extract_part(*session, waveforms.subspan(begin, end - begin), begin, stages, options, results);
      begin = end;
    }
    return results;
  }

 private:
  using Session = cpu::Engine::Session;

  /// A session for the time of one call; returned to the pool when it ends.
  class Loan {
   public:
    Loan(const Impl& owner, std::unique_ptr<Session> session) : owner_(owner), session_(std::move(session)) {}
    ~Loan() {
      const std::lock_guard lock(owner_.mutex_);
      owner_.idle_.push_back(std::move(session_));
    }
    Loan(const Loan&) = delete;
    Loan& operator=(const Loan&) = delete;
    Session& operator*() const { return *session_; }

   private:
    const Impl& owner_;
    std::unique_ptr<Session> session_;
  };

  [[nodiscard]] Loan borrow() const {
    std::unique_ptr<Session> session;
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        session = std::move(idle_.back());
        idle_.pop_back();
      }
      if (!session) idle_.reserve(++sessions_);  // so that giving it back cannot fail
    }
    if (!session) session = std::make_unique<Session>(threads_);
    return {*this, std::move(session)};
  }

  void check_utterance(std::span<const float> waveform, size_t index, size_t count) const {
    try {
      check_waveform(info_.config, waveform);
    } catch (const Error& error) {
      if (count == 1) throw;
      fail("utterance {} of {}: {}", index, count, error.what());
    }
  }

  /// Where the part of the batch that begins at `begin` ends.
  [[nodiscard]] size_t part_end(std::span<const std::span<const float>> waveforms, size_t begin) const {
    int64_t frames = 0;
    size_t end = begin;
    while (end < waveforms.size()) {
      frames += info_.config.frames(static_cast<int64_t>(waveforms[end].size()));
      if (end > begin && frames > kBatchFrames) break;
      ++end;
    }
    return end;
  }

  /// Extracts waveforms that stand at `first` in the whole batch, and appends to `results`.
  void extract_part(Session& session, std::span<const std::span<const float>> waveforms, size_t first,
                    std::span<const Stage> stages, const ExtractOptions& options,
                    std::vector<std::vector<Features>>& results) const {
    const bool normalize = options.normalize == Normalize::kAuto ? info_.config.normalize.value_or(false)
                                                                 : options.normalize == Normalize::kOn;
    const auto width = static_cast<size_t>(info_.config.speaker_dim);
    const bool one_each = options.speaker_embedding.size() > width;
    std::vector<std::vector<float>> copies(normalize ? waveforms.size() : 0);
    std::vector<cpu::Input> inputs;
    for (size_t i = 0; i < waveforms.size(); ++i) {
      if (normalize) copies[i] = normalised(waveforms[i]);
      inputs.push_back({normalize ? std::span<const float>(copies[i]) : waveforms[i],
                        one_each ? options.speaker_embedding.subspan((first + i) * width, width)
                                 : options.speaker_embedding});
    }
    for (std::vector<Features>& features : engine_.forward(session, inputs, stages)) {
      for (const Features& stage : features) check_result(stage);
      results.push_back(std::move(features));
    }
  }

  ModelInfo info_;
  int threads_;
  cpu::Engine engine_;
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<Session>> idle_;
  mutable size_t sessions_ = 0;  ///< made so far, idle or lent
};

Model::Model(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

Model Model::load(const std::string& spec, const LoadOptions& options) {
  settle_threads(options.threads);  // a wrong number is said before the file is read
  return Model(std::make_shared<const Impl>(model::open_model_file(spec, options.config), options.threads));
}

Model Model::from_pretrained(const LoadOptions& /*options*/) {
  fail(
      "the default model cannot be downloaded yet: fetch contentvec_base.safetensors from "
      "lexandstuff/mlx-contentvec (or "
      "hubert_base.pt from lj1995/VoiceConversionWebUI) on huggingface.co and open it with "
      "Model::load(path)");
}

const ModelConfig& Model::config() const {
  return impl_->info().config;
}

const ModelInfo& Model::info() const {
  return impl_->info();
}

Features Model::extract(std::span<const float> waveform, const ExtractOptions& options) const {
  return std::move(extract_batch(std::span(&waveform, 1), options).front());
}

std::vector<Features> Model::extract_stages(std::span<const float> waveform, std::span<const Stage> stages,
                                            const ExtractOptions& options) const {
  return std::move(extract_batch_stages(std::span(&waveform, 1), stages, options).front());
}

std::vector<Features> Model::extract_batch(std::span<const std::span<const float>> waveforms,
                                           const ExtractOptions& options) const {
  const Stage stage = {options.layer, options.final_proj};
  std::vector<Features> features;
  for (std::vector<Features>& one : impl_->extract(waveforms, std::span(&stage, 1), options)) {
    features.push_back(std::move(one.front()));
  }
  return features;
}

std::vector<std::vector<Features>> Model::extract_batch_stages(
    std::span<const std::span<const float>> waveforms, std::span<const Stage> stages,
    const ExtractOptions& options) const {
  return impl_->extract(waveforms, stages, options);
}

ModelInfo inspect(const std::string& spec, const LoadOptions& options) {
  // RVC's hubert_base.pt is ContentVec-500 in plain HuBERT's clothes: only its digest tells.
  constexpr const char* kRvcHubertBase = "f54b40fd2802423a5643779c4861af1e9ee9c1564dc9d32f54f20b5ffba7db96";
  ModelInfo info = model::open_model_file(spec, options.config).info;
  if (std::filesystem::is_regular_file(info.source)) info.sha256 = sha256_of_file(info.source);
  if (info.sha256 == kRvcHubertBase) info.kind = "ContentVec (RVC's hubert_base.pt)";
  return info;
}

const char* version() {
  return CONTENTVEC_VERSION;
}

}  // namespace contentvec
