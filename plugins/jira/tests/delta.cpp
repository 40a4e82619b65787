// Delta runs: what changed at the source arrives, what people changed in Jira stays.
#include "delta.hpp"

using namespace jira_world;

TEST_CASE("nothing has changed: nothing is written") {
  Delta delta;
  const auto writes = delta.world.host->counters().writes;
  const Value before = delta.world.jira->state();
  delta.run("1");
  delta.run("2");  // the source says that it has, but it has not
  CHECK(print(delta.world.jira->state()) == print(before));
  CHECK(delta.world.host->counters().writes == writes);
}

TEST_CASE("fields, labels, status, comments and files that have changed arrive") {
  for (const World::Way way : {World::Way::documents, World::Way::markup, World::Way::data_center}) {
    Delta delta(way);
    delta.data()["title"] = "Printer 81 is fixed";
    delta.data()["priority"] = "Low";
    delta.data()["status"] = "Open";
    delta.data()["due"] = nullptr;
    delta.data()["labels"] = Array{"printer", "new"};
    delta.data()["description"] =
        parsed(R"({"$richText":{"format":"html","text":"<p>It hums</p><p><img src='https://x.test/81'></p>"}})");
    delta.data()["comments"].as_array().push_back(
        parsed(R"({"id":"8103","created":"2024-02-02T10:00:00Z","body":"Thanks","blobs":["more"]})"));
    delta.world.source->attach(delta.world.source->records[81], "more", "more.txt", "text/plain", "more lines");
    const Report report = delta.run("2");
    CHECK(report.types.at("tickets").written == 1);
    const Value issue = delta.issue();
    CHECK(delta.field("summary") == "Printer 81 is fixed");
    CHECK(delta.field("priority") == "Low");
    CHECK(delta.field("duedate") == "");
    CHECK(issue.at("status") == "Open");
    CHECK(has_label(issue, "new"));
    CHECK_FALSE(has_label(issue, "in-the-office"));
    CHECK(issue.at("comments").as_array().size() == 3);
    CHECK(issue.at("attachments").as_array().size() == 3);
    CHECK(delta.world.counter("attachmentsOrphaned") == 0);
    const Report proof = delta.world.run(Mode::verify, VerifyLevel::comprehensive);
    INFO(World::complaint(proof));
    CHECK(proof.status == Status::done);
    // To and fro: each version is written.
    delta.data()["title"] = "Printer 81 is down";
    delta.data()["status"] = "Closed";
    delta.run("3");
    delta.data()["title"] = "Printer 81 is fixed";
    delta.data()["status"] = "Open";
    delta.run("4");
    CHECK(delta.field("summary") == "Printer 81 is fixed");
    CHECK(delta.issue().at("status") == "Open");
  }
}

TEST_CASE("a comment that was edited at the source is edited, and stays for staff") {
  Delta delta;
  Object& comment = delta.data()["comments"].as_array()[0].as_object();
  comment["body"] = "It is very old";
  comment["updated"] = "2024-02-03T00:00:00Z";
  delta.run("2");
  const Report proof = delta.world.run(Mode::verify, VerifyLevel::standard);
  INFO(World::complaint(proof));
  CHECK(proof.status == Status::done);
  CHECK(delta.issue().at("comments").as_array().size() == 2);
}

TEST_CASE("a public comment that is for staff by now is never public with its new text") {
  for (const World::Way way : {World::Way::documents, World::Way::markup, World::Way::data_center}) {
    for (const std::string what : {"flag", "text", "hers", "text in a service project"}) {
      INFO("way " << static_cast<int>(way) << ", " << what);
      Delta delta(way, what.ends_with("project") ? "SUP" : "OPS");
      const Value before = delta.issue().at("comments");
      const std::string public_one(before.at(0).at("id").as_string());
      Object& comment = delta.data()["comments"].as_array()[1].as_object();
      comment["internal"] = true;
      if (what != "flag") {
        comment["body"] = "The password is 1234";
        comment["updated"] = "2024-02-03T00:00:00Z";
      }
      if (what == "hers")
        delta.world.as(World::ana, "PUT", "/issue/" + delta.key + "/comment/" + public_one,
                       object("body", delta.world.body_of("Hers")));
      delta.world.source->records[81].version = "2";
      const Report report = delta.world.run(Mode::incremental);
      INFO(World::complaint(report));
      CHECK(report.total().failed == (what == "hers" ? 1 : 0));
      const Value after = delta.issue().at("comments");
      CHECK(after.as_array().size() == 2);
      std::size_t open = 0;
      for (const Value& each : after.as_array()) {
        const bool staff = each.at("internal") == true || !each.at("visibility").is_null();
        open += staff ? 0 : 1;
        if (!staff) CHECK(print(each).find("1234") == std::string::npos);
      }
      CHECK(open == (what == "hers" ? 1 : 0));
      if (what == "hers") continue;
      const Report proof = delta.world.run(Mode::verify, VerifyLevel::comprehensive);
      INFO(World::complaint(proof));
      CHECK(proof.status == Status::done);
    }
  }
}

