// A run over HTTP meets every fault at every exchange: dies before or after the request was applied, loses the answer,
// gets half of it, or a 5xx after the fact. Started again it leaves what an undisturbed run leaves.
#include <doctest/doctest.h>

#include <boost/json/serialize.hpp>

#include "memory_systems.hpp"
#include "migrate/http/client.hpp"
#include "migrate/testing/simulator.hpp"

using namespace testing_systems;
using testing::Fault;

namespace {

/// POST /issues, GET /issues?key=, DELETE /issues/ID, POST /issues/ID/comments, GET /issues/ID/comments?key=. It
/// applies whatever it is sent as often as it is sent.
class Tracker final : public testing::Simulator {
 public:
  awaitable<http::Response> handle(http::Request request) override { co_return answer(request); }
  Value state() const override {
    Array all;
    for (const auto& [id, issue] : issues_) {
      Object shown;
      shown["key"] = issue.key;
      shown["comments"] = issue.comments;
      all.push_back(std::move(shown));
    }
    return all;
  }

 private:
  struct Issue {
    std::string key;
    Array comments;
  };

  http::Response answer(const http::Request& request) {
    const std::string path(request.path());
    const std::string key = request.query("key").value_or("");
    if (path == "/issues" && request.method == "GET") {
      Array found;
      for (const auto& [id, issue] : issues_) {
        if (issue.key == key) found.emplace_back(id);
      }
      return http::Response(200, found);
    }
    if (path == "/issues") {
      issues_[++last_].key = request.body;
      return http::Response(201, Value(last_));
    }
    const std::int64_t id = std::stoll(path.substr(std::string("/issues/").size()));
    auto issue = issues_.find(id);
    if (issue == issues_.end()) return http::Response(404);
    if (request.method == "DELETE") {
      issues_.erase(issue);
      return http::Response(204);
    }
    Array& comments = issue->second.comments;
    if (request.method == "GET") {
      Array found;
      for (const Value& comment : comments) {
        if (comment.as_string() == key) found.push_back(comment);
      }
      return http::Response(200, found);
    }
    if (request.body.find("poison") != std::string::npos) return http::Response(422);
    comments.emplace_back(request.body);
    return http::Response(201, Value(comments.size()));
  }

  std::map<std::int64_t, Issue> issues_;
  std::int64_t last_ = 100;
};

class TrackerSink final : public ItemSink {
 public:
  explicit TrackerSink(const Services& services) : client_(options(), services) {}
  SinkTraits traits() const override {
    SinkTraits traits;
    traits.undoes = true;
    return traits;
  }
  awaitable<std::vector<Check>> check() override { co_return std::vector<Check>(); }

  awaitable<std::string> write(Operation& operation) override {
    Step create = co_await operation.begin("create");
    if (!create.done()) {
      std::string id = co_await made(create, "/issues", create.key());
      Value undo = Value(id);
      co_await create.finish(id, undo);
    }
    const std::string issue = create.target_id();
    for (const Value& comment : operation.data().at("comments").as_array()) {
      const std::string text(comment.as_string());
      Step step = co_await operation.begin("comment:" + text);
      if (step.done()) continue;
      std::string body = step.key();
      if (text == "poison") body += text;
      std::string id = co_await made(step, "/issues/" + issue + "/comments", body);
      co_await step.finish(id);
    }
    co_return issue;
  }

  awaitable<void> undo(Receipt receipt) override {
    if (receipt.step != "create") co_return;
    std::string id = receipt.target_id;
    if (receipt.uncertain) id = co_await find("/issues", receipt.key);
    if (id.empty()) co_return;
    http::Request request("DELETE", "/issues/" + id);
    http::Response response = co_await client_.send(request);
    if (!response.ok() && response.status != 404) throw http::error_of(response);
  }

 private:
  static http::ClientOptions options() {
    http::ClientOptions options;
    options.base_url = "http://tracker.example";
    options.retry.seed = 1;
    return options;
  }
  awaitable<std::string> find(std::string path, std::string key) {
    const Value found = co_await client_.get_json(path + http::Query().add("key", key).text());
    const Array& ids = found.as_array();
    if (ids.empty()) co_return std::string();
    co_return boost::json::serialize(ids.front());
  }
  awaitable<std::string> made(Step& step, std::string path, std::string body) {
    if (step.uncertain()) {
      std::string id = co_await find(path, step.key());
      if (!id.empty()) co_return id;
    }
    http::Request request("POST", path);
    request.body = std::move(body);
    http::Response response = co_await client_.send_step(step, std::move(request));
    co_return response.body;
  }

