#include "nn/kernels/select.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "support.h"

namespace contentvec::nn {
namespace {

/// Sets CONTENTVEC_ISA for one test and puts back what it was.
class Isa {
 public:
  explicit Isa(const char* value) {
    if (const char* old = std::getenv("CONTENTVEC_ISA")) old_ = old;
    setenv("CONTENTVEC_ISA", value, 1);
  }
  ~Isa() {
    if (old_.empty()) {
      unsetenv("CONTENTVEC_ISA");
    } else {
      setenv("CONTENTVEC_ISA", old_.c_str(), 1);
    }
  }
  Isa(const Isa&) = delete;
  Isa& operator=(const Isa&) = delete;

 private:
  std::string old_;
};

class SelectKernelsTest : public testing::TestWithParam<DType> {};

TEST_P(SelectKernelsTest, EverySupportedOneCanBeForced) {
  for (const Kernels* kernels : supported_kernels(GetParam())) {
    const Isa forced(kernels->isa);
    EXPECT_EQ(&select_kernels(GetParam()), kernels);
  }
}

TEST_P(SelectKernelsTest, ScalarIsAlwaysThereAndTheFastestIsTheDefault) {
  const Isa unset("");
  EXPECT_STREQ(supported_kernels(GetParam()).front()->isa, "scalar");
  EXPECT_EQ(&select_kernels(GetParam()), supported_kernels(GetParam()).back());
}

TEST_P(SelectKernelsTest, AreOfTheTypeAskedFor) {
  for (const Kernels* kernels : supported_kernels(GetParam())) {
    EXPECT_EQ(kernels->bfloat16, GetParam() == DType::kBF16) << kernels->isa;
    EXPECT_EQ(kernels->weights.element_bytes, kernels->bfloat16 ? 2 : 4) << kernels->isa;
    EXPECT_FALSE(kernels->float32->bfloat16) << kernels->isa;
    EXPECT_STREQ(kernels->float32->isa, kernels->isa);
  }
}

INSTANTIATE_TEST_SUITE_P(Types, SelectKernelsTest, testing::Values(DType::kF32, DType::kBF16),
                         [](const auto& test) { return test.param == DType::kF32 ? "f32" : "bf16"; });

TEST(SelectKernels, Float16IsAnErrorThatNamesTheChoices) {
  EXPECT_THAT(test::error_of([] { select_kernels(DType::kF16); }),
              testing::AllOf(testing::HasSubstr("float16"), testing::HasSubstr("bf16")));
}

TEST(SelectKernels, AnUnknownOneIsAnErrorThatNamesTheChoices) {
  const Isa wrong("mmx");
  EXPECT_THAT(test::error_of([] { select_kernels(DType::kF32); }),
              testing::AllOf(testing::HasSubstr("mmx"), testing::HasSubstr("scalar")));
}

TEST(SelectKernels, AnotherCpusIsAnError) {
#if defined(__x86_64__)
  const Isa wrong("neon");
#else
  const Isa wrong("avx2");
#endif
  EXPECT_THAT(test::error_of([] { select_kernels(DType::kF32); }), testing::HasSubstr("CONTENTVEC_ISA"));
}

}  // namespace
}  // namespace contentvec::nn
