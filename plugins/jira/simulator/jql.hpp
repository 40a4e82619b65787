// The part of JQL that the stand-in understands; anything else is refused by name.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store.hpp"

namespace migrate::jira::sim {

/// Thrown by parse_jql() with Jira's message; answered with 400.
struct JqlError {
  std::string message;
};

/// Fields of JQL: `project key id labels summary description environment text comment status statusCategory issuetype
/// priority assignee reporter creator created updated resolved due resolution parent component fixVersion
/// affectedVersion` and custom fields. Operators: = != in, not in, ~ !~ < <= > >=, is [not] EMPTY; AND, OR, NOT and
/// parentheses; ORDER BY. Functions: currentUser(), now(). Times: "yyyy-MM-dd [HH:mm]" in the site's zone, "-3d".
enum class Subject {
  project,
  key,
  labels,
  summary,
  description,
  environment,
  text,
  comment,
  status,
  status_category,
  type,
  priority,
  assignee,
  reporter,
  created,
  updated,
  resolved,
  due,
  resolution,
  parent,
  component,
  fix_version,
  affected_version,
  custom
};
enum class Operator { equal, unequal, in, not_in, contains, lacks, less, at_most, greater, at_least, is_empty, is_set };

struct Condition {
  enum class Shape { term, all, any, negated };
  Shape shape = Shape::term;
  std::vector<Condition> parts;
  Subject subject = Subject::key;
  Index field = none;  ///< of a custom one
  Operator op = Operator::equal;
  std::vector<std::string> values;  ///< as written
  std::vector<Index> resolved;      ///< positions of what they name: issues, statuses, users …
  std::vector<std::string> words;   ///< of a text to be found, in lower case
  bool phrase = false;              ///< one behind the other
  bool indexed = false;             ///< in a field whose words the store keeps an index of
  Millis time = 0;
};

struct Ordering {
  Subject subject = Subject::created;
  bool descending = true;
};

struct Query {
  std::optional<Condition> where;  ///< nothing: unbounded
  std::vector<Ordering> order;
};

/// Names that do not exist are refused as Jira does: unknown fields, projects, keys, statuses.
Query parse_jql(std::string_view jql, const Site& site, Store& store, Millis now);

/// Whether the issue with these values (the present ones, or those that the index knows) fulfils the condition.
bool fulfils(const Condition& condition, const Site& site, const Issue& issue, const Values& values);

/// Positions, ascending, that alone can fulfil the condition, where a label or key in it says so; null: any.
std::optional<std::vector<Index>> candidates(const Condition& condition, const Store& store);

/// Negative, 0 or positive, as a sorts before, with or behind b.
int compare(const Ordering& order, const Site& site, const Issue& a, const Values& va, const Issue& b,
            const Values& vb);

}  // namespace migrate::jira::sim
