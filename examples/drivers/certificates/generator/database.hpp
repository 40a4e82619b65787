// The SQLite file that rows are written to.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "cell.hpp"

namespace certificates {

/// All members throw std::runtime_error with SQLite's message.
class Database {
 public:
  explicit Database(const std::string& path, bool create);

  void execute(const std::string& sql);
  std::int64_t number(const std::string& sql);

  class Statement {
   public:
    Statement(Database& database, const std::string& sql);
    void bind(int place, const Cell& cell);  ///< `cell` must outlive the next step
    bool step();                             ///< true: there is a row; false: done, ready to be bound again
    std::int64_t integer(int column) const { return sqlite3_column_int64(statement_.get(), column); }

   private:
    sqlite3* handle_;
    std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> statement_;
  };

 private:
  std::unique_ptr<sqlite3, int (*)(sqlite3*)> handle_;
};

}  // namespace certificates
