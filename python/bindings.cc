// The extension module contentvec._core.

#include "bindings.h"

NB_MODULE(_core, m) {
  using namespace contentvec;
  // Where a script fails, its variables are still there when the interpreter ends: nobody's leak.
  nanobind::set_leak_warnings(false);
  m.doc() = "The native part of contentvec; use the package's own functions.";
  m.attr("version") = version();
  m.attr("INDEX_RATE") = kIndexRate;
  m.attr("MAX_SECONDS") = LongAudioOptions{}.max_seconds;
  m.attr("OVERLAP_SECONDS") = LongAudioOptions{}.overlap_seconds;
  const nanobind::exception<Error> error(m, "Error", PyExc_RuntimeError);
  error.attr("__doc__") =
      "Anything wrong with a file, an array or an option. Its text says what was expected, what was found "
      "and what to do.";
  python::bind_config(m);
  python::bind_info(m);
  python::bind_hub(m);
  python::bind_model(m);
  python::bind_audio(m);
  python::bind_files(m);
  python::bind_retriever(m);
  python::bind_pitch(m);
  python::bind_voice(m);
  python::bind_stream(m);
  python::bind_program(m);
}
