// http::Client against http::Server over the loopback, both in one process and one thread: exchanges a second, and the
// processor time that one takes on both sides together.
//
//   bench_http [exchanges] [at once]
#include <fmt/format.h>
#include <sys/resource.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/parse.hpp>
#include <chrono>
#include <cstdlib>

#include "migrate/http/client.hpp"
#include "migrate/http/server.hpp"

using namespace migrate;

namespace {

constexpr std::size_t ticket_bytes = 3300, page_tickets = 100;

std::string ticket() {
  return R"({"subject":"A ticket","description":")" + std::string(ticket_bytes - 60, 'x') + "\"}";
}

awaitable<http::Answer> answer(http::Request request) {
  static const std::string page = [] {
    std::string text = "[";
    for (std::size_t i = 0; i < page_tickets; ++i) text += (i ? "," : "") + ticket();
    return text + "]";
  }();
  http::Answer result;
  if (request.method == "POST") {
    result.response.status = 201;
    result.response.body = R"({"id":4711,"key":"SUP-1"})";
  } else {
    result.response.body = page;
  }
  result.response.headers.add("Content-Type", "application/json; charset=utf-8");
  result.response.headers.add("X-RateLimit-Total", "1000000000");
  result.response.headers.add("X-RateLimit-Remaining", "999999999");
  co_return result;
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  auto of = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return of(usage.ru_utime) + of(usage.ru_stime);
}

struct Load {
  http::Client* client;
  long left;
  bool reads, parses;
};

awaitable<void> worker(Load& load) {
  const std::string body = ticket();
  while (load.left > 0) {
    --load.left;
    http::Request request;
    request.method = load.reads ? "GET" : "POST";
    request.target = "/api/v2/tickets";
    if (!load.reads) {
      request.body = body;
      request.headers.add("Content-Type", "application/json");
    }
    http::Response response = co_await load.client->send(std::move(request));
    if (!response.ok()) std::abort();
    if (load.parses) response.json();
  }
}

awaitable<void> measure(const char* name, bool reads, long exchanges, int at_once) {
  auto executor = co_await boost::asio::this_coro::executor;
  http::Server server((Services()));
  const std::uint16_t port = co_await server.start(answer);
  http::ClientOptions options;
  options.base_url = fmt::format("http://127.0.0.1:{}", port);
  options.auth = http::Auth::basic("key", Secret("X"));
  options.headers.add("Accept", "application/json");
  http::Client client(options, Services());
  Load load{&client, exchanges, reads, reads};
  int running = at_once;
  boost::asio::steady_timer ended(executor);
  ended.expires_at(boost::asio::steady_timer::time_point::max());
  const auto start = std::chrono::steady_clock::now();
  const double cpu = cpu_seconds();
  for (int i = 0; i < at_once; ++i) {
    boost::asio::co_spawn(executor, worker(load), [&](std::exception_ptr failure) {
      if (failure) std::abort();
      if (--running == 0) ended.cancel();
    });
  }
  boost::system::error_code ignored;
  co_await ended.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const auto count = static_cast<double>(exchanges);
  fmt::print("{:<28} {:>9.0f} exchanges/s {:>8.1f} us CPU each{}\n", name, count / seconds,
             (cpu_seconds() - cpu) * 1e6 / count,
             reads ? fmt::format(" {:>9.0f} tickets/s", count * page_tickets / seconds) : std::string());
}

}  // namespace

int main(int count, char** arguments) {
  const long exchanges = count > 1 ? std::atol(arguments[1]) : 100'000;
  const int at_once = count > 2 ? std::atoi(arguments[2]) : 20;
  boost::asio::io_context context(1);
  auto all = [&]() -> awaitable<void> {
    co_await measure("create, POST of 3.3 KB", false, exchanges, at_once);
    co_await measure("read, pages of 100 and parse", true, exchanges / 20, at_once);
  };
  boost::asio::co_spawn(context, all(), [&](std::exception_ptr failure) {
    if (failure) std::abort();
    context.stop();
  });
  context.run();
}
