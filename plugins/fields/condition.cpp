// `when`: which records a rule is for.
#include <algorithm>
#include <boost/regex.hpp>

#include "rules.hpp"
#include "text.hpp"

namespace migrate::fields {

Condition::~Condition() = default;

namespace {

class Blank final : public Condition {
 public:
  Blank(Field field, bool wanted) : field_(std::move(field)), wanted_(wanted) {}
  bool holds(Frame& frame) const override { return is_blank(frame.find(field_)) == wanted_; }

 private:
  Field field_;
  bool wanted_;
};

class Present final : public Condition {
 public:
  Present(Field field, bool wanted) : field_(std::move(field)), wanted_(wanted) {}
  bool holds(Frame& frame) const override { return (frame.find(field_) != nullptr) == wanted_; }

 private:
  Field field_;
  bool wanted_;
};

/// Compared as text, so that 5 in a file equals "5" in a record; anything that is no scalar as a whole.
class OneOf final : public Condition {
 public:
  OneOf(Field field, const Array& values) : field_(std::move(field)) {
    for (const Value& value : values) {
      std::string spare;
      auto text = scalar_text(value, spare);
      if (value.is_null()) {
        null_ = true;
      } else if (text) {
        texts_.emplace_back(*text);
      } else {
        values_.push_back(detached(value));
      }
    }
  }
  bool holds(Frame& frame) const override {
    const Value* value = frame.find(field_);
    if (value == nullptr || value->is_null()) return null_;
    std::string spare;
    auto text = scalar_text(*value, spare);
    if (!text) return std::find(values_.begin(), values_.end(), *value) != values_.end();
    return std::find(texts_.begin(), texts_.end(), *text) != texts_.end();
  }

 private:
  Field field_;
  std::vector<std::string> texts_;
  std::vector<Value> values_;
  bool null_ = false;
};

class Matches final : public Condition {
 public:
  Matches(Field field, boost::regex pattern) : field_(std::move(field)), pattern_(std::move(pattern)) {}
  bool holds(Frame& frame) const override {
    const Value* value = frame.find(field_);
    std::string spare;
    auto text = value != nullptr && !value->is_null() ? scalar_text(*value, spare) : std::nullopt;
    if (!text) return false;
    try {
      return boost::regex_search(text->data(), text->data() + text->size(), pattern_);
    } catch (const std::runtime_error& error) {
      throw Error(ErrorKind::invalid, "regex_too_complex", field_.path + " " + quoted(*text) + ": " + error.what())
          .with_advice("write the expression of the condition without nested repetition");
    }
  }

 private:
  Field field_;
  boost::regex pattern_;
};

class Group final : public Condition {
 public:
  Group(std::vector<ConditionPtr> parts, bool all) : parts_(std::move(parts)), all_(all) {}
  bool holds(Frame& frame) const override {
    for (const ConditionPtr& part : parts_) {
      if (part->holds(frame) != all_) return !all_;
    }
    return all_;
  }

 private:
  std::vector<ConditionPtr> parts_;
  bool all_;
};

class Not final : public Condition {
 public:
  explicit Not(ConditionPtr part) : part_(std::move(part)) {}
  bool holds(Frame& frame) const override { return !part_->holds(frame); }

 private:
  ConditionPtr part_;
};

ConditionPtr make_group(const Value& list, bool all, const std::string& path, Layout& layout) {
  const Array* array = list.if_array();
  if (array == nullptr || array->empty()) throw ConfigError(path, "must be a list of conditions");
  std::vector<ConditionPtr> parts;
  for (std::size_t i = 0; i < array->size(); ++i) {
    parts.push_back(make_condition((*array)[i], config::child_path(path, i), layout));
  }
  return std::make_unique<Group>(std::move(parts), all);
}

ConditionPtr make_test(Field field, std::string_view test, const Value& value, const std::string& path) {
  if (test == "blank" || test == "present") {
    const bool* wanted = value.if_bool();
    if (wanted == nullptr) throw ConfigError(path, "must be true or false");
    if (test == "blank") return std::make_unique<Blank>(std::move(field), *wanted);
    return std::make_unique<Present>(std::move(field), *wanted);
  }
  if (test == "equals") {
    Array one;
    one.push_back(value);
    return std::make_unique<OneOf>(std::move(field), one);
  }
  if (test == "one_of") {
    const Array* values = value.if_array();
    if (values == nullptr || values->empty()) throw ConfigError(path, "must be a list of values");
    return std::make_unique<OneOf>(std::move(field), *values);
  }
  const boost::json::string* pattern = value.if_string();
  if (pattern == nullptr) throw ConfigError(path, "must be a regular expression");
  try {
    return std::make_unique<Matches>(std::move(field), boost::regex(pattern->begin(), pattern->end()));
  } catch (const boost::regex_error& error) {
    throw ConfigError(path, std::string("not a regular expression: ") + error.what());
  }
}

}  // namespace

ConditionPtr make_condition(const Value& when, const std::string& path, Layout& layout) {
  if (when.is_array()) return make_group(when, true, path, layout);
  const Object* object = when.if_object();
  if (object == nullptr) throw ConfigError(path, "must be a condition such as {field: status, equals: open}");
  static const std::vector<std::string> groups{"all", "any", "not"};
  static const std::vector<std::string> tests{"blank", "present", "equals", "one_of", "matches"};
  static const std::vector<std::string> known{"all",     "any",    "not",    "field",  "blank",
                                              "present", "equals", "one_of", "matches"};
  std::string found;
  for (const auto& [key, unused] : *object) {
    std::string name(key);
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      throw ConfigError(config::child_path(path, name), "is no condition" + config::suggestion(name, known));
    }
    if (name == "field") continue;
    if (!found.empty()) throw ConfigError(path, "has both " + found + " and " + name + ": write all: [{…}, {…}]");
    found = name;
  }
  if (found.empty())
    throw ConfigError(path, "lacks what is asked of the field: blank, present, equals, one_of, matches");
  std::string inner = config::child_path(path, found);
  const Value& value = object->at(found);
  const Value* field = object->if_contains("field");
  bool group = std::find(groups.begin(), groups.end(), found) != groups.end();
  if (group && field != nullptr) throw ConfigError(path, found + " takes no field: its conditions have their own");
  if (found == "not") return std::make_unique<Not>(make_condition(value, inner, layout));
  if (group) return make_group(value, found == "all", inner, layout);
  if (field == nullptr || !field->is_string()) throw ConfigError(path, "lacks the field's name");
  return make_test(layout.field(field->get_string()), found, value, inner);
}

}  // namespace migrate::fields
