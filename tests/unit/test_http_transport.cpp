#include <boost/json/parse.hpp>
#include <thread>

#include "http_kit.hpp"
#include "migrate/http/server.hpp"

using namespace migrate;
using namespace http_kit;

namespace {

/// A handler and two ways to it: over sockets, and in process.
struct Way {
  std::shared_ptr<http::Transport> transport;
  http::Url to;
};

/// Runs `test` against a real server, then in process in virtual time.
template <class Test>
void both_ways(http::AnswerHandler handler, Test test) {
  SUBCASE("over sockets") {
    run([&]() -> awaitable<void> {
      Services services;
      http::Server server(services);
      const std::uint16_t port = co_await server.start(handler);
      CHECK(port < 32768);
      Way way;
      http::SocketOptions options;
      way.transport = http::socket_transport(options);
      way.to = http::parse_url("http://127.0.0.1:" + std::to_string(port));
      co_await test(way);
    });
  }
  SUBCASE("in process") {
    run([&]() -> awaitable<void> {
      Services services = simulated_services();
      auto transport = std::make_shared<http::SimulatedTransport>();
      transport->serve("http://service.example", handler, services.clock);
      Way way;
      way.transport = transport;
      way.to = http::parse_url("http://service.example");
      co_await test(way);
    });
  }
}

http::Answer answer(int status, std::string body, http::Ending ending = http::Ending::proper) {
  http::Answer result;
  result.response.status = status;
  result.response.body = std::move(body);
  result.ending = ending;
  return result;
}

awaitable<http::Answer> echo(http::Request request) {
  http::Answer result = answer(200, request.method + " " + request.target + " " + request.body);
  result.response.headers.add("X-Host", std::string(request.headers.get("Host")));
  result.response.headers.add("X-Seen", std::string(request.headers.get("X-Sent")));
  co_return result;
}

/// Any number of bytes that can be checked, without holding them.
class Counting final : public ByteStream {
 public:
  explicit Counting(std::uint64_t size) : left_(size) {}
  awaitable<std::string> read(std::size_t limit) override {
    std::string bytes(static_cast<std::size_t>(std::min<std::uint64_t>(limit, left_)), 'x');
    left_ -= bytes.size();
    largest = std::max(largest, bytes.size());
    co_return bytes;
  }
  std::size_t largest = 0;

 private:
  std::uint64_t left_;
};

/// Another service's download that breaks off, as that service's transport tells it.
class Broken final : public ByteStream {
 public:
  awaitable<std::string> read(std::size_t) override {
    if (left_-- == 0) throw http::TransportError(ErrorKind::transient, "response_torn", "The source broke off.", true);
    std::string bytes(1000, 'x');
    co_return bytes;
  }

 private:
  int left_ = 3;
};

http::ExchangeLimits no_limits;

}  // namespace

TEST_CASE("one exchange") {
  both_ways(echo, [](Way way) -> awaitable<void> {
    http::Request request("POST", "/a?b=c");
    request.body = "hello";
    request.headers.add("X-Sent", "there");
    request.headers.add("Content-Length", "999999");  // never taken over
    http::Response response = co_await way.transport->exchange(way.to, request, no_limits);
    CHECK(response.status == 200);
    CHECK(response.body == "POST /a?b=c hello");
    CHECK(response.headers.get("x-seen") == "there");
    CHECK(response.headers.get("X-Host") == way.to.origin().substr(7));
    CHECK(response.headers.get("Content-Length") == "17");
    http::Request head("HEAD", "/x");
    response = co_await way.transport->exchange(way.to, head, no_limits);
    CHECK(response.body.empty());
    CHECK(response.headers.get("Content-Length") == "8");
    http::Request after("GET", "/after");  // on the same connection
    response = co_await way.transport->exchange(way.to, after, no_limits);
    CHECK(response.body == "GET /after ");
  });
}

TEST_CASE("answers without a body") {
  auto handler = [](http::Request) -> awaitable<http::Answer> { co_return answer(204, ""); };
  both_ways(handler, [](Way way) -> awaitable<void> {
    for (int i = 0; i < 3; ++i) {
      http::Request request("DELETE", "/x");
      http::Response response = co_await way.transport->exchange(way.to, request, no_limits);
      CHECK(response.status == 204);
      CHECK(response.body.empty());
    }
  });
}

