// What comes off the wire, byte by byte, well formed and not.
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "http_kit.hpp"
#include "migrate/http/server.hpp"

using namespace migrate;
using namespace http_kit;
namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

/// Answers each connection's requests with these texts, one after another, in pieces of `piece` bytes, then closes it.
struct RawServer {
  explicit RawServer(const asio::any_io_executor& executor) : acceptor(executor) {
    boost::system::error_code taken;
    for (port = 23000; port < 32000; ++port) {
      tcp::endpoint endpoint(asio::ip::address_v4::loopback(), port);
      acceptor.open(endpoint.protocol());
      acceptor.bind(endpoint, taken);
      if (!taken) break;
      acceptor.close();
    }
    acceptor.listen();
  }
  awaitable<void> serve() {
    asio::any_io_executor executor = co_await asio::this_coro::executor;
    for (;;) {
      tcp::socket socket(executor);
      co_await acceptor.async_accept(socket, asio::use_awaitable);
      socket.set_option(tcp::no_delay(true));
      ++connections;
      std::string request;
      for (const std::string& answer : answers) {
        boost::system::error_code failed;
        std::size_t size = co_await asio::async_read_until(socket, asio::dynamic_buffer(request), "\r\n\r\n",
                                                           asio::redirect_error(asio::use_awaitable, failed));
        if (failed) break;
        request.erase(0, size);
        for (std::size_t at = 0; at < answer.size() && !failed; at += piece) {
          asio::const_buffer part(answer.data() + at, std::min(piece, answer.size() - at));
          co_await asio::async_write(socket, part, asio::redirect_error(asio::use_awaitable, failed));
          if (piece < answer.size()) co_await settled();
        }
      }
    }
  }
  std::vector<std::string> answers;
  std::size_t piece = 1 << 20;
  tcp::acceptor acceptor;
  std::uint16_t port = 0;
  int connections = 0;
};

template <class Test>
void with_answers(std::vector<std::string> answers, Test test, std::size_t piece = 1 << 20) {
  run([&]() -> awaitable<void> {
    asio::any_io_executor executor = co_await asio::this_coro::executor;
    RawServer server(executor);
    server.answers = answers;
    server.piece = piece;
    asio::co_spawn(executor, server.serve(), [](std::exception_ptr) {});
    auto transport = http::socket_transport(http::SocketOptions());
    http::Url to = http::parse_url("http://127.0.0.1:" + std::to_string(server.port));
    co_await test(server, *transport, to);
  });
}

struct Got {
  int status = 0;
  std::string body, cause, text;
  ErrorKind kind = ErrorKind::internal;
};

/// The outcome of one GET that is answered so.
Got got(std::string answer, std::size_t piece = 1 << 20, std::string method = "GET") {
  Got result;
  with_answers(
      {answer},
      [&](RawServer&, http::Transport& transport, http::Url to) -> awaitable<void> {
        http::ExchangeLimits limits;
        limits.max_body = 1000;
        http::Request request(method, "/");
        try {
          http::Response response = co_await transport.exchange(to, request, limits);
          result.status = response.status;
          result.body = response.body;
        } catch (const http::TransportError& error) {
          result.cause = error.cause;
          result.text = error.what();
          result.kind = error.kind();
        }
      },
      piece);
  return result;
}

}  // namespace

