// A rollback of items that meets one which the service does not let go.
#include <doctest/doctest.h>

#include "memory_systems.hpp"
#include "migrate/report_writer.hpp"

using namespace testing_systems;

namespace {

/// A service that may refuse to take a step back.
class Stubborn final : public ItemSink {
 public:
  Stubborn(MemoryService& service, Services services) : inner_(service, std::move(services)) {}
  SinkTraits traits() const override { return inner_.traits(); }
  awaitable<std::vector<Check>> check() override { co_return std::vector<Check>(); }
  awaitable<std::string> write(Operation& operation) override { return inner_.write(operation); }
  awaitable<void> undo(Receipt receipt) override {
    if (on_undo) on_undo(receipt);
    co_await inner_.undo(std::move(receipt));
  }
  std::function<void(const Receipt&)> on_undo;

 private:
  MemoryItems inner_;
};

/// Tickets with two comments each, so with three steps.
struct World {
  MemoryService service;
  Faults faults;
  std::shared_ptr<CheckpointStore> store = make_memory_store(faults.services());
  std::shared_ptr<MemorySource> source = std::make_shared<MemorySource>();
  std::function<void(const Receipt&)> on_undo;
  std::vector<std::string> asked;  ///< "<record>/<step>" of each attempt to take something back

  explicit World(int tickets) {
    for (int i = 1; i <= tickets; ++i) {
      Object data;
      data.emplace("title", fmt::format("ticket {}", i));
      data.emplace("comments", Array{"one", "two"});
      source->add("tickets", i, std::move(data)).version = "1";
    }
    REQUIRE(run(Mode::full).status == Status::done);
  }
  Report run(Mode mode) {
    Pipeline pipeline;
    pipeline.name = "items";
    pipeline.source = source;
    pipeline.services = faults.services();
    auto sink = std::make_shared<Stubborn>(service, pipeline.services);
    sink->on_undo = [this](const Receipt& receipt) {
      asked.push_back(receipt.record.id + "/" + receipt.step);
      if (on_undo) on_undo(receipt);
    };
    pipeline.sink = sink;
    pipeline.store = store;
    RunOptions options;
    options.mode = mode;
    return run_blocking(std::move(pipeline), std::move(options));
  }
  /// From now on this step cannot be taken back.
  void refuse(const std::string& id, const std::string& step, ErrorKind kind) {
    on_undo = [=](const Receipt& receipt) {
      if (receipt.record.id == id && receipt.step.starts_with(step)) throw Error(kind, "refused", "DELETE was refused");
    };
  }
  Report stored() { return testing_systems::wait_for(last_report(store)).value(); }
  bool knows_steps() { return !testing_systems::wait_for(store->scan(Table::step, "", "", 1)).empty(); }
};

}  // namespace

TEST_CASE("one item that the service has a trouble with does not keep a rollback from the others") {
  World world(6);
  world.refuse("5", "create", ErrorKind::transient);
  for (int time = 0; time < 2; ++time) {
    const Report report = world.run(Mode::rollback);
    CHECK(report.status == Status::broken_off);
    REQUIRE(report.fatal.has_value());
    CHECK(report.fatal->what() == std::string("1 item could not be taken back for now: DELETE was refused"));
    CHECK(report.fatal->cause == "refused");
    CHECK(report.fatal->advice.find("migrate rollback goes on with it") == 0);
    CHECK(report.rollback->removed == 5);
    REQUIRE(report.rollback->kept.size() == 1);
    CHECK(report.rollback->kept.front().record.id == "5");
    CHECK(report_as_text(report).find("5 items removed, 0 restored, 1 kept (") != std::string::npos);
    CHECK(world.service.items.size() == 1);
    CHECK(world.stored().mode == "rollback");
    CHECK(world.stored().status == Status::broken_off);
  }
  SUBCASE("it goes when it is tried again") {
    world.on_undo = nullptr;
    const Report report = world.run(Mode::rollback);
    CHECK(report.status == Status::done);
    CHECK(report.rollback->removed == 6);
    CHECK(report.rollback->kept.empty());
    CHECK(world.service.items.empty());
    CHECK_FALSE(world.knows_steps());
  }
  SUBCASE("or a run completes it") {
    CHECK(world.run(Mode::full).status == Status::done);
    CHECK(world.service.items.size() == 6);
    for (const auto& [id, item] : world.service.items) CHECK(item.comments.size() == 2);
  }
}

