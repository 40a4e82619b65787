// The import of items: waves of records that need nothing of one another, each of them written, tried again, taken back.
#include <fmt/format.h>

#include <algorithm>

#include "item_import.hpp"

MIGRATE_BEGIN

/// Writes what can be written while the last records of the batch before this one are still under way, so that one
/// long item does not leave the others idle. Only the cursor waits for its turn.
awaitable<void> ItemImport::prepare(Batch& batch, Batch& before) {
  if (engine_.interactive()) co_return;
  if (!before.prepared) before.prepared = open(before);  // apply(before) is about to begin
  co_await static_cast<Work&>(*before.prepared).begun.wait();
  if (engine_.stopping() || fatal_) co_return;
  std::unique_ptr<Work> work = open(batch);
  co_await skip_settled(*work);
  std::vector<Item*> free = co_await find_links(*work);
  // A record that needs another waits: what it needs may be in the batch before this one. So does a later version of
  // one that is, also where nothing has become of that one.
  std::unordered_set<RecordRef, RefHash> earlier;
  for (const Item& item : static_cast<Work&>(*before.prepared).items) earlier.insert(item.record->ref);
  for (const Unit& unit : before.units) earlier.insert(unit.source);
  const Units open = revocable(static_cast<Work&>(*before.prepared));
  std::erase_if(free, [&](const Item* item) {
    const bool needs = std::any_of(item->record->links.begin(), item->record->links.end(), [&](const Link& link) {
      return link.missing == Missing::fails && (!work->answers.get(link.target) || open.count(link.target));
    });
    return needs || earlier.count(item->record->ref) || earlier.count(batch.units[item->unit].source);
  });
  co_await run(*work, std::move(free), true);
  batch.prepared = std::move(work);
}

awaitable<void> ItemImport::apply(StreamState& stream, Batch& batch) {
  if (engine_.interactive()) co_await review(batch);
  if (!batch.prepared) batch.prepared = open(batch);
  Work& work = static_cast<Work&>(*batch.prepared);
  // However this ends: the next batch waits for it.
  struct Begun {
    Event& event;
    ~Begun() { event.set(); }
  };
  const Begun at_the_end{work.begun};
  // Once more for those that had to wait: the batch before this one may have held an earlier version.
  co_await skip_settled(work);
  co_await run_waves(work);
  co_await fail_unit_mates(work);
  co_await engine_.know_failures(batch);
  if (engine_.stopping() && std::any_of(work.items.begin(), work.items.end(),
                                        [](const Item& item) { return item.state == Item::State::waiting; })) {
    // What was begun is finished; the cursor stays in front of the batch, and the steps tell what is done.
    tell_arrivals(work);
    co_return;
  }
  StreamState next = stream;
  std::vector<Entry> entries;
  std::vector<Failure> failures;
  book(work, next, entries, failures);
  co_await engine_.journal().store().commit(std::move(entries));
  stream = std::move(next);
  for (const Failure& failure : failures) engine_.tell(failure);
  engine_.progress(stream);
}

/// What an earlier run or an earlier attempt at this one has brought over already.
awaitable<void> ItemImport::skip_settled(Work& work) {
  std::vector<std::string> keys;
  std::vector<Item*> asking;
  for (Item& item : work.items) {
    if (item.state != Item::State::waiting) continue;
    keys.push_back(Journal::key(item.record->ref));
    asking.push_back(&item);
  }
  if (keys.empty()) co_return;
  std::vector<Value> rows = co_await engine_.journal().store().get_many(Table::outcome, std::move(keys));
  for (std::size_t i = 0; i < rows.size(); ++i) heed(work, rows[i], *asking[i]);
  // Before the first of them arrives and is told of.
  co_await engine_.know_failures(work.batch);
}

/// What the id map says of an item. One that was made of another record of the source is not this record's to change,
/// and its steps are not this record's to take back.
void ItemImport::heed(Work& work, const Value& row, Item& item) const {
  if (!row.is_object()) return;
  const RecordRef& ref = item.record->ref;
  const Outcome outcome = Journal::outcome_from(ref, row);
  Unit& unit = work.batch.units[item.unit];
  if (outcome.source && *outcome.source != unit.source && item.record->intent != Intent::get_or_create) {
    item.state = Item::State::failed;
    if (!unit.failure) unit.failure = rivals(*outcome.source, unit.source, ref);
    return;
  }
  item.target_id = Journal::item_id(outcome.target_id);
  item.update = true;
  item.imported = outcome.imported;
  item.ours = outcome.ours;
  item.made = outcome.made;
  const bool same = item.record->version.empty() ? outcome.run == engine_.run_state().number
                                                 : outcome.version == item.record->version;
  if (!same && item.record->intent != Intent::get_or_create) return;
  item.skipped = true;
  item.files_left = outcome.files_left;
  item.earlier = outcome.run != engine_.run_state().number;
  item.uncounted = !item.earlier && outcome.stream == work.batch.stream && outcome.chunk >= work.batch.chunk;
  item.state = Item::State::settled;
}

