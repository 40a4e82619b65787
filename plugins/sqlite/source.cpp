#include "source.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <new>

#include "values.hpp"

namespace migrate::sqlite {

namespace {

// Below this a count of all rows takes milliseconds.
constexpr std::uintmax_t countable_bytes = 32U << 20;

std::string placeholders(std::size_t count) {
  std::string result = "?";
  for (std::size_t i = 1; i < count; ++i) result += ",?";
  return result;
}

std::string key_list(const std::vector<std::string>& key) {
  std::vector<std::string> parts;
  for (const std::string& name : key) parts.push_back(sql_name(name));
  return key.size() == 1 ? parts[0] : fmt::format("({})", fmt::join(parts, ","));
}

std::optional<std::int64_t> bound(const Partition& partition, std::string_view name) {
  const Value* value = partition.options.get_object().if_contains(name);
  if (!value || !value->is_int64()) return std::nullopt;
  return value->get_int64();
}

/// The fields of a row with null values, in the arena, to be copied for each row: the names are spread only once.
Object blank_row(const TablePlan& plan, boost::json::storage_ptr storage) {
  Object row(plan.columns.size(), std::move(storage));
  for (const std::string& column : plan.columns) row.emplace(column, nullptr);
  return row;
}

void read_row(sqlite3_stmt* row, const TablePlan& plan, const Object& blank, std::vector<Record>& records) {
  const int keys = static_cast<int>(plan.key.size());
  Record& record = records.emplace_back();
  record.ref.type = plan.wanted.type;
  if (keys == 1) {
    record.ref.id = key_text(row, 0);
  } else {
    std::vector<std::string> parts;
    for (int i = 0; i < keys; ++i) parts.push_back(key_text(row, i));
    record.ref.id = join_key(parts);
  }
  Object data(blank, blank.storage());
  int column = keys;
  for (boost::json::key_value_pair& field : data) read_column(row, column++, field.value());
  // Assignment would copy the object to the heap: a value keeps the storage that it was made with.
  std::destroy_at(&record.data);
  ::new (static_cast<void*>(&record.data)) Value(std::move(data));
}

Value cursor_of(sqlite3_stmt* row, std::size_t keys) {
  Array parts;
  for (std::size_t i = 0; i < keys; ++i) parts.push_back(cursor_part(row, static_cast<int>(i)));
  return parts;
}

std::string condition(const std::vector<std::string>& parts) {
  return parts.empty() ? std::string() : fmt::format(" WHERE {}", fmt::join(parts, " AND "));
}

Error null_key(const TablePlan& plan) {
  return Error(ErrorKind::invalid, "null_key",
               fmt::format("table \"{}\" has rows whose key ({}) is NULL", plan.info.name, fmt::join(plan.key, ", ")))
      .with_advice(plan.info.rowid.empty()
                       ? std::string("Name other key columns: `key: [...]`.")
                       : fmt::format("Read it by row number instead: `key: [{}]`.", plan.info.rowid));
}

bool has_null_keys(const Database& db, const TablePlan& plan) {
  std::vector<std::string> nulls;
  for (const std::string& name : plan.key) {
    const ColumnInfo* column = plan.info.column(name);
    if (column && !column->not_null && !plan.info.key_is_rowid) nulls.push_back(sql_name(name) + " IS NULL");
  }
  if (nulls.empty()) return false;
  const std::string where = plan.wanted.where.empty() ? std::string() : fmt::format(" AND ({})", plan.wanted.where);
  return db.number(fmt::format("SELECT EXISTS(SELECT 1 FROM {} WHERE ({}){})", sql_name(plan.info.name),
                               fmt::join(nulls, " OR "), where)) == 1;
}

}  // namespace

struct SqliteSource::Reader {
  Reader(const SourceConfig& config, const TablePlan& table, const Partition& partition)
      : plan(table),
        db(config.path, Access::read, config.busy_ms),
        after(bound(partition, "after")),
        through(bound(partition, "through")) {
    std::vector<std::string> always;
    if (through) always.push_back(fmt::format("{}<={}", key_list(plan.key), *through));
    if (!plan.wanted.where.empty()) always.push_back(fmt::format("({})", plan.wanted.where));
    std::vector<std::string> parts = always;
    parts.insert(parts.begin(),
                 fmt::format("{}>{}", key_list(plan.key),
                             plan.key.size() == 1 ? "?" : fmt::format("({})", placeholders(plan.key.size()))));
    next = db.prepare(plan.select + condition(parts) + plan.order);
    parts = always;
    if (after) parts.insert(parts.begin(), fmt::format("{}>{}", key_list(plan.key), *after));
    first = db.prepare(plan.select + condition(parts) + plan.order);
  }

