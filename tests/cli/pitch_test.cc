// contentvec pitch: what it writes, over the library's estimators.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "audio/wav.h"
#include "cli/files.h"
#include "cli/process.h"
#include "contentvec/contentvec.h"
#include "contentvec/pitch.h"
#include "f0/rmvpe.h"
#include "golden.h"
#include "made_up.h"
#include "support.h"

namespace contentvec::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

/// The values of a .npy file that begins with such a header.
template <typename T>
std::vector<T> values_in(const fs::path& path, const std::string& header) {
  const std::string text = text_of(path);
  EXPECT_THAT(text, HasSubstr(header)) << path;
  const size_t start = text.find('\n') + 1;
  std::vector<T> values((text.size() - start) / sizeof(T));
  std::memcpy(values.data(), text.data() + start, values.size() * sizeof(T));
  return values;
}

class PitchTest : public testing::Test {
 protected:
  PitchTest() { write_wav(folder_ / "a.wav", noise_); }

  Result pitch(std::vector<std::string> arguments, const std::string& kind = "rmvpe") {
    arguments.insert(arguments.begin(), {"pitch", "--pitch-model", rvc_synthetic("tiny-" + kind)});
    return run(arguments, {.folder = folder_.path()});
  }

  static Pitch estimated(std::span<const float> waveform, const PitchOptions& options = {}) {
    return PitchEstimator::load(rvc_synthetic("tiny-rmvpe")).estimate(waveform, options);
  }

  /// A threshold that about half the frames of the noise are above.
  double half_voiced() {
    std::vector<float> confidence = estimated(noise_).confidence;
    std::nth_element(confidence.begin(), confidence.begin() + 30, confidence.end());
    return confidence[30];
  }

  TemporaryFolder folder_;
  std::vector<float> noise_ = noise(9600);  // 61 frames
};

TEST_F(PitchTest, NpyAndCsvHoldWhatTheLibraryGives) {
  const Pitch expected = estimated(noise_);
  const Result npy = pitch({"a.wav"});
  ASSERT_EQ(npy.code, 0) << npy.err;
  EXPECT_THAT(npy.err, HasSubstr("a.wav -> a.npy  61 frames, "));
  const Array array = read_npy(folder_ / "a.npy");
  EXPECT_THAT(array.shape, ElementsAre(61));
  EXPECT_EQ(array.values, expected.f0);

  ASSERT_EQ(pitch({"a.wav", "--format", "csv"}).code, 0);
  const std::vector<std::string> lines = lines_of(text_of(folder_ / "a.csv"));
  ASSERT_EQ(lines.size(), 62U);
  EXPECT_EQ(lines[0], "time,f0,confidence");
  EXPECT_TRUE(lines[1].starts_with("0.00,"));
  EXPECT_TRUE(lines[61].starts_with("0.60,"));
  for (size_t frame = 0; frame < 61; ++frame) {
    float time = 0;
    float f0 = 0;
    float confidence = 0;
    ASSERT_EQ(std::sscanf(lines[frame + 1].c_str(), "%f,%f,%f", &time, &f0, &confidence), 3);
    EXPECT_EQ(time, static_cast<float>(frame) / 100);
    EXPECT_EQ(f0, expected.f0[frame]);
    EXPECT_EQ(confidence, expected.confidence[frame]);
  }

  ASSERT_EQ(pitch({"a.wav", "-o", "new/b.csv"}).code, 0);
  EXPECT_EQ(text_of(folder_ / "new/b.csv"), text_of(folder_ / "a.csv"));
  EXPECT_EQ(pitch({"a.wav", "-o", "-", "--format", "csv"}).out, text_of(folder_ / "a.csv"));
}

