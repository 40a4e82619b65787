// A folder of staged records: append-only files of lines, and beside them an SQLite index (index.db) that says which
// line is a record's present one, how far each file is committed, and what each chunk did.
//
// A chunk appends its lines, syncs the files, then commits the index; lines behind a file's committed length are what a
// crash left and are cut off at the next opening. A changed record is a new line at the end: the former one stays until
// compact(), which keeps the memory that a re-run needs constant.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "../sqlite/database.hpp"

namespace migrate::jsonl {

struct Position {
  std::int64_t offset = 0, length = 0;
};

class Staging {
 public:
  /// Throws Error. For writing, the folder and index are created and torn lines cut off.
  Staging(const std::filesystem::path& folder, bool write);
  ~Staging();

  static bool is_one(const std::filesystem::path& folder);

  sqlite::Database& db() noexcept { return db_; }
  std::filesystem::path file(const std::string& type) const;
  std::vector<std::string> types();
  std::optional<Position> find(const std::string& type, const std::string& id);
  std::string read(const std::string& type, Position position);

  /// Within a transaction of db(). Lines become durable with commit().
  void begin();
  Position append(const std::string& type, const std::string& line);
  void set(const std::string& type, const std::string& id, Position position);
  void erase(const std::string& type, const std::string& id);
  /// Syncs the files, then commits.
  void commit();
  void roll_back() noexcept;

  /// Rewrites files that hold superseded lines. Survives a crash at any point.
  void compact();

 private:
  struct File {
    int descriptor = -1;
    std::int64_t committed = 0, length = 0;
    std::string buffer;  ///< appended, not yet written
  };
  File& open(const std::string& type);
  void flush(const std::string& type, File& file);
  void close_files() noexcept;
  void finish_swap(const std::string& type);
  void recover();

  std::filesystem::path folder_;
  sqlite::Database db_;
  std::map<std::string, File> files_;
  sqlite::Statement find_, set_, erase_;
};

}  // namespace migrate::jsonl
