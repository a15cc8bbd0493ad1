#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "nn/kernels/select.h"

namespace contentvec::nn {

/// A test of random shapes on the kernels of one instruction set.
class RandomTest : public testing::TestWithParam<const Kernels*> {
 protected:
  explicit RandomTest(uint32_t seed) : random_(seed) {}

  [[nodiscard]] static const Kernels& kernels() { return *GetParam(); }
  int64_t pick(int64_t least, int64_t most) {
    return std::uniform_int_distribution<int64_t>(least, most)(random_);
  }
  std::vector<float> values(int64_t count) {
    std::uniform_real_distribution<float> uniform(-1.0F, 1.0F);
    std::vector<float> made(static_cast<size_t>(count));
    for (float& value : made) value = uniform(random_);
    return made;
  }
  [[nodiscard]] static std::vector<std::byte> product_scratch() {
    return std::vector<std::byte>(static_cast<size_t>(kernels().product_scratch));
  }

 private:
  std::mt19937 random_;
};

/// Those of this machine, for each type of weights.
inline std::vector<const Kernels*> every_kernels() {
  std::vector<const Kernels*> all = supported_kernels(DType::kF32);
  const std::vector<const Kernels*> bfloat16 = supported_kernels(DType::kBF16);
  all.insert(all.end(), bfloat16.begin(), bfloat16.end());
  return all;
}

/// "avx2_f32", "avx2_bf16"
inline std::string name_of_kernels(const testing::TestParamInfo<const Kernels*>& test) {
  return std::string(test.param->isa) + (test.param->bfloat16 ? "_bf16" : "_f32");
}

}  // namespace contentvec::nn
