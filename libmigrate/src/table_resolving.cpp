// What a chunk refers to, and whether its units can be written.
#include <fmt/format.h>

#include "table_import.hpp"

MIGRATE_BEGIN

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

MIGRATE_END
