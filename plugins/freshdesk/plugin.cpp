#include "migrate/plugin.hpp"

#include "simulator.hpp"

MIGRATE_PLUGIN(freshdesk, "0.1.0") { registry.add_simulator("freshdesk", migrate::freshdesk::make_simulator); }
