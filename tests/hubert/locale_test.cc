// Numbers in files and texts have a point, whatever locale the program has set.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <clocale>
#include <cstdlib>
#include <locale>

#include "contentvec/model.h"
#include "golden.h"
#include "support.h"

/// glibc keeps the list of folders that LOCPATH names.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() {
  return "leak:argz_add_sep\n";
}

namespace contentvec {
namespace {

using testing::HasSubstr;

/// A program that has set a locale, made by localedef where the system lacks it.
class LocaleTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const std::string name = std::string(GetParam()) + ".UTF-8";
    if (std::setlocale(LC_ALL, name.c_str()) == nullptr) {
      const std::string made = (folder_ / name).string();
      const std::string command =
          std::string("localedef -i ") + GetParam() + " -f UTF-8 " + made + " > /dev/null 2>&1";
      // localedef warns of small flaws of the system's own descriptions, and its status then is 1.
      [[maybe_unused]] const int status = std::system(command.c_str());
      setenv("LOCPATH", folder_.path().c_str(), 1);
    }
    if (std::setlocale(LC_ALL, name.c_str()) == nullptr)
      GTEST_SKIP() << "no locale " << name << ": install Debian's package locales";
    std::locale::global(std::locale(name));  // C++ has its own, and sets C's too
    ASSERT_STRNE(std::localeconv()->decimal_point, ".");
  }
  void TearDown() override {
    std::locale::global(std::locale::classic());
    unsetenv("LOCPATH");
  }

  test::TemporaryFolder folder_;
};

void expect_points_in_configurations() {
  ModelConfig config;
  for (const float eps : {0.001F, 1e-5F, 0.0625F}) {
    config.layer_norm_eps = eps;
    EXPECT_EQ(ModelConfig::from_json(config.to_json()), config);
  }
  config.layer_norm_eps = 0.001F;
  EXPECT_THAT(config.to_json(), HasSubstr("\"layer_norm_eps\":0.001}"));
  EXPECT_EQ(ModelConfig::from_json(R"({"hidden_size": 768, "layer_norm_eps": 0.0025})").layer_norm_eps,
            0.0025F);
  config.layer_norm_eps = 1.5F;
  EXPECT_THAT(test::error_of([&] { config.validate(); }), HasSubstr("1.5"));
}

void expect_golden_features_of_converted_checkpoints() {
  const test::TemporaryFolder folder;
  const test::Golden golden = test::read_golden("tiny.721");
  for (const char* file : {"tiny.fairseq.pt", "tiny.fairseq.legacy.pt", "tiny.hf"}) {
    const std::string path = (test::oracle() / "checkpoints" / file).string();
    test::expect_golden(Model::load(path), golden);
    const std::string converted = (folder / "model.safetensors").string();
    export_model(path, converted, {.layout = Layout::kHf});
    EXPECT_THAT(test::text_of(folder / "config.json"), HasSubstr("\"layer_norm_eps\": 1e-05"));
    const Model model = Model::load(converted);
    EXPECT_EQ(model.config().layer_norm_eps, 1e-5F);
    test::expect_golden(model, golden);
  }
}

// One test for all: a locale takes seconds to make.
TEST_P(LocaleTest, ChangesNoNumber) {
  expect_points_in_configurations();
  expect_golden_features_of_converted_checkpoints();
}

// A comma, and a point of two bytes.
INSTANTIATE_TEST_SUITE_P(Points, LocaleTest, testing::Values("de_DE", "ps_AF"));

}  // namespace
}  // namespace contentvec
