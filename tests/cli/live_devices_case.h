#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "cli/process.h"
#include "support.h"

namespace contentvec::test {

/// contentvec live with small models, over the devices of fake_portaudio.cc.
class LiveDevicesTest : public testing::Test {
 protected:
  LiveDevicesTest() {
    setenv("LD_LIBRARY_PATH", CONTENTVEC_FAKE_PORTAUDIO, 1);
    setenv("CONTENTVEC_FAKE_INPUT", (folder_ / "in.raw").c_str(), 1);
    setenv("CONTENTVEC_FAKE_OUTPUT", (folder_ / "out.raw").c_str(), 1);
    setenv("CONTENTVEC_FAKE_MONITOR", (folder_ / "monitor.raw").c_str(), 1);
    std::vector<float> input(16000);
    for (size_t i = 0; i < input.size(); ++i)
      input[i] = 0.3F * std::sin(0.06F * static_cast<float>(i)) * std::sin(0.0011F * static_cast<float>(i));
    input_ = input;
    const auto bytes = std::as_bytes(std::span(input));
    write_file(folder_ / "in.raw", std::vector<std::byte>(bytes.begin(), bytes.end()));
  }
  ~LiveDevicesTest() override {
    for (const char* name : {"LD_LIBRARY_PATH", "CONTENTVEC_FAKE_INPUT", "CONTENTVEC_FAKE_OUTPUT",
                             "CONTENTVEC_FAKE_MONITOR", "CONTENTVEC_FAKE_SPEED", "CONTENTVEC_FAKE_FAULT"})
      unsetenv(name);
  }

  static std::vector<std::string> arguments(const std::vector<std::string>& more,
                                            const std::string& block = "100") {
    std::vector<std::string> all = {"live",
                                    "--voice",
                                    rvc_synthetic("tiny-v2-48k"),
                                    "--model",
                                    rvc_synthetic("pipeline-hubert-v2"),
                                    "--pitch-model",
                                    rvc_synthetic("tiny-rmvpe"),
                                    "--block",
                                    block,
                                    "--extra",
                                    "300",
                                    "--stats",
                                    "stats.json"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  /// Runs it until the output device has played so much, if it does not end before: however slow the machine is.
  Result command(const std::vector<std::string>& more, std::chrono::milliseconds played,
                 const std::string& block = "100") {
    const auto enough = static_cast<uintmax_t>(played.count()) * 16 * 2 * sizeof(float);
    std::filesystem::remove(folder_ / "out.raw");
    Surroundings surroundings;
    surroundings.folder = folder_.path();
    Process process(arguments(more, block), surroundings);
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (process.running() && size_of_output() < enough && std::chrono::steady_clock::now() < end)
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    if (process.running()) process.send(SIGINT);
    return process.wait();
  }
  [[nodiscard]] uintmax_t size_of_output() const {
    std::error_code error;
    const uintmax_t size = std::filesystem::file_size(folder_ / "out.raw", error);
    return error ? 0 : size;
  }
  /// Whether something is missing that a machine would play that is not busy.
  [[nodiscard]] static bool was_busy(const nlohmann::json& stats) {
    return stats.at("input_gaps") != 0 || stats.at("output_gaps") != 0 || stats.at("skipped_blocks") != 0;
  }
  Result with_fault(const char* fault, const std::vector<std::string>& more = {"--record", "heard.wav"}) {
    setenv("CONTENTVEC_FAKE_FAULT", fault, 1);
    return command(more, std::chrono::seconds(10));
  }
  [[nodiscard]] std::vector<float> played(const char* file = "out.raw") const {
    const std::vector<std::byte> bytes = read_file(folder_ / file);
    std::vector<float> samples(bytes.size() / sizeof(float));
    std::memcpy(samples.data(), bytes.data(), samples.size() * sizeof(float));
    return samples;
  }

  const TemporaryFolder folder_;
  std::vector<float> input_;
};

}  // namespace contentvec::test
