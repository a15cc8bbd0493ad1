// Inputs that failed once: those of ../shared/cases, beside the reference data, each with what must come of
// it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "child.h"
#include "cli/process.h"
#include "support.h"

namespace contentvec::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

class CasesTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(cases() / "make.py")) GTEST_SKIP() << "there is no " << cases();
    if (std::system("python3 -c 'import numpy' 2>/dev/null") != 0)
      GTEST_SKIP() << "python3 with numpy is needed to make the inputs";
  }

  static fs::path cases() { return oracle().parent_path() / "cases"; }

  /// Runs a script, or one of those there, in the folder of this test.
  void python(const std::string& script_and_arguments) {
    const std::string command = "cd '" + folder_.path().string() + "' && PYTHONDONTWRITEBYTECODE=1 python3 " +
                                script_and_arguments + " >/dev/null";
    ASSERT_EQ(std::system(command.c_str()), 0) << command;
  }
  void make(const std::string& script_and_arguments) {
    python("'" + cases().string() + "'/" + script_and_arguments);
  }

  Result extract(const std::string& model, const std::string& input,
                 const std::string& config = "tiny.json") {
    Surroundings surroundings{.folder = folder_.path()};
    if (!kSanitized) surroundings.address_space = 2'000'000'000;
    return run({"extract", "--model", model, "--config", config, input, "--out", "out.npy"}, surroundings);
  }

  /// The bytes of the features, where there are some; the warning is to hold these words.
  std::vector<std::byte> features(const std::string& model, const std::string& input,
                                  const testing::Matcher<std::string>& warning = testing::_) {
    fs::remove(folder_ / "out.npy");
    const Result result = extract(model, input);
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_THAT(result.err, warning);
    return result.code == 0 ? read_file(folder_ / "out.npy") : std::vector<std::byte>();
  }

  void expect_refused(const Result& result, const testing::Matcher<std::string>& message) {
    EXPECT_EQ(result.code, 1) << result.err;
    EXPECT_THAT(result.err, message);
  }

  TemporaryFolder folder_;
};

TEST_F(CasesTest, AudioAndCheckpoints) {
  make("make.py .");
  const std::vector<std::byte> expected = features("plain.pt", "ref.wav");
  EXPECT_EQ(features("plain.pt", "piped-zero.wav"), expected);
  EXPECT_EQ(features("ema.pt", "ref.wav"), expected);
  EXPECT_EQ(features("float64.pt", "ref.wav"), expected);
  features("plain.pt", "truncated.wav", AllOf(HasSubstr("warning"), HasSubstr("16000"), HasSubstr("10000")));
  features("plain.pt", "antiphase.wav", AllOf(HasSubstr("warning"), HasSubstr("cancel")));
  features("plain.pt", "one-huge.wav", AllOf(HasSubstr("warning"), HasSubstr("1e+30")));
  expect_refused(extract("voice.pth", "ref.wav"),
                 AllOf(HasSubstr("an RVC voice"), HasSubstr("hubert_base.pt")));
  expect_refused(extract("soft-vc-partial.pt", "ref.wav"),
                 AllOf(HasSubstr("recognised as a model in soft-vc layout"),
                       HasSubstr("feature_projection.norm.weight"), HasSubstr("is missing")));

  nlohmann::json config = read_json(folder_ / "tiny.json");
  config["conv_pos"] = 8;
  config["conv_pos_groups"] = 2;
  write_file(folder_ / "mhubert.json", config.dump());
  const Result normalised = extract("mhubert25.pt", "ref.wav", "mhubert.json");
  EXPECT_EQ(normalised.code, 0) << normalised.err;
}

TEST_F(CasesTest, AWholeModelOfSoftVc) {
  make("make.py .");
  python("'" CONTENTVEC_SOURCE_DIR "/tests/cli/soft_vc.py' '" + cases().string() + "' soft.pt");
  const std::vector<std::byte> expected = features("plain.pt", "ref.wav");
  EXPECT_EQ(features("soft.pt", "ref.wav"), expected);
}

// A minute of computing is what the bound on memory allows, too: what is quadratic takes longer.
TEST_F(CasesTest, MemoNumbersThatCollide) {
  make("make.py . >/dev/null && python3 '" + cases().string() + "'/memo_collisions.py memo.pt 340000");
  expect_refused(extract("memo.pt", "ref.wav"), HasSubstr("expected a dictionary of tensors"));
}

TEST_F(CasesTest, ManyTensors) {
  make("make.py . >/dev/null && python3 '" + cases().string() +
       "'/json_quadratic.py many.safetensors 200000");
  expect_refused(extract("many.safetensors", "ref.wav"), HasSubstr("none of its 200000 tensors"));
}

TEST_F(CasesTest, TensorsOfOneStorage) {
  make("make.py . >/dev/null && python3 '" + cases().string() + "'/shared_storage_bomb.py bomb.pt 1024 64");
  expect_refused(extract("bomb.pt", "ref.wav"),
                 AllOf(HasSubstr("share their storages"), HasSubstr("4 times")));
}

TEST_F(CasesTest, OneSampleInASecond) {
  make("make.py .");
  expect_refused(extract("plain.pt", (cases() / "wav_1hz_bomb.wav").string()),
                 AllOf(HasSubstr("1 Hz"), HasSubstr("1000 to 1000000 Hz")));
}

// What is no file of these. A decimal comma is tests/hubert/locale_test.cc's, fork()
// tests/hubert/fork_test.cc's and python/tests/test_fork.py's, a checkpoint that is shortened while it is
// read tests/checkpoint/shortened_file_test.cc's.

TEST_F(CasesTest, LittleAddressSpace) {
  if (kSanitized) GTEST_SKIP() << "a sanitizer reserves address space by the terabyte";
  const Result result = run({"--version"}, {.address_space = 300'000 * 1024LL});
  EXPECT_EQ(result.code, 0) << result.signal << result.err;
}

TEST_F(CasesTest, AnIndexOfValuesOf3e38) {
  fs::create_directory(folder_ / "features");
  python("-c 'import numpy; numpy.save(\"features/a.npy\", numpy.full((100, 48), 3e38, numpy.float32))'");
  const Result result = run({"index", "features", "voice.index"}, {.folder = folder_.path()});
  EXPECT_EQ(result.signal, 0);
  EXPECT_EQ(result.code, 1);
#if defined(CONTENTVEC_HAVE_FAISS)
  EXPECT_THAT(result.err, HasSubstr("beyond 1e16"));
#endif
}

}  // namespace
}  // namespace contentvec::test
