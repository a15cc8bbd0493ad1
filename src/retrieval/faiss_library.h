#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "retrieval/vector_index.h"

namespace contentvec::retrieval {

/// What the plug-in does with FAISS. It is a library of its own, loaded when it is first needed: FAISS brings
/// a BLAS and OpenMP, which cost every start time and address space. It is built with the same compiler and
/// headers as what loads it, holds nothing that lasts but what these functions return, and throws Error.
struct FaissLibrary {
  /// An index from the bytes of its file, which check_index_file() has seen. `path` names it in errors.
  std::unique_ptr<const VectorIndex> (*open)(std::span<const std::byte> bytes,
                                             const std::filesystem::path& path);
  /// As build_index() and cluster_centres(); `threads` >= 1.
  std::unique_ptr<const VectorIndex> (*build)(std::span<const float> vectors, int64_t dim, int64_t lists,
                                              int threads);
  std::vector<float> (*cluster)(std::span<const float> vectors, int64_t dim, const Clustering& clustering,
                                int threads);
};

}  // namespace contentvec::retrieval

/// The plug-in's one symbol; null where it is not of this version of contentvec.
extern "C" const contentvec::retrieval::FaissLibrary* contentvec_faiss(const char* version);
