// A fault plan at work: which fault meets the present exchange.
#pragma once

#include <optional>
#include <random>
#include <regex>
#include <string>
#include <vector>

#include "migrate/testing/simulator.hpp"

MIGRATE_BEGIN
namespace testing {

/// Counts exchanges from the plan's start. The same sequence of exchanges meets the same faults.
class Faults {
 public:
  explicit Faults(FaultPlan plan);
  /// What happens to this exchange: delays first, then at most one fault of another kind.
  struct Met {
    std::chrono::milliseconds delay{0};
    std::optional<Fault> fault;
  };
  Met next(const std::string& method, const std::string& path);
  const FaultPlan& plan() const noexcept { return plan_; }

 private:
  struct Rule {
    std::optional<std::regex> path;
    std::uint64_t seen = 0;
  };
  FaultPlan plan_;
  std::vector<Rule> rules_;  ///< one a fault
  std::mt19937_64 random_;
};

/// One line of the exchange log. `answer` is null when none was given.
Value exchange_record(const std::string& service, const std::string& origin, const http::Request& request,
                      const http::Response* answer);

}  // namespace testing
MIGRATE_END
