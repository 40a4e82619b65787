// The source goes on while a run is dead: what was begun is completed as the source has it when the run goes on.
#include <doctest/doctest.h>

#include "memory_tickets.hpp"
#include "shard.hpp"

using namespace testing_systems;

namespace {

RunOptions mode(Mode mode) {
  RunOptions options;
  options.mode = mode;
  return options;
}

/// Every ticket but the refused one gets another title, and another text in each of its comments.
void change(MemorySource& source) {
  for (auto& [id, record] : source.records("tickets")) {
    if (id == 5) continue;
    Object& data = record.data.as_object();
    data["title"] = fmt::format("ticket {} as it is now", id);
    for (Value& comment : data["comments"].as_array()) comment = std::string(comment.as_string()) + ", edited";
    record.version = "2";
  }
}

}  // namespace

TEST_CASE("an item that was begun before a death and changed at the source since arrives as it is now") {
  for (const bool versions : {true, false}) {
    World present;
    change(*present.source);
    REQUIRE(present.run().has_value());
    World undisturbed;
    REQUIRE(undisturbed.run().has_value());
    for (int at = 1; at <= undisturbed.faults.passed; ++at) {
      if (!testing_support::in_shard(at)) continue;
      World world;
      const auto forget_versions = [&] {
        for (auto& [id, record] : world.source->records("tickets"))
          if (!versions) record.version.clear();
      };
      forget_versions();
      world.faults.at = at;
      REQUIRE_FALSE(world.run().has_value());
      world.revive();
      change(*world.source);
      forget_versions();
      INFO("died at point " << at << (versions ? "" : ", without versions"));
      REQUIRE(world.run().has_value());
      // What the dead run had settled is the next run's.
      REQUIRE(world.run(mode(Mode::incremental)).has_value());
      REQUIRE(world.service.content() == present.service.content());
    }
  }
}
