// The kit for sinks of services, with the service in memory: one that keeps no marks of versions.
#include "conformance.hpp"
#include "memory_systems.hpp"

using namespace testing_systems;

namespace {

Record ticket(int item, int version) {
  Record record;
  record.ref = RecordRef{"tickets", std::to_string(item)};
  record.version = std::to_string(version);
  Array comments;
  for (int i = 0; i < 3; ++i) comments.emplace_back(fmt::format("comment {} of version {}", i, version));
  Object data;
  data.emplace("title", fmt::format("version {}", version));
  data.emplace("comments", std::move(comments));
  record.data = std::move(data);
  return record;
}

/// Does what is easily forgotten: takes a step that is done for one of this version.
class Forgetful final : public ItemSink {
 public:
  Forgetful(MemoryService& service, Services services) : inner_(service, std::move(services)) {}
  SinkTraits traits() const override { return inner_.traits(); }
  awaitable<std::vector<Check>> check() override { return inner_.check(); }
  awaitable<std::string> write(Operation& operation) override {
    Step create = co_await operation.begin("create");
    if (create.done()) co_return create.target_id();
    co_return co_await inner_.write(operation);
  }
  awaitable<std::vector<Finding>> verify(std::span<Operation> operations) override { return inner_.verify(operations); }
  awaitable<void> undo(Receipt receipt) override { return inner_.undo(std::move(receipt)); }

 private:
  MemoryItems inner_;
};

template <class Sink>
std::vector<testing::Result> results_of() {
  MemoryService service;
  testing::ItemSinkFixture fixture;
  fixture.make = [&](const Services& services) { return std::make_shared<Sink>(service, services); };
  fixture.record = ticket;
  fixture.count = [&] { return service.items.size(); };
  return testing::check_item_sink(fixture);
}

}  // namespace

TEST_CASE("the sink of the service in memory conforms") { conformance::expect(results_of<MemoryItems>()); }

TEST_CASE("the kit finds a sink that leaves half of an item, or an older version of it") {
  std::vector<std::string> failed;
  for (const testing::Result& result : results_of<Forgetful>())
    if (result.state == testing::Result::State::failed) failed.push_back(result.check);
  CHECK(failed == std::vector<std::string>{"what died anywhere is completed, once",
                                           "what has changed since it was begun is brought up to date"});
}