  const TablePlan& plan;
  Database db;
  std::optional<std::int64_t> after, through;
  Statement first, next;
};

SqliteSource::SqliteSource(SourceConfig config, Services services)
    : config_(std::move(config)), services_(std::move(services)) {}
SqliteSource::~SqliteSource() = default;

SourceTraits SqliteSource::traits() const {
  SourceTraits traits;
  traits.fetches = true;
  return traits;
}

const std::vector<TablePlan>& SqliteSource::plans() {
  std::scoped_lock guard(mutex_);
  if (!plans_) {
    Database db(config_.path, Access::read, config_.busy_ms);
    plans_ = make_plans(db, config_);
  }
  return *plans_;
}

awaitable<std::vector<TableSchema>> SqliteSource::schemas() {
  auto work = [&] {
    std::vector<TableSchema> schemas;
    for (const TablePlan& plan : plans()) {
      if (plan.second_pass) continue;
      TableSchema schema;
      schema.type = plan.wanted.type;
      schema.key = plan.key;
      for (const std::string& name : plan.columns) {
        const ColumnInfo* info = plan.info.column(name);
        Column column;
        column.name = name;
        column.type = info ? column_type(*info) : ColumnType::integer;
        column.nullable = info && !info->not_null && !(plan.info.key_is_rowid && name == plan.key[0]);
        schema.columns.push_back(std::move(column));
      }
      schemas.push_back(std::move(schema));
    }
    return schemas;
  };
  co_return co_await on_pool(services_, work);
}

awaitable<std::vector<Partition>> SqliteSource::partitions() {
  auto work = [&] { return partitions_now(); };
  co_return co_await on_pool(services_, work);
}

std::vector<Partition> SqliteSource::partitions_now() {
  const std::vector<TablePlan>& all = plans();
  Database db(config_.path, Access::read, config_.busy_ms);
  const bool small = std::filesystem::file_size(config_.path) <= countable_bytes;
  std::vector<Partition> result;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const TablePlan& plan = all[i];
    const std::string from =
        sql_name(plan.info.name) +
        condition(plan.wanted.where.empty() ? std::vector<std::string>() : std::vector<std::string>{plan.wanted.where});
    std::optional<std::int64_t> least, most;
    if (plan.integer_key && (plan.wanted.partitions > 1 || plan.wanted.where.empty())) {
      least = db.number(fmt::format("SELECT min({}) FROM {}", sql_name(plan.key[0]), from));
      most = db.number(fmt::format("SELECT max({}) FROM {}", sql_name(plan.key[0]), from));
    }
    std::optional<std::uint64_t> size;
    // Keys are rarely all in use: an upper bound is good enough for a progress bar.
    if (least && most && *most - *least >= 0) size = static_cast<std::uint64_t>(*most - *least) + 1;
    if (small) size = static_cast<std::uint64_t>(db.number("SELECT count(*) FROM " + from).value_or(0));
    Partition partition;
    partition.name = partition.type = plan.wanted.type;
    partition.rank = plan.wanted.rank;
    partition.revisit = plan.second_pass;
    partition.size = size;
    partition.options = Object{{"plan", static_cast<std::int64_t>(i)}};
    const std::uint64_t parts = static_cast<std::uint64_t>(plan.wanted.partitions);
    const std::uint64_t span =
        least && most ? static_cast<std::uint64_t>(*most) - static_cast<std::uint64_t>(*least) : 0;
    if (parts < 2 || span < parts) {
      result.push_back(std::move(partition));
      continue;
    }
    // The name tells the range, so that the cursor of another range is never taken for this one's.
    std::optional<std::int64_t> after;
    for (std::uint64_t part = 1; part <= parts; ++part) {
      Partition piece = partition;
      if (size) piece.size = *size / parts;
      Object& options = piece.options.get_object();
      if (after) options["after"] = *after;
      piece.name = fmt::format("{}:{}-", plan.wanted.type, after ? std::to_string(*after + 1) : std::string());
      if (part < parts) {
        const auto through = static_cast<std::int64_t>(static_cast<std::uint64_t>(*least) + span / parts * part);
        options["through"] = through;
        piece.name += std::to_string(through);
        after = through;
      }
      result.push_back(std::move(piece));
    }
  }
  return result;
}

