#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace contentvec::retrieval {

/// FAISS's k-means wants as many points for each centre.
inline constexpr int64_t kFewestPerList = 39;

/// Into how many lists RVC sorts this many vectors.
inline int64_t lists_for(int64_t vectors) {
  return std::min(static_cast<int64_t>(16 * std::sqrt(static_cast<double>(vectors))),
                  vectors / kFewestPerList);
}

/// The largest value of a vector or a query. Squared L2 distances of 65,536 dimensions stay within float32
/// then; FAISS would end the process over one that does not, or find nothing near it, without a word.
inline constexpr float kLargestValue = 1e16F;

/// Whether all values are numbers in that range.
inline bool in_range(std::span<const float> values) {
  return std::all_of(values.begin(), values.end(),
                     [](float value) { return std::abs(value) <= kLargestValue; });
}

/// What is said of values that are not.
inline constexpr const char* kOutOfRange =
    "values that are not finite, or beyond 1e16, where float32 cannot hold squared distances";

/// A stored vector near a query. The vector belongs to the index.
struct Neighbour {
  float distance;  ///< squared L2
  std::span<const float> vector;
};

/// FAISS's inverted file of plain vectors, or the vectors by themselves, as far as retrieval needs it.
/// Immutable, so it may be shared between threads; every member works in the caller's thread.
class VectorIndex {
 public:
  virtual ~VectorIndex() = default;

  [[nodiscard]] virtual int64_t size() const = 0;    ///< vectors
  [[nodiscard]] virtual int64_t dim() const = 0;     ///< of each
  [[nodiscard]] virtual int64_t lists() const = 0;   ///< they are sorted into; 0: none
  [[nodiscard]] virtual int64_t nprobe() const = 0;  ///< lists a search looks through

  /// The `count` nearest of the vectors in the lists of the `nprobe` nearest centres, nearest first; fewer
  /// where these lists hold fewer. `query` is dim() finite floats.
  [[nodiscard]] virtual std::vector<Neighbour> nearest(std::span<const float> query, int count,
                                                       int64_t nprobe) const = 0;

  /// Takes the bytes of a file, in order.
  using Sink = std::function<void(std::span<const std::byte>)>;
  /// Writes the index in FAISS's format, with or without its vectors.
  virtual void write(const Sink& sink, bool with_vectors) const = 0;
};

/// Reads an index file, after check_index_file() has seen it.
std::unique_ptr<const VectorIndex> open_index(const std::filesystem::path& path);

/// Trains `lists` centres on vectors [size, dim] and sorts the vectors into their lists. Uses as many threads
/// as given, 0: one per CPU; alone in a child of fork().
std::unique_ptr<const VectorIndex> build_index(std::span<const float> vectors, int64_t dim, int64_t lists,
                                               int threads);

/// A k-means clustering.
struct Clustering {
  int64_t centres = 0;
  int iterations = 10;      ///< as the training of FAISS's IndexIVF
  int most_of_centre = 40;  ///< vectors for each; of more a sample is used
};

/// The centres [centres, dim] of vectors [size, dim].
std::vector<float> cluster_centres(std::span<const float> vectors, int64_t dim, const Clustering& clustering,
                                   int threads);

}  // namespace contentvec::retrieval
