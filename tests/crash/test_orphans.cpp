// What belongs to which state, where several write to one service; and what of it is an orphan.
#include <doctest/doctest.h>

#include "memory_tickets.hpp"
#include "shard.hpp"

using namespace testing_systems;

TEST_CASE("two states that give out the same keys: neither takes what the other has made for its own") {
  World undisturbed;
  REQUIRE(undisturbed.run().has_value());
  for (int lost = 1; lost <= undisturbed.service.exchanges; ++lost) {
    if (!testing_support::in_shard(lost)) continue;
    for (const bool applied : {false, true}) {
      World world;
      REQUIRE(world.run().has_value());
      const auto first = world.service.items;
      world.store = make_memory_store(world.faults.services());
      const int before = world.service.exchanges;
      const auto here = [before, lost](int number) { return number == before + lost; };
      // Not known whether it arrived: the process has died before it, or the answer was lost.
      if (applied)
        world.service.lose_reply = here;
      else
        world.service.refuse = here;
      REQUIRE(world.run().has_value());
      INFO("lost " << lost << (applied ? ", applied" : ""));
      REQUIRE(world.service.items.size() == 14);
      for (const auto& [id, item] : first) REQUIRE(world.service.items.at(id) == item);
      const Orphans found = wait_for(find_orphans(world.pipeline()));
      REQUIRE(found.known == 7);
      REQUIRE(found.unknown.empty());
      REQUIRE(found.foreign.size() == 7);
      std::size_t kept = 0;
      std::function<void(const Marked&, const Error&)> stays = [&](const Marked&, const Error& error) {
        CHECK(error.cause == "other_state");
        ++kept;
      };
      REQUIRE(wait_for(remove_orphans(world.pipeline(), found.foreign, stays)) == 0);
      REQUIRE(kept == 7);
      RunOptions rollback;
      rollback.mode = Mode::rollback;
      REQUIRE(world.run(rollback).has_value());
      REQUIRE(world.service.items == first);
    }
  }
}

TEST_CASE("a step of an older version names no state, not even when it is taken back by halves") {
  World world;
  REQUIRE(world.run().has_value());
  const auto steps_with_state = [&] {
    std::size_t named = 0;
    for (const Entry& row : wait_for(world.store->scan(Table::step, "", "", 1000)))
      if (row.value.as_object().contains("names_state")) ++named;
    return named;
  };
  const std::size_t all = wait_for(world.store->scan(Table::step, "", "", 1000)).size();
  CHECK(steps_with_state() == all);
  // Announced and not done: the rows keep what they say.
  RunOptions rollback;
  rollback.mode = Mode::rollback;
  world.faults.at = world.faults.passed + 2;
  REQUIRE_FALSE(world.run(rollback).has_value());
  world.revive();
  CHECK(steps_with_state() == all);
  auto rows = wait_for(world.store->scan(Table::step, "", "", 1000));
  for (Entry& row : rows) row.value.as_object().erase("names_state");
  wait_for([](std::shared_ptr<CheckpointStore> store, std::vector<Entry> old) -> awaitable<int> {
    co_await store->commit(std::move(old));
    co_return 0;
  }(world.store, std::move(rows)));
  for (auto& [id, item] : world.service.items) item.state.clear();
  // What was announced is looked for by a mark that names none, too.
  REQUIRE(world.run().has_value());
  CHECK(world.service.items.size() == 7);
  REQUIRE(world.run(rollback).has_value());
  CHECK(world.service.items.empty());
}

TEST_CASE("a look for orphans is told when the last run wrote, and leaves out what is gone by now") {
  World world;
  Pipeline pipeline = world.pipeline();
  auto sink = std::make_shared<MemoryItems>(world.service, pipeline.services);
  using Time = std::chrono::system_clock::time_point;
  std::optional<Time> told;
  sink->on_look = [&](Time last) { told = last; };
  pipeline.sink = sink;
  // An index that lags shows it still.
  world.service.still_listed[100] = MemoryService::Item{"tickets/tickets/77/create", "from another life", {}, {}};
  CHECK(wait_for(find_orphans(pipeline)).unknown.empty());
  CHECK(told == Time());
  REQUIRE(world.run().has_value());
  CHECK(wait_for(find_orphans(pipeline)).unknown.empty());
  CHECK(std::chrono::duration_cast<std::chrono::minutes>(pipeline.services.clock->now() - told.value()).count() == 0);
}
