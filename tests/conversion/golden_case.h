#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "conversion/pipeline.h"
#include "golden.h"
#include "small_index.h"
#include "support.h"

namespace contentvec::conversion {

/// One of the oracle's whole conversions: what it was made with, and all that it gives. tests/oracle-rvc has one of
/// them, with the arrays between left out.
class GoldenCase {
 public:
  explicit GoldenCase(const std::string& name)
      : path_(test::oracle_rvc() / "golden" / (name + ".safetensors")),
        golden_(test::read_rvc_golden(name)),
        case_(nlohmann::json::parse(golden_.metadata.at("case"))) {}

  [[nodiscard]] const test::RvcGolden& golden() const { return golden_; }
  [[nodiscard]] std::vector<int64_t> integers(const std::string& array) const {
    return test::read_integers(path_, array);
  }
  [[nodiscard]] const std::vector<float>& recording() const {
    return golden_.arrays.at(golden_.arrays.contains("input") ? "input" : "audio").values;
  }

  [[nodiscard]] Pipeline pipeline(int threads = 0) const {
    std::optional<Retriever> retriever;
    if (has_index()) retriever = Retriever::open(test::oracle_rvc() / text("index"));
    std::optional<PitchEstimator> estimator;
    if (!has_trained_pitch())
      estimator = PitchEstimator::load(test::rvc_synthetic("tiny-rmvpe"), {.threads = threads});
    return {Model::load(test::rvc_synthetic(text("hubert")), {.threads = threads}), std::move(estimator),
            Voice::load(test::rvc_synthetic(text("synthesizer")), {.threads = threads}),
            std::move(retriever)};
  }

  [[nodiscard]] ConvertOptions options() const {
    return {.key = case_.at("key"),
            .speaker = case_.at("sid"),
            .index_rate = case_.at("index_rate"),
            .protect = case_.at("protect"),
            .rms_mix_rate = case_.at("rms_mix_rate"),
            .unvoiced = case_.value("unvoiced", "") == "kept" ? Unvoiced::kKeep : Unvoiced::kInterpolate};
  }

  [[nodiscard]] bool has_index() const { return case_.contains("index"); }

  /// FCPE's weights are the trained ones, which are not here: its pitch is taken from the golden.
  [[nodiscard]] bool has_trained_pitch() const { return text("f0_method") == "fcpe"; }

  /// The reference's cuts and noise, and an observer that keeps everything in `seen`, by the golden's names.
  [[nodiscard]] Seams seams(std::map<std::string, std::vector<float>>& seen) const {
    Seams seams;
    const auto samples = [&](const char* seconds) { return case_.at(seconds).get<int64_t>() * 16000; };
    seams.cuts = {.every = samples("x_center"), .search = samples("x_query"), .longest = samples("x_max")};
    seams.noise = [this](int64_t piece) {
      return Seams::Noise{array(piece, "noise_z"), array(piece, "noise_source")};
    };
    seams.observe = [&seen](int64_t piece, std::string_view stage, std::span<const float> values) {
      seen[name_of(piece, stage)].assign(values.begin(), values.end());
    };
    if (has_trained_pitch()) seams.f0 = golden_.arrays.at("f0_raw").values;
    return seams;
  }

 private:
  [[nodiscard]] std::string text(const char* key) const { return case_.at(key); }
  static std::string name_of(int64_t piece, std::string_view stage) {
    return piece < 0 ? std::string(stage) : "chunk" + std::to_string(piece) + "." + std::string(stage);
  }
  [[nodiscard]] std::vector<float> array(int64_t piece, std::string_view stage) const {
    const auto found = golden_.arrays.find(name_of(piece, stage));
    return found == golden_.arrays.end() ? std::vector<float>() : found->second.values;
  }

  std::filesystem::path path_;
  test::RvcGolden golden_;
  nlohmann::json case_;
};

}  // namespace contentvec::conversion
