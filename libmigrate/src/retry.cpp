// Another try for what has failed.
#include "engine.hpp"

MIGRATE_BEGIN

namespace {
constexpr std::size_t walk_batch = 1000;
}

/// The failed records as they are now, or as they were where the source cannot be asked for them.
awaitable<std::unique_ptr<Batch>> Engine::fetch_failed(std::vector<Failure> failures) {
  if (pipeline_.source->traits().fetches) {
    std::vector<RecordRef> refs;
    for (const Failure& failure : failures) refs.push_back(failure.record);
    co_return co_await fetch_batch(std::move(refs));
  }
  auto batch = std::make_unique<Batch>();
  batch->partition.name = failures.front().record.type;
  for (Failure& failure : failures) {
    Record record;
    record.ref = failure.record;
    record.data = std::move(failure.data);
    batch->raw.records.push_back(std::move(record));
  }
  const auto work = [&] { transform(*batch, pipeline_.transforms, true); };
  co_await on_pool(services(), work);
  co_return batch;
}

/// The stage counts what it sees as read once more, so the first count of these records is taken back.
awaitable<void> Engine::retry_failed(Failures which) {
  if (run_.number == 0)
    throw Error(ErrorKind::invalid, "nothing_to_retry", "there has been no run of this migration yet");
  std::vector<TableSchema> schemas = co_await pipeline_.source->schemas();
  co_await pipeline_.sink->prepare(std::move(schemas));
  had_failures_ = true;
  ItemSink* items = pipeline_.sink->traits().undoes ? pipeline_.sink->as_items() : nullptr;
  std::unique_ptr<Stage> stage = import_stage();
  StreamState stream = co_await resume("~retry", *stage);
  stream.finished = false;
  std::string after;
  while (!stopping()) {
    std::vector<Entry> rows = co_await journal_.store().scan(Table::failed, "", after, walk_batch);
    if (rows.empty()) co_return;
    const bool last = rows.size() < walk_batch;
    after = rows.back().key;
    std::vector<Failure> failures;
    std::map<std::string, std::uint64_t> files;
    for (const Entry& row : rows) {
      if (which == Failures::earlier && Journal::run_of(row) == run_.number) continue;
      Failure failure = Journal::failure_from(row);
      if (failure.skipped_by_person || (!options_.cause.empty() && failure.cause != options_.cause)) continue;
      files.emplace(row.key, Journal::files_of(row));
      failures.push_back(std::move(failure));
    }
    if (failures.empty()) {
      if (last) co_return;
      continue;
    }
    for (const Failure& failure : failures) {
      --stream.tally.types[failure.record.type].read;
      --stream.tally.types[failure.record.type].failed;
      stream.tally.types[failure.record.type].files -= files.at(Journal::key(failure.record));
    }
    std::set<std::string> asked;
    for (const Failure& failure : failures) asked.insert(Journal::key(failure.record));
    std::unique_ptr<Batch> batch = co_await fetch_failed(std::move(failures));
    for (const Unit& unit : batch->units) asked.erase(Journal::key(unit.source));
    batch->raw.last = last;
    batch->stream = stream.name;
    batch->chunk = stream.next_chunk;
    batch->counted_before = true;
    for (const std::string& key : asked) {
      // Gone from the source: nothing will complete what there may be of it on the target.
      std::optional<Error> left;
      const RecordRef gone = Journal::ref_from(key);
      const std::optional<Outcome> outcome = co_await journal_.outcome(gone);
      if (items && !outcome) left = co_await take_back(*items, gone);
      if (!left) {
        batch->also.push_back(Entry{Table::failed, key, nullptr});
        continue;
      }
      ++stream.tally.types[gone.type].read;
      ++stream.tally.types[gone.type].failed;
      stream.tally.types[gone.type].files += files.at(key);
    }
    co_await stage->apply(stream, *batch);
    if (last) co_return;
  }
}

MIGRATE_END
