// What Jira refuses of one issue alone, and what stands between: the run goes on, and nothing is taken for done.
#include "delta.hpp"

using namespace jira_world;

namespace {

using Kind = testing::Fault::Kind;

testing::Fault answer(const char* method, const std::string& path, int status, const std::string& body = "{}") {
  testing::Fault fault;
  fault.method = method;
  fault.path = path;
  fault.nth = 0;
  fault.status = status;
  fault.body = body;
  fault.headers.add("Content-Type", body.starts_with("<") ? "text/html" : "application/json");
  return fault;
}

void trouble(World& world, testing::Fault fault) {
  testing::FaultPlan plan;
  plan.faults.push_back(std::move(fault));
  world.host->set_faults(plan);
}

constexpr const char* a_page = "<!doctype html><html><head><title>Be back soon</title></head><body>x</body></html>";

/// With a comment each: plain_ticket() makes their issues in the order of their numbers.
void with_comments(World& world, int count) {
  for (int id = 1; id <= count; ++id)
    plain_ticket(world, id,
                 fmt::format(R"(,"comments":[{{"id":"{}","created":"2024-01-01T00:00:00Z","body":"x"}}])", id));
}

/// What the issue of a ticket is called when they are made one by one.
std::string key_of(const char* ticket, const std::string& project = "OPS", World::Way way = World::Way::documents) {
  World world(way, "{}", project);
  for (int id = 1; id < 5; ++id) plain_ticket(world, id);
  RunOptions options;
  options.items_in_flight = 1;
  REQUIRE(world.run(options).status == Status::done);
  return world.key_of(ticket);
}

RunOptions one_by_one() {
  RunOptions options;
  options.items_in_flight = 1;
  return options;
}

}  // namespace

TEST_CASE("a 403 about one issue is that item's trouble, and one about the account ends the run") {
  for (const World::Way way : {World::Way::documents, World::Way::data_center}) {
    for (const std::string body : {"{}", a_page}) {
      INFO("way " << static_cast<int>(way) << ", " << body);
      World world(way);
      with_comments(world, 4);
      trouble(world, answer("POST", "/" + key_of("2", "OPS", way) + "/comment$", 403, body));
      const Report report = world.run(one_by_one());
      INFO(World::complaint(report));
      CHECK_FALSE(report.fatal);
      CHECK(report.total().failed == 1);
      CHECK(report.causes.at("tickets").count("forbidden") == 1);
      CHECK(world.issue_of("2").is_null());
      for (const char* id : {"1", "3", "4"}) CHECK_FALSE(world.issue_of(id).is_null());
      world.revive();
      CHECK(world.run(Mode::retry).total().failed == 0);
      CHECK_FALSE(world.issue_of("2").is_null());
    }
  }
}

TEST_CASE("who loses a right in the middle of a run is told so, and the run goes on when it is back") {
  World world;
  with_comments(world, 4);
  testing::FaultPlan plan;
  plan.faults.push_back(answer("POST", "/" + key_of("2") + "/comment$", 403));
  testing::Fault rights = answer("GET", "/mypermissions", 200, R"({"permissions":{}})");
  rights.nth = 2;
  plan.faults.push_back(std::move(rights));
  world.host->set_faults(plan);
  const Report report = world.run(one_by_one());
  INFO(World::complaint(report));
  REQUIRE(report.fatal);
  CHECK(report.fatal->kind() == ErrorKind::unauthorized);
  CHECK(report.fatal->cause == "right_lost");
  world.revive();
  CHECK(world.run().status == Status::done);
  for (const char* id : {"1", "2", "3", "4"}) CHECK(world.issue_of(id).at("comments").as_array().size() == 1);
}

