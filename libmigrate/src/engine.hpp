// The engine: who moves records. (Reader's file 4 of 5 is engine.cpp.)
//
// One loop reads a partition batch by batch and hands each transformed batch to a Stage. Everything that differs
// between an import, a dry run and a verification is in the stage; everything that must survive is in the Journal.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "batch.hpp"
#include "journal.hpp"
#include "migrate/pipeline.hpp"
#include "migrate/task_group.hpp"
#include "resolver.hpp"
#include "target.hpp"

MIGRATE_BEGIN

class Engine;
class Sample;
struct Examination;

/// What becomes of a transformed batch. Called in the order of the stream, one batch at a time per stream.
class Stage {
 public:
  virtual ~Stage();
  /// Before the first batch of a stream: finishes what a crash left between target and store.
  virtual awaitable<void> recover(StreamState& stream);
  /// While apply(before) is still under way: does what need not wait for its end. A courtesy: apply(batch) makes sure of
  /// what may have changed since, and does without.
  virtual awaitable<void> prepare(Batch& batch, Batch& before);
  /// When it returns, the batch is settled and the stream's cursor stands behind it.
  virtual awaitable<void> apply(StreamState& stream, Batch& batch) = 0;
};

/// Failures by type and cause.
using Causes = std::map<std::string, std::map<std::string, CauseSummary>>;
void add(Causes& causes, const Failure& failure);

/// Source records that a test run has chosen; the type of a needed alternate key is "type.key".
struct Selection {
  std::unordered_map<std::string, std::unordered_set<std::string>> chosen;
};

class Engine {
 public:
  Engine(Pipeline pipeline, RunOptions options, boost::asio::any_io_executor executor);

  awaitable<Report> run();
  awaitable<void> pending(std::function<void(const Pending&)> each);
  awaitable<std::vector<Check>> check();

  // What stages use.
  const Pipeline& pipeline() const noexcept { return pipeline_; }
  const RunOptions& options() const noexcept { return options_; }
  const Services& services() const noexcept { return pipeline_.services; }
  boost::asio::any_io_executor executor() const { return executor_; }
  Journal& journal() noexcept { return journal_; }
  Resolver& resolver() noexcept { return resolver_; }
  RunState& run_state() noexcept { return run_; }
  Report& report() noexcept { return report_; }
  bool incremental() const noexcept { return options_.mode == Mode::incremental; }
  bool stopping() const noexcept { return options_.stop.stop_requested() || quit_; }
  void quit() noexcept { quit_ = true; }
  bool interactive() const noexcept { return options_.reviewer && !approve_all_; }
  void approve_all() noexcept { approve_all_ = true; }
  /// Rows of this kind exist from earlier runs, so that success has to erase them.
  bool had_deferred() const noexcept { return had_deferred_; }

  /// Before the units of a batch are booked: which of them have failed before.
  awaitable<void> know_failures(Batch& batch);
  /// Before the unit is counted: if it has failed before, that row goes, and where this run has counted it, it counts
  /// as it is now.
  void forget_failure(Batch& batch, const Unit& unit, Tally& tally, std::vector<Entry>& entries);
  /// The unit has failed, or a person has left it out. `files`: attachments that are counted with it.
  void book_failure(Batch& batch, std::size_t unit, Failure& failure, std::uint64_t files, std::vector<Entry>& entries);

  /// After a commit: takes the stream's counters into the report and tells the observer. Throws Error(invalid,
  /// too_many_failures) when the limit is passed.
  void progress(const StreamState& stream);
  /// What has arrived of a batch that is still under way. The batch counts it again when it is settled, in this run or
  /// in the attempt that goes on with it.
  void arrived(const Batch& batch, Tally so_far);
  void tell(const Failure& failure);
  awaitable<std::optional<Error>> take_back(ItemSink& sink, RecordRef record);
  /// Steps of a record that has failed stay, by RunOptions::on_record_failure.
  void leave_steps() noexcept { steps_left_ = true; }
  /// Whether what has failed with `error` is done once more, and waits before it; `attempt` counts those that were no
  /// refusal for a quota. Not when the error is a lasting one, RetryPolicy is used up, or the run is asked to stop.
  awaitable<bool> try_again(RecordRef record, Error error, int& attempt);
  /// After try_again() has said no: throws the error, or that the run was stopped when only that was in the way.
  [[noreturn]] void give_up(const Error& error) const;
  /// Waits before attempt + 1 of something that failed with `error`. Being asked to stop meanwhile ends the wait.
  awaitable<void> back_off(RecordRef record, Error error, int attempt);

