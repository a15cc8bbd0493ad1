// Voices and conversion through the C interface: the same samples as through the C++ one, and every mistake a status.

#include "contentvec/converter.h"

#include <gmock/gmock.h>

#include <cmath>
#include <filesystem>
#include <limits>

#include "contentvec/audio.h"
#include "model.h"
#include "support.h"

namespace contentvec {
namespace {

using testing::HasSubstr;

template <typename Handle>
using Owned = std::unique_ptr<Handle, void (*)(Handle*)>;

Owned<contentvec_voice> c_voice(const std::string& spec, const contentvec_load_options* options = nullptr) {
  contentvec_voice* voice = nullptr;
  EXPECT_EQ(contentvec_voice_load(spec.c_str(), 0, options, &voice), CONTENTVEC_OK)
      << contentvec_last_error();
  return {voice, contentvec_voice_free};
}

std::vector<float> hum(size_t samples) {
  std::vector<float> waveform(samples);
  for (size_t i = 0; i < samples; ++i)
    waveform[i] = 0.3F * std::sin(0.06F * static_cast<float>(i)) * std::sin(0.0011F * static_cast<float>(i));
  return waveform;
}

struct CVoiceTest : testing::Test {
  const std::string spec = test::rvc_synthetic("tiny-v2-48k");
  const Owned<contentvec_voice> voice = c_voice(spec);
  const std::vector<float> features = hum(size_t{20} * 768);
  const std::vector<float> f0 = std::vector<float>(20, 220);
};

TEST_F(CVoiceTest, SaysWhatItIs) {
  contentvec_voice_info info = {};
  EXPECT_EQ(contentvec_voice_get_info(voice.get(), &info), CONTENTVEC_INVALID_ARGUMENT);
  info.size = sizeof info;
  ASSERT_EQ(contentvec_voice_get_info(voice.get(), &info), CONTENTVEC_OK);
  const VoiceInfo expected = inspect_voice(spec);
  EXPECT_EQ(info.version, 2);
  EXPECT_EQ(info.sample_rate, expected.sample_rate);
  EXPECT_EQ(info.pitch, 1);
  EXPECT_EQ(info.feature_dim, 768);
  EXPECT_EQ(info.speakers, expected.speakers);
  EXPECT_EQ(info.samples_per_frame, expected.samples_per_frame);
  EXPECT_EQ(info.parameters, expected.parameters);
  EXPECT_EQ(info.source, expected.source);
  EXPECT_EQ(info.stage.layer, CONTENTVEC_LAYER_OUTPUT);
  EXPECT_EQ(info.stage.final_proj, 0);
  EXPECT_EQ(contentvec_voice_warning(voice.get(), expected.warnings.size()), nullptr);
}

TEST_F(CVoiceTest, SynthesizesWhatTheCppInterfaceDoes) {
  contentvec_synthesis_options options;
  contentvec_synthesis_options_init(&options, sizeof options);
  options.seed = 7;
  options.skip_frames = 5;
  options.keep_frames = 10;
  const std::vector<float> expected = Voice::load(spec).synthesize(
      {.features = features, .f0 = f0, .seed = 7, .skip_frames = 5, .keep_frames = 10});
  std::vector<float> samples(expected.size());
  const auto synthesize = [&](int64_t capacity) {
    return contentvec_voice_synthesize(voice.get(), features.data(), 20, f0.data(), &options, samples.data(),
                                       capacity);
  };
  ASSERT_EQ(synthesize(static_cast<int64_t>(samples.size())), CONTENTVEC_OK) << contentvec_last_error();
  EXPECT_EQ(samples, expected);
  EXPECT_EQ(synthesize(3), CONTENTVEC_INVALID_ARGUMENT);
  EXPECT_THAT(contentvec_last_error(), HasSubstr("capacity is 3"));
}

TEST_F(CVoiceTest, EveryMistakeIsAStatus) {
  const auto synthesize = [&](const contentvec_voice* of, const float* rows, int64_t frames,
                              const float* pitch) {
    float samples[1];
    return contentvec_voice_synthesize(of, rows, frames, pitch, nullptr, samples, 1);
  };
  EXPECT_EQ(synthesize(nullptr, features.data(), 20, f0.data()), CONTENTVEC_INVALID_ARGUMENT);
  EXPECT_EQ(synthesize(voice.get(), nullptr, 20, f0.data()), CONTENTVEC_INVALID_ARGUMENT);
  EXPECT_EQ(synthesize(voice.get(), features.data(), -1, f0.data()), CONTENTVEC_INVALID_ARGUMENT);
  EXPECT_EQ(synthesize(voice.get(), features.data(), std::numeric_limits<int64_t>::max(), f0.data()),
            CONTENTVEC_INVALID_ARGUMENT);
  EXPECT_EQ(synthesize(voice.get(), features.data(), 20, nullptr), CONTENTVEC_ERROR);
  contentvec_voice* none = nullptr;
  EXPECT_EQ(contentvec_voice_load("/nowhere/voice.pth", 0, nullptr, &none), CONTENTVEC_ERROR);
  EXPECT_EQ(contentvec_voice_load(nullptr, 0, nullptr, &none), CONTENTVEC_INVALID_ARGUMENT);
  contentvec_load_options load = test::c_load_options();
  load.device = CONTENTVEC_GPU;
  EXPECT_EQ(contentvec_voice_load(spec.c_str(), 0, &load, &none), CONTENTVEC_INVALID_ARGUMENT);
  EXPECT_EQ(none, nullptr);
}

struct CConvertTest : testing::Test {
  const std::string model_spec = test::rvc_synthetic("pipeline-hubert-v2");
  const std::string pitch_spec = test::rvc_synthetic("tiny-rmvpe");
  const std::string voice_spec = test::rvc_synthetic("tiny-v2-48k");
  const std::vector<float> waveform = hum(16000);

