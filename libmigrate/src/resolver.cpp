#include "resolver.hpp"

#include <map>

MIGRATE_BEGIN

namespace {
// Enough for the masters of most migrations, about 6 MiB when full; what does not fit is looked up again.
constexpr std::size_t cache_slots = 1 << 16, page_slots = 1 << 6;
}  // namespace

Resolver::Resolver(Journal& journal, Sink& sink) : journal_(journal), sink_(sink), cache_(cache_slots / page_slots) {}

Resolver::Slot* Resolver::slot(const RecordRef& ref) const {
  const std::size_t at = RefHash()(ref) % cache_slots;
  const std::unique_ptr<Slot[]>& page = cache_[at / page_slots];
  return page ? &page[at % page_slots] : nullptr;
}

awaitable<void> Resolver::load() {
  imports_.clear();
  std::optional<Value> row = co_await journal_.store().get(Table::run, "imports");
  if (row)
    for (const Value& type : row->as_array()) imports_.emplace(type.as_string());
}

awaitable<void> Resolver::want(std::vector<RecordRef> refs, Answers& answers) {
  // Grouped by type; alternate keys become natural keys first.
  std::map<std::string, std::vector<RecordRef>> by_type;
  for (RecordRef& ref : refs) {
    if (answers.known_.count(ref)) continue;
    if (const Value* id = cached(ref)) {
      answers.known_.emplace(std::move(ref), *id);
      continue;
    }
    answers.known_.emplace(ref, nullptr);
    by_type[ref.type].push_back(std::move(ref));
  }
  for (auto& [type, wanted] : by_type) {
    const std::size_t dot = type.find('.');
    std::vector<std::string> ids;
    if (dot == std::string::npos) {
      for (const RecordRef& ref : wanted) ids.push_back(ref.id);
      co_await look_up(type, std::move(ids), std::move(wanted), answers);
      continue;
    }
    std::vector<std::string> keys;
    for (const RecordRef& ref : wanted) keys.push_back(Journal::key(ref));
    std::vector<Value> aliases = co_await journal_.store().get_many(Table::alias, std::move(keys));
    std::vector<RecordRef> known;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      if (!aliases[i].is_object()) {
        if (planned_.holds(wanted[i])) answers.known_[wanted[i]] = 0;
        continue;
      }
      if (keys_of_ && aliases[i].at("run").as_int64() != static_cast<std::int64_t>(keys_of_)) continue;
      // The row tells the target's id too, so that the target need not be asked; a delta run must make sure.
      const Value* target = aliases[i].get_object().if_contains("target");
      if (target && !heed_vanished_) {
        remember(wanted[i], *target);
        answers.known_[wanted[i]] = *target;
        continue;
      }
      ids.emplace_back(aliases[i].at("id").as_string());
      known.push_back(wanted[i]);
    }
    co_await look_up(type.substr(0, dot), std::move(ids), std::move(known), answers);
  }
}

awaitable<void> Resolver::look_up(std::string type, std::vector<std::string> ids, std::vector<RecordRef> asked,
                                   Answers& answers) {
  if (ids.empty()) co_return;
  std::vector<Value> found;
  TableSink* tables = sink_.as_tables();
  if (tables) {
    std::vector<std::string> copy = ids;
    found = co_await tables->find(type, std::move(copy));
  } else {
    found.resize(ids.size());
  }
  if (!tables || has_imports(type)) {
    std::vector<std::string> keys;
    std::vector<std::size_t> positions;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (!found[i].is_null()) continue;
      const RecordRef ref{type, ids[i]};
      keys.push_back(Journal::key(ref));
      positions.push_back(i);
    }
    std::vector<Value> rows = co_await journal_.store().get_many(Table::outcome, std::move(keys));
    for (std::size_t i = 0; i < rows.size(); ++i)
      if (rows[i].is_object()) {
        Value id = Journal::outcome_from(rows[i]).target_id;
        found[positions[i]] = tables || id.is_null() ? std::move(id) : Value(Journal::item_id(id));
      }
  }
  if (heed_vanished_) {
    std::vector<std::string> keys;
    for (const std::string& id : ids) keys.push_back(type + "/" + id);
    const std::vector<Value> leaving = co_await journal_.store().get_many(Table::vanished, std::move(keys));
    for (std::size_t i = 0; i < ids.size(); ++i)
      if (!leaving[i].is_null()) found[i] = nullptr;
  }
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (found[i].is_null()) {
      const RecordRef ref{type, ids[i]};
      // Any id will do for a plan: it says only that the record would be there.
      if (planned_.holds(ref)) answers.known_[asked[i]] = 0;
      continue;
    }
    remember(asked[i], found[i]);
    answers.known_[asked[i]] = std::move(found[i]);
  }
}

void Resolver::remember(const RecordRef& ref, const Value& id) {
  std::unique_ptr<Slot[]>& page = cache_[RefHash()(ref) % cache_slots / page_slots];
  if (!page) page = std::make_unique<Slot[]>(page_slots);
  Slot& entry = *slot(ref);
  entry.ref = ref;
  entry.id = detached(id);
}

void Resolver::drop(const RecordRef& ref) {
  Slot* entry = slot(ref);
  if (entry && entry->ref == ref) entry->id = nullptr;
}

void Resolver::clear() {
  for (std::unique_ptr<Slot[]>& page : cache_) page.reset();
}

MIGRATE_END
