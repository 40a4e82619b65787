// Source, transformers, sink and store, and how to run them.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "migrate/checkpoint_store.hpp"
#include "migrate/record.hpp"
#include "migrate/report.hpp"
#include "migrate/services.hpp"
#include "migrate/sink.hpp"
#include "migrate/source.hpp"
#include "migrate/transformer.hpp"

MIGRATE_BEGIN

struct Pipeline {
  std::string name;  ///< [a-z0-9-]+; names the state
  std::shared_ptr<Source> source;
  std::vector<std::shared_ptr<const Transformer>> transforms;
  std::shared_ptr<Sink> sink;
  std::shared_ptr<CheckpointStore> store;
  Services services;
};

enum class Mode {
  full,         ///< everything; goes on where an unfinished run of the same scope ended
  incremental,  ///< brings the target up to date: changed and appeared records, and vanished ones: in tables those that
                ///< a complete pass has not met, in services those that the source reports as deleted
  test,         ///< the first `sample` records of each type and all that their required links need
  dry_run,      ///< reads, transforms, resolves and previews everything; writes nothing on the target
  verify,       ///< compares the target with the source, field by field
  retry,        ///< only the records that failed
  rollback      ///< takes back what this migration made
};
MIGRATE_API std::string_view to_string(Mode mode) noexcept;

enum class OnRecordFailure { compensate, keep };
enum class OnVerifyFailure { report, rollback };
/// Delta run: what becomes of the earlier version of a record that is refused now. `withdraw` makes the target what a
/// fresh run of the present source would give; the removed rows stay in the undo data until the migration is given up.
enum class OnStale { keep, withdraw };

