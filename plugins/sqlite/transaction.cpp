#include "transaction.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <limits>
#include <unordered_set>

namespace migrate::sqlite {

Transaction::Transaction(SqliteSink& sink, Connection& connection, std::string chunk)
    : sink_(sink), connection_(connection), chunk_(std::move(chunk)) {
  connection_.db().execute("BEGIN IMMEDIATE");
  open_ = true;
  keep_image_ = connection_.db().prepare("INSERT INTO _migrate_undo VALUES(?,?,?,?,?,?,?)");
}

Transaction::~Transaction() {
  if (open_ && sqlite3_get_autocommit(connection_.db().get()) == 0)
    sqlite3_exec(connection_.db().get(), "ROLLBACK", nullptr, nullptr, nullptr);
}

awaitable<void> Transaction::identify(std::span<Operation> operations) {
  auto work = [&] { identify_now(operations); };
  co_await on_pool(sink_.services_, work);
}

awaitable<WriteResult> Transaction::write(std::span<Operation> operations) {
  auto work = [&] { return write_now(operations); };
  co_return co_await on_pool(sink_.services_, work);
}

awaitable<void> Transaction::commit(Value receipt) {
  auto work = [&] { commit_now(receipt); };
  co_await on_pool(sink_.services_, work);
}

void Transaction::identify_now(std::span<Operation> operations) {
  std::size_t first = 0;
  for (std::size_t i = 1; i <= operations.size(); ++i) {
    const std::string& type = operations[first].record().ref.type;
    if (i < operations.size() && operations[i].record().ref.type == type) continue;
    identify_group(connection_.table(type), operations.subspan(first, i - first));
    first = i;
  }
}

void Transaction::identify_group(TableAccess& table, std::span<Operation> group) {
  Reserved& reserved = reserved_[table.table().type];
  begin_ids(table, reserved);
  // One probe of the chunk's range of keys usually answers for all of it: nothing is there yet.
  bool may_exist = true;
  if (table.table().integer_key) {
    std::int64_t least = std::numeric_limits<std::int64_t>::max(), most = std::numeric_limits<std::int64_t>::min();
    for (const Operation& operation : group) {
      const Cell key = table.key_cells(operation.record())[0];
      if (key.kind != Cell::Kind::integer) continue;
      least = std::min(least, key.integer);
      most = std::max(most, key.integer);
    }
    may_exist = least <= most && table.has_any(least, most);
  } else {
    may_exist = table.has_any();
  }
  for (Operation& operation : group) {
    const Record& record = operation.record();
    const std::vector<Cell> key = table.key_cells(record);
    Value address = operation.target_id();
    bool exists = false;
    if (!address.is_null()) {
      exists = table.has(address);
    } else if (const Value* mine = this->reserved(reserved, key, record.ref.id)) {
      address = *mine;
      exists = true;
    } else if (may_exist) {
      address = table.find(key);
      exists = !address.is_null();
    }
    if (record.deleted) {
      operation.set_action(Action::remove);
      operation.set_target_id(exists ? std::move(address) : Value());
    } else if (record.intent == Intent::patch) {
      operation.set_action(Action::patch);
      operation.set_target_id(exists ? std::move(address) : Value());
    } else if (exists) {
      operation.set_action(Action::update);
      operation.set_target_id(std::move(address));
    } else {
      operation.set_action(Action::create);
      if (address.is_null()) address = reserve(table, reserved, record, key);
      operation.set_target_id(std::move(address));
    }
  }
}

void Transaction::begin_ids(TableAccess& table, Reserved& reserved) {
  if (reserved.begun) return;
  reserved.begun = true;
  const TargetTable& target = table.table();
  if (target.id < 0) return;
  Database& db = connection_.db();
  std::int64_t last =
      db.number(fmt::format("SELECT max({}) FROM {}", sql_name(target.config.id), sql_name(target.name))).value_or(0);
  if (db.number("SELECT count(*) FROM sqlite_schema WHERE name='sqlite_sequence'") == 1) {
    Statement sequence = db.prepare("SELECT seq FROM sqlite_sequence WHERE name=?");
    sequence.bind(1, std::string_view(target.name));
    if (db.step(sequence)) last = std::max(last, sequence.integer(0));
  }
  reserved.first_id = reserved.next_id = std::max<std::int64_t>(last, 0) + 1;
  reserved.last_inserted = reserved.first_id - 1;
}

Value* Transaction::reserved(Reserved& reserved, const std::vector<Cell>& key, const std::string& id) {
  if (key.size() == 1 && key[0].kind == Cell::Kind::integer) {
    const auto found = reserved.integers.find(key[0].integer);
    return found == reserved.integers.end() ? nullptr : &found->second;
  }
  const auto found = reserved.texts.find(id);
  return found == reserved.texts.end() ? nullptr : &found->second;
}

Value Transaction::reserve(TableAccess& table, Reserved& reserved, const Record& record, const std::vector<Cell>& key) {
  Value address = table.table().id >= 0 ? Value(reserved.next_id++) : table.address_of(record, key);
  if (key.size() == 1 && key[0].kind == Cell::Kind::integer)
    reserved.integers.emplace(key[0].integer, address);
  else if (!(key.size() == 1 && key[0].is_null()))
    reserved.texts.emplace(record.ref.id, address);
  return address;
}

WriteResult Transaction::write_now(std::span<Operation> operations) {
  sink_.services_.reach("sqlite.write before");
  WriteResult result;
  result.effects.reserve(operations.size());
  std::unordered_set<std::size_t> failed;
  bool leftovers = false;  // rows of units that failed later: not reasons to refuse others
  std::unordered_set<std::size_t> wrote;
  for (Operation& operation : operations) {
    result.effects.push_back(Effect::unchanged);
    if (failed.count(operation.unit()) != 0 || operation.action() == Action::remove) continue;
    try {
      result.effects.back() = apply(operation);
      if (result.effects.back() != Effect::unchanged) wrote.insert(operation.unit());
    } catch (const Error& error) {
      // Trouble of the file itself ends the chunk; what concerns a row ends its unit.
      if (error.kind() != ErrorKind::invalid && error.kind() != ErrorKind::conflict &&
          error.kind() != ErrorKind::not_found)
        throw;
      failed.insert(operation.unit());
      const bool doubtful = leftovers && error.cause == "duplicate_key";
      leftovers = leftovers || wrote.count(operation.unit()) != 0;
      if (doubtful) continue;
      Error named(error.kind(), error.cause,
                  fmt::format("{} {}: {}", operation.record().ref.type, operation.record().ref.id, error.what()));
      named.advice = error.advice;
      result.failures.push_back(UnitFailure{operation.unit(), std::move(named)});
    }
  }
  if (result.failures.empty()) write_later(result);
  if (result.failures.empty()) remove_all(operations, result);
  sink_.services_.reach("sqlite.write after");
  return result;
}

/// Rows that are removed together may refer to each other in any order, and in rings.
void Transaction::remove_all(std::span<Operation> operations, WriteResult& result) {
  std::vector<std::size_t> left;
  for (std::size_t i = 0; i < operations.size(); ++i)
    if (operations[i].action() == Action::remove) left.push_back(i);
  if (left.empty()) return;
  std::map<std::size_t, Error> refusals;
  for (bool progress = true; progress && !left.empty();) {
    std::vector<std::size_t> refused;
    refusals.clear();
    for (const std::size_t i : left) {
      try {
        result.effects[i] = apply(operations[i]);
      } catch (const Error& error) {
        if (error.kind() != ErrorKind::invalid && error.kind() != ErrorKind::conflict &&
            error.kind() != ErrorKind::not_found)
          throw;
        refused.push_back(i);
        refusals.emplace(i, error);
      }
    }
    progress = refused.size() < left.size();
    left.swap(refused);
  }
  if (left.empty()) return;
  // Rings: all of them at once, then asked whether anybody outside still refers to one.
  Database& db = connection_.db();
  db.execute("PRAGMA defer_foreign_keys=ON");
  for (const std::size_t i : left) result.effects[i] = apply(operations[i]);
  int open = 0, most = 0;
  sqlite3_db_status(db.get(), SQLITE_DBSTATUS_DEFERRED_FKS, &open, &most, 0);
  if (open != 0)
    for (const std::size_t i : left) result.failures.push_back(UnitFailure{operations[i].unit(), refusals.at(i)});
  else
    db.execute("PRAGMA defer_foreign_keys=OFF");
}

/// A reference to a row of this chunk that is not there yet: set when it is.
bool Transaction::is_ahead(const TargetTable& target, int column, const Cell& cell) const {
  const auto reference = std::find_if(target.references.begin(), target.references.end(),
                                      [column](const auto& each) { return each.first == column; });
  if (reference == target.references.end() || cell.kind != Cell::Kind::integer) return false;
  const auto parent = reserved_.find(reference->second);
  return parent != reserved_.end() && cell.integer > parent->second.last_inserted &&
         cell.integer < parent->second.next_id;
}

Effect Transaction::apply(Operation& operation) {
  TableAccess& table = connection_.table(operation.record().ref.type);
  switch (operation.action()) {
    case Action::create: return create(table, operation);
    case Action::update:
    case Action::patch:
      if (operation.target_id().is_null())
        throw Error(ErrorKind::not_found, "missing_record", "the row that is to be changed is not there");
      return change(table, operation);
    case Action::remove: return remove(table, operation.target_id());
  }
  return Effect::unchanged;
}

void Transaction::fill_key(TableAccess& table, Operation& operation, RowCells& row) {
  const TargetTable& target = table.table();
  if (target.key_is_reference) {
    if (row.cells[static_cast<std::size_t>(target.key[0])].is_null())
      throw Error(ErrorKind::not_found, "missing_reference",
                  fmt::format("column \"{}\" refers to nothing, and it is the natural key of table \"{}\"",
                              target.columns[static_cast<std::size_t>(target.key[0])].name, target.name));
    return;
  }
  bool lacks = false;
  for (int column : target.key) lacks = lacks || row.cells[static_cast<std::size_t>(column)].is_null();
  if (!lacks) return;
  const std::vector<Cell> key = table.key_cells(operation.record());
  for (std::size_t i = 0; i < target.key.size(); ++i) {
    const auto column = static_cast<std::size_t>(target.key[i]);
    row.cells[column] = key[i];
    row.present[column] = 1;
  }
}

Effect Transaction::create(TableAccess& table, Operation& operation) {
  const TargetTable& target = table.table();
  RowCells& row = table.encode(operation.record());
  fill_key(table, operation, row);
  const Value& address = operation.target_id();
  if (target.id >= 0) {
    Cell& id = row.cells[static_cast<std::size_t>(target.id)];
    id.kind = Cell::Kind::integer;
    if (!address.is_int64())
      throw Error(ErrorKind::invalid, "bad_value", fmt::format("the id {} is no integer", boost::json::serialize(address)));
    id.integer = address.get_int64();
  } else {
    for (std::size_t i = 0; i < target.flags.size(); ++i) {
      Cell& flag = row.cells[static_cast<std::size_t>(target.flags[i].column)];
      flag = table.flag(i, flag, address);
    }
  }
  table.check_not_null(row.cells);
  const std::uint64_t hash = hash_row(row.cells);
  const std::size_t later_before = later_.size();
  for (const auto& [column, type] : target.references) {
    Cell& cell = row.cells[static_cast<std::size_t>(column)];
    const bool own = type == target.type && address.is_int64() && cell.kind == Cell::Kind::integer &&
                     cell.integer == address.get_int64();
    if (own || !is_ahead(target, column, cell)) continue;
    later_.push_back(Later{&table, detached(address), column, cell.integer, operation.unit()});
    cell = Cell();
  }
  try {
    table.insert(row.cells);
  } catch (...) {
    later_.resize(later_before);
    throw;
  }
  if (target.id >= 0) {
    Reserved& reserved = reserved_[target.type];
    reserved.last_inserted = std::max(reserved.last_inserted, address.get_int64());
  }
  created_.add(target.type, address, hash);
  return Effect::created;
}

Effect Transaction::change(TableAccess& table, Operation& operation) {
  const TargetTable& target = table.table();
  const Value& address = operation.target_id();
  if (operation.data().empty()) return Effect::unchanged;
  if (!target.flags.empty()) index_flags();
  RowCells& row = table.encode(operation.record());
  if (operation.action() == Action::update) fill_key(table, operation, row);
  std::vector<Cell> now;
  if (!table.seek(address, now))
    throw Error(ErrorKind::not_found, "missing_record", "the row that is to be changed is not there");
  struct Release {
    TableAccess& table;
    ~Release() { table.release(); }
  };
  std::vector<int> changed;
  std::string image;
  {
    Release release{table};
    for (std::size_t i = 0; i < target.flags.size(); ++i) {
      const auto column = static_cast<std::size_t>(target.flags[i].column);
      if (row.present[column]) row.cells[column] = table.flag(i, row.cells[column], address);
    }
    for (std::size_t i = 0; i < row.cells.size(); ++i)
      if (row.present[i] && static_cast<int>(i) != target.id && !(row.cells[i] == now[i])) changed.push_back(static_cast<int>(i));
    if (changed.empty()) return Effect::unchanged;
    image = image_of(target, now, changed);
    for (int column : changed) now[static_cast<std::size_t>(column)] = row.cells[static_cast<std::size_t>(column)];
    table.check_not_null(now);
    const std::uint64_t hash = hash_row(now);
    keep_image(target, address, "update", image, hash);
  }
  std::erase_if(changed, [&](int column) {
    const Cell& cell = row.cells[static_cast<std::size_t>(column)];
    if (!is_ahead(target, column, cell)) return false;
    later_.push_back(Later{&table, detached(address), column, cell.integer, operation.unit()});
    return true;
  });
  if (!changed.empty()) table.update(address, changed, row.cells);
  return Effect::updated;
}

Effect Transaction::remove(TableAccess& table, const Value& address) {
  if (address.is_null()) return Effect::absent;
  const TargetTable& target = table.table();
  remove_dependents(target.type, address);
  std::vector<Cell> now;
  if (!table.seek(address, now)) return Effect::absent;
  std::vector<int> all;
  for (std::size_t i = 0; i < now.size(); ++i) all.push_back(static_cast<int>(i));
  const std::string image = image_of(target, now, all);
  table.release();
  table.remove(address);
  keep_image(target, address, "remove", image, std::nullopt);
  return Effect::removed;
}

/// Rows whose natural key is the removed row's id are part of it.
void Transaction::remove_dependents(const std::string& type, const Value& address) {
  for (const std::string& each : connection_.targets().types()) {
    const TargetTable* child = connection_.targets().find(each);
    if (!child || !child->key_is_reference || !address.is_int64()) continue;
    const TargetColumn& column = child->columns[static_cast<std::size_t>(child->key[0])];
    if (child->config.references.at(column.name) != type) continue;
    TableAccess& table = connection_.table(each);
    Cell key;
    key.kind = Cell::Kind::integer;
    key.integer = address.get_int64();
    remove(table, table.find({key}));
  }
}

void Transaction::write_later(WriteResult& result) {
  std::unordered_set<std::size_t> failed;
  for (const Later& later : later_) {
    std::vector<Cell> cells(later.table->table().columns.size());
    Cell& cell = cells[static_cast<std::size_t>(later.column)];
    cell.kind = Cell::Kind::integer;
    cell.integer = later.value;
    try {
      later.table->update(later.address, {later.column}, cells);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::not_found) throw;
      if (failed.insert(later.unit).second) result.failures.push_back(UnitFailure{later.unit, error});
    }
  }
  later_.clear();
}

