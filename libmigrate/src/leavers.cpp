// What is gone from the source: rows, alternate keys, failures and shared masters that a complete pass has not met.
#include <fmt/format.h>

#include "engine.hpp"

MIGRATE_BEGIN

namespace {
constexpr std::size_t walk_batch = 1000;
}

/// After a complete pass over the source: rows of earlier runs (alternate keys that nobody has any more, failures of
/// records that are gone or no longer read).
awaitable<void> Engine::forget_older(Table table) {
  std::string after;
  while (true) {
    std::vector<Entry> rows = co_await journal_.store().scan(table, "", after, walk_batch);
    if (rows.empty()) co_return;
    after = rows.back().key;
    const bool last = rows.size() < walk_batch;
    std::erase_if(rows, [this](const Entry& row) { return Journal::run_of(row) == run_.number; });
    for (Entry& row : rows) row.value = nullptr;
    if (!rows.empty()) co_await journal_.store().commit(std::move(rows));
    if (last) co_return;
  }
}

/// Shared masters that no record of this run has named: candidates for removal, if they are ours.
awaitable<void> Engine::collect_unseen() {
  std::string after;
  while (true) {
    std::vector<Entry> rows = co_await journal_.store().scan(Table::outcome, "", after, walk_batch);
    std::vector<Entry> entries;
    for (const Entry& row : rows) {
      const Outcome outcome = Journal::outcome_from(row.value);
      if (outcome.shared && outcome.ours && !outcome.imported && outcome.run != run_.number)
        entries.push_back(Entry{Table::vanished, row.key, "unseen"});
    }
    co_await journal_.store().commit(std::move(entries));
    if (rows.size() < walk_batch) co_return;
    after = rows.back().key;
  }
}

/// Removes what the source no longer has, those that refer to others first.
awaitable<void> Engine::remove_vanished() {
  TableSink* sink = pipeline_.sink->as_tables();
  if (!sink) co_return;
  std::unique_ptr<Stage> stage = import_stage();
  std::vector<std::string> types = sink->types();
  std::reverse(types.begin(), types.end());
  StreamState stream = co_await resume("~removal", *stage);
  for (const std::string& type : types) {
    std::string after;
    while (!stopping()) {
      std::vector<Entry> rows = co_await journal_.store().scan(Table::vanished, type + "/", after, walk_batch);
      if (rows.empty()) break;
      after = rows.back().key;
      std::set<std::size_t> kept;
      std::vector<Failure> failures;
      while (true) {
        std::vector<Record> records;
        records.reserve(rows.size());
        std::vector<std::size_t> positions;
        for (std::size_t i = 0; i < rows.size(); ++i) {
          if (kept.count(i)) continue;
          Record record;
          record.ref = Journal::ref_from(rows[i].key);
          record.data = Object();
          record.deleted = true;
          records.push_back(std::move(record));
          positions.push_back(i);
        }
        std::vector<Operation> operations;
        for (std::size_t i = 0; i < records.size(); ++i) operations.emplace_back(records[i], positions[i]);
        std::string name = journal_.chunk_name(stream);
        std::unique_ptr<TableTransaction> transaction = co_await sink->begin(std::move(name));
        std::span<Operation> all(operations);
        co_await transaction->identify(all);
        WriteResult result = co_await transaction->write(all);
        if (!result.failures.empty()) {
          for (const UnitFailure& failure : result.failures) {
            kept.insert(failure.unit);
            // A master that nobody names any more but somebody else refers to is none of our business.
            if (rows[failure.unit].value.is_string()) continue;
            Failure kept_row;
            kept_row.record = Journal::ref_from(rows[failure.unit].key);
            kept_row.cause = "still_referenced";
            kept_row.message = fmt::format("has vanished from the source but stays on the target: {}", failure.error.what());
            kept_row.advice = "remove what refers to it, then run the delta again";
            failures.push_back(std::move(kept_row));
          }
          continue;
        }
        StreamState next = stream;
        std::vector<Entry> entries;
        for (std::size_t i = 0; i < rows.size(); ++i) entries.push_back(Entry{Table::vanished, rows[i].key, nullptr});
        for (std::size_t i = 0; i < operations.size(); ++i) {
          if (result.effects[i] == Effect::removed) ++next.tally.types[type].removed;
          entries.push_back(Entry{Table::outcome, rows[positions[i]].key, nullptr});
        }
        for (const Failure& failure : failures) {
          ++next.tally.warnings[failure.record.type][failure.cause];
          tell(failure);
        }
        ++next.next_chunk;
        entries.push_back(Journal::entry(next));
        Value receipt = Journal::pack(entries);
        co_await transaction->commit(std::move(receipt));
        transaction.reset();
        co_await journal_.store().commit(std::move(entries));
        stream = std::move(next);
        progress(stream);
        break;
      }
      if (rows.size() < walk_batch) break;
    }
  }
  resolver_.clear();
}

MIGRATE_END
