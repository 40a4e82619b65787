// Structured concurrency on one strand: nothing that is spawned outlives the coroutine that spawned it. For connectors
// that make several requests at once, and for the engine.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <deque>
#include <exception>
#include <memory>
#include <optional>
#include <utility>

#include "migrate/record.hpp"

MIGRATE_BEGIN

/// Woken by set(); any number of waiters on the same strand.
class Event {
 public:
  explicit Event(boost::asio::any_io_executor executor) : timer_(std::move(executor)) {
    timer_.expires_at(boost::asio::steady_timer::time_point::max());
  }
  void set() {
    set_ = true;
    timer_.cancel();
  }
  void reset() { set_ = false; }
  bool is_set() const noexcept { return set_; }
  awaitable<void> wait() {
    while (!set_) {
      boost::system::error_code ec;
      co_await timer_.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ec));
    }
  }

 private:
  boost::asio::steady_timer timer_;
  bool set_ = false;
};

/// One coroutine that runs while its starter does something else. It must be joined before it is destroyed.
template <class T>
class Running {
 public:
  Running() = default;
  Running(boost::asio::any_io_executor executor, awaitable<T> work) : state_(std::make_shared<State>(executor)) {
    std::shared_ptr<State> state = state_;
    boost::asio::co_spawn(executor, std::move(work), [state](std::exception_ptr failure, T result) {
      state->failure = failure;
      if (!failure) state->result.emplace(std::move(result));
      state->done.set();
    });
  }
  bool active() const noexcept { return state_ != nullptr; }
  /// The result or the exception. Leaves the object inactive.
  awaitable<T> join() {
    std::shared_ptr<State> state = std::move(state_);
    while (!state->done.is_set()) co_await state->done.wait();
    if (state->failure) std::rethrow_exception(state->failure);
    co_return std::move(*state->result);
  }
  /// Waits for the end and drops result and exception alike.
  awaitable<void> abandon() {
    if (!state_) co_return;
    std::shared_ptr<State> state = std::move(state_);
    while (!state->done.is_set()) co_await state->done.wait();
  }

 private:
  struct State {
    explicit State(boost::asio::any_io_executor executor) : done(std::move(executor)) {}
    Event done;
    std::exception_ptr failure;
    std::optional<T> result;
  };
  std::shared_ptr<State> state_;
};

/// At most `width` coroutines at once; the first failure is kept, later spawns are refused, and join() throws it
/// after all have ended.
class TaskGroup {
 public:
  TaskGroup(boost::asio::any_io_executor executor, std::size_t width)
      : state_(std::make_shared<State>(executor)), executor_(std::move(executor)), width_(width ? width : 1) {}

  /// Waits for a free place. Returns false when an earlier task has failed: nothing was started.
  awaitable<bool> spawn(awaitable<void> work) {
    while (state_->active >= width_) {
      state_->changed.reset();
      co_await state_->changed.wait();
    }
    if (state_->failure) co_return false;
    ++state_->active;
    std::shared_ptr<State> state = state_;
    boost::asio::co_spawn(executor_, std::move(work), [state](std::exception_ptr failure) {
      if (failure && !state->failure) state->failure = failure;
      --state->active;
      state->changed.set();
    });
    co_return true;
  }
  awaitable<void> join() {
    while (state_->active > 0) {
      state_->changed.reset();
      co_await state_->changed.wait();
    }
    if (state_->failure) {
      std::exception_ptr failure = std::exchange(state_->failure, nullptr);
      std::rethrow_exception(failure);
    }
  }

 private:
  struct State {
    explicit State(boost::asio::any_io_executor executor) : changed(std::move(executor)) {}
    Event changed;
    std::size_t active = 0;
    std::exception_ptr failure;
  };
  std::shared_ptr<State> state_;
  boost::asio::any_io_executor executor_;
  std::size_t width_;
};

/// Counted admission on one strand: first come, first served, and those who can wait after all others.
class Semaphore {
 public:
  Semaphore(boost::asio::any_io_executor executor, std::size_t places) : executor_(std::move(executor)), free_(places) {}
  awaitable<void> acquire(bool can_wait = false) {
    if (free_ > 0) {
      --free_;
      co_return;
    }
    auto turn = std::make_shared<Event>(executor_);
    (can_wait ? patient_ : queue_).push_back(turn);
    co_await turn->wait();  // release() hands its place over
  }
  void release() {
    std::deque<std::shared_ptr<Event>>& queue = queue_.empty() ? patient_ : queue_;
    if (queue.empty()) {
      ++free_;
      return;
    }
    std::shared_ptr<Event> turn = std::move(queue.front());
    queue.pop_front();
    turn->set();
  }

 private:
  boost::asio::any_io_executor executor_;
  std::size_t free_;
  std::deque<std::shared_ptr<Event>> queue_, patient_;
};

/// Holds one place of a semaphore.
class Place {
 public:
  explicit Place(Semaphore& semaphore) : semaphore_(&semaphore) {}
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place() { semaphore_->release(); }

 private:
  Semaphore* semaphore_;
};

MIGRATE_END
