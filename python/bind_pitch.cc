#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bindings.h"

namespace contentvec::python {
namespace {

using FloatVector = nb::ndarray<nb::numpy, float, nb::ndim<1>>;
using IntegerVector = nb::ndarray<nb::numpy, int64_t, nb::ndim<1>>;

FloatVector to_array(const std::vector<float>& values) {
  std::unique_ptr<float[]> data(new float[values.size()]);
  std::ranges::copy(values, data.get());
  return owner_of<FloatVector>(std::move(data), {values.size()});
}

PitchEstimator load_pitch(const std::string& spec, int threads, const std::string& dtype,
                          const HubOptions& hub) {
  const PitchLoadOptions options = {.threads = threads, .dtype = dtype_from_name(dtype), .hub = hub};
  const OthersRun others_run;
  return PitchEstimator::load(spec, options);
}

std::vector<std::pair<FloatVector, FloatVector>> estimate(const PitchEstimator& estimator,
                                                          const std::vector<Vector>& waveforms,
                                                          std::optional<double> threshold) {
  std::vector<std::span<const float>> batch;
  std::transform(waveforms.begin(), waveforms.end(), std::back_inserter(batch), span_of);
  std::vector<Pitch> pitches;
  {
    const PitchOptions options = {.threshold = threshold, .poll = SignalPoll()};
    const OthersRun others_run;
    pitches = estimator.estimate_batch(batch, options);
  }
  std::vector<std::pair<FloatVector, FloatVector>> arrays;
  arrays.reserve(pitches.size());
  for (const Pitch& pitch : pitches) arrays.emplace_back(to_array(pitch.f0), to_array(pitch.confidence));
  return arrays;
}

FloatVector interpolated(const Vector& f0) {
  std::vector<float> filled(f0.data(), f0.data() + f0.size());
  interpolate_unvoiced(filled);
  return to_array(filled);
}

FloatVector shifted(const Vector& f0, double semitones) {
  std::vector<float> moved(f0.data(), f0.data() + f0.size());
  shift_semitones(moved, semitones);
  return to_array(moved);
}

IntegerVector coarse(const Vector& f0) {
  auto owned = std::make_unique<std::vector<int64_t>>(coarse_pitch(span_of(f0)));
  int64_t* data = owned->data();
  const size_t shape[] = {owned->size()};
  const nb::capsule owner(owned.release(),
                          [](void* memory) noexcept { delete static_cast<std::vector<int64_t>*>(memory); });
  return IntegerVector(data, 1, shape, owner);
}

}  // namespace

void bind_pitch(nb::module_& m) {
  nb::class_<PitchEstimator>(m, "PitchEstimator")
      .def_prop_ro("method",
                   [](const PitchEstimator& e) { return std::string(pitch_method_name(e.method())); })
      .def_prop_ro("source", &PitchEstimator::source)
      .def_prop_ro("threads", &PitchEstimator::threads)
      .def_prop_ro("least_samples", &PitchEstimator::least_samples)
      .def("estimate", &estimate, "waveforms"_a, "threshold"_a.none());
  m.def("load_pitch", &load_pitch, "spec"_a, "threads"_a, "dtype"_a, "hub"_a);
  m.def("interpolate_unvoiced", &interpolated, "f0"_a);
  m.def("shift_semitones", &shifted, "f0"_a, "semitones"_a);
  m.def("coarse_pitch", &coarse, "f0"_a);
}

}  // namespace contentvec::python
