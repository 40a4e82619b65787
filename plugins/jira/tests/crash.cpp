// A migration into the stand-in dies, or loses answers, at every exchange and every commit; started again it leaves
// what an undisturbed one does.
#include "late_store.hpp"
#include "shard.hpp"
#include "tickets.hpp"

using namespace jira_world;

namespace {

RunOptions with(std::size_t in_flight) {
  RunOptions options;
  options.items_in_flight = in_flight;
  options.batch_size = 2;
  return options;
}

std::string undisturbed(std::size_t in_flight, World::Way way) {
  World world(way);
  family(world);
  const Report report = world.run(with(in_flight));
  INFO(World::complaint(report));
  REQUIRE(report.status == Status::done);
  return print(world.masked());
}

/// Says which issues differ: the whole is too long to be read.
bool same(const std::string& found, const std::string& expected) {
  if (found == expected) return true;
  const auto by_title = [](const std::string& state) {
    std::map<std::string, std::string> issues;
    const Value whole = parsed(state);
    for (const auto& issue : whole.at("issues").as_object())
      issues[std::string(issue.value().at("fields").at("summary").as_string())] += print(issue.value());
    // What names an issue is no difference of its own: it comes from the looks of all.
    for (auto& [title, text] : issues)
      for (std::size_t at = text.find("-#"); at != std::string::npos; at = text.find("-#", at + 1)) text[at + 2] = '?';
    return issues;
  };
  const auto is = by_title(found), should = by_title(expected);
  for (const auto& [title, text] : should) {
    const std::string there = is.count(title) ? is.at(title) : std::string();
    if (there == text) continue;
    std::size_t at = 0;
    while (at < there.size() && at < text.size() && there[at] == text[at]) ++at;
    const std::size_t from = at > 80 ? at - 80 : 0;
    MESSAGE(title << "\n  is     …" << there.substr(std::min(from, there.size()), 300) << "\n  should …"
                  << text.substr(from, 300));
  }
  return false;
}

struct Trouble {
  const char* name;
  testing::Fault::Kind kind;
  int status;
  bool retry_after;
  bool everywhere = false;  ///< with every interface
};
using Kind = testing::Fault::Kind;
constexpr Trouble troubles[] = {
    {"the connection is lost before", Kind::drop_before, 0, false},
    {"the answer is lost", Kind::drop_after, 0, false, true},
    {"the answer is torn", Kind::torn_after, 0, false},
    {"the answer is one byte short", Kind::short_length, 0, false},
    {"500 after it was applied", Kind::status_after, 500, false},
    {"503 after it was applied", Kind::status_after, 503, false},
    {"503 after it was applied, as if it were refused", Kind::status_after, 503, true, true},
    {"504 in place of it", Kind::status, 504, false, true},
    {"504, and it is applied 20 s later", Kind::status_early, 504, false, true},
    {"the connection is lost, and it is applied 20 s later", Kind::drop_early, 0, false},
    {"429", Kind::status, 429, true, true},
    {"429 that does not say how long", Kind::status, 429, false},
};

}  // namespace

TEST_CASE("dying at any exchange or commit leaves no duplicate and loses nothing") {
  for (const std::size_t in_flight : {std::size_t(1), std::size_t(4)}) {
    const std::string expected = undisturbed(in_flight, World::Way::documents);
    World counter;
    family(counter);
    const RunOptions options = with(in_flight);
    counter.run(options);
    const int points = counter.death.passed;
    REQUIRE(points > 100);
    // Each effect is announced before and after it. One at a time, nothing changes between the end of one and the
    // beginning of the next, so the ends are enough; of several at once they are a sample.
    for (int at = 2; at <= points; at += 2) {
      if (!testing_support::in_shard(at / 2)) continue;
      World world;
      family(world);
      world.death.at = at;
      REQUIRE_FALSE(world.try_run(options));
      const std::string point = world.death.points.back();
      world.revive();
      const Report report = world.run(options);
      INFO(in_flight << " in flight, died at point " << at << ": " << point << "; " << World::complaint(report));
      REQUIRE(report.status == Status::done);
      const std::string found = print(world.masked());
      REQUIRE(same(found, expected));
    }
  }
}

