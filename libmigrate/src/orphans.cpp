// Target and journal compared, for services without transactions.
#include <fmt/format.h>

#include "engine.hpp"
#include "steps.hpp"
#include "target.hpp"

MIGRATE_BEGIN

namespace {

constexpr std::size_t walk_batch = 1000;
constexpr std::size_t ask_batch = 100;

ItemSink& items_of(const Pipeline& pipeline) {
  if (ItemSink* items = pipeline.sink->as_items()) return *items;
  throw Error(ErrorKind::unsupported, "no_orphans",
              "a database gets each chunk and its receipt in one transaction: there can be no orphans");
}

enum class Standing { known, unfinished, unknown };

/// Where the journal stands on something that bears the mark of the step `row`.
Standing standing_of(const Value& step, const Marked& marked) {
  if (!step.is_object()) return Standing::unknown;
  const Object& row = step.get_object();
  const Value* state = row.if_contains("state");
  if (!state || *state != "done") return Standing::unfinished;
  const Value* id = row.if_contains("target_id");
  return id && id->is_string() && id->get_string() == marked.target_id ? Standing::known : Standing::unknown;
}

awaitable<void> sort_marked(CheckpointStore& store, std::string prefix, std::vector<Marked> all, Orphans& result) {
  for (std::size_t first = 0; first < all.size(); first += walk_batch) {
    const std::size_t end = std::min(all.size(), first + walk_batch);
    std::vector<std::string> rows;
    for (std::size_t i = first; i < end; ++i)
      rows.push_back(all[i].key.starts_with(prefix) ? all[i].key.substr(prefix.size()) : std::string());
    const std::vector<Value> steps = co_await store.get_many(Table::step, std::move(rows));
    for (std::size_t i = first; i < end; ++i) switch (standing_of(steps[i - first], all[i])) {
        case Standing::known: ++result.known; break;
        case Standing::unfinished: result.unfinished.push_back(std::move(all[i])); break;
        case Standing::unknown: result.unknown.push_back(std::move(all[i])); break;
      }
  }
}

/// The other way round: what the id map has and the target has lost.
awaitable<void> find_missing(CheckpointStore& store, ItemSink& sink, Orphans& result) {
  std::string after;
  while (true) {
    std::vector<Entry> rows = co_await store.scan(Table::outcome, "", after, ask_batch);
    std::vector<std::string> ids;
    std::vector<RecordRef> records;
    for (const Entry& row : rows) {
      const Outcome outcome = Journal::outcome_from(row.value);
      if (!outcome.target_id.is_string()) continue;
      ids.emplace_back(outcome.target_id.get_string());
      records.push_back(Journal::ref_from(row.key));
    }
    if (!ids.empty()) {
      std::vector<std::string> asked = ids;
      const std::vector<bool> there = co_await sink.exist(std::move(asked));
      for (std::size_t i = 0; i < ids.size(); ++i)
        if (!there[i]) result.missing.emplace_back(std::move(records[i]), std::move(ids[i]));
    }
    if (rows.size() < ask_batch) co_return;
    after = rows.back().key;
  }
}

}  // namespace

awaitable<Orphans> find_orphans(Pipeline pipeline) {
  ItemSink& sink = items_of(pipeline);
  Journal journal(pipeline.store, pipeline.name);
  co_await journal.open();
  co_await require_target(journal.store(), sink);
  Orphans result;
  std::vector<Marked> all;
  std::function<void(const Marked&)> collect = [&all](const Marked& marked) { all.push_back(marked); };
  std::string name = pipeline.name;
  co_await sink.for_each_marked(std::move(name), collect);
  co_await sort_marked(journal.store(), pipeline.name + "/", std::move(all), result);
  co_await find_missing(journal.store(), sink, result);
  co_return result;
}

awaitable<std::uint64_t> remove_orphans(Pipeline pipeline, std::vector<Marked> orphans,
                                        std::function<void(const Marked&, const Error&)> each) {
  ItemSink& sink = items_of(pipeline);
  Journal journal(pipeline.store, pipeline.name);
  co_await journal.open();
  std::uint64_t removed = 0;
  for (const Marked& orphan : orphans) {
    Receipt receipt;
    receipt.step = "create";
    receipt.key = orphan.key;
    receipt.target_id = orphan.target_id;
    std::optional<Error> trouble;
    try {
      co_await sink.undo(std::move(receipt));
    } catch (const Error& error) {
      trouble = error;
    }
    if (trouble) {
      each(orphan, *trouble);
      continue;
    }
    ++removed;
    std::vector<Entry> entries;
    const auto before = static_cast<std::int64_t>(co_await removed_orphans(journal.store()));
    entries.push_back(Entry{Table::run, "orphans_removed", before + 1});
    co_await journal.store().commit(std::move(entries));
  }
  co_return removed;
}

awaitable<std::uint64_t> removed_orphans(CheckpointStore& store) {
  const std::optional<Value> row = co_await store.get(Table::run, "orphans_removed");
  co_return row && row->is_int64() ? static_cast<std::uint64_t>(row->get_int64()) : 0;
}

MIGRATE_END
