// The one place that knows Boost.Beast.

// Asio of before 1.75 does not see for itself that C++20 has it, and takes std::result_of, which is deprecated.
#define BOOST_ASIO_HAS_STD_INVOKE_RESULT 1

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <limits>
#include <list>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "cli/console.h"
#include "cli/fail.h"
#include "cli/serve/reply.h"
#include "cli/serve/server.h"
#include "cli/serve/url.h"

namespace contentvec::cli::serve {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
using Tcp = asio::ip::tcp;
using std::chrono::milliseconds;

constexpr uint32_t kMostHeaderBytes = 16 << 10;
constexpr size_t kMostMessageBytes = 2 << 20;  // two seconds of samples at the highest rate are 1.5 MB
constexpr milliseconds kForLeftovers{2000};

void check(const beast::error_code& error) {
  if (error) throw Disconnected(error.message());
}

template <typename Body>
http::response<Body> header_of(const Response& response, unsigned version) {
  http::response<Body> message(static_cast<http::status>(response.status), version);
  message.set(http::field::content_type, response.type);
  for (const auto& [name, value] : response.headers) message.set(name, value);
  return message;
}

/// A connection, which a thread of its own serves. Operations are begun, and waited for: a time limit needs operations
/// that can be interrupted, and code that waits reads as what it does. Beast's own limits are not used: there is none
/// where a WebSocket that the other side closes waits for the connection's end.
class Connection {
 public:
  Connection(Application& application, const ServerLimits& limits)
      : application_(application), limits_(limits) {}

  /// What the socket is accepted for.
  asio::io_context& context() { return context_; }

  void start(Tcp::socket socket) {
    stream_.emplace(std::move(socket));
    thread_ = std::thread([this] {
      serve();
      has_ended_ = true;
    });
  }
  /// From another thread: whatever is waited for ends.
  void stop() {
    asio::post(context_, [this] { stream_->close(); });
  }
  [[nodiscard]] bool has_ended() const { return has_ended_; }
  void join() { thread_.join(); }

  /// Begins an operation, which is to end within some time, and waits for its end.
  template <typename Begin>
  beast::error_code finish(milliseconds limit, Begin begin) {
    beast::error_code result = asio::error::operation_aborted;
    bool done = false;
    const auto end = std::chrono::steady_clock::now() + limit;
    begin([&](beast::error_code error, size_t /*count*/ = 0) {
      result = error;
      done = true;
    });
    context_.restart();
    while (!done && context_.run_one_until(end) > 0) {
    }
    if (done) return result;
    stream_->close();  // which ends what was begun
    while (!done && context_.run_one() > 0) {
    }
    return beast::error::timeout;
  }
  beast::tcp_stream& stream() { return *stream_; }

 private:
  void serve() noexcept {
    try {
      while (serve_request()) {
      }
      end_softly();
    } catch (const Disconnected& gone) {
      detail_line(fmt::format("contentvec: a connection ended: {}", gone.what()));
    } catch (const std::exception& error) {
      error_line(fmt::format("a connection ended: {}", error.what()));
    }
    stream_->close();
  }

  using Parser = http::request_parser<http::buffer_body>;

  /// Reads a request and answers it. False where it was the last.
  bool serve_request() {
    is_head_ = false;
    Parser parser;
    parser.header_limit(kMostHeaderBytes);
    parser.body_limit(std::numeric_limits<uint64_t>::max());  // the application counts
    const beast::error_code error =
        finish(limits_.header, [&](auto done) { http::async_read_header(*stream_, buffer_, parser, done); });
    if (error == http::error::header_limit) return write(problem(431, "the header is too long"), 11, false);
    if (is_of_http(error) && error != http::error::end_of_stream && error != http::error::partial_message)
      return write(problem(400, "this is no HTTP request: " + error.message()), 11, false);
    if (error) return false;
    const unsigned version = parser.get().version();
    try {
      Request request = request_of(parser);
      if (websocket::is_upgrade(parser.get())) return open_channel(request, parser);
      const Response response = application_.answer(request);
      return write(response, version, parser.is_done() && parser.keep_alive());
    } catch (const Problem& refusal) {  // in its address
      return write(problem(refusal.status(), refusal.what()), version, false);
    }
  }

  static bool is_of_http(const beast::error_code& error) {
    return error && error.category() == http::make_error_code(http::error::end_of_stream).category();
  }
  /// Throws Problem.
  Request request_of(Parser& parser) {
    const auto& message = parser.get();
    is_head_ = message.method() == http::verb::head;
    Target target = parse_target({message.target().data(), message.target().size()});
    Request request = {.method = is_head_ ? "GET" : std::string(message.method_string()),
                       .path = std::move(target.path),
                       .query = std::move(target.query),
                       .headers = {},
                       .length = std::nullopt,
                       .read_body = [this, &parser](auto part) { return read_body(parser, part); }};
    for (const auto& field : message) {
      // Of one that comes twice both values count: it then equals nothing that is let through.
      const auto [at, is_new] =
          request.headers.emplace(lower_case(std::string(field.name_string())), field.value());
      if (!is_new) at->second += ", " + std::string(field.value());
    }
    if (const auto length = parser.content_length()) request.length = *length;
    continue_ = request.header("expect") == "100-continue";
    return request;
  }

