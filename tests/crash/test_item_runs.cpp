// Runs of different kinds one after the other, with a death between them.
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

/// By what the items stand for: their numbers differ from run to run.
std::multiset<std::string> links_of(const MemoryService& service) {
  std::multiset<std::string> all;
  for (const auto& [id, item] : service.items)
    for (const std::string& link : item.links) {
      const std::size_t arrow = link.find("->");
      const auto target = service.items.find(std::stoi(link.substr(arrow + 2)));
      all.insert(fmt::format("{} {} {}", item.marker, link.substr(0, arrow),
                             target == service.items.end() ? "nothing" : target->second.marker));
    }
  return all;
}

std::size_t known_mappings(World& world) {
  std::size_t count = 0;
  std::function<void(const Mapping&)> each = [&](const Mapping&) { ++count; };
  const auto look = [&]() -> awaitable<bool> {
    co_await for_each_mapping(world.pipeline(), "tickets", each);
    co_return true;
  };
  wait_for(look());
  return count;
}

/// Things that the service calls something else since its project was renamed.
class Renamed final : public ItemSink {
 public:
  Renamed(MemoryService& service, Services services) : inner_(service, std::move(services)) {}
  SinkTraits traits() const override { return inner_.traits(); }
  awaitable<std::vector<Check>> check() override { co_return std::vector<Check>(); }
  awaitable<std::string> write(Operation& operation) override { co_return co_await inner_.write(operation); }
  awaitable<void> undo(Receipt receipt) override {
    receipt.target_id = receipt.target_id.substr(4);
    co_await inner_.undo(std::move(receipt));
  }
  awaitable<void> for_each_marked(std::string migration, std::chrono::system_clock::time_point last_write,
                                  std::function<void(const Marked&)> each) override {
    std::function<void(const Marked&)> renamed = [&each](const Marked& marked) {
      Marked now = marked;
      now.target_id = "new-" + marked.target_id;
      each(now);
    };
    co_await inner_.for_each_marked(std::move(migration), last_write, std::move(renamed));
  }
  awaitable<std::vector<bool>> exist(std::vector<std::string> ids) override {
    co_return co_await inner_.exist(std::move(ids));
  }
  awaitable<std::vector<std::string>> present_ids(std::vector<std::string> ids) override {
    std::vector<std::string> asked = ids;
    const std::vector<bool> there = co_await inner_.exist(std::move(asked));
    for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = there[i] ? "new-" + ids[i] : "";
    co_return ids;
  }

 private:
  MemoryItems inner_;
};

}  // namespace

TEST_CASE("a run after a rollback that died at any point makes everything anew") {
  World undisturbed;
  REQUIRE(undisturbed.run().has_value());
  const int before = undisturbed.faults.passed;
  REQUIRE(undisturbed.run(mode(Mode::rollback)).has_value());
  REQUIRE(undisturbed.service.items.empty());
  const int points = undisturbed.faults.passed - before;
  REQUIRE(undisturbed.run().has_value());
  const auto whole = undisturbed.service.content();
  REQUIRE(whole.size() == 7);
  for (int at = 1; at <= points; ++at) {
    if (!testing_support::in_shard(at)) continue;
    World world;
    REQUIRE(world.run().has_value());
    world.faults.at = world.faults.passed + at;
    REQUIRE_FALSE(world.run(mode(Mode::rollback)).has_value());
    world.revive();
    INFO("died at point " << at);
    REQUIRE(world.run().has_value());
    REQUIRE(world.service.content() == whole);
    REQUIRE(links_of(world.service) == links_of(undisturbed.service));
  }
}

TEST_CASE("a link that waits outlives a rollback that died at any point, as the record has it then") {
  for (const bool given_up : {false, true}) {
    const auto begin = [](World& world) {
      world.source->records("tickets").at(3).links.push_back(
          link_to("blocks", "tickets", "9", Missing::deferred, "missing_ticket"));
      REQUIRE(world.run().has_value());
      REQUIRE(links_of(world.service).size() == 1);
    };
    const auto change = [&](World& world) {
      Record& ticket = world.source->records("tickets").at(3);
      if (given_up) ticket.links.clear();
      if (given_up) ticket.version = "2";
      world.source->add("tickets", 9, Object{{"title", "ticket 9"}}).version = "1";
    };
    World undisturbed;
    begin(undisturbed);
    const int before = undisturbed.faults.passed;
    REQUIRE(undisturbed.run(mode(Mode::rollback)).has_value());
    const int points = undisturbed.faults.passed - before;
    change(undisturbed);
    REQUIRE(undisturbed.run().has_value());
    REQUIRE(links_of(undisturbed.service).size() == (given_up ? 1 : 2));
    for (int at = 1; at <= points; ++at) {
      if (!testing_support::in_shard(at)) continue;
      World world;
      begin(world);
      world.faults.at = world.faults.passed + at;
      REQUIRE_FALSE(world.run(mode(Mode::rollback)).has_value());
      world.revive();
      change(world);
      CAPTURE(given_up);
      INFO("died at point " << at);
      REQUIRE(world.run().has_value());
      REQUIRE(links_of(world.service) == links_of(undisturbed.service));
    }
  }
}

