#include "sink.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>

#include "transaction.hpp"
#include "values.hpp"
#include "migrate/json.hpp"

namespace migrate::sqlite {

namespace fs = std::filesystem;

namespace {

/// Names that begin with `prefix` are those from `prefix` up to, not including, this.
std::string after_prefix(std::string prefix) {
  while (!prefix.empty() && prefix.back() == '\xFF') prefix.pop_back();
  if (!prefix.empty()) ++prefix.back();
  return prefix;
}

}  // namespace

SqliteSink::SqliteSink(SinkConfig config, Services services)
    : config_(std::move(config)), services_(std::move(services)) {}
SqliteSink::~SqliteSink() = default;

SinkTraits SqliteSink::traits() const {
  SinkTraits traits;
  traits.preferred_batch = 10'000;
  traits.max_in_flight = 1;
  traits.undoes = traits.verifies = traits.links = true;
  return traits;
}

Connection* SqliteSink::reader() {
  if (!reader_) {
    if (!fs::exists(config_.path)) return nullptr;
    auto made = std::make_unique<Connection>(config_, Access::read);
    made->describe(config_, schemas_);
    reader_ = std::move(made);
  }
  return reader_.get();
}

Connection& SqliteSink::writer() {
  if (!writer_) {
    auto made = std::make_unique<Connection>(config_, Access::write);
    made->describe(config_, schemas_);
    writer_ = std::move(made);
  }
  return *writer_;
}

awaitable<TargetIdentity> SqliteSink::identity() {
  co_return TargetIdentity::of_path("sqlite", "SQLite file", config_.path);
}

awaitable<void> SqliteSink::prepare(std::vector<TableSchema> schemas) {
  auto work = [&] { prepare_now(std::move(schemas)); };
  co_await on_pool(services_, work);
}

void SqliteSink::prepare_now(std::vector<TableSchema> schemas) {
  std::scoped_lock guard(reading_);
  schemas_ = std::move(schemas);
  reader_.reset();
  writer_.reset();
  services_.reach("sqlite.prepare before");
  const bool fresh = !fs::exists(config_.path) || fs::file_size(config_.path) == 0;
  auto made = std::make_unique<Connection>(config_, config_.create ? Access::create : Access::write);
  Database& db = made->db();
  // Before the first page is written; an existing file keeps the mode that its owner has chosen.
  if (fresh) db.execute("PRAGMA journal_mode=WAL");
  db.execute("BEGIN IMMEDIATE");
  made->describe(config_, schemas_);
  const std::vector<std::string> absent = made->targets().absent();
  if (!absent.empty() && !config_.create) {
    const std::string table = made->targets().wanted(absent.front()).table;
    throw Error(ErrorKind::not_found, "missing_table",
                fmt::format("{} has no table \"{}\", and `create` is off", config_.path.string(), table))
        .with_advice("Create the table, or set `create: true`.");
  }
  for (const std::string& type : absent) db.execute(made->targets().create_sql(type));
  create_journal(db);
  db.execute("COMMIT");
  services_.reach("sqlite.prepare after");
  made->describe(config_, schemas_);
  remember(made->targets());
  writer_ = std::move(made);
}

awaitable<void> SqliteSink::finish() {
  auto work = [&] {
    if (!writer_) return;
    writer_->db().execute("PRAGMA optimize");
    // Whoever copies the file alone afterwards has everything.
    writer_->db().number("PRAGMA wal_checkpoint(TRUNCATE)");
  };
  co_await on_pool(services_, work);
}

void SqliteSink::remember(const Targets& targets) {
  types_ = targets.types();
  for (const std::string& type : types_) keys_[type] = targets.wanted(type).key;
}

std::vector<std::string> SqliteSink::types() const {
  return types_.empty() ? dependency_order(config_.tables) : types_;
}

std::vector<std::string> SqliteSink::key_columns(const std::string& type) const {
  const auto found = keys_.find(type);
  if (found != keys_.end()) return found->second;
  const auto table = config_.tables.find(type);
  return table == config_.tables.end() ? std::vector<std::string>() : table->second.key;
}

awaitable<std::optional<Value>> SqliteSink::receipt(std::string chunk) {
  auto work = [&]() -> std::optional<Value> {
    std::scoped_lock guard(reading_);
    Connection* connection = reader();
    if (!connection || !has_journal(connection->db())) return std::nullopt;
    Statement select = connection->db().prepare("SELECT receipt FROM _migrate_journal WHERE chunk=?");
    select.bind(1, std::string_view(chunk));
    if (!connection->db().step(select)) return std::nullopt;
    if (select.type(0) == SQLITE_NULL) return Value(nullptr);
    boost::json::parse_options options;
    options.allow_invalid_utf8 = true;
    options.max_depth = 1024;
    return parse_json(select.text(0), boost::json::storage_ptr(), options);
  };
  co_return co_await on_pool(services_, work);
}

awaitable<std::unique_ptr<TableTransaction>> SqliteSink::begin(std::string chunk) {
  auto work = [&]() -> std::unique_ptr<TableTransaction> {
    Connection& connection = writer();
    if (!has_journal(connection.db())) create_journal(connection.db());
    return std::make_unique<Transaction>(*this, connection, chunk);
  };
  co_return co_await on_pool(services_, work);
}

awaitable<std::vector<Value>> SqliteSink::find(std::string type, std::vector<std::string> keys) {
  auto work = [&] {
    std::scoped_lock guard(reading_);
    std::vector<Value> ids(keys.size());
    Connection* connection = reader();
    TableAccess* table = connection ? connection->find(type) : nullptr;
    if (!table) return ids;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const std::vector<Cell> key = table->key_cells(std::string_view(keys[i]));
      ids[i] = table->find(key);
    }
    return ids;
  };
  co_return co_await on_pool(services_, work);
}

