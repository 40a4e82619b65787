#include "migrate/http/server.hpp"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <map>
#include <random>

#include "http/text.hpp"
#include "http/wire.hpp"

MIGRATE_BEGIN
namespace http {

namespace asio = boost::asio;

namespace {
/// Ports above are handed out to outgoing connections by the system.
constexpr std::uint16_t first_port = 12000, last_port = 32767;
}  // namespace

class Server::State : public std::enable_shared_from_this<Server::State> {
 public:
  State(const Services& lent) : services(lent) {}

  std::uint16_t listen(const asio::any_io_executor& executor, std::uint16_t port) {
    auto opened = std::make_shared<tcp::acceptor>(executor);
    error_code trouble;
    if (port != 0) {
      bind(*opened, port, trouble);
      if (trouble) {
        throw Error(ErrorKind::unsupported, "port_taken",
                    fmt::format("Port {} of 127.0.0.1 cannot be listened on: {}.", port, trouble.message()))
            .with_advice("Choose another port, or end the program that has it.");
      }
    } else {
      port = bind_free(*opened, trouble);
    }
    acceptor = opened;
    asio::co_spawn(executor, accept(shared_from_this(), opened), ended(shared_from_this()));
    return port;
  }

  void stop() {
    stopped = true;
    error_code ignored;
    if (auto open = acceptor.lock()) open->close(ignored);
    for (auto& [number, session] : sessions) {
      if (auto open = session.lock()) open->close();
    }
    sessions.clear();
  }

  Services services;
  AnswerHandler handler;
  std::size_t max_body = 0;

 private:
  static void bind(tcp::acceptor& at, std::uint16_t port, error_code& trouble) {
    tcp::endpoint endpoint(asio::ip::address_v4::loopback(), port);
    error_code ignored;
    at.close(ignored);
    at.open(endpoint.protocol());
    at.set_option(tcp::acceptor::reuse_address(true));
    at.bind(endpoint, trouble);
    if (!trouble) at.listen(tcp::acceptor::max_listen_connections, trouble);
  }

  static std::uint16_t bind_free(tcp::acceptor& at, error_code& trouble) {
    std::random_device chance;
    for (int attempt = 0; attempt < 1000; ++attempt) {
      auto port = static_cast<std::uint16_t>(first_port + chance() % (last_port - first_port + 1));
      bind(at, port, trouble);
      if (!trouble) return port;
    }
    throw Error(ErrorKind::unsupported, "no_free_port",
                fmt::format("No free port between {} and {}: {}.", first_port, last_port, trouble.message()));
  }

  /// What a coroutine of this server threw that is no error of a connection ends the server; so does a crash of a test.
  static std::function<void(std::exception_ptr)> ended(std::shared_ptr<State> self) {
    return [self](std::exception_ptr failure) {
      if (failure) self->stop();
    };
  }

  static awaitable<void> accept(std::shared_ptr<State> self, std::shared_ptr<tcp::acceptor> at) {
    asio::any_io_executor executor = co_await asio::this_coro::executor;
    while (!self->stopped) {
      tcp::socket socket(executor);
      error_code trouble;
      co_await at->async_accept(socket, asio::redirect_error(asio::use_awaitable, trouble));
      if (self->stopped || trouble == asio::error::operation_aborted) co_return;
      if (trouble) {  // out of descriptors, mostly: others have to end first
        co_await self->services.clock->sleep(std::chrono::milliseconds(10));
        continue;
      }
      socket.set_option(tcp::no_delay(true), trouble);
      std::shared_ptr<Connection> connection = plain_connection(std::move(socket));
      const std::uint64_t number = ++self->last_session;
      self->sessions[number] = connection;
      asio::co_spawn(executor, serve(self, std::move(connection), number), ended(self));
    }
  }

  static awaitable<void> serve(std::shared_ptr<State> self, std::shared_ptr<Connection> connection,
                               std::uint64_t number) {
    try {
      std::unique_ptr<Reader> reader = request_reader();
      std::string head;
      while (!self->stopped && co_await self->one(*connection, *reader, head)) {
      }
    } catch (const Reader::Broken&) {
      // The peer is gone, or does not speak HTTP and has been told.
    } catch (const boost::system::system_error&) {
    }
    connection->close();
    self->sessions.erase(number);
  }

