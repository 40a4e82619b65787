// What the server's catalog says about tables.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "connection.hpp"
#include "migrate/relational.hpp"

namespace migrate::postgres {

/// How values of a column are read and written.
enum class Kind { boolean, integer, real, numeric, text, timestamptz, timestamp, date, bytea, json, jsonb, other };

struct CatalogColumn {
  std::string name, quoted;
  std::string type;  ///< as SQL writes it: "numeric(10,2)"
  Kind kind = Kind::text;
  bool not_null = false;
  bool filled = false;     ///< has a default or an identity: may be left out
  bool generated = false;  ///< computed by the server: cannot be written
};

struct CatalogTable {
  std::string name, qualified;  ///< qualified: "schema"."name"
  std::vector<CatalogColumn> columns;
  std::vector<std::string> primary_key;
  double estimated_rows = -1;  ///< negative: unknown

  /// -1 when there is none of this name.
  int find(std::string_view column) const;
  /// Throws Error(not_found) with the nearest name; `why` says what wants the column.
  int at(std::string_view column, std::string_view why) const;
  std::vector<std::string> column_names() const;
};

/// Nothing when the schema has no such table.
std::optional<CatalogTable> load_table(Connection& connection, const std::string& schema, const std::string& table);
/// Ordinary and partitioned tables of a schema, by name.
std::vector<std::string> table_names(Connection& connection, const std::string& schema);
bool schema_exists(Connection& connection, const std::string& schema);
/// The sequence behind an identity or serial column, qualified; empty where there is none.
std::string sequence_of(Connection& connection, const CatalogTable& table, const std::string& column);
/// True when some index begins with the column, so that looking rows up by it does not read the whole table.
bool is_indexed(Connection& connection, const CatalogTable& table, const std::string& column);
/// Error(not_found) that names the table and the nearest one there is.
Error missing_table(Connection& connection, const std::string& schema, const std::string& table);

ColumnType column_type(Kind kind) noexcept;
/// What a table gets when it is created from a description of the source.
std::string_view sql_type(ColumnType type) noexcept;
/// The same from a word of the migration file, where the words are PostgreSQL's own.
std::string sql_type_from(const std::string& word);

/// ` Did you mean "x"?` or nothing.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& known);

}  // namespace migrate::postgres