/// How often and how long after one another an operation is repeated; a pure function of its arguments.
struct MIGRATE_API RetryPolicy {
  RetryPolicy() {}
  int attempts = 5;
  std::chrono::milliseconds first{500}, longest{60'000};
  double factor = 2.0;
  /// Before attempt `attempt` + 1. A throttled error's retry_after is honoured to the millisecond.
  std::chrono::milliseconds delay(const Error& error, int attempt) const;
};

/// What an interactive run asks of a person, for one unit.
struct Proposal {
  const Record& source;              ///< as it was read
  std::span<Operation> operations;   ///< what would be written
  std::span<const Finding> changes;  ///< against what the target has now
  std::optional<Error> refused;      ///< why it cannot be migrated as it is
};
enum class Verdict { migrate, skip, edit, all, quit };
class MIGRATE_API Reviewer {
 public:
  virtual ~Reviewer();
  /// `edit`: `edited` holds the source record to be transformed and proposed anew.
  virtual awaitable<Verdict> review(const Proposal& proposal, Record& edited) = 0;
};

/// Only the records of `type` whose source field equals `value` (trimmed, digits and case folded) are moved.
struct Where {
  std::string type, field, value;
};

struct RunOptions {
  RunOptions() {}
  Mode mode = Mode::full;
  bool fresh = false;  ///< a new run from the start, although an unfinished one could go on
  bool same_target = false;  ///< the sink leads to the state's target, although it calls itself something else now
  VerifyLevel verify = VerifyLevel::none;
  OnRecordFailure on_record_failure = OnRecordFailure::compensate;
  OnVerifyFailure on_verify_failure = OnVerifyFailure::report;
  OnStale on_stale = OnStale::keep;
  std::size_t max_failures = 100;          ///< more break the run off; 0: no limit
  std::size_t batch_size = 0;              ///< 0: the sink's preferred_batch
  std::size_t partitions_in_flight = 4;    ///< of equal rank
  std::size_t items_in_flight = 20;        ///< bounded by the sink's max_in_flight
  std::size_t sample = 50;                 ///< Mode::test, per type; VerifyLevel::standard takes at least this many
  std::set<std::string> only;              ///< source types; empty: all
  std::optional<Where> where;
  std::set<Phase> skip;                    ///< linking, verification, post_migration
  std::string cause;                       ///< Mode::retry: only failures of this cause
  RetryPolicy retry;
  std::stop_token stop;                    ///< finishes or compensates what is in flight, saves, ends as `stopped`
  Observer* observer = nullptr;            ///< outlives the run
  Reviewer* reviewer = nullptr;            ///< not null: interactive, one unit at a time
};

/// Runs on the calling coroutine's strand. Never throws for the migration's trouble: it is in the Report. It ends early
/// through RunOptions::stop only; Asio cancellation is ignored, since half a commit helps nobody.
MIGRATE_API awaitable<Report> run(Pipeline pipeline, RunOptions options);

/// The same with an io_context of its own; returns when the run has ended.
MIGRATE_API Report run_blocking(Pipeline pipeline, RunOptions options);

/// Named checks of both ends, the store, and the fit between them. Writes nothing.
MIGRATE_API awaitable<std::vector<Check>> check(Pipeline pipeline);

/// Throws Error(conflict), cause "foreign_target", when the state belongs to another target than the sink leads to.
/// run(), find_orphans() and remove_orphans() look themselves; where the target is a database, so do for_each_pending()
/// and for_each_mapping(). Writes nothing.
MIGRATE_API awaitable<void> require_target(Pipeline pipeline);

/// One record of the source that is not on the target.
struct Pending {
  RecordRef record;
  std::string cause;    ///< empty: not tried yet
  std::string message;
};
/// Walks source and target; calls `each` for what has not arrived. Honours `only` and `where`.
MIGRATE_API awaitable<void> for_each_pending(Pipeline pipeline, RunOptions options,
                                             std::function<void(const Pending&)> each);

/// The last run's report as the store has it; nothing when there was none.
MIGRATE_API awaitable<std::optional<Report>> last_report(std::shared_ptr<CheckpointStore> store);
/// In key order, one at a time, in constant memory.
MIGRATE_API awaitable<void> for_each_failure(std::shared_ptr<CheckpointStore> store,
                                             std::function<void(const Failure&)> each);

/// Target and journal compared: what one of them has and the other does not know. ItemSinks only: a database gets a
/// chunk and its receipt in one transaction.
struct Orphans {
  /// On the target with this migration's mark, and the journal has no use for it. What bears no state's id was made by
  /// an older version, of whatever state.
  std::vector<Marked> unknown;
  /// The same with the id of another state: another working directory's, or one that was lost.
  std::vector<Marked> foreign;
  /// Begun, and not settled: the run was cut short, or could not take it back. The next complete run completes or
  /// removes it.
  std::vector<Marked> unfinished;
  /// In the id map, and gone from the target.
  std::vector<std::pair<RecordRef, std::string>> missing;
  std::uint64_t known = 0;         ///< on both sides
};
/// Writes nothing. Throws Error(unsupported) for a sink that cannot list what it has marked. Waits where the target's
/// index lags behind the last run.
MIGRATE_API awaitable<Orphans> find_orphans(Pipeline pipeline);
/// Removes what find_orphans() has called unknown or unfinished (that one step after the other, as the journal has
/// them), and says how many; `each` hears of one that could not be removed. What a person has changed since is left
/// alone, and so is what the journal knows by now and what another state has made. The number is kept in the journal
/// (Report::orphans_removed).
MIGRATE_API awaitable<std::uint64_t> remove_orphans(Pipeline pipeline, std::vector<Marked> orphans,
                                                    std::function<void(const Marked&, const Error&)> each);

/// One line of the id map.
struct Mapping {
  std::string type, source_id;
  Value target_id;
};
/// The lines (of a type; empty: of every type) that name something of the service which is gone from there. Writes
/// nothing. Throws Error(unsupported) for a sink that cannot tell, and for a database: that is asked itself.
MIGRATE_API awaitable<std::vector<Mapping>> find_gone(Pipeline pipeline, std::string type);
/// Takes lines that find_gone() has told out of the id map, with the steps of their records: the next complete run
/// makes these anew. What is there by now stays known. Says how many it took out.
MIGRATE_API awaitable<std::size_t> forget_gone(Pipeline pipeline, std::vector<Mapping> lines);
/// The id map of a type (empty: of every type): from the target where it is kept by natural key, in the order of
/// TableSink::list(), and from the store.
MIGRATE_API awaitable<void> for_each_mapping(Pipeline pipeline, std::string type,
                                             std::function<void(const Mapping&)> each);
/// Makes records known as already migrated: links resolve to these ids, and the rows are adopted instead of created.
MIGRATE_API awaitable<std::size_t> import_mappings(std::shared_ptr<CheckpointStore> store,
                                                   std::vector<Mapping> mappings);

MIGRATE_END
