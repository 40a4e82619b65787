#include "migrate/plugin.hpp"

#include "config.hpp"
#include "sink.hpp"
#include "source.hpp"
#include "store.hpp"

MIGRATE_PLUGIN(postgres, "0.1.0") {
  registry.add_source("postgres", migrate::postgres::source_spec(), migrate::postgres::make_source);
  registry.add_sink("postgres", migrate::postgres::sink_spec(), migrate::postgres::make_sink);
  registry.add_store("postgres", migrate::postgres::store_spec(), migrate::postgres::make_store);
}
