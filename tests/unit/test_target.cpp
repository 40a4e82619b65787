// A state belongs to one target.
#include <doctest/doctest.h>

#include "memory_systems.hpp"

using namespace testing_systems;

namespace {

struct World {
  Faults faults;
  std::shared_ptr<CheckpointStore> store = make_memory_store(faults.services());
  std::shared_ptr<MemorySource> source = std::make_shared<MemorySource>();
  std::map<std::string, MemoryService> services;
  std::map<std::string, MemoryDatabase> databases;

  World() {
    for (int i = 1; i <= 4; ++i) source->add("things", i, Object{{"title", fmt::format("thing {}", i)}}).version = "1";
  }
  Pipeline pipeline() {
    Pipeline pipeline;
    pipeline.name = "things";
    pipeline.source = source;
    pipeline.services = faults.services();
    pipeline.store = store;
    return pipeline;
  }
  /// Into the service `where`, which calls itself `name`.
  Pipeline items(const std::string& where, const std::string& name) {
    Pipeline all = pipeline();
    auto sink = std::make_shared<MemoryItems>(services[where], all.services);
    sink->name = name;
    all.sink = std::move(sink);
    return all;
  }
  Pipeline tables(const std::string& where, const std::string& name) {
    Pipeline all = pipeline();
    auto sink = std::make_shared<MemoryTables>(databases[where], std::vector<std::string>{"things"}, all.services);
    sink->name = name;
    all.sink = std::move(sink);
    return all;
  }
  Report run(Pipeline pipeline, Mode mode = Mode::full, bool same_target = false) {
    RunOptions options;
    options.mode = mode;
    options.same_target = same_target;
    return run_blocking(std::move(pipeline), options);
  }
};

/// A source whose check may fail.
class Gate final : public Source {
 public:
  explicit Gate(std::shared_ptr<Source> inner) : inner_(std::move(inner)) {}
  std::string closed;  ///< why; empty: it is open
  SourceTraits traits() const override { return inner_->traits(); }
  awaitable<std::vector<Check>> check() override {
    Check check;
    check.name = "token";
    check.passed = closed.empty();
    check.message = closed;
    std::vector<Check> checks;
    checks.push_back(std::move(check));
    co_return checks;
  }
  awaitable<std::vector<Partition>> partitions() override { return inner_->partitions(); }
  awaitable<RecordBatch> read(const Partition& partition, Cursor from, std::size_t limit) override {
    return inner_->read(partition, std::move(from), limit);
  }
  awaitable<RecordBatch> fetch(std::vector<RecordRef> refs) override { return inner_->fetch(std::move(refs)); }

 private:
  std::shared_ptr<Source> inner_;
};

bool is_foreign(const Report& report) {
  if (!report.fatal) return false;
  const std::string text = report.fatal->what();
  return text.find("belongs to the service a") != std::string::npos &&
         text.find("leads to the service b") != std::string::npos;
}

template <class T>
std::string cause_of(awaitable<T> work) {
  try {
    wait_for(std::move(work));
    return "nothing";
  } catch (const Error& error) {
    return error.cause;
  }
}

}  // namespace

TEST_CASE("a state is refused for another target than its own, by everything that would use it there") {
  World world;
  REQUIRE(world.run(world.items("a", "a")).status == Status::done);
  for (const Mode mode : {Mode::full, Mode::incremental, Mode::test, Mode::dry_run, Mode::verify, Mode::retry}) {
    const Report report = world.run(world.items("b", "b"), mode);
    INFO(to_string(mode));
    CHECK(report.status == Status::preflight_failed);
    CHECK(is_foreign(report));
    REQUIRE_FALSE(report.checks.empty());
    CHECK(report.checks.back().name == "state: target");
    CHECK(report.checks.back().advice.find("--same-target") != std::string::npos);
  }
  // The same ids may be somebody else's there.
  world.services["b"].items[1] = MemoryService::Item{"", "somebody's own", {}, {}};
  const Report rollback = world.run(world.items("b", "b"), Mode::rollback);
  CHECK(rollback.status == Status::broken_off);
  CHECK(is_foreign(rollback));
  CHECK(world.services["b"].items.size() == 1);
  CHECK(cause_of(find_orphans(world.items("b", "b"))) == "foreign_target");
  std::function<void(const Marked&, const Error&)> nobody = [](const Marked&, const Error&) {};
  CHECK(cause_of(remove_orphans(world.items("b", "b"), std::vector<Marked>(1), nobody)) == "foreign_target");
  CHECK(wait_for(check(world.items("b", "b"))).size() == 1);
  CHECK(world.services["b"].exchanges == 0);
  // At home everything goes on.
  CHECK(world.run(world.items("a", "a")).status == Status::done);
  CHECK(world.run(world.items("a", "a"), Mode::rollback).status == Status::done);
  CHECK(world.services["a"].items.empty());
}