TEST_CASE("a rollback that the service is too busy for once goes on, and can be stopped") {
  World world;
  REQUIRE(world.run().has_value());
  const int exchanges = world.service.exchanges;
  world.service.refuse = [exchanges](int number) { return number == exchanges + 2; };
  CHECK(world.run(mode(Mode::rollback)).value().status == Status::done);
  CHECK(world.service.items.empty());

  World stopped;
  REQUIRE(stopped.run().has_value());
  std::stop_source stop;
  stop.request_stop();
  RunOptions options = mode(Mode::rollback);
  options.stop = stop.get_token();
  CHECK(stopped.run(options).value().status == Status::stopped);
  CHECK(stopped.service.items.size() == 7);
}

TEST_CASE("links of what a dead run has settled are set by whatever run comes next") {
  World undisturbed;
  REQUIRE(undisturbed.run().has_value());
  REQUIRE(links_of(undisturbed.service).size() == 1);
  for (const Mode next : {Mode::full, Mode::incremental}) {
    for (int at = 1; at <= undisturbed.faults.passed; ++at) {
      if (!testing_support::in_shard(at)) continue;
      World world;
      world.faults.at = at;
      REQUIRE_FALSE(world.run().has_value());
      world.revive();
      INFO("died at point " << at << ", then " << to_string(next));
      REQUIRE(world.run(mode(next)).has_value());
      REQUIRE(links_of(world.service) == links_of(undisturbed.service));
    }
  }
}

TEST_CASE("what a rollback had to keep is known by its receipt, whatever a person does to its mark") {
  World world;
  REQUIRE(world.run().has_value());
  auto& [id, item] = *world.service.items.begin();
  item.touched = true;
  CHECK(world.run(mode(Mode::rollback)).value().rollback->kept.size() == 1);
  REQUIRE(world.service.items.size() == 1);
  item.marker.clear();
  const int kept = id;
  REQUIRE(world.run().has_value());
  CHECK(world.service.items.size() == 7);
  CHECK(world.service.items.count(kept) == 1);
}

TEST_CASE("what was there before a run stays known when another record of its unit is refused") {
  World world;
  wait_for(import_mappings(world.store, {Mapping{"tickets", "5", Value("1")}}));
  MemoryService::Item there;
  there.title = "ticket 5";
  world.service.items[world.service.next++] = there;
  Pipeline pipeline = world.pipeline();
  pipeline.transforms.push_back(transform_with([](Record record, std::vector<Record>& out) {
    Record note = record;
    note.ref.type = "notes";
    note.links.clear();
    record.data.as_object().erase("comments");
    out.push_back(std::move(record));
    out.push_back(std::move(note));
  }));
  CHECK(run_blocking(pipeline, RunOptions()).types.at("tickets").failed == 1);
  CHECK(known_mappings(world) == 8);
}

TEST_CASE("an imported mapping outlives a run and its rollback") {
  World world;
  std::vector<Mapping> mappings{Mapping{"tickets", "3", Value("1")}};
  MemoryService::Item there;
  there.title = "ticket 3";
  world.service.items[world.service.next++] = there;
  wait_for(import_mappings(world.store, mappings));
  REQUIRE(known_mappings(world) == 1);
  REQUIRE(world.run().has_value());
  CHECK(known_mappings(world) == 7);
  REQUIRE(world.run(mode(Mode::rollback)).has_value());
  CHECK(known_mappings(world) == 1);
}

TEST_CASE("one's own id map, imported again, does not outlive a rollback; one that contradicts it is refused whole") {
  World world;
  REQUIRE(world.run().has_value());
  std::vector<Mapping> own;
  std::function<void(const Mapping&)> each = [&](const Mapping& mapping) { own.push_back(mapping); };
  const auto look = [&]() -> awaitable<bool> {
    co_await for_each_mapping(world.pipeline(), "tickets", each);
    co_return true;
  };
  wait_for(look());
  REQUIRE(own.size() == 7);
  SUBCASE("the same ids") { CHECK(wait_for(import_mappings(world.store, own)) == 7); }
  SUBCASE("the same ids, as text") {
    for (Mapping& mapping : own)
      if (!mapping.target_id.is_string()) mapping.target_id = std::to_string(mapping.target_id.to_number<int>());
    CHECK(wait_for(import_mappings(world.store, own)) == 7);
  }
  SUBCASE("another id") {
    const std::vector<Mapping> other{Mapping{"tickets", "50", Value("7")}, Mapping{"tickets", "3", Value("4711")}};
    std::string said;
    try {
      wait_for(import_mappings(world.store, other));
    } catch (const Error& error) {
      CHECK(error.cause == "mapping_contradicts");
      said = error.what();
    }
    CHECK(said.find("tickets 3: the mapping file says 4711") != std::string::npos);
    CHECK(known_mappings(world) == 7);
  }
  REQUIRE(world.run(mode(Mode::rollback)).has_value());
  CHECK(known_mappings(world) == 0);
  REQUIRE(world.run().has_value());
  CHECK(world.service.items.size() == 7);
}

