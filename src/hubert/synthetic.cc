#include "hubert/synthetic.h"

#include <charconv>
#include <cmath>
#include <memory>
#include <optional>

#include "hubert/weights.h"
#include "runtime/fail.h"

namespace contentvec::hubert {
namespace {

constexpr uint64_t kGolden = 0x9E3779B97F4A7C15U;

uint64_t fnv1a64(std::string_view text) {
  uint64_t hash = 0xCBF29CE484222325U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
  return hash;
}

uint64_t splitmix64(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
  return z ^ (z >> 31);
}

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

/// A tensor's values, made anew each time they are read.
class SyntheticStorage : public checkpoint::Storage {
 public:
  SyntheticStorage(std::string spec, std::string name, std::vector<int64_t> shape, uint64_t seed)
      : spec_(std::move(spec)), name_(std::move(name)), shape_(std::move(shape)), seed_(seed) {
    for (const int64_t size : shape_) count_ *= static_cast<size_t>(size);
  }
  [[nodiscard]] size_t size() const override { return count_ * sizeof(float); }
  [[nodiscard]] std::shared_ptr<const std::byte[]> read() const override {
    const auto values = std::make_shared_for_overwrite<float[]>(count_);
    fill_synthetic(name_, shape_, seed_, {values.get(), count_});
    return {values, reinterpret_cast<const std::byte*>(values.get())};
  }
  [[nodiscard]] const std::string& source() const override { return spec_; }

 private:
  std::string spec_;
  std::string name_;
  std::vector<int64_t> shape_;
  uint64_t seed_;
  size_t count_ = 1;
};

std::optional<uint64_t> parse_seed(std::string_view text) {
  uint64_t seed = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seed);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return seed;
}

}  // namespace

void fill_synthetic(std::string_view name, std::span<const int64_t> shape, uint64_t seed,
                    std::span<float> out) {
  const Role role = role_of(name, shape);
  const auto amplitude = static_cast<float>(role.amplitude);
  const auto offset = static_cast<float>(role.offset);
  uint64_t counter = fnv1a64(name) ^ (seed * kGolden);
  for (float& value : out) {
    counter += kGolden;
    const auto bits = static_cast<int32_t>(splitmix64(counter) >> 40);
    const float u = static_cast<float>(bits) * 0x1p-23F - 1.0F;
    value = offset + amplitude * u;
  }
}

checkpoint::Checkpoint synthetic_checkpoint(const std::string& spec) {
  std::string_view rest = std::string_view(spec).substr(kSyntheticPrefix.size());
  uint64_t seed = 0;
  if (const size_t colon = rest.rfind(':'); colon != std::string_view::npos) {
    const std::optional<uint64_t> given = parse_seed(rest.substr(colon + 1));
    if (!given) {
      fail("{}: the seed should be a whole number from 0 to 2^64 - 1, found \"{}\"", spec,
           rest.substr(colon + 1));
    }
    seed = *given;
    rest = rest.substr(0, colon);
  }
  if (rest.empty() || (rest != "base" && !rest.ends_with(".json"))) {
    fail("{}: expected synthetic:base[:SEED] or synthetic:CONFIG.json[:SEED]", spec);
  }
  const ModelConfig config = rest == "base" ? ModelConfig() : ModelConfig::from_json_file(rest);
  checkpoint::Checkpoint made;
  made.source = spec;
  made.container = "synthetic";
  made.metadata["contentvec.config"] = config.to_json();
  for (const tensors::TensorSpec& tensor :
       tensor_table(config, {.weight_norm = !config.conv_pos_batch_norm, .projection = false})) {
    made.tensors[tensor.name] = {
        .name = tensor.name,
        .type = checkpoint::ElementType::kF32,
        .shape = tensor.shape,
        .strides = checkpoint::contiguous_strides(tensor.shape),
        .offset = 0,
        .storage = std::make_shared<SyntheticStorage>(spec, tensor.name, tensor.shape, seed)};
  }
  return made;
}

}  // namespace contentvec::hubert
