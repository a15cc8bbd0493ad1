// contentvec convert: what it writes, over the library's Converter.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <limits>
#include <map>
#include <thread>

#include "allocations.h"
#include "cli/convert_case.h"
#include "contentvec/contentvec.h"
#include "contentvec/converter.h"
#include "contentvec/pitch.h"

namespace contentvec::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST_F(ConvertTest, WritesWhatTheLibraryGives) {
  const Converted expected = converter().convert(noise_, 16000, {.key = 3, .seed = 11});
  const Result result = convert({"a.wav", "--key", "3", "--seed", "11"});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("[1/1] a.wav -> a.converted.wav  0.4"));
  EXPECT_THAT(result.err, HasSubstr(" s at 48000 Hz, median pitch "));
  EXPECT_EQ(audio_rate(folder_ / "a.converted.wav"), 48000);
  const std::vector<float> pcm16 = samples_in("a.converted.wav");
  const std::vector<int16_t> scaled = to_pcm16(expected.waveform);
  ASSERT_EQ(pcm16.size(), scaled.size());
  for (size_t i = 0; i < scaled.size(); ++i) ASSERT_EQ(pcm16[i] * 32768, static_cast<float>(scaled[i])) << i;

  ASSERT_EQ(convert({"a.wav", "--key", "3", "--seed", "11", "--encoding", "float", "-o", "f.wav"}).code, 0);
  EXPECT_EQ(samples_in("f.wav"), expected.waveform) << "as it is before it is scaled to integers";
  ASSERT_EQ(convert({"a.wav", "--key", "3", "--seed", "11", "-o", "b.flac"}).code, 0);
  EXPECT_EQ(samples_in("b.flac"), pcm16);
  ASSERT_EQ(convert({"a.wav", "--key", "3", "--seed", "11", "--encoding", "pcm24", "-o", "c.flac"}).code, 0);
  const std::vector<float> pcm24 = samples_in("c.flac");
  ASSERT_EQ(pcm24.size(), pcm16.size());
  for (size_t i = 0; i < pcm24.size(); ++i) ASSERT_EQ(std::trunc(pcm24[i] * 32768), pcm16[i] * 32768) << i;
  EXPECT_NE(pcm24, pcm16);
}

TEST_F(ConvertTest, EveryOptionIsTheLibrarys) {
  const std::string voice = rvc_synthetic("tiny-v2-48k");
  const ConvertOptions options = {.key = -2.5,
                                  .speaker = 1,
                                  .rms_mix_rate = 0.5F,
                                  .unvoiced = Unvoiced::kKeep,
                                  .pitch_threshold = 0.45,
                                  .formant = 2,
                                  .crossfade_ms = 20,
                                  .seed = 18446744073709551615U,
                                  .output_rate = 44100};
  const Converted expected = converter().convert(noise_, 16000, options);
  const Result result = convert({"a.wav",
                                 "--key",
                                 "-2.5",
                                 "--speaker",
                                 "1",
                                 "--rms-mix-rate",
                                 "0.5",
                                 "--unvoiced",
                                 "keep",
                                 "--pitch-threshold",
                                 "0.45",
                                 "--formant",
                                 "2",
                                 "--crossfade",
                                 "20",
                                 "--seed",
                                 "18446744073709551615",
                                 "--rate",
                                 "44100",
                                 "--encoding",
                                 "float",
                                 "--threads",
                                 "1",
                                 "--json"});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(samples_in("a.converted.wav"), expected.waveform);
  const nlohmann::json line = parsed(result.out);
  EXPECT_EQ(line["output"], "a.converted.wav");
  EXPECT_EQ(line["sample_rate"], 44100);
  EXPECT_EQ(line["channels"], 1);
  EXPECT_EQ(line["samples"], expected.waveform.size());
  EXPECT_EQ(line["seed"], 18446744073709551615U);
  EXPECT_EQ(line["audio_seconds"], 0.5);
  EXPECT_EQ(line["voiced"], std::count_if(expected.pitch.f0.begin(), expected.pitch.f0.end(),
                                          [](float hz) { return hz > 0; }));
  EXPECT_FALSE(line.contains("index"));
}

