// The import stage for databases: a batch becomes one transaction, and its receipt travels with the rows.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine.hpp"
#include "table_chunk.hpp"

MIGRATE_BEGIN

class TableImport final : public Stage {
 public:
  TableImport(Engine& engine, TableSink& sink)
      : engine_(engine),
        sink_(sink),
        traits_(sink.traits()),
        order_(type_order(sink)),
        transactions_(engine.executor(), std::max<std::size_t>(1, traits_.max_in_flight)) {}

  awaitable<void> recover(StreamState& stream) override;
  awaitable<void> prepare(Batch& batch, Batch& before) override;
  awaitable<void> apply(StreamState& stream, Batch& batch) override;

 private:
  struct Written {
    std::vector<Entry> entries;
    std::vector<Failure> failures;
  };
  awaitable<void> attempt(StreamState& stream, Batch& batch);
  awaitable<bool> review(Batch& batch, Chunk& chunk, std::string name);
  awaitable<void> know_masters(Chunk& chunk);
  awaitable<void> know_aliases(Chunk& chunk);
  awaitable<void> adopt_imported_ids(Chunk& chunk);
  awaitable<void> look_at(Chunk& chunk);
  awaitable<void> resolve(Chunk& chunk);
  awaitable<void> resolve_rest(Chunk& chunk);
  void tell_waiting(const Chunk& committed);
  bool check_required(Chunk& chunk);
  bool check_keys(Chunk& chunk, Operation& operation,
                  std::unordered_map<RecordRef, const std::string*, RefHash>& holders);
  void fill(Chunk& chunk, std::span<Operation> group);
  awaitable<void> identify(TableTransaction& transaction, Chunk& chunk);
  awaitable<WriteResult> write(TableTransaction& transaction, Chunk& chunk);
  void learn_dependents(Chunk& chunk);
  awaitable<void> find_orphans(TableTransaction& transaction, Chunk& chunk);
  awaitable<void> know_existing(Chunk& chunk);
  awaitable<void> know_waiting_links();
  void find_leaving(Chunk& chunk);
  bool read_later(const Chunk& chunk, const RecordRef& target) const;
  Written settle(StreamState& next, Chunk& chunk, const std::vector<Effect>& effects);
  void settle_units(Written& written, StreamState& next, Chunk& chunk);
  void settle_operation(Written& written, StreamState& next, Chunk& chunk, const Operation& operation);
  void count(Tally& tally, Chunk& chunk, const std::vector<Effect>& effects);

  bool is_dealt_with(const RecordRef& ref) const { return dealt_with_[RefHash()(ref) % dealt_with_.size()] == ref; }

  Engine& engine_;
  TableSink& sink_;
  SinkTraits traits_;
  std::map<std::string, std::size_t> order_;
  Semaphore transactions_;
  /// Types whose rows are named by the row that they belong to (a certificate's vehicle), and that link's column.
  struct Dependent {
    std::string type, column, owner;
    auto operator<=>(const Dependent&) const = default;
  };
  std::set<Dependent> dependents_;
  /// By type: relations of which links of earlier runs wait for their targets.
  std::optional<std::map<std::string, std::set<std::string>>> waiting_links_;
  /// At most one a stream.
  std::shared_ptr<Chunk::Waiting> waiting_ = std::make_shared<Chunk::Waiting>();
  // A cache of fixed size in front of the store.
  std::vector<RecordRef> dealt_with_{1 << 14};
};

MIGRATE_END
