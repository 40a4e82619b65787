// A local stand-in of a service: serves rehearsals, the demo and the tests, over sockets or in process.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "migrate/http/server.hpp"

MIGRATE_BEGIN
namespace testing {

/// The service itself, without faults, latency or sockets. All calls on one strand. It must refuse what the vendor
/// refuses: a stand-in that always says yes proves nothing.
class MIGRATE_API Simulator {
 public:
  virtual ~Simulator();
  /// Several are in flight at once only where a handler awaits.
  virtual awaitable<http::Response> handle(http::Request request) = 0;
  /// Everything that it holds, canonical: the same contents give the same text, whatever order they arrived in where
  /// order means nothing. Times and ids that the service chose are in it.
  virtual Value state() const = 0;
  /// Called once before the first request: the URL under which it is reached, for addresses in answers, and a second
  /// origin that leads to the same handler (its requests arrive with that Host), for redirects to another host.
  virtual void located(std::string origin, std::string other_origin);
};

struct SimulatorOptions {
  SimulatorOptions() {}
  std::uint64_t seed = 1;
  std::size_t items = 30;   ///< how much a source holds at the start; a target starts without items
  Value settings;           ///< the simulator's own switches (quota, caps, lag), documented in its README; null: defaults
};

/// What happens to one exchange. The kinds are those of a network and a service that fail.
struct Fault {
  enum class Kind {
    status,            ///< answers `status` with `body` instead of applying the request
    drop_before,       ///< closes the connection; nothing applied
    drop_after,        ///< applies, then closes before the first byte of the answer
    status_after,      ///< applies, then answers `status`
    torn_after,        ///< applies, then half of the answer
    short_length,      ///< applies; the answer lacks its last byte
    drip,              ///< applies; the answer comes a byte a second
    delay,             ///< `delay` first, then as usual
    status_early,      ///< answers `status` at once and applies `delay` later: before the first exchange from then on
    drop_early,        ///< the same, but closes in place of an answer
    die_before,        ///< calls FaultPlan::on_death instead of applying
    die_after          ///< applies, then calls FaultPlan::on_death
  };
  Kind kind = Kind::status;
  std::string method;           ///< empty: any
  std::string path;             ///< regular expression (ECMAScript) that the path must contain; empty: any
  std::uint64_t nth = 1;        ///< the nth matching exchange, counted from 1; 0: each
  double probability = 1;       ///< of a matching exchange, from the plan's seed
  int status = 503;
  http::Headers headers;
  std::string body;
  std::chrono::milliseconds delay{0};
};

/// Which exchanges fail and how; the same plan and seed give the same faults. From JSON: {"seed":1,"faults":[{"kind":
/// "drop_after","method":"POST","path":"/issue$","nth":3,…}]}; an unknown member is refused by name.
struct MIGRATE_API FaultPlan {
  FaultPlan();
  explicit FaultPlan(const Value& json);
  std::uint64_t seed = 1;
  std::vector<Fault> faults;
  /// What dying means: a test throws SimulatedCrash through the client's await, or kills the process.
  std::function<void(const std::string& exchange)> on_death;
};

/// One request and its answer, as the exchange log has it: {"service","method","url","request_headers",
/// "request_body","status","response_headers","response_body"}; bodies that are JSON as JSON, other text as a string,
/// bytes as {"$binary"}. Credentials are in it masked.
using ExchangeObserver = std::function<void(const Value& exchange)>;

struct Counters {
  std::uint64_t requests = 0, writes = 0, refusals = 0, most_in_flight = 0;  ///< refusals: answers 429
};

/// A simulator with faults, latency, a log and its control addresses: GET /_sim/state, GET /_sim/counters,
/// POST /_sim/faults (a plan; replaces the present one and starts its counts anew). Control requests are neither
/// counted, logged nor delayed. One strand.
class MIGRATE_API SimulatorHost {
 public:
  SimulatorHost(std::string service, std::shared_ptr<Simulator> simulator, const Services& services);
  ~SimulatorHost();

  void set_faults(FaultPlan plan);
  void set_latency(std::chrono::milliseconds each_exchange);
  void observe(ExchangeObserver observer);
  Counters counters() const;
  Simulator& simulator();

  /// For http::Server.
  http::AnswerHandler answers();
  /// For tests in process: reaches the simulator as `origin` (and `other_origin`), in virtual time where the clock is.
  /// The service is gone when the host is.
  void attach(http::SimulatedTransport& transport, std::string origin, std::string other_origin);
  /// Listens on two ports of 127.0.0.1, one for each origin; returns the first origin ("http://127.0.0.1:PORT").
  awaitable<std::string> listen();
  void stop();

 private:
  class State;
  std::shared_ptr<State> state_;
};

}  // namespace testing
MIGRATE_END
