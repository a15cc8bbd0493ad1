#include "cli/pitch_model.h"

#include "cli/fail.h"

namespace contentvec::cli {
namespace {

/// RVC's default, and a word about the other one where that cannot be had.
PitchEstimator load_default(const PitchModel& model, const PitchLoadOptions& options) {
  try {
    return PitchEstimator::load("rmvpe", options);
  } catch (const Error& error) {
    if (find_fcpe())
      fail("{}\nFCPE is installed on this machine: {} fcpe takes it", error.what(), model.option);
    fail(
        "{}\n--pitch-model FILE takes an rmvpe.pt that is on this machine; {} fcpe takes the weights of PyPI's "
        "torchfcpe 0.0.4 (pip install --no-deps torchfcpe==0.0.4)",
        error.what(), model.option);
  }
}

}  // namespace

PitchEstimator load_pitch_model(const PitchModel& model, const PitchLoadOptions& options) {
  if (model.spec.empty())
    return model.method.empty() ? load_default(model, options) : PitchEstimator::load(model.method, options);
  PitchEstimator estimator = PitchEstimator::load(model.spec, options);
  const std::string_view found = pitch_method_name(estimator.method());
  if (!model.method.empty() && model.method != found) {
    fail("{} {}, but --pitch-model {} is {}: leave {} out, or give a model of {}", model.option, model.method,
         model.spec, found, model.option, model.method);
  }
  return estimator;
}

}  // namespace contentvec::cli