  /// False when the connection is to be closed.
  awaitable<bool> one(Connection& connection, Reader& reader, std::string& text) {
    std::optional<Head> head;
    bool malformed = false;
    try {
      head = co_await reader.head(connection, false);
    } catch (const Reader::Broken& broken) {
      if (broken.why != Reader::Broken::Why::malformed) throw;
      malformed = true;
    }
    if (malformed) {
      co_await write(connection, text, Response(400), false, false);
      co_return false;
    }
    if (!head) co_return false;
    if (equal_ignoring_case(head->headers.get("Expect"), "100-continue")) {
      text = "HTTP/1.1 100 Continue\r\n\r\n";
      if (!co_await write_bytes(connection, asio::buffer(text))) co_return false;
    }
    Request request;
    request.method = std::move(head->method);
    request.target = std::move(head->target);
    request.headers = std::move(head->headers);
    bool whole = false;
    try {
      whole = co_await reader.whole_body(connection, request.body, max_body);
    } catch (const Reader::Broken& broken) {
      if (broken.why != Reader::Broken::Why::malformed) throw;
      malformed = true;
    }
    if (!whole) {
      Response refusal(malformed ? 400 : 413);
      co_await write(connection, text, std::move(refusal), false, false);
      co_return false;
    }
    const bool head_only = request.method == "HEAD";
    Answer answer;
    try {
      answer = co_await handler(std::move(request));
    } catch (const Error& error) {
      answer.response = Response(500);
      answer.response.body = error.what();
    }
    if (answer.ending == Ending::proper) {
      co_return co_await write(connection, text, std::move(answer.response), head_only, head->keep_alive);
    }
    co_await write_badly(connection, text, std::move(answer));
    co_return false;
  }

  static awaitable<bool> write_bytes(Connection& connection, asio::const_buffer bytes) {
    std::array<asio::const_buffer, 3> parts;
    parts[0] = bytes;
    error_code trouble;
    co_await connection.write(parts, trouble);
    co_return !trouble;
  }

  static awaitable<bool> write(Connection& connection, std::string& text, Response response, bool head_only,
                               bool keep_alive) {
    text.clear();
    std::uint64_t size = response.body.size();
    // The size of what GET would have brought.
    std::string_view announced = response.headers.get("Content-Length");
    if (head_only && size == 0 && !announced.empty()) size = std::strtoull(announced.data(), nullptr, 10);
    append_response_head(text, response, size, keep_alive);
    const bool bare = head_only || response.status == 204 || response.status == 304;
    std::array<asio::const_buffer, 3> parts;
    parts[0] = asio::buffer(text);
    if (!bare) parts[1] = asio::buffer(response.body);
    error_code trouble;
    co_await connection.write(parts, trouble);
    co_return !trouble && keep_alive;
  }

  awaitable<void> write_badly(Connection& connection, std::string& text, Answer answer) {
    if (answer.ending == Ending::close_before) co_return;
    const std::string body = std::move(answer.response.body);
    text.clear();
    append_response_head(text, answer.response, std::max<std::size_t>(body.size(), 1), false);
    const std::size_t head = text.size();
    if (answer.ending == Ending::drip) {
      text.clear();
      append_response_head(text, answer.response, body.size(), false);
      if (!co_await write_bytes(connection, asio::buffer(text))) co_return;
      for (char byte : body) {
        co_await services.clock->sleep(std::chrono::seconds(1));
        text.assign(1, byte);
        if (!co_await write_bytes(connection, asio::buffer(text))) co_return;
      }
      co_return;
    }
    text += body;
    const std::size_t kept = answer.ending == Ending::torn ? body.size() / 2 : body.empty() ? 0 : body.size() - 1;
    co_await write_bytes(connection, asio::buffer(text, head + kept));
  }

  std::weak_ptr<tcp::acceptor> acceptor;
  std::map<std::uint64_t, std::weak_ptr<Connection>> sessions;
  std::uint64_t last_session = 0;
  bool stopped = false;
};

Server::Server(const Services& services) : state_(std::make_shared<State>(services)) {}
Server::~Server() { stop(); }

awaitable<std::uint16_t> Server::start(AnswerHandler handler, std::uint16_t port, std::size_t max_body) {
  state_->handler = std::move(handler);
  state_->max_body = max_body;
  asio::any_io_executor executor = co_await asio::this_coro::executor;
  co_return state_->listen(executor, port);
}

void Server::stop() { state_->stop(); }

}  // namespace http
MIGRATE_END