 private:
  awaitable<void> open_run();
  awaitable<void> enter_run();
  bool brings() const noexcept;
  bool has_begun() const;
  awaitable<void> preflight();
  awaitable<std::optional<Check>> check_target();
  awaitable<std::optional<Check>> check_others();
  static constexpr const char* others_check = "state: others";
  awaitable<void> execute();
  awaitable<void> import_all();
  awaitable<void> run_partitions(Stage& stage, bool persistent, bool revisits);
  awaitable<void> settle_delta();
  awaitable<void> run_partition(Partition partition, Stage& stage, bool persistent);
  awaitable<StreamState> resume(std::string name, Stage& stage);
  awaitable<std::unique_ptr<Batch>> read_batch(Partition partition, Cursor from);
  awaitable<std::unique_ptr<Batch>> fetch_batch(std::vector<RecordRef> refs);
  template <class Read>
  awaitable<RecordBatch> patiently(RecordRef where, Read& read);
  std::size_t batch_limit() const;
  awaitable<std::unique_ptr<Batch>> read_ahead(Partition partition, Cursor from, Stage& stage, Batch& before,
                                               std::unique_ptr<Batch> done);
  void filter(Batch& batch);
  awaitable<void> select_sample();
  awaitable<void> link_phase();
  awaitable<void> link_tables();
  awaitable<void> link_items();
  awaitable<bool> link_one(ItemSink& sink, Operation& operation);
  awaitable<void> remove_vanished();
  awaitable<void> forget_older(Table table);
  bool complete_pass() const;
  awaitable<void> collect_unseen();
  awaitable<void> recall_failures();
  awaitable<void> find_earlier_ends();
  awaitable<void> take_up_failures();
  enum class Failures {
    all,      ///< in a run that has not ended: those that it has counted
    earlier,  ///< of runs before this one
    ahead     ///< those that a run that has not ended has not counted
  };
  awaitable<void> retry_failed(Failures which = Failures::all);
  std::vector<Entry> choose_failures(std::vector<Entry> rows, Failures which, bool earlier_counted, Tally& tally);
  awaitable<std::unique_ptr<Batch>> fetch_failed(std::vector<Entry> rows);
  awaitable<void> clean_up();
  awaitable<void> report_left(StreamState& stream, RecordRef record, Error error);
  awaitable<void> roll_back();
  awaitable<void> roll_back_tables(TableSink& sink);
  awaitable<void> roll_back_items(ItemSink& sink);
  awaitable<void> forget_outcomes();
  awaitable<void> require_migrated();
  awaitable<void> forget_links_of_nothing();
  awaitable<void> end_open_rollback();
  awaitable<std::optional<Error>> undo_patiently(ItemSink& sink, Receipt receipt);
  awaitable<void> verify(VerifyLevel level);
  awaitable<void> count_tables(TableSink& tables, Report::Verification& verification);
  awaitable<Examination> compare(VerifyLevel level, Report::Verification& verification);
  awaitable<bool> survey_items(Sample& sample, Examination& examination, Report::Verification& verification);
  awaitable<void> compare_fetched(Stage& stage, Sample& sample, Examination& examination);
  awaitable<std::set<std::string>> types_of_source();
  bool in_scope(const RecordRef& record, const std::set<std::string>& types) const;
  void conclude_verification(Report::Verification verification);
  awaitable<void> dry_run();
  awaitable<void> begin_phase(Phase phase);
  awaitable<void> end_phase(Phase phase);
  awaitable<void> conclude();
  void refresh_report();
  std::unique_ptr<Stage> import_stage();
  bool phase_done(Phase phase) const;