TEST_CASE("a death while a comment is hidden neither loses nor doubles nor publishes it") {
  const auto change = [](Delta& delta) {
    Object& comment = delta.data()["comments"].as_array()[1].as_object();
    comment["internal"] = true;
    comment["body"] = "The password is 1234";
    comment["updated"] = "2024-02-03T00:00:00Z";
  };
  CHECK(dies_anywhere(change) > 5);
}

TEST_CASE("an internal comment that the source has published stays internal, and is told") {
  for (const World::Way way : {World::Way::documents, World::Way::data_center}) {
    for (const bool edited : {false, true}) {
      Delta delta(way);
      Object& comment = delta.data()["comments"].as_array()[0].as_object();
      comment["internal"] = false;
      if (edited) {
        comment["body"] = "It is very old";
        comment["updated"] = "2024-02-03T00:00:00Z";
      }
      const Report report = delta.run("2");
      CHECK(warned(report, "internal_stays") == 1);
      const Value note = delta.issue().at("comments").at(1);
      CHECK((note.at("internal") == true || !note.at("visibility").is_null()));
      CHECK((print(note).find("very old") != std::string::npos) == edited);
    }
  }
}

TEST_CASE("what somebody has changed in Jira since stays, and is told") {
  Delta delta;
  delta.world.as(World::ana, "PUT", "/issue/" + delta.key,
                 parsed(R"({"fields":{"summary":"Hers"},"update":{"labels":[{"add":"hers"}]}})"));
  // Unchanged at the source: no conflict, and nothing is overwritten.
  delta.data()["priority"] = "Low";
  Report report = delta.run("2");
  CHECK(warned(report, "changed_on_both_sides") == 0);
  CHECK(delta.field("summary") == "Hers");
  CHECK(delta.field("priority") == "Low");
  delta.data()["title"] = "The source's";
  report = delta.run("3");
  CHECK(warned(report, "changed_on_both_sides") == 1);
  CHECK(delta.field("summary") == "Hers");
  CHECK(has_label(delta.issue(), "hers"));
  // The migration's own account is nobody else.
  Delta own;
  own.world.as(World::self, "PUT", "/issue/" + own.key, parsed(R"({"fields":{"summary":"Ours"}})"));
  own.data()["title"] = "The source's";
  own.run("2");
  CHECK(own.field("summary") == "The source's");
}

TEST_CASE("a status that somebody has moved on, and a comment that somebody has edited, stay") {
  Delta delta;
  const Value open = delta.world.as(World::ana, "GET", "/issue/" + delta.key + "/transitions").json();
  delta.world.as(World::ana, "POST", "/issue/" + delta.key + "/transitions",
                 object("transition", object("id", open.at("transitions").at(0).at("id"))));
  const std::string status(delta.issue().at("status").as_string());
  const std::string comment(delta.issue().at("comments").at(0).at("id").as_string());
  delta.world.as(
      World::ana, "PUT", "/issue/" + delta.key + "/comment/" + comment,
      parsed(
          R"({"body":{"type":"doc","version":1,"content":[{"type":"paragraph","content":[{"type":"text","text":"Hers"}]}]}})"));
  delta.data()["status"] = "Resolved";
  Object& edited = delta.data()["comments"].as_array()[1].as_object();
  edited["body"] = "The source's";
  edited["updated"] = "2024-02-03T00:00:00Z";
  const Report report = delta.run("2");
  CHECK(delta.issue().at("status") == Value(status));
  CHECK(print(delta.issue().at("comments").at(0).at("body")).find("Hers") != std::string::npos);
  CHECK(warned(report, "changed_on_both_sides") == 2);
}

