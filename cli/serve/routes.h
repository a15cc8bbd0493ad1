#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cli/serve/access.h"
#include "cli/serve/http.h"
#include "cli/serve/jobs.h"
#include "cli/serve/studio.h"

namespace contentvec::cli::serve {

/// A request that is answered; openapi.json lists the same.
struct Route {
  std::string_view method;
  std::string_view path;  ///< with {id} for a conversion's
};
std::vector<Route> api_routes();

/// What answers: the page, and the API.
class Service final : public Application {
 public:
  /// All must outlive it.
  Service(const Access& access, Studio& studio, Jobs& jobs, const VoiceArguments& arguments);

  Response answer(Request& request) override;
  std::optional<Response> refuse_channel(const Request& request) override;
  void talk(Channel& channel) override;

 private:
  friend struct Handlers;

  const Access& access_;
  Studio& studio_;
  Jobs& jobs_;
  const VoiceArguments& arguments_;
  std::atomic<int> streams_ = 0;
};

}  // namespace contentvec::cli::serve
