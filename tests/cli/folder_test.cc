#include "cli/folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support.h"

namespace contentvec::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

TEST(MakeFolder, MakesThoseAroundItOrSaysWhyNot) {
  const TemporaryFolder folder;
  cli::make_folder(folder / "a/b/c");
  cli::make_folder(folder / "a/b/c/");
  EXPECT_TRUE(fs::is_directory(folder / "a/b/c"));
  write_file(folder / "file", std::string("x"));
  EXPECT_THAT(error_of([&] { cli::make_folder(folder / "file/inside"); }),
              AllOf(HasSubstr("cannot make the folder"), HasSubstr("file/inside")));
}

}  // namespace
}  // namespace contentvec::test