TEST_F(ConvertTest, SeedsAreDrawnAndTold) {
  write_wav(folder_ / "b.wav", noise_);
  const Result first = convert({"a.wav", "b.wav", "--out", "one", "--json", "-v"});
  ASSERT_EQ(first.code, 0) << first.err;
  const nlohmann::json line = parsed(lines_of(first.out).front());
  const std::string seed = line["seed"].dump();
  EXPECT_THAT(first.err, HasSubstr("the seed of the noise is " + seed + "; --seed " + seed));
  EXPECT_EQ(read_file(folder_ / "one/a.wav"), read_file(folder_ / "one/b.wav")) << "one seed for all";
  ASSERT_EQ(convert({"a.wav", "--out", "two/", "--seed", seed}).code, 0);
  EXPECT_EQ(read_file(folder_ / "two/a.wav"), read_file(folder_ / "one/a.wav"));
  const Result other = convert({"a.wav", "--out", "three/"});
  EXPECT_THAT(other.err, Not(HasSubstr("seed")));
  EXPECT_NE(read_file(folder_ / "three/a.wav"), read_file(folder_ / "one/a.wav"));
}

/// A result is the recording's alone, whatever else is converted, and when.
TEST_F(ConvertTest, TheOrderOfFilesChangesNothing) {
  fs::create_directory(folder_ / "in");
  const std::vector<std::string> names = {"in/a.wav", "in/b.wav", "in/c.wav", "in/d.wav"};
  for (size_t i = 0; i < names.size(); ++i) write_wav(folder_ / names[i], noise(4000 + 3000 * ((i * 3) % 4)));
  const auto results_of = [&](std::vector<std::string> inputs, const std::string& out) {
    inputs.insert(inputs.end(), {"--seed", "1", "--out", out + "/"});
    const Result result = convert(inputs);
    EXPECT_EQ(result.code, 0) << result.err;
    std::map<std::string, std::vector<std::byte>> results;
    for (const std::string& name : names_in(folder_ / out)) results[name] = read_file(folder_ / out / name);
    return results;
  };
  const auto together = results_of({"in"}, "together");
  ASSERT_EQ(together.size(), names.size());
  EXPECT_EQ(results_of({names[2], names[3], names[0], names[1], "--threads", "1"}, "mixed"), together);
  for (const auto& [name, bytes] : results_of({names[1]}, "alone"))
    EXPECT_EQ(bytes, together.at(name)) << name;
}

TEST_F(ConvertTest, StandardStreams) {
  ASSERT_EQ(convert({"a.wav", "--seed", "1", "-o", "a1.wav"}).code, 0);
  const Result piped = convert({"-", "--seed", "1", "-o", "-"}, {.input = folder_ / "a.wav"});
  EXPECT_EQ(piped.code, 0) << piped.err;
  EXPECT_EQ(piped.out, text_of(folder_ / "a1.wav"));
  EXPECT_THAT(convert({"a.wav", "-o", "-", "--format", "flac"}).out, testing::StartsWith("fLaC"));
  ASSERT_EQ(convert({"-"}, {.input = folder_ / "a.wav"}).code, 0);
  EXPECT_TRUE(fs::exists(folder_ / "stdin.converted.wav"));
}

