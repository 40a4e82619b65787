#include "journal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <random>

#include "rows.hpp"

MIGRATE_BEGIN

namespace json = boost::json;

namespace {

using rows::flag;
using rows::integer;
using rows::member;
using rows::text;

/// The counters by name, once for both directions.
constexpr std::array<std::pair<const char*, std::uint64_t Counters::*>, 11> counter_names{{
    {"read", &Counters::read},
    {"transformed", &Counters::transformed},
    {"written", &Counters::written},
    {"skipped", &Counters::skipped},
    {"dropped", &Counters::dropped},
    {"failed", &Counters::failed},
    {"linked", &Counters::linked},
    {"verified", &Counters::verified},
    {"removed", &Counters::removed},
    {"files", &Counters::files},
    {"files_written", &Counters::files_written},
}};

Value to_value(const std::map<std::string, std::map<std::string, std::uint64_t>>& counts) {
  Object result;
  for (const auto& [type, causes] : counts) {
    Object row;
    for (const auto& [cause, count] : causes) row.emplace(cause, static_cast<std::int64_t>(count));
    result.emplace(type, std::move(row));
  }
  return result;
}

std::map<std::string, std::map<std::string, std::uint64_t>> counts_from(const Value& value) {
  std::map<std::string, std::map<std::string, std::uint64_t>> result;
  if (!value.is_object()) return result;
  for (const auto& [type, causes] : value.get_object())
    for (const auto& [cause, count] : causes.as_object())
      result[std::string(type)][std::string(cause)] = static_cast<std::uint64_t>(count.as_int64());
  return result;
}

std::string new_state_id() {
  std::random_device device;
  return fmt::format("{:08x}{:08x}", device(), device());
}

}  // namespace

Tally& Tally::operator+=(const Tally& other) {
  for (const auto& [type, counters] : other.types) types[type] += counters;
  for (const auto& [type, causes] : other.warnings)
    for (const auto& [cause, count] : causes) warnings[type][cause] += count;
  return *this;
}

Value to_value(const Tally& tally) {
  Object types;
  for (const auto& [type, counters] : tally.types) {
    Object row;
    for (const auto& [name, member] : counter_names)
      if (counters.*member != 0) row.emplace(name, static_cast<std::int64_t>(counters.*member));
    types.emplace(type, std::move(row));
  }
  Object result;
  result.emplace("types", std::move(types));
  result.emplace("warnings", to_value(tally.warnings));
  return result;
}

Tally tally_from(const Value& value) {
  Tally result;
  if (!value.is_object()) return result;
  const Object& row = value.get_object();
  if (const Value* types = row.if_contains("types"))
    for (const auto& [type, counts] : types->as_object())
      for (const auto& [name, member] : counter_names)
        result.types[std::string(type)].*member = static_cast<std::uint64_t>(integer(counts.as_object(), name));
  result.warnings = counts_from(member(row, "warnings"));
  return result;
}

Value to_value(const Finding& finding) {
  Object row;
  row.emplace("type", finding.record.type);
  row.emplace("id", finding.record.id);
  row.emplace("field", finding.field);
  row.emplace("expected", finding.expected);
  row.emplace("found", finding.found);
  row.emplace("message", finding.message);
  return row;
}

Finding finding_from(const Value& value) {
  const Object& row = value.as_object();
  Finding finding;
  finding.record = RecordRef{text(row, "type"), text(row, "id")};
  finding.field = text(row, "field");
  finding.expected = text(row, "expected");
  finding.found = text(row, "found");
  finding.message = text(row, "message");
  return finding;
}

Value to_value(const Error& error) {
  Object row;
  row.emplace("kind", to_string(error.kind()));
  row.emplace("cause", error.cause);
  row.emplace("message", error.what());
  row.emplace("advice", error.advice);
  return row;
}

Error error_from(const Value& value) {
  const Object& row = value.as_object();
  const std::string kind = text(row, "kind");
  ErrorKind found = ErrorKind::internal;
  for (int i = 0; i <= static_cast<int>(ErrorKind::internal); ++i)
    if (to_string(static_cast<ErrorKind>(i)) == kind) found = static_cast<ErrorKind>(i);
  Error error(found, text(row, "cause"), text(row, "message"));
  error.advice = text(row, "advice");
  return error;
}

Journal::Journal(std::shared_ptr<CheckpointStore> store, std::string migration)
    : store_(std::move(store)), migration_(std::move(migration)) {}

awaitable<void> Journal::open() {
  std::optional<Value> row = co_await store_->get(Table::run, "state");
  if (row) {
    const std::string owner = text(row->as_object(), "migration");
    if (owner != migration_)
      throw Error(ErrorKind::conflict, "foreign_state",
                  fmt::format("the state belongs to the migration \"{}\", not to \"{}\"", owner, migration_))
          .with_advice("give this migration a working directory of its own");
    state_id_ = text(row->as_object(), "id");
    co_return;
  }
  state_id_ = new_state_id();
  Object state;
  state.emplace("id", state_id_);
  state.emplace("migration", migration_);
  state.emplace("format", 1);
  std::vector<Entry> entries;
  entries.push_back(Entry{Table::run, "state", std::move(state)});
  co_await store_->commit(std::move(entries));
}

