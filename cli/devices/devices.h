#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "cli/live_io.h"

namespace contentvec::cli {

/// A microphone, loudspeakers, or what a sound server offers as such.
struct AudioDevice {
  int number = 0;
  std::string name;
  std::string system;  ///< that it belongs to, "ALSA"
  int inputs = 0;      ///< channels
  int outputs = 0;
  double rate = 0;  ///< Hz, its own
  bool default_input = false;
  bool default_output = false;
};

enum class Direction { kInput, kOutput };

/// Those there are. Throws Error where the program cannot ask.
std::vector<AudioDevice> audio_devices();

/// The one with that number, with that name, or the only one with that in its name, in upper or lower case; of "" the
/// system's own choice. Throws Error that says which there are.
AudioDevice find_device(const std::string& name, Direction direction);

/// The samples of its first channel, at `rate` Hz. It begins with the first read(), which throws Error where the device
/// gives nothing any more. `block`: what is read at a time.
std::unique_ptr<LiveSource> device_input(const AudioDevice& device, int rate, size_t block);
/// What becomes of a block for which a device has no room yet: it waits, or where the input does not, it is skipped.
enum class WhenFull { kWait, kSkip };

/// The samples in two of its channels, or the one that it has. Half a block of silence comes first, so that a block
/// may take longer than the first did; blocks are made a few samples longer or shorter where that becomes more or less,
/// since the device's clock is not the input's. write() waits for the device or not, and throws Error where it takes
/// nothing any more.
std::unique_ptr<LiveSink> device_output(const AudioDevice& device, int rate, size_t block,
                                        WhenFull when_full);

}  // namespace contentvec::cli