TEST_CASE("what would end the request line is refused") {
  both_ways(echo, [](Way way) -> awaitable<void> {
    for (std::string target : {"/a b", "/a\r\nX-Evil: 1", "/ä", "", "/a\tb"}) {
      http::Request request("GET", target);
      Error error = co_await thrown_by<Error>(way.transport->exchange(way.to, request, no_limits));
      CHECK(error.kind() == ErrorKind::invalid);
    }
    http::Request request("GET /evil", "/");
    Error error = co_await thrown_by<Error>(way.transport->exchange(way.to, request, no_limits));
    CHECK(error.kind() == ErrorKind::invalid);
  });
}

TEST_CASE("each ending is told apart") {
  auto ending = std::make_shared<http::Ending>(http::Ending::proper);
  auto handler = [ending](http::Request) -> awaitable<http::Answer> {
    return [](http::Ending how) -> awaitable<http::Answer> { co_return answer(200, "0123456789", how); }(*ending);
  };
  auto check = [ending](http::Ending how, std::string cause) {
    return [ending, how, cause](Way way) -> awaitable<void> {
      *ending = how;
      http::Request request("GET", "/x");
      auto error = co_await thrown_by<http::TransportError>(way.transport->exchange(way.to, request, no_limits));
      CHECK(error.cause == cause);
      CHECK(error.kind() == ErrorKind::transient);
      CHECK(error.sent());
      *ending = http::Ending::proper;  // the broken connection is not used again
      http::Response response = co_await way.transport->exchange(way.to, request, no_limits);
      CHECK(response.body == "0123456789");
    };
  };
  SUBCASE("close_before") { both_ways(handler, check(http::Ending::close_before, "connection_lost")); }
  SUBCASE("torn") { both_ways(handler, check(http::Ending::torn, "response_torn")); }
  SUBCASE("short_body") { both_ways(handler, check(http::Ending::short_body, "response_torn")); }
}

TEST_CASE("what is not ok is handed over with as much of its body as there is") {
  auto ending = std::make_shared<http::Ending>(http::Ending::proper);
  auto handler = [ending](http::Request) -> awaitable<http::Answer> {
    return [](http::Ending how) -> awaitable<http::Answer> {
      http::Answer refusal = answer(429, "0123456789", how);
      refusal.response.headers.add("Retry-After", "30");
      co_return refusal;
    }(*ending);
  };
  both_ways(handler, [ending](Way way) -> awaitable<void> {
    struct Case {
      http::Ending how;
      std::size_t most;
      std::string body;
    };
    const std::vector<Case> cases{Case{http::Ending::torn, 100, "01234"},
                                  Case{http::Ending::short_body, 100, "012345678"}, Case{http::Ending::proper, 4, ""}};
    for (const Case& each : cases) {
      *ending = each.how;
      http::ExchangeLimits limits;
      limits.max_body = each.most;
      http::Request request("GET", "/x");
      http::Response response = co_await way.transport->exchange(way.to, request, limits);
      CHECK(response.status == 429);
      CHECK(response.headers.get("Retry-After") == "30");
      if (each.body.empty()) CHECK(response.body.size() <= each.most);
      if (!each.body.empty()) CHECK(response.body == each.body);
    }
  });
}

