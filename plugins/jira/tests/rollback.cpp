// What was made is taken back; what a person has touched stays, complete.
#include "shard.hpp"
#include "tickets.hpp"

using namespace jira_world;

namespace {

std::vector<std::string> left(const World& world) {
  std::vector<std::string> titles;
  for (const auto& issue : world.issues()) titles.emplace_back(issue.value().at("fields").at("summary").as_string());
  return titles;
}

/// What no check can know: Jira takes no time entry, which is the last of what an issue gets.
void refuse_time(World& world) {
  testing::FaultPlan plan;
  testing::Fault fault;
  fault.kind = testing::Fault::Kind::status;
  fault.status = 400;
  fault.method = "POST";
  fault.path = "/worklog$";
  fault.nth = 0;
  plan.faults.push_back(fault);
  world.host->set_faults(plan);
}

void wait_for(awaitable<void> work) {
  boost::asio::io_context context;
  std::exception_ptr trouble;
  boost::asio::co_spawn(context, std::move(work), [&](std::exception_ptr failure) { trouble = failure; });
  context.run();
  if (trouble) std::rethrow_exception(trouble);
}

Orphans orphans_of(World& world) {
  Orphans orphans;
  const auto look = [&]() -> awaitable<void> { orphans = co_await find_orphans(world.pipeline()); };
  wait_for(look());
  return orphans;
}

/// The cause of the refusal when the creation of this issue is taken back; empty: it was.
std::string undone(World& world, const std::string& issue, const std::string& key) {
  Receipt receipt;
  receipt.step = "create";
  receipt.target_id = issue;
  receipt.key = key;
  const auto undo = [&]() -> awaitable<void> {
    const std::shared_ptr<Sink> sink = world.pipeline().sink;
    co_await sink->as_items()->undo(receipt);
  };
  try {
    wait_for(undo());
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::conflict);
    return error.cause;
  }
  return {};
}

/// A rollback of the family dies at each point; `then` is what comes after, and hears how Jira was before it.
void rollback_dies(const std::function<void(World&, const std::string& whole)>& then) {
  World counter;
  family(counter);
  REQUIRE(counter.run().status == Status::done);
  const std::string whole = print(counter.masked());
  const int before = counter.death.passed;
  counter.run(Mode::rollback);
  const int points = counter.death.passed - before;
  REQUIRE(points > 10);
  RunOptions options;
  options.mode = Mode::rollback;
  for (int at = 1; at <= points; ++at) {
    if (!testing_support::in_shard(at)) continue;
    World world;
    family(world);
    REQUIRE(world.run().status == Status::done);
    world.death = Death();
    world.death.at = at;
    world.try_run(options);
    INFO("died at point " << at << ": " << (world.death.points.empty() ? "" : world.death.points.back()));
    world.revive();
    then(world, whole);
  }
}

}  // namespace

TEST_CASE("a rollback leaves nothing, and twice is success") {
  for (const World::Way way : {World::Way::documents, World::Way::markup, World::Way::data_center}) {
    World world(way);
    family(world);
    REQUIRE(world.run().status == Status::done);
    const Report report = world.run(Mode::rollback);
    INFO(World::complaint(report));
    CHECK_FALSE(report.fatal);
    CHECK(left(world).empty());
    CHECK(report.rollback->kept.empty());
    CHECK_FALSE(world.run(Mode::rollback).fatal);
    // And everything can be done again.
    REQUIRE(world.run().status == Status::done);
    CHECK(left(world).size() == 4);
  }
}

