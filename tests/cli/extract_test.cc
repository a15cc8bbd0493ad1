// What `contentvec extract` writes where, and what it says.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "cli/files.h"
#include "cli/process.h"
#include "support.h"

namespace contentvec::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

class ExtractTest : public testing::Test {
 protected:
  /// A WAV of `frames` frames in the test's folder.
  void add(const std::string& name, size_t frames = 5) {
    fs::create_directories((folder_ / name).parent_path());
    write_wav(folder_ / name, noise(400 + 320 * (frames - 1)));
  }

  Result extract(std::vector<std::string> arguments, Surroundings surroundings = {}) {
    arguments.insert(arguments.begin(), {"extract", "--model", tiny_model().string()});
    surroundings.folder = folder_.path();
    return run(arguments, surroundings);
  }

  void expect_usage_error(const std::vector<std::string>& arguments, const std::string& text) {
    const Result result = extract(arguments);
    EXPECT_EQ(result.code, 2);
    EXPECT_THAT(result.err, HasSubstr(text));
    EXPECT_EQ(result.out, "");
  }

  TemporaryFolder folder_;
};

TEST_F(ExtractTest, OneInputToTheCurrentDirectory) {
  add("a.b.wav");
  const Result result = extract({"a.b.wav"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(names_in(folder_.path()), ElementsAre("a.b.npy", "a.b.wav"));
  EXPECT_THAT(read_npy(folder_ / "a.b.npy").shape, ElementsAre(5, 48));
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.err, HasSubstr("[1/1] a.b.wav -> a.b.npy  5 frames x 48  (0.1 s audio in "));
}

TEST_F(ExtractTest, TellsWhatIsOddAboutTheAudio) {
  add("cut.wav", 20);
  fs::resize_file(folder_ / "cut.wav", fs::file_size(folder_ / "cut.wav") - 4000);
  add("whole.wav");
  const Result result = extract({"cut.wav", "whole.wav", "--out", "features/", "--json"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("contentvec: warning: cut.wav: the header promises 6480 samples"));
  std::istringstream lines(result.out);
  std::string cut, whole;
  std::getline(lines, cut), std::getline(lines, whole);
  EXPECT_THAT(cut, HasSubstr("\"warnings\":[\"the header promises 6480 samples (0.41 s), 5480"));
  EXPECT_THAT(whole, Not(HasSubstr("warnings")));
}

TEST_F(ExtractTest, OneInputToTheFileNamed) {
  add("a.wav");
  EXPECT_EQ(extract({"a.wav", "--out", "new/folder/x.npy"}).code, 0);
  EXPECT_THAT(read_npy(folder_ / "new/folder/x.npy").shape, ElementsAre(5, 48));
  EXPECT_EQ(extract({"a.wav", "--out", "x.safetensors"}).code, 0);
  EXPECT_THAT(read_safetensors(folder_ / "x.safetensors").tensors.at("features").shape, ElementsAre(5, 48));
}

TEST_F(ExtractTest, DirectoriesOfOutputs) {
  add("a.wav");
  add("b.wav");
  EXPECT_EQ(extract({"a.wav", "--out", "one/"}).code, 0);
  EXPECT_THAT(names_in(folder_ / "one"), ElementsAre("a.npy"));
  EXPECT_EQ(extract({"a.wav", "b.wav", "--out", "two/deep"}).code, 0);
  EXPECT_THAT(names_in(folder_ / "two/deep"), ElementsAre("a.npy", "b.npy"));
  EXPECT_EQ(extract({"b.wav", "--out", "one", "--format", "safetensors"}).code, 0);
  EXPECT_THAT(names_in(folder_ / "one"), ElementsAre("a.npy", "b.safetensors"));
}

TEST_F(ExtractTest, ADirectoryStandsForTheAudioFilesInIt) {
  for (const char* name : {"in/b.WAV", "in/a.wav", "in/._a.wav", "in/deep/c.wav"}) add(name);
  write_file(folder_ / "in/notes.txt", std::string("not audio"));
  const Result result = extract({"in", "--out", "out", "--json"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(names_in(folder_ / "out"), ElementsAre("a.npy", "b.npy"));
  ASSERT_EQ(lines_of(result.out).size(), 2U);
  EXPECT_EQ(nlohmann::json::parse(lines_of(result.out)[0])["path"], "in/a.wav");
}

TEST_F(ExtractTest, ADirectoryWithoutAudioFails) {
  fs::create_directory(folder_ / "in");
  add("a.wav");
  const Result result = extract({"in", "a.wav"});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, HasSubstr("contentvec: in: no audio files in this directory"));
  EXPECT_TRUE(fs::exists(folder_ / "a.npy"));
}

TEST_F(ExtractTest, StandardInput) {
  add("a.wav");
  EXPECT_EQ(extract({"-", "--json"}, {.input = folder_ / "a.wav"}).code, 0);
  EXPECT_EQ(extract({"a.wav"}).code, 0);
  EXPECT_EQ(read_file(folder_ / "stdin.npy"), read_file(folder_ / "a.npy"));
  const Result empty = extract({"-"});
  EXPECT_EQ(empty.code, 1);
  EXPECT_THAT(empty.err, HasSubstr("contentvec: standard input: cannot read audio: "));
}

TEST_F(ExtractTest, AllLayersAreOneArray) {
  add("a.wav");
  ASSERT_EQ(extract({"a.wav", "--layer", "all", "--out", "all.npy"}).code, 0);
  const Array all = read_npy(folder_ / "all.npy");
  ASSERT_THAT(all.shape, ElementsAre(3, 5, 48));
  for (size_t layer = 1; layer <= 3; ++layer) {
    ASSERT_EQ(extract({"a.wav", "--layer", std::to_string(layer), "--out", "one.npy"}).code, 0);
    const auto begin = all.values.begin() + static_cast<int64_t>((layer - 1) * 5 * 48);
    EXPECT_EQ(read_npy(folder_ / "one.npy").values, std::vector<float>(begin, begin + 5 * 48)) << layer;
  }
}

TEST_F(ExtractTest, FinalProjectionOfAllLayers) {
  add("a.wav");
  ASSERT_EQ(extract({"a.wav", "--layer", "all", "--final-proj", "--json"}).code, 0);
  EXPECT_THAT(read_npy(folder_ / "a.npy").shape, ElementsAre(3, 5, 20));
}

TEST_F(ExtractTest, SafetensorsSaysWhatItHolds) {
  add("a.wav");
  ASSERT_EQ(extract({"a.wav", "--layer", "2", "--final-proj", "--out", "a.safetensors"}).code, 0);
  const auto metadata = read_safetensors(folder_ / "a.safetensors").metadata;
  EXPECT_EQ(metadata.at("model"), tiny_model().string());
  EXPECT_EQ(metadata.at("layer"), "2");
  EXPECT_EQ(metadata.at("final_proj"), "true");
  EXPECT_EQ(metadata.at("normalize"), "off");
  EXPECT_EQ(metadata.at("sample_rate"), "16000");
  EXPECT_EQ(metadata.at("hop"), "320");
  EXPECT_FALSE(metadata.at("version").empty());
}

TEST_F(ExtractTest, JsonLines) {
  add("a.wav", 49);
  const Result result = extract({"a.wav", "missing.wav", "--json", "--layer", "all"});
  EXPECT_EQ(result.code, 1);
  const std::vector<std::string> lines = lines_of(result.out);
  ASSERT_EQ(lines.size(), 2U);
  const auto done = nlohmann::json::parse(lines[0]);
  EXPECT_EQ(done["path"], "a.wav");
  EXPECT_EQ(done["output"], "a.npy");
  EXPECT_EQ(done["layers"], 3);
  EXPECT_EQ(done["frames"], 49);
  EXPECT_EQ(done["dim"], 48);
  EXPECT_DOUBLE_EQ(done["audio_seconds"].get<double>(), (400 + 320 * 48) / 16000.0);
  EXPECT_GT(done["seconds"].get<double>(), 0);
  const auto failed = nlohmann::json::parse(lines[1]);
  EXPECT_EQ(failed["path"], "missing.wav");
  EXPECT_FALSE(failed["error"].get<std::string>().empty());
  EXPECT_THAT(result.err, HasSubstr("contentvec: missing.wav: " + failed["error"].get<std::string>()));
}

TEST_F(ExtractTest, NamesThatAreNotUtf8OrLookLikeLists) {
  add("\xff.wav");
  add("[1,2]/a.wav");
  const Result result = extract({"\xff.wav", "[1,2]", "--json"});
  EXPECT_EQ(result.code, 0) << result.err;
  ASSERT_EQ(lines_of(result.out).size(), 2U);
  const auto line = nlohmann::json::parse(lines_of(result.out)[0]);
  EXPECT_EQ(line["path"], "\xef\xbf\xbd.wav");
  EXPECT_EQ(line["path_bytes"], "%FF.wav") << "what it is, as in a URL";
  EXPECT_EQ(line["output_bytes"], "%FF.npy");
  EXPECT_FALSE(nlohmann::json::parse(lines_of(result.out)[1]).contains("path_bytes"));
  EXPECT_TRUE(fs::exists(folder_ / "\xff.npy"));
  EXPECT_TRUE(fs::exists(folder_ / "a.npy"));
}

TEST_F(ExtractTest, AModelWhoseNameIsNotUtf8IsInTheMetadata) {
  add("a.wav");
  fs::copy_file(tiny_model(), folder_ / "\xe9.pt");
  const Result result = run({"extract", "a.wav", "--model", "\xe9.pt", "--format", "safetensors", "--json"},
                            {.folder = folder_.path()});
  EXPECT_EQ(result.code, 0) << result.err;
  const auto metadata = read_safetensors(folder_ / "a.safetensors").metadata;
  EXPECT_EQ(metadata.at("model"), "\xef\xbf\xbd.pt");
  EXPECT_EQ(metadata.at("model_bytes"), "%E9.pt");
  EXPECT_EQ(run({"info", "\xe9.pt", "--json"}, {.folder = folder_.path()}).code, 0);
  EXPECT_THAT(extract({"\xff.wav", "--json"}).out, HasSubstr("\"path_bytes\":\"%FF.wav\""))
      << "an error's, too";
}

TEST_F(ExtractTest, NormalizeOverridesTheCheckpoint) {
  add("a.wav");
  for (const char* when : {"auto", "on", "off"}) {
    ASSERT_EQ(extract({"a.wav", "--normalize", when, "--out", std::string(when) + ".npy"}).code, 0);
  }
  EXPECT_EQ(read_file(folder_ / "auto.npy"), read_file(folder_ / "off.npy"));
  EXPECT_NE(read_file(folder_ / "auto.npy"), read_file(folder_ / "on.npy"));
}

TEST_F(ExtractTest, ThreadsChangeNothing) {
  add("a.wav", 99);
  for (const char* threads : {"1", "2", "7"}) {
    ASSERT_EQ(extract({"a.wav", "--threads", threads, "--out", std::string(threads) + ".npy"}).code, 0);
  }
  EXPECT_EQ(read_file(folder_ / "1.npy"), read_file(folder_ / "2.npy"));
  EXPECT_EQ(read_file(folder_ / "1.npy"), read_file(folder_ / "7.npy"));
}

TEST_F(ExtractTest, Bfloat16IsCloseToFloat32AndNotTheSame) {
  add("a.wav", 99);
  for (const char* dtype : {"f32", "bf16"}) {
    ASSERT_EQ(extract({"a.wav", "--dtype", dtype, "--out", std::string(dtype) + ".npy"}).code, 0);
  }
  const std::vector<float> exact = read_npy(folder_ / "f32.npy").values;
  const std::vector<float> rounded = read_npy(folder_ / "bf16.npy").values;
  ASSERT_EQ(rounded.size(), exact.size());
  EXPECT_NE(rounded, exact);
  // features are about 1 in size, and eight bits of each weight are kept
  for (size_t i = 0; i < exact.size(); ++i) ASSERT_NEAR(rounded[i], exact[i], 0.1) << "value " << i;
  expect_usage_error({"a.wav", "--dtype", "f16"}, "f16");
}

TEST_F(ExtractTest, TwoInputsForOneOutput) {
  add("x/a.wav");
  add("y/a.wav");
  expect_usage_error({"x/a.wav", "y/a.wav"},
                     "\"x/a.wav\" and \"y/a.wav\" would both be written to \"a.npy\"");
  expect_usage_error({"x/a.wav", "x/a.wav"}, "\"x/a.wav\" and \"x/a.wav\"");
  expect_usage_error({"-", "-"}, "\"-\" and \"-\"");
  expect_usage_error({"x", "y"}, "would both be written");
  EXPECT_THAT(names_in(folder_.path()), ElementsAre("x", "y"));
}

TEST_F(ExtractTest, WhatIsReadIsNotOverwritten) {
  add("a.wav");
  write_npy(folder_ / "a.npy", "256", noise(256));
  fs::create_directory_symlink(folder_.path(), folder_ / "link");
  const auto before = read_file(folder_ / "a.npy");
  expect_usage_error({"a.wav", "--speaker-embedding", "a.npy"}, "would overwrite \"a.npy\"");
  expect_usage_error({"a.wav", "--speaker-embedding", "link/a.npy"}, "would overwrite");
  expect_usage_error({"a.wav", "a.npy", "--out", "link/"}, "would both be written");
  expect_usage_error({"a.npy", "--out", "link/"}, "would overwrite");
  EXPECT_EQ(read_file(folder_ / "a.npy"), before);

  fs::copy_file(oracle() / "checkpoints" / "tiny.hf" / "config.json", folder_ / "m.safetensors");
  const Result result = run({"extract", "a.wav", "--model", "m.safetensors", "--out", "m.safetensors"},
                            {.folder = folder_.path()});
  EXPECT_EQ(result.code, 2);
  EXPECT_THAT(result.err, HasSubstr("would overwrite \"m.safetensors\""));
}

TEST_F(ExtractTest, AnOldOutputIsReplaced) {
  add("a.wav");
  write_file(folder_ / "a.npy", std::string(100000, 'x'));
  EXPECT_EQ(extract({"a.wav"}).code, 0);
  EXPECT_THAT(read_npy(folder_ / "a.npy").shape, ElementsAre(5, 48));
}

TEST_F(ExtractTest, OutThatCannotBeMeant) {
  add("a.wav");
  add("b.wav");
  add("in/c.wav");
  write_file(folder_ / "file", std::string("here already"));
  expect_usage_error({"a.wav", "b.wav", "--out", "x.npy"}, "give a directory");
  expect_usage_error({"a.wav", "b.wav", "--out", "file"}, "give a directory");
  expect_usage_error({"in", "--out", "x.npy"}, "give a directory");
  expect_usage_error({"a.wav", "--out", "x"},
                     "end it in .npy or .safetensors for a file, in / for a directory");
  expect_usage_error({"a.wav", "--out", "x.npz"}, "end it in .npy or .safetensors");
  expect_usage_error({"a.wav", "--out", "x.npy", "--format", "safetensors"}, "contradict");
  EXPECT_THAT(names_in(folder_.path()), ElementsAre("a.wav", "b.wav", "file", "in"));
}

TEST_F(ExtractTest, BadValues) {
  add("a.wav");
  for (const char* layer : {"0", "-1", "first", "1.5", "", "9x", "99999999999999999999"}) {
    expect_usage_error({"a.wav", std::string("--layer=") + layer}, "--layer");
  }
  expect_usage_error({"a.wav", "--layer", "-2"}, "--layer");
  for (const char* threads : {"-1", "two", "100000"})
    expect_usage_error({"a.wav", "--threads", threads}, "--threads");
  expect_usage_error({"a.wav", "--normalize", "maybe"}, "--normalize");
  expect_usage_error({"a.wav", "--format", "npz"}, "--format");
  expect_usage_error({"a.wav", "--frobnicate"}, "--frobnicate");
  expect_usage_error({"a.wav", "--out"}, "--out");
  expect_usage_error({}, "INPUT");
}

TEST_F(ExtractTest, ALayerTheModelDoesNotHave) {
  add("a.wav");
  const Result result = extract({"a.wav", "--layer", "4"});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, HasSubstr("4"));
  EXPECT_THAT(names_in(folder_.path()), ElementsAre("a.wav"));
}

/// The option's own words, and once, not for each input.
TEST_F(ExtractTest, WhatTheModelDoesNotHaveIsSaidInTheOptionsWords) {
  add("a.wav");
  const Result layer = extract({"a.wav", "--layer", "13"});
  EXPECT_EQ(layer.code, 1);
  EXPECT_EQ(layer.err,
            "contentvec: --layer 13: this model has 3 blocks; give 1 to 3, \"all\" or \"projected\"\n");
  const Result projection = run({"extract", "a.wav", "--final-proj", "--model",
                                 (oracle() / "checkpoints" / "tiny.mlx.safetensors").string(), "--config",
                                 (oracle() / "configs" / "tiny.json").string()},
                                {.folder = folder_.path()});
  EXPECT_EQ(projection.code, 1);
  EXPECT_THAT(projection.err, HasSubstr("contentvec: --final-proj: this model has no final_proj"));
}

TEST_F(ExtractTest, StandardOutput) {
  add("a.wav");
  ASSERT_EQ(extract({"a.wav", "-o", "a.npy"}).code, 0);
  const Result pipe = extract({"a.wav", "--out", "-"});
  EXPECT_EQ(pipe.code, 0) << pipe.err;
  EXPECT_THAT(pipe.err, HasSubstr("a.wav -> standard output"));
  EXPECT_EQ(pipe.out, text_of(folder_ / "a.npy"));
  ASSERT_EQ(extract({"a.wav", "--output", "a.safetensors"}).code, 0);
  EXPECT_EQ(extract({"-", "-o", "-", "--format", "safetensors", "-q"}, {.input = folder_ / "a.wav"}).out,
            text_of(folder_ / "a.safetensors"));
  expect_usage_error({"a.wav", "--out", "-", "--json"}, "--json");
  expect_usage_error({"a.wav", "a.wav", "--out", "-"}, "one input");
  expect_usage_error({".", "--out", "-"}, "one input");
  EXPECT_EQ(extract({"a.wav", "--out", "-"}, {.output = "/dev/full"}).code, 1);
}

/// What a shell's `>>` has in a file stays.
TEST_F(ExtractTest, StandardOutputIsNotEmptiedFirst) {
  add("a.wav");
  ASSERT_EQ(extract({"a.wav"}).code, 0);
  const std::string command = std::string(CONTENTVEC_PROGRAM) + " extract -q --model " +
                              tiny_model().string() + " " + (folder_ / "a.wav").string() + " --out - >> " +
                              (folder_ / "both").string();
  write_file(folder_ / "both", std::string("before"));
  ASSERT_EQ(std::system(command.c_str()), 0);
  EXPECT_EQ(text_of(folder_ / "both"), "before" + text_of(folder_ / "a.npy"));
}

/// All layers of a recording that is cut come in another order than the file has them.
TEST_F(ExtractTest, APipeThatWouldNeedAnotherOrderIsRefused) {
  write_wav(folder_ / "a.wav", noise(size_t{16000} * 4));
  const std::string command = std::string(CONTENTVEC_PROGRAM) +
                              " extract -q --layer all --max-seconds 2 --model " + tiny_model().string() +
                              " " + (folder_ / "a.wav").string() + " -o - 2> " + (folder_ / "err").string() +
                              " | cat > /dev/null";
  ASSERT_EQ(std::system(command.c_str()), 0);
  EXPECT_THAT(text_of(folder_ / "err"), HasSubstr("a pipe takes values in their order only"));
}

TEST_F(ExtractTest, APathIsNamedOnceInAnError) {
  write_file(folder_ / "text.wav", std::string("no audio"));
  for (const std::string name : {"missing.wav", "text.wav"}) {
    const std::string err = extract({name}).err;
    const size_t first = err.find(name);
    ASSERT_NE(first, std::string::npos);
    EXPECT_EQ(err.find(name, first + 1), std::string::npos) << err;
  }
}

TEST_F(ExtractTest, SecondsAreRounded) {
  add("a.wav");
  const auto line = nlohmann::json::parse(extract({"a.wav", "--json"}).out);
  const double seconds = line["seconds"];
  EXPECT_GT(seconds, 0);
  EXPECT_DOUBLE_EQ(seconds, std::round(seconds * 1e4) / 1e4);
}

TEST_F(ExtractTest, QuietAndVerbose) {
  add("a.wav");
  EXPECT_EQ(extract({"a.wav", "-q"}).err, "");
  EXPECT_EQ(extract({"a.wav", "--quiet"}).err, "");
  EXPECT_THAT(extract({"a.wav", "missing.wav", "-q"}).err,
              AllOf(StartsWith("contentvec: missing.wav: "), HasSubstr("1 of 2 failed:\n  missing.wav")));
  EXPECT_THAT(extract({"a.wav", "--json", "-v"}).err, HasSubstr("[1/1] a.wav -> a.npy"));
  EXPECT_THAT(extract({"a.wav", "--skip-existing", "--verbose"}).err, HasSubstr("a.npy  is there already"));
}

TEST_F(ExtractTest, SpeakerEmbeddings) {
  add("a.wav");
  const std::string model = (oracle() / "checkpoints" / "tiny-speaker.contentvec.pt").string();
  write_npy(folder_ / "vector.npy", "256,", noise(256));
  write_npy(folder_ / "row.npy", "1, 256", noise(256));
  write_npy(folder_ / "short.npy", "255,", noise(255));
  write_npy(folder_ / "column.npy", "256, 1", noise(256));
  const auto code_of = [&](const std::string& speaker) {
    std::vector<std::string> arguments = {"extract", "a.wav", "--model",
                                          model,     "--out", speaker + ".features.npy"};
    if (!speaker.empty()) arguments.insert(arguments.end(), {"--speaker-embedding", speaker + ".npy"});
    return run(arguments, {.folder = folder_.path()}).code;
  };
  EXPECT_EQ(code_of("vector"), 0);
  EXPECT_EQ(code_of("row"), 0);
  EXPECT_EQ(read_file(folder_ / "vector.features.npy"), read_file(folder_ / "row.features.npy"));
  for (const char* bad : {"short", "column", "missing", ""}) EXPECT_EQ(code_of(bad), 1) << bad;
  EXPECT_EQ(extract({"a.wav", "--speaker-embedding", "vector.npy"}).code, 1) << "the plain model takes none";
}

}  // namespace
}  // namespace contentvec::test
