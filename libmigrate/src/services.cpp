#include "migrate/services.hpp"

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/error_code.hpp>

MIGRATE_BEGIN

namespace asio = boost::asio;
using std::chrono::milliseconds;

Clock::~Clock() = default;

namespace {

class SystemClock final : public Clock {
 public:
  std::chrono::system_clock::time_point now() const override { return std::chrono::system_clock::now(); }

  awaitable<void> sleep(milliseconds duration) override {
    asio::any_io_executor executor = co_await asio::this_coro::executor;
    asio::steady_timer timer(executor, duration);
    boost::system::error_code ignored;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
};

class SimulatedClock final : public Clock {
 public:
  explicit SimulatedClock(std::chrono::system_clock::time_point start) : now_(start) {}
  std::chrono::system_clock::time_point now() const override { return now_; }

  awaitable<void> sleep(milliseconds duration) override {
    // Sleepers of the same instant wake in the order in which they went to sleep: each sees at least its own time.
    const auto wake = now_ + duration;
    asio::any_io_executor executor = co_await asio::this_coro::executor;
    co_await asio::post(executor, asio::use_awaitable);
    if (now_ < wake) now_ = wake;
  }

 private:
  std::chrono::system_clock::time_point now_;
};

}  // namespace

std::shared_ptr<Clock> Clock::system() { return std::make_shared<SystemClock>(); }
std::shared_ptr<Clock> Clock::simulated(std::chrono::system_clock::time_point start) {
  return std::make_shared<SimulatedClock>(start);
}

Services::Services() : clock(Clock::system()) {}

awaitable<void> switch_to(asio::any_io_executor executor) {
  // The handler's associated executor decides where the coroutine wakes up, so it is bound to the wanted one.
  co_await asio::post(asio::bind_executor(executor, asio::use_awaitable));
}

MIGRATE_END