TEST_CASE("a corrected mapping brings all of the item to the right thing, and once where that is the same thing") {
  World world;
  const auto put = [&](const char* title) {
    MemoryService::Item item;
    item.title = title;
    world.service.items[world.service.next] = item;
    return world.service.next++;
  };
  const auto import = [&](Value id) {
    wait_for(import_mappings(world.store, std::vector<Mapping>{Mapping{"tickets", "3", std::move(id)}}));
  };
  const int wrong = put("another's"), right = put("ticket 3, made by hand");
  import(Value(std::to_string(wrong)));
  REQUIRE(world.run().has_value());
  REQUIRE(world.service.items.at(wrong).comments.size() == 3);
  SUBCASE("it is gone") { world.service.items.erase(wrong); }
  SUBCASE("it was somebody else's") {}
  SUBCASE("it is called something else now") {
    world.service.items[right] = world.service.items.at(wrong);
    world.service.items.erase(wrong);
  }
  SUBCASE("and a run dies on the way") {
    import(Value(std::to_string(right)));
    world.faults.at = world.faults.passed + 12;
    REQUIRE_FALSE(world.run().has_value());
    world.revive();
  }
  import(Value(std::to_string(right)));
  REQUIRE(world.run().has_value());
  CHECK(world.service.items.at(right).title == "ticket 3");
  REQUIRE(world.service.items.at(right).comments.size() == 3);
  CHECK(world.service.items.at(right).comments.back() == "tickets/tickets/3/comment:2|comment 2");
  // The same file, named in the migration file, is read before each run: what it says is known by now.
  import(Value(std::to_string(right)));
  const int exchanges = world.service.exchanges;
  REQUIRE(world.run().has_value());
  CHECK(world.service.exchanges == exchanges + 3);  // ticket 5 is begun and taken back
}

TEST_CASE("before the next run a rollback takes back what was done to the thing that a mapping had named before") {
  World world;
  MemoryService::Item there;
  there.title = "ticket 3";
  world.service.items[world.service.next++] = there;
  wait_for(import_mappings(world.store, {Mapping{"tickets", "3", Value("1")}}));
  REQUIRE(world.run().has_value());
  REQUIRE(world.service.items.at(1).comments.size() == 3);
  wait_for(import_mappings(world.store, {Mapping{"tickets", "3", Value("2")}}));
  REQUIRE(world.run(mode(Mode::rollback)).has_value());
  CHECK(world.service.items.size() == 1);
  CHECK(world.service.items.at(1).comments.empty());
}

TEST_CASE("a mapping is refused for a record that a dead run has begun another item of") {
  for (int at = 1;; ++at) {
    World world;
    world.faults.at = at;
    if (world.run().has_value()) break;
    world.revive();
    std::string begun;
    for (const auto& [id, item] : world.service.items)
      if (item.title == "ticket 1") begun = std::to_string(id);
    const bool intended = !wait_for(world.store->scan(Table::step, "tickets/1/create", "", 1)).empty();
    std::string cause;
    try {
      wait_for(import_mappings(world.store, {Mapping{"tickets", "1", Value("4711")}}));
    } catch (const Error& error) {
      cause = error.cause;
    }
    INFO("died at point " << at);
    REQUIRE(cause == (intended ? "mapping_contradicts" : ""));
    if (!intended || begun.empty()) continue;
    // The item itself may be named, when its receipt is there; it is completed, and is ours to take back.
    const std::vector<Entry> rows = wait_for(world.store->scan(Table::step, "tickets/1/create", "", 1));
    if (rows.front().value.at("state").as_string() != "done") continue;
    wait_for(import_mappings(world.store, {Mapping{"tickets", "1", Value(begun)}}));
    REQUIRE(world.run().has_value());
    REQUIRE(world.service.items.size() == 7);
    REQUIRE(world.run(mode(Mode::rollback)).has_value());
    REQUIRE(world.service.items.empty());
  }
}

TEST_CASE("what the service has renamed is neither an orphan nor missing, and is not removed") {
  World world;
  REQUIRE(world.run().has_value());
  Pipeline pipeline = world.pipeline();
  pipeline.sink = std::make_shared<Renamed>(world.service, pipeline.services);
  const Orphans found = wait_for(find_orphans(pipeline));
  CHECK(found.known == 7);
  CHECK(found.unknown.empty());
  CHECK(found.missing.empty());
  // Even for who has the list of another look.
  std::vector<Marked> listed;
  for (const auto& [id, item] : world.service.items)
    listed.push_back(Marked{item.marker, "new-" + std::to_string(id), item.title, ""});
  std::size_t kept = 0;
  std::function<void(const Marked&, const Error&)> stays = [&](const Marked&, const Error& error) {
    CHECK(error.cause == "known");
    ++kept;
  };
  CHECK(wait_for(remove_orphans(pipeline, listed, stays)) == 0);
  CHECK(kept == 7);
  CHECK(world.service.items.size() == 7);
}
