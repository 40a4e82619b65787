#include "testing/fault_plan.hpp"

#include <fmt/format.h>

#include <array>
#include <map>

#include "migrate/config_spec.hpp"

MIGRATE_BEGIN
namespace testing {

namespace {

constexpr std::array<std::pair<std::string_view, Fault::Kind>, 12> kinds{{{"status", Fault::Kind::status},
                                                                          {"drop_before", Fault::Kind::drop_before},
                                                                          {"drop_after", Fault::Kind::drop_after},
                                                                          {"status_after", Fault::Kind::status_after},
                                                                          {"torn_after", Fault::Kind::torn_after},
                                                                          {"short_length", Fault::Kind::short_length},
                                                                          {"drip", Fault::Kind::drip},
                                                                          {"delay", Fault::Kind::delay},
                                                                          {"status_early", Fault::Kind::status_early},
                                                                          {"drop_early", Fault::Kind::drop_early},
                                                                          {"die_before", Fault::Kind::die_before},
                                                                          {"die_after", Fault::Kind::die_after}}};

struct FaultConfig {
  std::string kind;
  std::string method, path;
  std::int64_t nth = 1;
  double probability = 1;
  int status = 503;
  std::map<std::string, std::string> headers;
  Value body;
  std::int64_t delay_ms = 0;
};
struct PlanConfig {
  std::int64_t seed = 1;
  std::vector<FaultConfig> faults;
};

std::regex compiled(const std::string& path) {
  try {
    return std::regex(path, std::regex::ECMAScript | std::regex::optimize);
  } catch (const std::regex_error& error) {
    throw ConfigError("path", fmt::format("\"{}\" is no regular expression: {}", path, error.what()));
  }
}

Spec<FaultConfig> fault_spec() {
  std::vector<std::string> names;
  for (const auto& [name, kind] : kinds) names.emplace_back(name);
  return Spec<FaultConfig>("What happens to one exchange.")
      .field("kind", &FaultConfig::kind, "What happens")
      .one_of(names)
      .field("method", &FaultConfig::method, "Of the request; any when left out")
      .optional()
      .field("path", &FaultConfig::path, "Regular expression that the path must contain")
      .optional()
      .field("nth", &FaultConfig::nth, "Which of the matching exchanges, from 1; 0: each")
      .optional()
      .at_least(0)
      .field("probability", &FaultConfig::probability, "Of a matching exchange")
      .optional()
      .at_least(0)
      .at_most(1)
      .field("status", &FaultConfig::status, "Of the answer, for status, status_after and status_early")
      .optional()
      .at_least(100)
      .at_most(599)
      .field("headers", &FaultConfig::headers, "Of that answer")
      .optional()
      .field("body", &FaultConfig::body, "Of that answer: a text as it is, anything else as JSON")
      .optional()
      .field("delay_ms", &FaultConfig::delay_ms, "For delay, status_early and drop_early")
      .optional()
      .at_least(0)
      .validate([](const FaultConfig& config) { compiled(config.path); });
}

Spec<PlanConfig> plan_spec() {
  return Spec<PlanConfig>("Which exchanges fail and how.")
      .field("seed", &PlanConfig::seed, "Of the probabilities")
      .optional()
      .field("faults", &PlanConfig::faults, fault_spec(), "The first that applies is met")
      .optional();
}

Fault fault_of(const FaultConfig& config) {
  Fault fault;
  for (const auto& [name, kind] : kinds) {
    if (name == config.kind) fault.kind = kind;
  }
  fault.method = config.method;
  fault.path = config.path;
  fault.nth = static_cast<std::uint64_t>(config.nth);
  fault.probability = config.probability;
  fault.status = config.status;
  for (const auto& [name, value] : config.headers) fault.headers.add(name, value);
  if (config.body.is_string()) {
    fault.body = std::string(config.body.get_string());
  } else if (!config.body.is_null()) {
    http::Response json(fault.status, config.body);
    fault.body = std::move(json.body);
    if (!fault.headers.has("Content-Type")) fault.headers.add("Content-Type", "application/json");
  }
  fault.delay = std::chrono::milliseconds(config.delay_ms);
  return fault;
}

}  // namespace

FaultPlan::FaultPlan() = default;
FaultPlan::FaultPlan(const Value& json) {
  PlanConfig config = plan_spec().parse(json);
  seed = static_cast<std::uint64_t>(config.seed);
  for (const FaultConfig& fault : config.faults) faults.push_back(fault_of(fault));
}

Faults::Faults(FaultPlan plan) : plan_(std::move(plan)), random_(plan_.seed) {
  for (const Fault& fault : plan_.faults) {
    Rule& rule = rules_.emplace_back();
    if (!fault.path.empty()) rule.path = compiled(fault.path);
  }
}

Faults::Met Faults::next(const std::string& method, const std::string& path) {
  Met met;
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    const Fault& fault = plan_.faults[i];
    Rule& rule = rules_[i];
    if (!fault.method.empty() && fault.method != method) continue;
    if (rule.path && !std::regex_search(path, *rule.path)) continue;
    ++rule.seen;
    if (fault.nth != 0 && rule.seen != fault.nth) continue;
    // Drawn by hand: std::bernoulli_distribution may differ between libraries, and a seed has to replay everywhere.
    if (fault.probability < 1 && static_cast<double>(random_() >> 11U) * 0x1.0p-53 >= fault.probability) continue;
    if (fault.kind == Fault::Kind::delay) {
      met.delay += fault.delay;
    } else if (!met.fault) {
      met.fault = fault;
    }
  }
  return met;
}

}  // namespace testing
MIGRATE_END
