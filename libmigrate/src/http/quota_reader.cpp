#include <date/date.h>

#include <algorithm>
#include <charconv>
#include <sstream>

#include "http/text.hpp"
#include "migrate/http/rate_limiter.hpp"

MIGRATE_BEGIN
namespace http {

using std::chrono::milliseconds;
using Time = std::chrono::system_clock::time_point;

namespace {

/// The number that a value begins with: "700.0", "100, 100;w=60".
std::optional<double> number_in(std::string_view text) {
  text = trimmed(text);
  double value = 0;
  auto [end, trouble] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (trouble != std::errc() || end == text.data() || !(value >= 0) || value > 1e15) return std::nullopt;
  return value;
}

milliseconds milliseconds_of(double seconds) {
  return milliseconds(static_cast<std::int64_t>(std::min(seconds, 1e9) * 1000 + 0.999));
}

std::optional<Time> instant_in(std::string_view text, const char* format) {
  std::istringstream in{std::string(trimmed(text))};
  in.imbue(std::locale::classic());
  date::sys_time<milliseconds> time;
  in >> date::parse(format, time);
  if (in.fail()) return std::nullopt;
  return time;
}

/// The three forms of RFC 9110, and the other names that services have for its GMT.
std::optional<Time> http_date(std::string_view text) {
  if (std::count(text.begin(), text.end(), ':') != 2) return std::nullopt;
  for (const char* format :
       {"%a, %d %b %Y %T GMT", "%A, %d-%b-%y %T GMT", "%a %b %e %T %Y", "%a, %d %b %Y %T UTC", "%a, %d %b %Y %T %z"}) {
    if (std::optional<Time> time = instant_in(text, format)) return time;
  }
  return std::nullopt;
}

std::optional<Time> iso_instant(std::string_view text) {
  text = trimmed(text);
  if (text.size() < 17 || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':') return std::nullopt;
  const bool seconds = text[16] == ':', utc = text.back() == 'Z';
  if (seconds) return instant_in(text, utc ? "%FT%TZ" : "%FT%T%Ez");
  return instant_in(text, utc ? "%FT%RZ" : "%FT%R%Ez");
}

milliseconds until(Time then, Time now) {
  return then <= now ? milliseconds(0) : std::chrono::ceil<milliseconds>(then - now);
}

/// From the answer to an instant that it names. Where it has a Date both are the service's: their difference holds even
/// where the clocks differ.
milliseconds until(Time then, const Headers& headers, Time now) {
  return until(then, http_date(headers.get("Date")).value_or(now));
}

/// Seconds from now, an epoch in seconds or milliseconds, or ISO 8601.
std::optional<milliseconds> reset_in(std::string_view text, const Headers& headers, Time now) {
  constexpr double year_2001 = 1e9;
  if (std::optional<Time> instant = iso_instant(text)) return until(*instant, headers, now);
  std::optional<double> number = number_in(text);
  if (!number) return std::nullopt;
  if (*number < year_2001) return milliseconds_of(*number);
  const double seconds = *number >= year_2001 * 1000 ? *number / 1000 : *number;
  return until(Time(milliseconds(static_cast<std::int64_t>(seconds * 1000))), headers, now);
}

/// `"default";r=50;t=30` and `limit=100, remaining=50, reset=30`: the number behind name=.
std::optional<double> parameter(std::string_view text, std::string_view name) {
  for (std::size_t at = 0; (at = text.find(name, at)) != std::string_view::npos; at += name.size()) {
    const bool starts = at == 0 || text[at - 1] == ';' || text[at - 1] == ',' || text[at - 1] == ' ';
    const std::size_t equals = at + name.size();
    if (starts && equals < text.size() && text[equals] == '=') return number_in(text.substr(equals + 1));
  }
  return std::nullopt;
}

template <class T>
void keep(std::optional<T>& place, std::optional<T> value) {
  if (value && !place) place = value;
}
void keep_window(QuotaReading& reading, std::optional<double> seconds) {
  if (seconds && *seconds > 0) keep(reading.window, std::optional(milliseconds_of(*seconds)));
}

/// Of several policies the one that the RateLimit field speaks of, else the only one.
void read_policy(QuotaReading& reading, std::string_view policies, std::string_view current) {
  const std::string_view name = current.substr(0, current.find(';'));
  std::string_view chosen = policies.find(',') == std::string_view::npos ? policies : std::string_view();
  while (!policies.empty()) {
    const std::size_t end = std::min(policies.find(','), policies.size());
    const std::string_view policy = trimmed(policies.substr(0, end));
    if (policy.substr(0, policy.find(';')) == trimmed(name)) chosen = policy;
    policies.remove_prefix(std::min(end + 1, policies.size()));
  }
  keep(reading.limit, parameter(chosen, "q"));
  keep_window(reading, parameter(chosen, "w"));
}

}  // namespace

std::optional<milliseconds> read_retry_after(const Headers& headers, Time now) {
  // The more exact one where there are two.
  for (const char* name : {"Retry-After-Ms", "x-ms-retry-after-ms"}) {
    if (std::optional<double> count = number_in(headers.get(name))) return milliseconds_of(*count / 1000);
  }
  const std::string_view text = headers.get("Retry-After");
  if (text.empty()) return std::nullopt;
  if (std::optional<double> seconds = number_in(text)) return milliseconds_of(*seconds);
  const std::optional<Time> then = http_date(text);
  if (!then) return std::nullopt;
  return until(*then, headers, now);
}

QuotaReading read_quota(const Response& response, Time now) {
  QuotaReading reading;
  std::string_view current, policies;
  std::optional<double> interval, fill;
  for (const auto& [name, value] : response.headers) {
    const char first = name.empty() ? '\0' : lower(name.front());
    if (first != 'x' && first != 'r') continue;
    const std::string plain = lowered(name);
    if (plain == "x-ratelimit-limit" || plain == "x-ratelimit-total" || plain == "ratelimit-limit") {
      keep(reading.limit, number_in(value));
      keep_window(reading, parameter(value, "w"));
    } else if (plain == "x-ratelimit-remaining" || plain == "ratelimit-remaining") {
      keep(reading.remaining, number_in(value));
    } else if (plain == "x-ratelimit-reset" || plain == "ratelimit-reset") {
      keep(reading.reset_after, reset_in(value, response.headers, now));
    } else if (plain == "x-ratelimit-used-currentrequest") {
      keep(reading.cost, number_in(value));
    } else if (plain == "x-ratelimit-interval-seconds") {
      interval = number_in(value);
    } else if (plain == "x-ratelimit-fillrate") {
      fill = number_in(value);
    } else if (plain == "ratelimit") {
      current = value;
    } else if (plain == "ratelimit-policy") {
      policies = value;
    }
  }
  for (const char* name : {"r", "remaining"}) keep(reading.remaining, parameter(current, name));
  for (const char* name : {"t", "reset"}) {
    if (std::optional<double> seconds = parameter(current, name)) {
      keep(reading.reset_after, std::optional(milliseconds_of(*seconds)));
    }
  }
  keep(reading.limit, parameter(current, "limit"));
  read_policy(reading, policies, current);
  if (interval && fill && *interval > 0 && *fill > 0) reading.refill_per_second = *fill / *interval;
  reading.retry_after = read_retry_after(response.headers, now);
  return reading;
}

}  // namespace http
MIGRATE_END