TEST_CASE("an answer that drips takes a second a byte") {
  run([]() -> awaitable<void> {
    Services services = simulated_services();
    http::SimulatedTransport transport;
    auto handler = [](http::Request) -> awaitable<http::Answer> {
      co_return answer(200, "0123456789", http::Ending::drip);
    };
    transport.serve("http://service.example", handler, services.clock);
    http::Url to = http::parse_url("http://service.example");
    http::Request request("GET", "/");
    http::Response response = co_await transport.exchange(to, request, no_limits);
    CHECK(response.body == "0123456789");
    CHECK(services.clock->now() == epoch() + seconds(10));
    http::ExchangeLimits limits;
    limits.total = milliseconds(4500);
    auto error = co_await thrown_by<http::TransportError>(transport.exchange(to, request, limits));
    CHECK(error.cause == "timeout");
    CHECK(services.clock->now() == epoch() + milliseconds(14500));
  });
  // Over sockets: the stand-in's clock is simulated, the client's limits are not.
  run([]() -> awaitable<void> {
    http::Server server(simulated_services());
    auto handler = [](http::Request) -> awaitable<http::Answer> {
      co_return answer(200, "0123456789", http::Ending::drip);
    };
    const std::uint16_t port = co_await server.start(handler);
    auto transport = http::socket_transport(http::SocketOptions());
    http::Request request("GET", "/");
    http::Response response =
        co_await transport->exchange(http::parse_url("http://127.0.0.1:" + std::to_string(port)), request, no_limits);
    CHECK(response.body == "0123456789");
  });
}

TEST_CASE("an answer that comes too late is a timeout, and was applied") {
  run([]() -> awaitable<void> {
    Services services = simulated_services();
    http::SimulatedTransport transport;
    int applied = 0;
    auto handler = [&](http::Request) -> awaitable<http::Answer> {
      co_await services.clock->sleep(seconds(90));
      ++applied;
      co_return answer(200, "late");
    };
    transport.serve("http://service.example", handler, services.clock);
    http::Request request("POST", "/");
    auto error = co_await thrown_by<http::TransportError>(
        transport.exchange(http::parse_url("http://service.example"), request, no_limits));
    CHECK(error.cause == "timeout");
    CHECK(error.sent());
    CHECK(applied == 1);
  });
}

TEST_CASE("a server that says nothing is a timeout over sockets, too") {
  run([]() -> awaitable<void> {
    Services services;
    http::Server server(services);
    auto handler = [&](http::Request) -> awaitable<http::Answer> {
      co_await services.clock->sleep(seconds(3600));
      co_return answer(200, "");
    };
    const std::uint16_t port = co_await server.start(handler);
    http::Url to = http::parse_url("http://127.0.0.1:" + std::to_string(port));
    auto transport = http::socket_transport(http::SocketOptions());
    for (bool total : {false, true}) {
      http::ExchangeLimits limits;
      (total ? limits.total : limits.idle) = milliseconds(30);
      http::Request request("GET", "/");
      auto error = co_await thrown_by<http::TransportError>(transport->exchange(to, request, limits));
      CHECK(error.cause == "timeout");
      CHECK(error.sent());
    }
  });
}

TEST_CASE("the time for the whole exchange bounds connecting, too") {
  run([]() -> awaitable<void> {
    boost::asio::any_io_executor executor = co_await boost::asio::this_coro::executor;
    // Takes connections and never says a word of TLS.
    boost::asio::ip::tcp::endpoint anywhere(boost::asio::ip::address_v4::loopback(), 0);
    boost::asio::ip::tcp::acceptor silent(executor, anywhere);
    auto transport = http::socket_transport(http::SocketOptions());
    http::ExchangeLimits limits;
    limits.connect = milliseconds(0);
    limits.total = milliseconds(30);
    http::Request request("POST", "/");
    const http::Url to = http::parse_url("https://127.0.0.1:" + std::to_string(silent.local_endpoint().port()));
    auto error = co_await thrown_by<http::TransportError>(transport->exchange(to, request, limits));
    CHECK(error.cause == "tls_failed");
    CHECK_FALSE(error.sent());
  });
}

TEST_CASE("nobody listens") {
  run([]() -> awaitable<void> {
    http::Request request("POST", "/");
    std::uint16_t port = 0;
    {
      http::Server server((Services()));
      port = co_await server.start(echo);
    }
    auto sockets = http::socket_transport(http::SocketOptions());
    auto error = co_await thrown_by<http::TransportError>(
        sockets->exchange(http::parse_url("http://127.0.0.1:" + std::to_string(port)), request, no_limits));
    CHECK(error.cause == "connect_failed");
    CHECK_FALSE(error.sent());
    CHECK_FALSE(error.advice.empty());
    http::SimulatedTransport simulated;
    error = co_await thrown_by<http::TransportError>(
        simulated.exchange(http::parse_url("http://nowhere.example"), request, no_limits));
    CHECK(error.cause == "connect_failed");
    CHECK_FALSE(error.sent());
  });
}

