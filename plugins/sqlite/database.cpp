#include "database.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

namespace migrate::sqlite {

namespace fs = std::filesystem;

namespace {

Error not_there(const fs::path& file) {
  const fs::path folder = file.has_parent_path() ? file.parent_path() : fs::path(".");
  std::error_code ignored;
  if (!fs::exists(folder, ignored))
    return Error(ErrorKind::not_found, "missing_file",
                 fmt::format("{}: the folder {} does not exist", file.string(), folder.string()))
        .with_advice("Correct `path`, or create the folder.");
  return Error(ErrorKind::not_found, "missing_file", fmt::format("{}: there is no such file", file.string()))
      .with_advice("Correct `path`: it is taken relative to the migration file.");
}

void check_file(const fs::path& file, Access access) {
  std::error_code ignored;
  const fs::file_status status = fs::status(file, ignored);
  if (fs::is_directory(status))
    throw Error(ErrorKind::invalid, "not_a_database", fmt::format("{} is a folder, not a file", file.string()))
        .with_advice("Name the database file in `path`.");
  if (fs::exists(status)) {
    if (access == Access::read && fs::is_regular_file(status) && fs::file_size(file) == 0)
      throw Error(ErrorKind::invalid, "not_a_database", fmt::format("{} is empty, so no database", file.string()))
          .with_advice("Name the database file in `path`; if it was copied, copy it again.");
    return;
  }
  if (access != Access::create || (file.has_parent_path() && !fs::exists(file.parent_path()))) throw not_there(file);
}

}  // namespace

std::string sql_name(std::string_view name) {
  std::string result = "\"";
  for (char c : name) {
    if (c == '"') result += '"';
    result += c;
  }
  return result += '"';
}

Database::Database(const fs::path& file, Access access, int busy_ms) : file_(file) {
  check_file(file, access);
  const int flags = access == Access::read    ? SQLITE_OPEN_READONLY
                    : access == Access::write ? SQLITE_OPEN_READWRITE
                                              : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  sqlite3* raw = nullptr;
  // One thread at a time has a connection, so SQLite's own locks around every column are left out.
  const int code = sqlite3_open_v2(file.c_str(), &raw, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  db_.reset(raw);
  if (code != SQLITE_OK) throw error(code);
  sqlite3_extended_result_codes(raw, 1);
  sqlite3_busy_timeout(raw, busy_ms);
  if (access != Access::read && sqlite3_db_readonly(raw, "main") == 1) throw error(SQLITE_READONLY);
  number("SELECT count(*) FROM sqlite_schema");
}

void Database::execute(const std::string& sql) {
  const int code = sqlite3_exec(get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) throw error(code);
}

Statement Database::prepare(std::string_view sql) const {
  sqlite3_stmt* raw = nullptr;
  const int code =
      sqlite3_prepare_v3(get(), sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
  if (code != SQLITE_OK) throw error(code);
  return Statement(raw);
}

std::optional<std::int64_t> Database::number(std::string_view sql) const {
  Statement statement = prepare(sql);
  if (!step(statement) || statement.type(0) == SQLITE_NULL) return std::nullopt;
  return statement.integer(0);
}

std::optional<std::string> Database::word(std::string_view sql) const {
  Statement statement = prepare(sql);
  if (!step(statement) || statement.type(0) == SQLITE_NULL) return std::nullopt;
  return std::string(statement.text(0));
}

std::vector<std::string> Database::words(std::string_view sql) const {
  std::vector<std::string> found;
  Statement statement = prepare(sql);
  while (step(statement)) found.emplace_back(statement.text(0));
  return found;
}

Error Database::error(int code) const {
  const std::string name = file_.string();
  const std::string said = get() ? sqlite3_errmsg(get()) : sqlite3_errstr(code);
  const int system = get() ? sqlite3_system_errno(get()) : 0;
  const bool no_space = (code & 0xFF) == SQLITE_IOERR && (system == ENOSPC || system == EDQUOT);
  if ((code & 0xFF) == SQLITE_FULL || no_space)
    return Error(ErrorKind::internal, "disk_full", fmt::format("no space left on the device for {}", name))
        .with_advice("Free some space there, then start the same command again: it goes on where it stopped.");
  switch (code & 0xFF) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Error(ErrorKind::transient, "database_locked", fmt::format("{} is locked by another program", name))
          .with_advice("Close the program that has this file open, or set `busy_ms` higher.");
    case SQLITE_NOTADB:
      return Error(ErrorKind::invalid, "not_a_database",
                   fmt::format("{} is not an SQLite database, or encrypted", name))
          .with_advice("Name the database file in `path`; an encrypted one has to be exported in the clear first.");
    case SQLITE_CORRUPT:
      return Error(ErrorKind::internal, "damaged_database", fmt::format("{} is damaged or was cut off: {}", name, said))
          .with_advice(
              "Copy the file again, with its -wal beside it, or restore it from a backup; "
              "`sqlite3 FILE .recover` saves what can be read.");
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN:
    case SQLITE_AUTH:
      return Error(ErrorKind::unauthorized, "no_access",
                   fmt::format("{} cannot be {}: {}", name, (code & 0xFF) == SQLITE_READONLY ? "written" : "opened",
                               system != 0 ? std::strerror(system) : said.c_str()))
          .with_advice("Give this user the right to read and write the file and its folder.");
    default:
      break;
  }
  return Error(
      ErrorKind::internal, "sqlite_error",
      fmt::format("{}: {}{}{}", name, said, system != 0 ? ": " : "", system != 0 ? std::strerror(system) : ""));
}

}  // namespace migrate::sqlite
