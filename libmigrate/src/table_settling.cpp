// What becomes of a chunk: what leaves the target with it, and what the journal and the counters are told.
#include <fmt/format.h>

#include <algorithm>

#include "table_import.hpp"

MIGRATE_BEGIN

void TableImport::learn_dependents(Chunk& chunk) {
  for (std::span<Operation> group : chunk.groups()) {
    const Record& record = group.front().record();
    const std::vector<std::string> key = sink_.key_columns(record.ref.type);
    if (key.size() != 1) continue;
    for (const Link& link : record.links)
      if (link.relation == key.front()) dependents_.insert(Dependent{record.ref.type, key.front(), link.target.type});
  }
}

/// Delta run: an owner that is there still, and a row of it that the rules no longer make.
awaitable<void> TableImport::find_orphans(TableTransaction& transaction, Chunk& chunk) {
  chunk.orphans.clear();
  chunk.orphan_operations.clear();
  if (chunk.existing.empty()) co_return;
  learn_dependents(chunk);
  for (const Dependent& dependent : dependents_) {
    if (dependent.owner != chunk.covered_type) continue;
    std::unordered_set<std::size_t> provided;
    for (const Operation& operation : chunk.operations())
      if (operation.record().ref.type == dependent.type) provided.insert(operation.unit());
    std::vector<std::string> keys;
    std::vector<const Operation*> owners;
    for (const Operation& operation : chunk.operations()) {
      if (operation.record().ref.type != dependent.owner || operation.action() != Action::update ||
          provided.count(operation.unit()))
        continue;
      const Value& id = operation.target_id();
      keys.push_back(id.is_int64() ? std::to_string(id.get_int64()) : std::string(id.as_string()));
      owners.push_back(&operation);
    }
    if (keys.empty()) continue;
    std::vector<std::string> asked = keys;
    const std::vector<Value> found = co_await sink_.find(dependent.type, std::move(asked));
    for (std::size_t i = 0; i < found.size(); ++i) {
      if (found[i].is_null()) continue;
      Record& record = chunk.orphans.emplace_back();
      record.ref = RecordRef{dependent.type, keys[i]};
      Object data;
      data.emplace(dependent.column, owners[i]->target_id());
      record.data = std::move(data);
      record.deleted = true;
      chunk.orphan_operations.emplace_back(record, owners[i]->unit());
    }
  }
  std::span<Operation> all(chunk.orphan_operations);
  if (!all.empty()) co_await transaction.identify(all);
}

awaitable<void> TableImport::know_existing(Chunk& chunk) {
  const Batch& batch = chunk.batch();
  if (!engine_.incremental() || !batch.raw.covers || batch.partition.revisit) co_return;
  chunk.covered_type = batch.partition.type;
  for (const Unit& unit : batch.units)
    if (const Record* main = unit.count ? batch.main_record(unit) : nullptr) {
      chunk.covered_type = main->ref.type;
      break;
    }
  if (!order_.count(chunk.covered_type)) co_return;
  KeyRange range = *batch.raw.covers;
  chunk.existing = co_await sink_.keys(chunk.covered_type, range);
}

/// Once: a record that comes without such a link has given it up.
awaitable<void> TableImport::know_waiting_links() {
  if (waiting_links_ || !engine_.had_deferred()) co_return;
  constexpr std::size_t walk_batch = 1000;
  std::map<std::string, std::set<std::string>> found;
  std::string after;
  while (true) {
    const std::vector<Entry> rows = co_await engine_.journal().store().scan(Table::deferred, "", after, walk_batch);
    for (const Entry& row : rows) {
      const Deferred deferred = Journal::deferred_from(row);
      found[deferred.record.type].insert(deferred.relation);
    }
    if (rows.size() < walk_batch) break;
    after = rows.back().key;
  }
  waiting_links_ = std::move(found);
}

/// Anew after each change of the living units.
void TableImport::find_leaving(Chunk& chunk) {
  if (chunk.existing.empty()) return;
  std::unordered_set<std::string_view> staying;
  const bool withdraw = engine_.options().on_stale == OnStale::withdraw;
  for (const Unit& unit : chunk.batch().units)
    if (unit.alive() || unit.skipped_by_person || (unit.failure && !withdraw)) staying.insert(unit.source.id);
  chunk.leaving.clear();
  for (const std::string& key : chunk.existing)
    if (!staying.count(key)) chunk.leaving.insert(key);
}

/// A link of a delta run to a record that has not been read yet: it is there, but it may be on its way out.
bool TableImport::read_later(const Chunk& chunk, const RecordRef& target) const {
  if (!engine_.incremental() || chunk.find(target)) return false;
  const Batch& batch = chunk.batch();
  return target.type == batch.partition.type && batch.raw.covers && batch.raw.covers->through &&
         std::strtoll(target.id.c_str(), nullptr, 10) > *batch.raw.covers->through;
}

