#include "writer.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace migrate::sqlite {

namespace {

std::string placeholders(std::size_t count) {
  std::string result = "?";
  for (std::size_t i = 1; i < count; ++i) result += ",?";
  return result;
}

}  // namespace

TableAccess::TableAccess(Database& db, Encoder& encoder, const TargetTable& table)
    : db_(db),
      encoder_(encoder),
      table_(table),
      blank_(table.columns.size()),
      scratch_(table.columns.size()),
      key_scratch_(table.key.size()),
      address_scratch_(table.key.size()),
      flags_(table.flags.size()) {
  for (std::size_t i = 0; i < table.columns.size(); ++i)
    if (const std::optional<Value>& fallback = table.columns[i].fallback)
      blank_[i] = encoder_.encode(*fallback, table.columns[i], default_texts_.emplace_back());
}

Statement& TableAccess::prepared(Statement& statement, const std::string& sql) {
  if (!statement) statement = db_.prepare(sql);
  return statement;
}

RowCells& TableAccess::encode(const Record& record) {
  row_.cells = blank_;
  row_.present.assign(table_.columns.size(), 0);
  std::size_t position = 0;
  for (const auto& field : record.data.get_object()) {
    const std::string_view name(field.key().data(), field.key().size());
    int column = -1;
    if (position < layout_.size() && layout_[position].first == name) {
      column = layout_[position].second;
    } else {
      column = table_.column(name);
      if (column < 0) {
        const std::string near = config::nearest(name, table_.column_names());
        throw Error(ErrorKind::invalid, "unknown_column",
                    fmt::format("table \"{}\" has no column \"{}\"", table_.name, name))
            .with_advice(
                near.empty()
                    ? std::string("Add the column, or drop or rename the field by a rule.")
                    : fmt::format("Did you mean \"{}\"? Else add the column, or drop the field by a rule.", near));
      }
      if (column == table_.id)
        throw Error(ErrorKind::invalid, "unknown_column",
                    fmt::format("column \"{}\" of table \"{}\" is generated, so the field of this name has no place",
                                name, table_.name))
            .with_advice("Rename or drop the field by a rule.");
      layout_.resize(position);
      layout_.emplace_back(std::string(name), column);
    }
    const auto at = static_cast<std::size_t>(column);
    row_.cells[at] = encoder_.encode(field.value(), table_.columns[at], scratch_[at]);
    row_.present[at] = 1;
    ++position;
  }
  return row_;
}

std::vector<Cell> TableAccess::key_cells(const Record& record) {
  if (!table_.key_is_reference) return key_cells(std::string_view(record.ref.id));
  const TargetColumn& column = table_.columns[static_cast<std::size_t>(table_.key[0])];
  const Value* value = record.data.is_object() ? record.data.get_object().if_contains(column.name) : nullptr;
  std::vector<Cell> cells(1);
  if (value) cells[0] = encoder_.encode(*value, column, key_scratch_[0]);
  return cells;
}

std::vector<Cell> TableAccess::key_cells(std::string_view key) {
  std::vector<Cell> cells;
  if (table_.key.size() == 1) {
    cells.push_back(encoder_.encode_key(key, table_.columns[static_cast<std::size_t>(table_.key[0])], key_scratch_[0]));
    return cells;
  }
  std::vector<std::string> parts = split_key(key);
  if (parts.size() != table_.key.size())
    throw Error(ErrorKind::invalid, "bad_key",
                fmt::format("the key \"{}\" has {} parts; table \"{}\" has {} key columns", key, parts.size(),
                            table_.name, table_.key.size()));
  for (std::size_t i = 0; i < parts.size(); ++i) {
    key_scratch_[i] = std::move(parts[i]);
    std::string made;
    Cell cell = encoder_.encode_key(key_scratch_[i], table_.columns[static_cast<std::size_t>(table_.key[i])], made);
    cells.push_back(cell);
  }
  return cells;
}

