#include "migrate/http/rate_limiter.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <list>
#include <map>
#include <random>

MIGRATE_BEGIN
namespace http {

namespace asio = boost::asio;
using std::chrono::milliseconds;
using Time = Quota::Time;

namespace {

constexpr milliseconds least_wait{1000}, first_wait{5000}, longest_wait{60'000};
/// A person who looks at the log wants to know why nothing moves.
constexpr milliseconds worth_a_line{10'000};
constexpr std::size_t many_limits = 256;

}  // namespace

RateClass::RateClass() = default;
RateClass::RateClass(std::string limit, double cost) { take(std::move(limit), cost); }
RateClass& RateClass::take(std::string limit, double cost) {
  shares_.push_back({std::move(limit), cost});
  return *this;
}

class RateLimiter::State {
 public:
  struct Limit {
    explicit Limit(LimitOptions options) : name(options.name), quota(std::move(options)) {}
    std::string name;
    Quota quota;
    bool listed = false;  ///< in the options
    int refusals = 0;     ///< in a row, without a Retry-After
    Time closed_until{};  ///< by the last refusal
    Time refused_from{};  ///< takes before this were under way when the last refusal came
  };
  struct Share {
    std::shared_ptr<Limit> limit;
    double cost;
    std::uint64_t number = 0;
    Time taken_at{};
  };

  /// A request that waits. Wakes by wake() only.
  struct Waiter {
    Waiter(const asio::any_io_executor& executor, std::vector<Share> wanted)
        : shares(std::move(wanted)), timer(executor) {
      timer.expires_at(asio::steady_timer::time_point::max());
    }
    void wake() {
      woken = true;
      timer.cancel();
    }
    awaitable<void> wait() {
      boost::system::error_code ignored;
      if (!woken) co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
      woken = false;
    }
    std::vector<Share> shares;
    asio::steady_timer timer;
    bool woken = false, granted = false;
  };

  State(std::vector<LimitOptions> options, const Services& lent, QuotaReader how)
      : services(lent), reader(how ? std::move(how) : QuotaReader(read_quota)), random(seed_of(lent)) {
    if (!options.empty()) fallback = options.front().name;
    for (LimitOptions& each : options) {
      std::string name = each.name;
      auto listed = std::make_shared<Limit>(std::move(each));
      listed->listed = true;
      limits.emplace(std::move(name), std::move(listed));
    }
  }

  std::vector<Share> shares_of(const RateClass& taken) {
    std::vector<Share> shares;
    for (const RateClass::Share& share : taken.shares()) shares.push_back({limit(share.limit), share.cost});
    if (shares.empty()) shares.push_back({limit(fallback), 1});
    return shares;
  }
  std::shared_ptr<Limit> limit(const std::string& name) {
    auto found = limits.find(name);
    if (found == limits.end()) {
      if (limits.size() >= sweep_at) sweep();
      LimitOptions unknown;
      unknown.name = name;
      found = limits.emplace(name, std::make_shared<Limit>(std::move(unknown))).first;
    }
    return found->second;
  }
  /// Some services have a limit for each thing: those that have taught nothing are forgotten again.
  void sweep() {
    const Time now = services.clock->now();
    std::erase_if(limits, [&](const auto& entry) {
      return !entry.second->listed && entry.second.use_count() == 1 && entry.second->quota.blank(now);
    });
    sweep_at = std::max(many_limits, 2 * limits.size());
  }

  static Time ready(const std::vector<Share>& shares, Time now) {
    Time latest{};
    for (const Share& share : shares) latest = std::max(latest, share.limit->quota.ready(now, share.cost));
    return latest;
  }
  static void take(std::vector<Share>& shares, Time now) {
    for (Share& share : shares) {
      share.number = share.limit->quota.take(now, share.cost);
      share.taken_at = now;
    }
  }

  /// Lets through who may go, in order: nobody overtakes one who waits for the same limit.
  void pump() {
    next = Time::max();
    if (waiters.empty()) return;
    const Time now = services.clock->now();
    std::vector<std::shared_ptr<Limit>> held;
    for (Waiter* waiter : waiters) {
      if (waiter->granted) continue;
      auto is_held = [&](const Share& share) { return std::find(held.begin(), held.end(), share.limit) != held.end(); };
      if (std::any_of(waiter->shares.begin(), waiter->shares.end(), is_held)) continue;
      const Time at = ready(waiter->shares, now);
      if (at <= now) {
        take(waiter->shares, now);
        waiter->granted = true;
        waiter->wake();
        continue;
      }
      next = std::min(next, at);
      for (const Share& share : waiter->shares) {
        if (share.limit->quota.ready(now, share.cost) > now) held.push_back(share.limit);
      }
      if (held.size() >= limits.size()) break;
    }
    if (keeper && next < keeper_until) keeper->wake();
    if (!keeper) call_keeper();
  }

  /// One of those who wait watches the clock for all.
  void call_keeper() {
    if (next == Time::max()) return;
    for (Waiter* waiter : waiters) {
      if (!waiter->granted) return waiter->wake();
    }
  }

  awaitable<void> watch_clock(Waiter& waiter) {
    using namespace asio::experimental::awaitable_operators;
    keeper = &waiter;
    keeper_until = next;
    const milliseconds wait = std::max(milliseconds(1), std::chrono::ceil<milliseconds>(next - services.clock->now()));
    if (wait >= worth_a_line && next != announced) {
      announced = next;
      services.write_log(
          LogLevel::info, "http",
          fmt::format("waiting {} s: the quota{} is used up", wait.count() / 1000, named(waiter.shares)));
    }
    Watch watch(*this);
    co_await (services.clock->sleep(wait) || waiter.wait());
  }

  /// The earliest that a refused request may be followed by another.
  milliseconds wait_after_refusal(Limit& limit, std::optional<milliseconds> retry_after) {
    if (retry_after) {
      limit.refusals = 0;
      return std::max(*retry_after, least_wait);
    }
    const milliseconds base = std::min(first_wait * (1 << std::min(limit.refusals, 10)), longest_wait);
    ++limit.refusals;
    std::uniform_real_distribution<double> jitter(0.8, 1.2);
    return std::min(milliseconds(static_cast<std::int64_t>(static_cast<double>(base.count()) * jitter(random))),
                    longest_wait);
  }

  Services services;
  QuotaReader reader;
  std::map<std::string, std::shared_ptr<Limit>, std::less<>> limits;
  std::size_t sweep_at = many_limits;
  std::string fallback;  ///< of requests that name none
  std::list<Waiter*> waiters;
  Time next = Time::max();  ///< when one of them may go, as far as time alone decides
  Waiter* keeper = nullptr;
  Time keeper_until{}, announced{};
  std::mt19937_64 random;

 private:
  struct Watch {
    explicit Watch(State& owner) : state(owner) {}
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;
    ~Watch() { state.keeper = nullptr; }
    State& state;
  };
  static std::uint64_t seed_of(const Services& lent) {
    return static_cast<std::uint64_t>(lent.clock->now().time_since_epoch().count());
  }
  static std::string named(const std::vector<Share>& shares) {
    return shares.empty() || shares.front().limit->name.empty() ? "" : " \"" + shares.back().limit->name + "\"";
  }
};

class RateLimiter::Permit::State {
 public:
  State(std::shared_ptr<RateLimiter::State> owner, std::vector<RateLimiter::State::Share> taken)
      : limiter(std::move(owner)), shares(std::move(taken)) {}
  ~State() {
    const Time now = limiter->services.clock->now();
    for (const auto& share : shares) {
      if (!answered) share.limit->quota.answered(now, share.number, Quota::Answered());
      share.limit->quota.release(share.number);
    }
    limiter->pump();
  }
  std::shared_ptr<RateLimiter::State> limiter;
  std::vector<RateLimiter::State::Share> shares;
  bool answered = false;
};

RateLimiter::Permit::Permit() = default;
RateLimiter::Permit::~Permit() = default;
RateLimiter::Permit::Permit(Permit&&) noexcept = default;
RateLimiter::Permit& RateLimiter::Permit::operator=(Permit&&) noexcept = default;

RateLimiter::RateLimiter(std::vector<LimitOptions> limits, const Services& services, QuotaReader reader)
    : state_(std::make_shared<State>(std::move(limits), services, std::move(reader))) {}
RateLimiter::~RateLimiter() = default;
std::size_t RateLimiter::size() const noexcept { return state_->limits.size(); }

namespace {

/// In the queue while it lives. What was granted to one who did not live to take it is given back.
template <class LimiterState>
class Queued {
 public:
  Queued(LimiterState& state, typename LimiterState::Waiter& waiter) : state_(state), waiter_(waiter) {
    place_ = state_.waiters.insert(state_.waiters.end(), &waiter_);
  }
  Queued(const Queued&) = delete;
  Queued& operator=(const Queued&) = delete;
  ~Queued() {
    state_.waiters.erase(place_);
    if (waiter_.granted) {
      for (const auto& share : waiter_.shares) {
        share.limit->quota.answered(state_.services.clock->now(), share.number, Quota::Answered());
        share.limit->quota.release(share.number);
      }
    }
    state_.pump();
  }
  /// The shares, now the caller's.
  auto taken() {
    waiter_.granted = false;
    return std::move(waiter_.shares);
  }

 private:
  LimiterState& state_;
  typename LimiterState::Waiter& waiter_;
  typename std::list<typename LimiterState::Waiter*>::iterator place_;
};

}  // namespace

awaitable<RateLimiter::Permit> RateLimiter::acquire(RateClass taken) {
  std::shared_ptr<State> state = state_;
  std::vector<State::Share> shares = state->shares_of(taken);
  Permit permit;
  const Time now = state->services.clock->now();
  if (state->waiters.empty() && State::ready(shares, now) <= now) {
    State::take(shares, now);
  } else {
    asio::any_io_executor executor = co_await asio::this_coro::executor;
    State::Waiter waiter(executor, std::move(shares));
    Queued<State> queued(*state, waiter);
    state->pump();
    while (!waiter.granted) {
      waiter.woken = false;
      if (!state->keeper && state->next != Time::max()) {
        co_await state->watch_clock(waiter);
        state->pump();
      } else {
        co_await waiter.wait();
      }
    }
    shares = queued.taken();
  }
  permit.state_ = std::make_unique<Permit::State>(std::move(state), std::move(shares));
  co_return permit;
}

milliseconds RateLimiter::answered(Permit& permit, const Response& response) {
  if (!permit.state_ || permit.state_->answered || permit.state_->shares.empty()) return milliseconds(0);
  std::vector<State::Share>& shares = permit.state_->shares;
  permit.state_->answered = true;
  const Time now = state_->services.clock->now();
  const QuotaReading reading = state_->reader(response, now);
  const bool refused = response.status == 429 || (response.status == 503 && reading.retry_after);

  const State::Share* about = &shares.front();
  for (const State::Share& share : shares) {
    if (!reading.name.empty() && share.limit->name == reading.name) about = &share;
  }
  const bool used_up = reading.remaining && *reading.remaining < about->cost;
  const State::Share* closed = used_up ? about : &shares.back();
  milliseconds wait(0);
  for (State::Share& share : shares) {
    Quota::Answered answer;
    answer.reading = &share == about ? &reading : nullptr;
    answer.accepted = !refused;
    answer.refused = refused && &share == closed;
    share.limit->quota.answered(now, share.number, answer);
    if (answer.refused) {
      // What was under way together is refused together: that is one refusal, not many, as long as its wait lasts.
      const bool heard_of =
          share.taken_at < share.limit->refused_from && now < share.limit->closed_until && !reading.retry_after;
      if (!heard_of) {
        share.limit->refused_from = now;
        share.limit->closed_until = now + state_->wait_after_refusal(*share.limit, reading.retry_after);
        share.limit->quota.close_until(share.limit->closed_until);
      }
      wait = std::max(milliseconds(1), std::chrono::ceil<milliseconds>(share.limit->closed_until - now));
    } else if (!refused) {
      share.limit->refusals = 0;
      // Some services say it with the answer, before they begin to refuse.
      if (&share == about && reading.retry_after && reading.retry_after->count() > 0) {
        share.limit->quota.close_until(now + *reading.retry_after);
      }
    }
  }
  state_->pump();
  return wait;
}

void RateLimiter::close_until(const RateClass& taken, Time until) {
  for (State::Share& share : state_->shares_of(taken)) share.limit->quota.close_until(until);
}

}  // namespace http
MIGRATE_END
