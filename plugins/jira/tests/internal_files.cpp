// Files of comments for staff: Jira hides none of them, so that they may be left out.
#include "delta.hpp"
#include "names.hpp"

using namespace jira_world;

namespace {

/// A ticket with one comment and its file.
Record& with_file(World& world, bool internal) {
  Record& record = plain_ticket(world, 1);
  record.data.as_object()["comments"] =
      parsed(R"([{"id":"1","created":"2024-01-01T00:00:00Z","blobs":["secret"],"body":"see"}])");
  record.data.as_object()["comments"].as_array()[0].as_object()["internal"] = internal;
  world.source->attach(record, "secret", "salaries.txt", "text/plain", "secret");
  world.config.internal_files = "leave_out";
  return record;
}

void hide(Record& record, const std::string& version) {
  record.data.as_object()["comments"].as_array()[0].as_object()["internal"] = true;
  record.version = version;
}

std::size_t files_of(const World& world, const std::string& ticket) {
  return world.issue_of(ticket).at("attachments").as_array().size();
}

}  // namespace

TEST_CASE("files of comments for staff are told to be visible, or left out") {
  for (const bool left_out : {false, true}) {
    World world;
    if (left_out) world.config.internal_files = "leave_out";
    Record& record = plain_ticket(world, 1);
    Object& data = record.data.as_object();
    data["images"] = Array{parsed(R"({"address":"https://x.test/1","blob":"shot"})")};
    data["comments"] = parsed(R"([
        {"id":"1","created":"2024-01-01T00:00:00Z","internal":true,"blobs":["secret","both"],
         "body":{"$richText":{"format":"html","text":"<p>see</p><p><img src='https://x.test/1'></p>"}}},
        {"id":"2","created":"2024-01-02T00:00:00Z","body":"open","blobs":["both"]}])");
    for (const char* id : {"secret", "both", "shot"}) world.source->attach(record, id, "f.txt", "text/plain", id);
    const Report report = world.run();
    INFO(World::complaint(report));
    REQUIRE(report.status == Status::done);
    CHECK(world.issue_of("1").at("attachments").as_array().size() == (left_out ? 1 : 3));
    const auto& warnings = report.warnings.at("tickets");
    CHECK(warnings.count("internal_file_visible") == (left_out ? 0 : 1));
    CHECK(warnings.count("file_left_out") == (left_out ? 1 : 0));
    CHECK(world.run(Mode::verify, VerifyLevel::comprehensive).status == Status::done);
  }
}

TEST_CASE("a file goes with its comment when that becomes one for staff") {
  for (const World::Way way : {World::Way::documents, World::Way::markup, World::Way::data_center}) {
    INFO("way " << static_cast<int>(way));
    World world(way);
    Record& record = with_file(world, false);
    REQUIRE(world.run().status == Status::done);
    REQUIRE(files_of(world, "1") == 1);
    hide(record, "2");
    const Report report = world.run(Mode::incremental);
    INFO(World::complaint(report));
    REQUIRE(report.status == Status::done);
    CHECK(files_of(world, "1") == 0);
    CHECK(warned(report, "file_left_out") == 1);
    CHECK(world.run(Mode::verify, VerifyLevel::comprehensive).status == Status::done);
    // It comes again with the next comment that shows it to all.
    Object& data = record.data.as_object();
    data["comments"].as_array().push_back(
        parsed(R"({"id":"2","created":"2024-01-02T00:00:00Z","blobs":["secret"],"body":"see again"})"));
    record.version = "3";
    REQUIRE(world.run(Mode::incremental).status == Status::done);
    CHECK(files_of(world, "1") == 1);
  }
}

TEST_CASE("a file of a comment that becomes one for staff goes, whenever the run dies") {
  const auto change = [](Delta& delta) {
    delta.world.config.internal_files = "leave_out";
    delta.data()["comments"].as_array()[1].as_object()["internal"] = true;
  };
  CHECK(dies_anywhere(change) > 5);
  Delta delta;
  change(delta);
  delta.run("2");
  CHECK(delta.issue().at("attachments").as_array().size() == 1);
}

TEST_CASE("a file that came before its comment was for staff goes, whenever the first run dies") {
  World counter;
  with_file(counter, false);
  REQUIRE(counter.run().status == Status::done);
  for (int at = 1; at <= counter.death.passed; ++at) {
    if (!testing_support::in_shard(at)) continue;
    World world;
    Record& record = with_file(world, false);
    world.death.at = at;
    REQUIRE_FALSE(world.try_run());
    const std::string point = world.death.points.back();
    world.revive();
    hide(record, "2");
    REQUIRE(world.run().status == Status::done);
    REQUIRE(world.run(Mode::incremental).status == Status::done);
    INFO("died at point " << at << ": " << point);
    REQUIRE(files_of(world, "1") == 0);
  }
}

TEST_CASE("a file that Jira does not let go is told to be visible, and tried again") {
  World world;
  Record& record = with_file(world, false);
  REQUIRE(world.run().status == Status::done);
  testing::FaultPlan plan;
  testing::Fault fault;
  fault.kind = testing::Fault::Kind::status;
  fault.status = 403;
  fault.method = "DELETE";
  fault.path = "/attachment/";
  fault.nth = 0;
  plan.faults.push_back(fault);
  world.host->set_faults(plan);
  hide(record, "2");
  const Report report = world.run(Mode::incremental);
  INFO(World::complaint(report));
  REQUIRE(report.status == Status::done);
  CHECK(warned(report, "internal_file_visible") == 1);
  CHECK(files_of(world, "1") == 1);
  const Report proof = world.run(Mode::verify, VerifyLevel::comprehensive);
  REQUIRE(proof.verification->examples.size() == 1);
  CHECK(proof.verification->examples[0].field == "attachments");
  world.host->set_faults(testing::FaultPlan());
  hide(record, "3");
  REQUIRE(world.run(Mode::incremental).status == Status::done);
  CHECK(files_of(world, "1") == 0);
}

TEST_CASE("a file of somebody's stays, whatever it is called") {
  World world;
  Record& record = with_file(world, true);
  REQUIRE(world.run().status == Status::done);
  world.upload_as(World::ana, world.key_of("1"), file_name(record.blobs[0]), "hers");
  record.data.as_object()["title"] = "Another title";
  record.version = "2";
  REQUIRE(world.run(Mode::incremental).status == Status::done);
  CHECK(files_of(world, "1") == 1);
  CHECK(world.run(Mode::verify, VerifyLevel::comprehensive).status == Status::done);
}
