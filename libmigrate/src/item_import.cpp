// The import stage for services without transactions: every remote call is a journalled step of its record.
#include <fmt/format.h>

#include <algorithm>

#include "engine.hpp"
#include "steps.hpp"

MIGRATE_BEGIN

namespace {

/// One record of the batch and how far it has come.
struct Item {
  enum class State { waiting, settled, failed };
  Record* record = nullptr;
  std::size_t unit = 0;
  State state = State::waiting;
  bool skipped = false, update = false;
  bool earlier = false;  ///< settled by an earlier run, and what it left to be linked is booked
  bool imported = false, ours = true;  ///< as in its Outcome
  std::uint64_t made = 0;
  std::string target_id;
  std::uint64_t files_left = 0;
  std::vector<std::string> forgotten;  ///< rows of its steps, when it has been deleted
  int attempts = 1;
};

/// A batch's records on their way, from the moment when the first of them may be written.
struct Work final : Prepared {
  Work(Batch& of, boost::asio::any_io_executor executor) : batch(of), begun(std::move(executor)) {}
  Batch& batch;
  std::vector<Item> items;
  std::unordered_set<const Record*> superseded;  ///< a later version of the same record is in the batch too
  Answers answers;
  OperationContext context{};
  std::size_t unbegun = 0;  ///< records of the present wave that wait for a place
  Event begun;              ///< none is left, so that places are free for the next batch
};

class ItemImport final : public Stage {
 public:
  ItemImport(Engine& engine, ItemSink& sink)
      : engine_(engine),
        sink_(sink),
        sequence_(engine.journal()),
        places_(engine.executor(),
                std::min(engine.options().items_in_flight, std::max<std::size_t>(1, sink.traits().max_in_flight))) {}
  awaitable<void> prepare(Batch& batch, Batch& before) override;
  awaitable<void> apply(StreamState& stream, Batch& batch) override;

 private:
  using Places = std::unordered_map<RecordRef, std::size_t, RefHash>;  ///< in Work::items

  std::unique_ptr<Work> open(Batch& batch);
  static std::optional<Error> find_rival(const Work& work, const Places& places, std::size_t unit);
  static void add(Work& work, Places& places, std::size_t unit, Record& record);
  awaitable<void> review(Batch& batch);
  std::vector<Operation> proposed(Work& work, std::size_t unit);
  awaitable<void> skip_settled(Work& work);
  awaitable<std::vector<Item*>> find_links(Work& work);
  awaitable<void> run_waves(Work& work);
  awaitable<void> run(Work& work, std::vector<Item*> wave, bool early);
  awaitable<void> write_in_turn(Work& work, Item& item, bool early);
  awaitable<void> write_alone(Work& work, Item& item);
  void heed(const Value& row, Item& item) const;
  bool ready(const Work& work, const Item& item) const;
  awaitable<void> write(Work& work, Item& item);
  awaitable<std::optional<Error>> write_once(Work& work, Item& item);
  awaitable<void> fail(Work& work, Item& item, Error error);
  awaitable<void> fail_unit_mates(Work& work);
  void book(Work& work, StreamState& next, std::vector<Entry>& entries, std::vector<Failure>& failures);
  void book_links(const Work& work, const Item& item, std::vector<Entry>& entries) const;
  void book_outcome(const Work& work, const Item& item, std::vector<Entry>& entries) const;

  /// Records that are being written; the event when somebody waits for the end.
  using UnderWay = std::unordered_map<RecordRef, std::shared_ptr<Event>, RefHash>;

