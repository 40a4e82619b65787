#include "catalogue.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/algorithm/string/case_conv.hpp>

namespace migrate::sqlite {

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

bool same_names(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), same_name);
}

bool among(const std::string& name, const std::vector<std::string>& names) {
  return std::any_of(names.begin(), names.end(), [&](const std::string& other) { return same_name(name, other); });
}

void read_columns(const Database& db, TableInfo& table) {
  Statement statement = db.prepare(
      "SELECT name, type, \"notnull\", dflt_value, pk, hidden FROM pragma_table_xinfo(?) WHERE hidden<>1 ORDER BY cid");
  statement.bind(1, std::string_view(table.name));
  std::vector<std::pair<std::int64_t, std::string>> key;
  while (db.step(statement)) {
    ColumnInfo column;
    column.name = statement.text(0);
    column.declared = statement.text(1);
    column.affinity = affinity_of(column.declared);
    column.not_null = statement.integer(2) != 0;
    if (statement.type(3) != SQLITE_NULL) column.fallback = std::string(statement.text(3));
    column.generated = statement.integer(5) != 0;
    if (statement.integer(4) > 0) key.emplace_back(statement.integer(4), column.name);
    table.columns.push_back(std::move(column));
  }
  std::sort(key.begin(), key.end());
  for (auto& [position, name] : key) table.primary_key.push_back(std::move(name));
}

/// Returns whether the primary key has an index of its own, so that it is not the rowid.
bool read_indexes(const Database& db, TableInfo& table) {
  bool key_index = false;
  Statement list = db.prepare("SELECT name, \"unique\", origin FROM pragma_index_list(?) WHERE partial=0");
  list.bind(1, std::string_view(table.name));
  while (db.step(list)) {
    const std::string index(list.text(0));
    const bool unique = list.integer(1) != 0;
    key_index = key_index || list.text(2) == "pk";
    std::vector<std::string> columns;
    Statement info = db.prepare("SELECT coalesce(name, '') FROM pragma_index_info(?) ORDER BY seqno");
    info.bind(1, std::string_view(index));
    while (db.step(info)) columns.emplace_back(info.text(0));
    if (unique) table.unique.push_back(columns);
    table.indexes.push_back(std::move(columns));
  }
  return key_index;
}

}  // namespace

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

Affinity affinity_of(std::string_view declared) {
  const std::string type = boost::algorithm::to_upper_copy(std::string(declared));
  const auto has = [&](const char* part) { return type.find(part) != std::string::npos; };
  if (has("INT")) return Affinity::integer;
  if (has("CHAR") || has("CLOB") || has("TEXT")) return Affinity::text;
  if (type.empty() || has("BLOB")) return Affinity::blob;
  if (has("REAL") || has("FLOA") || has("DOUB")) return Affinity::real;
  return Affinity::numeric;
}

ColumnType column_type(const ColumnInfo& column) {
  const std::string type = boost::algorithm::to_upper_copy(column.declared);
  const auto has = [&](const char* part) { return type.find(part) != std::string::npos; };
  if (has("BOOL")) return ColumnType::boolean;
  if (has("TIMESTAMP") || has("DATETIME")) return ColumnType::timestamp;
  if (type == "DATE") return ColumnType::date;
  if (has("JSON")) return ColumnType::json;
  if (has("NUMERIC") || has("DECIMAL")) return ColumnType::numeric;
  switch (column.affinity) {
    case Affinity::integer:
      return ColumnType::integer;
    case Affinity::text:
      return ColumnType::text;
    case Affinity::real:
      return ColumnType::real;
    case Affinity::blob:
      return type.empty() ? ColumnType::any : ColumnType::binary;
    case Affinity::numeric:
      return ColumnType::any;  // a word that SQLite does not know
  }
  return ColumnType::any;
}

const ColumnInfo* TableInfo::column(std::string_view column_name) const {
  for (const ColumnInfo& each : columns)
    if (same_name(each.name, column_name)) return &each;
  return nullptr;
}

std::vector<std::string> TableInfo::column_names() const {
  std::vector<std::string> names;
  for (const ColumnInfo& each : columns) names.push_back(each.name);
  return names;
}

bool TableInfo::is_unique(const std::vector<std::string>& key) const {
  if (key.size() == 1 && !rowid.empty() && same_name(key[0], rowid)) return true;
  const auto covers = [&](const std::vector<std::string>& columns_of_index) {
    return !columns_of_index.empty() && std::all_of(columns_of_index.begin(), columns_of_index.end(),
                                                    [&](const std::string& each) { return among(each, key); });
  };
  return covers(primary_key) || std::any_of(unique.begin(), unique.end(), covers);
}

bool TableInfo::is_indexed(const std::vector<std::string>& key) const {
  if (key.size() == 1 && !rowid.empty() && same_name(key[0], rowid)) return true;
  if (same_names(primary_key, key)) return true;
  return std::any_of(indexes.begin(), indexes.end(), [&](const std::vector<std::string>& each) {
    return each.size() >= key.size() && std::equal(key.begin(), key.end(), each.begin(), same_name);
  });
}

std::vector<std::string> table_names(const Database& db) {
  return db.words(
      "SELECT name FROM sqlite_schema WHERE type='table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' "
      "AND name NOT LIKE '\\_migrate\\_%' ESCAPE '\\' "
      "AND name IN (SELECT name FROM pragma_table_list WHERE schema='main' AND type='table') ORDER BY rowid");
}

std::optional<TableInfo> table_info(const Database& db, const std::string& name) {
  Statement list =
      db.prepare("SELECT name, type, wr FROM pragma_table_list WHERE schema='main' AND name=? COLLATE NOCASE");
  list.bind(1, std::string_view(name));
  if (!db.step(list)) return std::nullopt;
  TableInfo table;
  table.name = list.text(0);
  table.kind = list.text(1);
  const bool without_rowid = list.integer(2) != 0;
  read_columns(db, table);
  const bool key_index = read_indexes(db, table);
  if (table.kind != "table" || without_rowid) return table;
  for (const char* candidate : {"rowid", "_rowid_", "oid"})
    if (table.rowid.empty() && !table.column(candidate)) table.rowid = candidate;
  table.key_is_rowid = table.primary_key.size() == 1 && !key_index;
  return table;
}

}  // namespace migrate::sqlite
