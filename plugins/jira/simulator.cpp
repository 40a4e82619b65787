#include "simulator.hpp"

#include "simulator/service.hpp"

namespace migrate::jira {

std::shared_ptr<testing::Simulator> make_simulator(const testing::SimulatorOptions& options, const Services& services) {
  const Value settings = options.settings.is_null() ? Value(Object()) : options.settings;
  return std::make_shared<sim::Service>(sim::settings_spec().parse(settings), options.seed, services);
}

std::string simulator_settings_markdown() { return sim::settings_spec().markdown(); }

}  // namespace migrate::jira
