// Delta runs where source and people work on the same issue: parents, labels, status, and values that cannot be mapped.
#include "delta.hpp"

using namespace jira_world;

TEST_CASE("what Jira cannot take any more stays as it was written, and keeps nothing else from arriving") {
  for (const World::Way way : {World::Way::documents, World::Way::data_center}) {
    for (const std::string what : {"reporter", "assignee", "status", "screen"}) {
      INFO("way " << static_cast<int>(way) << ", " << what);
      World world(way);
      Object& data = rich_ticket(world).data.as_object();
      data["reporter"] = parsed(R"({"name":"Ana Ruiz","email":"ana.ruiz@example.com"})");
      REQUIRE(world.run().status == Status::done);
      const std::string issue = "/issue/" + world.key_of("81");
      const Value before = world.issue_of("81");
      REQUIRE_FALSE(before.at("fields").at("reporter").is_null());
      if (what == "reporter") world.config.reporters = false;
      if (what == "assignee") data["assignee"].as_object()["email"] = "dana.novak@example.com";
      if (what == "status") data.erase("status");
      // One that was on the screen when it was written.
      if (what == "screen") {
        Value mark = world.as(World::self, "GET", issue + "/properties/migration").json().at("value");
        mark.at("fields").as_object().emplace(field_id(world, "Internal code"), "0123456789ab");
        world.as(World::self, "PUT", issue + "/properties/migration", mark);
      }
      data["comments"].as_array().push_back(parsed(R"({"id":"8103","created":"2024-02-02T10:00:00Z","body":"New"})"));
      data["priority"] = "Low";
      world.source->records[81].version = "2";
      const Report report = world.run(Mode::incremental);
      INFO(World::complaint(report));
      CHECK(report.status == Status::done);
      const Value after = world.issue_of("81");
      CHECK(after.at("comments").as_array().size() == before.at("comments").as_array().size() + 1);
      CHECK(after.at("fields").at("priority") == "Low");
      for (const char* field : {"reporter", "assignee"})
        CHECK(after.at("fields").at(field) == before.at("fields").at(field));
      CHECK(after.at("status") == before.at("status"));
      // What was written stays known: what the source itself takes away goes.
      if (what != "assignee") continue;
      data.erase("assignee");
      world.source->records[81].version = "3";
      REQUIRE(world.run(Mode::incremental).status == Status::done);
      CHECK(world.issue_of("81").at("fields").at("assignee") != before.at("fields").at("assignee"));
    }
  }
}

namespace {

/// A child that was made with its parent, and other epics it may come to.
struct Child {
  World world;
  explicit Child(World::Way way = World::Way::documents, const std::string& epic = "92") : world(way) {
    for (const int id : {92, 93, 94}) plain_ticket(world, id, R"(,"kind":"Epic")");
    REQUIRE(world.run().status == Status::done);
    plain_ticket(world, 95, R"(,"kind":"Task")");
    belongs_to(epic, "1");
  }
  Report belongs_to(const std::string& epic, const std::string& version) {
    Record& record = world.source->records[95];
    record.links.clear();
    Tickets::link(record, "parent", epic);
    record.version = version;
    const Report report = world.run(Mode::incremental);
    INFO(World::complaint(report));
    REQUIRE(report.status == Status::done);
    return report;
  }
  Report retitled(const std::string& title, const std::string& version) {
    Record& record = world.source->records[95];
    record.data.as_object()["title"] = title;
    record.version = version;
    return world.run(Mode::incremental);
  }
  void moved_by_ana(const std::string& epic) {
    const bool cloud = !world.config.email.empty();
    const Value key(world.key_of(epic));
    const std::string field = cloud ? "parent" : field_id(world, "Epic Link");
    const Value value = cloud ? Value(object("key", key)) : key;
    world.as(World::ana, "PUT", "/issue/" + world.key_of("95"), object("fields", object(field, value)));
  }
  bool is_under(const std::string& epic) const {
    const Value issue = world.issue_of("95");
    return print(issue.at("parent")) == print(Value(world.key_of(epic))) ||
           print(issue.at("fields")).find("\"Epic Link\":\"" + world.key_of(epic) + "\"") != std::string::npos;
  }
};

}  // namespace

