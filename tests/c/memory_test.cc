// After prepare() the first extraction takes no memory.

#include "allocations.h"
#include "golden.h"
#include "model.h"
#include "support.h"

namespace contentvec {
namespace {

using test::c_load_options;
using test::c_model;
using test::c_size;
using test::CModel;

class CPreparedTest : public testing::TestWithParam<std::string> {};

TEST_P(CPreparedTest, TheFirstExtractionTakesNoMemory) {
  if (!test::allocations_are_counted()) GTEST_SKIP() << "a sanitizer brings its own operator new";
  contentvec_load_options load = c_load_options();
  load.threads = 2;
  const CModel model = c_model(test::synthetic(GetParam()), &load);
  contentvec_model_info info = {};
  info.size = sizeof info;
  ASSERT_EQ(contentvec_model_get_info(model.get(), &info), CONTENTVEC_OK);
  std::vector<float> waveform(16000);
  for (size_t i = 0; i < waveform.size(); ++i) waveform[i] = static_cast<float>(i % 97) / 97 - 0.5F;
  const std::vector<float> speaker(static_cast<size_t>(info.speaker_dim), 0.5F);
  std::vector<float> features(c_size(model.get(), 16000, info.dim));
  std::vector<float> others(features.size());
  contentvec_extract_options options = test::c_extract_options();
  options.speaker_embedding = speaker.data();
  options.speaker_embedding_size = info.speaker_dim;
  options.normalize = CONTENTVEC_NORMALIZE_ON;
  contentvec_abort_flag* flag = nullptr;
  ASSERT_EQ(contentvec_abort_flag_new(&flag), CONTENTVEC_OK);
  options.abort = flag;
  ASSERT_EQ(contentvec_model_prepare(model.get(), 16000, 1), CONTENTVEC_OK) << contentvec_last_error();

  const size_t before = test::allocation_count();
  for (const int64_t samples : {16000, 400, 9000}) {
    const int64_t size = contentvec_model_frames_for(model.get(), samples) * info.dim;
    EXPECT_EQ(
        contentvec_model_extract(model.get(), waveform.data(), samples, &options, features.data(), size),
        CONTENTVEC_OK);
    const contentvec_stage stages[] = {{1, 0}, {CONTENTVEC_LAYER_OUTPUT, 0}};
    float* const pointers[] = {features.data(), others.data()};
    const int64_t sizes[] = {size, size};
    EXPECT_EQ(contentvec_model_extract_stages(model.get(), waveform.data(), samples, stages, 2, &options,
                                              pointers, sizes),
              CONTENTVEC_OK);
  }
  EXPECT_EQ(test::allocation_count() - before, 0U);
  contentvec_abort_flag_free(flag);
}

INSTANTIATE_TEST_SUITE_P(Variants, CPreparedTest, testing::Values("tiny", "tiny-large", "tiny-speaker"),
                         [](const auto& test) { return test::test_name(test.param); });

}  // namespace
}  // namespace contentvec
