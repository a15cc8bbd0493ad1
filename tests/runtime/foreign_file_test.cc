#include "runtime/foreign_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace contentvec {
namespace {

using namespace std::string_literals;

TEST(ForeignFile, IsRecognisedByItsBeginning) {
  const std::vector<std::pair<std::string, ForeignKind>> files = {
      {"version https://git-lfs.github.com/spec/v1\n", ForeignKind::kPointer},
      {"\xef\xbb\xbf \r\n<html>", ForeignKind::kPage},
      {"<?xml version='1.0'?>", ForeignKind::kPage},
      {"  {\"a\": 1}", ForeignKind::kPage},
      {"PK\3\4", ForeignKind::kZip},
      {std::string(257, '\0') + "ustar", ForeignKind::kTar},
      {"\x28\xb5\x2f\xfd", ForeignKind::kArchive},
      {"\x93NUMPY", ForeignKind::kArray},
      {"IwFl", ForeignKind::kIndex},
      {"\x08\x07\x12\x07pytorch", ForeignKind::kModel},
      {"\x10\0\0\0\0\0\0\0{\"a\":1}"s, ForeignKind::kModel},
      {"\x80\2}.", ForeignKind::kPickle},
      {"RIFF\0\0\0\0WAVEfmt "s, ForeignKind::kSound},
      {"RIFF\0\0\0\0WEBPVP8 "s, ForeignKind::kPicture},
      {"%PDF-1.4", ForeignKind::kDocument},
      {"\x7f"
       "ELF",
       ForeignKind::kProgram}};
  for (const auto& [text, kind] : files) {
    const auto file = recognise_foreign_file(text);
    ASSERT_TRUE(file) << text;
    EXPECT_EQ(file->kind, kind) << text;
  }
}

TEST(ForeignFile, IsNotWhatNobodyKnows) {
  for (const std::string& text : {""s, "x"s, "RIFF"s, "\0\0\0\0"s, std::string(600, ' '), "Some words"s})
    EXPECT_FALSE(recognise_foreign_file(text)) << text;
}

// Junk before an MP3 stream may begin with any byte or two.
TEST(ForeignFile, IsSureByMoreThanTwoBytes) {
  for (const char* text : {"<", "{", "\x80", "\x1f\x8b", "Iw"})
    EXPECT_FALSE(recognise_foreign_file(text)->sure);
  for (const char* text : {"PK\3\4", "BZh", "\x89PNG"}) EXPECT_TRUE(recognise_foreign_file(text)->sure);
}

}  // namespace
}  // namespace contentvec
