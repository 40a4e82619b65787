// Tables of a PostgreSQL database, a chunk of records a transaction.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "config.hpp"
#include "key_spans.hpp"
#include "migrate/services.hpp"
#include "migrate/sink.hpp"
#include "pool.hpp"
#include "target.hpp"

namespace migrate::postgres {

class PostgresSink : public TableSink, public std::enable_shared_from_this<PostgresSink> {
 public:
  PostgresSink(SinkConfig config, const Services& services);
  ~PostgresSink() override;

  SinkTraits traits() const override;
  awaitable<std::vector<Check>> check() override;
  awaitable<TargetIdentity> identity() override;
  awaitable<void> prepare(std::vector<TableSchema> schemas) override;
  awaitable<std::vector<Finding>> preview(std::span<Operation> operations) override;
  awaitable<std::vector<Finding>> verify(std::span<Operation> operations) override;
  awaitable<void> finish() override;
  std::vector<std::string> types() const override;
  std::vector<std::string> key_columns(const std::string& type) const override;
  awaitable<std::optional<Value>> receipt(std::string chunk) override;
  awaitable<std::unique_ptr<TableTransaction>> begin(std::string chunk) override;
  awaitable<std::vector<Value>> find(std::string type, std::vector<std::string> keys) override;
  awaitable<std::vector<TargetRow>> list(std::string type, std::string after, std::size_t limit,
                                         bool with_data) override;
  awaitable<std::vector<std::string>> keys(std::string type, KeyRange range) override;
  awaitable<std::uint64_t> count(std::string type) override;
  awaitable<std::vector<std::string>> chunks(std::string prefix) override;
  awaitable<UndoResult> undo(std::string chunk) override;

  // For the transaction, which blocks on the pool as all of this does.
  /// Throws Error(not_found) for a type that has no table.
  std::shared_ptr<const Target> target(Connection& connection, const std::string& type);
  /// The same; null while the table is still to be created.
  std::shared_ptr<const Target> target_if_there(Connection& connection, const std::string& type);
  /// The place of a type among types(): rows that others refer to come first.
  std::size_t rank(const std::string& type) const;
  /// Like list(), find(): the rows of these natural keys; the answer has as many elements, null where absent.
  std::vector<Value> look_up(Connection& connection, const Target& target, const std::vector<std::string>& keys);
  /// The chunk of the same partition that was committed last, whose receipt is of no use any more.
  std::string exchange_last_chunk(const std::string& chunk);
  /// For a table whose integer key has no index, so that a look-up reads the whole table: false when no row can have a
  /// key in the span. Nobody guards such a key against other writers, so what this sink has seen and written is taken
  /// for what is there.
  bool may_hold(Connection& connection, const Target& target, std::int64_t least, std::int64_t most);
  void add_span(const std::string& type, std::int64_t least, std::int64_t most);
  void forget_spans();
  const Journal& journal() const noexcept { return journal_; }
  const Services& services() const noexcept { return services_; }
  const SinkConfig& config() const noexcept { return config_; }

 private:
  // verify.cpp
  std::vector<Finding> preview_on(Pool::Lease connection, std::span<Operation> operations);
  std::vector<Finding> verify_on(Pool::Lease connection, std::span<Operation> operations);
  /// Without a configuration and before prepare(): the target's tables as they are, for a verification of its own.
  void adopt_tables(Connection& connection);
  std::vector<Check> check_all(Connection& connection);
  void check_table(Connection& connection, const std::string& type, const SinkTable& table, std::vector<Check>& out);
  void create_schema_objects(Connection& connection, const std::vector<TableSchema>& schemas);
  void create_table(Connection& connection, const std::string& type, const SinkTable& table, const TableSchema* schema);
  void add_foreign_keys(Connection& connection);
  void add_flag_indexes(Connection& connection);
  bool is_ours(Connection& connection, const std::string& table);
  std::map<std::string, SinkTable> tables() const;
  std::shared_ptr<Target> load(Connection& connection, const std::string& type);
  void add_flags(Connection& connection, Target& target);
  /// A walk through a table without an index on its key, in the order in which its rows lie, a page ahead of the reader.
  struct Walk {
    Pool::Lease connection;
    std::string type, last, fetch;
    std::size_t limit;
    bool with_data;
  };
  std::vector<TargetRow> decode_rows(const Connection& connection, const Target& target, const Result& rows,
                                     bool with_data);
  std::vector<TargetRow> walk_on(const Target& target, const std::string& after, std::size_t limit, bool with_data);
  void begin_walk(const Target& target, std::size_t limit, bool with_data);
  std::vector<TargetRow> list_rows(Connection& connection, const std::string& type, const std::string& after,
                                   std::size_t limit, bool with_data);

  SinkConfig config_;
  Services services_;
  Journal journal_;
  std::shared_ptr<Pool> pool_;
  mutable std::mutex mutex_;  ///< of what follows
  std::map<std::string, SinkTable> tables_;
  std::vector<std::string> types_;
  std::map<std::string, std::shared_ptr<const Target>, std::less<>> targets_;
  std::map<std::string, std::string> last_chunks_;  ///< by partition
  std::map<std::string, KeySpans> spans_;           ///< by type
  std::mutex walk_mutex_;
  std::optional<Walk> walk_;
  /// Where the server counts what it needs to know for good plans, while the reports are written.
  std::optional<Pool::Lease> statistics_;
};

std::shared_ptr<Sink> make_sink(SinkConfig config, const Services& services);

// undo.cpp
UndoResult undo_chunk(PostgresSink& sink, Connection& connection, const std::string& chunk);

}  // namespace migrate::postgres