TEST_CASE("a parent that somebody has chosen stays, and is told when the source has another one too") {
  for (const World::Way way : {World::Way::documents, World::Way::markup, World::Way::data_center}) {
    INFO("way " << static_cast<int>(way));
    Child child(way);
    REQUIRE(child.is_under("92"));
    child.moved_by_ana("93");
    REQUIRE(child.is_under("93"));
    Report report = child.retitled("Another title", "2");
    CHECK(report.total().written == 1);
    CHECK(child.is_under("93"));
    CHECK(warned(report, "changed_on_both_sides") == 0);
    report = child.belongs_to("94", "3");
    CHECK(child.is_under("93"));
    CHECK(warned(report, "changed_on_both_sides") == 1);
    // Where both agree there is nothing to tell, and it is known from then on.
    report = child.belongs_to("93", "4");
    CHECK(child.is_under("93"));
    CHECK(warned(report, "changed_on_both_sides") == 0);
    report = child.belongs_to("92", "5");
    CHECK(child.is_under("93"));
    CHECK(warned(report, "changed_on_both_sides") == 1);
  }
}

TEST_CASE("a parent is written when the source has another one, to and fro, and only then") {
  for (const World::Way way : {World::Way::documents, World::Way::markup, World::Way::data_center}) {
    INFO("way " << static_cast<int>(way));
    Child child(way);
    const auto writes = child.world.host->counters().writes;
    child.retitled("Another title", "2");
    CHECK(child.world.host->counters().writes == writes + 1);
    int version = 3;
    for (const char* epic : {"93", "92", "93", "92"}) {
      child.belongs_to(epic, std::to_string(version++));
      CHECK(child.is_under(epic));
    }
    // One that was set later, when the parent was there.
    const auto before = child.world.host->counters().writes;
    child.retitled("A third title", "20");
    CHECK(child.world.host->counters().writes == before + 1);
  }
}

TEST_CASE("a parent that arrives after its child leaves the one that somebody has chosen meanwhile") {
  for (const World::Way way : {World::Way::documents, World::Way::markup, World::Way::data_center}) {
    for (const bool chosen : {true, false}) {
      INFO("way " << static_cast<int>(way) << std::string(chosen ? ", chosen" : ""));
      Child child(way, "97");
      if (chosen) child.moved_by_ana("93");
      plain_ticket(child.world, 97, R"(,"kind":"Epic")");
      const Report report = child.world.run(Mode::incremental);
      INFO(World::complaint(report));
      CHECK(report.status == Status::done);
      CHECK(child.is_under(chosen ? "93" : "97"));
      // It is known as what was written.
      child.belongs_to("94", "2");
      CHECK(child.is_under(chosen ? "93" : "94"));
    }
  }
}

TEST_CASE("a delta run that changes a parent and dies leaves what an undisturbed one does") {
  const auto change = [](Delta& delta) { Tickets::link(delta.world.source->records[81], "parent", "82"); };
  CHECK(dies_anywhere(change) > 1);
}

TEST_CASE("a status that both sides have come to is known: a later change of the source is not missed") {
  for (const World::Way way : {World::Way::documents, World::Way::data_center}) {
    INFO("way " << static_cast<int>(way));
    World world(way);
    Object& data = plain_ticket(world, 91, R"(,"kind":"Task","status":"Open")").data.as_object();
    REQUIRE(world.run().status == Status::done);
    const std::string path = "/issue/" + world.key_of("91") + "/transitions";
    const auto becomes = [&](const char* status, const char* version) {
      data["status"] = status;
      world.source->records[91].version = version;
      const Report report = world.run(Mode::incremental);
      INFO(World::complaint(report));
      REQUIRE(report.status == Status::done);
      return report;
    };
    const Value open = world.as(World::ana, "GET", path).json();
    for (const Value& each : open.at("transitions").as_array())
      if (each.at("to").at("name") == "In Progress")
        world.as(World::ana, "POST", path, object("transition", object("id", each.at("id"))));
    REQUIRE(world.issue_of("91").at("status") == "In Progress");
    CHECK(warned(becomes("In Progress", "2"), "changed_on_both_sides") == 0);
    // The last change in Jira is a person's.
    CHECK(warned(becomes("Open", "3"), "changed_on_both_sides") == 1);
    CHECK(world.issue_of("91").at("status") == "In Progress");
    // Only the status, in Jira's own way of saying so.
    becomes("Resolved", "4");
  }
}

