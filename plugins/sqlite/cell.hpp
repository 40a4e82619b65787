// A value in the form in which SQLite stores it: after the column's affinity has been applied. Cells are what is bound,
// compared with a present row, and hashed for rollback.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "catalogue.hpp"
#include "database.hpp"
#include "migrate/record.hpp"

namespace migrate::sqlite {

struct Cell {
  enum class Kind : std::uint8_t { null, integer, real, text, blob };
  Kind kind = Kind::null;
  std::int64_t integer = 0;
  double real = 0;
  std::string_view bytes;  ///< of a text or blob; lives in the record or in the column's scratch

  bool is_null() const noexcept { return kind == Kind::null; }
  bool operator==(const Cell& other) const noexcept;
};

struct TargetColumn {
  std::string name;
  ColumnType type = ColumnType::any;
  Affinity affinity = Affinity::blob;
  bool not_null = false;
  std::optional<Value> fallback;  ///< what the column's DEFAULT gives
};

/// Turns values into cells. For one thread; a text that had to be made lives until the same column is encoded again.
class Encoder {
 public:
  explicit Encoder(const Database& db);
  /// Throws Error(invalid, "bad_value") for what the column cannot hold without loss.
  Cell encode(const Value& value, const TargetColumn& column, std::string& scratch);
  /// A part of a natural key.
  Cell encode_key(std::string_view text, const TargetColumn& column, std::string& scratch);

 private:
  Cell encode_object(const Value& value, const TargetColumn& column, std::string& scratch);
  Cell with_affinity(Cell cell, Affinity affinity, std::string& scratch);

  const Database& db_;
  Statement as_number_, as_text_;
};

/// A column of the present row. Valid until the statement is stepped or reset.
Cell cell_of(sqlite3_stmt* row, int column);
/// As a value of a record.
Value value_of(const Cell& cell);
void bind(sqlite3_stmt* statement, int index, const Cell& cell);
/// For messages: short, without line breaks.
std::string shown(const Cell& cell);

/// Of a row's cells in column order. Kept in targets: must never change.
std::uint64_t hash_row(const std::vector<Cell>& cells) noexcept;

}  // namespace migrate::sqlite