TEST_CASE("a page in place of an answer has done nothing, whatever its status says") {
  World world;
  with_comments(world, 3);
  REQUIRE(world.run().status == Status::done);
  trouble(world, answer("DELETE", "/issue/", 200, a_page));
  const Report report = world.run(Mode::rollback);
  INFO(World::complaint(report));
  CHECK((!report.rollback || report.rollback->removed == 0));
  CHECK(world.issues().size() == 3);
  world.revive();
  CHECK_FALSE(world.run(Mode::rollback).fatal);
  CHECK(world.issues().empty());
  // An edit, and a creation of which it is not known what became of it.
  for (const auto& call : {std::pair("PUT", "/issue/OPS-"), std::pair("POST", "/issue$")}) {
    INFO(call.first);
    World other;
    family(other);
    testing::Fault fault = answer(call.first, call.second, 200, a_page);
    fault.nth = 1;
    trouble(other, std::move(fault));
    const Report ran = other.run();
    INFO(World::complaint(ran));
    CHECK(ran.status == Status::done);
    for (const char* id : {"81", "82", "83", "84"}) CHECK_FALSE(has_label(other.issue_of(id), "migration-incomplete"));
    CHECK(other.issues().size() == 4);
  }
}

TEST_CASE("what one issue is told of its workflow need not be true of the next") {
  // The exit to "Resolved" is not shown to the first issue, as a condition on its fields does it; the others have it.
  World world(World::Way::documents, "{}", "SUP");
  for (int id = 1; id < 5; ++id) plain_ticket(world, id, R"(,"status":"Resolved")");
  testing::Fault hidden = answer("GET", "/" + key_of("1", "SUP") + "/transitions$", 200, R"({"transitions":[]})");
  trouble(world, hidden);
  Report report = world.run(one_by_one());
  INFO(World::complaint(report));
  CHECK(report.total().failed == 1);
  CHECK(report.causes.at("tickets").count("no_way_to_status") == 1);
  CHECK(world.issue_of("1").is_null());
  for (const char* id : {"2", "3", "4"}) CHECK(world.issue_of(id).at("status") == "Resolved");
  // And the other way round: one is refused, and what it is told then is not what the others are told.
  World other(World::Way::documents, "{}", "SUP");
  for (int id = 1; id < 5; ++id) plain_ticket(other, id, R"(,"status":"Resolved")");
  testing::FaultPlan plan;
  plan.faults.push_back(answer("POST", "/" + key_of("2", "SUP") + "/transitions$", 400));
  plan.faults.push_back(answer("GET", "/" + key_of("2", "SUP") + "/transitions$", 200, R"({"transitions":[]})"));
  other.host->set_faults(plan);
  report = other.run(one_by_one());
  INFO(World::complaint(report));
  CHECK(report.total().failed == 1);
  CHECK(other.issue_of("2").is_null());
  for (const char* id : {"1", "3", "4"}) CHECK(other.issue_of(id).at("status") == "Resolved");
}

