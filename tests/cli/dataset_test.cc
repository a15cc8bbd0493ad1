// Whole data sets: many inputs, interrupted runs, several machines, long recordings.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <random>
#include <set>
#include <thread>

#include "allocations.h"
#include "cli/files.h"
#include "cli/process.h"
#include "contentvec/contentvec.h"
#include "support.h"

namespace contentvec::test {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::IsSupersetOf;
using testing::Not;
using testing::StartsWith;

class DatasetTest : public testing::Test {
 protected:
  void add(const std::string& name, size_t samples = 2000) {
    fs::create_directories((folder_ / name).parent_path());
    write_wav(folder_ / name, noise(samples));
  }

  /// "in/00.wav" ... of random lengths, some of them the same.
  void add_many(size_t count) {
    std::mt19937 random(1);
    for (size_t i = 0; i < count; ++i) {
      const std::string number = std::to_string(i);
      add("in/" + std::string(2 - number.size(), '0') + number + ".wav",
          std::uniform_int_distribution<size_t>(400, i % 7 == 0 ? 60000 : 9000)(random));
    }
  }

  [[nodiscard]] std::vector<std::string> with_model(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"extract", "--model", tiny_model().string()});
    return arguments;
  }

  Result extract(const std::vector<std::string>& arguments) {
    return run(with_model(arguments), {.folder = folder_.path()});
  }

  /// Every file below a folder, by its path in it.
  std::map<std::string, std::vector<std::byte>> contents(const std::string& name) {
    std::map<std::string, std::vector<std::byte>> files;
    for (const auto& entry : fs::recursive_directory_iterator(folder_ / name)) {
      if (entry.is_regular_file()) {
        files[entry.path().lexically_relative(folder_ / name).string()] = read_file(entry.path());
      }
    }
    return files;
  }

  void expect_usage_error(const std::vector<std::string>& arguments, const std::string& text) {
    const Result result = extract(arguments);
    EXPECT_EQ(result.code, 2);
    EXPECT_THAT(result.err, HasSubstr(text));
  }

  TemporaryFolder folder_;
};

TEST_F(DatasetTest, BatchesChangeNoBit) {
  add_many(23);
  ASSERT_EQ(extract({"in", "--out", "alone", "--batch-seconds", "0"}).code, 0);
  ASSERT_EQ(extract({"in", "--out", "some", "--batch-seconds", "2"}).code, 0);
  ASSERT_EQ(extract({"in", "--out", "all", "--batch-seconds", "1000", "--threads", "3"}).code, 0);
  const auto alone = contents("alone");
  EXPECT_EQ(alone.size(), 23U);
  EXPECT_EQ(contents("some"), alone);
  EXPECT_EQ(contents("all"), alone);
  const Model model = Model::load(tiny_model().string());
  for (const char* name : {"00", "11", "22"}) {
    EXPECT_EQ(read_npy(folder_ / "alone" / (std::string(name) + ".npy")).values,
              model.extract(load_audio(folder_ / "in" / (std::string(name) + ".wav"))).data);
  }
}

TEST_F(DatasetTest, TheManifestIsInOrderAndComplete) {
  add_many(12);
  write_file(folder_ / "in/03.wav", std::string("no audio"));
  write_wav(folder_ / "in/05.wav", noise(399));
  const Result result = extract({"in", "missing.wav", "--out", "out", "--json"});
  EXPECT_EQ(result.code, 1);
  const std::vector<std::string> lines = lines_of(result.out);
  ASSERT_EQ(lines.size(), 13U);
  for (size_t i = 0; i < lines.size(); ++i) {
    const auto line = nlohmann::json::parse(lines[i]);
    const std::string path = line["path"];
    const std::string number = std::to_string(i);
    EXPECT_EQ(path, i == 12 ? "missing.wav" : "in/" + std::string(2 - number.size(), '0') + number + ".wav");
    EXPECT_EQ(line.contains("error"), i == 3 || i == 5 || i == 12) << lines[i];
    if (line.contains("error")) continue;
    const Array array = read_npy(folder_ / line["output"].get<std::string>());
    EXPECT_EQ(line["frames"], array.shape[0]);
    EXPECT_EQ(line["dim"], array.shape[1]);
    EXPECT_EQ(static_cast<double>(load_audio(folder_ / path).size()) / 16000, line["audio_seconds"]);
    EXPECT_GT(line["seconds"], 0);
  }
  EXPECT_THAT(result.err, HasSubstr("10 of 13 done: "));
  EXPECT_THAT(result.err, HasSubstr("3 of 13 failed:\n  in/03.wav\n  in/05.wav\n  missing.wav\n"));
}