TEST_CASE("a delta run leaves what a first run with the new state of the source would") {
  for (const World::Way way : {World::Way::documents, World::Way::markup, World::Way::data_center}) {
    const auto changed = [](World& world) {
      Record& record = world.source->records[81];
      Object& data = record.data.as_object();
      data["title"] = "Printer 81 is fixed";
      data["priority"] = "Low";
      data["status"] = "In Progress";
      data["due"] = "2024-03-01T12:00:00Z";
      data["labels"] = Array{"new"};
      data["description"] =
          parsed(R"({"$richText":{"format":"html","text":"<p>It hums</p><p><img src='https://x.test/81'></p>"}})");
      Array& comments = data["comments"].as_array();
      comments[0].as_object()["body"] = "It is very old";
      comments[0].as_object()["updated"] = "2024-02-03T00:00:00Z";
      comments.push_back(parsed(R"({"id":"8103","created":"2024-02-02T10:00:00Z","body":"Thanks","blobs":["more"]})"));
      data["worklogs"].as_array().push_back(
          parsed(R"({"id":"8132","started":"2024-02-01T08:00:00Z","seconds":1800,"note":"and again"})"));
      world.source->attach(record, "more", "more.txt", "text/plain", "more lines");
      record.version = "2";
      plain_ticket(world, 85, R"(,"status":"In Progress")");
    };
    World fresh(way);
    family(fresh);
    changed(fresh);
    fresh.source->records.erase(84);
    REQUIRE(fresh.run().status == Status::done);
    World world(way);
    family(world);
    world.config.vanished = "delete";
    REQUIRE(world.run().status == Status::done);
    changed(world);
    Record& gone = world.source->records[84];
    gone.deleted = true;
    gone.version = "gone";
    gone.data = Object();
    gone.links.clear();
    for (int again = 0; again < 2; ++again) {
      const Report report = world.run(Mode::incremental);
      INFO(World::complaint(report));
      REQUIRE(report.status == Status::done);
      CHECK(print(world.masked()) == print(fresh.masked()));
    }
    world.source->records.erase(84);
    CHECK(world.run(Mode::verify, VerifyLevel::comprehensive).status == Status::done);
  }
}

TEST_CASE("a delta run that dies leaves what an undisturbed one does") {
  const auto change = [](Delta& delta) {
    delta.data()["title"] = "Printer 81 is fixed";
    delta.data()["status"] = "Open";
    delta.data()["labels"] = Array{"new"};
    delta.data()["comments"].as_array().push_back(
        parsed(R"({"id":"8103","created":"2024-02-02T10:00:00Z","body":"Thanks","blobs":["more"]})"));
    delta.world.source->attach(delta.world.source->records[81], "more", "more.txt", "text/plain", "more lines");
  };
  CHECK(dies_anywhere(change) > 20);
}

TEST_CASE("what is gone at the source stays, is labelled, or is deleted unless somebody has touched it") {
  for (const char* choice : {"keep", "label", "delete"}) {
    Delta delta;
    delta.world.config.vanished = choice;
    delta.world.as(World::ana, "PUT", "/issue/" + delta.world.key_of("84"), parsed(R"({"fields":{"summary":"Hers"}})"));
    for (const std::int64_t id : {81, 84}) {
      delta.world.source->records[id].deleted = true;
      delta.world.source->records[id].version = "gone";
      delta.world.source->records[id].data = Object();
    }
    const Report report = delta.world.run(Mode::incremental);
    INFO(choice << "; " << World::complaint(report));
    const std::string what = choice;
    CHECK(delta.issue().is_null() == (what == "delete"));
    REQUIRE(delta.world.issue_of("84").is_object());
    CHECK(has_label(delta.world.issue_of("84"), "gone-at-source") == (what == "label"));
    CHECK(report.total().failed == (what == "delete" ? 1 : 0));
  }
}

