// Delta runs of a source that tells what has changed: they begin where the last run has ended.
#include <doctest/doctest.h>

#include "memory_systems.hpp"

using namespace testing_systems;

namespace {

/// A log of changes; a cursor is the number of entries that have been read. One partition a type.
class Feed final : public Source {
 public:
  struct Change {
    std::string type;
    Record record;
  };
  std::vector<Change> log;
  std::vector<std::string> types{"tickets"};
  std::size_t read_count = 0;

  void put(const std::string& type, int id, const std::string& title, Array comments = {}) {
    Record record;
    record.ref = RecordRef{type, std::to_string(id)};
    record.data = Object{{"title", title}, {"comments", std::move(comments)}};
    record.version = std::to_string(log.size());
    log.push_back(Change{type, std::move(record)});
  }

  SourceTraits traits() const override {
    SourceTraits traits;
    traits.fetches = traits.incremental = true;
    return traits;
  }
  awaitable<std::vector<Check>> check() override {
    std::vector<Check> none;
    co_return none;
  }
  awaitable<std::vector<Partition>> partitions() override {
    std::vector<Partition> partitions;
    for (const std::string& type : types) {
      Partition partition;
      partition.name = partition.type = type;
      partitions.push_back(std::move(partition));
    }
    co_return partitions;
  }
  awaitable<RecordBatch> read(const Partition& partition, Cursor from, std::size_t limit) override {
    RecordBatch batch;
    std::size_t at = from.is_int64() ? static_cast<std::size_t>(from.get_int64()) : 0;
    for (; at < log.size() && batch.records.size() < limit; ++at)
      if (log[at].type == partition.type) batch.records.push_back(log[at].record);
    read_count += batch.records.size();
    batch.next = static_cast<std::int64_t>(at);
    batch.last = at == log.size();
    co_return batch;
  }
  awaitable<RecordBatch> fetch(std::vector<RecordRef> refs) override {
    RecordBatch batch;
    for (const RecordRef& ref : refs) {
      const Record* last = nullptr;
      for (const Change& change : log)
        if (change.record.ref == ref) last = &change.record;
      if (last) batch.records.push_back(*last);
    }
    co_return batch;
  }
};

struct World {
  MemoryService service;
  Faults faults;
  std::shared_ptr<CheckpointStore> store = make_memory_store(faults.services());
  std::shared_ptr<Feed> feed = std::make_shared<Feed>();

  Report run(Mode mode, RunOptions options = RunOptions()) {
    options.mode = mode;
    Pipeline pipeline;
    pipeline.name = "feed";
    pipeline.source = feed;
    pipeline.services = faults.services();
    pipeline.sink = std::make_shared<MemoryItems>(service, pipeline.services);
    pipeline.store = store;
    feed->read_count = 0;
    return run_blocking(std::move(pipeline), std::move(options));
  }
  std::string titles() const {
    std::multiset<std::string> all;
    for (const auto& each : service.items) all.insert(each.second.title);
    std::string text;
    for (const std::string& title : all) text += title + " ";
    return text;
  }
};

bool balanced(const Report& report) {
  const Counters total = report.total();
  return total.read == total.written + total.skipped + total.dropped + total.failed;
}

}  // namespace

TEST_CASE("a delta run reads what has changed since, and a further one what has changed since that") {
  World world;
  for (int i = 1; i <= 8; ++i) world.feed->put("tickets", i, fmt::format("t{}", i));
  CHECK(world.run(Mode::full).total().written == 8);
  CHECK(world.run(Mode::incremental).total().read == 0);
  world.feed->put("tickets", 9, "t9");
  world.feed->put("tickets", 3, "t3");
  Report report = world.run(Mode::incremental);
  CHECK(report.total().read == 2);
  CHECK(world.feed->read_count == 2);
  world.feed->put("tickets", 10, "t10");
  report = world.run(Mode::incremental);
  CHECK(report.total().read == 1);
  CHECK(report.status == Status::done);
  CHECK(world.service.items.size() == 10);
  // A full run looks at everything again.
  CHECK(world.run(Mode::full).total().read == 11);
}

