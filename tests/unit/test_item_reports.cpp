// What a person is told of items: of a rollback, also one that was cut short, of a stop, of a rehearsal, and of what is
// gone from the target.
#include <doctest/doctest.h>

#include <boost/json/parse.hpp>
#include <fstream>
#include <iterator>

#include "memory_systems.hpp"
#include "migrate/report_writer.hpp"
#include "temporary_folder.hpp"

using namespace testing_systems;

namespace {

struct Watcher : Observer {
  std::function<void(const Report&)> progress;
  void on_progress(const Report& report) override {
    if (progress) progress(report);
  }
};

/// A service that says beforehand what it would refuse, and compares titles.
class Judge final : public ItemSink {
 public:
  Judge(MemoryService& service, Services services) : service_(service), inner_(service, std::move(services), 4) {}
  SinkTraits traits() const override {
    SinkTraits traits = inner_.traits();
    traits.verifies = true;
    return traits;
  }
  awaitable<std::vector<Check>> check() override {
    std::vector<Check> checks;
    if (locked) checks.push_back(Check{"sign-in", false, "does not know the account", "check the token"});
    co_return checks;
  }
  awaitable<std::string> write(Operation& operation) override {
    if (refused.count(operation.record().ref.id)) throw Error(ErrorKind::invalid, "too_large", "a file is too large");
    co_return co_await inner_.write(operation);
  }
  awaitable<void> undo(Receipt receipt) override { co_await inner_.undo(std::move(receipt)); }
  awaitable<std::vector<bool>> exist(std::vector<std::string> ids) override { return inner_.exist(std::move(ids)); }
  awaitable<std::vector<Finding>> preview(std::span<Operation> operations) override {
    std::vector<Finding> findings;
    for (const Operation& operation : operations) {
      for (int i = 0; i < remarks; ++i) {
        Finding remark;
        remark.record = operation.record().ref;
        remark.message = "is not as it was";
        findings.push_back(std::move(remark));
      }
      if (!refused.count(operation.record().ref.id)) continue;
      Finding finding;
      finding.record = operation.record().ref;
      finding.refused = Error(ErrorKind::invalid, "too_large", "a file is too large").with_advice("Make it smaller.");
      findings.push_back(std::move(finding));
    }
    co_return findings;
  }
  awaitable<std::vector<Finding>> verify(std::span<Operation> operations) override {
    std::vector<Finding> findings;
    for (const Operation& operation : operations) {
      const Value& id = operation.target_id();
      if (id.is_string() && service_.items.count(std::stoi(std::string(id.get_string())))) continue;
      Finding finding;
      finding.record = operation.record().ref;
      finding.message = "is not there";
      findings.push_back(std::move(finding));
    }
    co_return findings;
  }
  std::set<std::string> refused;
  bool locked = false;
  int remarks = 0;  ///< on each record, in a preview

 private:
  MemoryService& service_;
  MemoryItems inner_;
};

struct World {
  MemoryService service;
  Faults faults;
  std::shared_ptr<CheckpointStore> store = make_memory_store(faults.services());
  std::shared_ptr<MemorySource> source = std::make_shared<MemorySource>();
  std::set<std::string> refused;
  bool locked = false;  ///< the account is not let in
  int remarks = 0;
  std::size_t batch = 100;
  TemporaryFolder folder;

  /// Each with two comments, so with three steps.
  explicit World(int tickets) {
    for (int i = 1; i <= tickets; ++i) {
      Object data;
      data.emplace("title", fmt::format("ticket {}", i));
      data.emplace("comments", Array{"one", "two"});
      source->add("tickets", i, std::move(data)).version = "1";
    }
  }
  Pipeline pipeline() {
    Pipeline pipeline;
    pipeline.name = "items";
    pipeline.source = source;
    pipeline.services = faults.services();
    auto sink = std::make_shared<Judge>(service, pipeline.services);
    sink->refused = refused;
    sink->remarks = remarks;
    sink->locked = locked;
    pipeline.sink = sink;
    pipeline.store = store;
    return pipeline;
  }
  Report run(RunOptions options = RunOptions()) {
    options.batch_size = batch;
    return run_blocking(pipeline(), std::move(options));
  }
  Report run(Mode mode) {
    RunOptions options;
    options.mode = mode;
    return run(std::move(options));
  }
  /// As a kill leaves it.
  void die(Mode mode, int points) {
    faults.at = faults.passed + points;
    CHECK_THROWS_AS(run(mode), SimulatedCrash);
    faults.at = 0;
    faults.dead = false;
  }
  Report stored() { return testing_systems::wait_for(last_report(store)).value(); }
  std::string summary(const Report& report) {
    ReportFiles files;
    files.directory = folder.path;
    files.formats = {ReportFormat::markdown, ReportFormat::json};
    const auto write = [&]() -> awaitable<bool> {
      co_await write_reports(report, pipeline(), files);
      co_return true;
    };
    testing_systems::wait_for(write());
    std::ifstream in(folder.path / "migration-executive-summary.md");
    return std::string(std::istreambuf_iterator<char>(in), {});
  }
};

bool has(const std::string& text, const std::string& words) { return text.find(words) != std::string::npos; }

bool tells(const std::string& text, const std::string& words) {
  const bool found = has(text, words);
  if (!found) MESSAGE(words << " is not in:\n" << text);
  return found;
}

/// Stops as soon as the progress is such.
Report run_until(World& world, Mode mode, const std::function<bool(const Report&)>& such) {
  std::stop_source stop;
  Watcher watcher;
  watcher.progress = [&](const Report& report) {
    if (such(report)) stop.request_stop();
  };
  RunOptions options;
  options.mode = mode;
  options.observer = &watcher;
  options.stop = stop.get_token();
  return world.run(std::move(options));
}

}  // namespace

