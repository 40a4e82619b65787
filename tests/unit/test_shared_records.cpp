// Records that many others name, and that one of them makes.
#include <doctest/doctest.h>

#include "memory_systems.hpp"

using namespace testing_systems;

namespace {

Record shared(const std::string& type, const std::string& id) {
  Record record;
  record.ref = RecordRef{type, id};
  record.data = Object{{"title", type}};
  record.intent = Intent::get_or_create;
  record.version = "1";
  return record;
}

/// Tickets that each name a company, into a service.
struct Tickets {
  MemoryService service;
  Faults faults;
  std::shared_ptr<CheckpointStore> store = make_memory_store(faults.services());
  std::shared_ptr<MemorySource> source = std::make_shared<MemorySource>();
  Missing missing = Missing::fails;

  void add(int id) {
    Record& record = source->add("tickets", id, Object{{"title", fmt::format("ticket {}", id)}});
    record.version = "1";
  }
  Report run(Mode mode) {
    Pipeline pipeline;
    pipeline.name = "tickets";
    pipeline.source = source;
    pipeline.transforms.push_back(transform_with([this](Record record, std::vector<Record>& out) {
      record.links.push_back(link_to("company", "companies", "acme", missing, "missing_company"));
      out.push_back(shared("companies", "acme"));
      out.push_back(std::move(record));
    }));
    pipeline.services = faults.services();
    pipeline.sink = std::make_shared<MemoryItems>(service, pipeline.services);
    pipeline.store = store;
    RunOptions options;
    options.mode = mode;
    return run_blocking(std::move(pipeline), std::move(options));
  }
};

}  // namespace

TEST_CASE("delta runs into a service go on linking to shared records that have not changed") {
  for (const Missing missing : {Missing::fails, Missing::deferred}) {
    Tickets world;
    world.missing = missing;
    world.add(1);
    world.add(2);
    REQUIRE(world.run(Mode::full).status == Status::done);
    CHECK(world.run(Mode::incremental).status == Status::done);
    world.source->records("tickets").at(1).version = "2";
    world.add(3);
    for (int again = 0; again < 2; ++again) {
      const Report report = world.run(Mode::incremental);
      CHECK(report.status == Status::done);
      CHECK(report.warnings.empty());
      CHECK(report.total().failed == 0);
    }
    CHECK(world.service.items.size() == 4);
  }
}

TEST_CASE("a state that says of a service's shared records that they have vanished is mended by the next run") {
  Tickets world;
  world.add(1);
  REQUIRE(world.run(Mode::full).status == Status::done);
  const auto put = [](std::shared_ptr<CheckpointStore> store) -> awaitable<bool> {
    std::vector<Entry> entries;
    entries.push_back(Entry{Table::vanished, "companies/acme", "unseen"});
    co_await store->commit(std::move(entries));
    co_return true;
  };
  REQUIRE(wait_for(put(world.store)));
  world.add(2);
  CHECK(world.run(Mode::incremental).status == Status::done);
  CHECK(wait_for(world.store->scan(Table::vanished, "", "", 10)).empty());
}

TEST_CASE("a verification and a dry run tell shared records apart whose types are alike") {
  // As long as one another, and with the same last letter.
  const std::vector<std::string> types{"makers", "owners", "devices"};
  Faults faults;
  const auto store = make_memory_store(faults.services());
  const auto source = std::make_shared<MemorySource>();
  MemoryDatabase database;
  for (int i = 1; i <= 6; ++i) {  // two batches
    Record& device = source->add("devices", i, Object{{"name", i}});
    if (i > 3) device.links.push_back(link_to("owner", "owners", "1", Missing::fails, "missing_owner"));
  }
  bool owners = true;
  const auto pipeline = [&] {
    Pipeline made;
    made.name = "devices";
    made.source = source;
    made.transforms.push_back(transform_with([&](Record record, std::vector<Record>& out) {
      out.push_back(shared("makers", "1"));
      if (owners) out.push_back(shared("owners", "1"));
      out.push_back(std::move(record));
    }));
    made.services = faults.services();
    made.sink = std::make_shared<MemoryTables>(database, types, made.services);
    made.store = store;
    return made;
  };
  RunOptions options;
  options.mode = Mode::dry_run;
  CHECK(run_blocking(pipeline(), options).types.at("devices").failed == 0);
  owners = false;
  CHECK(run_blocking(pipeline(), options).types.at("devices").failed == 3);
  owners = true;
  REQUIRE(run_blocking(pipeline(), RunOptions()).status == Status::done);
  database.tables["owners"].at("1").content = "title=\"garbled\";";
  options.mode = Mode::verify;
  options.verify = VerifyLevel::comprehensive;
  const Report report = run_blocking(pipeline(), options);
  REQUIRE(report.verification.has_value());
  CHECK(report.verification->differences == 1);
}
