// The account's limits: credits in each minute of the clock, and requests to the lists that have a limit of their own.
#pragma once

#include <array>
#include <cstdint>

#include "simulator/instant.hpp"
#include "simulator/settings.hpp"

namespace migrate::freshdesk::simulation {

enum class LimitedList { none, tickets, contacts };

class Quota {
 public:
  explicit Quota(PlanLimits limits) : limits_(limits) {}

  struct Verdict {
    bool refused = false;
    Seconds retry_after = 0;     ///< of a refused request
    std::int64_t remaining = 0;  ///< of the account, whatever a list's own limit says
    std::int64_t used = 0;       ///< by this request
  };
  /// Counts the request. What arrives while credits are left is answered, also when it takes more than there are.
  Verdict take(Seconds now, std::int64_t credits, LimitedList list);
  std::int64_t total() const noexcept { return limits_.account; }

 private:
  PlanLimits limits_;
  Seconds window_ = -1;
  std::int64_t used_ = 0;
  std::array<std::int64_t, 3> listed_{};
};

}  // namespace migrate::freshdesk::simulation
