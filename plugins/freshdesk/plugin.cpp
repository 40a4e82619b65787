#include "migrate/plugin.hpp"

#include "config.hpp"
#include "simulator.hpp"
#include "source.hpp"

MIGRATE_PLUGIN(freshdesk, "0.1.0") {
  registry.add_source("freshdesk", migrate::freshdesk::source_spec(), migrate::freshdesk::make_source);
  registry.add_simulator("freshdesk", migrate::freshdesk::make_simulator);
}
