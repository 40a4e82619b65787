// Target and journal compared, for services without transactions.
#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

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

enum class Standing { known, unfinished, unknown, foreign };

/// "<type>/<id>" of the record that the mark names; empty when it names none of this migration.
std::string record_of(const std::string& migration, const Marked& marked) {
  const std::string prefix = migration + "/";
  const std::size_t step = marked.key.rfind('/');
  if (!marked.key.starts_with(prefix) || step < prefix.size()) return std::string();
  return marked.key.substr(prefix.size(), step - prefix.size());
}

bool is_id_of(const Value& outcome, const std::string& target_id) {
  if (!outcome.is_object()) return false;
  return Journal::item_id(Journal::outcome_from(outcome).target_id) == target_id;
}

/// Whether its mark says that another state has made it.
bool is_foreign(const Journal& journal, const Marked& marked) {
  return !marked.state.empty() && marked.state != journal.state_id();
}

/// Where the journal stands on something that says it was made for the record `key`. A record that has been settled
/// stands for one thing, whichever of its steps made it or found it there; one that has not, for what its steps have
/// made, or may have made without an answer. What the journal has heard of is its own, whatever the mark says: the id
/// map may come from a mapping file.
awaitable<Standing> standing_of(Journal& journal, std::string key, Value outcome, Marked marked) {
  const std::string& target_id = marked.target_id;
  if (is_id_of(outcome, target_id)) co_return Standing::known;
  RecordRef record = Journal::ref_from(key);
  const std::vector<StepRow> steps = co_await receipts_of(journal, std::move(record));
  bool uncertain = false, done = false, made = false;
  for (const StepRow& step : steps) {
    if (step.receipt.uncertain) {
      uncertain = true;
      continue;
    }
    if (step.receipt.target_id == target_id) done = true;
    if (step.receipt.step == "create") made = true;
  }
  if (done) co_return outcome.is_object() ? Standing::known : Standing::unfinished;
  if (is_foreign(journal, marked)) co_return Standing::foreign;
  if (outcome.is_object()) co_return Standing::unknown;
  // Something else was made for the record: this is one too many.
  co_return uncertain && !made ? Standing::unfinished : Standing::unknown;
}

awaitable<Standing> standing_of(Journal& journal, std::string migration, Marked marked) {
  std::string key = record_of(migration, marked);
  if (key.empty()) co_return is_foreign(journal, marked) ? Standing::foreign : Standing::unknown;
  const std::optional<Value> row = co_await journal.store().get(Table::outcome, key);
  Value outcome;
  if (row) outcome = *row;
  co_return co_await standing_of(journal, std::move(key), std::move(outcome), std::move(marked));
}

awaitable<void> sort_marked(Journal& journal, std::string migration, std::vector<Marked> all, Orphans& result) {
  for (std::size_t first = 0; first < all.size(); first += walk_batch) {
    const std::size_t end = std::min(all.size(), first + walk_batch);
    std::vector<std::string> keys;
    for (std::size_t i = first; i < end; ++i) keys.push_back(record_of(migration, all[i]));
    std::vector<std::string> asked = keys;
    const std::vector<Value> outcomes = co_await journal.store().get_many(Table::outcome, std::move(asked));
    for (std::size_t i = first; i < end; ++i) {
      Standing standing = is_foreign(journal, all[i]) ? Standing::foreign : Standing::unknown;
      if (!keys[i - first].empty()) {
        Value outcome = outcomes[i - first];
        standing = co_await standing_of(journal, keys[i - first], std::move(outcome), all[i]);
      }
      switch (standing) {
        case Standing::known: ++result.known; break;
        case Standing::unfinished: result.unfinished.push_back(std::move(all[i])); break;
        case Standing::unknown: result.unknown.push_back(std::move(all[i])); break;
        case Standing::foreign:
          result.foreign.push_back(std::move(all[i]));
          break;
      }
    }
  }
}

