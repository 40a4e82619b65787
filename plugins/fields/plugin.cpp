// The transformer `fields`.
#include "migrate/plugin.hpp"

#include "transformer.hpp"

MIGRATE_PLUGIN(fields, "0.1.0") {
  registry.add_transformer("fields", migrate::fields::fields_spec(), migrate::fields::make_fields);
}
