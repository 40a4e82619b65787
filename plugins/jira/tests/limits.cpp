// Searches that lag, quotas, texts that are too long, and people whom Jira does not know.
#include <algorithm>

#include "migrate/digest.hpp"
#include "text.hpp"
#include "tickets.hpp"

using namespace jira_world;

namespace {

std::uint64_t warned(const Report& report, const std::string& cause) {
  const auto type = report.warnings.find("tickets");
  if (type == report.warnings.end()) return 0;
  const auto found = type->second.find(cause);
  return found == type->second.end() ? 0 : found->second;
}

void lose_answer(World& world, const char* method, const char* path, std::uint64_t nth = 1) {
  testing::FaultPlan plan;
  testing::Fault fault;
  fault.kind = testing::Fault::Kind::drop_after;
  fault.method = method;
  fault.path = path;
  fault.nth = nth;
  plan.faults.push_back(fault);
  world.host->set_faults(plan);
}

}  // namespace

TEST_CASE("an issue that no search shows is found by its number") {
  for (const bool died : {false, true}) {
    // An hour until a search shows anything, and nobody waits for it.
    World world(World::Way::documents, R"({"index_lag_ms":3600000,"rate_post":0,"rate_delete":0})");
    world.config.index_lag = 0;
    // Others have worked there before, and deleted more than a page of numbers.
    for (int i = 0; i < 130; ++i) {
      const Value made =
          world
              .as(World::ana, "POST", "/issue",
                  parsed(R"({"fields":{"project":{"key":"OPS"},"issuetype":{"name":"Task"},"summary":"x"}})"))
              .json();
      if (i > 2) world.as(World::ana, "DELETE", "/issue/" + std::string(made.at("key").as_string()));
    }
    plain_ticket(world, 1);
    plain_ticket(world, 2);
    if (died) {
      World counter;
      plain_ticket(counter, 1);
      plain_ticket(counter, 2);
      RunOptions one;
      one.items_in_flight = 1;
      counter.run(one);
      // Right after a creation was applied: each is announced before and after.
      const auto is_creation = [](const std::string& point) { return point.ends_with("/issue"); };
      const auto& points = counter.death.points;
      const auto before = std::find_if(points.begin(), points.end(), is_creation);
      const auto after = std::find_if(before + 1, points.end(), is_creation);
      REQUIRE(after != points.end());
      world.death.at = static_cast<int>(after - points.begin()) + 1;
      RunOptions options;
      options.items_in_flight = 1;
      world.try_run(options);
      REQUIRE(world.death.dead);
      world.revive();
    } else {
      lose_answer(world, "POST", "/issue$");
    }
    const Report report = world.run();
    INFO(World::complaint(report));
    CHECK(report.status == Status::done);
    CHECK(world.issues().size() == 5);
  }
}

TEST_CASE("a creation that Jira is still at work on is waited for") {
  // The call is applied only after the connection was given up: 20 s later.
  World world(World::Way::documents, R"({"index_lag_ms":5000})");
  plain_ticket(world, 1);
  lose_answer(world, "POST", "/issue$");
  const auto start = world.services.clock->now();
  const Report report = world.run();
  CHECK(report.status == Status::done);
  CHECK(world.issues().size() == 1);
  // Found by its number at once: no time was lost.
  CHECK(world.services.clock->now() - start < std::chrono::seconds(30));
  // Where nothing was made, the index gets its time before the call is repeated.
  World nothing;
  plain_ticket(nothing, 1);
  testing::FaultPlan plan;
  testing::Fault fault;
  fault.kind = testing::Fault::Kind::status;
  fault.status = 504;
  fault.method = "POST";
  fault.path = "/issue$";
  plan.faults.push_back(fault);
  nothing.host->set_faults(plan);
  const auto before = nothing.services.clock->now();
  CHECK(nothing.run().status == Status::done);
  CHECK(nothing.issues().size() == 1);
  CHECK(nothing.services.clock->now() - before >= std::chrono::seconds(nothing.config.index_lag));
}

