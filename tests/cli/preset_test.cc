// --preset: what other programs' extraction steps write.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "audio/wav.h"
#include "cli/files.h"
#include "cli/process.h"
#include "contentvec/contentvec.h"
#include "support.h"

namespace contentvec::test {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

/// What RVC's feature extraction (train/dataset/extract_hubert_feature.py) does, from its behaviour, over the
/// library's model: process `part` of `parts` for one version.
void rvc_extraction(const Model& model, const fs::path& experiment, const std::string& version, size_t parts,
                    size_t part) {
  const fs::path wavs = experiment / "1_16k_wavs";
  const fs::path features = experiment / (version == "v1" ? "3_feature256" : "3_feature768");
  fs::create_directories(features);
  const std::vector<std::string> names = names_in(wavs);
  for (size_t i = part; i < names.size(); i += parts) {
    if (!names[i].ends_with(".wav")) continue;
    const fs::path output = features / (names[i].substr(0, names[i].size() - 4) + ".npy");
    if (fs::exists(output)) continue;
    try {
      if (audio_rate(wavs / names[i]) != 16000) continue;  // "assert sr == 16000"
      // Normalises as the checkpoint's task says, which is what the library does by itself.
      const Features result = model.extract(
          load_audio(wavs / names[i]), {.layer = version == "v1" ? 9 : 12, .final_proj = version == "v1"});
      const std::string shape = std::to_string(result.frames) + ", " + std::to_string(result.dim);
      write_npy(output, shape, result.data);
    } catch (const Error&) {  // reported there, and the rest go on
    }
  }
}

class PresetTest : public testing::Test {
 protected:
  /// Twelve blocks, as both versions need, of next to no width.
  void write_config(bool normalize) {
    write_file(
        folder_ / "m.json",
        std::string(R"({"conv_layers": [[16,10,5],[16,3,2],[16,3,2],[16,3,2],[16,3,2],[16,2,2],[16,2,2]],)"
                    R"( "encoder_embed_dim": 48, "encoder_ffn_embed_dim": 64, "encoder_layers": 12,)"
                    R"( "encoder_attention_heads": 4, "conv_pos": 16, "conv_pos_groups": 4,)"
                    R"( "final_dim": 20, "normalize": )") +
            (normalize ? "true}" : "false}"));
  }

  /// An experiment's directory: what RVC's preprocessing writes, and what it should not.
  void make_experiment(const fs::path& path) {
    const fs::path wavs = path / "1_16k_wavs";
    fs::create_directories(wavs);
    const std::vector<float> samples = noise(60000);
    const auto first = [&](size_t count) { return std::span(samples).first(count); };
    for (size_t i = 0; i < 5; ++i) {
      write_wav(wavs / ("0_" + std::to_string(i) + ".wav"), first(5000 + 3000 * i));
    }
    write_file(wavs / "0_1.txt", std::string("counted among RVC's parts, and not looked at"));
    write_file(wavs / "1_0.wav", wav(16000, 2, first(20000)));  // stereo
    write_file(wavs / "1_1.wav", wav(44100, 1, first(44100)));  // the wrong rate
    write_file(wavs / "1_wav.wav.wav", wav(16000, 1, first(7000)));
    write_file(wavs / "2_0.wav", std::string("no audio"));
    write_file(wavs / "2_2.json", std::string("not looked at"));
    write_wav(wavs / "3_0.wav", first(399));
    const fs::path features = path / "3_feature768";
    fs::create_directories(features);
    write_npy(features / "0_2.npy", "1, 48", noise(48));  // made before
  }

  Result extract(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"extract", "--model", "synthetic:m.json"});
    return run(arguments, {.folder = folder_.path()});
  }

  /// Names and values; write_npy's headers are padded otherwise than NumPy's.
  static std::map<std::string, std::pair<std::vector<int64_t>, std::vector<float>>> features_in(
      const fs::path& path) {
    std::map<std::string, std::pair<std::vector<int64_t>, std::vector<float>>> found;
    for (const std::string& name : names_in(path)) {
      const Array array = read_npy(path / name);  // throws where it is not float32
      found[name] = {array.shape, array.values};
    }
    return found;
  }

  TemporaryFolder folder_;
};

