#include "contentvec/retriever.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "output/atomic_file.h"
#include "retrieval/feature_folder.h"
#include "retrieval/vector_index.h"
#include "runtime/fail.h"

namespace contentvec {
namespace {

namespace fs = std::filesystem;
using retrieval::in_range;
using retrieval::kFewestPerList;
using retrieval::kOutOfRange;
using retrieval::lists_for;
using retrieval::Neighbour;

constexpr int kNeighbours = 8;

/// (1/d)^2 each, over their sum. Taken relative to the smallest distance, which neither overflows nor divides
/// by zero: where that is 0, the vectors at distance 0 share all the weight.
std::vector<double> weights_of(std::span<const Neighbour> neighbours) {
  const double smallest = neighbours.front().distance;
  std::vector<double> weights;
  double sum = 0;
  for (const Neighbour& neighbour : neighbours) {
    const double relative = neighbour.distance == 0 ? 1 : smallest / neighbour.distance;
    weights.push_back(relative * relative);
    sum += weights.back();
  }
  for (double& weight : weights) weight /= sum;
  return weights;
}

void blend_frame(std::span<float> frame, std::span<const Neighbour> neighbours, double rate) {
  if (neighbours.empty()) return;
  const std::vector<double> weights = weights_of(neighbours);
  for (size_t channel = 0; channel < frame.size(); ++channel) {
    double retrieved = 0;
    for (size_t i = 0; i < neighbours.size(); ++i) retrieved += weights[i] * neighbours[i].vector[channel];
    frame[channel] = static_cast<float>(rate * retrieved + (1 - rate) * frame[channel]);
  }
}

void check_features(const Features& features, int64_t dim) {
  if (features.dim != dim) {
    fail(
        "cannot blend: the features have {} dimensions, the vectors of the index {}. RVC v1's are 256 (layer "
        "9 with final_proj), v2's 768 (layer 12): use the index made from the same kind of features",
        features.dim, dim);
  }
  if (features.frames < 0 || static_cast<int64_t>(features.data.size()) != features.frames * dim) {
    fail("cannot blend: {} values are not {} frames of {}", features.data.size(), features.frames, dim);
  }
}

void check_blend(std::span<const float> features, int64_t dim, float rate, int64_t nprobe) {
  if (!(rate >= 0 && rate <= 1)) fail("cannot blend: the index rate must be between 0 and 1, found {}", rate);
  if (nprobe < 0) fail("cannot blend: nprobe must be 0 (as the index says) or more, found {}", nprobe);
  if (features.size() % static_cast<size_t>(dim) != 0)
    fail("cannot blend: {} values are not frames of {}", features.size(), dim);
  if (!in_range(features)) fail("cannot blend: the features hold {}", kOutOfRange);
}

void check_build(std::span<const float> vectors, int64_t dim, const IndexOptions& options) {
  if (dim < 1 || vectors.size() % static_cast<size_t>(dim) != 0) {
    fail("cannot build an index: {} values are not vectors of {}", vectors.size(), dim);
  }
  const int64_t size = static_cast<int64_t>(vectors.size()) / dim;
  if (size < kFewestPerList) {
    fail("cannot build an index: expected at least {} vectors (a second of speech has 50), found {}",
         kFewestPerList, size);
  }
  if (options.threads < 0 || options.threads > kMaxThreads) {
    fail("cannot build an index: expected 0 to {} threads, found {}", kMaxThreads, options.threads);
  }
  if (options.reduce_to < kFewestPerList || options.reduce_above < options.reduce_to) {
    fail("cannot build an index: reduce_to must be between {} and reduce_above ({}), found {}",
         kFewestPerList, options.reduce_above, options.reduce_to);
  }
  if (!in_range(vectors)) fail("cannot build an index: the vectors hold {}", kOutOfRange);
}

void write_index(const retrieval::VectorIndex& index, const fs::path& path, bool with_vectors) {
  output::AtomicFile file(path);
  index.write([&](std::span<const std::byte> bytes) { file.write(bytes); }, with_vectors);
  file.commit();
}

void report(const IndexOptions& options, const std::string& step) {
  if (options.progress) options.progress(step);
}

std::unique_ptr<const retrieval::VectorIndex> build_checked(std::span<const float> vectors, int64_t dim,
                                                            const IndexOptions& options) {
  const int64_t size = static_cast<int64_t>(vectors.size()) / dim;
  if (size > options.reduce_above) {
    report(options, fmt::format("replacing {} vectors by {} centres of theirs", size, options.reduce_to));
    const std::vector<float> centres =
        retrieval::cluster_centres(vectors, dim, {.centres = options.reduce_to}, options.threads);
    report(options,
           fmt::format("sorting {} centres into {} lists", options.reduce_to, lists_for(options.reduce_to)));
    return retrieval::build_index(centres, dim, lists_for(options.reduce_to), options.threads);
  }
  report(options, fmt::format("sorting {} vectors into {} lists", size, lists_for(size)));
  return retrieval::build_index(vectors, dim, lists_for(size), options.threads);
}

/// RVC's name for the version of a voice, which its file names end in; none for other widths.
std::string version_suffix(int64_t dim) {
  return dim == 256 ? "_v1" : dim == 768 ? "_v2" : "";
}

}  // namespace

class Retriever::Impl {
 public:
  std::unique_ptr<const retrieval::VectorIndex> index;
};

Retriever::Retriever(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

Retriever Retriever::open(const fs::path& path) {
  return Retriever(std::make_shared<const Impl>(Impl{retrieval::open_index(path)}));
}

Retriever Retriever::build(std::span<const float> vectors, int64_t dim, const IndexOptions& options) {
  check_build(vectors, dim, options);
  return Retriever(std::make_shared<const Impl>(Impl{build_checked(vectors, dim, options)}));
}

Retriever Retriever::build_from_folder(const fs::path& folder, const IndexOptions& options) {
  const retrieval::FeatureVectors features = retrieval::read_feature_folder(folder);
  report(options,
         fmt::format("read {} files: {} vectors of {}", features.files, features.size(), features.dim));
  return build(features.values, features.dim, options);
}

int64_t Retriever::size() const {
  return impl_->index->size();
}

int64_t Retriever::dim() const {
  return impl_->index->dim();
}

int64_t Retriever::lists() const {
  return impl_->index->lists();
}

int64_t Retriever::nprobe() const {
  return impl_->index->nprobe();
}

Features Retriever::blend(const Features& features, float rate, int64_t nprobe) const {
  check_features(features, dim());
  Features blended = features;
  blend_in_place(blended.data, rate, nprobe);
  return blended;
}

void Retriever::blend_in_place(std::span<float> features, float rate, int64_t nprobe) const {
  check_blend(features, dim(), rate, nprobe);
  if (rate == 0) return;
  const auto width = static_cast<size_t>(dim());
  for (size_t first = 0; first < features.size(); first += width) {
    const std::span<float> frame = features.subspan(first, width);
    blend_frame(frame, impl_->index->nearest(frame, kNeighbours, nprobe > 0 ? nprobe : this->nprobe()), rate);
  }
}

void Retriever::save(const fs::path& path) const {
  write_index(*impl_->index, path, true);
}

fs::path Retriever::save_for_rvc(const fs::path& folder, const std::string& name) const {
  if (lists() == 0) {
    fail(
        "cannot save an index under RVC's names, which are of IVF indices: this one is Flat; save it under "
        "your own");
  }
  const std::string rest =
      fmt::format("_IVF{}_Flat_nprobe_{}_{}{}.index", lists(), nprobe(), name, version_suffix(dim()));
  write_index(*impl_->index, folder / ("trained" + rest), false);
  fs::path added = folder / ("added" + rest);
  write_index(*impl_->index, added, true);
  return added;
}

}  // namespace contentvec
