// contentvec live: what goes through it, over the library's VoiceStream.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "cli/files.h"
#include "cli/process.h"
#include "contentvec/contentvec.h"
#include "support.h"

namespace contentvec::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

/// Small models, and a hum. Nothing may be downloaded.
class LiveTest : public testing::Test {
 protected:
  LiveTest() {
    setenv("HF_HUB_OFFLINE", "1", 1);
    setenv("HF_HUB_CACHE", (folder_ / "no cache").c_str(), 1);
    for (size_t i = 0; i < input_.size(); ++i)
      input_[i] = 0.3F * std::sin(0.06F * static_cast<float>(i)) * std::sin(0.0011F * static_cast<float>(i));
  }
  ~LiveTest() override {
    unsetenv("HF_HUB_OFFLINE");
    unsetenv("HF_HUB_CACHE");
  }

  static std::vector<std::string> arguments(const std::vector<std::string>& more) {
    std::vector<std::string> all = {"live",
                                    "--voice",
                                    rvc_synthetic("tiny-v2-48k"),
                                    "--model",
                                    rvc_synthetic("pipeline-hubert-v2"),
                                    "--pitch-model",
                                    rvc_synthetic("tiny-rmvpe"),
                                    "--rate",
                                    "16000",
                                    "--block",
                                    "100",
                                    "--extra",
                                    "300"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  Result command(const std::vector<std::string>& more, Surroundings surroundings = {}) {
    surroundings.folder = folder_.path();
    return run(arguments(more), surroundings);
  }

  /// What the library makes of some samples, and silence behind them until all have been heard.
  [[nodiscard]] static std::vector<float> expected(std::vector<float> samples, const StreamOptions& options) {
    VoiceStream stream(Model::load(rvc_synthetic("pipeline-hubert-v2")),
                       PitchEstimator::load(rvc_synthetic("tiny-rmvpe")),
                       Voice::load(rvc_synthetic("tiny-v2-48k")), std::nullopt, options);
    const auto heard = samples.size() + static_cast<size_t>(stream.latency() - stream.block());
    const auto block = static_cast<size_t>(stream.block());
    samples.resize((heard + block - 1) / block * block);
    for (size_t begin = 0; begin < samples.size(); begin += block) {
      const auto part = std::span(samples).subspan(begin, block);
      EXPECT_EQ(stream.process(part, part), StreamStatus::kOk);
    }
    samples.resize(heard);
    return samples;
  }

  template <typename T>
  static std::string bytes_of(const std::vector<T>& samples) {
    return {reinterpret_cast<const char*>(samples.data()), samples.size() * sizeof(T)};
  }
  template <typename T>
  static std::vector<T> samples_of(const std::string& bytes) {
    std::vector<T> samples(bytes.size() / sizeof(T));
    std::memcpy(samples.data(), bytes.data(), samples.size() * sizeof(T));
    return samples;
  }

  const TemporaryFolder folder_;
  std::vector<float> input_ = std::vector<float>(9000);  // not whole blocks
  const StreamOptions options_ = {.rate = 16000, .block_ms = 100, .extra_ms = 300, .settings = {.key = 5}};
};

TEST_F(LiveTest, APipeOfFloatsIsTheStream) {
  write_file(folder_ / "in.raw", bytes_of(input_));
  const Result result = command({"--input", "-", "--output", "-", "--encoding", "float", "--key", "5"},
                                {.input = folder_ / "in.raw"});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(samples_of<float>(result.out), expected(input_, options_));
  EXPECT_THAT(result.err, AllOf(HasSubstr("blocks of 100 ms"), HasSubstr("latency 160 ms")));
}

TEST_F(LiveTest, APipeOfIntegersIsTheStream) {
  std::vector<int16_t> integers;
  std::vector<float> floats;
  for (const float x : input_) {
    integers.push_back(static_cast<int16_t>(x * 32767));
    floats.push_back(static_cast<float>(integers.back()) / 32768);
  }
  write_file(folder_ / "in.raw", bytes_of(integers) + "x");  // and half a sample
  const Result result =
      command({"--input", "-", "--output", "-", "--key", "5", "-q"}, {.input = folder_ / "in.raw"});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.err, IsEmpty());
  const std::vector<int16_t> output = samples_of<int16_t>(result.out);
  const std::vector<float> reference = expected(floats, options_);
  ASSERT_EQ(output.size(), reference.size());
  for (size_t i = 0; i < output.size(); ++i)
    ASSERT_EQ(output[i], std::lrint(std::clamp(reference[i] * 32768, -32768.0F, 32767.0F))) << i;
}

TEST_F(LiveTest, SettingsAreTheStreams) {
  write_file(folder_ / "in.raw", bytes_of(input_));
  StreamOptions options = options_;
  options.crossfade_ms = 20;
  options.search_ms = 20;
  options.quality = StreamQuality::kFast;
  options.fast_context_ms = 100;
  options.seed = 9;
  options.settings = {
      .formant = 2, .rms_mix_rate = 0.5F, .gate_db = -40, .denoise_input = true, .unvoiced = Unvoiced::kKeep};
  const Result result = command(
      {"--input",   "-",    "--output",       "-",    "--encoding",     "float", "--crossfade", "20",
       "--search",  "20",   "--quality",      "fast", "--fast-context", "100",   "--seed",      "9",
       "--formant", "2",    "--rms-mix-rate", "0.5",  "--gate",         "-40",   "--unvoiced",  "keep",
       "--denoise", "input"},
      {.input = folder_ / "in.raw"});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(samples_of<float>(result.out), expected(input_, options));
}

TEST_F(LiveTest, AFileGoesToAFileAndIsRecorded) {
  write_wav(folder_ / "in.wav", input_);
  const Result result = command({"--input", "in.wav", "--output", "out.wav", "--record", "again.flac",
                                 "--stats", "stats.json", "--key", "5"});
  ASSERT_EQ(result.code, 0) << result.err;
  const Audio output = read_audio(folder_ / "out.wav");
  const std::vector<float> reference = expected(input_, options_);
  ASSERT_EQ(output.waveform.size(), reference.size());
  for (size_t i = 0; i < reference.size(); ++i) ASSERT_NEAR(output.waveform[i], reference[i], 1e-4F) << i;
  EXPECT_EQ(read_audio(folder_ / "again.flac").waveform.size(), reference.size());
  const nlohmann::json stats = read_json(folder_ / "stats.json");
  EXPECT_EQ(stats.at("blocks"), 7);
  EXPECT_EQ(stats.at("latency_ms"), 160);
  EXPECT_EQ(stats.at("failed"), 0);
}

TEST_F(LiveTest, ABypassIsTheInputLater) {
  write_file(folder_ / "in.raw", bytes_of(input_));
  const Result result = command({"--input", "-", "--output", "-", "--encoding", "float", "--bypass"},
                                {.input = folder_ / "in.raw"});
  const std::vector<float> output = samples_of<float>(result.out);
  constexpr size_t kLater = 960;  // crossfade and search
  ASSERT_EQ(output.size(), input_.size() + kLater);
  for (size_t i = 1000; i < input_.size(); ++i) ASSERT_NEAR(output[i + kLater], input_[i], 1e-6F) << i;
}

TEST_F(LiveTest, PacedItTakesAsLongAsItLasts) {
  write_wav(folder_ / "in.wav", input_);
  const auto begin = std::chrono::steady_clock::now();
  const Result result = command({"--input", "in.wav", "--output", "out.wav", "--paced"});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(700));
}

