#include "hubert/synthetic.h"

#include <cmath>
#include <utility>

#include "hubert/weights.h"
#include "runtime/fail.h"
#include "tensors/synthetic.h"

namespace contentvec::hubert {
namespace {

struct Role {
  double amplitude;
  double offset;
};

Role role_of(std::string_view name, std::span<const int64_t> shape) {
  const std::string_view leaf = name.substr(name.rfind('.') + 1);
  const auto has = [&](std::string_view part) { return name.find(part) != std::string_view::npos; };
  if (leaf == "weight_g") return {0.5, 1.5};
  if (leaf == "weight_v") return {0.02, 0.0};
  if (has(".weight_ln.")) return {0.02, 0.06};
  if (has(".bias_ln.")) return {0.02, 0.0};
  if (leaf == "bias" || leaf == "running_mean") return {0.1, 0.0};
  if (leaf == "running_var") return {0.5, 1.5};
  if (shape.size() == 1) return {0.2, 1.0};  // a norm's scale
  double fan_in = 1;
  for (const int64_t size : shape.subspan(1)) fan_in *= static_cast<double>(size);
  double gain = shape.size() == 3 ? 6.0 : 3.0;  // convolutions feed a GELU
  if (has("q_proj") || has("k_proj")) gain *= 2.5;
  return {std::sqrt(gain / fan_in), 0.0};
}

}  // namespace

void fill_synthetic(std::string_view name, std::span<const int64_t> shape, uint64_t seed,
                    std::span<float> out) {
  const auto [amplitude, offset] = role_of(name, shape);
  tensors::Synthetic{{std::string(name), {shape.begin(), shape.end()}}, amplitude, offset}.fill(seed, out);
}

checkpoint::Checkpoint synthetic_checkpoint(const std::string& spec) {
  const auto [name, seed] = tensors::parse_synthetic(spec);
  if (name != "base" && !name.ends_with(".json")) {
    fail("{}: expected synthetic:base[:SEED] or synthetic:CONFIG.json[:SEED]", spec);
  }
  const ModelConfig config = name == "base" ? ModelConfig() : ModelConfig::from_json_file(name);
  checkpoint::Checkpoint made;
  made.source = spec;
  made.container = "synthetic";
  made.metadata["contentvec.config"] = config.to_json();
  for (tensors::TensorSpec& tensor :
       tensor_table(config, {.weight_norm = !config.conv_pos_batch_norm, .projection = false})) {
    const auto [amplitude, offset] = role_of(tensor.name, tensor.shape);
    const std::string key = tensor.name;
    made.tensors[key] = tensors::Synthetic{std::move(tensor), amplitude, offset}.as_tensor(spec, seed);
  }
  return made;
}

}  // namespace contentvec::hubert
