#include <nanobind/stl/string.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "bindings.h"

namespace contentvec::python {
namespace {

using Frames = nb::ndarray<nb::numpy, float, nb::ndim<2>>;

Retriever open_retriever(const std::string& path) {
  const OthersRun others_run;
  return Retriever::open(path);
}

/// Signals are looked at between the steps of building; one step (FAISS's k-means) is not interrupted.
IndexOptions index_options(int threads) {
  return {.threads = threads, .progress = [poll = SignalPoll()](std::string_view) mutable { poll(); }};
}

Retriever build_retriever(const Matrix& vectors, int threads) {
  const IndexOptions options = index_options(threads);
  const OthersRun others_run;
  return Retriever::build({vectors.data(), vectors.size()}, static_cast<int64_t>(vectors.shape(1)), options);
}

Retriever build_retriever_from_folder(const std::string& folder, int threads) {
  const IndexOptions options = index_options(threads);
  const OthersRun others_run;
  return Retriever::build_from_folder(folder, options);
}

void save_retriever(const Retriever& retriever, const std::string& path) {
  const OthersRun others_run;
  retriever.save(path);
}

std::string save_retriever_for_rvc(const Retriever& retriever, const std::string& folder,
                                   const std::string& name) {
  const OthersRun others_run;
  return retriever.save_for_rvc(folder, name).string();
}

Frames blend(const Retriever& retriever, const Matrix& frames, float rate, int64_t nprobe) {
  Features features;
  features.frames = static_cast<int64_t>(frames.shape(0));
  features.dim = static_cast<int64_t>(frames.shape(1));
  std::unique_ptr<float[]> blended(new float[frames.size()]);
  {
    const OthersRun others_run;
    features.data.assign(frames.data(), frames.data() + frames.size());
    std::ranges::copy(retriever.blend(features, rate, nprobe).data, blended.get());
  }
  return owner_of<Frames>(std::move(blended), {frames.shape(0), frames.shape(1)});
}

}  // namespace

void bind_retriever(nb::module_& m) {
  nb::class_<Retriever>(m, "Retriever", "RVC's index. Immutable: any number of threads may use it at once.")
      .def_static("open", &open_retriever, "path"_a, "Reads a file. Lets other Python threads run.")
      .def_static("build", &build_retriever, "vectors"_a, "threads"_a,
                  "An index of [size, dim]. Lets other Python threads run.")
      .def_static("build_from_folder", &build_retriever_from_folder, "folder"_a, "threads"_a,
                  "An index of the .npy files there. Lets other Python threads run.")
      .def_prop_ro("size", &Retriever::size)
      .def_prop_ro("dim", &Retriever::dim)
      .def_prop_ro("lists", &Retriever::lists)
      .def("blend", &blend, "features"_a, "rate"_a, "nprobe"_a = 0,
           "[frames, dim], blended. Lets other Python threads run.")
      .def("save", &save_retriever, "path"_a, "Writes the file. Lets other Python threads run.")
      .def("save_for_rvc", &save_retriever_for_rvc, "folder"_a, "name"_a,
           "Writes RVC's two files; returns the path of the added one. Lets other Python threads run.");
}

}  // namespace contentvec::python
