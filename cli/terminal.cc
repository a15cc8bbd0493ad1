#include "cli/terminal.h"

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>

#include "cli/signals.h"

namespace contentvec::cli {
namespace {

// Of the process, as a terminal's settings are: handlers of signals use them.
int terminal = -1;
termios former;
termios each_key;
std::atomic<bool> is_taken = false;
std::atomic<bool> is_given_back = true;

/// In the background a program that reads or sets the terminal would be stopped.
bool in_foreground() {
  const pid_t group = tcgetpgrp(terminal);
  return group < 0 || group == getpgrp();
}

/// Ctrl-Z: the shell has its terminal before the process stops.
void stop(int /*signal*/) {
  tcsetattr(terminal, TCSANOW, &former);
  raise(SIGSTOP);
}

/// It goes on, maybe in the background: the terminal is taken again when there is time.
void go_on(int /*signal*/) {
  is_taken = false;
}

}  // namespace

bool take_terminal() {
  terminal = isatty(STDIN_FILENO) == 1 ? dup(STDIN_FILENO) : open("/dev/tty", O_RDONLY | O_CLOEXEC);
  if (terminal < 0 || tcgetattr(terminal, &former) != 0) return false;
  each_key = former;
  each_key.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);  // Ctrl-C stays what it is
  each_key.c_cc[VMIN] = 0;                                    // nobody waits for a key
  each_key.c_cc[VTIME] = 0;
  is_given_back = false;
  handle_signal(SIGTSTP, stop, SA_RESTART);
  handle_signal(SIGCONT, go_on, SA_RESTART);
  return true;
}

std::string typed_keys() {
  if (is_given_back || !in_foreground()) return "";
  if (!is_taken.exchange(true)) tcsetattr(terminal, TCSANOW, &each_key);
  std::array<char, 64> bytes = {};
  const ssize_t count = read(terminal, bytes.data(), bytes.size());
  return {bytes.data(), static_cast<size_t>(count > 0 ? count : 0)};
}

void give_back_terminal() {
  if (is_given_back.exchange(true) || !is_taken) return;
  tcsetattr(terminal, TCSANOW, &former);
}

}  // namespace contentvec::cli
