#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "cli/serve/http.h"

namespace contentvec::cli::serve {

/// How much one side may ask of the other.
struct ServerLimits {
  size_t connections = 32;
  std::chrono::milliseconds header{15'000};   ///< until one has come, also on a connection that is kept open
  std::chrono::milliseconds part{30'000};     ///< in which kPart bytes of a body have to come or go
  std::chrono::milliseconds message{20'000};  ///< in which a WebSocket's has to
};
inline constexpr size_t kPart = size_t{256} << 10;

/// Speaks HTTP and WebSocket with a bounded number of connections, each on a thread of its own. Those that are too slow
/// are ended.
class Server {
 public:
  /// Listens from now on. `host`: an address, "127.0.0.1"; `port` 0: any that is free. `application` must outlive it.
  /// Throws Error where the port is taken.
  Server(const std::string& host, int port, Application& application, const ServerLimits& limits = {});
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  [[nodiscard]] int port() const;
  /// Serves until `stop` says so, which is asked several times a second. All connections have ended then.
  void run(const std::function<bool()>& stop);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace contentvec::cli::serve
