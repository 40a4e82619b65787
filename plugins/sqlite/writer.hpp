// The writing connection with the statements of each table, kept from chunk to chunk, and how one row is encoded,
// looked up, inserted, changed and removed. Knows nothing of chunks.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cell.hpp"
#include "migrate/sink.hpp"
#include "target.hpp"

namespace migrate::sqlite {

/// A record's fields in the order of the table's columns.
struct RowCells {
  std::vector<Cell> cells;
  std::vector<char> present;  ///< which columns the record speaks of
};

class TableAccess {
 public:
  TableAccess(Database& db, Encoder& encoder, const TargetTable& table);

  const TargetTable& table() const noexcept { return table_; }
  /// The record's fields; valid until the next call. Throws Error(invalid) with cause unknown_column or bad_value.
  RowCells& encode(const Record& record);
  /// The natural key's cells, from data where the key is a reference, else from the record's id.
  std::vector<Cell> key_cells(const Record& record);
  std::vector<Cell> key_cells(std::string_view key);
  /// The id of the row that has this natural key; null when there is none.
  Value find(const std::vector<Cell>& key);
  bool has_any();
  bool has_any(std::int64_t least, std::int64_t most);
  bool has(const Value& address);
  /// The address of a new row: its key (only for tables without a generated id).
  Value address_of(const Record& record, const std::vector<Cell>& key) const;

  /// Positions on a row, whose cells stay valid until release(). False: it is not there.
  bool seek(const Value& address, std::vector<Cell>& cells);
  void release();

  /// These throw Error for what the database refuses; see refusal().
  void insert(const std::vector<Cell>& cells);
  void update(const Value& address, const std::vector<int>& columns, const std::vector<Cell>& cells);
  void remove(const Value& address);

  /// What a flag is on the target: its own value, or whether a row that counts refers to this one.
  Cell flag(std::size_t index, const Cell& own, const Value& address);
  /// Throws Error(invalid, "missing_value") for a NULL in a column that may not hold it.
  void check_not_null(const std::vector<Cell>& cells) const;

 private:
  void run(Statement& statement, const std::vector<Cell>& cells);
  int bind_address(Statement& statement, int index, const Value& address);
  Error refusal(int code, const std::vector<Cell>& cells) const;
  Statement& prepared(Statement& statement, const std::string& sql);

  Database& db_;
  Encoder& encoder_;
  const TargetTable& table_;
  std::deque<std::string> default_texts_;
  std::vector<Cell> blank_;
  RowCells row_;
  std::vector<std::string> scratch_, key_scratch_, address_scratch_;
  std::vector<std::pair<std::string, int>> layout_;  // of the last record: the next one has the same
  Statement insert_, seek_, find_, any_, any_between_, has_, remove_;
  std::map<std::vector<int>, Statement> updates_;
  std::vector<Statement> flags_;
};

/// Connection, encoder and one TableAccess a type.
class Connection {
 public:
  Connection(const SinkConfig& config, Access access);
  /// Also reads what there is anew.
  void describe(const SinkConfig& config, const std::vector<TableSchema>& schemas);

  Database& db() noexcept { return db_; }
  const Targets& targets() const noexcept { return *targets_; }
  /// Throws Error(not_found) for a type without a table.
  TableAccess& table(std::string_view type);
  /// Null instead.
  TableAccess* find(std::string_view type);

 private:
  Database db_;
  Encoder encoder_;
  std::unique_ptr<Targets> targets_;
  std::map<std::string, std::unique_ptr<TableAccess>, std::less<>> tables_;
};

}  // namespace migrate::sqlite
