#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "contentvec/model.h"

namespace contentvec::test {

/// A float tensor of a reference file.
struct Reference {
  std::vector<int64_t> shape;
  std::vector<float> values;
};

/// One file of the oracle's golden results (see oracle/README.md), for a batch of one.
struct Golden {
  std::string name;    ///< "tiny.16000"
  std::string config;  ///< "tiny"
  std::vector<float> waveform;
  std::vector<float> speaker_embedding;                 ///< empty where the model takes none
  std::map<std::string, Reference> stages;              ///< "features", "projected", "layer_3", "final_proj"
  std::map<std::string, double> float32_max_abs_error;  ///< the reference's own, per stage

  /// How far from the reference a float32 result may be: max(2e-5 max(1, std of the reference), twice the
  /// reference's own float32 error).
  [[nodiscard]] double tolerance(const std::string& stage) const;
  /// The stage to ask the model for. final_proj stands for final_proj of layer min(9, layers).
  [[nodiscard]] Stage stage_of(const std::string& stage, const ModelConfig& config) const;
  [[nodiscard]] std::string spec() const;  ///< the synthetic model it was made with
};

/// The spec of the oracle's architecture `config` with made-up weights: "tiny", "base", ...
std::string synthetic(const std::string& config);
/// Text as GoogleTest takes it for the name of a test: what is no letter or digit becomes _.
std::string test_name(std::string text);

/// "tiny.16000", ...: every golden file of a single utterance.
std::vector<std::string> golden_names();
Golden read_golden(const std::string& name);
/// How the oracle ran the model: on the waveform as it is, whatever a checkpoint would ask for.
ExtractOptions golden_options(const Golden& golden);
std::filesystem::path golden_path(const std::string& name);

/// The floating-point tensors of any safetensors file, as float32.
std::map<std::string, Reference> read_tensors(const std::filesystem::path& path);
/// A tensor of int64 in such a file.
std::vector<int64_t> read_integers(const std::filesystem::path& path, const std::string& name);
/// A safetensors file of them.
void write_tensors(const std::filesystem::path& path, const std::map<std::string, Reference>& tensors,
                   const std::map<std::string, std::string>& metadata = {});
/// Made-up weights of any architecture, by canonical name, as `synthetic:` specs stand for.
std::map<std::string, Reference> synthetic_tensors(const ModelConfig& config);

/// Every stage of a golden file in one pass, by the stage's name.
std::map<std::string, Features> extract_all(const Model& model, const Golden& golden);
/// Expects every stage to be within the golden file's tolerance.
void expect_golden(const Model& model, const Golden& golden);

/// One file of oracle-rvc/golden.
struct RvcGolden {
  std::map<std::string, Reference> arrays;
  std::map<std::string, double> float32_max_abs_error;
  std::map<std::string, std::string> metadata;

  /// As Golden::tolerance does.
  [[nodiscard]] double tolerance(const std::string& array) const;
};
/// "tiny-rmvpe.600"
RvcGolden read_rvc_golden(const std::string& name);
/// "tiny-rmvpe.600", ...: those that begin so, are they here or in tests/oracle-rvc alone.
std::vector<std::string> rvc_golden_names(const std::string& begin);

/// Largest absolute difference; infinite when the sizes differ.
double max_abs_error(const std::vector<float>& values, const std::vector<float>& reference);

/// Of a result's frames with the reference's.
struct Cosines {
  double lowest = 1.0;
  double mean = 0.0;
};
Cosines frame_cosines(const Features& features, const std::vector<float>& reference);

}  // namespace contentvec::test