awaitable<std::optional<RunState>> Journal::last_run() {
  std::optional<Value> value = co_await store_->get(Table::run, "current");
  if (!value) co_return std::nullopt;
  co_return co_await run(static_cast<std::uint64_t>(value->as_int64()));
}

awaitable<std::optional<RunState>> Journal::run(std::uint64_t number) {
  std::optional<Value> value = co_await store_->get(Table::run, fmt::format("run/{:08}", number));
  if (!value) co_return std::nullopt;
  const Object& row = value->as_object();
  RunState run;
  run.number = static_cast<std::uint64_t>(integer(row, "number"));
  run.mode = text(row, "mode");
  run.scope = member(row, "scope");
  run.finished = flag(row, "finished");
  run.started_ms = integer(row, "started_ms");
  run.finished_ms = integer(row, "finished_ms");
  run.elapsed_ms = integer(row, "elapsed_ms");
  run.status = text(row, "status");
  if (const Value* phases = row.if_contains("phases"))
    for (const Value& phase : phases->as_array()) run.phases.emplace_back(phase.as_string());
  run.verification = member(row, "verification");
  run.rollback = member(row, "rollback");
  run.fatal = member(row, "fatal");
  run.unresolved = counts_from(member(row, "unresolved"));
  run.cleaned = static_cast<std::uint64_t>(integer(row, "cleaned"));
  run.under_way = tally_from(member(row, "under_way"));
  co_return run;
}

Entry Journal::entry(const RunState& run) {
  Object row;
  row.emplace("number", static_cast<std::int64_t>(run.number));
  row.emplace("mode", run.mode);
  row.emplace("scope", run.scope);
  row.emplace("finished", run.finished);
  row.emplace("started_ms", run.started_ms);
  row.emplace("finished_ms", run.finished_ms);
  row.emplace("elapsed_ms", run.elapsed_ms);
  row.emplace("status", run.status);
  Array phases;
  for (const std::string& phase : run.phases) phases.emplace_back(phase);
  row.emplace("phases", std::move(phases));
  row.emplace("verification", run.verification);
  row.emplace("rollback", run.rollback);
  row.emplace("fatal", run.fatal);
  row.emplace("unresolved", to_value(run.unresolved));
  if (run.cleaned) row.emplace("cleaned", static_cast<std::int64_t>(run.cleaned));
  if (!run.under_way.types.empty()) row.emplace("under_way", to_value(run.under_way));
  return Entry{Table::run, fmt::format("run/{:08}", run.number), std::move(row)};
}

awaitable<void> Journal::save(RunState run, std::vector<Entry> also) {
  also.push_back(entry(run));
  also.push_back(Entry{Table::run, "current", static_cast<std::int64_t>(run.number)});
  co_await store_->commit(std::move(also));
}

std::string Journal::stream_name(std::uint64_t run, const std::string& stream) {
  return fmt::format("{:08}/{}", run, stream);
}

namespace {
StreamState stream_from(const std::string& name, const Value& value) {
  StreamState stream;
  stream.name = name;
  const Object& row = value.as_object();
  stream.cursor = member(row, "cursor");
  stream.next_chunk = static_cast<std::uint64_t>(integer(row, "next_chunk"));
  stream.finished = flag(row, "finished");
  stream.tally = tally_from(member(row, "tally"));
  return stream;
}
}  // namespace

awaitable<StreamState> Journal::stream(std::string name) {
  std::optional<Value> row = co_await store_->get(Table::cursor, name);
  if (row) co_return stream_from(name, *row);
  StreamState fresh;
  fresh.name = name;
  co_return fresh;
}

awaitable<std::vector<StreamState>> Journal::streams(std::uint64_t run) {
  std::vector<StreamState> result;
  std::string after;
  const std::string prefix = stream_name(run, "");
  while (true) {
    std::vector<Entry> rows = co_await store_->scan(Table::cursor, prefix, after, 100);
    for (const Entry& row : rows)
      if (row.key != prefix + ahead) result.push_back(stream_from(row.key, row.value));
    if (rows.size() < 100) co_return result;
    after = rows.back().key;
  }
}

Entry Journal::entry(const StreamState& stream) {
  Object row;
  row.emplace("cursor", detached(stream.cursor));
  row.emplace("next_chunk", static_cast<std::int64_t>(stream.next_chunk));
  row.emplace("finished", stream.finished);
  row.emplace("tally", to_value(stream.tally));
  return Entry{Table::cursor, stream.name, std::move(row)};
}

std::string Journal::chunk_name(const StreamState& stream) const {
  return fmt::format("{}/{}/{:010}", state_id_, stream.name, stream.next_chunk);
}

awaitable<std::optional<Outcome>> Journal::outcome(RecordRef record) {
  std::optional<Value> row = co_await store_->get(Table::outcome, key(record));
  if (!row) co_return std::nullopt;
  co_return outcome_from(record, *row);
}

