#include <array>
#include <map>
#include <utility>

#include "migrate/checkpoint_store.hpp"

MIGRATE_BEGIN

namespace {

class MemoryStore final : public CheckpointStore {
 public:
  explicit MemoryStore(Services services) : services_(std::move(services)) {}

  awaitable<void> commit(std::vector<Entry> entries) override {
    services_.reach("store.commit before");
    for (Entry& entry : entries) {
      auto& rows = rows_[static_cast<std::size_t>(entry.table)];
      if (entry.value.is_null())
        rows.erase(entry.key);
      else
        rows.insert_or_assign(std::move(entry.key), detached(entry.value));
    }
    services_.reach("store.commit after");
    co_return;
  }

  awaitable<std::optional<Value>> get(Table table, std::string key) override {
    const auto& rows = rows_[static_cast<std::size_t>(table)];
    auto found = rows.find(key);
    std::optional<Value> value;
    if (found != rows.end()) value.emplace(found->second);
    co_return value;
  }

  awaitable<std::vector<Entry>> scan(Table table, std::string prefix, std::string after, std::size_t limit) override {
    const auto& rows = rows_[static_cast<std::size_t>(table)];
    std::vector<Entry> entries;
    for (auto row = after < prefix ? rows.lower_bound(prefix) : rows.upper_bound(after);
         row != rows.end() && entries.size() < limit && row->first.starts_with(prefix); ++row)
      entries.push_back(Entry{table, row->first, row->second});
    co_return entries;
  }

 private:
  Services services_;
  std::array<std::map<std::string, Value>, table_count> rows_;
};

}  // namespace

std::shared_ptr<CheckpointStore> make_memory_store(const Services& services) {
  return std::make_shared<MemoryStore>(services);
}

MIGRATE_END
