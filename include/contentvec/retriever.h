#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "contentvec/export.h"
#include "contentvec/model.h"

namespace contentvec {

/// How much of a frame comes from the index where nobody says: what RVC's WebUI starts with.
inline constexpr float kIndexRate = 0.75F;

/// How Retriever::build goes about it.
struct IndexOptions {
  int threads = 0;                ///< 0 is one per CPU that this process may use.
  int64_t reduce_above = 200000;  ///< More vectors than this are first replaced by their k-means centres.
  int64_t reduce_to = 10000;      ///< How many centres these are; at least 39.
  /// Called in the caller's thread with what comes next, such as "sorting 4000 vectors into 102 lists".
  std::function<void(std::string_view step)> progress = {};
};

/// Feature vectors of one speaker, and the search for those nearest to a frame: RVC's retrieval, which draws
/// the features of whoever speaks towards those the voice was trained on.
///
/// Immutable: every member is const and may be called from any number of threads at once. Copies share the
/// vectors. A member works in the caller's thread; a result depends on the index and the frame only.
///
/// Needs FAISS: in a build without it (CONTENTVEC_FAISS in CMake) open() and build() throw Error.
///
/// Source: RVC WebUI's train_index and pipeline, over FAISS's IndexIVFFlat (an inverted file: vectors in
/// lists, by the nearest of `lists()` centres; a search looks through the list of its nearest centre only).
class Retriever {
 public:
  /// Opens RVC's `added_*.index`: FAISS's IndexIVFFlat with L2 distances, as RVC, Applio and so-vits-svc
  /// write it ("IVF<n>,Flat"), or FAISS's IndexFlatL2 ("Flat"), which is searched whole. All of it is read
  /// into memory. Throws Error when it cannot be read, is no such index, is damaged, or has no vectors
  /// (`trained_*.index`). One in a zip file is PACK.zip/ENTRY.
  CONTENTVEC_API static Retriever open(const std::filesystem::path& path);

  /// Builds an index as RVC's train_index does. `vectors` is [size, dim], row-major, all within +-1e16; at
  /// least 39 of them. The number of lists is min(16 sqrt(size), size / 39), rounded down, and a search
  /// visits one. The same vectors give the same index for any number of threads, on one machine and BLAS
  /// library. Throws Error for anything else. docs/retrieval.md says where this differs from RVC.
  CONTENTVEC_API static Retriever build(std::span<const float> vectors, int64_t dim,
                                        const IndexOptions& options = {});

  /// The same for all `.npy` files of a folder, by name, each [frames, dim] of the same dim: what `extract`
  /// writes, and RVC's 3_feature256 and 3_feature768. Throws Error for a folder without any, too.
  CONTENTVEC_API static Retriever build_from_folder(const std::filesystem::path& folder,
                                                    const IndexOptions& options = {});

  /// Vectors in the index.
  [[nodiscard]] CONTENTVEC_API int64_t size() const;
  /// Floats of each vector: 256 for RVC v1, 768 for v2.
  [[nodiscard]] CONTENTVEC_API int64_t dim() const;
  /// Lists into which the vectors are sorted, RVC's n; 0 for a Flat index.
  [[nodiscard]] CONTENTVEC_API int64_t lists() const;
  /// Lists that a search looks through where blend() is not told: 1 in RVC's.
  [[nodiscard]] CONTENTVEC_API int64_t nprobe() const;

  /// Each frame drawn towards its 8 nearest vectors: rate * sum(w_i v_i) + (1 - rate) * frame, where w_i is
  /// (1 / d_i)^2 over the sum of these, and d_i the squared L2 distance (RVC's "score"). `rate` is in 0 .. 1;
  /// 0 returns the features as they are. Features of any number of frames, of dim() values each, all within
  /// +-1e16 (beyond, float32 cannot hold their squared distances).
  ///
  /// - A vector equal to the frame (d_i = 0) takes all the weight, where RVC computes NaN; several share it.
  /// - A list with fewer than 8 vectors gives fewer neighbours, and an empty list leaves the frame as it is.
  ///
  /// `nprobe` is how many lists a search looks through, those of the centres nearest to the frame: 0 means
  /// nprobe(), and more than lists() all of them. More takes longer and misses fewer near vectors. Throws
  /// Error for a rate or nprobe out of range, another dim, values out of range or not finite.
  [[nodiscard]] CONTENTVEC_API Features blend(const Features& features, float rate = kIndexRate,
                                              int64_t nprobe = 0) const;
  /// The same in place: [frames, dim()], row-major.
  CONTENTVEC_API void blend_in_place(std::span<float> features, float rate = kIndexRate,
                                     int64_t nprobe = 0) const;

  /// Writes the index as FAISS does, an `added_*.index` for RVC; the file appears whole or not at all. Throws
  /// Error when it cannot be written.
  CONTENTVEC_API void save(const std::filesystem::path& path) const;

  /// Writes both files RVC's train_index leaves in `folder`, which must exist:
  /// {trained,added}_IVFn_Flat_nprobe_1_NAME_VERSION.index, n the lists, where the version is v1 for 256
  /// dimensions, v2 for 768, and left out for others. Returns the path of the added one. Throws Error when
  /// they cannot be written, and for a Flat index, which RVC has no names for.
  [[nodiscard]] CONTENTVEC_API std::filesystem::path save_for_rvc(const std::filesystem::path& folder,
                                                                  const std::string& name) const;

 private:
  class Impl;
  explicit Retriever(std::shared_ptr<const Impl> impl);
  std::shared_ptr<const Impl> impl_;
};

}  // namespace contentvec
