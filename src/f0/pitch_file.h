#pragma once

#include <string>

#include "contentvec/pitch.h"
#include "tensors/named_tensors.h"
#include "tensors/synthetic.h"

namespace contentvec::f0 {

/// A pitch estimator found in a file: which, and its tensors, not yet compared with its table.
struct PitchFile {
  PitchMethod method;
  std::string source;
  tensors::NamedTensors tensors;
};

/// Opens `spec` (see PitchEstimator::load). Throws Error for what is no pitch estimator, naming what it is.
PitchFile open_pitch_file(const std::string& spec, const HubOptions& hub);
PitchFile open_pitch_file(const VirtualFile& file);

/// Throws Error listing everything that is missing or misshapen in a file, compared with what the model needs.
void check_tensors(const PitchFile& file, const std::vector<tensors::Synthetic>& table);

}  // namespace contentvec::f0
