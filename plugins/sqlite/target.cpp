#include "target.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace migrate::sqlite {

namespace {

const char* declared_as(ColumnType type) {
  switch (type) {
    case ColumnType::boolean:
      return "BOOLEAN";
    case ColumnType::integer:
      return "INTEGER";
    case ColumnType::real:
      return "REAL";
    case ColumnType::numeric:
      return "NUMERIC";
    case ColumnType::text:
      return "TEXT";
    case ColumnType::timestamp:
      return "TIMESTAMP";
    case ColumnType::date:
      return "DATE";
    case ColumnType::binary:
      return "BLOB";
    case ColumnType::json:
      return "JSON";
    case ColumnType::any:
      return "";
  }
  return "";
}

std::string name_list(const std::vector<std::string>& names) {
  std::vector<std::string> parts;
  for (const std::string& name : names) parts.push_back(sql_name(name));
  return fmt::format("{}", fmt::join(parts, ", "));
}

bool among(const std::string& name, const std::vector<std::string>& names) {
  return std::any_of(names.begin(), names.end(), [&](const std::string& other) { return same_name(name, other); });
}

SinkTable like(const TableSchema& schema) {
  SinkTable table;
  table.table = schema.type;
  table.key = schema.key;
  for (const Column& column : schema.columns) {
    table.columns.emplace(column.name, to_string(column.type));
    table.column_order.push_back(column.name);
    if (!column.nullable) table.not_null.push_back(column.name);
  }
  return table;
}

SinkTable like(const TableInfo& info) {
  SinkTable table;
  table.table = info.name;
  table.key = info.primary_key;
  if (table.key.empty() && !info.rowid.empty()) table.key.push_back(info.rowid);
  return table;
}

std::optional<Value> evaluated(const Database& db, const std::optional<std::string>& expression) {
  if (!expression) return std::nullopt;
  Statement statement = db.prepare(fmt::format("SELECT ({})", *expression));
  db.step(statement);
  return value_of(cell_of(statement.get(), 0));
}

}  // namespace

int TargetTable::column(std::string_view column_name) const {
  for (std::size_t i = 0; i < columns.size(); ++i)
    if (same_name(columns[i].name, column_name)) return static_cast<int>(i);
  return -1;
}

std::string TargetTable::address_condition() const {
  std::vector<std::string> parts;
  for (int column : address()) parts.push_back(sql_name(columns[static_cast<std::size_t>(column)].name) + "=?");
  return fmt::format("{}", fmt::join(parts, " AND "));
}

std::string TargetTable::key_condition() const {
  std::vector<std::string> parts;
  for (int column : key) parts.push_back(sql_name(columns[static_cast<std::size_t>(column)].name) + "=?");
  return fmt::format("{}", fmt::join(parts, " AND "));
}

std::vector<std::string> TargetTable::column_names() const {
  std::vector<std::string> names;
  for (const TargetColumn& column : columns) names.push_back(column.name);
  return names;
}

std::string TargetTable::column_list() const { return name_list(column_names()); }

Targets::Targets(const Database& db, const SinkConfig& config, const std::vector<TableSchema>& schemas)
    : file_(config.path.string()), wanted_(config.tables) {
  if (!wanted_.empty()) {
    types_ = dependency_order(wanted_);
    for (auto& [type, table] : wanted_) {
      if (table.table.empty()) table.table = type;
      const auto schema = std::find_if(schemas.begin(), schemas.end(),
                                       [&type = type](const TableSchema& each) { return each.type == type; });
      if (!table.columns.empty() || schema == schemas.end()) continue;
      const SinkTable described = like(*schema);
      table.columns = described.columns;
      table.column_order = described.column_order;
    }
  } else if (!schemas.empty()) {
    for (const TableSchema& schema : schemas) {
      types_.push_back(schema.type);
      wanted_.emplace(schema.type, like(schema));
    }
  } else {
    types_ = table_names(db);
    for (const std::string& name : types_) wanted_.emplace(name, like(table_info(db, name).value()));
  }
  for (const std::string& type : types_) load(db, type);
  for (auto& [type, table] : tables_) add_flags(table);
}

void Targets::load(const Database& db, const std::string& type) {
  const SinkTable& wanted = wanted_.at(type);
  std::optional<TableInfo> info = table_info(db, wanted.table);
  if (!info) return;
  const auto there = [&](const std::string& name) {
    const ColumnInfo* column = info->column(name);
    if (column && !column->generated) return;
    if (!column && !info->rowid.empty() && same_name(name, info->rowid)) return;
    const std::string near = config::nearest(name, info->column_names());
    throw Error(ErrorKind::not_found, "missing_column",
                fmt::format("{}: table \"{}\" has no column \"{}\" that can be written", file_, wanted.table, name))
        .with_advice(near.empty() ? fmt::format("It has: {}.", fmt::join(info->column_names(), ", "))
                                  : fmt::format("Did you mean \"{}\"? Or add the column.", near));
  };
  for (const auto& [name, word] : wanted.columns) there(name);
  for (const std::string& name : wanted.key) there(name);
  if (!wanted.id.empty()) there(wanted.id);

  TargetTable table;
  table.type = type;
  table.name = info->name;
  table.config = wanted;
  for (const ColumnInfo& column : info->columns) {
    if (column.generated) continue;
    const bool key_not_null = info->key_is_rowid && among(column.name, info->primary_key);
    TargetColumn target{column.name, column_type(column), column.affinity, column.not_null && !key_not_null,
                        evaluated(db, column.fallback)};
    const auto word = wanted.columns.find(column.name);
    if (word != wanted.columns.end()) target.type = column_type_from(word->second);
    table.columns.push_back(std::move(target));
  }
  for (const std::string& name : wanted.key)
    if (table.column(name) < 0)  // a table without a primary key: its row numbers are carried over
      table.columns.push_back(TargetColumn{name, ColumnType::integer, Affinity::integer, false, std::nullopt});
  if (!wanted.id.empty()) table.id = table.column(wanted.id);
  for (const std::string& name : wanted.key) table.key.push_back(table.column(name));
  for (const auto& [name, target] : wanted.references)
    if (int column = table.column(name); column >= 0) table.references.emplace_back(column, target);
  if (table.key.empty())
    throw Error(ErrorKind::invalid, "missing_key",
                fmt::format("{}: nothing tells the rows of table \"{}\" apart", file_, wanted.table))
        .with_advice("Name its natural key: `key: [...]`.");
  const TargetColumn& first = table.columns[static_cast<std::size_t>(table.key[0])];
  table.integer_key = table.key.size() == 1 && first.affinity == Affinity::integer;
  table.key_is_reference = table.key.size() == 1 && table.id >= 0 && wanted.references.count(first.name) != 0;
  tables_.emplace(type, std::move(table));
}

