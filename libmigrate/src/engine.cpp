#include "engine.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/this_coro.hpp>
#include <fmt/format.h>

#include <algorithm>

MIGRATE_BEGIN

namespace {

std::int64_t milliseconds_since_epoch(std::chrono::system_clock::time_point time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

std::chrono::system_clock::time_point time_from(std::int64_t milliseconds) {
  return std::chrono::system_clock::time_point(std::chrono::milliseconds(milliseconds));
}

}  // namespace

/// '/' separates run and stream in keys of the store.
std::string stream_key(const Partition& partition) {
  std::string name = partition.name;
  std::replace(name.begin(), name.end(), '/', '_');
  return partition.revisit ? name + "~revisit" : name;
}

Stage::~Stage() = default;
awaitable<void> Stage::recover(StreamState&) { co_return; }
awaitable<void> Stage::prepare(Batch&, Batch&) { co_return; }

Engine::Engine(Pipeline pipeline, RunOptions options, boost::asio::any_io_executor executor)
    : pipeline_(std::move(pipeline)),
      options_(std::move(options)),
      executor_(std::move(executor)),
      journal_(pipeline_.store, pipeline_.name),
      resolver_(journal_, *pipeline_.sink) {}

awaitable<Report> Engine::run() {
  report_.migration = pipeline_.name;
  report_.mode = to_string(options_.mode);
  attempt_started_ = services().clock->now();
  report_.started = attempt_started_;
  std::optional<Error> fatal;
  try {
    co_await open_run();
    co_await execute();
  } catch (const Error& error) {
    fatal = error;
  } catch (const std::exception& error) {
    fatal = Error(ErrorKind::internal, "defect", fmt::format("an unexpected error: {}", error.what()));
  }
  if (fatal) {
    report_.fatal = fatal;
    report_.status = fatal->kind() == ErrorKind::cancelled ? Status::stopped
                     : report_.status == Status::preflight_failed ? Status::preflight_failed
                                                                  : Status::broken_off;
  }
  fatal.reset();
  try {
    co_await conclude();
  } catch (const Error& error) {
    fatal = error;
  }
  if (fatal && !report_.fatal) {
    report_.fatal = fatal;
    report_.status = Status::broken_off;
  }
  co_return report_;
}

/// Goes on with the last run when it is unfinished and of the same kind, else starts a new one.
awaitable<void> Engine::open_run() {
  co_await journal_.open();
  co_await resolver_.load();
  co_await recall_failures();
  had_deferred_ = co_await journal_.any(Table::deferred);
  report_.state_id = journal_.state_id();
  last_ = co_await journal_.last_run();
  const std::optional<RunState>& last = last_;
  const std::string mode(to_string(options_.mode));
  const Value scope = scope_of(options_);
  if (!brings()) {
    if (last) run_ = *last;
    // A dry run is about the source, not about a run.
    if (last && !last->finished && options_.mode != Mode::dry_run) unfinished_ = last;
  } else if (last && !last->finished && !options_.fresh && last->mode == mode && last->scope == scope) {
    run_ = *last;
    services().write_log(LogLevel::info, "engine", fmt::format("going on with run {}", run_.number));
  } else {
    run_ = RunState();
    run_.number = last ? last->number + 1 : 1;
    run_.mode = mode;
    run_.scope = scope;
    run_.started_ms = milliseconds_since_epoch(attempt_started_);
  }
  run_.status = "running";
  run_.fatal = nullptr;
  const std::optional<Value> settled = co_await journal_.store().get(Table::run, "settled");
  settled_before_ = !last || settled;
  elapsed_before_ms_ = run_.elapsed_ms;
  report_.run = run_.number;
  if (run_.started_ms) report_.started = time_from(run_.started_ms);
  const std::vector<StreamState> streams = co_await journal_.streams(run_.number);
  for (const StreamState& stream : streams) tallies_[stream.name] = stream.tally;
  // Until whoever goes on with the run meets that once more.
  if (!run_.under_way.types.empty()) under_way_[{}] = run_.under_way;
  refresh_report();
  failed_before_ = report_.total().failed;
}

bool Engine::brings() const noexcept {
  return options_.mode == Mode::full || options_.mode == Mode::incremental || options_.mode == Mode::test;
}

/// From here on it is the state's last run. A run that its checks turn away leaves the one before it as it was.
awaitable<void> Engine::enter_run() {
  std::vector<Entry> open;
  if (brings() || options_.mode == Mode::retry) open.push_back(Entry{Table::run, "settled", nullptr});
  if (brings())
    co_await journal_.save(run_, std::move(open));
  else if (!open.empty() && settled_before_)
    co_await journal_.store().commit(std::move(open));
}

awaitable<void> Engine::execute() {
  if (options_.mode == Mode::rollback) {
    co_await begin_phase(Phase::rollback);
    co_await roll_back();
    co_await end_phase(Phase::rollback);
    co_return;
  }
  if (options_.mode == Mode::verify || options_.mode == Mode::retry) co_await require_migrated();
  co_await begin_phase(Phase::pre_validation);
  co_await preflight();
  co_await end_phase(Phase::pre_validation);
  co_await enter_run();
  switch (options_.mode) {
    case Mode::dry_run: co_await dry_run(); co_return;
    case Mode::verify: {
      const VerifyLevel level = options_.verify == VerifyLevel::none ? VerifyLevel::standard : options_.verify;
      co_await begin_phase(Phase::verification);
      co_await verify(level);
      co_await end_phase(Phase::verification);
      co_return;
    }
    case Mode::retry:
      co_await keep_target(journal_.store(), target_, run_.number);
      co_await begin_phase(Phase::import);
      co_await retry_failed();
      if (unfinished_) co_await retry_failed(Failures::ahead);
      break;
    default:
      co_await keep_target(journal_.store(), target_, run_.number);
      co_await end_open_rollback();
      co_await import_all();
  }
  if (stopping()) throw Error(ErrorKind::cancelled, "stopped", "stopped as asked; the state is saved");
  co_await end_phase(Phase::import);
  if (!options_.skip.count(Phase::linking)) {
    co_await begin_phase(Phase::linking);
    co_await link_phase();
    if (stopping()) throw Error(ErrorKind::cancelled, "stopped", "stopped as asked; the state is saved");
    co_await end_phase(Phase::linking);
  }
  if (incremental()) co_await settle_delta();
  if (options_.mode != Mode::retry) {
    // Second looks come last: what they depend on has arrived, and what has vanished is gone.
    std::unique_ptr<Stage> stage = import_stage();
    co_await run_partitions(*stage, true, true);
    if (options_.mode != Mode::test && options_.only.empty() && !options_.where) co_await clean_up();
    if (stopping()) throw Error(ErrorKind::cancelled, "stopped", "stopped as asked; the state is saved");
  }
  if (options_.verify != VerifyLevel::none && !options_.skip.count(Phase::verification)) {
    co_await begin_phase(Phase::verification);
    co_await verify(options_.verify);
    co_await end_phase(Phase::verification);
  }
  // A retry brings over what has failed, and no more.
  if (unfinished_) co_return;
  if (!options_.skip.count(Phase::post_migration)) {
    co_await begin_phase(Phase::post_migration);
    co_await pipeline_.sink->finish();
    co_await end_phase(Phase::post_migration);
  }
  if (report_.verification && report_.verification->differences > 0 &&
      options_.on_verify_failure == OnVerifyFailure::rollback) {
    co_await begin_phase(Phase::rollback);
    co_await roll_back();
    co_await end_phase(Phase::rollback);
  }
  run_.finished = true;
}

/// Removes what has vanished (behind the linking, which takes links to it away), and then gives those another try
/// whose unique values were still held by what was about to go.
awaitable<void> Engine::settle_delta() {
  co_await remove_vanished();
  for (int pass = 0; pass < 3 && !stopping(); ++pass) {
    bool displaced = false;
    std::function<void(const Failure&)> look = [&displaced](const Failure& failure) {
      displaced = displaced || failure.cause == "duplicate_key";
    };
    std::shared_ptr<CheckpointStore> store = pipeline_.store;
    co_await for_each_failure(store, look);
    if (!displaced && pass == 0) co_return;
    const std::uint64_t failed = report_.total().failed;
    co_await retry_failed();
    if (report_.total().failed == failed) break;
  }
  if (!options_.skip.count(Phase::linking)) co_await link_phase();
}

awaitable<std::vector<Check>> Engine::check() {
  std::vector<Check> checks = co_await pipeline_.source->check();
  std::vector<Check> sink_checks = co_await pipeline_.sink->check();
  for (Check& check : checks) check.name = "source: " + check.name;
  for (Check& check : sink_checks) {
    check.name = "sink: " + check.name;
    checks.push_back(std::move(check));
  }
  // A target that cannot be used cannot be asked who it is.
  const bool usable = std::all_of(checks.begin(), checks.end(), [](const Check& check) { return check.passed; });
  if (usable) {
    std::optional<Check> foreign = co_await check_target();
    if (foreign) checks.push_back(std::move(*foreign));
    std::optional<Check> others = co_await check_others();
    if (others) checks.push_back(std::move(*others));
  }
  co_return checks;
}

awaitable<void> Engine::preflight() {
  report_.checks = co_await check();
  std::string failed;
  for (const Check& check : report_.checks) {
    if (check.passed && check.name == others_check) services().write_log(LogLevel::warning, "engine", check.message);
    if (check.passed) continue;
    failed += fmt::format("\n  {}: {}{}", check.name, check.message,
                          check.advice.empty() ? std::string() : " (" + check.advice + ")");
  }
  if (failed.empty()) co_return;
  report_.status = Status::preflight_failed;
  throw Error(ErrorKind::invalid, "preflight_failed", "the checks before the run found:" + failed)
      .with_advice("nothing has been written; mend this and run again");
}

std::unique_ptr<Stage> Engine::import_stage() {
  if (TableSink* tables = pipeline_.sink->as_tables()) return make_table_import(*this, *tables);
  return make_item_import(*this, *pipeline_.sink->as_items());
}

awaitable<void> Engine::import_all() {
  std::vector<TableSchema> schemas = co_await pipeline_.source->schemas();
  co_await pipeline_.sink->prepare(std::move(schemas));
  if (options_.mode == Mode::test) co_await select_sample();
  co_await find_earlier_ends();
  // From here on the batches count it: in the row of the run it would be counted twice after a death.
  if (!run_.under_way.types.empty()) {
    under_way_.clear();
    run_.under_way = Tally();
    std::vector<Entry> nothing_else;
    co_await journal_.save(run_, std::move(nothing_else));
    refresh_report();
  }
  co_await begin_phase(Phase::import);
  std::unique_ptr<Stage> stage = import_stage();
  if (complete_pass()) resolver_.trust_keys_of(run_.number);
  // Only a table can be asked what it has, so only there a run finds out what has vanished. An older version has listed
  // shared items of services, too.
  const bool tables = pipeline_.sink->as_tables() != nullptr;
  if (!tables) co_await journal_.clear(Table::vanished);
  if (tables && incremental()) resolver_.heed_vanished();
  co_await run_partitions(*stage, true, false);
  if (!stopping() && complete_pass() && run_.number > 1) {
    co_await forget_older(Table::alias);
    co_await forget_older(Table::failed);
    if (tables && incremental()) co_await collect_unseen();
  }
  if (!stopping() && !earlier_ends_.empty()) co_await take_up_failures();
}

/// Every record of the source is looked at.
bool Engine::complete_pass() const {
  return (options_.mode == Mode::full || options_.mode == Mode::incremental) && options_.only.empty() &&
         !options_.where && earlier_ends_.empty();
}

/// What was turned away before that has done nothing. A rollback begins when it knows that it may.
bool Engine::has_begun() const {
  if (options_.mode == Mode::rollback) return report_.rollback.has_value();
  return std::count(report_.completed.begin(), report_.completed.end(), Phase::pre_validation) > 0;
}

/// Status, times and causes; saves the run.
awaitable<void> Engine::conclude() {
  refresh_report();
  report_.finished = services().clock->now();
  // Fields are open, so that a slip of the pen cannot be told from a field that no record has now; it moves nothing.
  if (options_.where && filtered_ > 0 && !has_where_field_)
    report_.checks.push_back(
        Check{"where", false,
              fmt::format("none of the {} records of {} that were read has a field \"{}\": nothing was chosen",
                          filtered_, options_.where->type, options_.where->field),
              "Look at how the source calls it: fields are those of its records, before any rule."});
  std::optional<Check> chosen = chosen_by(options_.mode == Mode::dry_run ? scope_of(options_) : run_.scope);
  if (chosen && !report_.fatal) report_.checks.push_back(std::move(*chosen));
  if (!report_.fatal) {
    if (report_.verification && report_.verification->differences > 0)
      report_.status = Status::differences;
    else
      report_.status = report_.total().failed ? Status::done_with_failures : Status::done;
    if (unfinished_ && options_.mode != Mode::rollback && report_.status != Status::differences) {
      report_.status = Status::stopped;
      report_.fatal = Error(ErrorKind::cancelled, "unfinished_run",
                            fmt::format("run {}, which this was about, has not ended: not everything has been read",
                                        run_.number))
                          .with_advice("migrate run goes on with it");
    }
  }
  if (journal_.state_id().empty()) co_return;
  // A rehearsal tells of its own.
  if (options_.mode != Mode::dry_run) report_.causes = co_await causes_of(pipeline_.store);
  report_.orphans_removed = co_await removed_orphans(*pipeline_.store);
  if (options_.mode == Mode::dry_run || run_.number == 0) co_return;
  // The row of the last run tells of what it did, not of what has not begun. One that has never begun has done nothing.
  const bool nothing_done = !last_ || (brings() && last_->number == run_.number && last_->phases.empty());
  if (report_.fatal && !has_begun() && !nothing_done) co_return;
  run_.status = to_string(report_.status);
  run_.elapsed_ms = report_.elapsed.count();
  run_.finished_ms = milliseconds_since_epoch(report_.finished);
  run_.under_way = Tally();
  for (const auto& [batch, tally] : under_way_) run_.under_way += tally;
  if (report_.fatal) run_.fatal = to_value(*report_.fatal);
  // How it came to its end is told when it has come to it, and no look at it that was cut short changes that.
  const bool looks_back = options_.mode == Mode::verify || options_.mode == Mode::retry;
  if (looks_back && last_ && (unfinished_ || report_.fatal)) {
    run_.status = last_->status;
    run_.fatal = last_->fatal;
  }
  std::vector<Entry> also;
  const bool wrote = options_.mode != Mode::verify && options_.mode != Mode::rollback && !report_.rollback;
  if (wrote && !report_.fatal && !steps_left_ && (settled_before_ || cleaned_up_))
    also.push_back(Entry{Table::run, "settled", true});
  co_await journal_.save(run_, std::move(also));
}

Failure failure_of(const Unit& unit, Phase phase) {
  const Error error = unit.failure ? *unit.failure
                                   : Error(ErrorKind::cancelled, "skipped_by_person", "left out in an interactive run");
  Failure failure;
  failure.record = unit.source;
  failure.phase = phase;
  failure.cause = error.cause;
  failure.message = error.what();
  failure.advice = error.advice;
  failure.attempts = unit.attempts;
  failure.skipped_by_person = unit.skipped_by_person && !unit.failure;
  return failure;
}

std::map<std::string, std::size_t> type_order(const Sink& sink) {
  std::map<std::string, std::size_t> order;
  if (const auto* tables = dynamic_cast<const TableSink*>(&sink)) {
    const std::vector<std::string> types = tables->types();
    for (std::size_t i = 0; i < types.size(); ++i) order.emplace(types[i], i);
  }
  return order;
}

std::chrono::milliseconds RetryPolicy::delay(const Error& error, int attempt) const {
  if (error.kind() == ErrorKind::throttled && error.retry_after.count() > 0) return error.retry_after;
  double wait = static_cast<double>(first.count());
  for (int i = 1; i < attempt; ++i) wait *= factor;
  const double longest_wait = static_cast<double>(longest.count());
  return std::chrono::milliseconds(static_cast<std::int64_t>(std::min(wait, longest_wait)));
}

std::string_view to_string(Mode mode) noexcept {
  switch (mode) {
    case Mode::full: return "full";
    case Mode::incremental: return "incremental";
    case Mode::test: return "test";
    case Mode::dry_run: return "dry_run";
    case Mode::verify: return "verify";
    case Mode::retry: return "retry";
    case Mode::rollback: return "rollback";
  }
  return "full";
}

std::string_view to_string(VerifyLevel level) noexcept {
  switch (level) {
    case VerifyLevel::none: return "none";
    case VerifyLevel::basic: return "basic";
    case VerifyLevel::standard: return "standard";
    case VerifyLevel::comprehensive: return "comprehensive";
  }
  return "none";
}

awaitable<Report> run(Pipeline pipeline, RunOptions options) {
  // Half a commit helps nobody: a run ends through RunOptions::stop.
  co_await boost::asio::this_coro::reset_cancellation_state(boost::asio::disable_cancellation());
  boost::asio::any_io_executor executor = co_await boost::asio::this_coro::executor;
  auto engine = std::make_unique<Engine>(std::move(pipeline), std::move(options), executor);
  co_return co_await engine->run();
}

namespace {
template <class T>
T run_to_end(awaitable<T> work) {
  boost::asio::io_context context(1);
  std::exception_ptr failure;
  std::optional<T> result;
  boost::asio::co_spawn(context, std::move(work), [&](std::exception_ptr error, T value) {
    failure = error;
    if (!error) result.emplace(std::move(value));
  });
  // To the last: threads of the pool may still be giving back what they have borrowed of the context.
  context.run();
  if (failure) std::rethrow_exception(failure);
  return std::move(*result);
}

}  // namespace

Report run_blocking(Pipeline pipeline, RunOptions options) {
  return run_to_end(run(std::move(pipeline), std::move(options)));
}

MIGRATE_END
