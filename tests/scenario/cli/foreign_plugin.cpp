// Built with the tag of another ABI: see CMakeLists.txt.
#include "migrate/plugin.hpp"

MIGRATE_PLUGIN(foreign, "9.9.9") {}