TEST_CASE("quotas are used, and hardly ever overdrawn") {
  for (const World::Way way : {World::Way::documents, World::Way::data_center}) {
    World world(way);
    for (int i = 1; i <= 300; ++i)
      plain_ticket(
          world, i,
          R"(,"comments":[{"id":"1","created":"2024-01-01T00:00:00Z","body":"a"},{"id":"2","created":"2024-01-02T00:00:00Z","body":"b"}])");
    const auto start = world.services.clock->now();
    const Report report = world.run();
    INFO(World::complaint(report));
    CHECK(report.status == Status::done);
    CHECK(world.issues().size() == 300);
    const auto seconds = std::chrono::duration<double>(world.services.clock->now() - start).count();
    const testing::Counters counters = world.host->counters();
    CHECK(counters.refusals * 20 < counters.requests);
    // Six hundred comments at a hundred a second; 1,200 calls at fifty.
    CHECK(seconds < (way == World::Way::documents ? 20 : 60));
  }
}

TEST_CASE("many comments on one issue are spaced out, and the others do not wait") {
  World world;
  std::string comments;
  for (int i = 1000; i < 1150; ++i)
    comments +=
        fmt::format(R"({}{{"id":"{}","created":"2024-01-01T00:00:00Z","body":"c"}})", comments.empty() ? "" : ",", i);
  plain_ticket(world, 1, R"(,"comments":[)" + comments + "]");
  for (int i = 2; i <= 20; ++i) plain_ticket(world, i, R"(,"status":"In Progress")");
  const Report report = world.run();
  INFO(World::complaint(report));
  CHECK(report.status == Status::done);
  CHECK(world.issue_of("1").at("comments").as_array().size() == 150);
  const testing::Counters counters = world.host->counters();
  CHECK(counters.refusals < 20);
}

TEST_CASE("a text that Jira finds too long is shortened until it is taken, and goes along as a whole") {
  // The document's JSON counts, which is several times its text.
  World world(World::Way::documents, R"({"text_limit_counts":"document"})");
  std::string html;
  for (int i = 0; i < 900; ++i) html += fmt::format("<p>line <b>{}</b> of it</p>", i);
  Object rich = object("format", "html");
  rich.emplace("text", html);
  Object comment = object("id", "1");
  comment.emplace("created", "2024-01-01T00:00:00Z");
  comment.emplace("body", object("$richText", rich));
  Array comments;
  comments.push_back(comment);
  plain_ticket(world, 1).data.as_object()["description"] = object("$richText", rich);
  world.source->records[1].data.as_object()["comments"] = comments;
  const Report report = world.run();
  INFO(World::complaint(report));
  REQUIRE(report.status == Status::done);
  const Value issue = world.issue_of("1");
  REQUIRE(issue.at("attachments").as_array().size() == 2);
  CHECK(warned(report, "text_text") >= 1);
  const Report proof = world.run(Mode::verify, VerifyLevel::comprehensive);
  INFO(World::complaint(proof));
  CHECK(proof.status == Status::done);
}

TEST_CASE("a text over the limit: its beginning, and the whole as a file that verification compares") {
  for (const World::Way way : {World::Way::documents, World::Way::markup, World::Way::data_center}) {
    World world(way);
    world.config.text_limit = 3000;
    std::string html;
    for (int i = 0; i < 400; ++i) html += fmt::format("<p>line {} of it</p>", i);
    Object rich = object("format", "html");
    rich.emplace("text", html);
    Object comment = object("id", "1");
    comment.emplace("created", "2024-01-01T00:00:00Z");
    comment.emplace("body", object("$richText", rich));
    plain_ticket(world, 1).data.as_object()["description"] = object("$richText", rich);
    world.source->records[1].data.as_object()["comments"] = Array{comment};
    const Report report = world.run();
    INFO(World::complaint(report));
    REQUIRE(report.status == Status::done);
    const Value issue = world.issue_of("1");
    const Array files = issue.at("attachments").as_array();
    REQUIRE(files.size() == 2);
    for (const Value& file : files) {
      CHECK(file.at("sha256") == Value(sha256(html)));
      const std::string name(file.at("name").as_string());
      const bool of_comment = name.starts_with("comment-1");
      const Value& text = of_comment ? issue.at("comments").at(0).at("body") : issue.at("fields").at("description");
      CHECK(print(text).find(goes_on) != std::string::npos);
      CHECK(print(text).find("line 0 of it") != std::string::npos);
      CHECK(print(text).find("line 399 of it") == std::string::npos);
    }
    CHECK(world.run(Mode::verify, VerifyLevel::comprehensive).status == Status::done);
    const std::string id(files[0].at("id").as_string());
    world.as(World::self, "DELETE", "/attachment/" + id);
    const Report proof = world.run(Mode::verify, VerifyLevel::standard);
    REQUIRE(proof.verification->examples.size() == 1);
    CHECK(proof.verification->examples[0].field == "attachments");
  }
}

