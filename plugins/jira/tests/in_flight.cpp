// Calls that are given up while Jira is still at work on them: what is not there yet may come.
#include <algorithm>

#include "tickets.hpp"

using namespace jira_world;

namespace {

using std::chrono::seconds;

testing::Fault early(const char* path, std::uint64_t nth = 1) {
  testing::Fault fault;
  fault.kind = testing::Fault::Kind::status_early;
  fault.status = 504;
  fault.method = "POST";
  fault.path = path;
  fault.nth = nth;
  fault.delay = seconds(30);
  return fault;
}

void meet(World& world, std::vector<testing::Fault> faults) {
  testing::FaultPlan plan;
  plan.faults = std::move(faults);
  world.host->set_faults(std::move(plan));
}

void fill(World& world) {
  rich_ticket(world, 81);
  world.config.text_limit = 1000;
  std::string words;
  for (int i = 0; i < 300; ++i) words += "many words ";
  world.source->records[81].data.as_object()["description"] = words;
}

std::string expected(World::Way way) {
  World world(way);
  fill(world);
  REQUIRE(world.run().status == Status::done);
  return print(world.masked());
}

constexpr const char* calls[] = {"/issue$", "/attachments$", "/comment$", "/worklog$"};

}  // namespace

TEST_CASE("what is applied after it was given up is not made a second time") {
  for (const World::Way way : {World::Way::documents, World::Way::markup, World::Way::data_center}) {
    const std::string should = expected(way);
    for (const char* call : calls) {
      for (std::uint64_t nth = 1; nth <= 3; ++nth) {
        World world(way);
        fill(world);
        meet(world, {early(call, nth)});
        const Report report = world.run();
        INFO(call << " " << nth << "; " << World::complaint(report));
        REQUIRE(report.status == Status::done);
        world.let_pass(seconds(30));
        CHECK(print(world.masked()) == should);
      }
    }
  }
}

TEST_CASE(
    "the time in which a call may still be at work counts from the call, however long it had to wait for its turn") {
  const std::string should = expected(World::Way::documents);
  for (const char* call : {"/issue$", "/comment$", "/worklog$"}) {
    World world;
    fill(world);
    testing::Fault busy;
    busy.kind = testing::Fault::Kind::status;
    busy.status = 429;
    busy.headers.add("Retry-After", "120");
    busy.method = "POST";
    busy.path = call;
    meet(world, {busy, early(call, 2)});
    const Report report = world.run();
    INFO(call << "; " << World::complaint(report));
    REQUIRE(report.status == Status::done);
    world.let_pass(seconds(30));
    CHECK(print(world.masked()) == should);
  }
}

TEST_CASE("a run that follows one that died waits for the calls of that one") {
  const std::string should = expected(World::Way::documents);
  for (const char* call : calls) {
    World counter;
    fill(counter);
    REQUIRE(counter.run().status == Status::done);
    const std::string end = std::string(call).substr(0, std::string(call).size() - 1);
    // Each call is announced before and after it: the first one that was made and not yet heard of.
    const auto& points = counter.death.points;
    const auto is_call = [&](const std::string& point) { return point.starts_with("POST") && point.ends_with(end); };
    const auto before = std::find_if(points.begin(), points.end(), is_call);
    const auto after = std::find_if(before + 1, points.end(), is_call);
    REQUIRE(after != points.end());
    World world;
    fill(world);
    meet(world, {early(call)});
    world.death.at = static_cast<int>(after - points.begin()) + 1;
    REQUIRE_FALSE(world.try_run());
    world.revive();
    const Report report = world.run();
    INFO(call << "; " << World::complaint(report));
    REQUIRE(report.status == Status::done);
    world.let_pass(seconds(30));
    CHECK(print(world.masked()) == should);
  }
}

TEST_CASE("where nothing was lost, or what was lost is there, nobody waits") {
  World quiet;
  fill(quiet);
  auto start = quiet.services.clock->now();
  REQUIRE(quiet.run().status == Status::done);
  const auto usual = quiet.services.clock->now() - start;
  CHECK(usual < seconds(10));
  for (const char* call : calls) {
    World world;
    fill(world);
    testing::Fault lost;
    lost.kind = testing::Fault::Kind::drop_after;
    lost.method = "POST";
    lost.path = call;
    meet(world, {lost});
    start = world.services.clock->now();
    REQUIRE(world.run().status == Status::done);
    CHECK(world.services.clock->now() - start < usual + seconds(20));
  }
}
