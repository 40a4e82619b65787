// The options of the connector `postgres`, as source, as sink and as store.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "migrate/config_spec.hpp"
#include "migrate/relational.hpp"

namespace migrate::postgres {

struct SourceConfig {
  std::string dsn;
  std::string schema = "public";
  std::vector<SourceTable> tables;
};

struct SinkConfig {
  std::string dsn;
  std::string schema = "public";
  bool create = true;
  int connections = 1;
  std::map<std::string, SinkTable> tables;
};

struct StoreConfig {
  std::string dsn;
  std::string schema = "public";
};

inline constexpr const char* dsn_doc =
    "The database as libpq writes it: `host=… dbname=… user=… password=…` or `postgresql://…`";

inline Spec<SourceConfig> source_spec() {
  return Spec<SourceConfig>("Reads tables of a PostgreSQL database.")
      .field("dsn", &SourceConfig::dsn, dsn_doc)
      .sensitive()
      .field("schema", &SourceConfig::schema, "The schema that holds the tables")
      .optional()
      .field("tables", &SourceConfig::tables, source_table_spec(), "What to read; all tables when absent")
      .optional();
}

inline Spec<SinkConfig> sink_spec() {
  return Spec<SinkConfig>("Writes tables of a PostgreSQL database.")
      .field("dsn", &SinkConfig::dsn, dsn_doc)
      .sensitive()
      .field("schema", &SinkConfig::schema, "The schema that holds the tables")
      .optional()
      .field("create", &SinkConfig::create, "Create the tables that are absent")
      .optional()
      .field("connections", &SinkConfig::connections,
             "Transactions at once. With more than one, generated ids depend on their timing")
      .optional()
      .at_least(1)
      .at_most(64)
      .field("tables", &SinkConfig::tables, sink_table_spec(), "Tables by record type; the source's own when absent")
      .optional();
}

inline Spec<StoreConfig> store_spec() {
  return Spec<StoreConfig>("Keeps a migration's state in a PostgreSQL database, so that any of several hosts goes on.")
      .field("dsn", &StoreConfig::dsn, dsn_doc)
      .sensitive()
      .field("schema", &StoreConfig::schema, "The schema of the state; one migration a schema")
      .optional();
}

}  // namespace migrate::postgres
