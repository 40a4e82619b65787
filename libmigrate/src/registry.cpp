#include "migrate/registry.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "migrate/testing/simulator.hpp"
#include "registry_state.hpp"

MIGRATE_BEGIN

std::string_view to_string(ConnectorKind kind) noexcept {
  switch (kind) {
    case ConnectorKind::source:
      return "source";
    case ConnectorKind::sink:
      return "sink";
    case ConnectorKind::transformer:
      return "transformer";
    case ConnectorKind::store:
      return "store";
  }
  return "source";
}

Registry::Registry() : state_(std::make_unique<State>()) { add_core_stores(*this); }
Registry::~Registry() = default;
Registry::Registry(Registry&&) noexcept = default;
Registry& Registry::operator=(Registry&&) noexcept = default;

static std::string origin_of_connector(const ConnectorInfo& info) {
  if (info.plugin.empty()) return "the program itself";
  return info.file.empty() ? fmt::format("plugin {}", info.plugin)
                           : fmt::format("plugin {} ({})", info.plugin, info.file.string());
}

void Registry::add(ConnectorKind kind, std::string name, config::ObjectShape shape, Maker maker) {
  ConnectorInfo info;
  info.name = name;
  info.kind = kind;
  info.plugin = state_->adding.name;
  info.version = state_->adding.version;
  info.file = state_->adding.file;
  info.doc = shape.doc;
  auto [entry, added] = state_->connectors.try_emplace({kind, name});
  if (!added) {
    throw Error(ErrorKind::conflict, "connector_name_taken",
                fmt::format("The {} \"{}\" of {} is there already, from {}.", to_string(kind), name,
                            origin_of_connector(info), origin_of_connector(entry->second.info)))
        .with_advice("Load only one of them.");
  }
  entry->second = {std::move(info), std::move(shape), std::move(maker)};
  state_->added.emplace_back(kind, std::move(name));
}

const Registry::State::Connector& Registry::State::find(ConnectorKind kind, std::string_view name) const {
  auto found = connectors.find({kind, std::string(name)});
  if (found != connectors.end()) return found->second;

  std::vector<std::string> known;
  for (const auto& [key, connector] : connectors) {
    if (key.first == kind) known.push_back(key.second);
  }
  std::string message =
      fmt::format("There is no {} named \"{}\"{}", to_string(kind), name, config::suggestion(name, known));
  for (const auto& [key, connector] : connectors) {
    if (key.second == name) message += fmt::format("\n  \"{}\" is known as a {}", name, to_string(key.first));
  }
  for (const NotBuilt& missing : not_built) {
    if (missing.plugin == name) {
      message += fmt::format("\n  the plugin {} was left out of this build: {}", name, missing.reason);
    }
  }
  if (looked_at.empty()) message += "\n  no place was searched for plugins";
  for (const PlaceLookedAt& place : looked_at) {
    message += fmt::format("\n  looked at {}: {}", place.path.string(), place.result);
  }
  throw Error(ErrorKind::not_found, "unknown_connector", message)
      .with_advice("Correct the name, or name the plugin's folder in MIGRATE_PLUGIN_PATH.");
}

void Registry::add_not_built(std::string plugin, std::string reason) {
  auto same = [&](const NotBuilt& known) { return known.plugin == plugin; };
  if (std::none_of(state_->not_built.begin(), state_->not_built.end(), same)) {
    state_->not_built.push_back({std::move(plugin), std::move(reason)});
  }
}

static ConnectorInfo described(const ConnectorInfo& info, const config::ObjectShape& shape) {
  ConnectorInfo result = info;
  result.json_schema = config::json_schema(shape);
  result.markdown = config::markdown(shape);
  return result;
}

std::vector<ConnectorInfo> Registry::list() const {
  std::vector<ConnectorInfo> result;
  for (const auto& [key, connector] : state_->connectors) result.push_back(described(connector.info, connector.shape));
  return result;
}

ConnectorInfo Registry::info(ConnectorKind kind, std::string_view name) const {
  const State::Connector& connector = state_->find(kind, name);
  return described(connector.info, connector.shape);
}

