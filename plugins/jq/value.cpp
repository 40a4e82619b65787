#include "value.hpp"

#include <charconv>
#include <cmath>
#include <string>
#include <utility>

namespace migrate::jq {
namespace {

constexpr std::int64_t exact = std::int64_t{1} << 53;  // doubles hold every integer up to here

jv tagged(const char* tag, const std::string& text) {
  return jv_object_set(jv_object(), jv_string(tag), jv_string(text.c_str()));
}

jv number_to_jq(const Value& value) {
  if (const std::uint64_t* big = value.if_uint64()) {
    if (*big > static_cast<std::uint64_t>(exact)) return tagged("$numberLong", std::to_string(*big));
    return jv_number(static_cast<double>(*big));
  }
  if (const std::int64_t* integer = value.if_int64()) {
    if (*integer > exact || *integer < -exact) return tagged("$numberLong", std::to_string(*integer));
    return jv_number(static_cast<double>(*integer));
  }
  return jv_number(value.get_double());
}

/// Frees what was built so far when a value deep inside is refused.
class Holder {
 public:
  explicit Holder(jv value) : value_(value) {}
  ~Holder() { jv_free(value_); }
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;
  jv& value() noexcept { return value_; }
  jv release() noexcept { return std::exchange(value_, jv_invalid()); }

 private:
  jv value_;
};

[[noreturn]] void refuse_depth() {
  throw Error(ErrorKind::invalid, "too_deep", "the record is nested more than " + std::to_string(deepest) + " levels");
}

jv build(const Value& value, int depth) {
  if (depth > deepest) refuse_depth();
  switch (value.kind()) {
    case boost::json::kind::null:
      return jv_null();
    case boost::json::kind::bool_:
      return jv_bool(value.get_bool());
    case boost::json::kind::string:
      return text_to_jq(value.get_string());
    case boost::json::kind::array: {
      Holder array(jv_array());
      for (const Value& element : value.get_array()) {
        jv item = build(element, depth + 1);
        array.value() = jv_array_append(array.release(), item);
      }
      return array.release();
    }
    case boost::json::kind::object: {
      Holder object(jv_object());
      for (const auto& [key, element] : value.get_object()) {
        Holder item(build(element, depth + 1));
        jv name = text_to_jq(key);
        object.value() = jv_object_set(object.release(), name, item.release());
      }
      return object.release();
    }
    default:
      return number_to_jq(value);
  }
}

Value number_from_jq(double number, const boost::json::storage_ptr& storage) {
  if (std::isnan(number) || std::isinf(number)) {
    Object object(storage);
    object.emplace("$numberDouble", std::isnan(number) ? "NaN" : number > 0 ? "Infinity" : "-Infinity");
    return Value(std::move(object));
  }
  bool whole = std::trunc(number) == number && std::fabs(number) <= static_cast<double>(exact);
  bool minus_zero = number == 0 && std::signbit(number);
  if (whole && !minus_zero) return Value(static_cast<std::int64_t>(number), storage);
  return Value(number, storage);
}

/// The integer of {"$numberLong":"…"}; null when the object is something else.
Value long_of(const Object& object, const boost::json::storage_ptr& storage) {
  const Value* tag = object.size() == 1 ? object.if_contains("$numberLong") : nullptr;
  const boost::json::string* text = tag != nullptr ? tag->if_string() : nullptr;
  if (text == nullptr) return Value(nullptr, storage);
  const char* begin = text->data();
  const char* end = begin + text->size();
  std::int64_t integer = 0;
  if (auto [at, error] = std::from_chars(begin, end, integer); error == std::errc() && at == end) {
    return Value(integer, storage);
  }
  std::uint64_t big = 0;
  if (auto [at, error] = std::from_chars(begin, end, big); error == std::errc() && at == end)
    return Value(big, storage);
  return Value(nullptr, storage);
}

Value read(jv value, const boost::json::storage_ptr& storage, int depth);

Value object_from_jq(jv value, const boost::json::storage_ptr& storage, int depth) {
  Object object(storage);
  object.reserve(static_cast<std::size_t>(jv_object_length(jv_copy(value))));
  for (int at = jv_object_iter(value); jv_object_iter_valid(value, at); at = jv_object_iter_next(value, at)) {
    Holder key(jv_object_iter_key(value, at));
    std::string_view name(jv_string_value(key.value()),
                          static_cast<std::size_t>(jv_string_length_bytes(jv_copy(key.value()))));
    object.emplace(name, read(jv_object_iter_value(value, at), storage, depth + 1));
  }
  Value integer = long_of(object, storage);
  return integer.is_null() ? Value(std::move(object)) : integer;
}

Value read(jv value, const boost::json::storage_ptr& storage, int depth) {
  Holder holder(value);
  if (depth > deepest) refuse_depth();
  switch (jv_get_kind(value)) {
    case JV_KIND_TRUE:
      return Value(true, storage);
    case JV_KIND_FALSE:
      return Value(false, storage);
    case JV_KIND_NUMBER:
      return number_from_jq(jv_number_value(value), storage);
    case JV_KIND_STRING:
      return Value(
          std::string_view(jv_string_value(value), static_cast<std::size_t>(jv_string_length_bytes(jv_copy(value)))),
          storage);
    case JV_KIND_ARRAY: {
      Array array(storage);
      int size = jv_array_length(jv_copy(value));
      array.reserve(static_cast<std::size_t>(size));
      for (int i = 0; i < size; ++i) array.push_back(read(jv_array_get(jv_copy(value), i), storage, depth + 1));
      return Value(std::move(array));
    }
    case JV_KIND_OBJECT:
      return object_from_jq(value, storage, depth);
    default:
      return Value(nullptr, storage);
  }
}

}  // namespace

jv text_to_jq(std::string_view text) {
  jv made = jv_string_sized(text.data(), static_cast<int>(text.size()));
  // jq replaces what is not UTF-8: then the bytes differ.
  std::string_view taken(jv_string_value(made), static_cast<std::size_t>(jv_string_length_bytes(jv_copy(made))));
  if (taken == text) return made;
  jv_free(made);
  throw Error(ErrorKind::invalid, "not_utf8", "jq takes UTF-8 only, and a text of the record is something else")
      .with_advice("decode it before: the transformer `fields` has a rule `text` with a charset");
}

jv to_jq(const Value& value) { return build(value, 0); }

Value from_jq(jv value, const boost::json::storage_ptr& storage) { return read(value, storage, 0); }

}  // namespace migrate::jq