TEST_CASE("bodies larger than the cap are not taken") {
  auto handler = [](http::Request) -> awaitable<http::Answer> { co_return answer(200, std::string(5000, 'x')); };
  both_ways(handler, [](Way way) -> awaitable<void> {
    http::ExchangeLimits limits;
    limits.max_body = 4999;
    http::Request request("GET", "/");
    auto error = co_await thrown_by<http::TransportError>(way.transport->exchange(way.to, request, limits));
    CHECK(error.cause == "response_too_large");
    CHECK(error.kind() == ErrorKind::invalid);
    limits.max_body = 5000;
    http::Response response = co_await way.transport->exchange(way.to, request, limits);
    CHECK(response.body.size() == 5000);
  });
}

TEST_CASE("uploads stream, sized or in chunks") {
  auto handler = [](http::Request request) -> awaitable<http::Answer> {
    co_return answer(200,
                     std::to_string(request.body.size()) + " " + std::string(request.headers.get("Content-Length")));
  };
  both_ways(handler, [](Way way) -> awaitable<void> {
    for (bool sized : {true, false}) {
      http::Request request("POST", "/upload");
      auto stream = std::make_shared<Counting>(1'000'001);
      request.stream = stream;
      if (sized) request.stream_size = 1'000'001;
      http::Response response = co_await way.transport->exchange(way.to, request, no_limits);
      CHECK(response.body.substr(0, 8) == "1000001 ");
      CHECK(stream->largest <= 64 * 1024);
    }
    http::Request nothing("POST", "/upload");
    nothing.stream = std::make_shared<Counting>(0);
    nothing.stream_size = 0;
    http::Response response = co_await way.transport->exchange(way.to, nothing, no_limits);
    CHECK(response.body == "0 0");
  });
}

TEST_CASE("a stream of another length than was announced never makes a whole request") {
  constexpr std::uint64_t piece = 64 * 1024;
  struct Case {
    std::uint64_t said, found;
  };
  // Also where the announced bytes end with a piece, and where there are none.
  const std::vector<Case> cases{Case{1'000'000, 1'000'001}, Case{1'000'002, 1'000'001}, Case{3 * piece, 3 * piece + 1},
                                Case{3 * piece, 4 * piece}, Case{4 * piece, 3 * piece}, Case{0, 1}};
  auto applied = std::make_shared<int>(0);
  auto handler = [applied](http::Request) -> awaitable<http::Answer> {
    ++*applied;
    co_return answer(200, "");
  };
  both_ways(handler, [&](Way way) -> awaitable<void> {
    for (const Case& each : cases) {
      CAPTURE(each.said);
      CAPTURE(each.found);
      http::Request request("POST", "/upload");
      request.stream = std::make_shared<Counting>(each.found);
      request.stream_size = each.said;
      auto error = co_await thrown_by<http::TransportError>(way.transport->exchange(way.to, request, no_limits));
      CHECK(error.cause == "body_size");
      CHECK_FALSE(error.sent());
      co_await settled();
    }
    CHECK(*applied == 0);
  });
}

TEST_CASE("an upload whose stream breaks was not applied") {
  auto applied = std::make_shared<int>(0);
  auto handler = [applied](http::Request) -> awaitable<http::Answer> {
    ++*applied;
    co_return answer(200, "");
  };
  both_ways(handler, [&](Way way) -> awaitable<void> {
    for (bool sized : {true, false}) {
      http::Request request("POST", "/upload");
      request.stream = std::make_shared<Broken>();
      if (sized) request.stream_size = 3000;
      auto error = co_await thrown_by<http::TransportError>(way.transport->exchange(way.to, request, no_limits));
      CHECK(error.cause == "response_torn");
      CHECK(std::string(error.what()) == "The source broke off.");
      CHECK_FALSE(error.sent());
      co_await settled();
    }
    CHECK(*applied == 0);
  });
}

