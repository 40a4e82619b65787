#include <fmt/format.h>

#include <cmath>
#include <memory>

#include "http_kit.hpp"
#include "migrate/http/rate_limiter.hpp"

using namespace migrate;
using namespace http_kit;
using Time = std::chrono::system_clock::time_point;

namespace {

double seconds_since_epoch(Time time) { return std::chrono::duration<double>(time - epoch()).count(); }

/// How a service counts, and what it tells.
struct Service {
  enum class Kind { window, bucket } kind = Kind::window;
  double limit = 200;  ///< permits a window; of a bucket: its capacity
  double window = 1;   ///< seconds; a bucket refills `limit` permits in it unless `rate` says otherwise
  double rate = 0;     ///< permits a second of a bucket
  bool tells_remaining = true, tells_reset = true, tells_retry_after = true;
  bool whole_seconds = true;  ///< rounds what it tells of times up
  double others = 0;          ///< permits a second that other programs use
  double start = 0;           ///< seconds by which the first window is cut short

  double used = 0, tokens = -1, last = 0, taken_by_others = 0;
  long number = -1;
  long accepted = 0, refused = 0;
  double least_remaining = 1e9;

  double per_second() const { return kind == Kind::window ? limit / window : rate > 0 ? rate : limit / window; }

  http::Response answer(Time now) {
    const double t = seconds_since_epoch(now) + start;
    bool good = false;
    double remaining = 0, reset = 0;
    if (kind == Kind::window) {
      const long current = static_cast<long>(std::floor(t / window));
      if (current != number) number = current, used = 0, taken_by_others = 0;
      taken_by_others = std::floor(others * (t - static_cast<double>(number) * window));
      good = used + taken_by_others + 1 <= limit;
      if (good) ++used;
      remaining = std::max(0.0, limit - used - taken_by_others);
      reset = static_cast<double>(number + 1) * window - t;
    } else {
      if (tokens < 0) tokens = limit, last = t;
      tokens = std::min(limit, tokens + (per_second() - others) * (t - last));
      last = t;
      good = tokens >= 1;
      if (good) --tokens;
      remaining = std::floor(tokens);
      reset = (limit - tokens) / per_second();
    }
    ++(good ? accepted : refused);
    least_remaining = std::min(least_remaining, remaining);
    http::Response response(good ? 200 : 429);
    auto told = [&](double value) {
      return whole_seconds ? fmt::format("{}", std::ceil(value)) : fmt::format("{:.3f}", value);
    };
    if (tells_remaining) {
      response.headers.add("X-Ratelimit-Total", fmt::format("{:.1f}", limit));
      response.headers.add("x-ratelimit-remaining", fmt::format("{:.1f}", remaining));
    }
    if (tells_reset) response.headers.add("X-RateLimit-Reset", told(reset));
    if (!good && tells_retry_after)
      response.headers.add("Retry-After", told(kind == Kind::window ? reset : 1 / per_second()));
    return response;
  }
};

struct Load {
  int workers = 20;
  milliseconds latency{20};
  double lasts = 60;  ///< seconds
  double at_least = 0.95;
};

/// Workers that ask as fast as they may, in virtual time.
void load(Service& service, const http::LimitOptions& limit, Load how = Load()) {
  Services services = simulated_services();
  http::RateLimiter limiter(std::vector<http::LimitOptions>{limit}, services);
  boost::asio::io_context context(1);
  auto worker = [&]() -> awaitable<void> {
    while (seconds_since_epoch(services.clock->now()) < how.lasts) {
      http::RateClass taken;
      http::RateLimiter::Permit permit = co_await limiter.acquire(taken);
      co_await services.clock->sleep(how.latency / 2);
      if (seconds_since_epoch(services.clock->now()) > how.lasts) co_return;
      http::Response response = service.answer(services.clock->now());
      co_await services.clock->sleep(how.latency / 2);
      limiter.answered(permit, response);
    }
  };
  for (int i = 0; i < how.workers; ++i) start(context, worker());
  context.run();
  const double permitted = (service.per_second() * (1 - limit.head_room) - service.others) * how.lasts;
  const double share = static_cast<double>(service.accepted) / permitted;
  const double refusals =
      static_cast<double>(service.refused) / static_cast<double>(service.accepted + service.refused);
  MESSAGE(fmt::format("{} of {:.0f} permitted ({:.1f} %), {} refused ({:.2f} %)", service.accepted, permitted,
                      100 * share, service.refused, 100 * refusals));
  CHECK(share >= how.at_least);
  CHECK(refusals <= 0.01);
}

}  // namespace

TEST_CASE("95 % of a fixed window without refusals: it tells what remains and when it begins anew") {
  for (double window : {1.0, 10.0, 60.0}) {
    for (bool whole : {true, false}) {
      CAPTURE(window);
      CAPTURE(whole);
      Service service;
      service.window = window;
      service.whole_seconds = whole;
      service.start = 0.3;
      Load how;
      how.lasts = 10 * window;
      load(service, http::LimitOptions(), how);
    }
  }
}

