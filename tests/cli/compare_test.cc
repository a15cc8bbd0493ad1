// How far two extractions are apart, and what is drawn of features.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "cli/comparison.h"
#include "cli/files.h"
#include "cli/plot/feature_map.h"
#include "cli/process.h"
#include "contentvec/feature_file.h"
#include "support.h"

namespace contentvec::test {
namespace {

namespace plot = cli::plot;
using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::FloatNear;
using testing::Ge;
using testing::HasSubstr;
using testing::Le;
using testing::Pointwise;

/// Two values a frame, at an angle for each: the cosine of two frames is that of the angles' difference.
Features at_angles(const std::vector<double>& angles) {
  Features features = {.frames = static_cast<int64_t>(angles.size()), .dim = 2, .data = {}};
  for (const double angle : angles) {
    features.data.push_back(static_cast<float>(3 * std::cos(angle)));
    features.data.push_back(static_cast<float>(3 * std::sin(angle)));
  }
  return features;
}

TEST(Comparison, IsOfEachFrame) {
  std::vector<double> angles(100);
  const Features a = at_angles(angles);
  angles[40] = 0.5;
  angles[50] = 0.4;  // within half a second of the worst
  angles[90] = 0.3;
  const cli::Comparison result = cli::compare_features(a, at_angles(angles));
  EXPECT_NEAR(result.mean, (97 + std::cos(0.5) + std::cos(0.4) + std::cos(0.3)) / 100, 1e-6);
  EXPECT_EQ(result.median, 1);
  ASSERT_EQ(result.worst.size(), 3U);
  EXPECT_EQ(result.worst[0].frame, 40);
  EXPECT_NEAR(result.worst[0].cosine, std::cos(0.5), 1e-6);
  EXPECT_EQ(result.worst[1].frame, 90);
  EXPECT_EQ(result.worst[2].frame, 0) << "the first of those that are equal";
  EXPECT_NEAR(result.largest_difference, 3 * std::sin(0.5), 1e-5);
  EXPECT_EQ(result.largest_frame, 40);
  EXPECT_EQ(result.largest_channel, 1);
  EXPECT_NEAR(result.rms, std::sqrt(9.0 / 2), 1e-5);
}

TEST(Comparison, ZerosAreAlikeAndWhatIsNoNumberIsRefused) {
  Features a = at_angles({0, 0});
  Features b = a;
  a.data = {0, 0, 0, 0};
  b.data = {0, 0, 1, 0};
  EXPECT_THAT(cli::compare_features(a, b).cosines, ElementsAre(1, 0));
  b.data[3] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(error_of([&] { (void)cli::compare_features(a, b); }),
              HasSubstr("B has a value that is not finite, in frame 1"));
  EXPECT_THAT(error_of([&] { (void)cli::compare_features(a, at_angles({0})); }),
              HasSubstr("A has 2 frames of 2 values, B 1 of 2"));
  EXPECT_THAT(error_of([&] { (void)cli::compare_features({}, {}); }), HasSubstr("above 0"));
}

TEST(FeatureMap, AFewFramesAreColumnsOfTheirOwn) {
  plot::FeatureMap map(3, 2);
  const Features features = at_angles({0, 0.3, 1});
  map.add(1, std::span(features.data).subspan(2));
  map.add(0, std::span(features.data).first(2));
  EXPECT_EQ(map.columns(), 3);
  const std::vector<float> cosines = map.similarities();
  const auto cosine = [](double angle) { return static_cast<float>(std::cos(angle)); };
  EXPECT_THAT(cosines, Pointwise(FloatNear(1e-6F), {1.0F, cosine(0.3), cosine(1), cosine(0.3), 1.0F,
                                                    cosine(0.7), cosine(1), cosine(0.7), 1.0F}));
  EXPECT_THAT(map.levels(), Each(AllOf(Ge(0), Le(1))));
}

TEST(FeatureMap, ManyFramesShareColumns) {
  const int64_t frames = 100000;
  plot::FeatureMap map(frames, 1);
  std::vector<float> rows(1000);
  for (int64_t first = 0; first < frames; first += 1000) {
    for (size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<float>(first + static_cast<int64_t>(i));
    map.add(first, rows);
  }
  EXPECT_EQ(map.columns(), 760);
  const std::vector<float> levels = map.levels();
  // A straight line has its ends 1.73 standard deviations from its mean.
  EXPECT_NEAR(levels.front(), 0.5 - 1.73 / 4, 0.01);
  EXPECT_NEAR(levels.back(), 0.5 + 1.73 / 4, 0.01);
}

TEST(FeatureMap, WhatIsNoNumberIsDark) {
  plot::FeatureMap map(2, 1);
  map.add(0, std::vector<float>{std::numeric_limits<float>::quiet_NaN(), 1});
  EXPECT_THAT(map.levels(), Each(0.0F));
}

class CompareTest : public testing::Test {
 protected:
  CompareTest() { write_wav(folder_ / "a.wav", noise(16000)); }
  Result compare(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "compare");
    return run(arguments, {.folder = folder_.path()});
  }
  Result extract(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"extract", "--model", tiny_model().string()});
    return run(arguments, {.folder = folder_.path()});
  }
  TemporaryFolder folder_;
};

