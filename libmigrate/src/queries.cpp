// Questions about a migration that move nothing.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "engine.hpp"
#include "migrate/task_group.hpp"
#include "steps.hpp"

MIGRATE_BEGIN

namespace {
constexpr std::size_t walk_batch = 1000;

}  // namespace

awaitable<std::vector<Check>> check(Pipeline pipeline) {
  boost::asio::any_io_executor executor = co_await boost::asio::this_coro::executor;
  RunOptions options;
  auto engine = std::make_unique<Engine>(std::move(pipeline), std::move(options), executor);
  co_return co_await engine->check();
}

awaitable<void> for_each_pending(Pipeline pipeline, RunOptions options, std::function<void(const Pending&)> each) {
  boost::asio::any_io_executor executor = co_await boost::asio::this_coro::executor;
  auto engine = std::make_unique<Engine>(std::move(pipeline), std::move(options), executor);
  co_await engine->pending(std::move(each));
}

/// Walks the source; whatever the target or the id map does not know is pending.
awaitable<void> Engine::pending(std::function<void(const Pending&)> each) {
  co_await journal_.open();
  // As for the id map: rows are asked for where the sink leads to.
  if (TableSink* tables = pipeline_.sink->as_tables()) co_await require_target(journal_.store(), *tables);
  co_await resolver_.load();
  std::vector<Partition> partitions = co_await pipeline_.source->partitions();
  for (const Partition& partition : partitions) {
    if (partition.revisit || !asked_for(options_, partition.type)) continue;
    Cursor cursor;
    while (true) {
      std::unique_ptr<Batch> batch = co_await read_batch(partition, cursor);
      std::vector<RecordRef> wanted;
      std::vector<std::string> keys;
      for (const Unit& unit : batch->units) {
        const Record* main = unit.count ? batch->main_record(unit) : nullptr;
        wanted.push_back(main ? main->ref : unit.source);
        keys.push_back(Journal::key(unit.source));
      }
      std::vector<Value> failed = co_await journal_.store().get_many(Table::failed, keys);
      Answers answers;
      std::vector<RecordRef> asked = wanted;
      co_await resolver_.want(std::move(asked), answers);
      asked = wanted;
      const std::set<RecordRef> gone = co_await gone_among(*pipeline_.sink, std::move(asked), answers);
      for (std::size_t i = 0; i < batch->units.size(); ++i) {
        const bool is_gone = gone.count(wanted[i]) != 0;
        if (batch->units[i].dropped() || (answers.get(wanted[i]) && !is_gone)) continue;
        Pending pending;
        pending.record = batch->units[i].source;
        if (failed[i].is_object()) {
          const Failure failure = Journal::failure_from(Entry{Table::failed, keys[i], failed[i]});
          pending.cause = failure.cause;
          pending.message = failure.message;
        } else if (batch->units[i].failure) {
          pending.cause = batch->units[i].failure->cause;
          pending.message = batch->units[i].failure->what();
        } else if (is_gone) {
          pending.cause = "gone_from_target";
          pending.message = fmt::format("was {} on the target, and is gone from there", Journal::item_id(*answers.get(wanted[i])));
        }
        each(pending);
      }
      if (batch->raw.last) break;
      cursor = detached(batch->raw.next);
    }
  }
}

