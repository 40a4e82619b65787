// Which connectors there are: filled by plugins, asked by configuration files and embedding programs.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "migrate/checkpoint_store.hpp"
#include "migrate/config_spec.hpp"
#include "migrate/services.hpp"
#include "migrate/sink.hpp"
#include "migrate/source.hpp"
#include "migrate/transformer.hpp"

MIGRATE_BEGIN

struct PluginDescriptor;  // plugin.hpp
namespace testing {
class Simulator;          // testing/simulator.hpp
struct SimulatorOptions;
}  // namespace testing

enum class ConnectorKind { source, sink, transformer, store };
MIGRATE_API std::string_view to_string(ConnectorKind kind) noexcept;

/// What `migrate plugins` and `migrate spec` show.
struct ConnectorInfo {
  std::string name;
  ConnectorKind kind = ConnectorKind::source;
  std::string plugin, version;  ///< plugin: empty for what the core or the program itself registered
  std::filesystem::path file;   ///< empty when linked in
  std::string doc;
  Value json_schema;
  std::string markdown;
};

/// A local stand-in of a service that a plugin brings along.
using SimulatorMaker =
    std::function<std::shared_ptr<testing::Simulator>(testing::SimulatorOptions options, const Services& services)>;
struct SimulatorInfo {
  std::string name;             ///< of the connector whose service it stands for
  std::string plugin, version;  ///< as in ConnectorInfo
};

/// A bundled plugin that could not be built, and why.
struct NotBuilt {
  std::string plugin, reason;
};

/// A file or folder that was looked at for plugins, and what came of it.
struct PlaceLookedAt {
  std::filesystem::path path;
  std::string result;  ///< "loaded jira 0.1.0", "does not exist", or why it was refused
};

/// An object of the application, never a global. Not thread-safe while it is being filled; const calls are. Objects
/// that it makes may outlive it. Plugins stay loaded for the life of the process.
class MIGRATE_API Registry {
 public:
  /// Knows the stores `sqlite` and `memory`.
  Registry();
  ~Registry();
  Registry(Registry&&) noexcept;
  Registry& operator=(Registry&&) noexcept;

  /// `make` is called as make(T, const Services&) and returns std::shared_ptr<Source>. It connects to nothing yet:
  /// the first call does. Throws Error(conflict) when the name is taken for this kind.
  template <class T, class Make>
  void add_source(std::string name, Spec<T> spec, Make make) {
    add_made<Source>(ConnectorKind::source, std::move(name), std::move(spec), std::move(make));
  }
  template <class T, class Make>
  void add_sink(std::string name, Spec<T> spec, Make make) {
    add_made<Sink>(ConnectorKind::sink, std::move(name), std::move(spec), std::move(make));
  }
  /// `make` returns std::shared_ptr<const Transformer>.
  template <class T, class Make>
  void add_transformer(std::string name, Spec<T> spec, Make make) {
    add_made<const Transformer>(ConnectorKind::transformer, std::move(name), std::move(spec), std::move(make));
  }
  template <class T, class Make>
  void add_store(std::string name, Spec<T> spec, Make make) {
    add_made<CheckpointStore>(ConnectorKind::store, std::move(name), std::move(spec), std::move(make));
  }

  /// A stand-in of the service; the clock of the services is its time. Throws Error(conflict) when the name is taken.
  void add_simulator(std::string name, SimulatorMaker make);

  /// A plugin that is linked into this program (see MIGRATE_DECLARE_PLUGIN), checked as a loaded one is.
  void add(const PluginDescriptor& linked_in);
  /// A plugin file. Throws Error(unsupported) when it is none, or was built for another ABI: the message names both.
  /// Loading the same file twice does nothing.
  void load(const std::filesystem::path& file);
  /// Every plugin of a folder, in order of name. One that cannot be loaded is noted in looked_at(), not thrown.
  void load_directory(const std::filesystem::path& directory);
  /// MIGRATE_PLUGIN_PATH (colon-separated files and folders), then `directories`, then those beside this library:
  /// migrate/plugins (installed) and ../plugins (build tree). Earlier ones win. The static build has nothing to load.
  void discover(const std::vector<std::filesystem::path>& directories = {});
  /// Makes known that a bundled plugin was left out of this build.
  void add_not_built(std::string plugin, std::string reason);

  /// By kind, then name.
  std::vector<ConnectorInfo> list() const;
  const std::vector<NotBuilt>& not_built() const;
  const std::vector<PlaceLookedAt>& looked_at() const;
  /// Throws Error(not_found) with the nearest names and every place that was looked at.
  ConnectorInfo info(ConnectorKind kind, std::string_view name) const;

  /// Pure: throws ConfigError with every fault of `options`, or Error(not_found) for an unknown name. Returns the
  /// options as make_…() takes them.
  Value checked(ConnectorKind kind, std::string_view name, const Value& options,
                const config::Context& context = config::Context()) const;
  /// For display: secrets masked.
  Value redacted(ConnectorKind kind, std::string_view name, const Value& options) const;

  /// `options` may have been through checked() already. Foreign exceptions become Error(internal) naming the connector.
  std::shared_ptr<Source> make_source(std::string_view name, const Value& options, const Services& services) const;
  std::shared_ptr<Sink> make_sink(std::string_view name, const Value& options, const Services& services) const;
  std::shared_ptr<const Transformer> make_transformer(std::string_view name, const Value& options,
                                                      const Services& services) const;
  std::shared_ptr<CheckpointStore> make_store(std::string_view name, const Value& options,
                                              const Services& services) const;

  /// By name.
  std::vector<SimulatorInfo> simulators() const;
  /// Throws Error(not_found) with the nearest names, Error(invalid) for settings that it does not take.
  std::shared_ptr<testing::Simulator> make_simulator(std::string_view name, testing::SimulatorOptions options,
                                                     const Services& services) const;

 private:
  /// All four interfaces as one type; the kind says which.
  using Maker = std::function<std::shared_ptr<const void>(const Value& checked, const Services&)>;
  template <class Interface, class T, class Make>
  void add_made(ConnectorKind kind, std::string name, Spec<T> spec, Make make) {
    config::ObjectShape shape = spec.shape();
    add(kind, std::move(name), std::move(shape),
        [spec = std::move(spec), make = std::move(make)](const Value& checked, const Services& services) {
          std::shared_ptr<Interface> made = make(spec.read(checked), services);
          return std::shared_ptr<const void>(std::move(made));
        });
  }
  void add(ConnectorKind kind, std::string name, config::ObjectShape shape, Maker maker);

  class State;
  std::unique_ptr<State> state_;
};

MIGRATE_END
