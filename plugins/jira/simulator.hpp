// A local stand-in of Jira: Cloud by default, Data Center by a setting. What it answers and refuses: README.md.
#pragma once

#include <memory>
#include <string>

#include "migrate/services.hpp"
#include "migrate/testing/simulator.hpp"

namespace migrate::jira {

/// `options.settings` are those of README.md; throws ConfigError for others. The services' clock is its time: the index
/// lags, quotas refill and addresses run out by it. One strand; no call awaits.
std::shared_ptr<testing::Simulator> make_simulator(const testing::SimulatorOptions& options, const Services& services);

/// The state of a run without what the service chose: keys and ids are replaced by names that follow from the contents
/// ("SUP-#1"), times by whether they were set, counters are left out. Two runs that wrote the same give the same value.
/// Names of issues: by content first, then by that of their neighbours; only issues that cannot be told apart by
/// either keep the order of their keys.
Value masked_state(const Value& state);

/// The settings' table for README.md.
std::string simulator_settings_markdown();

}  // namespace migrate::jira