void TableImport::count(Tally& tally, Chunk& chunk, const std::vector<Effect>& effects) {
  Batch& batch = chunk.batch();
  if (batch.partition.revisit) return;
  const auto settled = [](Counters& counters, Effect effect) {
    if (effect == Effect::removed) ++counters.removed;
    if (effect == Effect::unchanged || effect == Effect::absent)
      ++counters.skipped;
    else
      ++counters.written;
  };
  for (const Unit& unit : batch.units) {
    Counters& counters = tally.types[unit.source.type];
    ++counters.read;
    if (unit.failure) ++counters.failed;
    else if (unit.skipped_by_person) ++counters.skipped;
    else if (unit.dropped()) ++counters.dropped;
  }
  const std::vector<Operation>& operations = chunk.operations();
  for (std::size_t i = 0; i < operations.size(); ++i) {
    const Record& record = operations[i].record();
    const Unit& unit = batch.units[operations[i].unit()];
    const bool main = &record == batch.main_record(unit);
    Counters& counters = tally.types[main ? unit.source.type : record.ref.type];
    if (!main) ++counters.read;
    ++counters.transformed;
    settled(counters, effects[i]);
  }
  for (const Record& orphan : chunk.orphans) ++tally.types[orphan.ref.type].removed;
}

void TableImport::settle_units(Written& written, StreamState& next, Chunk& chunk) {
  Batch& batch = chunk.batch();
  if (batch.partition.revisit) return;
  for (std::size_t u = 0; u < batch.units.size(); ++u) {
    const Unit& unit = batch.units[u];
    engine_.forget_failure(batch, unit, next.tally, written.entries);
    if (!unit.failure && !unit.skipped_by_person) continue;
    Failure failure = failure_of(unit, Phase::import);
    const bool there = std::find(chunk.existing.begin(), chunk.existing.end(), unit.source.id) != chunk.existing.end();
    if (there && unit.failure)
      failure.message += engine_.options().on_stale == OnStale::withdraw ? "; its earlier version is withdrawn"
                                                                         : "; the target keeps its earlier version";
    engine_.book_failure(batch, u, failure, 0, written.entries);
    written.failures.push_back(std::move(failure));
  }
}

void TableImport::settle_operation(Written& written, StreamState& next, Chunk& chunk, const Operation& operation) {
  const Record& record = operation.record();
  const auto run = engine_.run_state().number;
  const bool first_pass = !chunk.batch().partition.revisit;
  std::vector<Entry>& entries = written.entries;
  if (first_pass)
    for (const Warning& warning : record.warnings) ++next.tally.warnings[record.ref.type][warning.cause];
  for (const AlternateKey& key : record.keys) {
    const RecordRef alias{record.ref.type + "." + key.name, key.value};
    Value& known = chunk.aliases[alias];
    if (known.is_object() && known.at("run").as_int64() == static_cast<std::int64_t>(run) &&
        (known.at("id").as_string() != record.ref.id || known.at("target") == operation.target_id()))
      continue;
    Object row;
    row.emplace("id", record.ref.id);
    row.emplace("run", static_cast<std::int64_t>(run));
    row.emplace("target", detached(operation.target_id()));
    known = row;
    entries.push_back(Entry{Table::alias, Journal::key(alias), std::move(row)});
  }
  if (record.intent == Intent::get_or_create) {
    Outcome outcome = chunk.known[record.ref];
    if (!outcome.shared) outcome.ours = operation.action() == Action::create;
    outcome.target_id = operation.target_id();
    outcome.shared = true;
    outcome.run = run;
    entries.push_back(Journal::entry(record.ref, outcome));
  }
  if (traits_.keeps_links) return;
  // A patch says nothing of what it does not name, and a shared record is as its first mention has it.
  if (waiting_links_ && record.intent == Intent::upsert)
    if (const auto relations = waiting_links_->find(record.ref.type); relations != waiting_links_->end())
      for (const std::string& relation : relations->second)
        if (std::none_of(record.links.begin(), record.links.end(),
                         [&](const Link& link) { return link.relation == relation; }))
          entries.push_back(Entry{Table::deferred, Journal::key(record.ref) + "/" + relation, nullptr});
  std::size_t lead = chunk.first_lead[static_cast<std::size_t>(&operation - chunk.operations().data())];
  for (const Link& link : record.links) {
    if (chunk.leads[lead++].leads()) {
      if (link.missing == Missing::deferred && read_later(chunk, link.target)) {
        Deferred deferred{record.ref, link.relation, link.target, link.cause};
        deferred.set = true;
        entries.push_back(Journal::entry(deferred));
      } else if (engine_.had_deferred() && link.missing == Missing::deferred)
        entries.push_back(Entry{Table::deferred, Journal::key(record.ref) + "/" + link.relation, nullptr});
    } else if (link.missing == Missing::deferred) {
      const Deferred deferred{record.ref, link.relation, link.target, link.cause};
      entries.push_back(Journal::entry(deferred));
    } else if (first_pass && !link.cause.empty()) {
      ++next.tally.warnings[record.ref.type][link.cause];
    }
  }
}

TableImport::Written TableImport::settle(StreamState& next, Chunk& chunk, const std::vector<Effect>& effects) {
  Written written;
  count(next.tally, chunk, effects);
  settle_units(written, next, chunk);
  for (const Operation& operation : chunk.operations()) settle_operation(written, next, chunk, operation);
  for (const std::string& key : chunk.leaving) {
    const RecordRef leaving{chunk.covered_type, key};
    written.entries.push_back(Entry{Table::vanished, Journal::key(leaving), true});
    engine_.resolver().drop(leaving);
  }
  next.cursor = detached(chunk.batch().raw.next);
  next.finished = chunk.batch().raw.last;
  ++next.next_chunk;
  for (const Entry& entry : chunk.batch().also) written.entries.push_back(entry);
  written.entries.push_back(Journal::entry(next));
  return written;
}

MIGRATE_END
