// What a run is asked for, beyond bringing everything over.
#include <doctest/doctest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "memory_systems.hpp"
#include "migrate/report_writer.hpp"

using namespace testing_systems;

namespace {

struct World {
  MemoryDatabase database;
  Faults faults;
  std::shared_ptr<CheckpointStore> store = make_memory_store(faults.services());
  std::shared_ptr<MemorySource> source = std::make_shared<MemorySource>();
  std::vector<std::string> types{"owners", "things"};

  World() {
    for (int i = 1; i <= 10; ++i) source->add("owners", i, Object{{"name", fmt::format("owner {}", i)}});
    for (int i = 1; i <= 30; ++i) {
      Record& thing = source->add("things", i, Object{{"name", fmt::format("thing {}", i)}});
      thing.links.push_back(
          link_to("owner_id", "owners", std::to_string(11 - (i % 10 + 1)), Missing::fails, "missing_owner"));
    }
  }
  Pipeline pipeline() {
    Pipeline pipeline;
    pipeline.name = "world";
    pipeline.source = source;
    pipeline.services = faults.services();
    pipeline.sink = std::make_shared<MemoryTables>(database, types, pipeline.services);
    pipeline.store = store;
    return pipeline;
  }
  Report run(RunOptions options = RunOptions()) { return run_blocking(pipeline(), std::move(options)); }
  template <class F>
  void ask(F question) {
    boost::asio::io_context context;
    std::exception_ptr failure;
    boost::asio::co_spawn(context, question(), [&](std::exception_ptr error) { failure = error; });
    context.run();
    if (failure) std::rethrow_exception(failure);
  }
};

struct Watcher : Observer {
  std::vector<std::string> failures;
  std::function<void(const Report&)> progress;
  std::function<void()> retry;
  void on_failure(const Failure& failure) override { failures.push_back(failure.record.id + " " + failure.cause); }
  void on_progress(const Report& report) override {
    if (progress) progress(report);
  }
  void on_retry(const RecordRef&, int, std::chrono::milliseconds, const Error&) override {
    if (retry) retry();
  }
};

RunOptions mode(Mode mode) {
  RunOptions options;
  options.mode = mode;
  return options;
}

}  // namespace

TEST_CASE("read = written + skipped + dropped + failed, per type, and a dropped record is counted") {
  World world;
  Pipeline pipeline = world.pipeline();
  pipeline.transforms.push_back(transform_with([](Record record, std::vector<Record>& out) {
    const std::int64_t id = std::stoll(record.ref.id);
    if (record.ref.type == "things" && id % 10 == 0) return;
    if (record.ref.type == "things" && id % 10 == 1) throw Error(ErrorKind::invalid, "odd", "an odd thing");
    out.push_back(std::move(record));
  }));
  const Report report = run_blocking(pipeline, RunOptions());
  const Counters& things = report.types.at("things");
  CHECK(things.read == 30);
  CHECK(things.dropped == 3);
  CHECK(things.failed == 3);
  CHECK(things.written == 24);
  CHECK(things.balanced());
}

TEST_CASE("a record that its source cannot read fails by itself until it can be read") {
  for (const bool transforms : {false, true}) {
    World world;
    Record& broken = world.source->records("things").at(7);
    broken.failure = std::make_shared<const Error>(ErrorKind::invalid, "unreadable", "thing 7 cannot be read");
    Pipeline pipeline = world.pipeline();
    const auto pass_on = transform_with([](Record record, std::vector<Record>& out) {
      REQUIRE_FALSE(record.failure);
      out.push_back(std::move(record));
    });
    if (transforms) pipeline.transforms.push_back(pass_on);
    const Report report = run_blocking(pipeline, RunOptions());
    CHECK(report.status == Status::done_with_failures);
    CHECK(report.types.at("things").read == 30);
    CHECK(report.types.at("things").written == 29);
    CHECK(report.causes.at("things").at("unreadable").count == 1);
    broken.failure = nullptr;
    CHECK(run_blocking(pipeline, mode(Mode::retry)).types.at("things").failed == 0);
    CHECK(world.database.tables["things"].size() == 30);
  }
}

