// What comes after a run: another try for what has failed, a dry run, and what the counters say of it.
#include <doctest/doctest.h>

#include "memory_systems.hpp"

using namespace testing_systems;

namespace {

struct World {
  MemoryService service;
  MemoryDatabase database;
  Faults faults;
  std::shared_ptr<CheckpointStore> store = make_memory_store(faults.services());
  std::shared_ptr<MemorySource> source = std::make_shared<MemorySource>();
  std::function<void(const Operation&)> on_write;
  std::size_t batch = 10;
  bool tables = false;

  explicit World(int tickets = 3) {
    for (int i = 1; i <= tickets; ++i) add(i);
  }
  Record& add(int id) {
    Record& record = source->add("tickets", id, Object{{"title", fmt::format("ticket {}", id)}});
    record.version = "1";
    return record;
  }
  /// From now on the target refuses the record; cure() ends it.
  void poison(int id) {
    Object& data = source->records("tickets").at(id).data.as_object();
    data["comments"] = Array{"poison"};
    if (tables) data["refuse"] = true;
  }
  void cure(int id) {
    Object& data = source->records("tickets").at(id).data.as_object();
    data["comments"] = Array{"fine"};
    data.erase("refuse");
  }
  Report run(RunOptions options = RunOptions()) {
    options.batch_size = batch;
    Pipeline pipeline;
    pipeline.name = "tickets";
    pipeline.source = source;
    pipeline.services = faults.services();
    pipeline.store = store;
    if (tables) {
      pipeline.sink = std::make_shared<MemoryTables>(database, std::vector<std::string>{"tickets"}, pipeline.services);
    } else {
      auto sink = std::make_shared<MemoryItems>(service, pipeline.services, 4);
      sink->on_write = on_write;
      pipeline.sink = sink;
    }
    return run_blocking(std::move(pipeline), std::move(options));
  }
  Report run(Mode mode) {
    RunOptions options;
    options.mode = mode;
    return run(std::move(options));
  }
  /// A new run, stopped after its first batch.
  Report stopped_run() {
    struct Stop : Observer {
      std::stop_source source;
      void on_progress(const Report&) override { source.request_stop(); }
    } stop;
    RunOptions options;
    options.fresh = true;
    options.observer = &stop;
    options.stop = stop.source.get_token();
    return run(std::move(options));
  }
  std::size_t arrived() const { return tables ? database.tables.at("tickets").size() : service.items.size(); }
};

void check_counts(const Report& report, std::uint64_t read, std::uint64_t failed) {
  const Counters total = report.total();
  CHECK(total.read == read);
  CHECK(total.failed == failed);
  CHECK(total.balanced());
}

struct Person : Reviewer {
  std::vector<Verdict> answers;
  std::vector<std::string> asked;
  awaitable<Verdict> review(const Proposal& proposal, Record& edited) override {
    const std::size_t number = asked.size();
    asked.push_back(proposal.source.ref.id);
    if (number >= answers.size()) co_return Verdict::quit;
    if (answers[number] == Verdict::edit) edited.data.as_object()["title"] = "as a person has put it";
    co_return answers[number];
  }
};

}  // namespace

TEST_CASE("a retry takes back no count that its run has not made") {
  for (const bool tables : {false, true}) {
    CAPTURE(tables);
    World world;
    world.tables = tables;
    world.poison(2);
    world.poison(3);
    check_counts(world.run(), 3, 2);
    RunOptions some;
    some.where = Where{"tickets", "title", "ticket 1"};
    check_counts(world.run(some), 1, 0);
    RunOptions once;
    once.mode = Mode::retry;
    once.max_failures = 1;
    // As it was: nothing that has failed before counts towards the limit.
    Report report = world.run(once);
    CHECK(report.status == Status::done_with_failures);
    check_counts(report, 3, 2);
    world.cure(2);
    check_counts(world.run(once), 3, 1);
    world.cure(3);
    report = world.run(once);
    CHECK(report.status == Status::done);
    check_counts(report, 3, 0);
    CHECK(world.arrived() == 3);
  }
}

