#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "http_kit.hpp"
#include "migrate/plugin.hpp"
#include "migrate/testing/simulator.hpp"

using namespace migrate;
using namespace http_kit;
using testing::Fault;

namespace {

/// Keeps notes: POST /notes adds one, GET /notes lists them, GET /slow takes a second.
class Notes final : public testing::Simulator {
 public:
  Notes(testing::SimulatorOptions options, const Services& services) : services_(services) {
    if (!options.settings.is_null()) throw Error(ErrorKind::invalid, "settings", "notes take no settings");
    for (std::size_t i = 0; i < options.items; ++i) notes_.emplace_back(std::to_string(options.seed + i));
  }
  awaitable<http::Response> handle(http::Request request) override {
    if (request.path() == "/slow") co_await services_.clock->sleep(seconds(1));
    if (request.path() == "/fail") throw Error(ErrorKind::internal, "a defect");
    if (request.path() == "/refuse") co_return http::Response(429);
    if (request.method == "POST") {
      notes_.emplace_back(request.body);
      co_return http::Response(201, Value(notes_.size()));
    }
    co_return http::Response(200, notes_);
  }
  Value state() const override { return notes_; }
  void located(std::string origin, std::string other) override { origins = origin + " " + other; }
  std::string origins;

 private:
  Services services_;
  Array notes_;
};

struct Lab {
  Lab() : services(simulated_services()), transport(std::make_shared<http::SimulatedTransport>()) {
    testing::SimulatorOptions options;
    options.items = 0;
    notes = std::make_shared<Notes>(options, services);
    host.emplace("notes", notes, services);
    host->attach(*transport, "http://notes.example", "http://other.example");
  }
  awaitable<http::Response> call(std::string method, std::string target, std::string body = "") {
    http::Request request(std::move(method), std::move(target));
    request.body = std::move(body);
    request.headers.add("Authorization", "Bearer very-secret-token");
    http::ExchangeLimits limits;
    co_return co_await transport->exchange(http::parse_url("http://notes.example"), std::move(request), limits);
  }
  void plan(std::string json) { host->set_faults(testing::FaultPlan(boost::json::parse(json))); }
  std::size_t count() const { return notes->state().as_array().size(); }

  Services services;
  std::shared_ptr<http::SimulatedTransport> transport;
  std::shared_ptr<Notes> notes;
  std::optional<testing::SimulatorHost> host;
};

struct Case {
  std::string kind, cause;
  std::size_t applied;
};

}  // namespace

TEST_CASE("a host passes requests on and counts them") {
  Lab lab;
  run([&]() -> awaitable<void> {
    CHECK(lab.notes->origins == "http://notes.example http://other.example");
    http::Response response = co_await lab.call("POST", "/notes", "one");
    CHECK(response.status == 201);
    response = co_await lab.call("GET", "/refuse");
    CHECK(response.status == 429);
    response = co_await lab.call("GET", "/_sim/state");
    CHECK(response.body == R"(["one"])");
    response = co_await lab.call("GET", "/_sim/counters");
    CHECK(response.body == R"({"requests":2,"writes":1,"refusals":1,"most_in_flight":1})");
    response = co_await lab.call("GET", "/_sim/nothing");
    CHECK(response.status == 404);
    response = co_await lab.call("GET", "/fail");
    CHECK(response.status == 500);
    CHECK(response.body.find("a defect") != std::string::npos);
  });
}

TEST_CASE("latency is virtual, and exchanges overlap in it") {
  Lab lab;
  lab.host->set_latency(milliseconds(20));
  boost::asio::io_context context(1);
  auto one = [&]() -> awaitable<void> { co_await lab.call("GET", "/slow"); };
  int ended = 0;
  for (int i = 0; i < 7; ++i) {
    boost::asio::co_spawn(context, one(), [&](std::exception_ptr failure) { ended += failure == nullptr; });
  }
  context.run();
  CHECK(ended == 7);
  CHECK(lab.host->counters().most_in_flight == 7);
  CHECK(lab.services.clock->now() == epoch() + milliseconds(1020));
}

