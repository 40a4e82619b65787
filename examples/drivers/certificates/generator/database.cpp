#include "database.hpp"

#include <stdexcept>

namespace certificates {
namespace {

sqlite3* open(const std::string& path, bool create) {
  sqlite3* handle = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | (create ? SQLITE_OPEN_CREATE : 0);
  if (sqlite3_open_v2(path.c_str(), &handle, flags, nullptr) != SQLITE_OK) {
    const std::string why = sqlite3_errmsg(handle);
    sqlite3_close(handle);
    throw std::runtime_error(path + ": " + why);
  }
  return handle;
}

sqlite3_stmt* prepare(sqlite3* handle, const std::string& sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(handle, sql.c_str(), -1, &statement, nullptr) != SQLITE_OK) {
    throw std::runtime_error(sqlite3_errmsg(handle));
  }
  return statement;
}

}  // namespace

Database::Database(const std::string& path, bool create) : handle_(open(path, create), sqlite3_close) {}

void Database::execute(const std::string& sql) {
  if (sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    throw std::runtime_error(sqlite3_errmsg(handle_.get()));
  }
}

std::int64_t Database::number(const std::string& sql) {
  Statement statement(*this, sql);
  return statement.step() ? statement.integer(0) : 0;
}

Database::Statement::Statement(Database& database, const std::string& sql)
    : handle_(database.handle_.get()), statement_(prepare(handle_, sql), sqlite3_finalize) {}

void Database::Statement::bind(int place, const Cell& cell) {
  const int size = static_cast<int>(cell.bytes.size());
  switch (cell.kind) {
    case Cell::Kind::null:
      sqlite3_bind_null(statement_.get(), place);
      break;
    case Cell::Kind::integer:
      sqlite3_bind_int64(statement_.get(), place, cell.number);
      break;
    case Cell::Kind::text:
      sqlite3_bind_text(statement_.get(), place, cell.bytes.data(), size, SQLITE_STATIC);
      break;
    case Cell::Kind::blob:
      sqlite3_bind_blob(statement_.get(), place, cell.bytes.data(), size, SQLITE_STATIC);
      break;
  }
}

bool Database::Statement::step() {
  const int result = sqlite3_step(statement_.get());
  if (result == SQLITE_ROW) return true;
  if (sqlite3_reset(statement_.get()) != SQLITE_OK || result != SQLITE_DONE) {
    throw std::runtime_error(sqlite3_errmsg(handle_));
  }
  return false;
}

}  // namespace certificates
