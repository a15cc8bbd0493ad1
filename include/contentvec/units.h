#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "contentvec/export.h"

namespace contentvec {

/// How Units::train goes about it.
struct UnitOptions {
  int64_t clusters = 500;  ///< 2 to 65536.
  int iterations = 25;     ///< of k-means; at least 1.
  int threads = 0;         ///< 0 is one per CPU that this process may use.
};

/// Discrete units: the centres of a k-means clustering of features, and for each frame the number of the nearest. What
/// textless speech models (fairseq's GSLM, textlesslib) take as their letters.
///
/// Immutable: every member is const and may be called from any number of threads at once. Copies share the centres.
class Units {
 public:
  /// Opens centres, by content: an .npz file with the array "centres" (as save() writes it), a .npy file, either
  /// [clusters, dim]; or scikit-learn's KMeans and MiniBatchKMeans as fairseq and textlesslib have them, written by
  /// joblib.dump without compression, of which the numbers are read and nothing is executed. Throws Error when it
  /// cannot be read, is damaged or something else, or holds values that are not finite.
  CONTENTVEC_API static Units open(const std::filesystem::path& path);

  /// Clusters features, [frames, dim], row-major, all within +-1e16; at least as many frames as clusters. All are used:
  /// give a sample of a large data set (FAISS's own measure is 256 for each cluster). The same features give the same
  /// centres for any number of threads, on one machine and BLAS library. Needs FAISS: in a build without it this throws
  /// Error, as it does for anything else. Source: FAISS's Clustering, squared L2 distances.
  CONTENTVEC_API static Units train(std::span<const float> features, int64_t dim,
                                    const UnitOptions& options = {});

  /// Units are 0 to clusters() - 1.
  [[nodiscard]] CONTENTVEC_API int64_t clusters() const;
  /// Floats of each centre, and of a frame.
  [[nodiscard]] CONTENTVEC_API int64_t dim() const;
  /// [clusters, dim], row-major; lives as long as this object or a copy of it.
  [[nodiscard]] CONTENTVEC_API std::span<const float> centres() const;

  /// The unit of each frame of [frames, dim()], row-major: the centre at the least squared distance, of several the
  /// first. Works in the caller's thread; a unit depends on the centres and that frame alone. Throws Error for values
  /// that are not whole frames, or not finite.
  [[nodiscard]] CONTENTVEC_API std::vector<int32_t> assign(std::span<const float> features) const;

  /// Writes an .npz file, whole or not at all, which numpy.load reads: "centres", float32. Throws Error when it cannot
  /// be written.
  CONTENTVEC_API void save(const std::filesystem::path& path) const;

 private:
  class Impl;
  explicit Units(std::shared_ptr<const Impl> impl);
  std::shared_ptr<const Impl> impl_;
};

/// Units without repetitions: each that differs from the one before, and how many frames it lasted.
struct UnitRuns {
  std::vector<int32_t> units;
  std::vector<int64_t> durations;  ///< as many, in frames
};
[[nodiscard]] CONTENTVEC_API UnitRuns deduplicate(std::span<const int32_t> units);

}  // namespace contentvec
