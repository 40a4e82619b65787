#include <fmt/format.h>

#include <optional>

#include "../steps.hpp"
#include "conformance_run.hpp"

MIGRATE_BEGIN
namespace testing {

namespace {

/// The journal of one item, and how often the process may still reach a point before it dies.
class Life {
 public:
  explicit Life(const ItemSinkFixture& fixture) : fixture_(fixture) {
    services_.clock = Clock::simulated(std::chrono::system_clock::time_point(std::chrono::seconds(1'700'000'000)));
    services_.fault_point = [this](std::string_view point) {
      if (left_ && --*left_ < 0) throw SimulatedCrash{std::string(point)};
    };
    store_ = make_memory_store(services_);
    journal_.emplace(store_, "conformance");
    connect();
  }

  /// Dies at the n-th point from now on; 0: never.
  void die_at(int point) { left_ = point ? std::optional<int>(point - 1) : std::nullopt; }
  /// After a death: whatever the sink remembered is gone.
  void connect() {
    die_at(0);
    sequence_.emplace(*journal_);
    sink_ = fixture_.make(services_);
  }

  /// Writes it, as the engine does when it has no outcome of the record. False: died on the way.
  awaitable<bool> write(Record& record) {
    bool died = false;
    try {
      Operation operation(record, 0);
      OperationContext context = context_of();
      OperationContext::attach(operation, context);
      target_id_ = co_await sink_->write(operation);
    } catch (const SimulatedCrash&) {
      died = true;
    }
    co_return !died;
  }
  awaitable<std::vector<Finding>> verify(Record& record) {
    std::vector<Operation> operations;
    operations.emplace_back(record, 0);
    OperationContext context = context_of();
    context.sequence = nullptr;
    OperationContext::attach(operations.front(), context);
    operations.front().set_target_id(Value(target_id_));
    std::span<Operation> all(operations);
    co_return co_await sink_->verify(all);
  }
  /// Newest first, each twice.
  awaitable<void> take_back(RecordRef record) {
    const std::vector<StepRow> steps = co_await receipts_of(*journal_, std::move(record));
    for (const StepRow& step : steps)
      for (int time = 0; time < 2; ++time) {
        Receipt receipt = step.receipt;
        co_await sink_->undo(std::move(receipt));
      }
  }
  ItemSink& sink() { return *sink_; }

 private:
  OperationContext context_of() {
    return OperationContext{&*journal_, &*sequence_, &answers_, nullptr, services_.clock.get(), "conformance"};
  }

  const ItemSinkFixture& fixture_;
  Services services_;
  std::optional<int> left_;
  std::shared_ptr<CheckpointStore> store_;
  std::optional<Journal> journal_;
  std::optional<Sequence> sequence_;
  Answers answers_;
  std::shared_ptr<ItemSink> sink_;
  std::string target_id_;
};

awaitable<void> require_equal(Life& life, Record& record, std::string when) {
  const std::vector<Finding> findings = co_await life.verify(record);
  require(findings.empty(), findings.empty() ? std::string()
                                             : fmt::format("{}: {}: {}{}", when, findings.front().field,
                                                           findings.front().message, findings.front().found));
}

awaitable<void> check_writing(const ItemSinkFixture& fixture) {
  const std::size_t before = fixture.count();
  Life life(fixture);
  Record record = fixture.record(1, 1);
  co_await life.write(record);
  co_await require_equal(life, record, "written");
  co_await life.write(record);
  co_await require_equal(life, record, "written again");
  require(fixture.count() == before + 1, "one item written twice is not one item");
  RecordRef ref = record.ref;
  co_await life.take_back(std::move(ref));
  require(fixture.count() == before, "what was taken back is still there");
}

/// Dies at each point of a write. The next attempt finds the record as `version`.
awaitable<void> check_deaths(const ItemSinkFixture& fixture, int version) {
  const std::size_t before = fixture.count();
  bool arrived = false;
  for (int point = 1; !arrived; ++point) {
    Life life(fixture);
    Record first = fixture.record(1 + point, 1);
    life.die_at(point);
    arrived = co_await life.write(first);
    life.connect();
    Record now = fixture.record(1 + point, version);
    const bool written = co_await life.write(now);
    require(written, "died of nothing");
    const std::string when = arrived ? "written before" : fmt::format("died at point {} of the first attempt", point);
    co_await require_equal(life, now, when);
    require(fixture.count() == before + 1,
            fmt::format("{}: there are {} items instead of one", when, fixture.count() - before));
    RecordRef ref = now.ref;
    co_await life.take_back(std::move(ref));
    require(fixture.count() == before, when + ": what was taken back is still there");
  }
}

}  // namespace

std::vector<Result> check_item_sink(const ItemSinkFixture& fixture) {
  Runner runner;
  runner.run("check() finds nothing wrong", [&]() -> awaitable<void> {
    Life life(fixture);
    const std::vector<Check> checks = co_await life.sink().check();
    for (const Check& check : checks) require(check.passed, check.name + ": " + check.message);
  });
  runner.run("what is written is there once, and is taken back as often as one likes",
             [&] { return check_writing(fixture); });
  runner.run("what died anywhere is completed, once", [&] { return check_deaths(fixture, 1); });
  runner.run("what has changed since it was begun is brought up to date", [&] { return check_deaths(fixture, 2); });
  return runner.take();
}

}  // namespace testing
MIGRATE_END
