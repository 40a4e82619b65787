// Members of the rows of a store. A row of an older version lacks some.
#pragma once

#include <cstdint>
#include <string>

#include "migrate/record.hpp"

MIGRATE_BEGIN

namespace rows {

inline std::string text(const Object& row, const char* key) {
  const Value* value = row.if_contains(key);
  return value && value->is_string() ? std::string(value->get_string()) : std::string();
}
inline std::int64_t integer(const Object& row, const char* key) {
  const Value* value = row.if_contains(key);
  return value && value->is_int64() ? value->get_int64() : 0;
}
inline bool flag(const Object& row, const char* key) {
  const Value* value = row.if_contains(key);
  return value && value->is_bool() && value->get_bool();
}
inline Value member(const Object& row, const char* key) {
  const Value* value = row.if_contains(key);
  return value ? *value : Value();
}
template <class Use>
void each(const Object& row, const char* key, Use use) {
  const Value* list = row.if_contains(key);
  if (!list || !list->is_array()) return;
  for (const Value& value : list->get_array())
    if (value.is_object()) use(value.get_object());
}

inline void put(Object& row, const char* key, const std::string& text) {
  if (!text.empty()) row.emplace(key, text);
}

}  // namespace rows

MIGRATE_END