TEST_CASE("downloads stream") {
  auto handler = [](http::Request) -> awaitable<http::Answer> { co_return answer(200, std::string(1'000'001, 'y')); };
  both_ways(handler, [](Way way) -> awaitable<void> {
    http::ExchangeLimits limits;
    limits.max_body = 10;  // means buffered bodies
    http::Request request("GET", "/");
    http::StreamedResponse response = co_await way.transport->open(way.to, request, limits);
    CHECK(response.status == 200);
    std::size_t count = 0;
    for (;;) {
      std::string bytes = co_await response.body->read(70'000);
      CHECK(bytes.size() <= 70'000);
      if (bytes.empty()) break;
      count += bytes.size();
    }
    CHECK(count == 1'000'001);
    std::string more = co_await response.body->read(1);
    CHECK(more.empty());
  });
}

TEST_CASE("a connection that the peer has closed meanwhile is noticed before sending") {
  run([]() -> awaitable<void> {
    auto transport = http::socket_transport(http::SocketOptions());
    std::uint16_t port = 0;
    int requests = 0;
    auto handler = [&](http::Request) -> awaitable<http::Answer> {
      ++requests;
      co_return answer(200, "");
    };
    for (int i = 0; i < 3; ++i) {
      http::Server server((Services()));
      port = co_await server.start(handler, port);  // the same one again
      http::Request request("POST", "/");
      http::Response response =
          co_await transport->exchange(http::parse_url("http://127.0.0.1:" + std::to_string(port)), request, no_limits);
      CHECK(response.status == 200);
      server.stop();
      co_await settled();
    }
    CHECK(requests == 3);
  });
}

TEST_CASE("a transport outlives the contexts that it was used on") {
  auto transport = http::socket_transport(http::SocketOptions());
  for (int i = 0; i < 3; ++i) {
    run([&]() -> awaitable<void> {
      http::Server server((Services()));
      const std::uint16_t port = co_await server.start(echo);
      http::Request request("GET", "/");
      http::Response response =
          co_await transport->exchange(http::parse_url("http://127.0.0.1:" + std::to_string(port)), request, no_limits);
      CHECK(response.ok());
    });
  }
}

TEST_CASE("a connection that only waits to be used again keeps nothing busy") {
  boost::asio::io_context serving(1), asking(1);
  http::Server server((Services()));
  std::uint16_t port = 0;
  auto open = [&]() -> awaitable<void> { port = co_await server.start(echo); };
  start(serving, open());
  while (port == 0) serving.run_one();
  std::thread service([&] { serving.run(); });
  auto transport = http::socket_transport(http::SocketOptions());
  bool answered = false;
  auto ask = [&]() -> awaitable<void> {
    http::ExchangeLimits limits;  // a minute without a byte
    http::Request request("GET", "/");
    const http::Url to = http::parse_url("http://127.0.0.1:" + std::to_string(port));
    http::Response response = co_await transport->exchange(to, request, limits);
    answered = response.ok();
  };
  start(asking, ask());
  asking.run_for(std::chrono::seconds(10));
  CHECK(answered);
  CHECK(asking.stopped());  // out of work, although the connection is still there
  serving.stop();
  service.join();
}

TEST_CASE("what derives from nothing goes through the in-process transport as it is") {
  bool died = false;
  try {
    run([]() -> awaitable<void> {
      http::SimulatedTransport transport;
      auto handler = [](http::Request request) -> awaitable<http::Answer> {
        if (!request.target.empty()) throw SimulatedCrash{request.target};
        co_return answer(200, "");
      };
      transport.serve("http://service.example", handler);
      http::Request request("POST", "/die");
      co_await transport.exchange(http::parse_url("http://service.example"), request, no_limits);
    });
  } catch (const SimulatedCrash& crash) {
    died = crash.point == "/die";
  }
  CHECK(died);
}

TEST_CASE("a port that is taken is named") {
  run([]() -> awaitable<void> {
    http::Server first((Services())), second((Services()));
    const std::uint16_t port = co_await first.start(echo);
    Error error = co_await thrown_by<Error>(second.start(echo, port));
    CHECK(error.kind() == ErrorKind::unsupported);
    CHECK(std::string(error.what()).find(std::to_string(port)) != std::string::npos);
  });
}
