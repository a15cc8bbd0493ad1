// What a start takes: FAISS, and the BLAS it brings, are loaded by what uses them alone.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>

#include "cli/files.h"
#include "cli/process.h"
#include "support.h"

namespace contentvec::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

#if !defined(CONTENTVEC_SANITIZED)  // sanitizers reserve address space by the terabyte

constexpr long long kLittle = 300'000 * 1024LL;

TEST(Startup, TakesLittleAddressSpace) {
  const Result result = run({"--version"}, {.address_space = kLittle});
  EXPECT_EQ(result.code, 0) << result.signal << result.err;
  EXPECT_THAT(result.out, HasSubstr("contentvec"));
}

TEST(Startup, ExtractionTakesLittleAddressSpace) {
  const TemporaryFolder folder;
  write_wav(folder / "a.wav", noise(16000));
  const Result result = run({"extract", "a.wav", "--model", tiny_model().string(), "--threads", "2"},
                            {.folder = folder.path(), .address_space = kLittle});
  EXPECT_EQ(result.code, 0) << result.signal << result.err;
}

#if defined(CONTENTVEC_HAVE_FAISS) && defined(__linux__)
TEST(Startup, TooLittleForFaissIsAnError) {
  const TemporaryFolder folder;
  write_wav(folder / "a.wav", noise(16000));
  const Result result = run({"extract", "a.wav", "--model", tiny_model().string(), "--threads", "2",
                             "--index", (data() / "retrieval" / "added.index").string()},
                            {.folder = folder.path(), .address_space = kLittle / 2});
  EXPECT_EQ(result.code, 1) << result.signal;
  EXPECT_THAT(result.err, AllOf(HasSubstr("cannot open the index"), HasSubstr("ulimit -v")));
}

TEST(Startup, TooLittleToBuildWithIsAnError) {
  const TemporaryFolder folder;
  write_wav(folder / "a.wav", noise(16000 * 20));
  const std::string model = tiny_model().string();
  ASSERT_EQ(run({"extract", "a.wav", "--model", model, "--out", "f/"}, {.folder = folder.path()}).code, 0);
  const auto processors = static_cast<long long>(sysconf(_SC_NPROCESSORS_CONF));
  const long long to_load = (96 + 136 * processors) * (1LL << 20);
  for (const long long more : {50'000'000LL, 100'000'000LL, 200'000'000LL}) {
    const Result result =
        run({"index", "f", "voice.index"}, {.folder = folder.path(), .address_space = to_load + more});
    EXPECT_EQ(result.signal, 0) << more << result.err;
    EXPECT_TRUE(result.code == 0 || result.err.find("ulimit -v") != std::string::npos) << result.err;
  }
}
#endif

#endif

#if defined(__GLIBC__)
TEST(Startup, LoadsNoBlas) {
  setenv("LD_TRACE_LOADED_OBJECTS", "1", 1);  // the loader lists what it would load
  const Result result = run({"--version"});
  unsetenv("LD_TRACE_LOADED_OBJECTS");
  EXPECT_THAT(result.out, AllOf(HasSubstr("libsndfile"), Not(HasSubstr("blas")), Not(HasSubstr("lapack"))));
}
#endif

}  // namespace
}  // namespace contentvec::test
