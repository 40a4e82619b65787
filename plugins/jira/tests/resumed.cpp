// Items that change between the death of a run, or the failure of an item, and the next attempt: what the source has by
// then arrives.
#include "delta.hpp"

using namespace jira_world;

namespace {

/// Another version of the rich ticket, in all that an issue says.
void change(World& world) {
  Record& record = world.source->records[81];
  Object& data = record.data.as_object();
  data["title"] = "Printer 81 is fixed";
  data["priority"] = "Low";
  data["status"] = "In Progress";
  data["labels"] = Array{"new"};
  data["description"] =
      parsed(R"({"$richText":{"format":"html","text":"<p>It hums</p><p><img src='https://x.test/81'></p>"}})");
  Object& note = data["comments"].as_array()[0].as_object();
  note["body"] = "It is very old";
  note["updated"] = "2024-02-03T00:00:00Z";
  record.version = "2";
}

void hide(World& world) {
  Record& record = world.source->records[81];
  record.data.as_object()["comments"].as_array()[1].as_object()["internal"] = true;
  record.version = "2";
}

std::size_t public_comments(const Value& issue) {
  std::size_t open = 0;
  for (const Value& each : issue.at("comments").as_array())
    open += each.at("internal") != true && each.at("visibility").is_null() ? 1 : 0;
  return open;
}

/// All but the order of comments: one that was made anew stands behind the others.
std::string difference(World& world) {
  const Report proof = world.run(Mode::verify, VerifyLevel::comprehensive);
  for (const Finding& finding : proof.verification->examples)
    if (finding.field != "comments") return World::complaint(proof);
  return {};
}

/// Whether the ticket was done before the run died: what changes after that is the next delta run's.
bool settled(World& world) {
  boost::asio::io_context context;
  bool done = false;
  const auto look = [&]() -> awaitable<void> {
    const std::vector<Entry> outcomes = co_await world.store->scan(Table::outcome, "", "", 1);
    done = !outcomes.empty();
  };
  boost::asio::co_spawn(context, look(), [](std::exception_ptr) {});
  context.run();
  return done;
}

/// A ticket whose run has died at a point, which is alive again.
std::unique_ptr<World> died(World::Way way, int at) {
  auto world = std::make_unique<World>(way);
  rich_ticket(*world);
  world->death.at = at;
  REQUIRE_FALSE(world->try_run());
  world->revive();
  return world;
}

/// How many points there are before the ticket is done.
int points_of(World::Way way) {
  for (int at = 1;; ++at)
    if (settled(*died(way, at))) return at - 1;
}

}  // namespace

TEST_CASE("an item that changed between a death and the restart arrives as it is by then") {
  for (const World::Way way : {World::Way::documents, World::Way::markup, World::Way::data_center}) {
    const int points = points_of(way);
    REQUIRE(points > 40);
    for (int at = 1; at <= points; ++at) {
      if (!testing_support::in_shard(at)) continue;
      const std::unique_ptr<World> world = died(way, at);
      change(*world);
      const Report report = world->run();
      INFO("way " << static_cast<int>(way) << ", died at point " << at << "; " << World::complaint(report));
      REQUIRE(report.status == Status::done);
      REQUIRE(difference(*world) == "");
      REQUIRE(world->issues().size() == 1);
      REQUIRE(world->issue_of("81").at("comments").as_array().size() == 2);
    }
  }
}

TEST_CASE("a comment that became internal between a death and the restart is not left public") {
  for (const World::Way way : {World::Way::documents, World::Way::data_center}) {
    const int points = points_of(way);
    for (int at = 1; at <= points; ++at) {
      if (!testing_support::in_shard(at)) continue;
      const std::unique_ptr<World> world = died(way, at);
      hide(*world);
      const Report report = world->run();
      INFO("way " << static_cast<int>(way) << ", died at point " << at << "; " << World::complaint(report));
      REQUIRE(report.status == Status::done);
      const Value issue = world->issue_of("81");
      REQUIRE(public_comments(issue) == 0);
      REQUIRE(issue.at("comments").as_array().size() == 2);
      REQUIRE(issue.at("attachments").as_array().size() == 2);
      REQUIRE(difference(*world) == "");
    }
  }
}

TEST_CASE("the run that brings the newer version may die as well") {
  for (const int first : {points_of(World::Way::documents) / 2, points_of(World::Way::documents)}) {
    for (int at = 1;; ++at) {
      const std::unique_ptr<World> world = died(World::Way::documents, first);
      change(*world);
      hide(*world);
      world->death.at = at;
      const bool undisturbed = world->try_run().has_value();
      world->revive();
      const Report report = world->run();
      INFO("died at points " << first << " and " << at << "; " << World::complaint(report));
      REQUIRE(report.status == Status::done);
      REQUIRE(difference(*world) == "");
      REQUIRE(public_comments(world->issue_of("81")) == 0);
      REQUIRE(world->issue_of("81").at("comments").as_array().size() == 2);
      if (undisturbed) break;
    }
  }
}

TEST_CASE("what a person has changed between a death and the restart stays, and is told") {
  const std::unique_ptr<World> world = died(World::Way::documents, points_of(World::Way::documents) / 2);
  const std::string issue = "/issue/" + world->key_of("81");
  world->as(World::ana, "PUT", issue, parsed(R"({"fields":{"summary":"Hers"}})"));
  world->as(World::ana, "PUT", issue, object("fields", object("description", world->body_of("Hers too"))));
  const Value exits = world->as(World::ana, "GET", issue + "/transitions").json();
  for (const Value& each : exits.at("transitions").as_array())
    if (each.at("to").at("name") == "In Progress")
      world->as(World::ana, "POST", issue + "/transitions", object("transition", object("id", each.at("id"))));
  change(*world);
  world->source->records[81].data.as_object()["status"] = "Resolved";
  const Report report = world->run();
  INFO(World::complaint(report));
  REQUIRE(report.status == Status::done);
  CHECK(warned(report, "changed_on_both_sides") == 3);
  const Value after = world->issue_of("81");
  CHECK(after.at("fields").at("summary") == "Hers");
  CHECK(print(after.at("fields").at("description")).find("Hers too") != std::string::npos);
  CHECK(after.at("status") == "In Progress");
  CHECK(after.at("fields").at("priority") == "Low");
  CHECK_FALSE(has_label(after, "migration-incomplete"));
}

TEST_CASE("an item that failed, was left because of a person, and has changed since arrives as it is by then") {
  World world;
  rich_ticket(world);
  testing::FaultPlan plan;
  testing::Fault fault;
  fault.kind = testing::Fault::Kind::status;
  fault.status = 400;
  fault.method = "POST";
  fault.path = "/worklog$";
  plan.faults.push_back(fault);
  world.host->set_faults(plan);
  bool commented = false;
  world.host->observe([&](const Value& exchange) {
    const std::string url(exchange.at("url").as_string());
    if (commented || exchange.at("method") != "POST" || url.find("/comment") == std::string::npos) return;
    commented = true;
    const std::string key = url.substr(url.find("OPS-"), url.find("/comment") - url.find("OPS-"));
    world.as(World::ana, "POST", "/issue/" + key + "/comment", object("body", world.body_of("Hers")));
  });
  const Report failed = world.run();
  INFO(World::complaint(failed));
  REQUIRE(failed.total().failed == 1);
  REQUIRE(world.issues().size() == 1);
  world.revive();
  change(world);
  const Report report = world.run(Mode::retry);
  INFO(World::complaint(report));
  REQUIRE(report.status == Status::done);
  CHECK(difference(world) == "");
  CHECK(world.issue_of("81").at("comments").as_array().size() == 3);
}
