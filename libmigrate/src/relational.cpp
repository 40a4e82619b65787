#include "migrate/relational.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <utility>

MIGRATE_BEGIN

std::string_view to_string(ColumnType type) noexcept {
  switch (type) {
    case ColumnType::boolean:
      return "boolean";
    case ColumnType::integer:
      return "integer";
    case ColumnType::real:
      return "real";
    case ColumnType::numeric:
      return "numeric";
    case ColumnType::text:
      return "text";
    case ColumnType::timestamp:
      return "timestamp";
    case ColumnType::date:
      return "date";
    case ColumnType::binary:
      return "binary";
    case ColumnType::json:
      return "json";
    case ColumnType::any:
      return "any";
  }
  return "any";
}

static constexpr std::array<std::pair<std::string_view, ColumnType>, 15> column_words{{
    {"boolean", ColumnType::boolean},
    {"integer", ColumnType::integer},
    {"bigint", ColumnType::integer},
    {"real", ColumnType::real},
    {"double", ColumnType::real},
    {"numeric", ColumnType::numeric},
    {"text", ColumnType::text},
    {"timestamptz", ColumnType::timestamp},
    {"timestamp", ColumnType::timestamp},
    {"date", ColumnType::date},
    {"bytea", ColumnType::binary},
    {"binary", ColumnType::binary},
    {"json", ColumnType::json},
    {"jsonb", ColumnType::json},
    {"any", ColumnType::any},
}};

ColumnType column_type_from(std::string_view word) {
  std::vector<std::string> known;
  for (const auto& [name, type] : column_words) {
    if (name == word) return type;
    known.emplace_back(name);
  }
  std::string near = config::nearest(word, known);
  throw Error(ErrorKind::invalid, "column_type", fmt::format("\"{}\" is no column type", word))
      .with_advice(fmt::format("{}known: {}", near.empty() ? "" : fmt::format("did you mean \"{}\"? ", near),
                               fmt::join(known, ", ")));
}

Spec<SourceTable> source_table_spec() {
  return Spec<SourceTable>("A table to be read.")
      .field("table", &SourceTable::table, "The table's name")
      .not_empty()
      .field("type", &SourceTable::type, "The type of its records; default: the table's name")
      .optional()
      .field("key", &SourceTable::key, "The natural key's columns; default: the primary key")
      .optional()
      .one_or_many()
      .field("columns", &SourceTable::columns, "The columns to be read; default: all")
      .optional()
      .one_or_many()
      .field("where", &SourceTable::where, "An SQL condition for the rows to be read")
      .optional()
      .field("rank", &SourceTable::rank, "Tables of a lower rank are read first, those of equal rank together")
      .optional()
      .field("partitions", &SourceTable::partitions, "Key ranges read at the same time; needs one integer key column")
      .optional()
      .at_least(1)
      .at_most(1024)
      .field("revisit", &SourceTable::revisit, "Read once more after the rest, for rows that later ones can change")
      .optional()
      .after([](SourceTable& table, const Object&) {
        if (table.type.empty()) table.type = table.table;
      });
}

static Spec<FlagRule> flag_rule_spec() {
  return Spec<FlagRule>("True when any row that refers to this one has the given values.")
      .field("table", &FlagRule::table, "The type of the rows that refer to this one")
      .field("by", &FlagRule::by, "Their column that refers to it")
      .field("where", &FlagRule::where, "The values, by column");
}