  size_t read_body(Parser& parser, std::span<std::byte> part) {
    if (std::exchange(continue_, false)) {
      http::response<http::empty_body> go_on(http::status::continue_, 11);
      check(finish(limits_.part, [&](auto done) { http::async_write(*stream_, go_on, done); }));
    }
    size_t filled = 0;
    while (filled < part.size() && !parser.is_done()) {
      const std::span<std::byte> rest = part.subspan(filled, std::min(kPart, part.size() - filled));
      auto& body = parser.get().body();
      body.data = rest.data();
      body.size = rest.size();
      beast::error_code error =
          finish(limits_.part, [&](auto done) { http::async_read(*stream_, buffer_, parser, done); });
      if (error == http::error::need_buffer) error = {};
      check(error);
      filled += rest.size() - body.size;
    }
    return filled;
  }

  /// False where the connection is not kept, as `keep` has it. What a HEAD asks for has a body's length, and no body.
  bool write(const Response& response, unsigned version, bool keep) {
    auto message = header_of<http::buffer_body>(response, version);
    const uint64_t length = response.file ? response.file->size() : response.body.size();
    message.content_length(length);
    message.keep_alive(keep);
    const uint64_t size = is_head_ ? 0 : length;
    http::response_serializer<http::buffer_body> serializer(message);
    const auto write_next = [&] {
      beast::error_code error =
          finish(limits_.part, [&](auto done) { http::async_write(*stream_, serializer, done); });
      if (error != http::error::need_buffer) check(error);
    };
    message.body() = {nullptr, 0, size > 0};
    write_next();
    std::vector<std::byte> part(response.file ? std::min<uint64_t>(kPart, size) : 0);
    for (uint64_t at = 0; at < size;) {
      const size_t count = std::min<uint64_t>(kPart, size - at);
      if (response.file) response.file->read(at, std::span(part).first(count));
      const char* const text = response.body.data() + at;
      // What is written is not written to, but its type is for readers, too.
      message.body().data = response.file ? static_cast<void*>(part.data()) : const_cast<char*>(text);
      message.body().size = count;
      at += count;
      message.body().more = at < size;
      write_next();
    }
    return keep;
  }

  bool open_channel(const Request& request, Parser& parser);

  /// Lets the other side read the answer before its own bytes, which nobody read, break the connection.
  void end_softly() {
    beast::error_code ignored;
    (void)stream_->socket().shutdown(Tcp::socket::shutdown_send, ignored);
    std::vector<char> leftovers(kPart);
    const auto end = std::chrono::steady_clock::now() + kForLeftovers;
    while (std::chrono::steady_clock::now() < end) {
      const beast::error_code error =
          finish(kForLeftovers, [&](auto done) { stream_->async_read_some(asio::buffer(leftovers), done); });
      if (error) return;
    }
  }

  Application& application_;
  const ServerLimits& limits_;
  asio::io_context context_{1};
  std::optional<beast::tcp_stream> stream_;
  beast::flat_buffer buffer_;
  bool is_head_ = false;   ///< the request is a GET to the application, whose answer's body is left out
  bool continue_ = false;  ///< the other side waits for a word before it sends its body
  std::atomic<bool> has_ended_ = false;
  std::thread thread_;
};

class BeastChannel final : public Channel {
 public:
  BeastChannel(Connection& connection, const ServerLimits& limits)
      : connection_(connection), limits_(limits), socket_(connection.stream()) {
    socket_.read_message_max(kMostMessageBytes);
    socket_.auto_fragment(false);  // a block is a frame, which is all that a small client has to know
  }

  template <typename Header>
  void accept(const Header& header, bool has_protocol) {
    socket_.set_option(websocket::stream_base::decorator([has_protocol](websocket::response_type& response) {
      if (has_protocol) response.set(http::field::sec_websocket_protocol, kLiveProtocol);
    }));
    check(connection_.finish(limits_.part, [&](auto done) { socket_.async_accept(header, done); }));
  }

