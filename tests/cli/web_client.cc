#include "cli/web_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <sstream>

#include "contentvec/error.h"

namespace contentvec::test {
namespace {

std::string head_of(int port, const std::string& method, const std::string& target,
                    const std::vector<std::string>& headers) {
  std::string head = method + " " + target + " HTTP/1.1\r\n";
  const bool has_host = std::any_of(headers.begin(), headers.end(),
                                    [](const std::string& line) { return line.starts_with("Host:"); });
  if (!has_host) head += "Host: 127.0.0.1:" + std::to_string(port) + "\r\n";
  for (const std::string& line : headers) head += line + "\r\n";
  return head;
}

}  // namespace

WebClient::WebClient(int port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const timeval limit = {.tv_sec = 30, .tv_usec = 0};
  setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  if (connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    throw Error("cannot connect to port " + std::to_string(port));
}

WebClient::~WebClient() {
  close(socket_);
}

bool WebClient::send(const std::string& bytes) {
  for (size_t sent = 0; sent < bytes.size();) {
    const ssize_t count = ::send(socket_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (count <= 0) return false;
    sent += static_cast<size_t>(count);
  }
  return true;
}

bool WebClient::receive() {
  std::string more(65536, '\0');
  const ssize_t count = recv(socket_, more.data(), more.size(), 0);
  if (count > 0) received_.append(more, 0, static_cast<size_t>(count));
  return count > 0;
}

bool WebClient::is_ended() {
  std::string more(65536, '\0');
  ssize_t count = 0;
  while ((count = recv(socket_, more.data(), more.size(), 0)) > 0) {
  }
  return count == 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
}

Answer WebClient::answer() {
  size_t end = 0;
  while ((end = received_.find("\r\n\r\n")) == std::string::npos)
    if (!receive()) return {};
  std::istringstream head(received_.substr(0, end));
  received_.erase(0, end + 4);
  Answer answer;
  std::string line;
  head >> line >> answer.status;
  std::getline(head, line);
  while (std::getline(head, line)) {
    const size_t colon = line.find(": ");
    std::string name = line.substr(0, colon);
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
    answer.headers[name] = line.substr(colon + 2, line.find('\r') - colon - 2);
  }
  const size_t length =
      answer.headers.contains("content-length") ? std::stoull(answer.headers["content-length"]) : 0;
  while (received_.size() < length)
    if (!receive()) break;
  answer.body = received_.substr(0, length);
  received_.erase(0, length);
  return answer;
}

Answer WebClient::open_socket(const std::string& target, const std::vector<std::string>& headers) {
  sockaddr_in own = {};
  socklen_t size = sizeof own;
  getpeername(socket_, reinterpret_cast<sockaddr*>(&own), &size);
  std::vector<std::string> lines = {"Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
                                    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="};
  lines.insert(lines.end(), headers.begin(), headers.end());
  send(head_of(ntohs(own.sin_port), "GET", target, lines) + "\r\n");
  return answer();
}

bool WebClient::send_frame(int opcode, const std::string& data) {
  std::string frame(1, static_cast<char>(0x80 | opcode));
  const auto put = [&](int bytes) {
    for (int i = bytes; i-- > 0;) frame += static_cast<char>(static_cast<uint64_t>(data.size()) >> (8 * i));
  };
  if (data.size() < 126) {
    frame += static_cast<char>(0x80 | data.size());
  } else {
    frame += static_cast<char>(0x80 | (data.size() < 65536 ? 126 : 127));
    put(data.size() < 65536 ? 2 : 8);
  }
  const std::string mask = "mask";
  frame += mask;
  for (size_t i = 0; i < data.size(); ++i) frame += static_cast<char>(data[i] ^ mask[i % 4]);
  return send(frame);
}

std::optional<std::string> WebClient::message() {
  const auto need = [&](size_t bytes) {
    while (received_.size() < bytes)
      if (!receive()) return false;
    return true;
  };
  if (!need(2)) return std::nullopt;
  const int opcode = received_[0] & 0xf;
  size_t length = static_cast<unsigned char>(received_[1]);
  size_t begin = 2;
  if (length >= 126) {
    begin += length == 126 ? 2 : 8;
    if (!need(begin)) return std::nullopt;
    length = 0;
    for (size_t i = 2; i < begin; ++i) length = length << 8 | static_cast<unsigned char>(received_[i]);
  }
  if (opcode == 8 || !need(begin + length)) return std::nullopt;
  std::string data = received_.substr(begin, length);
  received_.erase(0, begin + length);
  return data;
}

Answer ask(int port, const std::string& method, const std::string& target,
           const std::vector<std::string>& headers, const std::string& body) {
  WebClient client(port);
  client.send(head_of(port, method, target, headers) + "Content-Length: " + std::to_string(body.size()) +
              "\r\n\r\n" + body);
  return client.answer();
}

}  // namespace contentvec::test
