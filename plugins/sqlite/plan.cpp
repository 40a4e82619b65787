// What of a database is read, and in which order.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "source.hpp"

namespace migrate::sqlite {

namespace {

Error unknown(const Database& db, const char* what, const std::string& name, const std::vector<std::string>& known,
              const std::string& where) {
  const std::string near = config::nearest(name, known);
  return Error(ErrorKind::not_found, fmt::format("missing_{}", what),
               fmt::format("{}: there is no {} \"{}\"{}", db.file().string(), what, name, where))
      .with_advice(near.empty() ? fmt::format("There are: {}.", fmt::join(known, ", "))
                                : fmt::format("Did you mean \"{}\"? There are: {}.", near, fmt::join(known, ", ")));
}

/// The name as the database spells it.
std::string spelled(const Database& db, const TableInfo& info, const std::string& name) {
  if (const ColumnInfo* column = info.column(name)) return column->name;
  if (!info.rowid.empty() && same_name(name, info.rowid)) return info.rowid;
  throw unknown(db, "column", name, info.column_names(), fmt::format(" in table \"{}\"", info.name));
}

std::string joined(const std::vector<std::string>& names) {
  std::vector<std::string> parts;
  for (const std::string& name : names) parts.push_back(sql_name(name));
  return fmt::format("{}", fmt::join(parts, ", "));
}

}  // namespace

TablePlan make_plan(const Database& db, const SourceTable& wanted) {
  std::optional<TableInfo> info = table_info(db, wanted.table);
  if (!info) throw unknown(db, "table", wanted.table, table_names(db), "");
  TablePlan plan;
  plan.wanted = wanted;
  if (plan.wanted.type.empty()) plan.wanted.type = wanted.table;
  plan.info = std::move(*info);
  for (const std::string& name : wanted.columns) plan.columns.push_back(spelled(db, plan.info, name));
  if (plan.columns.empty()) plan.columns = plan.info.column_names();
  for (const std::string& name : wanted.key) plan.key.push_back(spelled(db, plan.info, name));
  if (plan.key.empty()) plan.key = plan.info.primary_key;
  if (plan.key.empty() && !plan.info.rowid.empty()) plan.key.push_back(plan.info.rowid);
  if (plan.key.empty())
    throw Error(ErrorKind::invalid, "missing_key",
                fmt::format("{}: {} \"{}\" has no primary key", db.file().string(), plan.info.kind, plan.info.name))
        .with_advice(fmt::format("Name columns that tell its rows apart: `key: [...]`. It has: {}.",
                                 fmt::join(plan.info.column_names(), ", ")));
  plan.unique_key = plan.info.is_unique(plan.key);
  const ColumnInfo* only = plan.key.size() == 1 ? plan.info.column(plan.key[0]) : nullptr;
  plan.integer_key = plan.key.size() == 1 && (!only || only->affinity == Affinity::integer);
  if (wanted.partitions > 1 && !plan.integer_key)
    throw Error(ErrorKind::invalid, "bad_partitions",
                fmt::format("table \"{}\" cannot be read in {} partitions: its key ({}) is not one integer column",
                            wanted.table, wanted.partitions, fmt::join(plan.key, ", ")))
        .with_advice("Leave `partitions` out, or name an integer column as `key`.");
  std::vector<std::string> all = plan.key;
  all.insert(all.end(), plan.columns.begin(), plan.columns.end());
  plan.select = fmt::format("SELECT {} FROM {}", joined(all), sql_name(plan.info.name));
  plan.order = fmt::format(" ORDER BY {} LIMIT ?", joined(plan.key));
  return plan;
}

std::vector<TablePlan> make_plans(const Database& db, const SourceConfig& config) {
  std::vector<SourceTable> wanted = config.tables;
  if (wanted.empty()) {
    for (const std::string& name : table_names(db)) {
      SourceTable table;
      table.table = table.type = name;
      wanted.push_back(std::move(table));
    }
    if (wanted.empty())
      throw Error(ErrorKind::not_found, "no_tables", fmt::format("{} has no tables", db.file().string()))
          .with_advice("Check `path`: is it the right file?");
  }
  int last_rank = 0;
  for (const SourceTable& table : wanted) last_rank = std::max(last_rank, table.rank);
  std::vector<TablePlan> plans, second;
  for (const SourceTable& table : wanted) {
    TablePlan plan = make_plan(db, table);
    // Listed once, such a table is read twice; listed once more for it, the entry is the second pass alone.
    const bool listed_twice = std::any_of(wanted.begin(), wanted.end(), [&](const SourceTable& other) {
      return !other.revisit && same_name(other.table, table.table) && other.type == table.type;
    });
    if (table.revisit) {
      second.push_back(plan);
      second.back().second_pass = true;
      if (!listed_twice) second.back().wanted.rank = last_rank + 1;
    }
    if (!table.revisit || !listed_twice) plans.push_back(std::move(plan));
  }
  std::move(second.begin(), second.end(), std::back_inserter(plans));
  return plans;
}

}  // namespace migrate::sqlite