TEST_F(ConvertTest, FoldersShardsAndWhatIsThere) {
  fs::create_directories(folder_ / "in/below");
  for (const char* name : {"in/a.wav", "in/b.wav", "in/below/c.wav"}) write_wav(folder_ / name, noise_);
  for (const char* shard : {"1/2", "2/2"})
    ASSERT_EQ(convert({"in", "--recursive", "--out", "out", "--shard", shard, "--seed", "1"}).code, 0);
  EXPECT_THAT(names_in(folder_ / "out"), ElementsAre("a.wav", "b.wav", "below"));
  EXPECT_THAT(names_in(folder_ / "out/below"), ElementsAre("c.wav"));
  const auto whole = read_file(folder_ / "out/a.wav");
  fs::resize_file(folder_ / "out/a.wav", 4000);
  const Result again =
      convert({"in", "--recursive", "--out", "out", "--skip-existing", "--seed", "1", "--json"});
  EXPECT_EQ(again.code, 0);
  EXPECT_THAT(again.err,
              AllOf(HasSubstr("1 of 3 done"), HasSubstr("2 were there already"),
                    HasSubstr("what was there already is written anew: it has 4000 bytes, and says")));
  EXPECT_EQ(read_file(folder_ / "out/a.wav"), whole);
}

TEST_F(ConvertTest, WhatAnEarlierRunMadeIsNoRecording) {
  write_wav(folder_ / "b.wav", noise_);
  ASSERT_EQ(convert({".", "--seed", "1"}).code, 0);
  EXPECT_TRUE(fs::exists(folder_ / "a.converted.wav"));
  const Result again = convert({".", "--seed", "1"});
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_THAT(again.err, HasSubstr("left out, as an earlier run wrote them: ./a.converted.wav and 1 more\n"));
  EXPECT_FALSE(fs::exists(folder_ / "a.converted.converted.wav"));
  const Result named = convert({"a.wav", "a.converted.wav", "b.wav", "--skip-existing", "--seed", "1"});
  EXPECT_EQ(named.code, 0) << named.err;
  EXPECT_FALSE(fs::exists(folder_ / "a.converted.converted.wav"));
  // By itself it is one.
  EXPECT_EQ(convert({"a.converted.wav"}).code, 0);
  EXPECT_TRUE(fs::exists(folder_ / "a.converted.converted.wav"));
}

/// The outputs of a run that is begun again lie among its inputs.
TEST_F(ConvertTest, AnotherRunTakesOutputsForOutputs) {
  fs::create_directory(folder_ / "below");
  fs::copy_file(folder_ / "a.wav", folder_ / "below/b.wav");
  const auto wrote = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--seed", "1", "--json"});
    const Result result = convert(arguments);
    EXPECT_EQ(result.code, 0) << result.err;
    std::vector<std::string> outputs;
    for (const std::string& line : lines_of(result.out)) {
      const nlohmann::json object = parsed(line);
      outputs.push_back(object["output"].get<std::string>() + (object.contains("skipped") ? " skipped" : ""));
    }
    return outputs;
  };
  for (int run = 0; run < 2; ++run) {
    EXPECT_THAT(wrote({"."}), ElementsAre("a.converted.wav"));
    EXPECT_THAT(wrote({".", "--format", "flac"}), ElementsAre("a.converted.flac"));
  }
  EXPECT_THAT(wrote({".", "--skip-existing"}), ElementsAre("a.converted.wav skipped"));
  // As a shell makes *.wav of them, and alone.
  const Result named = convert({"a.converted.wav", "a.wav"});
  EXPECT_EQ(named.code, 0) << named.err;
  EXPECT_THAT(named.err, HasSubstr("note: left out, as an earlier run wrote it: a.converted.wav\n"));
  EXPECT_THAT(wrote({"a.converted.wav"}), ElementsAre("a.converted.converted.wav"));
  for (const char* name : {"a.converted.wav", "a.converted.flac", "a.converted.converted.wav"})
    fs::remove(folder_ / name);
  for (int run = 0; run < 2; ++run) {
    EXPECT_THAT(wrote({".", "--recursive", "--out", "below/out"}),
                ElementsAre("below/out/a.wav", "below/out/below/b.wav"));
  }
  EXPECT_THAT(wrote({"below/out", "--out", "below/out/again"}), ElementsAre("below/out/again/a.wav"));
  // Recordings stay what is not written over.
  EXPECT_EQ(convert({".", "--out", "."}).code, 2);
}

