#include "cli/lists.h"
#include "fuzz/fuzz.h"

// A list of inputs, in any encoding.

using namespace contentvec;

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return fuzz::answers([&] {
    for (const std::string& line : cli::read_list(fuzz::file_of(data, size).string())) {
      static_cast<void>(cli::path_in_line(line, "/nowhere"));
    }
  });
}
