#include "migrate/plugin.hpp"

#include "config.hpp"
#include "sink.hpp"
#include "source.hpp"

MIGRATE_PLUGIN(sqlite, "0.1.0") {
  registry.add_source("sqlite", migrate::sqlite::source_spec(), migrate::sqlite::make_source);
  registry.add_sink("sqlite", migrate::sqlite::sink_spec(), migrate::sqlite::make_sink);
}