const std::vector<NotBuilt>& Registry::not_built() const { return state_->not_built; }
const std::vector<PlaceLookedAt>& Registry::looked_at() const { return state_->looked_at; }

Value Registry::checked(ConnectorKind kind, std::string_view name, const Value& options,
                        const config::Context& context) const {
  return config::checked(state_->find(kind, name).shape, options, context);
}

Value Registry::redacted(ConnectorKind kind, std::string_view name, const Value& options) const {
  return config::redacted(state_->find(kind, name).shape, options);
}

std::shared_ptr<const void> Registry::State::make(ConnectorKind kind, std::string_view name, const Value& options,
                                                  const Services& services) const {
  const Connector& connector = find(kind, name);
  Value checked = config::checked(connector.shape, options, config::Context());
  std::string trouble;
  try {
    if (auto made = connector.maker(checked, services)) return made;
    trouble = "it returned nothing";
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    trouble = error.what();
  }
  throw Error(ErrorKind::internal, "connector_construction",
              fmt::format("The {} \"{}\" of {} could not be made: {}.", to_string(kind), name,
                          origin_of_connector(connector.info), trouble));
}

std::shared_ptr<Source> Registry::make_source(std::string_view name, const Value& options,
                                              const Services& services) const {
  auto made = state_->make(ConnectorKind::source, name, options, services);
  return std::static_pointer_cast<Source>(std::const_pointer_cast<void>(made));
}
std::shared_ptr<Sink> Registry::make_sink(std::string_view name, const Value& options, const Services& services) const {
  auto made = state_->make(ConnectorKind::sink, name, options, services);
  return std::static_pointer_cast<Sink>(std::const_pointer_cast<void>(made));
}
std::shared_ptr<const Transformer> Registry::make_transformer(std::string_view name, const Value& options,
                                                              const Services& services) const {
  return std::static_pointer_cast<const Transformer>(state_->make(ConnectorKind::transformer, name, options, services));
}
std::shared_ptr<CheckpointStore> Registry::make_store(std::string_view name, const Value& options,
                                                      const Services& services) const {
  auto made = state_->make(ConnectorKind::store, name, options, services);
  return std::static_pointer_cast<CheckpointStore>(std::const_pointer_cast<void>(made));
}

void Registry::add_simulator(std::string name, SimulatorMaker make) {
  SimulatorInfo info;
  info.name = name;
  info.plugin = state_->adding.name;
  info.version = state_->adding.version;
  auto [entry, added] = state_->simulators.try_emplace(name);
  if (!added) {
    throw Error(ErrorKind::conflict, "simulator_name_taken",
                fmt::format("There is a simulator \"{}\" already, from plugin {}.", name, entry->second.info.plugin))
        .with_advice("Load only one of them.");
  }
  entry->second = {std::move(info), std::move(make)};
  state_->added_simulators.push_back(std::move(name));
}

std::vector<SimulatorInfo> Registry::simulators() const {
  std::vector<SimulatorInfo> result;
  for (const auto& [name, simulator] : state_->simulators) result.push_back(simulator.info);
  return result;
}

std::shared_ptr<testing::Simulator> Registry::make_simulator(std::string_view name, testing::SimulatorOptions options,
                                                             const Services& services) const {
  auto found = state_->simulators.find(name);
  if (found == state_->simulators.end()) {
    std::vector<std::string> known;
    for (const auto& [key, simulator] : state_->simulators) known.push_back(key);
    throw Error(ErrorKind::not_found, "unknown_simulator",
                fmt::format("There is no simulator named \"{}\"{}", name, config::suggestion(name, known)))
        .with_advice("Correct the name, or name the plugin's folder in MIGRATE_PLUGIN_PATH.");
  }
  if (auto made = found->second.maker(std::move(options), services)) return made;
  throw Error(ErrorKind::internal, "simulator_construction",
              fmt::format("The simulator \"{}\" of plugin {} made nothing.", name, found->second.info.plugin));
}

MIGRATE_END