TEST_CASE("a delta run without an earlier one reads everything; so does a partition that was not there before") {
  World world;
  for (int i = 1; i <= 4; ++i) world.feed->put("tickets", i, fmt::format("t{}", i));
  CHECK(world.run(Mode::incremental).total().written == 4);
  world.feed->types.push_back("spam");
  world.feed->put("spam", 1, "s1");
  world.feed->put("spam", 2, "s2");
  CHECK(world.run(Mode::incremental).total().written == 2);
}

TEST_CASE("runs that have passed over records are nothing to begin behind") {
  SUBCASE("a sample") {
    World world;
    for (int i = 1; i <= 6; ++i) world.feed->put("tickets", i, fmt::format("t{}", i));
    RunOptions options;
    options.sample = 2;
    world.run(Mode::test, options);
    CHECK(world.service.items.size() == 2);
    world.run(Mode::incremental);
    CHECK(world.service.items.size() == 6);
  }
  SUBCASE("a filter") {
    World world;
    for (int i = 1; i <= 6; ++i) world.feed->put("tickets", i, i % 2 ? "odd" : "even");
    RunOptions options;
    options.where = Where{"tickets", "title", "odd"};
    world.run(Mode::full, options);
    CHECK(world.service.items.size() == 3);
    world.run(Mode::incremental);
    CHECK(world.service.items.size() == 6);
  }
}

TEST_CASE("a rollback leaves nothing to begin behind") {
  World world;
  for (int i = 1; i <= 4; ++i) world.feed->put("tickets", i, fmt::format("t{}", i));
  world.run(Mode::full);
  world.run(Mode::rollback);
  CHECK(world.service.items.empty());
  world.run(Mode::incremental);
  CHECK(world.service.items.size() == 4);
}

TEST_CASE("what failed before is tried again, and counted: read = written + skipped + dropped + failed") {
  World world;
  for (int i = 1; i <= 4; ++i) world.feed->put("tickets", i, fmt::format("t{}", i), i % 2 ? Array{} : Array{"poison"});
  Report report = world.run(Mode::full);
  CHECK(report.total().failed == 2);
  CHECK(balanced(report));
  // Nothing has changed: the same two fail again.
  report = world.run(Mode::incremental);
  CHECK(report.total().read == 2);
  CHECK(report.total().failed == 2);
  CHECK(balanced(report));
  // One is mended, one is new and fails, and the limit speaks of new ones only.
  world.feed->put("tickets", 2, "t2 mended");
  world.feed->put("tickets", 5, "t5", Array{"poison"});
  RunOptions options;
  options.max_failures = 1;
  report = world.run(Mode::incremental, options);
  CHECK(report.status == Status::done_with_failures);
  CHECK(report.total().failed == 2);
  CHECK(balanced(report));
  CHECK(world.titles() == "t1 t2 mended t3 ");
  CHECK(world.run(Mode::retry).total().failed == 2);
}

TEST_CASE("a delta run that dies anywhere goes on to the same end") {
  const auto prepare = [](World& world) {
    for (int i = 1; i <= 5; ++i)
      world.feed->put("tickets", i, fmt::format("t{}", i), i == 2 ? Array{"poison"} : Array{"c"});
    world.run(Mode::full);
    for (int i = 6; i <= 12; ++i) world.feed->put("tickets", i, fmt::format("t{}", i), Array{"c"});
    world.feed->put("tickets", 2, "t2 mended", Array{"c"});
  };
  World undisturbed;
  prepare(undisturbed);
  undisturbed.faults.passed = 0;
  const Report expected = undisturbed.run(Mode::incremental);
  const int points = undisturbed.faults.passed;
  REQUIRE(points > 20);
  for (int at = 1; at <= points; ++at) {
    CAPTURE(at);
    World world;
    prepare(world);
    world.faults.passed = 0;
    world.faults.at = at;
    bool died = false;
    try {
      world.run(Mode::incremental);
    } catch (const SimulatedCrash&) {
      died = true;
    }
    CHECK(died);
    world.faults.at = 0;
    world.faults.dead = false;
    const Report report = world.run(Mode::incremental);
    CHECK(world.service.content() == undisturbed.service.content());
    CHECK(report.total().failed == expected.total().failed);
    CHECK(balanced(report));
  }
}
