// Reading what Jira answers: members that may be absent, null or of another shape than documented.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "migrate/record.hpp"

namespace migrate::jira {

using Path = std::initializer_list<std::string_view>;

/// Null when some part of the path is absent, null or no object.
inline const Value* find(const Value& value, Path path) {
  const Value* at = &value;
  for (const std::string_view name : path) {
    const Object* object = at->if_object();
    at = object ? object->if_contains(name) : nullptr;
    if (!at || at->is_null()) return nullptr;
  }
  return at;
}
/// Texts as they are, numbers as text, else empty.
inline std::string text_at(const Value& value, Path path) {
  const Value* found = find(value, path);
  if (!found) return {};
  if (found->is_string()) return std::string(found->get_string());
  if (found->is_int64()) return std::to_string(found->get_int64());
  if (found->is_uint64()) return std::to_string(found->get_uint64());
  return {};
}
inline std::int64_t number_at(const Value& value, Path path, std::int64_t otherwise = 0) {
  const Value* found = find(value, path);
  if (found && found->is_int64()) return found->get_int64();
  if (found && found->is_double()) return static_cast<std::int64_t>(found->get_double());
  return otherwise;
}
inline bool truth_at(const Value& value, Path path) {
  const Value* found = find(value, path);
  return found && found->is_bool() && found->get_bool();
}
inline const Array& list_at(const Value& value, Path path) {
  static const Array none;
  const Value* found = find(value, path);
  return found && found->is_array() ? found->get_array() : none;
}
inline bool bears_label(const Value& issue, std::string_view label) {
  for (const Value& each : list_at(issue, {"fields", "labels"}))
    if (each.is_string() && std::string_view(each.get_string()) == label) return true;
  return false;
}
/// {"name": value}, which an initialiser between co_await and ";" must not be.
template <class T>
Object object(std::string_view name, T&& value) {
  Object made;
  made.emplace(name, std::forward<T>(value));
  return made;
}

}  // namespace migrate::jira
