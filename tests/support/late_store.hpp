// A store that makes entries of commit_soon() durable with the next commit() and no sooner: what a test of receipts
// that nobody waits for has to reckon with.
#pragma once

#include <algorithm>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "migrate/checkpoint_store.hpp"

namespace migrate {

class LateStore final : public CheckpointStore {
 public:
  explicit LateStore(const Services& services = Services()) : durable(make_memory_store(services)) {}

  awaitable<void> commit(std::vector<Entry> entries) override {
    std::vector<Entry> all = late;
    std::move(entries.begin(), entries.end(), std::back_inserter(all));
    co_await durable->commit(std::move(all));
    late.clear();
  }
  awaitable<void> commit_soon(std::vector<Entry> entries) override {
    std::move(entries.begin(), entries.end(), std::back_inserter(late));
    co_return;
  }
  awaitable<std::optional<Value>> get(Table table, std::string key) override {
    for (auto entry = late.rbegin(); entry != late.rend(); ++entry) {
      if (entry->table != table || entry->key != key) continue;
      if (entry->value.is_null()) co_return std::nullopt;
      co_return entry->value;
    }
    co_return co_await durable->get(table, std::move(key));
  }
  awaitable<std::vector<Entry>> scan(Table table, std::string prefix, std::string after, std::size_t limit) override {
    // As many more as may have been removed since.
    std::vector<Entry> rows = co_await durable->scan(table, prefix, after, limit + late.size());
    std::map<std::string, Value> found;
    for (Entry& row : rows) found.insert_or_assign(row.key, std::move(row.value));
    for (const Entry& entry : late)
      if (entry.table == table && entry.key.starts_with(prefix) && entry.key > after)
        found.insert_or_assign(entry.key, entry.value);
    std::vector<Entry> result;
    for (auto& [key, value] : found)
      if (!value.is_null() && result.size() < limit) result.push_back(Entry{table, key, std::move(value)});
    co_return result;
  }
  /// The process has died: what was not durable is lost.
  void lose() { late.clear(); }

  std::shared_ptr<CheckpointStore> durable;
  std::vector<Entry> late;
};

}  // namespace migrate
