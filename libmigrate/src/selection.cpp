// Which records a run is about: the filter of a person, the sample of a test run with all that it needs.
#include <fmt/format.h>

#include <algorithm>

#include "engine.hpp"
#include "report_parts.hpp"

MIGRATE_BEGIN

namespace {
/// Trimmed, Arabic and Persian digits as ASCII, ASCII letters lower: how a person's filter value is compared.
std::string folded(const Value& value) {
  std::string text;
  if (value.is_string()) text = std::string(value.get_string());
  else if (value.is_int64()) text = std::to_string(value.get_int64());
  else return text;
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0;
    if (byte == 0xD9 && next >= 0xA0 && next <= 0xA9) {
      out += static_cast<char>('0' + (next - 0xA0));
      ++i;
    } else if (byte == 0xDB && next >= 0xB0 && next <= 0xB9) {
      out += static_cast<char>('0' + (next - 0xB0));
      ++i;
    } else {
      out += byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte + 32) : text[i];
    }
  }
  const std::size_t first = out.find_first_not_of(" \t\r\n\v\f");
  if (first == std::string::npos) return {};
  return out.substr(first, out.find_last_not_of(" \t\r\n\v\f") - first + 1);
}

}  // namespace

bool asked_for(const RunOptions& options, const std::string& type) {
  return (options.only.empty() || options.only.count(type)) && (!options.where || options.where->type == type);
}

void Engine::filter(Batch& batch) {
  if (options_.where && options_.where->type == batch.partition.type) {
    const std::string wanted = folded(Value(options_.where->value));
    std::erase_if(batch.raw.records, [&](const Record& record) {
      const Value* field =
          record.data.is_object() ? record.data.get_object().if_contains(options_.where->field) : nullptr;
      ++filtered_;
      has_where_field_ = has_where_field_ || field;
      return !field || folded(*field) != wanted;
    });
    // A part of the records says nothing about which of the others have vanished.
    batch.raw.covers.reset();
  }
  if (selection_) {
    const auto chosen = selection_->chosen.find(batch.partition.type);
    std::erase_if(batch.raw.records, [&](const Record& record) {
      return chosen == selection_->chosen.end() || !chosen->second.count(record.ref.id);
    });
    batch.raw.covers.reset();
  }
}

Value scope_of(const RunOptions& options) {
  Object scope;
  Array only;
  for (const std::string& type : options.only) only.emplace_back(type);
  scope.emplace("only", std::move(only));
  if (options.where) {
    Object where;
    where.emplace("type", options.where->type);
    where.emplace("field", options.where->field);
    where.emplace("value", options.where->value);
    scope.emplace("where", std::move(where));
  }
  if (options.mode == Mode::test) scope.emplace("sample", static_cast<std::int64_t>(options.sample));
  return scope;
}

std::optional<Check> chosen_by(const Value& scope) {
  const Object* filters = scope.if_object();
  if (!filters) return std::nullopt;
  std::string chosen;
  const auto add = [&chosen](const std::string& words) { chosen += (chosen.empty() ? "" : ", ") + words; };
  if (const Value* sample = filters->if_contains("sample"); sample && sample->is_int64())
    add(fmt::format("the first {} of each type and what they need", sample->get_int64()));
  if (const Value* only = filters->if_contains("only"); only && only->is_array() && !only->get_array().empty()) {
    std::string types;
    for (const Value& type : only->get_array()) types += (types.empty() ? "" : " and ") + std::string(type.as_string());
    add("only " + types);
  }
  if (const Value* where = filters->if_contains("where"); where && where->is_object())
    add(fmt::format("{} whose {} is {}", std::string(where->at("type").as_string()),
                    std::string(where->at("field").as_string()), std::string(where->at("value").as_string())));
  if (chosen.empty()) return std::nullopt;
  Check check;
  check.name = reporting::chosen_records;
  check.passed = true;
  check.message = std::move(chosen);
  return check;
}

/// The first `sample` records of each type, and all that the required links of chosen records need. Masters come
/// before those that refer to them, so the partitions are walked backwards.
awaitable<void> Engine::select_sample() {
  Selection selection;
  std::vector<Partition> partitions = co_await pipeline_.source->partitions();
  std::stable_sort(partitions.begin(), partitions.end(),
                   [](const Partition& a, const Partition& b) { return a.rank > b.rank; });
  for (const Partition& partition : partitions) {
    if (partition.revisit) continue;
    std::size_t taken = 0;
    Cursor cursor;
    while (!stopping()) {
      std::unique_ptr<Batch> batch = co_await read_batch(partition, cursor);
      for (const Unit& unit : batch->units) {
        bool needed = taken < options_.sample;
        const auto wanted = selection.chosen.find(partition.type);
        needed = needed || (wanted != selection.chosen.end() && wanted->second.count(unit.source.id));
        for (std::size_t i = unit.first; !needed && i < unit.first + unit.count; ++i)
          for (const AlternateKey& key : batch->records[i].keys) {
            const auto named = selection.chosen.find(batch->records[i].ref.type + "." + key.name);
            needed = needed || (named != selection.chosen.end() && named->second.count(key.value));
          }
        if (!needed) continue;
        ++taken;
        selection.chosen[partition.type].insert(unit.source.id);
        for (std::size_t i = unit.first; i < unit.first + unit.count; ++i)
          for (const Link& link : batch->records[i].links)
            if (link.missing == Missing::fails) selection.chosen[link.target.type].insert(link.target.id);
      }
      if (batch->raw.last) break;
      // Nothing else of this type is asked for: the rest need not be read.
      bool more_wanted = false;
      for (const auto& [type, ids] : selection.chosen)
        more_wanted = more_wanted || (type != partition.type && type.substr(0, type.find('.')) == partition.type) ||
                      (type == partition.type && ids.size() > taken);
      if (taken >= options_.sample && !more_wanted) break;
      cursor = detached(batch->raw.next);
    }
  }
  selection_ = std::move(selection);
}

MIGRATE_END
