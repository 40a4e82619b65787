#include "sink.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <unordered_map>

#include "transaction.hpp"
#include "values.hpp"
#include "migrate/json.hpp"

namespace migrate::postgres {

PostgresSink::PostgresSink(SinkConfig config, const Services& services)
    : config_(std::move(config)),
      services_(services),
      journal_(config_.schema),
      pool_(std::make_shared<Pool>(config_.dsn, services)) {
  for (auto& [type, table] : config_.tables) {
    if (table.table.empty()) table.table = type;
  }
  tables_ = config_.tables;
  types_ = dependency_order(tables_);
}

PostgresSink::~PostgresSink() {
  if (statistics_) (*statistics_)->settle();
}

SinkTraits PostgresSink::traits() const {
  SinkTraits traits;
  traits.preferred_batch = 10'000;
  traits.max_in_flight = static_cast<std::size_t>(config_.connections);
  traits.undoes = traits.verifies = traits.links = true;
  return traits;
}

std::vector<std::string> PostgresSink::types() const {
  const std::scoped_lock lock(mutex_);
  return types_;
}

std::vector<std::string> PostgresSink::key_columns(const std::string& type) const {
  const std::scoped_lock lock(mutex_);
  if (const auto found = tables_.find(type); found != tables_.end() && !found->second.key.empty()) {
    return found->second.key;
  }
  std::vector<std::string> names;
  if (const auto found = targets_.find(type); found != targets_.end()) {
    for (const int column : found->second->key) names.push_back(found->second->column(column).name);
  }
  return names;
}

std::map<std::string, SinkTable> PostgresSink::tables() const {
  const std::scoped_lock lock(mutex_);
  return tables_;
}

std::size_t PostgresSink::rank(const std::string& type) const {
  const std::scoped_lock lock(mutex_);
  return static_cast<std::size_t>(std::find(types_.begin(), types_.end(), type) - types_.begin());
}

std::string PostgresSink::exchange_last_chunk(const std::string& chunk) {
  const std::scoped_lock lock(mutex_);
  return std::exchange(last_chunks_[partition_of(chunk)], chunk);
}

std::shared_ptr<const Target> PostgresSink::target(Connection& connection, const std::string& type) {
  {
    const std::scoped_lock lock(mutex_);
    if (const auto found = targets_.find(type); found != targets_.end()) return found->second;
  }
  std::shared_ptr<const Target> made = load(connection, type);
  const std::scoped_lock lock(mutex_);
  return targets_.emplace(type, std::move(made)).first->second;
}

std::shared_ptr<const Target> PostgresSink::target_if_there(Connection& connection, const std::string& type) {
  try {
    return target(connection, type);
  } catch (const Error& error) {
    if (error.cause == "missing_table" && config_.create) return nullptr;
    throw;
  }
}

std::shared_ptr<Target> PostgresSink::load(Connection& connection, const std::string& type) {
  auto made = std::make_shared<Target>();
  made->type = type;
  const std::map<std::string, SinkTable> all = tables();
  if (const auto found = all.find(type); found != all.end()) {
    made->config = found->second;
  } else if (!config_.tables.empty()) {
    std::vector<std::string> known;
    for (const auto& [name, table] : all) known.push_back(name);
    throw Error(ErrorKind::not_found, "unknown_type",
                fmt::format("The sink has no table for records of type \"{}\".{}", type, did_you_mean(type, known)))
        .with_advice("Describe it under the sink's `tables`.");
  } else {
    made->config.table = type;
  }
  const SinkTable& config = made->config;
  std::optional<CatalogTable> table = load_table(connection, config_.schema, config.table);
  if (!table) throw missing_table(connection, config_.schema, config.table);
  made->table = std::move(*table);
  for (const auto& [column, word] : config.columns) made->table.at(column, "the sink's `columns`");
  if (!config.id.empty()) {
    made->id = made->table.at(config.id, "the sink's `id`");
    if (made->column(made->id).kind != Kind::integer) {
      throw Error(ErrorKind::unsupported, "id_type",
                  fmt::format("Column {}.{} is {}: ids are generated for integer columns only", made->table.qualified,
                              config.id, made->column(made->id).type))
          .with_advice("Leave `id` out and let the key be carried over.");
    }
    made->sequence = sequence_of(connection, made->table, config.id);
  }
  for (const std::string& column : config.key.empty() ? made->table.primary_key : config.key) {
    made->key.push_back(made->table.at(column, "the sink's `key`"));
  }
  made->integer_key = made->key.size() == 1 && made->column(made->key[0]).kind == Kind::integer;
  if (!made->key.empty()) made->key_indexed = is_indexed(connection, made->table, made->column(made->key[0]).name);
  if (made->key.size() == 1) {
    const auto link = config.references.find(made->column(made->key[0]).name);
    made->key_is_link = link != config.references.end();
    if (made->key_is_link) made->key_link_type = link->second;
  }
  add_flags(connection, *made);
  return made;
}

void PostgresSink::add_flags(Connection& connection, Target& made) {
  const std::map<std::string, SinkTable> all = tables();
  for (const auto& [column, rule] : made.config.flags_from) {
    Flag flag;
    flag.column = made.table.at(column, "`flags_from`");
    const auto other = all.find(rule.table);
    const std::string name = other == all.end() ? rule.table : other->second.table;
    const std::optional<CatalogTable> table = load_table(connection, config_.schema, name);
    // Not created yet: prepare() loads every table once more when all are there.
    if (!table) continue;
    std::vector<std::string> conditions;
    const std::vector<int> identity = made.identity();
    conditions.push_back(
        fmt::format("x.{} = t.{}", table->columns[static_cast<std::size_t>(table->at(rule.by, "`flags_from`"))].quoted,
                    made.column(identity.empty() ? 0 : identity[0]).quoted));
    for (const auto& [field, value] : rule.where) {
      conditions.push_back(fmt::format(
          "x.{}::text = {}", table->columns[static_cast<std::size_t>(table->at(field, "`flags_from`"))].quoted,
          literal(value)));
    }
    flag.exists = fmt::format("EXISTS (SELECT 1 FROM {} x WHERE {})", table->qualified, fmt::join(conditions, " AND "));
    made.flags.push_back(std::move(flag));
  }
}

void PostgresSink::check_table(Connection& connection, const std::string& type, const SinkTable& table,
                               std::vector<Check>& out) {
  const std::string name = "target table " + table.table;
  try {
    if (!load_table(connection, config_.schema, table.table)) {
      if (!config_.create) throw missing_table(connection, config_.schema, table.table);
      out.push_back({name, true, "will be created", ""});
      return;
    }
    const auto made = load(connection, type);
    const Parameters names{made->table.qualified};
    if (!connection
             .run("SELECT has_table_privilege($1, 'SELECT') AND has_table_privilege($1, 'INSERT') "
                  "AND has_table_privilege($1, 'UPDATE') AND has_table_privilege($1, 'DELETE')",
                  names)
             .truth(0, 0)) {
      throw Error(ErrorKind::unauthorized, "missing_right", "The user lacks rights on " + made->table.qualified)
          .with_advice("GRANT SELECT, INSERT, UPDATE, DELETE on it.");
    }
    out.push_back({name, true, "there", ""});
  } catch (const Error& error) {
    out.push_back({name, false, error.what(), error.advice});
  }
}

std::vector<Check> PostgresSink::check_all(Connection& connection) {
  std::vector<Check> checks;
  try {
    connection.open();
  } catch (const Error& error) {
    checks.push_back({"target reachable", false, error.what(), error.advice});
    return checks;
  }
  checks.push_back({"target reachable", true, connection.describe(), ""});
  const Parameters schema{config_.schema};
  if (!schema_exists(connection, config_.schema)) {
    const bool may = connection.run("SELECT has_database_privilege(current_database(), 'CREATE')").truth(0, 0);
    checks.push_back({"target schema", config_.create && may,
                      fmt::format("There is no schema \"{}\"{}", config_.schema, config_.create && may ? " yet" : ""),
                      config_.create && may ? "" : "Create it, or name another `schema`."});
    return checks;
  }
  const bool may = connection.run("SELECT has_schema_privilege($1, 'CREATE')", schema).truth(0, 0);
  const bool journal = journal_.exists(connection);
  checks.push_back({"target schema", may || journal, may ? "tables can be created" : "no right to create tables",
                    may || journal ? ""
                                   : fmt::format("GRANT CREATE ON SCHEMA {} to the user: the journal of the "
                                                 "migration is kept there.",
                                                 quote_name(config_.schema))});
  adopt_tables(connection);
  for (const auto& [type, table] : tables()) check_table(connection, type, table, checks);
  return checks;
}

void PostgresSink::adopt_tables(Connection& connection) {
  if (!config_.tables.empty() || !types().empty()) return;
  for (const std::string& name : table_names(connection, config_.schema)) {
    if (name.starts_with("_migrate_")) continue;
    const std::optional<CatalogTable> table = load_table(connection, config_.schema, name);
    if (!table) continue;
    SinkTable described;
    described.table = name;
    described.key = table->primary_key;
    const std::scoped_lock lock(mutex_);
    tables_.emplace(name, std::move(described));
    types_.push_back(name);
  }
}

awaitable<std::vector<Check>> PostgresSink::check() {
  auto work = [&] { return check_all(*Pool::borrow(pool_)); };
  co_return co_await on_pool(services_, work);
}

awaitable<void> PostgresSink::prepare(std::vector<TableSchema> schemas) {
  auto work = [&] { create_schema_objects(*Pool::borrow(pool_), schemas); };
  co_await on_pool(services_, work);
}

awaitable<void> PostgresSink::finish() {
  auto work = [&] {
    const Pool::Lease connection = Pool::borrow(pool_);
    add_foreign_keys(*connection);
    std::string names;
    for (const auto& [type, table] : tables())
      names += (names.empty() ? "" : ", ") + target(*connection, type)->table.qualified;
    if (names.empty()) return;
    services_.reach("postgres.analyze before");
    if (!statistics_) statistics_.emplace(Pool::borrow(pool_));
    (*statistics_)->settle();
    (*statistics_)->start("ANALYZE " + names);
  };
  co_await on_pool(services_, work);
}

awaitable<std::optional<Value>> PostgresSink::receipt(std::string chunk) {
  auto work = [&]() -> std::optional<Value> {
    const Pool::Lease connection = Pool::borrow(pool_);
    if (!journal_.exists(*connection)) return std::nullopt;
    const Parameters name{chunk};
    const Result found = connection->run("SELECT receipt FROM " + journal_.chunks + " WHERE chunk = $1", name);
    if (found.rows() == 0) return std::nullopt;
    if (found.null(0, 0)) return Value(nullptr);
    return parse_json(found.text(0, 0));
  };
  co_return co_await on_pool(services_, work);
}

awaitable<std::unique_ptr<TableTransaction>> PostgresSink::begin(std::string chunk) {
  auto work = [&]() -> std::unique_ptr<TableTransaction> {
    {
      // A walk sees the table as it was when it began.
      const std::scoped_lock lock(walk_mutex_);
      walk_.reset();
    }
    return std::make_unique<Transaction>(shared_from_this(), Pool::borrow(pool_), chunk);
  };
  co_return co_await on_pool(services_, work);
}

std::vector<Value> PostgresSink::look_up(Connection& connection, const Target& target,
                                         const std::vector<std::string>& keys) {
  std::vector<Value> ids(keys.size());
  if (keys.empty() || target.key.empty()) return ids;
  std::vector<std::vector<std::string>> parts(target.key.size());
  std::unordered_multimap<std::string_view, std::size_t> places;
  places.reserve(keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    std::vector<std::string> key = parts.size() == 1 ? std::vector<std::string>{keys[i]} : split_key(keys[i]);
    // What is no integer cannot be among the keys, and must not fail the look-up of the others.
    if (key.size() != parts.size() || (target.integer_key && !target.id_value(key[0]).is_int64())) continue;
    places.emplace(keys[i], i);
    for (std::size_t j = 0; j < key.size(); ++j) parts[j].push_back(std::move(key[j]));
  }
  Parameters parameters;
  std::vector<std::string> arrays;
  for (std::size_t j = 0; j < parts.size(); ++j) {
    parameters.emplace_back(text_array(parts[j]));
    arrays.push_back(fmt::format("${}::{}[]", j + 1, target.column(target.key[j]).type));
  }
  const std::string where =
      parts.size() == 1 ? fmt::format("{} = ANY({})", target.column_sql("t", target.key[0]), arrays[0])
                        : fmt::format("({}) IN (SELECT * FROM unnest({}))", target.key_list(), fmt::join(arrays, ", "));
  const Result rows = connection.run(fmt::format("SELECT {}, {} FROM {} t WHERE {}", target.key_sql("t"),
                                                 target.identity_sql("t"), target.table.qualified, where),
                                     parameters);
  for (int row = 0; row < rows.rows(); ++row) {
    const auto [first, last] = places.equal_range(rows.text(row, 0));
    for (auto place = first; place != last; ++place) ids[place->second] = target.id_value(rows.text(row, 1));
  }
  return ids;
}

awaitable<std::vector<Value>> PostgresSink::find(std::string type, std::vector<std::string> keys) {
  auto work = [&] {
    const Pool::Lease connection = Pool::borrow(pool_);
    const auto table = target_if_there(*connection, type);
    return table ? look_up(*connection, *table, keys) : std::vector<Value>(keys.size());
  };
  co_return co_await on_pool(services_, work);
}

std::vector<TargetRow> PostgresSink::list_rows(Connection& connection, const std::string& type,
                                               const std::string& after, std::size_t limit, bool with_data) {
  const auto table = target_if_there(connection, type);
  if (!table || table->key.empty()) return {};
  if (!table->key_indexed) return walk_on(*table, after, limit, with_data);
  Parameters parameters;
  std::vector<std::string> conditions;
  for (const int index : table->key) conditions.push_back(table->column_sql("t", index) + " IS NOT NULL");
  if (!after.empty()) {
    std::vector<std::string> marks;
    for (std::string& part : table->key.size() == 1 ? std::vector<std::string>{after} : split_key(after)) {
      parameters.emplace_back(std::move(part));
      marks.push_back(fmt::format("${}", parameters.size()));
    }
    conditions.push_back(fmt::format("({}) > ({})", table->key_list(), fmt::join(marks, ", ")));
  }
  const Result rows =
      connection.run(fmt::format("SELECT {}, {}{} FROM {} t WHERE {} ORDER BY {} LIMIT {}", table->key_sql("t"),
                                 table->identity_sql("t"), with_data ? ", t.*" : "", table->table.qualified,
                                 fmt::join(conditions, " AND "), table->key_list(), limit),
                     parameters);
  return decode_rows(connection, *table, rows, with_data);
}

std::vector<TargetRow> PostgresSink::decode_rows(const Connection& connection, const Target& target, const Result& rows,
                                                 bool with_data) {
  std::vector<TargetRow> out;
  out.reserve(static_cast<std::size_t>(rows.rows()));
  for (int row = 0; row < rows.rows(); ++row) {
    TargetRow& each = out.emplace_back();
    each.key = rows.str(row, 0);
    each.id = target.id_value(rows.text(row, 1));
    if (!with_data) continue;
    Object data;
    for (int column = 2; column < rows.columns(); ++column) {
      const CatalogColumn& about = target.column(column - 2);
      data.emplace(about.name, rows.null(row, column)
                                   ? Value(nullptr)
                                   : decode(about.kind, rows.text(row, column), connection.raw_bytes(), {}));
    }
    each.data = std::move(data);
  }
  return out;
}

std::vector<TargetRow> PostgresSink::walk_on(const Target& target, const std::string& after, std::size_t limit,
                                             bool with_data) {
  const std::scoped_lock lock(walk_mutex_);
  const auto is_this = [&](const Walk& walk) {
    return walk.type == target.type && walk.last == after && walk.limit == limit && walk.with_data == with_data;
  };
  if (after.empty()) {
    begin_walk(target, limit, with_data);
  } else if (!walk_ || !is_this(*walk_)) {
    // Sorting could go on from any key, and would keep everybody waiting who only wants to see the rows once.
    throw Error(ErrorKind::conflict, "listing_interrupted",
                fmt::format("the rows of {} have no index on their key ({}) and can only be listed from the start, page "
                            "after page",
                            target.table.qualified, target.key_list()))
        .with_advice("Ask for the list again.");
  }
  Connection& db = *walk_->connection;
  std::vector<TargetRow> out;
  try {
    const Result rows = db.finish();
    // The server prepares the page behind this one.
    if (rows.rows() > 0) db.start(walk_->fetch);
    out = decode_rows(db, target, rows, with_data);
  } catch (...) {
    walk_.reset();
    throw;
  }
  if (out.empty())
    walk_.reset();
  else
    walk_->last = out.back().key;
  return out;
}

void PostgresSink::begin_walk(const Target& target, std::size_t limit, bool with_data) {
  walk_.reset();
  Walk walk{Pool::borrow(pool_), target.type, "", fmt::format("FETCH {} FROM walk", limit), limit, with_data};
  std::vector<std::string> there;
  for (const int index : target.key) there.push_back(target.column_sql("t", index) + " IS NOT NULL");
  walk.connection->run("BEGIN READ ONLY");
  walk.connection->run(fmt::format("DECLARE walk NO SCROLL CURSOR FOR SELECT {}, {}{} FROM {} t WHERE {}",
                                   target.key_sql("t"), target.identity_sql("t"), with_data ? ", t.*" : "",
                                   target.table.qualified, fmt::join(there, " AND ")));
  walk.connection->start(walk.fetch);
  walk_.emplace(std::move(walk));
}

bool PostgresSink::may_hold(Connection& connection, const Target& target, std::int64_t least, std::int64_t most) {
  // Held during the question, asked once a table: what others commit meanwhile is added behind it.
  const std::scoped_lock lock(mutex_);
  const auto [spans, fresh] = spans_.try_emplace(target.type);
  if (fresh) {
    try {
      const Result found = connection.run(
          fmt::format("SELECT min({0}), max({0}) FROM {1} t", target.key_list(), target.table.qualified));
      if (!found.null(0, 0)) spans->second.add(found.integer(0, 0), found.integer(0, 1));
    } catch (...) {
      spans_.erase(spans);
      throw;
    }
  }
  return spans->second.touches(least, most);
}

void PostgresSink::add_span(const std::string& type, std::int64_t least, std::int64_t most) {
  const std::scoped_lock lock(mutex_);
  if (const auto found = spans_.find(type); found != spans_.end()) found->second.add(least, most);
}

void PostgresSink::forget_spans() {
  const std::scoped_lock lock(mutex_);
  spans_.clear();
}

awaitable<std::vector<TargetRow>> PostgresSink::list(std::string type, std::string after, std::size_t limit,
                                                     bool with_data) {
  auto work = [&] { return list_rows(*Pool::borrow(pool_), type, after, limit, with_data); };
  co_return co_await on_pool(services_, work);
}

awaitable<std::vector<std::string>> PostgresSink::keys(std::string type, KeyRange range) {
  auto work = [&] {
    const Pool::Lease connection = Pool::borrow(pool_);
    const auto table = target_if_there(*connection, type);
    if (!table) return std::vector<std::string>();
    if (!table->integer_key) {
      throw Error(ErrorKind::unsupported, fmt::format("The key of {} is no integer", table->table.qualified));
    }
    const std::string key = table->key_list();
    std::string where = key + " IS NOT NULL";
    if (range.after) where += fmt::format(" AND {} > {}", key, *range.after);
    if (range.through) where += fmt::format(" AND {} <= {}", key, *range.through);
    const Result rows = connection->run(
        fmt::format("SELECT {0} FROM {1} t WHERE {2} ORDER BY {0}", key, table->table.qualified, where));
    std::vector<std::string> keys;
    keys.reserve(static_cast<std::size_t>(rows.rows()));
    for (int row = 0; row < rows.rows(); ++row) keys.push_back(rows.str(row, 0));
    return keys;
  };
  co_return co_await on_pool(services_, work);
}

awaitable<std::uint64_t> PostgresSink::count(std::string type) {
  auto work = [&] {
    const Pool::Lease connection = Pool::borrow(pool_);
    const auto table = target_if_there(*connection, type);
    if (!table) return std::uint64_t{0};
    const std::string what = table->key.empty() ? "*" : table->column(table->key[0]).quoted;
    const Result rows = connection->run(fmt::format("SELECT count({}) FROM {}", what, table->table.qualified));
    return static_cast<std::uint64_t>(rows.integer(0, 0));
  };
  co_return co_await on_pool(services_, work);
}

/// The number that the server has had since it was set up goes with it to another address; where the account may not
/// read it, the address stands in.
awaitable<TargetIdentity> PostgresSink::identity() {
  auto work = [&] {
    const Pool::Lease connection = Pool::borrow(pool_);
    std::string server;
    if (connection->run("SELECT has_function_privilege('pg_control_system()', 'execute')").truth(0, 0))
      server = connection->run("SELECT system_identifier FROM pg_control_system()").str(0, 0);
    else
      server = connection->run("SELECT coalesce(host(inet_server_addr()), 'local') || ':' || current_setting('port')")
                   .str(0, 0);
    const std::string database = connection->run("SELECT current_database()").str(0, 0);
    TargetIdentity identity;
    identity.id = fmt::format("postgres {} {} {}", server, quote_name(database), quote_name(config_.schema));
    identity.shown = fmt::format("the schema {} of {}", config_.schema, connection->describe());
    return identity;
  };
  co_return co_await on_pool(services_, work);
}

awaitable<std::vector<std::string>> PostgresSink::chunks(std::string prefix) {
  auto work = [&] {
    const Pool::Lease connection = Pool::borrow(pool_);
    std::vector<std::string> names;
    if (!journal_.exists(*connection)) return names;
    const Result rows = connection->run(fmt::format("SELECT chunk FROM {} WHERE NOT undoing AND {} ORDER BY seq DESC",
                                                    journal_.chunks, starts_with_sql("chunk", prefix)));
    for (int row = 0; row < rows.rows(); ++row) names.push_back(rows.str(row, 0));
    return names;
  };
  co_return co_await on_pool(services_, work);
}

awaitable<UndoResult> PostgresSink::undo(std::string chunk) {
  auto work = [&] { return undo_chunk(*this, *Pool::borrow(pool_), chunk); };
  co_return co_await on_pool(services_, work);
}

awaitable<std::vector<Finding>> PostgresSink::verify(std::span<Operation> operations) {
  auto work = [&] { return verify_on(Pool::borrow(pool_), operations); };
  co_return co_await on_pool(services_, work);
}

awaitable<std::vector<Finding>> PostgresSink::preview(std::span<Operation> operations) {
  auto work = [&] { return preview_on(Pool::borrow(pool_), operations); };
  co_return co_await on_pool(services_, work);
}

std::shared_ptr<Sink> make_sink(SinkConfig config, const Services& services) {
  return std::make_shared<PostgresSink>(std::move(config), services);
}

}  // namespace migrate::postgres
