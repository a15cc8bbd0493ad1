// Models through the C interface: the same numbers as through the C++ one, and every mistake a status.

#include "model.h"

#include <gmock/gmock.h>

#include <atomic>
#include <cmath>
#include <cstring>
#include <thread>

#include "contentvec/long_audio.h"
#include "contentvec/model.h"
#include "golden.h"
#include "support.h"

extern "C" int32_t extract_in_c99(const char*, const float*, int64_t, float*, int64_t);
extern "C" int32_t extract_in_c11(const char*, const float*, int64_t, float*, int64_t);

namespace contentvec {
namespace {

using test::c_extract;
using test::c_extract_options;
using test::c_load_options;
using test::c_model;
using test::c_size;
using test::CModel;
using testing::HasSubstr;

class CGoldenTest : public testing::TestWithParam<std::string> {};

TEST_P(CGoldenTest, EveryStageIsTheReferences) {
  const test::Golden golden = test::read_golden(GetParam());
  const CModel model = c_model(golden.spec());
  const ModelConfig config = Model::load(golden.spec()).config();
  std::vector<contentvec_stage> stages;
  std::vector<std::vector<float>> features;
  std::vector<float*> pointers;
  std::vector<int64_t> sizes;
  for (const auto& [name, reference] : golden.stages) {
    const Stage stage = golden.stage_of(name, config);
    stages.push_back({stage.layer, stage.final_proj ? 1 : 0});
    features.emplace_back(reference.values.size());
    sizes.push_back(static_cast<int64_t>(reference.values.size()));
  }
  for (std::vector<float>& one : features) pointers.push_back(one.data());
  contentvec_extract_options options = c_extract_options();
  options.normalize = CONTENTVEC_NORMALIZE_OFF;
  options.speaker_embedding = golden.speaker_embedding.data();
  options.speaker_embedding_size = static_cast<int64_t>(golden.speaker_embedding.size());
  ASSERT_EQ(contentvec_model_extract_stages(model.get(), golden.waveform.data(),
                                            static_cast<int64_t>(golden.waveform.size()), stages.data(),
                                            stages.size(), &options, pointers.data(), sizes.data()),
            CONTENTVEC_OK)
      << contentvec_last_error();
  size_t i = 0;
  for (const auto& [name, reference] : golden.stages) {
    EXPECT_LE(test::max_abs_error(features[i++], reference.values), golden.tolerance(name)) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(Variants, CGoldenTest,
                         testing::Values("tiny.16000", "tiny-large.721", "tiny-speaker.400"),
                         [](const auto& test) { return test::test_name(test.param); });

struct CModelTest : testing::Test {
  const std::string spec = test::synthetic("tiny");
  const std::vector<float> waveform = test::read_golden("tiny.16000").waveform;
  const std::vector<float> expected = Model::load(spec).extract(waveform).data;
};

TEST_F(CModelTest, EveryStandardOfCGivesTheSame) {
  for (const auto extract : {extract_in_c99, extract_in_c11}) {
    std::vector<float> features(expected.size());
    EXPECT_EQ(extract(spec.c_str(), waveform.data(), static_cast<int64_t>(waveform.size()), features.data(),
                      static_cast<int64_t>(features.size())),
              CONTENTVEC_OK);
    EXPECT_EQ(features, expected);
  }
}

TEST_F(CModelTest, SaysWhatItIs) {
  const CModel model = c_model(spec);
  contentvec_model_info info = {};
  EXPECT_EQ(contentvec_model_get_info(model.get(), &info), CONTENTVEC_INVALID_ARGUMENT);
  info.size = sizeof info;
  ASSERT_EQ(contentvec_model_get_info(model.get(), &info), CONTENTVEC_OK);
  const Model same = Model::load(spec);
  EXPECT_EQ(info.dim, same.config().encoder_embed_dim);
  EXPECT_EQ(info.layers, same.config().total_layers());
  EXPECT_EQ(info.speaker_dim, 0);
  EXPECT_EQ(info.receptive_field, 400);
  EXPECT_EQ(info.hop, 320);
  EXPECT_EQ(info.device, CONTENTVEC_CPU);
  EXPECT_EQ(info.isa, same.isa());
  EXPECT_EQ(info.config_json, same.config().to_json());
  EXPECT_EQ(contentvec_model_frames_for(model.get(), 16000), 49);
  EXPECT_EQ(contentvec_model_frames_for(model.get(), 399), 0);
  EXPECT_EQ(contentvec_model_warning(model.get(), 99), nullptr);
}

TEST_F(CModelTest, ABatchGivesWhatEachGivesAlone) {
  const CModel model = c_model(spec);
  const std::vector<float> shorter(waveform.begin(), waveform.begin() + 5000);
  const float* waveforms[] = {waveform.data(), shorter.data()};
  const int64_t samples[] = {static_cast<int64_t>(waveform.size()), 5000};
  const contentvec_stage stages[] = {{CONTENTVEC_LAYER_OUTPUT, 0}, {1, 0}};
  std::vector<std::vector<float>> features;
  std::vector<float*> pointers;
  std::vector<int64_t> sizes;
  const int32_t dim = Model::load(spec).config().encoder_embed_dim;
  for (const int64_t count : {samples[0], samples[0], samples[1], samples[1]}) {
    features.emplace_back(c_size(model.get(), static_cast<size_t>(count), dim));
  }
  for (std::vector<float>& one : features) {
    pointers.push_back(one.data());
    sizes.push_back(static_cast<int64_t>(one.size()));
  }
  ASSERT_EQ(contentvec_model_extract_batch(model.get(), waveforms, samples, 2, stages, 2, nullptr,
                                           pointers.data(), sizes.data()),
            CONTENTVEC_OK)
      << contentvec_last_error();
  EXPECT_EQ(features[0], expected);
  EXPECT_EQ(features[2], c_extract(model.get(), shorter));
  contentvec_extract_options options = c_extract_options();
  options.stage.layer = 1;
  EXPECT_EQ(features[1], c_extract(model.get(), waveform, &options));
}

TEST_F(CModelTest, LoadsFromMemoryAndThroughCallbacks) {
  const std::filesystem::path path = test::oracle() / "checkpoints" / "tiny.fairseq.pt";
  const std::vector<std::byte> file = test::read_file(path);
  const std::vector<float> same = Model::load(path.string()).extract(waveform).data;
  contentvec_model* loaded = nullptr;
  ASSERT_EQ(contentvec_model_load_memory(file.data(), file.size(), nullptr, nullptr, &loaded), CONTENTVEC_OK)
      << contentvec_last_error();
  EXPECT_EQ(c_extract(CModel(loaded, contentvec_model_free).get(), waveform), same);

  const contentvec_read_at read = [](void* user, uint64_t offset, void* into, size_t count) {
    const auto& bytes = *static_cast<const std::vector<std::byte>*>(user);
    EXPECT_LE(offset + count, bytes.size());
    std::memcpy(into, bytes.data() + offset, count);
    return 0;
  };
  ASSERT_EQ(contentvec_model_load_callbacks(read, const_cast<std::vector<std::byte>*>(&file), file.size(),
                                            "mine", nullptr, &loaded),
            CONTENTVEC_OK)
      << contentvec_last_error();
  EXPECT_EQ(c_extract(CModel(loaded, contentvec_model_free).get(), waveform), same);

  const contentvec_read_at broken = [](void*, uint64_t, void*, size_t) { return 1; };
  contentvec_model* none = nullptr;
  EXPECT_EQ(contentvec_model_load_callbacks(broken, nullptr, file.size(), "mine", nullptr, &none),
            CONTENTVEC_ERROR);
  EXPECT_THAT(contentvec_last_error(), HasSubstr("mine"));
  EXPECT_EQ(none, nullptr);
}

/// Runs tasks on threads of its own, or one after the other in reverse.
struct Pool {
  bool threads = true;
  std::atomic<int> loops = 0;
  static void run(void* user, int32_t tasks, void (*task)(void*, int32_t), void* context) {
    auto& pool = *static_cast<Pool*>(user);
    ++pool.loops;
    std::vector<std::thread> running;
    for (int32_t i = tasks - 1; i >= 0; --i) {
      if (pool.threads) {
        running.emplace_back(task, context, i);
      } else {
        task(context, i);
      }
    }
    for (std::thread& one : running) one.join();
  }
};

TEST_F(CModelTest, LoopsRunOnTheCallersPool) {
  for (const bool threads : {true, false}) {
    Pool pool{.threads = threads};
    contentvec_load_options options = c_load_options();
    options.threads = 3;
    options.run_tasks = Pool::run;
    options.run_tasks_user = &pool;
    const CModel model = c_model(spec, &options);
    const int packing = pool.loops;
    EXPECT_GT(packing, 0);
    EXPECT_EQ(c_extract(model.get(), waveform), expected);
    EXPECT_GT(pool.loops, packing + 5);
  }
}

TEST_F(CModelTest, WhatThePoolLeavesIsDoneAllTheSame) {
  contentvec_load_options options = c_load_options();
  options.threads = 2;
  options.run_tasks = [](void*, int32_t, void (*)(void*, int32_t), void*) {};
  EXPECT_EQ(c_extract(c_model(spec, &options).get(), waveform), expected);
}

TEST_F(CModelTest, AFlagEndsAnExtraction) {
  const CModel model = c_model(spec);
  contentvec_abort_flag* flag = nullptr;
  ASSERT_EQ(contentvec_abort_flag_new(&flag), CONTENTVEC_OK);
  contentvec_extract_options options = c_extract_options();
  options.abort = flag;
  EXPECT_EQ(c_extract(model.get(), waveform, &options), expected);
  contentvec_abort_flag_set(flag, 1);
  std::vector<float> features(expected.size());
  EXPECT_EQ(contentvec_model_extract(model.get(), waveform.data(), static_cast<int64_t>(waveform.size()),
                                     &options, features.data(), static_cast<int64_t>(features.size())),
            CONTENTVEC_ABORTED);
  contentvec_load_options load = c_load_options();
  load.abort = flag;
  contentvec_model* none = nullptr;
  EXPECT_EQ(contentvec_model_load(spec.c_str(), &load, &none), CONTENTVEC_ABORTED);
  contentvec_abort_flag_set(flag, 0);
  EXPECT_EQ(c_extract(model.get(), waveform, &options), expected);
  contentvec_abort_flag_free(flag);
}

TEST_F(CModelTest, ALongRecordingTellsHowFarItIsAndCanBeEnded) {
  const CModel model = c_model(spec);
  std::vector<float> longer;
  for (int i = 0; i < 3; ++i) longer.insert(longer.end(), waveform.begin(), waveform.end());
  const std::vector<float> whole = extract_long(Model::load(spec), longer, {.max_seconds = 1}).data;
  std::vector<float> features(whole.size());
  struct Seen {
    int64_t done = 0, total = 0;
    int calls = 0, most = 100;
  } seen;
  contentvec_extract_options options = c_extract_options();
  options.user = &seen;
  options.progress = [](void* user, const char*, int64_t done, int64_t total) {
    auto& at = *static_cast<Seen*>(user);
    EXPECT_GT(done, at.done);
    at = {done, total, at.calls + 1, at.most};
    return at.calls >= at.most ? 1 : 0;
  };
  const auto extract = [&] {
    return contentvec_model_extract_long(model.get(), longer.data(), static_cast<int64_t>(longer.size()), 1,
                                         0, &options, features.data(), static_cast<int64_t>(features.size()));
  };
  ASSERT_EQ(extract(), CONTENTVEC_OK) << contentvec_last_error();
  EXPECT_EQ(features, whole);
  EXPECT_GT(seen.calls, 1);
  EXPECT_EQ(seen.done, seen.total);
  seen = {.most = 1};
  EXPECT_EQ(extract(), CONTENTVEC_ABORTED);
}

TEST_F(CModelTest, MistakesAreStatusesWithAMessageOfTheirThread) {
  contentvec_model* none = nullptr;
  EXPECT_EQ(contentvec_model_load("/there/is/no/such.pt", nullptr, &none), CONTENTVEC_ERROR);
  EXPECT_THAT(contentvec_last_error(), HasSubstr("/there/is/no/such.pt"));
  std::thread([] { EXPECT_STREQ(contentvec_last_error(), ""); }).join();
  EXPECT_EQ(contentvec_model_load(spec.c_str(), nullptr, nullptr), CONTENTVEC_INVALID_ARGUMENT);
  EXPECT_EQ(contentvec_model_load_memory(nullptr, 8, nullptr, nullptr, &none), CONTENTVEC_INVALID_ARGUMENT);
  EXPECT_EQ(contentvec_model_load_callbacks(nullptr, nullptr, 8, nullptr, nullptr, &none),
            CONTENTVEC_INVALID_ARGUMENT);
  contentvec_load_options options = c_load_options();
  options.dtype = 7;
  EXPECT_EQ(contentvec_model_load(spec.c_str(), &options, &none), CONTENTVEC_INVALID_ARGUMENT);
  options = c_load_options();
  options.threads = -1;
  EXPECT_EQ(contentvec_model_load(spec.c_str(), &options, &none), CONTENTVEC_ERROR);
  EXPECT_EQ(none, nullptr);

  const CModel model = c_model(spec);
  float few[3] = {};
  EXPECT_EQ(contentvec_model_extract(nullptr, waveform.data(), 16000, nullptr, few, 3),
            CONTENTVEC_INVALID_ARGUMENT);
  EXPECT_EQ(contentvec_model_extract(model.get(), nullptr, 16000, nullptr, few, 3),
            CONTENTVEC_INVALID_ARGUMENT);
  EXPECT_EQ(contentvec_model_extract(model.get(), waveform.data(), -1, nullptr, few, 3),
            CONTENTVEC_INVALID_ARGUMENT);
  EXPECT_EQ(contentvec_model_extract(model.get(), waveform.data(), 16000, nullptr, few, 3), CONTENTVEC_ERROR);
  EXPECT_THAT(contentvec_last_error(), HasSubstr("holds 3 floats"));
  EXPECT_EQ(contentvec_model_prepare(model.get(), 399, 1), CONTENTVEC_ERROR);
  EXPECT_EQ(contentvec_model_prepare(model.get(), 400, 0), CONTENTVEC_ERROR);
}

TEST_F(CModelTest, StructsMayBeOlderOrNewerThanTheLibrary) {
  struct Newer {
    contentvec_load_options options;
    int64_t more;
  } newer = {};
  contentvec_load_options_init(&newer.options, sizeof newer);
  EXPECT_EQ(newer.options.size, sizeof newer);
  c_model(spec, &newer.options);
  newer.more = 1;
  contentvec_model* none = nullptr;
  EXPECT_EQ(contentvec_model_load(spec.c_str(), &newer.options, &none), CONTENTVEC_INVALID_ARGUMENT);
  EXPECT_THAT(contentvec_last_error(), HasSubstr("newer"));

  contentvec_load_options older = c_load_options();
  older.threads = -1;  // which lies beyond what it says it holds
  older.size = offsetof(contentvec_load_options, threads);
  c_model(spec, &older);
  older.size = 0;
  EXPECT_EQ(contentvec_model_load(spec.c_str(), &older, &none), CONTENTVEC_INVALID_ARGUMENT);
}

TEST(CVersion, IsTheHeaders) {
  EXPECT_EQ(contentvec_version_number(), CONTENTVEC_VERSION_NUMBER);
  EXPECT_STREQ(contentvec_version(), version());
}

TEST(CDevices, SayWhetherAndWhy) {
  int32_t available = 0;
  char text[8];
  ASSERT_EQ(contentvec_device_available(CONTENTVEC_CPU, &available, text, sizeof text), CONTENTVEC_OK);
  EXPECT_EQ(available, 1);
  EXPECT_EQ(std::strlen(text), sizeof text - 1);
  EXPECT_EQ(contentvec_device_available(9, &available, nullptr, 0), CONTENTVEC_INVALID_ARGUMENT);
}

}  // namespace
}  // namespace contentvec