TEST_CASE("answers that are lost, torn or wrong at any exchange make no duplicate and lose nothing") {
  for (const World::Way way : {World::Way::documents, World::Way::markup, World::Way::data_center}) {
    const std::string expected = undisturbed(1, way);
    std::vector<bool> reads;
    {
      World counter(way);
      counter.keep_exchanges();
      family(counter);
      counter.run(with(1));
      for (const Value& exchange : counter.exchanges) reads.push_back(exchange.at("method") == "GET");
    }
    std::size_t number = 0;
    for (const Trouble& trouble : troubles) {
      ++number;
      // How an answer is lost is the client's business, whichever interface it is.
      if (way != World::Way::documents && !trouble.everywhere) continue;
      for (std::uint64_t at = 1; at <= reads.size(); ++at) {
        if (!testing_support::in_shard(static_cast<long long>(at))) continue;
        // What has no effect is repeated in any case: each read meets two of the troubles.
        if (reads[at - 1] && (at + number) % (std::size(troubles) / 2) != 0) continue;
        World world(way);
        family(world);
        testing::FaultPlan plan;
        testing::Fault fault;
        fault.kind = trouble.kind;
        fault.status = trouble.status;
        fault.nth = at;
        fault.delay = std::chrono::seconds(20);
        if (trouble.retry_after) fault.headers.add("Retry-After", "2");
        plan.faults.push_back(fault);
        world.host->set_faults(plan);
        const Report report = world.run(with(1));
        INFO(std::string(trouble.name) << " at exchange " << at << "; " << World::complaint(report));
        REQUIRE(report.status == Status::done);
        world.let_pass(std::chrono::seconds(20));
        REQUIRE(same(print(world.masked()), expected));
      }
    }
  }
}

TEST_CASE("dying loses nothing either where receipts that nobody waits for are durable late") {
  const std::string expected = undisturbed(4, World::Way::documents);
  const auto prepare = [](World& world) {
    family(world);
    auto store = std::make_shared<LateStore>(world.services);
    world.store = store;
    return store;
  };
  World counter;
  prepare(counter);
  const RunOptions options = with(4);
  counter.run(options);
  const int points = counter.death.passed;
  REQUIRE(points > 100);
  std::size_t lost = 0;
  for (int at = 1; at <= points; ++at) {
    if (!testing_support::in_shard(at)) continue;
    World world;
    const std::shared_ptr<LateStore> store = prepare(world);
    world.death.at = at;
    REQUIRE_FALSE(world.try_run(options));
    const std::string point = world.death.points.back();
    if (point == "store.commit before") lost += store->late.size();
    store->lose();
    world.revive();
    const Report report = world.run(options);
    INFO("died at point " << at << ": " << point << "; " << World::complaint(report));
    REQUIRE(report.status == Status::done);
    REQUIRE(same(print(world.masked()), expected));
  }
  CHECK(lost > 0);
}

TEST_CASE("any number of troubles at random: after as many starts as it takes, all is as if there had been none") {
  const std::string expected = undisturbed(1, World::Way::documents);
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    if (!testing_support::in_shard(static_cast<long long>(seed))) continue;
    World world;
    family(world);
    testing::FaultPlan plan;
    plan.seed = seed;
    for (const Trouble& trouble : troubles) {
      testing::Fault fault;
      fault.kind = trouble.kind;
      fault.status = trouble.status;
      fault.nth = 0;
      fault.probability = 0.02;
      fault.delay = std::chrono::seconds(20);
      if (trouble.retry_after) fault.headers.add("Retry-After", "2");
      plan.faults.push_back(fault);
    }
    world.host->set_faults(plan);
    std::optional<Report> report;
    for (int life = 1; life <= 12 && !(report && report->status == Status::done); ++life) {
      // Each life but the last ones ends early, somewhere.
      world.death = Death();
      if (life <= 4)
        world.death.at = static_cast<int>((seed * 7919 + static_cast<std::uint64_t>(life) * 104'729) % 140) + 1;
      RunOptions options = with(1 + seed % 4);
      if (report && report->status == Status::done_with_failures) options.mode = Mode::retry;
      report = world.try_run(options);
    }
    INFO("seed " << seed);
    REQUIRE(report);
    INFO(World::complaint(*report));
    REQUIRE(report->status == Status::done);
    world.let_pass(std::chrono::seconds(20));
    REQUIRE(same(print(world.masked()), expected));
  }
}
