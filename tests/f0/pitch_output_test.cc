#include <gmock/gmock.h>

#include <clocale>
#include <filesystem>

#include "contentvec/pitch.h"
#include "support.h"

namespace contentvec {
namespace {

using testing::HasSubstr;

TEST(PitchOutput, CsvTellsEveryFloatWhateverTheLocale) {
  const test::TemporaryFolder folder;
  const char* set = std::setlocale(LC_ALL, "de_DE.UTF-8");  // where it is installed: a comma for the point
  Pitch pitch = {std::vector<float>(101), std::vector<float>(101, 0.5F)};
  pitch.f0[0] = 220.123456F;
  pitch.confidence[0] = 1.0F / 3;
  pitch.confidence[1] = 1e-9F;
  write_pitch(folder / "a.csv", pitch);
  if (set != nullptr) std::setlocale(LC_ALL, "C");
  const std::string text = test::text_of(folder / "a.csv");
  EXPECT_TRUE(text.starts_with("time,f0,confidence\n0.00,220.12346,0.33333334\n0.01,0,1e-09\n")) << text;
  EXPECT_TRUE(text.ends_with("\n0.99,0,0.5\n1.00,0,0.5\n")) << text;
}

TEST(PitchOutput, AFormatIsNamedOrGiven) {
  const test::TemporaryFolder folder;
  const Pitch pitch = {{100, 0}, {1, 0}};
  EXPECT_THAT(test::error_of([&] { write_pitch(folder / "a.txt", pitch); }), HasSubstr(".npy or .csv"));
  write_pitch(folder / "a.txt", pitch, PitchFormat::kCsv);
  EXPECT_EQ(test::text_of(folder / "a.txt"), "time,f0,confidence\n0.00,100,1\n0.01,0,0\n");
  EXPECT_THAT(test::error_of([&] {
                write_pitch(folder / "a.npy", {{1, 2}, {1}});
              }),
              HasSubstr("2 values of f0 and 1 of confidence"));
  EXPECT_THAT(test::error_of([&] { write_pitch(folder / "no/a.npy", pitch); }), HasSubstr("no/a.npy"));
  EXPECT_FALSE(std::filesystem::exists(folder / "a.npy"));
}

}  // namespace
}  // namespace contentvec
