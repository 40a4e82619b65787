#include "migrate/plugin.hpp"

#include "simulator.hpp"
#include "sink.hpp"

MIGRATE_PLUGIN(jira, "0.1.0") {
  registry.add_sink("jira", migrate::jira::sink_spec(), migrate::jira::make_sink);
  registry.add_simulator("jira", migrate::jira::make_simulator);
}