TEST_CASE("an issue that somebody has touched stays whole, and is named") {
  const std::string path = "/issue/{}";
  for (const char* touch : {"comment", "file", "time", "field", "status", "child"}) {
    World world;
    family(world);
    REQUIRE(world.run().status == Status::done);
    const std::string key = world.key_of("81");
    const Value before = world.issue_of("81");
    const std::string what = touch;
    if (what == "comment")
      world.as(
          World::ana, "POST", "/issue/" + key + "/comment",
          parsed(
              R"({"body":{"type":"doc","version":1,"content":[{"type":"paragraph","content":[{"type":"text","text":"Thanks"}]}]}})"));
    if (what == "file") world.upload_as(World::ana, key, "mine.txt", "mine");
    if (what == "time")
      world.as(World::ana, "POST", "/issue/" + key + "/worklog", parsed(R"({"timeSpentSeconds":600})"));
    if (what == "field")
      world.as(World::ana, "PUT", "/issue/" + key, parsed(R"({"fields":{"summary":"Printer 81, again"}})"));
    if (what == "status") {
      const Value open = world.as(World::ana, "GET", "/issue/" + key + "/transitions").json();
      world.as(World::ana, "POST", "/issue/" + key + "/transitions",
               object("transition", object("id", open.at("transitions").at(0).at("id"))));
    }
    if (what == "child")
      world.as(World::ana, "POST", "/issue",
               parsed(fmt::format(
                   R"({{"fields":{{"project":{{"key":"OPS"}},"issuetype":{{"name":"Sub-task"}},"summary":"Hers",
                 "parent":{{"key":"{}"}}}}}})",
                   key)));
    const Report report = world.run(Mode::rollback);
    INFO(what << "; " << World::complaint(report));
    CHECK_FALSE(report.fatal);
    REQUIRE(report.rollback->kept.size() == 1);
    CHECK(report.rollback->kept[0].record.id == "81");
    CHECK(report.rollback->kept[0].message.find(key) != std::string::npos);
    CHECK(left(world).size() == (what == "child" ? 2 : 1));
    const Value after = world.issue_of("81");
    REQUIRE(after.is_object());
    CHECK(after.at("comments").as_array().size() ==
          before.at("comments").as_array().size() + (what == "comment" ? 1 : 0));
    CHECK(after.at("attachments").as_array().size() ==
          before.at("attachments").as_array().size() + (what == "file" ? 1 : 0));
  }
}

TEST_CASE("what somebody has done stays, also beyond what an issue shows of its lists") {
  for (const World::Way way : {World::Way::documents, World::Way::data_center}) {
    for (const std::string what : {"none", "comment", "worklog"}) {
      INFO("way " << static_cast<int>(way) << ", " << what);
      World world(way);
      Object& data = plain_ticket(world, 91).data.as_object();
      Array comments, entries;
      for (int i = 0; i < 105; ++i)
        comments.push_back(
            parsed(fmt::format(R"({{"id":"{}","created":"2024-01-01T00:00:00Z","body":"a"}})", 9100 + i)));
      for (int i = 0; i < 25; ++i)
        entries.push_back(
            parsed(fmt::format(R"({{"id":"{}","started":"2024-01-01T00:00:00Z","seconds":{}}})", i, 600 + 60 * i)));
      data["comments"] = std::move(comments);
      data["worklogs"] = std::move(entries);
      REQUIRE(world.run().status == Status::done);
      const std::string issue = "/issue/" + world.key_of("91");
      if (what == "comment") world.as(World::ana, "POST", issue + "/comment", object("body", world.body_of("Thanks")));
      if (what == "worklog") world.as(World::ana, "POST", issue + "/worklog", object("timeSpentSeconds", 600));
      const Report report = world.run(Mode::rollback);
      INFO(World::complaint(report));
      CHECK(left(world).size() == (what == "none" ? 0 : 1));
      CHECK(report.rollback->kept.size() == (what == "none" ? 0 : 1));
    }
  }
}

TEST_CASE("a sub-task that stays keeps its parent, whoever has made it") {
  for (const World::Way way : {World::Way::documents, World::Way::data_center}) {
    for (const std::string what : {"none", "touched", "clone"}) {
      INFO("way " << static_cast<int>(way) << ", " << what);
      World world(way);
      plain_ticket(world, 91, R"(,"kind":"Task")");
      REQUIRE(world.run().status == Status::done);
      plain_ticket(world, 92, R"(,"kind":"Sub-task")");
      Tickets::link(world.source->records[92], "parent", "91");
      REQUIRE(world.run(Mode::incremental).status == Status::done);
      const std::string parent = world.key_of("91"), child = world.key_of("92");
      if (what == "touched") world.as(World::ana, "PUT", "/issue/" + child, parsed(R"({"fields":{"summary":"Hers"}})"));
      if (what == "clone") {
        Object fields =
            parsed(R"({"project":{"key":"OPS"},"issuetype":{"name":"Sub-task"},"summary":"A clone"})").as_object();
        fields.emplace("labels", world.issue_of("92").at("labels"));
        fields.emplace("parent", object("key", parent));
        world.as(World::ana, "POST", "/issue", object("fields", std::move(fields)));
      }
      const Report report = world.run(Mode::rollback);
      INFO(World::complaint(report));
      CHECK_FALSE(report.fatal);
      CHECK(left(world).size() == (what == "none" ? 0 : 2));
      CHECK(world.issues().contains(parent) == (what != "none"));
      CHECK(world.issues().contains(child) == (what == "touched"));
      CHECK(report.rollback->kept.size() == (what == "none" ? 0 : what == "touched" ? 2 : 1));
    }
  }
}