TEST_CASE("a status that a run was about to reach, or had reached, before it died is known to the next one") {
  for (const bool reached : {false, true}) {
    const World::Way way = reached ? World::Way::data_center : World::Way::documents;
    INFO("way " << static_cast<int>(way) << std::string(reached ? ", reached" : ", not yet"));
    World world(way);
    Object& data = plain_ticket(world, 91, R"(,"kind":"Task","status":"Open")").data.as_object();
    REQUIRE(world.run().status == Status::done);
    data["status"] = "In Progress";
    world.source->records[91].version = "2";
    // The mark says so already; the transition is before the first of the two points and behind the second.
    int points = 0;
    world.services.fault_point = [&](std::string_view point) {
      const bool moving = point.starts_with("POST") && point.ends_with("/transitions");
      if (moving && ++points == (reached ? 2 : 1)) throw SimulatedCrash{std::string(point)};
    };
    RunOptions options;
    options.mode = Mode::incremental;
    REQUIRE_FALSE(world.try_run(options));
    world.services.fault_point = nullptr;
    world.revive();
    REQUIRE(world.issue_of("91").at("status") == (reached ? "In Progress" : "Open"));
    REQUIRE(world.run(options).status == Status::done);
    CHECK(world.issue_of("91").at("status") == "In Progress");
    data["status"] = "Open";
    world.source->records[91].version = "3";
    REQUIRE(world.run(options).status == Status::done);
    CHECK(world.issue_of("91").at("status") == "Open");
  }
}

TEST_CASE("a label that somebody has removed stays away, until the source has it anew") {
  Delta delta;
  delta.world.as(World::ana, "PUT", "/issue/" + delta.key, parsed(R"({"update":{"labels":[{"remove":"printer"}]}})"));
  delta.data()["labels"] = Array{"printer", "in the office", "new"};
  delta.run("2");
  CHECK_FALSE(has_label(delta.issue(), "printer"));
  CHECK(has_label(delta.issue(), "new"));
  delta.data()["title"] = "Another title";
  delta.run("3");
  CHECK_FALSE(has_label(delta.issue(), "printer"));
  delta.data()["labels"] = Array{"new"};
  delta.run("4");
  delta.data()["labels"] = Array{"new", "printer"};
  delta.run("5");
  CHECK(has_label(delta.issue(), "printer"));
  CHECK_FALSE(has_label(delta.issue(), "in-the-office"));
}

TEST_CASE("an issue that was there before gets its labels, whenever the run dies") {
  const auto fill = [](World& world) {
    adopt(world, "7", "Was here");
    plain_ticket(world, 7, R"(,"labels":["new"])");
    world.death = Death();
  };
  World counter;
  fill(counter);
  REQUIRE(counter.run().status == Status::done);
  for (int at = 1; at <= counter.death.passed; ++at) {
    if (!testing_support::in_shard(at)) continue;
    World world;
    fill(world);
    world.death.at = at;
    REQUIRE_FALSE(world.try_run());
    world.revive();
    REQUIRE(world.run().status == Status::done);
    INFO("died at point " << at);
    REQUIRE(has_label(world.issue_of("7"), "new"));
  }
}

TEST_CASE("the mark of what is gone at the source goes when the item comes back") {
  for (const bool adopted : {false, true}) {
    INFO(std::string(adopted ? "adopted" : "made"));
    World world;
    std::string key;
    if (adopted) key = adopt(world, "7", "Was here");
    plain_ticket(world, 7);
    REQUIRE(world.run().status == Status::done);
    if (!adopted) key = world.key_of("7");
    world.config.vanished = "label";
    for (const char* version : {"2", "3"}) {
      Record& record = world.source->records[7];
      const Record before = record;
      record.deleted = true;
      record.version = std::string("gone ") + version;
      record.data = Object();
      REQUIRE(world.run(Mode::incremental).total().failed == 0);
      REQUIRE(has_label(world.issues().at(key), "gone-at-source"));
      record = before;
      record.version = version;
      const Report report = world.run(Mode::incremental);
      INFO(World::complaint(report));
      REQUIRE(report.status == Status::done);
      CHECK_FALSE(has_label(world.issues().at(key), "gone-at-source"));
    }
    if (!adopted) continue;
    REQUIRE_FALSE(world.run(Mode::rollback).fatal);
    CHECK(world.issues().at(key).at("labels") == Value(Array{"old"}));
  }
}
