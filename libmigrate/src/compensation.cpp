// What was begun and cannot be finished is taken back: when its record fails, and when no run meets the record again.
#include <fmt/format.h>

#include <algorithm>

#include "engine.hpp"
#include "steps.hpp"

MIGRATE_BEGIN

namespace {

constexpr std::size_t walk_batch = 1000;

/// The records that these rows of Table::step belong to, each once.
std::vector<std::string> records_of(const std::vector<Entry>& steps) {
  std::vector<std::string> keys;
  for (const Entry& row : steps) {
    std::string key = row.key.substr(0, row.key.rfind('/'));
    if (keys.empty() || keys.back() != key) keys.push_back(std::move(key));
  }
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  return keys;
}

}  // namespace

awaitable<std::optional<Error>> undo_steps(Journal& journal, RecordRef record, UndoStep& undo, CountItem& count) {
  const std::vector<StepRow> steps = co_await receipts_of(journal, std::move(record));
  const bool made =
      std::any_of(steps.begin(), steps.end(), [](const StepRow& step) { return !step.receipt.uncertain; });
  std::optional<Error> left;
  for (const StepRow& step : steps) {
    co_await announce_undo(journal, step);
    Receipt receipt = step.receipt;
    const std::optional<Error> trouble = co_await undo(std::move(receipt));
    if (trouble && trouble->kind() == ErrorKind::conflict) co_await retract_undo(journal, step);
    if (trouble) {
      // The receipt stays, so that a later run, retry, rollback or look for orphans still knows of it.
      const RecordRef& of = step.receipt.record;
      left = Error(ErrorKind::invalid, "left_half_made",
                   fmt::format("{} {}: step {} could not be taken back ({}): it is still on the target as {}", of.type,
                               of.id, step.receipt.step, trouble->what(), step.receipt.target_id));
      left->with_advice("complete or remove it on the target by hand; the next complete run looks again");
      continue;
    }
    std::vector<Entry> entries;
    entries.push_back(Entry{Table::step, step.row, nullptr});
    // Whether a step without a receipt had an effect is not known: such an item alone is not counted.
    if (made && !left && &step == &steps.back()) entries.push_back(count());
    co_await journal.store().commit(std::move(entries));
  }
  co_return left;
}

/// Takes one effect back, as often as it takes; returns why it stays.
awaitable<std::optional<Error>> Engine::undo_patiently(ItemSink& sink, Receipt receipt) {
  std::optional<Error> trouble;
  int attempt = 1;
  while (true) {
    trouble.reset();
    try {
      Receipt copy = receipt;
      co_await sink.undo(std::move(copy));
    } catch (const Error& error) {
      trouble = error;
    }
    if (!trouble || !trouble->retryable()) break;
    const bool quota = trouble->kind() == ErrorKind::throttled;
    // A stop waits for what passes soon, not for a quota: the next start takes it back.
    if (quota ? stopping() : attempt >= options_.retry.attempts) break;
    co_await back_off(receipt.record, *trouble, attempt);
    if (!quota) ++attempt;
  }
  co_return trouble;
}

/// Takes back what the record has caused so far. What could not be taken back is told, and stays in the journal.
awaitable<std::optional<Error>> Engine::take_back(ItemSink& sink, RecordRef record) {
  UndoStep undo = [this, &sink](Receipt receipt) { return undo_patiently(sink, std::move(receipt)); };
  CountItem count = [this] {
    ++run_.cleaned;
    return Journal::entry(run_);
  };
  std::optional<Error> left = co_await undo_steps(journal_, std::move(record), undo, count);
  if (left) steps_left_ = true;
  co_return left;
}

/// After a run that has looked at whatever the source tells of: a record that a run before it had begun, and that this
/// one has not settled, will be settled by none (it was deleted at the source, or a rule drops it now). It is as if it
/// had never been begun: should the source bring it after all, it is made anew.
///
/// All rows of steps are read for that, so not after every run: only where one before it did not come to its end, or
/// had to leave a step (Table::run, "settled").
awaitable<void> Engine::clean_up() {
  ItemSink* sink = pipeline_.sink->as_items();
  if (!sink || settled_before_ || !pipeline_.sink->traits().undoes) co_return;
  StreamState stream = co_await journal_.stream(Journal::stream_name(run_.number, "~cleanup"));
  tallies_[stream.name] = stream.tally;
  const std::uint64_t before = run_.cleaned;
  std::string after;
  bool last = false;
  while (!last && !stopping()) {
    const std::vector<Entry> rows = co_await journal_.store().scan(Table::step, "", after, walk_batch);
    last = rows.size() < walk_batch;
    if (!rows.empty()) after = rows.back().key;
    const std::vector<std::string> keys = records_of(rows);
    std::vector<std::string> asked = keys;
    const std::vector<Value> outcomes = co_await journal_.store().get_many(Table::outcome, std::move(asked));
    asked = keys;
    const std::vector<Value> failures = co_await journal_.store().get_many(Table::failed, std::move(asked));
    for (std::size_t i = 0; i < keys.size() && !stopping(); ++i) {
      if (outcomes[i].is_object()) continue;
      // What has failed and is to stay waits for its retry.
      if (failures[i].is_object() && options_.on_record_failure == OnRecordFailure::keep) {
        steps_left_ = true;
        continue;
      }
      RecordRef record = Journal::ref_from(keys[i]);
      const std::optional<Error> left = co_await take_back(*sink, std::move(record));
      if (!left) continue;
      // This run has told of it already, when it failed or before it was cut short here.
      const Entry known{Table::failed, keys[i], failures[i]};
      if (known.value.is_object() && Journal::run_of(known) == run_.number) continue;
      co_await report_left(stream, Journal::ref_from(keys[i]), *left);
    }
  }
  cleaned_up_ = last && !stopping();
  if (run_.cleaned > before)
    services().write_log(
        LogLevel::info, "engine",
        fmt::format("{} items that an interrupted run had left half made were taken back", run_.cleaned - before));
}

/// A failure like that of a record that was read, so that a person hears of it and the counters stay balanced.
awaitable<void> Engine::report_left(StreamState& stream, RecordRef record, Error error) {
  Failure failure;
  failure.record = std::move(record);
  failure.cause = error.cause;
  failure.message = error.what();
  failure.advice = error.advice;
  ++stream.tally.types[failure.record.type].read;
  ++stream.tally.types[failure.record.type].failed;
  std::vector<Entry> entries;
  entries.push_back(Journal::entry(failure, run_.number));
  may_have_failed_.add(failure.record);
  entries.push_back(Journal::entry(stream));
  co_await journal_.store().commit(std::move(entries));
  tell(failure);
  progress(stream);
}

MIGRATE_END
