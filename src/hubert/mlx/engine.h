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
#include "runtime/thread_team.h"

namespace contentvec::mlx {

/// The model on MLX. Utterances of about one length go through it together, padded and masked, as one compiled graph
/// per shape; while one such bucket is computed, the next is brought there and the one before it fetched.
class Engine final : public Backend {
 public:
  /// Uploads the weights. `notice`: as LoadOptions has it. Throws Error.
  Engine(const hubert::Weights& weights, DType dtype, bool gpu,
         std::function<void(const std::string&)> notice = {});
  ~Engine() override;

  [[nodiscard]] std::unique_ptr<Session> make_session() const override;
  [[nodiscard]] std::string isa() const override { return ""; }
  [[nodiscard]] int64_t most_frames() const override;
  void forward(Session& session, std::span<const Input> inputs, std::span<const Stage> stages,
               std::span<const std::span<float>> outputs) const override;

  /// How often the graph was built so far: once for each shape of bucket and list of stages.
  [[nodiscard]] int64_t traces() const { return traces_; }

 private:
  struct OnDevice;  ///< what belongs to the worker's thread
  /// A bucket that is being computed.
  struct Pending {
    Bucket bucket;
    std::vector<mx::array> results;
  };
  using Graph = std::function<std::vector<mx::array>(const std::vector<mx::array>&)>;

  // On the worker's thread.
  [[nodiscard]] Pending start(std::span<const Input> inputs, const Bucket& bucket,
                              std::span<const Stage> stages) const;
  [[nodiscard]] PassInputs gather(std::span<const Input> inputs, const Bucket& bucket) const;
  [[nodiscard]] const Graph& graph(const Bucket& bucket, std::span<const Stage> stages) const;
  void finish(Pending& pending, std::span<const std::span<float>> outputs) const;

  void run(const std::function<void()>& job) const;

  ModelConfig config_;
  bool gpu_;
  std::function<void(const std::string&)> notice_;
  int64_t bucket_frames_;  ///< of all utterances of a bucket together, padding included
  mutable std::atomic<bool> told_ = false;
  mutable std::atomic<int64_t> traces_ = 0;
  mutable ThreadTeam copiers_;  ///< the worker's helpers
  mutable WorkerThread worker_;
  std::unique_ptr<OnDevice> device_;
};

}  // namespace contentvec::mlx
