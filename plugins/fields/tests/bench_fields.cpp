// What the rules of the certificates cost, without source, engine and sink: bench_fields LEGACY.db [--dump]
// Reads batches of 1,000 rows into arenas of their own, as a run does, and times only the rules of migration.yaml. With
// --dump the results are written to standard output, one JSON line a record.
#include <fmt/format.h>
#include <sqlite3.h>

#include <boost/json/monotonic_resource.hpp>
#include <boost/json/serialize.hpp>
#include <cstdio>
#include <cstring>
#include <ctime>

#include "kit.hpp"

namespace {

/// Processor time of this thread: other programs on the machine do not count.
double cpu_micros() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

struct Table {
  const char* name;
  const char* key;
};
constexpr Table tables[] = {
    {"customers", "customer_id"}, {"users", "user_id"}, {"devices", "device_id"}, {"certificates", "cert_id"}};
constexpr std::size_t batch_size = 1000;

struct Batch {
  std::shared_ptr<boost::json::monotonic_resource> arena = std::make_shared<boost::json::monotonic_resource>();
  std::vector<migrate::Record> records;
};

migrate::Value cell(sqlite3_stmt* row, int column, const boost::json::storage_ptr& storage) {
  switch (sqlite3_column_type(row, column)) {
    case SQLITE_NULL:
      return migrate::Value(nullptr, storage);
    case SQLITE_INTEGER:
      return migrate::Value(static_cast<std::int64_t>(sqlite3_column_int64(row, column)), storage);
    default: {
      // Text and blobs alike: what is not UTF-8 is the rules' business.
      const char* bytes = static_cast<const char*>(sqlite3_column_blob(row, column));
      auto size = static_cast<std::size_t>(sqlite3_column_bytes(row, column));
      return migrate::Value(std::string_view(bytes, bytes == nullptr ? 0 : size), storage);
    }
  }
}

/// The next rows; none: the end.
Batch read(sqlite3_stmt*& row, const Table& table) {
  Batch batch;
  boost::json::storage_ptr storage(batch.arena.get());
  batch.records.reserve(batch_size);
  while (row != nullptr && batch.records.size() < batch_size) {
    if (sqlite3_step(row) != SQLITE_ROW) {
      sqlite3_finalize(row);
      row = nullptr;
      break;
    }
    migrate::Object data(storage);
    int columns = sqlite3_column_count(row);
    data.reserve(static_cast<std::size_t>(columns));
    migrate::Record record;
    record.ref.type = table.name;
    for (int i = 0; i < columns; ++i) {
      const char* name = sqlite3_column_name(row, i);
      data.emplace(name, cell(row, i, storage));
      if (std::strcmp(name, table.key) == 0) record.ref.id = std::to_string(sqlite3_column_int64(row, i));
    }
    std::destroy_at(&record.data);
    std::construct_at(&record.data, std::move(data));
    batch.records.push_back(std::move(record));
  }
  return batch;
}

void dump(const migrate::Record& record) {
  migrate::Array links, warnings, keys;
  for (const auto& link : record.links) {
    links.push_back(migrate::Array{link.relation, link.target.type, link.target.id, link.cause});
  }
  for (const auto& warning : record.warnings) warnings.push_back(migrate::Value(warning.cause));
  for (const auto& key : record.keys) keys.push_back(migrate::Array{key.name, key.value, key.duplicate_cause});
  migrate::Object line{{"type", record.ref.type}, {"id", record.ref.id},  {"data", record.data},
                       {"links", links},          {"warnings", warnings}, {"keys", keys}};
  std::puts(boost::json::serialize(line).c_str());
}

void run(const migrate::Transformer& rules, sqlite3* database, const Table& table, bool dumps) {
  sqlite3_stmt* row = nullptr;
  std::string query = fmt::format("SELECT * FROM {} ORDER BY {}", table.name, table.key);
  if (sqlite3_prepare_v2(database, query.c_str(), -1, &row, nullptr) != SQLITE_OK) return;
  std::size_t in = 0, made = 0, failed = 0;
  double spent = 0;
  for (Batch batch = read(row, table); !batch.records.empty(); batch = read(row, table)) {
    std::vector<migrate::Record> out;
    out.reserve(batch.records.size() * 4);
    double begin = cpu_micros();
    for (migrate::Record& record : batch.records) {
      ++in;
      std::string id = dumps ? record.ref.id : std::string();
      try {
        rules.apply(std::move(record), out);
      } catch (const migrate::Error& error) {
        ++failed;
        if (dumps) fmt::print("{{\"type\":\"{}\",\"id\":\"{}\",\"failed\":\"{}\"}}\n", table.name, id, error.cause);
      }
    }
    spent += cpu_micros() - begin;
    made += out.size();
    if (dumps) {
      for (const migrate::Record& record : out) dump(record);
    }
    out.clear();
    batch.records.clear();
  }
  fmt::print(stderr, "{:<13} {:>8} records {:>8} made {:>6} failed {:>8.3f} us each\n", table.name, in, made, failed,
             spent / static_cast<double>(in == 0 ? 1 : in));
}

}  // namespace

int main(int argc, char** argv) {
  sqlite3* database = nullptr;
  if (argc < 2 || sqlite3_open_v2(argv[1], &database, SQLITE_OPEN_READONLY, nullptr) != SQLITE_OK) {
    fmt::print(stderr, "usage: bench_fields LEGACY.db [--dump]\n");
    return 2;
  }
  bool dumps = argc > 2 && std::strcmp(argv[2], "--dump") == 0;
  auto rules = kit::certificates();
  for (const Table& table : tables) run(*rules, database, table, dumps);
  sqlite3_close(database);
  return 0;
}
