// The import stage for databases: a batch becomes one transaction, and its receipt travels with the rows.
#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <set>

#include "engine.hpp"
#include "table_chunk.hpp"

MIGRATE_BEGIN

namespace {

class TableImport final : public Stage {
 public:
  TableImport(Engine& engine, TableSink& sink)
      : engine_(engine),
        sink_(sink),
        traits_(sink.traits()),
        order_(type_order(sink)),
        transactions_(engine.executor(), std::max<std::size_t>(1, traits_.max_in_flight)) {}

  awaitable<void> recover(StreamState& stream) override;
  awaitable<void> prepare(Batch& batch, Batch& before) override;
  awaitable<void> apply(StreamState& stream, Batch& batch) override;

 private:
  struct Written {
    std::vector<Entry> entries;
    std::vector<Failure> failures;
  };
  awaitable<void> attempt(StreamState& stream, Batch& batch);
  awaitable<bool> review(Batch& batch, Chunk& chunk, std::string name);
  awaitable<void> know_masters(Chunk& chunk);
  awaitable<void> know_aliases(Chunk& chunk);
  awaitable<void> adopt_imported_ids(Chunk& chunk);
  awaitable<void> look_at(Chunk& chunk);
  awaitable<void> resolve(Chunk& chunk);
  awaitable<void> resolve_rest(Chunk& chunk);
  void tell_waiting(const Chunk& committed);
  bool check_required(Chunk& chunk);
  bool check_keys(Chunk& chunk, Operation& operation,
                  std::unordered_map<RecordRef, const std::string*, RefHash>& holders);
  void fill(Chunk& chunk, std::span<Operation> group);
  awaitable<void> identify(TableTransaction& transaction, Chunk& chunk);
  awaitable<WriteResult> write(TableTransaction& transaction, Chunk& chunk);
  void learn_dependents(Chunk& chunk);
  awaitable<void> find_orphans(TableTransaction& transaction, Chunk& chunk);
  awaitable<void> know_existing(Chunk& chunk);
  void find_leaving(Chunk& chunk);
  bool read_later(const Chunk& chunk, const RecordRef& target) const;
  Written settle(StreamState& next, Chunk& chunk, const std::vector<Effect>& effects);
  void settle_units(Written& written, Chunk& chunk);
  void settle_operation(Written& written, StreamState& next, Chunk& chunk, const Operation& operation);
  void count(Tally& tally, Chunk& chunk, const std::vector<Effect>& effects);

  bool is_dealt_with(const RecordRef& ref) const { return dealt_with_[RefHash()(ref) % dealt_with_.size()] == ref; }

