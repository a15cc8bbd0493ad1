// What of retrieval needs FAISS: the whole of the plug-in.

#include "retrieval/vector_index.h"

#include <faiss/Clustering.h>
#include <faiss/IndexFlat.h>
#include <faiss/IndexIVFFlat.h>
#include <faiss/impl/FaissException.h>
#include <faiss/impl/io.h>
#include <faiss/index_io.h>
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "retrieval/faiss_library.h"
#include "runtime/fail.h"

namespace contentvec::retrieval {
namespace {

namespace fs = std::filesystem;

constexpr size_t kAddedAtOnce = 8192;  // RVC's batch

/// FAISS's (and an OpenMP BLAS library's) parallel loops use this many threads while it lives; only loops
/// begun by this thread.
class OpenMpThreads {
 public:
  explicit OpenMpThreads(int threads) : before_(omp_get_max_threads()) { omp_set_num_threads(threads); }
  ~OpenMpThreads() { omp_set_num_threads(before_); }
  OpenMpThreads(const OpenMpThreads&) = delete;
  OpenMpThreads& operator=(const OpenMpThreads&) = delete;

 private:
  int before_;
};

/// Reads what check_index_file() saw, so that nobody can change the file in between.
struct MemoryReader : faiss::IOReader {
  explicit MemoryReader(std::span<const std::byte> memory) : rest(memory) {}

  size_t operator()(void* into, size_t size, size_t items) override {
    items = std::min(items, rest.size() / size);
    if (items > 0) std::memcpy(into, rest.data(), items * size);
    rest = rest.subspan(items * size);
    return items;
  }

  std::span<const std::byte> rest;
};

struct SinkWriter : faiss::IOWriter {
  explicit SinkWriter(const VectorIndex::Sink& bytes_to) : sink(bytes_to) {}

  size_t operator()(const void* from, size_t size, size_t items) override {
    sink({static_cast<const std::byte*>(from), size * items});
    return items;
  }

  const VectorIndex::Sink& sink;
};

/// Calls FAISS; what it throws becomes an Error.
template <typename Call>
auto calling_faiss(const std::string& doing, const Call& call) {
  try {
    return call();
  } catch (const faiss::FaissException& error) {
    fail("cannot {}: FAISS says: {}", doing, error.what());
  }
}

class FaissIndex : public VectorIndex {
 public:
  explicit FaissIndex(std::unique_ptr<const faiss::IndexIVFFlat> index) : index_(std::move(index)) {}

  [[nodiscard]] int64_t size() const override { return index_->ntotal; }
  [[nodiscard]] int64_t dim() const override { return index_->d; }
  [[nodiscard]] int64_t lists() const override { return static_cast<int64_t>(index_->nlist); }
  [[nodiscard]] int64_t nprobe() const override { return static_cast<int64_t>(probes()); }

  [[nodiscard]] std::vector<Neighbour> nearest(std::span<const float> query, int count) const override {
    return calling_faiss("search the index", [&] { return search(query, static_cast<size_t>(count)); });
  }

  void write(const Sink& sink, bool with_vectors) const override {
    calling_faiss("write the index", [&] {
      SinkWriter writer(sink);
      if (with_vectors) return faiss::write_index(index_.get(), &writer);
      faiss::IndexIVFFlat empty(index_->quantizer, static_cast<size_t>(index_->d), index_->nlist);
      empty.is_trained = true;
      empty.nprobe = index_->nprobe;
      faiss::write_index(&empty, &writer);
    });
  }

 private:
  [[nodiscard]] size_t probes() const { return std::min(index_->nprobe, index_->nlist); }

  /// One query at a time: for several, FAISS takes the nearest centre from a matrix product, so that what a
  /// frame gives would depend on the frames beside it, and starts OpenMP threads. Its statistics are kept out
  /// of its global, which threads would race for.
  [[nodiscard]] std::vector<Neighbour> search(std::span<const float> query, size_t count) const {
    std::vector<float> centre_distances(probes());
    std::vector<int64_t> centres(probes());
    index_->quantizer->search(1, query.data(), nprobe(), centre_distances.data(), centres.data());
    std::vector<float> distances(count);
    std::vector<int64_t> places(count);  // list and offset in it, as the last parameter but two asks for
    faiss::IndexIVFStats statistics;
    index_->search_preassigned(1, query.data(), static_cast<int64_t>(count), centres.data(),
                               centre_distances.data(), distances.data(), places.data(), true, nullptr,
                               &statistics);
    std::vector<Neighbour> neighbours;
    for (size_t i = 0; i < count && places[i] >= 0; ++i) {
      neighbours.push_back({distances[i], vector_at(static_cast<uint64_t>(places[i]))});
    }
    return neighbours;
  }