TEST_CASE("a state that was lost: with the mappings imported, nothing is made a second time") {
  for (const World::Way way : {World::Way::documents, World::Way::markup, World::Way::data_center}) {
    for (const bool adopted : {false, true}) {
      INFO("way " << static_cast<int>(way) << std::string(adopted ? ", adopted" : ""));
      World world(way);
      rich_ticket(world, 81);
      if (adopted) adopt(world, "81", "Was here");
      REQUIRE(world.run().status == Status::done);
      const Value before = world.issue_of("81");
      world.store = make_memory_store(world.services);
      know(world, "81", std::string(before.at("key").as_string()));
      const Report report = world.run();
      INFO(World::complaint(report));
      REQUIRE(report.status == Status::done);
      CHECK(world.issues().size() == 1);
      const Value after = world.issue_of("81");
      for (const char* list : {"comments", "attachments", "worklogs", "remoteLinks"})
        CHECK(print(after.at(list)) == print(before.at(list)));
    }
  }
}

TEST_CASE("what is gone at the source takes no sub-task along that the source still has") {
  World world;
  world.config.vanished = "delete";
  plain_ticket(world, 91, R"(,"kind":"Task")");
  REQUIRE(world.run().status == Status::done);
  plain_ticket(world, 92, R"(,"kind":"Sub-task")");
  Tickets::link(world.source->records[92], "parent", "91");
  const Report first = world.run(Mode::incremental);
  INFO(World::complaint(first));
  REQUIRE(first.status == Status::done);
  Record& gone = world.source->records[91];
  gone.deleted = true;
  gone.version = "gone";
  gone.data = Object();
  const Report report = world.run(Mode::incremental);
  INFO(World::complaint(report));
  CHECK(report.total().failed == 1);
  CHECK(world.issues().size() == 2);
}

TEST_CASE("an issue that was there before is adopted by an imported mapping, and given back by a rollback") {
  World world;
  const std::string key = adopt(world, "7", "Was here");
  plain_ticket(
      world, 7,
      R"(,"labels":["new"],"priority":"High","comments":[{"id":"70","created":"2024-01-01T00:00:00Z","body":"a"}])");
  world.source->attach(world.source->records[7], "f", "f.txt", "text/plain", "bytes");
  const Value before = world.jira->state().at("issues").at(key);
  const Report report = world.run();
  INFO(World::complaint(report));
  REQUIRE(report.status == Status::done);
  const Value issue = world.issue_of("7");
  CHECK(issue.at("key") == Value(key));
  CHECK(issue.at("fields").at("summary") == "Ticket 7");
  CHECK(issue.at("comments").as_array().size() == 1);
  CHECK(issue.at("attachments").as_array().size() == 1);
  CHECK(has_label(issue, "old"));
  CHECK(world.issues().size() == 1);
  const Report back = world.run(Mode::rollback);
  INFO(World::complaint(back));
  REQUIRE(world.issues().size() == 1);
  Value after = world.jira->state().at("issues").at(key);
  after.as_object()["updated"] = before.at("updated");
  CHECK(print(after) == print(before));
}

