// A voice between others: RVC's model fusion.

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>
#include <span>

#include "contentvec/voice.h"
#include "output/safetensors.h"
#include "runtime/fail.h"
#include "synthesizer/voice_config_json.h"
#include "synthesizer/voice_file.h"
#include "synthesizer/voice_tensors.h"
#include "tensors/weight_norm.h"

namespace contentvec {
namespace synthesizer {
namespace {

using nlohmann::json;

/// A tensor of one voice, whose layer may have its weight norm multiplied out: a weight is its own direction, and its
/// norms are the lengths.
std::vector<float> values_of(const VoiceFile& voice, const std::string& name) {
  const std::string layer = name.substr(0, name.rfind('.'));
  if (voice.tensors.has(name)) return voice.tensors.read(name);
  std::vector<float> weight = voice.tensors.read(layer + ".weight");
  if (name.ends_with(".weight_v")) return weight;
  const std::vector<double> norms = tensors::norms_along(weight, voice.tensors.shape(layer + ".weight"), 0);
  return {norms.begin(), norms.end()};
}

/// The weighted mean of the first `count` values of each voice's tensor.
std::vector<float> mean_of(std::span<const VoiceFile> voices, std::span<const double> weights,
                           const std::string& name, size_t count) {
  std::vector<double> sums(count);
  for (size_t i = 0; i < voices.size(); ++i) {
    const std::vector<float> values = values_of(voices[i], name);
    for (size_t j = 0; j < count; ++j) sums[j] += weights[i] * static_cast<double>(values[j]);
  }
  return {sums.begin(), sums.end()};
}

/// Throws Error where two voices are not of one architecture. How many speakers each has is left out.
void check_alike(const VoiceFile& one, const VoiceFile& other) {
  const json expected = to_json(one.config);
  const json found = to_json(other.config);
  std::string differences;
  for (const auto& [key, value] : expected.items()) {
    if (key == "spk_embed_dim" || found[key] == value) continue;
    differences += fmt::format("\n  {}: {} and {}", key, value.dump(), found[key].dump());
  }
  if (!differences.empty())
    fail("cannot blend {} with {}: they are voices of different kinds:{}", one.info.source, other.info.source,
         differences);
}

std::vector<double> shares_of(const BlendOptions& options, size_t voices) {
  if (voices < 2) fail("cannot blend: expected at least two voices, found {}", voices);
  std::vector<double> shares = options.weights;
  if (shares.empty()) shares.assign(voices, 1.0);
  if (shares.size() != voices)
    fail("cannot blend: expected a weight for each of the {} voices, found {}", voices, shares.size());
  const auto is_share = [](double share) { return std::isfinite(share) && share >= 0; };
  const double sum = std::accumulate(shares.begin(), shares.end(), 0.0);
  if (!std::all_of(shares.begin(), shares.end(), is_share) || !(sum > 0) || !std::isfinite(sum))
    fail("cannot blend: expected weights of 0 or more, not all 0, found {}", fmt::join(shares, ", "));
  for (double& share : shares) share /= sum;
  return shares;
}

/// What the blend says of itself.
std::string recipe(std::span<const VoiceFile> voices, std::span<const double> shares) {
  std::string text = "blend of ";
  for (size_t i = 0; i < voices.size(); ++i) {
    const std::string& source = voices[i].info.source;
    text += fmt::format("{}{} ({:.4g})", i == 0 ? "" : ", ", source.substr(source.rfind('/') + 1), shares[i]);
  }
  return text;
}

void keep_common_speakers(std::span<const VoiceFile> voices, VoiceFile& blend) {
  const auto fewer = [](const VoiceFile& a, const VoiceFile& b) {
    return a.config.speakers < b.config.speakers;
  };
  const auto [least, most] = std::minmax_element(voices.begin(), voices.end(), fewer);
  blend.config.speakers = least->config.speakers;
  if (least->config.speakers != most->config.speakers) {
    blend.info.warnings.push_back(fmt::format("the voices have {} to {} speakers; the first {} are kept",
                                              least->config.speakers, most->config.speakers,
                                              least->config.speakers));
  }
}

void write(std::span<const VoiceFile> voices, std::span<const double> shares, const VoiceFile& blend,
           const std::filesystem::path& out, DType dtype) {
  const bool half = dtype == DType::kF16;
  std::vector<output::NamedTensor> tensors;
  for (const tensors::Synthetic& entry : voice_tensors(blend.config)) {
    const tensors::TensorSpec& spec = entry.tensor;
    const auto count = static_cast<size_t>(checkpoint::checked_count(spec.shape).value_or(0));
    tensors.push_back({spec.name, half ? "F16" : "F32", spec.shape, [=, name = spec.name] {
                         const std::vector<float> values = mean_of(voices, shares, name, count);
                         return half ? output::half_bytes_of(values, name) : output::bytes_of(values);
                       }});
  }
  std::map<std::string, std::string> metadata = blend.info.notes;
  metadata[kVoiceMetadata] = to_json(blend.config).dump();
  output::write_safetensors(out, tensors, metadata);
}

}  // namespace
}  // namespace synthesizer

VoiceInfo blend_voices(const std::vector<std::string>& voices, const std::filesystem::path& out,
                       const BlendOptions& options) {
  using synthesizer::VoiceFile;
  const std::vector<double> shares = synthesizer::shares_of(options, voices.size());
  if (options.dtype != DType::kF32 && options.dtype != DType::kF16)
    fail("cannot blend: voices are written in float32 or float16");
  VoiceLoadOptions load;
  load.sample_rate = options.sample_rate;
  load.hub = options.hub;
  std::vector<VoiceFile> opened;
  for (const std::string& voice : voices) {
    opened.push_back(synthesizer::open_voice_file(voice, load));
    synthesizer::check_alike(opened.front(), opened.back());
    std::error_code ignored;
    if (std::filesystem::equivalent(opened.back().info.source, out, ignored))
      fail("cannot blend into {}: it is one of the voices; choose another file", out.string());
  }
  VoiceFile blend;
  blend.config = opened.front().config;
  synthesizer::keep_common_speakers(opened, blend);
  blend.info.notes = {{"info", synthesizer::recipe(opened, shares)}};
  synthesizer::write(opened, shares, blend, out, options.dtype);
  VoiceInfo info = inspect_voice(out.string());
  info.warnings.insert(info.warnings.begin(), blend.info.warnings.begin(), blend.info.warnings.end());
  return info;
}

}  // namespace contentvec