TEST_CASE("what was turned away is no run: the one before it can be verified, retried and gone on with") {
  World world;
  world.source->records("things")[3].data.as_object()["comments"] = Array{"poison"};
  const Report first = world.run(world.items("a", "a"));
  REQUIRE(first.status == Status::done_with_failures);
  const auto stored = [&] { return wait_for(last_report(world.store)).value(); };
  for (const Mode mode : {Mode::full, Mode::incremental, Mode::test}) {
    INFO(to_string(mode));
    CHECK(world.run(world.items("b", "b"), mode).status == Status::preflight_failed);
    CHECK(stored().run == 1);
    CHECK(stored().status == Status::done_with_failures);
    CHECK_FALSE(stored().fatal.has_value());
    CHECK(stored().types.at("things").written == 3);
  }
  world.source->records("things")[3].data.as_object()["comments"] = Array();
  const Report retried = world.run(world.items("a", "a"), Mode::retry);
  CHECK(retried.status == Status::done);
  CHECK(retried.run == 1);
  CHECK(stored().status == Status::done);
  CHECK(world.run(world.items("a", "a")).run == 2);
}

TEST_CASE("the first run that is turned away is told of as not started, and goes on as the first") {
  World world;
  Pipeline closed = world.items("a", "a");
  auto gate = std::make_shared<Gate>(closed.source);
  closed.source = gate;
  const auto stored = [&] { return wait_for(last_report(world.store)).value(); };
  for (const char* reason : {"wrong token", "no such account"}) {
    gate->closed = reason;
    CHECK(world.run(closed).status == Status::preflight_failed);
    CHECK(stored().status == Status::preflight_failed);
    CHECK(std::string(stored().fatal->what()).find(reason) != std::string::npos);
    CHECK(stored().run == 1);
  }
  gate->closed.clear();
  const Report report = world.run(closed);
  CHECK(report.run == 1);
  CHECK(report.status == Status::done);
  CHECK(stored().types.at("things").written == 4);
}

TEST_CASE("a run that was broken off and is turned away can still be gone on with, and says why it ended") {
  World world;
  Pipeline all = world.items("a", "a");
  auto gate = std::make_shared<Gate>(all.source);
  all.source = gate;
  world.source->before_read = [] { throw Error(ErrorKind::unauthorized, "expired", "the token has expired"); };
  REQUIRE(world.run(all).status == Status::broken_off);
  gate->closed = "wrong token";
  world.source->before_read = nullptr;
  CHECK(world.run(all).status == Status::preflight_failed);
  const Report stored = wait_for(last_report(world.store)).value();
  CHECK(stored.status == Status::broken_off);
  CHECK(std::string(stored.fatal->what()).find("expired") != std::string::npos);
  gate->closed.clear();
  const Report report = world.run(all);
  CHECK(report.run == 1);
  CHECK(report.status == Status::done);
}

TEST_CASE("a target that calls itself something else now is the same when a person says so, from then on") {
  World world;
  REQUIRE(world.run(world.items("a", "a")).status == Status::done);
  const Report report = world.run(world.items("a", "b"), Mode::full, true);
  CHECK(report.status == Status::done);
  CHECK(report.total().skipped == 4);
  CHECK(world.run(world.items("a", "b")).status == Status::done);
  CHECK(world.run(world.items("a", "a")).status == Status::preflight_failed);
  CHECK(world.services["a"].items.size() == 4);
}

TEST_CASE("a state that has kept no target takes the first one that it meets; one that cannot tell is believed") {
  World world;
  REQUIRE(world.run(world.items("a", "")).status == Status::done);
  CHECK(world.run(world.items("a", "a"), Mode::dry_run).status == Status::done);
  CHECK(world.run(world.items("b", "b"), Mode::dry_run).status == Status::done);
  REQUIRE(world.run(world.items("a", "a")).status == Status::done);
  CHECK(world.run(world.items("b", "b")).status == Status::preflight_failed);
  CHECK(world.run(world.items("a", "")).status == Status::done);
}

TEST_CASE("tables that have receipts of the state are its own, wherever they have been moved") {
  World world;
  REQUIRE(world.run(world.tables("here", "here")).status == Status::done);
  CHECK(world.run(world.tables("new", "there")).status == Status::preflight_failed);
  CHECK(world.databases["new"].tables["things"].empty());
  std::function<void(const Mapping&)> nobody = [](const Mapping&) {};
  const auto map_of = [&](Pipeline pipeline) -> awaitable<int> {
    co_await for_each_mapping(std::move(pipeline), "things", nobody);
    co_return 0;
  };
  CHECK(cause_of(map_of(world.tables("new", "there"))) == "foreign_target");
  CHECK(cause_of(map_of(world.tables("here", "there"))) == "nothing");
  CHECK(world.run(world.tables("here", "there")).status == Status::done);
  // That is where it is now.
  CHECK(world.run(world.tables("new", "there")).status == Status::done);
  CHECK(world.run(world.tables("new", "here")).status == Status::done);
}

TEST_CASE("a run that dies at any point keeps its target, and goes on there") {
  World undisturbed;
  REQUIRE(undisturbed.run(undisturbed.items("a", "a")).status == Status::done);
  for (int at = 1; at <= undisturbed.faults.passed; ++at) {
    World world;
    world.faults.at = at;
    CHECK_THROWS_AS(world.run(world.items("a", "a")), SimulatedCrash);
    world.faults.at = 0;
    world.faults.dead = false;
    INFO("died at point " << at);
    if (!world.services["a"].items.empty()) CHECK(world.run(world.items("b", "b")).status == Status::preflight_failed);
    REQUIRE(world.run(world.items("a", "a")).status == Status::done);
    REQUIRE(world.services["a"].items.size() == 4);
    REQUIRE(world.services["b"].items.empty());
  }
}