TEST_CASE("a rollback counts items, not their steps") {
  World world(7);
  REQUIRE(world.run().status == Status::done);
  world.service.items.begin()->second.touched = true;
  const Report report = world.run(Mode::rollback);
  CHECK(report.rollback->removed == 6);
  CHECK(report.rollback->kept.size() == 1);
  CHECK(report.rollback->of_items);
  CHECK(tells(report_as_text(report), "Rollback: 6 items removed, 0 restored, 1 kept"));
  CHECK(tells(world.summary(world.stored()), "6 items removed, 0 restored, 1 kept"));
}

TEST_CASE(
    "a rollback that was stopped tells to go on with it, and what was left when it ends counts with what was not") {
  World world(7);
  REQUIRE(world.run().status == Status::done);
  const Report stopped =
      run_until(world, Mode::rollback, [&](const Report&) { return world.service.items.size() <= 4; });
  CHECK(stopped.status == Status::stopped);
  CHECK(stopped.rollback->removed == 7 - world.service.items.size());
  for (const Report& report : {stopped, world.stored()}) {
    const std::string text = world.summary(report);
    CHECK(tells(text, "Go on where it ended: `migrate rollback FILE`"));
    CHECK_FALSE(has(text, "100 %"));
    CHECK(report.total().read == 0);
  }
  const Report ended = world.run(Mode::rollback);
  CHECK(ended.status == Status::done);
  CHECK(ended.rollback->removed == 7);
  CHECK(tells(world.summary(world.stored()), "# items: Taken back\n"));
}

TEST_CASE("a rollback that was killed is told of by whoever looks, until it ends or a run begins anew") {
  World world(5);
  REQUIRE(world.run().status == Status::done);
  world.die(Mode::rollback, 12);
  CHECK(world.stored().mode == "rollback");
  CHECK(world.stored().status == Status::broken_off);
  CHECK(tells(world.summary(world.stored()), "Go on where it ended: `migrate rollback FILE`"));
  for (const Mode mode : {Mode::retry, Mode::verify}) {
    const Report report = world.run(mode);
    CHECK(report.status == Status::stopped);
    REQUIRE(report.fatal.has_value());
    CHECK(report.fatal->cause == "unfinished_rollback");
    CHECK(tells(report_as_text(report), "items: Not done: a rollback has not ended\n"));
    CHECK(tells(report_as_text(report), "migrate rollback goes on with it"));
    CHECK(tells(world.summary(report), "`migrate rollback FILE`"));
    CHECK(world.stored().mode == "rollback");
  }
  SUBCASE("it ends") { CHECK(world.run(Mode::rollback).status == Status::done); }
  SUBCASE("a run") {
    CHECK(world.run().status == Status::done);
    CHECK(world.service.items.size() == 5);
    CHECK(world.run(Mode::retry).status == Status::done);
  }
  CHECK(world.stored().status == Status::done);
}

TEST_CASE("a verification that was broken off is begun again, and no run") {
  Report report;
  report.migration = "world";
  for (const Status status : {Status::stopped, Status::broken_off}) {
    report.status = status;
    World world(0);
    report.mode = "verify";
    CHECK(tells(world.summary(report), "`migrate verify FILE`"));
    report.mode = "incremental";
    CHECK(tells(world.summary(report), "`migrate run FILE --mode incremental`"));
    report.mode = "retry";
    CHECK(tells(world.summary(report), "`migrate retry FILE`"));
    report.mode = "full";
    CHECK(tells(world.summary(report), "`migrate run FILE`"));
  }
}

