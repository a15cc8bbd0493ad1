// contentvec live over sound devices, which fake_portaudio.cc stands in for.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <termios.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "cli/devices/sample_ring.h"
#include "cli/files.h"
#include "cli/process.h"
#include "contentvec/contentvec.h"
#include "support.h"

namespace contentvec::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

TEST(SampleRing, GivesAllInOrderToAnotherThread) {
  cli::SampleRing ring(37);
  constexpr int kCount = 200'000;
  std::thread writer([&] {
    std::vector<float> some(11);
    for (int next = 0; next < kCount;) {
      for (size_t i = 0; i < some.size(); ++i) some[i] = static_cast<float>(next + static_cast<int>(i));
      const auto left = std::min<size_t>(some.size(), static_cast<size_t>(kCount - next));
      next += static_cast<int>(ring.push(std::span(some).first(left)));
    }
  });
  std::vector<float> some(7);
  int wrong = 0;
  for (int next = 0; next < kCount;) {
    const size_t count = ring.pop(some);
    for (size_t i = 0; i < count; ++i) wrong += some[i] == static_cast<float>(next++) ? 0 : 1;
  }
  writer.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(ring.held(), 0U);
  EXPECT_EQ(ring.push(std::vector<float>(50)), 37U);
}

class LiveDevicesTest : public testing::Test {
 protected:
  LiveDevicesTest() {
    setenv("LD_LIBRARY_PATH", CONTENTVEC_FAKE_PORTAUDIO, 1);
    setenv("CONTENTVEC_FAKE_INPUT", (folder_ / "in.raw").c_str(), 1);
    setenv("CONTENTVEC_FAKE_OUTPUT", (folder_ / "out.raw").c_str(), 1);
    std::vector<float> input(16000);
    for (size_t i = 0; i < input.size(); ++i)
      input[i] = 0.3F * std::sin(0.06F * static_cast<float>(i)) * std::sin(0.0011F * static_cast<float>(i));
    input_ = input;
    const auto bytes = std::as_bytes(std::span(input));
    write_file(folder_ / "in.raw", std::vector<std::byte>(bytes.begin(), bytes.end()));
  }
  ~LiveDevicesTest() override {
    for (const char* name :
         {"LD_LIBRARY_PATH", "CONTENTVEC_FAKE_INPUT", "CONTENTVEC_FAKE_OUTPUT", "CONTENTVEC_FAKE_FAULT"})
      unsetenv(name);
  }

