// contentvec live over sound devices, which fake_portaudio.cc stands in for.

#include <gmock/gmock.h>

#include <chrono>
#include <thread>

#include "cli/devices/sample_ring.h"
#include "cli/files.h"
#include "cli/live_devices_case.h"
#include "contentvec/contentvec.h"

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
      const size_t count = ring.push(std::span(some).first(left));
      next += static_cast<int>(count);
      if (count == 0) std::this_thread::yield();
    }
  });
  std::vector<float> some(7);
  int wrong = 0;
  for (int next = 0; next < kCount;) {
    const size_t count = ring.pop(some);
    if (count == 0) std::this_thread::yield();
    for (size_t i = 0; i < count; ++i) wrong += some[i] == static_cast<float>(next++) ? 0 : 1;
  }
  writer.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(ring.held(), 0U);
  EXPECT_EQ(ring.push(std::vector<float>(50)), 37U);
}

TEST_F(LiveDevicesTest, WhatIsSpokenIsHeard) {
  const Result result = command({"--bypass"}, std::chrono::seconds(3));
  ASSERT_EQ(result.code, 0) << result.err;
  const std::vector<float> output = played();
  // Half a block of silence, and as late as the stream is; on both sides.
  constexpr size_t kLater = 800 + 960;
  ASSERT_GE(output.size() / 2, input_.size() + kLater);
  const nlohmann::json stats = read_json(folder_ / "stats.json");
  EXPECT_EQ(stats.at("rate"), 16000);
  if (was_busy(stats)) GTEST_SKIP() << "the machine is too busy to play without gaps";
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
  const nlohmann::json stats = read_json(folder_ / "stats.json");
  EXPECT_GE(stats.at("output_gaps"), 1);
  EXPECT_EQ(stats.at("output_device_gaps"), 0);
  // It goes on; how far in this time, a busy machine and a sanitizer have a say in.
  EXPECT_GT(stats.at("blocks"), 5);
  EXPECT_THAT(result.err, HasSubstr("the output had none"));
}

TEST_F(LiveDevicesTest, WhatTheDeviceItselfLosesIsToldApart) {
  setenv("CONTENTVEC_FAKE_FAULT", "input flagged", 1);
  const Result result = command({}, std::chrono::milliseconds(2500));
  EXPECT_EQ(result.code, 0) << result.err;
  const nlohmann::json stats = read_json(folder_ / "stats.json");
  EXPECT_EQ(stats.at("input_device_gaps"), 1);
  const bool was_in_time = stats.at("output_gaps") == 0;
  EXPECT_TRUE(stats.at("input_gaps") == 0 || !was_in_time) << stats.at("input_gaps");
  EXPECT_THAT(result.err, HasSubstr("the devices themselves lost sound 1 times"));
  EXPECT_GE(stats.at("heard_after_ms"), stats.at("latency_ms"));
}

TEST_F(LiveDevicesTest, AMonitorHearsWhatTheOutputDoes) {
  const Result result = command({"--monitor", "headphones"}, std::chrono::seconds(2));
  ASSERT_EQ(result.code, 0) << result.err;
  const std::vector<float> output = played();
  const std::vector<float> monitor = played("monitor.raw");
  ASSERT_GT(monitor.size(), 16000U);
  const nlohmann::json stats = read_json(folder_ / "stats.json");
  if (was_busy(stats) || stats.at("monitor_gaps") != 0) GTEST_SKIP() << "the machine is too busy";
  for (size_t i = 0; i < 16000; ++i) ASSERT_EQ(monitor[i], output[2 * i]) << i;
}

TEST_F(LiveDevicesTest, WithoutItsMonitorItGoesOn) {
  setenv("CONTENTVEC_FAKE_FAULT", "monitor lost", 1);
  const Result result = command({"--monitor", "2"}, std::chrono::milliseconds(2500));
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_GT(read_json(folder_ / "stats.json").at("blocks"), 5);
  EXPECT_THAT(result.err, HasSubstr("nothing is monitored any more"));
}

TEST_F(LiveDevicesTest, AMonitorIsHeardBesideAFile) {
  write_wav(folder_ / "in.wav", input_);
  const Result result =
      command({"--input", "in.wav", "--output", "out.wav", "--monitor"}, std::chrono::seconds(10));
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_GE(played().size() / 2, input_.size() + 960);  // the system's own device
  EXPECT_EQ(read_audio(folder_ / "out.wav").waveform.size(), input_.size() + 960);
  const Result same = command({"--output", "1", "--monitor"}, std::chrono::seconds(10));
  EXPECT_EQ(same.code, 2);
  EXPECT_THAT(same.err, HasSubstr("are the same device, \"Fake Loudspeaker\""));
}

/// A clock that is wrong by more than any is, so that it shows in seconds; a busy machine does the same to it.
TEST_F(LiveDevicesTest, TheOutputKeepsStepWithTheInput) {
  setenv("CONTENTVEC_FAKE_SPEED", "0.98", 1);
  const Result result = command({"--bypass"}, std::chrono::seconds(4));
  ASSERT_EQ(result.code, 0) << result.err;
  const nlohmann::json stats = read_json(folder_ / "stats.json");
  if (was_busy(stats)) GTEST_SKIP() << "the machine is too busy: after a gap the clock is looked at anew";
  EXPECT_LT(stats.at("inserted_samples"), -10);
}

TEST_F(LiveDevicesTest, DevicesAreListedAndNamed) {
  const Result list = run({"live", "--list-devices"});
  EXPECT_EQ(list.code, 0) << list.err;
  EXPECT_THAT(list.out,
              AllOf(HasSubstr("0  Fake Microphone  (Fake, 1 in, 0 out, 16000 Hz, standard input)"),
                    HasSubstr("1  Fake Loudspeaker  (Fake, 0 in, 2 out, 16000 Hz, standard output)"),
                    HasSubstr("2  Fake Headphones  (Fake, 0 in, 1 out, 16000 Hz)")));
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