Value TableAccess::find(const std::vector<Cell>& key) {
  if (std::any_of(key.begin(), key.end(), [](const Cell& cell) { return cell.is_null(); })) return nullptr;
  std::vector<std::string> columns;
  for (int column : table_.address())
    columns.push_back(sql_name(table_.columns[static_cast<std::size_t>(column)].name));
  if (!find_)
    find_ = db_.prepare(fmt::format("SELECT {} FROM {} WHERE {}", fmt::join(columns, ", "), sql_name(table_.name),
                                    table_.key_condition()));
  Use use(find_);
  int index = 1;
  for (const Cell& cell : key) bind(find_.get(), index++, cell);
  if (!db_.step(find_)) return nullptr;
  if (columns.size() == 1) return value_of(cell_of(find_.get(), 0));
  std::vector<std::string> parts;
  for (std::size_t i = 0; i < columns.size(); ++i) parts.push_back(shown(cell_of(find_.get(), static_cast<int>(i))));
  return Value(join_key(parts));
}

bool TableAccess::has_any() {
  prepared(any_, fmt::format("SELECT EXISTS(SELECT 1 FROM {})", sql_name(table_.name)));
  Use use(any_);
  return db_.step(any_) && any_.integer(0) != 0;
}

bool TableAccess::has_any(std::int64_t least, std::int64_t most) {
  prepared(any_between_, fmt::format("SELECT EXISTS(SELECT 1 FROM {} WHERE {} BETWEEN ? AND ?)", sql_name(table_.name),
                                     sql_name(table_.columns[static_cast<std::size_t>(table_.key[0])].name)));
  Use use(any_between_);
  any_between_.bind(1, least);
  any_between_.bind(2, most);
  return db_.step(any_between_) && any_between_.integer(0) != 0;
}

bool TableAccess::has(const Value& address) {
  prepared(has_, fmt::format("SELECT 1 FROM {} WHERE {}", sql_name(table_.name), table_.address_condition()));
  Use use(has_);
  bind_address(has_, 1, address);
  return db_.step(has_);
}

Value TableAccess::address_of(const Record& record, const std::vector<Cell>& key) const {
  return key.size() == 1 ? value_of(key[0]) : Value(record.ref.id);
}

int TableAccess::bind_address(Statement& statement, int index, const Value& address) {
  const std::vector<int> columns = table_.address();
  if (columns.size() == 1) {
    const TargetColumn& column = table_.columns[static_cast<std::size_t>(columns[0])];
    bind(statement.get(), index++, encoder_.encode(address, column, address_scratch_[0]));
    return index;
  }
  std::vector<std::string> parts = split_key(address.is_string() ? std::string_view(address.get_string()) : "");
  parts.resize(columns.size());
  for (std::size_t i = 0; i < parts.size(); ++i) {
    address_scratch_[i] = std::move(parts[i]);
    std::string made;
    bind(statement.get(), index++,
         encoder_.encode_key(address_scratch_[i], table_.columns[static_cast<std::size_t>(columns[i])], made));
  }
  return index;
}

bool TableAccess::seek(const Value& address, std::vector<Cell>& cells) {
  prepared(seek_, fmt::format("SELECT {} FROM {} WHERE {}", table_.column_list(), sql_name(table_.name),
                              table_.address_condition()));
  bind_address(seek_, 1, address);
  if (!db_.step(seek_)) {
    release();
    return false;
  }
  cells.clear();
  for (std::size_t i = 0; i < table_.columns.size(); ++i) cells.push_back(cell_of(seek_.get(), static_cast<int>(i)));
  return true;
}

void TableAccess::release() { Use use(seek_); }

void TableAccess::run(Statement& statement, const std::vector<Cell>& cells) {
  const int code = sqlite3_step(statement.get());
  if (code == SQLITE_DONE) return;
  throw refusal(sqlite3_extended_errcode(db_.get()), cells);
}

void TableAccess::insert(const std::vector<Cell>& cells) {
  if (!insert_)
    insert_ = db_.prepare(fmt::format("INSERT INTO {}({}) VALUES({})", sql_name(table_.name), table_.column_list(),
                                      placeholders(table_.columns.size())));
  int index = 1;
  for (const Cell& cell : cells) bind(insert_.get(), index++, cell);
  // Not cleared: every parameter is bound anew for the next row.
  struct Reset {
    sqlite3_stmt* statement;
    ~Reset() { sqlite3_reset(statement); }
  } reset{insert_.get()};
  run(insert_, cells);
}

