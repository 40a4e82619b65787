// Freshdesk to Jira, with the real connectors against the services' stand-ins, in virtual time: dies before and after
// every exchange and every commit, and loses, tears or repeats answers of every call that changes something. Started
// again, it leaves Jira as an undisturbed run does: no duplicate, no orphan, nothing lost, every file byte for byte.
#include <doctest/doctest.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cctype>
#include <cstdlib>
#include <filesystem>

#include "built_plugins.hpp"
#include "memory_systems.hpp"
#include "migrate/config_file.hpp"
#include "migrate/http/transport.hpp"
#include "migrate/testing/simulator.hpp"
#include "shard.hpp"

using namespace migrate;
using namespace std::chrono_literals;
using testing_systems::Faults;

namespace {

/// How many tickets; MIGRATE_CRASH_ITEMS for more.
std::size_t items() {
  const char* text = std::getenv("MIGRATE_CRASH_ITEMS");
  return text ? static_cast<std::size_t>(std::atoi(text)) : 4;
}

/// Both services and the store outlive the process that migrates between them.
struct World {
  std::shared_ptr<Clock> clock = Clock::simulated(std::chrono::system_clock::time_point(1'730'000'000s));
  std::shared_ptr<http::SimulatedTransport> transport = std::make_shared<http::SimulatedTransport>();
  std::unique_ptr<testing::SimulatorHost> freshdesk, jira;
  Faults faults;
  std::shared_ptr<CheckpointStore> store;
  std::uint64_t writes_seen = 0;

  World() {
    Services services;
    services.clock = clock;
    testing::SimulatorOptions source;
    source.seed = 5;
    source.items = items();
    source.settings = Object{{"quota_per_minute", 100'000}, {"list_per_minute", 100'000}};
    freshdesk = std::make_unique<testing::SimulatorHost>("freshdesk", built_plugins().make_simulator("freshdesk", source, services), services);
    freshdesk->attach(*transport, "https://acme.freshdesk.test", "https://files.freshdesk.test");
    testing::SimulatorOptions target;
    target.items = 0;
    target.settings = Object{{"masked", true}, {"keep_bytes", "all"}, {"rate_post", 0}, {"rate_put", 0}, {"rate_get", 0},
                             {"issue_writes_2s", 0}, {"issue_writes_30s", 0}};
    jira = std::make_unique<testing::SimulatorHost>("jira", built_plugins().make_simulator("jira", target, services), services);
    jira->attach(*transport, "https://acme.jira.test", "https://media.jira.test");
    Services storing = process();
    store = make_memory_store(storing);
  }

  Services process() {
    Services services = faults.services();
    services.clock = clock;
    services.transport = transport;
    return services;
  }

  /// Nothing: the process died.
  std::optional<Report> run(std::vector<std::string> set = {}) {
    FileOverrides overrides;
    overrides.set = {"source.url=https://acme.freshdesk.test", "sink.url=https://acme.jira.test", "run.verify=none"};
    overrides.set.insert(overrides.set.end(), set.begin(), set.end());
    MigrationFile file = parse_migration(
        std::string(MIGRATE_SOURCE_DIR) + "/examples/drivers/freshdesk_to_jira/migration.yaml", built_plugins(), overrides);
    // Else it would open the driver's own, on the disk, for every run and beside other tests.
    file.store = ConnectorConfig{"memory", Object()};
    try {
      Pipeline pipeline = make_pipeline(file, built_plugins(), process());
      pipeline.store = store;
      return run_blocking(pipeline, file.run);
    } catch (const testing_systems::SimulatedCrash&) {
      return std::nullopt;
    }
  }
  void revive() {
    faults.at = 0;
    faults.dead = false;
  }
  /// With issues under the names of the tickets that they came from, so that a difference is told where it is.
  Value state() const {
    const Value masked = jira->simulator().state();
    std::map<std::string, std::string> names;
    for (const auto& issue : masked.at("issues").as_object())
      names[issue.key()] = std::string(issue.value().at("properties").at("migration").at("key").as_string());
    std::string text = boost::json::serialize(masked), renamed;
    for (std::size_t i = 0; i < text.size();) {
      std::size_t end = text.compare(i, 5, "SUP-#") == 0 ? i + 5 : i;
      while (end > i && end < text.size() && std::isdigit(static_cast<unsigned char>(text[end]))) ++end;
      const auto name = end > i ? names.find(text.substr(i, end - i)) : names.end();
      renamed += name == names.end() ? text.substr(i, 1) : name->second;
      i = name == names.end() ? i + 1 : end;
    }
    Value state = boost::json::parse(renamed);
    for (auto& issue : state.as_object().at("issues").as_object()) {
      Array& links = issue.value().at("links").as_array();
      std::sort(links.begin(), links.end(), [](const Value& a, const Value& b) { return serialize(a) < serialize(b); });
    }
    return state;
  }
};

/// Where two states part, and how; empty: nowhere.
std::string difference(const Value& expected, const Value& found, const std::string& path = "") {
  if (expected == found) return {};
  if (expected.is_object() && found.is_object()) {
    for (const auto& member : expected.get_object()) {
      const Value* other = found.get_object().if_contains(member.key());
      const std::string below = path + "." + std::string(member.key());
      if (!other) return below + " is missing";
      if (std::string text = difference(member.value(), *other, below); !text.empty()) return text;
    }
    for (const auto& member : found.get_object())
      if (!expected.get_object().contains(member.key())) return path + "." + std::string(member.key()) + " is too much";
  }
  if (expected.is_array() && found.is_array())
    for (std::size_t i = 0; i < std::min(expected.get_array().size(), found.get_array().size()); ++i)
      if (std::string text = difference(expected.get_array()[i], found.get_array()[i], fmt::format("{}[{}]", path, i)); !text.empty())
        return text;
  return fmt::format("{}: expected {:.300}, found {:.300}", path, boost::json::serialize(expected), boost::json::serialize(found));
}

struct Credentials {
  Credentials() {
    setenv("FRESHDESK_API_KEY", "freshdesk-simulator-key", 1);
    setenv("JIRA_EMAIL", "migrator@example.com", 1);
    setenv("JIRA_TOKEN", "jira-token", 1);
  }
} credentials;

struct Undisturbed {
  Value state;
  int points = 0;
  std::uint64_t exchanges = 0;
};
const Undisturbed& undisturbed() {
  static const Undisturbed known = [] {
    World world;
    const std::optional<Report> report = world.run();
    REQUIRE(report.has_value());
    INFO((report->fatal ? report->fatal->what() : "no fatal error"));
    REQUIRE((report->status == Status::done || report->status == Status::done_with_failures));
    Undisturbed result{world.state(), world.faults.passed, world.jira->counters().requests};
    MESSAGE(result.points << " points, " << result.exchanges << " exchanges with Jira, "
                         << boost::json::serialize(result.state).size() << " bytes of state");
    return result;
  }();
  return known;
}

}  // namespace

TEST_CASE("dying before or after any exchange or commit leaves neither duplicate nor orphan and loses nothing") {
  for (int at = 1; at <= undisturbed().points; ++at) {
    if (!testing_support::in_shard(at)) continue;
    World world;
    world.faults.at = at;
    REQUIRE_FALSE(world.run().has_value());
    const std::string point = world.faults.points.back();
    world.revive();
    const std::optional<Report> report = world.run();
    INFO("died at point " << at << ": " << point);
    REQUIRE(report.has_value());
    REQUIRE_FALSE(report->fatal.has_value());
    REQUIRE(difference(undisturbed().state, world.state()) == "");
  }
}

TEST_CASE("whatever becomes of one answer, the target is the same") {
  using Kind = testing::Fault::Kind;
  const Kind kinds[] = {Kind::drop_before, Kind::drop_after, Kind::status_after, Kind::torn_after, Kind::short_length, Kind::status};
  for (std::uint64_t nth = 1; nth <= undisturbed().exchanges; ++nth) {
    for (const Kind kind : kinds) {
      if (!testing_support::in_shard(static_cast<long long>(nth))) continue;
      World world;
      testing::Fault fault;
      fault.kind = kind;
      fault.nth = nth;
      fault.status = kind == Kind::status ? 429 : 502;
      if (kind == Kind::status_after) fault.body = "<html><body>Bad gateway</body></html>";
      testing::FaultPlan plan;
      plan.faults = {fault};
      world.jira->set_faults(plan);
      const std::optional<Report> report = world.run();
      INFO("exchange " << nth << ", kind " << static_cast<int>(kind));
      REQUIRE(report.has_value());
      INFO((report->fatal ? report->fatal->what() : "no fatal error"));
      REQUIRE_FALSE(report->fatal.has_value());
      REQUIRE(difference(undisturbed().state, world.state()) == "");
    }
  }
}