void Targets::add_flags(TargetTable& table) const {
  for (const auto& [name, rule] : table.config.flags_from) {
    const TargetTable* child = find(rule.table);
    const int column = table.column(name);
    if (!child || column < 0 || table.address().size() != 1) continue;
    TargetTable::Flag flag;
    flag.column = column;
    flag.exists = fmt::format("SELECT EXISTS(SELECT 1 FROM {} WHERE {}=?", sql_name(child->name), sql_name(rule.by));
    for (const auto& [where, value] : rule.where) {
      flag.exists += fmt::format(" AND {}=?", sql_name(where));
      flag.values.push_back(value);
    }
    flag.exists += ")";
    table.flags.push_back(std::move(flag));
  }
}

const TargetTable* Targets::find(std::string_view type) const {
  const auto found = tables_.find(type);
  return found == tables_.end() ? nullptr : &found->second;
}

const TargetTable& Targets::at(std::string_view type) const {
  if (const TargetTable* table = find(type)) return *table;
  const std::string near = config::nearest(type, types_);
  throw Error(ErrorKind::not_found, "missing_table",
              fmt::format("{}: there is no table for records of type \"{}\"", file_, type))
      .with_advice(near.empty() ? fmt::format("Add it to the sink's `tables`; there are: {}.", fmt::join(types_, ", "))
                                : fmt::format("Did you mean \"{}\"? Else add it to the sink's `tables`.", near));
}

std::vector<std::string> Targets::absent() const {
  std::vector<std::string> types;
  for (const std::string& type : types_)
    if (!find(type)) types.push_back(type);
  return types;
}

std::string Targets::create_sql(const std::string& type) const {
  const SinkTable& table = wanted_.at(type);
  if (table.columns.empty())
    throw Error(ErrorKind::invalid, "missing_columns",
                fmt::format("{}: table \"{}\" does not exist and cannot be created: its columns are not known", file_,
                            table.table))
        .with_advice("Give the table's `columns`, or create it by hand.");
  std::vector<std::string> order = table.column_order;
  for (const auto& [name, word] : table.columns)
    if (!among(name, order)) order.push_back(name);
  if (!table.id.empty() && !among(table.id, order)) order.insert(order.begin(), table.id);

  std::vector<std::string> parts;
  for (const std::string& name : order) {
    if (same_name(name, table.id)) {
      parts.push_back(sql_name(name) + " INTEGER PRIMARY KEY");
      continue;
    }
    const ColumnType word = column_type_from(table.columns.at(name));
    std::string part = fmt::format("{} {}", sql_name(name), declared_as(word));
    const bool only_key = table.key.size() == 1 && same_name(name, table.key[0]);
    if (only_key) part += table.id.empty() ? " PRIMARY KEY" : " UNIQUE";
    if (among(name, table.not_null)) part += " NOT NULL";
    if (const auto value = table.defaults.find(name); value != table.defaults.end())
      part += fmt::format(" DEFAULT ({})", value->second);
    if (const auto to = table.references.find(name); to != table.references.end() && wanted_.count(to->second)) {
      const SinkTable& parent = wanted_.at(to->second);
      part += fmt::format(" REFERENCES {}({})", sql_name(parent.table),
                          sql_name(parent.id.empty() ? parent.key.at(0) : parent.id));
    }
    parts.push_back(std::move(part));
  }
  if (table.key.size() > 1)
    parts.push_back(fmt::format("{} ({})", table.id.empty() ? "PRIMARY KEY" : "UNIQUE", name_list(table.key)));
  for (const std::vector<std::string>& columns : table.unique) {
    // Twice the same index would be kept up to date twice.
    if (columns.size() == 1 && table.key.size() == 1 && same_name(columns[0], table.key[0])) continue;
    parts.push_back(fmt::format("UNIQUE ({})", name_list(columns)));
  }
  return fmt::format("CREATE TABLE {} (\n  {}\n)", sql_name(table.table), fmt::join(parts, ",\n  "));
}

std::vector<std::string> Targets::index_sql(const std::string& type) const {
  std::vector<std::string> result;
  for (const auto& [parent, table] : wanted_)
    for (const auto& [flag, rule] : table.flags_from) {
      if (rule.table != type) continue;
      const std::string& name = wanted_.at(type).table;
      result.push_back(fmt::format("CREATE INDEX IF NOT EXISTS {} ON {}({})",
                                   sql_name(fmt::format("{}_{}", name, rule.by)), sql_name(name), sql_name(rule.by)));
    }
  return result;
}

}  // namespace migrate::sqlite