TEST_F(ConvertTest, WhatIsThereIsOfThisRate) {
  const auto redone = [&](std::vector<std::string> options) {
    options.insert(options.begin(), {"a.wav", "--out", "out/", "--skip-existing", "--json"});
    const Result result = convert(options);
    EXPECT_EQ(result.code, 0) << result.err;
    return !parsed(result.out).contains("skipped");
  };
  for (const std::vector<std::string>& options :
       std::vector<std::vector<std::string>>{{},
                                             {"--rate", "44100"},
                                             {"--encoding", "float"},
                                             {"--encoding", "pcm24"},
                                             {"--format", "flac"},
                                             {"--format", "flac", "--rate", "44100"},
                                             {"--format", "flac", "--encoding", "pcm24"}}) {
    EXPECT_TRUE(redone(options)) << testing::PrintToString(options);
    EXPECT_FALSE(redone(options)) << testing::PrintToString(options);
  }
  write_file(folder_ / "out/a.wav", std::string("RIFF"));
  EXPECT_TRUE(redone({}));
  write_file(folder_ / "out/a.flac", std::string("fLaC"));
  EXPECT_TRUE(redone({"--format", "flac"}));
  for (const std::string format : {"wav", "flac"}) {
    const fs::path file = folder_ / ("out/a." + format);
    for (const double part : {0.99, 0.5}) {
      fs::resize_file(file, static_cast<uintmax_t>(static_cast<double>(fs::file_size(file)) * part));
      EXPECT_TRUE(redone({"--format", format})) << format << " " << part;
      EXPECT_FALSE(redone({"--format", format})) << format;
    }
  }
}

TEST_F(ConvertTest, WhatIsThereHasTheseChannels) {
  write_stereo("b.wav");
  for (const std::string format : {"wav", "flac"}) {
    const auto skipped = [&](const std::string& input, const std::string& channels) {
      const Result result =
          convert({input, "--channels", channels, "--format", format, "--out", "out/", "--skip-existing"});
      EXPECT_EQ(result.code, 0) << result.err;
      return result.err.find("already is written anew") == std::string::npos;
    };
    const auto expect_alternating = [&](bool alternating) {
      EXPECT_EQ(skipped("b.wav", "each"), !alternating);
      EXPECT_TRUE(skipped("b.wav", "each"));
      EXPECT_FALSE(skipped("b.wav", "mono"));
      EXPECT_TRUE(skipped("b.wav", "mono"));
    };
    expect_alternating(false);
    expect_alternating(true);
    EXPECT_TRUE(skipped("a.wav", "mono"));
    EXPECT_TRUE(skipped("a.wav", "each"));  // which has one channel
  }
}

TEST_F(ConvertTest, EachChannel) {
  write_stereo("st.wav");
  const Converter library = converter();
  AudioChannels stereo = read_audio_channels(folder_ / "st.wav");
  std::vector<float> mean;
  for (size_t i = 0; i < noise_.size(); ++i)
    mean.push_back(
        static_cast<float>((static_cast<double>(stereo.channels[0][i]) + stereo.channels[1][i]) / 2));
  const std::vector<float> f0 = library.estimate_pitch(mean, 16000).f0;

  ASSERT_EQ(
      convert({"st.wav", "--channels", "each", "--seed", "4", "--encoding", "float", "-o", "x.wav"}).code, 0);
  AudioChannels written = read_audio_channels(folder_ / "x.wav");
  ASSERT_EQ(written.channels.size(), 2U);
  for (size_t c = 0; c < 2; ++c)
    EXPECT_EQ(written.channels[c],
              library.convert(stereo.channels[c], 16000, {.f0 = f0, .seed = 4}).waveform);

  const Result own = convert({"st.wav", "--channels", "each", "--channel-pitch", "own", "--seed", "4",
                              "--encoding", "float", "-o", "y.wav", "--json"});
  ASSERT_EQ(own.code, 0) << own.err;
  EXPECT_EQ(parsed(own.out)["channels"], 2);
  written = read_audio_channels(folder_ / "y.wav");
  for (size_t c = 0; c < 2; ++c)
    EXPECT_EQ(written.channels[c], library.convert(stereo.channels[c], 16000, {.seed = 4}).waveform);

  ASSERT_EQ(convert({"st.wav", "--seed", "4", "-o", "mono.wav"}).code, 0);
  EXPECT_EQ(samples_in("mono.wav").size(), written.channels[0].size());
  expect_same({"--channels", "each"}, {});  // of a mono recording
  write_file(folder_ / "nine.wav", wav(16000, 9, noise(9 * 8000)));
  const Result nine = convert({"nine.wav", "--channels", "each"});
  EXPECT_EQ(nine.code, 1);
  EXPECT_THAT(nine.err, HasSubstr("it has 9 channels, and 8 are the most"));
}

