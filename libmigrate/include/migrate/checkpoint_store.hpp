// The only state of a migration: a durable table of keys and values with atomic commit.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "migrate/record.hpp"
#include "migrate/services.hpp"

MIGRATE_BEGIN

enum class Table {
  run,       ///< identity of the state, the runs and their counters
  cursor,    ///< "<run>/<partition>": where it goes on, and whether it is finished
  step,      ///< "<type>/<id>/<step>": intents and receipts of an ItemSink
  outcome,   ///< "<type>/<id>": target id and version; the id map. TableSink: imported and shared records only
  deferred,  ///< "<type>/<id>/<relation>": links that have not resolved yet
  failed,    ///< "<type>/<id>": records that failed or were skipped by a person, and why
  alias,     ///< "<type>.<key>/<value>": alternate keys
  vanished   ///< "<type>/<id>": on the target, no longer in the source; removed at the end of a delta run
};
inline constexpr std::size_t table_count = 8;
MIGRATE_API std::string_view to_string(Table table) noexcept;

/// A null value erases the key.
struct Entry {
  Table table;
  std::string key;
  Value value;
};

/// Called from the run's strand; several commits may be in flight at once and may share one sync.
class MIGRATE_API CheckpointStore {
 public:
  virtual ~CheckpointStore();
  /// All or nothing; durable when it returns. Later commits are never durable before earlier ones.
  virtual awaitable<void> commit(std::vector<Entry> entries) = 0;
  /// Written at once like a commit(), but nobody waits for it: it is durable before any later one is, and read by
  /// get(), get_many() and scan() from now on. Where it fails, every later commit() throws its error. Default:
  /// commit().
  virtual awaitable<void> commit_soon(std::vector<Entry> entries);
  virtual awaitable<std::optional<Value>> get(Table table, std::string key) = 0;
  /// One answer a key, null where absent. Default: one get() each.
  virtual awaitable<std::vector<Value>> get_many(Table table, std::vector<std::string> keys);
  /// In byte order of the keys, those that begin with `prefix` and come after `after`; fewer than `limit`: the end.
  virtual awaitable<std::vector<Entry>> scan(Table table, std::string prefix, std::string after, std::size_t limit) = 0;
};

/// For tests and for programs that need no resume. Shared by copies of the pointer; reaches Services::fault_point
/// before and after each commit.
MIGRATE_API std::shared_ptr<CheckpointStore> make_memory_store(const Services& services = Services());

/// The default: one SQLite file, WAL, synchronous=FULL. Locked for the life of the object: a second opener gets
/// Error(conflict) naming the holder. A file that is not a sound state is renamed aside, never overwritten, and
/// Error(internal) tells both names; the next opening starts empty.
MIGRATE_API std::shared_ptr<CheckpointStore> open_sqlite_store(const std::filesystem::path& file,
                                                               const Services& services = Services());

MIGRATE_END
