#pragma once

#include <string>

#include "contentvec/pitch.h"

namespace contentvec::cli {

/// The pitch estimator that a user asks for: a method, a model, both, or neither.
struct PitchModel {
  const char* option;  ///< that names the method: "--method"
  std::string method;  ///< "rmvpe", "fcpe" or ""
  std::string spec;    ///< what PitchEstimator::load() takes, or ""
};

/// Loads it; where nothing is said RVC's default, RMVPE. Throws Error where it cannot be had, and then says of the ways
/// to have one; and for a model of another method.
PitchEstimator load_pitch_model(const PitchModel& model, const PitchLoadOptions& options);

}  // namespace contentvec::cli
