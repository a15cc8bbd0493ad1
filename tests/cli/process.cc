#include "cli/process.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "contentvec/error.h"

namespace contentvec::test {
namespace {

namespace fs = std::filesystem;

#ifdef CONTENTVEC_SANITIZED
/// Clang 14's leak sanitizer loses itself in the thread-local storage of a plug-in's OpenMP threads.
[[maybe_unused]] const int without_tls = setenv(
    "LSAN_OPTIONS",
    "use_tls=0:print_suppressions=0:suppressions=" CONTENTVEC_SOURCE_DIR "/tests/cli/lsan_suppressions.txt",
    0);
#endif

/// What was written to a file; nothing where it is not there.
std::string written_to(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

void redirect(const fs::path& path, int flags, int stream) {
  const int opened = open(path.c_str(), flags, 0600);
  if (opened < 0 || dup2(opened, stream) < 0) _exit(126);
  close(opened);
}

/// In the child, as redirect(). `resource` has a type of its own in glibc.
template <typename Resource>
void limit(Resource resource, long long most) {
  const rlimit limits = {static_cast<rlim_t>(most), static_cast<rlim_t>(most)};
  if (setrlimit(resource, &limits) != 0) _exit(126);
}

/// In the child: becomes the program.
[[noreturn]] void become(std::vector<std::string> arguments, const Surroundings& with,
                         const fs::path& captured) {
  redirect(with.input, O_RDONLY, STDIN_FILENO);
  redirect(with.output.empty() ? captured / "out" : with.output, O_WRONLY | O_CREAT, STDOUT_FILENO);
  redirect(with.error.empty() ? captured / "err" : with.error, O_WRONLY | O_CREAT, STDERR_FILENO);
  if (chdir(with.folder.c_str()) != 0) _exit(126);
  if (with.largest_file >= 0) limit(RLIMIT_FSIZE, with.largest_file);
  if (with.address_space >= 0) {
    limit(RLIMIT_CPU, 60);
    limit(RLIMIT_AS, with.address_space);
  }
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) std::signal(signal, SIG_DFL);
  if (with.streams_closed) {
    for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) close(stream);
  }
  arguments.insert(arguments.begin(), with.program.string());
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  execv(with.program.c_str(), pointers.data());
  _exit(127);
}

}  // namespace

Process::Process(const std::vector<std::string>& arguments, const Surroundings& surroundings) {
  std::string folder = (fs::temp_directory_path() / "contentvec-run-XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) throw Error("cannot make a temporary folder");
  captured_ = folder;
  pid_ = fork();
  if (pid_ < 0) throw Error("cannot start a process");
  if (pid_ == 0) become(arguments, surroundings, captured_);
}

Process::~Process() {
  if (running()) {
    send(SIGKILL);
    wait();
  }
  std::error_code ignored;
  fs::remove_all(captured_, ignored);
}

void Process::send(int signal) const {
  kill(pid_, signal);
}

void Process::see_whether_it_ended(int options) {
  if (ended_) return;
  rusage usage = {};
  ended_ = wait4(pid_, &status_, options, &usage) == pid_;
#ifdef __APPLE__
  peak_memory_ = usage.ru_maxrss;
#else
  peak_memory_ = usage.ru_maxrss * 1024;
#endif
}

bool Process::running() {
  see_whether_it_ended(WNOHANG);
  return !ended_;
}

Result Process::wait() {
  see_whether_it_ended(0);
  return {.code = WIFEXITED(status_) ? WEXITSTATUS(status_) : -1,
          .signal = WIFSIGNALED(status_) ? WTERMSIG(status_) : 0,
          .out = written_to(captured_ / "out"),
          .err = written_to(captured_ / "err"),
          .peak_memory = peak_memory_};
}

Result run(const std::vector<std::string>& arguments, const Surroundings& surroundings) {
  return Process(arguments, surroundings).wait();
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

}  // namespace contentvec::test