TEST_CASE("bodies with a length, in chunks, and until the connection closes") {
  for (std::size_t piece : {1UL << 20, 7UL}) {
    CAPTURE(piece);
    CHECK(got("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", piece).body == "hello");
    CHECK(
        got("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nX-Trailer: 1\r\n\r\n",
            piece)
            .body == "hello");
    CHECK(got("HTTP/1.1 200 OK\r\n\r\nhello", piece).body == "hello");
    CHECK(got("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", piece).status == 200);
  }
  CHECK(got("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n").status == 304);
  CHECK(got("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 1 << 20, "HEAD").status == 200);
}

TEST_CASE("announcements before the answer are not the answer") {
  Got answer =
      got("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 "
          "Created\r\nContent-Length: 2\r\n\r\nok");
  CHECK(answer.status == 201);
  CHECK(answer.body == "ok");
}

TEST_CASE("answers that break off or are none") {
  CHECK(got("").cause == "connection_lost");
  CHECK(got("HTTP/1.1 200 OK\r\nContent-").cause == "response_torn");
  CHECK(got("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell").cause == "response_torn");
  CHECK(got("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel").cause == "response_torn");
  CHECK(got("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n").cause == "response_torn");
  for (std::string junk : {"SSH-2.0-OpenSSH_9.2\r\n", "HTTP/9.9 200 OK\r\n\r\n", "HTTP/1.1 abc OK\r\n\r\n",
                           "HTTP/1.1 200 OK\r\nbad name: x\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
                           "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
                           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n"}) {
    CAPTURE(junk);
    Got answer = got(junk);
    CHECK(answer.cause == "response_torn");
    CHECK(answer.kind == ErrorKind::transient);
  }
}

TEST_CASE("a body is not taken when it is said to be too large, nor when it turns out to be") {
  CHECK(got("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + std::string(1000, 'x')).body.size() == 1000);
  CHECK(got("HTTP/1.1 200 OK\r\nContent-Length: 9000000000000000000\r\n\r\n").cause == "response_too_large");
  CHECK(got("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n" + std::string(1001, 'x') + "\r\n0\r\n\r\n")
            .cause == "response_too_large");
  CHECK(got("HTTP/1.1 200 OK\r\n\r\n" + std::string(1001, 'x')).cause == "response_too_large");
  CHECK(got("HTTP/1.1 200 OK\r\nX: " + std::string(70'000, 'x') + "\r\nContent-Length: 0\r\n\r\n").cause ==
        "response_torn");
  CHECK(got("HTTP/1.1 200 OK\r\nX: " + std::string(300'000, 'x') + "\r\n\r\n").cause == "response_torn");
}

TEST_CASE("what stands between chunks has a cap, too") {
  const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", much(600'000, 'a');
  // Read to their ends these answers would be good ones.
  for (const std::string& endless :
       {head + "1;" + much + "\r\nx\r\n0\r\n\r\n", head + "1\r\nx\r\n0\r\nX: " + much + "\r\n\r\n"}) {
    Got answer = got(endless);
    CHECK(answer.cause == "response_torn");
    CHECK(answer.text.find("no HTTP") != std::string::npos);
  }
  CHECK(got(head + "1;" + std::string(5000, 'a') + "\r\nx\r\n0\r\nX: y\r\n\r\n").body == "x");
}

TEST_CASE("large heads are fine") {
  Got answer =
      got("HTTP/1.1 200 OK\r\nContent-Security-Policy: " + std::string(60'000, 'x') +
          "\r\nContent-Security-Policy-Report-Only: " + std::string(60'000, 'x') + "\r\nContent-Length: 2\r\n\r\nok");
  CHECK(answer.body == "ok");
}

TEST_CASE("a connection with bytes that nobody asked for is not used again") {
  const std::string good = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
  with_answers({good + "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", good},
               [&](RawServer& server, http::Transport& transport, http::Url to) -> awaitable<void> {
                 for (int i = 0; i < 3; ++i) {
                   http::Request request("GET", "/");
                   http::ExchangeLimits limits;
                   http::Response response = co_await transport.exchange(to, request, limits);
                   CHECK(response.body == "ok");
                 }
                 CHECK(server.connections == 3);
               });
}

TEST_CASE("connections are kept, unless the answer says otherwise") {
  const std::string good = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
                    last = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok";
  with_answers({good, last, good}, [&](RawServer& server, http::Transport& transport, http::Url to) -> awaitable<void> {
    for (int i = 0; i < 6; ++i) {
      http::Request request("GET", "/");
      http::ExchangeLimits limits;
      http::Response response = co_await transport.exchange(to, request, limits);
      CHECK(response.body == "ok");
    }
    CHECK(server.connections == 3);
  });
}

TEST_CASE("who refuses an upload before it has come whole is heard") {
  // Answers after the head and closes, while most of the body is still on its way.
  struct Bytes final : ByteStream {
    int left = 2000;
    awaitable<std::string> read(std::size_t limit) override { co_return std::string(left-- > 0 ? limit : 0, 'x'); }
  };
  with_answers({"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig"},
               [&](RawServer&, http::Transport& transport, http::Url to) -> awaitable<void> {
                 http::Request request("PUT", "/");
                 auto stream = std::make_shared<Bytes>();
                 request.stream = stream;
                 http::ExchangeLimits limits;
                 int status = 0;
                 bool sent = true;
                 try {
                   http::Response response = co_await transport.exchange(to, request, limits);
                   status = response.status;
                 } catch (const http::TransportError& error) {
                   // The reset of the connection may overtake the answer; but then it is certain that not all was sent.
                   sent = error.sent();
                 }
                 CHECK((status == 413 || !sent));
                 CHECK(stream->left > 0);
               });
}

TEST_CASE("the server refuses what is no request, and what is too large") {
  run([]() -> awaitable<void> {
    http::Server server((Services()));
    auto handler = [](http::Request request) -> awaitable<http::Answer> {
      http::Answer answer;
      answer.response.body = request.method + " " + request.target + " " + request.body;
      co_return answer;
    };
    const std::uint16_t port = co_await server.start(handler, 0, 10);
    asio::any_io_executor executor = co_await asio::this_coro::executor;
    auto talk = [&](std::string text) -> awaitable<std::string> {
      tcp::socket socket(executor);
      tcp::endpoint endpoint(asio::ip::address_v4::loopback(), port);
      co_await socket.async_connect(endpoint, asio::use_awaitable);
      co_await asio::async_write(socket, asio::buffer(text), asio::use_awaitable);
      socket.shutdown(tcp::socket::shutdown_send);
      std::string answer;
      boost::system::error_code end;
      co_await asio::async_read(socket, asio::dynamic_buffer(answer), asio::redirect_error(asio::use_awaitable, end));
      co_return answer;
    };
    std::string answer = co_await talk("hello\r\n\r\n");
    CHECK(answer.starts_with("HTTP/1.1 400 "));
    answer = co_await talk("GET / HTTP/1.1\r\nX: " + std::string(70'000, 'x') + "\r\n\r\n");
    CHECK(answer.starts_with("HTTP/1.1 400 "));
    answer = co_await talk("POST /x HTTP/1.1\r\nContent-Length: 11\r\n\r\n12345678901");
    CHECK(answer.starts_with("HTTP/1.1 413 "));
    answer = co_await talk("POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
    CHECK(answer.ends_with("POST /x hello"));
    answer = co_await talk("POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nhello\r\n");
    CHECK(answer.starts_with("HTTP/1.1 400 "));
    // One byte more than is held of an extension that does not end: the server has read all of it when it answers.
    answer =
        co_await talk("POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1;" + std::string(256 * 1024 - 1, 'a'));
    CHECK(answer.starts_with("HTTP/1.1 400 "));
    answer =
        co_await talk("GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\nConnection: close\r\n\r\nGET /3 HTTP/1.1\r\n\r\n");
    CHECK(answer.find("GET /1 ") != std::string::npos);
    CHECK(answer.find("GET /2 ") != std::string::npos);
    CHECK(answer.find("GET /3 ") == std::string::npos);
    answer =
        co_await talk("POST /x HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
    CHECK(answer.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"));
  });
}
