#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "contentvec/audio.h"

namespace contentvec::cli {

/// How raw samples lie in a pipe: mono, in the machine's byte order.
enum class RawEncoding {
  kS16,    ///< 16 bits, -32768 to 32767
  kFloat,  ///< float32, nominally -1 to 1
};

/// How a side of the stream has been doing; of files and pipes all is 0.
struct SideStats {
  int64_t device_gaps = 0;   ///< the device says that it lost sound, or had none: its own thread came late
  int64_t program_gaps = 0;  ///< what it gave was not read in time, or nothing was there for it
  int64_t inserted = 0;      ///< samples, or with a minus left out, to keep step with the device's clock
  int64_t skipped = 0;       ///< blocks that an output had no room for: its device was behind
  double latency = 0;        ///< seconds from the device to the program, or back
};

/// Where a stream's sound comes from, block by block.
class LiveSource {
 public:
  virtual ~LiveSource() = default;
  /// Fills the block from its beginning on, and returns how many samples there were: fewer than it holds only where
  /// the sound ends. Throws Error.
  virtual size_t read(std::span<float> block) = 0;
  [[nodiscard]] virtual SideStats stats() const { return {}; }
};

/// Where it goes.
class LiveSink {
 public:
  virtual ~LiveSink() = default;
  /// Throws Error where it cannot be written.
  virtual void write(std::span<const float> block) = 0;
  /// The sound has ended: returns when all of it has been heard.
  virtual void finish() = 0;
  [[nodiscard]] virtual SideStats stats() const { return {}; }
};

/// Samples of standard input. Ends with it, and where a signal asks to stop.
std::unique_ptr<LiveSource> raw_input(RawEncoding encoding);
/// A recording's, the mean of its channels, at `rate` Hz.
std::unique_ptr<LiveSource> recording_input(const AudioChannels& recording, int rate);
/// Samples to standard output, each block as soon as it is there.
std::unique_ptr<LiveSink> raw_output(RawEncoding encoding);
/// A WAV or FLAC file, as its name ends, written whole when the sound has ended.
std::unique_ptr<LiveSink> file_output(const std::string& path, int rate);

}  // namespace contentvec::cli
