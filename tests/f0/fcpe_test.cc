#include "f0/fcpe.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cmath>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <tuple>

#include "f0/estimator.h"
#include "f0/pitch_file.h"
#include "f0/salience.h"
#include "golden.h"
#include "made_up.h"

namespace contentvec::f0 {
namespace {

constexpr FcpeConfig kTiny = {.hidden = 32, .layers = 2};

std::vector<float> salience_of(const Fcpe& fcpe, nn::Machine& machine, const std::vector<float>& waveform,
                               const Fcpe::Observe& observe = {}, int64_t piece_frames = Fcpe::kPieceFrames) {
  Fcpe::Workspace workspace;
  workspace.piece_frames = piece_frames;
  std::vector<float> salience(
      static_cast<size_t>(Fcpe::frames(static_cast<int64_t>(waveform.size())) * kSalienceBins));
  fcpe.run(machine.context(), workspace, waveform, test::into(salience), {}, observe);
  return salience;
}

class FcpeTest : public testing::TestWithParam<std::tuple<const nn::Kernels*, std::string>> {};

TEST_P(FcpeTest, EveryStageIsTheReferences) {
  const auto& [kernels, name] = GetParam();
  const test::RvcGolden golden = test::read_rvc_golden(name);
  const Fcpe fcpe(*kernels, test::made_up(fcpe_tensors(kTiny)), kTiny);
  nn::Machine machine(*kernels, 2);
  const std::vector<float>& waveform = golden.arrays.at("waveform").values;
  const int64_t frames = Fcpe::frames(static_cast<int64_t>(waveform.size()));
  int stages = 0;
  const auto check = [&](const std::string& stage, const std::vector<float>& values) {
    const auto reference = golden.arrays.find(stage);
    if (reference == golden.arrays.end()) return;
    EXPECT_LE(test::max_abs_error(values, reference->second.values), golden.tolerance(stage)) << stage;
    ++stages;
  };
  const std::vector<float> salience = salience_of(
      fcpe, machine, waveform, [&](std::string_view stage, const float* rows, int64_t stride, int64_t width) {
        std::vector<float> values;
        for (int64_t row = 0; row < frames; ++row)
          values.insert(values.end(), rows + row * stride, rows + row * stride + width);
        check(std::string(stage), values);
      });
  check("salience", salience);
  check("cent_table", {fcpe.cents().begin(), fcpe.cents().end()});
  EXPECT_EQ(stages, 7);

  const std::vector<float>& f0 = golden.arrays.at("f0").values;
  for (size_t frame = 0; frame < f0.size(); ++frame) {
    const FramePitch pitch =
        decode_fcpe(std::span(salience).subspan(frame * kSalienceBins, kSalienceBins), fcpe.cents(), 0.006F);
    EXPECT_NEAR(pitch.f0, f0[frame], 1e-4 * static_cast<double>(f0[frame])) << "frame " << frame;
  }
}

INSTANTIATE_TEST_SUITE_P(Isa, FcpeTest,
                         testing::Combine(testing::ValuesIn(nn::supported_kernels(DType::kF32)),
                                          testing::Values("tiny-fcpe.300", "tiny-fcpe.16000")),
                         [](const auto& test) {
                           return test::isa_name(std::get<0>(test.param)) + "_" +
                                  test::test_name(std::get<1>(test.param));
                         });

TEST(Fcpe, ThreadsChangeNoBit) {
  const nn::Kernels& kernels = nn::select_kernels(DType::kF32);
  const Fcpe fcpe(kernels, test::made_up(fcpe_tensors(kTiny)), kTiny);
  const std::vector<float> waveform = test::sweep(40001);
  nn::Machine one(kernels, 1);
  const std::vector<float> expected = salience_of(fcpe, one, waveform);
  for (const int threads : {2, 3, 5}) {
    nn::Machine several(kernels, threads);
    EXPECT_EQ(salience_of(fcpe, several, waveform), expected) << threads << " threads";
  }
}

TEST(Fcpe, PiecesChangeNoBit) {
  const nn::Kernels& kernels = nn::select_kernels(DType::kF32);
  const Fcpe fcpe(kernels, test::made_up(fcpe_tensors(kTiny)), kTiny);
  const std::vector<float> waveform = test::sweep(81376);
  nn::Machine machine(kernels, 2);
  const std::vector<float> whole = salience_of(fcpe, machine, waveform);
  for (const int64_t piece_frames : {64, 128, 192, 448})
    EXPECT_EQ(salience_of(fcpe, machine, waveform, {}, piece_frames), whole) << piece_frames;
}

TEST(Fcpe, OneSampleGivesAFrame) {
  const nn::Kernels& kernels = nn::select_kernels(DType::kF32);
  const Fcpe fcpe(kernels, test::made_up(fcpe_tensors(kTiny)), kTiny);
  nn::Machine machine(kernels, 1);
  for (const size_t samples : {size_t{1}, size_t{159}, size_t{160}, size_t{432}, size_t{433}, size_t{1024}}) {
    const std::vector<float> salience = salience_of(fcpe, machine, std::vector<float>(samples, 0.1F));
    EXPECT_EQ(salience.size(), (samples / 160 + 1) * kSalienceBins);
    for (const float value : salience) ASSERT_TRUE(value > 0 && value < 1) << samples;
  }
}

/// With its trained weights, on real speech; scripts/check_pitch fetches them.
class RealFcpeTest : public testing::TestWithParam<const nn::Kernels*> {
 protected:
  void SetUp() override {
    const char* wheel = std::getenv("CONTENTVEC_FCPE_WHEEL");
    if (wheel == nullptr || names_.empty())
      GTEST_SKIP() << "needs torchfcpe's wheel and ../shared/oracle-rvc: scripts/check_pitch";
    const PitchFile file = open_pitch_file(wheel, {});
    const FcpeConfig config = infer_fcpe(file.tensors);
    check_tensors(file, fcpe_tensors(config));
    fcpe_.emplace(*GetParam(), file.tensors, config);
  }