  Engine& engine_;
  TableSink& sink_;
  SinkTraits traits_;
  std::map<std::string, std::size_t> order_;
  Semaphore transactions_;
  /// Types whose rows are named by the row that they belong to (a certificate's vehicle), and that link's column.
  struct Dependent {
    std::string type, column, owner;
    auto operator<=>(const Dependent&) const = default;
  };
  std::set<Dependent> dependents_;
  /// At most one a stream.
  std::shared_ptr<Chunk::Waiting> waiting_ = std::make_shared<Chunk::Waiting>();
  // A cache of fixed size in front of the store.
  std::vector<RecordRef> dealt_with_{1 << 14};
};

awaitable<void> TableImport::recover(StreamState& stream) {
  while (true) {
    std::string name = engine_.journal().chunk_name(stream);
    std::optional<Value> receipt = co_await sink_.receipt(name);
    if (!receipt) co_return;
    // The rows arrived and the store does not know yet: the receipt is what it was about to be told.
    std::vector<Entry> entries = Journal::unpack(*receipt);
    co_await engine_.journal().store().commit(std::move(entries));
    StreamState known = co_await engine_.journal().stream(stream.name);
    if (known.next_chunk <= stream.next_chunk)
      throw Error(ErrorKind::internal, "bad_receipt",
                  fmt::format("the receipt of chunk {} does not move its stream on", name));
    stream = std::move(known);
  }
}

awaitable<void> TableImport::apply(StreamState& stream, Batch& batch) {
  for (int tries = 1;; ++tries) {
    std::optional<Error> trouble;
    try {
      co_await attempt(stream, batch);
      co_return;
    } catch (const Error& error) {
      trouble = error;
    }
    if (!trouble->retryable() || tries >= engine_.options().retry.attempts) throw *trouble;
    RecordRef where{batch.partition.name, ""};
    co_await engine_.back_off(std::move(where), *trouble, tries);
    // A commit whose answer was lost may have arrived.
    const std::uint64_t before = stream.next_chunk;
    co_await recover(stream);
    if (stream.next_chunk != before) {
      engine_.progress(stream);
      co_return;
    }
  }
}

/// What the units are made of and where their links lead, as far as that is known now.
awaitable<void> TableImport::look_at(Chunk& chunk) {
  co_await know_masters(chunk);
  chunk.build();
  co_await know_aliases(chunk);
  co_await resolve(chunk);
}

awaitable<void> TableImport::prepare(Batch& batch, Batch&) {
  // A delta run resolves against what leaves the target, which the chunks before this one decide.
  if (engine_.incremental() || engine_.interactive() || batch.partition.revisit) co_return;
  auto chunk = std::make_unique<Chunk>(batch, order_);
  // From here on, so that it hears of what is committed while it is being looked at.
  chunk->wait_in(waiting_);
  try {
    co_await look_at(*chunk);
  } catch (const Error&) {
    // apply() meets the same trouble, and knows how to repeat.
    chunk->outdated = true;
  }
  batch.prepared = std::move(chunk);
}

void TableImport::tell_waiting(const Chunk& committed) {
  for (Chunk* chunk : *waiting_) {
    for (const Operation& operation : committed.operations()) {
      const Record& record = operation.record();
      if (record.intent == Intent::get_or_create && chunk->known.count(record.ref)) chunk->outdated = true;
      for (const AlternateKey& key : record.keys) {
        const RecordRef alias{record.ref.type + "." + key.name, key.value};
        const auto mine = chunk->aliases.find(alias);
        const auto row = committed.aliases.find(alias);
        if (mine != chunk->aliases.end() && row != committed.aliases.end()) mine->second = row->second;
      }
    }
  }
}

awaitable<void> TableImport::attempt(StreamState& stream, Batch& batch) {
  co_await transactions_.acquire();
  Place place(transactions_);
  std::unique_ptr<Prepared> prepared = std::move(batch.prepared);
  bool ahead = prepared && !static_cast<Chunk&>(*prepared).outdated;
  if (!ahead) prepared = std::make_unique<Chunk>(batch, order_);
  auto& chunk = static_cast<Chunk&>(*prepared);
  chunk.leave();
  std::string name = engine_.journal().chunk_name(stream);
  co_await know_existing(chunk);
  bool reviewed = !engine_.interactive();
  while (true) {
    if (ahead)
      co_await resolve_rest(chunk);
    else
      co_await look_at(chunk);
    ahead = false;
    const bool clean = check_required(chunk);
    if (!clean && reviewed) continue;
    co_await adopt_imported_ids(chunk);
    if (!reviewed) {
      const bool settled = co_await review(batch, chunk, name);
      if (engine_.stopping()) co_return;
      reviewed = settled;
      continue;
    }
    std::unique_ptr<TableTransaction> transaction = co_await sink_.begin(name);
    co_await identify(*transaction, chunk);
    co_await find_orphans(*transaction, chunk);
    WriteResult result = co_await write(*transaction, chunk);
    if (!result.failures.empty()) {
      for (UnitFailure& failure : result.failures) batch.units[failure.unit].failure = failure.error;
      // Destroyed before the next attempt begins: its rows and ids are given back.
      transaction.reset();
      continue;
    }
    StreamState next = stream;
    Written written = settle(next, chunk, result.effects);
    Value receipt = Journal::pack(written.entries);
    co_await transaction->commit(std::move(receipt));
    transaction.reset();
    co_await engine_.journal().store().commit(std::move(written.entries));
    stream = std::move(next);
    for (const Failure& failure : written.failures) engine_.tell(failure);
    tell_waiting(chunk);
    break;
  }
  for (const Operation& operation : chunk.operations()) {
    if (operation.record().intent != Intent::get_or_create) continue;
    const RecordRef& ref = operation.record().ref;
    engine_.resolver().remember(ref, operation.target_id());
    dealt_with_[RefHash()(ref) % dealt_with_.size()] = ref;
  }
  // With the batch, away from the strand.
  batch.prepared = std::move(prepared);
  engine_.progress(stream);
}

awaitable<void> TableImport::know_masters(Chunk& chunk) {
  std::vector<std::string> keys;
  for (const Unit& unit : chunk.batch().units) {
    if (!unit.alive()) continue;
    for (std::size_t i = unit.first; i < unit.first + unit.count; ++i) {
      const Record& record = chunk.batch().records[i];
      if (record.intent != Intent::get_or_create || chunk.dealt_with.count(record.ref) || chunk.known.count(record.ref))
        continue;
      if (is_dealt_with(record.ref)) {
        chunk.dealt_with.insert(record.ref);
        continue;
      }
      chunk.known.emplace(record.ref, Outcome());
      keys.push_back(Journal::key(record.ref));
    }
  }
  if (keys.empty()) co_return;
  std::vector<std::string> wanted = keys;
  std::vector<Value> rows = co_await engine_.journal().store().get_many(Table::outcome, std::move(wanted));
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const RecordRef ref = Journal::ref_from(keys[i]);
    if (!rows[i].is_object()) continue;
    Outcome outcome = Journal::outcome_from(rows[i]);
    if (outcome.shared && outcome.run == engine_.run_state().number) chunk.dealt_with.insert(ref);
    chunk.known[ref] = std::move(outcome);
  }
}