  std::optional<Message> read() override {
    beast::flat_buffer buffer;
    const beast::error_code error =
        connection_.finish(limits_.message, [&](auto done) { socket_.async_read(buffer, done); });
    if (error == websocket::error::closed) return std::nullopt;
    check(error);
    return Message{socket_.got_text(), beast::buffers_to_string(buffer.data())};
  }
  void write(std::string_view text) override { write_as(true, asio::buffer(text.data(), text.size())); }
  void write(std::span<const std::byte> data) override {
    write_as(false, asio::buffer(data.data(), data.size()));
  }
  void close() {
    (void)connection_.finish(kForLeftovers,
                             [&](auto done) { socket_.async_close(websocket::close_code::normal, done); });
  }

 private:
  void write_as(bool is_text, asio::const_buffer data) {
    socket_.text(is_text);
    check(connection_.finish(limits_.message, [&](auto done) { socket_.async_write(data, done); }));
  }

  Connection& connection_;
  const ServerLimits& limits_;
  websocket::stream<beast::tcp_stream&> socket_;
};

bool Connection::open_channel(const Request& request, Parser& parser) {
  if (const std::optional<Response> refusal = application_.refuse_channel(request))
    return write(*refusal, parser.get().version(), false);
  http::request<http::empty_body> header;
  header.base() = parser.get().base();
  BeastChannel channel(*this, limits_);
  channel.accept(header, !request.header("sec-websocket-protocol").empty());
  application_.talk(channel);
  channel.close();
  return false;
}

}  // namespace

class Server::Impl {
 public:
  Impl(const std::string& host, int port, Application& application, const ServerLimits& limits)
      : application_(application), limits_(limits), acceptor_(context_) {
    beast::error_code error;
    const auto address = asio::ip::make_address(host, error);
    if (error) fail("--host {}: expected an address, such as 127.0.0.1", host);
    const Tcp::endpoint end(address, static_cast<uint16_t>(port));
    const auto check = [&](const char* doing) {
      if (error) fail("cannot {} {} port {}: {}", doing, host, port, error.message());
    };
    (void)acceptor_.open(end.protocol(), error);
    check("open");
    (void)acceptor_.set_option(asio::socket_base::reuse_address(true), error);
    (void)acceptor_.bind(end, error);
    check("bind to");
    (void)acceptor_.listen(asio::socket_base::max_listen_connections, error);
    check("listen at");
  }

  [[nodiscard]] int port() const { return acceptor_.local_endpoint().port(); }

  void run(const std::function<bool()>& stop) {
    accept();
    while (!stop()) {
      context_.restart();
      context_.run_for(std::chrono::milliseconds(100));
      forget_ended();
    }
    acceptor_.close();
    context_.restart();
    context_.run();  // accept() learns of it
    for (const auto& connection : connections_) connection->stop();
    for (const auto& connection : connections_) connection->join();
    connections_.clear();
  }

 private:
  void accept() {
    next_ = std::make_unique<Connection>(application_, limits_);
    acceptor_.async_accept(next_->context(), [this](beast::error_code error, Tcp::socket socket) {
      // Closed, perhaps with a connection that had just come: the next accept() would fail for ever.
      if (error == asio::error::operation_aborted || !acceptor_.is_open()) return;
      if (!error) take(std::move(socket));
      if (error)
        std::this_thread::sleep_for(std::chrono::milliseconds(50));  // such as of too many open files
      accept();
    });
  }

  void take(Tcp::socket socket) {
    forget_ended();
    if (connections_.size() < limits_.connections) {
      next_->start(std::move(socket));
      connections_.push_back(std::move(next_));
      return;
    }
    refuse(socket);
  }

  /// Nobody waits for a connection that is one too many: what it does not take at once is lost.
  void refuse(Tcp::socket& socket) const {
    const Response response = problem(
        503,
        fmt::format("{} connections are open, which are the most: ask again later", limits_.connections));
    auto message = header_of<http::string_body>(response, 11);
    message.set(http::field::retry_after, "1");
    message.keep_alive(false);
    message.body() = response.body;
    message.prepare_payload();
    beast::error_code ignored;
    (void)socket.non_blocking(true, ignored);
    (void)http::write(socket, message, ignored);
  }

  void forget_ended() {
    connections_.remove_if([](const std::unique_ptr<Connection>& connection) {
      if (!connection->has_ended()) return false;
      connection->join();
      return true;
    });
  }

  Application& application_;
  const ServerLimits limits_;
  asio::io_context context_{1};
  Tcp::acceptor acceptor_;
  std::unique_ptr<Connection> next_;  ///< which the next socket is for
  std::list<std::unique_ptr<Connection>> connections_;
};

Server::Server(const std::string& host, int port, Application& application, const ServerLimits& limits)
    : impl_(std::make_unique<Impl>(host, port, application, limits)) {}
Server::~Server() = default;

int Server::port() const {
  return impl_->port();
}

void Server::run(const std::function<bool()>& stop) {
  impl_->run(stop);
}

}  // namespace contentvec::cli::serve
