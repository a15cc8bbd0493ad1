#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace contentvec::test {

/// An answer over HTTP.
struct Answer {
  int status = 0;                              ///< 0: the connection ended without one
  std::map<std::string, std::string> headers;  ///< by names in lower case
  std::string body;
  [[nodiscard]] nlohmann::json json() const { return nlohmann::json::parse(body, nullptr, false); }
};

/// A connection to a port of this machine, over which whatever can be sent. Waits at most half a minute for anything.
class WebClient {
 public:
  explicit WebClient(int port);
  ~WebClient();
  WebClient(const WebClient&) = delete;
  WebClient& operator=(const WebClient&) = delete;

  /// False where the other side does not listen any more.
  bool send(const std::string& bytes);
  /// What comes until an answer is whole.
  Answer answer();
  /// Whether the other side ends the connection; what comes before is thrown away.
  bool is_ended();

  /// Opens a WebSocket; the status is 101 where it is open.
  Answer open_socket(const std::string& target, const std::vector<std::string>& headers = {});
  bool send_frame(int opcode, const std::string& data);
  bool send_text(const nlohmann::json& json) { return send_frame(1, json.dump()); }
  /// The next text or binary message; nothing at the end.
  std::optional<std::string> message();

 private:
  bool receive();  ///< some bytes more

  int socket_ = -1;
  std::string received_;
};

/// One request on a connection of its own; `headers` are lines. The Host is the right one where they have none.
Answer ask(int port, const std::string& method, const std::string& target,
           const std::vector<std::string>& headers = {}, const std::string& body = "");

}  // namespace contentvec::test