TEST_CASE("without the right to delete, an issue stays and is named") {
  World world(World::Way::documents, R"({"denied_permissions":["DELETE_ISSUES"]})");
  family(world);
  RunOptions options;
  const Report refused = world.run(options);
  CHECK(refused.status == Status::preflight_failed);
  CHECK(left(world).empty());
}

TEST_CASE("an item that cannot be completed is taken back, whatever happens meanwhile") {
  const auto fill = [](World& world) {
    family(world);
    refuse_time(world);
  };
  World undisturbed;
  fill(undisturbed);
  const Report report = undisturbed.run();
  CHECK(report.types.at("tickets").failed == 1);
  CHECK(undisturbed.issue_of("81").is_null());
  const std::string expected = print(undisturbed.masked());
  for (int at = 1; at <= undisturbed.death.passed; ++at) {
    if (!testing_support::in_shard(at)) continue;
    World world;
    fill(world);
    world.death.at = at;
    REQUIRE_FALSE(world.try_run());
    const std::string point = world.death.points.back();
    world.revive();
    refuse_time(world);
    const Report again = world.run();
    INFO("died at point " << at << ": " << point << "; " << World::complaint(again));
    REQUIRE(again.status == Status::done_with_failures);
    REQUIRE(print(world.masked()) == expected);
  }
}

TEST_CASE("an item whose taking back was cut short arrives once, when what was wrong is put right") {
  World right;
  family(right);
  REQUIRE(right.run().status == Status::done);
  const std::string expected = print(right.masked());
  const auto fill = [](World& world) {
    family(world);
    refuse_time(world);
  };
  World counter;
  fill(counter);
  REQUIRE(counter.run().total().failed == 1);
  for (int at = 1; at <= counter.death.passed; ++at) {
    if (!testing_support::in_shard(at)) continue;
    World world;
    fill(world);
    world.death.at = at;
    REQUIRE_FALSE(world.try_run());
    const std::string point = world.death.points.back();
    world.revive();
    world.run();
    const Report report = world.run(Mode::retry);
    INFO("died at point " << at << ": " << point << "; " << World::complaint(report));
    REQUIRE(report.status == Status::done);
    REQUIRE(print(world.masked()) == expected);
  }
}

TEST_CASE("an issue that a rollback has left is not filled a second time by the next run") {
  for (const World::Way way : {World::Way::documents, World::Way::markup, World::Way::data_center}) {
    World world(way);
    family(world);
    REQUIRE(world.run().status == Status::done);
    const std::string key = world.key_of("81");
    world.as(World::ana, "POST", "/issue/" + key + "/comment", object("body", world.body_of("Thanks")));
    REQUIRE(world.run(Mode::rollback).rollback->kept.size() == 1);
    const Value before = world.issue_of("81");
    const Report report = world.run();
    INFO(World::complaint(report));
    REQUIRE(report.status == Status::done);
    const Value after = world.issue_of("81");
    CHECK(after.at("key") == Value(key));
    for (const char* list : {"comments", "attachments", "worklogs", "remoteLinks"})
      CHECK(after.at(list).as_array().size() == before.at(list).as_array().size());
    CHECK(world.issues().size() == 4);
  }
}

TEST_CASE("a rollback that dies is gone on with") {
  rollback_dies([](World& world, const std::string&) {
    const Report report = world.run(Mode::rollback);
    INFO(World::complaint(report));
    REQUIRE_FALSE(report.fatal);
    REQUIRE(left(world).empty());
  });
}

TEST_CASE("a run instead of a rollback that died makes everything whole") {
  rollback_dies([](World& world, const std::string& whole) {
    const Report report = world.run();
    INFO(World::complaint(report));
    REQUIRE(report.status == Status::done);
    REQUIRE(print(world.masked()) == whole);
  });
}