TEST_CASE("a retry within a run that has not come to the failed records leaves them to be counted by it") {
  for (const bool tables : {false, true}) {
    CAPTURE(tables);
    World world(6);
    world.tables = tables;
    world.batch = 2;
    world.poison(5);
    world.poison(6);
    check_counts(world.run(), 6, 2);
    check_counts(world.stopped_run(), 2, 0);
    // One is mended in time, the other is tried twice.
    world.cure(5);
    Report report = world.run(Mode::retry);
    CHECK(report.run == 2);
    CHECK(report.status == Status::stopped);
    check_counts(report, 4, 1);
    CHECK(world.arrived() == 5);
    check_counts(world.run(Mode::retry), 3, 1);
    world.cure(6);
    check_counts(world.run(Mode::retry), 3, 0);
    CHECK(world.arrived() == 6);
    check_counts(world.run(Mode::retry), 2, 0);
    RunOptions rest;
    if (tables) rest.verify = VerifyLevel::standard;
    report = world.run(rest);
    CHECK(report.run == 2);
    CHECK(report.status == Status::done);
    check_counts(report, 6, 0);
    CHECK(world.arrived() == 6);
  }
}

TEST_CASE("a record that fails twice in a run has failed once, and a retry leaves nothing of it") {
  for (const bool tables : {false, true}) {
    for (const std::size_t batch : {2, 10}) {
      CAPTURE(tables);
      CAPTURE(batch);
      World world(4);
      world.tables = tables;
      world.batch = batch;
      // As if its source could not read it, twice.
      const auto unread = std::make_shared<const Error>(ErrorKind::invalid, "unreadable", "ticket 1 cannot be read");
      Record& broken = world.source->records("tickets").at(1);
      broken.failure = unread;
      world.source->after_read = [&](RecordBatch& records) {
        if (records.last) records.records.push_back(broken);
      };
      check_counts(world.run(), 4, 1);
      world.source->after_read = nullptr;
      broken.failure = nullptr;
      const Report report = world.run(Mode::retry);
      CHECK(report.status == Status::done);
      CHECK(report.causes.empty());
      check_counts(report, 4, 0);
    }
  }
}

TEST_CASE("who stops in the middle of a batch counts no record twice that has failed before") {
  World world(12);
  world.batch = 6;
  std::stop_source stop;
  RunOptions options;
  options.stop = stop.get_token();
  SUBCASE("in a retry") {
    for (int id = 5; id <= 12; ++id) world.poison(id);
    check_counts(world.run(), 12, 8);
    for (int id = 5; id <= 12; ++id) world.cure(id);
    world.on_write = [&](const Operation&) { stop.request_stop(); };
    options.mode = Mode::retry;
    const Report report = world.run(std::move(options));
    CHECK(report.status == Status::stopped);
    REQUIRE(world.arrived() > 4);
    REQUIRE(world.arrived() < 12);
    check_counts(report, 12, 8);
    world.on_write = nullptr;
    check_counts(world.run(Mode::retry), 12, 0);
  }
  SUBCASE("where they come once more in the same run") {
    std::vector<Record> readable;
    for (int id = 1; id <= 6; ++id) {
      Record& broken = world.source->records("tickets").at(id);
      readable.push_back(broken);
      broken.failure = std::make_shared<const Error>(ErrorKind::invalid, "unreadable", "the ticket cannot be read");
    }
    world.source->after_read = [&](RecordBatch& records) {
      if (records.last) records.records.insert(records.records.begin(), readable.begin(), readable.end());
    };
    world.on_write = [&](const Operation& operation) {
      if (std::stoi(operation.record().ref.id) <= 6) stop.request_stop();
    };
    const Report report = world.run(std::move(options));
    CHECK(report.status == Status::stopped);
    // Some of them have arrived, and their batch is not settled: they count as what they were.
    REQUIRE(world.arrived() > 6);
    REQUIRE(world.arrived() < 12);
    check_counts(report, 12, 6);
    world.on_write = nullptr;
    check_counts(world.run(), 12, 0);
  }
}