TEST_CASE("what had arrived when a run was stopped is told by one that goes on with it and does not begin") {
  World world(12);
  world.batch = 4;
  run_until(world, Mode::full, [](const Report& report) { return report.total().written >= 6; });
  const std::uint64_t arrived = world.service.items.size();
  REQUIRE(arrived >= 6);
  REQUIRE(arrived < 12);
  REQUIRE(arrived % 4 != 0);
  CHECK(world.stored().total().written == arrived);
  world.locked = true;
  for (int time = 0; time < 2; ++time) {
    const Report report = world.run();
    CHECK(report.status == Status::preflight_failed);
    CHECK(report.total().written == arrived);
    CHECK(world.stored().total().written == arrived);
  }
  world.locked = false;
  CHECK(world.run().total().written == 12);
  CHECK(world.stored().total().written == 12);
}

TEST_CASE("what had arrived when a run was stopped is counted once, wherever the run that goes on with it dies") {
  bool died = true, settled = false;
  for (int at = 1; died; ++at) {
    World world(12);
    world.batch = 6;
    run_until(world, Mode::full, [](const Report& report) { return report.total().written >= 2; });
    REQUIRE(world.stored().total().written >= 2);
    world.faults.at = world.faults.passed + at;
    try {
      world.run();
      died = false;
    } catch (const SimulatedCrash&) {
    }
    world.faults.at = 0;
    world.faults.dead = false;
    const Counters told = world.stored().total();
    INFO("died at point " << at);
    REQUIRE(told.read <= 12);
    REQUIRE(told.written <= world.service.items.size());
    settled = settled || (died && told.written == 6);
  }
  CHECK(settled);
}

TEST_CASE("a run that takes itself back tells what it had brought, and why it went") {
  World world(6);
  world.refused = {"2"};
  RunOptions options;
  options.verify = VerifyLevel::comprehensive;
  options.on_verify_failure = OnVerifyFailure::rollback;
  const Report report = world.run(options);
  CHECK(world.service.items.empty());
  for (const Report& told : {report, world.stored()}) {
    CHECK(told.status == Status::differences);
    CHECK(told.types.at("tickets").written == 5);
    CHECK(told.types.at("tickets").failed == 1);
    CHECK(told.causes.at("tickets").at("too_large").count == 1);
    CHECK(told.rollback->removed == 5);
    const std::string text = world.summary(told);
    CHECK(tells(text, "# items: Verification found differences; taken back\n"));
    CHECK(tells(text, "a file is too large"));
    CHECK(tells(text, "bring everything over again: `migrate run FILE`"));
    CHECK_FALSE(has(text, "migrate rollback"));
    CHECK_FALSE(has(text, "migrate retry"));
    CHECK_FALSE(has(text, "records arrived"));
  }
  const Report retried = world.run(Mode::retry);
  REQUIRE(retried.fatal.has_value());
  CHECK(retried.fatal->cause == "nothing_to_retry");
  CHECK(world.stored().status == Status::differences);
  world.refused.clear();
  const Report again = world.run(options);
  CHECK(again.status == Status::done);
  CHECK(again.causes.empty());
  CHECK(world.service.items.size() == 6);
}

TEST_CASE("what is whole on the target counts before its batch is settled, and is the run's own when it goes on") {
  World world(20);
  const Report stopped = run_until(world, Mode::full, [](const Report& report) { return report.total().written >= 5; });
  CHECK(stopped.status == Status::stopped);
  const std::uint64_t there = world.service.items.size();
  REQUIRE(there >= 5);
  REQUIRE(there < 20);
  for (const Report& report : {stopped, world.stored()}) {
    CHECK(report.types.at("tickets").written == there);
    CHECK(report.types.at("tickets").balanced());
  }
  const Report report = world.run();
  CHECK(report.run == stopped.run);
  CHECK(report.types.at("tickets").written == 20);
  CHECK(report.types.at("tickets").skipped == 0);
  CHECK(report.types.at("tickets").balanced());
  CHECK(world.stored().types.at("tickets").written == 20);
  // Another run finds them there.
  CHECK(world.run().types.at("tickets").skipped == 20);
}

