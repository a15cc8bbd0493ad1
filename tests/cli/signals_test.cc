// A signal ends the program at once, and leaves no half-written file.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <functional>
#include <thread>

#include "cli/files.h"
#include "cli/process.h"
#include "support.h"

namespace contentvec::test {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;

/// Waits until `condition` holds; false when the process ends first.
bool wait_while_running(Process& process, const std::function<bool()>& condition) {
  while (process.running()) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  return false;
}

class SignalsTest : public testing::TestWithParam<int> {
 protected:
  TemporaryFolder folder_;
};

/// Whether the unfinished file of the program is there, with something in it.
bool something_is_being_written(const fs::path& folder) {
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    std::error_code ignored;
    if (entry.file_size(ignored) > 4096 && !ignored) return true;
  }
  return false;
}

TEST_P(SignalsTest, WhileAFileIsBeingWritten) {
  // About 150 MB, so that there is time enough to catch it half done.
  write_file(folder_ / "big.json",
             std::string(R"({"encoder_embed_dim": 1024, "encoder_ffn_embed_dim": 4096, "encoder_layers": 3,)"
                         R"( "encoder_attention_heads": 16})"));
  fs::create_directory(folder_ / "out");
  Process process({"export", "synthetic:big.json", "out/x.safetensors"}, {.folder = folder_.path()});
  ASSERT_TRUE(wait_while_running(process, [&] { return something_is_being_written(folder_ / "out"); }))
      << process.wait().err;
  ASSERT_FALSE(fs::exists(folder_ / "out" / "x.safetensors"))
      << "written at once: make the model of this test larger";
  process.send(GetParam());
  EXPECT_EQ(process.wait().signal, GetParam());
  EXPECT_THAT(names_in(folder_ / "out"), IsEmpty());
}

TEST_P(SignalsTest, WhileExtracting) {
  write_wav(folder_ / "a.wav", noise(16000));
  write_wav(folder_ / "long.wav", noise(16000 * 600));
  Process process({"extract", "a.wav", "long.wav", "--model", tiny_model().string(), "--json"},
                  {.folder = folder_.path()});
  ASSERT_TRUE(wait_while_running(process, [&] { return fs::exists(folder_ / "a.npy"); }))
      << process.wait().err;
  process.send(GetParam());
  const Result result = process.wait();
  EXPECT_EQ(result.signal, GetParam());
  EXPECT_THAT(names_in(folder_.path()), ElementsAre("a.npy", "a.wav", "long.wav"));
  EXPECT_THAT(read_npy(folder_ / "a.npy").shape, ElementsAre(49, 48));
}

INSTANTIATE_TEST_SUITE_P(Signals, SignalsTest, testing::Values(SIGINT, SIGTERM, SIGHUP, SIGQUIT),
                         [](const auto& instance) {
                           return std::string(strsignal(instance.param)).substr(0, 4);
                         });

}  // namespace
}  // namespace contentvec::test
