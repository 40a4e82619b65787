// Takes back what this migration has made: chunks of a database, steps of a service.
#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "engine.hpp"
#include "steps.hpp"

MIGRATE_BEGIN

namespace {
constexpr std::size_t walk_batch = 1000;
constexpr std::size_t kept_remembered = 1000;  ///< with their names, of what stayed
/// Of items that the service could not take back for now: then it is not about them.
constexpr std::size_t most_in_a_row = 5;
/// In Table::run from the first thing that a rollback does to the last, with what it has counted: whoever comes in
/// between must not take what is left for all that there was.
constexpr const char* open_rollback = "open_rollback";

Entry note_of(const UndoResult& result) {
  Object row;
  row.emplace("removed", static_cast<std::int64_t>(result.removed));
  row.emplace("restored", static_cast<std::int64_t>(result.restored));
  return Entry{Table::run, open_rollback, std::move(row)};
}

std::size_t count_in(const Value& row, const char* name) {
  const Value* count = row.is_object() ? row.get_object().if_contains(name) : nullptr;
  return count && count->is_int64() ? static_cast<std::size_t>(count->get_int64()) : 0;
}

/// What says nothing about the one step: nothing else could be taken back either.
bool ends_rollback(const Error& error) {
  return error.kind() == ErrorKind::unauthorized || error.kind() == ErrorKind::cancelled ||
         error.kind() == ErrorKind::internal;
}

/// Steps of items as they are taken back, counted by item: it is gone with the step that made it, and as it was with
/// the last one that changed what had been there.
class ItemCount {
 public:
  ItemCount(const std::vector<StepRow>& steps, UndoResult& result) : result_(result) {
    for (const StepRow& step : steps) {
      Left& left = items_[Journal::key(step.receipt.record)];
      ++left.steps;
      left.made = left.made || step.receipt.step == "create";
    }
  }
  /// Whether an item is done with. What could not be taken back of one that is gone is gone with it: its rows go, too.
  bool undone(const Receipt& receipt, std::vector<Entry>& entries) {
    Left& left = items_.at(Journal::key(receipt.record));
    --left.steps;
    in_a_row_ = 0;
    // Whether a step without a receipt had an effect is not known.
    if (receipt.uncertain || (left.made ? receipt.step != "create" : left.steps > 0)) return false;
    for (const std::string& row : left.rows) entries.push_back(Entry{Table::step, row, nullptr});
    if (left.kept) release(receipt.record, left);
    ++(left.made ? result_.removed : result_.restored);
    return true;
  }
  /// An item is kept once, however many of its steps are.
  void kept(const StepRow& step, const Error& why) {
    Left& left = items_.at(Journal::key(step.receipt.record));
    if (!step.elsewhere) left.rows.push_back(step.row);
    if (!why.retryable()) in_a_row_ = 0;
    if (why.retryable() && !left.waiting) {
      left.waiting = true;
      ++waiting_;
      ++in_a_row_;
      if (!first_) first_ = why;
    }
    if (left.kept) return;
    left.kept = true;
    Finding finding;
    finding.record = step.receipt.record;
    finding.message = why.what();
    result_.kept.push_back(std::move(finding));
  }
  /// Whether the step is for the next rollback: what was done after it is still there. The item may go with all that.
  bool passed_over(const StepRow& step) {
    Left& left = items_.at(Journal::key(step.receipt.record));
    if (!left.waiting || step.receipt.step == "create") return false;
    if (!step.elsewhere) left.rows.push_back(step.row);
    return true;
  }
  bool is_service_down() const { return in_a_row_ >= most_in_a_row; }
  /// What is left for another rollback, if anything.
  std::optional<Error> unfinished() const {
    if (waiting_ == 0) return std::nullopt;
    Error error(first_->kind(), first_->cause,
                fmt::format("{} {} could not be taken back for now: {}", waiting_, waiting_ == 1 ? "item" : "items",
                            first_->what()));
    error.with_advice("migrate rollback goes on with it, and tries again, when the service is well");
    return error;
  }

