#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bindings.h"

namespace contentvec::python {
namespace {

using Bytes = nb::ndarray<const uint8_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Waveform = nb::ndarray<nb::numpy, float, nb::ndim<1>>;

/// The waveform that `read` returns, read while other Python threads run, and what there is to say of it.
template <typename Read>
std::pair<Waveform, std::vector<std::string>> waveform_of(const Read& read) {
  Audio audio;
  std::unique_ptr<float[]> copy;
  {
    const OthersRun others_run;
    audio = read();
    copy.reset(new float[audio.waveform.size()]);
    std::ranges::copy(audio.waveform, copy.get());
  }
  return {owner_of<Waveform>(std::move(copy), {audio.waveform.size()}), std::move(audio.warnings)};
}

std::pair<Waveform, std::vector<std::string>> read_audio_file(const std::string& path) {
  return waveform_of([&] { return read_audio(path); });
}

std::pair<Waveform, std::vector<std::string>> read_audio_bytes(const Bytes& file, const std::string& name) {
  return waveform_of([&] { return read_audio(std::as_bytes(std::span(file.data(), file.size())), name); });
}

}  // namespace

void bind_audio(nb::module_& m) {
  m.def("read_audio", &read_audio_file, "path"_a,
        "An audio file as 16 kHz mono float32 [samples], and warnings. Lets other Python threads run.");
  m.def("read_audio_bytes", &read_audio_bytes, "file"_a, "name"_a,
        "The same of a file in memory, uint8; `name` stands for it in errors.");
}

}  // namespace contentvec::python
