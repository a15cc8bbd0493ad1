#include "f0/rmvpe.h"

#include <gmock/gmock.h>

#include <cmath>
#include <tuple>

#include "f0/estimator.h"
#include "f0/salience.h"
#include "golden.h"
#include "made_up.h"

namespace contentvec::f0 {
namespace {

RmvpeConfig config_of(const std::string& golden) {
  if (golden.starts_with("base")) return {};
  return {.channels = 2, .blocks = 2, .layers = 5, .intermediate_layers = 2, .gru_hidden = 16};
}

/// [channels, height, width], as the reference has them.
std::vector<float> channels_first(const nn::FeatureMap& map) {
  std::vector<float> values;
  for (int64_t c = 0; c < map.channels(); ++c) {
    for (int64_t y = 0; y < map.height(); ++y) {
      for (int64_t x = 0; x < map.width(); ++x) values.push_back(map.at(y, x)[c]);
    }
  }
  return values;
}

std::vector<float> salience_of(const Rmvpe& rmvpe, nn::Machine& machine, const std::vector<float>& waveform,
                               const Rmvpe::Observe& observe = {}, Rmvpe::Workspace workspace = {}) {
  std::vector<float> salience(
      static_cast<size_t>(Rmvpe::frames(static_cast<int64_t>(waveform.size())) * kSalienceBins));
  rmvpe.run(machine.context(), workspace, waveform, test::into(salience), {}, observe);
  return salience;
}

class RmvpeTest : public testing::TestWithParam<std::tuple<const nn::Kernels*, std::string>> {};

TEST_P(RmvpeTest, EveryStageIsTheReferences) {
  const auto& [kernels, name] = GetParam();
  const test::RvcGolden golden = test::read_rvc_golden(name);
  const Rmvpe rmvpe(*kernels, test::made_up(rmvpe_tensors(config_of(name))), config_of(name));
  nn::Machine machine(*kernels, 2);
  size_t stages = 0;
  const auto check = [&](const std::string& stage, const std::vector<float>& values) {
    const auto reference = golden.arrays.find(stage);
    if (reference == golden.arrays.end()) return;
    EXPECT_LE(test::max_abs_error(values, reference->second.values), golden.tolerance(stage)) << stage;
    ++stages;
  };
  const std::vector<float> salience = salience_of(rmvpe, machine, golden.arrays.at("waveform").values,
                                                  [&](std::string_view stage, const nn::FeatureMap& map) {
                                                    check(std::string(stage), channels_first(map));
                                                  });
  check("salience", salience);
  size_t unseen = 0;  // of the file's arrays
  for (const char* array : {"waveform", "mel", "gru", "f0"}) unseen += golden.arrays.count(array);
  EXPECT_EQ(stages, golden.arrays.size() - unseen);

  const std::vector<float>& f0 = golden.arrays.at("f0").values;
  for (size_t frame = 0; frame < f0.size(); ++frame) {
    const FramePitch pitch =
        decode_rmvpe(std::span(salience).subspan(frame * kSalienceBins, kSalienceBins), 0.03F);
    EXPECT_NEAR(pitch.f0, f0[frame], 1e-4 * static_cast<double>(f0[frame])) << "frame " << frame;
  }
}

/// Those that tests/oracle-rvc carries, and where the whole oracle is there all of it.
std::vector<std::string> golden_names() {
  std::vector<std::string> names = test::rvc_golden_names("tiny-rmvpe.");
  names.emplace_back("base-rmvpe.8000");
  return names;
}

INSTANTIATE_TEST_SUITE_P(Isa, RmvpeTest,
                         testing::Combine(testing::ValuesIn(nn::supported_kernels(DType::kF32)),
                                          testing::ValuesIn(golden_names())),
                         [](const auto& test) {
                           return test::isa_name(std::get<0>(test.param)) + "_" +
                                  test::test_name(std::get<1>(test.param));
                         });

size_t largest_bin(std::span<const float> row) {
  return static_cast<size_t>(std::max_element(row.begin(), row.end()) - row.begin());
}

/// In bfloat16, against float64: salience is right to some thousandths, so a frame's pitch is, unless it is as likely
/// as another one.
class RmvpeBf16Test : public testing::TestWithParam<const nn::Kernels*> {};

TEST_P(RmvpeBf16Test, PitchIsWithinFiveCents) {
  const nn::Kernels& kernels = *GetParam();
  const test::RvcGolden golden = test::read_rvc_golden("base-rmvpe.8000");
  const Rmvpe rmvpe(kernels, test::made_up(rmvpe_tensors({})), {});
  nn::Machine machine(kernels, 2);
  const std::vector<float> salience = salience_of(rmvpe, machine, golden.arrays.at("waveform").values);
  const std::vector<float>& reference = golden.arrays.at("salience").values;
  const double error = test::max_abs_error(salience, reference);
  EXPECT_LE(error, 0.01);
  const std::vector<float>& f0 = golden.arrays.at("f0").values;
  for (size_t frame = 0; frame < f0.size(); ++frame) {
    const auto row = std::span(salience).subspan(frame * kSalienceBins, kSalienceBins);
    const auto exact = std::span(reference).subspan(frame * kSalienceBins, kSalienceBins);
    const size_t bin = largest_bin(row);
    EXPECT_GE(exact[bin], static_cast<double>(exact[largest_bin(exact)]) - 2 * error) << frame;
    if (bin != largest_bin(exact)) continue;
    const double cents = 1200 * std::log2(static_cast<double>(decode_rmvpe(row, 0.03F).f0 / f0[frame]));
    EXPECT_LE(std::abs(cents), 5) << frame;
  }
}

INSTANTIATE_TEST_SUITE_P(Isa, RmvpeBf16Test, testing::ValuesIn(nn::supported_kernels(DType::kBF16)),
                         [](const auto& test) { return test::isa_name(test.param); });

TEST(Rmvpe, ThreadsChangeNoBit) {
  const nn::Kernels& kernels = nn::select_kernels(DType::kF32);
  const RmvpeConfig config = config_of("tiny");
  const Rmvpe rmvpe(kernels, test::made_up(rmvpe_tensors(config)), config);
  const std::vector<float> waveform = test::sweep(7001);
  nn::Machine one(kernels, 1);
  const std::vector<float> expected = salience_of(rmvpe, one, waveform);
  for (const int threads : {2, 3, 5}) {
    nn::Machine several(kernels, threads);
    EXPECT_EQ(salience_of(rmvpe, several, waveform), expected) << threads << " threads";
  }
}

/// How far what comes of a recording in pieces is from what comes of it whole.
class RmvpePiecesTest : public testing::Test {
 protected:
  RmvpePiecesTest() : rmvpe_(kernels_, test::made_up(rmvpe_tensors(config_)), config_) {}

