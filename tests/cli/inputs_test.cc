// What lists and folders stand for, and what is said of the rest of them.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "cli/files.h"
#include "cli/process.h"
#include "support.h"

namespace contentvec::test {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class InputsTest : public testing::Test {
 protected:
  void add(const std::string& name) {
    fs::create_directories((folder_ / name).parent_path());
    write_wav(folder_ / name, noise(800));
  }

  Result extract(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"extract", "--model", tiny_model().string()});
    return run(arguments, {.folder = folder_.path()});
  }

  /// Extracts what a list of these bytes names; returns the names of the outputs.
  std::vector<std::string> outputs_of(const std::string& bytes, const std::string& list = "list.txt") {
    fs::remove_all(folder_ / "out");
    write_file(folder_ / list, bytes);
    const Result result = extract({list, "--out", "out"});
    EXPECT_EQ(result.code, 0) << result.err;
    return fs::exists(folder_ / "out") ? names_in(folder_ / "out") : std::vector<std::string>();
  }

  void expect_refused(const std::string& list, const std::string& why) {
    const Result result = extract({list, "--out", "out"});
    EXPECT_EQ(result.code, 1) << list;
    EXPECT_THAT(result.err, HasSubstr("contentvec: " + list + ": "));
    EXPECT_THAT(result.err, HasSubstr(why));
  }

  TemporaryFolder folder_;
};

/// UTF-16 as bytes, of either order, with or without a byte order mark.
std::string utf16(const std::u16string& text, bool little, bool mark) {
  std::string bytes;
  for (const char16_t unit : (mark ? u"\uFEFF" : u"") + text) {
    const char high = static_cast<char>(unit >> 8);
    const char low = static_cast<char>(unit & 0xFF);
    bytes += little ? std::string{low, high} : std::string{high, low};
  }
  return bytes;
}

TEST_F(InputsTest, ListsInTheEncodingsThatProgramsWrite) {
  add("a.wav");
  add("\u00fc\u4f60\U0001F399.wav");
  const auto expected = ElementsAre("a.npy", "\u00fc\u4f60\U0001F399.npy");
  EXPECT_THAT(outputs_of("\xEF\xBB\xBF"
                         "a.wav\n\u00fc\u4f60\U0001F399.wav\n"),
              expected);
  for (const bool little : {true, false}) {
    for (const bool mark : {true, false}) {
      for (const char16_t* end : {u"\n", u"\r\n"}) {
        const std::u16string text = std::u16string(u"a.wav") + end + u"\u00fc\u4f60\U0001F399.wav" + end;
        EXPECT_THAT(outputs_of(utf16(text, little, mark)), expected);
      }
    }
  }
  EXPECT_THAT(outputs_of("a.wav\r\u00fc\u4f60\U0001F399.wav\r"), expected) << "lines of old Macs";
  add("\xff.wav");
  EXPECT_THAT(outputs_of("\xff.wav"), ElementsAre("\xff.npy")) << "names are bytes";
}

TEST_F(InputsTest, ListsOfOtherPrograms) {
  add("a.wav");
  add("b c.wav");
  add("d|e.wav");
  EXPECT_THAT(outputs_of("a.wav|speaker|ja|\u3042\nb c.wav|speaker|en|yes | no\n", "filelist.list"),
              ElementsAre("a.npy", "b c.npy"));
  EXPECT_THAT(outputs_of(R"("a.wav")"
                         "\n'b c.wav'\r\n"),
              ElementsAre("a.npy", "b c.npy"));
  EXPECT_THAT(outputs_of("  a.wav\t\n \t \n\"b c.wav\"|0\n"), ElementsAre("a.npy", "b c.npy"));
  EXPECT_THAT(outputs_of("d|e.wav\n"), ElementsAre("d|e.npy")) << "what is there as written comes first";
  EXPECT_THAT(outputs_of("a.wav\n", "list.TXT"), ElementsAre("a.npy"));
}

TEST_F(InputsTest, PathsOfAListAreFromHereElseFromTheList) {
  add("data/wavs/a.wav");
  add("data/b.wav");
  add("b.wav");
  EXPECT_THAT(outputs_of("wavs/a.wav\nb.wav|speaker\n", "data/some.list"), ElementsAre("a.npy", "b.npy"));
  write_file(folder_ / "data/some.list", std::string("wavs\nb.wav\n"));
  const std::vector<std::string> lines = lines_of(extract({"data/some.list", "--out", "out", "--json"}).out);
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(nlohmann::json::parse(lines[0])["path"], "data/wavs/a.wav");
  EXPECT_EQ(nlohmann::json::parse(lines[1])["path"], "b.wav") << "here comes first";
}