/// What this run has made and may still take back, with its unit: another record of that waits, and may fail.
ItemImport::Units ItemImport::revocable(const Work& work) const {
  std::unordered_set<std::size_t> open;
  for (const Item& item : work.items)
    if (item.state == Item::State::waiting) open.insert(item.unit);
  Units units;
  for (const Item& item : work.items)
    if (open.count(item.unit) && is_made_here(item)) units.emplace(item.record->ref, item.unit);
  return units;
}

/// What was there before this run stays, whatever becomes of its unit, and so does what others share. What this run has
/// made in an attempt that was cut short is its own like the rest.
bool ItemImport::is_made_here(const Item& item) const {
  if (item.record->intent == Intent::get_or_create) return false;
  return !item.update || (item.made != 0 && item.made == engine_.run_state().number);
}

/// A required link to a record of the same batch makes the record wait for it, and for the unit that it may go with.
bool ItemImport::ready(const Work& work, const Units& revocable, const Item& item) const {
  for (const Link& link : item.record->links) {
    if (link.missing != Missing::fails) continue;
    const auto unit = revocable.find(link.target);
    if (unit != revocable.end() && unit->second != item.unit) return false;
    if (work.answers.get(link.target)) continue;
    for (const Item& other : work.items)
      if (other.record->ref == link.target && other.state == Item::State::waiting && &other != &item) return false;
  }
  return true;
}

/// Asks where the links of waiting records lead: anew each time, since what was missing may have been created.
awaitable<std::vector<ItemImport::Item*>> ItemImport::find_links(Work& work) {
  std::vector<RecordRef> targets;
  std::vector<Item*> waiting;
  for (Item& item : work.items) {
    if (item.state != Item::State::waiting) continue;
    waiting.push_back(&item);
    for (const Link& link : item.record->links)
      if (!work.answers.get(link.target)) targets.push_back(link.target);
  }
  if (!targets.empty()) {
    Answers fresh;
    co_await engine_.resolver().want(std::move(targets), fresh);
    work.answers.merge(fresh);
  }
  co_return waiting;
}

awaitable<void> ItemImport::run_waves(Work& work) {
  while (!engine_.stopping()) {
    if (fatal_) std::rethrow_exception(fatal_);
    std::vector<Item*> waiting = co_await find_links(work);
    if (waiting.empty()) co_return;
    const Units open = revocable(work);
    std::vector<Item*> wave;
    for (Item* item : waiting)
      if (ready(work, open, *item)) wave.push_back(item);
    if (wave.empty()) wave.push_back(waiting.front());  // a cycle of required links: reported as missing
    co_await run(work, std::move(wave), false);
    // Before anything is linked to what goes.
    co_await fail_unit_mates(work);
  }
}

awaitable<void> ItemImport::run(Work& work, std::vector<Item*> wave, bool early) {
  work.unbegun = wave.size();
  TaskGroup group(engine_.executor(), std::max<std::size_t>(1, wave.size()));
  for (Item* item : wave) {
    awaitable<void> task = write_in_turn(work, *item, early);
    const bool started = co_await group.spawn(std::move(task));
    if (!started) break;
  }
  co_await group.join();
  std::vector<Entry> entries;
  for (const Item* item : wave) book_outcome(work, *item, entries);
  // The id map first: the next wave links to it. The cursor follows when the whole batch is settled.
  if (!entries.empty()) co_await engine_.journal().store().commit(std::move(entries));
}

/// Partitions of one rank go side by side, and two of them may mention the same record: the second waits for the first
/// and then asks what has become of it.
awaitable<void> ItemImport::write_alone(Work& work, Item& item) {
  const RecordRef ref = item.record->ref;
  bool met = false;
  for (auto other = under_way_.find(ref); other != under_way_.end(); other = under_way_.find(ref)) {
    met = true;
    if (!other->second) other->second = std::make_shared<Event>(engine_.executor());
    const std::shared_ptr<Event> over = other->second;
    co_await over->wait();
  }
  struct Turn {
    UnderWay& all;
    const RecordRef& ref;
    ~Turn() {
      const std::shared_ptr<Event> awaited = std::move(all.at(ref));
      all.erase(ref);
      if (awaited) awaited->set();
    }
  };
  under_way_.emplace(ref, nullptr);
  const Turn turn{under_way_, ref};
  if (met) {
    std::vector<std::string> keys{Journal::key(ref)};
    const std::vector<Value> rows = co_await engine_.journal().store().get_many(Table::outcome, std::move(keys));
    heed(work, rows.front(), item);
    if (item.state != Item::State::waiting) co_return;
  }
  co_await write(work, item);
  if (!under_way_.at(ref)) co_return;
  std::vector<Entry> entries;
  book_outcome(work, item, entries);
  if (!entries.empty()) co_await engine_.journal().store().commit(std::move(entries));
}

awaitable<void> ItemImport::write_in_turn(Work& work, Item& item, bool early) {
  co_await places_.acquire(early);
  Place place(places_);
  if (--work.unbegun == 0 && !early) work.begun.set();
  if (engine_.stopping() || fatal_) co_return;
  try {
    co_await write_alone(work, item);
    if (item.state == Item::State::settled) tell_arrival(work, item);
  } catch (...) {
    if (!fatal_) fatal_ = std::current_exception();
    throw;
  }
}