TEST_CASE("a second full run finds everything in place and writes nothing") {
  World world;
  world.run();
  const auto before = world.database.tables;
  const Report again = world.run();
  CHECK(again.run == 2);
  CHECK(again.types.at("things").skipped == 30);
  CHECK(again.types.at("things").written == 0);
  CHECK(world.database.tables == before);
}

TEST_CASE("a dry run writes nothing and says what would fail") {
  World world;
  world.source->records("things")[3].links[0].target.id = "77";
  Watcher watcher;
  RunOptions options = mode(Mode::dry_run);
  options.observer = &watcher;
  const Report report = world.run(options);
  CHECK(world.database.tables["things"].empty());
  CHECK(world.database.journal.empty());
  REQUIRE(watcher.failures.size() == 1);
  CHECK(watcher.failures[0] == "3 missing_owner");
  CHECK(report.types.at("things").failed == 1);
  CHECK_FALSE(report.fatal.has_value());
}

TEST_CASE("retry brings over only what failed, and the counts of the run follow") {
  World world;
  world.source->records("things")[3].links[0].target.id = "77";
  world.source->records("things")[9].links[0].target.id = "78";
  Report report = world.run();
  CHECK(report.types.at("things").failed == 2);
  world.source->records("things")[3].links[0].target.id = "1";
  world.source->reads.clear();
  report = world.run(mode(Mode::retry));
  CHECK(world.source->reads.empty());
  CHECK(report.types.at("things").read == 30);
  CHECK(report.types.at("things").written == 29);
  CHECK(report.types.at("things").failed == 1);
  CHECK(report.types.at("things").balanced());
  CHECK(world.database.tables["things"].count("3") == 1);
  world.source->records("things").erase(9);
  report = world.run(mode(Mode::retry));
  CHECK(report.types.at("things").failed == 0);
  CHECK(report.causes.empty());
  // Gone from the source meanwhile: that is told, and its failure does not vanish from the counts.
  CHECK(report.types.at("things").read == 30);
  CHECK(report.types.at("things").dropped == 1);
  CHECK(report.types.at("things").balanced());
  CHECK(report.warnings.at("things").at("gone_from_source") == 1);
}

TEST_CASE("too many failures break the run off; the state is valid and a later run goes on") {
  World world;
  for (auto& [id, thing] : world.source->records("things")) thing.links[0].target.id = "99";
  RunOptions options;
  options.max_failures = 5;
  const Report report = world.run(options);
  CHECK(report.status == Status::broken_off);
  REQUIRE(report.fatal.has_value());
  CHECK(report.fatal->cause == "too_many_failures");
  CHECK(report.types.at("things").failed == 6);
  for (auto& [id, thing] : world.source->records("things")) thing.links[0].target.id = "1";
  const Report next = world.run(options);
  CHECK(next.run == 1);
  CHECK(next.types.at("things").written + next.types.at("things").failed == 30);
}

TEST_CASE("a stop ends after the batch, and the next run goes on behind it without reading again") {
  World world;
  std::stop_source stop;
  Watcher watcher;
  watcher.progress = [&](const Report& report) {
    if (report.types.count("things") && report.types.at("things").written >= 9) stop.request_stop();
  };
  RunOptions options;
  options.observer = &watcher;
  options.stop = stop.get_token();
  Report report = world.run(options);
  CHECK(report.status == Status::stopped);
  CHECK(world.database.tables["things"].size() == 9);
  world.source->reads.clear();
  report = world.run();
  CHECK(report.status == Status::done);
  CHECK(report.types.at("things").written == 30);
  CHECK(world.source->reads.front() == "things@9");
}

TEST_CASE("a quota that stays closed uses up no attempt of a read; what should pass and does not uses them up") {
  for (const ErrorKind kind : {ErrorKind::throttled, ErrorKind::transient}) {
    World world;
    int reads = 0;
    world.source->before_read = [&] {
      if (++reads > 20) return;
      Error refusal(kind, "not_now", "the source does not answer");
      if (kind == ErrorKind::throttled) refusal.retry_after = std::chrono::minutes(1);
      throw refusal;
    };
    Pipeline pipeline = world.pipeline();
    const std::shared_ptr<Clock> clock = pipeline.services.clock;
    const auto start = clock->now();
    const Report report = run_blocking(std::move(pipeline), RunOptions());
    if (kind == ErrorKind::throttled) {
      CHECK(report.status == Status::done);
      CHECK(clock->now() - start >= std::chrono::minutes(20));
    } else {
      CHECK(report.status == Status::broken_off);
      CHECK(report.fatal->cause == "not_now");
      CHECK(reads == RetryPolicy().attempts);
    }
  }
}

