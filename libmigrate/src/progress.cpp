// What the observer and the report are told while a run goes on.
#include <fmt/format.h>

#include <algorithm>

#include "engine.hpp"

MIGRATE_BEGIN

awaitable<void> Engine::begin_phase(Phase phase) {
  if (options_.observer) {
    const bool only_rollback = phase == Phase::rollback && options_.mode == Mode::rollback;
    if (phase == Phase::import || phase == Phase::pre_validation || phase == Phase::verification || only_rollback) {
      // Sizes are a courtesy: a source that cannot tell leaves progress without an end.
      std::optional<std::uint64_t> expected;
      if (phase != Phase::pre_validation && !only_rollback) {
        const std::vector<Partition> partitions = co_await pipeline_.source->partitions();
        expected = 0;
        for (const Partition& partition : partitions) {
          if (partition.revisit || !asked_for(options_, partition.type)) continue;
          if (!partition.size)
            expected.reset();
          else if (expected)
            *expected += *partition.size;
        }
      }
      options_.observer->on_start(report_, expected);
    }
    options_.observer->on_phase(phase);
  }
}

awaitable<void> Engine::end_phase(Phase phase) {
  // Reading and transforming happen inside the import, batch by batch.
  std::vector<Phase> ended;
  if (phase == Phase::import) ended = {Phase::extraction, Phase::transformation};
  ended.push_back(phase);
  for (const Phase each : ended) {
    const std::string name(to_string(each));
    if (!unfinished_ && std::find(run_.phases.begin(), run_.phases.end(), name) == run_.phases.end())
      run_.phases.push_back(name);
    report_.completed.push_back(each);
    refresh_report();
    if (options_.observer) options_.observer->on_phase_done(each, report_);
  }
  co_return;
}

void Engine::refresh_report() {
  Tally sum;
  for (const auto& [name, tally] : tallies_) sum += tally;
  for (const auto& [batch, tally] : under_way_) sum += tally;
  report_.types = std::move(sum.types);
  for (const auto& [type, count] : verified_) report_.types[type].verified = count;
  if (examined_) {
    Tally looked_at;
    for (const auto& [name, tally] : *examined_) looked_at += tally;
    for (const auto& [type, counters] : looked_at.types) report_.types[type].verified = counters.verified;
  }
  report_.warnings = std::move(sum.warnings);
  for (const auto& [type, causes] : run_.unresolved)
    for (const auto& [cause, count] : causes) report_.warnings[type][cause] += count;
  report_.orphans_cleaned = run_.cleaned;
  const auto now = services().clock->now();
  report_.elapsed = std::chrono::milliseconds(elapsed_before_ms_) +
                    std::chrono::duration_cast<std::chrono::milliseconds>(now - attempt_started_);
}

void Engine::arrived(const Batch& batch, Tally so_far) {
  under_way_[{batch.stream, batch.chunk}] = std::move(so_far);
  refresh_report();
  if (options_.observer) options_.observer->on_progress(report_);
}

void Engine::progress(const StreamState& stream) {
  std::erase_if(under_way_, [&stream](const auto& entry) {
    const auto& [name, chunk] = entry.first;
    return name == stream.name && chunk < stream.next_chunk;
  });
  (examined_ ? *examined_ : tallies_)[stream.name] = stream.tally;
  refresh_report();
  if (options_.observer) options_.observer->on_progress(report_);
  // Counted from where this attempt took over: otherwise a run that was broken off could never go on.
  const std::uint64_t failed = report_.total().failed;
  if (options_.max_failures && failed > failed_before_ + options_.max_failures)
    throw Error(ErrorKind::invalid, "too_many_failures",
                fmt::format("{} records have failed, more than the {} that run.max_failures allows",
                            failed - failed_before_, options_.max_failures))
        .with_advice("look at the causes in the report; what has arrived is kept, and a run goes on from here");
}

void Engine::tell(const Failure& failure) {
  if (options_.observer) options_.observer->on_failure(failure);
}

MIGRATE_END
