// Reads tables by keyset pages: every page is a query of its own after the last key, so that nothing is held between
// pages (no lock in a database with a rollback journal, no old snapshot in one with a WAL) and a page depends on its
// arguments alone.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "catalogue.hpp"
#include "config.hpp"
#include "migrate/services.hpp"
#include "migrate/source.hpp"

namespace migrate::sqlite {

/// A table of the configuration with what the database says about it.
struct TablePlan {
  SourceTable wanted;
  TableInfo info;
  std::vector<std::string> key, columns;
  bool unique_key = true;     ///< the database itself guarantees it
  bool integer_key = false;   ///< one column of integers
  bool second_pass = false;   ///< `revisit` asks for this pass, the first one is another plan
  std::string select, order;  ///< "SELECT key…, columns… FROM table", " ORDER BY key… LIMIT ?"
};

class SqliteSource final : public Source {
 public:
  SqliteSource(SourceConfig config, Services services);
  ~SqliteSource() override;

  SourceTraits traits() const override;
  awaitable<std::vector<Check>> check() override;
  awaitable<std::vector<TableSchema>> schemas() override;
  awaitable<std::vector<Partition>> partitions() override;
  awaitable<RecordBatch> read(const Partition& partition, Cursor from, std::size_t limit) override;
  awaitable<RecordBatch> fetch(std::vector<RecordRef> refs) override;

 private:
  struct Reader;

  std::vector<Check> check_now() const;
  std::vector<Partition> partitions_now();
  RecordBatch read_now(const Partition& partition, const Cursor& from, std::size_t limit);
  RecordBatch fetch_now(const std::vector<RecordRef>& refs);
  /// Made once: a source's tables do not change their shape while it is read.
  const std::vector<TablePlan>& plans();
  Reader& reader(const Partition& partition);
  void close(const Partition& partition);

  SourceConfig config_;
  Services services_;
  std::mutex mutex_;  // of what follows: partitions are read on several threads
  std::optional<std::vector<TablePlan>> plans_;
  std::map<std::string, std::unique_ptr<Reader>> readers_;
};

/// Throws Error(not_found or invalid) naming the table or column and the nearest known name.
TablePlan make_plan(const Database& db, const SourceTable& wanted);
/// The plans of a configuration in reading order, second passes last.
std::vector<TablePlan> make_plans(const Database& db, const SourceConfig& config);

std::shared_ptr<Source> make_source(SourceConfig config, const Services& services);

}  // namespace migrate::sqlite
