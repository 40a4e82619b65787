// Takes back what this migration has made: chunks of a database, steps of a service.
#include <algorithm>

#include "engine.hpp"
#include "steps.hpp"

MIGRATE_BEGIN

namespace {
constexpr std::size_t walk_batch = 1000;
constexpr std::size_t kept_remembered = 1000;  ///< with their names, of what stayed
}

awaitable<void> Engine::roll_back_tables(TableSink& sink) {
  std::string prefix = journal_.state_id() + "/";
  const std::vector<std::string> chunks = co_await sink.chunks(std::move(prefix));
  for (const std::string& chunk : chunks) {
    if (options_.stop.stop_requested()) throw Error(ErrorKind::cancelled, "stopped", "the rollback was stopped; run it again");
    std::string name = chunk;
    UndoResult result = co_await sink.undo(std::move(name));
    report_.rollback->removed += result.removed;
    report_.rollback->restored += result.restored;
    std::move(result.kept.begin(), result.kept.end(), std::back_inserter(report_.rollback->kept));
    if (options_.observer) options_.observer->on_progress(report_);
  }
}

/// Newest first, over all records.
awaitable<void> Engine::roll_back_items(ItemSink& sink) {
  RecordRef everything;
  const std::vector<StepRow> steps = co_await receipts_of(journal_, std::move(everything));
  for (const StepRow& step : steps) {
    if (options_.stop.stop_requested()) throw Error(ErrorKind::cancelled, "stopped", "the rollback was stopped; run it again");
    co_await announce_undo(journal_, step);
    Receipt receipt = step.receipt;
    const std::optional<Error> trouble = co_await undo_patiently(sink, std::move(receipt));
    if (trouble && trouble->kind() != ErrorKind::conflict) give_up(*trouble);
    if (trouble) {
      co_await retract_undo(journal_, step);
      Finding finding;
      finding.record = step.receipt.record;
      finding.message = trouble->what();
      report_.rollback->kept.push_back(std::move(finding));
      continue;
    }
    ++report_.rollback->removed;
    std::vector<Entry> entries;
    entries.push_back(Entry{Table::step, step.row, nullptr});
    co_await journal_.store().commit(std::move(entries));
    if (options_.observer) options_.observer->on_progress(report_);
  }
}

/// First of all nothing is settled any more: a run after a rollback that was cut short must not pass over what is gone.
/// Imported mappings are a person's work and stay, but what they lead to is as it was before.
awaitable<void> Engine::forget_outcomes() {
  for (const Table table : {Table::cursor, Table::deferred, Table::failed, Table::alias, Table::vanished})
    co_await journal_.clear(table);
  std::string after;
  while (true) {
    std::vector<Entry> rows = co_await journal_.store().scan(Table::outcome, "", after, walk_batch);
    if (rows.empty()) break;
    after = rows.back().key;
    std::vector<Entry> entries;
    for (const Entry& row : rows) {
      Outcome outcome = Journal::outcome_from(row.value);
      if (!outcome.imported) {
        entries.push_back(Entry{Table::outcome, row.key, nullptr});
        continue;
      }
      outcome.version.clear();
      outcome.run = 0;
      outcome.derived = false;
      outcome.source.reset();
      entries.push_back(Journal::entry(Journal::ref_from(row.key), outcome));
    }
    co_await journal_.store().commit(std::move(entries));
  }
}

awaitable<void> Engine::roll_back() {
  if (!pipeline_.sink->traits().undoes)
    throw Error(ErrorKind::unsupported, "no_rollback", "this sink cannot take back what it has written");
  // Elsewhere the same ids are somebody else's.
  if (!options_.same_target) co_await require_target(journal_.store(), *pipeline_.sink);
  report_.rollback = UndoResult();
  // What has to stay keeps its steps and loses its outcome: the next complete run looks at it.
  std::vector<Entry> open;
  open.push_back(Entry{Table::run, "settled", nullptr});
  co_await journal_.store().commit(std::move(open));
  co_await forget_outcomes();
  if (TableSink* tables = pipeline_.sink->as_tables())
    co_await roll_back_tables(*tables);
  else
    co_await roll_back_items(*pipeline_.sink->as_items());
  if (!co_await journal_.any(Table::step)) {
    std::vector<Entry> settled;
    settled.push_back(Entry{Table::run, "settled", true});
    co_await journal_.store().commit(std::move(settled));
  }
  Object row;
  row.emplace("removed", static_cast<std::int64_t>(report_.rollback->removed));
  row.emplace("restored", static_cast<std::int64_t>(report_.rollback->restored));
  row.emplace("kept", static_cast<std::int64_t>(report_.rollback->kept.size()));
  Array examples;
  const std::vector<Finding>& kept = report_.rollback->kept;
  for (std::size_t i = 0; i < std::min(kept.size(), kept_remembered); ++i) examples.push_back(to_value(kept[i]));
  row.emplace("examples", std::move(examples));
  run_.rollback = std::move(row);
  run_.finished = true;
  tallies_.clear();
  run_.unresolved.clear();
}

MIGRATE_END