TEST_F(ConvertTest, APitchOfOnesOwn) {
  ASSERT_EQ(command({"pitch", "a.wav", "--pitch-model", rvc_synthetic("tiny-rmvpe"), "-o", "f0.csv"}).code,
            0);
  ASSERT_EQ(command({"pitch", "a.wav", "--pitch-model", rvc_synthetic("tiny-rmvpe"), "-o", "f0.npy"}).code,
            0);
  const std::vector<float> f0 = read_npy(folder_ / "f0.npy").values;
  const std::vector<float> expected = converter().convert(noise_, 16000, {.f0 = f0, .seed = 1}).waveform;
  for (const char* file : {"f0.csv", "f0.npy"}) {
    // The pitch model is not even looked for.
    const Result result =
        convert({"a.wav", "--f0", file, "--seed", "1", "--encoding", "float", "--pitch-model", "none.pt"});
    ASSERT_EQ(result.code, 0) << result.err;
    EXPECT_THAT(result.err, HasSubstr("--pitch-model has no effect: --f0 is the pitch"));
    EXPECT_EQ(samples_in("a.converted.wav"), expected) << file;
  }
  write_npy(folder_ / "short.npy", "10,", std::vector<float>(10, 100));
  write_npy(folder_ / "two.npy", "51, 1", noise(51));
  write_npy(folder_ / "wrong.npy", "51,", std::vector<float>(51, -1));
  write_file(folder_ / "hz.csv", std::string("time,hz\n0,100\n"));
  const auto refusal = [&](const std::string& file) {
    const Result result = convert({"a.wav", "--f0", file, "-o", "no.wav"});
    EXPECT_EQ(result.code, 1) << file;
    return result.err;
  };
  EXPECT_THAT(refusal("short.npy"), HasSubstr("the pitch has 10 values and the recording 51 frames"));
  EXPECT_THAT(refusal("two.npy"), HasSubstr("its shape has 2 dimensions"));
  EXPECT_THAT(refusal("wrong.npy"), HasSubstr("-1 Hz"));
  EXPECT_THAT(refusal("hz.csv"), HasSubstr("expected what `contentvec pitch` writes"));
  EXPECT_THAT(refusal("none.npy"), HasSubstr("none.npy"));
  EXPECT_EQ(convert({"a.wav", "b.wav", "--f0", "f0.csv"}).code, 2);
  EXPECT_EQ(convert({".", "--f0", "f0.csv"}).code, 2);
  EXPECT_FALSE(fs::exists(folder_ / "no.wav"));
}

