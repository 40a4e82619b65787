// Keeps requests within a service's quotas: what is configured, and what the service's own headers teach.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "migrate/http/message.hpp"
#include "migrate/services.hpp"

MIGRATE_BEGIN
namespace http {

/// What one answer says about a quota; whatever it does not say is left out. Units of `limit`, `remaining` and `cost`
/// are the service's own (requests, credits).
struct QuotaReading {
  std::string name;  ///< of the limit that the numbers are about; empty: the first that the request takes from
  std::optional<double> limit, remaining;
  std::optional<double> cost;                            ///< what this request used up in fact
  std::optional<std::chrono::milliseconds> window;       ///< in which `limit` may be used
  std::optional<std::chrono::milliseconds> reset_after;  ///< until `remaining` is `limit` again
  std::optional<double> refill_per_second;               ///< named by services that keep a token bucket
  std::optional<std::chrono::milliseconds> retry_after;  ///< as the service said it, 0 too; also on success
};
/// A connector's own way to read them; `now` is the time of Services::clock, for headers that name an instant.
using QuotaReader = std::function<QuotaReading(const Response& response, std::chrono::system_clock::time_point now)>;
/// X-RateLimit-{Limit,Total,Remaining,Reset,Used-CurrentRequest,Interval-Seconds,FillRate}, RateLimit-{Limit,Remaining,
/// Reset}, RateLimit and RateLimit-Policy (r, t, q, w), Retry-After. Decimals, any case; instants as epoch or ISO 8601,
/// against the answer's own Date where it has one.
MIGRATE_API QuotaReading read_quota(const Response& response, std::chrono::system_clock::time_point now);
/// Retry-After-Ms or x-ms-retry-after-ms, else Retry-After: seconds, decimals, or an HTTP date, against the answer's
/// own Date where it has one; a date that is past is 0.
MIGRATE_API std::optional<std::chrono::milliseconds> read_retry_after(const Headers& headers,
                                                                      std::chrono::system_clock::time_point now);

/// A quota as it is known beforehand.
struct LimitOptions {
  LimitOptions() {}
  LimitOptions(std::string limit_name, double permits_per_window, std::chrono::milliseconds per)
      : name(std::move(limit_name)), permits(permits_per_window), window(per) {}
  std::string name;
  double permits = 0;  ///< a ceiling, even where the service permits more; 0: what headers teach
  std::chrono::milliseconds window{60'000};
  /// Share of the quota that is left to people and other programs, 0 to 1: of what the service tells, else of
  /// `permits`.
  double head_room = 0;
  std::size_t max_in_flight = 0;  ///< requests at once; 0: any number
};

/// What a request takes from which limits, the most general first: RateClass().take("account", 3).take("lists").
class MIGRATE_API RateClass {
 public:
  RateClass();
  explicit RateClass(std::string limit, double cost = 1);
  RateClass& take(std::string limit, double cost = 1);

  struct Share {
    std::string limit;
    double cost = 1;
  };
  const std::vector<Share>& shares() const noexcept { return shares_; }

 private:
  std::vector<Share> shares_;
};

/// The arithmetic of one limit: knows no clock and waits for nothing. Used by RateLimiter, public for tests.
///
/// While the service tells what remains, that is spent as fast as requests come. When it is nearly used up, requests
/// wait for the reset (a window), or follow the refill (a bucket); which of the two it is shows in how `remaining`
/// grows. A service that tells nothing is met at 98 % of the configured pace less the head-room, evenly; without a
/// configured pace freely, until it refuses: then at a pace found by trial.
class MIGRATE_API Quota {
 public:
  using Time = std::chrono::system_clock::time_point;
  explicit Quota(LimitOptions options);
  ~Quota();
  Quota(Quota&&) noexcept;
  Quota& operator=(Quota&&) noexcept;

  /// When a request of this cost may go; not after `now`: at once. Time::max(): not before an answer has come.
  Time ready(Time now, double cost) const;
  /// It goes. Returns its number, for the calls below.
  std::uint64_t take(Time now, double cost);
  /// The end of the exchange. Without an answer the cost counts as used.
  struct Answered {
    const QuotaReading* reading = nullptr;  ///< null where the answer tells nothing about this limit
    bool accepted = false;
    bool refused = false;  ///< 429 or the like, by this limit
  };
  void answered(Time now, std::uint64_t number, Answered answer);
  /// Frees its place among LimitOptions::max_in_flight.
  void release(std::uint64_t number);
  /// Nothing goes before that.
  void close_until(Time until);
  /// What may still be spent now as far as is known.
  std::optional<double> remaining() const;
  /// Nothing is configured, under way, closed or learned: a new one would be the same.
  bool blank(Time now) const;

 private:
  class State;
  std::unique_ptr<State> state_;
};

/// Lets requests through in the order in which they came, as far as they take from the same limits. One strand. The
/// limits of a limiter may be shared by several clients of the same account.
class MIGRATE_API RateLimiter {
 public:
  /// A limit that is named by a request and not listed is unknown beforehand: learned from headers.
  RateLimiter(std::vector<LimitOptions> limits, const Services& services, QuotaReader reader = read_quota);
  ~RateLimiter();

  /// Leave to send one request, given back by answered() or by its destructor (no answer came).
  class MIGRATE_API Permit {
   public:
    Permit();
    ~Permit();
    Permit(Permit&&) noexcept;
    Permit& operator=(Permit&&) noexcept;

   private:
    friend class RateLimiter;
    class State;
    std::unique_ptr<State> state_;
  };
  /// Waits for leave. Cancellation ends the wait; nothing is taken then.
  awaitable<Permit> acquire(RateClass taken);
  /// Learns from the answer. A refusal (429, 503 with Retry-After) closes the limit that its headers name as used up,
  /// else the last of the class: the most special. Until when Retry-After says, at least 1 s; without one for 5 s,
  /// twice as long each time up to 60 s, with jitter. The permit's place is freed when it is destroyed.
  /// Returns how long it is closed because of a refusal; 0: this was none.
  std::chrono::milliseconds answered(Permit& permit, const Response& response);
  /// Limits that it knows at present. One that nothing is known of is forgotten when there are many.
  std::size_t size() const noexcept;
  /// Closes all limits of the class until then.
  void close_until(const RateClass& taken, std::chrono::system_clock::time_point until);

 private:
  class State;
  std::shared_ptr<State> state_;
};

}  // namespace http
MIGRATE_END