  Pipeline pipeline_;
  RunOptions options_;
  boost::asio::any_io_executor executor_;
  Journal journal_;
  Resolver resolver_;
  RunState run_;
  std::optional<RunState> last_;        ///< the last run, as the state had it before this one
  std::optional<RunState> unfinished_;  ///< the run that is verified or whose failures are tried again has not ended
  Report report_;
  std::map<std::string, Tally> tallies_;  ///< by stream, as committed
  /// By stream and chunk: what has arrived of batches that are not settled.
  std::map<std::pair<std::string, std::uint64_t>, Tally> under_way_;
  /// The same of a verification, which is no run of its own: only what it has verified is added to the run's counters.
  std::optional<std::map<std::string, Tally>> examined_;
  std::map<std::string, std::uint64_t> verified_;  ///< by type, as the last verification has counted
  std::optional<Selection> selection_;
  TargetMatch target_;
  std::map<std::string, Cursor> earlier_ends_;  ///< by stream, where a delta run begins
  std::chrono::system_clock::time_point attempt_started_;
  std::int64_t elapsed_before_ms_ = 0;
  std::uint64_t failed_before_ = 0;
  RefFilter may_have_failed_;     ///< records that Table::failed has a row of
  std::uint64_t filtered_ = 0;    ///< records that RunOptions::where has looked at
  bool has_where_field_ = false;  ///< one of them has the field
  bool quit_ = false, failed_ = false, approve_all_ = false, had_deferred_ = false;
  bool settled_before_ = true;  ///< no run before this one has left steps of a record without an outcome
  bool steps_left_ = false, cleaned_up_ = false;
};

std::unique_ptr<Stage> make_table_import(Engine& engine, TableSink& sink);
std::unique_ptr<Stage> make_item_import(Engine& engine, ItemSink& sink);

/// Compares or previews instead of writing.
struct Examination {
  bool preview = false;
  bool extras = false;       ///< also look for what the target has and the source has not
  Sample* sample = nullptr;  ///< which records of the stream are compared; null: all
  /// Items that are known to be gone from the target. That is said once.
  RefSet absent;
  std::uint64_t records = 0, compared = 0, differences = 0;
  std::vector<Finding> examples;
  std::vector<Finding> refused;  ///< of a preview: one for each unit, as far as they are listed
  Report::Preview outlook;       ///< of a preview
  Causes causes;                 ///< likewise, of what would be refused
};
std::unique_ptr<Stage> make_examination(Engine& engine, Examination& examination);

/// Sets every link of the operation's record in its data: to the id of a record in the batch or of one that was
/// looked up, to null where there is none (yet).
template <class InBatch>
void fill_links(Operation& operation, const Answers& answers, const InBatch& in_batch) {
  Record& record = operation.mutable_record();
  if (record.links.empty()) return;
  Object& data = record.data.as_object();
  for (const Link& link : record.links) {
    const Value* id = in_batch(link.target);
    if (!id) id = answers.get(link.target);
    Value& field = data[link.relation];
    if (id)
      field = *id;
    else
      field = nullptr;
  }
}

/// Filters that a resumed run must agree with.
Value scope_of(const RunOptions& options);
/// Which records a run with this scope has chosen, for its report; nothing when it is about all of them.
std::optional<Check> chosen_by(const Value& scope);

/// Whether a run with these options moves records of this type: RunOptions::where is about one type, and no other.
bool asked_for(const RunOptions& options, const std::string& type);

/// What a partition's stream is called within a run.
std::string stream_key(const Partition& partition);

/// As the store has them.
awaitable<Causes> causes_of(std::shared_ptr<CheckpointStore> store);
awaitable<std::uint64_t> removed_orphans(CheckpointStore& store);
awaitable<std::set<RecordRef>> gone_among(Sink& sink, std::vector<RecordRef> records, const Answers& answers);
/// Whether a rollback has begun and not ended.
awaitable<bool> is_rollback_open(CheckpointStore& store);

/// Of a unit that has failed, or that a person has left out.
Failure failure_of(const Unit& unit, Phase phase);
/// The position of each type in the sink's order, so that what others refer to comes first.
std::map<std::string, std::size_t> type_order(const Sink& sink);

MIGRATE_END