TEST_CASE("each kind of fault: what the client sees, and whether it was applied") {
  for (const Case& each : {Case{"drop_before", "connection_lost", 0}, Case{"drop_after", "connection_lost", 1},
                           Case{"torn_after", "response_torn", 1}, Case{"short_length", "response_torn", 1},
                           Case{"die_before", "connection_lost", 0}, Case{"die_after", "connection_lost", 1}}) {
    CAPTURE(each.kind);
    Lab lab;
    lab.plan(R"({"faults":[{"kind":")" + each.kind + R"("}]})");
    run([&]() -> awaitable<void> {
      auto error = co_await thrown_by<http::TransportError>(lab.call("POST", "/notes", "x"));
      CHECK(error.cause == each.cause);
      CHECK(lab.count() == each.applied);
      http::Response response = co_await lab.call("POST", "/notes", "y");
      CHECK(response.status == 201);
    });
  }
  Lab lab;
  lab.plan(R"({"faults":[{"kind":"status","status":429,"headers":{"Retry-After":"0"},"body":{"a":1}},
                         {"kind":"status_after","nth":2,"status":502,"body":"<html>"},
                         {"kind":"drip","nth":3},
                         {"kind":"delay","nth":4,"delay_ms":250}]})");
  run([&]() -> awaitable<void> {
    http::Response response = co_await lab.call("POST", "/notes", "1");
    CHECK(response.status == 429);
    CHECK(response.headers.get("Retry-After") == "0");
    CHECK(response.json().at("a").as_int64() == 1);
    CHECK(lab.count() == 0);
    response = co_await lab.call("POST", "/notes", "2");
    CHECK(response.status == 502);
    CHECK(response.body == "<html>");
    CHECK(lab.count() == 1);
    const auto before = lab.services.clock->now();
    response = co_await lab.call("POST", "/notes", "3");
    CHECK(lab.services.clock->now() == before + seconds(1));
    CHECK(lab.count() == 2);
    response = co_await lab.call("POST", "/notes", "4");
    CHECK(lab.services.clock->now() == before + milliseconds(1250));
    CHECK(lab.host->counters().refusals == 1);
  });
}

TEST_CASE("a request that is answered early is applied later, before the first exchange from then on") {
  for (const char* kind : {"status_early", "drop_early"}) {
    CAPTURE(kind);
    Lab lab;
    lab.plan(R"({"faults":[{"kind":")" + std::string(kind) + R"(","status":504,"method":"POST","delay_ms":1000}]})");
    run([&]() -> awaitable<void> {
      if (std::string(kind) == "drop_early") {
        auto error = co_await thrown_by<http::TransportError>(lab.call("POST", "/notes", "late"));
        CHECK(error.cause == "connection_lost");
      } else {
        http::Response response = co_await lab.call("POST", "/notes", "late");
        CHECK(response.status == 504);
      }
      co_await lab.call("GET", "/notes");
      CHECK(lab.count() == 0);
      co_await lab.services.clock->sleep(seconds(1));
      co_await lab.call("GET", "/_sim/state");
      CHECK(lab.count() == 1);
      co_await lab.call("GET", "/notes");
      CHECK(lab.count() == 1);
    });
  }
}

TEST_CASE("faults choose by method, path and count") {
  Lab lab;
  lab.plan(R"({"faults":[{"kind":"status","method":"POST","path":"/notes$","nth":2}]})");
  run([&]() -> awaitable<void> {
    std::string seen;
    for (std::string target : {"/notes?x=/other", "/notes/1", "/notes"}) {
      http::Response get = co_await lab.call("GET", target);
      CHECK(get.ok());
      http::Response post = co_await lab.call("POST", target);
      seen += std::to_string(post.status) + " ";
    }
    CHECK(seen == "201 201 503 ");
  });
}

