// From a checked configuration value to a member of a struct; instantiated by Spec<T> only.
#pragma once

#include <filesystem>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "migrate/config_shape.hpp"
#include "migrate/secret.hpp"

MIGRATE_BEGIN
namespace config {

struct NoSpec {};

template <class X>
inline constexpr bool is_optional = false;
template <class X>
inline constexpr bool is_optional<std::optional<X>> = true;
template <class X>
inline constexpr bool is_list = false;
template <class X>
inline constexpr bool is_list<std::vector<X>> = true;
template <class X>
inline constexpr bool is_map = false;
template <class X>
inline constexpr bool is_map<std::map<std::string, X>> = true;

template <class X>
Shape shape_of(const std::shared_ptr<const ObjectShape>& nested = nullptr) {
  Shape shape;
  if constexpr (is_optional<X>) {
    return shape_of<typename X::value_type>(nested);
  } else if constexpr (is_list<X>) {
    shape.kind = Kind::list;
    shape.element = std::make_shared<const Shape>(shape_of<typename X::value_type>(nested));
  } else if constexpr (is_map<X>) {
    shape.kind = Kind::map;
    shape.element = std::make_shared<const Shape>(shape_of<typename X::mapped_type>(nested));
  } else if constexpr (std::is_same_v<X, std::string>) {
    shape.kind = Kind::text;
  } else if constexpr (std::is_same_v<X, Secret>) {
    shape.kind = Kind::secret;
  } else if constexpr (std::is_same_v<X, std::filesystem::path>) {
    shape.kind = Kind::path;
  } else if constexpr (std::is_same_v<X, bool>) {
    shape.kind = Kind::boolean;
  } else if constexpr (std::is_integral_v<X>) {
    shape.kind = Kind::integer;
    shape.least = std::is_signed_v<X> ? static_cast<std::int64_t>(std::numeric_limits<X>::min()) : 0;
    shape.most = sizeof(X) < sizeof(std::int64_t) ? static_cast<std::int64_t>(std::numeric_limits<X>::max())
                                                  : std::numeric_limits<std::int64_t>::max();
  } else if constexpr (std::is_floating_point_v<X>) {
    shape.kind = Kind::number;
  } else if constexpr (!std::is_same_v<X, Value>) {
    static_assert(std::is_class_v<X>, "this type cannot be a member of a configuration");
    shape.kind = Kind::object;
    shape.object = nested;
  }
  return shape;
}

/// `value` has passed checked() with shape_of<X>().
template <class X, class Nested>
void convert(const Value& value, X& out, const Nested& nested) {
  if constexpr (is_optional<X>) {
    convert(value, out.emplace(), nested);
  } else if constexpr (is_list<X>) {
    out.clear();
    for (const Value& element : value.get_array()) {
      typename X::value_type item{};
      convert(element, item, nested);
      out.push_back(std::move(item));
    }
  } else if constexpr (is_map<X>) {
    out.clear();
    for (const auto& [key, element] : value.get_object()) convert(element, out[std::string(key)], nested);
  } else if constexpr (std::is_same_v<X, Secret>) {
    out = Secret(std::string(value.get_string()));
  } else if constexpr (std::is_same_v<X, std::string> || std::is_same_v<X, std::filesystem::path>) {
    out = std::string(value.get_string());
  } else if constexpr (std::is_same_v<X, bool>) {
    out = value.get_bool();
  } else if constexpr (std::is_arithmetic_v<X>) {
    out = value.to_number<X>();
  } else if constexpr (std::is_same_v<X, Value>) {
    out = detached(value);
  } else {
    static_assert(!std::is_same_v<Nested, NoSpec>, "a struct needs its Spec as the third argument of field()");
    out = nested.read(value);
  }
}

/// What the documentation shows as the default: scalars that are not empty and hold no secret.
template <class X>
Value default_of(const X& value) {
  if constexpr (is_optional<X>) {
    return value ? default_of(*value) : Value();
  } else if constexpr (std::is_same_v<X, std::string>) {
    return value.empty() ? Value() : Value(value);
  } else if constexpr (std::is_same_v<X, std::filesystem::path>) {
    return value.empty() ? Value() : Value(value.string());
  } else if constexpr (std::is_same_v<X, bool>) {
    return Value(value);
  } else if constexpr (std::is_arithmetic_v<X>) {
    return Value(value);
  } else if constexpr (std::is_same_v<X, std::vector<std::string>>) {
    if (value.empty()) return Value();
    Array list;
    for (const std::string& item : value) list.emplace_back(item);
    return list;
  } else {
    return Value();
  }
}

}  // namespace config
MIGRATE_END
