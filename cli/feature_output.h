#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cli/plan.h"
#include "cli/plot/feature_map.h"
#include "cli/plot/spectrogram.h"
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
  bool plot = false;                                 ///< into the job's file beside the output
};

/// What an input becomes of its features, piece by piece. Made by one thread, written by another.
class StagedOutput {
 public:
  StagedOutput() = default;
  virtual ~StagedOutput() = default;
  StagedOutput(const StagedOutput&) = delete;
  StagedOutput& operator=(const StagedOutput&) = delete;

  /// Takes frames `first_frame` and following of every stage, and with the last of them the file is whole. Throws Error
  /// when that fails; nothing of the file is left then.
  virtual Outcome write(int64_t first_frame, const std::vector<Features>& stages) = 0;
};

/// The features of one input on their way into their file, which is begun with the first piece, and into a picture of
/// them, which is drawn after the last.
class FeatureOutput : public StagedOutput {
 public:
  /// `frames`: of the whole recording, which is `waveform`. `job` and `options` must outlive it.
  FeatureOutput(const Job& job, std::span<const float> waveform, int64_t frames,
                const FeatureOutputOptions& options);

  Outcome write(int64_t first_frame, const std::vector<Features>& stages) override;

 private:
  void begin_file(const std::vector<Features>& stages);
  void draw();
  [[nodiscard]] Outcome outcome(const std::vector<Features>& stages) const;
  [[nodiscard]] int64_t layers(const std::vector<Features>& stages) const {
    return options_.all_layers ? static_cast<int64_t>(stages.size()) : 0;
  }

  const Job& job_;
  int64_t frames_;
  const FeatureOutputOptions& options_;
  std::unique_ptr<FeatureWriter> file_;
  std::optional<plot::Spectrogram> spectrogram_;  ///< where there is to be a picture
  std::optional<plot::FeatureMap> map_;           ///< the last stage's, from the first piece on
};

}  // namespace contentvec::cli