TEST_CASE("orphans: what the target has and the journal does not know") {
  for (const World::Way way : {World::Way::documents, World::Way::markup, World::Way::data_center}) {
    INFO("way " << static_cast<int>(way));
    World world(way);
    family(world);
    REQUIRE(world.run().status == Status::done);
    Orphans orphans = orphans_of(world);
    CHECK(orphans.known == 4);
    CHECK(orphans.unknown.empty());
    world.as(World::self, "DELETE", "/issue/" + world.key_of("84"));
    orphans = orphans_of(world);
    CHECK(orphans.known == 3);
    REQUIRE(orphans.missing.size() == 1);
    CHECK(orphans.missing[0].first.id == "84");
    // A state that was lost: all of them are its own, and of an older version's, which does not tell, all are orphans,
    // with all that is needed to take them back.
    world.store = make_memory_store(world.services);
    CHECK(orphans_of(world).foreign.size() == 3);
    for (const auto& issue : world.issues()) {
      Value mark = issue.value().at("properties").at("migration");
      mark.as_object().erase("state");
      world.as(World::self, "PUT", fmt::format("/issue/{}/properties/migration", std::string_view(issue.key())), mark);
    }
    orphans = orphans_of(world);
    CHECK(orphans.foreign.empty());
    REQUIRE(orphans.unknown.size() == 3);
    CHECK(orphans.unknown[0].key == "freshdesk-to-jira/tickets/81/create");
    CHECK(orphans.unknown[0].title == "Printer 81 is down");
    std::uint64_t removed = 0;
    const auto remove = [&]() -> awaitable<void> {
      removed = co_await remove_orphans(world.pipeline(), orphans.unknown, [](const Marked&, const Error&) {});
    };
    wait_for(remove());
    CHECK(removed == 3);
    CHECK(left(world).empty());
  }
}

TEST_CASE("orphans: a project that got another key has none") {
  for (const World::Way way : {World::Way::documents, World::Way::data_center}) {
    INFO("way " << static_cast<int>(way));
    World world(way);
    family(world);
    REQUIRE(world.run().status == Status::done);
    const std::string gone = world.key_of("84"), moved = world.key_of("81");
    world.as(World::self, "DELETE", "/issue/" + gone);
    world.as(World::self, "PUT", "/project/OPS", object("key", "HELP"));
    plain_ticket(world, 85);
    REQUIRE(world.run(Mode::incremental).status == Status::done);
    const std::string present = world.key_of("81");
    CHECK(present == "HELP" + moved.substr(3));
    const Orphans orphans = orphans_of(world);
    CHECK(orphans.known == 4);
    CHECK(orphans.unknown.empty());
    REQUIRE(orphans.missing.size() == 1);
    CHECK(orphans.missing[0].first.id == "84");
    std::vector<std::string> called;
    std::vector<bool> there;
    const auto ask = [&]() -> awaitable<void> {
      const std::shared_ptr<Sink> sink = world.pipeline().sink;
      std::vector<std::string> ids{moved, gone, present};
      called = co_await sink->as_items()->present_ids(ids);
      there = co_await sink->as_items()->exist(ids);
    };
    wait_for(ask());
    CHECK(called == std::vector<std::string>{present, "", present});
    CHECK(there == std::vector<bool>{true, false, true});
    // Nor is one taken for an orphan that was found before.
    Marked marked;
    marked.key = "freshdesk-to-jira/tickets/81/create";
    marked.target_id = present;
    std::vector<Marked> all;
    all.push_back(std::move(marked));
    std::uint64_t removed = 0;
    std::size_t kept = 0;
    const auto remove = [&]() -> awaitable<void> {
      removed = co_await remove_orphans(world.pipeline(), all, [&](const Marked&, const Error&) { ++kept; });
    };
    wait_for(remove());
    CHECK(removed == 0);
    CHECK(kept == 1);
    CHECK(left(world).size() == 4);
  }
}

