#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include "http_kit.hpp"
#include "migrate/http/rate_limiter.hpp"

using namespace migrate;
using namespace http_kit;
using http::RateClass;
using http::RateLimiter;
using Time = std::chrono::system_clock::time_point;

namespace {

http::Response answer(int status, http::Headers headers = http::Headers()) {
  http::Response response(status);
  response.headers = std::move(headers);
  return response;
}
http::QuotaReading read(http::Headers headers) { return http::read_quota(answer(200, std::move(headers)), epoch()); }

/// What the limiter of a test lets through, and when (milliseconds).
struct Lab {
  explicit Lab(std::vector<http::LimitOptions> limits = {})
      : services(simulated_services()), limiter(std::move(limits), services), context(1) {}

  awaitable<void> request(std::string name, RateClass taken, http::Response response,
                          milliseconds lasts = milliseconds(10)) {
    RateLimiter::Permit permit = co_await limiter.acquire(taken);
    sent.push_back(name);
    at.push_back(now());
    most = std::max(most, ++in_flight);
    co_await services.clock->sleep(lasts);
    --in_flight;
    limiter.answered(permit, response);
  }
  void start_request(std::string name, RateClass taken, http::Response response,
                     milliseconds lasts = milliseconds(10)) {
    start(context, request(std::move(name), std::move(taken), std::move(response), lasts));
  }
  long now() const { return std::chrono::duration_cast<milliseconds>(services.clock->now() - epoch()).count(); }

  Services services;
  RateLimiter limiter;
  boost::asio::io_context context;
  std::vector<std::string> sent;
  std::vector<long> at;
  int in_flight = 0, most = 0;
};

/// When the next request goes after one that was answered so.
long next_after(http::Response response, int refusals_before = 0) {
  Lab lab;
  long result = 0;
  auto work = [&]() -> awaitable<void> {
    RateClass taken("x");
    for (int i = 0; i <= refusals_before; ++i) {
      http::Response each = response;
      if (i < refusals_before) each = answer(429);
      co_await lab.request("a", taken, each, milliseconds(0));
    }
    const long before = lab.now();
    co_await lab.request("b", taken, answer(200), milliseconds(0));
    result = lab.at.back() - before;
  };
  start(lab.context, work());
  lab.context.run();
  return result;
}

}  // namespace