TEST_F(ConvertTest, PresetsAreDefaults) {
  const std::vector<std::string> noisy = {"--pitch-threshold", half_voiced()};
  const auto with = [&](std::vector<std::string> options) {
    options.insert(options.end(), noisy.begin(), noisy.end());
    return options;
  };
  EXPECT_TRUE(differ({"--preset", "rvc-webui"}));
  expect_same({"--preset", "rvc-webui"}, {"--rms-mix-rate", "0.25"});
  expect_same(with({"--preset", "applio"}), with({"--unvoiced", "keep"}));
  expect_same(with({"--preset", "mlx-rvc"}), with({"--unvoiced", "keep"}));
  expect_same(with({"--preset", "applio", "--unvoiced", "interpolate", "--rms-mix-rate", "0"}),
              with({"--rms-mix-rate", "0"}));
}

#ifdef CONTENTVEC_HAVE_FAISS
TEST_F(ConvertTest, PresetsOfTheIndex) {
  const std::string threshold = half_voiced();
  const auto with = [&](std::vector<std::string> options) {
    options.insert(options.end(),
                   {"--index", small_index(), "--pitch-threshold", threshold, "--unvoiced", "keep"});
    return options;
  };
  EXPECT_TRUE(differ({"--index", small_index()}));
  EXPECT_FALSE(differ({"--index", small_index(), "--index-rate", "0"}));
  expect_same(with({"--preset", "rvc-webui", "--rms-mix-rate", "1"}),
              with({"--index-rate", "0.75", "--protect", "0.33"}));
  expect_same(with({"--preset", "applio"}), with({"--protect", "0.5"}));
  expect_same(with({"--preset", "mlx-rvc"}), with({"--index-rate", "0.5", "--protect", "0.5"}));
  expect_same(with({"--preset", "mlx-rvc", "--index-rate", "0.2", "--protect", "0.1"}),
              with({"--index-rate", "0.2", "--protect", "0.1"}));
}

#endif

TEST_F(ConvertTest, WhatIsMissingIsNamed) {
  const Result pitch = command({"convert", "a.wav", "--voice", rvc_synthetic("tiny-v2-48k"), "--model",
                                rvc_synthetic("pipeline-hubert-v2")});
  EXPECT_EQ(pitch.code, 1);
  EXPECT_THAT(pitch.err, AllOf(HasSubstr("rmvpe"), HasSubstr("--pitch-method fcpe")));
  const Result model = command({"convert", "a.wav", "--voice", rvc_synthetic("tiny-v2-48k"), "--pitch-model",
                                rvc_synthetic("tiny-rmvpe")});
  EXPECT_EQ(model.code, 1);
  EXPECT_THAT(model.err, HasSubstr(kDefaultModel));
  const Result v1 = command({"convert", "a.wav", "--voice", rvc_synthetic("tiny-v1-40k"), "--pitch-model",
                             rvc_synthetic("tiny-rmvpe")});
  EXPECT_THAT(v1.err, HasSubstr("rvc-hubert-base"));
  EXPECT_THAT(convert({"a.wav", "--pitch-method", "fcpe"}).err,
              HasSubstr("--pitch-method fcpe, but --pitch-model"));
  // A path that was mistyped is told before anything is loaded.
  const Result input = command({"convert", "missing.wav", "--voice", "missing.pth"});
  EXPECT_EQ(input.code, 1);
  EXPECT_THAT(input.err, AllOf(HasSubstr("contentvec: missing.wav: "), Not(HasSubstr("missing.pth"))));
  EXPECT_THAT(convert({"a.wav", "--voice", "missing.pth"}).err,
              AllOf(HasSubstr("missing.pth: there is no such file"), HasSubstr("Expected a voice"),
                    Not(HasSubstr("hubert"))));
  EXPECT_THAT(convert({"a.wav", "--pitch-model", "missing.pt"}).err,
              AllOf(HasSubstr("missing.pt: there is no such file"), HasSubstr("Expected an rmvpe.pt"),
                    Not(HasSubstr("hubert"))));
  EXPECT_THAT(names_in(folder_.path()), ElementsAre("a.wav"));
}