TEST_CASE("an issue that was there before is given back as it was, whenever the run dies") {
  const auto fill = [](World& world) {
    const std::string key = adopt(world, "7", "Was here", object("description", world.body_of("As it was")));
    plain_ticket(world, 7, R"(,"labels":["new"],"priority":"High","description":"As the source has it")");
    world.death = Death();
    return key;
  };
  World counter;
  fill(counter);
  REQUIRE(counter.run().status == Status::done);
  const int points = counter.death.passed;
  for (const bool resumed : {true, false}) {
    for (int at = 1; at <= points; ++at) {
      if (!testing_support::in_shard(at)) continue;
      World world;
      const std::string key = fill(world);
      const Value before = world.issues().at(key);
      world.death.at = at;
      REQUIRE_FALSE(world.try_run());
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

TEST_CASE("a custom field of an issue that was there before is given back, unless a person has changed it since") {
  for (const World::Way way : {World::Way::documents, World::Way::markup, World::Way::data_center}) {
    for (const bool touched : {false, true}) {
      INFO("way " << static_cast<int>(way) << std::string(touched ? ", touched" : ""));
      World world(way);
      std::string field;
      const Value all = world.as(World::self, "GET", "/field").json();
      for (const Value& each : all.as_array())
        if (each.at("name") == "Requester") field = std::string(each.at("id").as_string());
      const std::string key = adopt(world, "7", "Was here", object(field, "Before"));
      plain_ticket(world, 7, fmt::format(R"(,"fields":{{"{}":"The source's"}})", field));
      REQUIRE(world.run().status == Status::done);
      CHECK(world.issues().at(key).at("fields").at("Requester") == "The source's");
      if (touched) world.as(World::ana, "PUT", "/issue/" + key, object("fields", object(field, "Hers")));
      const Report back = world.run(Mode::rollback);
      INFO(World::complaint(back));
      CHECK(back.rollback->kept.size() == (touched ? 1 : 0));
      CHECK(world.issues().at(key).at("fields").at("Requester") == (touched ? "Hers" : "Before"));
    }
  }
}

TEST_CASE("a description stays while it shows files of people's, which would go with it") {
  for (const World::Way way : {World::Way::documents, World::Way::markup}) {
    for (const bool shown : {true, false}) {
      INFO("way " << static_cast<int>(way) << std::string(shown ? ", shown" : ", only attached"));
      World world(way);
      const std::string key = adopt(world, "7", "Was here");
      world.upload_as(World::ana, key, "plan.png", "\x89PNG what she has drawn");
      if (shown) {
        const Value file = world.issues().at(key).at("attachments").at(0);
        Value text("See !plan.png!");
        if (way == World::Way::documents) {
          text = world.body_of("See");
          text.at("content").as_array().push_back(parsed(fmt::format(
              R"({{"type":"mediaSingle","attrs":{{"layout":"center"}},"content":[{{"type":"media",
                  "attrs":{{"type":"file","id":"{}","collection":""}}}}]}})",
              std::string(file.at("media").as_string()))));
        }
        world.as(World::self, "PUT", "/issue/" + key, object("fields", object("description", std::move(text))));
      }
      const Value before = world.issues().at(key);
      plain_ticket(world, 7, R"(,"description":"As the source has it")");
      Report report = world.run();
      INFO(World::complaint(report));
      REQUIRE(report.status == Status::done);
      CHECK(warned(report, "shows_files_of_others") == (shown ? 1 : 0));
      // And whenever the source has another text.
      Record& record = world.source->records[7];
      record.data.as_object()["description"] = "As the source has it now";
      record.version = "2";
      report = world.run(Mode::incremental);
      CHECK(warned(report, "shows_files_of_others") == (shown ? 1 : 0));
      const Value after = world.issues().at(key);
      CHECK(after.at("fields").at("summary") == "Ticket 7");
      CHECK(after.at("attachments") == before.at("attachments"));
      CHECK((after.at("fields").at("description") == before.at("fields").at("description")) == shown);
      CHECK(world.counter("attachmentsOrphaned") == 0);
    }
  }
}

TEST_CASE("an issue that was there before keeps what it had, whatever was done with it, and is never deleted") {
  World world;
  const std::string key = adopt(world, "7", "Was here");
  const Value before = world.jira->state().at("issues").at(key);
  plain_ticket(world, 7);
  plain_ticket(world, 9);
  // To one that comes later: the link is set when everything is there.
  Tickets::link(world.source->records[7], "relates", "9");
  RunOptions options;
  options.batch_size = 1;
  REQUIRE(world.run(options).status == Status::done);
  CHECK(world.issue_of("7").at("links").as_array().size() == 1);
  Record& gone = world.source->records[7];
  gone.deleted = true;
  gone.data = Object();
  gone.links.clear();
  for (const char* choice : {"label", "delete"}) {
    world.config.vanished = choice;
    gone.version = choice;
    const Report report = world.run(Mode::incremental);
    INFO(choice << "; " << World::complaint(report));
    CHECK(report.total().failed == 0);
    REQUIRE(world.issues().size() == 2);
    CHECK(has_label(world.issues().at(key), "gone-at-source"));
    CHECK(warned(report, "adopted_stays") == (std::string(choice) == "delete" ? 1 : 0));
  }
  // The issue at the other end stays because of a person, and takes no link along.
  world.as(World::ana, "PUT", "/issue/" + world.key_of("9"), parsed(R"({"fields":{"summary":"Hers"}})"));
  const Report back = world.run(Mode::rollback);
  INFO(World::complaint(back));
  Value after = world.issues().at(key);
  after.as_object()["updated"] = before.at("updated");
  CHECK(print(after) == print(before));
}

