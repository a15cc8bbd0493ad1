// The keys of contentvec live, and the terminal they are typed on.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "cli/live_devices_case.h"
#include "cli/process.h"
#include "small_index.h"

namespace contentvec::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

/// A terminal to type on and to read from.
class Terminal {
 public:
  Terminal() : file_(posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK)) {
    EXPECT_EQ(grantpt(file_), 0);
    EXPECT_EQ(unlockpt(file_), 0);
    name_ = ptsname(file_);
    kept_open_ = ::open(name_.c_str(), O_RDWR | O_NOCTTY);
    const winsize size = {.ws_row = 24, .ws_col = 120, .ws_xpixel = 0, .ws_ypixel = 0};
    EXPECT_EQ(ioctl(file_, TIOCSWINSZ, &size), 0);
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
  /// Whether it does, or comes to in ten seconds.
  [[nodiscard]] bool comes_to_echo(bool expected) const {
    for (int i = 0; i < 1000 && echoes() != expected; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    return echoes() == expected;
  }

 private:
  int file_;
  int kept_open_ = -1;
  std::string name_;
};

/// The program on a terminal, over the devices.
class LiveKeysTest : public LiveDevicesTest {
 protected:
  LiveKeysTest() { setenv("TERM", "xterm", 1); }
  ~LiveKeysTest() override { unsetenv("TERM"); }

  [[nodiscard]] Surroundings on_terminal() const {
    Surroundings surroundings;
    surroundings.folder = folder_.path();
    surroundings.input = surroundings.error = terminal_.name();
    return surroundings;
  }

  Terminal terminal_;
};

TEST_F(LiveKeysTest, ChangeItWhileItRuns) {
  if (!has_faiss()) GTEST_SKIP() << "this build reads no indexes";
  Process process(arguments({"--voice", rvc_synthetic("tiny-v2-48k"), "--index", small_index()}),
                  on_terminal());
  EXPECT_THAT(terminal_.shown_until("key +0 index 0.75"), HasSubstr("dB"));
  EXPECT_TRUE(terminal_.comes_to_echo(false));
  terminal_.type("\x1b[A\x1b[A\x1b[D[xb");
  const std::string bypassed = "bypass key +2 formant -0.5 index";
  EXPECT_THAT(terminal_.shown_until(bypassed), HasSubstr(bypassed));
  terminal_.type("b\x1b[C\x1b[Bv");
  EXPECT_THAT(terminal_.shown_until("key +1 index 0.65"), HasSubstr("key +1 index 0.65"));
  terminal_.type("q");
  EXPECT_EQ(process.wait().code, 0);
  EXPECT_TRUE(terminal_.echoes());
}

TEST_F(LiveKeysTest, NoIndexIsShownWhereThereIsNone) {
  Process process(arguments({}), on_terminal());
  EXPECT_TRUE(terminal_.comes_to_echo(false));
  terminal_.type("\x1b[A");
  EXPECT_THAT(terminal_.shown_until("key +1"), AllOf(HasSubstr("key +1"), Not(HasSubstr("index"))));
  terminal_.type("q");
  EXPECT_EQ(process.wait().code, 0);
}

TEST_F(LiveKeysTest, AVoiceThatDoesNotFitIsPassedOver) {
  Process process(
      arguments({"--voice", rvc_synthetic("tiny-v1-40k"), "--voice", rvc_synthetic("tiny-v2-48k") + ":7"}),
      on_terminal());
  EXPECT_TRUE(terminal_.comes_to_echo(false));
  terminal_.type("v");
  EXPECT_THAT(terminal_.shown_until("warning:"), HasSubstr("warning:"));
  terminal_.type("v");
  const std::string told = "tiny-v2-48k.json:7 speaks";
  EXPECT_THAT(terminal_.shown_until(told), HasSubstr(told));
  terminal_.type("q");
  EXPECT_EQ(process.wait().code, 0);
}

TEST_F(LiveKeysTest, TheTerminalIsGivenBackHoweverItEnds) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) {
    Process process(arguments({}), on_terminal());
    EXPECT_TRUE(terminal_.comes_to_echo(false)) << signal;
    process.send(signal);
    const Result result = process.wait();
    EXPECT_EQ(result.signal, signal == SIGQUIT ? SIGQUIT : 0);
    EXPECT_TRUE(terminal_.echoes()) << signal;
  }
  setenv("CONTENTVEC_FAKE_FAULT", "input lost", 1);
  EXPECT_EQ(Process(arguments({}), on_terminal()).wait().code, 1);
  EXPECT_TRUE(terminal_.echoes());
}

TEST_F(LiveKeysTest, TheShellHasTheTerminalWhileItIsStopped) {
  Process process(arguments({}), on_terminal());
  EXPECT_TRUE(terminal_.comes_to_echo(false));
  process.send(SIGTSTP);
  EXPECT_TRUE(terminal_.comes_to_echo(true));
  process.send(SIGCONT);
  EXPECT_TRUE(terminal_.comes_to_echo(false));
  terminal_.type("q");
  EXPECT_EQ(process.wait().code, 0);
  EXPECT_TRUE(terminal_.echoes());
}

}  // namespace
}  // namespace contentvec::test
