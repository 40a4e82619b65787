// A state belongs to one target: what is settled there is settled nowhere else.
#include "target.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "engine.hpp"
#include "migrate/sink.hpp"

MIGRATE_BEGIN

namespace {

constexpr const char* row_name = "target";
constexpr std::size_t most_former_names = 20;

std::string text(const Object& row, const char* key) {
  const Value* value = row.if_contains(key);
  return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::optional<TargetIdentity> identity_from(const std::optional<Value>& row) {
  if (!row || !row->is_object()) return std::nullopt;
  return TargetIdentity{text(row->get_object(), "id"), text(row->get_object(), "shown")};
}

Object as_object(const TargetIdentity& identity) {
  Object row;
  row.emplace("id", identity.id);
  row.emplace("shown", identity.shown);
  return row;
}

/// The receipts of this state's chunks lie where its rows are, and go with them to another folder or server.
awaitable<bool> has_chunks(Sink& sink, std::string state_id) {
  TableSink* tables = sink.as_tables();
  if (!tables) co_return false;
  const std::vector<std::string> chunks = co_await tables->chunks(state_id + "/");
  co_return !chunks.empty();
}

}  // namespace

awaitable<TargetMatch> match_target(CheckpointStore& store, Sink& sink) {
  TargetMatch match;
  match.given = co_await sink.identity();
  const std::optional<Value> row = co_await store.get(Table::run, row_name);
  match.known = identity_from(row);
  if (match.given.id.empty() || !match.known || match.known->id == match.given.id) co_return match;
  const std::optional<Value> state = co_await store.get(Table::run, "state");
  std::string id = state && state->is_object() ? text(state->get_object(), "id") : std::string();
  match.same = !id.empty();
  if (match.same) match.same = co_await has_chunks(sink, std::move(id));
  co_return match;
}

Error foreign_target(const TargetMatch& match) {
  Error error(
      ErrorKind::conflict, "foreign_target",
      fmt::format("the state in this working directory belongs to {}, and the sink leads to {}: what has arrived "
                  "there counts as arrived, and nothing of it is here",
                  match.known->shown, match.given.shown));
  error.with_advice(
      "give this target a working directory of its own (--working-dir), or put the address of the first one back. "
      "Where it is the same target that calls itself something else now, say so once: migrate run FILE --same-target");
  return error;
}

awaitable<void> require_target(CheckpointStore& store, Sink& sink) {
  const TargetMatch match = co_await match_target(store, sink);
  if (!match.same) throw foreign_target(match);
}

awaitable<void> require_target(Pipeline pipeline) { co_await require_target(*pipeline.store, *pipeline.sink); }

awaitable<void> keep_target(CheckpointStore& store, TargetMatch match, std::uint64_t run) {
  if (match.given.id.empty() || (match.known && match.known->id == match.given.id)) co_return;
  Object row = as_object(match.given);
  row.emplace("run", static_cast<std::int64_t>(run));
  Array earlier;
  const std::optional<Value> before = co_await store.get(Table::run, row_name);
  if (before && before->is_object()) {
    Object last = before->get_object();
    if (const Value* older = last.if_contains("earlier"); older && older->is_array()) earlier = older->get_array();
    last.erase("earlier");
    earlier.emplace_back(std::move(last));
    if (earlier.size() > most_former_names) earlier.erase(earlier.begin());
  }
  if (!earlier.empty()) row.emplace("earlier", std::move(earlier));
  std::vector<Entry> entries;
  entries.push_back(Entry{Table::run, row_name, std::move(row)});
  co_await store.commit(std::move(entries));
}

/// Whether the sink leads to where the state has been at work; nothing where neither has anything to say.
awaitable<std::optional<Check>> Engine::check_target() {
  target_ = co_await match_target(*pipeline_.store, *pipeline_.sink);
  if (target_.same || options_.same_target) co_return std::nullopt;
  const Error error = foreign_target(target_);
  Check check;
  check.name = "state: target";
  check.passed = false;
  check.message = error.what();
  check.advice = error.advice;
  co_return check;
}

/// Whether a state that knows of nothing yet would bring what is there already. That is told and not refused: two
/// accounts may go into one target.
awaitable<std::optional<Check>> Engine::check_others() {
  ItemSink* items = pipeline_.sink->as_items();
  if (!items) co_return std::nullopt;
  for (const Table table : {Table::outcome, Table::step}) {
    const std::vector<Entry> rows = co_await pipeline_.store->scan(table, "", "", 1);
    if (!rows.empty()) co_return std::nullopt;
  }
  std::optional<Marked> found;
  try {
    found = co_await items->any_marked(pipeline_.name);
  } catch (const Error& error) {
    services().write_log(LogLevel::debug, "engine",
                         fmt::format("whether the target holds anything of \"{}\": {}", pipeline_.name, error.what()));
  }
  if (!found) co_return std::nullopt;
  Check check;
  check.name = others_check;
  check.passed = true;
  check.message = fmt::format(
      "this state knows of nothing yet, and the target holds what another one has brought as \"{}\", {} for example: what "
      "is of the same source would come a second time. Where that state is lost, first name the mapping files of its last "
      "run under mappings: in the migration file",
      pipeline_.name, found->url.empty() ? found->target_id : found->url);
  co_return check;
}

MIGRATE_END