  /// What the estimator makes of a golden file's waveform.
  std::vector<FramePitch> estimate(const std::vector<float>& salience) const {
    std::vector<FramePitch> pitches;
    for (size_t at = 0; at < salience.size(); at += kSalienceBins)
      pitches.push_back(decode_fcpe(std::span(salience).subspan(at, kSalienceBins), fcpe_->cents(), 0.006F));
    return pitches;
  }

  const std::vector<std::string> names_ = test::rvc_golden_names("real-fcpe.");
  std::optional<Fcpe> fcpe_;
  nn::Machine machine_{*GetParam(), 2};
};

TEST_P(RealFcpeTest, EveryStageIsTheReferences) {
  for (const std::string& name : names_) {
    const test::RvcGolden golden = test::read_rvc_golden(name);
    const std::vector<float> salience = salience_of(*fcpe_, machine_, golden.arrays.at("waveform").values);
    if (const auto reference = golden.arrays.find("salience"); reference != golden.arrays.end()) {
      EXPECT_LE(test::max_abs_error(salience, reference->second.values), golden.tolerance("salience"));
    }
    const std::vector<float>& f0 = golden.arrays.at("f0").values;
    const std::vector<FramePitch> pitches = estimate(salience);
    for (size_t frame = 0; frame < f0.size(); ++frame)
      EXPECT_NEAR(pitches[frame].f0, f0[frame], 1e-4 * static_cast<double>(f0[frame]))
          << name << ", frame " << frame;
  }
}

INSTANTIATE_TEST_SUITE_P(Isa, RealFcpeTest, testing::ValuesIn(nn::supported_kernels(DType::kF32)),
                         [](const auto& test) { return test::isa_name(test.param); });

using RealFcpeBf16Test = RealFcpeTest;

TEST_P(RealFcpeBf16Test, PitchIsWithinFiveCents) {
  double largest = 0;
  int voiced = 0;
  int otherwise_voiced = 0;
  for (const std::string& name : names_) {
    const test::RvcGolden golden = test::read_rvc_golden(name);
    const std::vector<float>& f0 = golden.arrays.at("f0").values;
    const std::vector<FramePitch> pitches =
        estimate(salience_of(*fcpe_, machine_, golden.arrays.at("waveform").values));
    for (size_t frame = 0; frame < f0.size(); ++frame) {
      const FramePitch& pitch = pitches[frame];
      if ((pitch.f0 > 0) != (f0[frame] > 0)) {
        ++otherwise_voiced;
        EXPECT_NEAR(pitch.confidence, 0.006, 0.0003)
            << name << ", frame " << frame;  // as good as the threshold
      } else if (f0[frame] > 0) {
        ++voiced;
        largest = std::max(largest, std::abs(1200 * std::log2(static_cast<double>(pitch.f0 / f0[frame]))));
      }
    }
  }
  std::cout << fmt::format("{} voiced frames, at most {:.2f} cents off; {} voiced otherwise\n", voiced,
                           largest, otherwise_voiced);
  EXPECT_LE(largest, 5);
  EXPECT_LE(otherwise_voiced, voiced / 100);
}

INSTANTIATE_TEST_SUITE_P(Isa, RealFcpeBf16Test, testing::ValuesIn(nn::supported_kernels(DType::kBF16)),
                         [](const auto& test) { return test::isa_name(test.param); });

}  // namespace
}  // namespace contentvec::f0
