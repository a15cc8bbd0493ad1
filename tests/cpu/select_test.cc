#include "cpu/kernels/select.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "support.h"

namespace contentvec::cpu {
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

TEST(SelectKernels, EverySupportedOneCanBeForced) {
  for (const Kernels* kernels : supported_kernels()) {
    const Isa forced(kernels->isa);
    EXPECT_EQ(&select_kernels(), kernels);
  }
}

TEST(SelectKernels, ScalarIsAlwaysThereAndTheFastestIsTheDefault) {
  const Isa unset("");
  EXPECT_STREQ(supported_kernels().front()->isa, "scalar");
  EXPECT_EQ(&select_kernels(), supported_kernels().back());
}

TEST(SelectKernels, AnUnknownOneIsAnErrorThatNamesTheChoices) {
  const Isa wrong("mmx");
  EXPECT_THAT(test::error_of([] { select_kernels(); }),
              testing::AllOf(testing::HasSubstr("mmx"), testing::HasSubstr("scalar")));
}

TEST(SelectKernels, AnotherCpusIsAnError) {
#if defined(__x86_64__)
  const Isa wrong("neon");
#else
  const Isa wrong("avx2");
#endif
  EXPECT_THAT(test::error_of([] { select_kernels(); }), testing::HasSubstr("CONTENTVEC_ISA"));
}

}  // namespace
}  // namespace contentvec::cpu
