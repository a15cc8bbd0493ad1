#pragma once

namespace contentvec::cli {

/// Makes SIGINT, SIGTERM, SIGHUP and SIGQUIT remove half-written files and give back the terminal before they end the
/// process, and a broken pipe or a file size limit an error of the write rather than the end of the process. A signal
/// that the parent chose to ignore (nohup, a shell's background job) stays ignored. May be called by a signal's
/// handler.
void install_signal_handlers();

}  // namespace contentvec::cli