awaitable<void> TableImport::know_aliases(Chunk& chunk) {
  if (traits_.keeps_links) co_return;
  std::vector<std::string> keys;
  for (const Operation& operation : chunk.operations())
    for (const AlternateKey& key : operation.record().keys) {
      const RecordRef alias{operation.record().ref.type + "." + key.name, key.value};
      if (chunk.aliases.try_emplace(alias).second) keys.push_back(Journal::key(alias));
    }
  if (keys.empty()) co_return;
  std::vector<std::string> wanted = keys;
  std::vector<Value> rows = co_await engine_.journal().store().get_many(Table::alias, std::move(wanted));
  for (std::size_t i = 0; i < keys.size(); ++i) {
    // What a chunk before this one has told meanwhile is newer.
    Value& row = chunk.aliases[Journal::ref_from(keys[i])];
    if (row.is_null()) row = std::move(rows[i]);
  }
}

awaitable<void> TableImport::resolve(Chunk& chunk) {
  chunk.leads.clear();
  chunk.first_lead.clear();
  if (traits_.keeps_links) co_return;
  find_leaving(chunk);
  std::vector<RecordRef> wanted;
  std::vector<std::pair<std::size_t, const RecordRef*>> asking;
  for (const Operation& operation : chunk.operations()) {
    chunk.first_lead.push_back(chunk.leads.size());
    for (const Link& link : operation.record().links) {
      Chunk::Lead& lead = chunk.leads.emplace_back();
      lead.inside = chunk.find(link.target);
      if (lead.inside || (link.target.type == chunk.covered_type && chunk.leaving.count(link.target.id))) continue;
      if (const Value* id = engine_.resolver().cached(link.target)) {
        lead.outside = *id;
        continue;
      }
      wanted.push_back(link.target);
      asking.emplace_back(chunk.leads.size() - 1, &link.target);
    }
  }
  if (wanted.empty()) co_return;
  Answers answers;
  co_await engine_.resolver().want(std::move(wanted), answers);
  for (const auto& [position, target] : asking)
    if (const Value* id = answers.get(*target)) chunk.leads[position].outside = *id;
}

/// Asks again for what was not there when the chunk was prepared.
awaitable<void> TableImport::resolve_rest(Chunk& chunk) {
  if (traits_.keeps_links) co_return;
  std::vector<RecordRef> wanted;
  std::vector<std::pair<std::size_t, const RecordRef*>> asking;
  std::size_t position = 0;
  for (const Operation& operation : chunk.operations())
    for (const Link& link : operation.record().links) {
      if (!chunk.leads[position].leads()) {
        wanted.push_back(link.target);
        asking.emplace_back(position, &link.target);
      }
      ++position;
    }
  if (wanted.empty()) co_return;
  Answers answers;
  co_await engine_.resolver().want(std::move(wanted), answers);
  for (const auto& [at, target] : asking)
    if (const Value* id = answers.get(*target)) chunk.leads[at].outside = *id;
}

