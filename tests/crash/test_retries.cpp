// A retry dies at every point where something becomes durable or is sent; then it is started again.
#include <doctest/doctest.h>

#include "memory_systems.hpp"

using namespace testing_systems;

namespace {

/// Six tickets, of which the source cannot read two until they are cured.
struct World {
  MemoryService service;
  MemoryDatabase database;
  Faults faults;
  std::shared_ptr<CheckpointStore> store = make_memory_store(faults.services());
  std::shared_ptr<MemorySource> source = std::make_shared<MemorySource>();
  bool tables;

  explicit World(bool into_tables) : tables(into_tables) {
    for (int i = 1; i <= 6; ++i) {
      Object data{{"title", fmt::format("ticket {}", i)}, {"comments", Array{"first"}}};
      Record& record = source->add("tickets", i, std::move(data));
      record.version = "1";
      if (i >= 5)
        record.failure = std::make_shared<const Error>(ErrorKind::invalid, "unreadable", "the ticket cannot be read");
    }
  }
  void cure() {
    for (auto& [id, record] : source->records("tickets")) record.failure = nullptr;
  }
  /// Nothing when the process died.
  std::optional<Report> run(RunOptions options) {
    options.batch_size = 2;
    Pipeline pipeline;
    pipeline.name = "tickets";
    pipeline.source = source;
    pipeline.services = faults.services();
    pipeline.store = store;
    if (tables)
      pipeline.sink = std::make_shared<MemoryTables>(database, std::vector<std::string>{"tickets"}, pipeline.services);
    else
      pipeline.sink = std::make_shared<MemoryItems>(service, pipeline.services);
    try {
      return run_blocking(std::move(pipeline), std::move(options));
    } catch (const SimulatedCrash&) {
      return std::nullopt;
    }
  }
  std::size_t arrived() const { return tables ? database.tables.at("tickets").size() : service.items.size(); }
  std::multiset<std::string> content() const {
    if (!tables) return service.content();
    std::multiset<std::string> all;
    for (const auto& [key, row] : database.tables.at("tickets")) all.insert(key + ":" + row.content);
    return all;
  }
};

RunOptions mode(Mode mode) {
  RunOptions options;
  options.mode = mode;
  return options;
}

/// The run that the retry is about: it has met none of the failed records.
void prepare(World& world, bool finished) {
  world.run(RunOptions());
  RunOptions options;
  struct Stop : Observer {
    std::stop_source source;
    void on_progress(const Report&) override { source.request_stop(); }
  } stop;
  if (finished) {
    options.where = Where{"tickets", "title", "ticket 1"};
  } else {
    options.fresh = true;
    options.observer = &stop;
    options.stop = stop.source.get_token();
  }
  world.run(options);
  world.cure();
  world.faults.passed = 0;
}

}  // namespace

TEST_CASE("a retry that dies anywhere is started again: nothing is doubled, and the run counts each record once") {
  for (const bool tables : {false, true}) {
    for (const bool finished : {false, true}) {
      World undisturbed(tables);
      prepare(undisturbed, finished);
      REQUIRE(undisturbed.run(mode(Mode::retry)).has_value());
      const int points = undisturbed.faults.passed;
      REQUIRE(points > 4);
      REQUIRE(undisturbed.arrived() == 6);
      for (int at = 1; at <= points; ++at) {
        INFO("tables " << tables << ", finished " << finished << ", died at point " << at);
        World world(tables);
        prepare(world, finished);
        world.faults.at = at;
        REQUIRE_FALSE(world.run(mode(Mode::retry)).has_value());
        world.faults.at = 0;
        world.faults.dead = false;
        std::optional<Report> report = world.run(mode(Mode::retry));
        REQUIRE(report.has_value());
        CHECK(world.content() == undisturbed.content());
        if (!finished) report = world.run(RunOptions());
        CHECK(report->run == 2);
        CHECK(report->status == Status::done);
        CHECK(report->causes.empty());
        CHECK(report->total().read == (finished ? 3 : 6));
        CHECK(report->total().failed == 0);
        CHECK(report->total().balanced());
        CHECK(world.content() == undisturbed.content());
      }
    }
  }
}
