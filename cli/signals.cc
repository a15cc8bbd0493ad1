#include "cli/signals.h"

#include <atomic>
#include <csignal>

#include "cli/terminal.h"
#include "contentvec/unfinished_files.h"

namespace contentvec::cli {
namespace {

std::atomic<bool> stop_asked = false;  // without a lock, so that a signal may set it

/// Dies of the signal itself, so that a shell or a scheduler sees what happened. The signal is unblocked
/// first: waiting for the handler to return would give other threads time to start another file.
void clean_up_and_die(int signal) {
  give_back_terminal();
  remove_unfinished_files();
  struct sigaction standard = {};
  standard.sa_handler = SIG_DFL;
  sigaction(signal, &standard, nullptr);
  sigset_t only_this;
  sigemptyset(&only_this);
  sigaddset(&only_this, signal);
  pthread_sigmask(SIG_UNBLOCK, &only_this, nullptr);
  raise(signal);
}

void set_action(int signal, void (*handler)(int), int flags = 0) {
  struct sigaction action = {};
  action.sa_handler = handler;
  action.sa_flags = flags;
  sigemptyset(&action.sa_mask);
  sigaction(signal, &action, nullptr);
}

bool ignored(int signal) {
  struct sigaction current = {};
  return sigaction(signal, nullptr, &current) != 0 || current.sa_handler == SIG_IGN;
}

}  // namespace

void install_signal_handlers() {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) {
    handle_signal(signal, clean_up_and_die);
  }
  for (const int signal : {SIGPIPE, SIGXFSZ}) set_action(signal, SIG_IGN);
}

void handle_signal(int signal, void (*handler)(int), int flags) {
  if (!ignored(signal)) set_action(signal, handler, flags);
}

void stop_on_signals() {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    handle_signal(signal, [](int) {
      ask_to_stop();
      install_signal_handlers();  // the next one is the last
    });                           // without SA_RESTART: a read is interrupted
  }
}

void ask_to_stop() {
  stop_asked = true;
}

bool asked_to_stop() {
  return stop_asked;
}

}  // namespace contentvec::cli
