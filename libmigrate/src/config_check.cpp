#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <charconv>

#include "migrate/config_shape.hpp"

MIGRATE_BEGIN
namespace config {
namespace {

std::string expectation(const Shape& shape) {
  switch (shape.kind) {
    case Kind::any:
      return "anything";
    case Kind::text:
      return "a text";
    case Kind::secret:
      return "a secret text";
    case Kind::path:
      return "a path";
    case Kind::boolean:
      return "true or false";
    case Kind::integer:
      return "an integer";
    case Kind::number:
      return "a number";
    case Kind::list:
      return "a list";
    case Kind::map:
      return "a map";
    case Kind::object:
      return "a map of options";
  }
  return {};
}

bool is_textual(Kind kind) { return kind == Kind::text || kind == Kind::secret || kind == Kind::path; }

template <class Number>
std::optional<Value> number_from(const std::string& text) {
  Number number{};
  auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return Value(number);
}

/// Walks a value along its shape; collects every fault and returns the value as convert() wants it.
class Checker {
 public:
  Checker(const Context& context, std::vector<ConfigFault>& faults) : context_(context), faults_(faults) {}

  Value object(const ObjectShape& shape, const Value& value, const std::string& path, bool outermost = false) {
    if (!value.is_object()) {
      Shape expected;
      expected.kind = Kind::object;
      wrong_type(expected, value, path);
      return Object();
    }
    std::size_t faults_before = faults_.size();
    const Object& written = value.get_object();
    std::vector<std::string> known;
    for (const Field& field : shape.fields) known.push_back(field.name);
    if (outermost) known.insert(known.end(), context_.reserved.begin(), context_.reserved.end());

    // In the order in which it was written: a struct may care (Spec::after).
    Object result;
    for (const auto& member : written) {
      // Not a structured binding: clang 14 cannot capture those.
      const std::string_view key = member.key();
      const Value& element = member.value();
      std::string child = child_path(path, key);
      auto field =
          std::find_if(shape.fields.begin(), shape.fields.end(), [&](const Field& f) { return key == f.name; });
      if (field != shape.fields.end()) {
        if (element.is_null() && field->nullable && !lacks(child)) continue;
        result[key] = this->value(field->shape, element, child);
      } else if (std::find(known.begin(), known.end(), std::string(key)) == known.end()) {
        fault(child, fmt::format("unknown option{}", suggestion(key, known)), true);
      }
    }
    for (const Field& field : shape.fields) {
      if (field.required && !written.contains(field.name)) {
        fault(child_path(path, field.name), fmt::format("is missing ({})", field.doc));
      }
    }
    if (faults_.size() == faults_before) run_validators(shape, result, path);
    return result;
  }

  Value value(const Shape& shape, const Value& value, const std::string& path) {
    if (is_missing(shape, path)) return value;
    switch (shape.kind) {
      case Kind::any:
        return value;
      case Kind::object:
        return object(*shape.object, value, path);
      case Kind::list:
        return list(shape, value, path);
      case Kind::map:
        return map(shape, value, path);
      case Kind::text:
      case Kind::secret:
      case Kind::path:
        return text(shape, value, path);
      case Kind::boolean:
      case Kind::integer:
      case Kind::number:
        return scalar(shape, value, path);
    }
    return value;
  }

 private:
  /// Whether that very value is one that could not be had.
  bool lacks(const std::string& path) const {
    if (!context_.origins) return false;
    const auto origin = context_.origins->find(path);
    return origin != context_.origins->end() && !origin->second.missing.empty();
  }

  /// Says of a value that could not be had why, and nothing else. What nobody looks into is looked through here.
  bool is_missing(const Shape& shape, const std::string& path) {
    if (!context_.origins) return false;
    bool missing = false;
    auto at = context_.origins->lower_bound(path);
    for (; at != context_.origins->end() && at->first.starts_with(path); ++at) {
      bool concerned = shape.kind == Kind::any ? is_within(at->first, path) : at->first == path;
      if (!concerned || at->second.missing.empty()) continue;
      fault(at->first, at->second.missing);
      missing = true;
    }
    return missing;
  }

