#pragma once

#include <cstddef>
#include <span>

#include "checkpoint/pickle_value.h"

namespace contentvec::checkpoint::pickle {

/// Reads one pickle (protocols 0 to 5) from the start of `bytes`, which may go on after it, into plain
/// values. Nothing is imported, called or executed, whatever it asks for: classes and functions are kept as
/// names, and calls of them as records. The one exception is collections.OrderedDict, which becomes a Dict.
///
/// Memory is bounded by a constant times the bytes of the pickle: each opcode makes at most one value,
/// lengths are checked against the bytes that are left, texts are views of `bytes` (which must outlive the
/// result). Throws Error, with the byte it stopped at, for anything that is not a complete, well-formed
/// pickle.
[[nodiscard]] Values unpickle(std::span<const std::byte> bytes);

/// The same for what joblib.dump writes without compression: a pickle in which an array's bytes stand behind the object
/// that describes it, its NumpyArrayWrapper. They become that record's `bytes`. Throws Error also for arrays of Python
/// objects.
[[nodiscard]] Values unpickle_joblib(std::span<const std::byte> bytes);

}  // namespace contentvec::checkpoint::pickle
