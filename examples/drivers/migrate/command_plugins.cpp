#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <iostream>
#include <memory>

#include "session.hpp"

namespace migrate::program {

namespace {

constexpr ConnectorKind kinds[] = {ConnectorKind::source, ConnectorKind::sink, ConnectorKind::transformer,
                                   ConnectorKind::store};

struct PluginArguments {
  bool json = false, json_schema = false;
  std::string connector;
  std::vector<std::filesystem::path> plugins;
};

std::string origin(const ConnectorInfo& info) {
  return info.plugin.empty() ? "built in" : info.plugin + " " + info.version;
}

std::string first_sentence(const std::string& doc) { return doc.substr(0, doc.find('\n')); }

void print_json(const Registry& registry) {
  Array connectors, absent, places;
  for (const ConnectorInfo& info : registry.list()) {
    connectors.push_back(Object{{"name", info.name},
                                {"kind", to_string(info.kind)},
                                {"plugin", info.plugin},
                                {"version", info.version},
                                {"file", info.file.string()},
                                {"doc", info.doc}});
  }
  for (const NotBuilt& plugin : registry.not_built()) {
    absent.push_back(Object{{"plugin", plugin.plugin}, {"reason", plugin.reason}});
  }
  for (const PlaceLookedAt& place : registry.looked_at()) {
    places.push_back(Object{{"path", place.path.string()}, {"result", place.result}});
  }
  const Object document{
      {"connectors", std::move(connectors)}, {"not_built", std::move(absent)}, {"looked_at", std::move(places)}};
  std::cout << boost::json::serialize(document) << '\n';
}

int list_plugins(const PluginArguments& arguments) {
  const Registry registry = make_registry(arguments.plugins);
  if (arguments.json) {
    print_json(registry);
    return exit_done;
  }
  const std::vector<ConnectorInfo> all = registry.list();
  for (ConnectorKind kind : kinds) {
    if (std::none_of(all.begin(), all.end(), [&](const ConnectorInfo& info) { return info.kind == kind; })) continue;
    std::cout << to_string(kind) << "s\n";
    for (const ConnectorInfo& info : all) {
      if (info.kind != kind) continue;
      std::cout << fmt::format("  {:<16} {:<22} {}\n", info.name, origin(info), first_sentence(info.doc));
    }
  }
  if (!registry.not_built().empty()) std::cout << "not built\n";
  for (const NotBuilt& plugin : registry.not_built()) {
    std::cout << fmt::format("  {:<16} {}\n", plugin.plugin, plugin.reason);
  }
  std::cout << "looked at\n";
  for (const PlaceLookedAt& place : registry.looked_at()) {
    std::cout << fmt::format("  {}: {}\n", place.path.string(), place.result);
  }
  return exit_done;
}

int show_spec(const PluginArguments& arguments) {
  const Registry registry = make_registry(arguments.plugins);
  std::vector<ConnectorInfo> found;
  for (ConnectorInfo& info : registry.list()) {
    if (info.name == arguments.connector) found.push_back(std::move(info));
  }
  // Throws with the nearest names.
  if (found.empty()) found.push_back(registry.info(ConnectorKind::source, arguments.connector));
  if (arguments.json_schema) {
    Object schemas;
    for (const ConnectorInfo& info : found) schemas[to_string(info.kind)] = info.json_schema;
    std::cout << boost::json::serialize(schemas) << '\n';
    return exit_done;
  }
  for (const ConnectorInfo& info : found) {
    std::cout << fmt::format("# {} ({}, {})\n\n{}\n", info.name, to_string(info.kind), origin(info), info.markdown);
  }
  return exit_done;
}

}  // namespace

void add_plugin_commands(Cli cli) {
  auto arguments = std::make_shared<PluginArguments>();
  CLI::App* plugins = cli.app.add_subcommand("plugins", "Lists the connectors, what was not built, and why");
  plugins->add_flag("--json", arguments->json, "As JSON");
  plugins->add_option("--plugins", arguments->plugins, "Folder of plugins")->allow_extra_args(false);
  plugins->callback([cli, arguments] { cli.action = [arguments] { return list_plugins(*arguments); }; });

  CLI::App* spec = cli.app.add_subcommand("spec", "Describes a connector's options");
  spec->add_option("CONNECTOR", arguments->connector, "Its name")->required();
  spec->add_flag("--json-schema", arguments->json_schema, "As JSON Schema, by kind of connector");
  spec->add_option("--plugins", arguments->plugins, "Folder of plugins")->allow_extra_args(false);
  spec->callback([cli, arguments] { cli.action = [arguments] { return show_spec(*arguments); }; });
}

}  // namespace migrate::program
