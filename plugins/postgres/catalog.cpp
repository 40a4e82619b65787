#include "catalog.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace migrate::postgres {

namespace {

Kind kind_of(std::int64_t oid) {
  switch (oid) {
    case 16:
      return Kind::boolean;
    case 20:
    case 21:
    case 23:
    case 26:
      return Kind::integer;
    case 700:
    case 701:
      return Kind::real;
    case 1700:
      return Kind::numeric;
    case 25:
    case 18:
    case 19:
    case 1042:
    case 1043:
      return Kind::text;
    case 1184:
      return Kind::timestamptz;
    case 1114:
      return Kind::timestamp;
    case 1082:
      return Kind::date;
    case 17:
      return Kind::bytea;
    case 114:
      return Kind::json;
    case 3802:
      return Kind::jsonb;
    default:
      return Kind::other;
  }
}

}  // namespace

int CatalogTable::find(std::string_view column) const {
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].name == column) return static_cast<int>(i);
  }
  return -1;
}

int CatalogTable::at(std::string_view column, std::string_view why) const {
  const int found = find(column);
  if (found >= 0) return found;
  throw Error(ErrorKind::not_found, "missing_column",
              fmt::format("Table {} has no column \"{}\" ({}).{}", qualified, column, why,
                          did_you_mean(column, column_names())))
      .with_advice(fmt::format("Its columns are {}.", fmt::join(column_names(), ", ")));
}

std::vector<std::string> CatalogTable::column_names() const {
  std::vector<std::string> names;
  for (const CatalogColumn& column : columns) names.push_back(column.name);
  return names;
}

std::optional<CatalogTable> load_table(Connection& connection, const std::string& schema, const std::string& table) {
  const Parameters names{schema, table};
  const Result found = connection.run(
      "SELECT c.oid, c.reltuples::bigint FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
      "WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p', 'v', 'm', 'f')",
      names);
  if (found.rows() == 0) return std::nullopt;
  CatalogTable result;
  result.name = table;
  result.qualified = quote_name(schema) + "." + quote_name(table);
  result.estimated_rows = static_cast<double>(found.integer(0, 1));
  const Parameters oid{found.str(0, 0)};
  const Result columns = connection.run(
      "SELECT a.attname, format_type(a.atttypid, a.atttypmod), "
      "CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE a.atttypid END::bigint, a.attnotnull, "
      "a.atthasdef OR a.attidentity <> '', a.attgenerated <> '' "
      "FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid "
      "WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
      oid);
  for (int row = 0; row < columns.rows(); ++row) {
    CatalogColumn column;
    column.name = columns.str(row, 0);
    column.quoted = quote_name(column.name);
    column.type = columns.str(row, 1);
    column.kind = kind_of(columns.integer(row, 2));
    column.not_null = columns.truth(row, 3);
    column.filled = columns.truth(row, 4);
    column.generated = columns.truth(row, 5);
    result.columns.push_back(std::move(column));
  }
  const Result key = connection.run(
      "SELECT a.attname FROM pg_index i CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY k(attnum, place) "
      "JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum "
      "WHERE i.indrelid = $1::oid AND i.indisprimary ORDER BY k.place",
      oid);
  for (int row = 0; row < key.rows(); ++row) result.primary_key.push_back(key.str(row, 0));
  return result;
}

std::vector<std::string> table_names(Connection& connection, const std::string& schema) {
  const Parameters names{schema};
  const Result found = connection.run(
      "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
      "WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1",
      names);
  std::vector<std::string> result;
  for (int row = 0; row < found.rows(); ++row) result.push_back(found.str(row, 0));
  return result;
}

bool schema_exists(Connection& connection, const std::string& schema) {
  const Parameters names{schema};
  return connection.run("SELECT 1 FROM pg_namespace WHERE nspname = $1", names).rows() == 1;
}

std::string sequence_of(Connection& connection, const CatalogTable& table, const std::string& column) {
  const Parameters names{table.qualified, column};
  const Result found = connection.run("SELECT pg_get_serial_sequence($1, $2)", names);
  return found.null(0, 0) ? std::string() : found.str(0, 0);
}

bool is_indexed(Connection& connection, const CatalogTable& table, const std::string& column) {
  const Parameters names{table.qualified, column};
  return connection
             .run(
                 "SELECT 1 FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0] "
                 "WHERE i.indrelid = $1::regclass AND i.indisvalid AND i.indpred IS NULL AND a.attname = $2",
                 names)
             .rows() > 0;
}

Error missing_table(Connection& connection, const std::string& schema, const std::string& table) {
  const std::vector<std::string> known = table_names(connection, schema);
  Error error(ErrorKind::not_found, "missing_table",
              fmt::format("Schema \"{}\" of {} has no table \"{}\".{}", schema, connection.describe(), table,
                          did_you_mean(table, known)));
  error.with_advice(known.empty() ? "The schema has no tables that this user can see: check `schema` and the rights."
                                  : fmt::format("Its tables are {}.", fmt::join(known, ", ")));
  return error;
}

ColumnType column_type(Kind kind) noexcept {
  switch (kind) {
    case Kind::boolean:
      return ColumnType::boolean;
    case Kind::integer:
      return ColumnType::integer;
    case Kind::real:
      return ColumnType::real;
    case Kind::numeric:
      return ColumnType::numeric;
    case Kind::timestamptz:
      return ColumnType::timestamp;
    case Kind::date:
      return ColumnType::date;
    case Kind::bytea:
      return ColumnType::binary;
    case Kind::json:
    case Kind::jsonb:
      return ColumnType::json;
    // A local time has no instant, so it travels as the text that it is.
    case Kind::timestamp:
    case Kind::text:
    case Kind::other:
      return ColumnType::text;
  }
  return ColumnType::text;
}

std::string_view sql_type(ColumnType type) noexcept {
  switch (type) {
    case ColumnType::boolean:
      return "boolean";
    case ColumnType::integer:
      return "bigint";
    case ColumnType::real:
      return "double precision";
    case ColumnType::numeric:
      return "numeric";
    case ColumnType::timestamp:
      return "timestamptz";
    case ColumnType::date:
      return "date";
    case ColumnType::binary:
      return "bytea";
    case ColumnType::json:
      return "jsonb";
    case ColumnType::text:
    case ColumnType::any:
      return "text";
  }
  return "text";
}

std::string sql_type_from(const std::string& word) {
  if (word == "timestamp" || word == "integer" || word == "real" || word == "json") return word;
  return std::string(sql_type(column_type_from(word)));
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& known) {
  const std::string near = config::nearest(word, known);
  return near.empty() ? std::string() : fmt::format(" Did you mean \"{}\"?", near);
}

}  // namespace migrate::postgres
