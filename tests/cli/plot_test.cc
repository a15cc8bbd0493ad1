// Pictures: what they are drawn from, and that they are drawn.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "cli/files.h"
#include "cli/plot/figure.h"
#include "cli/process.h"
#include "contentvec/pitch.h"
#include "support.h"

/// As lsan_suppressions.txt has it for the program.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() {
  return "leak:libfontconfig";
}

namespace contentvec::test {
namespace {

namespace fs = std::filesystem;
namespace plot = cli::plot;
using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;

std::vector<float> tone(double hz, double seconds, int rate) {
  std::vector<float> waveform(static_cast<size_t>(seconds * rate));
  for (size_t i = 0; i < waveform.size(); ++i)
    waveform[i] =
        static_cast<float>(0.5 * std::sin(2 * 3.141592653589793 * hz * static_cast<double>(i) / rate));
  return waveform;
}

TEST(Spectrogram, AToneIsWhereItIs) {
  for (const int rate : {16000, 40000, 44100}) {
    for (const double hz : {100.0, 440.0, 1000.0}) {
      const auto spectrogram = plot::spectrogram_of(tone(hz, 0.5, rate), rate, plot::range_for({}));
      EXPECT_EQ(spectrogram.columns, 50);
      EXPECT_DOUBLE_EQ(spectrogram.seconds, 0.5);
      for (const int64_t column : {10, 25, 40}) {
        const auto begin = spectrogram.levels.begin() + column * spectrogram.rows;
        const auto loudest = std::max_element(begin, begin + spectrogram.rows);
        const double place = static_cast<double>(loudest - begin) / static_cast<double>(spectrogram.rows - 1);
        EXPECT_NEAR(spectrogram.range.hz_at(place), hz, 16) << rate << "Hz: a bin is 1 / 64 ms";
        EXPECT_GT(*loudest, 0.95F);
      }
    }
  }
}

TEST(Spectrogram, AnyRecordingIsTaken) {
  const auto silence = plot::spectrogram_of(std::vector<float>(3000), 16000, plot::range_for({}));
  EXPECT_THAT(silence.levels, Each(0.0F));
  EXPECT_EQ(plot::spectrogram_of(std::vector<float>(1, 0.5F), 16000, plot::range_for({})).columns, 1);
  EXPECT_EQ(plot::spectrogram_of({}, 16000, plot::range_for({})).columns, 1);
  // Two minutes have no more columns than a picture has pixels.
  const auto long_one = plot::spectrogram_of(tone(300, 120, 8000), 8000, plot::range_for({}));
  EXPECT_EQ(long_one.columns, 10000);
  // The range grows with the pitch, and ends at half the rate.
  const plot::FrequencyRange range = plot::range_for(std::vector<float>{0, 40, 1900});
  EXPECT_NEAR(range.lowest, 36, 1e-3);
  EXPECT_NEAR(range.highest, 2090, 1e-3);
  EXPECT_EQ(plot::spectrogram_of(tone(100, 0.1, 1000), 1000, range).range.highest, 500);
}

#ifdef CONTENTVEC_HAVE_PLOT

/// Big-endian, at a place of a PNG.
int64_t number_in(const std::string& png, size_t at) {
  int64_t number = 0;
  for (size_t i = at; i < at + 4; ++i) number = number << 8 | static_cast<unsigned char>(png[i]);
  return number;
}

std::string text_of_picture(const std::vector<plot::Panel>& panels, plot::PictureFormat format) {
  const std::vector<std::byte> file = plot::draw(panels, format);
  return {reinterpret_cast<const char*>(file.data()), file.size()};
}

size_t count_of(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

plot::Panel panel_of(double seconds, std::vector<float> f0) {
  return {.title = "title",
          .spectrogram = plot::spectrogram_of(tone(200, seconds, 16000), 16000, plot::range_for(f0)),
          .f0 = std::move(f0),
          .f0_label = "label"};
}

TEST(Figure, APngOfEachPanelBelowTheOther) {
  const std::string one = text_of_picture({panel_of(1, {})}, plot::PictureFormat::kPng);
  const std::string two =
      text_of_picture({panel_of(20, {}), panel_of(10, {100, 0})}, plot::PictureFormat::kPng);
  EXPECT_TRUE(one.starts_with("\x89PNG\r\n"));
  EXPECT_EQ(number_in(one, 16), 2 * (72 + 900 + 22));
  EXPECT_EQ(number_in(one, 20), 2 * (40 + 330 + 52));
  EXPECT_EQ(number_in(two, 16), 2 * (72 + 2000 + 22));
  EXPECT_EQ(number_in(two, 20), 2 * number_in(one, 20));
}

/// A line for each voiced stretch, and one for the legend.
TEST(Figure, UnvoicedFramesAreGaps) {
  const std::string curve = "stroke-width:2.2";
  std::vector<float> f0(100, 200.0F);
  EXPECT_EQ(count_of(text_of_picture({panel_of(1, f0)}, plot::PictureFormat::kSvg), curve), 2U);
  for (const size_t frame : {0U, 20U, 21U, 50U, 99U}) f0[frame] = 0;
  EXPECT_EQ(count_of(text_of_picture({panel_of(1, f0)}, plot::PictureFormat::kSvg), curve), 4U);
  const std::vector<float> none(100);
  EXPECT_EQ(count_of(text_of_picture({panel_of(1, none)}, plot::PictureFormat::kSvg), curve), 1U);
}

class PlotTest : public testing::Test {
 protected:
  PlotTest() {
    for (const char* name : {"a.wav", "b.wav"}) write_wav(folder_ / name, noise(9600));
  }
  Result pitch(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"pitch", "--pitch-model", rvc_synthetic("tiny-fcpe")});
    return run(arguments, {.folder = folder_.path()});
  }
  TemporaryFolder folder_;
};

TEST_F(PlotTest, OfOneRecording) {
  const Result png = pitch({"a.wav", "--plot", "pictures/f0.png", "--json"});
  ASSERT_EQ(png.code, 0) << png.err;
  EXPECT_EQ(nlohmann::json::parse(png.out)["plot"], "pictures/f0.png");
  EXPECT_THAT(names_in(folder_.path()), ElementsAre("a.npy", "a.wav", "b.wav", "pictures"));
  EXPECT_TRUE(text_of(folder_ / "pictures/f0.png").starts_with("\x89PNG"));
  ASSERT_EQ(pitch({"a.wav", "--plot", "f0.svg", "--key", "12"}).code, 0);
  const std::string svg = text_of(folder_ / "f0.svg");
  EXPECT_TRUE(svg.starts_with("<?xml"));
  EXPECT_THAT(svg, AllOf(HasSubstr("<svg"), HasSubstr("</svg>")));
}

TEST_F(PlotTest, OfSeveral) {
  ASSERT_EQ(pitch({"a.wav", "b.wav", "--plot", "pictures/"}).code, 0);
  EXPECT_THAT(names_in(folder_ / "pictures"), ElementsAre("a.png", "b.png"));
  fs::remove(folder_ / "pictures/b.png");
  EXPECT_THAT(pitch({"a.wav", "b.wav", "--plot", "pictures", "--skip-existing"}).err,
              HasSubstr("1 of 2 done"));
  EXPECT_TRUE(fs::exists(folder_ / "pictures/b.png"));
  write_file(folder_ / "pictures/a.png", std::string("none"));
  EXPECT_THAT(pitch({"a.wav", "--plot", "pictures", "--skip-existing"}).err,
              HasSubstr("does not begin as a .png file does"));
  for (const std::string picture : {"a.png", "a.svg"}) {
    ASSERT_EQ(pitch({"a.wav", "--plot", picture}).code, 0);
    EXPECT_THAT(pitch({"a.wav", "--plot", picture, "--skip-existing", "-v"}).err,
                HasSubstr("is there already"));
    for (const uintmax_t cut : {uintmax_t{1}, uintmax_t{100}, uintmax_t{5000}}) {
      fs::resize_file(folder_ / picture, fs::file_size(folder_ / picture) - cut);
      EXPECT_THAT(pitch({"a.wav", "--plot", picture, "--skip-existing"}).err,
                  HasSubstr("does not end as a " + picture.substr(1) + " file does"))
          << cut;
    }
  }
}

TEST_F(PlotTest, Usage) {
  EXPECT_THAT(pitch({"a.wav", "--plot", "f0.pdf"}).err, HasSubstr("end it in .png or .svg for a file"));
  EXPECT_THAT(pitch({"a.wav", "b.wav", "--plot", "f0.png"}).err, HasSubstr("give a directory"));
  for (const char* value : {"f0.pdf", "-"}) EXPECT_EQ(pitch({"a.wav", "--plot", value}).code, 2) << value;
  EXPECT_EQ(pitch({".", "--preset", "rvc", "--plot", "x/"}).code, 2);
  EXPECT_THAT(names_in(folder_.path()), ElementsAre("a.wav", "b.wav"));
}

/// A name that is no UTF-8, and one longer than the picture is wide.
TEST_F(PlotTest, AnyNameIsATitle) {
  const std::string odd = "\xff\xfe\n<&>.wav";
  const std::string wide = std::string(200, 'W') + ".wav";
  for (const std::string& name : {odd, wide}) {
    fs::copy_file(folder_ / "a.wav", folder_ / name);
    for (const char* picture : {"t.png", "t.svg"}) {
      const Result result = pitch({name, "--plot", picture});
      EXPECT_EQ(result.code, 0) << result.err;
    }
  }
}

#else

TEST(Figure, WithoutCairoTheOptionIsNamed) {
  EXPECT_THAT(error_of([] { plot::check_drawing(); }), HasSubstr("CONTENTVEC_PLOT"));
  EXPECT_THAT(error_of([] {
                static_cast<void>(plot::draw(std::span<const plot::Panel>(), plot::PictureFormat::kPng));
              }),
              HasSubstr("libcairo2-dev"));
}

#endif

}  // namespace
}  // namespace contentvec::test
