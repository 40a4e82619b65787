// The rules as they stand in a migration file. README.md shows each with an example.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "migrate/config_spec.hpp"

namespace migrate::fields {

struct TextRule {
  std::vector<std::string> fields;
  std::string charset;
  std::vector<std::string> remove;
  bool collapse = false, trim = true, keep_empty = false;
  std::string letters = "as they are";
};

struct DateRule {
  std::vector<std::string> fields, formats, zero;
  std::string zone = "UTC";
  int pivot = 70;
  std::string as = "instant", blank = "keep", invalid = "fail", cause = "invalid_date";
};

struct NumberRule {
  std::string field, to;
  std::string take = "integer", decimal_mark = ".";
  std::optional<std::int64_t> min, max;
  std::string none = "fail", none_cause = "not_a_number";
  std::string beyond = "fail", beyond_cause = "out_of_range";
  std::string range_cause;
};

struct BooleanRule {
  std::vector<std::string> fields, is_true{"1", "true"}, is_false{"0", "false"};
  std::optional<bool> rest;
  std::string invalid = "fail", cause = "not_a_boolean";
};

struct MapRule {
  std::string field, to;
  std::map<std::string, Value> values;
  bool fold = false;
  std::optional<Value> fallback;
  std::string otherwise = "fail", blank = "keep", cause = "unknown_value";
};

struct LookupRule {
  std::string field, to, in;
  std::optional<Value> fallback;
  std::string missing = "fail", cause = "not_in_mapping";
};

struct RegexRule {
  std::string field, to, pattern;
  std::optional<std::string> replace, extract;
  bool fold = false;
  std::string no_match = "keep", cause = "no_match";
};

struct SplitRule {
  std::string field, by;
  std::vector<std::string> into;
  std::string missing = "null", cause = "too_few_parts";
};

struct LinkRule {
  std::string field, as, to, missing = "defer", cause, blank = "none";
};

struct KeyRule {
  std::string field, name, duplicate_cause;
};

struct EmitLink {
  std::string as, to, id, missing = "defer", cause;
};
struct EmitKey {
  std::string name, value, duplicate_cause;
};
struct EmitRule {
  std::string type, id, intent = "upsert";
  std::map<std::string, Value> data;
  std::vector<EmitLink> links;
  std::vector<EmitKey> keys;
};

struct FailRule {
  std::string cause, message, advice;
};
struct WarnRule {
  std::string cause, message, field;
};

/// Exactly one of the optional operations is present.
struct RuleConfig {
  std::vector<std::string> types;  ///< empty: all
  std::optional<Value> when;
  std::optional<std::map<std::string, std::string>> rename, copy, templates;
  std::optional<std::map<std::string, Value>> set;
  std::optional<std::vector<std::string>> remove, keep, digits;
  std::optional<TextRule> text;
  std::optional<DateRule> date;
  std::optional<NumberRule> number;
  std::optional<BooleanRule> boolean;
  std::optional<MapRule> map;
  std::optional<LookupRule> lookup;
  std::optional<RegexRule> regex;
  std::optional<SplitRule> split;
  std::optional<LinkRule> link;
  std::optional<KeyRule> key;
  std::optional<EmitRule> emit;
  std::optional<std::string> type, drop;
  std::optional<FailRule> fail;
  std::optional<WarnRule> warn;
};

/// A mapping file: CSV with a header line, a JSON object of key to value, or a JSON array of objects.
struct MappingConfig {
  std::filesystem::path file;
  std::string key = "key", value = "value";
  bool fold = false;
};

struct FieldsConfig {
  std::vector<RuleConfig> rules;
  std::map<std::string, MappingConfig> mappings;
};

/// Checks the rules as a whole too: formats, patterns, zones, charsets, files, conditions.
Spec<FieldsConfig> fields_spec();

}  // namespace migrate::fields