TEST_CASE("headers of services, in any case and with decimals") {
  http::QuotaReading freshdesk = read(
      {{"X-Ratelimit-Total", "700.0"}, {"x-RateLimit-remaining", "42.5"}, {"X-RATELIMIT-USED-CURRENTREQUEST", "3"}});
  CHECK(freshdesk.limit == 700);
  CHECK(freshdesk.remaining == 42.5);
  CHECK(freshdesk.cost == 3);
  CHECK_FALSE(freshdesk.reset_after);
  CHECK_FALSE(freshdesk.retry_after);

  const std::string later = std::to_string(1'700'000'000 + 90);
  http::QuotaReading gitlab = read({{"RateLimit-Limit", "2000"},
                                    {"RateLimit-Remaining", "1999"},
                                    {"RateLimit-Reset", later},
                                    {"RateLimit-Observed", "1"}});
  CHECK(gitlab.limit == 2000);
  CHECK(gitlab.reset_after == seconds(90));
  CHECK(read({{"X-RateLimit-Reset", later + "500"}}).reset_after == milliseconds(90'500));
  CHECK(read({{"X-RateLimit-Reset", "12.5"}}).reset_after == milliseconds(12'500));
  CHECK(read({{"X-RateLimit-Reset", "1699999999"}}).reset_after == seconds(0));

  // 1'700'000'000 is 2023-11-14T22:13:20Z.
  http::QuotaReading jira =
      read({{"X-RateLimit-Limit", "100"}, {"X-RateLimit-Remaining", "5"}, {"X-RateLimit-Reset", "2023-11-14T22:14Z"}});
  CHECK(jira.reset_after == seconds(40));
  CHECK(read({{"X-RateLimit-Reset", "2023-11-14T23:14:20+01:00"}}).reset_after == seconds(60));
  http::QuotaReading data_center =
      read({{"X-RateLimit-Interval-Seconds", "60"}, {"X-RateLimit-FillRate", "30"}, {"Retry-After", "0"}});
  CHECK(data_center.refill_per_second == 0.5);
  CHECK(data_center.retry_after == seconds(0));

  http::QuotaReading cloudflare = read(
      {{"Ratelimit", "\"default\";r=50;t=30"}, {"Ratelimit-Policy", "\"burst\";q=100;w=60, \"default\";q=1200;w=300"}});
  CHECK(cloudflare.remaining == 50);
  CHECK(cloudflare.reset_after == seconds(30));
  CHECK(cloudflare.limit == 1200);
  CHECK(cloudflare.window == seconds(300));
  http::QuotaReading draft =
      read({{"RateLimit", "limit=100, remaining=50, reset=30"}, {"RateLimit-Policy", "100;w=10"}});
  CHECK(draft.limit == 100);
  CHECK(draft.remaining == 50);
  CHECK(draft.window == seconds(10));
}

TEST_CASE("headers that make no sense teach nothing") {
  for (std::string value : {"", "abc", "-5", "nan", "inf", "1e300", "\"", ";r=", "r=;t="}) {
    CAPTURE(value);
    http::QuotaReading reading = read({{"X-RateLimit-Limit", value},
                                       {"X-RateLimit-Remaining", value},
                                       {"X-RateLimit-Reset", value},
                                       {"RateLimit", value},
                                       {"RateLimit-Policy", value},
                                       {"Retry-After", value}});
    CHECK_FALSE(reading.limit);
    CHECK_FALSE(reading.remaining);
    CHECK_FALSE(reading.reset_after);
    CHECK_FALSE(reading.retry_after);
  }
}

TEST_CASE("who leaves all of a configured quota to people does not go freely") {
  http::LimitOptions options("", 600, seconds(60));
  options.head_room = 1;
  http::Quota quota(options);
  quota.answered(epoch(), quota.take(epoch(), 1), http::Quota::Answered());
  for (int i = 0; i < 10; ++i) quota.take(epoch(), 1);
  CHECK(quota.ready(epoch(), 1) > epoch() + seconds(10));
}

TEST_CASE("Retry-After in all its forms") {
  // An instant is the service's, as is its Date: our own clock, an hour behind here, plays no part.
  for (std::string reset : {"1700003660", "1700003660000", "2023-11-14T23:14:20Z"}) {
    CAPTURE(reset);
    http::Response skewed(200);
    skewed.headers = {{"X-RateLimit-Reset", reset}, {"Date", "Tue, 14 Nov 2023 23:13:50 GMT"}};
    CHECK(http::read_quota(skewed, epoch()).reset_after == seconds(30));
  }

  auto retry_after = [](http::Headers headers) { return http::read_retry_after(headers, epoch()); };
  CHECK(retry_after({{"retry-after", "34"}}) == seconds(34));
  CHECK(retry_after({{"Retry-After", " 1.5 "}}) == milliseconds(1500));
  CHECK(retry_after({{"Retry-After", "0"}}) == seconds(0));
  CHECK(retry_after({{"Retry-After", "Tue, 14 Nov 2023 22:14:20 GMT"}}) == seconds(60));
  CHECK(retry_after({{"Retry-After", "Tuesday, 14-Nov-23 22:14:20 GMT"}}) == seconds(60));
  CHECK(retry_after({{"Retry-After", "Tue Nov 14 22:14:20 2023"}}) == seconds(60));
  CHECK(retry_after({{"Retry-After", "Tue, 14 Nov 2023 22:00:00 GMT"}}) == seconds(0));
  // The service's clock is an hour behind ours: its own Date tells.
  CHECK(retry_after({{"Retry-After", "Tue, 14 Nov 2023 21:14:20 GMT"}, {"Date", "Tue, 14 Nov 2023 21:13:50 GMT"}}) ==
        seconds(30));
  CHECK(retry_after({{"Retry-After", "Tue, 14 Nov 2023 22:14:20 UTC"}}) == seconds(60));
  CHECK(retry_after({{"Retry-After", "Tue, 14 Nov 2023 22:14:20 +0000"}}) == seconds(60));
  CHECK(retry_after({{"Retry-After", "Tue, 14 Nov 2023 23:14:20 +0100"}}) == seconds(60));
  CHECK(retry_after({{"Retry-After", "Tue, 14 Nov 2023 21:14:20 GMT"}, {"Date", "Tue, 14 Nov 2023 21:13:50 +0000"}}) ==
        seconds(30));
  CHECK(retry_after({{"Retry-After", "2"}, {"Retry-After-Ms", "1250"}}) == milliseconds(1250));
  CHECK(retry_after({{"X-MS-Retry-After-MS", "70.5"}}) == milliseconds(71));
  CHECK(retry_after({{"Retry-After", "2"}, {"retry-after-ms", "soon"}}) == seconds(2));
  CHECK(retry_after({{"Retry-After", "soon"}}) == std::nullopt);
  CHECK(retry_after({}) == std::nullopt);
}

TEST_CASE("after a refusal nothing goes before the service permits it") {
  CHECK(next_after(answer(429, {{"Retry-After", "34"}})) == 34'000);
  CHECK(next_after(answer(429, {{"Retry-After", "2.25"}})) == 2'250);
  CHECK(next_after(answer(429, {{"Retry-After", "Tue, 14 Nov 2023 22:14:20 GMT"}})) == 60'000);
  CHECK(next_after(answer(429, {{"Retry-After", "0"}})) == 1'000);
  CHECK(next_after(answer(503, {{"Retry-After", "7"}})) == 7'000);
  CHECK(next_after(answer(503)) == 0);
  CHECK(next_after(answer(200)) == 0);
  // Azure DevOps says it with a good answer; Jira Data Center says 0 with each.
  CHECK(next_after(answer(200, {{"Retry-After", "12"}})) == 12'000);
  CHECK(next_after(answer(200, {{"Retry-After", "0"}})) == 0);
}

TEST_CASE("a refusal without Retry-After: 5 s, twice as long each time, never above 60 s") {
  long expected = 5'000;
  for (int before = 0; before < 6; ++before) {
    const long wait = next_after(answer(429), before);
    CAPTURE(before);
    CHECK(wait >= std::min(expected, 60'000L) * 8 / 10);
    CHECK(wait <= std::min(expected * 12 / 10, 60'000L));
    expected *= 2;
  }
}

TEST_CASE("what was under way together and is refused together is one refusal") {
  Lab lab;
  for (int i = 0; i < 4; ++i) lab.start_request("a", RateClass("x"), answer(429), milliseconds(10 + i));
  lab.start_request("b", RateClass("x"), answer(200));
  lab.context.run();
  CHECK(lab.at.back() <= 6'020);
}

TEST_CASE("a refusal that comes when the wait for another one is over closes the limit again") {
  Lab lab;
  lab.start_request("early", RateClass("x"), answer(429), milliseconds(10));
  lab.start_request("late", RateClass("x"), answer(429), milliseconds(20'000));
  auto next = [&]() -> awaitable<void> {
    co_await lab.services.clock->sleep(milliseconds(20'001));
    RateClass taken("x");
    const http::Response good = answer(200);
    co_await lab.request("next", taken, good);
  };
  start(lab.context, next());
  lab.context.run();
  REQUIRE(lab.sent.back() == "next");
  CHECK(lab.at.back() >= 24'000);
  CHECK(lab.at.back() <= 32'001);
}

TEST_CASE("requests go in the order in which they came, as far as they share a limit") {
  Lab lab({http::LimitOptions("account", 600, seconds(60)), http::LimitOptions("lists", 60, seconds(60))});
  lab.start_request("list 1", RateClass("account").take("lists"), answer(200));
  lab.start_request("list 2", RateClass("account").take("lists"), answer(200));
  lab.start_request("other", RateClass("elsewhere"), answer(200));
  lab.start_request("dear", RateClass("account", 3), answer(200));
  lab.start_request("cheap", RateClass("account"), answer(200));
  lab.context.run();
  // "list 2" waits for its own limit alone; who needs the account only is not kept by it.
  CHECK(lab.sent == std::vector<std::string>{"list 1", "other", "dear", "cheap", "list 2"});
}

TEST_CASE("a request takes from several limits, and the narrowest decides") {
  Lab lab({http::LimitOptions("account", 60'000, seconds(60)), http::LimitOptions("notes", 60, seconds(60))});
  for (int i = 0; i < 4; ++i) lab.start_request("note", RateClass("account").take("notes"), answer(200));
  for (int i = 0; i < 4; ++i) lab.start_request("other", RateClass("account"), answer(200));
  lab.context.run();
  REQUIRE(lab.sent.size() == 8);
  CHECK(lab.sent[7] == "note");
  CHECK(lab.at[7] >= 2'400);
  CHECK(lab.at[7] <= 3'100);
  CHECK(std::count_if(lab.at.begin(), lab.at.end(), [](long t) { return t < 100; }) == 5);
}

TEST_CASE("a refusal closes the limit that is used up, else the most special") {
  auto gone_at = [](http::Headers headers) {
    Lab lab;
    headers.add("Retry-After", "30");
    lab.start_request("first", RateClass("account").take("lists"), answer(429, headers));
    std::vector<long> result(2);
    auto later = [&](std::string limit, long& when) -> awaitable<void> {
      co_await lab.services.clock->sleep(milliseconds(20));
      RateClass taken(limit);
      RateLimiter::Permit permit = co_await lab.limiter.acquire(taken);
      when = lab.now();
    };
    start(lab.context, later("account", result[0]));
    start(lab.context, later("lists", result[1]));
    lab.context.run();
    return result;
  };
  // The account has quota left, so it was the lists' own limit.
  CHECK(gone_at({{"X-RateLimit-Remaining", "300"}}) == std::vector<long>{20, 30'010});
  CHECK(gone_at({}) == std::vector<long>{20, 30'010});
  std::vector<long> used_up = gone_at({{"X-RateLimit-Remaining", "0"}, {"X-RateLimit-Limit", "700"}});
  CHECK(used_up[0] >= 30'010);
  CHECK(used_up[1] == 20);
}

TEST_CASE("no more requests at once than a limit allows") {
  http::LimitOptions limit;
  limit.name = "account";
  limit.max_in_flight = 3;
  Lab lab({limit});
  for (int i = 0; i < 20; ++i) lab.start_request("x", RateClass(), answer(200), milliseconds(100));
  lab.context.run();
  CHECK(lab.sent.size() == 20);
  CHECK(lab.most == 3);
  CHECK(lab.now() == 700);
}

TEST_CASE("a permit that is dropped without an answer frees its place") {
  http::LimitOptions limit;
  limit.max_in_flight = 1;
  Lab lab({limit});
  auto work = [&]() -> awaitable<void> {
    for (int i = 0; i < 3; ++i) {
      RateClass taken;
      RateLimiter::Permit permit = co_await lab.limiter.acquire(taken);
    }
    lab.sent.push_back("done");
  };
  start(lab.context, work());
  lab.context.run();
  CHECK(lab.sent.size() == 1);
}

TEST_CASE("cancelling one who waits takes nothing and keeps nobody") {
  Lab lab({http::LimitOptions("", 60, seconds(60))});
  boost::asio::cancellation_signal signal;
  int ended = 0;
  lab.start_request("a", RateClass(), answer(200));
  // The second is the one who watches the clock for all.
  boost::asio::co_spawn(lab.context, lab.request("cancelled", RateClass(), answer(200)),
                        boost::asio::bind_cancellation_slot(
                            signal.slot(), [&](std::exception_ptr failure) { ended += failure != nullptr; }));
  lab.start_request("b", RateClass(), answer(200));
  lab.start_request("c", RateClass(), answer(200));
  auto canceller = [&]() -> awaitable<void> {
    co_await lab.services.clock->sleep(milliseconds(100));
    signal.emit(boost::asio::cancellation_type::terminal);
  };
  start(lab.context, canceller());
  lab.context.run();
  CHECK(ended == 1);
  CHECK(lab.sent == std::vector<std::string>{"a", "b", "c"});
  CHECK(lab.at[1] <= 1'050);
  CHECK(lab.at[2] <= 2'100);
}

TEST_CASE("limits for single things are forgotten again, but not what a service has said of one") {
  http::LimitOptions account("account", 0, seconds(60));
  account.head_room = 0.5;
  Lab lab({account});
  auto work = [&]() -> awaitable<void> {
    const http::Response refusal = answer(429, {{"Retry-After", "3600"}}), good = answer(200);
    co_await lab.request("busy", RateClass("issue busy"), refusal, milliseconds(0));
    for (int i = 0; i < 20'000; ++i) {
      const std::string name = "issue " + std::to_string(i);
      co_await lab.request(name, RateClass(name), good, milliseconds(0));
    }
    const long before = lab.now();
    CHECK(before < 1000);
    co_await lab.request("again", RateClass("issue busy"), good, milliseconds(0));
    CHECK(lab.at.back() >= 3'600'000);
    // Nor what was asked for.
    const http::Response half =
        answer(200, {{"X-RateLimit-Limit", "100"}, {"X-RateLimit-Remaining", "50"}, {"X-RateLimit-Reset", "30"}});
    co_await lab.request("half used", RateClass("account"), half, milliseconds(0));
    co_await lab.request("the other half", RateClass("account"), half, milliseconds(0));
    CHECK(lab.at.back() >= 3'630'000);
  };
  start(lab.context, work());
  lab.context.run();
  CHECK(lab.limiter.size() < 600);
}

TEST_CASE("a ceiling that was asked for holds where the service permits more") {
  Lab lab({http::LimitOptions("", 60, seconds(60))});
  for (int i = 0; i < 6; ++i)
    lab.start_request("x", RateClass(),
                      answer(200, {{"X-RateLimit-Limit", "5000"}, {"X-RateLimit-Remaining", "4999"}}));
  lab.context.run();
  CHECK(lab.at.back() >= 4'400);
}

TEST_CASE("a service that falls silent about its quota is not held to what it once said") {
  Lab lab;
  auto work = [&]() -> awaitable<void> {
    RateClass taken("x");
    http::Headers low{{"X-RateLimit-Limit", "100"}, {"X-RateLimit-Remaining", "50"}, {"X-RateLimit-Reset", "30"}};
    co_await lab.request("told", taken, answer(200, low));
    co_await lab.services.clock->sleep(seconds(60));
    for (int i = 0; i < 400; ++i) lab.start_request("silent", taken, answer(200));
  };
  start(lab.context, work());
  lab.context.run();
  CHECK(lab.sent.size() == 401);
  CHECK(lab.most > 100);
  CHECK(lab.now() <= 61'000);
}

TEST_CASE("numbers of a quota alone: what remains, less what is under way") {
  http::Quota quota((http::LimitOptions()));
  Time now = epoch();
  http::QuotaReading reading;
  reading.limit = 100;
  reading.remaining = 3;
  reading.reset_after = seconds(10);
  std::uint64_t first = quota.take(now, 1);
  http::Quota::Answered told;
  told.reading = &reading;
  told.accepted = true;
  quota.answered(now, first, told);
  CHECK(quota.remaining() == 3);
  CHECK(quota.ready(now, 1) <= now);
  CHECK(quota.ready(now, 4) == now + seconds(10));
  std::uint64_t second = quota.take(now, 2), third = quota.take(now, 1);
  CHECK(quota.remaining() == 0);
  CHECK(quota.ready(now, 1) == now + seconds(10));
  // An answer that was overtaken may say that there is less, not that there is more.
  reading.remaining = 0;
  quota.answered(now, third, told);
  CHECK(quota.remaining() == -2);
  reading.remaining = 1;
  quota.answered(now, second, told);
  CHECK(quota.remaining() == -2);
  // The window begins anew: one goes on trust, the others wait for what it hears.
  now += seconds(10);
  CHECK(quota.ready(now, 1) <= now);
  quota.take(now, 1);
  CHECK(quota.ready(now, 1) == Time::max());
}
