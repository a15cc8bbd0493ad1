#include <string>

#include "fuzz/fuzz.h"
#include "hub/client.h"
#include "hub/http.h"
#include "hub/name.h"

// What names the hub's models, and where its answers lead: names, redirects, commits.

using namespace contentvec;

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(fuzz::text_of(data, size));
  fuzz::answers([&] { hub::parse_name(text); });
  fuzz::answers([&] { hub::origin(text); });
  fuzz::answers([&] { hub::join("https://huggingface.co/org/repo", text); });
  fuzz::answers([&] { hub::encode(text, true); });
  static_cast<void>(hub::is_commit(text));
  return 0;
}
