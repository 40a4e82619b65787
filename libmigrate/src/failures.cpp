// What has failed and is met again: in a later run, or in the same one.
#include "engine.hpp"

MIGRATE_BEGIN

namespace {
constexpr std::size_t walk_batch = 1000;
}

awaitable<void> Engine::recall_failures() {
  std::string after;
  while (true) {
    const std::vector<Entry> rows = co_await journal_.store().scan(Table::failed, "", after, walk_batch);
    for (const Entry& row : rows) may_have_failed_.add(Journal::ref_from(row.key));
    if (rows.size() < walk_batch) co_return;
    after = rows.back().key;
  }
}

awaitable<void> Engine::know_failures(Batch& batch) {
  batch.failed_before.clear();
  std::vector<std::string> keys;
  for (const Unit& unit : batch.units)
    if (may_have_failed_.may_hold(unit.source)) keys.push_back(Journal::key(unit.source));
  if (keys.empty()) co_return;
  std::vector<std::string> asked = keys;
  std::vector<Value> rows = co_await journal_.store().get_many(Table::failed, std::move(asked));
  for (std::size_t i = 0; i < keys.size(); ++i)
    if (rows[i].is_object()) batch.failed_before.emplace(keys[i], Entry{Table::failed, keys[i], std::move(rows[i])});
}

void Engine::forget_failure(Batch& batch, const Unit& unit, Tally& tally, std::vector<Entry>& entries) {
  if (batch.failed_before.empty()) return;
  const auto known = batch.failed_before.find(Journal::key(unit.source));
  if (known == batch.failed_before.end()) return;
  const Entry& row = known->second;
  if (!batch.retried && Journal::run_of(row) == run_.number && !Journal::failure_from(row).skipped_by_person) {
    Counters& counters = tally.types[unit.source.type];
    --counters.read;
    --counters.failed;
    counters.files -= Journal::files_of(row);
  }
  entries.push_back(Entry{Table::failed, known->first, nullptr});
  batch.failed_before.erase(known);
}

void Engine::book_failure(Batch& batch, std::size_t unit, Failure& failure, std::uint64_t files,
                          std::vector<Entry>& entries) {
  const bool kept = unit < batch.originals.size() && !pipeline_.source->traits().fetches;
  const Record* source = kept ? &batch.originals[unit] : nullptr;
  if (source) failure.data = source->data;
  Entry row = Journal::entry(failure, batch.ahead ? 0 : run_.number, files, source);
  may_have_failed_.add(failure.record);
  // The same record may come once more in this very batch.
  batch.failed_before.insert_or_assign(row.key, row);
  entries.push_back(std::move(row));
}

MIGRATE_END
