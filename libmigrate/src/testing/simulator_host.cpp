#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "migrate/testing/simulator.hpp"
#include "testing/fault_plan.hpp"

MIGRATE_BEGIN
namespace testing {

Simulator::~Simulator() = default;
void Simulator::located(std::string, std::string) {}

namespace {

bool changes_something(const std::string& method) { return method != "GET" && method != "HEAD" && method != "OPTIONS"; }

/// What a service that has gone answers.
awaitable<http::Answer> nobody() {
  http::Answer answer;
  answer.ending = http::Ending::close_before;
  co_return answer;
}

http::Response planned(const Fault& fault) {
  http::Response response(fault.status);
  response.headers = fault.headers;
  response.body = fault.body;
  return response;
}

}  // namespace

class SimulatorHost::State : public std::enable_shared_from_this<SimulatorHost::State> {
 public:
  State(std::string name, std::shared_ptr<Simulator> stand_in, const Services& lent)
      : service(std::move(name)), simulator(std::move(stand_in)), services(lent), faults(FaultPlan()) {}

  /// Holds its object: an exchange may outlive the host.
  static awaitable<http::Answer> answer(std::shared_ptr<State> self, http::Request request) {
    co_await self->apply_late();
    if (request.path().starts_with("/_sim/")) co_return self->control(request);
    InFlight counted(*self);
    if (self->latency.count() > 0) co_await self->services.clock->sleep(self->latency);
    const std::string method = request.method, path(request.path());
    Faults::Met met = self->faults.next(method, path);
    if (met.delay.count() > 0) co_await self->services.clock->sleep(met.delay);

    co_await self->apply_late();

    std::optional<http::Request> logged;
    if (self->observer) logged = request;
    http::Answer answer;
    if (met.fault && is_early(met.fault->kind)) self->put_off(*met.fault, request);
    if (!met.fault || !self->instead(*met.fault, method + " " + path, answer)) {
      answer.response = co_await self->applied(std::move(request));
      if (met.fault) self->afterwards(*met.fault, method + " " + path, answer);
    }
    const bool answered = answer.ending != http::Ending::close_before;
    if (answered && answer.response.status == 429) ++self->counters.refusals;
    if (logged)
      self->observer(
          exchange_record(self->service, self->origin_of(*logged), *logged, answered ? &answer.response : nullptr));
    co_return std::move(answer);
  }

  std::string service;
  std::shared_ptr<Simulator> simulator;
  Services services;
  Faults faults;
  std::chrono::milliseconds latency{0};
  ExchangeObserver observer;
  Counters counters;
  std::uint64_t in_flight = 0;
  std::unique_ptr<http::Server> first, second;

 private:
  struct Late {
    std::chrono::system_clock::time_point due;
    http::Request request;
  };
  struct InFlight {
    explicit InFlight(State& state) : owner(state) {
      ++owner.counters.requests;
      owner.counters.most_in_flight = std::max(owner.counters.most_in_flight, ++owner.in_flight);
    }
    InFlight(const InFlight&) = delete;
    InFlight& operator=(const InFlight&) = delete;
    ~InFlight() { --owner.in_flight; }
    State& owner;
  };

  static bool is_early(Fault::Kind kind) {
    return kind == Fault::Kind::status_early || kind == Fault::Kind::drop_early;
  }
  void put_off(const Fault& fault, const http::Request& request) {
    late_.push_back(Late{services.clock->now() + fault.delay, request});
  }
  /// What was answered early and is due by now, in the order in which it came due.
  awaitable<void> apply_late() {
    const auto earlier = [](const Late& a, const Late& b) { return a.due < b.due; };
    while (!late_.empty()) {
      const auto next = std::min_element(late_.begin(), late_.end(), earlier);
      if (next->due > services.clock->now()) co_return;
      http::Request request = std::move(next->request);
      late_.erase(next);
      co_await applied(std::move(request));
    }
  }

  awaitable<http::Response> applied(http::Request request) {
    const bool writes = changes_something(request.method);
    std::string trouble;
    try {
      http::Response response = co_await simulator->handle(std::move(request));
      if (writes && response.ok()) ++counters.writes;
      co_return std::move(response);
    } catch (const Error& error) {
      trouble = error.what();
    }
    // A defect of the stand-in, said so: it must not pass for one of the service's own answers.
    Object body;
    body["simulator_failed"] = trouble;
    services.write_log(LogLevel::error, service, "the simulator failed: " + trouble);
    co_return http::Response(500, body);
  }

