// The loop over the source: partitions, batches, and patience with both.
#include <fmt/format.h>

#include <algorithm>

#include "engine.hpp"

MIGRATE_BEGIN

namespace {
/// How soon a stop is noticed by what waits.
constexpr std::chrono::milliseconds longest_without_a_look{500};
}  // namespace

/// Rank after rank; partitions of one rank side by side.
awaitable<void> Engine::run_partitions(Stage& stage, bool persistent, bool revisits) {
  std::vector<Partition> partitions = co_await pipeline_.source->partitions();
  std::stable_sort(partitions.begin(), partitions.end(),
                   [](const Partition& a, const Partition& b) { return a.rank < b.rank; });
  std::erase_if(partitions, [&](const Partition& partition) {
    return partition.revisit != revisits || !asked_for(options_, partition.type);
  });
  const std::size_t width = interactive() ? 1 : options_.partitions_in_flight;
  for (std::size_t first = 0; first < partitions.size() && !stopping();) {
    TaskGroup group(executor_, width);
    std::size_t i = first;
    for (; i < partitions.size() && partitions[i].rank == partitions[first].rank; ++i) {
      Partition partition = partitions[i];
      awaitable<void> work = run_partition(std::move(partition), stage, persistent);
      const bool started = co_await group.spawn(std::move(work));
      if (!started) break;
    }
    co_await group.join();
    first = i;
  }
}

/// The stream as the last life has left it, with what its last transaction may not have told the store.
awaitable<StreamState> Engine::resume(std::string name, Stage& stage) {
  StreamState stream = co_await journal_.stream(Journal::stream_name(run_.number, name));
  co_await stage.recover(stream);
  (examined_ ? *examined_ : tallies_)[stream.name] = stream.tally;
  refresh_report();
  co_return stream;
}

/// The loop: while one batch is settled, the next one is read and transformed.
awaitable<void> Engine::run_partition(Partition partition, Stage& stage, bool persistent) {
  StreamState stream;
  stream.name = Journal::stream_name(run_.number, stream_key(partition));
  if (persistent) {
    stream = co_await resume(stream_key(partition), stage);
    if (stream.finished) co_return;
    const auto earlier = earlier_ends_.find(stream_key(partition));
    if (stream.cursor.is_null() && earlier != earlier_ends_.end()) stream.cursor = detached(earlier->second);
  }
  std::unique_ptr<Batch> batch = co_await read_batch(partition, stream.cursor), done;
  while (true) {
    batch->stream = stream.name;
    batch->chunk = stream.next_chunk;
    Running<std::unique_ptr<Batch>> ahead;
    if (!batch->raw.last && !stopping() && !interactive()) {
      awaitable<std::unique_ptr<Batch>> reading =
          read_ahead(partition, detached(batch->raw.next), stage, *batch, std::move(done));
      ahead = Running<std::unique_ptr<Batch>>(executor_, std::move(reading));
    }
    std::exception_ptr trouble;
    try {
      co_await stage.apply(stream, *batch);
    } catch (...) {
      trouble = std::current_exception();
    }
    if (trouble) {
      failed_ = true;
      co_await ahead.abandon();
      std::rethrow_exception(trouble);
    }
    const bool last = batch->raw.last;
    if (last || stopping() || failed_) {
      co_await ahead.abandon();
      co_return;
    }
    Cursor next = detached(batch->raw.next);
    done = std::move(batch);
    if (ahead.active())
      batch = co_await ahead.join();
    else
      batch = co_await read_batch(partition, std::move(next));
  }
}

std::size_t Engine::batch_limit() const {
  // A person decides about one record at a time, so that each decision is settled before the next is asked for.
  if (interactive()) return 1;
  const std::size_t preferred = options_.batch_size ? options_.batch_size : pipeline_.sink->traits().preferred_batch;
  return std::max<std::size_t>(1, preferred);
}

/// Asks the source as often as RunOptions::retry permits.
template <class Read>
awaitable<RecordBatch> Engine::patiently(RecordRef where, Read& read) {
  int attempt = 1;
  while (true) {
    std::optional<Error> trouble;
    try {
      co_return co_await read();
    } catch (const Error& error) {
      trouble = error;
    }
    const bool again = co_await try_again(where, *trouble, attempt);
    if (!again) give_up(*trouble);
  }
}

awaitable<std::unique_ptr<Batch>> Engine::read_batch(Partition partition, Cursor from) {
  auto batch = std::make_unique<Batch>();
  batch->partition = partition;
  const std::size_t limit = batch_limit();
  const auto read = [&] { return pipeline_.source->read(partition, detached(from), limit); };
  RecordRef where{partition.name, ""};
  batch->raw = co_await patiently(std::move(where), read);
  filter(*batch);
  const bool keep = interactive() || !pipeline_.source->traits().fetches;
  const auto work = [&] { transform(*batch, pipeline_.transforms, keep); };
  co_await on_pool(services(), work);
  co_return batch;
}

/// These records as they are now, in a batch of their own; those that are gone are not in it.
awaitable<std::unique_ptr<Batch>> Engine::fetch_batch(std::vector<RecordRef> refs) {
  auto batch = std::make_unique<Batch>();
  batch->partition.name = refs.front().type;
  const auto read = [&] { return pipeline_.source->fetch(refs); };
  RecordRef where{batch->partition.name, ""};
  batch->raw = co_await patiently(std::move(where), read);
  const bool keep = interactive();
  const auto work = [&] { transform(*batch, pipeline_.transforms, keep); };
  co_await on_pool(services(), work);
  co_return batch;
}

/// The batch after `before`, prepared. `done`, the one before that, is destroyed meanwhile: away from the strand.
awaitable<std::unique_ptr<Batch>> Engine::read_ahead(Partition partition, Cursor from, Stage& stage, Batch& before,
                                                     std::unique_ptr<Batch> done) {
  if (done) {
    const auto destroy = [&done] { done.reset(); };
    co_await on_pool(services(), destroy);
  }
  std::unique_ptr<Batch> batch = co_await read_batch(std::move(partition), std::move(from));
  batch->stream = before.stream;
  batch->chunk = before.chunk + 1;
  co_await stage.prepare(*batch, before);
  co_return batch;
}

awaitable<bool> Engine::try_again(RecordRef record, Error error, int& attempt) {
  const bool quota = error.kind() == ErrorKind::throttled;
  if (stopping() || !error.retryable() || (!quota && attempt >= options_.retry.attempts)) co_return false;
  co_await back_off(std::move(record), std::move(error), attempt);
  if (!quota) ++attempt;
  co_return !stopping();
}

void Engine::give_up(const Error& error) const {
  if (!error.retryable() || !stopping()) throw error;
  throw Error(ErrorKind::cancelled, "stopped", fmt::format("stopped as asked; at last: {}", error.what()));
}

awaitable<void> Engine::back_off(RecordRef record, Error error, int attempt) {
  // A quota may close for an hour. What is taken back because of a stop waits as everything else does.
  const bool stopped = stopping();
  const std::chrono::milliseconds wait = options_.retry.delay(error, attempt);
  if (options_.observer) options_.observer->on_retry(record, attempt, wait, error);
  services().write_log(LogLevel::warning, "engine",
                       fmt::format("{} {}: {}; trying again in {} ms", record.type, record.id, error.what(),
                                   wait.count()));
  const auto end = services().clock->now() + wait;
  for (auto left = wait; left.count() > 0 && stopping() == stopped;
       left = std::chrono::ceil<std::chrono::milliseconds>(end - services().clock->now()))
    co_await services().clock->sleep(std::min(left, longest_without_a_look));
}

MIGRATE_END
