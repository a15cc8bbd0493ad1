// Recordings that go through the model in pieces.

#include "contentvec/long_audio.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "contentvec/error.h"
#include "golden.h"
#include "support.h"

namespace contentvec {
namespace {

using test::error_of;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr int64_t kHop = 320;
constexpr int64_t kField = 400;

std::vector<float> noise(std::mt19937& random, int64_t samples, float loudness = 0.1F) {
  std::normal_distribution<float> normal(0.0F, loudness);
  std::vector<float> waveform(static_cast<size_t>(samples));
  for (float& x : waveform) x = normal(random);
  return waveform;
}

int64_t frames_of(int64_t samples) {
  return (samples - kField) / kHop + 1;
}

/// What every way of cutting must hold to.
void expect_sound(const std::vector<Piece>& pieces, int64_t samples, const LongAudioOptions& long_audio) {
  const auto most = static_cast<int64_t>(long_audio.max_seconds * 50 + 1e-6);
  const auto overlap = static_cast<int64_t>(long_audio.overlap_seconds * 50 + 1e-6);
  const int64_t frames = frames_of(samples);
  int64_t next = 0;
  for (const Piece& piece : pieces) {
    ASSERT_EQ(piece.first_frame, next);
    ASSERT_GE(piece.frames, std::min<int64_t>(frames, most / 4)) << "a stump";
    ASSERT_LE(piece.frames, most);
    ASSERT_EQ(piece.skipped, std::min(overlap, piece.first_frame)) << "context before";
    ASSERT_EQ(piece.first_sample, (piece.first_frame - piece.skipped) * kHop) << "frames line up";
    const int64_t end = piece.first_frame + piece.frames;
    const int64_t given = frames_of(piece.samples);
    ASSERT_EQ(given, piece.skipped + piece.frames + std::min(overlap, frames - end)) << "context after";
    ASSERT_LE(piece.first_sample + piece.samples, samples);
    next = end;
  }
  ASSERT_EQ(next, frames);
  ASSERT_EQ(pieces.back().first_sample + pieces.back().samples, samples) << "to the end of the waveform";
}

TEST(CutAtQuietPoints, PiecesAreTheWholeForAnyLength) {
  std::mt19937 random(1);
  const ModelConfig config;
  const std::vector<float> waveform = noise(random, 16000 * 40);
  std::uniform_int_distribution<int64_t> any(kField, static_cast<int64_t>(waveform.size()));
  for (int round = 0; round < 300; ++round) {
    const LongAudioOptions long_audio = {
        .max_seconds = std::uniform_real_distribution<double>(0.2, 12)(random),
        .overlap_seconds = round % 2 == 0 ? 0 : std::uniform_real_distribution<double>(0, 0.2)(random)};
    const int64_t samples = any(random);
    const auto part = std::span(waveform).first(static_cast<size_t>(samples));
    SCOPED_TRACE(testing::Message() << samples << " samples, " << long_audio.max_seconds
                                    << " s, overlapping by " << long_audio.overlap_seconds);
    ASSERT_NO_FATAL_FAILURE(expect_sound(cut_at_quiet_points(part, config, long_audio), samples, long_audio));
  }
}

TEST(CutAtQuietPoints, AroundTheLongestPiece) {
  std::mt19937 random(2);
  const std::vector<float> waveform = noise(random, 16000 * 3);
  const LongAudioOptions long_audio = {.max_seconds = 1};  // 50 frames
  const auto pieces = [&](int64_t samples) {
    return cut_at_quiet_points(std::span(waveform).first(static_cast<size_t>(samples)), {}, long_audio)
        .size();
  };
  EXPECT_EQ(pieces(kField), 1U);
  EXPECT_EQ(pieces(kField + 50 * kHop - 1), 1U);
  EXPECT_EQ(pieces(kField + 50 * kHop), 2U);
}

TEST(CutAtQuietPoints, FallInThePauses) {
  std::mt19937 random(3);
  std::vector<float> waveform = noise(random, 16000 * 30);
  // Near the even places 1/4, 1/2 and 3/4, but not at them; an offset is as good as silence.
  const std::vector<int64_t> pauses = {16000 * 30 / 4 + 6000, 16000 * 15 - 9000, 16000 * 90 / 4 + 1000};
  for (const int64_t pause : pauses) {
    for (int64_t i = -1200; i < 1200; ++i) waveform[static_cast<size_t>(pause + i)] = 0.5F;
  }
  const std::vector<Piece> pieces = cut_at_quiet_points(waveform, {}, {.max_seconds = 10});
  ASSERT_EQ(pieces.size(), 4U);
  for (size_t i = 0; i < pauses.size(); ++i) {
    EXPECT_NEAR(static_cast<double>(pieces[i + 1].first_frame * kHop), static_cast<double>(pauses[i]), 800);
  }
}

TEST(CutAtQuietPoints, RefusesWhatCannotBeMeant) {
  const std::vector<float> waveform(16000);
  const auto error = [&](double seconds, double overlap) {
    return error_of([&] { (void)cut_at_quiet_points(waveform, {}, {seconds, overlap}); });
  };
  EXPECT_THAT(error(0.1, 0), HasSubstr("at least 0.20 s"));
  EXPECT_THAT(error(-1, 0), HasSubstr("pieces of -1 s"));
  EXPECT_THAT(error(std::nan(""), 0), HasSubstr("nan"));
  EXPECT_THAT(error(INFINITY, 0), HasSubstr("inf"));
  EXPECT_THAT(error(10, -1), HasSubstr("overlap by -1 s; expected 0 to 10"));
  EXPECT_THAT(error(10, 11), HasSubstr("overlap by 11 s"));
  EXPECT_THAT(error_of([&] { (void)cut_at_quiet_points(std::span(waveform).first(399), {}); }),
              HasSubstr("399 samples"));
}

TEST(ExtractLong, NotCutIsWhatExtractGives) {
  std::mt19937 random(4);
  const Model model = Model::load(test::synthetic("tiny"), {.threads = 2});
  const std::vector<float> waveform = noise(random, 16000 * 3 + 77);
  for (const Normalize normalize : {Normalize::kOn, Normalize::kOff}) {
    const Features whole = model.extract(waveform, {.normalize = normalize});
    EXPECT_EQ(extract_long(model, waveform, {}, {.normalize = normalize}).data, whole.data);
    EXPECT_EQ(extract_long(model, waveform, {.max_seconds = 0}, {.normalize = normalize}).data, whole.data);
  }
}

TEST(ExtractLong, IsTheModelOnEachPiece) {
  std::mt19937 random(5);
  const Model model = Model::load(test::synthetic("tiny-speaker"), {.threads = 2});
  const std::vector<float> waveform = noise(random, 16000 * 9 + 123);
  const std::vector<float> speaker = noise(random, model.config().speaker_dim);
  for (const double overlap : {0.0, 0.5}) {
    const LongAudioOptions long_audio = {.max_seconds = 3, .overlap_seconds = overlap};
    const ExtractOptions options = {
        .layer = 2, .final_proj = true, .normalize = Normalize::kOff, .speaker_embedding = speaker};
    const Features found = extract_long(model, waveform, long_audio, options);
    ASSERT_EQ(found.frames, frames_of(static_cast<int64_t>(waveform.size())));
    std::vector<float> expected;
    for (const Piece& piece : cut_at_quiet_points(waveform, model.config(), long_audio)) {
      const auto samples = std::span(waveform).subspan(static_cast<size_t>(piece.first_sample),
                                                       static_cast<size_t>(piece.samples));
      const Features features = model.extract(samples, options);
      const auto begin = features.data.begin() + piece.skipped * features.dim;
      expected.insert(expected.end(), begin, begin + piece.frames * features.dim);
    }
    EXPECT_EQ(found.data, expected) << overlap;
  }
}

TEST(ExtractLong, NormalisesTheWholeBeforeCutting) {
  std::mt19937 random(6);
  const Model model = Model::load(test::synthetic("tiny-large"), {.threads = 2});
  std::vector<float> waveform = noise(random, 16000 * 6);
  for (size_t i = 0; i < waveform.size() / 2; ++i) waveform[i] *= 0.1F;  // a quiet half must stay quieter
  double mean = 0;
  double variance = 0;
  for (const float x : waveform) mean += static_cast<double>(x) / static_cast<double>(waveform.size());
  for (const float x : waveform) {
    variance += (static_cast<double>(x) - mean) * (static_cast<double>(x) - mean) /
                static_cast<double>(waveform.size());
  }
  std::vector<float> normalised;
  for (const float x : waveform) {
    normalised.push_back(static_cast<float>((static_cast<double>(x) - mean) / std::sqrt(variance + 1e-5)));
  }
  const LongAudioOptions long_audio = {.max_seconds = 2};
  const Features found = extract_long(model, waveform, long_audio, {.normalize = Normalize::kOn});
  const Features expected = extract_long(model, normalised, long_audio, {.normalize = Normalize::kOff});
  ASSERT_EQ(found.data.size(), expected.data.size());
  for (size_t i = 0; i < found.data.size(); ++i) ASSERT_NEAR(found.data[i], expected.data[i], 1e-4) << i;
}

/// Pieces of a long recording, out of order, and a whole short one in one batch.
TEST(ExtractPieceBatch, GivesEachRecordingWhatItGivesAlone) {
  std::mt19937 random(8);
  const Model model = Model::load(test::synthetic("tiny-speaker"), {.threads = 2});
  const std::vector<float> a = noise(random, 16000 * 7 + 5);
  const std::vector<float> b = noise(random, 16000 + 99);
  const std::vector<float> speakers = noise(random, 2 * model.config().speaker_dim);
  const auto speaker_of = [&](size_t i) {
    const auto width = static_cast<size_t>(model.config().speaker_dim);
    return std::span(speakers).subspan(i * width, width);
  };
  const LongAudioOptions long_audio = {.max_seconds = 3, .overlap_seconds = 0.5};
  for (const Normalize normalize : {Normalize::kOn, Normalize::kOff}) {
    const std::vector<PlannedRecording> planned = {{a, model.config(), long_audio, normalize},
                                                   {b, model.config(), long_audio, normalize}};
    ASSERT_EQ(planned[0].pieces().size(), 3U);
    ASSERT_EQ(planned[1].pieces().size(), 1U);
    const std::vector<PlannedPiece> batch = {{planned.data(), 1}, {&planned[1], 0}, {planned.data(), 0}};
    std::vector<float> rows;
    for (const size_t speaker : {0U, 1U, 0U}) {
      rows.insert(rows.end(), speaker_of(speaker).begin(), speaker_of(speaker).end());
    }
    const std::vector<Stage> stages = {{2}};
    const auto found = extract_piece_batch(model, batch, stages, {.speaker_embedding = rows});
    const auto alone = [&](std::span<const float> waveform, size_t speaker) {
      return extract_long(model, waveform, long_audio,
                          {.layer = 2, .normalize = normalize, .speaker_embedding = speaker_of(speaker)});
    };
    const Features long_one = alone(a, 0);
    std::vector<float> expected = found[2][0].data;
    expected.insert(expected.end(), found[0][0].data.begin(), found[0][0].data.end());
    EXPECT_TRUE(std::equal(expected.begin(), expected.end(), long_one.data.begin()));
    EXPECT_EQ(found[1][0].data, alone(b, 1).data);
    EXPECT_EQ(found[0][0].frames, planned[0].pieces()[1].frames);
  }
}

TEST(PlannedRecording, RefusesWhatNoModelTakes) {
  std::vector<float> waveform(16000);
  EXPECT_THAT(error_of([&] { (void)PlannedRecording(std::span(waveform).first(399), {}); }),
              HasSubstr("399 samples"));
  EXPECT_THAT(error_of([&] { (void)PlannedRecording(waveform, {}, {.max_seconds = 0.1}); }),
              HasSubstr("at least 0.20 s"));
  waveform[7] = NAN;
  EXPECT_THAT(error_of([&] { (void)PlannedRecording(waveform, {}); }), HasSubstr("sample 7"));
}

TEST(ExtractPieces, ComeInOrderWithEveryStage) {
  std::mt19937 random(7);
  const Model model = Model::load(test::synthetic("tiny"), {.threads = 2});
  const std::vector<float> waveform = noise(random, 16000 * 5);
  const std::vector<Stage> stages = {{1}, {3, true}};
  int64_t next = 0;
  extract_pieces(model, waveform, stages, {.max_seconds = 2}, {},
                 [&](int64_t first_frame, const std::vector<Features>& features) {
                   EXPECT_EQ(first_frame, next);
                   ASSERT_EQ(features.size(), 2U);
                   EXPECT_EQ(features[0].dim, 48);
                   EXPECT_EQ(features[1].dim, 20);
                   EXPECT_EQ(features[0].frames, features[1].frames);
                   EXPECT_EQ(features[0].data.size(), static_cast<size_t>(features[0].frames * 48));
                   next += features[0].frames;
                 });
  EXPECT_EQ(next, 249);
}

TEST(ExtractPieces, FailBeforeTheFirstPiece) {
  const Model model = Model::load(test::synthetic("tiny"));
  std::vector<float> waveform(16000 * 5);
  waveform[70000] = NAN;
  int taken = 0;
  const auto extract = [&](const Stage& stage) {
    return error_of([&] {
      extract_pieces(model, waveform, std::span(&stage, 1), {.max_seconds = 2}, {},
                     [&](int64_t, const std::vector<Features>&) { ++taken; });
    });
  };
  EXPECT_THAT(extract({1}), HasSubstr("sample 70000 of the waveform"));
  waveform[70000] = 0;
  EXPECT_THAT(extract({4}), HasSubstr("layer 4 does not exist"));
  EXPECT_EQ(taken, 0);
}

}  // namespace
}  // namespace contentvec
