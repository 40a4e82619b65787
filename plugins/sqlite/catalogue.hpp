// What a database says about its tables.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "database.hpp"
#include "migrate/relational.hpp"

namespace migrate::sqlite {

/// SQLite's rule for what a column does to values that are put into it.
enum class Affinity { integer, text, blob, real, numeric };
Affinity affinity_of(std::string_view declared);

struct ColumnInfo {
  std::string name, declared;
  Affinity affinity = Affinity::blob;
  bool not_null = false, generated = false;
  std::optional<std::string> fallback;  ///< the DEFAULT expression
};

struct TableInfo {
  std::string name, kind;  ///< kind: table, view, virtual, shadow
  std::vector<ColumnInfo> columns;
  std::vector<std::string> primary_key;
  std::vector<std::vector<std::string>> unique;   ///< column lists of unique indexes that have no condition
  std::vector<std::vector<std::string>> indexes;  ///< column lists of all indexes without condition
  std::string rowid;                              ///< a name by which the rowid can be had; empty where there is none
  bool key_is_rowid = false;                      ///< the primary key is another name for the rowid

  const ColumnInfo* column(std::string_view column_name) const;
  std::vector<std::string> column_names() const;
  bool is_unique(const std::vector<std::string>& key) const;
  bool is_indexed(const std::vector<std::string>& key) const;
};

/// In the order in which they were created; without SQLite's own and the migration's.
std::vector<std::string> table_names(const Database& db);
std::optional<TableInfo> table_info(const Database& db, const std::string& name);

ColumnType column_type(const ColumnInfo& column);

/// Of another row's values, as SQLite compares names.
bool same_name(std::string_view a, std::string_view b);

}  // namespace migrate::sqlite
