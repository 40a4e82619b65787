// The file behind the default CheckpointStore: who may open it, whether it is sound, and how SQLite's troubles read.
#pragma once

#include <sqlite3.h>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "migrate/checkpoint_store.hpp"
#include "migrate/error.hpp"
#include "migrate/services.hpp"

namespace migrate::state_file {

struct CloseConnection {
  void operator()(sqlite3* db) const noexcept { sqlite3_close_v2(db); }
};
struct FinalizeStatement {
  void operator()(sqlite3_stmt* statement) const noexcept { sqlite3_finalize(statement); }
};
using Connection = std::unique_ptr<sqlite3, CloseConnection>;
using Statement = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;

/// An advisory lock on "<file>.lock", which holds the owner's process id and is never deleted.
class Lock {
 public:
  /// Throws Error(conflict, "in_use") that names the holder. `read_only`: shared with others who only look, and without
  /// one where there has never been a lock.
  Lock(const std::filesystem::path& file, bool read_only);
  ~Lock();
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

 private:
  int descriptor_ = -1;
};

/// What a result code of SQLite means for the person who runs the migration.
Error describe(sqlite3* db, int code, const std::filesystem::path& file, std::string_view doing);

void execute(sqlite3* db, const char* sql, const std::filesystem::path& file);
Statement prepare(sqlite3* db, std::string_view sql, const std::filesystem::path& file);

enum class Damaged {
  goes_aside,  ///< renamed together with its -wal and -shm: the next opening begins with an empty state
  stays        ///< for whoever only looks: the same look finds the same
};

/// Whether this user may read the file, and not write it or what lies beside it.
bool is_read_only(const std::filesystem::path& file);

/// Sees to it that `file` is a sound state of this version, creating it when absent. Of an unsound one becomes what
/// `damaged` says, and Error(internal, "corrupt_state") is thrown. The lock must be held.
void make_sound(const std::filesystem::path& file, const Services& services, Damaged damaged, bool read_only);

/// A connection to a file that make_sound() has seen. `read_only`: the lock must be held, for nothing but that keeps
/// the file as it is.
Connection connect(const std::filesystem::path& file, bool read_only);

}  // namespace migrate::state_file

MIGRATE_BEGIN

/// open_sqlite_store() that leaves a damaged state where it is, and says so.
std::shared_ptr<CheckpointStore> open_sqlite_store_to_look(const std::filesystem::path& file, const Services& services);

MIGRATE_END