TEST_CASE("the same seed gives the same faults") {
  auto outcome = [](int seed) {
    Lab lab;
    lab.plan(R"({"seed":)" + std::to_string(seed) + R"(,"faults":[{"kind":"status","nth":0,"probability":0.5}]})");
    std::string seen;
    run([&]() -> awaitable<void> {
      for (int i = 0; i < 64; ++i) {
        http::Response response = co_await lab.call("GET", "/notes");
        seen += response.ok() ? '1' : '0';
      }
    });
    return seen;
  };
  CHECK(outcome(1) == outcome(1));
  CHECK(outcome(1) != outcome(2));
  CHECK(outcome(1).find('0') != std::string::npos);
  CHECK(outcome(1).find('1') != std::string::npos);
}

TEST_CASE("a plan names what is wrong with it") {
  auto refused = [](std::string json) -> std::string {
    try {
      testing::FaultPlan plan(boost::json::parse(json));
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  CHECK(refused(R"({"faults":[{"kind":"drop_aftr"}]})").find("drop_after") != std::string::npos);
  CHECK(refused(R"({"faults":[{"kind":"drip","nht":1}]})").find("nht") != std::string::npos);
  CHECK(refused(R"({"faults":[{"kind":"drip","path":"("}]})").find("faults[0].path") != std::string::npos);
  CHECK(refused(R"({"faults":[]})").empty());
}

TEST_CASE("a plan that comes through the control address replaces the present one") {
  Lab lab;
  lab.plan(R"({"faults":[{"kind":"status","nth":0}]})");
  run([&]() -> awaitable<void> {
    const char* const misspelt = R"({"faults":[{"kind":"drip","nht":1}]})";
    const char* const none = R"({"faults":[]})";
    http::Response response = co_await lab.call("POST", "/_sim/faults", misspelt);
    CHECK(response.status == 400);
    CHECK(response.body.find("nht") != std::string::npos);
    response = co_await lab.call("GET", "/notes");
    CHECK(response.status == 503);
    response = co_await lab.call("POST", "/_sim/faults", none);
    CHECK(response.status == 204);
    response = co_await lab.call("GET", "/notes");
    CHECK(response.status == 200);
    CHECK(lab.host->counters().requests == 2);
  });
}

TEST_CASE("dying is what the test says it is") {
  for (std::string kind : {"die_before", "die_after"}) {
    Lab lab;
    testing::FaultPlan plan;
    plan.faults.resize(1);
    plan.faults[0].kind = kind == "die_before" ? Fault::Kind::die_before : Fault::Kind::die_after;
    plan.faults[0].nth = 2;
    plan.on_death = [](const std::string& exchange) { throw SimulatedCrash{exchange}; };
    lab.host->set_faults(plan);
    std::string died;
    try {
      run([&]() -> awaitable<void> {
        for (int i = 0; i < 3; ++i) co_await lab.call("POST", "/notes", "x");
      });
    } catch (const SimulatedCrash& crash) {
      died = crash.point;
    }
    CHECK(died == "POST /notes");
    CHECK(lab.count() == (kind == "die_before" ? 1 : 2));
  }
}

TEST_CASE("the exchange log has bodies as they are and credentials masked") {
  Lab lab;
  std::vector<Value> log;
  lab.host->observe([&](const Value& exchange) { log.push_back(exchange); });
  lab.plan(R"({"faults":[{"kind":"drop_after","nth":4},{"kind":"status","nth":5,"status":303,
               "headers":{"Location":"https://files.test/f/7?part=1&X-Amz-Signature=0badcafe"}}]})");
  run([&]() -> awaitable<void> {
    co_await lab.call("POST", "/notes?access_token=abcdef&pageToken=7",
                      R"({"password":"hunter2","deep":[{"api_key":"k"}],"n":1})");
    co_await lab.call("POST", "/notes", "plain text");
    co_await lab.call("POST", "/notes", std::string("\xFF\x00\x01", 3));
    co_await thrown_by<http::TransportError>(lab.call("POST", "/notes", ""));
    co_await lab.call("POST", "/notes", "");
    co_await lab.call("GET", "/_sim/state");
  });
  REQUIRE(log.size() == 5);
  CHECK(log[0].at("service") == "notes");
  CHECK(log[0].at("method") == "POST");
  CHECK(log[0].at("url") == "http://notes.example/notes?access_token=***&pageToken=7");
  CHECK(log[0].at("request_headers").at("Authorization") == "***");
  CHECK(log[0].at("request_body") == boost::json::parse(R"({"password":"***","deep":[{"api_key":"***"}],"n":1})"));
  CHECK(log[0].at("status") == 201);
  CHECK(log[0].at("response_headers").at("Content-Type") == "application/json");
  CHECK(log[0].at("response_body") == 1);
  CHECK(log[1].at("request_body") == "plain text");
  CHECK(log[2].at("request_body") == boost::json::parse(R"({"$binary":{"base64":"/wAB","subType":"00"}})"));
  CHECK(log[3].at("status").is_null());
  CHECK(log[4].at("response_headers").at("Location") == "https://files.test/f/7?part=1&X-Amz-Signature=***");
  for (const Value& line : log) CHECK(boost::json::serialize(line).find("very-secret") == std::string::npos);
}

