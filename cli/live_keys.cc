#include "cli/live_keys.h"

#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "cli/console.h"
#include "cli/live_io.h"
#include "contentvec/error.h"

namespace contentvec::cli {
namespace {

termios former_terminal;

/// Each key at once and unseen; Ctrl-C stays what it is.
bool take_over_terminal() {
  if (isatty(STDIN_FILENO) != 1 || tcgetattr(STDIN_FILENO, &former_terminal) != 0) return false;
  termios each_key = former_terminal;
  each_key.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  return tcsetattr(STDIN_FILENO, TCSANOW, &each_key) == 0;
}

/// The keys in what a terminal sent: one byte each, or three for an arrow.
std::vector<std::string> keys_of(const std::string& bytes) {
  std::vector<std::string> keys;
  for (size_t i = 0; i < bytes.size();) {
    const bool is_arrow = bytes[i] == '\x1b' && i + 2 < bytes.size();
    keys.push_back(bytes.substr(i, is_arrow ? 3 : 1));
    i += keys.back().size();
  }
  return keys;
}

}  // namespace

LiveKeys::LiveKeys(VoiceStream& stream, std::span<const Speaker> voices) : stream_(stream), voices_(voices) {
  if (on_terminal() && take_over_terminal()) thread_ = std::thread([this] { listen(); });
}

LiveKeys::~LiveKeys() {
  if (!thread_.joinable()) return;
  stopping_ = true;
  thread_.join();
  tcsetattr(STDIN_FILENO, TCSANOW, &former_terminal);
}

void LiveKeys::listen() {
  while (!stopping_) {
    pollfd terminal = {STDIN_FILENO, POLLIN, 0};
    if (poll(&terminal, 1, 50) != 1) continue;
    std::array<char, 64> bytes = {};
    const ssize_t count = read(STDIN_FILENO, bytes.data(), bytes.size());
    if (count <= 0) return;  // the terminal is gone
    for (const std::string& key : keys_of({bytes.data(), static_cast<size_t>(count)})) press(key);
  }
}

void LiveKeys::press(const std::string& key) {
  if (key == "q") return ask_to_stop();
  if (key == "v") return speak_with_next();
  StreamSettings settings = stream_.settings();
  if (key == "\x1b[A") settings.key = std::min(settings.key + 1, 48.0);
  if (key == "\x1b[B") settings.key = std::max(settings.key - 1, -48.0);
  if (key == "\x1b[C") settings.formant = std::min(settings.formant + 0.5, 12.0);
  if (key == "\x1b[D") settings.formant = std::max(settings.formant - 0.5, -12.0);
  if (key == "]") settings.index_rate = std::min(settings.index_rate + 0.1F, 1.0F);
  if (key == "[") settings.index_rate = std::max(settings.index_rate - 0.1F, 0.0F);
  if (key == "b") settings.bypass = !settings.bypass;
  stream_.set(settings);
}

void LiveKeys::speak_with_next() {
  if (voices_.size() < 2) return;
  const size_t next = (voice_ + 1) % voices_.size();
  try {
    stream_.set_voice(voices_[next].voice, voices_[next].retriever);
    voice_ = next;
  } catch (const Error& error) {
    warning_line(error.what());
  }
}

}  // namespace contentvec::cli
