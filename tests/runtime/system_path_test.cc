#include "runtime/system_path.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "contentvec/audio.h"
#include "contentvec/config.h"
#include "contentvec/model.h"
#include "output/atomic_file.h"
#include "output/npy.h"
#include "support.h"

// The system ends a path at a NUL byte: what stands before it is not what was asked for.

namespace contentvec {
namespace {

using namespace std::string_literals;
using testing::HasSubstr;

TEST(SystemPath, ANulByteEndsNoPath) {
  const std::string there = (test::oracle() / "configs/tiny.json").string();
  EXPECT_STREQ(system_path(there), there.c_str());
  const std::string path = there + "\0x"s;
  const auto expect_refused = [](const auto& open) {
    EXPECT_THAT(test::error_of(open), HasSubstr("a NUL byte follows there"));
  };
  expect_refused([&] { static_cast<void>(ModelConfig::from_json_file(path)); });
  expect_refused([&] { static_cast<void>(Model::load(path)); });
  expect_refused([&] { static_cast<void>(inspect(path)); });
  expect_refused([&] { static_cast<void>(read_audio(path)); });
  expect_refused([&] { static_cast<void>(output::read_npy(path)); });
  const test::TemporaryFolder folder;
  expect_refused([&] { output::AtomicFile(folder.path() / "out\0x"s); });
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

}  // namespace
}  // namespace contentvec
