#include "simulator.hpp"

#include "simulator/desk.hpp"

namespace migrate::freshdesk {

std::shared_ptr<testing::Simulator> make_simulator(const testing::SimulatorOptions& options, const Services& services) {
  const Value settings = options.settings.is_null() ? Value(Object()) : options.settings;
  return std::make_shared<simulation::Desk>(options.seed, options.items, simulation::settings_spec().parse(settings),
                                            services.clock);
}

}  // namespace migrate::freshdesk
