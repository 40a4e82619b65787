// Reading members of the service's JSON, of which none can be relied on.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "migrate/record.hpp"

namespace migrate::freshdesk {

/// Null where it is absent or null.
inline const Value* member(const Value& value, std::string_view name) {
  const Object* object = value.if_object();
  const Value* found = object ? object->if_contains(name) : nullptr;
  return found && !found->is_null() ? found : nullptr;
}

inline bool has(const Value& value, std::string_view name) {
  const Object* object = value.if_object();
  return object && object->contains(name);
}

/// The whole number that a text is made of; -1 where it is none, or too large for an id.
inline std::int64_t id_in(std::string_view text) {
  if (text.empty() || text.size() > 18) return -1;
  std::int64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return -1;
    value = value * 10 + (c - '0');
  }
  return value;
}

/// Numbers as their digits; empty for anything else.
inline std::string text_of(const Value& value) {
  if (const auto* text = value.if_string()) return std::string(*text);
  if (const auto* number = value.if_int64()) return std::to_string(*number);
  if (const auto* number = value.if_uint64()) return std::to_string(*number);
  return {};
}
inline std::string text(const Value& value, std::string_view name) {
  const Value* found = member(value, name);
  return found ? text_of(*found) : std::string();
}

/// 0 where it is no whole number: ids of the service begin at 1.
inline std::int64_t number(const Value& value, std::string_view name) {
  const Value* found = member(value, name);
  if (!found) return 0;
  if (const auto* whole = found->if_int64()) return *whole;
  if (const auto* decimal = found->if_double()) return static_cast<std::int64_t>(*decimal);
  return 0;
}

inline bool truth(const Value& value, std::string_view name) {
  const Value* found = member(value, name);
  return found && found->is_bool() && found->get_bool();
}

/// Empty where it is absent.
inline const Array& list(const Value& value, std::string_view name) {
  static const Array none;
  const Value* found = member(value, name);
  return found && found->is_array() ? found->get_array() : none;
}

}  // namespace migrate::freshdesk
