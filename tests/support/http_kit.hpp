// What the tests of the HTTP side share: running coroutines to their end, in real and in virtual time.
#pragma once

#include <doctest/doctest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "migrate/http/transport.hpp"

namespace http_kit {

using namespace migrate;
using std::chrono::milliseconds;
using std::chrono::seconds;

inline std::chrono::system_clock::time_point epoch() {
  return std::chrono::system_clock::time_point(std::chrono::seconds(1'700'000'000));
}
inline Services simulated_services() {
  Services services;
  services.clock = Clock::simulated(epoch());
  return services;
}

/// Runs `work` on an io_context of its own until nothing is left to do there. Rethrows what it threw.
template <class Make>
void run(Make make) {
  boost::asio::io_context context(1);
  std::exception_ptr failure;
  boost::asio::co_spawn(context, make(), [&](std::exception_ptr thrown) {
    failure = thrown;
    context.stop();  // servers listen for ever
  });
  context.run();
  if (failure) std::rethrow_exception(failure);
}

/// One more coroutine on a context that the test runs itself; what it throws comes out of context.run().
inline void start(boost::asio::io_context& context, awaitable<void> work) {
  boost::asio::co_spawn(context, std::move(work), [](std::exception_ptr thrown) {
    if (thrown) std::rethrow_exception(thrown);
  });
}

/// What a coroutine threw as Error or a class derived from it; a failure of the test when it threw nothing.
template <class E, class T>
awaitable<E> thrown_by(awaitable<T> work) {
  std::optional<E> thrown;
  try {
    co_await std::move(work);
  } catch (const E& error) {
    thrown = error;
  }
  REQUIRE_MESSAGE(thrown, "nothing was thrown");
  co_return *thrown;
}

/// Comes back when what was sent on the loopback before has arrived: bytes of our own have gone there and back.
inline awaitable<void> settled() {
  namespace asio = boost::asio;
  using asio::ip::tcp;
  asio::any_io_executor executor = co_await asio::this_coro::executor;
  tcp::endpoint anywhere(asio::ip::address_v4::loopback(), 0);
  tcp::acceptor acceptor(executor, anywhere);
  tcp::socket near(executor), far(executor);
  near.connect(acceptor.local_endpoint());
  acceptor.accept(far);
  char byte = 'x';
  for (int i = 0; i < 20; ++i) {
    asio::mutable_buffer place(&byte, 1);
    co_await asio::async_write(near, place, asio::use_awaitable);
    co_await asio::async_read(far, place, asio::use_awaitable);
    co_await asio::async_write(far, place, asio::use_awaitable);
    co_await asio::async_read(near, place, asio::use_awaitable);
  }
}

}  // namespace http_kit
