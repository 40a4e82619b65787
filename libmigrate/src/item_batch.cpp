// What an item import has before it: the records of a batch, each once, and what a person says about them.
#include <fmt/format.h>

#include "item_import.hpp"

MIGRATE_BEGIN

std::unique_ptr<ItemImport::Work> ItemImport::open(Batch& batch) {
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
    return rivals(first, own.source, record.ref);
  }
  return std::nullopt;
}

Error ItemImport::rivals(const RecordRef& first, const RecordRef& second, const RecordRef& item) {
  return Error(ErrorKind::invalid, "two_for_one_item",
               fmt::format("{} {} and {} {} both become the item {} {}", first.type, first.id, second.type, second.id,
                           item.type, item.id))
      .with_advice("let the transformers give each of them an id of its own");
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

MIGRATE_END
