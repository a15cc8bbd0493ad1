#pragma once

#include <cstdint>
#include <string>

#include "contentvec/stream.h"

namespace contentvec::cli {

/// How long a block lasts.
double block_ms(const VoiceStream& stream);

/// One line that is written over as blocks go by, where people see it: levels, pitch, times and settings.
class LiveDisplay {
 public:
  explicit LiveDisplay(const VoiceStream& stream);
  ~LiveDisplay();
  LiveDisplay(const LiveDisplay&) = delete;
  LiveDisplay& operator=(const LiveDisplay&) = delete;

  void update();

 private:
  const VoiceStream& stream_;
  bool is_shown_;
};

/// How often a device was not served in time.
struct Gaps {
  int64_t input = 0;
  int64_t output = 0;
};

/// Says how it went, when it is over; also to a file as JSON, unless its name is "". Throws Error where that cannot be
/// written.
void summarise(const VoiceStream& stream, const Gaps& gaps, const std::string& json_file);

}  // namespace contentvec::cli
