// Keeps whole records in a folder; see staging.hpp.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "config.hpp"
#include "migrate/services.hpp"
#include "migrate/sink.hpp"
#include "staging.hpp"

namespace migrate::jsonl {

class JsonlSink final : public TableSink {
 public:
  JsonlSink(SinkConfig config, Services services) : config_(std::move(config)), services_(std::move(services)) {}

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
  friend class JsonlTransaction;
  /// Null where nothing has been staged and `create` is false.
  Staging* staging(bool create);
  UndoResult undo_now(Staging& staging, const std::string& chunk);
  std::vector<Finding> verify_now(std::span<Operation> operations);

  SinkConfig config_;
  Services services_;
  std::vector<TableSchema> schemas_;
  std::mutex mutex_;  // of the staging: calls come from several threads of the pool
  std::unique_ptr<Staging> staging_;
};

std::shared_ptr<Sink> make_sink(SinkConfig config, const Services& services);

}  // namespace migrate::jsonl