awaitable<void> ItemImport::write(Work& work, Item& item) {
  for (const Link& link : item.record->links) {
    if (link.missing != Missing::fails || work.answers.get(link.target)) continue;
    Error missing(ErrorKind::not_found, link.cause.empty() ? "missing_reference" : link.cause,
                  fmt::format("{} {}: {} refers to {} \"{}\", which is not there", item.record->ref.type,
                              item.record->ref.id, link.relation, link.target.type, link.target.id));
    co_await fail(work, item, missing);
    co_return;
  }
  bool resolved_anew = false, again = false;
  while (true) {
    std::optional<Error> trouble = co_await write_once(work, item);
    if (!trouble) {
      item.state = Item::State::settled;
      co_return;
    }
    switch (trouble->kind()) {
      case ErrorKind::transient:
      case ErrorKind::throttled:
        again = co_await engine_.try_again(item.record->ref, *trouble, item.attempts);
        if (again) continue;
        if (engine_.stopping()) co_return;
        break;
      case ErrorKind::conflict:
        if (!resolved_anew) {
          resolved_anew = true;
          continue;
        }
        break;
      case ErrorKind::unauthorized:
      case ErrorKind::internal:
      case ErrorKind::cancelled: throw *trouble;
      default: break;
    }
    co_await fail(work, item, *trouble);
    co_return;
  }
}

awaitable<std::optional<Error>> ItemImport::write_once(Work& work, Item& item) {
  Operation operation(*item.record, item.unit);
  OperationContext::attach(operation, work.context);
  if (item.update) {
    operation.set_action(item.record->deleted ? Action::remove : Action::update);
    operation.set_target_id(Value(item.target_id));
  } else if (item.record->deleted) {
    item.skipped = true;
    // A run that was cut short may have begun it before it went.
    RecordRef record = item.record->ref;
    co_return co_await engine_.take_back(sink_, std::move(record));
  }
  try {
    item.target_id = co_await sink_.write(operation);
    RecordRef record = item.record->ref;
    // What has no outcome has no links that wait.
    if (item.update) item.forgotten = co_await waiting_links(record);
    if (item.update && item.record->deleted && item.target_id.empty()) {
      const std::vector<StepRow> steps = co_await receipts_of(engine_.journal(), std::move(record));
      for (const StepRow& step : steps) item.forgotten.push_back(Entry{Table::step, step.row, nullptr});
    }
    const std::vector<Blob>& blobs = item.record->blobs;
    item.files_left = static_cast<std::uint64_t>(
        std::count_if(blobs.begin(), blobs.end(), [](const Blob& blob) { return blob.left_out; }));
    co_return std::nullopt;
  } catch (const Error& error) {
    co_return error;
  } catch (const std::exception& error) {
    co_return Error(ErrorKind::internal, "defect",
                    fmt::format("the sink broke on {} {}: {}", item.record->ref.type, item.record->ref.id, error.what()));
  }
}

/// Marks the item's unit and takes back what the record has caused so far, newest first.
awaitable<void> ItemImport::fail(Work& work, Item& item, Error error) {
  item.state = Item::State::failed;
  Unit& unit = work.batch.units[item.unit];
  if (!unit.failure) {
    unit.failure = error;
    unit.attempts = item.attempts;
    // The error's own advice is about a further attempt of this run, and there is none.
    if (error.retryable()) unit.failure->advice = "migrate retry tries it again when the service is well";
  }
  if (item.update) co_return;
  if (engine_.options().on_record_failure == OnRecordFailure::keep) {
    engine_.leave_steps();
    co_return;
  }
  RecordRef record = item.record->ref;
  const std::optional<Error> left = co_await engine_.take_back(sink_, std::move(record));
  if (left) unit.failure->advice = left->what();
}

/// A unit arrives whole or not at all: records whose mate has failed are taken back too.
awaitable<void> ItemImport::fail_unit_mates(Work& work) {
  for (Item& item : work.items) {
    const Unit& unit = work.batch.units[item.unit];
    if (!unit.failure || item.state != Item::State::settled) continue;
    if (!is_made_here(item)) continue;
    item.update = false;
    // First of all it is settled no more: whoever dies while it is taken back must not find it settled, and gone.
    RecordRef record = item.record->ref;
    std::vector<Entry> entries = co_await waiting_links(std::move(record));
    entries.push_back(Entry{Table::outcome, Journal::key(item.record->ref), nullptr});
    co_await engine_.journal().store().commit(std::move(entries));
    // Nor may anything be linked to it.
    engine_.resolver().drop(item.record->ref);
    work.answers.forget(item.record->ref);
    Error error = *unit.failure;
    co_await fail(work, item, error);
  }
}

std::unique_ptr<Stage> make_item_import(Engine& engine, ItemSink& sink) {
  return std::make_unique<ItemImport>(engine, sink);
}

MIGRATE_END
