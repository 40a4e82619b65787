// The connectors of this build, loaded as an operator's program loads them.
#pragma once

#include <filesystem>

#include "migrate/registry.hpp"

inline const migrate::Registry& built_plugins() {
  static const migrate::Registry registry = [] {
    migrate::Registry all;
    all.load_directory(std::filesystem::path(MIGRATE_BINARY_DIR) / "plugins");
    return all;
  }();
  return registry;
}
