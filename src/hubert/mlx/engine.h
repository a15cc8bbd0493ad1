#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "hubert/backend.h"
#include "hubert/mlx/bucket.h"
#include "hubert/mlx/forward.h"
#include "hubert/mlx/worker_thread.h"

namespace contentvec::mlx {

/// The model on MLX. Utterances of about one length go through it together, padded and masked, as one
/// compiled graph per shape.
class Engine final : public Backend {
 public:
  /// Uploads the weights. Throws Error.
  Engine(const hubert::Weights& weights, DType dtype, bool gpu);
  ~Engine() override;

  [[nodiscard]] std::unique_ptr<Session> make_session() const override;
  [[nodiscard]] std::string isa() const override { return ""; }
  void forward(Session& session, std::span<const Input> inputs, std::span<const Stage> stages,
               std::span<const std::span<float>> outputs) const override;

  /// How often the graph was built so far: once for each shape of bucket and list of stages.
  [[nodiscard]] int64_t traces() const { return traces_; }

 private:
  struct OnDevice;  ///< what belongs to the worker's thread
  struct HostInputs;

  [[nodiscard]] HostInputs gather(std::span<const Input> inputs, const Bucket& bucket) const;
  void add_group_norm(std::span<const float> waveform, HostInputs& host) const;
  void run(const HostInputs& host, const Bucket& bucket, std::span<const Stage> stages,
           std::span<const std::span<float>> outputs) const;

  ModelConfig config_;
  std::vector<float> first_weight_;  ///< conv 0 [channels, kernel], where a GroupNorm follows it
  std::vector<float> norm_scale_;
  std::vector<float> norm_shift_;
  mutable std::atomic<int64_t> traces_ = 0;
  mutable WorkerThread worker_;
  std::unique_ptr<OnDevice> device_;
};

}  // namespace contentvec::mlx
