#pragma once

// What the sources of contentvec._core share. The extension is the C++ library for Python, one function for
// one function; what users call is in contentvec/*.py, which brings arrays of any kind to contiguous float32.
// Nothing a caller hands in may crash: what nanobind's types do not refuse (TypeError), the library or the
// functions here do (contentvec.Error).

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <chrono>
#include <initializer_list>
#include <memory>
#include <span>
#include <thread>

#include "contentvec/contentvec.h"

namespace contentvec::python {

namespace nb = nanobind;
using nb::literals::operator""_a;

using Vector = nb::ndarray<const float, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Matrix = nb::ndarray<const float, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

inline std::span<const float> span_of(const Vector& array) {
  return {array.data(), array.size()};
}

/// An array that owns `data`.
template <typename Array>
Array owner_of(std::unique_ptr<float[]> data, std::initializer_list<size_t> shape) {
  const nb::capsule owner(data.get(), [](void* memory) noexcept { delete[] static_cast<float*>(memory); });
  return Array(data.release(), shape, owner);
}

/// Runs `take`, which asks for the interpreter. When that is ending, it unwinds a daemon thread that asks
/// instead of answering, which C++ takes for an exception nobody may throw there: such a thread waits for the
/// end here.
template <typename Take>
auto take_interpreter(const Take& take) noexcept {
  try {
    return take();
  } catch (...) {
    for (;;) std::this_thread::sleep_for(std::chrono::hours(1));
  }
}

/// Lets other Python threads run while it is there.
class OthersRun {
 public:
  OthersRun() : thread_(PyEval_SaveThread()) {}
  ~OthersRun() {
    take_interpreter([this] { PyEval_RestoreThread(thread_); });
  }
  OthersRun(const OthersRun&) = delete;
  OthersRun& operator=(const OthersRun&) = delete;

 private:
  PyThreadState* thread_;
};

/// Has the interpreter while it is there, in a call that lets others run.
class Interpreter {
 public:
  Interpreter() : state_(take_interpreter([] { return PyGILState_Ensure(); })) {}
  ~Interpreter() { PyGILState_Release(state_); }
  Interpreter(const Interpreter&) = delete;
  Interpreter& operator=(const Interpreter&) = delete;

 private:
  PyGILState_STATE state_;
};

/// Runs Python's signal handlers during a call that has let go of the interpreter, and throws what they raise
/// (KeyboardInterrupt on Ctrl-C). Twenty times a second at most, since it has to wait for the interpreter.
class SignalPoll {
 public:
  void operator()() {
    const auto now = std::chrono::steady_clock::now();
    if (now - last_ < std::chrono::milliseconds(50)) return;
    last_ = now;
    const Interpreter interpreter;
    if (PyErr_CheckSignals() != 0) throw nb::python_error();
  }

 private:
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

void bind_config(nb::module_& m);
void bind_info(nb::module_& m);
void bind_hub(nb::module_& m);
void bind_model(nb::module_& m);
void bind_audio(nb::module_& m);
void bind_files(nb::module_& m);
void bind_retriever(nb::module_& m);
void bind_pitch(nb::module_& m);
void bind_voice(nb::module_& m);
void bind_stream(nb::module_& m);
void bind_program(nb::module_& m);

}  // namespace contentvec::python