  void fault(std::string path, std::string message, bool at_key = false) {
    faults_.push_back(fault_at(context_, std::move(path), std::move(message), at_key));
  }

  /// Never shows a text that came out of the environment or a file, or that a secret was expected in.
  std::string found(const Shape& shape, const Value& value, const std::string& path) const {
    const Origin* origin = origin_of(context_.origins, path);
    bool hidden = shape.kind == Kind::secret || shape.sensitive || (origin && origin->interpolated);
    switch (value.kind()) {
      case boost::json::kind::null:
        return "nothing (null)";
      case boost::json::kind::object:
        return "a map";
      case boost::json::kind::array:
        return "a list";
      case boost::json::kind::string: {
        if (hidden || value.get_string().size() > 60) return "a text";
        return fmt::format("the text {}", boost::json::serialize(value));
      }
      default:
        return hidden ? "another kind of value" : boost::json::serialize(value);
    }
  }

  void wrong_type(const Shape& shape, const Value& value, const std::string& path) {
    std::string advice =
        is_textual(shape.kind) && !value.is_structured() && !value.is_null() ? "; put it in quotes" : "";
    fault(path, fmt::format("expected {}, found {}{}", expectation(shape), found(shape, value, path), advice));
  }

  /// Command line and interpolated texts have no type of their own: the field decides.
  const std::string* untyped(const std::string& path) const {
    if (!context_.origins) return nullptr;
    auto origin = context_.origins->find(path);
    return origin != context_.origins->end() && origin->second.text ? &*origin->second.text : nullptr;
  }

  Value list(const Shape& shape, const Value& value, const std::string& path) {
    Array result;
    if (value.is_array()) {
      const Array& written = value.get_array();
      for (std::size_t i = 0; i < written.size(); ++i) {
        result.push_back(this->value(*shape.element, written[i], child_path(path, i)));
      }
    } else if (shape.one_or_many && !value.is_null()) {
      result.push_back(this->value(*shape.element, value, path));
    } else {
      wrong_type(shape, value, path);
      return result;
    }
    if (shape.not_empty && result.empty()) fault(path, "must not be empty");
    return result;
  }

  Value map(const Shape& shape, const Value& value, const std::string& path) {
    Object result;
    if (!value.is_object()) {
      wrong_type(shape, value, path);
      return result;
    }
    for (const auto& [key, element] : value.get_object()) {
      result[key] = this->value(*shape.element, element, child_path(path, key));
    }
    if (shape.not_empty && result.empty()) fault(path, "must not be empty");
    return result;
  }

  Value text(const Shape& shape, const Value& value, const std::string& path) {
    std::string text;
    if (value.is_string()) {
      text = std::string(value.get_string());
    } else if (const std::string* raw = untyped(path); raw && !value.is_structured()) {
      text = *raw;
    } else {
      wrong_type(shape, value, path);
      return Value("");
    }
    if (shape.not_empty && text.empty()) fault(path, "must not be empty");
    if (!shape.choices.empty() && std::find(shape.choices.begin(), shape.choices.end(), text) == shape.choices.end()) {
      const Origin* origin = origin_of(context_.origins, path);
      std::string what = origin && origin->interpolated ? "this" : boost::json::serialize(Value(text));
      fault(path,
            fmt::format("{} is none of {}{}", what, fmt::join(shape.choices, ", "), did_you_mean(text, shape.choices)));
    }
    if (shape.kind == Kind::secret || (shape.sensitive && mask_passwords(text) != text)) judge_secret(path, text);
    if (shape.kind == Kind::path) text = absolute(text, path);
    return Value(text);
  }

