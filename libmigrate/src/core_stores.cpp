#include "registry_state.hpp"
#include "sqlite_state_file.hpp"

MIGRATE_BEGIN
namespace {

struct SqliteStoreConfig {
  std::filesystem::path path;
  bool put_aside = true;
};
Spec<SqliteStoreConfig> sqlite_store_spec() {
  return Spec<SqliteStoreConfig>("Keeps the state of the migration in one SQLite file.")
      .field("path", &SqliteStoreConfig::path,
             "The file; in a migration file it may be left out and is migration.db in the working directory")
      .not_empty()
      .field("put_aside", &SqliteStoreConfig::put_aside,
             "Whether a damaged file is renamed, so that the next run can begin anew; commands that only look leave it")
      .optional();
}
std::shared_ptr<CheckpointStore> make_sqlite_store(SqliteStoreConfig config, const Services& services) {
  if (config.path.has_parent_path()) std::filesystem::create_directories(config.path.parent_path());
  return config.put_aside ? open_sqlite_store(config.path, services)
                          : open_sqlite_store_to_look(config.path, services);
}

struct NoOptions {};
std::shared_ptr<CheckpointStore> make_store_in_memory(NoOptions, const Services& services) {
  return make_memory_store(services);
}

}  // namespace

void add_core_stores(Registry& registry) {
  registry.add_store("sqlite", sqlite_store_spec(), make_sqlite_store);
  registry.add_store("memory", Spec<NoOptions>("Keeps the state in memory: nothing can be resumed."),
                     make_store_in_memory);
}

MIGRATE_END