TEST_CASE("95 % of a fixed window that does not tell when it begins anew") {
  Service service;
  service.limit = 700;
  service.window = 60;
  service.tells_reset = false;
  service.start = 17;
  Load how;
  how.lasts = 600;
  load(service, http::LimitOptions(), how);
}

TEST_CASE("95 % of a fixed window that begins anew while requests are under way") {
  for (const int latency : {230, 260, 270, 300}) {
    CAPTURE(latency);
    Service service;
    service.limit = 700;
    service.window = 60;
    service.tells_reset = false;
    service.start = 30;
    http::LimitOptions limit;
    limit.head_room = 0.1;
    Load how;
    how.workers = 5;
    how.latency = milliseconds(latency);
    how.lasts = 1230;
    load(service, limit, how);
  }
}

TEST_CASE("95 % of a token bucket") {
  SUBCASE("that tells what remains and when it is full") {
    Service service;
    service.kind = Service::Kind::bucket;
    service.whole_seconds = false;
    load(service, http::LimitOptions());
  }
  SUBCASE("that tells what remains only") {
    Service service;
    service.kind = Service::Kind::bucket;
    service.tells_reset = false;
    load(service, http::LimitOptions());
  }
  SUBCASE("with a capacity that is small against its pace, which is known") {
    Service service;
    service.kind = Service::Kind::bucket;
    service.limit = 20;
    service.rate = 100;
    service.tells_reset = false;
    load(service, http::LimitOptions("", 6000, seconds(60)));
  }
}

TEST_CASE("95 % of a configured pace where the service tells nothing") {
  for (auto kind : {Service::Kind::window, Service::Kind::bucket}) {
    Service service;
    service.kind = kind;
    service.window = 60;
    service.limit = 12'000;
    service.tells_remaining = service.tells_reset = false;
    if (kind == Service::Kind::bucket) service.limit = 20, service.rate = 200;
    load(service, http::LimitOptions("", 12'000, seconds(60)));
  }
}

TEST_CASE("95 % of a small bucket of which nothing is known beforehand") {
  Service service;
  service.kind = Service::Kind::bucket;
  service.limit = 20;
  service.rate = 100;
  service.tells_reset = false;
  load(service, http::LimitOptions());
}

TEST_CASE("95 % of a small bucket that fills quickly: only who follows it gets there") {
  Service service;
  service.kind = Service::Kind::bucket;
  service.limit = 100;
  service.rate = 1000;
  service.tells_reset = false;
  Load how;
  how.workers = 60;
  load(service, http::LimitOptions(), how);
}

TEST_CASE("95 % with long ways and many workers") {
  for (auto kind : {Service::Kind::window, Service::Kind::bucket}) {
    Service service;
    service.kind = kind;
    service.limit = 1000;
    service.window = 5;
    Load how;
    how.workers = 100;
    how.latency = milliseconds(100);
    load(service, http::LimitOptions(), how);
  }
}

TEST_CASE("a quota that others use, too") {
  for (auto kind : {Service::Kind::window, Service::Kind::bucket}) {
    Service service;
    service.kind = kind;
    service.limit = 600;
    service.window = 60;
    service.others = 3;
    Load how;
    how.lasts = 600;
    load(service, http::LimitOptions(), how);
  }
}

TEST_CASE("head-room is left to people") {
  for (auto kind : {Service::Kind::window, Service::Kind::bucket}) {
    for (bool reset : {true, false}) {
      Service service;
      service.kind = kind;
      service.limit = 600;
      service.window = 60;
      service.tells_reset = reset;
      http::LimitOptions limit;
      limit.head_room = 0.25;
      Load how;
      how.lasts = 600;
      // A bucket refills while it is kept a quarter full: its pace is all ours.
      load(service, limit, how);
      CHECK(service.least_remaining >= 150);
    }
  }
}

TEST_CASE("head-room is left of a configured pace, too, where the service tells nothing") {
  for (const double head_room : {0.1, 0.25, 0.5}) {
    CAPTURE(head_room);
    Service service;
    service.limit = 600;
    service.window = 60;
    service.tells_remaining = service.tells_reset = false;
    http::LimitOptions limit("", 600, seconds(60));
    limit.head_room = head_room;
    Load how;
    how.lasts = 600;
    load(service, limit, how);
    CHECK(service.least_remaining >= head_room * 600);
  }
}

TEST_CASE("a pace that is found by trial where nothing is told or known") {
  for (auto kind : {Service::Kind::window, Service::Kind::bucket}) {
    Service service;
    service.kind = kind;
    service.tells_remaining = service.tells_reset = false;
    service.limit = 60;
    Load how;
    how.lasts = 600;
    how.at_least = 0.8;
    load(service, http::LimitOptions(), how);
  }
}
