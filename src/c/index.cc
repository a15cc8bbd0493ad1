// Retrieval of the C interface.

#include <limits>

#include "c/guard.h"
#include "c/handles.h"
#include "contentvec/retriever.h"

using contentvec::c::guarded;
using contentvec::c::needed;

namespace {

contentvec::IndexOptions index_options(int32_t threads, contentvec_log log, void* user) {
  contentvec::IndexOptions options = {.threads = threads};
  if (log != nullptr) {
    options.progress = [log, user](std::string_view step) { log(user, 0, std::string(step).c_str()); };
  }
  return options;
}

/// [count, dim] floats.
template <typename Float>
std::span<Float> matrix(Float* values, int64_t count, int64_t dim, const char* name) {
  const size_t rows = contentvec::c::checked_count(count, "the number of vectors");
  const size_t width = contentvec::c::checked_count(dim, "dim");
  if (width > 0 && rows > std::numeric_limits<size_t>::max() / sizeof(float) / width) {
    throw contentvec::c::InvalidArgument(std::string(name) + " would be larger than any memory");
  }
  contentvec::c::check_array(values, rows * width, name);
  return {values, rows * width};
}

}  // namespace

contentvec_status contentvec_index_open(const char* path, contentvec_index** index) {
  return guarded([&] {
    needed(index, "index");
    *index = new contentvec_index{contentvec::Retriever::open(&needed(path, "path"))};
  });
}

contentvec_status contentvec_index_build(const float* vectors, int64_t count, int64_t dim, int32_t threads,
                                         contentvec_log log, void* user, contentvec_index** index) {
  return guarded([&] {
    needed(index, "index");
    *index = new contentvec_index{contentvec::Retriever::build(matrix(vectors, count, dim, "vectors"), dim,
                                                               index_options(threads, log, user))};
  });
}

contentvec_status contentvec_index_build_from_folder(const char* folder, int32_t threads, contentvec_log log,
                                                     void* user, contentvec_index** index) {
  return guarded([&] {
    needed(index, "index");
    *index = new contentvec_index{contentvec::Retriever::build_from_folder(
        &needed(folder, "folder"), index_options(threads, log, user))};
  });
}

int64_t contentvec_index_size(const contentvec_index* index) {
  return index == nullptr ? 0 : index->retriever.size();
}

int64_t contentvec_index_dim(const contentvec_index* index) {
  return index == nullptr ? 0 : index->retriever.dim();
}

int64_t contentvec_index_lists(const contentvec_index* index) {
  return index == nullptr ? 0 : index->retriever.lists();
}

contentvec_status contentvec_index_blend(const contentvec_index* index, float* features, int64_t frames,
                                         float rate, int64_t nprobe) {
  return guarded([&] {
    const contentvec::Retriever& retriever = needed(index, "index").retriever;
    const std::span<float> own = matrix(features, frames, retriever.dim(), "features");
    const contentvec::Features blended =
        retriever.blend({frames, retriever.dim(), std::vector<float>(own.begin(), own.end())}, rate, nprobe);
    std::copy(blended.data.begin(), blended.data.end(), own.begin());
  });
}

contentvec_status contentvec_index_save(const contentvec_index* index, const char* path) {
  return guarded([&] { needed(index, "index").retriever.save(&needed(path, "path")); });
}

void contentvec_index_free(contentvec_index* index) {
  delete index;
}