void Transaction::keep_image(const TargetTable& table, const Value& address, const char* action,
                             const std::string& image, std::optional<std::uint64_t> hash) {
  Use use(keep_image_);
  const std::string where = boost::json::serialize(address);
  keep_image_.bind(1, std::string_view(chunk_));
  keep_image_.bind(2, images_++);
  keep_image_.bind(3, std::string_view(table.type));
  keep_image_.bind(4, std::string_view(where));
  keep_image_.bind(5, std::string_view(action));
  keep_image_.bind(6, std::string_view(image));
  if (hash) keep_image_.bind(7, static_cast<std::int64_t>(*hash));
  connection_.db().step(keep_image_);
}

void Transaction::index_flags() {
  if (sink_.indexed_ || !sink_.config_.create) return;
  for (const std::string& type : connection_.targets().types())
    if (connection_.targets().find(type))
      for (const std::string& sql : connection_.targets().index_sql(type)) connection_.db().execute(sql);
  sink_.indexed_ = true;
}

void Transaction::commit_now(const Value& receipt) {
  sink_.services_.reach("sqlite.commit before");
  Database& db = connection_.db();
  const std::string text = boost::json::serialize(receipt), rows = created_.addresses(), hashes = created_.hashes();
  {
    Statement insert = db.prepare(
        "INSERT INTO _migrate_journal SELECT ?1, coalesce(max(seq), 0) + 1, ?2, ?3, ?4 FROM _migrate_journal");
    insert.bind(1, std::string_view(chunk_));
    insert.bind(2, std::string_view(text));
    insert.bind(3, std::string_view(rows));
    sqlite3_bind_blob64(insert.get(), 4, hashes.data(), hashes.size(), SQLITE_STATIC);
    db.step(insert);
  }
  // The store knows what the stream's earlier receipts said: only the newest can still be asked for.
  const std::string stream = chunk_.substr(0, chunk_.rfind('/') + 1);
  const auto last = sink_.last_chunks_.find(stream);
  Statement clear = db.prepare(last != sink_.last_chunks_.end()
                                   ? "UPDATE _migrate_journal SET receipt=NULL WHERE chunk=?2 AND ?1<>?2"
                                   : "UPDATE _migrate_journal SET receipt=NULL WHERE chunk>=?2 AND chunk<?3 "
                                     "AND chunk<>?1 AND receipt IS NOT NULL");
  std::string end = stream;
  if (!end.empty()) ++end.back();
  clear.bind(1, std::string_view(chunk_));
  clear.bind(2, std::string_view(last != sink_.last_chunks_.end() ? last->second : stream));
  if (last == sink_.last_chunks_.end()) clear.bind(3, std::string_view(end));
  db.step(clear);
  db.execute("COMMIT");
  open_ = false;
  sink_.last_chunks_[stream] = chunk_;
  sink_.services_.reach("sqlite.commit after");
}

}  // namespace migrate::sqlite
