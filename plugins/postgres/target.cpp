#include "target.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>

namespace migrate::postgres {

std::string Target::column_sql(std::string_view alias, int index) const {
  return fmt::format("{}.{}", alias, column(index).quoted);
}

std::string Target::key_list(std::string_view alias) const {
  std::vector<std::string> names;
  for (const int index : key) names.push_back(column_sql(alias, index));
  return fmt::format("{}", fmt::join(names, ", "));
}

std::string Target::key_sql(std::string_view alias) const {
  if (key.size() == 1) return column_sql(alias, key[0]) + "::text";
  std::vector<std::string> parts;
  for (const int index : key) {
    parts.push_back(fmt::format("regexp_replace({}::text, '([|\\\\])', '\\\\\\1', 'g')", column_sql(alias, index)));
  }
  return fmt::format("{}", fmt::join(parts, " || '|' || "));
}

Value Target::id_value(std::string_view text) const {
  if (integer_id()) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc() && end == text.data() + text.size()) return Value(number);
  }
  return Value(boost::json::string(text));
}

Journal::Journal(const std::string& schema)
    : chunks(quote_name(schema) + "._migrate_journal"),
      undo(quote_name(schema) + "._migrate_undo"),
      objects(quote_name(schema) + "._migrate_objects") {}

std::string Journal::own_transactions(const std::string& chunk) const {
  return fmt::format("(SELECT xid FROM {} WHERE {})", chunks, starts_with_sql("chunk", state_of(chunk)));
}

bool Journal::exists(Connection& connection) const {
  const Parameters name{chunks};
  return !connection.run("SELECT to_regclass($1)", name).null(0, 0);
}

void Journal::create(Connection& connection) const {
  if (exists(connection)) return;
  // Receipts are read back rarely and written with every chunk: compressing them would cost more than it saves.
  // xid is what xmin shows: the low half of the transaction's number.
  connection.change(
      "create journal",
      fmt::format("CREATE TABLE IF NOT EXISTS {0} (chunk text COLLATE \"C\" PRIMARY KEY, "
                  "seq bigint GENERATED ALWAYS AS IDENTITY, receipt text, rows jsonb, xid bigint NOT NULL, "
                  "undoing boolean NOT NULL DEFAULT false, committed_at timestamptz NOT NULL DEFAULT now());"
                  "CREATE INDEX IF NOT EXISTS _migrate_journal_xid ON {0} (xid);"
                  "CREATE TABLE IF NOT EXISTS {1} (seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "
                  "chunk text COLLATE \"C\" NOT NULL, tbl text NOT NULL, type text NOT NULL, row_id text NOT NULL, "
                  "removed boolean NOT NULL, mine boolean NOT NULL, previous jsonb NOT NULL);"
                  "CREATE INDEX IF NOT EXISTS _migrate_undo_chunk ON {1} (chunk);"
                  "CREATE TABLE IF NOT EXISTS {2} (kind text, name text COLLATE \"C\", PRIMARY KEY (kind, name));"
                  "ALTER TABLE {0} ALTER COLUMN receipt SET STORAGE EXTERNAL",
                  chunks, undo, objects));
}

std::string state_of(const std::string& chunk) { return chunk.substr(0, chunk.find('/') + 1); }

std::string partition_of(const std::string& chunk) {
  const std::size_t slash = chunk.rfind('/');
  return slash == std::string::npos ? chunk : chunk.substr(0, slash + 1);
}

std::string starts_with_sql(std::string_view column, const std::string& prefix) {
  if (prefix.empty()) return "true";
  // A range, so that the key's index serves.
  if (const char last = prefix.back(); last > 0 && last < 'z') {
    std::string end = prefix;
    end.back() = static_cast<char>(last + 1);
    return fmt::format("({0} >= {1} AND {0} < {2})", column, literal(prefix), literal(end));
  }
  return fmt::format("left({}, {}) = {}", column, prefix.size(), literal(prefix));
}

std::string differs_sql(const CatalogColumn& column, const std::string& left, const std::string& right) {
  // json has no equality; types outside the common ones may lack it as well.
  if (column.kind == Kind::json) return fmt::format("{}::jsonb IS DISTINCT FROM {}::jsonb", left, right);
  if (column.kind == Kind::other) return fmt::format("{}::text IS DISTINCT FROM {}::text", left, right);
  return fmt::format("{} IS DISTINCT FROM {}", left, right);
}

}  // namespace migrate::postgres
