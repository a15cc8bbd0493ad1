#pragma once

namespace contentvec::cli {

/// Makes SIGINT, SIGTERM, SIGHUP and SIGQUIT remove half-written files and give back the terminal before they end the
/// process, and a broken pipe or a file size limit an error of the write rather than the end of the process. A signal
/// that the parent chose to ignore (nohup, a shell's background job) stays ignored. May be called by a signal's
/// handler.
void install_signal_handlers();

/// Calls `handler` at a signal from here on, with these flags of sigaction(); not where the signal is ignored.
void handle_signal(int signal, void (*handler)(int), int flags = 0);

/// From here on Ctrl-C, SIGTERM and a closed terminal (SIGHUP) ask for the end, and the next of them ends the process.
void stop_on_signals();
/// Asks for the end, as Ctrl-C does. May be called by a signal's handler, and by any thread.
void ask_to_stop();
/// Whether somebody asked. Any thread.
bool asked_to_stop();

}  // namespace contentvec::cli
