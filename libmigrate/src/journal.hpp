// What is remembered: a typed view of the CheckpointStore. (Reader's file 5 of 5.)
//
// Everything that a run must not forget is a row: nothing in memory survives a crash, and nothing needs to. A *stream*
// is a sequence of batches that is worked off in order and has a cursor of its own: a partition, the link phase, the
// removal of vanished records, a retry. Counters live in the cursor row of their stream, so that they are committed
// with the batch that they count.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "migrate/checkpoint_store.hpp"
#include "migrate/pipeline.hpp"
#include "migrate/report.hpp"
#include "migrate/sink.hpp"

MIGRATE_BEGIN

/// Per type; what a stream has counted so far. Differences may be negative (a retry takes failures back): the unsigned
/// counters then wrap, and their sum over the streams of a run is right.
struct Tally {
  std::map<std::string, Counters> types;
  std::map<std::string, std::map<std::string, std::uint64_t>> warnings;
  Tally& operator+=(const Tally& other);
};

/// The cursor row of a stream.
struct StreamState {
  std::string name;         ///< "<run>/<stream>"
  Cursor cursor;
  std::uint64_t next_chunk = 0;
  bool finished = false;
  Tally tally;
};

/// The row of a run.
struct RunState {
  std::uint64_t number = 0;
  std::string mode;         ///< full, incremental or test: what a resumed run must agree with
  Value scope;              ///< filters; likewise
  bool finished = false;
  std::int64_t started_ms = 0, finished_ms = 0, elapsed_ms = 0;
  std::string status;
  std::vector<std::string> phases;  ///< completed
  Value verification, rollback, fatal;
  std::uint64_t cleaned = 0;                                               ///< items that were begun and taken back
  std::map<std::string, std::map<std::string, std::uint64_t>> unresolved;  ///< deferred links that found no target
  Tally
      under_way;  ///< what had arrived, when it was stopped, of batches that were not settled: no stream counts it yet
};

/// A row of Table::outcome.
struct Outcome {
  Value target_id;
  std::string version;
  std::uint64_t run = 0;    ///< the last run that has seen it
  bool imported = false;    ///< from a mapping file
  bool ours = true;         ///< made by this migration, not found there
  bool shared = false;      ///< a get_or_create record
  bool derived = false;     ///< a transformer has named it: the source does not know this name
  /// The source's record that it was made of. Nothing where no run has met it (an imported mapping), and where an older
  /// state does not tell.
  std::optional<RecordRef> source;
  std::uint64_t files_left = 0;  ///< files of an item that it was brought without
  std::uint64_t made = 0;  ///< the run that has made the item; 0: none, it was there, or an older state does not tell
  /// The batch that counts what `run` has written: a run that goes on meets it as settled, and as its own.
  std::string stream;
  std::uint64_t chunk = 0;
};

/// A row of Table::deferred.
struct Deferred {
  RecordRef record;
  std::string relation;
  RecordRef target;
  std::string cause;
  bool set = false;  ///< the link is set, but its target may still turn out to have vanished
};

class Journal {
 public:
  Journal(std::shared_ptr<CheckpointStore> store, std::string migration);

  /// Reads the identity, or makes one; refuses a state of another migration with Error(conflict).
  awaitable<void> open();
  const std::string& state_id() const noexcept { return state_id_; }
  CheckpointStore& store() noexcept { return *store_; }

  awaitable<std::optional<RunState>> last_run();
  awaitable<std::optional<RunState>> run(std::uint64_t number);
  /// `also`: committed with it.
  awaitable<void> save(RunState run, std::vector<Entry> also = std::vector<Entry>());
  static Entry entry(const RunState& run);

  static std::string stream_name(std::uint64_t run, const std::string& stream);
  awaitable<StreamState> stream(std::string name);
  /// Those that count towards the run: all but `ahead`.
  awaitable<std::vector<StreamState>> streams(std::uint64_t run);
  /// The stream of a retry within a run that has not come to the failed records yet: what it has counted, the run
  /// counts again when it meets them.
  static constexpr const char* ahead = "~ahead";
  static Entry entry(const StreamState& stream);
  /// Equal in every attempt at the same batch: the name under which a TableSink keeps the receipt.
  std::string chunk_name(const StreamState& stream) const;

  awaitable<std::optional<Outcome>> outcome(RecordRef record);
  static Entry entry(const RecordRef& record, const Outcome& outcome);
  /// `row` is that of `record`.
  static Outcome outcome_from(const RecordRef& record, const Value& row);
  static Outcome outcome_from(const Value& row);
  /// How an item goes by on the target, where an imported mapping may have given its number. Empty: it has no id.
  static std::string item_id(const Value& target_id);

  /// `run`: the one that has counted it; 0: none.
  /// `files`: attachments that were counted with it.
  /// `source`: the record as it was read, where its source cannot be asked for it again.
  static Entry entry(const Failure& failure, std::uint64_t run, std::uint64_t files = 0,
                     const Record* source = nullptr);
  /// Of a row of Table::failed or Table::alias.
  static std::uint64_t run_of(const Entry& row);
  static std::uint64_t files_of(const Entry& row);
  static Failure failure_from(const Entry& entry);
  /// The record of such a row as it was read. One that the row does not hold fails as it has failed.
  static Record failed_record(const Entry& entry);
  static Entry entry(const Deferred& deferred);
  static Deferred deferred_from(const Entry& entry);

  static std::string key(const RecordRef& record) { return record.type + "/" + record.id; }
  static RecordRef ref_from(const std::string& key);

  awaitable<bool> any(Table table);
  /// Every row of these tables, in batches: after a rollback.
  awaitable<void> clear(Table table);

  /// Entries as they travel inside a chunk's receipt, and back.
  static Value pack(const std::vector<Entry>& entries);
  static std::vector<Entry> unpack(const Value& receipt);

 private:
  std::shared_ptr<CheckpointStore> store_;
  std::string migration_, state_id_;
};

Value to_value(const Tally& tally);
Tally tally_from(const Value& value);
Value to_value(const Finding& finding);
Finding finding_from(const Value& value);
Value to_value(const Error& error);
Error error_from(const Value& value);

MIGRATE_END