/// False: one of the operation's alternate keys belongs to another record.
bool TableImport::check_keys(Chunk& chunk, Operation& operation,
                             std::unordered_map<RecordRef, const std::string*, RefHash>& holders) {
  const Record& record = operation.record();
  for (const AlternateKey& key : record.keys) {
    if (key.duplicate_cause.empty()) continue;
    RecordRef alias{record.ref.type + "." + key.name, key.value};
    std::string holder;
    const auto here = holders.find(alias);
    const auto stored = chunk.aliases.find(alias);
    if (here != holders.end())
      holder = *here->second;
    else if (stored != chunk.aliases.end() && stored->second.is_object() &&
             stored->second.at("run").as_int64() == static_cast<std::int64_t>(engine_.run_state().number))
      holder = std::string(stored->second.at("id").as_string());
    if (holder.empty() || holder == record.ref.id) {
      holders.emplace(std::move(alias), &record.ref.id);
      continue;
    }
    chunk.unit_of(operation).failure =
        Error(ErrorKind::conflict, key.duplicate_cause,
              fmt::format("{} {} has the same {} as {} {}: \"{}\"", record.ref.type, record.ref.id, key.name,
                          record.ref.type, holder, key.value))
            .with_advice("decide in the source which of the two is right, then retry");
    return false;
  }
  return true;
}

/// Fails units whose alternate key is taken or whose required link leads nowhere. False: some failed, so that others
/// that relied on them must be looked at again.
bool TableImport::check_required(Chunk& chunk) {
  if (traits_.keeps_links) return true;
  bool clean = true;
  std::unordered_map<RecordRef, const std::string*, RefHash> holders;
  for (Operation& operation : chunk.operations()) {
    Unit& unit = chunk.unit_of(operation);
    if (unit.failure) continue;
    if (!check_keys(chunk, operation, holders)) {
      clean = false;
      continue;
    }
    const Record& record = operation.record();
    std::size_t lead = chunk.first_lead[static_cast<std::size_t>(&operation - chunk.operations().data())];
    for (const Link& link : record.links) {
      if (chunk.leads[lead++].leads() || link.missing != Missing::fails) continue;
      unit.failure = Error(ErrorKind::not_found, link.cause.empty() ? "missing_reference" : link.cause,
                           fmt::format("{} {}: {} refers to {} \"{}\", which is not there", record.ref.type,
                                       record.ref.id, link.relation, link.target.type, link.target.id))
                         .with_advice("add what is missing to the source, or correct the reference, then retry");
      clean = false;
      break;
    }
  }
  return clean;
}

awaitable<void> TableImport::adopt_imported_ids(Chunk& chunk) {
  std::vector<std::string> keys;
  std::vector<Operation*> asking;
  for (Operation& operation : chunk.operations()) {
    if (!engine_.resolver().has_imports(operation.record().ref.type)) continue;
    keys.push_back(Journal::key(operation.record().ref));
    asking.push_back(&operation);
  }
  if (keys.empty()) co_return;
  std::vector<Value> rows = co_await engine_.journal().store().get_many(Table::outcome, std::move(keys));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (!rows[i].is_object()) continue;
    Outcome outcome = Journal::outcome_from(rows[i]);
    if (outcome.imported) asking[i]->set_target_id(std::move(outcome.target_id));
  }
}

/// Writes into the columns of the links where they lead; null where the record in the chunk has no id yet.
void TableImport::fill(Chunk& chunk, std::span<Operation> group) {
  for (Operation& operation : group) {
    Record& record = operation.mutable_record();
    if (record.links.empty()) continue;
    std::size_t lead = chunk.first_lead[static_cast<std::size_t>(&operation - chunk.operations().data())];
    Object& data = record.data.as_object();
    for (const Link& link : record.links) data[link.relation] = chunk.leads[lead++].id();
  }
}

awaitable<void> TableImport::identify(TableTransaction& transaction, Chunk& chunk) {
  // A type's natural key may itself be a link (a vehicle's certificate), so links are filled before its turn; those
  // within a type once more at the end.
  for (std::span<Operation> group : chunk.groups()) {
    if (!traits_.keeps_links) fill(chunk, group);
    co_await transaction.identify(group);
    const bool within = std::any_of(group.begin(), group.end(), [&](const Operation& operation) {
      const auto& links = operation.record().links;
      return std::any_of(links.begin(), links.end(), [&](const Link& link) { return link.target.type == operation.record().ref.type; });
    });
    if (within && !traits_.keeps_links) fill(chunk, group);
  }
}

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