awaitable<std::optional<Report>> last_report(std::shared_ptr<CheckpointStore> store) {
  std::optional<Value> state = co_await store->get(Table::run, "state");
  if (!state) co_return std::nullopt;
  Journal journal(store, std::string(state->at("migration").as_string()));
  co_await journal.open();
  std::optional<RunState> run = co_await journal.last_run();
  if (!run) co_return std::nullopt;
  Report report;
  report.migration = std::string(state->at("migration").as_string());
  report.state_id = journal.state_id();
  report.mode = run->mode;
  report.run = run->number;
  for (int i = 0; i <= static_cast<int>(Status::preflight_failed); ++i)
    if (to_string(static_cast<Status>(i)) == run->status) report.status = static_cast<Status>(i);
  // A run that says it is running although nobody runs it was cut short.
  if (run->status == "running") report.status = Status::broken_off;
  using std::chrono::milliseconds;
  report.started = std::chrono::system_clock::time_point(milliseconds(run->started_ms));
  report.finished = std::chrono::system_clock::time_point(milliseconds(run->finished_ms));
  report.elapsed = milliseconds(run->elapsed_ms);
  Tally sum;
  const std::vector<StreamState> streams = co_await journal.streams(run->number);
  for (const StreamState& stream : streams) sum += stream.tally;
  sum += run->under_way;
  const Value* brought = run->rollback.is_object() ? run->rollback.get_object().if_contains("brought") : nullptr;
  if (brought) sum = tally_from(*brought);
  const bool taking_back = co_await is_rollback_open(*store);
  if (taking_back) {
    // The run itself had ended in whatever way; what counts is that not all of it is there any more.
    report.mode = to_string(Mode::rollback);
    if (report.status != Status::stopped) report.status = Status::broken_off;
    sum = Tally();
  }
  report.types = std::move(sum.types);
  report.warnings = std::move(sum.warnings);
  for (const auto& [type, causes] : run->unresolved)
    for (const auto& [cause, count] : causes) report.warnings[type][cause] += count;
  for (const std::string& name : run->phases)
    if (const std::optional<Phase> phase = phase_from(name)) report.completed.push_back(*phase);
  if (run->verification.is_object()) {
    Report::Verification verification;
    const Object& row = run->verification.get_object();
    verification.level = std::string(row.at("level").as_string());
    verification.checked = static_cast<std::uint64_t>(row.at("checked").as_int64());
    if (const Value* compared = row.if_contains("compared"))
      verification.compared = static_cast<std::uint64_t>(compared->as_int64());
    if (const Value* records = row.if_contains("records"))
      verification.records = static_cast<std::uint64_t>(records->as_int64());
    verification.differences = static_cast<std::uint64_t>(row.at("differences").as_int64());
    for (const Value& example : row.at("examples").as_array()) verification.examples.push_back(finding_from(example));
    report.verification = std::move(verification);
    if (const Value* by_type = row.if_contains("by_type"))
      for (const auto& [type, count] : by_type->as_object())
        report.types[type].verified = static_cast<std::uint64_t>(count.as_int64());
  }
  if (run->rollback.is_object()) {
    UndoResult undone;
    undone.removed = static_cast<std::size_t>(run->rollback.at("removed").as_int64());
    undone.restored = static_cast<std::size_t>(run->rollback.at("restored").as_int64());
    const Object& row = run->rollback.get_object();
    undone.of_items = row.contains("of_items");
    if (const Value* examples = row.if_contains("examples"))
      for (const Value& example : examples->as_array()) undone.kept.push_back(finding_from(example));
    // Beyond the examples only their number is remembered.
    if (const Value* kept = row.if_contains("kept")) undone.kept.resize(static_cast<std::size_t>(kept->as_int64()));
    report.rollback = std::move(undone);
  }
  if (run->fatal.is_object()) report.fatal = error_from(run->fatal);
  std::optional<Check> chosen = chosen_by(run->scope);
  if (chosen && !report.fatal) report.checks.push_back(std::move(*chosen));
  report.causes = co_await causes_of(store);
  report.orphans_cleaned = run->cleaned;
  report.orphans_removed = co_await removed_orphans(*store);
  co_return report;
}

void add(Causes& causes, const Failure& failure) {
  CauseSummary& summary = causes[failure.record.type][failure.cause];
  if (++summary.count > 1) return;
  summary.example = fmt::format("{} {}: {}", failure.record.type, failure.record.id, failure.message);
  summary.advice = failure.advice;
}

awaitable<Causes> causes_of(std::shared_ptr<CheckpointStore> store) {
  Causes causes;
  std::function<void(const Failure&)> gather = [&causes](const Failure& failure) { add(causes, failure); };
  co_await for_each_failure(store, gather);
  co_return causes;
}

awaitable<void> for_each_failure(std::shared_ptr<CheckpointStore> store, std::function<void(const Failure&)> each) {
  std::string after;
  while (true) {
    std::vector<Entry> rows = co_await store->scan(Table::failed, "", after, walk_batch);
    for (const Entry& row : rows) each(Journal::failure_from(row));
    if (rows.size() < walk_batch) co_return;
    after = rows.back().key;
  }
}

namespace {

/// The target reads the next page while `each` has this one.
awaitable<void> each_row_of(TableSink& tables, std::string type, std::function<void(const Mapping&)> each) {
  constexpr std::size_t page = 10'000;
  const boost::asio::any_io_executor executor = co_await boost::asio::this_coro::executor;
  Running<std::vector<TargetRow>> next(executor, tables.list(type, "", page, false));
  while (next.active()) {
    std::vector<TargetRow> rows = co_await next.join();
    if (rows.empty()) co_return;
    next = Running<std::vector<TargetRow>>(executor, tables.list(type, rows.back().key, page, false));
    std::exception_ptr failure;
    try {
      Mapping mapping;
      mapping.type = type;
      for (TargetRow& row : rows) {
        mapping.source_id = std::move(row.key);
        mapping.target_id = std::move(row.id);
        each(mapping);
      }
    } catch (...) {
      failure = std::current_exception();
    }
    if (!failure) continue;
    co_await next.abandon();
    std::rethrow_exception(failure);
  }
}

}  // namespace