  /// The workspace's sizes as `set` has them.
  template <typename Set>
  double error(const Set& set) {
    Rmvpe::Workspace workspace;
    set(workspace);
    return test::max_abs_error(salience_of(rmvpe_, machine_, waveform_, {}, std::move(workspace)), whole_);
  }

 private:
  const nn::Kernels& kernels_ = nn::select_kernels(DType::kF32);
  const RmvpeConfig config_ = config_of("tiny");
  const Rmvpe rmvpe_;
  const std::vector<float> waveform_ = test::sweep(size_t{160} * 900);
  nn::Machine machine_{kernels_, 2};
  const std::vector<float> whole_ = salience_of(rmvpe_, machine_, waveform_);
};

/// What they see around them is computed twice: there is nothing to round but the tiles of a convolution.
TEST_F(RmvpePiecesTest, BandsChangeNothingButRounding) {
  for (const int64_t rows : {32, 96, 256, 448})
    EXPECT_LT(error([&](Rmvpe::Workspace& w) { w.band_rows = rows; }), 2e-6) << rows;
}

TEST_F(RmvpePiecesTest, ContextMakesPiecesHarmless) {
  const auto in_pieces = [&](int64_t frames, int64_t context_frames) {
    return error([&](Rmvpe::Workspace& w) {
      w.whole_frames = 0;
      w.piece_frames = frames;
      w.context_frames = context_frames;
    });
  };
  EXPECT_EQ(in_pieces(512, 1024), 0);  // the GRU hears two pieces at once, and the U-Net all of the recording
  EXPECT_LT(in_pieces(128, 1024), 1e-6);  // it hears a piece ahead
  EXPECT_LT(in_pieces(128, 256), 1e-3);
  EXPECT_GT(in_pieces(128, 0), 1e-3);  // so that the context is seen to do something
}

TEST(Rmvpe, ItsSizesAreReadOffItsTensors) {
  const RmvpeConfig config = {
      .channels = 3, .blocks = 2, .layers = 4, .intermediate_layers = 1, .gru_hidden = 20};
  const RmvpeConfig found = infer_rmvpe(test::made_up(rmvpe_tensors(config)));
  EXPECT_EQ(found.channels, 3);
  EXPECT_EQ(found.blocks, 2);
  EXPECT_EQ(found.layers, 4);
  EXPECT_EQ(found.intermediate_layers, 1);
  EXPECT_EQ(found.gru_hidden, 20);
}

}  // namespace
}  // namespace contentvec::f0
