#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "output/atomic_file.h"

namespace contentvec::output {

/// A file of float32 arrays [frames, dim], one after the other behind a header, that is filled piece by
/// piece, in any order: the features of an hour need not be in memory at once. Appears whole or not at all
/// (AtomicFile).
class FeatureFile {
 public:
  /// `start` is what the file begins with (start_of_npy, start_of_safetensors). Throws Error as AtomicFile
  /// does.
  FeatureFile(const std::filesystem::path& path, const std::string& start, int64_t arrays, int64_t frames,
              int64_t dim);

  /// Writes `rows`, a whole number of frames, as frames `first_frame` and following of an array. Throws Error
  /// when they are not within it, and when the disk is full or fails.
  void write(int64_t array, int64_t first_frame, std::span<const float> rows);

  /// Throws Error as AtomicFile does, and when some frames have not been written.
  void commit();

 private:
  std::filesystem::path path_;
  int64_t start_;  ///< bytes before the first array
  int64_t frames_;
  int64_t dim_;
  int64_t missing_;  ///< values not written yet
  AtomicFile file_;
};

}  // namespace contentvec::output
