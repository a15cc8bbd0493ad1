#include <gmock/gmock.h>

#include <clocale>

#include "contentvec/pitch.h"
#include "support.h"

namespace contentvec {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class PitchReaderTest : public testing::Test {
 protected:
  std::string refusal(const std::string& text) {
    test::write_file(folder_ / "a.csv", text);
    return test::error_of([&] { (void)read_pitch(folder_ / "a.csv"); });
  }

  test::TemporaryFolder folder_;
};

TEST_F(PitchReaderTest, WhatIsWrittenIsReadBack) {
  Pitch pitch;
  for (int i = 0; i < 12345; ++i) pitch.f0.push_back(i % 7 == 0 ? 0 : 50 + static_cast<float>(i) / 7);
  pitch.confidence.resize(pitch.f0.size(), 0.3F);
  write_pitch(folder_ / "a.csv", pitch);
  write_pitch(folder_ / "a.npy", pitch);
  write_pitch_for_rvc(folder_ / "ids.npy", folder_ / "rvc.npy", pitch.f0);
  const char* set = std::setlocale(LC_ALL, "de_DE.UTF-8");  // where it is installed: a comma for the point
  const std::vector<float> csv = read_pitch(folder_ / "a.csv");
  if (set != nullptr) std::setlocale(LC_ALL, "C");
  EXPECT_EQ(csv, pitch.f0);
  EXPECT_EQ(read_pitch(folder_ / "a.npy"), pitch.f0);
  EXPECT_EQ(read_pitch(folder_ / "rvc.npy"), pitch.f0);
  EXPECT_THAT(test::error_of([&] { (void)read_pitch(folder_ / "ids.npy"); }), HasSubstr("ids.npy"));
}

TEST_F(PitchReaderTest, OtherProgramsLines) {
  test::write_file(folder_ / "a.csv", std::string("\xEF\xBB\xBFtime,f0\r\n0,100\r\n0.010000,0\r\n2e-2,99.5"));
  EXPECT_THAT(read_pitch(folder_ / "a.csv"), ElementsAre(100, 0, 99.5F));
}

TEST_F(PitchReaderTest, WhatIsNoPitchIsRefused) {
  const std::string head = "time,f0,confidence\n";
  EXPECT_THAT(refusal(""), HasSubstr("expected what `contentvec pitch` writes"));
  EXPECT_THAT(refusal("0,100\n0.01,100\n"), HasSubstr("expected what `contentvec pitch` writes"));
  EXPECT_THAT(refusal(head), HasSubstr("it has no values"));
  EXPECT_THAT(refusal(head + "0,100,1\n0.02,100,1\n"), HasSubstr("line 3 is of 0.02 s, expected 0.01 s"));
  EXPECT_THAT(refusal(head + "0.005,100,1\n"), HasSubstr("line 2 is of 0.005 s, expected 0.00 s"));
  for (const char* line :
       {"0", "0,", ",1", "0,x", "0,1 Hz", "0,nan", "0,inf", "0,1e999", "0,1e300", "", "x,1", "0;1"})
    EXPECT_THAT(refusal(head + "0,100,1\n" + line + "\n"), HasSubstr("line 3; expected")) << line;
  EXPECT_THAT(refusal(std::string(1000, '\0')), HasSubstr("expected what"));
  EXPECT_THAT(test::error_of([&] { (void)read_pitch(folder_ / "none.npy"); }), HasSubstr("none.npy"));
  EXPECT_THAT(test::error_of([&] { (void)read_pitch(folder_.path()); }), HasSubstr(folder_.path().string()));
}

}  // namespace
}  // namespace contentvec