TEST_F(ConvertTest, FilesThatAreSomethingElse) {
  write_file(folder_ / "voice.pth", std::string("no voice"));
  EXPECT_EQ(convert({"a.wav", "--voice", "voice.pth"}).code, 1);
  EXPECT_THAT(convert({"a.wav", "--voice", "a.wav"}).err, HasSubstr("found a WAV sound file"));
  EXPECT_THAT(convert({"a.wav", "--voice", tiny_model().string()}).err, HasSubstr("expected a voice"));
  EXPECT_THAT(convert({"a.wav", "--voice", rvc_synthetic("tiny-v2-48k"), "--speaker", "99"}).err,
              HasSubstr("--speaker 99: this voice has"));
  EXPECT_EQ(convert({tiny_model().string()}).code, 1) << "a checkpoint as the recording";
  std::vector<float> broken = noise_;
  broken[100] = std::numeric_limits<float>::quiet_NaN();
  write_wav(folder_ / "nan.wav", broken);
  write_wav(folder_ / "short.wav", noise(300));
  write_wav(folder_ / "silent.wav", std::vector<float>(8000));
  const Result result = convert({"nan.wav", "short.wav", "silent.wav", "a.wav", "--out", "out"});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, HasSubstr("2 of 4 failed:\n  nan.wav\n  short.wav\n"));
  EXPECT_THAT(names_in(folder_ / "out"), ElementsAre("a.wav", "silent.wav"));
}

TEST_F(ConvertTest, Usage) {
  for (const std::vector<std::string>& wrong :
       std::vector<std::vector<std::string>>{{"--key", "49"},
                                             {"--key", "nan"},
                                             {"--protect", "0.6"},
                                             {"--index-rate", "2"},
                                             {"--rms-mix-rate", "-1"},
                                             {"--speaker", "-1"},
                                             {"--unvoiced", "drop"},
                                             {"--channels", "stereo"},
                                             {"--channel-pitch", "own"},
                                             {"--seed", "-1"},
                                             {"--seed", "x"},
                                             {"--seed", "18446744073709551616"},
                                             {"--threads", "99999999999999999999"},
                                             {"--f0", ""},
                                             {"--index", ""},
                                             {"-o", ""},
                                             {"--seed", "99999999999999999999999"},
                                             {"--seed", "1.5"},
                                             {"--seed", "+1"},
                                             {"--rate", "10"},
                                             {"--encoding", "mp3"},
                                             {"--format", "flac", "--encoding", "float"},
                                             {"--format", "mp3"},
                                             {"--out", "x.mp3"},
                                             {"--out", "a.wav"},
                                             {"--out", "-", "--json"},
                                             {"--preset", "rvc"},
                                             {"--dtype", "f16"},
                                             {"--plot", "-"}}) {
    std::vector<std::string> arguments = {"a.wav"};
    arguments.insert(arguments.end(), wrong.begin(), wrong.end());
    const Result result = convert(arguments);
    EXPECT_EQ(result.code, 2) << testing::PrintToString(wrong) << result.err;
  }
  EXPECT_THAT(command({"convert", "a.wav"}).err, HasSubstr("--voice is required"));
  EXPECT_THAT(convert({"a.wav", "--voice", "v.pth", "-o", "v.pth/"}).err, Not(IsEmpty()));
  EXPECT_THAT(names_in(folder_.path()), ElementsAre("a.wav"));
}

TEST_F(ConvertTest, TheLargestSeed) {
  const Result result = convert({"a.wav", "--seed", "18446744073709551615", "--json"});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(parsed(result.out)["seed"], std::numeric_limits<uint64_t>::max());
}

TEST_F(ConvertTest, APictureOfBoth) {
  const Result result = convert({"a.wav", "--plot", "a.svg", "--json"});
  if (result.code != 0 && result.err.find("cannot draw") != std::string::npos) GTEST_SKIP() << result.err;
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(parsed(result.out)["plot"], "a.svg");
  EXPECT_THAT(text_of(folder_ / "a.svg"), testing::StartsWith("<?xml"));
  write_file(folder_ / "a.svg", std::string("cut"));
  const Result again = convert({"a.wav", "--plot", "a.svg", "--skip-existing"});
  EXPECT_THAT(again.err, HasSubstr("it does not begin as a .svg file does"));
}