TEST_CASE("what fails and arrives later in the same run has not failed") {
  for (const bool tables : {false, true}) {
    for (const std::size_t batch : {2, 10}) {
      CAPTURE(tables);
      CAPTURE(batch);
      World world(4);
      world.tables = tables;
      world.batch = batch;
      Record& broken = world.source->records("tickets").at(1);
      const Record readable = broken;
      broken.failure = std::make_shared<const Error>(ErrorKind::invalid, "unreadable", "ticket 1 cannot be read");
      world.source->after_read = [&](RecordBatch& records) {
        if (records.last) records.records.push_back(readable);
      };
      const Report report = world.run();
      CHECK(report.status == Status::done);
      CHECK(report.causes.empty());
      check_counts(report, 4, 0);
      CHECK(report.total().written == 4);
      CHECK(world.arrived() == 4);
    }
  }
}

TEST_CASE("a retry brings the whole record where the source cannot be asked for it again") {
  World world(2);
  world.source->fetches = false;
  Record& record = world.source->records("tickets").at(2);
  record.version = "7";
  record.intent = Intent::get_or_create;
  record.links.push_back(link_to("parent", "tickets", "1", Missing::dropped, "missing_parent"));
  record.links.back().attributes = Object{{"order", 3}};
  Blob blob{"b1", "a.txt", "text/plain", 12, "ab", Value("here"), false};
  record.blobs.push_back(std::move(blob));
  record.keys.push_back(AlternateKey{"number", "T-2", "twice"});
  record.warnings.push_back(Warning{"cut", "title", "too long"});
  std::vector<std::string> written;
  bool refuses = true;
  world.on_write = [&](const Operation& operation) {
    const Record& now = operation.record();
    if (now.ref.id != "2") return;
    std::string text = now.version + (now.intent == Intent::get_or_create ? " shared" : "");
    for (const Link& link : now.links)
      text += fmt::format(" {}>{}/{} {} {} {}", link.relation, link.target.type, link.target.id,
                          link.missing == Missing::dropped, link.cause, boost::json::serialize(link.attributes));
    for (const Blob& each : now.blobs)
      text += fmt::format(" {} {} {} {} {} {}", each.id, each.name, each.media_type, each.size.value_or(0), each.sha256,
                          boost::json::serialize(each.locator));
    for (const AlternateKey& key : now.keys) text += " " + key.name + "=" + key.value + " " + key.duplicate_cause;
    for (const Warning& warning : now.warnings) text += " " + warning.cause + warning.field + warning.message;
    written.push_back(std::move(text));
    if (refuses) throw Error(ErrorKind::invalid, "refused", "the service refuses it");
  };
  check_counts(world.run(), 2, 1);
  // From row to row it loses nothing either.
  check_counts(world.run(Mode::retry), 2, 1);
  refuses = false;
  const Report report = world.run(Mode::retry);
  CHECK(report.status == Status::done);
  CHECK(report.total().files_written == 1);
  REQUIRE(written.size() == 3);
  CHECK(written.at(1) == written.at(0));
  CHECK(written.at(2) == written.at(0));
  // The next run knows which version has arrived.
  CHECK(world.run().total().skipped == 2);
}

TEST_CASE("a deletion that has failed is a deletion when it is tried again") {
  World world(2);
  world.source->fetches = false;
  REQUIRE(world.run().status == Status::done);
  Record& record = world.source->records("tickets").at(2);
  record.deleted = true;
  record.version = "2";
  bool refuses = true;
  world.on_write = [&](const Operation& operation) {
    if (refuses && operation.action() == Action::remove) throw Error(ErrorKind::invalid, "refused", "not now");
  };
  CHECK(world.run().total().failed == 1);
  refuses = false;
  CHECK(world.run(Mode::retry).status == Status::done);
  CHECK(world.arrived() == 1);
}