void TableAccess::update(const Value& address, const std::vector<int>& columns, const std::vector<Cell>& cells) {
  if (updates_.size() > 64) updates_.clear();
  Statement& statement = updates_[columns];
  if (!statement) {
    std::vector<std::string> parts;
    for (int column : columns) parts.push_back(sql_name(table_.columns[static_cast<std::size_t>(column)].name) + "=?");
    statement = db_.prepare(fmt::format("UPDATE {} SET {} WHERE {}", sql_name(table_.name), fmt::join(parts, ", "),
                                        table_.address_condition()));
  }
  Use use(statement);
  int index = 1;
  for (int column : columns) bind(statement.get(), index++, cells[static_cast<std::size_t>(column)]);
  bind_address(statement, index, address);
  run(statement, cells);
}

void TableAccess::remove(const Value& address) {
  prepared(remove_, fmt::format("DELETE FROM {} WHERE {}", sql_name(table_.name), table_.address_condition()));
  Use use(remove_);
  bind_address(remove_, 1, address);
  run(remove_, {});
}

Cell TableAccess::flag(std::size_t index, const Cell& own, const Value& address) {
  if (own.kind == Cell::Kind::integer && own.integer != 0) return own;
  const TargetTable::Flag& rule = table_.flags[index];
  prepared(flags_[index], rule.exists);
  Use use(flags_[index]);
  int at = bind_address(flags_[index], 1, address);
  for (const std::string& value : rule.values) flags_[index].bind(at++, std::string_view(value));
  if (!db_.step(flags_[index]) || flags_[index].integer(0) == 0) return own;
  Cell yes;
  yes.kind = Cell::Kind::integer;
  yes.integer = 1;
  return yes;
}

void TableAccess::check_not_null(const std::vector<Cell>& cells) const {
  for (std::size_t i = 0; i < cells.size(); ++i)
    if (cells[i].is_null() && table_.columns[i].not_null)
      throw Error(ErrorKind::invalid, "missing_value",
                  fmt::format("column \"{}\" of table \"{}\" must have a value", table_.columns[i].name, table_.name))
          .with_advice("Give it a value by a rule, or a default in the target.");
}

Error TableAccess::refusal(int code, const std::vector<Cell>& cells) const {
  if ((code & 0xFF) != SQLITE_CONSTRAINT && (code & 0xFF) != SQLITE_TOOBIG && (code & 0xFF) != SQLITE_MISMATCH)
    return db_.error(code);
  const std::string said = fmt::format("table \"{}\": {}", table_.name, sqlite3_errmsg(db_.get()));
  switch (code) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
      return Error(ErrorKind::conflict, "duplicate_key", said)
          .with_advice("Another row has this value already: decide which of the two is right.");
    case SQLITE_CONSTRAINT_NOTNULL:
      return Error(ErrorKind::invalid, "missing_value", said);
    case SQLITE_CONSTRAINT_FOREIGNKEY: {
      std::vector<std::string> columns;
      for (const auto& [column, type] : table_.references)
        if (!cells.empty() && !cells[static_cast<std::size_t>(column)].is_null())
          columns.push_back(fmt::format("{}={}", table_.columns[static_cast<std::size_t>(column)].name,
                                        shown(cells[static_cast<std::size_t>(column)])));
      if (cells.empty())
        return Error(ErrorKind::conflict, "still_referenced",
                     fmt::format("the row of table \"{}\" is still referred to by others", table_.name));
      return Error(ErrorKind::not_found, "missing_reference",
                   fmt::format("table \"{}\": one of the rows referred to is not there ({})", table_.name,
                               fmt::join(columns, ", ")));
    }
    default:
      return Error(ErrorKind::invalid, "bad_value", said);
  }
}

Connection::Connection(const SinkConfig& config, Access access)
    : db_(config.path, access, config.busy_ms), encoder_(db_) {
  if (access != Access::read) {
    db_.execute("PRAGMA synchronous=FULL");
    db_.execute("PRAGMA foreign_keys=ON");
  }
}

void Connection::describe(const SinkConfig& config, const std::vector<TableSchema>& schemas) {
  tables_.clear();
  targets_ = std::make_unique<Targets>(db_, config, schemas);
}

TableAccess& Connection::table(std::string_view type) {
  auto found = tables_.find(type);
  if (found == tables_.end())
    found = tables_.emplace(std::string(type), std::make_unique<TableAccess>(db_, encoder_, targets_->at(type))).first;
  return *found->second;
}

TableAccess* Connection::find(std::string_view type) { return targets_->find(type) ? &table(type) : nullptr; }

}  // namespace migrate::sqlite