TEST_CASE("nobody is notified where the project's scheme is silent, and edits and time entries are silent anyway") {
  for (const World::Way way : {World::Way::documents, World::Way::markup, World::Way::data_center}) {
    for (const bool silent : {true, false}) {
      World world(way, silent ? R"({"silent_notifications":true})" : "{}");
      family(world);
      // Reporter and assignee would hear of everything.
      world.source->records[81].data.as_object()["reporter"] = parsed(R"({"id":"9","email":"ana.ruiz@example.com"})");
      REQUIRE(world.run().status == Status::done);
      Object& data = world.source->records[81].data.as_object();
      data["title"] = "Printer 81 is fixed";
      data["comments"].as_array()[0].as_object()["body"] = "It is very old";
      data["comments"].as_array()[0].as_object()["updated"] = "2024-02-03T00:00:00Z";
      world.source->records[81].version = "2";
      REQUIRE(world.run(Mode::incremental).status == Status::done);
      REQUIRE_FALSE(world.run(Mode::rollback).fatal);
      const Value mails = world.jira->state().at("counters").at("notifications");
      INFO(print(mails));
      CHECK(mails.at("suppressed").to_number<int>() > 0);
      CHECK((mails.at("sent") == Value(0)) == silent);
      std::vector<const char*> avoidable{"updated", "work logged"};
      if (way != World::Way::data_center) avoidable.push_back("comment edited");
      for (const char* event : avoidable) CHECK_FALSE(mails.at("byEvent").as_object().contains(event));
    }
  }
}

TEST_CASE("time entries that hold the same are as many in Jira, whichever answer is lost") {
  for (const World::Way way : {World::Way::documents, World::Way::data_center}) {
    for (const std::uint64_t lost : {1, 2, 3}) {
      World world(way);
      const char* const entry = R"({{"id":"{}","started":"2024-02-01T08:00:00Z","seconds":1800,"note":"{}"}})";
      plain_ticket(
          world, 1,
          fmt::format(R"(,"worklogs":[{},{},{}])", fmt::format(fmt::runtime(entry), 1, "same"),
                      fmt::format(fmt::runtime(entry), 2, "same"), fmt::format(fmt::runtime(entry), 3, "another")));
      lose_answer(world, "POST", "/worklog", lost);
      const Report report = world.run();
      INFO("answer " << lost << "; " << World::complaint(report));
      REQUIRE(report.status == Status::done);
      CHECK(world.issue_of("1").at("worklogs").as_array().size() == 3);
      const Report proof = world.run(Mode::verify, VerifyLevel::comprehensive);
      INFO(World::complaint(proof));
      CHECK(proof.status == Status::done);
    }
  }
}

TEST_CASE("people: mapped, found, hidden, unknown, inactive") {
  World world;
  const auto ticket = [&](std::int64_t id, const std::string& email) {
    plain_ticket(world, id, fmt::format(R"(,"assignee":{{"id":"x","name":"N","email":"{}"}})", email));
  };
  ticket(1, "ana.ruiz@example.com");
  ticket(2, "ben.okafor@example.com");  // hides the address
  ticket(3, "dana.novak@example.com");  // no longer active
  ticket(4, "nobody@example.com");
  ticket(5, "customer.one@example.org");  // of the portal only
  ticket(6, "ANA.RUIZ@example.com");
  const Report report = world.run();
  INFO(World::complaint(report));
  REQUIRE(report.status == Status::done);
  const auto assignee = [&](const char* id) {
    return std::string(world.issue_of(id).at("fields").at("assignee").as_string());
  };
  CHECK(assignee("1") == "ana.ruiz@example.com");
  CHECK(assignee("2") == "ben.okafor@example.com");
  CHECK(assignee("3") == "");
  CHECK(assignee("4") == "");
  CHECK(assignee("5") == "");
  CHECK(assignee("6") == "ana.ruiz@example.com");
  CHECK(warned(report, "unknown_assignee") == 3);
  World again;
  again.config.fallback_assignee = "chen.wei@example.com";
  plain_ticket(again, 4, R"(,"assignee":{"id":"x","name":"N","email":"nobody@example.com"})");
  const Report fallen = again.run();
  CHECK(again.issue_of("4").at("fields").at("assignee") == "chen.wei@example.com");
  CHECK(warned(fallen, "fallback_assignee") == 1);
}

