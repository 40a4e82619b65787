// What the id map names and the service has no more: a person has deleted it there.
#include "engine.hpp"
#include "steps.hpp"
#include "target.hpp"

MIGRATE_BEGIN

namespace {

constexpr std::size_t ask_batch = 100;

ItemSink& items_of(const Pipeline& pipeline) {
  if (ItemSink* items = pipeline.sink->as_items()) return *items;
  throw Error(ErrorKind::unsupported, "no_id_map",
              "a database is asked itself what it has: a row that is gone is not known, and the next run brings it again");
}

}  // namespace

/// Which of the records of a batch are in the id map, and gone from the service; none as far as a sink knows that cannot
/// tell, or that is a database.
awaitable<std::set<RecordRef>> gone_among(Sink& sink, std::vector<RecordRef> records, const Answers& answers) {
  std::set<RecordRef> gone;
  ItemSink* items = sink.as_items();
  std::vector<std::string> ids;
  std::vector<RecordRef> asked;
  for (RecordRef& record : records) {
    const Value* id = answers.get(record);
    if (!items || !id || !id->is_string()) continue;
    ids.emplace_back(id->get_string());
    asked.push_back(std::move(record));
  }
  if (ids.empty()) co_return gone;
  std::vector<std::string> present;
  try {
    present = co_await items->present_ids(std::move(ids));
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::unsupported) throw;
  }
  for (std::size_t i = 0; i < present.size(); ++i)
    if (present[i].empty()) gone.insert(std::move(asked[i]));
  co_return gone;
}

awaitable<std::vector<Mapping>> find_gone(Pipeline pipeline, std::string type) {
  ItemSink& sink = items_of(pipeline);
  co_await require_target(*pipeline.store, sink);
  std::vector<Mapping> gone;
  const std::string prefix = type.empty() ? std::string() : type + "/";
  std::string after;
  while (true) {
    const std::vector<Entry> rows = co_await pipeline.store->scan(Table::outcome, prefix, after, ask_batch);
    std::vector<Mapping> lines;
    std::vector<std::string> ids;
    for (const Entry& row : rows) {
      RecordRef record = Journal::ref_from(row.key);
      Mapping line{std::move(record.type), std::move(record.id), Journal::outcome_from(row.value).target_id};
      std::string id = Journal::item_id(line.target_id);
      if (id.empty()) continue;
      ids.push_back(std::move(id));
      lines.push_back(std::move(line));
    }
    if (!ids.empty()) {
      const std::vector<std::string> present = co_await sink.present_ids(std::move(ids));
      for (std::size_t i = 0; i < lines.size(); ++i)
        if (present[i].empty()) gone.push_back(std::move(lines[i]));
    }
    if (rows.size() < ask_batch) co_return gone;
    after = rows.back().key;
  }
}

awaitable<std::size_t> forget_gone(Pipeline pipeline, std::vector<Mapping> lines) {
  ItemSink& sink = items_of(pipeline);
  Journal journal(pipeline.store, pipeline.name);
  co_await journal.open();
  co_await require_target(journal.store(), sink);
  std::size_t forgotten = 0;
  for (std::size_t first = 0; first < lines.size(); first += ask_batch) {
    const std::size_t end = std::min(lines.size(), first + ask_batch);
    std::vector<std::string> ids;
    for (std::size_t i = first; i < end; ++i) ids.push_back(Journal::item_id(lines[i].target_id));
    const std::vector<std::string> present = co_await sink.present_ids(std::move(ids));
    for (std::size_t i = first; i < end; ++i) {
      RecordRef record{lines[i].type, lines[i].source_id};
      const std::optional<Outcome> known = co_await journal.outcome(record);
      // Somebody has given it back, or the id map names something else by now.
      if (!present[i - first].empty() || !known || known->target_id != lines[i].target_id) continue;
      std::vector<Entry> entries;
      entries.push_back(Entry{Table::outcome, Journal::key(record), nullptr});
      const std::vector<StepRow> steps = co_await receipts_of(journal, std::move(record));
      for (const StepRow& step : steps) entries.push_back(Entry{Table::step, step.row, nullptr});
      co_await journal.store().commit(std::move(entries));
      ++forgotten;
    }
  }
  co_return forgotten;
}

MIGRATE_END