TEST_CASE("Jira is reached by another name than it calls itself: files are read where it is reached") {
  for (const World::Way way : {World::Way::documents, World::Way::markup, World::Way::data_center}) {
    INFO("way " << static_cast<int>(way));
    World world(way, R"({"base_url":"http://jira.acme.test"})");
    rich_ticket(world);
    const Report report = world.run(Mode::full, VerifyLevel::comprehensive);
    INFO(World::complaint(report));
    CHECK(report.status == Status::done);
    CHECK(report.verification->differences == 0);
    // For people it is what it calls itself.
    const std::string comments = print(world.issue_of("81").at("comments"));
    CHECK(comments.find("http://jira.acme.test/") != std::string::npos);
    CHECK(comments.find(World::origin) == std::string::npos);
  }
}

TEST_CASE("a file that Jira does not give back is a difference, and the comparison goes on") {
  World world;
  family(world);
  Record& changed = world.source->records[84];
  REQUIRE(world.run().status == Status::done);
  trouble(world, answer("GET", "/attachment/content/", 403));
  changed.data.as_object()["title"] = "Other words";
  const Report report = world.run(Mode::verify, VerifyLevel::comprehensive);
  INFO(World::complaint(report));
  CHECK_FALSE(report.fatal);
  CHECK(report.status == Status::differences);
  CHECK(World::complaint(report).find("cannot be read back") != std::string::npos);
  CHECK(World::complaint(report).find("Other words") != std::string::npos);
}

TEST_CASE("a public comment that Jira makes internal is taken away again, and its item fails") {
  const auto fill = [](World& world) {
    plain_ticket(world, 1, R"(,"comments":[{"id":"5","created":"2024-01-01T00:00:00Z","body":"for all"}])");
  };
  World counter(World::Way::documents, "{}", "SUP");
  fill(counter);
  REQUIRE(counter.run().status == Status::done);
  const std::string id(counter.issue_of("1").at("comments").at(0).at("id").as_string());
  World world(World::Way::documents, "{}", "SUP");
  fill(world);
  testing::Fault fault = answer("POST", "/comment$", 201, "{\"id\":\"" + id + "\",\"jsdPublic\":false}");
  fault.kind = Kind::status_after;
  trouble(world, std::move(fault));
  const Report report = world.run();
  INFO(World::complaint(report));
  CHECK(report.causes.at("tickets").count("public_comment") == 1);
  CHECK(world.issues().empty());
}

TEST_CASE("a project without links between issues is told of, and its items arrive") {
  World world;
  plain_ticket(world, 1, R"(,"url":"https://acme.freshdesk.com/a/tickets/1")");
  trouble(world, answer("GET", "/issueLinkType$", 404));
  CHECK(world.run().status == Status::preflight_failed);
  world.config.source_link = false;
  const Report report = world.run();
  INFO(World::complaint(report));
  CHECK(report.status == Status::done);
}

TEST_CASE("a picture that stays behind is none in the parts of a long comment, either") {
  for (const World::Way way : {World::Way::documents, World::Way::data_center}) {
    INFO("way " << static_cast<int>(way));
    World world(way);
    world.config.internal_files = "leave_out";
    world.config.text_limit = 2000;
    Record& record = plain_ticket(world, 1);
    Object& data = record.data.as_object();
    data["images"] = Array{parsed(R"({"address":"https://x.test/1","blob":"shot"})")};
    std::string words;
    for (int i = 0; i < 120; ++i) words += fmt::format("<p>Line {} of what the staff has written about it</p>", i);
    data["comments"] = parsed(R"([{"id":"1","created":"2024-01-01T00:00:00Z","internal":true,
        "body":{"$richText":{"format":"html","text":""}}}])");
    data["comments"].at(0).at("body").at("$richText").as_object()["text"] =
        "<p>see <img src='https://x.test/1' alt='shot'> end</p>" + words;
    world.source->attach(record, "shot", "shot.png", "image/png", "pic");
    const Report report = world.run(Mode::full, VerifyLevel::comprehensive);
    INFO(World::complaint(report));
    CHECK(world.issue_of("1").at("comments").as_array().size() > 1);
    CHECK(report.status == Status::done);
  }
}

TEST_CASE("a file for an issue that stands in a status without edits comes when the issue has left it") {
  const char* const closed_is_final = R"({"read_only_statuses":["Closed"]})";
  const auto reopen = [](Delta& delta) {
    delta.world.source->attach(delta.world.source->records[81], "again", "again.txt", "text/plain", "once more");
    delta.data()["status"] = "Open";
    delta.data()["comments"].as_array().at(0).as_object()["body"] = "It is very old";
  };
  CHECK(dies_anywhere(reopen, closed_is_final) > 5);
  Delta delta(World::Way::documents, "OPS", closed_is_final);
  reopen(delta);
  delta.run("2");
  CHECK(delta.issue().at("status") == "Open");
  CHECK(delta.issue().at("attachments").as_array().size() == 3);
  // One that stays there is that item's trouble alone.
  Delta other(World::Way::documents, "OPS", closed_is_final);
  other.world.source->attach(other.world.source->records[81], "again", "again.txt", "text/plain", "once more");
  other.world.source->records[81].version = "2";
  other.world.source->records[84].data.as_object()["title"] = "Other words";
  other.world.source->records[84].version = "2";
  const Report report = other.world.run(Mode::incremental);
  INFO(World::complaint(report));
  CHECK_FALSE(report.fatal);
  CHECK(report.total().failed == 1);
  CHECK(other.world.issue_of("84").at("fields").at("summary") == "Other words");
}
