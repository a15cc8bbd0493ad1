#include <ctime>
#include <string>
#include <string_view>

#include "fuzz/fuzz.h"
#include "hub/http.h"
#include "hub/replies.h"

// What a server answers where a hub should be: a status and headers, line by line, and after an empty line
// the body.

using namespace contentvec;

namespace {

std::string_view take_line(std::string_view& text) {
  const size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text = fuzz::text_of(data, size);
  hub::Response response;
  response.url = "https://huggingface.co/api/models/org/repo";
  response.status = take_line(text) == "302" ? 302 : 200;
  for (std::string_view line = take_line(text); !line.empty(); line = take_line(text)) {
    const size_t colon = line.find(": ");
    if (colon != std::string_view::npos)
      response.headers[std::string(line.substr(0, colon))] = line.substr(colon + 2);
  }
  fuzz::answers([&] { hub::remote_file_in(response); });
  fuzz::answers([&] { hub::listing_in(response, std::string(text)); });
  fuzz::answers([&] { hub::join(response.url, response.header("location")); });
  fuzz::answers([&] {
    std::string address = response.header("location");
    hub::take_login(address);
  });
  static_cast<void>(hub::without_login(response.header("location")));
  static_cast<void>(hub::seconds_to_wait(response.header("retry-after"), 1'800'000'000));
  return 0;
}
