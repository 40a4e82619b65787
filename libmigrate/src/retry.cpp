// Another try for what has failed.
#include <fmt/format.h>

#include "engine.hpp"

MIGRATE_BEGIN

namespace {
constexpr std::size_t walk_batch = 1000;
}

/// The failed records as they are now, or as they were where the source cannot be asked for them.
awaitable<std::unique_ptr<Batch>> Engine::fetch_failed(std::vector<Entry> rows) {
  if (pipeline_.source->traits().fetches) {
    std::vector<RecordRef> refs;
    for (const Entry& row : rows) refs.push_back(Journal::ref_from(row.key));
    co_return co_await fetch_batch(std::move(refs));
  }
  auto batch = std::make_unique<Batch>();
  batch->partition.name = Journal::ref_from(rows.front().key).type;
  for (const Entry& row : rows) batch->raw.records.push_back(Journal::failed_record(row));
  const auto work = [&] { transform(*batch, pipeline_.transforms, true); };
  co_await on_pool(services(), work);
  co_return batch;
}

/// Which of these rows are tried. The stage counts what it sees as read once more, so the first count of these records
/// is taken back, where the run has counted them. What only runs before it have met, it counts now; and where it is to
/// go on and meet them by itself, they count towards this retry alone.
std::vector<Entry> Engine::choose_failures(std::vector<Entry> rows, Failures which, bool earlier_counted,
                                           Tally& tally) {
  std::erase_if(rows, [&](const Entry& row) {
    const bool of_this_run = Journal::run_of(row) == run_.number;
    const bool counted = of_this_run || earlier_counted;
    if ((which == Failures::earlier && of_this_run) || (unfinished_ && counted == (which == Failures::ahead)))
      return true;
    const Failure failure = Journal::failure_from(row);
    if (failure.skipped_by_person || (!options_.cause.empty() && failure.cause != options_.cause)) return true;
    if (!counted) {
      ++failed_before_;  // it has failed already: it does not count towards the limit
      return false;
    }
    Counters& counters = tally.types[failure.record.type];
    --counters.read;
    --counters.failed;
    counters.files -= Journal::files_of(row);
    return false;
  });
  return rows;
}

awaitable<void> Engine::retry_failed(Failures which) {
  if (run_.number == 0)
    throw Error(ErrorKind::invalid, "nothing_to_retry", "there has been no run of this migration yet");
  const bool ahead = which == Failures::ahead;
  if (!ahead) {
    std::vector<TableSchema> schemas = co_await pipeline_.source->schemas();
    co_await pipeline_.sink->prepare(std::move(schemas));
  }
  ItemSink* items = pipeline_.sink->traits().undoes ? pipeline_.sink->as_items() : nullptr;
  std::unique_ptr<Stage> stage = import_stage();
  std::string name = ahead ? Journal::ahead : "~retry";
  StreamState stream = co_await resume(std::move(name), *stage);
  stream.finished = false;
  // What a retry before this one has counted is no concern of this one.
  if (ahead) tallies_[stream.name] = stream.tally = Tally();
  refresh_report();
  const StreamState earlier = co_await journal_.stream(Journal::stream_name(run_.number, "~earlier"));
  std::string after;
  while (!stopping()) {
    // A person decides about one record at a time, so that each decision is settled before the next is asked for.
    const std::size_t page = interactive() ? 1 : walk_batch;
    std::vector<Entry> rows = co_await journal_.store().scan(Table::failed, "", after, page);
    if (rows.empty()) co_return;
    const bool last = rows.size() < page;
    after = rows.back().key;
    std::vector<Entry> failures = choose_failures(std::move(rows), which, earlier.finished, stream.tally);
    if (failures.empty()) {
      if (last) co_return;
      continue;
    }
    std::map<std::string, Entry> asked;
    for (const Entry& row : failures) asked.emplace(row.key, row);
    std::unique_ptr<Batch> batch = co_await fetch_failed(std::move(failures));
    for (const Unit& unit : batch->units) asked.erase(Journal::key(unit.source));
    batch->raw.last = last;
    batch->stream = stream.name;
    batch->chunk = stream.next_chunk;
    batch->retried = true;
    batch->ahead = ahead;
    for (auto& [key, row] : asked) {
      // Gone from the source: nothing will complete what there may be of it on the target.
      std::optional<Error> left;
      const RecordRef gone = Journal::ref_from(key);
      const std::optional<Outcome> outcome = co_await journal_.outcome(gone);
      if (items && !outcome) left = co_await take_back(*items, gone);
      if (!left) {
        batch->also.push_back(Entry{Table::failed, key, nullptr});
        ++stream.tally.types[gone.type].read;
        ++stream.tally.types[gone.type].dropped;
        ++stream.tally.warnings[gone.type]["gone_from_source"];
        services().write_log(LogLevel::warning, "engine",
                             fmt::format("{} {} had failed and the source no longer has it: it is given up, as dropped",
                                         gone.type, gone.id));
        continue;
      }
      ++stream.tally.types[gone.type].read;
      ++stream.tally.types[gone.type].failed;
      stream.tally.types[gone.type].files += Journal::files_of(row);
      if (ahead) continue;
      row.value.as_object()["run"] = static_cast<std::int64_t>(run_.number);
      batch->also.push_back(std::move(row));
    }
    co_await stage->apply(stream, *batch);
    if (last) co_return;
  }
}

MIGRATE_END