TEST_F(PitchTest, ThresholdUnvoicedAndKey) {
  const double threshold = half_voiced();
  const std::string text = std::to_string(threshold);
  std::vector<float> expected = estimated(noise_, {.threshold = std::stod(text)}).f0;
  const auto unvoiced = std::count(expected.begin(), expected.end(), 0.0F);
  ASSERT_GT(unvoiced, 10);
  ASSERT_LT(unvoiced, 50);
  ASSERT_EQ(pitch({"a.wav", "--threshold", text}).code, 0);
  EXPECT_EQ(read_npy(folder_ / "a.npy").values, expected);
  ASSERT_EQ(pitch({"a.wav", "--threshold", text, "--unvoiced", "keep", "--key", "-3.5"}).code, 0);
  std::vector<float> lower = expected;
  shift_semitones(lower, -3.5);
  EXPECT_EQ(read_npy(folder_ / "a.npy").values, lower);
  ASSERT_EQ(pitch({"a.wav", "--threshold", text, "--unvoiced", "interpolate"}).code, 0);
  interpolate_unvoiced(expected);
  EXPECT_EQ(read_npy(folder_ / "a.npy").values, expected);
  EXPECT_EQ(std::count(expected.begin(), expected.end(), 0.0F), 0);
}

TEST_F(PitchTest, ManifestAndFailures) {
  write_wav(folder_ / "short.wav", std::span(noise_).first(512));
  const Result result = pitch({"a.wav", "short.wav", "missing.wav", "--json"});
  EXPECT_EQ(result.code, 1);
  const std::vector<std::string> lines = lines_of(result.out);
  ASSERT_EQ(lines.size(), 3U);
  const auto done = nlohmann::json::parse(lines[0]);
  EXPECT_EQ(done["path"], "a.wav");
  EXPECT_EQ(done["output"], "a.npy");
  EXPECT_EQ(done["frames"], 61);
  EXPECT_EQ(done["voiced"], 61);
  EXPECT_EQ(done["audio_seconds"], 0.6);
  EXPECT_THAT(lines[1], HasSubstr("at least 513"));
  EXPECT_THAT(lines[2], HasSubstr("\"error\":"));
  EXPECT_THAT(result.err, HasSubstr("2 of 3 failed"));
  EXPECT_FALSE(fs::exists(folder_ / "short.npy"));
}

TEST_F(PitchTest, FoldersShardsAndWhatIsThere) {
  fs::create_directories(folder_ / "in/below");
  for (const char* name : {"in/a.wav", "in/b.wav", "in/below/c.wav"}) write_wav(folder_ / name, noise_);
  for (const char* shard : {"1/2", "2/2"})
    ASSERT_EQ(pitch({"in", "--recursive", "--out", "out/", "--shard", shard}).code, 0);
  EXPECT_THAT(names_in(folder_ / "out"), ElementsAre("a.npy", "b.npy", "below"));
  write_file(folder_ / "out/a.npy", std::string("cut"));
  write_npy(folder_ / "out/b.npy", "61, 1", noise(61));
  const Result again = pitch({"in", "--recursive", "--out", "out/", "--skip-existing"});
  EXPECT_EQ(again.code, 0);
  EXPECT_THAT(again.err, AllOf(HasSubstr("2 of 3 done"), HasSubstr("1 were there already"),
                               HasSubstr("what was there already is written anew: its type is '<f4'")));
  EXPECT_THAT(read_npy(folder_ / "out/b.npy").shape, ElementsAre(61));
  ASSERT_EQ(pitch({"in", "--out", "out/", "--format", "csv"}).code, 0);
  write_file(folder_ / "out/a.csv", std::string("time,hz\n"));
  EXPECT_THAT(pitch({"in", "--out", "out/", "--format", "csv", "--skip-existing"}).err,
              AllOf(HasSubstr("1 of 2 done"), HasSubstr("does not begin as a .csv file does")));
  for (const uintmax_t cut : {uintmax_t{1}, uintmax_t{5}, uintmax_t{100}}) {
    fs::resize_file(folder_ / "out/a.csv", fs::file_size(folder_ / "out/a.csv") - cut);
    EXPECT_THAT(pitch({"in", "--out", "out/", "--format", "csv", "--skip-existing"}).err,
                AllOf(HasSubstr("1 of 2 done"), HasSubstr("does not end as a .csv file does")))
        << cut;
  }
  // Files that would be written twice, or over what is read.
  EXPECT_EQ(pitch({"in/a.wav", "a.wav"}).code, 2);
  EXPECT_EQ(pitch({"in", "--out", "x.npy"}).code, 2);
  EXPECT_THAT(pitch({"a.wav", "--out", "x.safetensors"}).err, HasSubstr("end it in .npy or .csv"));
}