TEST_F(ConvertTest, AFullDiskLeavesTheOldFile) {
  write_file(folder_ / "x.wav", std::string("old"));
  const Result full = convert({"a.wav", "--out", "x.wav"}, {.largest_file = 4096});
  EXPECT_EQ(full.code, 1);
  EXPECT_EQ(text_of(folder_ / "x.wav"), "old");
  EXPECT_THAT(names_in(folder_.path()), ElementsAre("a.wav", "x.wav"));
  const Result out = convert({"a.wav", "--out", "-"}, {.output = "/dev/full"});
  EXPECT_EQ(out.code, 1);
  EXPECT_THAT(out.err, HasSubstr("No space left"));
}

/// Four more minutes cost the memory of their samples, three times: as recorded, with the padding, and converted. What
/// a piece takes the first two have, too.
TEST_F(ConvertTest, MemoryGrowsWithTheSamplesAlone) {
  if (!allocations_are_counted()) GTEST_SKIP() << "a sanitizer keeps freed memory";
  const auto model = [&](const std::string& name, const nlohmann::json& config) {
    write_file(folder_ / (name + ".json"), config.dump());
    return "synthetic:" + name + ".json";
  };
  nlohmann::json voice = read_json(oracle_rvc() / "configs/tiny-v1-40k.json");
  voice.update({{"inter_channels", 4},
                {"hidden_channels", 6},
                {"filter_channels", 4},
                {"n_layers", 1},
                {"resblock", "2"},
                {"resblock_kernel_sizes", {3}},
                {"resblock_dilation_sizes", nlohmann::json::array({{1, 3}})},
                {"upsample_rates", {16, 10}},
                {"upsample_kernel_sizes", {32, 20}},
                {"upsample_initial_channel", 8},
                {"sr", 16000}});
  nlohmann::json features = read_json(oracle_rvc() / "configs/pipeline-hubert-v1.json");
  features.update({{"encoder_embed_dim", 8}, {"encoder_ffn_embed_dim", 8}});
  const std::vector<std::string> options = {
      "--voice",       model("voice", voice),
      "--model",       model("features", features),
      "--pitch-model", model("pitch", {{"kind", "fcpe"}, {"hidden_dims", 8}, {"n_layers", 1}})};
  constexpr size_t kMinute = size_t{60} * 16000;
  std::vector<int64_t> peaks;
  for (const size_t minutes : {2U, 6U}) {
    write_wav(folder_ / "long.wav", noise(minutes * kMinute));
    std::vector<std::string> arguments = {"long.wav"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    const Result result = convert(arguments);
    ASSERT_EQ(result.code, 0) << result.err;
    peaks.push_back(result.peak_memory);
  }
  const int64_t samples = 4 * kMinute * sizeof(float);
  EXPECT_LT(peaks[1] - peaks[0], 3 * samples + samples / 2);
}

TEST_F(ConvertTest, InterruptedItLeavesNothing) {
  write_wav(folder_ / "long.wav", noise(16000 * 300));
  Process process(
      {"convert", "a.wav", "long.wav", "--voice", rvc_synthetic("tiny-v2-48k"), "--model",
       rvc_synthetic("pipeline-hubert-v2"), "--pitch-model", rvc_synthetic("tiny-rmvpe"), "--out", "out"},
      {.folder = folder_.path()});
  while (process.running() && !fs::exists(folder_ / "out/a.wav"))
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  ASSERT_TRUE(process.running());
  process.send(SIGINT);
  EXPECT_EQ(process.wait().signal, SIGINT);
  EXPECT_THAT(names_in(folder_ / "out"), ElementsAre("a.wav"));
}

}  // namespace
}  // namespace contentvec::test