static void check_sink_table(const SinkTable& table) {
  std::vector<ConfigFault> faults;
  auto fault = [&](std::string path, std::string message) {
    faults.push_back({std::move(path), std::move(message), "", 0, 0});
  };
  for (const auto& [column, word] : table.columns) {
    try {
      column_type_from(word);
    } catch (const Error& error) {
      fault(config::child_path("columns", column), fmt::format("{}; {}", error.what(), error.advice));
    }
  }
  // Without `columns` the table's columns are known only to the target.
  auto known = [&](const std::string& column) {
    return table.columns.empty() || table.columns.contains(column) || column == table.id;
  };
  auto check = [&](const std::string& path, const std::string& column) {
    if (!known(column)) {
      fault(path,
            fmt::format("\"{}\" is not among the columns{}", column, config::suggestion(column, table.column_order)));
    }
  };
  for (std::size_t i = 0; i < table.key.size(); ++i) check(config::child_path("key", i), table.key[i]);
  for (std::size_t i = 0; i < table.not_null.size(); ++i) check(config::child_path("not_null", i), table.not_null[i]);
  for (std::size_t i = 0; i < table.unique.size(); ++i) {
    for (const std::string& column : table.unique[i]) check(config::child_path("unique", i), column);
  }
  for (const auto& [column, type] : table.references) check(config::child_path("references", column), column);
  for (const auto& [column, literal] : table.defaults) check(config::child_path("defaults", column), column);
  for (const auto& [column, rule] : table.flags_from) check(config::child_path("flags_from", column), column);
  if (!faults.empty()) throw ConfigError(std::move(faults));
}

Spec<SinkTable> sink_table_spec() {
  return Spec<SinkTable>("A table to be written.")
      .field("table", &SinkTable::table, "The table's name; default: the type")
      .optional()
      .field("id", &SinkTable::id, "The id column that the sink generates; default: none, the key is carried over")
      .optional()
      .field("key", &SinkTable::key, "The natural key's columns, which receive the record's id")
      .not_empty()
      .one_or_many()
      .field("columns", &SinkTable::columns, "Column to type, in order; needed to create the table")
      .optional()
      .field("not_null", &SinkTable::not_null, "Columns that may not be NULL, when the table is created")
      .optional()
      .one_or_many()
      .field("unique", &SinkTable::unique, "Further unique keys: columns, or lists of columns")
      .optional()
      .one_or_many()
      .field("references", &SinkTable::references, "Column to the type whose id it holds")
      .optional()
      .field("defaults", &SinkTable::defaults, "Column to SQL literal, when the table is created")
      .optional()
      .field("flags_from", &SinkTable::flags_from, flag_rule_spec(),
             "Boolean columns that are true as well when a row that refers to this one has certain values")
      .optional()
      .after([](SinkTable& table, const Object& written) {
        const Value* columns = written.if_contains("columns");
        if (!columns) return;
        for (const auto& [name, type] : columns->get_object()) table.column_order.emplace_back(name);
      })
      .validate(check_sink_table);
}

std::vector<std::string> dependency_order(const std::map<std::string, SinkTable>& tables) {
  enum class Mark { none, open, done };
  std::map<std::string, Mark> marks;
  std::vector<std::string> order;
  // A reference back into an open table closes a cycle; it is the one that gives way.
  auto visit = [&](const auto& self, const std::string& type) -> void {
    auto found = tables.find(type);
    if (found == tables.end() || marks[type] != Mark::none) return;
    marks[type] = Mark::open;
    for (const auto& [column, target] : found->second.references) self(self, target);
    marks[type] = Mark::done;
    order.push_back(type);
  };
  for (const auto& [type, table] : tables) visit(visit, type);
  return order;
}

std::string join_key(const std::vector<std::string>& parts) {
  if (parts.size() == 1) return parts.front();
  std::string key;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) key += '|';
    for (char c : parts[i]) {
      if (c == '|' || c == '\\') key += '\\';
      key += c;
    }
  }
  return key;
}

std::vector<std::string> split_key(std::string_view id) {
  std::vector<std::string> parts(1);
  for (std::size_t i = 0; i < id.size(); ++i) {
    if (id[i] == '\\' && i + 1 < id.size()) {
      parts.back() += id[++i];
    } else if (id[i] == '|') {
      parts.emplace_back();
    } else {
      parts.back() += id[i];
    }
  }
  return parts;
}

MIGRATE_END
