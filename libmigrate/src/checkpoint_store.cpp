#include "migrate/checkpoint_store.hpp"

#include <utility>

MIGRATE_BEGIN

std::string_view to_string(Table table) noexcept {
  switch (table) {
    case Table::run:
      return "run";
    case Table::cursor:
      return "cursor";
    case Table::step:
      return "step";
    case Table::outcome:
      return "outcome";
    case Table::deferred:
      return "deferred";
    case Table::failed:
      return "failed";
    case Table::alias:
      return "alias";
    case Table::vanished:
      return "vanished";
  }
  return "run";
}

CheckpointStore::~CheckpointStore() = default;

awaitable<void> CheckpointStore::commit_soon(std::vector<Entry> entries) { return commit(std::move(entries)); }

awaitable<std::vector<Value>> CheckpointStore::get_many(Table table, std::vector<std::string> keys) {
  std::vector<Value> values;
  values.reserve(keys.size());
  for (std::string& key : keys) {
    std::optional<Value> value = co_await get(table, std::move(key));
    values.push_back(value ? std::move(*value) : Value(nullptr));
  }
  co_return values;
}

MIGRATE_END
