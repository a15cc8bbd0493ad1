#include "conversion/pieces.h"

#include <gmock/gmock.h>

#include "golden.h"
#include "support.h"

namespace contentvec::conversion {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr CutRule kSmall = {.every = 1000 * 160, .search = 100 * 160, .longest = 1200 * 160};

std::vector<float> noise(int64_t samples) {
  std::vector<float> values(static_cast<size_t>(samples));
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>(static_cast<int>(i * i % 997) - 498) / 500;
  return values;
}

void silence(std::vector<float>& values, int64_t begin, int64_t end) {
  std::fill(values.begin() + begin, values.begin() + end, 0.0F);
}

TEST(FindCuts, ARecordingThatIsNotTooLongIsWhole) {
  EXPECT_THAT(find_cuts(noise(kSmall.longest - 160), kSmall), IsEmpty());
  EXPECT_EQ(find_cuts(noise(kSmall.longest - 159), kSmall).size(), 1U);
  EXPECT_THAT(find_cuts(std::vector<float>(41 * 16000 - 160), {}), IsEmpty());
  EXPECT_THAT(find_cuts(std::vector<float>(41 * 16000 - 159), {}), ElementsAre(32 * 16000));
}

TEST(FindCuts, TheFirstQuietSampleCountsAndIsRoundedDown) {
  std::vector<float> recording = noise(2200 * 160);
  silence(recording, 980 * 160 + 7, 980 * 160 + 500);
  silence(recording, 1050 * 160, 1050 * 160 + 1000);  // as quiet, and later
  silence(recording, 850 * 160, 850 * 160 + 1000);    // too far away
  silence(recording, 2050 * 160 + 80, 2050 * 160 + 300);
  // The first with silence all around it is 80 behind the first silent one: 980 * 160 + 87.
  EXPECT_THAT(find_cuts(recording, kSmall), ElementsAre(980 * 160, 2051 * 160));
}

TEST(FindCuts, NearTheEndTheRecordingIsMirrored) {
  std::vector<float> recording = noise(1950 * 160 + 30);
  silence(recording, 1950 * 160, 1950 * 160 + 30);
  // Of the end's 30 silent samples the mirror makes 60; deeper inside none is quieter.
  const std::vector<int64_t> cuts =
      find_cuts(recording, {.every = 1900 * 160, .search = 60 * 160, .longest = 160});
  EXPECT_THAT(cuts, ElementsAre(1949 * 160 + 160));
}

TEST(FindCuts, IsTheReferences) {
  for (const std::string& name : test::rvc_golden_names("pipeline-v1-cut")) {
    const std::vector<float> filtered = test::read_rvc_golden(name).arrays.at("filtered").values;
    const std::vector<int64_t> cuts =
        find_cuts(filtered, {.every = 2 * 16000, .search = 16000, .longest = 3 * 16000});
    ASSERT_EQ(cuts.size(), 1U);
    const std::vector<Piece> pieces = pieces_between(cuts, static_cast<int64_t>(filtered.size()));
    for (size_t i = 0; i < pieces.size(); ++i) {
      const std::string array = "chunk" + std::to_string(i) + ".samples";
      const auto path = test::oracle_rvc() / "golden" / (name + ".safetensors");
      EXPECT_THAT(test::read_integers(path, array), ElementsAre(pieces[i].samples));
    }
  }
}

TEST(PiecesBetween, TheWholeIsOneAndCutsOverlapByTheirPadding) {
  const std::vector<Piece> whole = pieces_between({}, 32001);
  ASSERT_EQ(whole.size(), 1U);
  EXPECT_EQ(whole[0].begin, 0);
  EXPECT_EQ(whole[0].samples, 64001);
  EXPECT_EQ(whole[0].f0_frames, 400);
  const std::vector<int64_t> cuts = {1600, 4800};
  const std::vector<Piece> pieces = pieces_between(cuts, 5000);
  ASSERT_EQ(pieces.size(), 3U);
  EXPECT_EQ(pieces[1].begin, 1600);
  EXPECT_EQ(pieces[1].samples, 3200 + 32000 + 160);
  EXPECT_EQ(pieces[1].f0_frames, 220);
  EXPECT_EQ(pieces[1].own_frames, 20);
  EXPECT_EQ(pieces[2].begin, 4800);
  EXPECT_EQ(pieces[2].samples, 200 + 32000);
}

}  // namespace
}  // namespace contentvec::conversion