 private:
  struct Left {
    std::size_t steps = 0;
    bool made = false, kept = false;
    bool waiting = false;           ///< kept because of what may pass
    std::vector<std::string> rows;  ///< of steps that are still there
  };
  /// It has gone after all.
  void release(const RecordRef& record, Left& left) {
    left.kept = false;
    std::erase_if(result_.kept, [&record](const Finding& finding) { return finding.record == record; });
    if (left.waiting) --waiting_;
    left.waiting = false;
    left.rows.clear();
  }

  std::unordered_map<std::string, Left> items_;
  UndoResult& result_;
  std::size_t waiting_ = 0, in_a_row_ = 0;
  std::optional<Error> first_;
};
}  // namespace

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

/// Newest first, over all records. One that the service does not let go stays, and the others go.
awaitable<void> Engine::roll_back_items(ItemSink& sink) {
  RecordRef everything;
  const std::vector<StepRow> steps = co_await receipts_of(journal_, std::move(everything));
  ItemCount items(steps, *report_.rollback);
  for (const StepRow& step : steps) {
    if (options_.stop.stop_requested()) throw Error(ErrorKind::cancelled, "stopped", "the rollback was stopped; run it again");
    if (items.passed_over(step)) continue;
    co_await announce_undo(journal_, step);
    Receipt receipt = step.receipt;
    const std::optional<Error> trouble = co_await undo_patiently(sink, std::move(receipt));
    if (trouble && (ends_rollback(*trouble) || (trouble->retryable() && stopping()))) give_up(*trouble);
    if (trouble) {
      if (trouble->kind() == ErrorKind::conflict) co_await retract_undo(journal_, step);
      items.kept(step, *trouble);
      if (items.is_service_down()) break;
      continue;
    }
    std::vector<Entry> entries;
    entries.push_back(Entry{Table::step, step.row, nullptr});
    if (items.undone(step.receipt, entries)) entries.push_back(note_of(*report_.rollback));
    co_await journal_.store().commit(std::move(entries));
    if (options_.observer) options_.observer->on_progress(report_);
  }
  const std::optional<Error> unfinished = items.unfinished();
  if (unfinished) throw *unfinished;
}

/// First of all nothing is settled any more: a run after a rollback that was cut short must not pass over what is gone.
/// What waits for records goes after them: such a run books no links of what it finds settled.
/// Imported mappings are a person's work and stay, but what they lead to is as it was before. So do the failures of a
/// run that takes itself back: they tell why.
awaitable<void> Engine::forget_outcomes() {
  co_await journal_.clear(Table::cursor);
  if (options_.mode == Mode::rollback) co_await journal_.clear(Table::failed);
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
  for (const Table table : {Table::deferred, Table::alias, Table::vanished}) co_await journal_.clear(table);
}

