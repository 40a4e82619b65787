#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "migrate/http/rate_limiter.hpp"

MIGRATE_BEGIN
namespace http {

using std::chrono::milliseconds;
using Time = Quota::Time;

namespace {

/// Of a pace that is only configured: what is lost to clocks that differ and windows that begin when we do not know.
constexpr double even_share = 0.98;
/// A pace of nothing would be none, so of it a little stays.
constexpr double most_head_room = 0.99;
/// Below this share of the limit, requests feel their way until it is known how the quota fills up again.
constexpr double low_share = 0.04, low_most = 8;
/// A bucket is not emptied: a permit or some are kept against rounding and lag.
constexpr double reserve_share = 0.02, reserve_most = 10;
/// A pace found by trial: this much of what was accepted between two refusals; it grows back by so much a second.
constexpr double trial_share = 0.95, trial_growth = 0.001;
/// Sent on trust when a window should have begun anew, before an answer says that it has.
constexpr double probe_share = 0.01;

/// Before the first answer: what it says may keep the others from running into a refusal.
constexpr std::size_t first_ones = 4;

/// Answers in a row without a word of what remains.
constexpr int enough_silence = 3;

double seconds_of(Time::duration duration) { return std::chrono::duration<double>(duration).count(); }
Time after(Time from, double seconds) {
  // Rounded up: nothing goes early for the sake of a fraction.
  return from + std::chrono::duration_cast<Time::duration>(
                    std::chrono::duration<double, std::micro>(std::ceil(seconds * 1e6)));
}

}  // namespace

class Quota::State {
 public:
  explicit State(LimitOptions given) : options(std::move(given)), window(seconds_of(options.window)) {
    if (options.permits > 0 && window > 0) configured = options.permits / window;
  }

  Time ready(Time now, double cost) const {
    if (options.max_in_flight > 0 && places >= options.max_in_flight) return Time::max();
    if (!heard && in_flight.size() >= first_ones) return Time::max();
    const Time open = std::max(now, closed_until);
    if (!left) return std::max(open, even_time());
    const Time by_numbers = ready_by_numbers(open, cost);
    return numbers_rule() ? by_numbers : std::max(by_numbers, even_time());
  }

  std::uint64_t take(Time now, double cost) {
    const double pace = even_pace(now);
    if (pace > 0) {
      // A little may be made up for, so that late wake-ups do not add up; never so much that a window overflows.
      const double slack = std::min(4.0, 0.01 * (options.permits > 0 ? options.permits : pace)) / pace;
      next_even = after(std::max(next_even, after(now, -slack)), cost / pace);
    }
    if (left) *left = refilled(now) - cost;
    read_at = now;
    if (low()) feel_next = after(now, feel_interval), feel_interval *= 2;
    sent += cost;
    ++places;
    in_flight_cost += cost;
    in_flight.emplace(++last_number, Taken{cost, now});
    if (!first_take) first_take = now;
    return last_number;
  }

  void answered(Time now, std::uint64_t number, Answered answer) {
    auto found = in_flight.find(number);
    if (found == in_flight.end()) return;
    const Taken taken = found->second;
    in_flight.erase(found);
    in_flight_cost = in_flight.empty() ? 0 : in_flight_cost - taken.cost;
    heard = true;
    if (answer.accepted) accepted += taken.cost;
    if (answer.reading) {
      learn(now, number, taken, *answer.reading);
      silent = answer.reading->remaining || !answer.accepted ? 0 : silent + 1;
      // Some services speak of a quota only while it is nearly used up.
      if (silent >= enough_silence && (!reset_at || now >= *reset_at)) forget_numbers();
    }
    if (answer.refused) refused(now, number, answer.reading && answer.reading->remaining);
  }

  void release(std::uint64_t) {
    if (places > 0) --places;
  }

  bool blank(Time now) const {
    return in_flight.empty() && places == 0 && configured <= 0 && options.max_in_flight == 0 && !left && trial <= 0 &&
           closed_until <= now;
  }

  LimitOptions options;
  Time closed_until{};
  /// What may be spent, as far as is known: the newest reading less what is under way and what was taken since.
  std::optional<double> left;

 private:
  struct Taken {
    double cost;
    Time at;
  };

