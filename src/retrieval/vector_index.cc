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

/// Vectors in lists, each by its nearest centre.
class InvertedFile : public VectorIndex {
 public:
  explicit InvertedFile(std::unique_ptr<const faiss::IndexIVFFlat> index) : index_(std::move(index)) {}

  [[nodiscard]] int64_t size() const override { return index_->ntotal; }
  [[nodiscard]] int64_t dim() const override { return index_->d; }
  [[nodiscard]] int64_t lists() const override { return static_cast<int64_t>(index_->nlist); }
  [[nodiscard]] int64_t nprobe() const override {
    return static_cast<int64_t>(std::min(index_->nprobe, index_->nlist));
  }

  [[nodiscard]] std::vector<Neighbour> nearest(std::span<const float> query, int count,
                                               int64_t nprobe) const override {
    return calling_faiss("search the index", [&] {
      return search(query, static_cast<size_t>(count), std::min(nprobe, lists()));
    });
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
  /// One query at a time: for several, FAISS takes the nearest centre from a matrix product, so that what a
  /// frame gives would depend on the frames beside it, and starts OpenMP threads. Its statistics are kept out
  /// of its global, which threads would race for.
  [[nodiscard]] std::vector<Neighbour> search(std::span<const float> query, size_t count,
                                              int64_t nprobe) const {
    faiss::IVFSearchParameters parameters;
    parameters.nprobe = static_cast<size_t>(nprobe);
    std::vector<float> centre_distances(parameters.nprobe);
    std::vector<int64_t> centres(parameters.nprobe);
    index_->quantizer->search(1, query.data(), nprobe, centre_distances.data(), centres.data());
    std::vector<float> distances(count);
    std::vector<int64_t> places(count);  // list and offset in it, as the last parameter but two asks for
    faiss::IndexIVFStats statistics;
    index_->search_preassigned(1, query.data(), static_cast<int64_t>(count), centres.data(),
                               centre_distances.data(), distances.data(), places.data(), true, &parameters,
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

/// Vectors one after the other: every search looks at all.
class Flat : public VectorIndex {
 public:
  explicit Flat(std::unique_ptr<const faiss::IndexFlat> index) : index_(std::move(index)) {}

  [[nodiscard]] int64_t size() const override { return index_->ntotal; }
  [[nodiscard]] int64_t dim() const override { return index_->d; }
  [[nodiscard]] int64_t lists() const override { return 0; }
  [[nodiscard]] int64_t nprobe() const override { return 0; }

  [[nodiscard]] std::vector<Neighbour> nearest(std::span<const float> query, int count,
                                               int64_t /*nprobe*/) const override {
    return calling_faiss("search the index", [&] {
      const auto found = static_cast<size_t>(std::min<int64_t>(count, size()));
      std::vector<float> distances(found);
      std::vector<int64_t> ids(found);
      index_->search(1, query.data(), static_cast<int64_t>(found), distances.data(), ids.data());
      const auto* vectors = reinterpret_cast<const float*>(index_->codes.data());
      std::vector<Neighbour> neighbours;
      for (size_t i = 0; i < found && ids[i] >= 0; ++i) {
        neighbours.push_back(
            {distances[i], std::span(vectors + static_cast<size_t>(ids[i]) * query.size(), query.size())});
      }
      return neighbours;
    });
  }

  void write(const Sink& sink, bool /*with_vectors*/) const override {
    calling_faiss("write the index", [&] {
      SinkWriter writer(sink);
      faiss::write_index(index_.get(), &writer);
    });
  }

 private:
  std::unique_ptr<const faiss::IndexFlat> index_;
};

bool codes_are_in_range(const uint8_t* codes, size_t count) {
  return in_range({reinterpret_cast<const float*>(codes), count});
}

bool values_are_in_range(const faiss::IndexFlat& index) {
  return codes_are_in_range(index.codes.data(), static_cast<size_t>(index.ntotal * index.d));
}

bool values_are_in_range(const faiss::IndexIVFFlat& index) {
  const auto dim = static_cast<size_t>(index.d);
  bool good = values_are_in_range(dynamic_cast<const faiss::IndexFlat&>(*index.quantizer));
  for (size_t list = 0; list < index.nlist; ++list) {
    good = good && codes_are_in_range(index.invlists->get_codes(list), index.invlists->list_size(list) * dim);
  }
  return good;
}

/// `any` as what it is; null where it is not that. FAISS searches with a NaN without a word, and finds
/// nothing near it, so values are looked at.
template <typename Ours, typename Theirs>
std::unique_ptr<const VectorIndex> opened_as(std::unique_ptr<faiss::Index>& any, const fs::path& path) {
  if (dynamic_cast<const Theirs*>(any.get()) == nullptr) return nullptr;
  std::unique_ptr<const Theirs> index(dynamic_cast<const Theirs*>(any.release()));
  if (!values_are_in_range(*index)) {
    fail("cannot open the index '{}': it holds {}; build it anew", path.string(), kOutOfRange);
  }
  return std::make_unique<const Ours>(std::move(index));
}

std::unique_ptr<const VectorIndex> open(std::span<const std::byte> bytes, const fs::path& path) {
  return calling_faiss(fmt::format("open the index '{}'", path.string()), [&] {
    MemoryReader reader(bytes);
    std::unique_ptr<faiss::Index> any(faiss::read_index(&reader));
    auto index = opened_as<InvertedFile, faiss::IndexIVFFlat>(any, path);
    if (index == nullptr) index = opened_as<Flat, faiss::IndexFlat>(any, path);
    if (index == nullptr) fail("cannot open the index '{}': FAISS reads it as another kind", path.string());
    return index;
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
    return std::make_unique<const InvertedFile>(std::move(index));
  });
}

std::vector<float> cluster(std::span<const float> vectors, int64_t dim, const Clustering& asked,
                           int threads) {
  const OpenMpThreads guard(threads);
  return calling_faiss("cluster vectors", [&] {
    faiss::ClusteringParameters parameters;
    parameters.niter = asked.iterations;
    parameters.min_points_per_centroid = 1;  // below, FAISS warns on standard error
    parameters.max_points_per_centroid = asked.most_of_centre;
    faiss::Clustering clustering(static_cast<int>(dim), static_cast<int>(asked.centres), parameters);
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
