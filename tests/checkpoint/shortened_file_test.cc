#include <gmock/gmock.h>

#include <filesystem>
#include <string>

#include "checkpoint/checkpoint.h"
#include "checkpoint/forge.h"
#include "support.h"

// A file that somebody shortens while it is open: an error that names it, in every container, and no signal.

namespace contentvec::test {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ShortenedFile : public ::testing::TestWithParam<std::string (*)()> {};

TEST_P(ShortenedFile, IsAnErrorThatNamesIt) {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder / "shrinks.pt";
  write_file(path, GetParam()());
  const checkpoint::Checkpoint file = checkpoint::open(path);
  EXPECT_THAT(read(file.tensors.at("w")), ElementsAre(1, 2, 3, 4));
  std::filesystem::resize_file(path, 16);
  const std::string error = error_of([&] {
    for (const auto& [name, tensor] : file.tensors) read(tensor);
  });
  EXPECT_THAT(error, AllOf(HasSubstr("shrinks.pt"), HasSubstr("shortened")));
}

INSTANTIATE_TEST_SUITE_P(, ShortenedFile, ::testing::Values(good_safetensors, good_zip, good_legacy),
                         [](const auto& test) {
                           return test.index == 0   ? "Safetensors"
                                  : test.index == 1 ? "TorchZip"
                                                    : "TorchLegacy";
                         });

}  // namespace
}  // namespace contentvec::test
