#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cli/report.h"
#include "contentvec/feature_file.h"
#include "contentvec/model.h"

namespace contentvec::cli {

/// How `extract` writes the features of an input.
struct FeatureOutputOptions {
  FeatureFormat format = FeatureFormat::kNpy;
  bool all_layers = false;
  int repeat = 1;                                    ///< times every frame is written
  std::map<std::string, std::string> metadata = {};  ///< of a safetensors file
};

/// The features of one input on their way into their file, piece by piece. Made by one thread, written by
/// another; the file is begun with the first piece.
class FeatureOutput {
 public:
  /// `frames`: of the whole recording. `options` must outlive it.
  FeatureOutput(std::filesystem::path path, int64_t frames, const FeatureOutputOptions& options)
      : path_(std::move(path)), frames_(frames), options_(options) {}

  /// Writes frames `first_frame` and following of every stage, and with the last of them the file is whole.
  /// Throws Error when that fails; nothing of the file is left then.
  Outcome write(int64_t first_frame, const std::vector<Features>& stages);

 private:
  void begin_file(const std::vector<Features>& stages);
  [[nodiscard]] Outcome outcome(const std::vector<Features>& stages) const;
  [[nodiscard]] int64_t layers(const std::vector<Features>& stages) const {
    return options_.all_layers ? static_cast<int64_t>(stages.size()) : 0;
  }

  std::filesystem::path path_;
  int64_t frames_;
  const FeatureOutputOptions& options_;
  std::unique_ptr<FeatureWriter> file_;
};

}  // namespace contentvec::cli
