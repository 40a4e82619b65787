// A run into a service without transactions dies, or loses answers, at every exchange and every commit.
#include <doctest/doctest.h>

#include "memory_tickets.hpp"
#include "shard.hpp"

using namespace testing_systems;

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
  CHECK(report.orphans_cleaned == 1);
  CHECK(wait_for(last_report(world.store))->orphans_cleaned == 1);
}

TEST_CASE("intent is durable before the call: dying at any exchange or commit leaves no duplicate and loses nothing") {
  for (const std::size_t in_flight : {std::size_t(1), std::size_t(4)}) {
    World undisturbed;
    undisturbed.in_flight = in_flight;
    REQUIRE(undisturbed.run().has_value());
    const int points = undisturbed.faults.passed;
    REQUIRE(points > 60);
    for (int at = 1; at <= points; ++at) {
      if (!testing_support::in_shard(at)) continue;
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
    if (!testing_support::in_shard(lost)) continue;
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
    if (!testing_support::in_shard(refused)) continue;
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

TEST_CASE("a later version of an item that is still under way comes after it, and is an update") {
  for (const std::size_t in_flight : {std::size_t(1), std::size_t(2), std::size_t(20)}) {
    World world;
    world.in_flight = in_flight;
    auto source = tickets();
    // The second batch of three holds ticket 3 once more: it has been commented on while the first was being read.
    Record& again = source->records("tickets").at(5);
    again.ref.id = "3";
    again.version = "2";
    Array comments{"comment 0", "comment 1", "comment 2", "and one more"};
    again.data.as_object()["title"] = "ticket 3";
    again.data.as_object()["comments"] = comments;
    std::vector<std::string> actions;
    Pipeline pipeline;
    pipeline.name = "tickets";
    pipeline.source = source;
    pipeline.services = world.faults.services();
    auto sink = std::make_shared<MemoryItems>(world.service, pipeline.services, in_flight);
    sink->on_write = [&](const Operation& operation) {
      if (operation.record().ref.id == "3") actions.push_back(operation.action() == Action::update ? "update" : "create");
    };
    pipeline.sink = sink;
    pipeline.store = world.store;
    REQUIRE(run_blocking(pipeline, RunOptions()).status == Status::done);
    CHECK(actions == std::vector<std::string>{"create", "update"});
    std::size_t threes = 0;
    for (const auto& [id, item] : world.service.items)
      if (item.title == "ticket 3") {
        ++threes;
        CHECK(item.comments.size() == 4);
      }
    CHECK(threes == 1);
  }
}

TEST_CASE("items come in the order of the source, and a long one does not hold the others up") {
  World world;
  std::vector<std::string> order;
  const auto run = [&](std::size_t in_flight) {
    order.clear();
    World fresh;
    auto source = tickets();
    source->records("tickets").at(5).data.as_object()["comments"] = Array();
    Pipeline pipeline;
    pipeline.name = "tickets";
    pipeline.source = source;
    pipeline.services = fresh.faults.services();
    auto sink = std::make_shared<MemoryItems>(fresh.service, pipeline.services, in_flight);
    sink->on_write = [&](const Operation& operation) { order.push_back(operation.record().ref.id); };
    // Ticket 1 takes as long as all the others together.
    sink->duration = [](const Operation& operation) {
      return std::chrono::milliseconds(operation.record().ref.id == "1" ? 700 : 100);
    };
    pipeline.sink = sink;
    pipeline.store = fresh.store;
    const auto start = pipeline.services.clock->now();
    REQUIRE(run_blocking(pipeline, RunOptions()).status == Status::done);
    return std::chrono::duration_cast<std::chrono::milliseconds>(pipeline.services.clock->now() - start).count();
  };
  CHECK(run(1) == 1400);
  CHECK(order == std::vector<std::string>{"1", "2", "3", "4", "5", "6", "7", "8"});
  // Batches of three: 1 beside 2 and 3, then 4, 5, 6 of the next batch; 7 and 8 when the first batch is settled.
  CHECK(run(2) == 800);
}

TEST_CASE("orphans are what bears the mark and the journal does not know, and the reverse") {
  World world;
  REQUIRE(world.run().has_value());
  const auto look = [&] { return wait_for(find_orphans(world.pipeline())); };
  CHECK(look().known == 7);
  CHECK(look().unknown.empty());
  CHECK(look().missing.empty());
  // A second item of ticket 1, one that the journal never heard of, a stranger's, and a loss.
  world.service.items[100] = world.service.items[1];
  world.service.items[101] = MemoryService::Item{"tickets/tickets/77/create", "from another life", {}, {}};
  world.service.items[102] = MemoryService::Item{"other/tickets/1/create", "not ours", {}, {}};
  world.service.items.erase(2);
  const Orphans found = look();
  REQUIRE(found.unknown.size() == 2);
  CHECK(found.unknown[0].target_id == "100");
  CHECK(found.unknown[1].target_id == "101");
  REQUIRE(found.missing.size() == 1);
  CHECK(found.missing[0].second == "2");
  world.service.items[101].touched = true;
  std::vector<std::string> left;
  std::function<void(const Marked&, const Error&)> stays = [&](const Marked& item, const Error&) {
    left.push_back(item.target_id);
  };
  CHECK(wait_for(remove_orphans(world.pipeline(), found.unknown, stays)) == 1);
  CHECK(left == std::vector<std::string>{"101"});
  CHECK(world.service.items.count(100) == 0);
  CHECK(world.service.items.count(1) == 1);
  CHECK(wait_for(last_report(world.store))->orphans_removed == 1);
}

TEST_CASE("what a dead run has begun is unfinished, not an orphan") {
  World undisturbed;
  REQUIRE(undisturbed.run().has_value());
  bool seen = false;
  for (int at = 1; at <= undisturbed.faults.passed; ++at) {
    World world;
    world.faults.at = at;
    REQUIRE_FALSE(world.run().has_value());
    world.revive();
    const Orphans found = wait_for(find_orphans(world.pipeline()));
    CHECK(found.unknown.empty());
    seen = seen || !found.unfinished.empty();
  }
  CHECK(seen);
}

TEST_CASE("what the id map or a step knows is no orphan, whoever made it") {
  World world;
  REQUIRE(world.run().has_value());
  const auto put = [&](int id, std::string marker) {
    world.service.items[id] = MemoryService::Item{std::move(marker), "somebody's own", {}, {}};
    return std::to_string(id);
  };
  const auto commit = [&](Table table, std::string key, Object row) {
    std::vector<Entry> entries;
    entries.push_back(Entry{table, std::move(key), std::move(row)});
    wait_for([](std::shared_ptr<CheckpointStore> store, std::vector<Entry> rows) -> awaitable<int> {
      co_await store->commit(std::move(rows));
      co_return 0;
    }(world.store, std::move(entries)));
  };
  const auto step = [&](std::string key, std::string target) {
    commit(Table::step, std::move(key),
           Object{{"state", "done"}, {"key", "k"}, {"n", 900}, {"at", 1}, {"target_id", std::move(target)}});
  };
  std::string known;
  SUBCASE("named by an imported mapping, without a step: the state was lost") {
    known = put(200, "tickets/tickets/20/create");
    wait_for(import_mappings(world.store, std::vector<Mapping>{Mapping{"tickets", "20", Value(known)}}));
  }
  SUBCASE("adopted") {
    known = put(201, "tickets/tickets/21/create");
    step("tickets/21/adopt", known);
    // It was merged into another one since.
    wait_for(import_mappings(world.store, std::vector<Mapping>{Mapping{"tickets", "21", Value("1")}}));
  }
  SUBCASE("under another record's name, or none") {
    known = put(202, "tickets/unreadable");
    wait_for(import_mappings(world.store, std::vector<Mapping>{Mapping{"notes", "7", Value(known)}}));
  }
  const Orphans found = wait_for(find_orphans(world.pipeline()));
  CHECK(found.unknown.empty());
  CHECK(found.unfinished.empty());
  CHECK(found.known == 8);
}

TEST_CASE("what the journal has come to know since the look is not removed") {
  World world;
  REQUIRE(world.run().has_value());
  const int id = world.service.items.begin()->first;
  const Marked marked{"tickets/tickets/1/create", std::to_string(id), "", ""};
  std::vector<std::string> left;
  std::function<void(const Marked&, const Error&)> stays = [&](const Marked&, const Error& error) {
    left.push_back(error.cause);
  };
  CHECK(wait_for(remove_orphans(world.pipeline(), std::vector<Marked>{marked}, stays)) == 0);
  CHECK(left == std::vector<std::string>{"known"});
  CHECK(world.service.items.count(id) == 1);
}

TEST_CASE("steps of a record are not those of one whose id begins with its own") {
  World world;
  Record& longer = world.source->records("tickets").at(4);
  longer.ref.id = "5/6";
  const Report report = world.run().value();
  // 5 fails and is taken back; 5/6, which came before it, is not.
  CHECK(report.orphans_cleaned == 1);
  CHECK(world.service.items.size() == 7);
  CHECK(wait_for(find_orphans(world.pipeline())).known == 7);
}

namespace {

/// Everything that a run of `world` leaves on the target is whole: ticket 3 and its three comments, or nothing of it.
void check_whole(World& world, const std::multiset<std::string>& whole) {
  for (const std::string& item : world.service.content()) REQUIRE(whole.count(item) == 1);
  const Orphans found = wait_for(find_orphans(world.pipeline()));
  REQUIRE(found.unknown.empty());
  REQUIRE(found.unfinished.empty());
  REQUIRE(found.missing.empty());
}

}  // namespace

TEST_CASE("what was begun of a record that no run meets again is taken back, however often a run dies over it") {
  bool reported = false;
  SUBCASE("deleted at the source") {}
  SUBCASE("reported as deleted") { reported = true; }
  const auto go = [&](World& world) {
    if (reported)
      world.source->records("tickets").at(3).deleted = true;
    else
      world.source->records("tickets").erase(3);
  };
  World undisturbed;
  REQUIRE(undisturbed.run().has_value());
  const std::multiset<std::string> whole = undisturbed.service.content();
  int begun = 0;
  for (int at = 1; at <= undisturbed.faults.passed; ++at) {
    const auto interrupted = [&] {
      auto world = std::make_unique<World>();
      world->faults.at = at;
      REQUIRE_FALSE(world->run().has_value());
      world->revive();
      go(*world);
      return world;
    };
    INFO("died at point " << at);
    auto world = interrupted();
    const Orphans before = wait_for(find_orphans(world->pipeline()));
    const bool half = std::any_of(before.unfinished.begin(), before.unfinished.end(),
                                  [](const Marked& marked) { return marked.key == "tickets/tickets/3/create"; });
    const int passed = world->faults.passed;
    const Report report = world->run().value();
    check_whole(*world, whole);
    if (!half) continue;
    ++begun;
    CHECK(report.types.at("tickets").balanced());
    const int points = world->faults.passed - passed;
    for (int second = 1; second <= points; ++second) {
      if (!testing_support::in_shard(second)) continue;
      auto again = interrupted();
      again->faults.at = again->faults.passed + second;
      REQUIRE_FALSE(again->run().has_value());
      INFO("and then at " << again->faults.points.back());
      again->revive();
      REQUIRE(again->run().has_value());
      check_whole(*again, whole);
    }
  }
  CHECK(begun > 3);
}

TEST_CASE("items that were taken back are counted once each, also those that a run before had begun") {
  World world;
  // After the first comment of ticket 3: its item and two steps are there.
  world.faults.at = 1;
  while (true) {
    World probe;
    probe.faults.at = world.faults.at;
    REQUIRE_FALSE(probe.run().has_value());
    probe.revive();
    bool there = false;
    for (const auto& [id, item] : probe.service.items)
      there = there || (item.title == "ticket 3" && !item.comments.empty());
    if (there) break;
    ++world.faults.at;
  }
  REQUIRE_FALSE(world.run().has_value());
  world.revive();
  world.source->records("tickets").erase(3);
  world.source->records("tickets").erase(5);
  RunOptions part;
  part.where = Where{"tickets", "title", "ticket 1"};
  // A run that looks at some records concludes nothing of the others.
  CHECK(world.run(part)->orphans_cleaned == 0);
  // 3, and 2, which is whole and not booked yet.
  CHECK(wait_for(find_orphans(world.pipeline())).unfinished.size() == 2);
  const Report report = world.run().value();
  CHECK(report.orphans_cleaned == 1);
  CHECK(report.status == Status::done);
  CHECK(world.service.items.size() == 6);
  // Nothing is open any more: no run reads all the steps again.
  CHECK(world.run()->orphans_cleaned == 0);
}

TEST_CASE("what cannot be taken back is a failure that a person hears of, until it is gone") {
  World world;
  for (world.faults.at = 1;; ++world.faults.at) {
    World probe;
    probe.faults.at = world.faults.at;
    REQUIRE_FALSE(probe.run().has_value());
    bool there = false;
    for (const auto& [id, item] : probe.service.items)
      there = there || (item.title == "ticket 3" && !item.comments.empty());
    if (there) break;
  }
  REQUIRE_FALSE(world.run().has_value());
  world.revive();
  world.source->records("tickets").erase(3);
  world.source->records("tickets").erase(5);
  int id = 0;
  for (auto& [number, item] : world.service.items)
    if (item.title == "ticket 3") {
      item.touched = true;
      id = number;
    }
  REQUIRE(id != 0);
  for (int run = 0; run < 2; ++run) {
    const Report report = world.run().value();
    CHECK(report.status == Status::done_with_failures);
    CHECK(report.causes.at("tickets").at("left_half_made").count == 1);
    CHECK(report.types.at("tickets").balanced());
    CHECK(report.orphans_cleaned == 0);
    CHECK(world.service.items.count(id) == 1);
  }
  RunOptions retry;
  retry.mode = Mode::retry;
  // The source has it no more, and the failure stays all the same.
  Report again = world.run(retry).value();
  CHECK(again.total().failed == 1);
  CHECK(again.types.at("tickets").balanced());
  world.service.items.at(id).touched = false;
  again = world.run(retry).value();
  CHECK(again.total().failed == 0);
  CHECK(again.types.at("tickets").balanced());
  CHECK(world.service.items.count(id) == 0);
  CHECK(again.orphans_cleaned == 1);
}

TEST_CASE("what was begun is removed step by step when it is asked for, and made anew by the next run") {
  World undisturbed;
  REQUIRE(undisturbed.run().has_value());
  for (int at = 1; at <= undisturbed.faults.passed; ++at) {
    World world;
    world.faults.at = at;
    REQUIRE_FALSE(world.run().has_value());
    world.revive();
    const Orphans found = wait_for(find_orphans(world.pipeline()));
    std::function<void(const Marked&, const Error&)> stays = [](const Marked&, const Error& error) {
      FAIL(error.what());
    };
    INFO("died at point " << at);
    REQUIRE(wait_for(remove_orphans(world.pipeline(), found.unfinished, stays)) == found.unfinished.size());
    REQUIRE(world.service.items.size() == found.known);
    REQUIRE(wait_for(find_orphans(world.pipeline())).unfinished.empty());
    REQUIRE(world.run().has_value());
    REQUIRE(world.service.content() == undisturbed.service.content());
  }
}

TEST_CASE("a record that is taken back with its unit is never settled and gone") {
  const auto pipeline_of = [](World& world) {
    Pipeline pipeline = world.pipeline();
    // Each ticket with a note of its own, of which the fifth ticket's is refused.
    pipeline.transforms.push_back(transform_with([](Record record, std::vector<Record>& out) {
      Record note = record;
      note.ref.type = "notes";
      note.links.clear();
      record.data.as_object().erase("comments");
      out.push_back(std::move(record));
      out.push_back(std::move(note));
    }));
    return pipeline;
  };
  const auto run = [&](World& world) {
    try {
      return std::optional<Report>(run_blocking(pipeline_of(world), RunOptions()));
    } catch (const SimulatedCrash&) {
      return std::optional<Report>();
    }
  };
  World undisturbed;
  const Report report = run(undisturbed).value();
  CHECK(report.orphans_cleaned == 2);
  CHECK(undisturbed.service.items.size() == 14);
  for (int at = 1; at <= undisturbed.faults.passed; ++at) {
    World world;
    world.faults.at = at;
    REQUIRE_FALSE(run(world).has_value());
    world.revive();
    REQUIRE(run(world).has_value());
    INFO("died at point " << at);
    REQUIRE(wait_for(find_orphans(pipeline_of(world))).missing.empty());
    // Nor does one stay whose mate is refused in the run after the death.
    REQUIRE(world.service.content() == undisturbed.service.content());
  }
}
