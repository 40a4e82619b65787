#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "http_kit.hpp"

using namespace migrate;
using namespace http_kit;
namespace asio = boost::asio;

namespace {

struct Woken {
  std::vector<std::string> names;
  std::vector<long> at;
};

awaitable<void> sleep_and_say(std::shared_ptr<Clock> clock, Woken& woken, std::string name, milliseconds duration) {
  co_await clock->sleep(duration);
  woken.names.push_back(name);
  woken.at.push_back(std::chrono::duration_cast<milliseconds>(clock->now() - epoch()).count());
}

}  // namespace

TEST_CASE("simulated sleepers wake in the order of their times, each at its own") {
  auto clock = Clock::simulated(epoch());
  asio::io_context context(1);
  Woken woken;
  const std::vector<std::pair<std::string, int>> sleepers{{"c", 30'000}, {"a", 10}, {"d", 30'000}, {"b", 20}};
  for (const auto& [name, duration] : sleepers) {
    start(context, sleep_and_say(clock, woken, name, milliseconds(duration)));
  }
  context.run();
  CHECK(woken.names == std::vector<std::string>{"a", "b", "c", "d"});
  CHECK(woken.at == std::vector<long>{10, 20, 30'000, 30'000});
}

TEST_CASE("simulated time stands still while there is work") {
  auto clock = Clock::simulated(epoch());
  asio::io_context context(1);
  long seen = -1;
  auto busy = [&]() -> awaitable<void> {
    for (int i = 0; i < 8; ++i) {  // through the queue again and again, as a join or an event does
      asio::any_io_executor executor = co_await asio::this_coro::executor;
      co_await asio::post(executor, asio::use_awaitable);
    }
    co_await clock->sleep(milliseconds(5));
    seen = std::chrono::duration_cast<milliseconds>(clock->now() - epoch()).count();
  };
  Woken woken;
  start(context, sleep_and_say(clock, woken, "late", milliseconds(100)));
  start(context, busy());
  context.run();
  CHECK(seen == 5);
  CHECK(woken.at == std::vector<long>{100});
}

TEST_CASE("many sleepers, woken again and again, keep their own pace") {
  auto clock = Clock::simulated(epoch());
  asio::io_context context(1);
  std::vector<long> steps;
  auto worker = [&](int pace) -> awaitable<void> {
    for (int i = 1; i <= 50; ++i) {
      co_await clock->sleep(milliseconds(pace));
      CHECK(clock->now() == epoch() + milliseconds(pace * i));
      steps.push_back(pace * i);
    }
  };
  for (int pace = 1; pace <= 20; ++pace) start(context, worker(pace));
  context.run();
  CHECK(steps.size() == 1000);
  CHECK(std::is_sorted(steps.begin(), steps.end()));
}

TEST_CASE("cancelling a simulated sleeper wakes it at once, and no other") {
  auto clock = Clock::simulated(epoch());
  asio::io_context context(1);
  asio::cancellation_signal signal;
  bool ended = false;
  Woken woken;
  auto sleeper = [&]() -> awaitable<void> { co_await clock->sleep(std::chrono::hours(1)); };
  asio::co_spawn(context, sleeper(),
                 asio::bind_cancellation_slot(signal.slot(), [&](std::exception_ptr) { ended = true; }));
  auto canceller = [&]() -> awaitable<void> {
    co_await clock->sleep(milliseconds(10));
    signal.emit(asio::cancellation_type::terminal);
  };
  start(context, canceller());
  start(context, sleep_and_say(clock, woken, "other", milliseconds(50)));
  context.run();
  CHECK(ended);
  CHECK(woken.at == std::vector<long>{50});
  CHECK(clock->now() == epoch() + milliseconds(50));
}

TEST_CASE("a simulated clock goes on after a context that died with sleepers on it") {
  auto clock = Clock::simulated(epoch());
  Woken woken;
  {
    asio::io_context context(1);
    start(context, sleep_and_say(clock, woken, "dead", milliseconds(10)));
    context.poll_one();
  }
  asio::io_context context(1);
  start(context, sleep_and_say(clock, woken, "alive", milliseconds(20)));
  context.run();
  CHECK(woken.names == std::vector<std::string>{"alive"});
  CHECK(woken.at == std::vector<long>{20});
}
