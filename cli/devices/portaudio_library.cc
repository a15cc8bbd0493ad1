#include "cli/devices/portaudio_library.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>

#include "cli/console.h"
#include "cli/fail.h"

namespace contentvec::cli {
namespace {

/// The name that programs built against this PortAudio load it by; on macOS the path of its file.
constexpr const char* kFile = CONTENTVEC_PORTAUDIO_FILE;

/// Keeps standard error to itself while it lives: ALSA and JACK complain there of each device that is not there.
class QuietError {
 public:
  QuietError() {
    if (verbosity() == Verbosity::kVerbose) return;
    const int nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (nothing < 0) return;
    std::fflush(stderr);
    kept_ = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (kept_ >= 0) dup2(nothing, STDERR_FILENO);
    close(nothing);
  }
  ~QuietError() {
    if (kept_ < 0) return;
    dup2(kept_, STDERR_FILENO);
    close(kept_);
  }
  QuietError(const QuietError&) = delete;
  QuietError& operator=(const QuietError&) = delete;

 private:
  int kept_ = -1;
};

template <typename Function>
void find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  if (function == nullptr) fail("cannot use sound devices: {} has no {}", kFile, name);
}

PortAudioLibrary load() {
  void* library = dlopen(kFile, RTLD_NOW | RTLD_LOCAL);  // never unloaded
  if (library == nullptr) {
    const char* reason = dlerror();
    fail(
        "cannot use sound devices: PortAudio is not on this machine: install it (Debian and Ubuntu: libportaudio2), or "
        "give files or - for --input and --output ({})",
        reason == nullptr ? kFile : reason);
  }
  PortAudioLibrary functions;
#define CONTENTVEC_PORTAUDIO_FIND(name) find(library, "Pa_" #name, functions.name);
  CONTENTVEC_PORTAUDIO_FUNCTIONS(CONTENTVEC_PORTAUDIO_FIND)
#undef CONTENTVEC_PORTAUDIO_FIND
  const QuietError quiet;
  if (const PaError error = functions.Initialize(); error != paNoError)
    fail("cannot use sound devices: PortAudio says: {}", functions.GetErrorText(error));
  return functions;
}

/// Initialized once, and terminated when the program ends.
struct Session {
  PortAudioLibrary functions = load();
  Session() = default;
  ~Session() { functions.Terminate(); }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
};

}  // namespace

const PortAudioLibrary& portaudio() {
  static const Session session;  // tried again if it throws
  return session.functions;
}

}  // namespace contentvec::cli
