#include "migrate/config_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "config_document.hpp"
#include "config_run.hpp"

MIGRATE_BEGIN

namespace fs = std::filesystem;

namespace {

/// Checks each part of a file by its own spec; collects the faults of all.
class FileChecker {
 public:
  /// `faults` were found when the document was read.
  FileChecker(config::Document document, std::vector<ConfigFault> faults, const Registry& registry, MigrationFile& file)
      : document_(std::move(document)), registry_(registry), file_(file), faults_(std::move(faults)) {}

  /// `ends`: source, transformers and sink too.
  void run(bool ends) {
    Object& top = document_.value.get_object();
    spread_report_list(top);
    guarded([&] {
      const config::Origins origins = origins_beside_connectors();
      config::Context own = context("");
      own.origins = &origins;
      FileConfig config = file_spec().parse(document_.value, own);
      file_.name = config.migration;
      file_.working_dir = working_dir(config);
      file_.run = run_options(config.run);
      file_.reports = config.reports;
      file_.mappings = config.mappings;
    });
    // Not a validator of the spec: that would be silent while there are other faults.
    if (Value* name = top.if_contains("migration"); name && name->is_string()) {
      std::string text(name->get_string());
      if (!is_migration_name(text)) {
        faults_.push_back(config::fault_at(context(""), "migration", "may hold a-z, 0-9 and - only"));
      }
    }
    if (ends) check_ends(top);
    file_.store = connector(ConnectorKind::store, store(top), "store");
    auto place = [](const ConfigFault& f) { return std::tuple(f.line == 0, f.line, f.column); };
    std::stable_sort(faults_.begin(), faults_.end(),
                     [&](const ConfigFault& a, const ConfigFault& b) { return place(a) < place(b); });
    if (!faults_.empty()) throw ConfigError(std::move(faults_));
  }

 private:
  config::Context context(std::string path) {
    config::Context context;
    context.path = std::move(path);
    context.origins = &document_.origins;
    context.warnings = &file_.warnings;
    return context;
  }

  void check_ends(Object& top) {
    if (Value* source = top.if_contains("source")) file_.source = connector(ConnectorKind::source, *source, "source");
    if (Value* transforms = top.if_contains("transform"); transforms && transforms->is_array()) {
      for (std::size_t i = 0; i < transforms->get_array().size(); ++i) {
        file_.transforms.push_back(connector(ConnectorKind::transformer, transforms->get_array()[i],
                                             config::child_path("transform", i), "use"));
      }
    }
    if (Value* sink = top.if_contains("sink")) file_.sink = connector(ConnectorKind::sink, *sink, "sink");
  }

  /// What is missing in a connector's block is said where that block is checked.
  config::Origins origins_beside_connectors() const {
    config::Origins origins = document_.origins;
    for (auto& [path, origin] : origins) {
      bool of_end = config::is_within(path, "source") || config::is_within(path, "sink") ||
                    config::is_within(path, "store");
      if (of_end || path.starts_with("transform[")) origin.missing.clear();
    }
    return origins;
  }

  template <class Work>
  void guarded(Work work) {
    try {
      work();
    } catch (const ConfigError& error) {
      faults_.insert(faults_.end(), error.faults().begin(), error.faults().end());
    }
  }

  /// `reports: [json, md]` is short for `reports: {formats: [json, md]}`.
  void spread_report_list(Object& top) {
    Value* reports = top.if_contains("reports");
    if (!reports || !(reports->is_array() || reports->is_string())) return;
    config::Origins moved;
    for (const auto& [path, origin] : document_.origins) {
      if (path == "reports" || path.starts_with("reports[")) moved["reports.formats" + path.substr(7)] = origin;
    }
    document_.origins.merge(moved);
    Object wrapped;
    wrapped["formats"] = std::move(*reports);
    *reports = std::move(wrapped);
  }

  fs::path working_dir(const FileConfig& config) const {
    fs::path directory = config.working_dir;
    if (directory.empty()) directory = file_.file.parent_path() / (config.migration + ".work");
    return directory.lexically_normal();
  }

  Value store(Object& top) {
    Value block = top.contains("store") ? top["store"] : Value(Object());
    if (!block.is_object()) return block;
    Object& options = block.get_object();
    if (!options.contains("connector") && !top.contains("store")) options["connector"] = "sqlite";
    const Value* name = options.if_contains("connector");
    if (name && *name == "sqlite" && !options.contains("path")) {
      // Without a sound top level there is no working directory; any text keeps this from being a second fault.
      options["path"] = file_.working_dir.empty() ? "migration.db" : (file_.working_dir / "migration.db").string();
    }
    return block;
  }

