#include "table_import.hpp"

#include <fmt/format.h>

#include <algorithm>

MIGRATE_BEGIN

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
  int tries = 1;
  while (true) {
    std::optional<Error> trouble;
    try {
      co_await attempt(stream, batch);
      co_return;
    } catch (const Error& error) {
      trouble = error;
    }
    RecordRef where{batch.partition.name, ""};
    const bool again = co_await engine_.try_again(std::move(where), *trouble, tries);
    if (!again) engine_.give_up(*trouble);
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
  co_await engine_.know_failures(batch);
  co_await know_waiting_links();
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

std::unique_ptr<Stage> make_table_import(Engine& engine, TableSink& sink) {
  return std::make_unique<TableImport>(engine, sink);
}

MIGRATE_END
