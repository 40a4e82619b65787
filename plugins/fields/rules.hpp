// What a rule is once it is compiled. One function makes each kind; all throw Error(invalid) or ConfigError with a path
// inside the rule when its options are wrong. Compiled rules are immutable and safe for any number of threads.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "config.hpp"
#include "frame.hpp"

namespace migrate::fields {

class Rule {
 public:
  virtual ~Rule();
  virtual void apply(Frame& frame) const = 0;
};
using RulePtr = std::unique_ptr<const Rule>;

class Condition {
 public:
  virtual ~Condition();
  virtual bool holds(Frame& frame) const = 0;
};
using ConditionPtr = std::unique_ptr<const Condition>;
/// `when` as it stands in the file. Throws ConfigError with paths that start with `path`.
ConditionPtr make_condition(const Value& when, const std::string& path, Layout& layout);

/// A mapping file, read once.
class Mapping {
 public:
  /// Throws Error(invalid) that names the file and the line.
  explicit Mapping(const MappingConfig& config);
  const Value* find(std::string_view key) const;

 private:
  void add(std::string_view key, Value value);
  void read_csv(const std::string& text, const MappingConfig& config);
  void read_json(const std::string& text, const MappingConfig& config);
  std::unordered_map<std::string, Value> values_;
  bool fold_;
};
using Mappings = std::map<std::string, Mapping>;

RulePtr make_rename(const std::map<std::string, std::string>& names, Layout& layout);
RulePtr make_copy(const std::map<std::string, std::string>& names, Layout& layout);
RulePtr make_set(const std::map<std::string, Value>& values, Layout& layout);
RulePtr make_remove(const std::vector<std::string>& fields, Layout& layout);
RulePtr make_keep(const std::vector<std::string>& fields, Layout& layout);
RulePtr make_template(const std::map<std::string, std::string>& texts, Layout& layout);
RulePtr make_text(const TextRule& config, Layout& layout);
RulePtr make_digits(const std::vector<std::string>& fields, Layout& layout);
RulePtr make_split(const SplitRule& config, Layout& layout);
RulePtr make_regex(const RegexRule& config, Layout& layout);
RulePtr make_date(const DateRule& config, Layout& layout);
RulePtr make_number(const NumberRule& config, Layout& layout);
RulePtr make_boolean(const BooleanRule& config, Layout& layout);
RulePtr make_map(const MapRule& config, Layout& layout);
RulePtr make_lookup(const LookupRule& config, const Mappings& mappings, Layout& layout);
RulePtr make_link(const LinkRule& config, Layout& layout);
RulePtr make_key(const KeyRule& config, Layout& layout);
RulePtr make_drop();
RulePtr make_fail(const FailRule& config, Layout& layout);
RulePtr make_warn(const WarnRule& config, Layout& layout);
/// The record goes on in `next`, under this type.
RulePtr make_type(const std::string& type, const Program& next);

/// `emit`: `next` sees the new record.
class EmitsRecord : public Rule {
 public:
  EmitsRecord(const EmitRule& config, const Program& next, Layout& layout);
  void apply(Frame& frame) const override;
  /// For a record that has vanished: its derived records are named where only its own id is needed for that. Nothing
  /// for shared records (get_or_create).
  void apply_deleted(Frame& frame) const;

 private:
  struct LinkMaker {
    std::string as, to, cause;
    Template id;
    Missing missing;
  };
  struct KeyMaker {
    std::string name, duplicate_cause;
    Template value;
  };
  struct DataMaker {
    std::string name;
    Value constant;
    std::optional<Template> text;
  };
  void add_link(Frame& frame, Record& record, const LinkMaker& link) const;

  std::string type_;
  Template id_;
  Intent intent_;
  std::vector<DataMaker> data_;
  std::vector<LinkMaker> links_;
  std::vector<KeyMaker> keys_;
  const Program& next_;
};

/// What happens to a value that a rule cannot take.
class Refusal {
 public:
  Refusal(const std::string& word, std::string cause);
  /// `message()` is only asked for when somebody reads it.
  template <class Message>
  void act(Frame& frame, const Field& from, const Field& to, Message message) const {
    switch (kind_) {
      case Kind::fail:
        fail(frame, from, message());
      case Kind::warn:
        frame.warn(cause_, from.path, message());
        [[fallthrough]];
      case Kind::clear:
        frame.clear(from, to);
        return;
      case Kind::keep:
        keep(frame, from, to);
        return;
    }
  }
  const std::string& cause() const noexcept { return cause_; }

 private:
  enum class Kind { fail, warn, clear, keep };
  [[noreturn]] void fail(Frame& frame, const Field& from, const std::string& message) const;
  static void keep(Frame& frame, const Field& from, const Field& to);
  Kind kind_;
  std::string cause_;
};

Missing missing_from(const std::string& word);
std::vector<Field> fields_from(const std::vector<std::string>& paths, Layout& layout);
/// Of rules that write: `$id` and `$type` are refused.
Field writable(const std::string& path, Layout& layout);

}  // namespace migrate::fields
