#include "migrate/services.hpp"

#include <time.h>

#include <algorithm>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/error_code.hpp>
#include <map>
#include <utility>

MIGRATE_BEGIN

namespace asio = boost::asio;
using std::chrono::milliseconds;

Clock::~Clock() = default;

namespace {

/// Time that nobody sets, counted while the machine is suspended, too.
std::chrono::nanoseconds uptime() {
#ifdef CLOCK_BOOTTIME
  timespec time{};
  if (::clock_gettime(CLOCK_BOOTTIME, &time) == 0)
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
#endif
  return std::chrono::steady_clock::now().time_since_epoch();
}

/// The machine's time when it was made, and what has passed since. A machine's clock that is set while a run lasts (by
/// a person, by NTP after a boot) must not make it wait: limits, budgets and refusals all reckon with now().
class SystemClock final : public Clock {
 public:
  std::chrono::system_clock::time_point now() const override {
    return start_ + std::chrono::duration_cast<std::chrono::system_clock::duration>(uptime() - uptime_at_start_);
  }

  awaitable<void> sleep(milliseconds duration) override {
    asio::any_io_executor executor = co_await asio::this_coro::executor;
    asio::steady_timer timer(executor, duration);
    boost::system::error_code ignored;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }

 private:
  std::chrono::system_clock::time_point start_ = std::chrono::system_clock::now();
  std::chrono::nanoseconds uptime_at_start_ = uptime();
};

/// Time stands still while anything is left to do, then jumps to the next sleeper. Whether something is left an
/// executor does not tell, so a turn of the clock goes to the end of the queue a number of times first: each time
/// everything that was ready has run, and a wake-up takes some such rounds to go through events, spawns and joins to
/// the next sleep.
class SimulatedClock final : public Clock {
 public:
  explicit SimulatedClock(std::chrono::system_clock::time_point start) : state_(std::make_shared<State>()) {
    state_->now = start;
  }
  std::chrono::system_clock::time_point now() const override { return state_->now; }

  awaitable<void> sleep(milliseconds duration) override {
    asio::any_io_executor executor = co_await asio::this_coro::executor;
    Sleeper sleeper(state_, executor, duration);
    boost::system::error_code ignored;
    co_await sleeper.timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }

 private:
  static constexpr int quiet_rounds = 16;
  using Key = std::pair<std::chrono::system_clock::time_point, std::uint64_t>;
  struct State;

  struct Sleeper {
    Sleeper(std::shared_ptr<State> clock, const asio::any_io_executor& executor, milliseconds duration)
        : state(std::move(clock)), timer(executor), key(state->now + duration, ++state->sequence) {
      timer.expires_at(asio::steady_timer::time_point::max());
      state->sleepers.emplace(key, this);
      state->rounds = 0;
      if (state->turning.expired()) turn(state, executor);
    }
    Sleeper(const Sleeper&) = delete;
    Sleeper& operator=(const Sleeper&) = delete;
    ~Sleeper() { state->sleepers.erase(key); }

    std::shared_ptr<State> state;
    asio::steady_timer timer;
    Key key;
  };

  struct State {
    std::chrono::system_clock::time_point now;
    std::map<Key, Sleeper*> sleepers;
    std::uint64_t sequence = 0;
    int rounds = 0;
    /// Held by the turn that is under way. When its executor dies with the turn in its queue, a later sleeper starts
    /// anew.
    std::weak_ptr<int> turning;
  };

  static void turn(const std::shared_ptr<State>& state, const asio::any_io_executor& executor) {
    auto token = std::make_shared<int>(0);
    state->turning = token;
    asio::post(executor, [state, executor, token] { next_round(state, executor, token); });
  }
  static void next_round(const std::shared_ptr<State>& state, const asio::any_io_executor& executor,
                         std::shared_ptr<int> token) {
    if (state->sleepers.empty()) return;
    if (++state->rounds > quiet_rounds) {
      state->rounds = 0;
      auto first = state->sleepers.begin();
      state->now = std::max(state->now, first->first.first);
      Sleeper* sleeper = first->second;
      state->sleepers.erase(first);
      sleeper->timer.cancel();
    }
    asio::post(executor, [state, executor, token] { next_round(state, executor, token); });
  }

  std::shared_ptr<State> state_;
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
