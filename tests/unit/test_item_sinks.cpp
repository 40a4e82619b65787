// What the engine tells an ItemSink beside what it is to write: links, files and how closely to look.
#include <doctest/doctest.h>

#include "memory_systems.hpp"

using namespace testing_systems;

namespace {

/// Remembers what it is told; makes nothing.
class Listener final : public ItemSink {
 public:
  std::vector<std::string> told;
  int failures = 0;  ///< of the next calls of link()
  ErrorKind kind = ErrorKind::transient;

  SinkTraits traits() const override {
    SinkTraits traits;
    traits.preferred_batch = 10;
    traits.links = traits.verifies = traits.undoes = true;
    return traits;
  }
  awaitable<std::vector<Check>> check() override {
    std::vector<Check> none;
    co_return none;
  }
  awaitable<std::string> write(Operation& operation) override {
    Step step = co_await operation.begin("create");
    if (!step.done()) co_await step.finish("T-" + operation.record().ref.id);
    co_return step.target_id();
  }
  awaitable<void> link(Operation& operation) override {
    if (failures > 0) {
      --failures;
      throw Error(kind, "not_now", "the service does not take the link");
    }
    for (const Link& link : operation.record().links) {
      const std::optional<Value> target = operation.linked(link.target);
      told.push_back(fmt::format("{} {} {}", operation.record().ref.id, link.relation, text_of(target)));
    }
    co_return;
  }
  awaitable<std::vector<Finding>> preview(std::span<Operation> operations) override {
    for (Operation& operation : operations) note("preview", operation);
    std::vector<Finding> none;
    co_return none;
  }
  awaitable<std::vector<Finding>> verify(std::span<Operation> operations) override {
    std::vector<Finding> findings;
    for (Operation& operation : operations) note(to_string(operation.level()), operation);
    co_return findings;
  }
  awaitable<std::vector<bool>> exist(std::vector<std::string> target_ids) override {
    std::vector<bool> there;
    for (const std::string& id : target_ids) there.push_back(id != gone);
    co_return there;
  }
  awaitable<void> undo(Receipt receipt) override {
    const auto age = std::chrono::duration_cast<std::chrono::seconds>(receipt.begun.time_since_epoch());
    told.push_back(fmt::format("undo {} {}", receipt.record.id, age.count()));
    co_return;
  }

  std::string gone;

 private:
  static std::string text_of(const std::optional<Value>& value) {
    return value ? boost::json::serialize(*value) : std::string("-");
  }
  void note(std::string_view what, const Operation& operation) {
    std::string line = fmt::format("{} {} {}", what, operation.migration(), operation.record().ref.id);
    line += " " + boost::json::serialize(operation.target_id()) + " " + boost::json::serialize(operation.data());
    for (const Link& link : operation.record().links) line += " " + text_of(operation.linked(link.target));
    told.push_back(std::move(line));
  }
};

struct World {
  Faults faults;
  std::shared_ptr<CheckpointStore> store = make_memory_store(faults.services());
  std::shared_ptr<Listener> sink = std::make_shared<Listener>();

  /// 1 waits for 2 and 3, which come in later batches.
  Report run(RunOptions options = RunOptions()) {
    auto source = std::make_shared<MemorySource>();
    for (int i = 1; i <= 3; ++i) {
      Object data;
      data.emplace("title", i);
      Record& record = source->add("tickets", i, std::move(data));
      record.version = "1";
      if (i != 1) continue;
      record.links.push_back(link_to("relates", "tickets", "2", Missing::deferred, "missing_ticket"));
      record.links.push_back(link_to("relates", "tickets", "3", Missing::deferred, "missing_ticket"));
    }
    options.batch_size = 1;
    Pipeline pipeline;
    pipeline.name = "tickets";
    pipeline.source = source;
    pipeline.services = faults.services();
    pipeline.sink = sink;
    pipeline.store = store;
    return run_blocking(pipeline, options);
  }
};

}  // namespace

TEST_CASE("several links of one relation wait side by side") {
  World world;
  const Report report = world.run();
  CHECK(report.types.at("tickets").linked == 2);
  CHECK(world.sink->told == std::vector<std::string>{R"(1 relates "T-2")", R"(1 relates "T-3")"});
}

TEST_CASE("a link that fails for now is tried again; one that is refused goes on waiting and breaks nothing") {
  World world;
  SUBCASE("for now") {
    world.sink->failures = 2;
    CHECK(world.run().types.at("tickets").linked == 2);
  }
  SUBCASE("for good") {
    world.sink->failures = 1;
    world.sink->kind = ErrorKind::invalid;
    const Report report = world.run();
    CHECK(report.status == Status::done);
    CHECK(report.types.at("tickets").linked == 1);
    CHECK(report.warnings.at("tickets").at("missing_ticket") == 1);
    // Only what is not there yet.
    CHECK(world.run().types.at("tickets").linked == 1);
    CHECK(world.run().types.at("tickets").linked == 0);
    CHECK(world.sink->told.size() == 2);
  }
}

TEST_CASE("verification tells an item sink how closely to look, and what the links are") {
  World world;
  REQUIRE(world.run().status == Status::done);
  RunOptions options;
  options.mode = Mode::verify;
  SUBCASE("basic: existence, from the id map alone") {
    options.verify = VerifyLevel::basic;
    world.sink->gone = "T-2";
    const Report report = world.run(options);
    CHECK(report.status == Status::differences);
    CHECK(report.verification->checked == 3);
    CHECK(report.verification->examples.at(0).record.id == "2");
  }
  SUBCASE("comprehensive") {
    options.verify = VerifyLevel::comprehensive;
    world.sink->told.clear();
    CHECK(world.run(options).status == Status::done);
    CHECK(world.sink->told.at(0) == R"(comprehensive tickets 1 "T-1" {"title":1} "T-2" "T-3")");
  }
}

TEST_CASE("a dry run tells an item sink which links would be there; its data stays as it came") {
  World world;
  RunOptions options;
  options.mode = Mode::dry_run;
  REQUIRE(world.run(options).status == Status::done);
  CHECK(world.sink->told.at(2) == R"(preview tickets 3 0 {"title":3})");
  CHECK(world.sink->told.at(0) == R"(preview tickets 1 0 {"title":1} - -)");
}

TEST_CASE("a receipt tells when its step was begun") {
  World world;
  REQUIRE(world.run().status == Status::done);
  world.sink->told.clear();
  RunOptions options;
  options.mode = Mode::rollback;
  world.run(options);
  CHECK(world.sink->told.at(0) == "undo 3 1700000000");
}
