#pragma once

#include <functional>

namespace contentvec {

/// Runs the library's loops on threads of the caller's. Must call task(index) for every index in [0, tasks),
/// each once, on any threads, at once or one after the other, and return (or throw, which ends the
/// extraction) when all have returned. Called hundreds of times in one extraction, 20 to 200 microseconds
/// apart, from the thread that extracts or loads; from several at once where several extract.
using RunTasks = std::function<void(int tasks, const std::function<void(int index)>& task)>;

}  // namespace contentvec
