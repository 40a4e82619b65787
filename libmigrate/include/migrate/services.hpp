// What the host lends to the engine and to every connector: time, threads, a log, and fault points for tests.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "migrate/record.hpp"

MIGRATE_BEGIN

namespace http {
class Transport;  // http/transport.hpp
}

enum class LogLevel { debug, info, warning, error };

/// Time as the migration sees it. The system clock begins with the machine's time and nobody sets it after that; the
/// simulated one jumps to the next wake-up time when nothing else is left to do.
class MIGRATE_API Clock {
 public:
  virtual ~Clock();
  virtual std::chrono::system_clock::time_point now() const = 0;
  /// Suspends the calling coroutine for at least `duration`, or until it is cancelled.
  virtual awaitable<void> sleep(std::chrono::milliseconds duration) = 0;

  static std::shared_ptr<Clock> system();
  /// Starts at `start`. Any number of sleepers, woken in the order of their times; equal times in the order in which
  /// they went to sleep. One strand only.
  static std::shared_ptr<Clock> simulated(std::chrono::system_clock::time_point start);
};

/// Cheap to copy; every member is shared. Default-constructed: system clock, no pool, silence.
struct MIGRATE_API Services {
  Services();

  std::shared_ptr<Clock> clock;
  /// Where blocking calls and heavy pure work run. Null: in place, which makes a run deterministic.
  std::shared_ptr<boost::asio::thread_pool> pool;
  std::function<void(LogLevel, std::string_view who, std::string_view what)> log;
  /// Called by connectors and stores right before and right after each statement or exchange that changes
  /// something, with a name for it. Production leaves it empty; a test throws SimulatedCrash out of it.
  std::function<void(std::string_view point)> fault_point;
  /// Under every http::Client. Null: each client makes itself http::socket_transport() with default options.
  std::shared_ptr<http::Transport> transport;

  void write_log(LogLevel level, std::string_view who, std::string_view what) const {
    if (log) log(level, who, what);
  }
  void reach(std::string_view point) const {
    if (fault_point) fault_point(point);
  }
};

/// What a test throws to stand for the death of the process: derived from nothing, so that no handler of errors
/// catches it, and only destructors run, as after a kill the operating system closes files and sockets.
struct SimulatedCrash {
  std::string point;
};

/// Moves the calling coroutine to `executor`.
MIGRATE_API awaitable<void> switch_to(boost::asio::any_io_executor executor);

/// Runs `work` on the pool and continues on the caller's strand with its result or exception. `work` is taken by
/// value and named by the caller first (g++ 12 destroys temporaries of a co_await expression twice).
template <class Work>
awaitable<std::invoke_result_t<Work&>> on_pool(const Services& services, Work work) {
  using Result = std::invoke_result_t<Work&>;
  if (!services.pool) {
    if constexpr (std::is_void_v<Result>) {
      work();
      co_return;
    } else {
      co_return work();
    }
  } else {
    boost::asio::any_io_executor home = co_await boost::asio::this_coro::executor;
    std::shared_ptr<boost::asio::thread_pool> pool = services.pool;
    boost::asio::any_io_executor away = pool->get_executor();
    std::exception_ptr failure;
    co_await switch_to(away);
    if constexpr (std::is_void_v<Result>) {
      try {
        work();
      } catch (...) {
        failure = std::current_exception();
      }
      co_await switch_to(home);
      if (failure) std::rethrow_exception(failure);
    } else {
      std::optional<Result> result;
      try {
        result.emplace(work());
      } catch (...) {
        failure = std::current_exception();
      }
      co_await switch_to(home);
      if (failure) std::rethrow_exception(failure);
      co_return std::move(*result);
    }
  }
}

MIGRATE_END
