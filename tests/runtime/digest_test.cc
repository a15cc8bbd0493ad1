#include "runtime/digest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support.h"

namespace contentvec {
namespace {

std::string sha256_of(const std::string& text) {
  const test::TemporaryFolder folder;
  test::write_file(folder / "file", text);
  return sha256_of_file(folder / "file");
}

TEST(Sha256, ExamplesOfTheStandard) {  // FIPS 180-4 and its example files
  EXPECT_EQ(sha256_of(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_of("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_of(std::string(1000000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, LongerThanOneBlockRead) {
  EXPECT_EQ(sha256_of(std::string(3000000, 'b')),
            "3f882cf63f2ff9e36f6aee432dbbc11dd00ea6ffe61fa901a58a875eaeba37a8");
}

TEST(GitBlobSha1, WhatGitHashObjectSays) {
  const test::TemporaryFolder folder;
  test::write_file(folder / "empty", std::string());
  test::write_file(folder / "hello", std::string("hello\n"));
  EXPECT_EQ(git_blob_sha1_of_file(folder / "empty"), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
  EXPECT_EQ(git_blob_sha1_of_file(folder / "hello"), "ce013625030ba8dba906f756967f9e9ca394464a");
}

TEST(Sha256, OfAFileThatIsShortenedIsAnError) {
  const test::TemporaryFolder folder;
  test::write_file(folder / "shrinks", std::string(3000000, 'b'));
  const InputFile file(folder / "shrinks");
  std::filesystem::resize_file(folder / "shrinks", 1000);
  EXPECT_THAT(test::error_of([&] { sha256_of(file); }),
              testing::AllOf(testing::HasSubstr("shrinks"), testing::HasSubstr("shortened")));
}

TEST(Sha256, MissingFileAndDirectory) {
  EXPECT_THAT(test::error_of([] { sha256_of_file("/no/such/file"); }), testing::HasSubstr("/no/such/file"));
  const test::TemporaryFolder folder;
  EXPECT_THAT(test::error_of([&] { sha256_of_file(folder.path()); }),
              testing::HasSubstr(folder.path().string()));
}

}  // namespace
}  // namespace contentvec