awaitable<void> Engine::roll_back() {
  if (!pipeline_.sink->traits().undoes)
    throw Error(ErrorKind::unsupported, "no_rollback", "this sink cannot take back what it has written");
  // Elsewhere the same ids are somebody else's.
  if (!options_.same_target) co_await require_target(journal_.store(), *pipeline_.sink);
  const std::optional<Value> begun = co_await journal_.store().get(Table::run, open_rollback);
  report_.rollback = UndoResult();
  report_.rollback->of_items = pipeline_.sink->as_items() != nullptr;
  if (begun) {
    report_.rollback->removed = count_in(*begun, "removed");
    report_.rollback->restored = count_in(*begun, "restored");
  }
  // What has to stay keeps its steps and loses its outcome: the next complete run looks at it.
  std::vector<Entry> open;
  open.push_back(Entry{Table::run, "settled", nullptr});
  open.push_back(note_of(*report_.rollback));
  co_await journal_.store().commit(std::move(open));
  // What a run that takes itself back has brought is told beside that; else it is as if there had been nothing.
  Tally brought;
  for (const auto& [name, tally] : tallies_) brought += tally;
  if (options_.mode == Mode::rollback) {
    tallies_.clear();
    under_way_.clear();
    run_.unresolved.clear();
    refresh_report();
  }
  co_await forget_outcomes();
  if (TableSink* tables = pipeline_.sink->as_tables())
    co_await roll_back_tables(*tables);
  else
    co_await roll_back_items(*pipeline_.sink->as_items());
  Object row;
  row.emplace("removed", static_cast<std::int64_t>(report_.rollback->removed));
  row.emplace("restored", static_cast<std::int64_t>(report_.rollback->restored));
  row.emplace("kept", static_cast<std::int64_t>(report_.rollback->kept.size()));
  if (report_.rollback->of_items) row.emplace("of_items", true);
  if (options_.mode != Mode::rollback) row.emplace("brought", to_value(brought));
  Array examples;
  const std::vector<Finding>& kept = report_.rollback->kept;
  for (std::size_t i = 0; i < std::min(kept.size(), kept_remembered); ++i) examples.push_back(to_value(kept[i]));
  row.emplace("examples", std::move(examples));
  run_.rollback = std::move(row);
  run_.finished = true;
  std::vector<Entry> ended;
  ended.push_back(Entry{Table::run, open_rollback, nullptr});
  const bool left = co_await journal_.any(Table::step);
  if (!left) ended.push_back(Entry{Table::run, "settled", true});
  if (run_.number != 0) ended.push_back(Journal::entry(run_));
  co_await journal_.store().commit(std::move(ended));
}

/// Of what is being taken back, or has been, nothing can be compared or tried again.
awaitable<void> Engine::require_migrated() {
  const bool open = co_await is_rollback_open(journal_.store());
  if (open)
    throw Error(ErrorKind::cancelled, "unfinished_rollback",
                "a rollback has not ended: a part of what was migrated is gone, and nothing of it is known any more")
        .with_advice("migrate rollback goes on with it; migrate run brings everything over again instead");
  if (options_.mode == Mode::retry && run_.rollback.is_object())
    throw Error(ErrorKind::invalid, "nothing_to_retry",
                "what was migrated has been taken back: nothing is left to retry")
        .with_advice("migrate run brings everything over, from the beginning");
}

/// A rollback that was cut short may have come to the outcomes of records and not to their links that waited. Those are
/// booked anew with the record, as it is now.
awaitable<void> Engine::forget_links_of_nothing() {
  std::string after;
  while (true) {
    const std::vector<Entry> rows = co_await journal_.store().scan(Table::deferred, "", after, walk_batch);
    if (rows.empty()) co_return;
    after = rows.back().key;
    std::vector<std::string> keys;
    for (const Entry& row : rows) keys.push_back(Journal::key(Journal::deferred_from(row).record));
    const std::vector<Value> outcomes = co_await journal_.store().get_many(Table::outcome, std::move(keys));
    std::vector<Entry> entries;
    for (std::size_t i = 0; i < rows.size(); ++i)
      if (!outcomes[i].is_object()) entries.push_back(Entry{Table::deferred, rows[i].key, nullptr});
    if (!entries.empty()) co_await journal_.store().commit(std::move(entries));
  }
}

/// Whoever migrates from here on has decided against going on with it.
awaitable<void> Engine::end_open_rollback() {
  const bool open = co_await is_rollback_open(journal_.store());
  if (!open) co_return;
  if (pipeline_.sink->as_items()) co_await forget_links_of_nothing();
  std::vector<Entry> entries;
  entries.push_back(Entry{Table::run, open_rollback, nullptr});
  co_await journal_.store().commit(std::move(entries));
}

awaitable<bool> is_rollback_open(CheckpointStore& store) {
  const std::optional<Value> row = co_await store.get(Table::run, open_rollback);
  co_return row.has_value();
}

MIGRATE_END
