#pragma once

#include "migrate/registry.hpp"

/// Adds what the static build links in; nothing in the shared build.
void register_static_plugins(migrate::Registry& registry);
