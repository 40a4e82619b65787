// Verification against the source, and the dry run.
#include <fmt/format.h>

#include <algorithm>

#include "engine.hpp"
#include "sample.hpp"

MIGRATE_BEGIN

namespace {

constexpr std::size_t page = 100;            // things a sink is asked for at once
constexpr std::size_t example_limit = 1000;  // of findings that a report lists

void add(Report::Verification& verification, Finding finding) {
  ++verification.differences;
  if (verification.examples.size() < example_limit) verification.examples.push_back(std::move(finding));
}

/// Which of these are there; all of them as far as a sink knows that cannot tell.
awaitable<std::vector<bool>> existing(ItemSink& sink, std::vector<std::string> ids) {
  const std::size_t count = ids.size();
  try {
    co_return co_await sink.exist(std::move(ids));
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::unsupported) throw;
  }
  co_return std::vector<bool>(count, true);
}

}  // namespace

awaitable<std::set<std::string>> Engine::types_of_source() {
  const std::vector<Partition> partitions = co_await pipeline_.source->partitions();
  std::set<std::string> types;
  for (const Partition& partition : partitions) types.insert(partition.type);
  co_return types;
}

/// Whether this run, with its filters, is about a record that the source knows by this name.
bool Engine::in_scope(const RecordRef& record, const std::set<std::string>& types) const {
  if (!types.count(record.type) || (!options_.only.empty() && !options_.only.count(record.type))) return false;
  if (!selection_) return true;
  const auto chosen = selection_->chosen.find(record.type);
  return chosen != selection_->chosen.end() && chosen->second.count(record.id);
}

/// What the id map says is there, is there: without reading the source. Notes what a sample may be taken of, and says
/// whether it may be: whether the source can be asked for these records by the names that the id map has for them.
awaitable<bool> Engine::survey_items(Sample& sample, Examination& examination, Report::Verification& verification) {
  const std::set<std::string> types = co_await types_of_source();
  bool by_name = pipeline_.source->traits().fetches && !options_.where;
  std::string after;
  while (!stopping()) {
    std::vector<Entry> rows = co_await journal_.store().scan(Table::outcome, "", after, page);
    if (rows.empty()) break;
    after = rows.back().key;
    std::vector<RecordRef> items;
    std::vector<std::string> ids;
    for (const Entry& row : rows) {
      const Outcome outcome = Journal::outcome_from(row.value);
      RecordRef item = Journal::ref_from(row.key);
      by_name = by_name && !outcome.derived;
      // What a mapping file names beside the records is there for links to find.
      std::string id = Journal::item_id(outcome.target_id);
      if (id.empty() || (outcome.imported && !types.count(item.type))) continue;
      ids.push_back(std::move(id));
      items.push_back(std::move(item));
    }
    std::vector<std::string> asked = ids;
    const std::vector<bool> there = co_await existing(*pipeline_.sink->as_items(), std::move(asked));
    verification.checked += ids.size();
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (there[i]) {
        if (in_scope(items[i], types)) sample.note(items[i]);
        continue;
      }
      examination.absent.add(items[i]);
      Finding finding;
      finding.record = items[i];
      finding.expected = ids[i];
      finding.found = "nothing";
      finding.message =
          fmt::format("{} {} should be on the target as {}, and is not", items[i].type, items[i].id, ids[i]);
      add(verification, std::move(finding));
    }
  }
  // An id map without a record proves nothing: the source may have some.
  co_return by_name && (sample.noted() > 0 || !examination.absent.empty());
}

/// Walks the id map once more and compares what the sample holds. Records that are gone from the source are not
/// compared; as many others take their place.
awaitable<void> Engine::compare_fetched(Stage& stage, Sample& sample, Examination& examination) {
  const std::set<std::string> types = co_await types_of_source();
  const std::size_t limit = batch_limit();
  StreamState stream;
  stream.name = Journal::stream_name(run_.number, "~sample");
  const std::uint64_t wanted = sample.wanted();
  do {
    std::string after;
    std::vector<RecordRef> refs;
    for (bool last = false; !last && !stopping();) {
      const std::vector<Entry> rows = co_await journal_.store().scan(Table::outcome, "", after, page);
      last = rows.size() < page;
      if (!last) after = rows.back().key;
      for (const Entry& row : rows) {
        RecordRef ref = Journal::ref_from(row.key);
        if (in_scope(ref, types) && sample.holds(ref) && !examination.absent.holds(ref)) refs.push_back(std::move(ref));
      }
      while (refs.size() >= limit || (last && !refs.empty())) {
        const auto end = refs.begin() + static_cast<std::ptrdiff_t>(std::min(limit, refs.size()));
        std::vector<RecordRef> some(refs.begin(), end);
        refs.erase(refs.begin(), end);
        const std::unique_ptr<Batch> batch = co_await fetch_batch(std::move(some));
        co_await stage.apply(stream, *batch);
      }
    }
  } while (!stopping() && examination.compared < wanted && sample.widen(wanted - examination.compared));
  examination.records = sample.noted();
}

