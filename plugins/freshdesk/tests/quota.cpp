// The account's requests a minute: used to the full, never exceeded; and what is found before anything is read.
#include <algorithm>
#include <cmath>

#include "lab.hpp"

using namespace lab;

namespace {

struct Usage {
  std::map<std::int64_t, double> credits;  ///< by minute of the clock
  std::map<std::int64_t, int> lists;
  int refusals = 0;
};

/// Reads everything and notes what each minute took of the account.
Usage usage_of(Lab& lab, double seconds_each) {
  Usage usage;
  lab.host->set_latency(std::chrono::milliseconds(static_cast<int>(seconds_each * 1000)));
  lab.watch = [&](const Value& exchange) {
    const auto now = std::chrono::floor<std::chrono::minutes>(lab.services.clock->now()).time_since_epoch().count();
    usage.refusals += number(exchange, "status") == 429;
    for (const auto& [name, value] : member(exchange, "response_headers")->get_object()) {
      std::string small(name);
      std::transform(small.begin(), small.end(), small.begin(), [](unsigned char c) { return std::tolower(c); });
      if (small == "x-ratelimit-used-currentrequest") usage.credits[now] += std::stod(freshdesk::text_of(value));
    }
    usage.lists[now] += text(exchange, "url").find("/tickets?") != std::string::npos;
  };
  lab.read_all(50);
  return usage;
}

std::map<std::string, Check> checks_of(Lab& lab) {
  const auto found = lab.run([&]() -> awaitable<std::vector<Check>> {
    const std::shared_ptr<Source> source = lab.source();
    co_return co_await source->check();
  });
  std::map<std::string, Check> checks;
  for (const Check& check : found) {
    CHECK_FALSE(check.message.empty());
    CHECK((check.passed || !check.advice.empty()));
    checks[check.name] = check;
  }
  return checks;
}

}  // namespace

TEST_CASE("95 % of what is permitted is used, without one refusal, and people keep their share") {
  struct Case {
    std::string plan;
    double credits, leave, latency;
  };
  for (const Case& each : {Case{"growth", 200, 0.1, 0.3}, Case{"enterprise", 700, 0.1, 0.3}, Case{"pro", 400, 0, 0.05},
                           Case{"trial", 50, 0.2, 0.5}}) {
    CAPTURE(each.plan);
    Lab lab(static_cast<std::size_t>(each.credits * 3), Object{{"plan", each.plan}});
    lab.config.leave_for_people = each.leave;
    Usage usage = usage_of(lab, each.latency);
    CHECK(usage.refusals == 0);
    // The first and the last minute were not ours from end to end.
    REQUIRE(usage.credits.size() > 3);
    usage.credits.erase(usage.credits.begin());
    usage.credits.erase(std::prev(usage.credits.end()));
    const double permitted = each.credits * (1 - each.leave);
    double sum = 0;
    for (const auto& [minute, credits] : usage.credits) {
      CHECK(credits <= permitted + 1);
      sum += credits;
    }
    CHECK(sum >= 0.95 * permitted * static_cast<double>(usage.credits.size()));
  }
}

TEST_CASE("archived tickets of an account that lists none need a last id") {
  Lab lab(30, with(generous(), "archived_after", 0));
  lab.config.include = {"archived"};
  CHECK_FALSE(checks_of(lab).at("archived tickets").passed);
  lab.config.archived_through = 500;
  CHECK(checks_of(lab).at("archived tickets").passed);
  Lab some(30);
  some.config.include = {"archived"};
  CHECK(checks_of(some).at("archived tickets").message.find("1000 in a row") != std::string::npos);
}

TEST_CASE("the limit of the lists is kept, which no header tells") {
  Lab lab(300, Object{{"plan", "growth"}});
  lab.config.per_page = 2;
  lab.config.conversations = lab.config.time_entries = false;
  const Usage usage = usage_of(lab, 0.1);
  CHECK(usage.refusals == 0);
  for (const auto& [minute, lists] : usage.lists) CHECK(lists <= 20);
}

