// One batch on its way through the engine: what was read, and what the transformers made of it.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "migrate/pipeline.hpp"
#include "migrate/record.hpp"

MIGRATE_BEGIN

/// What became of one source record: the records [first, first + count) of the batch, which arrive together or not.
struct Unit {
  RecordRef source;
  std::size_t first = 0, count = 0;
  std::optional<Error> failure;
  int attempts = 1;  ///< after which it failed
  bool skipped_by_person = false;
  bool alive() const noexcept { return !failure && !skipped_by_person && count > 0; }
  bool dropped() const noexcept { return !failure && !skipped_by_person && count == 0; }
};

/// What a stage has found out about a batch ahead of its turn.
struct Prepared {
  virtual ~Prepared();
};

struct Batch {
  // The arena that records may live in is a member of `raw`, which therefore comes first and is destroyed last.
  RecordBatch raw;
  std::vector<Record> records;
  std::vector<Record> originals;  ///< copies of the source records, where somebody will ask for them
  std::vector<Unit> units;
  Partition partition;
  std::string stream;       ///< that it is of, as StreamState::name
  std::uint64_t chunk = 0;  ///< its number there
  std::vector<Entry> also;  ///< to be committed with the batch
  /// Rows of Table::failed that its units have, by key.
  std::map<std::string, Entry> failed_before;
  /// Of a retry, which has taken the first count of these records back.
  bool retried = false;
  /// Of a retry within a run that will meet these records by itself: see Journal::ahead.
  bool ahead = false;
  /// Refers to the records, so it comes last and is destroyed first.
  std::unique_ptr<Prepared> prepared;

  /// The record that stands for the unit in counters: the first one that is nobody else's master.
  const Record* main_record(const Unit& unit) const;
};

using Transforms = std::vector<std::shared_ptr<const Transformer>>;

/// Fills `records` and `units` from `raw`. Pure; runs on the pool.
void transform(Batch& batch, const Transforms& transforms, bool keep_originals);

/// The same for one record that a person has edited: replaces the unit's records.
void transform_again(Batch& batch, std::size_t unit, Record source, const Transforms& transforms);

MIGRATE_END