TEST_F(LiveTest, AnInterruptEndsItWithWhatWasHeard) {
  // A pipe that nobody writes to any more, and nobody closes.
  ASSERT_EQ(mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  const std::string pipe = (folder_ / "pipe").string();
  std::atomic<bool> is_read = false;
  std::atomic<bool> is_over = false;
  std::thread writer([&] {
    std::FILE* file = std::fopen(pipe.c_str(), "wb");
    std::fwrite(input_.data(), sizeof(float), 4000, file);
    std::fflush(file);
    const auto is_unread = [&] {
      int bytes = 0;
      return ioctl(fileno(file), FIONREAD, &bytes) == 0 && bytes > 0;
    };
    while (!is_over && is_unread()) std::this_thread::sleep_for(std::chrono::milliseconds(20));
    is_read = true;
    while (!is_over) std::this_thread::sleep_for(std::chrono::milliseconds(20));
    std::fclose(file);
  });
  Surroundings surroundings = {.input = folder_ / "pipe"};
  surroundings.folder = folder_.path();
  Process process(arguments({"--input", "-", "--output", "out.wav", "--encoding", "float"}), surroundings);
  // Models are loaded for as long as a machine takes.
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (process.running() && !is_read && std::chrono::steady_clock::now() < end)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  std::this_thread::sleep_for(std::chrono::seconds(1));
  process.send(SIGINT);
  const Result result = process.wait();
  is_over = true;
  writer.join();
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("blocks of 100 ms"));
  EXPECT_EQ(read_audio(folder_ / "out.wav").waveform.size(), 4000U + 960U);
}

