#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "cli/voice_parts.h"
#include "contentvec/stream.h"

namespace contentvec::cli {

/// What keys do; for the help.
inline constexpr const char* kLiveKeys =
    "up and down: key; right and left: formants; ] and [: index rate; b: bypass; v: next voice; q: quit";

/// Changes a stream while it runs, as keys are pressed, where standard input is a terminal: until the end it hands over
/// each key at once, and shows none.
class LiveKeys {
 public:
  /// `voices`: the one that speaks, and those after it.
  LiveKeys(VoiceStream& stream, std::span<const Speaker> voices);
  ~LiveKeys();
  LiveKeys(const LiveKeys&) = delete;
  LiveKeys& operator=(const LiveKeys&) = delete;

  /// Whether the voice that speaks has an index.
  [[nodiscard]] bool has_index() const { return has_index_; }

 private:
  void listen();
  void press(const std::string& key);
  void speak_with_next();

  VoiceStream& stream_;
  std::span<const Speaker> voices_;
  size_t voice_ = 0;
  std::atomic<bool> has_index_;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace contentvec::cli