  /// True when the fault takes the place of the request.
  bool instead(const Fault& fault, const std::string& exchange, http::Answer& answer) {
    switch (fault.kind) {
      case Fault::Kind::status:
      case Fault::Kind::status_early:
        answer.response = planned(fault);
        return true;
      case Fault::Kind::die_before:
        die(exchange);
        [[fallthrough]];
      case Fault::Kind::drop_before:
      case Fault::Kind::drop_early:
        answer.ending = http::Ending::close_before;
        return true;
      default:
        return false;
    }
  }

  void afterwards(const Fault& fault, const std::string& exchange, http::Answer& answer) {
    switch (fault.kind) {
      case Fault::Kind::status_after:
        answer.response = planned(fault);
        break;
      case Fault::Kind::torn_after:
        answer.ending = http::Ending::torn;
        break;
      case Fault::Kind::short_length:
        answer.ending = http::Ending::short_body;
        break;
      case Fault::Kind::drip:
        answer.ending = http::Ending::drip;
        break;
      case Fault::Kind::die_after:
        die(exchange);
        [[fallthrough]];
      default:
        answer.ending = http::Ending::close_before;
    }
  }

  std::vector<Late> late_;

  void die(const std::string& exchange) const {
    auto on_death = faults.plan().on_death;  // it may replace the plan
    if (on_death) on_death(exchange);
  }

  http::Answer control(const http::Request& request) {
    http::Answer answer;
    Object body;
    if (request.method == "GET" && request.path() == "/_sim/state") {
      answer.response = http::Response(200, simulator->state());
    } else if (request.method == "GET" && request.path() == "/_sim/counters") {
      body["requests"] = counters.requests;
      body["writes"] = counters.writes;
      body["refusals"] = counters.refusals;
      body["most_in_flight"] = counters.most_in_flight;
      answer.response = http::Response(200, body);
    } else if (request.method == "POST" && request.path() == "/_sim/faults") {
      answer.response = take_plan(request.body);
    } else {
      body["error"] = "There are GET /_sim/state, GET /_sim/counters and POST /_sim/faults.";
      answer.response = http::Response(404, body);
    }
    return answer;
  }

  http::Response take_plan(const std::string& text) {
    try {
      FaultPlan plan(boost::json::parse(text));
      plan.on_death = faults.plan().on_death;
      faults = Faults(std::move(plan));
      return http::Response(204);
    } catch (const std::exception& error) {
      Object body;
      body["error"] = error.what();
      return http::Response(400, body);
    }
  }

  static std::string origin_of(const http::Request& request) {
    return fmt::format("http://{}", request.headers.get("Host"));
  }
};

SimulatorHost::SimulatorHost(std::string service, std::shared_ptr<Simulator> simulator, const Services& services)
    : state_(std::make_shared<State>(std::move(service), std::move(simulator), services)) {}
SimulatorHost::~SimulatorHost() { stop(); }

void SimulatorHost::set_faults(FaultPlan plan) { state_->faults = Faults(std::move(plan)); }
void SimulatorHost::set_latency(std::chrono::milliseconds each_exchange) { state_->latency = each_exchange; }
void SimulatorHost::observe(ExchangeObserver observer) { state_->observer = std::move(observer); }
Counters SimulatorHost::counters() const { return state_->counters; }
Simulator& SimulatorHost::simulator() { return *state_->simulator; }

http::AnswerHandler SimulatorHost::answers() {
  return [state = state_](http::Request request) { return State::answer(state, std::move(request)); };
}

void SimulatorHost::attach(http::SimulatedTransport& transport, std::string origin, std::string other_origin) {
  state_->simulator->located(origin, other_origin);
  // Not kept by the transport: it is in the services, which the simulator keeps, and the three would keep one another.
  auto answer = [weak = std::weak_ptr<State>(state_)](http::Request request) -> awaitable<http::Answer> {
    if (std::shared_ptr<State> state = weak.lock()) return State::answer(std::move(state), std::move(request));
    return nobody();
  };
  transport.serve(std::move(origin), answer, state_->services.clock);
  transport.serve(std::move(other_origin), answer, state_->services.clock);
}

awaitable<std::string> SimulatorHost::listen() {
  state_->first = std::make_unique<http::Server>(state_->services);
  state_->second = std::make_unique<http::Server>(state_->services);
  const std::uint16_t port = co_await state_->first->start(answers());
  const std::uint16_t other = co_await state_->second->start(answers());
  std::string origin = fmt::format("http://127.0.0.1:{}", port);
  state_->simulator->located(origin, fmt::format("http://127.0.0.1:{}", other));
  co_return origin;
}

void SimulatorHost::stop() {
  state_->first.reset();
  state_->second.reset();
}

}  // namespace testing
MIGRATE_END
