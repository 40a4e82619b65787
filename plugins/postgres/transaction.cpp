#include "transaction.hpp"

#include <fmt/format.h>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <optional>
#include <unordered_map>

namespace migrate::postgres {

Transaction::Transaction(std::shared_ptr<PostgresSink> sink, Pool::Lease connection, std::string chunk)
    : sink_(std::move(sink)), connection_(std::move(connection)), chunk_(std::move(chunk)) {
  connection_->run("BEGIN");
}

Transaction::~Transaction() {
  if (!open_ || !connection_->usable()) return;
  connection_->abort_copy();
  try {
    connection_->run("ROLLBACK");
  } catch (const Error&) {
    connection_->close();  // the server rolls back by itself
  }
}

std::vector<TypeGroup> Transaction::grouped(std::span<Operation> operations) {
  std::vector<TypeGroup> groups;
  std::size_t last = 0;
  for (std::size_t i = 0; i < operations.size(); ++i) {
    const std::string& type = operations[i].record().ref.type;
    if (last >= groups.size() || groups[last].target->type != type) {
      const auto found = std::find_if(groups.begin(), groups.end(),
                                      [&](const TypeGroup& group) { return group.target->type == type; });
      last = static_cast<std::size_t>(found - groups.begin());
      if (found == groups.end()) groups.push_back({sink_->target(*connection_, type), {}});
    }
    groups[last].members.push_back(i);
  }
  std::stable_sort(groups.begin(), groups.end(), [&](const TypeGroup& a, const TypeGroup& b) {
    return sink_->rank(a.target->type) < sink_->rank(b.target->type);
  });
  return groups;
}

awaitable<void> Transaction::identify(std::span<Operation> operations) {
  auto work = [&] { identify_all(operations); };
  co_await on_pool(sink_->services(), work);
}

void Transaction::identify_all(std::span<Operation> operations) {
  for (const TypeGroup& group : grouped(operations)) identify_group(operations, group);
}

// Empty where the key is the id of a row that is being created: then nobody can have it yet.
std::vector<std::string> Transaction::natural_keys(std::span<Operation> operations, const TypeGroup& group) {
  const Target& target = *group.target;
  std::vector<std::string> keys;
  keys.reserve(group.members.size());
  if (!target.key_is_link) {
    for (const std::size_t i : group.members) keys.push_back(operations[i].record().ref.id);
    return keys;
  }
  std::unordered_map<std::string_view, const Operation*> parents;
  for (const Operation& operation : operations) {
    if (operation.record().ref.type == target.key_link_type) parents.emplace(operation.record().ref.id, &operation);
  }
  const std::string& column = target.column(target.key[0]).name;
  for (const std::size_t i : group.members) {
    const Record& record = operations[i].record();
    const Object* data = record.data.if_object();
    const Value* value = data ? data->if_contains(column) : nullptr;
    if (value && !value->is_null()) {
      keys.push_back(key_text(*value));
      continue;
    }
    const auto link = std::find_if(record.links.begin(), record.links.end(),
                                   [&](const Link& each) { return each.relation == column; });
    const auto parent = link == record.links.end() ? parents.end() : parents.find(link->target.id);
    if (parent == parents.end())
      keys.push_back(link == record.links.end() ? record.ref.id : std::string());
    else
      keys.push_back(parent->second->action() == Action::create ? "" : key_text(parent->second->target_id()));
  }
  return keys;
}

std::vector<Value> Transaction::existing(const Target& target, const std::vector<std::string>& keys) {
  if (target.key.empty()) return std::vector<Value>(keys.size());
  if (target.integer_key) {
    std::optional<std::int64_t> least, most;
    for (const std::string& key : keys) {
      const Value value = target.id_value(key);
      // id_value() of a generated id and of an integer key read the same digits.
      if (!value.is_int64()) continue;
      const std::int64_t number = value.get_int64();
      least = least ? std::min(*least, number) : number;
      most = most ? std::max(*most, number) : number;
    }
    if (!least) return std::vector<Value>(keys.size());
    if (!target.key_indexed) {
      spans_[target.type].emplace_back(*least, *most);
      if (!sink_->may_hold(*connection_, target, *least, *most)) return std::vector<Value>(keys.size());
    }
    const Result found = connection_->run(fmt::format("SELECT EXISTS (SELECT 1 FROM {} t WHERE {} BETWEEN {} AND {})",
                                                      target.table.qualified, target.key_list(), *least, *most));
    if (!found.truth(0, 0)) return std::vector<Value>(keys.size());
  }
  return sink_->look_up(*connection_, target, keys);
}

void Transaction::identify_group(std::span<Operation> operations, const TypeGroup& group) {
  const Target& target = *group.target;
  const std::vector<std::string> keys = natural_keys(operations, group);
  const std::vector<Value> found = existing(target, keys);
  std::unordered_map<std::string_view, std::size_t> firsts;  // keys of this chunk that are new
  if (!target.key.empty()) firsts.reserve(keys.size());
  std::vector<std::size_t> created, repeated;
  for (std::size_t place = 0; place < group.members.size(); ++place) {
    Operation& operation = operations[group.members[place]];
    const Record& record = operation.record();
    const bool removes = record.deleted || operation.action() == Action::remove;
    const bool patches = record.intent == Intent::patch || operation.action() == Action::patch;
    const bool imported = target.generates() && !operation.target_id().is_null();
    if (!imported) operation.set_target_id(found[place]);
    if (!operation.target_id().is_null()) {
      operation.set_action(removes ? Action::remove : patches ? Action::patch : Action::update);
    } else if (removes || patches) {
      operation.set_action(removes ? Action::remove : Action::patch);
    } else if (target.key.empty() || keys[place].empty() || firsts.try_emplace(keys[place], place).second) {
      operation.set_action(Action::create);
      created.push_back(place);
    } else {
      operation.set_action(Action::update);
      repeated.push_back(place);
    }
  }
  if (target.generates() && !created.empty()) {
    std::int64_t id = reserve(target, created.size());
    for (const std::size_t place : created) operations[group.members[place]].set_target_id(Value(id++));
  } else {
    for (const std::size_t place : created) {
      operations[group.members[place]].set_target_id(target.id_value(keys[place]));
    }
  }
  // A second record of the same key in this chunk is about the row that the first one makes.
  for (const std::size_t place : repeated) {
    operations[group.members[place]].set_target_id(operations[group.members[firsts.at(keys[place])]].target_id());
  }
}

std::int64_t Transaction::reserve(const Target& target, std::size_t count) {
  const auto known = next_ids_.find(target.type);
  const auto wanted = static_cast<std::int64_t>(count);
  if (known != next_ids_.end()) return std::exchange(known->second, known->second + wanted);
  const std::string id = target.column(target.id).quoted;
  const bool shared = sink_->config().connections > 1;
  std::string sql =
      fmt::format("WITH m AS (SELECT coalesce(max({}), 0) AS top FROM {}) SELECT top", id, target.table.qualified);
  if (!target.sequence.empty()) {
    // Other writers' ids stay ahead of ours. What the sequence says is not asked, since it does not roll back: the ids
    // of a repeated attempt would differ from those of an undisturbed one.
    sql = shared ? fmt::format(
                       "WITH m AS (SELECT greatest(coalesce(max({0}), 0), (SELECT last_value FROM {2})) AS top "
                       "FROM {1}) SELECT top, setval('{2}', top + {3}) FROM m",
                       id, target.table.qualified, target.sequence, wanted)
                 : fmt::format(
                       "WITH m AS (SELECT coalesce(max({0}), 0) AS top FROM {1}) SELECT top, setval('{2}', "
                       "greatest(top + {3}, (SELECT last_value FROM {2}))) FROM m",
                       id, target.table.qualified, target.sequence, wanted);
  }
  const std::string name = literal("migrate ids of " + target.table.qualified);
  if (shared) connection_->run(fmt::format("SELECT pg_advisory_lock(hashtextextended({}, 0))", name));
  const std::int64_t top = connection_->change("reserve ids", sql).integer(0, 0);
  if (shared) connection_->run(fmt::format("SELECT pg_advisory_unlock(hashtextextended({}, 0))", name));
  // With several transactions at once, the sequence is the only one that all of them see.
  if (!shared) next_ids_[target.type] = top + 1 + wanted;
  return top + 1;
}

std::string Transaction::created_json() const {
  Object rows;
  for (const auto& [type, unsorted] : created_) {
    std::vector<std::int64_t> ids = unsorted;
    std::sort(ids.begin(), ids.end());
    Array ranges;
    for (std::size_t i = 0; i < ids.size();) {
      std::size_t end = i + 1;
      while (end < ids.size() && ids[end] == ids[end - 1] + 1) ++end;
      ranges.push_back(Array{ids[i], ids[end - 1]});
      i = end;
    }
    rows[type] = std::move(ranges);
  }
  for (const auto& [type, keys] : created_keys_) {
    Array list;
    for (const std::string& key : keys) list.emplace_back(key);
    rows[type] = std::move(list);
  }
  for (const std::string& type : keyless_) rows[type] = true;
  return boost::json::serialize(rows);
}

awaitable<void> Transaction::commit(Value receipt) {
  auto work = [&] { commit_now(receipt); };
  co_await on_pool(sink_->services(), work);
}

void Transaction::commit_now(const Value& receipt) {
  const std::string& journal = sink_->journal().chunks;
  const Parameters row{chunk_, boost::json::serialize(receipt), created_json()};
  connection_->change("journal",
                      fmt::format("INSERT INTO {} (chunk, receipt, rows, xid) VALUES ($1, $2, $3, "
                                  "(pg_current_xact_id()::text::numeric % 4294967296)::bigint)",
                                  journal),
                      row);
  // The receipt of the chunk before this one has been read, or will never be: the chunk is complete.
  const std::string last = sink_->exchange_last_chunk(chunk_);
  const std::string which = last.empty() ? starts_with_sql("chunk", partition_of(chunk_)) : "chunk = " + literal(last);
  connection_->change("clear receipts",
                      fmt::format("UPDATE {} SET receipt = NULL WHERE {} AND chunk <> {} AND receipt IS NOT NULL",
                                  journal, which, literal(chunk_)));
  try {
    connection_->change("commit", "COMMIT");
  } catch (...) {
    sink_->forget_spans();  // whether the rows are there is not known
    throw;
  }
  open_ = false;
  for (const auto& [type, spans] : spans_)
    for (const auto& [least, most] : spans) sink_->add_span(type, least, most);
}

}  // namespace migrate::postgres