TEST_CASE("a stop does not wait until a quota opens, and what waits for it is brought by the next run") {
  World world;
  std::stop_source stop;
  Watcher watcher;
  watcher.retry = [&] { stop.request_stop(); };
  int reads = 0;
  world.source->before_read = [&] {
    if (++reads != 3) return;
    Error closed(ErrorKind::throttled, "quota", "an hour's requests are used up");
    closed.retry_after = std::chrono::hours(1);
    throw closed;
  };
  RunOptions options;
  options.observer = &watcher;
  options.stop = stop.get_token();
  Pipeline pipeline = world.pipeline();
  const std::shared_ptr<Clock> clock = pipeline.services.clock;
  const auto start = clock->now();
  const Report report = run_blocking(std::move(pipeline), std::move(options));
  CHECK(report.status == Status::stopped);
  CHECK(clock->now() - start < std::chrono::minutes(1));
  const Report next = world.run();
  CHECK(next.status == Status::done);
  CHECK(next.types.at("things").written == 30);
}

TEST_CASE("a test run takes a sample and everything that it needs") {
  World world;
  RunOptions options = mode(Mode::test);
  options.sample = 2;
  const Report report = world.run(options);
  CHECK_FALSE(report.fatal.has_value());
  CHECK(report.types.at("things").written == 2);
  CHECK(report.types.at("things").failed == 0);
  // Things 1 and 2 belong to owners 9 and 8; owners 1 and 2 are the sample of their own type.
  for (const char* id : {"9", "8"}) CHECK(world.database.tables["owners"].count(id) == 1);
  CHECK(world.database.tables["owners"].size() <= 4);
  const Report full = world.run();
  CHECK(full.types.at("things").read == 30);
  CHECK(world.database.tables["things"].size() == 30);
}

TEST_CASE("where moves only the records that match, however the value is written") {
  World world;
  for (auto& [id, owner] : world.source->records("owners")) owner.data.as_object()["code"] = id == 4 ? " Ab٤ " : "x";
  RunOptions options;
  options.where = Where{"owners", "code", "aB4"};
  const Report report = world.run(options);
  CHECK(report.types.at("owners").read == 1);
  CHECK(report.types.size() == 1);
  CHECK(world.database.tables["owners"].count("4") == 1);
  CHECK(world.database.tables["things"].empty());
}

TEST_CASE("verification finds a changed, a missing and a superfluous row") {
  World world;
  world.run();
  RunOptions options = mode(Mode::verify);
  options.verify = VerifyLevel::comprehensive;
  CHECK(world.run(options).verification->differences == 0);
  // Counted for the report, the one at the end and the one that is asked for later.
  const std::uint64_t verified = world.run(options).total().verified;
  CHECK(verified > 0);
  CHECK(testing_systems::wait_for(last_report(world.store))->total().verified == verified);
  world.database.tables["things"]["5"].content = "name=\"other\";";
  world.database.tables["things"].erase("6");
  world.database.tables["owners"]["77"] = MemoryDatabase::Row{99, "name=\"nobody\";"};
  const Report report = world.run(options);
  CHECK(report.status == Status::differences);
  std::set<std::string> found;
  for (const Finding& finding : report.verification->examples) found.insert(finding.record.type + finding.record.id);
  CHECK(found.count("things5") == 1);
  CHECK(found.count("things6") == 1);
  CHECK(found.count("owners77") == 1);
  // Their number is one short, and what is too much only the comprehensive level looks for.
  for (const VerifyLevel level : {VerifyLevel::basic, VerifyLevel::standard}) {
    options.verify = level;
    const Report less = world.run(options);
    CHECK(less.verification->differences == 3);
    CHECK(less.verification->examples.at(0).message == "things: 30 records should be on the target, 29 are");
    CHECK(less.verification->compared == 40);
    CHECK(less.verification->records == 40);
  }
}