TEST_F(InputsTest, NamesThatAreNotThereAreErrorsOfTheirOwn) {
  add("a.wav");
  write_file(folder_ / "list.txt", std::string("gone.wav|speaker\na.wav\n\"lost.wav\"\n"));
  const Result result = extract({"list.txt", "--out", "out"});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, HasSubstr("2 of 3 failed:\n  gone.wav\n  lost.wav\n"));
}

TEST_F(InputsTest, ListsThatAreNone) {
  add("a.wav");
  write_file(folder_ / "binary.txt", std::string("\x01\x02\x03\0\0\x04", 6));
  expect_refused("binary.txt", "no list of paths");
  write_file(folder_ / "half.txt", std::string("\xFF\xFE"
                                               "a\0b",
                                               5));
  expect_refused("half.txt", "cut short");
  write_file(folder_ / "surrogate.txt", std::string("\xFF\xFE\x00\xD8", 4));
  expect_refused("surrogate.txt", "half a character");
  write_file(folder_ / "empty.txt", std::string("\xEF\xBB\xBF\n  \n"));
  expect_refused("empty.txt", "no paths in this list");
  write_file(folder_ / "line.txt", "a.wav\n" + std::string(20000, 'x') + "\n");
  expect_refused("line.txt", "line 2 of this list has 20000 bytes, and the longest that is taken is 16384");
}

/// No list makes the program wait, or take all memory.
TEST_F(InputsTest, EndlessLists) {
  fs::create_symlink("/dev/zero", folder_ / "zero.txt");
  expect_refused("zero.txt", "a list is a regular file of at most 64 MiB");
  ASSERT_EQ(mkfifo((folder_ / "pipe.list").c_str(), 0600), 0);
  expect_refused("pipe.list", "a list is a regular file of at most 64 MiB");
  write_file(folder_ / "huge.txt", std::string());
  fs::resize_file(folder_ / "huge.txt", uintmax_t{1} << 40);  // takes no room on the disk
  expect_refused("huge.txt", "larger than 64 MiB");
  std::string many;
  for (int i = 0; i < 2'000'001; ++i) many += "a\n";
  write_file(folder_ / "many.txt", many);
  expect_refused("many.txt", "more than 2000000 inputs");
}

TEST_F(InputsTest, AFolderSaysWhatItLeavesOut) {
  for (const char* name : {"in/a.wav", "in/deep/b.wav"}) add(name);
  for (const char* name : {"in/x.m4a", "in/y.m4a", "in/z.M4A", "in/notes.txt", "in/README", "in/.hidden"}) {
    write_file(folder_ / name, std::string("x"));
  }
  fs::create_symlink("nowhere", folder_ / "in/lost.wav");
  ASSERT_EQ(mkfifo((folder_ / "in/pipe.wav").c_str(), 0600), 0);
  const Result result = extract({"in", "--out", "out"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(names_in(folder_ / "out"), ElementsAre("a.npy"));
  EXPECT_THAT(result.err, HasSubstr("contentvec: note: in: left out: .m4a (3, such as x.m4a), "));
  for (const char* text :
       {".txt (1, such as notes.txt)", "broken links (1, such as lost.wav)",
        "pipes or devices (1, such as pipe.wav)", "names without an ending (1, such as README)",
        "directories (1, such as deep)", "--recursive"}) {
    EXPECT_THAT(result.err, HasSubstr(text));
  }
  EXPECT_THAT(result.err, Not(HasSubstr(".hidden")));
  EXPECT_EQ(extract({"in", "--out", "out", "--quiet"}).err, "");
  fs::create_directory_symlink("deep", folder_ / "in/linked");
  const Result recursive = extract({"in", "--out", "all", "--recursive"});
  EXPECT_THAT(recursive.err, HasSubstr("links to directories (1, such as linked)"));
  EXPECT_THAT(recursive.err, Not(HasSubstr("--recursive")));
}

TEST_F(InputsTest, AFolderOfFoldersOnlyNamesTheOption) {
  add("in/deep/a.wav");
  const Result result = extract({"in", "--out", "out"});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, HasSubstr("contentvec: in: no audio files in this directory"));
  EXPECT_THAT(result.err, HasSubstr("it has directories (1, such as deep); --recursive searches"));
  fs::create_directory(folder_ / "other");
  write_file(folder_ / "other/a.m4a", std::string("x"));
  EXPECT_THAT(extract({"other"}).err, HasSubstr("it has .m4a (1, such as a.m4a)"));
}

/// By name: what libsndfile reads under other endings than the usual ones.
TEST_F(InputsTest, OtherEndingsAreListed) {
  for (const char* name : {"in/a.wave", "in/b.AIFC", "in/c.snd", "in/d.oga", "in/e.mp2"}) add(name);
  EXPECT_EQ(extract({"in", "--out", "out"}).code, 0);
  EXPECT_EQ(names_in(folder_ / "out").size(), 5U);
}

}  // namespace
}  // namespace contentvec::test
