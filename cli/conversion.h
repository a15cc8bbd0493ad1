#pragma once

#include <functional>
#include <optional>
#include <string>

#include "cli/converted_file.h"
#include "cli/decoding.h"
#include "cli/writing.h"
#include "contentvec/converter.h"

namespace contentvec::cli {

/// Everything of a `convert` that stays the same from one input to the next.
struct Conversion {
  Converter converter;
  ConvertOptions options;
  bool each_channel = false;  ///< is kept; else their mean is converted
  bool shared_pitch = true;   ///< several channels have that of their mean
  ConvertedFile file;
  std::optional<std::string> index = {};  ///< where the converter's retriever comes from
  bool plot = false;                      ///< every job has a picture beside it
};

/// Converts a recording, every channel of it where they are kept, and returns what writes the result. `done` is told
/// how much of it is done, 0 to 1. `conversion` must outlive what is returned. Throws Error.
Write convert_recording(const Conversion& conversion, Recording& recording,
                        const std::function<void(double)>& done);

/// Throws Error where what is at a job's outputs, which are all there, is not what a run writes. What the samples are
/// is not looked at.
void check_existing(const Conversion& conversion, const Job& job);

}  // namespace contentvec::cli