/// Everything but shared masters that were on the target before and are not ours to change.
awaitable<WriteResult> TableImport::write(TableTransaction& transaction, Chunk& chunk) {
  std::vector<Operation>& operations = chunk.operations();
  const auto theirs = [&chunk](const Operation& operation) {
    if (operation.record().intent != Intent::get_or_create || operation.action() != Action::update) return false;
    const auto known = chunk.known.find(operation.record().ref);
    return known == chunk.known.end() || !known->second.shared || !known->second.ours;
  };
  if (chunk.orphan_operations.empty() && std::none_of(operations.begin(), operations.end(), theirs)) {
    std::span<Operation> all(operations);
    co_return co_await transaction.write(all);
  }
  std::vector<Operation> ours;
  std::vector<std::size_t> positions;
  for (std::size_t i = 0; i < operations.size(); ++i) {
    if (theirs(operations[i])) continue;
    ours.push_back(operations[i]);
    positions.push_back(i);
  }
  ours.insert(ours.end(), chunk.orphan_operations.begin(), chunk.orphan_operations.end());
  std::span<Operation> some(ours);
  WriteResult partial = co_await transaction.write(some);
  if (!partial.failures.empty()) co_return partial;
  WriteResult result;
  result.effects.assign(operations.size(), Effect::unchanged);
  for (std::size_t i = 0; i < positions.size(); ++i) result.effects[positions[i]] = partial.effects[i];
  co_return result;
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

void TableImport::settle_units(Written& written, Chunk& chunk) {
  Batch& batch = chunk.batch();
  if (batch.partition.revisit) return;
  for (std::size_t u = 0; u < batch.units.size(); ++u) {
    const Unit& unit = batch.units[u];
    if (!unit.failure && !unit.skipped_by_person) {
      if (engine_.had_failures()) written.entries.push_back(Entry{Table::failed, Journal::key(unit.source), nullptr});
      continue;
    }
    const Error error = unit.failure ? *unit.failure
                                     : Error(ErrorKind::cancelled, "skipped_by_person", "left out in an interactive run");
    Failure failure = failure_of(unit, Phase::import, error, 1);
    const bool there = std::find(chunk.existing.begin(), chunk.existing.end(), unit.source.id) != chunk.existing.end();
    if (there && unit.failure)
      failure.message += engine_.options().on_stale == OnStale::withdraw ? "; its earlier version is withdrawn"
                                                                         : "; the target keeps its earlier version";
    if (u < batch.originals.size() && !engine_.pipeline().source->traits().fetches)
      failure.data = batch.originals[u].data;
    written.entries.push_back(Journal::entry(failure, engine_.run_state().number));
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
  settle_units(written, chunk);
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

/// Asks a person about the one unit of the batch. False: the unit has changed and must be looked at again.
awaitable<bool> TableImport::review(Batch& batch, Chunk& chunk, std::string name) {
  std::string chunk_name = name;
  for (std::size_t u = 0; u < batch.units.size(); ++u) {
    Unit& unit = batch.units[u];
    if (unit.dropped() || unit.skipped_by_person) continue;
    std::vector<Finding> changes;
    if (!unit.failure) {
      // Looked at inside a transaction that is given up at once: nothing is locked while the person thinks.
      std::unique_ptr<TableTransaction> look = co_await sink_.begin(chunk_name);
      co_await identify(*look, chunk);
      look.reset();
      std::vector<Operation> existing;
      for (const Operation& operation : chunk.operations())
        if (operation.action() == Action::update) existing.push_back(operation);
      if (!existing.empty() && traits_.verifies) changes = co_await sink_.verify(existing);
    }
    Record edited = batch.originals.at(u);
    Proposal proposal{batch.originals[u], std::span<Operation>(chunk.operations()), changes, unit.failure};
    const Verdict verdict = co_await engine_.options().reviewer->review(proposal, edited);
    switch (verdict) {
      case Verdict::migrate: break;
      case Verdict::skip:
        // What could not be migrated anyway stays a failure, so that its cause is reported.
        if (!unit.failure) unit.skipped_by_person = true;
        break;
      case Verdict::edit:
        transform_again(batch, u, std::move(edited), engine_.pipeline().transforms);
        co_return false;
      case Verdict::all: engine_.approve_all(); break;
      case Verdict::quit: engine_.quit(); break;
    }
  }
  co_return true;
}

}  // namespace

std::unique_ptr<Stage> make_table_import(Engine& engine, TableSink& sink) {
  return std::make_unique<TableImport>(engine, sink);
}

MIGRATE_END
