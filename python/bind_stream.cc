#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/unique_ptr.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "bindings.h"

namespace contentvec::python {
namespace {

using Samples = nb::ndarray<nb::numpy, float, nb::ndim<1>>;

/// A stream that any number of Python threads may call at once: blocks then go through one after the other.
class SharedStream {
 public:
  SharedStream(const Model& model, const PitchEstimator* pitch, const Voice& voice,
               const Retriever* retriever, const StreamOptions& options)
      : stream_(model, copy_of(pitch), voice, copy_of(retriever), options) {}

  Samples process(const Vector& in) {
    const auto size = static_cast<size_t>(stream_.block());
    if (in.size() != size) {
      throw Error("a block of this stream has " + std::to_string(size) + " samples, found " +
                  std::to_string(in.size()));
    }
    std::unique_ptr<float[]> out(new float[size]);
    {
      const OthersRun others_run;
      const std::lock_guard one_block_at_a_time(processing_);
      if (stream_.process(span_of(in), {out.get(), size}) != StreamStatus::kOk) throw Error(stream_.error());
    }
    return owner_of<Samples>(std::move(out), {size});
  }

  void reset() {
    const OthersRun others_run;
    const std::lock_guard one_block_at_a_time(processing_);
    stream_.reset();
  }

  void set(const StreamSettings& settings) {
    const OthersRun others_run;
    stream_.set(settings);
  }

  void set_voice(const Voice& voice, const Retriever* retriever) {
    const OthersRun others_run;
    stream_.set_voice(voice, copy_of(retriever));
  }

  [[nodiscard]] const VoiceStream& stream() const { return stream_; }

 private:
  template <typename Part>
  static std::optional<Part> copy_of(const Part* part) {
    return part != nullptr ? std::optional(*part) : std::nullopt;
  }

  VoiceStream stream_;
  std::mutex processing_;
};

std::unique_ptr<SharedStream> make_stream(const Model& model, const PitchEstimator* pitch, const Voice& voice,
                                          const Retriever* retriever, int rate, double block_ms,
                                          double extra_ms, double crossfade_ms, double search_ms, bool fast,
                                          double fast_context_ms, std::optional<double> threshold,
                                          uint64_t seed, const StreamSettings& settings) {
  const StreamOptions options = {.rate = rate,
                                 .block_ms = block_ms,
                                 .extra_ms = extra_ms,
                                 .crossfade_ms = crossfade_ms,
                                 .search_ms = search_ms,
                                 .quality = fast ? StreamQuality::kFast : StreamQuality::kExact,
                                 .fast_context_ms = fast_context_ms,
                                 .pitch_threshold = threshold,
                                 .seed = seed,
                                 .settings = settings};
  const OthersRun others_run;
  return std::make_unique<SharedStream>(model, pitch, voice, retriever, options);
}

std::string unvoiced_of(const StreamSettings& settings) {
  return settings.unvoiced == Unvoiced::kKeep ? "keep" : "interpolate";
}

void set_unvoiced(StreamSettings& settings, const std::string& name) {
  if (name != "keep" && name != "interpolate")
    throw Error("unvoiced is \"" + name + "\"; expected \"interpolate\" or \"keep\"");
  settings.unvoiced = name == "keep" ? Unvoiced::kKeep : Unvoiced::kInterpolate;
}

}  // namespace

void bind_stream(nb::module_& m) {
  nb::class_<StreamSettings>(m, "StreamSettings", "What may change while a stream runs.")
      .def(nb::init<>())
      .def_rw("key", &StreamSettings::key)
      .def_rw("formant", &StreamSettings::formant)
      .def_rw("speaker", &StreamSettings::speaker)
      .def_rw("index_rate", &StreamSettings::index_rate)
      .def_rw("protect", &StreamSettings::protect)
      .def_rw("rms_mix_rate", &StreamSettings::rms_mix_rate)
      .def_rw("gate_db", &StreamSettings::gate_db)
      .def_rw("denoise_input", &StreamSettings::denoise_input)
      .def_rw("denoise_output", &StreamSettings::denoise_output)
      .def_prop_rw("unvoiced", &unvoiced_of, &set_unvoiced)
      .def_rw("bypass", &StreamSettings::bypass);
  nb::class_<StreamStats>(m, "StreamStats", "How a stream has been running.")
      .def_ro("blocks", &StreamStats::blocks, "Converted so far.")
      .def_ro("failed", &StreamStats::failed, "Blocks of them whose computation failed.")
      .def_ro("underruns", &StreamStats::underruns, "Blocks of them that took longer than they last.")
      .def_ro("last_ms", &StreamStats::last_ms, "What the last took.")
      .def_ro("mean_ms", &StreamStats::mean_ms)
      .def_ro("p99_ms", &StreamStats::p99_ms, "99 of 100 took less.")
      .def_ro("worst_ms", &StreamStats::worst_ms)
      .def_ro("sola_offset", &StreamStats::sola_offset, "By so many samples the last block begins later.")
      .def_ro("input_level", &StreamStats::input_level, "Root mean square of the last block, 0 to 1.")
      .def_ro("output_level", &StreamStats::output_level, "Root mean square of the last block, 0 to 1.")
      .def_ro("f0", &StreamStats::f0, "Hz, of the last voiced frame of the input; 0: none is.");
  nb::class_<SharedStream>(m, "VoiceStream", "Any number of threads may use it at once.")
      .def(nb::new_(&make_stream), "model"_a, "pitch"_a.none(), "voice"_a, "retriever"_a.none(), "rate"_a,
           "block_ms"_a, "extra_ms"_a, "crossfade_ms"_a, "search_ms"_a, "fast"_a, "fast_context_ms"_a,
           "threshold"_a.none(), "seed"_a, "settings"_a)
      .def_prop_ro("block", [](const SharedStream& own) { return own.stream().block(); })
      .def_prop_ro("rate", [](const SharedStream& own) { return own.stream().rate(); })
      .def_prop_ro("latency", [](const SharedStream& own) { return own.stream().latency(); })
      .def_prop_ro("settings", [](const SharedStream& own) { return own.stream().settings(); })
      .def_prop_ro("stats", [](const SharedStream& own) { return own.stream().stats(); })
      .def("process", &SharedStream::process, "samples"_a, "Lets other Python threads run.")
      .def("reset", &SharedStream::reset)
      .def("set", &SharedStream::set, "settings"_a)
      .def("set_voice", &SharedStream::set_voice, "voice"_a, "retriever"_a.none());
}

}  // namespace contentvec::python