SqliteSource::Reader& SqliteSource::reader(const Partition& partition) {
  const std::vector<TablePlan>& all = plans();
  const std::string name = fmt::format("{}/{}", partition.options.at("plan").as_int64(), partition.name);
  std::scoped_lock guard(mutex_);
  std::unique_ptr<Reader>& found = readers_[name];
  if (!found) {
    const auto plan = static_cast<std::size_t>(partition.options.at("plan").as_int64());
    auto made = std::make_unique<Reader>(config_, all.at(plan), partition);
    if (has_null_keys(made->db, made->plan)) throw null_key(made->plan);
    found = std::move(made);
  }
  return *found;
}

void SqliteSource::close(const Partition& partition) {
  std::scoped_lock guard(mutex_);
  readers_.erase(fmt::format("{}/{}", partition.options.at("plan").as_int64(), partition.name));
}

awaitable<RecordBatch> SqliteSource::read(const Partition& partition, Cursor from, std::size_t limit) {
  auto work = [&] {
    RecordBatch batch = read_now(partition, from, limit);
    if (batch.last) close(partition);
    return batch;
  };
  co_return co_await on_pool(services_, work);
}

RecordBatch SqliteSource::read_now(const Partition& partition, const Cursor& from, std::size_t limit) {
  Reader& reader = this->reader(partition);
  const TablePlan& plan = reader.plan;
  const std::size_t keys = plan.key.size();
  Statement& statement = from.is_null() ? reader.first : reader.next;
  Use use(statement);
  int index = 1;
  if (!from.is_null())
    for (const Value& part : from.as_array()) bind_cursor_part(statement.get(), index++, part);
  // One row more than asked for tells whether this is the end, and whether a key goes on behind it.
  statement.bind(index, static_cast<std::int64_t>(limit) + 1);

  RecordBatch batch;
  batch.arena = make_arena(std::min<std::size_t>(limit, 1024) * 256 + 1024);
  const Object blank = blank_row(plan, boost::json::storage_ptr(batch.arena.get()));
  batch.records.reserve(std::min<std::size_t>(limit, 20'000));
  batch.last = true;
  bool integers = plan.integer_key;
  while (reader.db.step(statement)) {
    integers = integers && statement.type(0) == SQLITE_INTEGER;
    if (!plan.unique_key && !batch.records.empty()) {
      std::vector<std::string> parts;
      for (std::size_t i = 0; i < keys; ++i) parts.push_back(key_text(statement.get(), static_cast<int>(i)));
      if (join_key(parts) == batch.records.back().ref.id)
        throw Error(ErrorKind::invalid, "duplicate_key",
                    fmt::format("table \"{}\" has several rows with the key {} ({})", plan.info.name,
                                batch.records.back().ref.id, fmt::join(plan.key, ", ")))
            .with_advice("Name columns that tell its rows apart as `key`.");
    }
    if (batch.records.size() == limit) {
      batch.last = false;
      break;
    }
    read_row(statement.get(), plan, blank, batch.records);
    if (batch.records.size() == limit)
      batch.next = cursor_of(statement.get(), keys);
    else if (!integers)
      batch.next = cursor_of(statement.get(), keys);
  }
  if (!batch.records.empty() && batch.next.is_null()) {
    std::int64_t last = 0;
    const std::string& id = batch.records.back().ref.id;
    std::from_chars(id.data(), id.data() + id.size(), last);
    batch.next = Array{last};
  }
  if (batch.records.empty()) batch.next = from;
  const bool from_integer = from.is_null() || from.as_array().at(0).is_int64();
  if (integers && from_integer && plan.wanted.where.empty()) {
    KeyRange range;
    range.after = reader.after;
    if (!from.is_null()) range.after = from.as_array().at(0).as_int64();
    range.through = reader.through;
    if (!batch.last) range.through = batch.next.as_array().at(0).as_int64();
    batch.covers = range;
  }
  return batch;
}

awaitable<RecordBatch> SqliteSource::fetch(std::vector<RecordRef> refs) {
  auto work = [&] { return fetch_now(refs); };
  co_return co_await on_pool(services_, work);
}

RecordBatch SqliteSource::fetch_now(const std::vector<RecordRef>& refs) {
  const std::vector<TablePlan>& all = plans();
  Database db(config_.path, Access::read, config_.busy_ms);
  RecordBatch batch;
  batch.arena = make_arena();
  batch.last = true;
  struct ByKey {
    const TablePlan* plan;
    Statement statement;
    Object blank;
  };
  std::map<std::string, ByKey> statements;
  for (const RecordRef& ref : refs) {
    auto found = statements.find(ref.type);
    if (found == statements.end()) {
      const auto plan =
          std::find_if(all.begin(), all.end(), [&](const TablePlan& each) { return each.wanted.type == ref.type; });
      if (plan == all.end())
        throw Error(ErrorKind::not_found, "missing_table", fmt::format("nothing of type \"{}\" is read", ref.type));
      std::vector<std::string> parts;
      for (const std::string& name : plan->key) parts.push_back(sql_name(name) + "=?");
      ByKey by_key{&*plan, db.prepare(plan->select + condition(parts)),
                   blank_row(*plan, boost::json::storage_ptr(batch.arena.get()))};
      found = statements.emplace(ref.type, std::move(by_key)).first;
    }
    const TablePlan& plan = *found->second.plan;
    Statement& statement = found->second.statement;
    std::vector<std::string> parts = plan.key.size() == 1 ? std::vector<std::string>{ref.id} : split_key(ref.id);
    if (parts.size() != plan.key.size()) continue;
    Use use(statement);
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const ColumnInfo* column = plan.info.column(plan.key[i]);
      bind_key_text(statement.get(), static_cast<int>(i) + 1, parts[i], !column || column->affinity != Affinity::text);
    }
    if (db.step(statement)) read_row(statement.get(), plan, found->second.blank, batch.records);
  }
  return batch;
}

std::shared_ptr<Source> make_source(SourceConfig config, const Services& services) {
  return std::make_shared<SqliteSource>(std::move(config), services);
}

awaitable<std::vector<Check>> SqliteSource::check() {
  auto work = [&] { return check_now(); };
  co_return co_await on_pool(services_, work);
}

std::vector<Check> SqliteSource::check_now() const {
  std::vector<Check> checks;
  const auto failed = [&](std::string name, const Error& error) {
    checks.push_back(Check{std::move(name), false, error.what(), error.advice});
  };
  std::optional<Database> db;
  try {
    db.emplace(config_.path, Access::read, config_.busy_ms);
  } catch (const Error& error) {
    failed("source file", error);
    return checks;
  }
  checks.push_back(Check{"source file", true, fmt::format("{} can be read", config_.path.string()), ""});
  std::vector<SourceTable> wanted = config_.tables;
  if (wanted.empty())
    for (const std::string& name : table_names(*db)) wanted.emplace_back().table = name;
  if (wanted.empty())
    failed("source tables", Error(ErrorKind::not_found, fmt::format("{} has no tables", config_.path.string()))
                                .with_advice("Check `path`: is it the right file?"));
  for (const SourceTable& table : wanted) {
    const std::string name = fmt::format("source table {}", table.table);
    try {
      const TablePlan plan = make_plan(*db, table);
      // Compiles the condition; runs nothing.
      db->prepare(plan.select +
                  condition(table.where.empty() ? std::vector<std::string>() : std::vector<std::string>{table.where}));
      if (has_null_keys(*db, plan)) throw null_key(plan);
      std::string message = fmt::format("{} columns, key {}", plan.columns.size(), fmt::join(plan.key, ", "));
      if (!plan.unique_key) message += "; nothing guarantees that the key is unique: the run stops if it is not";
      if (!plan.info.is_indexed(plan.key)) message += "; the key has no index: every page reads the whole table";
      checks.push_back(Check{name, true, message, ""});
    } catch (const Error& error) {
      failed(name, error);
    }
  }
  return checks;
}

}  // namespace migrate::sqlite
