#include "migrate/plugin.hpp"

#include "simulator.hpp"

MIGRATE_PLUGIN(jira, "0.1.0") { registry.add_simulator("jira", migrate::jira::make_simulator); }
