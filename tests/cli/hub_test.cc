// Models by name on the command line.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "cli/download_bar.h"
#include "cli/files.h"
#include "cli/process.h"
#include "cli/signals.h"
#include "hub/hub_server.h"
#include "support.h"

namespace contentvec::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

/// A checkpoint that works, of more than a megabyte, so that its download is shown.
std::string large_checkpoint(const TemporaryFolder& folder) {
  write_file(folder / "config.json", std::string(R"({"encoder_embed_dim": 128, "encoder_ffn_embed_dim": 256,)"
                                                 R"( "encoder_layers": 1, "encoder_attention_heads": 2})"));
  const Result result = run({"export", "synthetic:config.json", "x.safetensors"}, {.folder = folder.path()});
  EXPECT_EQ(result.code, 0) << result.err;
  return text_of(folder / "x.safetensors");
}

class HubTest : public testing::Test {
 protected:
  Result command(const std::vector<std::string>& arguments) {
    return run(arguments, {.folder = folder_.path()});
  }

  HubServer hub_;
  TemporaryFolder folder_;
};

TEST_F(HubTest, ExtractWithoutAModelTakesTheDefault) {
  write_wav(folder_ / "a.wav", noise(16000));
  const Result none = command({"extract", "a.wav"});
  EXPECT_EQ(none.code, 1);
  EXPECT_THAT(none.err, HasSubstr("no public repository lexandstuff/mlx-contentvec"));
  hub_.publish("lexandstuff/mlx-contentvec", "contentvec_base.safetensors", large_checkpoint(folder_));
  const Result result = command({"extract", "a.wav"});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(read_npy(folder_ / "a.npy").shape, testing::ElementsAre(49, 128));
  EXPECT_THAT(result.err,
              HasSubstr("downloading contentvec_base.safetensors of lexandstuff/mlx-contentvec ("));
  EXPECT_THAT(result.err, Not(HasSubstr("\r"))) << "no bar where there is no terminal";
  EXPECT_THAT(command({"extract", "a.wav"}).err, Not(HasSubstr("downloading")));
  hub_.stop();
  const Result offline = command({"extract", "a.wav"});
  EXPECT_EQ(offline.code, 0);
  EXPECT_THAT(offline.err, HasSubstr("warning: the hub could not be asked"));
}

TEST_F(HubTest, Models) {
  hub_.publish("lj1995/VoiceConversionWebUI", "hubert_base.pt", text_of(tiny_model()));
  ASSERT_EQ(command({"info", "rvc-hubert-base"}).code, 0);
  const size_t asked = hub_.requests().size();
  const Result text = command({"models"});
  EXPECT_EQ(text.code, 0);
  EXPECT_THAT(text.out, HasSubstr("lexandstuff/mlx-contentvec/contentvec_base.safetensors"));
  EXPECT_THAT(text.out, HasSubstr("PyPI: torchfcpe"));
  int here = 0;
  for (const std::string& line : lines_of(command({"models", "--json"}).out)) {
    const json model = json::parse(line);
    if (model["cached"].is_null() || model["name"] == "fcpe") continue;  // which Python's packages may have
    EXPECT_EQ(model["name"], "rvc-hubert-base");
    EXPECT_EQ(model["file"], "hubert_base.pt");
    EXPECT_TRUE(fs::exists(model["cached"].get<std::string>()));
    ++here;
  }
  EXPECT_EQ(here, 1);
  EXPECT_EQ(hub_.requests().size(), asked) << "the list needs no network";
}

/// Ctrl-C leaves what to go on with, and nothing else; two processes at once download once.
TEST_F(HubTest, InterruptedAndGoneOnWith) {
  hub_.publish("org/repo", "model.safetensors", large_checkpoint(folder_));
  hub_.set_faults({{{"on", "GET"}, {"at", "cdn"}, {"slow", 0.005}}});
  Process first({"info", "org/repo"});
  const auto blobs = hub_.cached("org/repo") / "blobs";
  const auto partial = [&]() -> fs::path {
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(blobs, none))
      if (entry.path().extension() == ".incomplete" && entry.file_size(none) > 0) return entry.path();
    return {};
  };
  while (partial().empty() && first.running()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  first.send(SIGINT);
  EXPECT_EQ(first.wait().signal, SIGINT);
  ASSERT_FALSE(partial().empty());
  EXPECT_EQ(names_in(blobs).size(), 1U);

  Process second({"info", "org/repo"});
  Process third({"info", "org/repo"});
  EXPECT_EQ(second.wait().code, 0);
  EXPECT_EQ(third.wait().code, 0);
  EXPECT_TRUE(partial().empty());
  EXPECT_EQ(hub_.count("GET", "cdn"), 2) << "one before the signal, one for both after it";
  EXPECT_THAT(hub_.requests(),
              testing::Contains(testing::ResultOf([](const json& request) { return request["range"].dump(); },
                                                  HasSubstr("bytes="))));
}

/// Where Ctrl-C does not end the process at once, as in serve.
TEST(DownloadBar, ADownloadEndsWhenTheProgramIsToStop) {
  const auto download = [] {
    const HubOptions options = cli::hub_options();
    options.progress({.repo = "org/repo", .file = "model.pt"});
    cli::ask_to_stop();
    const std::string error = error_of([&] { options.progress({.repo = "org/repo", .file = "model.pt"}); });
    std::fputs(error.c_str(), stderr);
    std::_Exit(0);
  };
  EXPECT_EXIT(download(), testing::ExitedWithCode(0), "stopped while model.pt of org/repo");
}

}  // namespace
}  // namespace contentvec::test