/// A pipe gives what it has once: it is opened once.
TEST_F(LiveTest, ANamedPipeIsAFile) {
  write_wav(folder_ / "in.wav", input_);
  ASSERT_EQ(mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  std::thread writer([&] { write_file(folder_ / "pipe", text_of(folder_ / "in.wav")); });
  std::vector<std::string> all = arguments({"--input", "./pipe", "--output", "out.wav"});
  all.erase(std::find(all.begin(), all.end(), "--rate"), std::find(all.begin(), all.end(), "--block"));
  Process process(all, {.folder = folder_.path()});
  const Result result = process.wait();
  writer.join();
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(read_audio(folder_ / "out.wav").waveform.size(), 9000U + 960U);
}

TEST_F(LiveTest, AReaderThatStandsStillDoesNotKeepItFromEnding) {
  write_wav(folder_ / "in.wav", std::vector<float>(16000 * 8));
  ASSERT_EQ(mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  const int reader = ::open((folder_ / "pipe").c_str(), O_RDONLY | O_NONBLOCK);
  ASSERT_GE(reader, 0);
  Surroundings surroundings = {.output = folder_ / "pipe"};
  surroundings.folder = folder_.path();
  Process process(arguments({"--input", "in.wav", "--output", "-", "--record", "heard.wav", "--bypass"}),
                  surroundings);
  const auto is_full = [&] {  // but for less than a block
    int bytes = 0;
    return ioctl(reader, FIONREAD, &bytes) == 0 && bytes > 50'000;
  };
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (process.running() && !is_full() && std::chrono::steady_clock::now() < end)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  process.send(SIGINT);
  const Result result = process.wait();
  ::close(reader);
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, HasSubstr("takes nothing"));
  EXPECT_GT(read_audio(folder_ / "heard.wav").waveform.size(), 16000U);
}

TEST_F(LiveTest, SaysWhatARecordingLacks) {
  write_wav(folder_ / "in.wav", input_);
  write_file(folder_ / "cut.wav", text_of(folder_ / "in.wav").substr(0, 20000));
  const Result result = command({"--input", "cut.wav", "--output", "out.wav"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("warning:"));
}

TEST_F(LiveTest, WhereNobodyListensItEnds) {
  write_file(folder_ / "in.raw", bytes_of(input_));
  const Result result =
      command({"--input", "-", "--output", "-"}, {.input = folder_ / "in.raw", .output = "/dev/full"});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, HasSubstr("cannot write standard output"));
}

TEST_F(LiveTest, NoSoundIsNoSound) {
  const Result result = command({"--input", "-", "--output", "-", "--encoding", "float"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(samples_of<float>(result.out).size(), 960U);
}

TEST_F(LiveTest, SaysWhatIsNotAsAskedFor) {
  const auto said = [&](const std::vector<std::string>& more) {
    write_wav(folder_ / "in.wav", std::vector<float>(1600));
    std::vector<std::string> all = {"--input", "in.wav", "--output", "out.wav"};
    all.insert(all.end(), more.begin(), more.end());
    const Result result = command(all);
    EXPECT_EQ(result.code, 0) << result.err;
    return result.err;
  };
  EXPECT_THAT(said({"--crossfade", "33.3", "--search", "17"}),
              AllOf(HasSubstr("note: --crossfade 33.3 is 30 ms: lengths are rounded to 10 ms"),
                    HasSubstr("note: --search 17 is 20 ms")));
  EXPECT_THAT(said({"--fast-context", "200"}),
              HasSubstr("warning: --fast-context has no effect: it is for --quality fast"));
  EXPECT_THAT(said({"--fast-context", "200", "--quality", "fast"}),
              AllOf(Not(HasSubstr("warning")), Not(HasSubstr("note"))));
}

TEST_F(LiveTest, SaysWhatIsWrong) {
  const auto error_with = [&](const std::vector<std::string>& more, int code) {
    const Result result = command(more);
    EXPECT_EQ(result.code, code) << result.err;
    return result.err;
  };
  EXPECT_THAT(run({"live", "--input", "-", "--output", "-"}).err, HasSubstr("--voice is required"));
  EXPECT_THAT(error_with({"--input", "-", "--output", "no such device"}, 1), HasSubstr("device"));
  EXPECT_THAT(error_with({"--input", "-", "--output", "-", "--search", "1"}, 2), HasSubstr("--search"));
  EXPECT_THAT(error_with({"--input", "-", "--output", "-", "--quality", "best"}, 2),
              HasSubstr("exact, fast"));
  EXPECT_THAT(error_with({"--input", "-", "--output", "-", "--paced"}, 2), HasSubstr("--paced"));
  EXPECT_THAT(error_with({"--input", "nowhere.wav", "--output", "-"}, 1), HasSubstr("nowhere.wav"));
  EXPECT_THAT(error_with({"--input", "-", "--output", "out.mp3"}, 2), HasSubstr("out.mp3"));
  EXPECT_THAT(error_with({"--input", "-", "--output", "nowhere/out.wav"}, 1), HasSubstr("nowhere"));
  EXPECT_THAT(error_with({"--input", "-", "--output", "-", "--speaker", "77"}, 1), HasSubstr("--speaker 77"));
  write_wav(folder_ / "in.wav", input_);
  EXPECT_THAT(error_with({"--input", "in.wav", "--output", "./in.wav"}, 2), HasSubstr("written over"));
  EXPECT_THAT(error_with({"--input", "-", "--output", "a.wav", "--record", "a.wav"}, 2),
              HasSubstr("--record a.wav"));
  EXPECT_THAT(error_with({"--input", "-", "--output", "a.wav", "--record", "./a.wav"}, 2),
              HasSubstr("--record ./a.wav"));
  EXPECT_THAT(error_with({"--input", "in.wav", "--output", "a.wav", "--stats", "in.wav"}, 2),
              HasSubstr("written over"));
  EXPECT_THAT(error_with({"--input", "-", "--output", "a.wav", "--stats", "./a.wav"}, 2),
              HasSubstr("--stats"));
  EXPECT_THAT(error_with({"--input", "-", "--output", "-", "--stats", "."}, 2), HasSubstr("is a folder"));
  EXPECT_THAT(error_with({"--input", "-", "--output", "-", "--stats", "nowhere/a.json"}, 1),
              HasSubstr("nowhere"));
  EXPECT_EQ(read_audio(folder_ / "in.wav").waveform, input_);
  const Result rate = run(
      {"live", "--voice", rvc_synthetic("tiny-v2-48k"), "--input", "-", "--output", "-", "--rate", "22051"});
  EXPECT_EQ(rate.code, 2);
  EXPECT_THAT(rate.err, HasSubstr("22051"));
}

}  // namespace
}  // namespace contentvec::test
