// A sink driven as the engine drives it: types in dependency order, links already filled in by the test.
#pragma once

#include <set>

#include "helpers.hpp"
#include "sink.hpp"

using migrate::sqlite::SinkConfig;

inline Record record(std::string type, std::string id, std::string_view json) {
  Record result;
  result.ref.type = std::move(type);
  result.ref.id = std::move(id);
  result.data = boost::json::parse(json);
  return result;
}

/// Customers, devices, certificates and vehicles, as in a migration file.
inline SinkConfig shop(const fs::path& file) {
  const auto parsed = [](const char* json) {
    SinkTable table = sink_table_spec().parse(boost::json::parse(json));
    return table;
  };
  SinkConfig config;
  config.path = file;
  config.tables["customers"] = parsed(
      R"({"id":"id","key":["legacy_id"],"columns":{"legacy_id":"bigint","name":"text","created_at":"timestamptz"}})");
  config.tables["devices"] = parsed(R"({"id":"id","key":["legacy_id"],"columns":{"legacy_id":"bigint","ecu":"text",
      "blocked":"boolean"},"not_null":["blocked"],"unique":[["ecu"]],
      "flags_from":{"blocked":{"table":"certificates","by":"device_id","where":{"status":"blocked"}}}})");
  config.tables["certificates"] = parsed(R"({"id":"id","key":["legacy_id"],"columns":{"legacy_id":"bigint",
      "number":"text","device_id":"bigint","customer_id":"bigint","status":"text","renewed_from_id":"bigint"},
      "references":{"device_id":"devices","customer_id":"customers","renewed_from_id":"certificates"}})");
  config.tables["vehicles"] = parsed(R"({"id":"id","key":["certificate_id"],"columns":{"certificate_id":"bigint",
      "brand":"text","is_new":"boolean"},"references":{"certificate_id":"certificates"},"defaults":{"is_new":"false"}})");
  return config;
}

struct Outcome {
  std::vector<Effect> effects;
  std::vector<UnitFailure> failures;
  std::vector<Value> ids;
};

/// One chunk: every record is a unit of its own unless `units` says otherwise.
inline Outcome write(TableSink& sink, const std::string& chunk, std::vector<Record>& records,
                     std::vector<std::size_t> units = {}, bool commit = true) {
  std::vector<Operation> operations;
  for (std::size_t i = 0; i < records.size(); ++i) operations.emplace_back(records[i], units.empty() ? i : units[i]);
  std::unique_ptr<TableTransaction> transaction = wait_for(sink.begin(chunk));
  wait_for(transaction->identify(operations));
  WriteResult result = wait_for(transaction->write(operations));
  Outcome outcome{std::move(result.effects), std::move(result.failures), {}};
  for (const Operation& operation : operations) outcome.ids.push_back(operation.target_id());
  if (commit && outcome.failures.empty()) wait_for(transaction->commit(Value{{"chunk", chunk}}));
  return outcome;
}

inline Outcome write(TableSink& sink, const std::string& chunk, std::initializer_list<Record> records) {
  std::vector<Record> list(records);
  return write(sink, chunk, list);
}

inline std::shared_ptr<TableSink> opened(const SinkConfig& config, const Services& services = Services(),
                                         std::vector<TableSchema> schemas = {}) {
  std::shared_ptr<Sink> sink = sqlite::make_sink(config, services);
  wait_for(sink->prepare(std::move(schemas)));
  return std::shared_ptr<TableSink>(sink, sink->as_tables());
}

/// Everything in the target but the ids of the journal.
inline Strings dump(const fs::path& file) {
  Strings rows;
  for (const std::string& table : sql(file,
                                      "SELECT name FROM sqlite_schema WHERE type='table' AND name NOT LIKE '\\_%' "
                                      "ESCAPE '\\' AND name NOT LIKE 'sqlite%' ORDER BY name"))
    for (const std::string& row : sql(file, "SELECT * FROM \"" + table + "\" ORDER BY 1"))
      rows.push_back(table + ": " + row);
  return rows;
}