TEST_CASE("a host on sockets has two origins, control addresses and endings") {
  run([]() -> awaitable<void> {
    Services services;
    testing::SimulatorOptions options;
    options.items = 2;
    options.seed = 40;
    auto notes = std::make_shared<Notes>(options, services);
    testing::SimulatorHost host("notes", notes, services);
    const std::string origin = co_await host.listen();
    CHECK(notes->origins.starts_with(origin + " http://127.0.0.1:"));
    auto transport = http::socket_transport(http::SocketOptions());
    http::ExchangeLimits limits;
    const std::string other = notes->origins.substr(origin.size() + 1);
    for (const std::string& each : {origin, other}) {
      http::Request request("GET", "/_sim/state");
      http::Response response = co_await transport->exchange(http::parse_url(each), request, limits);
      CHECK(response.body == R"(["40","41"])");
    }
    host.set_faults(testing::FaultPlan(boost::json::parse(R"({"faults":[{"kind":"torn_after"}]})")));
    http::Request request("GET", "/notes");
    auto error =
        co_await thrown_by<http::TransportError>(transport->exchange(http::parse_url(origin), request, limits));
    CHECK(error.cause == "response_torn");
    host.stop();
    error = co_await thrown_by<http::TransportError>(transport->exchange(http::parse_url(origin), request, limits));
    CHECK(error.cause == "connect_failed");
  });
}

TEST_CASE("plugins carry simulators") {
  Registry registry;
  registry.add_simulator("notes", [](testing::SimulatorOptions options, const Services& services) {
    return std::make_shared<Notes>(std::move(options), services);
  });
  REQUIRE(registry.simulators().size() == 1);
  CHECK(registry.simulators()[0].name == "notes");
  testing::SimulatorOptions options;
  options.items = 3;
  CHECK(registry.make_simulator("notes", options, Services())->state().as_array().size() == 3);
  options.settings = boost::json::parse(R"({"x":1})");
  CHECK_THROWS_AS(registry.make_simulator("notes", options, Services()), Error);
  std::string message;
  try {
    registry.make_simulator("note", options, Services());
  } catch (const Error& error) {
    message = error.what();
  }
  CHECK(message.find("notes") != std::string::npos);
  CHECK_THROWS_AS(registry.add_simulator("notes", nullptr), Error);

  // What a plugin that fails had added is taken back.
  auto failing = [](Registry& target) {
    target.add_simulator("half", nullptr);
    throw std::runtime_error("no licence");
  };
  PluginDescriptor descriptor{plugin_magic, sizeof(PluginDescriptor), MIGRATE_TAG_MARKER MIGRATE_ABI_TAG, "half", "1",
                              failing};
  CHECK_THROWS_AS(registry.add(descriptor), Error);
  CHECK(registry.simulators().size() == 1);
}