  http::Client client_;
};

struct World {
  World() : services(faults.services()), transport(std::make_shared<http::SimulatedTransport>()) {
    services.fault_point = nullptr;  // the plan decides when to die
    services.transport = transport;
    tracker = std::make_shared<Tracker>();
    host.emplace("tracker", tracker, services);
    host->attach(*transport, "http://tracker.example", "http://other.example");
    store = make_memory_store(services);
    for (int i = 1; i <= 4; ++i) {
      Object data;
      Array comments;
      for (int c = 0; c < i; ++c) comments.emplace_back(fmt::format("c{}", c));
      if (i == 3) comments.emplace_back("poison");
      data["comments"] = std::move(comments);
      source->add("issues", i, std::move(data)).version = "1";
    }
  }
  std::optional<Report> run() {
    Pipeline pipeline;
    pipeline.name = "issues";
    pipeline.source = source;
    pipeline.services = services;
    pipeline.sink = std::make_shared<TrackerSink>(services);
    pipeline.store = store;
    RunOptions options;
    options.verify = VerifyLevel::none;
    try {
      return run_blocking(pipeline, options);
    } catch (const SimulatedCrash&) {
      return std::nullopt;
    }
  }
  std::string state() const { return boost::json::serialize(tracker->state()); }

  Faults faults;
  Services services;
  std::shared_ptr<http::SimulatedTransport> transport;
  std::shared_ptr<Tracker> tracker;
  std::optional<testing::SimulatorHost> host;
  std::shared_ptr<MemorySource> source = std::make_shared<MemorySource>();
  std::shared_ptr<CheckpointStore> store;
};

}  // namespace

TEST_CASE("a crash or a lost answer at any exchange: started again, the service holds every item once") {
  std::string expected;
  std::uint64_t exchanges = 0;
  {
    World world;
    const Report report = world.run().value();
    CHECK(report.status == Status::done_with_failures);
    expected = world.state();
    exchanges = world.host->counters().requests;
    CHECK(exchanges == 4 + 1 + 2 + 4 + 4 + 1);  // issues, comments, the poisoned one and its undo
  }
  int crashed = 0;
  struct Trouble {
    Fault::Kind kind;
    bool retry_after = false;
  };
  for (const Trouble& trouble :
       {Trouble{Fault::Kind::die_before}, Trouble{Fault::Kind::die_after}, Trouble{Fault::Kind::drop_before},
        Trouble{Fault::Kind::drop_after}, Trouble{Fault::Kind::torn_after}, Trouble{Fault::Kind::short_length},
        Trouble{Fault::Kind::status}, Trouble{Fault::Kind::status_after}, Trouble{Fault::Kind::status, true},
        Trouble{Fault::Kind::status_after, true}}) {
    for (std::uint64_t at = 1; at <= exchanges; ++at) {
      CAPTURE(static_cast<int>(trouble.kind));
      CAPTURE(trouble.retry_after);
      CAPTURE(at);
      World world;
      testing::FaultPlan plan;
      plan.faults.resize(1);
      plan.faults[0].kind = trouble.kind;
      plan.faults[0].nth = at;
      if (trouble.retry_after) plan.faults[0].headers.add("Retry-After", "7");  // as if it were refused
      plan.on_death = [](const std::string& exchange) { throw SimulatedCrash{exchange}; };
      world.host->set_faults(plan);
      std::optional<Report> report = world.run();
      if (!report) {
        ++crashed;
        report = world.run();
      }
      REQUIRE(report);
      CHECK(report->status == Status::done_with_failures);
      CHECK(world.state() == expected);
    }
  }
  CHECK(crashed == static_cast<int>(2 * exchanges));
}

TEST_CASE("random schedules of faults, each from its seed") {
  std::string expected;
  {
    World world;
    world.run();
    expected = world.state();
  }
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    CAPTURE(seed);
    World world;
    testing::FaultPlan plan;
    plan.seed = seed;
    for (Fault::Kind kind : {Fault::Kind::die_before, Fault::Kind::die_after, Fault::Kind::drop_after,
                             Fault::Kind::torn_after, Fault::Kind::status_after}) {
      Fault& fault = plan.faults.emplace_back();
      fault.kind = kind;
      fault.nth = 0;
      fault.probability = 0.04;
    }
    Fault& busy = plan.faults.emplace_back(plan.faults.back());
    busy.headers.add("Retry-After", "3");
    plan.on_death = [](const std::string& exchange) { throw SimulatedCrash{exchange}; };
    world.host->set_faults(plan);
    std::optional<Report> report;
    for (int runs = 0; runs < 50 && !report; ++runs) report = world.run();
    REQUIRE(report);
    CHECK(world.state() == expected);
  }
}
