// The transformer `jq`.
#include "migrate/plugin.hpp"

#include "transformer.hpp"

MIGRATE_PLUGIN(jq, "0.1.0") { registry.add_transformer("jq", migrate::jq::jq_spec(), migrate::jq::make_jq); }