  [[nodiscard]] Owned<contentvec_converter> c_converter() const {
    const test::CModel model = test::c_model(model_spec);
    contentvec_pitch* pitch = nullptr;
    EXPECT_EQ(contentvec_pitch_load(pitch_spec.c_str(), nullptr, &pitch), CONTENTVEC_OK);
    const Owned<contentvec_pitch> owned(pitch, contentvec_pitch_free);
    contentvec_converter* converter = nullptr;
    EXPECT_EQ(contentvec_converter_new(model.get(), pitch, c_voice(voice_spec).get(), nullptr, &converter),
              CONTENTVEC_OK)
        << contentvec_last_error();
    return {converter, contentvec_converter_free};  // whose parts are freed by now
  }
  [[nodiscard]] Owned<contentvec_audio> c_convert(const contentvec_convert_options* options,
                                                  contentvec_status expected = CONTENTVEC_OK) const {
    contentvec_audio* converted = nullptr;
    EXPECT_EQ(contentvec_convert(c_converter().get(), waveform.data(), static_cast<int64_t>(waveform.size()),
                                 16000, options, &converted),
              expected)
        << contentvec_last_error();
    return {converted, contentvec_audio_free};
  }
};

contentvec_convert_options c_convert_options() {
  contentvec_convert_options options;
  contentvec_convert_options_init(&options, sizeof options);
  return options;
}

TEST_F(CConvertTest, ConvertsAsTheCppInterfaceDoes) {
  contentvec_convert_options options = c_convert_options();
  options.key = 3;
  options.seed = 11;
  options.rms_mix_rate = 0.5F;
  int64_t last = -1;
  options.user = &last;
  options.progress = [](void* user, const char*, int64_t done, int64_t) {
    *static_cast<int64_t*>(user) = done;
    return 0;
  };
  const auto converted = c_convert(&options);
  const Converter converter(Model::load(model_spec), PitchEstimator::load(pitch_spec),
                            Voice::load(voice_spec));
  const Converted expected = converter.convert(waveform, 16000, {.key = 3, .rms_mix_rate = 0.5F, .seed = 11});
  ASSERT_EQ(contentvec_audio_samples(converted.get()), static_cast<int64_t>(expected.waveform.size()));
  const float* samples = contentvec_audio_waveform(converted.get());
  EXPECT_EQ(std::vector<float>(samples, samples + expected.waveform.size()), expected.waveform);
  EXPECT_EQ(contentvec_audio_rate(converted.get()), 48000);
  EXPECT_EQ(contentvec_audio_source_rate(converted.get()), 16000);
  EXPECT_EQ(last, 1000);
}

TEST_F(CConvertTest, IsEndedByTheFlagAndByTheCallback) {
  contentvec_abort_flag* flag = nullptr;
  ASSERT_EQ(contentvec_abort_flag_new(&flag), CONTENTVEC_OK);
  contentvec_abort_flag_set(flag, 1);
  contentvec_convert_options options = c_convert_options();
  options.abort = flag;
  EXPECT_EQ(c_convert(&options, CONTENTVEC_ABORTED), nullptr);
  contentvec_abort_flag_free(flag);
  options = c_convert_options();
  options.progress = [](void*, const char*, int64_t, int64_t) { return 1; };
  EXPECT_EQ(c_convert(&options, CONTENTVEC_ABORTED), nullptr);
}

TEST_F(CConvertTest, EveryMistakeOfAConversionIsAStatus) {
  contentvec_convert_options options = c_convert_options();
  options.unvoiced = 9;
  EXPECT_EQ(c_convert(&options, CONTENTVEC_INVALID_ARGUMENT), nullptr);
  options = c_convert_options();
  options.f0_frames = 4;
  EXPECT_EQ(c_convert(&options, CONTENTVEC_INVALID_ARGUMENT), nullptr);
  options = c_convert_options();
  options.key = 1e9;
  EXPECT_EQ(c_convert(&options, CONTENTVEC_ERROR), nullptr);
  contentvec_converter* none = nullptr;
  EXPECT_EQ(contentvec_converter_new(nullptr, nullptr, nullptr, nullptr, &none), CONTENTVEC_INVALID_ARGUMENT);
  const test::CModel model = test::c_model(model_spec);
  EXPECT_EQ(contentvec_converter_new(model.get(), nullptr, nullptr, nullptr, &none),
            CONTENTVEC_INVALID_ARGUMENT);
  EXPECT_EQ(none, nullptr);
}

TEST_F(CConvertTest, WritesWhatItConverted) {
  const auto converted = c_convert(nullptr);
  const test::TemporaryFolder folder;
  const std::filesystem::path path = folder.path() / "out.wav";
  ASSERT_EQ(contentvec_audio_save(converted.get(), path.c_str(), CONTENTVEC_FLOAT), CONTENTVEC_OK)
      << contentvec_last_error();
  const AudioChannels read = read_audio_channels(path);
  ASSERT_EQ(read.channels.size(), 1U);
  EXPECT_EQ(static_cast<int64_t>(read.channels[0].size()), contentvec_audio_samples(converted.get()));
  EXPECT_EQ(contentvec_audio_save(converted.get(), path.c_str(), 17), CONTENTVEC_INVALID_ARGUMENT);
  EXPECT_EQ(contentvec_audio_save(converted.get(), "/nowhere/out.wav", CONTENTVEC_PCM16), CONTENTVEC_ERROR);
}

}  // namespace
}  // namespace contentvec
