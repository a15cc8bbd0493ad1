// Audio and retrieval through the C interface.

#include <gmock/gmock.h>

#include "contentvec/audio.h"
#include "contentvec/retriever.h"
#include "model.h"
#include "support.h"

namespace contentvec {
namespace {

TEST(CAudio, IsWhatCppDecodes) {
  const std::string path = (test::data() / "audio" / "pcm24_stereo_44100.wav").string();
  const Audio expected = read_audio(path);
  contentvec_audio* audio = nullptr;
  ASSERT_EQ(contentvec_audio_load(path.c_str(), &audio), CONTENTVEC_OK) << contentvec_last_error();
  const float* samples = contentvec_audio_waveform(audio);
  EXPECT_EQ(std::vector<float>(samples, samples + contentvec_audio_samples(audio)), expected.waveform);
  EXPECT_EQ(contentvec_audio_source_rate(audio), 44100);
  EXPECT_EQ(contentvec_audio_warning(audio, 0), nullptr);
  contentvec_audio_free(audio);

  const std::vector<std::byte> file = test::read_file(path);
  ASSERT_EQ(contentvec_audio_load_memory(file.data(), file.size(), nullptr, &audio), CONTENTVEC_OK);
  EXPECT_EQ(contentvec_audio_samples(audio), static_cast<int64_t>(expected.waveform.size()));
  contentvec_audio_free(audio);
}

TEST(CAudio, IsResampled) {
  const std::vector<float> tone(480, 0.25F);
  contentvec_audio* audio = nullptr;
  ASSERT_EQ(contentvec_audio_resample(tone.data(), 480, 48000, &audio), CONTENTVEC_OK);
  EXPECT_EQ(contentvec_audio_samples(audio), 160);
  contentvec_audio_free(audio);
  EXPECT_EQ(contentvec_audio_resample(tone.data(), 480, 0, &audio), CONTENTVEC_ERROR);
  EXPECT_EQ(contentvec_audio_load(nullptr, &audio), CONTENTVEC_INVALID_ARGUMENT);
}

TEST(CIndex, BlendsAsCppDoes) {
  const std::string path = (test::data() / "retrieval" / "added.index").string();
  contentvec_index* index = nullptr;
  const contentvec_status status = contentvec_index_open(path.c_str(), &index);
  if (status != CONTENTVEC_OK && std::string(contentvec_last_error()).find("no FAISS") != std::string::npos) {
    GTEST_SKIP() << contentvec_last_error();
  }
  ASSERT_EQ(status, CONTENTVEC_OK) << contentvec_last_error();
  const Retriever same = Retriever::open(path);
  EXPECT_EQ(contentvec_index_size(index), same.size());
  EXPECT_EQ(contentvec_index_lists(index), same.lists());
  const int64_t dim = contentvec_index_dim(index);
  ASSERT_EQ(dim, same.dim());
  std::vector<float> features(static_cast<size_t>(2 * dim), 0.1F);
  const std::vector<float> expected = same.blend({2, dim, features}, 0.5F).data;
  ASSERT_EQ(contentvec_index_blend(index, features.data(), 2, 0.5F, 0), CONTENTVEC_OK)
      << contentvec_last_error();
  EXPECT_EQ(features, expected);
  EXPECT_EQ(contentvec_index_blend(index, features.data(), 2, 1.5F, 0), CONTENTVEC_ERROR);
  EXPECT_EQ(contentvec_index_blend(index, features.data(), -1, 0.5F, 0), CONTENTVEC_INVALID_ARGUMENT);
  contentvec_index_free(index);
}

}  // namespace
}  // namespace contentvec
