#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace contentvec::test {

/// What the program runs with; the defaults are those of any test.
struct Surroundings {
  std::filesystem::path folder = "/";         ///< its working directory
  std::filesystem::path input = "/dev/null";  ///< its standard input
  std::filesystem::path output = {};          ///< where its standard output goes; empty: Result::out
  std::filesystem::path error = {};           ///< where its standard error goes; empty: Result::err
  bool streams_closed = false;                ///< all three standard streams are closed
  std::filesystem::path program = CONTENTVEC_PROGRAM;
  long long address_space = -1;  ///< in bytes; a minute of computing is allowed then
  long long largest_file = -1;   ///< in bytes; a write beyond it fails like one on a full disk
};

/// How the program ended.
struct Result {
  int code = -1;   ///< its exit code, -1 when a signal ended it
  int signal = 0;  ///< the signal that ended it, else 0
  std::string out;
  std::string err;
  int64_t peak_memory = 0;  ///< most physical memory it held, in bytes; at least what this process holds
};

/// The command line, running. The destructor kills it if it still does.
class Process {
 public:
  explicit Process(const std::vector<std::string>& arguments, const Surroundings& surroundings = {});
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  void send(int signal) const;
  [[nodiscard]] bool running();
  Result wait();

 private:
  void see_whether_it_ended(int options);

  pid_t pid_ = -1;
  bool ended_ = false;
  int status_ = 0;
  int64_t peak_memory_ = 0;
  std::filesystem::path captured_;  ///< a folder that holds what it printed
};

/// Starts the program and waits for its end.
Result run(const std::vector<std::string>& arguments, const Surroundings& surroundings = {});

/// The lines of a text.
std::vector<std::string> lines_of(const std::string& text);

}  // namespace contentvec::test