  static std::string config(const std::string& name) {
    return "synthetic:" +
           (fs::path(CONTENTVEC_SOURCE_DIR) / "tests/oracle-rvc/configs" / (name + ".json")).string();
  }
  static std::vector<std::string> arguments(const std::vector<std::string>& more) {
    std::vector<std::string> all = {"live",
                                    "--voice",
                                    config("tiny-v2-48k"),
                                    "--model",
                                    config("pipeline-hubert-v2"),
                                    "--pitch-model",
                                    config("tiny-rmvpe"),
                                    "--block",
                                    "100",
                                    "--extra",
                                    "300",
                                    "--stats",
                                    "stats.json"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  /// Runs it for some seconds, if it does not end before.
  Result command(const std::vector<std::string>& more, std::chrono::milliseconds time) {
    Surroundings surroundings;
    surroundings.folder = folder_.path();
    Process process(arguments(more), surroundings);
    const auto end = std::chrono::steady_clock::now() + time;
    while (process.running() && std::chrono::steady_clock::now() < end)
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    if (process.running()) process.send(SIGINT);
    return process.wait();
  }
  Result with_fault(const char* fault, const std::vector<std::string>& more = {"--record", "heard.wav"}) {
    setenv("CONTENTVEC_FAKE_FAULT", fault, 1);
    return command(more, std::chrono::seconds(10));
  }
  [[nodiscard]] std::vector<float> played() const {
    const std::vector<std::byte> bytes = read_file(folder_ / "out.raw");
    std::vector<float> samples(bytes.size() / sizeof(float));
    std::memcpy(samples.data(), bytes.data(), samples.size() * sizeof(float));
    return samples;
  }

  const TemporaryFolder folder_;
  std::vector<float> input_;
};

TEST_F(LiveDevicesTest, WhatIsSpokenIsHeard) {
  const Result result = command({"--bypass"}, std::chrono::seconds(3));
  ASSERT_EQ(result.code, 0) << result.err;
  const std::vector<float> output = played();
  // Half a block of silence, and as late as the stream is; on both sides.
  constexpr size_t kLater = 800 + 960;
  ASSERT_GE(output.size() / 2, input_.size() + kLater);
  const nlohmann::json stats = read_json(folder_ / "stats.json");
  EXPECT_EQ(stats.at("rate"), 16000);
  if (stats.at("output_gaps") != 0) GTEST_SKIP() << "the machine is too busy to play without gaps";
  for (size_t i = 1000; i < input_.size(); ++i) {
    ASSERT_NEAR(output[2 * (i + kLater)], input_[i], 1e-6F) << i;
    ASSERT_EQ(output[2 * (i + kLater)], output[2 * (i + kLater) + 1]) << i;
  }
}

TEST_F(LiveDevicesTest, ALostDeviceIsAnErrorAndWhatWasHeardIsKept) {
  const Result result = with_fault("input lost");
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, AllOf(HasSubstr("input device \"Fake Microphone\" has stopped"),
                                HasSubstr("blocks of 100 ms")));
  EXPECT_GE(read_audio(folder_ / "heard.wav").waveform.size(), 4800U);
  EXPECT_EQ(with_fault("output lost").code, 1);
}

TEST_F(LiveDevicesTest, AStalledDeviceIsAnError) {
  for (const std::string side : {"input", "output"}) {
    const Result result = with_fault((side + " stalled").c_str());
    EXPECT_EQ(result.code, 1);
    EXPECT_THAT(result.err, AllOf(HasSubstr(side + " device"), HasSubstr("nothing for 3 seconds")));
    EXPECT_TRUE(fs::exists(folder_ / "heard.wav"));
  }
}

TEST_F(LiveDevicesTest, APauseIsAGapAndItGoesOn) {
  setenv("CONTENTVEC_FAKE_FAULT", "input paused", 1);
  const Result result = command({}, std::chrono::seconds(3));
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_GT(read_json(folder_ / "stats.json").at("output_gaps"), 10);
  // It goes on; how far in this time, a busy machine and a sanitizer have a say in.
  EXPECT_GT(read_json(folder_ / "stats.json").at("blocks"), 5);
  EXPECT_THAT(result.err, HasSubstr("the output had none"));
}

/// A terminal to type on and to read from.
class Terminal {
 public:
  Terminal() : file_(posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK)) {
    EXPECT_EQ(grantpt(file_), 0);
    EXPECT_EQ(unlockpt(file_), 0);
    name_ = ptsname(file_);
    kept_open_ = ::open(name_.c_str(), O_RDWR | O_NOCTTY);
  }
  ~Terminal() {
    ::close(kept_open_);
    ::close(file_);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }
  void type(const std::string& keys) const {
    EXPECT_EQ(::write(file_, keys.data(), keys.size()), static_cast<ssize_t>(keys.size()));
  }
  /// What is shown until `text` is, for ten seconds.
  std::string shown_until(const std::string& text) {
    std::string shown;
    for (int i = 0; i < 1000 && shown.find(text) == std::string::npos; ++i) {
      std::string more(4096, '\0');
      const ssize_t size = ::read(file_, more.data(), more.size());
      if (size > 0) shown += more.substr(0, static_cast<size_t>(size));
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return shown;
  }
  [[nodiscard]] bool echoes() const {
    termios state = {};
    tcgetattr(kept_open_, &state);
    return (state.c_lflag & ECHO) != 0;
  }

 private:
  int file_;
  int kept_open_ = -1;
  std::string name_;
};

TEST_F(LiveDevicesTest, KeysChangeItWhileItRuns) {
  setenv("TERM", "xterm", 1);
  Terminal terminal;
  Surroundings surroundings;
  surroundings.folder = folder_.path();
  surroundings.input = surroundings.error = terminal.name();
  Process process(arguments({"--voice", config("tiny-v2-48k")}), surroundings);
  EXPECT_THAT(terminal.shown_until("key +0 formant +0"), HasSubstr("in "));
  EXPECT_FALSE(terminal.echoes());
  terminal.type("\x1b[A\x1b[A\x1b[D[b");
  EXPECT_THAT(terminal.shown_until("bypass"), HasSubstr("key +2 formant -0.5 index 0.65 bypass"));
  terminal.type("b\x1b[Bv");
  EXPECT_THAT(terminal.shown_until("key +1 formant"), HasSubstr("key +1 formant"));
  terminal.type("q");
  EXPECT_EQ(process.wait().code, 0);
  EXPECT_TRUE(terminal.echoes());
  unsetenv("TERM");
}

TEST_F(LiveDevicesTest, DevicesAreListedAndNamed) {
  const Result list = run({"live", "--list-devices"});
  EXPECT_EQ(list.code, 0) << list.err;
  EXPECT_THAT(list.out,
              AllOf(HasSubstr("0  Fake Microphone  (Fake, 1 in, 0 out, 16000 Hz, standard input)"),
                    HasSubstr("1  Fake Loudspeaker  (Fake, 0 in, 2 out, 16000 Hz, standard output)")));
  const auto error_with = [&](const std::vector<std::string>& more) {
    const Result result = command(more, std::chrono::seconds(10));
    EXPECT_EQ(result.code, 1) << result.err;
    return result.err;
  };
  EXPECT_THAT(error_with({"--input", "banjo"}),
              AllOf(HasSubstr("--input banjo"), HasSubstr("0 \"Fake Microphone\"")));
  EXPECT_THAT(error_with({"--output", "0"}), HasSubstr("--output 0"));  // nothing is heard from a microphone
  EXPECT_THAT(error_with({"--rate", "48000"}),
              AllOf(HasSubstr("Invalid sample rate"), HasSubstr("--rate is 16000")));
  write_wav(folder_ / "in.wav", input_);
  EXPECT_EQ(command({"--input", "in.wav", "--output", "LOUD"}, std::chrono::seconds(10)).code, 0);
  EXPECT_GE(played().size() / 2, input_.size());
}

}  // namespace
}  // namespace contentvec::test