TEST_F(PresetTest, RvcIsWhatRvcsOwnStepGives) {
  for (const bool normalize : {false, true}) {
    write_config(normalize);
    const Model model = Model::load("synthetic:" + (folder_ / "m.json").string());
    for (const std::string version : {"v1", "v2"}) {
      const std::string name = version + (normalize ? "n" : "");
      make_experiment(folder_ / name);
      make_experiment(folder_ / (name + ".rvc"));
      const Result result = extract({name, "--preset", "rvc-" + version});
      EXPECT_EQ(result.code, 1) << "some files of it are bad";
      EXPECT_THAT(result.err,
                  HasSubstr("1_1.wav: its sample rate is 44100 Hz; this preset takes 16000 Hz only"));
      rvc_extraction(model, folder_ / (name + ".rvc"), version, 1, 0);
      const std::string features = version == "v1" ? "3_feature256" : "3_feature768";
      const auto found = features_in(folder_ / name / features);
      EXPECT_EQ(found, features_in(folder_ / (name + ".rvc") / features)) << name;
      EXPECT_EQ(found.size(), 7U);
      EXPECT_THAT(found.at("0_4.npy").first, ElementsAre(52, version == "v1" ? 20 : 48));
      EXPECT_TRUE(found.contains("1_wav.wav.npy"));
      EXPECT_EQ(names_in(folder_ / name), names_in(folder_ / (name + ".rvc")));
    }
  }
}

TEST_F(PresetTest, ShardsAreRvcsParts) {
  write_config(false);
  const Model model = Model::load("synthetic:" + (folder_ / "m.json").string());
  for (size_t part = 0; part < 3; ++part) {
    const std::string name = "part" + std::to_string(part);
    make_experiment(folder_ / name);
    make_experiment(folder_ / (name + ".rvc"));
    (void)extract({name, "--preset", "rvc-v2", "--shard", std::to_string(part + 1) + "/3"});
    rvc_extraction(model, folder_ / (name + ".rvc"), "v2", 3, part);
    EXPECT_EQ(features_in(folder_ / name / "3_feature768"),
              features_in(folder_ / (name + ".rvc") / "3_feature768"))
        << name;
  }
}

TEST_F(PresetTest, RvcNeverCuts) {
  write_config(false);
  fs::create_directories(folder_ / "exp/1_16k_wavs");
  const std::vector<float> waveform = noise(size_t{16000} * 61);  // more than --max-seconds by itself
  write_wav(folder_ / "exp/1_16k_wavs/a.wav", waveform);
  ASSERT_EQ(extract({"exp", "--preset", "rvc-v2"}).code, 0);
  const Model model = Model::load("synthetic:" + (folder_ / "m.json").string());
  EXPECT_EQ(read_npy(folder_ / "exp/3_feature768/a.npy").values, model.extract(waveform, {.layer = 12}).data);
}

TEST_F(PresetTest, RvcOnTheFolderOfWavsAndElsewhere) {
  write_config(false);
  make_experiment(folder_ / "exp");
  (void)extract({"exp", "--preset", "rvc-v1"});
  const auto expected = features_in(folder_ / "exp/3_feature256");
  EXPECT_EQ(expected.size(), 7U);
  for (const char* directory : {"exp/1_16k_wavs", "exp/1_16k_wavs/", "./exp/../exp/1_16k_wavs"}) {
    fs::remove_all(folder_ / "exp/3_feature256");
    (void)extract({directory, "--preset", "rvc-v1"});
    EXPECT_EQ(features_in(folder_ / "exp/3_feature256"), expected) << directory;
  }
  (void)extract({"exp", "--preset", "rvc-v1", "--out", "elsewhere"});
  EXPECT_EQ(features_in(folder_ / "elsewhere/3_feature256"), expected);
}