TEST_CASE("an item that the service never lets go is kept by name, and the rollback ends") {
  World world(6);
  for (const ErrorKind kind : {ErrorKind::invalid, ErrorKind::unsupported, ErrorKind::conflict}) {
    INFO(to_string(kind));
    world.refuse("5", "create", kind);
    const Report report = world.run(Mode::rollback);
    CHECK(report.status == Status::done);
    CHECK_FALSE(report.fatal.has_value());
    CHECK(report.rollback->removed == 5);
    REQUIRE(report.rollback->kept.size() == 1);
    CHECK(report.rollback->kept.front().message == "DELETE was refused");
    CHECK(world.stored().rollback->kept.size() == 1);
    // The next run finds it.
    CHECK(world.run(Mode::full).status == Status::done);
    CHECK(world.service.items.size() == 6);
    for (const auto& [id, item] : world.service.items) CHECK(item.comments.size() == 2);
  }
}

TEST_CASE("what was done to an item is gone with it, whether or not it could be taken back alone") {
  for (const ErrorKind kind : {ErrorKind::transient, ErrorKind::invalid}) {
    World world(3);
    world.refuse("2", "comment:1", kind);
    const Report report = world.run(Mode::rollback);
    INFO(to_string(kind));
    CHECK(report.status == Status::done);
    CHECK(report.rollback->removed == 3);
    CHECK(report.rollback->kept.empty());
    CHECK(world.service.items.empty());
    CHECK_FALSE(world.knows_steps());
    // What was done before that is not touched until that is gone.
    const bool earlier = std::count(world.asked.begin(), world.asked.end(), "2/comment:0") > 0;
    CHECK(earlier == (kind == ErrorKind::invalid));
    CHECK(world.run(Mode::full).status == Status::done);
    CHECK(world.service.items.size() == 3);
    for (const auto& [id, item] : world.service.items) CHECK(item.comments.size() == 2);
  }
}

TEST_CASE("a rollback does not ask a service that is down for each of its items") {
  World world(20);
  const auto asked_for = [&world] {
    std::set<std::string> records;
    for (const std::string& each : world.asked) records.insert(each.substr(0, each.find('/')));
    world.asked.clear();
    return records.size();
  };
  world.on_undo = [](const Receipt&) { throw Error(ErrorKind::transient, "busy", "503"); };
  const Report report = world.run(Mode::rollback);
  CHECK(report.status == Status::broken_off);
  CHECK(report.fatal->what() == std::string("5 items could not be taken back for now: 503"));
  CHECK(asked_for() == 5);
  // Five that are not in a row are another matter.
  world.on_undo = [](const Receipt& receipt) {
    if (std::stoi(receipt.record.id) % 2) throw Error(ErrorKind::transient, "busy", "503");
  };
  CHECK(world.run(Mode::rollback).fatal->what() == std::string("10 items could not be taken back for now: 503"));
  CHECK(asked_for() == 20);
  CHECK(world.service.items.size() == 10);
  // Of what is about all of them the first is enough.
  for (const ErrorKind kind : {ErrorKind::unauthorized, ErrorKind::internal}) {
    world.on_undo = [kind](const Receipt&) { throw Error(kind, "no", "no"); };
    CHECK(world.run(Mode::rollback).fatal->kind() == kind);
    CHECK(world.asked.size() == 1);
    CHECK(asked_for() == 1);
  }
  world.on_undo = nullptr;
  CHECK(world.run(Mode::rollback).rollback->removed == 20);
  CHECK(world.service.items.empty());
}