awaitable<void> for_each_mapping(Pipeline pipeline, std::string type, std::function<void(const Mapping&)> each) {
  TableSink* tables = pipeline.sink->as_tables();
  std::set<std::string> listed;
  if (tables) {
    // The id map of items is the state's own; rows are read from whatever the sink leads to.
    co_await require_target(*pipeline.store, *tables);
    const std::vector<std::string> types = tables->types();
    for (const std::string& one : types) {
      if (!type.empty() && type != one) continue;
      listed.insert(one);
      std::string name = one;
      co_await each_row_of(*tables, std::move(name), each);
    }
  }
  std::string after;
  const std::string prefix = type.empty() ? std::string() : type + "/";
  while (true) {
    std::vector<Entry> rows = co_await pipeline.store->scan(Table::outcome, prefix, after, walk_batch);
    for (const Entry& row : rows) {
      RecordRef ref = Journal::ref_from(row.key);
      if (listed.count(ref.type)) continue;
      Mapping mapping{ref.type, ref.id, Journal::outcome_from(row.value).target_id};
      each(mapping);
    }
    if (rows.size() < walk_batch) co_return;
    after = rows.back().key;
  }
}

namespace {

/// Whether this migration has made an item for the record that another id would leave behind. What was begun and not
/// booked (the run was cut short) is known by its steps alone; a step without a receipt may have made anything.
awaitable<bool> has_made_another(Journal& journal, Mapping mapping) {
  RecordRef record{mapping.type, mapping.source_id};
  const std::vector<StepRow> steps = co_await receipts_of(journal, std::move(record));
  co_return std::any_of(steps.begin(), steps.end(), [&](const StepRow& step) {
    return step.receipt.step == "create" &&
           (step.receipt.uncertain || step.receipt.target_id != Journal::item_id(mapping.target_id));
  });
}

[[noreturn]] void refuse(const Mapping& mapping, const std::string& what, const std::string& advice) {
  throw Error(ErrorKind::invalid, "mapping_contradicts",
              fmt::format("{} {}: the mapping file says {}, and this migration has {} of it", mapping.type,
                          mapping.source_id, Journal::item_id(mapping.target_id), what))
      .with_advice("nothing of the file was taken in; " + advice);
}

/// Which of these are new to the id map. A line that says what is known already changes nothing: as an imported one it
/// would outlive the item that a rollback takes back.
awaitable<std::vector<bool>> news_among(Journal& journal, std::vector<Mapping>& mappings) {
  const bool steps = co_await journal.any(Table::step);
  std::vector<bool> news(mappings.size(), true);
  for (std::size_t first = 0; first < mappings.size(); first += walk_batch) {
    std::vector<std::string> keys;
    for (std::size_t i = first; i < std::min(mappings.size(), first + walk_batch); ++i)
      keys.push_back(Journal::key(RecordRef{mappings[i].type, mappings[i].source_id}));
    const std::vector<Value> rows = co_await journal.store().get_many(Table::outcome, keys);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const Mapping& mapping = mappings[first + i];
      std::string here;
      if (rows[i].is_object()) {
        const Outcome known = Journal::outcome_from(rows[i]);
        here = Journal::item_id(known.target_id);
        news[first + i] = here != Journal::item_id(mapping.target_id);
        if (news[first + i] && known.ours && !known.imported && !here.empty())
          refuse(mapping, "made " + here,
                 "take this line out of it, or take the migration back first (migrate rollback)");
      }
      if (!steps || !news[first + i]) continue;
      Mapping asked = mapping;
      if (co_await has_made_another(journal, std::move(asked)))
        refuse(mapping, "begun an item",
               "take this line out of it and let the next run complete the item, or remove what was begun first "
               "(migrate orphans --delete)");
    }
  }
  co_return news;
}

}  // namespace

awaitable<std::size_t> import_mappings(std::shared_ptr<CheckpointStore> store, std::vector<Mapping> mappings) {
  Journal journal(store, std::string());
  const std::vector<bool> news = co_await news_among(journal, mappings);
  std::optional<Value> known = co_await store->get(Table::run, "imports");
  std::set<std::string> types;
  if (known)
    for (const Value& type : known->as_array()) types.emplace(type.as_string());
  const std::size_t total = mappings.size();
  const bool steps = co_await journal.any(Table::step);
  for (std::size_t first = 0; first < total; first += walk_batch) {
    std::vector<Entry> entries;
    for (std::size_t i = first; i < std::min(total, first + walk_batch); ++i) {
      if (!news[i]) continue;
      types.insert(mappings[i].type);
      RecordRef record{mappings[i].type, mappings[i].source_id};
      Outcome outcome;
      outcome.target_id = mappings[i].target_id;
      outcome.imported = true;
      outcome.ours = false;
      entries.push_back(Journal::entry(record, outcome));
      if (!steps) continue;
      const std::string target = Journal::item_id(mappings[i].target_id);
      std::vector<Entry> left = co_await leave_behind(journal, std::move(record), target);
      std::move(left.begin(), left.end(), std::back_inserter(entries));
    }
    Array list;
    for (const std::string& type : types) list.emplace_back(type);
    entries.push_back(Entry{Table::run, "imports", std::move(list)});
    co_await store->commit(std::move(entries));
  }
  co_return total;
}

MIGRATE_END
