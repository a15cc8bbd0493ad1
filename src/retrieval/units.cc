#include "contentvec/units.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "checkpoint/cluster_centres.h"
#include "contentvec/threads.h"
#include "contentvec/unfinished_files.h"
#include "output/npy.h"
#include "retrieval/units_file.h"
#include "retrieval/vector_index.h"
#include "runtime/fail.h"

namespace contentvec {
namespace {

constexpr int64_t kMostClusters = 65536;

/// In an order that does not depend on how wide the machine's vectors are.
float squared_distance(const float* a, const float* b, size_t dim) {
  constexpr size_t kLanes = 16;
  std::array<float, kLanes> sums{};
  size_t i = 0;
  for (; i + kLanes <= dim; i += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane) {
      const float difference = a[i + lane] - b[i + lane];
      sums[lane] += difference * difference;
    }
  }
  float sum = 0;
  for (; i < dim; ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  for (const float lane : sums) sum += lane;
  return sum;
}

void check_training(std::span<const float> features, int64_t dim, const UnitOptions& options) {
  if (dim < 1 || features.size() % static_cast<size_t>(dim) != 0)
    fail("cannot cluster: {} values are not frames of {}", features.size(), dim);
  const int64_t frames = static_cast<int64_t>(features.size()) / dim;
  if (options.clusters < 2 || options.clusters > kMostClusters)
    fail("cannot cluster: expected 2 to {} clusters, found {}", kMostClusters, options.clusters);
  if (frames < options.clusters)
    fail(
        "cannot cluster: {} frames are fewer than {} clusters; give more features, or ask for fewer clusters",
        frames, options.clusters);
  if (options.iterations < 1)
    fail("cannot cluster: expected at least 1 iteration, found {}", options.iterations);
  if (options.threads < 0 || options.threads > kMaxThreads)
    fail("cannot cluster: expected 0 to {} threads, found {}", kMaxThreads, options.threads);
  if (!retrieval::in_range(features)) fail("cannot cluster: the features hold {}", retrieval::kOutOfRange);
}

}  // namespace

class Units::Impl {
 public:
  Impl(int64_t dim, std::vector<float> centres) : dim_(dim), centres_(std::move(centres)) {}

  [[nodiscard]] size_t dim() const { return static_cast<size_t>(dim_); }
  [[nodiscard]] std::span<const float> centres() const { return centres_; }

  [[nodiscard]] int32_t nearest(const float* frame) const {
    int32_t unit = 0;
    float least = std::numeric_limits<float>::infinity();
    for (size_t i = 0; i * dim() < centres_.size(); ++i) {
      const float distance = squared_distance(frame, centres_.data() + i * dim(), dim());
      if (distance >= least) continue;
      least = distance;
      unit = static_cast<int32_t>(i);
    }
    return unit;
  }

 private:
  int64_t dim_;
  std::vector<float> centres_;
};

Units::Units(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

Units Units::open(const std::filesystem::path& path) {
  retrieval::CentreRows rows = retrieval::read_centres(path);
  const auto dim = static_cast<size_t>(rows.dim);
  if (rows.dim < 1 || rows.values.size() < 2 * dim || rows.values.size() > kMostClusters * dim)
    fail("cannot use '{}' as units: expected 2 to {} centres, found {} values of {} each", path.string(),
         kMostClusters, rows.values.size(), rows.dim);
  if (!retrieval::in_range(rows.values))
    fail("cannot use '{}' as units: it holds {}", path.string(), retrieval::kOutOfRange);
  return Units(std::make_shared<const Impl>(rows.dim, std::move(rows.values)));
}

Units Units::train(std::span<const float> features, int64_t dim, const UnitOptions& options) {
  check_training(features, dim, options);
  const retrieval::Clustering clustering = {.centres = options.clusters,
                                            .iterations = options.iterations,
                                            .most_of_centre = std::numeric_limits<int>::max()};
  return Units(std::make_shared<const Impl>(
      dim, retrieval::cluster_centres(features, dim, clustering, options.threads)));
}

int64_t Units::clusters() const {
  return static_cast<int64_t>(impl_->centres().size() / impl_->dim());
}
int64_t Units::dim() const {
  return static_cast<int64_t>(impl_->dim());
}
std::span<const float> Units::centres() const {
  return impl_->centres();
}

std::vector<int32_t> Units::assign(std::span<const float> features) const {
  if (features.size() % impl_->dim() != 0)
    fail("cannot assign units: {} values are not frames of {}, which the centres have", features.size(),
         impl_->dim());
  if (!retrieval::in_range(features))
    fail("cannot assign units: the features hold {}", retrieval::kOutOfRange);
  std::vector<int32_t> units;
  units.reserve(features.size() / impl_->dim());
  for (size_t i = 0; i < features.size(); i += impl_->dim())
    units.push_back(impl_->nearest(features.data() + i));
  return units;
}

void Units::save(const std::filesystem::path& path) const {
  write_whole_file(path, retrieval::centres_file({dim(), {centres().begin(), centres().end()}}));
}

UnitRuns deduplicate(std::span<const int32_t> units) {
  UnitRuns runs;
  for (const int32_t unit : units) {
    if (runs.units.empty() || runs.units.back() != unit) {
      runs.units.push_back(unit);
      runs.durations.push_back(0);
    }
    ++runs.durations.back();
  }
  return runs;
}

}  // namespace contentvec