  static std::string did_you_mean(const std::string& text, const std::vector<std::string>& choices) {
    std::string near = nearest(text, choices);
    return near.empty() ? "" : fmt::format("; did you mean \"{}\"?", near);
  }

  void judge_secret(const std::string& path, const std::string& text) {
    const Origin* origin = origin_of(context_.origins, path);
    if (!origin || origin->interpolated || text.empty()) return;
    if (origin->overridden) {
      fault(path,
            "a secret on the command line can be read by every user of this machine; "
            "set it to \"${env:NAME}\" or \"${file:PATH}\"");
    } else if (context_.warnings) {
      context_.warnings->push_back(
          fault_at(context_, path, "a secret is written out in the file; use \"${env:NAME}\" or \"${file:PATH}\""));
    }
  }

  std::string absolute(const std::string& text, const std::string& path) const {
    const Origin* origin = origin_of(context_.origins, path);
    if (!origin || text.empty()) return text;
    return (origin->directory / text).lexically_normal().string();
  }

  Value scalar(const Shape& shape, const Value& written, const std::string& path) {
    Value value = retyped(shape, written, path);
    if (shape.kind == Kind::boolean) {
      if (!value.is_bool()) wrong_type(shape, written, path);
      return value;
    }
    bool fits = shape.kind == Kind::integer ? value.is_int64() || value.is_uint64() : value.is_number();
    if (!fits) {
      wrong_type(shape, written, path);
      return value;
    }
    check_range(shape, value, path);
    return value;
  }

  void check_range(const Shape& shape, const Value& value, const std::string& path) {
    bool above = value.is_uint64() && value.get_uint64() > static_cast<std::uint64_t>(INT64_MAX);
    bool below = false;
    if (value.is_int64()) {
      above = shape.most && value.get_int64() > *shape.most;
      below = shape.least && value.get_int64() < *shape.least;
    } else if (value.is_double()) {
      above = shape.most && value.get_double() > static_cast<double>(*shape.most);
      below = shape.least && value.get_double() < static_cast<double>(*shape.least);
    }
    const Origin* origin = origin_of(context_.origins, path);
    std::string what = origin && origin->interpolated ? "the value" : boost::json::serialize(value);
    if (above) fault(path, fmt::format("{} is too large; at most {}", what, shape.most.value_or(INT64_MAX)));
    if (below) fault(path, fmt::format("{} is too small; at least {}", what, *shape.least));
  }

  Value retyped(const Shape& shape, const Value& value, const std::string& path) const {
    const std::string* raw = value.is_string() ? untyped(path) : nullptr;
    if (!raw) return value;
    if (shape.kind == Kind::boolean) return *raw == "true" ? Value(true) : *raw == "false" ? Value(false) : value;
    if (auto number = number_from<std::int64_t>(*raw)) return *number;
    if (shape.kind == Kind::number) return number_from<double>(*raw).value_or(value);
    return value;
  }

  void run_validators(const ObjectShape& shape, const Value& value, const std::string& path) {
    for (const auto& validator : shape.validators) {
      try {
        validator(value);
      } catch (const ConfigError& error) {
        for (const ConfigFault& inner : error.faults()) fault(joined(path, inner.path), inner.message);
      } catch (const Error& error) {
        fault(path, error.advice.empty() ? error.what() : fmt::format("{}; {}", error.what(), error.advice));
      }
    }
  }

  static std::string joined(const std::string& path, const std::string& inner) {
    if (path.empty() || inner.empty() || inner.starts_with('[')) return path + inner;
    return path + "." + inner;
  }

  const Context& context_;
  std::vector<ConfigFault>& faults_;
};

}  // namespace

Value checked(const ObjectShape& shape, const Value& value, const Context& context) {
  std::vector<ConfigFault> faults;
  Checker checker(context, faults);
  Value result = checker.object(shape, value, context.path, true);
  if (!faults.empty()) throw ConfigError(std::move(faults));
  return result;
}

}  // namespace config
MIGRATE_END
