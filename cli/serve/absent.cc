#include "cli/fail.h"
#include "cli/serve/server.h"

namespace contentvec::cli::serve {

class Server::Impl {};

Server::Server(const std::string& /*host*/, int /*port*/, Application& /*application*/,
               const ServerLimits& /*limits*/) {
  fail(
      "this program was built without `serve`: build it with Boost's headers (Debian and Ubuntu: libboost-dev; "
      "CONTENTVEC_SERVE)");
}
Server::~Server() = default;

int Server::port() const {
  return 0;
}

void Server::run(const std::function<bool()>& /*stop*/) {}

}  // namespace contentvec::cli::serve
