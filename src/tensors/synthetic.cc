#include "tensors/synthetic.h"

#include <charconv>
#include <cmath>
#include <memory>

#include "runtime/fail.h"

namespace contentvec::tensors {
namespace {

uint64_t fnv1a64(std::string_view text) {
  uint64_t hash = 0xCBF29CE484222325U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
  return hash;
}

/// A tensor's values, made anew each time they are read.
class SyntheticStorage : public checkpoint::Storage {
 public:
  SyntheticStorage(std::string source, Synthetic made, uint64_t seed)
      : source_(std::move(source)), made_(std::move(made)), seed_(seed) {
    for (const int64_t size : made_.tensor.shape) count_ *= static_cast<size_t>(size);
  }
  [[nodiscard]] size_t size() const override { return count_ * sizeof(float); }
  [[nodiscard]] std::shared_ptr<const std::byte[]> read() const override {
    const auto values = std::make_shared_for_overwrite<float[]>(count_);
    made_.fill(seed_, {values.get(), count_});
    return {values, reinterpret_cast<const std::byte*>(values.get())};
  }
  [[nodiscard]] const std::string& source() const override { return source_; }

 private:
  std::string source_;
  Synthetic made_;
  uint64_t seed_;
  size_t count_ = 1;
};

}  // namespace

CounterBits::CounterBits(std::string_view name, uint64_t seed) : key_(fnv1a64(name) ^ (seed * kGolden)) {}

SyntheticSpec parse_synthetic(const std::string& spec) {
  const std::string rest = spec.substr(kSyntheticPrefix.size());
  const size_t colon = rest.rfind(':');
  if (colon == std::string::npos) return {rest, 0};
  SyntheticSpec parsed = {rest.substr(0, colon), 0};
  const char* begin = rest.data() + colon + 1;
  const char* end = rest.data() + rest.size();
  const auto [stop, error] = std::from_chars(begin, end, parsed.seed);
  if (error != std::errc() || stop != end || begin == end) {
    fail("{}: the seed should be a whole number from 0 to 2^64 - 1, found \"{}\"", spec,
         rest.substr(colon + 1));
  }
  return parsed;
}

void Synthetic::fill(uint64_t seed, std::span<float> out) const {
  const auto scale = static_cast<float>(amplitude);
  const auto shift = static_cast<float>(offset);
  const CounterBits bits(tensor.name, seed);
  for (size_t i = 0; i < out.size(); ++i) {
    const float u = static_cast<float>(static_cast<int32_t>(bits(i) >> 40)) * 0x1p-23F - 1.0F;
    out[i] = shift + scale * u;
  }
}

checkpoint::Tensor Synthetic::as_tensor(const std::string& source, uint64_t seed) const {
  return {.name = tensor.name,
          .type = checkpoint::ElementType::kF32,
          .shape = tensor.shape,
          .strides = checkpoint::contiguous_strides(tensor.shape),
          .offset = 0,
          .storage = std::make_shared<SyntheticStorage>(source, *this, seed)};
}

void SyntheticTable::add(const std::string& name, std::vector<int64_t> shape, Range range) {
  table_.push_back({{name, std::move(shape)}, range.amplitude, range.offset});
}

void SyntheticTable::weight(const std::string& name, std::vector<int64_t> shape, double gain) {
  double fan_in = 1;
  for (size_t i = 1; i < shape.size(); ++i) fan_in *= static_cast<double>(shape[i]);
  add(name, std::move(shape), {gain * std::sqrt(3.0 / fan_in)});
}

void SyntheticTable::bias(const std::string& name, int64_t size, double amplitude, double offset) {
  add(name, {size}, {amplitude, offset});
}

void SyntheticTable::layer(const std::string& name, std::vector<int64_t> shape, double gain) {
  const int64_t outputs = shape.front();
  weight(name + ".weight", std::move(shape), gain);
  bias(name + ".bias", outputs);
}

void SyntheticTable::norm(const std::string& name, int64_t size) {
  bias(name + ".weight", size, 0.2, 1.0);
  bias(name + ".bias", size);
}

void SyntheticTable::batch_norm(const std::string& name, int64_t size, double scale, Range mean,
                                Range variance) {
  bias(name + ".weight", size, 0.3 * scale, scale);
  bias(name + ".bias", size, 0.2 * scale);
  add(name + ".running_mean", {size}, mean);
  add(name + ".running_var", {size}, variance);
}

void SyntheticTable::normed_conv(const std::string& name, int64_t out, int64_t in, int64_t kernel, double g,
                                 double spread) {
  add(name + ".weight_g", {out, 1, 1}, {spread * g, g});
  weight(name + ".weight_v", {out, in, kernel});
  bias(name + ".bias", out);
}

}  // namespace contentvec::tensors
