// What the journal and the counters are told of items.
#include <algorithm>
#include <iterator>

#include "item_import.hpp"

MIGRATE_BEGIN

void ItemImport::book_outcome(const Work& work, const Item& item, std::vector<Entry>& entries) const {
  if (item.state != Item::State::settled) return;
  if (item.target_id.empty() && item.record->deleted) {
    // It stands for nothing there any more: what is made of its name later is another item.
    if (item.update) entries.push_back(Entry{Table::outcome, Journal::key(item.record->ref), nullptr});
    for (const Entry& row : item.forgotten) entries.push_back(row);
    engine_.resolver().drop(item.record->ref);
    return;
  }
  Outcome outcome;
  outcome.target_id = item.target_id;
  outcome.version = item.record->version;
  outcome.run = engine_.run_state().number;
  outcome.shared = item.record->intent == Intent::get_or_create;
  const RecordRef& source = work.batch.units[item.unit].source;
  outcome.derived = item.record->ref != source;
  if (!outcome.shared) outcome.source = source;
  outcome.files_left = item.files_left;
  outcome.imported = item.imported;
  outcome.ours = item.ours;
  outcome.made = item.update ? item.made : engine_.run_state().number;
  outcome.stream = work.batch.stream;
  outcome.chunk = work.batch.chunk;
  entries.push_back(Journal::entry(item.record->ref, outcome));
  // With the outcome: a run of another kind that comes after a death here passes over what is settled.
  std::vector<Entry> links;
  book_links(work, item, links);
  for (const Entry& row : item.forgotten)
    if (std::none_of(links.begin(), links.end(), [&](const Entry& link) { return link.key == row.key; }))
      entries.push_back(row);
  std::move(links.begin(), links.end(), std::back_inserter(entries));
}

/// Rows of links that waited for their targets when the record was written last: what this version says of them counts.
awaitable<std::vector<Entry>> ItemImport::waiting_links(RecordRef record) {
  constexpr std::size_t walk_batch = 100;
  std::vector<Entry> found;
  const std::string prefix = Journal::key(record) + "/";
  std::string after;
  while (true) {
    const std::vector<Entry> rows = co_await engine_.journal().store().scan(Table::deferred, prefix, after, walk_batch);
    for (const Entry& row : rows)
      // Not those of a record whose id goes on behind a '/'.
      if (Journal::deferred_from(row).record == record) found.push_back(Entry{Table::deferred, row.key, nullptr});
    if (rows.size() < walk_batch) co_return found;
    after = rows.back().key;
  }
}

/// The links that had no target yet when the item was written.
void ItemImport::book_links(const Work& work, const Item& item, std::vector<Entry>& entries) const {
  for (const Link& link : item.record->links) {
    if (link.missing != Missing::deferred || work.answers.get(link.target)) continue;
    const Deferred deferred{item.record->ref, link.relation, link.target, link.cause};
    // A relation of items is no column: there may be several of the same.
    Entry entry = Journal::entry(deferred);
    entry.key += "/" + Journal::key(link.target);
    entries.push_back(std::move(entry));
  }
}

/// A settled item; that its unit was read is counted with the unit.
void ItemImport::count(const Work& work, const Item& item, Tally& tally) {
  const Unit& unit = work.batch.units[item.unit];
  const bool main = item.record == work.batch.main_record(unit);
  Counters& counters = tally.types[main ? unit.source.type : item.record->ref.type];
  if (!main) ++counters.read;
  ++counters.transformed;
  ++(item.skipped && !item.uncounted ? counters.skipped : counters.written);
  const std::uint64_t files = item.record->blobs.size();
  counters.files_written += files - std::min(item.files_left, files);
}

/// Of records that are tried again something is counted already: those are told of with their batch alone.
bool ItemImport::is_counted_before(const Work& work, const Item& item) {
  const Unit& unit = work.batch.units[item.unit];
  return work.batch.retried || work.batch.failed_before.count(Journal::key(unit.source)) != 0;
}

/// What has arrived of a batch, before it is settled: it may have a hundred items.
void ItemImport::tell_arrival(Work& work, const Item& item) {
  if (is_counted_before(work, item)) return;
  count_arrival(work, item);
  engine_.arrived(work.batch, work.arrived);
}

/// Of a batch that a stop leaves unsettled: without what was taken back, and with what an earlier attempt has brought.
void ItemImport::tell_arrivals(Work& work) {
  work.arrived = Tally();
  for (const Item& item : work.items)
    if (item.state == Item::State::settled && work.batch.units[item.unit].alive() && !is_counted_before(work, item))
      count_arrival(work, item);
  engine_.arrived(work.batch, work.arrived);
}

void ItemImport::count_arrival(Work& work, const Item& item) {
  const Unit& unit = work.batch.units[item.unit];
  if (item.record == work.batch.main_record(unit)) {
    Counters& counters = work.arrived.types[unit.source.type];
    ++counters.read;
    counters.files += item.record->blobs.size();
  }
  count(work, item, work.arrived);
}

void ItemImport::book(Work& work, StreamState& next, std::vector<Entry>& entries, std::vector<Failure>& failures) {
  Batch& batch = work.batch;
  for (std::size_t u = 0; u < batch.units.size(); ++u) {
    const Unit& unit = batch.units[u];
    engine_.forget_failure(batch, unit, next.tally, entries);
    Counters& counters = next.tally.types[unit.source.type];
    ++counters.read;
    if (unit.dropped()) ++counters.dropped;
    if (unit.skipped_by_person && !unit.failure) ++counters.skipped;
    std::uint64_t files = 0;
    for (std::size_t i = unit.first; i < unit.first + unit.count; ++i)
      if (!work.superseded.count(&batch.records[i])) files += batch.records[i].blobs.size();
    counters.files += files;
    if (!unit.failure && !unit.skipped_by_person) {
      const Record* main = batch.main_record(unit);
      if (main && work.superseded.count(main)) {
        ++counters.transformed;
        ++counters.skipped;
      }
      continue;
    }
    if (unit.failure) ++counters.failed;
    Failure failure = failure_of(unit, Phase::import);
    engine_.book_failure(batch, u, failure, files, entries);
    failures.push_back(std::move(failure));
  }
  for (const Item& item : work.items) {
    const Unit& unit = batch.units[item.unit];
    if (!unit.alive()) continue;
    count(work, item, next.tally);
    for (const Warning& warning : item.record->warnings) ++next.tally.warnings[item.record->ref.type][warning.cause];
    if (item.earlier) continue;
    // In the state of an older version what is settled may have none of its links booked.
    if (item.skipped) book_links(work, item, entries);
    for (const Link& link : item.record->links)
      if (link.missing != Missing::deferred && !link.cause.empty() && !work.answers.get(link.target))
        ++next.tally.warnings[item.record->ref.type][link.cause];
  }
  next.cursor = detached(batch.raw.next);
  next.finished = batch.raw.last;
  ++next.next_chunk;
  for (const Entry& entry : batch.also) entries.push_back(entry);
  entries.push_back(Journal::entry(next));
}

MIGRATE_END
