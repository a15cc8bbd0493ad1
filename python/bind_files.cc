#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <cstdint>
#include <string>
#include <vector>

#include "bindings.h"

namespace contentvec::python {
namespace {

void write_rows(const std::string& path, const Matrix& features) {
  const auto frames = static_cast<int64_t>(features.shape(0));
  const auto dim = static_cast<int64_t>(features.shape(1));
  const OthersRun others_run;
  FeatureWriter file(path, frames, dim);
  file.write(0, {features.data(), features.size()});
  file.commit();
}

void remove_abandoned(const std::string& folder) {
  const OthersRun others_run;
  remove_abandoned_files(folder);
}

std::vector<std::string> endings_of_audio() {
  const auto endings = audio_extensions();
  return {endings.begin(), endings.end()};
}

}  // namespace

void bind_files(nb::module_& m) {
  m.def(
      "write_features", &write_rows, "path"_a, "features"_a,
      "Writes [frames, dim] to a .npy or .safetensors file, whole or not at all. Lets other Python threads run.");
  m.def("remove_abandoned_files", &remove_abandoned, "folder"_a,
        "Removes what killed processes have left in a folder. Lets other Python threads run.");
  m.def("audio_extensions", &endings_of_audio, "The endings of the names of audio files: \".wav\" ...");
}

}  // namespace contentvec::python