  [[nodiscard]] std::span<const float> vector_at(uint64_t place) const {
    const auto* list = reinterpret_cast<const float*>(index_->invlists->get_codes(faiss::lo_listno(place)));
    return std::span(list + faiss::lo_offset(place) * query_size(), query_size());
  }

  [[nodiscard]] size_t query_size() const { return static_cast<size_t>(index_->d); }

  std::unique_ptr<const faiss::IndexIVFFlat> index_;
};

bool codes_are_in_range(const uint8_t* codes, size_t count) {
  return in_range({reinterpret_cast<const float*>(codes), count});
}

/// FAISS searches with a NaN without a word, and finds nothing near it.
void check_values(const faiss::IndexIVFFlat& index, const fs::path& path) {
  const auto dim = static_cast<size_t>(index.d);
  const auto& centres = dynamic_cast<const faiss::IndexFlat&>(*index.quantizer);
  bool good = codes_are_in_range(centres.codes.data(), index.nlist * dim);
  for (size_t list = 0; list < index.nlist; ++list) {
    good = good && codes_are_in_range(index.invlists->get_codes(list), index.invlists->list_size(list) * dim);
  }
  if (!good) fail("cannot open the index '{}': it holds {}; build it anew", path.string(), kOutOfRange);
}

std::unique_ptr<const VectorIndex> open(std::span<const std::byte> bytes, const fs::path& path) {
  return calling_faiss(fmt::format("open the index '{}'", path.string()), [&] {
    MemoryReader reader(bytes);
    std::unique_ptr<faiss::Index> any(faiss::read_index(&reader));
    std::unique_ptr<const faiss::IndexIVFFlat> index(&dynamic_cast<faiss::IndexIVFFlat&>(*any));
    static_cast<void>(any.release());
    check_values(*index, path);
    return std::make_unique<const FaissIndex>(std::move(index));
  });
}

std::unique_ptr<const VectorIndex> build(std::span<const float> vectors, int64_t dim, int64_t lists,
                                         int threads) {
  const OpenMpThreads guard(threads);
  const auto width = static_cast<size_t>(dim);
  const size_t size = vectors.size() / width;
  return calling_faiss("build an index", [&] {
    auto centres = std::make_unique<faiss::IndexFlatL2>(dim);
    auto index = std::make_unique<faiss::IndexIVFFlat>(centres.get(), width, static_cast<size_t>(lists));
    index->own_fields = true;
    static_cast<void>(centres.release());
    index->train(static_cast<int64_t>(size), vectors.data());
    for (size_t first = 0; first < size; first += kAddedAtOnce) {
      index->add(static_cast<int64_t>(std::min(kAddedAtOnce, size - first)), vectors.data() + first * width);
    }
    return std::make_unique<const FaissIndex>(std::move(index));
  });
}

std::vector<float> cluster(std::span<const float> vectors, int64_t dim, int64_t count, int threads) {
  const OpenMpThreads guard(threads);
  return calling_faiss("build an index", [&] {
    faiss::ClusteringParameters parameters;
    parameters.niter = 10;                    // as IndexIVF's own training
    parameters.min_points_per_centroid = 1;   // below, FAISS warns on standard error
    parameters.max_points_per_centroid = 40;  // more are sampled
    faiss::Clustering clustering(static_cast<int>(dim), static_cast<int>(count), parameters);
    faiss::IndexFlatL2 assignment(dim);
    clustering.train(static_cast<int64_t>(vectors.size()) / dim, vectors.data(), assignment);
    return std::move(clustering.centroids);
  });
}

constexpr FaissLibrary kLibrary = {open, build, cluster};

}  // namespace
}  // namespace contentvec::retrieval

extern "C" __attribute__((visibility("default"))) const contentvec::retrieval::FaissLibrary* contentvec_faiss(
    const char* version) {
  const bool same = std::strcmp(version, CONTENTVEC_VERSION) == 0;
  return same ? &contentvec::retrieval::kLibrary : nullptr;
}