  ConnectorConfig connector(ConnectorKind kind, const Value& block, const std::string& path,
                            const std::string& key = "connector") {
    config::Context context = this->context(path);
    auto fault = [&](const std::string& at, std::string message) {
      faults_.push_back(config::fault_at(context, at, std::move(message)));
    };
    const Value* name = block.is_object() ? block.get_object().if_contains(key) : nullptr;
    for (const std::string& at : {path, config::child_path(path, key)}) {
      if (auto origin = document_.origins.find(at); origin != document_.origins.end() && !origin->second.missing.empty()) {
        fault(at, origin->second.missing);
        return {};
      }
    }
    if (!block.is_object()) {
      fault(path, fmt::format("expected a map with `{}: NAME` and the options of that {}", key, to_string(kind)));
    } else if (!name) {
      fault(config::child_path(path, key), fmt::format("is missing (the name of the {})", to_string(kind)));
    } else if (!name->is_string()) {
      fault(config::child_path(path, key), "expected a text");
    }
    if (!name || !name->is_string()) return {};

    ConnectorConfig result{std::string(name->get_string()), nullptr};
    context.reserved = {key};
    guarded([&] {
      try {
        Value options = overridden(config::child_path(path, key))
                            ? without_options_of_others(kind, result.name, block, path)
                            : block;
        result.options = registry_.checked(kind, result.name, options, context);
      } catch (const ConfigError&) {
        throw;
      } catch (const Error& error) {
        fault(config::child_path(path, key), error.what());
      }
    });
    return result;
  }

  bool overridden(const std::string& path) const {
    auto found = document_.origins.find(path);
    return found != document_.origins.end() && found->second.overridden;
  }

  /// The file's block speaks of the connector that it names. When the command line names another, what only others of
  /// the kind have (a file's path, say) is not meant for it.
  Value without_options_of_others(ConnectorKind kind, const std::string& name, const Value& block,
                                  const std::string& path) const {
    auto knows = [](const ConnectorInfo& info, std::string_view option) {
      return info.json_schema.at("properties").as_object().contains(option);
    };
    const ConnectorInfo chosen = registry_.info(kind, name);
    const std::vector<ConnectorInfo> all = registry_.list();
    Object kept;
    for (const auto& option : block.get_object()) {
      std::string_view key = option.key();
      bool of_others = !knows(chosen, key) && !overridden(config::child_path(path, key)) &&
                       std::any_of(all.begin(), all.end(), [&](const ConnectorInfo& info) {
                         return info.kind == kind && knows(info, key);
                       });
      if (!of_others) kept[key] = option.value();
    }
    return kept;
  }

  config::Document document_;
  const Registry& registry_;
  MigrationFile& file_;
  std::vector<ConfigFault> faults_;
};

}  // namespace

MigrationFile parse_migration(const fs::path& file, const Registry& registry, const FileOverrides& overrides) {
  std::vector<ConfigFault> faults;
  config::Document document = config::read_document(file, overrides.set, faults);
  if (!document.value.is_object()) {
    faults.push_back({"", "expected a map with migration, source and sink", file.string(), 1, 1});
    throw ConfigError(std::move(faults));
  }
  if (overrides.working_dir) {
    document.value.get_object()["working_dir"] = fs::absolute(*overrides.working_dir).string();
    config::Origin origin;
    origin.overridden = true;
    document.origins.insert_or_assign("working_dir", std::move(origin));
  }
  MigrationFile result;
  result.file = fs::absolute(file);
  FileChecker(std::move(document), std::move(faults), registry, result).run(!overrides.state_only);
  return result;
}

Pipeline make_pipeline(const MigrationFile& file, const Registry& registry, const Services& services) {
  Pipeline pipeline;
  pipeline.name = file.name;
  pipeline.services = services;
  pipeline.source = registry.make_source(file.source.name, file.source.options, services);
  for (const ConnectorConfig& transform : file.transforms) {
    pipeline.transforms.push_back(registry.make_transformer(transform.name, transform.options, services));
  }
  pipeline.sink = registry.make_sink(file.sink.name, file.sink.options, services);
  // Last: an open store is locked, and a file may be there afterwards.
  pipeline.store = registry.make_store(file.store.name, file.store.options, services);
  return pipeline;
}

Value migration_schema(const Registry& registry) {
  Object schema = file_spec().json_schema().as_object();
  std::map<ConnectorKind, Array> choices;
  for (const ConnectorInfo& info : registry.list()) {
    const char* key = info.kind == ConnectorKind::transformer ? "use" : "connector";
    Object block = info.json_schema.as_object();
    block.erase("$schema");
    Object name;
    name["const"] = info.name;
    block["properties"].as_object()[key] = std::move(name);
    if (!block.contains("required")) block["required"] = Array();
    block["required"].as_array().emplace_back(key);
    if (info.kind == ConnectorKind::store && info.name == "sqlite") block["required"] = Array{"connector"};
    choices[info.kind].push_back(std::move(block));
  }
  Object& properties = schema["properties"].as_object();
  auto offer = [&](Value& place, ConnectorKind kind) { place.as_object()["oneOf"] = choices[kind]; };
  offer(properties["source"], ConnectorKind::source);
  offer(properties["sink"], ConnectorKind::sink);
  offer(properties["store"], ConnectorKind::store);
  offer(properties["transform"].as_object()["items"], ConnectorKind::transformer);
  return schema;
}

MIGRATE_END