  Engine& engine_;
  ItemSink& sink_;
  Sequence sequence_;
  UnderWay under_way_;
  Semaphore places_;  ///< operations in flight, whichever batch they are of
  std::exception_ptr fatal_;  ///< what ended the run: nothing begins any more
};

std::unique_ptr<Work> ItemImport::open(Batch& batch) {
  auto work = std::make_unique<Work>(batch, engine_.executor());
  work->context.journal = &engine_.journal();
  work->context.sequence = &sequence_;
  work->context.answers = &work->answers;
  work->context.source = engine_.pipeline().source.get();
  work->context.clock = engine_.services().clock.get();
  work->context.migration = engine_.pipeline().name;
  std::unordered_map<RecordRef, std::size_t, RefHash> places;
  for (std::size_t u = 0; u < batch.units.size(); ++u) {
    Unit& unit = batch.units[u];
    if (!unit.alive()) continue;
    if (std::optional<Error> rival = find_rival(*work, places, u)) {
      unit.failure = std::move(rival);
      continue;
    }
    for (std::size_t i = unit.first; i < unit.first + unit.count; ++i) add(*work, places, u, batch.records[i]);
  }
  return work;
}

/// Two records of the source that become one item, which is then nobody's: one of them would be lost without a word.
std::optional<Error> ItemImport::find_rival(const Work& work, const Places& places, std::size_t unit) {
  const Unit& own = work.batch.units[unit];
  std::unordered_set<RecordRef, RefHash> within;
  for (std::size_t i = own.first; i < own.first + own.count; ++i) {
    const Record& record = work.batch.records[i];
    if (record.intent == Intent::get_or_create) continue;
    const auto other = places.find(record.ref);
    const bool fresh = within.insert(record.ref).second;
    if (fresh && (other == places.end() ||
                  work.batch.units[work.items[other->second].unit].source == own.source))
      continue;
    const RecordRef& first = fresh ? work.batch.units[work.items[other->second].unit].source : own.source;
    return Error(ErrorKind::invalid, "two_for_one_item",
                 fmt::format("{} {} and {} {} both become the item {} {}", first.type, first.id, own.source.type,
                             own.source.id, record.ref.type, record.ref.id))
        .with_advice("let the transformers give each of them an id of its own");
  }
  return std::nullopt;
}

/// The same record may come twice in a batch, when it was changed while its source was being read: the later version
/// counts. A shared master is what its first mention says.
void ItemImport::add(Work& work, Places& places, std::size_t unit, Record& record) {
  const auto [place, fresh] = places.emplace(record.ref, work.items.size());
  if (fresh) {
    Item item;
    item.record = &record;
    item.unit = unit;
    work.items.push_back(std::move(item));
    return;
  }
  Item& known = work.items[place->second];
  if (record.intent == Intent::get_or_create) {
    work.superseded.insert(&record);
    return;
  }
  work.superseded.insert(known.record);
  known.record = &record;
  known.unit = unit;
}

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
  // one that is.
  std::unordered_set<RecordRef, RefHash> earlier;
  for (const Item& item : static_cast<Work&>(*before.prepared).items) earlier.insert(item.record->ref);
  std::erase_if(free, [&](const Item* item) {
    const bool needs = std::any_of(item->record->links.begin(), item->record->links.end(), [&](const Link& link) {
      return link.missing == Missing::fails && !work->answers.get(link.target);
    });
    return needs || earlier.count(item->record->ref);
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
  if (engine_.stopping() && std::any_of(work.items.begin(), work.items.end(),
                                        [](const Item& item) { return item.state == Item::State::waiting; })) {
    // What was begun is finished; the cursor stays in front of the batch, and the steps tell what is done.
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

/// What would be written of a unit.
std::vector<Operation> ItemImport::proposed(Work& work, std::size_t unit) {
  std::vector<Operation> operations;
  for (const Item& item : work.items) {
    if (item.unit != unit || item.state != Item::State::waiting) continue;
    Operation& operation = operations.emplace_back(*item.record, unit);
    OperationContext::attach(operation, work.context);
    if (!item.update) continue;
    operation.set_action(item.record->deleted ? Action::remove : Action::update);
    operation.set_target_id(Value(item.target_id));
  }
  return operations;
}

/// Asks a person about each unit that is not settled, as often as the person changes it.
awaitable<void> ItemImport::review(Batch& batch) {
  for (std::size_t u = 0; u < batch.units.size();) {
    Unit& unit = batch.units[u];
    std::unique_ptr<Work> work = open(batch);
    work->context.sequence = nullptr;  // nothing is written yet
    co_await skip_settled(*work);
    co_await find_links(*work);
    std::vector<Operation> operations = proposed(*work, u);
    if (!engine_.interactive() || engine_.stopping() || (operations.empty() && !unit.failure)) {
      ++u;
      continue;
    }
    std::vector<Finding> changes;
    if (!operations.empty()) changes = co_await sink_.preview(operations);
    Record edited = batch.originals.at(u);
    Proposal proposal{batch.originals[u], std::span<Operation>(operations), changes, unit.failure};
    const Verdict verdict = co_await engine_.options().reviewer->review(proposal, edited);
    operations.clear();
    work.reset();
    if (verdict == Verdict::edit) {
      transform_again(batch, u, std::move(edited), engine_.pipeline().transforms);
      continue;
    }
    // What could not be migrated anyway stays a failure, so that its cause is reported.
    if (verdict == Verdict::skip && !unit.failure) unit.skipped_by_person = true;
    if (verdict == Verdict::all) engine_.approve_all();
    if (verdict == Verdict::quit) engine_.quit();
    ++u;
  }
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
  for (std::size_t i = 0; i < rows.size(); ++i) heed(rows[i], *asking[i]);
}

/// What the id map says of an item.
void ItemImport::heed(const Value& row, Item& item) const {
  if (!row.is_object()) return;
  const Outcome outcome = Journal::outcome_from(row);
  item.target_id = std::string(outcome.target_id.as_string());
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
  item.state = Item::State::settled;
}

/// A required link to a record of the same batch makes the record wait for it.
bool ItemImport::ready(const Work& work, const Item& item) const {
  for (const Link& link : item.record->links) {
    if (link.missing != Missing::fails || work.answers.get(link.target)) continue;
    for (const Item& other : work.items)
      if (other.record->ref == link.target && other.state == Item::State::waiting && &other != &item) return false;
  }
  return true;
}

/// Asks where the links of waiting records lead: anew each time, since what was missing may have been created.
awaitable<std::vector<Item*>> ItemImport::find_links(Work& work) {
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
    std::vector<Item*> wave;
    for (Item* item : waiting)
      if (ready(work, *item)) wave.push_back(item);
    if (wave.empty()) wave.push_back(waiting.front());  // a cycle of required links: reported as missing
    co_await run(work, std::move(wave), false);
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

void ItemImport::book_outcome(const Work& work, const Item& item, std::vector<Entry>& entries) const {
  if (item.state != Item::State::settled) return;
  if (item.target_id.empty() && item.record->deleted) {
    // It stands for nothing there any more: what is made of its name later is another item.
    if (item.update) entries.push_back(Entry{Table::outcome, Journal::key(item.record->ref), nullptr});
    for (const std::string& row : item.forgotten) entries.push_back(Entry{Table::step, row, nullptr});
    return;
  }
  Outcome outcome;
  outcome.target_id = item.target_id;
  outcome.version = item.record->version;
  outcome.run = engine_.run_state().number;
  outcome.shared = item.record->intent == Intent::get_or_create;
  outcome.derived = item.record->ref != work.batch.units[item.unit].source;
  outcome.files_left = item.files_left;
  outcome.imported = item.imported;
  outcome.ours = item.ours;
  outcome.made = item.update ? item.made : engine_.run_state().number;
  entries.push_back(Journal::entry(item.record->ref, outcome));
  // With the outcome: a run of another kind that comes after a death here passes over what is settled.
  book_links(work, item, entries);
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
    heed(rows.front(), item);
    if (item.state == Item::State::settled) co_return;
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
    if (item.update && item.record->deleted && item.target_id.empty()) {
      RecordRef record = item.record->ref;
      const std::vector<StepRow> steps = co_await receipts_of(engine_.journal(), std::move(record));
      for (const StepRow& step : steps) item.forgotten.push_back(step.row);
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
  if (!unit.failure) unit.failure = error;
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
    if (item.record->intent == Intent::get_or_create) continue;
    // What was there before this run stays, and stays known; what this run has made in an attempt that was cut short is
    // its own like the rest.
    const bool made_here = !item.update || (item.made != 0 && item.made == engine_.run_state().number);
    if (!made_here) continue;
    item.update = false;
    // First of all it is settled no more: whoever dies while it is taken back must not find it settled, and gone.
    std::vector<Entry> entries;
    entries.push_back(Entry{Table::outcome, Journal::key(item.record->ref), nullptr});
    co_await engine_.journal().store().commit(std::move(entries));
    Error error = *unit.failure;
    co_await fail(work, item, error);
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

void ItemImport::book(Work& work, StreamState& next, std::vector<Entry>& entries, std::vector<Failure>& failures) {
  Batch& batch = work.batch;
  for (std::size_t u = 0; u < batch.units.size(); ++u) {
    const Unit& unit = batch.units[u];
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
      if (engine_.had_failures()) entries.push_back(Entry{Table::failed, Journal::key(unit.source), nullptr});
      continue;
    }
    if (unit.failure) ++counters.failed;
    Failure failure = failure_of(unit, Phase::import);
    if (u < batch.originals.size() && !engine_.pipeline().source->traits().fetches)
      failure.data = batch.originals[u].data;
    entries.push_back(Journal::entry(failure, engine_.run_state().number, files));
    failures.push_back(std::move(failure));
  }
  for (const Item& item : work.items) {
    const Unit& unit = batch.units[item.unit];
    if (!unit.alive()) continue;
    const bool main = item.record == batch.main_record(unit);
    Counters& counters = next.tally.types[main ? unit.source.type : item.record->ref.type];
    if (!main) ++counters.read;
    ++counters.transformed;
    ++(item.skipped ? counters.skipped : counters.written);
    counters.files_written +=
        item.record->blobs.size() - std::min<std::uint64_t>(item.files_left, item.record->blobs.size());
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

}  // namespace

std::unique_ptr<Stage> make_item_import(Engine& engine, ItemSink& sink) {
  return std::make_unique<ItemImport>(engine, sink);
}

MIGRATE_END
