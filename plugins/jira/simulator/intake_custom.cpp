// Custom fields: each type has a form in which it is sent, and one in which it is kept.
#include <fmt/format.h>
#include <boost/json/serialize.hpp>

#include <algorithm>

#include "intake.hpp"

namespace migrate::jira::sim {

const std::string* custom_of(const Values& values, Index field) {
  for (const auto& [index, json] : values.custom) {
    if (index == field) return &json;
  }
  return nullptr;
}

void set_custom(Values& values, Index field, std::optional<std::string> json) {
  const auto at = std::find_if(values.custom.begin(), values.custom.end(),
                               [field](const auto& each) { return each.first >= field; });
  const bool there = at != values.custom.end() && at->first == field;
  if (!json) {
    if (there) values.custom.erase(at);
  } else if (there) {
    at->second = std::move(*json);
  } else {
    values.custom.insert(at, {field, std::move(*json)});
  }
}

void Intake::custom(Index index, const Value& value, Values& values) {
  const Field& of = site_.fields[index];
  if (value.is_null()) return set_custom(values, index, std::nullopt);
  if (of.kind == Kind::rich) {
    std::string stored = rich(of.id, value);
    return set_custom(values, index, stored.empty() ? std::nullopt : std::optional<std::string>(std::move(stored)));
  }
  std::optional<std::string> json = custom_form(of, value);
  if (json) set_custom(values, index, *json == "[]" || *json == "\"\"" ? std::nullopt : std::move(json));
}

std::optional<Index> Intake::option(const Field& of, const Value& value) {
  const std::string_view id = naming(value, "id"), text_value = naming(value, "value");
  const Index found = id.empty() ? find_name(of.options, text_value) : find_id(of.options, id);
  if (found != none && (!id.empty() || !text_value.empty())) return found;
  faults.field(of.id, fmt::format("Specify a valid 'id' or 'value' for {}", of.name));
  return std::nullopt;
}

std::optional<std::string> Intake::custom_form(const Field& of, const Value& value) {
  const auto fault = [&](std::string message) {
    faults.field(of.id, std::move(message));
    return std::optional<std::string>();
  };
  switch (of.kind) {
    case Kind::number:
      if (!value.is_number()) return fault("Operation value must be a number");
      return boost::json::serialize(value);
    case Kind::date:
      if (!value.is_string() || !parse_date(value.get_string())) return fault("Error parsing date string");
      return boost::json::serialize(value);
    case Kind::datetime: {
      const std::optional<Millis> at = value.is_string() ? parse_time(value.get_string()) : std::nullopt;
      if (!at) return fault("Error parsing time: the form is yyyy-MM-dd'T'HH:mm:ss.SSSZ");
      return fmt::format("{}", *at);
    }
    case Kind::url:
      if (!value.is_string()) return fault("Operation value must be a string");
      if (std::string_view(value.get_string()).find("://") == std::string_view::npos) return fault("Not a valid URL");
      return boost::json::serialize(value);
    case Kind::option: {
      const std::optional<Index> found = option(of, value);
      return found ? std::optional<std::string>(fmt::format("{}", *found)) : std::nullopt;
    }
    case Kind::options: {
      if (!value.is_array()) return fault("data was not an array");
      Array indexes;
      for (const Value& each : value.get_array()) {
        const std::optional<Index> found = option(of, each);
        if (!found) return std::nullopt;
        if (std::find(indexes.begin(), indexes.end(), Value(*found)) == indexes.end()) indexes.emplace_back(*found);
      }
      return boost::json::serialize(indexes);
    }
    case Kind::user: {
      Index found = none;
      user(of, value, found);
      return found == none ? std::nullopt : std::optional<std::string>(fmt::format("{}", found));
    }
    case Kind::labels: {
      std::vector<std::string> list_of_labels;
      labels(of, value, list_of_labels);
      Array json(list_of_labels.begin(), list_of_labels.end());
      return boost::json::serialize(json);
    }
    case Kind::epic_link: {
      const Issue* epic = value.is_string() ? store_.find(value.get_string()) : nullptr;
      if (!epic || site_.types[epic->now->type].level != 1) return fault("Issue does not exist or is no epic.");
      return boost::json::serialize(value);
    }
    default: {
      std::string out;
      text(of, value, out);
      return boost::json::serialize(Value(out));
    }
  }
}

}  // namespace migrate::jira::sim
