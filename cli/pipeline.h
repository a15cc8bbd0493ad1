#pragma once

#include <optional>
#include <span>
#include <vector>

#include "cli/decoding.h"
#include "cli/feature_output.h"
#include "cli/plan.h"
#include "cli/report.h"
#include "cli/unit_output.h"
#include "contentvec/long_audio.h"
#include "contentvec/model.h"
#include "contentvec/retriever.h"

namespace contentvec::cli {

/// Everything of an `extract` that stays the same from one input to the next.
struct Extraction {
  Model model;
  ExtractOptions options;
  std::vector<Stage> stages;
  LongAudioOptions long_audio;
  double batch_seconds;                ///< of audio that goes through the model together
  std::optional<Retriever> retriever;  ///< that features are blended with
  float index_rate;
  int64_t nprobe;              ///< 0: the index's own
  Decoding::Options decoding;  ///< most_samples is settled by extract_all
  FeatureOutputOptions writing;
  std::optional<UnitOutputOptions> units = {};  ///< that are written in place of the features
};

/// Carries out the jobs in their order: decoding runs ahead and writing behind, while the model works on a
/// batch. Each recording is checked and its pieces are planned once; a batch is the next pieces, of what is
/// decoded by then, up to `batch_seconds`. Since nothing is padded, lengths need not match, and what is in a
/// batch shows in no result. Memory is bounded by a batch or a piece, and the waveforms that are in hand.
void extract_all(const Extraction& extraction, std::span<const Job> jobs, Report& report);

}  // namespace contentvec::cli
