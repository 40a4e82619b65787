// One batch on its way into one transaction of a database.
#pragma once

#include <deque>
#include <map>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "batch.hpp"
#include "journal.hpp"
#include "resolver.hpp"

MIGRATE_BEGIN

/// A batch on its way into one transaction: the operations of the units that are still alive, and who refers to whom.
class Chunk final : public Prepared {
 public:
  Chunk(Batch& batch, const std::map<std::string, std::size_t>& order) : batch_(batch), order_(order) {}
  Chunk(const Chunk&) = delete;
  Chunk& operator=(const Chunk&) = delete;
  ~Chunk() override { leave(); }

  /// Chunks that are prepared and not yet applied hear of what is committed meanwhile.
  using Waiting = std::vector<Chunk*>;
  void wait_in(std::shared_ptr<Waiting> list) {
    list->push_back(this);
    waiting_in_ = std::move(list);
  }
  void leave() {
    if (waiting_in_) std::erase(*waiting_in_, this);
    waiting_in_.reset();
  }

  /// Operations of the living units, masters first. Of several records of one shared master the first counts.
  void build();
  std::vector<Operation>& operations() { return operations_; }
  const std::vector<Operation>& operations() const { return operations_; }
  Unit& unit_of(const Operation& operation) { return batch_.units[operation.unit()]; }
  Batch& batch() { return batch_; }
  const Batch& batch() const { return batch_; }

  const Operation* find(const RecordRef& ref) const {
    const std::optional<std::uint32_t> found = index_.find(ref);
    return found ? &operations_[*found] : nullptr;
  }
  /// Where the links of the operations lead, in the order of operations and links: in the chunk, outside, nowhere.
  struct Lead {
    const Operation* inside = nullptr;
    Value outside;
    bool leads() const noexcept { return inside || !outside.is_null(); }
    /// Null while the record in the chunk has no id yet.
    const Value& id() const noexcept { return inside ? inside->target_id() : outside; }
  };
  std::vector<Lead> leads;
  std::vector<std::size_t> first_lead;  ///< by operation
  /// Groups of operations of one type, in dependency order.
  std::vector<std::span<Operation>> groups();

  /// What the store knows of shared masters and of records with imported ids.
  std::unordered_map<RecordRef, Outcome, RefHash> known;
  /// Shared masters that this run has dealt with in an earlier chunk: no operation is built for them.
  std::unordered_set<RecordRef, RefHash> dealt_with;
  /// Rows of Table::alias by alternate key; null where there is none.
  std::unordered_map<RecordRef, Value, RefHash> aliases;
  /// Prepared ahead: a chunk committed since has made a shared master that this one was about to make.
  bool outdated = false;
  /// Delta run: the type and the natural keys that the target has in the range that the batch covers.
  std::string covered_type;
  std::vector<std::string> existing;
  /// Rows of living units that the transformers no longer make, to be removed with the chunk.
  std::deque<Record> orphans;
  std::vector<Operation> orphan_operations;
  /// Those of them that the source has no longer, or that are refused now and withdrawn: on their way out.
  std::unordered_set<std::string> leaving;

 private:
  std::size_t rank(const std::string& type) const {
    const auto found = order_.find(type);
    return found == order_.end() ? order_.size() : found->second;
  }
  std::shared_ptr<Waiting> waiting_in_;
  Batch& batch_;
  const std::map<std::string, std::size_t>& order_;
  std::vector<Operation> operations_;
  RefIndex index_;
  std::deque<RecordRef> alias_names_;
};

MIGRATE_END
