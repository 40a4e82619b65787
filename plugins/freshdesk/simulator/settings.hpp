// The switches of the simulator: testing::SimulatorOptions::settings.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "migrate/config_spec.hpp"

namespace migrate::freshdesk::simulation {

struct Settings {
  std::string api_key = "freshdesk-simulator-key";
  std::string restricted_api_key = "freshdesk-simulator-restricted";
  std::string plan = "pro";
  std::optional<std::int64_t> quota_per_minute;
  std::optional<std::int64_t> list_per_minute;
  std::int64_t page_cap = 300;
  std::int64_t same_second = 6;
  std::int64_t url_seconds = 300;
  std::int64_t export_seconds = 60;
  std::int64_t index_lag_seconds = 120;
  std::int64_t touch_every = 0;
  std::int64_t delete_every = 0;
  std::int64_t change_limit = 20;
  std::int64_t lost_file_every = 0;
  std::int64_t cid_every = 0;
  std::string refused_list;
  std::string removed_tickets = "refused";
  std::optional<std::int64_t> archived_after;
  std::int64_t long_thread = 0;
};

Spec<Settings> settings_spec();

/// Requests a minute that a plan permits: of the account, and of each of the two lists that have a limit of their own.
struct PlanLimits {
  std::int64_t account, list;
};
PlanLimits limits_of(const Settings& settings);
/// Time entries, satisfaction ratings and archived tickets: the smallest plan lacks them.
bool has_extras(const Settings& settings) noexcept;

}  // namespace migrate::freshdesk::simulation
