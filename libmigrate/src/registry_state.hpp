// What registry.cpp and plugin_loader.cpp share.
#pragma once

#include <map>
#include <utility>

#include "migrate/registry.hpp"

MIGRATE_BEGIN

class Registry::State {
 public:
  struct Connector {
    ConnectorInfo info;
    config::ObjectShape shape;
    Maker maker;
  };
  struct Simulator {
    SimulatorInfo info;
    SimulatorMaker maker;
  };
  /// The plugin whose add_to() is running.
  struct Adding {
    std::string name, version;
    std::filesystem::path file;
  };

  const Connector& find(ConnectorKind kind, std::string_view name) const;
  std::shared_ptr<const void> make(ConnectorKind kind, std::string_view name, const Value& options,
                                   const Services& services) const;

  std::map<std::pair<ConnectorKind, std::string>, Connector> connectors;
  std::map<std::string, Simulator, std::less<>> simulators;
  std::vector<std::pair<ConnectorKind, std::string>> added;  ///< in order; what a failing plugin added is taken back
  std::vector<std::string> added_simulators;
  Adding adding;
  std::vector<std::filesystem::path> loaded;
  std::vector<NotBuilt> not_built;
  std::vector<PlaceLookedAt> looked_at;
};

void add_core_stores(Registry& registry);

MIGRATE_END