TEST_CASE("the checks say who asks, what may be read and how fast") {
  Lab lab(20, Object{{"plan", "growth"}});
  auto checks = checks_of(lab);
  for (const auto& check : checks) CHECK_MESSAGE(check.second.passed, check.first << ": " << check.second.message);
  CHECK(checks.at("quota").message.find("200 requests a minute (growth), of which 20") != std::string::npos);
  CHECK(checks.at("time entries").message.find("come without") != std::string::npos);
  CHECK(checks.count("credentials"));
  CHECK(checks.count("names"));
  lab.config.include = {"archived"};
  checks = checks_of(lab);
  CHECK_FALSE(checks.at("archived tickets").passed);
}

TEST_CASE("archived tickets are spoken of even where nobody has asked for them") {
  Lab lab(20);
  const auto checks = checks_of(lab);
  REQUIRE(checks.count("archived tickets") == 1);
  CHECK(checks.at("archived tickets").passed);
  CHECK(checks.at("archived tickets").message.starts_with("not asked for"));
  CHECK(checks.at("archived tickets").message.find("include: [archived]") != std::string::npos);
}

TEST_CASE("a list that include asks for and the key may not see is found by the check, not hours later") {
  const std::map<std::string, std::string> rows{{"deleted", "deleted tickets"}, {"spam", "spam"}};
  for (const auto& each : rows) {
    const std::string refused = each.first, row = each.second;
    CAPTURE(refused);
    Lab lab(20, with(generous(), "refused_list", Value(refused)));
    for (const auto& check : checks_of(lab)) CHECK_MESSAGE(check.second.passed, check.first);
    lab.config.include = {"deleted", "spam", "archived"};
    const auto checks = checks_of(lab);
    for (const auto& [list, name] : rows) {
      REQUIRE(checks.count(name) == 1);
      CHECK(checks.at(name).passed == (list != refused));
    }
    CHECK(checks.at(row).advice.find("leave it out in the options") != std::string::npos);
    // Archived tickets need the newest number of the lists that may be seen, no more.
    CHECK(checks.at("archived tickets").passed);
  }
}

TEST_CASE("a key that sees a part of the tickets stops the run before it begins, unless that is wanted") {
  Lab lab(20);
  lab.config.api_key = Secret("freshdesk-simulator-restricted");
  CHECK_FALSE(checks_of(lab).at("scope").passed);
  lab.config.accept_restricted_scope = true;
  CHECK(checks_of(lab).at("scope").passed);
}

TEST_CASE("a wrong key and a wrong address are named as such") {
  Lab lab(5);
  lab.config.api_key = Secret("wrong");
  auto checks = checks_of(lab);
  CHECK(checks.at("reachable").passed);
  CHECK_FALSE(checks.at("credentials").passed);
  CHECK(checks.at("credentials").advice.find("api_key") != std::string::npos);
  lab.config.url = "https://nobody.test";
  CHECK_FALSE(checks_of(lab).at("reachable").passed);
  // A page in place of the API.
  lab.config.url = site;
  testing::FaultPlan plan;
  testing::Fault fault;
  fault.status = 404;
  fault.nth = 0;
  fault.headers.add("Content-Type", "text/html");
  fault.body = "<html><title>Sign up</title></html>";
  plan.faults.push_back(fault);
  lab.host->set_faults(plan);
  CHECK(checks_of(lab).at("reachable").advice.find("url") != std::string::npos);
}

TEST_CASE("requests go on after troubles of the moment") {
  Lab lab(40);
  testing::FaultPlan plan;
  plan.seed = 5;
  for (const auto kind :
       {testing::Fault::Kind::status, testing::Fault::Kind::drop_before, testing::Fault::Kind::torn_after}) {
    testing::Fault fault;
    fault.kind = kind;
    fault.nth = 0;
    fault.probability = 0.05;
    fault.status = 502;
    fault.body = "<html>Bad gateway</html>";
    plan.faults.push_back(fault);
  }
  lab.host->set_faults(plan);
  CHECK(lab.read_all().size() == lab.truth_of({"active"}).size());
}
