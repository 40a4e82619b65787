#include "source.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <set>

#include "values.hpp"

namespace migrate::postgres {

namespace {

std::string key_of(const ReadPlan& plan, const Result& rows, int row) {
  if (plan.key.size() == 1) return rows.str(row, plan.key[0]);
  std::vector<std::string> parts;
  for (const int column : plan.key) parts.push_back(rows.str(row, column));
  return join_key(parts);
}

// The batch of a result; `rows` may be freed afterwards.
void add_records(RecordBatch& batch, const ReadPlan& plan, const Result& rows, bool raw_bytes) {
  const boost::json::storage_ptr storage(batch.arena.get());
  batch.records.reserve(batch.records.size() + static_cast<std::size_t>(rows.rows()));
  for (int row = 0; row < rows.rows(); ++row) {
    Record& record = batch.records.emplace_back();
    record.ref.type = plan.config.type;
    record.ref.id = key_of(plan, rows, row);
    Object data(plan.shape, storage);
    auto* field = data.begin();
    for (std::size_t i = 0; i < plan.kinds.size(); ++i, ++field) {
      const int column = static_cast<int>(i);
      if (!rows.null(row, column)) {
        field->value() = decode(plan.kinds[i], rows.text(row, column), raw_bytes, storage);
      }
    }
    // Into a value of the arena: a value of another storage would be filled by copying.
    Value value(std::move(data));
    record.data.~Value();
    new (&record.data) Value(std::move(value));
  }
}

RecordBatch new_batch() {
  RecordBatch batch;
  batch.arena = make_arena();
  return batch;
}

std::optional<std::int64_t> bound(const Partition& partition, std::string_view name) {
  const Object* options = partition.options.if_object();
  const Value* value = options ? options->if_contains(name) : nullptr;
  if (!value || !value->is_int64()) return std::nullopt;
  return value->get_int64();
}

std::int64_t integer_of(std::string_view text) {
  std::int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

}  // namespace

PostgresSource::PostgresSource(SourceConfig config, const Services& services)
    : config_(std::move(config)), services_(services), pool_(std::make_shared<Pool>(config_.dsn, services)) {}

SourceTraits PostgresSource::traits() const {
  SourceTraits traits;
  traits.fetches = true;
  return traits;
}

std::vector<SourceTable> PostgresSource::configured(Connection& connection) {
  std::vector<SourceTable> tables = config_.tables;
  if (tables.empty()) {
    for (const std::string& name : table_names(connection, config_.schema)) {
      // A database that is also a target of migrations holds our own tables.
      if (name.starts_with("_migrate_")) continue;
      SourceTable table;
      table.table = name;
      tables.push_back(std::move(table));
    }
  }
  for (SourceTable& table : tables) {
    if (table.type.empty()) table.type = table.table;
  }
  return tables;
}

std::shared_ptr<const ReadPlan> PostgresSource::plan(Connection& connection, const SourceTable& table) {
  const std::string name = table.type + "\n" + table.table;
  {
    const std::scoped_lock lock(mutex_);
    if (const auto found = plans_.find(name); found != plans_.end()) return found->second;
  }
  auto made = std::make_shared<ReadPlan>();
  made->config = table;
  std::optional<CatalogTable> found = load_table(connection, config_.schema, table.table);
  if (!found) throw missing_table(connection, config_.schema, table.table);
  made->table = std::move(*found);
  const CatalogTable& catalog = made->table;
  if (table.columns.empty()) {
    for (std::size_t i = 0; i < catalog.columns.size(); ++i) made->columns.push_back(static_cast<int>(i));
  }
  for (const std::string& column : table.columns) made->columns.push_back(catalog.at(column, "`columns`"));
  if (made->config.key.empty()) made->config.key = catalog.primary_key;
  if (made->config.key.empty()) {
    throw Error(ErrorKind::invalid, "missing_key", fmt::format("Table {} has no primary key", catalog.qualified))
        .with_advice(fmt::format("Name columns that are unique together: `key: [{}]`.",
                                 catalog.columns.empty() ? "" : catalog.columns.front().name));
  }
  std::vector<int> selected = made->columns;
  std::vector<std::string> key_names;
  for (const std::string& column : made->config.key) {
    const int index = catalog.at(column, "`key`");
    auto place = std::find(selected.begin(), selected.end(), index);
    if (place == selected.end()) place = selected.insert(selected.end(), index);
    made->key.push_back(static_cast<int>(place - selected.begin()));
    key_names.push_back(catalog.columns[static_cast<std::size_t>(index)].quoted);
    made->integer_key = catalog.columns[static_cast<std::size_t>(index)].kind == Kind::integer;
  }
  if (made->key.size() != 1) made->integer_key = false;
  made->key_list = fmt::format("{}", fmt::join(key_names, ", "));
  std::vector<std::string> names;
  for (const int index : selected) names.push_back(catalog.columns[static_cast<std::size_t>(index)].quoted);
  made->select = fmt::format("SELECT {} FROM {}", fmt::join(names, ", "), catalog.qualified);
  for (const int index : made->columns) {
    const CatalogColumn& column = catalog.columns[static_cast<std::size_t>(index)];
    made->kinds.push_back(column.kind);
    made->shape.emplace(column.name, nullptr);
  }
  const std::scoped_lock lock(mutex_);
  return plans_.emplace(name, std::move(made)).first->second;
}

std::vector<Check> PostgresSource::check_all(Connection& connection) {
  std::vector<Check> checks;
  const auto note = [&](std::string name, const Error& error) {
    checks.push_back({std::move(name), false, error.what(), error.advice});
  };
  try {
    connection.open();
  } catch (const Error& error) {
    note("source reachable", error);
    return checks;
  }
  checks.push_back({"source reachable", true, connection.describe(), ""});
  if (!schema_exists(connection, config_.schema)) {
    checks.push_back({"source schema", false, fmt::format("There is no schema \"{}\"", config_.schema),
                      "Correct `schema` in the source's options."});
    return checks;
  }
  const std::vector<SourceTable> tables = configured(connection);
  if (tables.empty()) {
    checks.push_back({"source tables", false, fmt::format("Schema \"{}\" holds no tables", config_.schema),
                      "Check `schema`, the database in the dsn, and the user's rights."});
  }
  for (const SourceTable& table : tables) {
    const std::string name = fmt::format("source table {}", table.table);
    try {
      const auto made = plan(connection, table);
      if (table.partitions > 1 && !made->integer_key) {
        throw Error(ErrorKind::invalid, "partitions", "Key ranges need one integer key column")
            .with_advice("Leave `partitions` out for this table.");
      }
      const std::string where = table.where.empty() ? "" : " WHERE (" + table.where + ")";
      connection.run(fmt::format("EXPLAIN {}{} ORDER BY {} LIMIT 1", made->select, where, made->key_list));
      const auto rows = made->table.estimated_rows;
      checks.push_back({name, true, rows < 0 ? "readable" : fmt::format("readable, about {:.0f} rows", rows), ""});
    } catch (const Error& error) {
      note(name, error);
    }
  }
  return checks;
}

awaitable<std::vector<Check>> PostgresSource::check() {
  auto work = [&] { return check_all(*Pool::borrow(pool_)); };
  co_return co_await on_pool(services_, work);
}

awaitable<std::vector<TableSchema>> PostgresSource::schemas() {
  auto work = [&] {
    const Pool::Lease connection = Pool::borrow(pool_);
    std::vector<TableSchema> schemas;
    for (const SourceTable& table : configured(*connection)) {
      const auto made = plan(*connection, table);
      TableSchema schema;
      schema.type = table.type;
      schema.key = made->config.key;
      for (const int index : made->columns) {
        const CatalogColumn& column = made->table.columns[static_cast<std::size_t>(index)];
        schema.columns.push_back({column.name, column_type(column.kind), !column.not_null});
      }
      schemas.push_back(std::move(schema));
    }
    return schemas;
  };
  co_return co_await on_pool(services_, work);
}

void PostgresSource::add_partitions(Connection& connection, const SourceTable& table, std::vector<Partition>& out) {
  const auto made = plan(connection, table);
  Partition partition;
  partition.type = table.type;
  partition.rank = table.rank;
  partition.name = table.type;
  Object options;
  options.emplace("table", table.table);
  if (made->table.estimated_rows >= 0 && table.where.empty()) {
    partition.size = static_cast<std::uint64_t>(made->table.estimated_rows);
  }
  std::optional<std::int64_t> least, most;
  if (table.partitions > 1 && made->integer_key) {
    const Result bounds =
        connection.run(fmt::format("SELECT min({0}), max({0}) FROM {1}", made->key_list, made->table.qualified));
    if (!bounds.null(0, 0)) least = bounds.integer(0, 0), most = bounds.integer(0, 1);
  }
  const std::uint64_t span = least ? static_cast<std::uint64_t>(*most) - static_cast<std::uint64_t>(*least) : 0;
  const auto parts = static_cast<std::uint64_t>(table.partitions);
  if (!least || span < parts) {
    partition.options = options;
    out.push_back(std::move(partition));
    return;
  }
  if (partition.size) partition.size = *partition.size / parts;
  std::optional<std::int64_t> after;
  for (std::uint64_t i = 0; i < parts; ++i) {
    Partition part = partition;
    Object own = options;
    // The name carries the bounds: where they have moved, a state of other bounds must not be taken for this one's.
    std::string through = "end";
    if (after) own.emplace("after", *after);
    const std::string from = after ? std::to_string(*after) : "start";
    if (i + 1 < parts) {
      after = static_cast<std::int64_t>(static_cast<std::uint64_t>(*least) + span / parts * (i + 1));
      own.emplace("through", *after);
      through = std::to_string(*after);
    }
    part.name = fmt::format("{}:{}..{}", table.type, from, through);
    part.options = std::move(own);
    out.push_back(std::move(part));
  }
}

awaitable<std::vector<Partition>> PostgresSource::partitions() {
  auto work = [&] {
    const Pool::Lease connection = Pool::borrow(pool_);
    std::vector<Partition> partitions;
    const std::vector<SourceTable> tables = configured(*connection);
    for (const SourceTable& table : tables) add_partitions(*connection, table, partitions);
    const int last_rank =
        partitions.empty()
            ? 0
            : std::max_element(partitions.begin(), partitions.end(), [](const Partition& a, const Partition& b) {
                return a.rank < b.rank;
              })->rank;
    for (const SourceTable& table : tables) {
      if (!table.revisit) continue;
      SourceTable whole = table;
      whole.partitions = 1;
      add_partitions(*connection, whole, partitions);
      partitions.back().name += "~revisit";
      partitions.back().rank = last_rank + 1;
      partitions.back().revisit = true;
    }
    return partitions;
  };
  co_return co_await on_pool(services_, work);
}

RecordBatch PostgresSource::read_page(Connection& connection, const Partition& partition, const Cursor& from,
                                      std::size_t limit) {
  const std::vector<SourceTable> tables = configured(connection);
  const auto table = std::find_if(tables.begin(), tables.end(), [&](const SourceTable& candidate) {
    return candidate.type == partition.type && candidate.table == partition.options.at("table").as_string();
  });
  if (table == tables.end()) {
    throw Error(ErrorKind::not_found, "missing_table", fmt::format("No table is read as \"{}\"", partition.type));
  }
  const auto made = plan(connection, *table);
  const auto lower = bound(partition, "after");
  const auto upper = bound(partition, "through");

  Parameters parameters;
  std::vector<std::string> conditions;
  if (!table->where.empty()) conditions.push_back("(" + table->where + ")");
  std::vector<std::string> position;
  if (from.is_string())
    position = split_key(std::string(from.get_string()));
  else if (lower)
    position.push_back(std::to_string(*lower));
  if (!position.empty()) {
    std::vector<std::string> marks;
    for (std::string& part : position) {
      parameters.emplace_back(std::move(part));
      marks.push_back(fmt::format("${}", parameters.size()));
    }
    conditions.push_back(fmt::format("({}) > ({})", made->key_list, fmt::join(marks, ", ")));
  }
  if (upper) {
    parameters.emplace_back(*upper);
    conditions.push_back(fmt::format("{} <= ${}", made->key_list, parameters.size()));
  }
  const std::string where = conditions.empty() ? "" : fmt::format(" WHERE {}", fmt::join(conditions, " AND "));
  const std::string sql = fmt::format("{}{} ORDER BY {} LIMIT {}", made->select, where, made->key_list, limit);
  const Result rows = connection.run(sql, parameters);

  RecordBatch batch = new_batch();
  add_records(batch, *made, rows, connection.raw_bytes());
  batch.last = static_cast<std::size_t>(rows.rows()) < limit;
  batch.next = from;
  if (!batch.records.empty()) batch.next = Value(batch.records.back().ref.id);
  if (made->integer_key && table->where.empty()) {
    KeyRange covers;
    covers.after = from.is_string() ? std::optional(integer_of(from.get_string())) : lower;
    covers.through = batch.last ? upper : std::optional(integer_of(batch.records.back().ref.id));
    batch.covers = covers;
  }
  return batch;
}

awaitable<RecordBatch> PostgresSource::read(const Partition& partition, Cursor from, std::size_t limit) {
  auto work = [&] { return read_page(*Pool::borrow(pool_), partition, from, limit); };
  co_return co_await on_pool(services_, work);
}

RecordBatch PostgresSource::fetch_all(Connection& connection, const std::vector<RecordRef>& refs) {
  RecordBatch batch = new_batch();
  batch.last = true;
  std::set<std::string> done;
  for (const SourceTable& table : configured(connection)) {
    if (!done.insert(table.type).second) continue;
    const auto made = plan(connection, table);
    std::vector<std::vector<std::string>> parts(made->key.size());
    for (const RecordRef& ref : refs) {
      if (ref.type != table.type) continue;
      std::vector<std::string> key = parts.size() == 1 ? std::vector<std::string>{ref.id} : split_key(ref.id);
      if (key.size() != parts.size()) continue;
      for (std::size_t i = 0; i < key.size(); ++i) parts[i].push_back(std::move(key[i]));
    }
    if (parts[0].empty()) continue;
    Parameters parameters;
    std::vector<std::string> arrays;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      parameters.emplace_back(text_array(parts[i]));
      const int index = made->table.find(made->config.key[i]);
      arrays.push_back(fmt::format("${}::{}[]", i + 1, made->table.columns[static_cast<std::size_t>(index)].type));
    }
    const std::string where = table.where.empty() ? "" : " AND (" + table.where + ")";
    const Result rows =
        connection.run(fmt::format("{} WHERE ({}) IN (SELECT * FROM unnest({})){} ORDER BY {}", made->select,
                                   made->key_list, fmt::join(arrays, ", "), where, made->key_list),
                       parameters);
    add_records(batch, *made, rows, connection.raw_bytes());
  }
  return batch;
}

awaitable<RecordBatch> PostgresSource::fetch(std::vector<RecordRef> refs) {
  auto work = [&] { return fetch_all(*Pool::borrow(pool_), refs); };
  co_return co_await on_pool(services_, work);
}

std::shared_ptr<Source> make_source(SourceConfig config, const Services& services) {
  return std::make_shared<PostgresSource>(std::move(config), services);
}

}  // namespace migrate::postgres
