// Steps: what the journal says of an effect that is about to be taken away.
#include <doctest/doctest.h>

#include "memory_systems.hpp"

using namespace testing_systems;

namespace {

/// Makes a comment, and takes it away in each update. Whatever comes behind the announcement may not come about.
class Remaking final : public ItemSink {
 public:
  bool dies = true;
  std::vector<std::string> seen;  ///< of the step, and of its receipt in a rollback

  SinkTraits traits() const override {
    SinkTraits traits;
    traits.undoes = true;
    return traits;
  }
  awaitable<std::vector<Check>> check() override {
    std::vector<Check> none;
    co_return none;
  }
  awaitable<std::string> write(Operation& operation) override {
    Step comment = co_await operation.begin("comment");
    seen.emplace_back(comment.done() ? "done" : comment.uncertain() ? "uncertain" : "new");
    if (operation.action() == Action::update) {
      co_await comment.announce_removal();
      CHECK(comment.uncertain());
      CHECK_FALSE(comment.done());
      if (dies) throw SimulatedCrash{"behind the announcement"};
      co_await comment.refused();
      comment = co_await operation.begin("comment");
      CHECK_FALSE(comment.uncertain());
    }
    Value undo = boost::json::object({{"issue", "T-1"}});
    if (!comment.done()) co_await comment.finish("C-1", undo);
    // Also of a receipt of this very call.
    if (twice) {
      co_await comment.announce_removal();
      throw SimulatedCrash{"behind the announcement"};
    }
    co_return "T-1";
  }
  awaitable<void> undo(Receipt receipt) override {
    seen.push_back(fmt::format("{} {} {}", receipt.uncertain ? "uncertain" : "certain", receipt.target_id,
                               boost::json::serialize(receipt.undo)));
    co_return;
  }
  bool twice = false;
};

struct World {
  Faults faults;
  std::shared_ptr<CheckpointStore> store = make_memory_store(faults.services());
  std::shared_ptr<MemorySource> source = std::make_shared<MemorySource>();
  std::shared_ptr<Remaking> sink = std::make_shared<Remaking>();

  World() { source->add("tickets", 1, Object{{"title", 1}}).version = "1"; }
  void change(const std::string& version) { source->records("tickets").at(1).version = version; }
  /// False: it has died.
  bool run(Mode mode) {
    Pipeline pipeline;
    pipeline.name = "steps";
    pipeline.source = source;
    pipeline.sink = sink;
    pipeline.store = store;
    pipeline.services = faults.services();
    RunOptions options;
    options.mode = mode;
    try {
      run_blocking(std::move(pipeline), options);
    } catch (const SimulatedCrash&) {
      return false;
    }
    return true;
  }
  using Seen = std::vector<std::string>;
};

constexpr const char* receipt = R"(certain C-1 {"issue":"T-1"})";

}  // namespace

TEST_CASE("of what was about to be taken away a rollback knows the receipt, and a run that it has to look") {
  for (const bool rolled_back : {true, false}) {
    World world;
    REQUIRE(world.run(Mode::full));
    world.change("2");
    REQUIRE_FALSE(world.run(Mode::incremental));
    world.sink->seen.clear();
    world.sink->dies = false;
    REQUIRE(world.run(rolled_back ? Mode::rollback : Mode::incremental));
    CHECK(world.sink->seen == World::Seen{rolled_back ? receipt : "uncertain"});
    if (rolled_back) continue;
    world.change("3");
    REQUIRE(world.run(Mode::incremental));
    CHECK(world.sink->seen.back() == "done");
  }
}

TEST_CASE("what was made in the same call can be announced to go, too") {
  World world;
  world.sink->twice = true;
  REQUIRE_FALSE(world.run(Mode::full));
  world.sink->seen.clear();
  REQUIRE(world.run(Mode::rollback));
  CHECK(world.sink->seen == World::Seen{receipt});
}
