// A run into a service without transactions dies, or loses answers, at every exchange and every commit.
#include <doctest/doctest.h>

#include "memory_systems.hpp"

using namespace testing_systems;

namespace {

std::shared_ptr<MemorySource> tickets() {
  auto source = std::make_shared<MemorySource>();
  for (int i = 1; i <= 8; ++i) {
    Array comments;
    for (int c = 0; c < i % 4; ++c) comments.emplace_back(fmt::format("comment {}", c));
    if (i == 5) comments.emplace_back("poison");
    Object data;
    data.emplace("title", fmt::format("ticket {}", i));
    data.emplace("comments", std::move(comments));
    Record& ticket = source->add("tickets", i, std::move(data));
    ticket.version = "1";
    if (i == 2) ticket.links.push_back(link_to("blocks", "tickets", "7", Missing::deferred, "missing_ticket"));
  }
  return source;
}

struct World {
  MemoryService service;
  Faults faults;
  std::shared_ptr<CheckpointStore> store = make_memory_store(faults.services());
  std::size_t in_flight = 1;

  std::optional<Report> run(RunOptions options = RunOptions()) {
    Pipeline pipeline;
    pipeline.name = "tickets";
    pipeline.source = tickets();
    pipeline.services = faults.services();
    pipeline.sink = std::make_shared<MemoryItems>(service, pipeline.services, in_flight);
    pipeline.store = store;
    try {
      return run_blocking(pipeline, options);
    } catch (const SimulatedCrash&) {
      return std::nullopt;
    }
  }
  void revive() {
    faults.at = 0;
    faults.dead = false;
  }
};

}  // namespace

TEST_CASE("a whole item or nothing: what fails on the way is taken back") {
  World world;
  const Report report = world.run().value();
  CHECK(report.status == Status::done_with_failures);
  CHECK(world.service.items.size() == 7);
  for (const auto& [id, item] : world.service.items) CHECK(item.title != "ticket 5");
  CHECK(report.causes.at("tickets").at("poisoned").count == 1);
  CHECK(report.types.at("tickets").linked == 1);
  CHECK(world.service.items[2].links.size() == 1);
  CHECK(report.types.at("tickets").balanced());
}

TEST_CASE("intent is durable before the call: dying at any exchange or commit leaves no duplicate and loses nothing") {
  for (const std::size_t in_flight : {std::size_t(1), std::size_t(4)}) {
    World undisturbed;
    undisturbed.in_flight = in_flight;
    REQUIRE(undisturbed.run().has_value());
    const int points = undisturbed.faults.passed;
    REQUIRE(points > 60);
    for (int at = 1; at <= points; ++at) {
      World world;
      world.in_flight = in_flight;
      world.faults.at = at;
      REQUIRE_FALSE(world.run().has_value());
      const std::string point = world.faults.points.back();
      world.revive();
      REQUIRE(world.run().has_value());
      INFO(in_flight << " in flight, died at point " << at << ": " << point);
      REQUIRE(world.service.content() == undisturbed.service.content());
    }
  }
}

TEST_CASE("a reply that is lost after the call was applied makes no duplicate") {
  World undisturbed;
  REQUIRE(undisturbed.run().has_value());
  const int exchanges = undisturbed.service.exchanges;
  for (int lost = 1; lost <= exchanges; ++lost) {
    World world;
    world.service.lose_reply = [lost](int number) { return number == lost; };
    const std::optional<Report> report = world.run();
    REQUIRE(report.has_value());
    INFO("lost reply " << lost << (report->fatal ? report->fatal->what() : ""));
    REQUIRE(world.service.content() == undisturbed.service.content());
  }
}

TEST_CASE("a call that was refused for now is repeated") {
  World undisturbed;
  REQUIRE(undisturbed.run().has_value());
  for (int refused = 1; refused <= undisturbed.service.exchanges; ++refused) {
    World world;
    world.service.refuse = [refused](int number) { return number == refused; };
    REQUIRE(world.run().has_value());
    INFO("refused " << refused);
    REQUIRE(world.service.content() == undisturbed.service.content());
  }
}

TEST_CASE("undo runs newest first, keeps what a person has touched, and twice is success") {
  World world;
  REQUIRE(world.run().has_value());
  world.service.items.begin()->second.touched = true;
  RunOptions rollback;
  rollback.mode = Mode::rollback;
  Report report = world.run(rollback).value();
  CHECK(world.service.items.size() == 1);
  CHECK(report.rollback->kept.size() == 1);
  report = world.run(rollback).value();
  CHECK(world.service.items.size() == 1);
}