/// What stands in the id map is known, whatever its mark says or has lost.
class Unclaimed {
 public:
  explicit Unclaimed(Orphans& result) : result_(result) {
    for (const std::vector<Marked>* list : {&result.unknown, &result.foreign})
      for (const Marked& marked : *list) ids_.insert(marked.target_id);
  }
  void meet(const std::string& target_id) {
    if (ids_.erase(target_id)) found_.insert(target_id);
  }
  void conclude() {
    for (std::vector<Marked>* list : {&result_.unknown, &result_.foreign})
      result_.known +=
          std::erase_if(*list, [this](const Marked& marked) { return found_.count(marked.target_id) != 0; });
  }

 private:
  Orphans& result_;
  std::unordered_set<std::string> ids_, found_;
};

/// The other way round: what the id map has and the target has lost.
awaitable<void> find_missing(CheckpointStore& store, ItemSink& sink, Orphans& result) {
  Unclaimed unclaimed(result);
  std::string after;
  while (true) {
    std::vector<Entry> rows = co_await store.scan(Table::outcome, "", after, ask_batch);
    std::vector<std::string> ids;
    std::vector<RecordRef> records;
    for (const Entry& row : rows) {
      const Outcome outcome = Journal::outcome_from(row.value);
      std::string id = Journal::item_id(outcome.target_id);
      // Older states have rows without an id, of records that were deleted before they came.
      if (id.empty()) continue;
      ids.push_back(std::move(id));
      records.push_back(Journal::ref_from(row.key));
    }
    if (!ids.empty()) {
      std::vector<std::string> asked = ids;
      const std::vector<std::string> present = co_await sink.present_ids(std::move(asked));
      for (std::size_t i = 0; i < ids.size(); ++i) {
        // The service may call it something else by now.
        unclaimed.meet(ids[i]);
        unclaimed.meet(present[i]);
        if (present[i].empty()) result.missing.emplace_back(std::move(records[i]), std::move(ids[i]));
      }
    }
    if (rows.size() < ask_batch) break;
    after = rows.back().key;
  }
  unclaimed.conclude();
}

/// Whether it is what its record stands for, under another name than the id map has.
awaitable<bool> is_renamed(Journal& journal, ItemSink& sink, std::string migration, Marked marked) {
  std::string key = record_of(migration, marked);
  if (key.empty()) co_return false;
  const std::optional<Value> row = co_await journal.store().get(Table::outcome, std::move(key));
  if (!row) co_return false;
  std::string id = Journal::item_id(Journal::outcome_from(*row).target_id);
  if (id.empty()) co_return false;
  std::vector<std::string> asked;
  asked.push_back(std::move(id));
  const std::vector<std::string> present = co_await sink.present_ids(std::move(asked));
  co_return present.front() == marked.target_id;
}

/// What an index still shows and is gone already is none.
awaitable<void> leave_out_gone(ItemSink& sink, std::vector<Marked>& list) {
  std::vector<Marked> left;
  for (std::size_t first = 0; first < list.size(); first += ask_batch) {
    const std::size_t end = std::min(list.size(), first + ask_batch);
    std::vector<std::string> ids;
    for (std::size_t i = first; i < end; ++i) ids.push_back(list[i].target_id);
    const std::vector<bool> there = co_await sink.exist(std::move(ids));
    for (std::size_t i = first; i < end; ++i)
      if (there[i - first]) left.push_back(std::move(list[i]));
  }
  list = std::move(left);
}