TEST_CASE("a rehearsal says what would arrive and what would not, and why") {
  World world(6);
  Report report = world.run(Mode::dry_run);
  CHECK(report.status == Status::done);
  CHECK(report.preview->create == 6);
  CHECK(tells(report_as_text(report), "items: Rehearsed: everything would arrive; nothing was written\n"));
  CHECK(tells(report_as_text(report), "6 would be created, 0 changed, 0 are there already, 0 would be refused"));
  CHECK(tells(world.summary(report), "Migrate: `migrate run FILE`"));
  REQUIRE(world.run().status == Status::done);
  world.source->add("tickets", 7, Object{{"title", "new"}, {"comments", Array()}}).version = "1";
  world.source->records("tickets").at(1).version = "2";
  world.refused = {"2", "3"};
  report = world.run(Mode::dry_run);
  CHECK(report.status == Status::done_with_failures);
  CHECK(report.types.at("tickets").failed == 2);
  CHECK(report.types.at("tickets").balanced());
  CHECK(report.preview->create == 1);
  CHECK(report.preview->change == 1);
  CHECK(report.preview->unchanged == 3);
  CHECK(report.preview->refuse == 2);
  CHECK(report.causes.at("tickets").at("too_large").count == 2);
  const std::string text = report_as_text(report);
  CHECK(tells(text, "items: Rehearsed: 2 of 7 records would not arrive; nothing was written\n"));
  CHECK(tells(text, "Would not arrive, by cause:\n  2 tickets: too_large\n"));
  CHECK(tells(text, "Make it smaller."));
  CHECK_FALSE(has(text, "migrate retry"));
  CHECK_FALSE(has(world.summary(report), "arrived ("));
  std::ifstream in(world.folder.path / "final-migration-report.json");
  const std::string json(std::istreambuf_iterator<char>(in), {});
  CHECK(tells(json, "too_large"));
  CHECK(world.stored().causes.empty());
}

TEST_CASE("a rehearsal lists all that would be refused, beside its other remarks, until there is too much of it") {
  World world(1'500);
  for (int i = 1; i <= 1'500; ++i) world.refused.insert(std::to_string(i));
  const auto listed = [&](const Report& report) {
    world.summary(report);
    std::ifstream in(world.folder.path / "final-migration-report.json");
    const std::string json(std::istreambuf_iterator<char>(in), {});
    return boost::json::parse(json).at("failures").as_array().size();
  };
  world.remarks = 2;
  Report report = world.run(Mode::dry_run);
  CHECK(report.preview->refuse == 1'500);
  CHECK(listed(report) == 1'500);
  CHECK(report.checks.empty());
  CHECK(report.verification->examples.size() == 2'500);

  for (int i = 1'501; i <= 20'001; ++i) {
    world.source->add("tickets", i, Object{{"title", "one more"}, {"comments", Array()}}).version = "1";
    world.refused.insert(std::to_string(i));
  }
  report = world.run(Mode::dry_run);
  CHECK(listed(report) == 20'000);
  CHECK(tells(report_as_text(report), "only the first 20000 of 20001 records that would be refused are listed"));
}

TEST_CASE("an item that is gone from the target is pending, and comes again once the id map has forgotten it") {
  World world(4);
  REQUIRE(world.run().status == Status::done);
  world.service.items.erase(world.service.items.begin());
  std::vector<std::string> told;
  std::function<void(const Pending&)> each = [&](const Pending& pending) {
    told.push_back(pending.record.id + " " + pending.cause);
  };
  const auto look = [&]() -> awaitable<bool> {
    RunOptions options;
    co_await for_each_pending(world.pipeline(), std::move(options), each);
    co_return true;
  };
  testing_systems::wait_for(look());
  CHECK(told == std::vector<std::string>{"1 gone_from_target"});
  CHECK(world.run().types.at("tickets").skipped == 4);
  std::vector<Mapping> gone = testing_systems::wait_for(find_gone(world.pipeline(), ""));
  REQUIRE(gone.size() == 1);
  CHECK(gone[0].source_id == "1");
  // What is there is not forgotten, whoever names it.
  gone.push_back(Mapping{"tickets", "2", Value("2")});
  CHECK(testing_systems::wait_for(forget_gone(world.pipeline(), gone)) == 1);
  const Report report = world.run();
  CHECK(report.types.at("tickets").written == 1);
  CHECK(report.types.at("tickets").skipped == 3);
  CHECK(world.service.items.size() == 4);
  // A mapping names it by its number.
  std::vector<Mapping> mappings{Mapping{"tickets", "50", Value(999)}};
  testing_systems::wait_for(import_mappings(world.pipeline().store, std::move(mappings)));
  gone = testing_systems::wait_for(find_gone(world.pipeline(), ""));
  REQUIRE(gone.size() == 1);
  CHECK(gone[0].source_id == "50");
  CHECK(testing_systems::wait_for(forget_gone(world.pipeline(), gone)) == 1);
}

TEST_CASE("a field that no record has is told of, since it chooses nothing") {
  World world(3);
  RunOptions options;
  options.where = Where{"tickets", "titel", "x"};
  const Report report = world.run(options);
  CHECK(tells(report_as_text(report), "none of the 3 records of tickets that were read has a field \"titel\""));
  options.where->field = "title";
  for (const Check& check : world.run(options).checks) CHECK(check.passed);
}