TEST_CASE("comments for staff are internal notes in a service project, and never public") {
  World service(World::Way::documents, "{}", "SUP");
  rich_ticket(service);
  const Report report = service.run();
  INFO(World::complaint(report));
  REQUIRE(report.status == Status::done);
  const Array comments = service.issue_of("81").at("comments").as_array();
  CHECK(comments[0].at("internal") == false);
  CHECK(comments[1].at("internal") == true);
  const Report proof = service.run(Mode::verify, VerifyLevel::standard);
  INFO(World::complaint(proof));
  CHECK(proof.status == Status::done);
  World refused;
  rich_ticket(refused);
  refused.config.internal_comments = "fail";
  CHECK(refused.run().total().failed == 1);
  CHECK(refused.issues().empty());
}

TEST_CASE("files that Jira does not take are refused before anything is made, or left out and named") {
  for (const char* choice : {"fail", "leave_out"}) {
    World world(World::Way::documents, R"({"upload_limit":20})");
    world.config.unmovable_files = choice;
    plain_ticket(world, 1);
    world.source->attach(world.source->records[1], "big", "big.bin", "application/octet-stream", std::string(21, 'x'));
    world.source->attach(world.source->records[1], "small", "small.bin", "application/octet-stream", "x");
    plain_ticket(world, 2);
    world.source->attach(world.source->records[2], "lost", "lost.bin", "application/octet-stream", "x");
    world.source->files.erase("lost");
    const Report report = world.run();
    INFO(World::complaint(report));
    const bool leaves = std::string(choice) == "leave_out";
    CHECK(report.total().failed == (leaves ? 0 : 2));
    CHECK(world.issues().size() == (leaves ? 2 : 0));
    if (!leaves) continue;
    CHECK(warned(report, "file_left_out") == 2);
    CHECK(world.issue_of("1").at("attachments").as_array().size() == 1);
    const Report proof = world.run(Mode::verify, VerifyLevel::comprehensive);
    INFO(World::complaint(proof));
    CHECK(proof.status == Status::done);
  }
}

TEST_CASE("a dry run names what would be lost or refused, and writes nothing") {
  World world;
  rich_ticket(world);
  plain_ticket(world, 2, R"(,"priority":"Urgent")");
  plain_ticket(
      world, 3,
      R"(,"description":{"$richText":{"format":"html","text":"<p>a<iframe src='https://x.test'></iframe></p>"}})");
  Tickets::link(plain_ticket(world, 4), "clones the", "2");
  const Report report = world.run(Mode::dry_run);
  INFO(World::complaint(report));
  CHECK(world.issues().empty());
  CHECK(world.host->counters().writes == 1);  // a search is a POST, too: for what another state may have brought
  std::vector<std::string> messages;
  for (const Finding& finding : report.verification->examples)
    messages.push_back(finding.record.id + " " + finding.message);
  const auto told = [&](const std::string& start, const std::string& words) {
    return std::any_of(messages.begin(), messages.end(), [&](const std::string& message) {
      return message.starts_with(start) && message.find(words) != std::string::npos;
    });
  };
  CHECK(told("2 ", "unknown_priority"));
  CHECK(told("3 ", "iframe"));
  CHECK(told("4 ", "unknown_relation"));
  CHECK(told("81 ", "in the office"));
}

TEST_CASE("credentials that run out end the run, and nothing is taken for gone") {
  World world;
  family(world);
  REQUIRE(world.run().status == Status::done);
  const std::size_t before = world.issues().size();
  world.config.token = Secret("run out");
  const Report report = world.run(Mode::rollback);
  REQUIRE(report.fatal);
  CHECK(report.fatal->kind() == ErrorKind::unauthorized);
  CHECK(world.issues().size() == before);
  world.config.token = Secret("jira-token");
  CHECK_FALSE(world.run(Mode::rollback).fatal);
  CHECK(world.issues().empty());
}
