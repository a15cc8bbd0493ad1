// Pitch of the C interface, over the public C++ one.

#include "contentvec/pitch.h"

#include <algorithm>
#include <string>
#include <vector>

#include "c/guard.h"
#include "c/handles.h"
#include "c/loading.h"

using namespace contentvec;  // this file is a translation from one interface to the other
using c::guarded;
using c::InvalidArgument;
using c::needed;

namespace {

contentvec_pitch_options pitch_defaults() {
  contentvec_pitch_options defaults = {};
  defaults.size = sizeof(defaults);
  return defaults;
}

/// Loads by `load(options)`, which is PitchEstimator::load of something.
template <typename Load>
contentvec_status load_pitch(const contentvec_load_options* options, contentvec_pitch** result,
                             const Load& load) {
  return guarded([&] {
    needed(result, "pitch");
    const contentvec_load_options given = c::options_or_defaults(options, c::load_defaults());
    c::check_is_for_cpu(given, "a pitch estimator");
    *result = new contentvec_pitch{load(PitchLoadOptions{.threads = given.threads,
                                                         .dtype = c::dtype_of(given.dtype),
                                                         .run_tasks = c::run_tasks_of(given),
                                                         .hub = c::hub_of(given)})};
  });
}

PitchOptions pitch_options_of(const contentvec_pitch_options& given) {
  PitchOptions options;
  if (given.threshold != 0) options.threshold = given.threshold;
  if (given.abort != nullptr) options.poll = [flag = given.abort] { c::check_abort(flag); };
  if (given.progress != nullptr) {
    options.progress = [given](int64_t done, int64_t total) {
      if (given.progress(given.user, "frames", done, total) != 0) throw c::Aborted();
    };
  }
  return options;
}

void check_capacity(const PitchEstimator& estimator, int64_t samples, const float* f0, int64_t capacity) {
  const int64_t frames = estimator.frames(samples);
  // A waveform that is too short is for the estimator to say.
  if (frames > 0 && capacity != frames)
    throw InvalidArgument("the pitch has " + std::to_string(frames) + " frames, capacity is " +
                          std::to_string(capacity));
  c::check_array(f0, static_cast<size_t>(frames), "f0");
}

void copy_out(const Pitch& pitch, float* f0, float* confidence) {
  std::ranges::copy(pitch.f0, f0);
  if (confidence != nullptr) std::ranges::copy(pitch.confidence, confidence);
}

template <typename Float>
std::span<Float> track_of(Float* f0, int64_t frames) {
  const size_t size = c::checked_count(frames, "frames");
  c::check_array(f0, size, "f0");
  return {f0, size};
}

}  // namespace

contentvec_status contentvec_pitch_load(const char* spec, const contentvec_load_options* options,
                                        contentvec_pitch** pitch) {
  return load_pitch(options, pitch, [&](const PitchLoadOptions& wanted) {
    return PitchEstimator::load(spec == nullptr ? "rmvpe" : spec, wanted);
  });
}

contentvec_status contentvec_pitch_load_memory(const void* file, size_t size, const char* name,
                                               const contentvec_load_options* options,
                                               contentvec_pitch** pitch) {
  return load_pitch(options, pitch, [&](const PitchLoadOptions& wanted) {
    return PitchEstimator::load(c::file_of(file, size, name), wanted);
  });
}

contentvec_status contentvec_pitch_load_callbacks(contentvec_read_at read, void* user, uint64_t size,
                                                  const char* name, const contentvec_load_options* options,
                                                  contentvec_pitch** pitch) {
  return load_pitch(options, pitch, [&](const PitchLoadOptions& wanted) {
    return PitchEstimator::load(c::file_of(read, user, size, name), wanted);
  });
}

void contentvec_pitch_free(contentvec_pitch* pitch) {
  delete pitch;
}

contentvec_status contentvec_pitch_get_info(const contentvec_pitch* pitch, contentvec_pitch_info* info) {
  return guarded([&] {
    const PitchEstimator& estimator = needed(pitch, "pitch").estimator;
    const size_t size = c::size_of_info(info, "contentvec_pitch_info");
    const bool is_rmvpe = estimator.method() == PitchMethod::kRmvpe;
    c::fill_in(info, size,
               contentvec_pitch_info{.size = size,
                                     .method = is_rmvpe ? CONTENTVEC_RMVPE : CONTENTVEC_FCPE,
                                     .threads = estimator.threads(),
                                     .least_samples = estimator.least_samples(),
                                     .hop = kPitchHop,
                                     .source = estimator.source().c_str()});
  });
}

int64_t contentvec_pitch_frames_for(const contentvec_pitch* pitch, int64_t samples) {
  return pitch == nullptr ? 0 : pitch->estimator.frames(samples);
}

void contentvec_pitch_options_init(contentvec_pitch_options* options, size_t size) {
  c::fill_in(options, size, pitch_defaults());
}

contentvec_status contentvec_pitch_estimate(const contentvec_pitch* pitch, const float* waveform,
                                            int64_t samples, const contentvec_pitch_options* options,
                                            float* f0, float* confidence, int64_t capacity) {
  return contentvec_pitch_estimate_batch(pitch, &waveform, &samples, 1, options, &f0, &confidence, &capacity);
}

contentvec_status contentvec_pitch_estimate_batch(const contentvec_pitch* pitch,
                                                  const float* const* waveforms, const int64_t* samples,
                                                  size_t recordings, const contentvec_pitch_options* options,
                                                  float* const* f0, float* const* confidence,
                                                  const int64_t* capacities) {
  return guarded([&] {
    const PitchEstimator& estimator = needed(pitch, "pitch").estimator;
    c::check_array(waveforms, recordings, "waveforms");
    c::check_array(samples, recordings, "samples");
    c::check_array(f0, recordings, "f0");
    c::check_array(capacities, recordings, "capacities");
    const contentvec_pitch_options given = c::options_or_defaults(options, pitch_defaults());
    std::vector<std::span<const float>> inputs;
    for (size_t i = 0; i < recordings; ++i) {
      inputs.push_back(c::waveform_of(waveforms[i], samples[i]));
      check_capacity(estimator, samples[i], f0[i], capacities[i]);
    }
    const std::vector<Pitch> pitches = estimator.estimate_batch(inputs, pitch_options_of(given));
    for (size_t i = 0; i < recordings; ++i)
      copy_out(pitches[i], f0[i], confidence == nullptr ? nullptr : confidence[i]);
  });
}

contentvec_status contentvec_pitch_interpolate(float* f0, int64_t frames) {
  return guarded([&] { interpolate_unvoiced(track_of(f0, frames)); });
}

contentvec_status contentvec_pitch_shift(float* f0, int64_t frames, double semitones) {
  return guarded([&] { shift_semitones(track_of(f0, frames), semitones); });
}

contentvec_status contentvec_pitch_coarse(const float* f0, int64_t frames, int64_t* coarse) {
  return guarded([&] {
    const std::vector<int64_t> ids = coarse_pitch(track_of(f0, frames));
    c::check_array(coarse, ids.size(), "coarse");
    std::ranges::copy(ids, coarse);
  });
}
