// Verification against the source, and the dry run.
#include <fmt/format.h>

#include <algorithm>

#include "engine.hpp"

MIGRATE_BEGIN

namespace {
constexpr std::size_t page = 100;             // things a sink is asked for at once
constexpr std::size_t example_limit = 1000;   // of findings that a report lists
}  // namespace

/// What the id map says is there, is there: without reading the source.
awaitable<void> Engine::verify_items_exist(Report::Verification& verification) {
  std::string after;
  while (!stopping()) {
    std::vector<Entry> rows = co_await journal_.store().scan(Table::outcome, "", after, page);
    if (rows.empty()) co_return;
    after = rows.back().key;
    std::vector<std::string> ids;
    for (const Entry& row : rows) {
      const Outcome outcome = Journal::outcome_from(row.value);
      ids.emplace_back(outcome.target_id.is_string() ? std::string(outcome.target_id.get_string()) : std::string());
    }
    std::vector<std::string> asked = ids;
    const std::vector<bool> there = co_await pipeline_.sink->as_items()->exist(std::move(asked));
    verification.checked += ids.size();
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (there[i]) continue;
      ++verification.differences;
      if (verification.examples.size() >= example_limit) continue;
      Finding finding;
      finding.record = Journal::ref_from(rows[i].key);
      finding.expected = ids[i];
      finding.found = "nothing";
      finding.message = fmt::format("{} {} should be on the target as {}, and is not", finding.record.type,
                                    finding.record.id, ids[i]);
      verification.examples.push_back(std::move(finding));
    }
    if (rows.size() < page) co_return;
  }
}

awaitable<void> Engine::verify(VerifyLevel level) {
  if (!pipeline_.sink->traits().verifies)
    throw Error(ErrorKind::unsupported, "no_verification", "this sink cannot verify what it has written");
  Report::Verification verification;
  verification.level = to_string(level);
  TableSink* tables = pipeline_.sink->as_tables();
  if (level == VerifyLevel::basic || tables) {
    for (const auto& [type, counters] : report_.types) {
      if (!tables || (selection_ && counters.read == 0)) continue;
      const std::vector<std::string> types = tables->types();
      if (std::find(types.begin(), types.end(), type) == types.end()) continue;
      const std::uint64_t expected = counters.written + counters.skipped - counters.removed;
      const std::uint64_t found = co_await tables->count(type);
      ++verification.checked;
      // Rows that others have made are not counted against the migration; missing ones are.
      if (found >= expected) continue;
      Finding finding;
      finding.record = RecordRef{type, ""};
      finding.expected = std::to_string(expected);
      finding.found = std::to_string(found);
      finding.message = fmt::format("{}: {} records should be on the target, {} are", type, expected, found);
      verification.examples.push_back(std::move(finding));
      ++verification.differences;
    }
  }
  if (level == VerifyLevel::basic && !tables) co_await verify_items_exist(verification);
  if (level != VerifyLevel::basic) {
    Examination examination;
    examination.level = level;
    const std::uint64_t total = report_.total().read;
    // A thousand records at least, a tenth of what there is: zero bad ones of n say fewer than 3/n with 95 %.
    const auto wanted = static_cast<double>(std::max<std::uint64_t>({1000, options_.sample, total / 10}));
    if (level == VerifyLevel::standard && total > 0) examination.share = std::min(1.0, wanted / static_cast<double>(total));
    examination.extras = level == VerifyLevel::comprehensive && options_.mode != Mode::test && !options_.where;
    std::unique_ptr<Stage> stage = make_examination(*this, examination);
    // A verification is no run of its own: its streams are not kept, its counters not added to those of the run.
    const auto tallies = tallies_;
    tallies_.clear();
    co_await run_partitions(*stage, false, false);
    Tally looked_at;
    for (const auto& [name, tally] : tallies_) looked_at += tally;
    tallies_ = tallies;
    verified_.clear();
    for (const auto& [type, counters] : looked_at.types) verified_[type] = counters.verified;
    refresh_report();
    verification.checked += examination.checked;
    verification.differences += examination.differences;
    std::move(examination.examples.begin(), examination.examples.end(), std::back_inserter(verification.examples));
  }
  Object row;
  row.emplace("level", verification.level);
  row.emplace("checked", static_cast<std::int64_t>(verification.checked));
  row.emplace("differences", static_cast<std::int64_t>(verification.differences));
  Array examples;
  for (std::size_t i = 0; i < verification.examples.size() && i < 20; ++i)
    examples.push_back(to_value(verification.examples[i]));
  row.emplace("examples", std::move(examples));
  Object by_type;
  for (const auto& [type, count] : verified_) by_type.emplace(type, static_cast<std::int64_t>(count));
  row.emplace("by_type", std::move(by_type));
  run_.verification = std::move(row);
  report_.verification = std::move(verification);
}

awaitable<void> Engine::dry_run() {
  co_await begin_phase(Phase::transformation);
  Examination examination;
  examination.preview = true;
  tallies_.clear();
  options_.max_failures = 0;
  std::unique_ptr<Stage> stage = make_examination(*this, examination);
  co_await run_partitions(*stage, false, false);
  Report::Verification findings;
  findings.level = "preview";
  findings.checked = examination.checked;
  findings.differences = 0;
  findings.examples = std::move(examination.examples);
  report_.verification = std::move(findings);
  co_await end_phase(Phase::transformation);
}

MIGRATE_END
