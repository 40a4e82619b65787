// A local stand-in of Freshdesk's API v2 and of the store of its files. What it holds, refuses and lets happen:
// README.md.
#pragma once

#include <memory>

#include "migrate/services.hpp"
#include "migrate/testing/simulator.hpp"

namespace migrate::freshdesk {

/// For Registry::add_simulator. Time is the clock of `services`; the data is that of the seed, made in the 900 days
/// before the day of the call. Throws ConfigError for settings that it does not know.
std::shared_ptr<testing::Simulator> make_simulator(const testing::SimulatorOptions& options, const Services& services);

}  // namespace migrate::freshdesk
