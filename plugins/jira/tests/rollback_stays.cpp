// What a rollback cannot take back is named, and keeps nothing else from being taken back.
#include "delta.hpp"

using namespace jira_world;

namespace {

/// Others beside it, made before and behind it.
void beside(World& world) {
  for (const int id : {1, 2, 3, 20, 21, 22}) plain_ticket(world, id);
}

/// Of one ticket alone, and each names its issue.
void check_kept(const Report& report, const std::string& ticket, const std::string& issue) {
  CHECK_FALSE(report.fatal);
  REQUIRE_FALSE(report.rollback->kept.empty());
  for (const Finding& finding : report.rollback->kept) {
    CHECK(finding.record.id == ticket);
    CHECK(finding.message.find(issue) != std::string::npos);
  }
}

constexpr const char* with_picture =
    R"(,"images":[{"address":"https://x.test/1","blob":"shot"}],"description":{"$richText":{"format":"html",
    "text":"<p>a</p><p><img src='https://x.test/1'></p>"}})";

}  // namespace

TEST_CASE("a text that shows a file which is gone is left, and all else of the issue and of the others is taken back") {
  World world;
  const std::string key = adopt(world, "7", "Was here");
  const Value before = world.issues().at(key);
  beside(world);
  Record& record = plain_ticket(world, 7, with_picture);
  world.source->attach(record, "shot", "shot.png", "image/png", "pic");
  REQUIRE(world.run().status == Status::done);
  record.data.as_object()["description"] = "no picture";
  record.data.as_object()["title"] = "Another title";
  record.version = "2";
  REQUIRE(world.run(Mode::incremental).status == Status::done);
  for (const int time : {1, 2}) {
    const Report report = world.run(Mode::rollback);
    INFO(time << ": " << World::complaint(report));
    check_kept(report, "7", key);
    CHECK(report.rollback->kept.size() == 1);
    CHECK(report.rollback->kept[0].message.find("description") != std::string::npos);
    CHECK(world.issues().size() == 1);
    // The first edit has had nothing in its way.
    for (const char* part : {"fields", "labels", "attachments", "comments", "properties"})
      CHECK(print(world.issues().at(key).at(part)) == print(before.at(part)));
  }
}

TEST_CASE("an issue that refuses edits is named, and the others are taken back") {
  World world(World::Way::documents, R"({"read_only_statuses":["Closed"]})");
  const std::string key = adopt(world, "7", "Was here");
  beside(world);
  plain_ticket(world, 7, R"(,"status":"Closed","description":"x")");
  Tickets::link(world.source->records[7], "relates", "1");
  REQUIRE(world.run().status == Status::done);
  for (const int time : {1, 2}) {
    const Report report = world.run(Mode::rollback);
    INFO(time << ": " << World::complaint(report));
    check_kept(report, "7", key);
    CHECK(world.issues().size() == 1);
  }
  // Once somebody has moved it out of there it is given back.
  const std::string path = "/issue/" + key + "/transitions";
  const Value exits = world.as(World::ana, "GET", path).json();
  world.as(World::ana, "POST", path, object("transition", object("id", exits.at("transitions").at(0).at("id"))));
  world.run(Mode::rollback);
  const Value after = world.issues().at(key);
  CHECK(after.at("fields").at("summary") == "Was here");
  CHECK(after.at("labels") == Value(Array{"old"}));
}

TEST_CASE("an issue that was there before and that somebody has deleted since is in nobody's way") {
  for (const World::Way way : {World::Way::documents, World::Way::data_center}) {
    INFO("way " << static_cast<int>(way));
    World world(way);
    const std::string key = adopt(world, "81", "Was here");
    beside(world);
    rich_ticket(world, 81);
    Tickets::link(world.source->records[81], "relates", "1");
    REQUIRE(world.run().status == Status::done);
    world.as(World::ana, "DELETE", "/issue/" + key);
    const Report report = world.run(Mode::rollback);
    INFO(World::complaint(report));
    CHECK_FALSE(report.fatal);
    CHECK(report.rollback->kept.empty());
    CHECK(world.issues().empty());
  }
}

TEST_CASE("of an issue that was there before a person's field stays, and the others are given back") {
  World world;
  const std::string key = adopt(world, "7", "Was here");
  const Value before = world.issues().at(key);
  plain_ticket(world, 7, R"(,"priority":"High","due":"2024-03-01")");
  REQUIRE(world.run().status == Status::done);
  world.as(World::ana, "PUT", "/issue/" + key, parsed(R"({"fields":{"summary":"Hers"}})"));
  const Report report = world.run(Mode::rollback);
  INFO(World::complaint(report));
  check_kept(report, "7", key);
  const Value after = world.issues().at(key);
  CHECK(after.at("fields").at("summary") == "Hers");
  for (const char* field : {"priority", "duedate"})
    CHECK(after.at("fields").at(field) == before.at("fields").at(field));
}

