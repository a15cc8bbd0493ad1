#pragma once

namespace contentvec::cli {

/// Makes SIGINT, SIGTERM and SIGHUP remove half-written files before they end the process, and a broken pipe
/// or a file size limit an error of the write rather than the end of the process. A signal that the parent
/// chose to ignore (nohup, a shell's background job) stays ignored.
void install_signal_handlers();

}  // namespace contentvec::cli
