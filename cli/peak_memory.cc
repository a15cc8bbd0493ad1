#include "cli/peak_memory.h"

#include <sys/resource.h>

#include <fstream>
#include <string>

namespace contentvec::cli {

#if defined(__linux__)

int64_t peak_memory() {
  // Not getrusage: what it says starts from the parent's memory at the time of the fork.
  std::ifstream status("/proc/self/status");
  for (std::string key; status >> key;) {
    int64_t kibibytes = 0;
    if (key == "VmHWM:" && status >> kibibytes) return kibibytes * 1024;
  }
  return 0;
}

#else

int64_t peak_memory() {
  rusage usage = {};
  return getrusage(RUSAGE_SELF, &usage) == 0 ? static_cast<int64_t>(usage.ru_maxrss) : 0;  // bytes on macOS
}

#endif

}  // namespace contentvec::cli