TEST_CASE("a file of which it is not known whether it has arrived is taken off an issue that was there before") {
  World world;
  const std::string key = adopt(world, "7", "Was here");
  const Value before = world.jira->state().at("issues").at(key);
  plain_ticket(world, 7);
  world.source->attach(world.source->records[7], "f/1", "f.txt", "text/plain", "bytes");
  world.upload_as(World::ana, key, "f--1.txt", "hers");
  // Each call is announced before and after it.
  int calls = 0;
  world.services.fault_point = [&](std::string_view point) {
    const bool upload = point.starts_with("POST") && point.ends_with("/attachments");
    if (calls == 2 || (upload && ++calls == 2)) throw SimulatedCrash{std::string(point)};
  };
  REQUIRE_FALSE(world.try_run());
  world.services.fault_point = nullptr;
  CHECK(world.issues().at(key).at("attachments").as_array().size() == 2);
  world.revive();
  const Report back = world.run(Mode::rollback);
  INFO(World::complaint(back));
  const Value after = world.issues().at(key);
  REQUIRE(after.at("attachments").as_array().size() == 1);
  CHECK(after.at("attachments").at(0).at("name") == "f--1.txt");
  CHECK(after.at("labels") == before.at("labels"));
}

namespace {

/// As Closed is in Jira's classic workflow: "jira.issue.editable" is false.
constexpr const char* closed_is_final = R"({"read_only_statuses":["Closed"]})";

}  // namespace

TEST_CASE("an issue that ends in a status without edits is complete, whenever the run dies") {
  World undisturbed(World::Way::documents, closed_is_final);
  family(undisturbed);
  const Report report = undisturbed.run();
  INFO(World::complaint(report));
  REQUIRE(report.status == Status::done);
  CHECK(undisturbed.issue_of("81").at("status") == "Closed");
  CHECK_FALSE(has_label(undisturbed.issue_of("81"), "migration-incomplete"));
  const std::string expected = print(undisturbed.masked());
  for (int at = 1; at <= undisturbed.death.passed; ++at) {
    if (!testing_support::in_shard(at)) continue;
    World world(World::Way::documents, closed_is_final);
    family(world);
    world.death.at = at;
    REQUIRE_FALSE(world.try_run());
    world.revive();
    const Report again = world.run();
    INFO("died at point " << at << "; " << World::complaint(again));
    REQUIRE(again.status == Status::done);
    REQUIRE(print(world.masked()) == expected);
  }
}

TEST_CASE("a delta run edits before it moves an issue into a status without edits, and moves it out of one first") {
  const auto reopen = [](Delta& delta) {
    delta.data()["title"] = "Printer 81 is back";
    delta.data()["status"] = "Open";
  };
  CHECK(dies_anywhere(reopen, closed_is_final) > 5);
  const auto close = [&](Delta& delta) {
    reopen(delta);
    delta.run("1a");
    CHECK(delta.issue().at("status") == "Open");
    delta.data()["title"] = "Printer 81 is fixed";
    delta.data()["status"] = "Closed";
    delta.data()["comments"].as_array().push_back(
        parsed(R"({"id":"8103","created":"2024-02-02T10:00:00Z","body":"Thanks"})"));
  };
  CHECK(dies_anywhere(close, closed_is_final) > 10);
  Delta delta(World::Way::documents, "OPS", closed_is_final);
  close(delta);
  delta.run("2");
  CHECK(delta.issue().at("status") == "Closed");
  CHECK(delta.field("summary") == "Printer 81 is fixed");
  // What a person has moved since stays, also when the source has something else to say.
  delta.world.as(World::ana, "POST", "/issue/" + delta.key + "/transitions",
                 object("transition", object("id", delta.exit_to("Open"))));
  delta.data()["title"] = "Printer 81 is gone";
  const Report report = delta.run("3");
  CHECK(delta.issue().at("status") == "Open");
  CHECK(warned(report, "changed_on_both_sides") == 0);
}