TEST_CASE("what a source could not read and cannot be asked for stays a failure") {
  World world(2);
  world.source->fetches = false;
  Record& broken = world.source->records("tickets").at(2);
  broken.data = Value();
  broken.failure = std::make_shared<const Error>(ErrorKind::invalid, "unreadable", "ticket 2 cannot be read");
  check_counts(world.run(), 2, 1);
  const Report report = world.run(Mode::retry);
  CHECK(report.status == Status::done_with_failures);
  CHECK(report.causes.at("tickets").at("unreadable").count == 1);
  check_counts(report, 2, 1);
}

TEST_CASE("a failure that an older version has kept is tried again with the data that it has") {
  World world(1);
  REQUIRE(world.run().status == Status::done);
  Object row{{"run", 1}, {"phase", "import"}, {"cause", "refused"}, {"message", "no"}, {"advice", ""}, {"attempts", 1}};
  row.emplace("data", Object{{"title", "ticket 2"}});
  const auto put = [](std::shared_ptr<CheckpointStore> store, Value value) -> awaitable<bool> {
    std::vector<Entry> entries;
    entries.push_back(Entry{Table::failed, "tickets/2", std::move(value)});
    co_await store->commit(std::move(entries));
    co_return true;
  };
  REQUIRE(wait_for(put(world.store, std::move(row))));
  world.source->fetches = false;
  const Report report = world.run(Mode::retry);
  CHECK(report.causes.empty());
  CHECK(world.arrived() == 2);
}

TEST_CASE("what a person has decided in a retry stays decided, whatever comes after") {
  for (const char* kind : {"items", "items of a source that cannot be asked again", "rows"}) {
    const bool tables = kind == std::string_view("rows");
    const bool fetches = tables || kind == std::string_view("items");
    INFO(std::string(kind));
    World world(4);
    world.tables = tables;
    world.source->fetches = fetches;
    bool refuses = true;
    world.on_write = [&](const Operation&) {
      if (refuses) throw Error(ErrorKind::invalid, "refused", "the service refuses it");
    };
    for (int id = 1; tables && id <= 4; ++id) world.poison(id);
    check_counts(world.run(), 4, 4);
    for (int id = 1; tables && id <= 4; ++id) world.cure(id);
    refuses = false;
    Person person;
    person.answers = {Verdict::migrate, Verdict::edit, Verdict::migrate, Verdict::skip, Verdict::quit};
    RunOptions options;
    options.mode = Mode::retry;
    options.reviewer = &person;
    Report report = world.run(options);
    CHECK(person.asked == std::vector<std::string>{"1", "2", "2", "3", "4"});
    CHECK(report.status == Status::stopped);
    check_counts(report, 4, 1);
    CHECK(report.total().skipped == 1);
    CHECK(world.arrived() == 2);
    person.asked.clear();
    person.answers = {Verdict::all};
    report = world.run(options);
    CHECK(person.asked == std::vector<std::string>{"4"});
    check_counts(report, 4, 0);
    CHECK(world.arrived() == 3);
  }
}

TEST_CASE("a failure tells how often it was tried, and that a retry is the next time") {
  World world(2);
  world.on_write = [](const Operation& operation) {
    if (operation.record().ref.id != "2") return;
    throw Error(ErrorKind::transient, "busy", "was answered 500").with_advice("It is tried again.");
  };
  check_counts(world.run(), 2, 1);
  std::vector<Failure> failures;
  std::function<void(const Failure&)> each = [&failures](const Failure& failure) { failures.push_back(failure); };
  const auto look = [&]() -> awaitable<bool> {
    co_await for_each_failure(world.store, each);
    co_return true;
  };
  REQUIRE(wait_for(look()));
  REQUIRE(failures.size() == 1);
  CHECK(failures.front().attempts == RetryPolicy().attempts);
  CHECK(failures.front().advice == "migrate retry tries it again when the service is well");
}

TEST_CASE("a dry run is not about the run that has not ended") {
  World world(6);
  world.batch = 2;
  REQUIRE(world.stopped_run().status == Status::stopped);
  const Report report = world.run(Mode::dry_run);
  CHECK(report.status == Status::done);
  CHECK_FALSE(report.fatal.has_value());
  CHECK(world.run().status == Status::done);
  CHECK(world.arrived() == 6);
}
