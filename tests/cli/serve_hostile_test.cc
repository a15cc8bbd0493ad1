// contentvec serve: what it does with requests that mean no good, and with those that are too slow or too many.

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <thread>

#include "cli/serve/jobs.h"
#include "cli/serve/server.h"
#include "cli/serving.h"
#include "cli/web_client.h"

namespace contentvec::test {
namespace {

using testing::HasSubstr;

TEST_F(ServeTest, PagesOfOtherSitesAreRefused) {
  const std::string own = "127.0.0.1:" + std::to_string(serving->port());
  const std::vector<std::vector<std::string>> refused = {
      {"Host: evil.example"},
      {"Host: evil.example:" + std::to_string(serving->port())},
      {"Host: localhost.evil.example"},
      {"Host: "},
      {"Host: 127.0.0.1", "Host: evil.example"},
      {"Host: 127.0.0.1.evil.example"},
      {"Host: [evil]"},
      {"Origin: http://evil.example"},
      {"Origin: null"},
      {"Origin: http://127.0.0.1:1"},
      {"Origin: http://" + own + ".evil.example"},
      {"Origin: file://"},
      {"Sec-Fetch-Site: cross-site"},
      {"Sec-Fetch-Site: same-site"},
      {"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"}};
  for (const std::vector<std::string>& headers : refused) {
    EXPECT_EQ(serving->get("/api/voices", headers).status, 403) << headers.front();
    EXPECT_EQ(ask(serving->port(), "POST", "/api/conversions?voice=bob.safetensors", headers, "x").status,
              403);
    WebClient client(serving->port());
    EXPECT_EQ(client.open_socket("/api/live", headers).status, 403) << headers.front();
  }
  EXPECT_EQ(serving->get("/", refused.front()).status, 403);
  EXPECT_EQ(serving->get("/", refused.back()).status, 200) << "a link that leads here";
  for (const std::string& header :
       {"Origin: http://" + own, "Origin: https://" + own, std::string("Sec-Fetch-Site: same-origin"),
        std::string("Host: LOCALHOST:1"), std::string("Host: [::1]:8765"), std::string("Host: 10.0.0.7")})
    EXPECT_EQ(serving->get("/api/voices", {header}).status, 200) << header;
  EXPECT_EQ(serving->get("/api/status").headers.count("access-control-allow-origin"), 0U);
}

TEST_F(ServeTest, NoPathLeadsOut) {
  for (const char* target : {"/../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd", "/etc/passwd",
                             "/style.css/..", "/page/index.html", "/api/conversions/..%2f..%2fetc%2fpasswd",
                             "/api/conversions/../../etc/passwd/result", "/api/conversions//result",
                             "/api/conversions/", "/api/", "/index.html%00.css", "/voices/bob.safetensors"})
    EXPECT_EQ(serving->get(target).status, 404) << target;
  EXPECT_EQ(serving->get("http://127.0.0.1/").status, 400);
  EXPECT_EQ(ask(serving->port(), "PUT", "/api/voices").status, 405);
  EXPECT_EQ(ask(serving->port(), "PUT", "/api/conversions").headers.at("allow"), "GET, HEAD, POST");
  EXPECT_EQ(ask(serving->port(), "POST", "/").status, 405);
  EXPECT_EQ(serving->get("/api/live").status, 426);
}

TEST_F(ServeTest, HostileRequestsAreAnsweredOrEnded) {
  std::string error;
  const auto answer_to = [&](const std::string& bytes) {
    WebClient client(serving->port());
    client.send(bytes);
    const Answer answer = client.answer();
    error = answer.json().at("error").get<std::string>();
    EXPECT_FALSE(error.empty()) << bytes.substr(0, 99);
    return answer.status;
  };
  const std::string post = "POST /api/conversions?voice=bob.safetensors HTTP/1.1\r\nHost: localhost\r\n";
  EXPECT_EQ(answer_to(post + "Content-Length: 9223372036854775807\r\n\r\nx"), 413);
  EXPECT_EQ(answer_to(post + "Content-Length: 256000001\r\n\r\nx"), 413);
  EXPECT_EQ(answer_to(post + "Content-Length: 99999999999999999999999\r\n\r\nx"), 400);
  EXPECT_EQ(answer_to(post + "Content-Length: -1\r\n\r\nx"), 400);
  EXPECT_EQ(answer_to(post + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx"), 400);
  EXPECT_EQ(answer_to(post + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400);
  EXPECT_EQ(answer_to("\x16\x03\x01 this is TLS\r\n\r\n"), 400);
  EXPECT_EQ(answer_to(std::string("GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n", 30)), 400);
  EXPECT_EQ(answer_to("GET / HTTP/1.1\r\nHost: localhost\r\nX: " + std::string(20000, 'x') + "\r\n\r\n"),
            431);
  EXPECT_EQ(answer_to("GET /" + std::string(20000, 'x') + " HTTP/1.1\r\nHost: localhost\r\n\r\n"), 431);
  EXPECT_EQ(answer_to("GET / HTTP/1.0\r\n\r\n"), 403) << "no Host";
  const auto get = [](const char* query) {
    return fmt::format("GET /api/voices?{} HTTP/1.1\r\nHost: localhost\r\n\r\n", query);
  };
  EXPECT_EQ(answer_to(get("key=1&key=2")), 400);
  EXPECT_THAT(error, HasSubstr("\"key\" comes twice"));
  EXPECT_EQ(answer_to(get("key=%zz")), 400);
  EXPECT_THAT(error, HasSubstr("\"%zz\" in the request's address"));
  WebClient chunked(serving->port());
  chunked.send(post + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nxxx");
  WebClient gone(serving->port());
  gone.send(post + "Content-Length: 100000\r\n\r\nhalf of it");
}

TEST_F(ServeTest, GarbageInAWebSocketEndsIt) {
  const std::vector<std::string> garbage = {
      std::string("\x82\x05hello", 7),                                  // not masked
      std::string("\xf2\x85maskhello", 11),                             // reserved bits
      std::string("\x83\x85maskhello", 11),                             // an opcode that is none
      std::string("\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xffmask", 14),  // as long as can be said
      std::string("\x89\xfe\x01\x00mask", 8) + std::string(256, 'x'),   // a control frame that is too long
      std::string("\x81\x84mask\x92\x9f\x8d\x94", 10),                  // a text that is no UTF-8
      "GET / HTTP/1.1\r\n\r\n"};
  for (const std::string& bytes : garbage) {
    WebClient client(serving->port());
    ASSERT_EQ(client.open_socket("/api/live").status, 101);
    client.send(bytes);
    EXPECT_TRUE(client.is_ended()) << bytes;
  }
  WebClient elsewhere(serving->port());
  EXPECT_EQ(elsewhere.open_socket("/api/voices").status, 404);
  WebClient old(serving->port());
  EXPECT_TRUE(
      old.send(
          "GET /api/live HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n") &&
      old.is_ended());
}

TEST_F(ServeTest, ThoseThatWaitAreBounded) {
  std::vector<std::unique_ptr<WebClient>> clients;
  const std::string post =
      "POST /api/conversions?voice=bob.safetensors HTTP/1.1\r\nHost: localhost\r\n"
      "Content-Length: 1000\r\nExpect: 100-continue\r\n\r\n";
  for (size_t i = 0; i < cli::serve::kMostWaiting; ++i) {
    clients.push_back(std::make_unique<WebClient>(serving->port()));
    clients.back()->send(post);
    ASSERT_EQ(clients.back()->answer().status, 100);
  }
  EXPECT_EQ(serving->convert("voice=bob.safetensors", "x").status, 503);
  clients.clear();
  for (int tries = 0; tries < 300; ++tries) {
    if (serving->convert("voice=bob.safetensors", "x").status == 202) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  ADD_FAILURE() << "places are not given back";
}

/// What has fewer bounds than a person's patience, over an application that does nothing.
class ShortServer : public testing::Test, public cli::serve::Application {
 protected:
  ShortServer() {
    thread_ = std::thread([this] { server_.run([this] { return stop_.load(); }); });
  }
  ~ShortServer() override {
    stop_ = true;
    thread_.join();
  }

  cli::serve::Response answer(cli::serve::Request& request) override {
    std::vector<std::byte> body(1 << 20);
    request.read_body(body);
    return {.body = std::string(100'000'000, 'x')};
  }
  std::optional<cli::serve::Response> refuse_channel(const cli::serve::Request& /*request*/) override {
    return {};
  }
  void talk(cli::serve::Channel& channel) override {
    while (channel.read()) {
    }
  }
  [[nodiscard]] int port() const { return server_.port(); }
  [[nodiscard]] std::unique_ptr<WebClient> opened() const {
    auto client = std::make_unique<WebClient>(port());
    EXPECT_EQ(client->open_socket("/").status, 101);
    return client;
  }

 private:
  static constexpr std::chrono::milliseconds kShort{200};
  cli::serve::Server server_{
      "127.0.0.1", 0, *this, {.connections = 3, .header = kShort, .part = kShort, .message = kShort}};
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

TEST_F(ShortServer, EndsWhoIsSlow) {
  WebClient silent(port());
  EXPECT_TRUE(silent.is_ended()) << "no request";
  WebClient header(port());
  header.send("GET / HTTP/1.1\r\nHost: local");
  EXPECT_TRUE(header.is_ended()) << "half a header";
  WebClient body(port());
  body.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\nhalf a body");
  EXPECT_TRUE(body.is_ended());
  WebClient socket(port());
  ASSERT_EQ(socket.open_socket("/").status, 101);
  EXPECT_TRUE(socket.is_ended()) << "no message";
  WebClient reader(port());
  reader.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  std::this_thread::sleep_for(std::chrono::milliseconds(600));
  EXPECT_LT(reader.answer().body.size(), 100'000'000U) << "nobody took it in time";
}

TEST_F(ShortServer, ConnectionsAreBounded) {
  const std::array sockets = {opened(), opened(), opened()};
  WebClient another(port());
  const Answer answer = another.answer();
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.headers.at("retry-after"), "1");
  EXPECT_THAT(answer.json().value("error", ""), HasSubstr("3 connections are open"));
}

/// The server, which has answered that, waits for the end of the connection.
TEST_F(ShortServer, WhoClosesAndStaysIsEnded) {
  const std::array sockets = {opened(), opened(), opened()};
  for (const auto& socket : sockets) socket->send_frame(8, "");
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  (void)opened();
}

}  // namespace
}  // namespace contentvec::test