awaitable<std::vector<TargetRow>> SqliteSink::list(std::string type, std::string after, std::size_t limit,
                                                   bool with_data) {
  auto work = [&] { return list_now(type, after, limit, with_data); };
  co_return co_await on_pool(services_, work);
}

std::vector<TargetRow> SqliteSink::list_now(const std::string& type, const std::string& after, std::size_t limit,
                                            bool with_data) {
  std::scoped_lock guard(reading_);
  std::vector<TargetRow> rows;
  Connection* connection = reader();
  TableAccess* access = connection ? connection->find(type) : nullptr;
  if (!access) return rows;
  const TargetTable& table = access->table();
  std::vector<std::string> key;
  for (int column : table.key) key.push_back(sql_name(table.columns[static_cast<std::size_t>(column)].name));
  const std::string keys = fmt::format("({})", fmt::join(key, ","));
  std::string marks = "?";
  for (std::size_t i = 1; i < key.size(); ++i) marks += ",?";
  std::vector<std::string> conditions;
  for (const std::string& name : key) conditions.push_back(name + " IS NOT NULL");
  if (!after.empty()) conditions.push_back(fmt::format("{}>({})", keys, marks));
  Statement select =
      connection->db().prepare(fmt::format("SELECT {} FROM {} WHERE {} ORDER BY {} LIMIT ?", table.column_list(),
                                           sql_name(table.name), fmt::join(conditions, " AND "), fmt::join(key, ",")));
  int index = 1;
  if (!after.empty())
    for (const Cell& cell : access->key_cells(std::string_view(after))) bind(select.get(), index++, cell);
  select.bind(index, static_cast<std::int64_t>(limit));
  while (connection->db().step(select)) {
    TargetRow row;
    std::vector<std::string> parts;
    for (int column : table.key) parts.push_back(key_text(select.get(), column));
    row.key = join_key(parts);
    if (table.id >= 0)
      row.id = value_of(cell_of(select.get(), table.id));
    else
      row.id = key.size() == 1 ? value_of(cell_of(select.get(), table.key[0])) : Value(row.key);
    if (with_data) {
      Object& data = row.data.emplace_object();
      for (std::size_t i = 0; i < table.columns.size(); ++i)
        data.emplace(table.columns[i].name, value_of(cell_of(select.get(), static_cast<int>(i))));
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

awaitable<std::vector<std::string>> SqliteSink::keys(std::string type, KeyRange range) {
  auto work = [&] {
    std::scoped_lock guard(reading_);
    std::vector<std::string> keys;
    Connection* connection = reader();
    TableAccess* access = connection ? connection->find(type) : nullptr;
    if (!access || !access->table().integer_key) return keys;
    const TargetTable& table = access->table();
    const std::string key = sql_name(table.columns[static_cast<std::size_t>(table.key[0])].name);
    std::vector<std::string> conditions{fmt::format("typeof({})='integer'", key)};
    if (range.after) conditions.push_back(fmt::format("{}>{}", key, *range.after));
    if (range.through) conditions.push_back(fmt::format("{}<={}", key, *range.through));
    keys = connection->db().words(fmt::format("SELECT {} FROM {} WHERE {} ORDER BY {}", key, sql_name(table.name),
                                              fmt::join(conditions, " AND "), key));
    return keys;
  };
  co_return co_await on_pool(services_, work);
}

awaitable<std::uint64_t> SqliteSink::count(std::string type) {
  auto work = [&]() -> std::uint64_t {
    std::scoped_lock guard(reading_);
    Connection* connection = reader();
    TableAccess* access = connection ? connection->find(type) : nullptr;
    if (!access) return 0;
    return static_cast<std::uint64_t>(
        connection->db().number("SELECT count(*) FROM " + sql_name(access->table().name)).value_or(0));
  };
  co_return co_await on_pool(services_, work);
}

awaitable<std::vector<std::string>> SqliteSink::chunks(std::string prefix) {
  auto work = [&] {
    std::scoped_lock guard(reading_);
    std::vector<std::string> found;
    Connection* connection = reader();
    if (!connection || !has_journal(connection->db())) return found;
    const std::string end = after_prefix(prefix);
    Statement select = connection->db().prepare(
        "SELECT chunk FROM _migrate_journal WHERE chunk>=?1 AND (?2='' OR chunk<?2) ORDER BY seq DESC");
    select.bind(1, std::string_view(prefix));
    select.bind(2, std::string_view(end));
    while (connection->db().step(select)) found.emplace_back(select.text(0));
    return found;
  };
  co_return co_await on_pool(services_, work);
}

awaitable<UndoResult> SqliteSink::undo(std::string chunk) {
  auto work = [&] {
    UndoResult result;
    if (!fs::exists(config_.path)) return result;
    Connection& connection = writer();
    if (!has_journal(connection.db())) return result;
    services_.reach("sqlite.undo before");
    connection.db().execute("BEGIN IMMEDIATE");
    try {
      result = undo_chunk(connection, chunk);
      connection.db().execute("COMMIT");
    } catch (...) {
      sqlite3_exec(connection.db().get(), "ROLLBACK", nullptr, nullptr, nullptr);
      throw;
    }
    services_.reach("sqlite.undo after");
    return result;
  };
  co_return co_await on_pool(services_, work);
}

awaitable<std::vector<Check>> SqliteSink::check() {
  auto work = [&] { return check_now(); };
  co_return co_await on_pool(services_, work);
}

std::vector<Check> SqliteSink::check_now() {
  std::vector<Check> checks;
  const std::string path = config_.path.string();
  try {
    if (!fs::exists(config_.path)) {
      const fs::path folder = config_.path.has_parent_path() ? config_.path.parent_path() : fs::path(".");
      if (!config_.create)
        throw Error(ErrorKind::not_found, fmt::format("{} does not exist, and `create` is off", path))
            .with_advice("Create the file, or set `create: true`.");
      if (!fs::is_directory(folder))
        throw Error(ErrorKind::not_found, fmt::format("{}: the folder {} does not exist", path, folder.string()))
            .with_advice("Create the folder, or correct `path`.");
      checks.push_back(Check{"target file", true, fmt::format("{} will be created", path), ""});
      return checks;
    }
    Connection connection(config_, Access::write);
    connection.db().execute("BEGIN IMMEDIATE; ROLLBACK");
    checks.push_back(Check{"target file", true, fmt::format("{} can be written", path), ""});
    const Targets targets(connection.db(), config_, schemas_);
    remember(targets);
    for (const std::string& type : targets.types()) {
      const bool there = targets.find(type) != nullptr;
      if (!there && !config_.create)
        throw Error(ErrorKind::not_found,
                    fmt::format("{} has no table \"{}\", and `create` is off", path, targets.wanted(type).table))
            .with_advice("Create the table, or set `create: true`.");
      if (config_.tables.empty()) continue;
      checks.push_back(Check{fmt::format("target table {}", targets.wanted(type).table), true,
                             there ? "is there" : "will be created", ""});
    }
  } catch (const Error& error) {
    checks.push_back(Check{checks.empty() ? "target file" : "target tables", false, error.what(), error.advice});
  }
  return checks;
}

std::shared_ptr<Sink> make_sink(SinkConfig config, const Services& services) {
  return std::make_shared<SqliteSink>(std::move(config), services);
}

}  // namespace migrate::sqlite
