// Pitch through the C interface: the same numbers as through the C++ one, and every mistake a status.

#include "contentvec/pitch.h"

#include <gmock/gmock.h>

#include <cstring>

#include "golden.h"
#include "model.h"
#include "support.h"

extern "C" int32_t estimate_in_c99(const char*, const float*, int64_t, float*, int64_t);
extern "C" int32_t estimate_in_c11(const char*, const float*, int64_t, float*, int64_t);

namespace contentvec {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

using CPitch = std::unique_ptr<contentvec_pitch, decltype(&contentvec_pitch_free)>;

CPitch c_pitch(const std::string& spec, const contentvec_load_options* options = nullptr) {
  contentvec_pitch* pitch = nullptr;
  EXPECT_EQ(contentvec_pitch_load(spec.c_str(), options, &pitch), CONTENTVEC_OK) << contentvec_last_error();
  return {pitch, contentvec_pitch_free};
}

contentvec_pitch_options c_pitch_options() {
  contentvec_pitch_options options;
  contentvec_pitch_options_init(&options, sizeof options);
  return options;
}

/// A status, and what was written.
struct Estimated {
  contentvec_status status;
  std::vector<float> f0;
  std::vector<float> confidence;
};

Estimated c_estimate(const contentvec_pitch* pitch, const std::vector<float>& waveform,
                     const contentvec_pitch_options* options = nullptr) {
  const auto samples = static_cast<int64_t>(waveform.size());
  const int64_t frames = contentvec_pitch_frames_for(pitch, samples);
  Estimated result = {0, std::vector<float>(static_cast<size_t>(frames)),
                      std::vector<float>(static_cast<size_t>(frames))};
  result.status = contentvec_pitch_estimate(pitch, waveform.data(), samples, options, result.f0.data(),
                                            result.confidence.data(), frames);
  return result;
}

struct CPitchTest : testing::Test {
  const std::string spec = "synthetic:" + (test::oracle_rvc() / "configs" / "tiny-rmvpe.json").string();
  const std::vector<float> waveform = test::read_rvc_golden("tiny-rmvpe.5119").arrays.at("waveform").values;
  const Pitch expected = PitchEstimator::load(spec).estimate(waveform);
};

TEST_F(CPitchTest, GivesWhatTheCppInterfaceGives) {
  const CPitch pitch = c_pitch(spec);
  const Estimated estimated = c_estimate(pitch.get(), waveform);
  ASSERT_EQ(estimated.status, CONTENTVEC_OK) << contentvec_last_error();
  EXPECT_EQ(estimated.f0, expected.f0);
  EXPECT_EQ(estimated.confidence, expected.confidence);
  contentvec_pitch_options options = c_pitch_options();
  options.threshold = 0.9;
  EXPECT_EQ(c_estimate(pitch.get(), waveform, &options).f0,
            PitchEstimator::load(spec).estimate(waveform, {.threshold = 0.9}).f0);
  for (const auto estimate : {estimate_in_c99, estimate_in_c11}) {
    std::vector<float> f0(expected.f0.size());
    EXPECT_EQ(estimate(spec.c_str(), waveform.data(), static_cast<int64_t>(waveform.size()), f0.data(),
                       static_cast<int64_t>(f0.size())),
              CONTENTVEC_OK);
    EXPECT_EQ(f0, expected.f0);
  }
}

TEST_F(CPitchTest, SaysWhatItIs) {
  contentvec_load_options load = test::c_load_options();
  load.threads = 2;
  const CPitch pitch = c_pitch(spec, &load);
  contentvec_pitch_info info = {};
  EXPECT_EQ(contentvec_pitch_get_info(pitch.get(), &info), CONTENTVEC_INVALID_ARGUMENT);
  info.size = sizeof info;
  ASSERT_EQ(contentvec_pitch_get_info(pitch.get(), &info), CONTENTVEC_OK);
  EXPECT_EQ(info.method, CONTENTVEC_RMVPE);
  EXPECT_EQ(info.threads, 2);
  EXPECT_EQ(info.least_samples, 513);
  EXPECT_EQ(info.hop, 160);
  EXPECT_EQ(info.source, spec);
  EXPECT_EQ(contentvec_pitch_frames_for(pitch.get(), 16000), 101);
  EXPECT_EQ(contentvec_pitch_frames_for(pitch.get(), 512), 0);
}

TEST_F(CPitchTest, ABatchGivesWhatEachGivesAlone) {
  const CPitch pitch = c_pitch(spec);
  const std::vector<float> shorter(waveform.begin(), waveform.begin() + 1000);
  const float* waveforms[] = {waveform.data(), shorter.data()};
  const int64_t samples[] = {static_cast<int64_t>(waveform.size()), 1000};
  std::vector<float> first(expected.f0.size());
  std::vector<float> second(7);
  std::vector<float> confidence(7);
  float* const f0[] = {first.data(), second.data()};
  float* const confidences[] = {nullptr, confidence.data()};
  const int64_t capacities[] = {static_cast<int64_t>(first.size()), 7};
  for (float* const* wanted :
       {static_cast<float* const*>(nullptr), static_cast<float* const*>(confidences)}) {
    ASSERT_EQ(
        contentvec_pitch_estimate_batch(pitch.get(), waveforms, samples, 2, nullptr, f0, wanted, capacities),
        CONTENTVEC_OK)
        << contentvec_last_error();
    EXPECT_EQ(first, expected.f0);
    EXPECT_EQ(second, c_estimate(pitch.get(), shorter).f0);
  }
  EXPECT_EQ(confidence, c_estimate(pitch.get(), shorter).confidence);
}

TEST_F(CPitchTest, LoadsFromMemoryAndThroughCallbacks) {
  const std::filesystem::path path = test::oracle_rvc() / "checkpoints" / "tiny-fcpe.pt";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "there is no ../shared/oracle-rvc";
  const std::vector<std::byte> file = test::read_file(path);
  const std::vector<float> same = PitchEstimator::load(path.string()).estimate(waveform).f0;
  contentvec_pitch* loaded = nullptr;
  ASSERT_EQ(contentvec_pitch_load_memory(file.data(), file.size(), nullptr, nullptr, &loaded), CONTENTVEC_OK)
      << contentvec_last_error();
  EXPECT_EQ(c_estimate(CPitch(loaded, contentvec_pitch_free).get(), waveform).f0, same);
  const contentvec_read_at read = [](void* user, uint64_t offset, void* into, size_t count) {
    std::memcpy(into, static_cast<const std::vector<std::byte>*>(user)->data() + offset, count);
    return 0;
  };
  ASSERT_EQ(contentvec_pitch_load_callbacks(read, const_cast<std::vector<std::byte>*>(&file), file.size(),
                                            "mine", nullptr, &loaded),
            CONTENTVEC_OK)
      << contentvec_last_error();
  EXPECT_EQ(c_estimate(CPitch(loaded, contentvec_pitch_free).get(), waveform).f0, same);
}

TEST_F(CPitchTest, AFlagAndProgressEndAnEstimate) {
  const CPitch pitch = c_pitch(spec);
  contentvec_abort_flag* flag = nullptr;
  ASSERT_EQ(contentvec_abort_flag_new(&flag), CONTENTVEC_OK);
  contentvec_pitch_options options = c_pitch_options();
  options.abort = flag;
  EXPECT_EQ(c_estimate(pitch.get(), waveform, &options).f0, expected.f0);
  contentvec_abort_flag_set(flag, 1);
  EXPECT_EQ(c_estimate(pitch.get(), waveform, &options).status, CONTENTVEC_ABORTED);
  contentvec_load_options load = test::c_load_options();
  load.abort = flag;
  contentvec_pitch* none = nullptr;
  EXPECT_EQ(contentvec_pitch_load(spec.c_str(), &load, &none), CONTENTVEC_ABORTED);
  contentvec_abort_flag_free(flag);

  options = c_pitch_options();
  int64_t seen[] = {0, 0, 0};  // done, total, what to return
  options.user = seen;
  options.progress = [](void* user, const char* what, int64_t done, int64_t total) {
    EXPECT_STREQ(what, "frames");
    auto* at = static_cast<int64_t*>(user);
    at[0] = done;
    at[1] = total;
    return static_cast<int32_t>(at[2]);
  };
  EXPECT_EQ(c_estimate(pitch.get(), waveform, &options).status, CONTENTVEC_OK);
  EXPECT_THAT(seen, ElementsAre(32, 32, 0));
  seen[2] = 1;
  EXPECT_EQ(c_estimate(pitch.get(), waveform, &options).status, CONTENTVEC_ABORTED);
}

TEST_F(CPitchTest, MistakesAreStatuses) {
  contentvec_pitch* none = nullptr;
  EXPECT_EQ(contentvec_pitch_load("/there/is/no/such.pt", nullptr, &none), CONTENTVEC_ERROR);
  EXPECT_THAT(contentvec_last_error(), HasSubstr("/there/is/no/such.pt"));
  EXPECT_EQ(contentvec_pitch_load(spec.c_str(), nullptr, nullptr), CONTENTVEC_INVALID_ARGUMENT);
  EXPECT_EQ(contentvec_pitch_load_memory(nullptr, 8, nullptr, nullptr, &none), CONTENTVEC_INVALID_ARGUMENT);
  EXPECT_EQ(contentvec_pitch_load_callbacks(nullptr, nullptr, 8, nullptr, nullptr, &none),
            CONTENTVEC_INVALID_ARGUMENT);
  contentvec_load_options load = test::c_load_options();
  load.config_json = "{}";
  EXPECT_EQ(contentvec_pitch_load(spec.c_str(), &load, &none), CONTENTVEC_INVALID_ARGUMENT);
  load = test::c_load_options();
  load.device = CONTENTVEC_GPU;
  EXPECT_EQ(contentvec_pitch_load(spec.c_str(), &load, &none), CONTENTVEC_INVALID_ARGUMENT);
  EXPECT_EQ(none, nullptr);

  const CPitch pitch = c_pitch(spec);
  float few[3] = {};
  const float* samples = waveform.data();
  EXPECT_EQ(contentvec_pitch_estimate(nullptr, samples, 600, nullptr, few, nullptr, 3),
            CONTENTVEC_INVALID_ARGUMENT);
  EXPECT_EQ(contentvec_pitch_estimate(pitch.get(), nullptr, 600, nullptr, few, nullptr, 3),
            CONTENTVEC_INVALID_ARGUMENT);
  EXPECT_EQ(contentvec_pitch_estimate(pitch.get(), samples, -1, nullptr, few, nullptr, 3),
            CONTENTVEC_INVALID_ARGUMENT);
  EXPECT_EQ(contentvec_pitch_estimate(pitch.get(), samples, 600, nullptr, few, nullptr, 3),
            CONTENTVEC_INVALID_ARGUMENT);
  EXPECT_THAT(contentvec_last_error(), HasSubstr("4 frames"));
  EXPECT_EQ(contentvec_pitch_estimate(pitch.get(), samples, 513, nullptr, nullptr, nullptr, 4),
            CONTENTVEC_INVALID_ARGUMENT);
  EXPECT_EQ(contentvec_pitch_estimate(pitch.get(), samples, 512, nullptr, few, nullptr, 3), CONTENTVEC_ERROR);
  EXPECT_THAT(contentvec_last_error(), HasSubstr("at least 513"));
  contentvec_pitch_options options = c_pitch_options();
  options.threshold = 2;
  EXPECT_EQ(c_estimate(pitch.get(), waveform, &options).status, CONTENTVEC_ERROR);
}

TEST(CPitchTracks, AreChangedAsInCpp) {
  float f0[] = {0, 100, 0, 200};
  EXPECT_EQ(contentvec_pitch_interpolate(f0, 4), CONTENTVEC_OK);
  EXPECT_THAT(f0, ElementsAre(100, 100, 150, 200));
  EXPECT_EQ(contentvec_pitch_shift(f0, 4, 12), CONTENTVEC_OK);
  EXPECT_THAT(f0, ElementsAre(200, 200, 300, 400));
  int64_t coarse[4] = {};
  EXPECT_EQ(contentvec_pitch_coarse(f0, 4, coarse), CONTENTVEC_OK);
  EXPECT_THAT(std::vector(coarse, coarse + 4), coarse_pitch(f0));
  for (const double wrong : {HUGE_VAL, 1e6}) {
    EXPECT_EQ(contentvec_pitch_shift(f0, 4, wrong), CONTENTVEC_ERROR);
    EXPECT_THAT(contentvec_last_error(), HasSubstr("expected -120 to 120"));
  }
  EXPECT_EQ(contentvec_pitch_interpolate(nullptr, 4), CONTENTVEC_INVALID_ARGUMENT);
  EXPECT_EQ(contentvec_pitch_coarse(f0, -1, coarse), CONTENTVEC_INVALID_ARGUMENT);
  EXPECT_EQ(contentvec_pitch_coarse(f0, 4, nullptr), CONTENTVEC_INVALID_ARGUMENT);
}

}  // namespace
}  // namespace contentvec