TEST_CASE("a run instead of the rest of a rollback brings an issue that was there before up to date again") {
  const auto fill = [](World& world) {
    const std::string key = adopt(world, "7", "Was here");
    Record& record = plain_ticket(world, 7, R"(,"priority":"High","labels":["new"])");
    REQUIRE(world.run().status == Status::done);
    record.data.as_object()["title"] = "Another title";
    record.version = "2";
    REQUIRE(world.run(Mode::incremental).status == Status::done);
    world.death = Death();
    return key;
  };
  World counter;
  const std::string key = fill(counter);
  const Value whole = counter.issues().at(key);
  counter.run(Mode::rollback);
  const int points = counter.death.passed;
  REQUIRE(points > 5);
  RunOptions options;
  options.mode = Mode::rollback;
  for (int at = 1; at <= points; ++at) {
    if (!testing_support::in_shard(at)) continue;
    World world;
    fill(world);
    world.death.at = at;
    world.try_run(options);
    const std::string point = world.death.points.back();
    world.revive();
    INFO("died at point " << at << ": " << point);
    const Report report = world.run();
    INFO(World::complaint(report));
    REQUIRE(report.status == Status::done);
    for (const char* part : {"fields", "labels"})
      REQUIRE(print(world.issues().at(key).at(part)) == print(whole.at(part)));
  }
}

TEST_CASE("what somebody without an account has done keeps an issue") {
  for (const World::Way way : {World::Way::documents, World::Way::data_center}) {
    for (const std::string what : {"none", "comment", "file", "time", "field"}) {
      INFO("way " << static_cast<int>(way) << ", " << what);
      World world(way, R"({"anonymous_access":true})");
      rich_ticket(world, 81);
      REQUIRE(world.run().status == Status::done);
      const std::string key = world.key_of("81"), issue = "/issue/" + key;
      if (what == "comment")
        world.as(World::nobody, "POST", issue + "/comment", object("body", world.body_of("Me too")));
      if (what == "file") world.upload_as(World::nobody, key, "mine.txt", "mine");
      if (what == "time") world.as(World::nobody, "POST", issue + "/worklog", object("timeSpentSeconds", 600));
      if (what == "field") world.as(World::nobody, "PUT", issue, parsed(R"({"fields":{"summary":"Mine"}})"));
      const Report report = world.run(Mode::rollback);
      INFO(World::complaint(report));
      if (what == "none") {
        CHECK(report.rollback->kept.empty());
        CHECK(world.issues().empty());
        continue;
      }
      check_kept(report, "81", key);
      CHECK(world.issues().contains(key));
    }
  }
}

namespace {

/// An issue of somebody's that was brought up to date, and a change of its item that takes something of it away.
struct Adopted {
  World world;
  std::string key;
  Value before;
  explicit Adopted(const std::string& what) {
    key = adopt(world, "7", "Was here");
    before = world.issues().at(key);
    world.config.text_limit = 3000;
    Record& record = plain_ticket(world, 7, with_picture);
    world.source->attach(record, "shot", "shot.png", "image/png", "pic");
    world.source->attach(record, "file", "log.txt", "text/plain", "lines");
    Object& data = record.data.as_object();
    data["comments"] = parsed(R"([{"id":"11","created":"2024-01-01T00:00:00Z","body":"hello","blobs":["file"]}])");
    Object& comment = data["comments"].as_array()[0].as_object();
    if (what == "parts") {
      std::string html;
      for (int i = 0; i < 9; ++i) html += "<p>" + std::string(900, 'a') + "</p>";
      comment["internal"] = true;
      comment["body"] = parsed(R"({"$richText":{"format":"html","text":")" + html + "\"}}");
    }
    REQUIRE(world.run().status == Status::done);
    if (what == "hidden" || what == "file") comment["internal"] = true;
    if (what == "file") world.config.internal_files = "leave_out";
    if (what == "picture") data["description"] = "no picture";
    if (what == "parts") {
      comment["body"] = "short";
      comment["updated"] = "2024-05-01T00:00:00Z";
    }
    record.version = "2";
    world.death = Death();
  }
};

}  // namespace

TEST_CASE(
    "what a delta run was about to take away from an issue that was there before is taken back, wherever it dies") {
  RunOptions options;
  options.mode = Mode::incremental;
  for (const std::string what : {"hidden", "file", "picture", "parts"}) {
    Adopted counter(what);
    REQUIRE(counter.world.run(options).status == Status::done);
    const int points = counter.world.death.passed;
    REQUIRE(points > 5);
    for (int at = 1; at <= points; ++at) {
      if (!testing_support::in_shard(at)) continue;
      Adopted adopted(what);
      adopted.world.death.at = at;
      REQUIRE_FALSE(adopted.world.try_run(options));
      const std::string point = adopted.world.death.points.back();
      adopted.world.revive();
      const Report report = adopted.world.run(Mode::rollback);
      INFO(what << ": died at point " << at << ": " << point << "; " << World::complaint(report));
      REQUIRE_FALSE(report.fatal);
      // A former text whose picture is gone is named; the one before it stands there again.
      if (what != "picture") REQUIRE(report.rollback->kept.empty());
      const Value after = adopted.world.issues().at(adopted.key);
      for (const char* part : {"fields", "labels", "attachments", "comments", "properties"})
        REQUIRE(print(after.at(part)) == print(adopted.before.at(part)));
    }
  }
}
