#include "registry_state.hpp"

MIGRATE_BEGIN

void add_core_stores(Registry&) {}

MIGRATE_END
