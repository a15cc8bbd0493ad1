#include "cli/live_keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "cli/console.h"
#include "cli/signals.h"
#include "cli/terminal.h"
#include "contentvec/error.h"

namespace contentvec::cli {
namespace {

constexpr auto kKeyPoll = std::chrono::milliseconds(30);

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

/// What a key makes of the settings; false where it means nothing.
bool change(const std::string& key, StreamSettings& settings) {
  const auto step = [](auto& value, auto by, auto least, auto most) {
    value = std::clamp(value + by, least, most);
    return true;
  };
  if (key == "\x1b[A") return step(settings.key, 1.0, -48.0, 48.0);
  if (key == "\x1b[B") return step(settings.key, -1.0, -48.0, 48.0);
  if (key == "\x1b[C") return step(settings.formant, 0.5, -12.0, 12.0);
  if (key == "\x1b[D") return step(settings.formant, -0.5, -12.0, 12.0);
  if (key == "]") return step(settings.index_rate, 0.1F, 0.0F, 1.0F);
  if (key == "[") return step(settings.index_rate, -0.1F, 0.0F, 1.0F);
  if (key == "b") settings.bypass = !settings.bypass;
  return key == "b";
}

}  // namespace

LiveKeys::LiveKeys(VoiceStream& stream, std::span<const Speaker> voices)
    : stream_(stream), voices_(voices), has_index_(voices.front().retriever.has_value()) {
  if (on_terminal() && take_terminal()) thread_ = std::thread([this] { listen(); });
}

LiveKeys::~LiveKeys() {
  if (!thread_.joinable()) return;
  stopping_ = true;
  thread_.join();
  give_back_terminal();
}

void LiveKeys::listen() {
  for (; !stopping_; std::this_thread::sleep_for(kKeyPoll)) {
    try {
      for (const std::string& key : keys_of(typed_keys())) press(key);
    } catch (const Error& error) {  // a voice that does not fit: the stream goes on with the other
      warning_line(error.what());
    }
  }
}

void LiveKeys::press(const std::string& key) {
  if (key == "q") return ask_to_stop();
  if (key == "v") return speak_with_next();
  if (StreamSettings settings = stream_.settings(); change(key, settings)) stream_.set(settings);
}

void LiveKeys::speak_with_next() {
  if (voices_.size() < 2) return;
  // Also to one that does not fit: the next key goes on to the one after it.
  voice_ = (voice_ + 1) % voices_.size();
  const Speaker& next = voices_[voice_];
  stream_.set_voice(next.voice, next.retriever);
  has_index_ = next.retriever.has_value();
  note_line(fmt::format("contentvec: {} speaks", shown(next.voice.info().source)));
}

}  // namespace contentvec::cli