TEST_CASE("a verification that is stopped has proved nothing, and says so") {
  World world;
  world.run();
  std::stop_source stop;
  Watcher watcher;
  watcher.progress = [&](const Report&) { stop.request_stop(); };
  RunOptions options = mode(Mode::verify);
  options.verify = VerifyLevel::comprehensive;
  options.observer = &watcher;
  options.stop = stop.get_token();
  const Report report = world.run(options);
  CHECK(report.status == Status::stopped);
  CHECK_FALSE(report.verification.has_value());
  // What the run has brought is none the less.
  CHECK(report.types.at("owners").written == 10);
  CHECK(report.types.at("things").written == 30);
  // And the run has ended as it had.
  world.ask([&]() -> awaitable<void> {
    const std::optional<Report> stored = co_await last_report(world.store);
    CHECK(stored->status == Status::done);
    CHECK_FALSE(stored->fatal.has_value());
  });
}

TEST_CASE("a run of chosen records says which, and does not claim that everything arrived") {
  World world;
  const auto told = [&](RunOptions options) { return report_as_text(world.run(std::move(options))); };
  RunOptions test = mode(Mode::test);
  test.sample = 5;
  CHECK(told(test).find("Done: the chosen records arrived (the first 5 of each type and what they need)\n") !=
        std::string::npos);
  world.ask([&]() -> awaitable<void> {
    const std::optional<Report> stored = co_await last_report(world.store);
    CHECK(report_as_text(*stored).find("the first 5 of each type") != std::string::npos);
  });
  RunOptions only = mode(Mode::full);
  only.only = {"owners"};
  CHECK(told(only).find("Done: the chosen records arrived (only owners)\n") != std::string::npos);
  // A look at that run is about no more than the run was.
  only.mode = Mode::verify;
  CHECK(told(only).find("the chosen records arrived (only owners)") != std::string::npos);
  RunOptions where = mode(Mode::full);
  where.where = Where{"owners", "name", "owner 7"};
  CHECK(told(where).find("the chosen records arrived (owners whose name is owner 7)") != std::string::npos);
  where.mode = Mode::dry_run;
  CHECK(told(where).find("Rehearsed: the chosen records would arrive (owners whose name is owner 7); nothing") !=
        std::string::npos);
  CHECK(told(mode(Mode::full)).find("Done: everything arrived\n") != std::string::npos);
}

TEST_CASE("a basic verification of tables compares a hundred rows at least, a comprehensive one each") {
  World world;
  for (int i = 31; i <= 500; ++i) {
    Record& thing = world.source->add("things", i, Object{{"name", fmt::format("thing {}", i)}});
    thing.links.push_back(link_to("owner_id", "owners", "1", Missing::fails, "missing_owner"));
  }
  RunOptions options;
  options.batch_size = 100;
  REQUIRE(world.run(options).status == Status::done);
  for (auto& [key, row] : world.database.tables["things"]) row.content = "tampered";
  for (auto& [key, row] : world.database.tables["owners"]) row.content = "tampered";
  options.mode = Mode::verify;
  options.verify = VerifyLevel::basic;
  const Report basic = world.run(options);
  CHECK(basic.verification->compared >= 100);
  CHECK(basic.verification->compared < 400);
  CHECK(basic.verification->records == 510);
  CHECK(basic.verification->differences == basic.verification->compared);
  CHECK(basic.total().verified == basic.verification->compared);
  options.verify = VerifyLevel::comprehensive;
  CHECK(world.run(options).verification->differences == 510);
}

TEST_CASE("differences found at the end of a run roll it back when that is asked for") {
  World world;
  Watcher watcher;
  watcher.progress = [&](const Report&) {
    if (world.database.tables["things"].count("30")) world.database.tables["things"]["5"].content = "tampered";
  };
  RunOptions options;
  options.observer = &watcher;
  options.verify = VerifyLevel::comprehensive;
  options.on_verify_failure = OnVerifyFailure::rollback;
  const Report report = world.run(options);
  CHECK(report.status == Status::differences);
  CHECK(report.rollback.has_value());
  CHECK(world.database.tables["owners"].empty());
}