TEST_F(PresetTest, WhatRvcFixesCannotBeChanged) {
  write_config(false);
  make_experiment(folder_ / "exp");
  write_wav(folder_ / "a.wav", noise(2000));
  const std::vector<std::vector<std::string>> wrong = {{"exp", "--layer", "3"},
                                                       {"exp", "--final-proj"},
                                                       {"exp", "--format", "npy"},
                                                       {"exp", "--recursive"},
                                                       {"exp", "--repeat", "2"},
                                                       {"exp", "--max-seconds", "9"},
                                                       {"exp", "exp"},
                                                       {"a.wav"},
                                                       {"exp", "--overlap", "1"},
                                                       {"exp", "--index", "x.index"},
                                                       {"missing"}};
  for (std::vector<std::string> arguments : wrong) {
    arguments.insert(arguments.end(), {"--preset", "rvc-v2"});
    const Result result = extract(arguments);
    EXPECT_EQ(result.code, 2) << arguments[1];
    EXPECT_THAT(result.err, HasSubstr("preset"));
  }
  EXPECT_EQ(extract({"exp", "--preset", "rvc-v3"}).code, 2);
}

/// Nothing to do is an error, which says what was expected and what is there.
TEST_F(PresetTest, AFolderWithNothingToDo) {
  write_config(false);
  for (const char* name : {"empty", "exp/1_16k_wavs", "m4a/1_16k_wavs", "logs/voice/1_16k_wavs", "features",
                           "hidden", "filed", "linked/1_16k_wavs"}) {
    fs::create_directories(folder_ / name);
  }
  write_file(folder_ / "m4a/1_16k_wavs/a.m4a", std::string("audio that is not read"));
  write_npy(folder_ / "features/a.npy", "1, 48", noise(48));
  write_wav(folder_ / "hidden/._a.wav", noise(2000));
  write_file(folder_ / "filed/1_16k_wavs", std::string("not a folder"));
  fs::create_symlink("nowhere.wav", folder_ / "linked/1_16k_wavs/a.wav");
  write_wav(folder_ / "logs/voice/1_16k_wavs/a.wav", noise(2000));
  write_wav(folder_ / "a.wav", noise(2000));
  const std::map<std::string, std::string> found = {{"empty", "no audio files; "},
                                                    {"exp", "1_16k_wavs\" has no audio files; "},
                                                    {"m4a", "but .m4a (1, such as a.m4a)"},
                                                    {"logs", "\"logs/voice\"?"},
                                                    {"features", "but .npy (1, such as a.npy)"},
                                                    {"hidden", "no audio files; "},
                                                    {"filed", "no audio files, but "},
                                                    {"linked", "broken links (1, such as a.wav)"},
                                                    {"a.wav", "Not a directory"},
                                                    {"missing", "No such file or directory"}};
  for (const char* preset : {"rvc-v1", "rvc-v2"}) {
    for (const auto& [folder, text] : found) {
      const auto before = names_in(folder_.path());
      const Result result = extract({folder, "--preset", preset});
      EXPECT_EQ(result.code, 2) << folder;
      EXPECT_THAT(result.err, HasSubstr(text)) << folder;
      EXPECT_THAT(result.err, HasSubstr("takes an experiment's directory (logs/NAME), which has 1_16k_wavs"))
          << folder;
      EXPECT_EQ(names_in(folder_.path()), before);
    }
  }
}

TEST_F(PresetTest, OtherAudioThanWavIsDone) {
  write_config(false);
  const fs::path audio = folder_ / "exp/1_16k_wavs";
  fs::create_directories(audio);
  // 16 kHz, 16 bit, mono: 3000 samples
  write_file(audio / "a.au", std::string(".snd\0\0\0\x18\0\0\x17\x70\0\0\0\x03\0\0\x3E\x80\0\0\0\x01", 24) +
                                 std::string(6000, 'x'));
  write_wav(audio / "b.WAV", noise(3000));
  const Result alone = extract({"exp", "--preset", "rvc-v2"});
  EXPECT_EQ(alone.code, 0) << alone.err;
  EXPECT_THAT(names_in(folder_ / "exp/3_feature768"), ElementsAre("a.npy", "b.npy"));
  // Beside WAV files, too; where one has the name, it is the one.
  write_wav(audio / "a.wav", noise(4000));
  fs::remove_all(folder_ / "exp/3_feature768");
  const Result beside = extract({"exp", "--preset", "rvc-v2"});
  EXPECT_EQ(beside.code, 0) << beside.err;
  EXPECT_THAT(names_in(folder_ / "exp/3_feature768"), ElementsAre("a.npy", "b.npy"));
  EXPECT_EQ(read_npy(folder_ / "exp/3_feature768/a.npy").shape[0], 12) << "(4000 - 400) / 320 + 1";
  EXPECT_THAT(beside.err, HasSubstr("names that another has (1, such as a.au)"));
  // FLACs are taken, too: this one is at another rate.
  fs::copy_file(data() / "audio" / "speech.flac", audio / "c.flac");
  EXPECT_THAT(extract({"exp", "--preset", "rvc-v2"}).err, HasSubstr("c.flac: its sample rate is 22050 Hz"));
}