TEST_F(PitchTest, TheModelIsOfTheMethod) {
  EXPECT_EQ(pitch({"a.wav", "--method", "fcpe"}, "fcpe").code, 0);
  const Result other = pitch({"a.wav", "--method", "rmvpe"}, "fcpe");
  EXPECT_EQ(other.code, 1);
  EXPECT_THAT(other.err, AllOf(HasSubstr("--method rmvpe"), HasSubstr("tiny-fcpe.json is fcpe")));
  EXPECT_EQ(pitch({"a.wav", "--method", "crepe"}).code, 2);
  const Result voice =
      run({"pitch", "a.wav", "--pitch-model", tiny_model().string()}, {.folder = folder_.path()});
  EXPECT_EQ(voice.code, 1);
  EXPECT_THAT(voice.err, HasSubstr("found a speech model"));
}

TEST_F(PitchTest, Usage) {
  for (const std::vector<std::string>& wrong :
       std::vector<std::vector<std::string>>{{"--threshold", "0"},
                                             {"--threshold", "1"},
                                             {"--threshold", "nan"},
                                             {"--key", "49"},
                                             {"--key", "nan"},
                                             {"--unvoiced", "drop"},
                                             {"--format", "safetensors"},
                                             {"--dtype", "f16"},
                                             {"--preset", "rvc"},
                                             {"--out", "-", "--json"}}) {
    std::vector<std::string> arguments = {"a.wav"};
    arguments.insert(arguments.end(), wrong.begin(), wrong.end());
    EXPECT_EQ(pitch(arguments).code, 2) << wrong[0] << " " << wrong.back();
  }
  EXPECT_THAT(names_in(folder_.path()), ElementsAre("a.wav"));
}

/// An environment in which no package of Python's is found; restored at the end.
class NoPython {
 public:
  NoPython() {
    for (const char* name : {"PATH", "HOME", "VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONPATH"}) {
      const char* value = std::getenv(name);
      before_.emplace_back(name, value == nullptr ? "" : value);
      setenv(name, "/nowhere", 1);
    }
  }
  ~NoPython() {
    for (const auto& [name, value] : before_) setenv(name.c_str(), value.c_str(), 1);
  }
  NoPython(const NoPython&) = delete;
  NoPython& operator=(const NoPython&) = delete;

 private:
  std::vector<std::pair<std::string, std::string>> before_;
};

TEST_F(PitchTest, FcpeThatIsNotInstalled) {
  const NoPython environment;
  if (find_fcpe()) GTEST_SKIP() << "the system's Python has torchfcpe";
  const Result result = run({"pitch", "a.wav", "--method", "fcpe"}, {.folder = folder_.path()});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, HasSubstr("pip install --no-deps torchfcpe"));
  EXPECT_THAT(names_in(folder_.path()), ElementsAre("a.wav"));
}

/// --preset rvc: train/dataset/extract_f0.py.
class PitchPresetTest : public PitchTest {
 protected:
  PitchPresetTest() {
    fs::create_directories(wavs());
    for (const char* name : {"0_0.wav", "0_1.wav", "a spectrum.wav", "b.flac.wav"})
      write_wav(wavs() / name, noise_);
    write_file(wavs() / "0_0.txt", std::string("counted among RVC's parts, and not looked at"));
  }
  [[nodiscard]] fs::path wavs() const { return folder_ / "exp/1_16k_wavs"; }
};

TEST_F(PitchPresetTest, WritesWhatRvcDoes) {
  const Result result = pitch({"exp", "--preset", "rvc", "--json"});
  ASSERT_EQ(result.code, 0) << result.err;
  const std::vector<std::string> names = {"0_0.wav.npy", "0_1.wav.npy", "b.flac.wav.npy"};
  EXPECT_EQ(names_in(folder_ / "exp/2a_f0"), names);
  EXPECT_EQ(names_in(folder_ / "exp/2b-f0nsf"), names);
  EXPECT_THAT(names_in(folder_ / "exp"), ElementsAre("1_16k_wavs", "2a_f0", "2b-f0nsf"));
  EXPECT_EQ(nlohmann::json::parse(lines_of(result.out)[0])["output"], "exp/2a_f0/0_0.wav.npy");

  std::vector<float> f0 = estimated(noise_).f0;
  interpolate_unvoiced(f0);
  const std::string shape = ", 'fortran_order': False, 'shape': (61,), }";
  EXPECT_EQ(values_in<int64_t>(folder_ / "exp/2a_f0/0_0.wav.npy", "{'descr': '<i8'" + shape),
            coarse_pitch(f0));
  EXPECT_EQ(values_in<double>(folder_ / "exp/2b-f0nsf/0_0.wav.npy", "{'descr': '<f8'" + shape),
            std::vector<double>(f0.begin(), f0.end()));
}

