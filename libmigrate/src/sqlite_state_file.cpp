#include "sqlite_state_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "migrate/checkpoint_store.hpp"

namespace migrate::state_file {

namespace fs = std::filesystem;

namespace {

// "MIGR": tells our states from other programs' databases.
constexpr std::int64_t application_id = 0x4D494752;
constexpr std::int64_t layout_version = 1;
// A full check reads every page: about 20 ms for this much, so opening stays quick whatever the state's size.
constexpr std::uintmax_t checked_bytes = 16U << 20;

constexpr const char* what_next =
    "That is safe where the target is written by natural key, for its own journal and keys show what has arrived "
    "already. Where it is a service, first name the mapping files of the last run (mappings/<type>.json) under "
    "mappings: in the migration file, or everything is made a second time. To go on from a backup of the state "
    "instead, put it back under this name first; into a service, name those mapping files all the same: the backup does "
    "not know what was made after it.";

fs::path with_suffix(const fs::path& file, std::string_view suffix) {
  fs::path result = file;
  result += suffix;
  return result;
}

Error no_access(const fs::path& file, int code) {
  const fs::path folder = file.has_parent_path() ? file.parent_path() : fs::path(".");
  std::error_code ignored;
  if (code == ENOENT && !fs::exists(folder, ignored))
    return Error(ErrorKind::internal, "state_unusable",
                 fmt::format("the state {} cannot be opened: the folder {} does not exist", file.string(),
                             folder.string()))
        .with_advice("Create the folder, or name another working directory.");
  if (code == ENOSPC)
    return Error(ErrorKind::internal, "disk_full",
                 fmt::format("no space left on the device for the state {}", file.string()))
        .with_advice("Free some space there, then start the same command again: it goes on where it stopped.");
  return Error(ErrorKind::internal, "state_unusable",
               fmt::format("the state {} cannot be opened for writing: {}", file.string(), std::strerror(code)))
      .with_advice(
          fmt::format("Give this user the right to write in {}, or name another working directory.", folder.string()));
}

std::optional<std::int64_t> number(sqlite3* db, const char* sql) {
  sqlite3_stmt* raw = nullptr;
  if (sqlite3_prepare_v2(db, sql, -1, &raw, nullptr) != SQLITE_OK) return std::nullopt;
  Statement statement(raw);
  if (sqlite3_step(raw) != SQLITE_ROW) return std::nullopt;
  return sqlite3_column_int64(raw, 0);
}

std::string text(sqlite3* db, const char* sql) {
  sqlite3_stmt* raw = nullptr;
  if (sqlite3_prepare_v2(db, sql, -1, &raw, nullptr) != SQLITE_OK) return sqlite3_errmsg(db);
  Statement statement(raw);
  if (sqlite3_step(raw) != SQLITE_ROW) return sqlite3_errmsg(db);
  const unsigned char* found = sqlite3_column_text(raw, 0);
  return found ? reinterpret_cast<const char*>(found) : "";
}

bool damage(int code) { return (code & 0xFF) == SQLITE_CORRUPT || (code & 0xFF) == SQLITE_NOTADB; }

/// What is wrong with the file, or nothing. Throws when it cannot be looked at.
std::optional<std::string> unsound(const fs::path& file, bool read_only) {
  if (fs::file_size(file) == 0) return "it is empty";
  Connection db = connect(file, read_only);
  // The evidence stays as it is, whatever is found.
  sqlite3_db_config(db.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  std::optional<std::int64_t> application = number(db.get(), "PRAGMA application_id");
  std::optional<std::int64_t> objects = number(db.get(), "SELECT count(*) FROM sqlite_schema");
  if (!application || !objects) {
    const int code = sqlite3_errcode(db.get());
    if (!damage(code)) throw describe(db.get(), code, file, "opened");
    return std::string(sqlite3_errmsg(db.get()));
  }
  if (*application != application_id) return "it is an SQLite database of another program";
  const std::int64_t layout = number(db.get(), "PRAGMA user_version").value_or(0);
  if (layout > layout_version)
    throw Error(ErrorKind::unsupported, "newer_state",
                fmt::format("the state {} was written by a newer version (layout {}, this one knows {})", file.string(),
                            layout, layout_version))
        .with_advice("Go on with the version that wrote it, or use another working directory.");
  for (std::size_t table = 0; table < table_count; ++table) {
    const std::string probe =
        fmt::format("SELECT key, value FROM \"{}\" LIMIT 1", to_string(static_cast<Table>(table)));
    sqlite3_stmt* raw = nullptr;
    const int code = sqlite3_prepare_v2(db.get(), probe.c_str(), -1, &raw, nullptr);
    Statement statement(raw);
    if (code != SQLITE_OK) return std::string(sqlite3_errmsg(db.get()));
  }
  if (fs::file_size(file) <= checked_bytes) {
    std::string verdict = text(db.get(), "PRAGMA quick_check(1)");
    if (verdict != "ok") return verdict;
  }
  sqlite3_db_config(db.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, nullptr);
  return std::nullopt;
}

/// Renames the file and what belongs to it to the first free "<name>.corrupt-<n>".
fs::path put_aside(const fs::path& file) {
  fs::path aside;
  for (int n = 1;; ++n) {
    aside = with_suffix(file, fmt::format(".corrupt-{}", n));
    if (!fs::exists(fs::symlink_status(aside)) && !fs::exists(fs::symlink_status(with_suffix(aside, "-wal")))) break;
  }
  for (std::string_view part : {"-wal", "-shm", ""}) {
    if (!fs::exists(fs::symlink_status(with_suffix(file, part)))) continue;
    std::error_code failure;
    fs::rename(with_suffix(file, part), with_suffix(aside, part), failure);
    if (failure)
      throw Error(ErrorKind::internal, "corrupt_state",
                  fmt::format("the state {} is damaged and could not be renamed to {}: {}",
                              with_suffix(file, part).string(), with_suffix(aside, part).string(), failure.message()))
          .with_advice("Move it away by hand before you start again.");
  }
  return aside;
}

void sync_folder(const fs::path& file) {
  const fs::path folder = file.has_parent_path() ? file.parent_path() : fs::path(".");
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::close(descriptor);
}

// Made under another name and renamed when complete, so that a file of the right name is never half a state.
void create(const fs::path& file) {
  const fs::path fresh = with_suffix(file, ".new");
  for (std::string_view part : {"", "-wal", "-shm", "-journal"}) fs::remove(with_suffix(fresh, part));
  {
    sqlite3* raw = nullptr;
    const int code = sqlite3_open_v2(fresh.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
    Connection db(raw);
    if (code != SQLITE_OK) throw describe(raw, code, file, "created");
    std::string sql =
        fmt::format("BEGIN;PRAGMA application_id={};PRAGMA user_version={};", application_id, layout_version);
    for (std::size_t table = 0; table < table_count; ++table)
      sql += fmt::format("CREATE TABLE \"{}\"(key TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL) WITHOUT ROWID;",
                         to_string(static_cast<Table>(table)));
    sql += "COMMIT;PRAGMA journal_mode=WAL;";
    execute(raw, sql.c_str(), file);
  }
  fs::rename(fresh, file);
  sync_folder(file);
}

}  // namespace

bool is_read_only(const fs::path& file) {
  const fs::path folder = file.has_parent_path() ? file.parent_path() : fs::path(".");
  return ::access(file.c_str(), R_OK) == 0 &&
         (::access(file.c_str(), W_OK) != 0 || ::access(folder.c_str(), W_OK | X_OK) != 0);
}

Lock::Lock(const fs::path& file, bool read_only) {
  const fs::path path = with_suffix(file, ".lock");
  descriptor_ =
      read_only ? ::open(path.c_str(), O_RDONLY | O_CLOEXEC) : ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor_ < 0 && read_only && errno == ENOENT) return;
  if (descriptor_ < 0) throw no_access(file, errno);
  if (::flock(descriptor_, (read_only ? LOCK_SH : LOCK_EX) | LOCK_NB) != 0) {
    char holder[32] = {};
    const ssize_t length = ::pread(descriptor_, holder, sizeof holder - 1, 0);
    const long pid = length > 0 ? std::strtol(holder, nullptr, 10) : 0;
    ::close(descriptor_);
    throw Error(ErrorKind::conflict, "in_use",
                pid > 0 ? fmt::format("the state {} is in use by process {}", file.string(), pid)
                        : fmt::format("the state {} is in use by another process", file.string()))
        .with_advice("Wait until that run has ended, stop it, or use another working directory for this one.");
  }
  if (read_only) return;
  const std::string owner = fmt::format("{}\n", ::getpid());
  if (::ftruncate(descriptor_, 0) != 0 || ::pwrite(descriptor_, owner.data(), owner.size(), 0) < 0) {
    const int code = errno;
    ::close(descriptor_);
    throw no_access(file, code);
  }
}

Lock::~Lock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Error describe(sqlite3* db, int code, const fs::path& file, std::string_view doing) {
  const int system = db ? sqlite3_system_errno(db) : 0;
  const std::string message = db ? sqlite3_errmsg(db) : sqlite3_errstr(code);
  switch (code & 0xFF) {
    case SQLITE_FULL:
      return no_access(file, ENOSPC);
    case SQLITE_IOERR:
      if (system == ENOSPC || system == EDQUOT) return no_access(file, ENOSPC);
      break;
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY:
      if (fs::is_directory(file)) return no_access(file, EISDIR);
      return no_access(file, system != 0 ? system : EACCES);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Error(ErrorKind::internal, "corrupt_state",
                   fmt::format("the state {} is damaged: {}", file.string(), message))
          .with_advice("Start the same command again: the file is checked, put aside and named.");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Error(ErrorKind::transient, "state_locked",
                   fmt::format("the state {} is locked by another program", file.string()))
          .with_advice("Close the program that has this file open.");
    default:
      break;
  }
  return Error(ErrorKind::internal, "state_failed",
               fmt::format("the state {} could not be {}: {}{}{}", file.string(), doing, message,
                           system != 0 ? ": " : "", system != 0 ? std::strerror(system) : ""));
}

void execute(sqlite3* db, const char* sql, const fs::path& file) {
  const int code = sqlite3_exec(db, sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) throw describe(db, code, file, "written");
}

Statement prepare(sqlite3* db, std::string_view sql, const fs::path& file) {
  sqlite3_stmt* raw = nullptr;
  const int code =
      sqlite3_prepare_v3(db, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
  if (code != SQLITE_OK) throw describe(db, code, file, "read");
  return Statement(raw);
}

Connection connect(const fs::path& file, bool read_only) {
  sqlite3* raw = nullptr;
  if (read_only) {
    // Whoever may not write there cannot make the -shm of a file in WAL mode; one without a log needs none when it is
    // said that it stays as it is.
    std::error_code none;
    const fs::path wal = with_suffix(file, "-wal");
    const bool logged = fs::exists(wal, none) && fs::file_size(wal, none) > 0;
    std::string name = "file:";
    for (const char c : fs::absolute(file).string())
      name += std::string_view("?#%").find(c) == std::string_view::npos
                  ? std::string(1, c)
                  : fmt::format("%{:02X}", static_cast<unsigned char>(c));
    name += logged ? "?mode=ro" : "?mode=ro&immutable=1";
    const int code = sqlite3_open_v2(name.c_str(), &raw, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, nullptr);
    Connection db(raw);
    if (code != SQLITE_OK) throw describe(raw, code, file, "opened");
    sqlite3_busy_timeout(raw, 5000);
    return db;
  }
  const int code = sqlite3_open_v2(file.c_str(), &raw, SQLITE_OPEN_READWRITE, nullptr);
  Connection db(raw);
  if (code != SQLITE_OK) throw describe(raw, code, file, "opened");
  if (sqlite3_db_readonly(raw, "main") == 1) throw no_access(file, EACCES);
  sqlite3_busy_timeout(raw, 5000);
  return db;
}

void make_sound(const fs::path& file, const Services& services, Damaged damaged, bool read_only) {
  const fs::path wal = with_suffix(file, "-wal");
  if (!fs::exists(fs::symlink_status(file))) {
    if (fs::exists(wal)) {
      // A log without its database would be replayed into the new one.
      const fs::path aside = put_aside(file);
      services.write_log(
          LogLevel::warning, "store",
          fmt::format("{} was left behind by a state that is gone; renamed to {}-wal", wal.string(), aside.string()));
    }
    create(file);
    return;
  }
  if (fs::is_directory(file)) throw no_access(file, EISDIR);
  std::optional<std::string> fault = unsound(file, read_only);
  if (!fault) return;
  if (damaged == Damaged::stays)
    throw Error(ErrorKind::internal, "corrupt_state",
                fmt::format("{} is not a sound state: {}. It was left as it is", file.string(), *fault))
        .with_advice(fmt::format(
            "The next migrate run puts it aside, and the one after that begins with an empty state. {}", what_next));
  const fs::path aside = put_aside(file);
  throw Error(ErrorKind::internal, "corrupt_state",
              fmt::format("{} is not a sound state: {}. It was renamed to {}; nothing of it was changed", file.string(),
                          *fault, aside.string()))
      .with_advice(fmt::format(
          "Start the same command again: it begins with an empty state in {}. {}", file.string(), what_next));
}

}  // namespace migrate::state_file