TEST_F(PresetTest, AShardWithNothingInItSaysSo) {
  write_config(false);
  fs::create_directories(folder_ / "exp/1_16k_wavs");
  write_wav(folder_ / "exp/1_16k_wavs/a.wav", noise(3000));
  const Result result = extract({"exp", "--preset", "rvc-v2", "--shard", "2/2"});
  EXPECT_EQ(result.code, 0);
  EXPECT_THAT(result.err, HasSubstr("nothing to do"));
}

TEST_F(PresetTest, WhatIsThereAndBrokenIsWrittenAnew) {
  write_config(false);
  fs::create_directories(folder_ / "exp/1_16k_wavs");
  fs::create_directories(folder_ / "exp/3_feature768");
  write_wav(folder_ / "exp/1_16k_wavs/a.wav", noise(3000));
  write_file(folder_ / "exp/3_feature768/a.npy", std::string());
  EXPECT_EQ(extract({"exp", "--preset", "rvc-v2"}).code, 0);
  EXPECT_THAT(read_npy(folder_ / "exp/3_feature768/a.npy").shape, ElementsAre(9, 48));
}

/// Applio's rvc/train/extract/extract.py: every WAV of sliced_audios_16k, the embedder's last hidden state,
/// never normalised, to extracted/.
TEST_F(PresetTest, ApplioIsItsExtractedFolder) {
  write_config(true);  // whatever the checkpoint says
  const std::vector<float> samples = noise(20000);
  fs::create_directories(folder_ / "logs/voice/sliced_audios_16k");
  write_wav(folder_ / "logs/voice/sliced_audios_16k/0_0_0.wav", samples);
  const Model model = Model::load("synthetic:" + (folder_ / "m.json").string());
  for (const char* given : {"logs/voice", "logs/voice/sliced_audios_16k/"}) {
    fs::remove_all(folder_ / "logs/voice/extracted");
    const Result result = extract({given, "--preset", "applio"});
    ASSERT_EQ(result.code, 0) << result.err;
    EXPECT_THAT(names_in(folder_ / "logs/voice/extracted"), ElementsAre("0_0_0.npy"));
    const Array found = read_npy(folder_ / "logs/voice/extracted/0_0_0.npy");
    EXPECT_THAT(found.shape, ElementsAre(62, 48));
    EXPECT_EQ(found.values, model.extract(samples, {.normalize = Normalize::kOff}).data);
  }
  EXPECT_EQ(extract({"logs/voice", "--preset", "applio", "--normalize", "on"}).code, 2);
  fs::create_directories(folder_ / "empty");
  const Result nothing = extract({"empty", "--preset", "applio"});
  EXPECT_EQ(nothing.code, 2);
  EXPECT_THAT(nothing.err, HasSubstr("which has sliced_audios_16k"));
}

TEST_F(PresetTest, SoftVcPadsByFortySamples) {
  write_config(false);
  const Model model = Model::load("synthetic:" + (folder_ / "m.json").string());
  for (const size_t samples : {320U, 16000U, 16001U}) {
    const std::vector<float> waveform = noise(samples);
    write_wav(folder_ / "a.wav", waveform);
    ASSERT_EQ(extract({"a.wav", "--preset", "soft-vc", "--final-proj", "--json"}).code, 0);
    std::vector<float> padded(40);
    padded.insert(padded.end(), waveform.begin(), waveform.end());
    padded.resize(padded.size() + 40);
    const Array found = read_npy(folder_ / "a.npy");
    EXPECT_THAT(found.shape, ElementsAre(static_cast<int64_t>(samples / 320), 20)) << "a frame for every hop";
    EXPECT_EQ(found.values, model.extract(padded, {.final_proj = true}).data);
  }
}

}  // namespace
}  // namespace contentvec::test