TEST_CASE("what this migration has not made is not deleted, whatever it looks like") {
  for (const World::Way way : {World::Way::documents, World::Way::markup, World::Way::data_center}) {
    INFO("way " << static_cast<int>(way));
    World world(way);
    plain_ticket(world, 7);
    adopt(world, "7", "Was here");
    plain_ticket(world, 8);
    REQUIRE(world.run().status == Status::done);
    const Value made = world.issue_of("8");
    // A clone has the labels of its issue; one that somebody has given the property too is still not the account's.
    Object fields = parsed(R"({"project":{"key":"OPS"},"issuetype":{"name":"Task"},"summary":"A clone"})").as_object();
    fields.emplace("labels", made.at("labels"));
    Object body = object("fields", fields);
    const Value clone = world.as(World::ana, "POST", "/issue", body).json();
    body.emplace("properties", parsed(R"([{"key":"migration","value":{"key":"freshdesk-to-jira/tickets/8/create"}}])"));
    const Value forged = world.as(World::ana, "POST", "/issue", body).json();
    const std::string key = "freshdesk-to-jira/tickets/8/create";
    const std::string adopted(world.issue_of("7").at("key").as_string());
    for (const std::string& issue :
         {std::string(clone.at("key").as_string()), std::string(forged.at("key").as_string()), adopted}) {
      CHECK(undone(world, issue, key) == "not_ours");
      CHECK(undone(world, issue, "") == "not_ours");
    }
    CHECK(undone(world, adopted, "freshdesk-to-jira/tickets/7/create") == "not_ours");
    CHECK(undone(world, adopted, "freshdesk-to-jira/tickets/7/adopt") == "not_ours");
    CHECK(left(world).size() == 4);
    CHECK(undone(world, std::string(made.at("key").as_string()), key).empty());
    CHECK(left(world).size() == 3);
  }
}

TEST_CASE("orphans: an adopted issue is known by the step that has marked it") {
  World world;
  plain_ticket(world, 7);
  adopt(world, "7", "Was here");
  REQUIRE(world.run().status == Status::done);
  const Orphans orphans = orphans_of(world);
  CHECK(orphans.known == 1);
  CHECK(orphans.unknown.empty());
  std::vector<std::string> keys;
  const auto look = [&]() -> awaitable<void> {
    const std::shared_ptr<Sink> sink = world.pipeline().sink;
    std::function<void(const Marked&)> each = [&](const Marked& marked) { keys.push_back(marked.key); };
    co_await sink->as_items()->for_each_marked("freshdesk-to-jira", world.services.clock->now(), each);
  };
  wait_for(look());
  CHECK(keys == std::vector<std::string>{"freshdesk-to-jira/tickets/7/adopt"});
}

TEST_CASE("links and parents that were there before come through a rollback, whenever the run dies") {
  const auto fill = [](World& world) {
    const Value first = world
                            .as(World::ana, "POST", "/issue", parsed(R"({"fields":{"project":{"key":"OPS"},
        "issuetype":{"name":"Epic"},"summary":"Her epic"}})"))
                            .json();
    const std::string key = adopt(world, "7", "Was here", object("parent", object("key", first.at("key"))));
    const std::string other = adopt(world, "8", "Was here too");
    // The issue that is sent as inwardIssue does what the outward phrase says.
    for (const char* type : {"Relates", "Blocks"}) {
      Object link = object("type", object("name", type));
      const bool back = std::string(type) == "Blocks";
      link.emplace("inwardIssue", object("key", back ? other : key));
      link.emplace("outwardIssue", object("key", back ? key : other));
      world.as(World::ana, "POST", "/issueLink", link);
    }
    plain_ticket(world, 5, R"(,"kind":"Epic")");
    plain_ticket(world, 7);
    plain_ticket(world, 8);
    for (const char* relation : {"relates", "blocks"}) Tickets::link(world.source->records[7], relation, "8");
    Tickets::link(world.source->records[7], "parent", "5");
    world.death = Death();
    return key;
  };
  World counter;
  const std::string adopted = fill(counter);
  REQUIRE(counter.run().status == Status::done);
  CHECK(counter.issues().at(adopted).at("links").as_array().size() == 3);
  CHECK(counter.issues().at(adopted).at("parent") == Value(counter.key_of("5")));
  const int points = counter.death.passed;
  for (const bool resumed : {true, false}) {
    for (int at = 1; at <= points + 1; ++at) {
      if (!testing_support::in_shard(at)) continue;
      World world;
      const std::string key = fill(world);
      const Value before = world.issues().at(key);
      world.death.at = at;
      REQUIRE(world.try_run().has_value() == (at > points));
      world.revive();
      if (resumed) REQUIRE(world.run().status == Status::done);
      const Report back = world.run(Mode::rollback);
      INFO("died at point " << at << std::string(resumed ? ", resumed; " : "; ") << World::complaint(back));
      CHECK(back.rollback->kept.empty());
      Value after = world.issues().at(key);
      after.as_object()["updated"] = before.at("updated");
      REQUIRE(print(after) == print(before));
    }
  }
}