awaitable<void> Engine::count_tables(TableSink& tables, Report::Verification& verification) {
  const std::vector<std::string> types = tables.types();
  for (const auto& [type, counters] : report_.types) {
    if (selection_ && counters.read == 0) continue;
    if (std::find(types.begin(), types.end(), type) == types.end()) continue;
    const std::uint64_t expected = counters.written + counters.skipped - counters.removed;
    const std::uint64_t found = co_await tables.count(type);
    ++verification.checked;
    // Rows that others have made are not counted against the migration; missing ones are.
    if (found >= expected) continue;
    Finding finding;
    finding.record = RecordRef{type, ""};
    finding.expected = std::to_string(expected);
    finding.found = std::to_string(found);
    finding.message = fmt::format("{}: {} records should be on the target, {} are", type, expected, found);
    add(verification, std::move(finding));
  }
}

/// Each level compares the whole content of records. A sample is fetched by name where that is possible, else it is
/// taken of all that the source yields.
awaitable<Examination> Engine::compare(VerifyLevel level, Report::Verification& verification) {
  Examination examination;
  const bool all = level == VerifyLevel::comprehensive;
  examination.extras = all && options_.mode != Mode::test && !options_.where;
  // A thousand records at least, a tenth of what there is: zero bad ones of n say fewer than 3/n with 95 %.
  const bool standard = level == VerifyLevel::standard;
  const std::uint64_t least = standard ? std::max<std::uint64_t>(1000, options_.sample) : 100;
  Sample sample(least, standard);
  bool by_name = false;
  if (!all && pipeline_.sink->as_items()) by_name = co_await survey_items(sample, examination, verification);
  std::unique_ptr<Stage> stage = make_examination(*this, examination);
  Sample share(least, standard);
  if (!all && !by_name) examination.sample = &share;
  if (by_name)
    co_await compare_fetched(*stage, sample, examination);
  else
    co_await run_partitions(*stage, false, false);
  examination.sample = nullptr;
  // Nothing is left to compare of what is gone.
  examination.records += examination.absent.size();
  examination.compared += examination.absent.size();
  co_return examination;
}

awaitable<void> Engine::verify(VerifyLevel level) {
  if (!pipeline_.sink->traits().verifies)
    throw Error(ErrorKind::unsupported, "no_verification", "this sink cannot verify what it has written");
  Report::Verification verification;
  verification.level = to_string(level);
  if (TableSink* tables = pipeline_.sink->as_tables()) co_await count_tables(*tables, verification);
  // However it ends, the counters are the run's again.
  struct Aside {
    std::optional<std::map<std::string, Tally>>& tallies;
    ~Aside() { tallies.reset(); }
  };
  examined_.emplace();
  const Aside aside{examined_};
  verified_.clear();
  Examination examination = co_await compare(level, verification);
  // What was compared until then proves nothing of the rest.
  if (stopping()) throw Error(ErrorKind::cancelled, "stopped", "stopped as asked, before everything was compared");
  Tally looked_at;
  for (const auto& [name, tally] : *examined_) looked_at += tally;
  for (const auto& [type, counters] : looked_at.types) verified_[type] = counters.verified;
  refresh_report();
  verification.checked += examination.compared - examination.absent.size();
  verification.compared = examination.compared;
  verification.records = examination.records;
  verification.differences += examination.differences;
  std::move(examination.examples.begin(), examination.examples.end(), std::back_inserter(verification.examples));
  conclude_verification(std::move(verification));
}

/// For the report, and for the one that is asked for later.
void Engine::conclude_verification(Report::Verification verification) {
  Object row;
  row.emplace("level", verification.level);
  row.emplace("checked", static_cast<std::int64_t>(verification.checked));
  row.emplace("compared", static_cast<std::int64_t>(verification.compared));
  row.emplace("records", static_cast<std::int64_t>(verification.records));
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
  findings.checked = findings.compared = examination.compared;
  findings.records = examination.records;
  findings.examples = std::move(examination.examples);
  std::vector<Finding>& refused = examination.refused;
  if (examination.outlook.refuse > refused.size()) {
    Check check;
    check.name = "list of refusals";
    check.message = fmt::format(
        "only the first {} of {} records that would be refused are listed; all of them are in migration-log.jsonl",
        refused.size(), examination.outlook.refuse);
    report_.checks.push_back(std::move(check));
  }
  std::move(refused.begin(), refused.end(), std::back_inserter(findings.examples));
  report_.verification = std::move(findings);
  report_.preview = examination.outlook;
  report_.causes = std::move(examination.causes);
  co_await end_phase(Phase::transformation);
}

MIGRATE_END
