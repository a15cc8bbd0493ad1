#pragma once

namespace contentvec::cli {

/// The command line: does what `argv` says and returns the exit code. Writes to standard output and error,
/// and sets the process's signal handlers, so that the process should end with it. Throws nothing.
int program(int argc, const char* const* argv);

}  // namespace contentvec::cli
