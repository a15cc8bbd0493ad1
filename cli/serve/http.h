#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/serve/temporary_file.h"

namespace contentvec::cli::serve {

// HTTP as the application sees it, whatever library speaks it.

/// The other side is gone, or too slow: there is nobody to answer.
class Disconnected : public std::runtime_error {
 public:
  explicit Disconnected(const std::string& why) : std::runtime_error(why) {}
};

struct Request {
  std::string method;                          ///< "GET"
  std::string path;                            ///< "/api/voices", as it was sent, without the query
  std::map<std::string, std::string> query;    ///< decoded
  std::map<std::string, std::string> headers;  ///< by their names in lower case
  std::optional<uint64_t> length;              ///< of the body, where that is said
  /// Fills the span with what comes next of the body: with less only at its end. Throws Disconnected.
  std::function<size_t(std::span<std::byte>)> read_body;

  /// "" where there is none.
  [[nodiscard]] std::string header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? "" : found->second;
  }
};

struct Response {
  int status = 200;
  std::string type = "application/json";
  std::string body = {};
  std::shared_ptr<const TemporaryFile> file = {};  ///< the body, where it is set
  std::vector<std::pair<std::string, std::string>> headers = {};
};

/// A message of a WebSocket.
struct Message {
  bool is_text = false;
  std::string data;
};

/// A WebSocket that is open.
class Channel {
 public:
  virtual ~Channel() = default;
  /// The next message; nothing where the other side has closed. Throws Disconnected, also where none comes in time.
  virtual std::optional<Message> read() = 0;
  virtual void write(std::string_view text) = 0;
  virtual void write(std::span<const std::byte> data) = 0;
};

/// What a server asks. Any thread may call, several at once.
class Application {
 public:
  virtual ~Application() = default;
  /// Throws Disconnected alone.
  virtual Response answer(Request& request) = 0;
  /// Of a request for a WebSocket: why it is not opened, or nothing; then talk() follows.
  virtual std::optional<Response> refuse_channel(const Request& request) = 0;
  virtual void talk(Channel& channel) = 0;
};

/// The protocol that a WebSocket here speaks; its name in the handshake.
inline constexpr const char* kLiveProtocol = "contentvec.live";

}  // namespace contentvec::cli::serve
