// Tables of a PostgreSQL database, page by page in key order.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "catalog.hpp"
#include "config.hpp"
#include "migrate/services.hpp"
#include "migrate/source.hpp"
#include "pool.hpp"

namespace migrate::postgres {

/// A table of the configuration and what the catalog says about it.
struct ReadPlan {
  SourceTable config;
  CatalogTable table;
  std::vector<int> columns;      ///< of the record's data, in order: indices into table.columns
  std::vector<int> key;          ///< positions of the key's columns in the query's result
  std::vector<Kind> kinds;       ///< of `columns`
  std::string select, key_list;  ///< "SELECT … FROM …" and `"a", "b"`
  bool integer_key = false;      ///< one column, an integer
  Object shape;                  ///< every column with null: copied for each record
};

class PostgresSource : public Source {
 public:
  PostgresSource(SourceConfig config, const Services& services);

  SourceTraits traits() const override;
  awaitable<std::vector<Check>> check() override;
  awaitable<std::vector<TableSchema>> schemas() override;
  awaitable<std::vector<Partition>> partitions() override;
  awaitable<RecordBatch> read(const Partition& partition, Cursor from, std::size_t limit) override;
  awaitable<RecordBatch> fetch(std::vector<RecordRef> refs) override;

 private:
  std::vector<SourceTable> configured(Connection& connection);
  std::shared_ptr<const ReadPlan> plan(Connection& connection, const SourceTable& table);
  std::vector<Check> check_all(Connection& connection);
  void add_partitions(Connection& connection, const SourceTable& table, std::vector<Partition>& out);
  RecordBatch read_page(Connection& connection, const Partition& partition, const Cursor& from, std::size_t limit);
  RecordBatch fetch_all(Connection& connection, const std::vector<RecordRef>& refs);

  SourceConfig config_;
  Services services_;
  std::shared_ptr<Pool> pool_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const ReadPlan>> plans_;  ///< by table and type
};

std::shared_ptr<Source> make_source(SourceConfig config, const Services& services);

}  // namespace migrate::postgres