TEST_F(DatasetTest, OneBadFileInABatchIsTheOnlyOneToFail) {
  add_many(9);
  write_wav(folder_ / "in/04.wav", noise(399));  // found too short only by the model
  const Result result = extract({"in", "--out", "out", "--batch-seconds", "1000"});
  EXPECT_EQ(result.code, 1);
  EXPECT_EQ(contents("out").size(), 8U);
  EXPECT_THAT(result.err, HasSubstr("contentvec: in/04.wav: the waveform has 399 samples"));
  EXPECT_THAT(result.err, Not(HasSubstr("\033"))) << "a progress bar, and this is no terminal";
}

TEST_F(DatasetTest, RecursiveKeepsTheStructure) {
  for (const char* name : {"in/a.wav", "in/x/a.wav", "in/x/y/b.wav", "in/z/b.wav", "in/.git/c.wav"})
    add(name);
  fs::create_directory_symlink(folder_ / "in", folder_ / "in/x/loop");
  EXPECT_EQ(extract({"in", "--out", "out", "--recursive"}).code, 0);
  std::vector<std::string> names;
  for (const auto& [name, bytes] : contents("out")) names.push_back(name);
  EXPECT_THAT(names, ElementsAre("a.npy", "x/a.npy", "x/y/b.npy", "z/b.npy"));
  EXPECT_EQ(extract({"in", "--out", "flat"}).code, 0);
  EXPECT_THAT(names_in(folder_ / "flat"), ElementsAre("a.npy"));
}

TEST_F(DatasetTest, Lists) {
  for (const char* name : {"a b.wav", "in/c.wav", "in/d.wav", "#e.wav"}) add(name);
  write_file(folder_ / "all.txt", std::string("# a comment\na b.wav\r\n\nin\n./#e.wav"));
  EXPECT_EQ(extract({"all.txt", "--out", "out"}).code, 0);
  EXPECT_THAT(names_in(folder_ / "out"), ElementsAre("#e.npy", "a b.npy", "c.npy", "d.npy"));
  write_file(folder_ / "one.list", std::string("in/c.wav\n"));
  EXPECT_EQ(extract({"one.list", "a b.wav", "--out", "two"}).code, 0);
  EXPECT_THAT(names_in(folder_ / "two"), ElementsAre("a b.npy", "c.npy"));
  expect_usage_error({"one.list", "--out", "x.npy"}, "give a directory");

  write_file(folder_ / "empty.txt", std::string("#\n"));
  const Result bad = extract({"empty.txt", "missing.txt", "a b.wav", "--out", "three"});
  EXPECT_EQ(bad.code, 1);
  EXPECT_THAT(bad.err, HasSubstr("contentvec: empty.txt: no paths in this list"));
  EXPECT_THAT(bad.err, HasSubstr("contentvec: missing.txt: cannot read this list: No such file"));
  EXPECT_THAT(names_in(folder_ / "three"), ElementsAre("a b.npy"));
}