TEST_F(PitchPresetTest, SkipsWhereBothAreThere) {
  ASSERT_EQ(pitch({"exp", "--preset", "rvc"}).code, 0);
  fs::remove(folder_ / "exp/2b-f0nsf/0_1.wav.npy");
  const auto before = fs::last_write_time(folder_ / "exp/2a_f0/0_0.wav.npy");
  const Result again = pitch({"exp", "--preset", "rvc", "--json"});
  EXPECT_EQ(again.code, 0);
  const std::vector<std::string> lines = lines_of(again.out);
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_THAT(lines[0], HasSubstr("\"skipped\":true"));
  EXPECT_THAT(lines[1], HasSubstr("\"frames\":61"));
  EXPECT_EQ(fs::last_write_time(folder_ / "exp/2a_f0/0_0.wav.npy"), before);
  EXPECT_TRUE(fs::exists(folder_ / "exp/2b-f0nsf/0_1.wav.npy"));
  EXPECT_THAT(again.err, Not(HasSubstr("anew"))) << "one of them missing is nothing to warn of";
}

/// "spec" is left out before the parts are made: of 0_0.txt, 0_0.wav, 0_1.wav and b.flac.wav every second.
TEST_F(PitchPresetTest, ShardsAreRvcsParts) {
  ASSERT_EQ(pitch({"exp", "--preset", "rvc", "--shard", "2/2"}).code, 0);
  EXPECT_THAT(names_in(folder_ / "exp/2a_f0"), ElementsAre("0_0.wav.npy", "b.flac.wav.npy"));
  ASSERT_EQ(pitch({"exp/1_16k_wavs/", "--preset", "rvc", "--shard", "1/2"}).code, 0);
  EXPECT_THAT(names_in(folder_ / "exp/2a_f0"), ElementsAre("0_0.wav.npy", "0_1.wav.npy", "b.flac.wav.npy"));
}

/// RVC goes on with the next one and writes nothing, which its training then does without.
TEST_F(PitchPresetTest, NothingIsWrittenWhereNoFrameIsVoiced) {
  std::map<std::string, Reference> tensors = references(f0::rmvpe_tensors(
      {.channels = 2, .blocks = 1, .layers = 1, .intermediate_layers = 1, .gru_hidden = 2}));
  for (float& weight : tensors.at("fc.1.weight").values) weight = 0;
  for (float& bias : tensors.at("fc.1.bias").values) bias = -20;  // the salience of all is e^-20
  write_tensors(folder_ / "never.safetensors", tensors);
  const Result result =
      run({"pitch", "exp", "--preset", "rvc", "--pitch-model", "never.safetensors", "--json"},
          {.folder = folder_.path()});
  EXPECT_EQ(result.code, 0);
  EXPECT_THAT(result.err, AllOf(HasSubstr("0_0.wav: no frame of it is voiced: nothing is written"),
                                HasSubstr("3 of them with nothing to write")));
  EXPECT_THAT(lines_of(result.out)[0], HasSubstr("\"nothing_written\":"));
  EXPECT_TRUE(fs::is_empty(folder_ / "exp/2a_f0"));
}

TEST_F(PitchPresetTest, WhatRvcFixesCannotBeChanged) {
  for (const std::vector<std::string>& wrong :
       std::vector<std::vector<std::string>>{{"exp", "--threshold", "0.1"},
                                             {"exp", "--unvoiced", "keep"},
                                             {"exp", "--key", "1"},
                                             {"exp", "--format", "csv"},
                                             {"exp", "--recursive"},
                                             {"exp", "exp"},
                                             {"missing"},
                                             {"a.wav"}}) {
    std::vector<std::string> arguments = {"--preset", "rvc"};
    arguments.insert(arguments.end(), wrong.begin(), wrong.end());
    const Result result = pitch(arguments);
    EXPECT_EQ(result.code, 2) << wrong.back();
    EXPECT_THAT(result.err, HasSubstr("preset rvc"));
  }
}

}  // namespace
}  // namespace contentvec::test
