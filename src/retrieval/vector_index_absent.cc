// Stands in for vector_index.cc in a build without FAISS.

#include "retrieval/vector_index.h"
#include "runtime/fail.h"

namespace contentvec::retrieval {
namespace {

[[noreturn]] void fail_absent(const char* doing) {
  fail(
      "cannot {}: this build has no FAISS. Install it (Debian: libfaiss-dev, macOS: brew install faiss) and "
      "build again with -DCONTENTVEC_FAISS=ON",
      doing);
}

}  // namespace

std::unique_ptr<const VectorIndex> open_index(const std::filesystem::path& path) {
  fail_absent(fmt::format("open the index '{}'", path.string()).c_str());
}

std::unique_ptr<const VectorIndex> build_index(std::span<const float>, int64_t, int64_t, int) {
  fail_absent("build an index");
}

std::vector<float> cluster_centres(std::span<const float>, int64_t, const Clustering&, int) {
  fail_absent("cluster features");
}

}  // namespace contentvec::retrieval
