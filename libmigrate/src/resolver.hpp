// Finds the target ids of records that others refer to.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "journal.hpp"
#include "migrate/sink.hpp"
#include "ref_set.hpp"

MIGRATE_BEGIN

struct RefHash {
  std::size_t operator()(const RecordRef& ref) const noexcept {
    // Types are few: length and last letter part most of them. Equality must have the last word, else see RefSet.
    const std::size_t type = ref.type.empty() ? 0 : ref.type.size() * 131 + static_cast<unsigned char>(ref.type.back());
    return std::hash<std::string_view>()(ref.id) + type * 0x9E3779B97F4A7C15u;
  }
};

/// From record to position, for one batch: open addressing, filled once and asked often.
class RefIndex {
 public:
  void reset(std::size_t expected) {
    std::size_t size = 16;
    while (size < expected * 2) size *= 2;
    slots_.assign(size, Slot{0, nothing});
    refs_.clear();
  }
  /// The first position of a ref stays. `ref` outlives the index.
  void add(const RecordRef& ref, std::uint32_t position) {
    const std::size_t hash = RefHash()(ref);
    for (std::size_t i = hash & (slots_.size() - 1);; i = (i + 1) & (slots_.size() - 1)) {
      Slot& slot = slots_[i];
      if (slot.entry == nothing) {
        slot = Slot{hash, static_cast<std::uint32_t>(refs_.size())};
        refs_.push_back(Entry{&ref, position});
        if (refs_.size() * 2 > slots_.size()) grow();
        return;
      }
      if (slot.hash == hash && *refs_[slot.entry].ref == ref) return;
    }
  }
  std::optional<std::uint32_t> find(const RecordRef& ref) const {
    if (refs_.empty()) return std::nullopt;
    const std::size_t hash = RefHash()(ref);
    for (std::size_t i = hash & (slots_.size() - 1);; i = (i + 1) & (slots_.size() - 1)) {
      const Slot& slot = slots_[i];
      if (slot.entry == nothing) return std::nullopt;
      if (slot.hash == hash && *refs_[slot.entry].ref == ref) return refs_[slot.entry].position;
    }
  }

 private:
  static constexpr std::uint32_t nothing = 0xFFFFFFFF;
  struct Slot {
    std::size_t hash;
    std::uint32_t entry;
  };
  struct Entry {
    const RecordRef* ref;
    std::uint32_t position;
  };
  void grow() {
    std::vector<Slot> old = std::move(slots_);
    slots_.assign(old.size() * 2, Slot{0, nothing});
    for (const Slot& slot : old) {
      if (slot.entry == nothing) continue;
      std::size_t i = slot.hash & (slots_.size() - 1);
      while (slots_[i].entry != nothing) i = (i + 1) & (slots_.size() - 1);
      slots_[i] = slot;
    }
  }
  std::vector<Slot> slots_;
  std::vector<Entry> refs_;
};

/// What one batch has asked and been told; null: not there.
class Answers {
 public:
  const Value* get(const RecordRef& ref) const {
    const auto found = known_.find(ref);
    return found == known_.end() || found->second.is_null() ? nullptr : &found->second;
  }
  void set(const RecordRef& ref, Value id) { known_[ref] = std::move(id); }
  void forget(const RecordRef& ref) { known_.erase(ref); }
  /// Takes over what the other knows better.
  void merge(const Answers& other) {
    for (const auto& [ref, id] : other.known_)
      if (!id.is_null()) known_[ref] = id;
  }

 private:
  friend class Resolver;
  std::unordered_map<RecordRef, Value, RefHash> known_;
};

/// Looks references up in bulk: alternate keys in the store; then the target by natural key (TableSink) or the id map
/// (ItemSink, imported mappings). Hits go through a cache of fixed size, so memory does not grow with the migration.
class Resolver {
 public:
  Resolver(Journal& journal, Sink& sink);

  /// Which types have imported mappings; call after opening the journal.
  awaitable<void> load();

  /// Adds what is missing to `answers`, which outlives the call.
  awaitable<void> want(std::vector<RecordRef> refs, Answers& answers);
  /// The id, if it is at hand without asking anybody.
  const Value* cached(const RecordRef& ref) const {
    const Slot* entry = slot(ref);
    return entry && !entry->id.is_null() && entry->ref == ref ? &entry->id : nullptr;
  }
  /// A complete pass over the source registers every alternate key anew: older ones name what is no longer so.
  void trust_keys_of(std::uint64_t run) { keys_of_ = run; }
  /// A delta run: what Table::vanished lists is on its way out and must not be linked to.
  void heed_vanished() { heed_vanished_ = true; }
  /// The record is on its way out.
  void drop(const RecordRef& ref);
  /// A record that has just been committed.
  void remember(const RecordRef& ref, const Value& id);
  /// Everything cached may be stale: records were removed.
  void clear();

  /// Dry run: the record would be there. A few dozen bytes a record, in this mode alone.
  void plan(const RecordRef& ref) { planned_.add(ref); }
  /// Whether an id is the one that planned records are given: any will do, it says only that there would be one.
  static bool is_planned(const Value& id) { return id.is_int64() && id.get_int64() == 0; }

  bool has_imports(const std::string& type) const { return imports_.count(type) != 0; }

 private:
  struct Slot {
    RecordRef ref;
    Value id;
  };
  awaitable<void> look_up(std::string type, std::vector<std::string> ids, std::vector<RecordRef> asked, Answers& answers);
  /// Null: nothing has been put near there.
  Slot* slot(const RecordRef& ref) const;

  Journal& journal_;
  Sink& sink_;
  std::vector<std::unique_ptr<Slot[]>> cache_;  ///< in pages: a run of few records makes few of them
  std::unordered_set<std::string> imports_;
  RefSet planned_;
  std::uint64_t keys_of_ = 0;
  bool heed_vanished_ = false;
};

MIGRATE_END
