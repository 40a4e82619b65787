// Takes back what this migration has made: chunks of a database, steps of a service.
#include "engine.hpp"
#include "steps.hpp"

MIGRATE_BEGIN

namespace {
constexpr std::size_t walk_batch = 1000;
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
  if (TableSink* tables = pipeline_.sink->as_tables()) {
    co_await roll_back_tables(*tables);
  } else {
    ItemSink& sink = *pipeline_.sink->as_items();
    RecordRef everything;
    std::vector<StepRow> steps = co_await receipts_of(journal_, std::move(everything));
    for (StepRow& step : steps) {
      std::optional<Error> conflict;
      try {
        Receipt receipt = step.receipt;
        co_await sink.undo(std::move(receipt));
      } catch (const Error& error) {
        if (error.kind() != ErrorKind::conflict) throw;
        conflict = error;
      }
      if (conflict) {
        Finding finding;
        finding.record = step.receipt.record;
        finding.message = conflict->what();
        report_.rollback->kept.push_back(std::move(finding));
        continue;
      }
      ++report_.rollback->removed;
      std::vector<Entry> entries;
      entries.push_back(Entry{Table::step, step.row, nullptr});
      co_await journal_.store().commit(std::move(entries));
    }
  }
  // The target is as it was, so the next run starts from nothing; imported mappings are a person's work and stay.
  for (const Table table : {Table::cursor, Table::deferred, Table::failed, Table::alias, Table::vanished})
    co_await journal_.clear(table);
  std::string after;
  while (true) {
    std::vector<Entry> rows = co_await journal_.store().scan(Table::outcome, "", after, walk_batch);
    if (rows.empty()) break;
    after = rows.back().key;
    std::vector<Entry> entries;
    for (const Entry& row : rows)
      if (!Journal::outcome_from(row.value).imported) entries.push_back(Entry{Table::outcome, row.key, nullptr});
    co_await journal_.store().commit(std::move(entries));
  }
  if (!co_await journal_.any(Table::step)) {
    std::vector<Entry> settled;
    settled.push_back(Entry{Table::run, "settled", true});
    co_await journal_.store().commit(std::move(settled));
  }
  Object row;
  row.emplace("removed", static_cast<std::int64_t>(report_.rollback->removed));
  row.emplace("restored", static_cast<std::int64_t>(report_.rollback->restored));
  row.emplace("kept", static_cast<std::int64_t>(report_.rollback->kept.size()));
  run_.rollback = std::move(row);
  run_.finished = true;
  tallies_.clear();
  run_.unresolved.clear();
}

MIGRATE_END
