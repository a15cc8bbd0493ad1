#include "cli/serve/reply.h"

#include "cli/console.h"

namespace contentvec::cli::serve {

Response reply(int status, const Json& json) {
  return {.status = status, .body = json_line(json) + "\n", .headers = {{"Cache-Control", "no-store"}}};
}

Response problem(int status, const std::string& text) {
  return reply(status, {{"error", text}});
}

}  // namespace contentvec::cli::serve
