// Time entries in delta runs, and after a death: told by their property on the Cloud, by what they hold on Data Center.
#include "delta.hpp"

using namespace jira_world;

namespace {

constexpr World::Way ways[] = {World::Way::documents, World::Way::markup, World::Way::data_center};

Object& entry_of(Delta& delta) { return delta.data()["worklogs"].as_array()[0].as_object(); }

void edit(Delta& delta) {
  Object& entry = entry_of(delta);
  entry["seconds"] = 3600;
  entry["started"] = "2024-02-01T07:00:00Z";
  entry["note"] = "looked at it twice";
}

std::string difference(World& world) {
  const Report proof = world.run(Mode::verify, VerifyLevel::comprehensive);
  return proof.status == Status::done ? std::string() : World::complaint(proof);
}

const char* const same_twice = R"({{"id":"{}","started":"2024-02-01T08:00:00Z","seconds":1800,"note":"same"}})";

}  // namespace

TEST_CASE("a time entry that was edited at the source is edited, and only then") {
  for (const World::Way way : ways) {
    INFO("way " << static_cast<int>(way));
    Delta delta(way);
    const auto writes = delta.world.host->counters().writes;
    delta.run("1a");
    CHECK(delta.world.host->counters().writes == writes);
    edit(delta);
    delta.run("2");
    CHECK(delta.world.host->counters().writes == writes + 1);
    CHECK(delta.issue().at("worklogs").as_array().size() == 1);
    CHECK(difference(delta.world) == "");
    // A mail to everybody who watches the issue is none of the migration's business.
    CHECK(print(delta.world.jira->state().at("counters").at("notifications").at("byEvent")).find("worklog edited") ==
          std::string::npos);
  }
}

TEST_CASE("an edit of a time entry that dies anywhere leaves what an undisturbed one does") {
  CHECK(dies_anywhere(edit) > 3);
}

TEST_CASE("a time entry that a person has edited in Jira stays, and is told when the source has another") {
  for (const World::Way way : ways) {
    for (const char* const who : {World::ana, World::nobody}) {
      INFO("way " << static_cast<int>(way) << ", by " << std::string(who));
      Delta delta(way, "OPS", R"({"anonymous_access":true})");
      const std::string id(delta.issue().at("worklogs").at(0).at("id").as_string()),
          path = "/issue/" + delta.key + "/worklog/" + id;
      delta.world.as(who, "PUT", path, parsed(R"({"timeSpentSeconds":7200})"));
      edit(delta);
      const Report report = delta.run("2");
      CHECK(warned(report, "changed_on_both_sides") == 1);
      CHECK(delta.issue().at("worklogs").at(0).at("seconds") == 7200);
      // One that a person has deleted is not made a second time.
      delta.world.as(who, "DELETE", path);
      delta.run("3");
      CHECK(delta.issue().at("worklogs").as_array().empty());
    }
  }
}

TEST_CASE("a time entry that the account may not edit stays as it was brought, and is told") {
  Delta delta(World::Way::documents, "OPS", R"({"denied_permissions":["EDIT_OWN_WORKLOGS","EDIT_ALL_WORKLOGS"]})");
  edit(delta);
  delta.data()["title"] = "Another title";
  const Report report = delta.run("2");
  CHECK(warned(report, "may_not_edit_worklog") == 1);
  CHECK(delta.issue().at("worklogs").at(0).at("seconds") == 1800);
  CHECK(delta.field("summary") == "Another title");
}

TEST_CASE("a new time entry that holds the same as an older one is an entry of its own, whichever comes first") {
  for (const World::Way way : ways) {
    for (const bool first : {true, false}) {
      INFO("way " << static_cast<int>(way) << std::string(first ? ", first" : ", last"));
      World world(way);
      const std::string old = fmt::format(fmt::runtime(same_twice), 1),
                        added = fmt::format(fmt::runtime(same_twice), 2);
      Record& record = plain_ticket(world, 1, fmt::format(R"(,"worklogs":[{}])", old));
      REQUIRE(world.run().status == Status::done);
      record.data.as_object()["worklogs"] =
          parsed(first ? fmt::format("[{},{}]", added, old) : fmt::format("[{},{}]", old, added));
      record.version = "2";
      REQUIRE(world.run(Mode::incremental).status == Status::done);
      CHECK(world.issue_of("1").at("worklogs").as_array().size() == 2);
      CHECK(difference(world) == "");
    }
  }
}

TEST_CASE("time entries that hold the same are all there, whenever a delta run dies") {
  const auto prepare = [](World& world) {
    const std::string old = fmt::format(fmt::runtime(same_twice), 1), added = fmt::format(fmt::runtime(same_twice), 2);
    Record& record = plain_ticket(world, 1, fmt::format(R"(,"worklogs":[{}])", old));
    REQUIRE(world.run().status == Status::done);
    record.data.as_object()["worklogs"] = parsed(fmt::format("[{},{}]", added, old));
    record.version = "2";
    world.death = Death();
  };
  RunOptions options;
  options.mode = Mode::incremental;
  World counter(World::Way::data_center);
  prepare(counter);
  REQUIRE(counter.run(options).status == Status::done);
  const int points = counter.death.passed;
  REQUIRE(points > 5);
  for (int at = 1; at <= points; ++at) {
    if (!testing_support::in_shard(at)) continue;
    World world(World::Way::data_center);
    prepare(world);
    world.death.at = at;
    REQUIRE_FALSE(world.try_run(options));
    world.revive();
    INFO("died at point " << at);
    REQUIRE(world.run(options).status == Status::done);
    REQUIRE(world.issue_of("1").at("worklogs").as_array().size() == 2);
  }
}

TEST_CASE("a time entry that the source has changed since a run died is there once, and as it is by now") {
  const auto entry = [](int seconds, const char* note) {
    return fmt::format(R"(,"worklogs":[{{"id":"1","started":"2024-02-01T08:00:00Z","seconds":{},"note":"{}"}}])", seconds,
                       note);
  };
  for (const World::Way way : ways) {
    World counter(way);
    plain_ticket(counter, 1, entry(1800, "first"));
    REQUIRE(counter.run().status == Status::done);
    const int points = counter.death.passed;
    REQUIRE(points > 5);
    for (int at = 1; at <= points; ++at) {
      if (!testing_support::in_shard(at)) continue;
      World world(way);
      Record& record = plain_ticket(world, 1, entry(1800, "first"));
      world.death.at = at;
      REQUIRE_FALSE(world.try_run(RunOptions()));
      world.revive();
      INFO("way " << static_cast<int>(way) << ", died at point " << at);
      Object& changed = record.data.as_object()["worklogs"].as_array()[0].as_object();
      changed["seconds"] = 3600;
      changed["note"] = "second";
      record.version = "2";
      REQUIRE(world.run().status == Status::done);
      REQUIRE(world.run(Mode::incremental).status == Status::done);
      const Array entries = world.issue_of("1").at("worklogs").as_array();
      REQUIRE(entries.size() == 1);
      CHECK(entries[0].at("seconds") == 3600);
    }
  }
}
