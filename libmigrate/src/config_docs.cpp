#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <cstdint>

#include "migrate/config_shape.hpp"

MIGRATE_BEGIN
namespace config {
namespace {

Object schema_of(const Shape& shape);

Object schema_of_object(const ObjectShape& shape) {
  Object properties;
  Array required;
  for (const Field& field : shape.fields) {
    Object property = schema_of(field.shape);
    if (field.nullable && property.contains("type")) property["type"] = Array{property["type"], "null"};
    property["description"] = field.doc;
    if (!field.required && !field.fallback.is_null()) property["default"] = field.fallback;
    properties[field.name] = std::move(property);
    if (field.required) required.emplace_back(field.name);
  }
  Object schema;
  schema["type"] = "object";
  schema["description"] = shape.doc;
  schema["properties"] = std::move(properties);
  if (!required.empty()) schema["required"] = std::move(required);
  schema["additionalProperties"] = false;
  return schema;
}

Object schema_of_list(const Shape& shape) {
  Object list;
  list["type"] = "array";
  list["items"] = schema_of(*shape.element);
  if (shape.not_empty) list["minItems"] = 1;
  if (!shape.one_or_many) return list;
  Object either;
  either["anyOf"] = Array{schema_of(*shape.element), std::move(list)};
  return either;
}

Object schema_of(const Shape& shape) {
  Object schema;
  switch (shape.kind) {
    case Kind::any:
      break;
    case Kind::object:
      return schema_of_object(*shape.object);
    case Kind::list:
      return schema_of_list(shape);
    case Kind::map:
      schema["type"] = "object";
      schema["additionalProperties"] = schema_of(*shape.element);
      if (shape.not_empty) schema["minProperties"] = 1;
      break;
    case Kind::boolean:
      schema["type"] = "boolean";
      break;
    case Kind::integer:
    case Kind::number:
      schema["type"] = shape.kind == Kind::integer ? "integer" : "number";
      if (shape.least && *shape.least != INT64_MIN) schema["minimum"] = *shape.least;
      if (shape.most && *shape.most != INT64_MAX) schema["maximum"] = *shape.most;
      break;
    case Kind::text:
    case Kind::secret:
    case Kind::path:
      schema["type"] = "string";
      if (shape.kind == Kind::secret) schema["writeOnly"] = true;
      if (!shape.choices.empty()) schema["enum"] = Array(shape.choices.begin(), shape.choices.end());
      if (shape.not_empty) schema["minLength"] = 1;
      break;
  }
  return schema;
}

std::string type_words(const Shape& shape) {
  switch (shape.kind) {
    case Kind::any:
      return "any";
    case Kind::secret:
      return "secret";
    case Kind::path:
      return "path";
    case Kind::boolean:
      return "true, false";
    case Kind::number:
      return "number";
    case Kind::map:
      return "map of " + type_words(*shape.element);
    case Kind::object:
      return "map";
    case Kind::text:
      return shape.choices.empty() ? "text" : fmt::format("{}", fmt::join(shape.choices, ", "));
    case Kind::list:
      return (shape.one_or_many ? "one or list of " : "list of ") + type_words(*shape.element);
    case Kind::integer: {
      bool least = shape.least && *shape.least > INT32_MIN, most = shape.most && *shape.most < INT32_MAX;
      if (least && most) return fmt::format("integer, {} to {}", *shape.least, *shape.most);
      if (least) return fmt::format("integer, {} or more", *shape.least);
      return most ? fmt::format("integer, {} or less", *shape.most) : "integer";
    }
  }
  return {};
}

std::string table_cell(std::string text) {
  for (std::size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2) text.insert(at, "\\");
  return text;
}

std::string path_suffix(const Shape& shape) {
  if (shape.kind == Kind::list) return "[]" + path_suffix(*shape.element);
  if (shape.kind == Kind::map) return ".*" + path_suffix(*shape.element);
  return {};
}

const ObjectShape* nested_object(const Shape& shape) {
  if (shape.kind == Kind::object) return shape.object.get();
  return shape.element ? nested_object(*shape.element) : nullptr;
}

void append_rows(const ObjectShape& shape, const std::string& prefix, std::string& out) {
  for (const Field& field : shape.fields) {
    std::string name = prefix + field.name;
    std::string fallback = field.required ? "required" : "";
    if (!field.required && !field.fallback.is_null()) {
      fallback = field.fallback.is_string() ? std::string(field.fallback.get_string())
                                            : boost::json::serialize(field.fallback);
      fallback = "`" + fallback + "`";
    }
    out += fmt::format("| `{}` | {} | {} | {} |\n", table_cell(name), table_cell(type_words(field.shape)),
                       table_cell(fallback), table_cell(field.doc));
    if (const ObjectShape* nested = nested_object(field.shape)) {
      append_rows(*nested, name + path_suffix(field.shape) + ".", out);
    }
  }
}

Value redacted_value(const Shape& shape, const Value& value) {
  if (shape.kind == Kind::secret) return value.is_null() ? value : Value("***");
  if (shape.sensitive && value.is_string()) return Value(mask_passwords(std::string(value.get_string())));
  if (shape.kind == Kind::object) return redacted(*shape.object, value);
  if (shape.kind == Kind::list && value.is_array()) {
    Array result;
    for (const Value& element : value.get_array()) result.push_back(redacted_value(*shape.element, element));
    return result;
  }
  if (shape.kind == Kind::list && shape.one_or_many) return redacted_value(*shape.element, value);
  if (shape.kind == Kind::map && value.is_object()) {
    Object result;
    for (const auto& [key, element] : value.get_object()) result[key] = redacted_value(*shape.element, element);
    return result;
  }
  return value;
}

}  // namespace

Value json_schema(const ObjectShape& shape) {
  Object schema;
  schema["$schema"] = "https://json-schema.org/draft/2020-12/schema";
  for (auto& [key, value] : schema_of_object(shape)) schema[key] = std::move(value);
  return schema;
}

std::string markdown(const ObjectShape& shape) {
  std::string out = shape.doc + "\n";
  if (shape.fields.empty()) return out + "\nNo options.\n";
  out += "\n| option | type | default | meaning |\n|---|---|---|---|\n";
  append_rows(shape, "", out);
  return out;
}

Value redacted(const ObjectShape& shape, const Value& value) {
  if (!value.is_object()) return value;
  Object result;
  for (const auto& member : value.get_object()) {
    // Not a structured binding: clang 14 cannot capture those.
    const std::string_view key = member.key();
    auto field = std::find_if(shape.fields.begin(), shape.fields.end(), [&](const Field& f) { return key == f.name; });
    // A key that is not known may be a secret with a slip in its name.
    result[key] = field == shape.fields.end() ? Value("***") : redacted_value(field->shape, member.value());
  }
  return result;
}

}  // namespace config
MIGRATE_END
