// A migration file (YAML or JSON) and the pipeline that it describes.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "migrate/config_shape.hpp"
#include "migrate/pipeline.hpp"
#include "migrate/registry.hpp"

MIGRATE_BEGIN

/// A connector and its options, checked, with paths made absolute. The options hold secrets as they are: show them
/// through Registry::redacted() only.
struct ConnectorConfig {
  std::string name;
  Value options;
};

struct ReportOptions {
  std::vector<std::string> formats{"json", "md", "html", "xlsx"};
  std::size_t max_rows = 100'000;  ///< of lists in reports; what is left out is counted
};

/// A migration file that has no fault. See docs/configuration.md.
struct MigrationFile {
  std::filesystem::path file;
  std::string name;
  std::filesystem::path working_dir;  ///< absolute; not created yet
  ConnectorConfig source, sink, store;
  std::vector<ConnectorConfig> transforms;
  RunOptions run;
  ReportOptions reports;
  std::map<std::string, std::filesystem::path> mappings;  ///< type to file, to be imported before the run
  std::vector<ConfigFault> warnings;                      ///< accepted but unwise, for example a secret in the file
};

/// What the command line adds to a file.
struct FileOverrides {
  FileOverrides() {}
  std::vector<std::string> set;  ///< "source.tables[0].rank=2"; relative paths in it start at the current directory
  std::optional<std::filesystem::path> working_dir;
  /// For who only wants to know where the state is: source, transformers and sink are not looked at and stay empty, so
  /// that none of their secrets is needed.
  bool state_only = false;
};

/// Reads and checks; nothing else is touched. Throws ConfigError with every fault at once, each with its position.
MIGRATE_API MigrationFile parse_migration(const std::filesystem::path& file, const Registry& registry,
                                          const FileOverrides& overrides = FileOverrides());

/// Makes source, transformers, sink and store; opens the store. Throws what the connectors' factories throw.
MIGRATE_API Pipeline make_pipeline(const MigrationFile& file, const Registry& registry, const Services& services);

/// JSON Schema of a whole migration file, with the options of every connector that the registry knows.
MIGRATE_API Value migration_schema(const Registry& registry);
/// The options outside the connectors, as Markdown.
MIGRATE_API std::string migration_markdown();

namespace config {

/// A parsed file: its value, and where each part of it was written.
struct Document {
  Value value;
  Origins origins;
};

/// YAML, and so JSON; plain scalars are null, true, false, integers and numbers where they look like it, quoted ones
/// are texts. `${env:NAME}` and `${file:PATH}` are replaced inside texts, `$${` stands for `${`. Then `set` in order.
MIGRATE_API Document load_document(const std::filesystem::path& file, const std::vector<std::string>& set = {});
/// The same from a text; `name` stands in faults, `directory` is where relative paths start.
MIGRATE_API Document parse_document(const std::string& text, const std::string& name,
                                    const std::filesystem::path& directory, const std::vector<std::string>& set = {});

}  // namespace config

MIGRATE_END