TEST_F(DatasetTest, SkipExisting) {
  add_many(5);
  fs::create_directory(folder_ / "out");
  write_npy(folder_ / "out/01.npy", "7, 48", noise(size_t{7} * 48));
  const auto before = read_file(folder_ / "out/01.npy");
  const Result result = extract({"in", "--out", "out", "--skip-existing", "--json"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(read_file(folder_ / "out/01.npy"), before);
  EXPECT_EQ(read_npy(folder_ / "out/02.npy").shape[1], 48);
  const auto line = nlohmann::json::parse(lines_of(result.out)[1]);
  EXPECT_EQ(line, nlohmann::json({{"path", "in/01.wav"}, {"output", "out/01.npy"}, {"skipped", true}}));
  EXPECT_THAT(result.err, HasSubstr("4 of 5 done: "));
  EXPECT_THAT(result.err, HasSubstr(", 1 were there already"));
  EXPECT_EQ(extract({"in", "--out", "out"}).code, 0);
  EXPECT_NE(read_file(folder_ / "out/01.npy"), before) << "without the option it is written anew";
}

/// Every kind of file that is no use: each is written anew, with a word.
TEST_F(DatasetTest, SkipExistingLooksAtWhatIsThere) {
  add("a.wav", 8000);
  for (const std::string format : {"npy", "safetensors"}) {
    for (const bool all : {false, true}) {
      const std::string name = "a." + format;
      std::vector<std::string> arguments = {"a.wav", "--format", format, "--skip-existing", "--json"};
      if (all) arguments.insert(arguments.end(), {"--layer", "all"});
      fs::remove(folder_ / name);
      ASSERT_EQ(extract(arguments).code, 0);
      const std::string whole = text_of(folder_ / name);
      EXPECT_THAT(extract(arguments).out, HasSubstr("\"skipped\":true"));
      std::map<std::string, std::string> broken = {{"empty", ""},
                                                   {"cut", whole.substr(0, whole.size() - 1)},
                                                   {"only a header", whole.substr(0, 128)},
                                                   {"longer", whole + "x"},
                                                   {"zeros", std::string(whole.size(), '\0')},
                                                   {"something else", "old"}};
      std::string& type = broken["another type"] = whole;
      type.replace(type.find(format == "npy" ? "<f4" : "F32"), 3, format == "npy" ? "<i4" : "I32");
      for (const auto& [what, bytes] : broken) {
        write_file(folder_ / name, bytes);
        const Result result = extract(arguments);
        EXPECT_EQ(result.code, 0) << what << result.err;
        EXPECT_EQ(text_of(folder_ / name), whole) << what;
        EXPECT_THAT(result.err, HasSubstr("warning: a.wav: what was there already is written anew: "))
            << what;
        EXPECT_EQ(nlohmann::json::parse(result.out)["warnings"].size(), 1U) << what;
      }
      // What another choice of options gives: one layer for all, or the other way around; another width.
      std::vector<std::string> others = {"a.wav", "--format", format};
      if (!all) others.insert(others.end(), {"--layer", "all"});
      ASSERT_EQ(extract(others).code, 0);
      EXPECT_EQ(extract(arguments).code, 0);
      EXPECT_EQ(text_of(folder_ / name), whole);
      std::vector<std::string> narrower = arguments;
      narrower.emplace_back("--final-proj");
      EXPECT_THAT(extract(narrower).err, HasSubstr("written anew"));
      EXPECT_THAT(extract(narrower).out, HasSubstr("skipped"));
    }
  }
  write_npy(folder_ / "a.npy", "5, 48", noise(size_t{5} * 48));
  EXPECT_THAT(extract({"a.wav", "--skip-existing", "--repeat", "2"}).err, HasSubstr("each frame 2 times"));
}

TEST_F(DatasetTest, ShardsAreEverythingOnce) {
  add_many(11);
  write_file(folder_ / "in/03.wav", std::string("no audio"));
  ASSERT_EQ(extract({"in", "--out", "whole"}).code, 1);
  for (const size_t count : {1U, 3U, 4U, 20U}) {
    std::multiset<std::string> paths;
    const std::string out = "out" + std::to_string(count);
    for (size_t i = 1; i <= count; ++i) {
      const Result result =
          extract({"in", "--out", out, "--json", "--shard", std::to_string(i) + "/" + std::to_string(count)});
      for (const std::string& line : lines_of(result.out)) paths.insert(nlohmann::json::parse(line)["path"]);
    }
    EXPECT_EQ(paths.size(), 11U);
    EXPECT_EQ(std::set<std::string>(paths.begin(), paths.end()).size(), 11U);
    EXPECT_EQ(contents(out), contents("whole"));
  }
  for (const char* shard : {"0/3", "4/3", "1", "1/", "/3", "a/b", "1/3x", "-1/3"}) {
    expect_usage_error({"in", "--out", "x", "--shard", shard}, "--shard");
  }
}

/// A run that a signal ends in the midst of it, and the same again.
class InterruptedTest : public DatasetTest, public testing::WithParamInterface<int> {};

TEST_P(InterruptedTest, GoesOnWhereItWas) {
  add_many(40);
  add("in/99.wav", 16000 * 800);
  ASSERT_EQ(extract({"in", "--out", "whole", "--max-seconds", "2"}).code, 0);
  const std::vector<std::string> arguments = {"in", "--out", "out", "--max-seconds", "2", "--skip-existing"};
  {
    Process process(with_model(arguments), {.folder = folder_.path()});
    // Until the long file is being written: its unfinished file is there.
    const auto unfinished = [&] {
      if (!fs::exists(folder_ / "out/39.npy")) return false;
      for (const std::string& name : names_in(folder_ / "out")) {
        if (name.starts_with(".contentvec-")) return true;
      }
      return false;
    };
    while (process.running() && !unfinished()) std::this_thread::sleep_for(std::chrono::microseconds(200));
    process.send(GetParam());
    ASSERT_EQ(process.wait().signal, GetParam()) << "it was done before: make the last file longer";
  }
  auto before = contents("out");
  const auto whole = contents("whole");
  for (const auto& [name, bytes] : before) {
    if (name.starts_with(".")) continue;
    EXPECT_EQ(bytes, whole.at(name)) << name << " is half-written";
  }
  EXPECT_FALSE(before.contains("99.npy"));
  const Result result = extract(arguments);
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("1 of 41 done: "));
  EXPECT_THAT(result.err, HasSubstr("40 were there already"));
  EXPECT_EQ(contents("out"), whole) << "and nothing else";
}

INSTANTIATE_TEST_SUITE_P(Signals, InterruptedTest, testing::Values(SIGINT, SIGTERM, SIGKILL),
                         [](const auto& instance) { return "Signal" + std::to_string(instance.param); });

TEST_F(DatasetTest, LongRecordingsAreCutAsTheLibraryDoes) {
  add("a.wav", 16000 * 7 + 100);
  const Model model = Model::load(tiny_model().string());
  const std::vector<float> waveform = load_audio(folder_ / "a.wav");
  ASSERT_EQ(extract({"a.wav", "--max-seconds", "2", "--out", "cut.npy"}).code, 0);
  EXPECT_EQ(read_npy(folder_ / "cut.npy").values, extract_long(model, waveform, {.max_seconds = 2}).data);
  ASSERT_EQ(extract({"a.wav", "--max-seconds", "2", "--overlap", "0.5", "--out", "over.npy"}).code, 0);
  EXPECT_EQ(read_npy(folder_ / "over.npy").values,
            extract_long(model, waveform, {.max_seconds = 2, .overlap_seconds = 0.5}).data);
  ASSERT_EQ(extract({"a.wav", "--max-seconds", "0", "--out", "whole.npy"}).code, 0);
  EXPECT_EQ(read_npy(folder_ / "whole.npy").values, model.extract(waveform).data);
  ASSERT_EQ(extract({"a.wav", "--out", "default.npy"}).code, 0);
  EXPECT_EQ(read_file(folder_ / "default.npy"), read_file(folder_ / "whole.npy")) << "60 s are not reached";
  EXPECT_EQ(extract({"a.wav", "--max-seconds", "0.1"}).code, 1);
  expect_usage_error({"a.wav", "--max-seconds", "-1"}, "--max-seconds");
  expect_usage_error({"a.wav", "--overlap", "x"}, "--overlap");
}

/// Also where it would fit the batch of what comes before it.
TEST_F(DatasetTest, WhatIsTooLongIsCutWhateverItsBatch) {
  add("in/a.wav", 32000);  // while this goes through the model, the others are decoded
  add("in/b.wav", 80000);
  add("in/c.wav");
  ASSERT_EQ(extract({"in", "--max-seconds", "2", "--out", "out"}).code, 0);
  EXPECT_EQ(
      read_npy(folder_ / "out/b.npy").values,
      extract_long(Model::load(tiny_model().string()), load_audio(folder_ / "in/b.wav"), {.max_seconds = 2})
          .data);
}

/// Pieces and whole files in batches that hold everything, one of each, and some; what fails among them fails
/// alone, and what is told is in the order of the inputs.
TEST_F(DatasetTest, PiecesAndWholeFilesShareBatches) {
  const std::vector<size_t> lengths = {9000, 90000, 100, 16000, 70000, 8000};
  for (size_t i = 0; i < lengths.size(); ++i) add("in/" + std::to_string(i) + ".wav", lengths[i]);
  write_file(folder_ / "in/3a.wav", std::string("no sound"));
  const Model model = Model::load(tiny_model().string());
  for (const char* seconds : {"0", "3", "1000"}) {
    const Result result = extract({"in", "--max-seconds", "2", "--normalize", "on", "--batch-seconds",
                                   seconds, "--json", "--out", "out"});
    EXPECT_EQ(result.code, 1);
    EXPECT_THAT(result.err, HasSubstr("2 of 7 failed:\n  in/2.wav\n  in/3a.wav\n"));
    EXPECT_THAT(result.err, HasSubstr("the waveform has 100 samples"));
    std::vector<std::string> told;
    for (const std::string& line : lines_of(result.out)) told.push_back(nlohmann::json::parse(line)["path"]);
    EXPECT_THAT(told, ElementsAre("in/0.wav", "in/1.wav", "in/2.wav", "in/3.wav", "in/3a.wav", "in/4.wav",
                                  "in/5.wav"));
    for (const char* name : {"0", "1", "3", "4", "5"}) {
      EXPECT_EQ(read_npy(folder_ / "out" / (std::string(name) + ".npy")).values,
                extract_long(model, load_audio(folder_ / "in" / (std::string(name) + ".wav")),
                             {.max_seconds = 2}, {.normalize = Normalize::kOn})
                    .data)
          << name;
    }
    fs::remove_all(folder_ / "out");
  }
}

/// Ten more minutes cost the memory of their samples. Half as much again is left for features that wait to be
/// written, and for parts that are being joined: a copy of the samples would be twice as much.
TEST_F(DatasetTest, MemoryDoesNotGrowWithLongRecordingsButForTheirSamples) {
  if (!allocations_are_counted()) GTEST_SKIP() << "a sanitizer keeps freed memory";
  setenv("MALLOC_MMAP_THRESHOLD_", "33554432", 1);  // where glibc's is once a large model is loaded
  constexpr size_t kMinute = size_t{16000} * 60;
  std::vector<int64_t> peaks;
  for (const size_t minutes : {10U, 20U}) {
    add("a.wav", minutes * kMinute);
    const Result result = extract({"a.wav", "--normalize", "on"});
    ASSERT_EQ(result.code, 0) << result.err;
    peaks.push_back(result.peak_memory);
  }
  unsetenv("MALLOC_MMAP_THRESHOLD_");
  const int64_t samples = 10 * kMinute * sizeof(float);
  EXPECT_LT(peaks[1] - peaks[0], samples + samples / 2);
}

TEST_F(DatasetTest, AllLayersOfALongRecordingInBothFormats) {
  add("a.wav", 16000 * 5);
  const Model model = Model::load(tiny_model().string());
  std::vector<float> expected;
  for (int layer = 1; layer <= 3; ++layer) {
    const Features features =
        extract_long(model, load_audio(folder_ / "a.wav"), {.max_seconds = 2}, {.layer = layer});
    expected.insert(expected.end(), features.data.begin(), features.data.end());
  }
  const std::vector<std::string> arguments = {"a.wav", "--max-seconds", "2", "--layer", "all", "--format"};
  for (const char* format : {"npy", "safetensors"}) {
    std::vector<std::string> these = arguments;
    these.emplace_back(format);
    ASSERT_EQ(extract(these).code, 0);
  }
  const Array npy = read_npy(folder_ / "a.npy");
  EXPECT_THAT(npy.shape, ElementsAre(3, 249, 48));
  EXPECT_EQ(npy.values, expected);
  std::vector<float> tensors;
  for (const auto& [name, array] : read_safetensors(folder_ / "a.safetensors").tensors) {  // layer_1, ...
    tensors.insert(tensors.end(), array.values.begin(), array.values.end());
  }
  EXPECT_EQ(tensors, expected);
}

TEST_F(DatasetTest, AFullDiskInTheMidstOfALongRecording) {
  add("a.wav", 16000 * 20);
  add("b.wav");
  const Result result = run(with_model({"a.wav", "b.wav", "--max-seconds", "2"}),
                            {.folder = folder_.path(), .largest_file = 100000});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(names_in(folder_.path()), ElementsAre("a.wav", "b.npy", "b.wav"));
  EXPECT_THAT(result.err, HasSubstr("1 of 2 failed:\n  a.wav\n"));
}

TEST_F(DatasetTest, Repeat) {
  add("a.wav", 16000 * 5);
  for (const char* seconds : {"0", "2"}) {
    ASSERT_EQ(extract({"a.wav", "--out", "once.npy", "--max-seconds", seconds}).code, 0);
    ASSERT_EQ(extract({"a.wav", "--out", "twice.npy", "--max-seconds", seconds, "--repeat", "2"}).code, 0);
    const Array once = read_npy(folder_ / "once.npy");
    const Array twice = read_npy(folder_ / "twice.npy");
    ASSERT_THAT(twice.shape, ElementsAre(2 * once.shape[0], 48));
    for (size_t i = 0; i < twice.values.size(); ++i) {
      ASSERT_EQ(twice.values[i], once.values[i / 96 * 48 + i % 48]) << i;
    }
  }
  expect_usage_error({"a.wav", "--repeat", "0"}, "--repeat");
}

}  // namespace
}  // namespace contentvec::test