  double floor() const { return options.head_room * limit; }
  double low_mark() const { return std::clamp(low_share * limit, 1.0, low_most); }
  double reserve() const { return std::clamp(reserve_share * limit, 1.0, reserve_most); }
  /// Little is left, and how the quota fills up again the service does not say.
  bool low() const { return left && !refill && !reset_is_told && *left - floor() <= low_mark(); }
  double first_feel() const { return configured > 0 ? 2 / configured : 0.1; }
  /// The service's own numbers are all that counts when they are no wider than the ceiling that was asked for.
  bool numbers_rule() const {
    return configured <= 0 || limit / (told_window > 0 ? told_window : window) <= configured * 1.0001;
  }

  double refilled(Time now) const {
    if (!refill) return *left;
    return std::min(limit, *left + *refill * std::max(0.0, seconds_of(now - read_at)));
  }

  Time ready_by_numbers(Time open, double cost) const {
    if (refill) {
      const double missing = floor() + std::min(reserve(), limit / 2) + cost - refilled(open);
      // A cost above the whole bucket goes when that is full.
      return missing <= 0 || refilled(open) >= limit ? open : after(open, missing / *refill);
    }
    const bool enough = *left - cost >= floor();
    const Time anew = reset_at ? *reset_at : low() ? after(low_since, window) : Time::max();
    if (open >= anew) {
      // It should have begun anew. A few go on trust; the first answer tells.
      const double probes = std::max(1.0, std::floor(probe_share * limit));
      return in_flight_cost + cost <= probes || in_flight.empty() ? open : Time::max();
    }
    if (!enough) return in_flight.empty() && !low() && !reset_at ? open : anew;
    return low() ? std::max(open, std::min(feel_next, anew)) : open;
  }

  double even_pace(Time now) const {
    const double grown = trial > 0 ? trial * (1 + trial_growth * std::max(0.0, seconds_of(now - trial_since))) : 0;
    if (configured <= 0) return grown;
    // Where the service tells what remains, people's share is kept of that; else of what is configured.
    const double pace = configured * even_share * (left ? 1 : 1 - std::min(options.head_room, most_head_room));
    return grown > 0 ? std::min(grown, pace) : pace;
  }
  Time even_time() const { return configured > 0 || trial > 0 ? next_even : Time{}; }

  void forget_numbers() {
    left.reset();
    reset_at.reset();
    refill.reset();
    anchor.reset();
    latest.reset();
    reset_is_told = false;
  }

  void begin_window(Time now, double remaining) {
    left = remaining;
    read_at = now;
    reset_at.reset();
    feel_interval = first_feel();
    low_since = Time{};
  }

  void learn(Time now, std::uint64_t number, const Taken& taken, const QuotaReading& reading) {
    if (reading.window) told_window = window = seconds_of(*reading.window);
    if (reading.reset_after && configured <= 0 && told_window <= 0)
      window = std::max(window, seconds_of(*reading.reset_after));
    if (reading.refill_per_second && *reading.refill_per_second > 0) {
      refill = *reading.refill_per_second * even_share;
      refill_is_told = true;
    }
    if (reading.cost && even_pace(now) > 0) next_even = after(next_even, (*reading.cost - taken.cost) / even_pace(now));
    if (!reading.remaining) return;

    const double raw = *reading.remaining;
    if (reading.limit && *reading.limit > 0) {
      limit = *reading.limit;
    } else {
      limit = std::max(limit, raw + taken.cost);
    }
    take_reading(now, number, taken, raw, reading);
    compare(now, raw);
  }

  void take_reading(Time now, std::uint64_t number, const Taken& taken, double raw, const QuotaReading& reading) {
    const double sure = raw - in_flight_cost;
    const bool known = left.has_value();
    const bool new_window = known && reset_at && taken.at >= *reset_at;
    if (!known || new_window) {
      begin_window(now, sure);
    } else if (number > newest_read || sure < refilled(now)) {
      // Answers overtake one another: an older one may only say that there is less.
      left = sure;
      read_at = now;
    }
    newest_read = std::max(newest_read, number);
    if (reading.reset_after) reset_is_told = true;
    if (reading.reset_after && !refill_is_told) {
      const Time said = now + *reading.reset_after;
      // Of whole seconds that are rounded up, the earliest that was said within a window is the nearest.
      reset_at = reset_at && now < *reset_at && said > *reset_at && said - *reset_at < std::chrono::seconds(2)
                     ? *reset_at
                     : said;
    }
    if (low()) {
      if (low_since == Time{}) low_since = now, feel_next = after(now, feel_interval);
    } else {
      low_since = Time{};
      feel_interval = first_feel();
    }
  }