TEST_CASE("a person decides one by one: migrate, skip, edit, all") {
  struct Person : Reviewer {
    std::vector<std::string> seen;
    awaitable<Verdict> review(const Proposal& proposal, Record& edited) override {
      const std::string id = proposal.source.ref.type + proposal.source.ref.id;
      seen.push_back(id);
      if (id == "things2") co_return Verdict::skip;
      if (id == "things3" && proposal.source.data.at("name").as_string() == "thing 3") {
        edited.data.as_object()["name"] = "thing three";
        co_return Verdict::edit;
      }
      if (id == "things4") {
        CHECK(proposal.operations.size() == 1);
        CHECK(proposal.operations[0].data().at("owner_id").is_int64());
        co_return Verdict::all;
      }
      co_return Verdict::migrate;
    }
  } person;
  World world;
  RunOptions options;
  options.reviewer = &person;
  const Report report = world.run(options);
  CHECK(report.status == Status::done);
  CHECK(person.seen.size() == 10 + 5);
  CHECK(world.database.tables["things"].count("2") == 0);
  CHECK(world.database.tables["things"]["3"].content.find("thing three") != std::string::npos);
  CHECK(world.database.tables["things"].size() == 29);
  CHECK(report.types.at("things").skipped == 1);
  std::vector<std::string> pending;
  world.ask([&]() -> awaitable<void> {
    Pipeline pipeline = world.pipeline();
    RunOptions all;
    std::function<void(const Pending&)> each = [&](const Pending& one) {
      pending.push_back(one.record.type + one.record.id + " " + one.cause);
    };
    co_await for_each_pending(std::move(pipeline), std::move(all), std::move(each));
  });
  REQUIRE(pending.size() == 1);
  CHECK(pending[0] == "things2 skipped_by_person");
}

TEST_CASE("quitting leaves the record for the next time") {
  struct Person : Reviewer {
    int asked = 0;
    awaitable<Verdict> review(const Proposal&, Record&) override {
      co_return ++asked == 3 ? Verdict::quit : Verdict::migrate;
    }
  } person;
  World world;
  RunOptions options;
  options.reviewer = &person;
  Report report = world.run(options);
  CHECK(report.status == Status::stopped);
  CHECK(world.database.tables["owners"].size() == 2);
  report = world.run();
  CHECK(report.types.at("owners").written == 10);
}

TEST_CASE("a state of another migration is refused") {
  World world;
  world.run();
  Pipeline other = world.pipeline();
  other.name = "other";
  const Report report = run_blocking(other, RunOptions());
  REQUIRE(report.fatal.has_value());
  CHECK(report.fatal->cause == "foreign_state");
  CHECK(report.status == Status::broken_off);
}

TEST_CASE("the last report comes back from the store") {
  World world;
  world.source->records("things")[3].links[0].target.id = "77";
  const Report told = world.run();
  world.ask([&]() -> awaitable<void> {
    std::optional<Report> stored = co_await last_report(world.store);
    REQUIRE(stored.has_value());
    CHECK(stored->types.at("things").written == told.types.at("things").written);
    CHECK(stored->status == Status::done_with_failures);
    CHECK(stored->causes.at("things").at("missing_owner").count == 1);
    CHECK(stored->completed.size() == told.completed.size());
  });
}

TEST_CASE("an alternate key names the first record that has it; a later one fails") {
  World world;
  for (auto& [id, owner] : world.source->records("owners"))
    owner.keys.push_back(AlternateKey{"name", id == 7 ? "owner 3" : fmt::format("owner {}", id), "duplicate_name"});
  world.source->records("things")[1].links[0].target = RecordRef{"owners.name", "owner 3"};
  world.source->records("things")[2].links[0].target = RecordRef{"owners.name", "owner 7"};
  const Report report = world.run();
  CHECK(report.causes.at("owners").at("duplicate_name").count == 1);
  CHECK(world.database.tables["owners"].count("7") == 0);
  CHECK(world.database.tables["things"]["1"].content.find("owner_id=3;") != std::string::npos);
  CHECK(world.database.tables["things"].count("2") == 0);
}