Outcome Journal::outcome_from(const Value& value) {
  const Object& row = value.as_object();
  Outcome outcome;
  outcome.target_id = member(row, "id");
  outcome.version = text(row, "version");
  outcome.run = static_cast<std::uint64_t>(integer(row, "run"));
  outcome.imported = flag(row, "imported");
  outcome.ours = !flag(row, "theirs");
  outcome.shared = flag(row, "shared");
  outcome.derived = flag(row, "derived");
  outcome.files_left = static_cast<std::uint64_t>(integer(row, "files_left"));
  outcome.made = static_cast<std::uint64_t>(integer(row, "made"));
  if (const std::string source = text(row, "source"); !source.empty()) outcome.source = ref_from(source);
  outcome.stream = text(row, "stream");
  outcome.chunk = static_cast<std::uint64_t>(integer(row, "chunk"));
  return outcome;
}

Outcome Journal::outcome_from(const RecordRef& record, const Value& row) {
  Outcome outcome = outcome_from(row);
  // States that tell of `made` have told of `derived` before.
  if (!outcome.source && !outcome.derived && outcome.made) outcome.source = record;
  return outcome;
}

std::string Journal::item_id(const Value& target_id) {
  if (target_id.is_null()) return std::string();
  return target_id.is_string() ? std::string(target_id.get_string()) : json::serialize(target_id);
}

Entry Journal::entry(const RecordRef& record, const Outcome& outcome) {
  Object row;
  row.emplace("id", detached(outcome.target_id));
  if (!outcome.version.empty()) row.emplace("version", outcome.version);
  row.emplace("run", static_cast<std::int64_t>(outcome.run));
  if (outcome.imported) row.emplace("imported", true);
  if (!outcome.ours) row.emplace("theirs", true);
  if (outcome.shared) row.emplace("shared", true);
  if (outcome.derived) row.emplace("derived", true);
  if (outcome.files_left) row.emplace("files_left", static_cast<std::int64_t>(outcome.files_left));
  if (outcome.made) row.emplace("made", static_cast<std::int64_t>(outcome.made));
  // Where the row does not tell anyway.
  if (outcome.source && (outcome.derived || !outcome.made)) row.emplace("source", key(*outcome.source));
  if (!outcome.stream.empty()) {
    row.emplace("stream", outcome.stream);
    row.emplace("chunk", static_cast<std::int64_t>(outcome.chunk));
  }
  return Entry{Table::outcome, key(record), std::move(row)};
}

Entry Journal::entry(const Deferred& deferred) {
  Object row;
  row.emplace("id", deferred.record.id);
  row.emplace("type", deferred.record.type);
  row.emplace("relation", deferred.relation);
  row.emplace("target_type", deferred.target.type);
  row.emplace("target_id", deferred.target.id);
  row.emplace("cause", deferred.cause);
  if (deferred.set) row.emplace("set", true);
  return Entry{Table::deferred, key(deferred.record) + "/" + deferred.relation, std::move(row)};
}

Deferred Journal::deferred_from(const Entry& entry) {
  const Object& row = entry.value.as_object();
  Deferred deferred;
  deferred.record = RecordRef{text(row, "type"), text(row, "id")};
  deferred.relation = text(row, "relation");
  deferred.target = RecordRef{text(row, "target_type"), text(row, "target_id")};
  deferred.cause = text(row, "cause");
  deferred.set = flag(row, "set");
  return deferred;
}

RecordRef Journal::ref_from(const std::string& key) {
  const std::size_t slash = key.find('/');
  if (slash == std::string::npos) return RecordRef{key, ""};
  return RecordRef{key.substr(0, slash), key.substr(slash + 1)};
}

awaitable<bool> Journal::any(Table table) {
  std::vector<Entry> rows = co_await store_->scan(table, "", "", 1);
  co_return !rows.empty();
}

awaitable<void> Journal::clear(Table table) {
  while (true) {
    std::vector<Entry> rows = co_await store_->scan(table, "", "", 1000);
    if (rows.empty()) co_return;
    for (Entry& row : rows) row.value = nullptr;
    co_await store_->commit(std::move(rows));
  }
}

Value Journal::pack(const std::vector<Entry>& entries) {
  Array rows;
  rows.reserve(entries.size());
  for (const Entry& entry : entries) {
    Array row;
    row.emplace_back(static_cast<std::int64_t>(entry.table));
    row.emplace_back(entry.key);
    row.emplace_back(entry.value);
    rows.push_back(std::move(row));
  }
  Object receipt;
  receipt.emplace("entries", std::move(rows));
  return receipt;
}

std::vector<Entry> Journal::unpack(const Value& receipt) {
  std::vector<Entry> entries;
  for (const Value& value : receipt.at("entries").as_array()) {
    const Array& row = value.as_array();
    entries.push_back(Entry{static_cast<Table>(row.at(0).as_int64()), std::string(row.at(1).as_string()), row.at(2)});
  }
  return entries;
}

MIGRATE_END