  /// How the quota fills up again shows in what has been granted in all: what remains and what was used. A bucket
  /// grants little by little, a window nothing, then all at once. Requests under way blur it: each reading has bounds.
  void compare(Time now, double raw) {
    const Level level{now, raw + sent - in_flight_cost, raw + sent, sent - in_flight_cost};
    if (refill_is_told) return;
    const std::optional<Level> before = std::exchange(latest, level);
    if (!before || !anchor) return begin_comparison(level);

    const double even = std::max(configured, window > 0 ? limit / window : 0);
    const double step = level.least - before->most;
    if (step >= 2 && raw >= limit - (sent - before->used) - 0.5) {  // full again
      begin_comparison(level);
      if (even * seconds_of(now - before->at) < step / 2) window_seen(now);
      return;
    }
    if (raw >= 0.9 * limit) return begin_comparison(level);  // a bucket that is full grows no more
    const double passed = seconds_of(now - anchor->at);
    const double least = level.least - anchor->most, most = level.most - anchor->least, grown = (least + most) / 2;
    const double expected = (refill ? *refill : even) * passed;
    if (least >= 2 && most - least <= grown / 4 && passed > 0) {
      // Twice in a row: once may be a window that began anew while somebody else was at it.
      if (++growths >= 2) refill = refill ? (*refill + grown / passed * even_share) / 2 : grown / passed * even_share;
      anchor = level;
    } else if (expected >= 3 && most < 0.3 * expected) {
      growths = 0;
      refill.reset();
      anchor = level;
    } else if (window > 0 && passed > 2 * window) {
      anchor = level;
    }
  }
  void window_seen(Time now) {
    refill.reset();
    if (!reset_is_told) reset_at = after(now, window);
  }

  void refused(Time now, std::uint64_t number, bool told) {
    if (number <= refused_up_to) return;  // was under way with the one that has been heard of
    refused_up_to = last_number;
    if (left && !told) left = std::min(*left, 0.0), read_at = now;
    if (refill && !refill_is_told) *refill *= 0.9;
    if (left && numbers_rule()) return;
    // No numbers to go by. What was let through since the refusal before, waits included, is what the service permits.
    const double passed = seconds_of(now - (last_refusal == Time{} ? first_take.value_or(now) : last_refusal));
    if (accepted > 0 && passed > 0) {
      const double measured = trial_share * accepted / passed;
      trial = trial > 0 ? std::min(even_pace(now), measured) : measured;
      trial_since = now;
      next_even = std::max(next_even, now);
    }
    last_refusal = now;
    accepted = 0;
  }

  bool heard = false;     ///< of any answer
  double configured = 0;  ///< permits a second; 0: none
  double window = 0;      ///< seconds
  double told_window = 0;
  double limit = 0;  ///< as the service says
  Time read_at{};
  std::optional<Time> reset_at;
  std::optional<double> refill;  ///< permits a second, of a bucket
  bool refill_is_told = false, reset_is_told = false;

  std::map<std::uint64_t, Taken> in_flight;
  double in_flight_cost = 0;
  std::size_t places = 0;
  std::uint64_t last_number = 0, newest_read = 0, refused_up_to = 0;

  Time next_even{};
  double trial = 0;  ///< permits a second; 0: no refusal yet
  Time trial_since{}, last_refusal{};
  std::optional<Time> first_take;
  double accepted = 0;  ///< since last_refusal

  Time low_since{}, feel_next{};
  double feel_interval = 0;
  /// What the service has granted in all since we know it: between these bounds, since requests under way may or may
  /// not be counted already. `used`: certainly used by then.
  struct Level {
    Time at;
    double least, most, used;
  };
  void begin_comparison(const Level& level) {
    anchor = level;
    growths = 0;
  }
  std::optional<Level> anchor, latest;
  int growths = 0, silent = 0;
  double sent = 0;  ///< costs of all requests
};

Quota::Quota(LimitOptions options) : state_(std::make_unique<State>(std::move(options))) {}
Quota::~Quota() = default;
Quota::Quota(Quota&&) noexcept = default;
Quota& Quota::operator=(Quota&&) noexcept = default;
Time Quota::ready(Time now, double cost) const { return state_->ready(now, cost); }
std::uint64_t Quota::take(Time now, double cost) { return state_->take(now, cost); }
void Quota::answered(Time now, std::uint64_t number, Answered answer) { state_->answered(now, number, answer); }
void Quota::release(std::uint64_t number) { state_->release(number); }
void Quota::close_until(Time until) { state_->closed_until = std::max(state_->closed_until, until); }
bool Quota::blank(Time now) const { return state_->blank(now); }
std::optional<double> Quota::remaining() const { return state_->left; }

}  // namespace http
MIGRATE_END
