#include "table_chunk.hpp"

#include <iterator>
#include <string_view>

MIGRATE_BEGIN

void Chunk::build() {
  std::unordered_set<std::string_view> linked_types;
  std::unordered_set<RecordRef, RefHash> shared;
  std::vector<std::vector<Operation>> ranks(order_.size() + 1);
  const std::string* last_type = nullptr;
  std::size_t last_rank = 0;
  for (std::size_t u = 0; u < batch_.units.size(); ++u) {
    const Unit& unit = batch_.units[u];
    if (!unit.alive()) continue;
    for (std::size_t i = unit.first; i < unit.first + unit.count; ++i) {
      Record& record = batch_.records[i];
      for (const Link& link : record.links) linked_types.insert(std::string_view(link.target.type));
      if (record.intent == Intent::get_or_create &&
          (dealt_with.count(record.ref) || !shared.insert(record.ref).second))
        continue;
      if (!last_type || *last_type != record.ref.type) last_rank = rank(record.ref.type);
      last_type = &record.ref.type;
      ranks[last_rank].emplace_back(record, u);
    }
  }
  operations_.clear();
  for (auto& group : ranks) std::move(group.begin(), group.end(), std::back_inserter(operations_));
  index_.reset(operations_.size());
  alias_names_.clear();
  // Only what can be asked for is indexed: most types are nobody's target.
  last_type = nullptr;
  bool wanted = false;
  for (std::size_t i = 0; i < operations_.size(); ++i) {
    const Record& record = operations_[i].record();
    if (!last_type || *last_type != record.ref.type) wanted = linked_types.count(record.ref.type) != 0;
    last_type = &record.ref.type;
    if (wanted) index_.add(record.ref, static_cast<std::uint32_t>(i));
    for (const AlternateKey& key : record.keys) {
      RecordRef alias{record.ref.type + "." + key.name, key.value};
      if (!linked_types.count(alias.type)) continue;
      alias_names_.push_back(std::move(alias));
      index_.add(alias_names_.back(), static_cast<std::uint32_t>(i));
    }
  }
}

std::vector<std::span<Operation>> Chunk::groups() {
  std::vector<std::span<Operation>> result;
  std::size_t first = 0;
  for (std::size_t i = 1; i <= operations_.size(); ++i) {
    if (i < operations_.size() && operations_[i].record().ref.type == operations_[first].record().ref.type) continue;
    if (i > first) result.emplace_back(operations_.data() + first, i - first);
    first = i;
  }
  return result;
}

MIGRATE_END
