#pragma once

#include <functional>

#include "contentvec/export.h"

namespace contentvec {

/// The most threads one model may be given.
inline constexpr int kMaxThreads = 1024;

/// CPUs this process may run on (its affinity mask where the system has one), at least 1: how many threads
/// are taken where 0 are asked for.
[[nodiscard]] CONTENTVEC_API int usable_cpus();

/// Runs the library's loops on threads of the caller's. It must call task(index) for every index from 0 to
/// tasks - 1, each once, on any threads, at once or one after the other, and return (or throw, which ends the
/// extraction) when all have returned. It is called hundreds of times in one extraction, 20 to 200
/// microseconds apart, from the thread that extracts or loads, and from several at once where several
/// extract.
using RunTasks = std::function<void(int tasks, const std::function<void(int index)>& task)>;

}  // namespace contentvec
