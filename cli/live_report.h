#pragma once

#include <string>

#include "cli/live_io.h"
#include "contentvec/stream.h"

namespace contentvec::cli {

/// How long a block lasts.
double block_ms(const VoiceStream& stream);

/// How the sides of a stream have been doing.
struct Sides {
  SideStats input;
  SideStats output;
  SideStats monitor;
};

/// One line that is written over as blocks go by, where people see it: levels, pitch, times and settings.
class LiveDisplay {
 public:
  explicit LiveDisplay(const VoiceStream& stream);
  ~LiveDisplay();
  LiveDisplay(const LiveDisplay&) = delete;
  LiveDisplay& operator=(const LiveDisplay&) = delete;

  /// `has_index`: its rate is shown.
  void update(const Sides& sides, bool has_index);

 private:
  const VoiceStream& stream_;
  bool is_shown_;
};

/// Says how it went, when it is over; also to a file as JSON, unless its name is "". Throws Error where that cannot be
/// written.
void summarise(const VoiceStream& stream, const Sides& sides, const std::string& json_file);

}  // namespace contentvec::cli