/// When something may last have been made. Of a run that was cut short the intents tell: a call that was at work then
/// is missed by a look at that moment, and seen by the next one.
awaitable<std::chrono::system_clock::time_point> last_write(Journal& journal) {
  std::int64_t last = 0;
  const std::optional<RunState> run = co_await journal.last_run();
  const std::optional<Value> settled = co_await journal.store().get(Table::run, "settled");
  if (run) last = std::max(run->started_ms, run->finished_ms);
  std::string after;
  while (run && !(run->finished && settled)) {
    const std::vector<Entry> rows = co_await journal.store().scan(Table::step, "", after, walk_batch);
    for (const Entry& row : rows) last = std::max(last, row.value.as_object().at("at").as_int64());
    if (rows.size() < walk_batch) break;
    after = rows.back().key;
  }
  co_return std::chrono::system_clock::time_point(std::chrono::milliseconds(last));
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
  const std::chrono::system_clock::time_point last = co_await last_write(journal);
  co_await sink.for_each_marked(name, last, collect);
  co_await sort_marked(journal, std::move(name), std::move(all), result);
  co_await find_missing(journal.store(), sink, result);
  co_await leave_out_gone(sink, result.unknown);
  co_await leave_out_gone(sink, result.foreign);
  co_return result;
}

awaitable<std::uint64_t> remove_orphans(Pipeline pipeline, std::vector<Marked> orphans,
                                        std::function<void(const Marked&, const Error&)> each) {
  ItemSink& sink = items_of(pipeline);
  Journal journal(pipeline.store, pipeline.name);
  co_await journal.open();
  co_await require_target(journal.store(), sink);
  std::uint64_t removed = co_await removed_orphans(journal.store());
  const std::uint64_t before = removed;
  UndoStep undo = [&sink](Receipt receipt) -> awaitable<std::optional<Error>> {
    std::optional<Error> trouble;
    try {
      co_await sink.undo(std::move(receipt));
    } catch (const Error& error) {
      trouble = error;
    }
    co_return trouble;
  };
  CountItem count = [&removed] { return Entry{Table::run, "orphans_removed", static_cast<std::int64_t>(++removed)}; };
  // Newest first: what was made below another thing goes before it.
  std::reverse(orphans.begin(), orphans.end());
  for (const Marked& orphan : orphans) {
    Marked looked = orphan;
    Standing standing = co_await standing_of(journal, pipeline.name, std::move(looked));
    if (standing == Standing::unknown || standing == Standing::foreign) {
      Marked asked = orphan;
      const bool renamed = co_await is_renamed(journal, sink, pipeline.name, std::move(asked));
      if (renamed) standing = Standing::known;
    }
    std::optional<Error> trouble;
    if (standing == Standing::known) {
      trouble = Error(ErrorKind::conflict, "known", "the journal knows it by now");
    } else if (standing == Standing::foreign) {
      trouble = Error(ErrorKind::conflict, "other_state",
                      fmt::format("the state {} has made it: another working directory", orphan.state));
      trouble->with_advice("take it back there: migrate rollback with that --working-dir");
    } else if (standing == Standing::unfinished) {
      // Its record goes with it: a run that meets it again begins anew.
      RecordRef record = Journal::ref_from(record_of(pipeline.name, orphan));
      const std::uint64_t counted = removed;
      trouble = co_await undo_steps(journal, std::move(record), undo, count);
      // Of a call without an answer this look has seen the effect.
      if (!trouble && removed == counted) {
        std::vector<Entry> entries;
        entries.push_back(count());
        co_await journal.store().commit(std::move(entries));
      }
    } else {
      Receipt receipt;
      receipt.step = "create";
      receipt.key = orphan.key;
      receipt.target_id = orphan.target_id;
      receipt.state = journal.state_id();
      trouble = co_await undo(std::move(receipt));
      if (!trouble) {
        std::vector<Entry> entries;
        entries.push_back(count());
        co_await journal.store().commit(std::move(entries));
      }
    }
    if (trouble) each(orphan, *trouble);
  }
  co_return removed - before;
}

awaitable<std::uint64_t> removed_orphans(CheckpointStore& store) {
  const std::optional<Value> row = co_await store.get(Table::run, "orphans_removed");
  co_return row && row->is_int64() ? static_cast<std::uint64_t>(row->get_int64()) : 0;
}

MIGRATE_END