TEST_F(CompareTest, ModelsTypesAndFiles) {
  const std::string model = tiny_model().string();
  const Result types = compare({model, model, "a.wav", "--dtype", "f32,bf16", "--json"});
  ASSERT_EQ(types.code, 0) << types.err;
  const auto json = nlohmann::json::parse(types.out);
  EXPECT_EQ(json["a"], model + ", f32, cpu");
  EXPECT_EQ(json["b"], model + ", bf16, cpu");
  EXPECT_EQ(json["frames"], 49);
  ASSERT_EQ(json["cosines"].size(), 49U);
  EXPECT_EQ(*std::min_element(json["cosines"].begin(), json["cosines"].end()), json["worst"][0]["cosine"]);
  EXPECT_LT(json["cosine"]["mean"], 1.0);
  EXPECT_GT(json["cosine"]["mean"], 0.999);

  ASSERT_EQ(extract({"a.wav"}).code, 0);
  EXPECT_THAT(compare({"a.npy", model, "a.wav"}).out,
              AllOf(HasSubstr("cosine      mean 1.0000000"), HasSubstr("largest 0,")));
  ASSERT_EQ(extract({"a.wav", "--format", "safetensors"}).code, 0);
  EXPECT_THAT(compare({"a.npy", "a.safetensors"}).out, HasSubstr("mean 1.0000000"));
}

TEST_F(CompareTest, Usage) {
  const std::string model = tiny_model().string();
  EXPECT_THAT(compare({model, model}).err, HasSubstr("contentvec compare A B INPUT"));
  ASSERT_EQ(extract({"a.wav"}).code, 0);
  EXPECT_EQ(compare({"a.npy", "a.npy", "--plot", "x.png"}).code, 2);
  EXPECT_EQ(compare({"a.npy", "a.npy", "a.wav", "--plot", "x.pdf"}).code, 2);
  EXPECT_THAT(compare({model, model, "a.wav", "--dtype", "f32,bf16,f32"}).err,
              HasSubstr("--dtype has 3 values"));
  EXPECT_EQ(compare({"none.npy", "a.npy"}).code, 1);
  EXPECT_EQ(compare({"a.npy", model, "none.wav"}).code, 1);
  EXPECT_THAT(names_in(folder_.path()), ElementsAre("a.npy", "a.wav"));
}

#ifdef CONTENTVEC_HAVE_PLOT

TEST_F(CompareTest, IsDrawn) {
  const std::string model = tiny_model().string();
  ASSERT_EQ(compare({model, model, "a.wav", "--dtype", "f32,bf16", "--plot", "c.svg"}).code, 0);
  EXPECT_THAT(text_of(folder_ / "c.svg"), AllOf(HasSubstr("<svg"), HasSubstr("</svg>")));
  const Result nowhere = compare({model, model, "a.wav", "--plot", "none/c.svg"});
  EXPECT_EQ(nowhere.code, 1);
  EXPECT_THAT(nowhere.out, HasSubstr("cosine      mean 1.0000000")) << "what was computed is told";
}

/// Of each input, and with all layers the last one's; a run that goes on looks at the pictures, too.
TEST_F(CompareTest, FeaturesAreDrawn) {
  write_wav(folder_ / "b.wav", noise(2000));
  const Result one = extract({"a.wav", "--plot", "p/a.png", "--json", "--max-seconds", "0.5"});
  ASSERT_EQ(one.code, 0) << one.err;
  EXPECT_EQ(nlohmann::json::parse(one.out)["plot"], "p/a.png");
  EXPECT_TRUE(text_of(folder_ / "p/a.png").starts_with("\x89PNG"));
  ASSERT_EQ(extract({"a.wav", "b.wav", "--plot", "q/", "--layer", "all"}).code, 0);
  EXPECT_THAT(names_in(folder_ / "q"), ElementsAre("a.png", "b.png"));
  write_file(folder_ / "q/b.png", std::string("none"));
  const Result again = extract({"a.wav", "b.wav", "--plot", "q/", "--layer", "all", "--skip-existing"});
  EXPECT_THAT(again.err, HasSubstr("does not begin as a .png file does"));
  EXPECT_TRUE(text_of(folder_ / "q/b.png").starts_with("\x89PNG"));
  EXPECT_EQ(extract({".", "--preset", "rvc-v2", "--plot", "x/"}).code, 2);
}

#endif

}  // namespace
}  // namespace contentvec::test
