// A delta run of a source that can tell what has changed: it begins where the last run has ended.
#include "engine.hpp"

MIGRATE_BEGIN

namespace {
constexpr std::size_t walk_batch = 1000;

/// Filters by content: what a run with another one has passed over, its cursor has passed too.
Value where_of(const Value& scope) {
  const Object* object = scope.if_object();
  const Value* where = object ? object->if_contains("where") : nullptr;
  return where ? *where : Value();
}
}  // namespace

/// The cursor at the end of each partition's last complete pass, if the source goes on from there.
awaitable<void> Engine::find_earlier_ends() {
  if (!incremental() || !pipeline_.source->traits().incremental) co_return;
  const std::vector<Partition> partitions = co_await pipeline_.source->partitions();
  for (const Partition& partition : partitions) {
    // A second look depends on what else is there, not on what has changed.
    if (partition.revisit || !asked_for(options_, partition.type)) continue;
    for (std::uint64_t number = run_.number; number-- > 1;) {
      StreamState stream = co_await journal_.stream(Journal::stream_name(number, stream_key(partition)));
      if (!stream.finished) continue;
      const std::optional<RunState> earlier = co_await journal_.run(number);
      const bool sampled = !earlier || earlier->mode == to_string(Mode::test);
      const Value where = earlier ? where_of(earlier->scope) : Value();
      if (sampled || (!where.is_null() && where != where_of(run_.scope))) continue;
      earlier_ends_.emplace(stream_key(partition), detached(stream.cursor));
      break;
    }
  }
}

/// What failed before and has not changed since does not come again by itself: it counts as read and failed once more,
/// and is tried again.
awaitable<void> Engine::take_up_failures() {
  StreamState stream = co_await journal_.stream(Journal::stream_name(run_.number, "~earlier"));
  const bool counted = stream.finished;
  std::string after;
  while (!stream.finished) {
    const std::vector<Entry> rows = co_await journal_.store().scan(Table::failed, "", after, walk_batch);
    for (const Entry& row : rows) {
      const Failure failure = Journal::failure_from(row);
      if (failure.skipped_by_person || Journal::run_of(row) == run_.number) continue;
      ++stream.tally.types[failure.record.type].read;
      ++stream.tally.types[failure.record.type].failed;
    }
    stream.finished = rows.size() < walk_batch;
    if (!stream.finished) after = rows.back().key;
  }
  std::vector<Entry> entries;
  entries.push_back(Journal::entry(stream));
  co_await journal_.store().commit(std::move(entries));
  // They have failed already: they do not count towards the limit.
  if (!counted)
    for (const auto& [type, counters] : stream.tally.types) failed_before_ += counters.failed;
  progress(stream);
  co_await retry_failed(Failures::earlier);
}

MIGRATE_END
