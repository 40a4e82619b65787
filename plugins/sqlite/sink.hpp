// Writes tables of an SQLite file. One connection writes, one transaction at a time; another reads what is committed.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "config.hpp"
#include "journal.hpp"
#include "migrate/services.hpp"
#include "migrate/sink.hpp"
#include "writer.hpp"

namespace migrate::sqlite {

class SqliteSink final : public TableSink {
 public:
  SqliteSink(SinkConfig config, Services services);
  ~SqliteSink() override;

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

 private:
  friend class Transaction;

  void prepare_now(std::vector<TableSchema> schemas);
  std::vector<Check> check_now();
  void remember(const Targets& targets);
  /// Created when first needed; null while the file does not exist.
  Connection* reader();
  Connection& writer();
  std::vector<Finding> verify_now(std::span<Operation> operations);
  std::vector<Finding> preview_now(std::span<Operation> operations);
  std::vector<TargetRow> list_now(const std::string& type, const std::string& after, std::size_t limit, bool with_data);

  SinkConfig config_;
  Services services_;
  std::vector<TableSchema> schemas_;
  std::vector<std::string> types_;  ///< as check() or prepare() found them
  std::map<std::string, std::vector<std::string>> keys_;
  std::mutex reading_;
  // The writer is closed last: only it can take the write-ahead log into the file.
  std::unique_ptr<Connection> writer_, reader_;
  bool indexed_ = false;                                      ///< the indexes that flags need are there
  std::unordered_map<std::string, std::string> last_chunks_;  ///< by stream: whose receipt is cleared next
};

/// Takes a chunk back on a writing connection, inside of a transaction that the caller commits.
UndoResult undo_chunk(Connection& connection, const std::string& chunk);

std::shared_ptr<Sink> make_sink(SinkConfig config, const Services& services);

}  // namespace migrate::sqlite
