// SQLite's C interface with owners, and its troubles as migrate::Error.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "migrate/error.hpp"

namespace migrate::sqlite {

/// `"name"`, with quotes inside doubled.
std::string sql_name(std::string_view name);

class Statement {
 public:
  Statement() = default;
  explicit Statement(sqlite3_stmt* raw) : raw_(raw) {}

  explicit operator bool() const noexcept { return raw_ != nullptr; }
  sqlite3_stmt* get() const noexcept { return raw_.get(); }

  void bind(int index, std::int64_t value) { sqlite3_bind_int64(get(), index, value); }
  /// The text must live until the statement is reset.
  void bind(int index, std::string_view text) {
    sqlite3_bind_text64(get(), index, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
  }
  std::int64_t integer(int column) const noexcept { return sqlite3_column_int64(get(), column); }
  std::string_view text(int column) const noexcept {
    const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(get(), column));
    return std::string_view(bytes, static_cast<std::size_t>(sqlite3_column_bytes(get(), column)));
  }
  int type(int column) const noexcept { return sqlite3_column_type(get(), column); }

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const noexcept { sqlite3_finalize(statement); }
  };
  std::unique_ptr<sqlite3_stmt, Finalize> raw_;
};

/// Ends a use of a statement: no read transaction stays open, no binding points into what is gone. One that was never
/// prepared has nothing to end.
class Use {
 public:
  explicit Use(Statement& statement) : raw_(statement.get()) {}
  ~Use() {
    // Other than sqlite3_reset(), sqlite3_clear_bindings() does not bear NULL.
    if (!raw_) return;
    sqlite3_reset(raw_);
    sqlite3_clear_bindings(raw_);
  }
  Use(const Use&) = delete;
  Use& operator=(const Use&) = delete;

 private:
  sqlite3_stmt* raw_;
};

enum class Access { read, write, create };

/// One connection. For one thread at a time.
class Database {
 public:
  /// Reads the header and the schema, so that what is no database is found out here.
  Database(const std::filesystem::path& file, Access access, int busy_ms);

  sqlite3* get() const noexcept { return db_.get(); }
  const std::filesystem::path& file() const noexcept { return file_; }

  void execute(const std::string& sql);
  Statement prepare(std::string_view sql) const;
  /// False: no more rows.
  bool step(Statement& statement) const {
    const int code = sqlite3_step(statement.get());
    if (code == SQLITE_ROW) return true;
    if (code == SQLITE_DONE) return false;
    throw error(code);
  }
  /// The first column of the first row; nothing when there is none or it is NULL.
  std::optional<std::int64_t> number(std::string_view sql) const;
  std::optional<std::string> word(std::string_view sql) const;
  std::vector<std::string> words(std::string_view sql) const;

  /// The Error that a result code stands for, with the file's name and what to do.
  Error error(int code) const;

 private:
  struct Close {
    void operator()(sqlite3* db) const noexcept { sqlite3_close_v2(db); }
  };
  std::filesystem::path file_;
  std::unique_ptr<sqlite3, Close> db_;
};

}  // namespace migrate::sqlite
