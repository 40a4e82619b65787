#include "jql.hpp"
#include "adf.hpp"

#include <boost/json/parse.hpp>

#include <algorithm>

namespace migrate::jira::sim {
namespace {

/// Behind the word, if it stands at `at` as a whole word (one with a star: as the beginning of one); else npos.
std::size_t behind_word(const std::string& text, std::size_t at, std::string_view word) {
  const bool star = word.ends_with('*');
  if (star) word.remove_suffix(1);
  if (text.compare(at, word.size(), word) != 0 || (at > 0 && of_word(text[at - 1]))) return std::string::npos;
  std::size_t end = at + word.size();
  if (!star && end < text.size() && of_word(text[end])) return std::string::npos;
  while (end < text.size() && of_word(text[end])) ++end;
  return end;
}

/// Whether the words from `first` on stand in the text: the first anywhere, each other one right behind the one before.
bool run_of_words(const std::string& text, const std::string* first, const std::string* last) {
  const std::string_view stem = std::string_view(*first).substr(0, first->find('*'));
  for (std::size_t at = text.find(stem); at != std::string::npos; at = text.find(stem, at + 1)) {
    std::size_t end = behind_word(text, at, *first);
    for (const std::string* word = first + 1; word != last && end != std::string::npos; ++word) {
      while (end < text.size() && !of_word(text[end])) ++end;
      end = behind_word(text, end, *word);
    }
    if (end != std::string::npos) return true;
  }
  return false;
}

/// Every word of the term is in the text; those of a phrase one behind the other.
bool text_matches(std::string_view text, const Condition& term) {
  if (term.words.empty()) return false;
  static thread_local std::string small;
  small.assign(text);
  for (char& c : small) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  const std::string* first = term.words.data();
  const std::string* last = first + term.words.size();
  if (term.phrase) return run_of_words(small, first, last);
  return std::all_of(first, last, [](const std::string& word) { return run_of_words(small, &word, &word + 1); });
}

std::string text_of_rich(const Site& site, const std::string& stored) {
  if (stored.empty() || site.server()) return stored;
  boost::json::parse_options options;
  options.max_depth = 512;
  return plain_text(boost::json::parse(stored, boost::json::storage_ptr(), options));
}

const std::string* custom_value(const Values& values, Index field) {
  for (const auto& [index, json] : values.custom) {
    if (index == field) return &json;
  }
  return nullptr;
}

bool custom_contains(const Site& site, const Values& values, Index field, const Condition& term) {
  const std::string* json = custom_value(values, field);
  if (!json) return false;
  if (site.fields[field].kind == Kind::rich) return text_matches(text_of_rich(site, *json), term);
  return text_matches(line_of(*json), term);
}

bool any_text_contains(const Site& site, const Issue& issue, const Values& values, const Condition& term) {
  if (text_matches(values.summary, term)) return true;
  for (const auto& [field, json] : values.custom) {
    const Kind kind = site.fields[field].kind;
    if ((kind == Kind::text || kind == Kind::rich) && custom_contains(site, values, field, term)) return true;
  }
  if (text_matches(text_of_rich(site, values.description), term)) return true;
  if (text_matches(text_of_rich(site, values.environment), term)) return true;
  return std::any_of(issue.comments.begin(), issue.comments.end(),
                     [&](const Comment& comment) { return text_matches(text_of_rich(site, comment.body), term); });
}

bool contains(const Condition& term, const Site& site, const Issue& issue, const Values& values) {
  switch (term.subject) {
    case Subject::summary:
      return text_matches(values.summary, term);
    case Subject::description:
      return text_matches(text_of_rich(site, values.description), term);
    case Subject::environment:
      return text_matches(text_of_rich(site, values.environment), term);
    case Subject::text:
      return any_text_contains(site, issue, values, term);
    case Subject::comment:
      return std::any_of(issue.comments.begin(), issue.comments.end(),
                         [&](const Comment& comment) { return text_matches(text_of_rich(site, comment.body), term); });
    default:
      return custom_contains(site, values, term.field, term);
  }
}

Millis time_of(Subject subject, const Values& values) {
  switch (subject) {
    case Subject::created:
      return values.created;
    case Subject::updated:
      return values.updated;
    case Subject::resolved:
      return values.resolved;
    default:
      return values.due.empty() ? 0 : parse_date(values.due).value_or(0);
  }
}

bool relation(Operator op, double left, double right) {
  switch (op) {
    case Operator::less:
      return left < right;
    case Operator::at_most:
      return left <= right;
    case Operator::greater:
      return left > right;
    case Operator::at_least:
      return left >= right;
    default:
      return left == right;
  }
}

bool relates(const Condition& term, const Site& site, const Issue& issue, const Values& values) {
  double left = 0, right = 0;
  if (term.subject == Subject::key) {
    left = issue.position;
    right = term.resolved.front();
  } else if (term.subject == Subject::priority) {  // the first in the list is the highest
    if (values.priority == none) return false;
    left = -static_cast<double>(values.priority);
    right = -static_cast<double>(term.resolved.front());
  } else if (term.subject == Subject::custom) {
    const std::string* json = custom_value(values, term.field);
    if (!json) return false;
    const Value value = boost::json::parse(*json);
    if (value.is_number()) {
      left = value.to_number<double>();
      right = std::strtod(term.values.front().c_str(), nullptr);
      if (site.fields[term.field].kind != Kind::number) right = static_cast<double>(term.time);
    } else {
      left = static_cast<double>(parse_date(value.get_string()).value_or(0));
      right = static_cast<double>(term.time);
    }
  } else {
    const Millis at = time_of(term.subject, values);
    if (at == 0) return false;
    left = static_cast<double>(at);
    right = static_cast<double>(term.time);
  }
  return relation(term.op, left, right);
}

bool equals_custom(const Site& site, const Values& values, Index field, const std::string& wanted) {
  const std::string* json = custom_value(values, field);
  if (!json) return false;
  const Value value = boost::json::parse(*json);
  const Field& of = site.fields[field];
  const auto option = [&](const Value& index) {
    const Named& each = of.options[index.to_number<Index>()];
    return each.id == wanted || same_text(each.name, wanted);
  };
  switch (of.kind) {
    case Kind::option:
      return option(value);
    case Kind::options:
      return std::any_of(value.get_array().begin(), value.get_array().end(), option);
    case Kind::labels:
      return std::any_of(value.get_array().begin(), value.get_array().end(),
                         [&](const Value& each) { return each.get_string() == wanted; });
    case Kind::number:
      return value.to_number<double>() == std::strtod(wanted.c_str(), nullptr);
    case Kind::user:
      return value.to_number<Index>() == site.user(wanted);
    default:
      return value.is_string() && value.get_string() == wanted;
  }
}

bool holds(const std::vector<Index>& list, Index wanted) {
  return std::find(list.begin(), list.end(), wanted) != list.end();
}

/// Whether the i-th value of the term is the issue's.
bool equals(const Condition& term, std::size_t i, const Site& site, const Issue& issue, const Values& values) {
  const Index wanted = i < term.resolved.size() ? term.resolved[i] : none;
  switch (term.subject) {
    case Subject::project:
      return issue.project == wanted;
    case Subject::key:
      return issue.position == wanted;
    case Subject::labels:
      return std::binary_search(values.labels.begin(), values.labels.end(), term.values[i]);
    case Subject::status:
      return values.status == wanted;
    case Subject::status_category: {
      const std::string& category = site.statuses[values.status].category;
      const std::string_view name = category == "new" ? "To Do" : category == "done" ? "Done" : "In Progress";
      return same_text(category, term.values[i]) || same_text(name, term.values[i]);
    }
    case Subject::type:
      return values.type == wanted;
    case Subject::priority:
      return values.priority == wanted;
    case Subject::assignee:
      return wanted != none && values.assignee == wanted;
    case Subject::reporter:
      return wanted != none && values.reporter == wanted;
    case Subject::resolution:
      return values.resolution == wanted;
    case Subject::parent:
      return values.parent == wanted;
    case Subject::component:
      return holds(values.components, wanted);
    case Subject::fix_version:
      return holds(values.fix_versions, wanted);
    case Subject::affected_version:
      return holds(values.versions, wanted);
    case Subject::custom:
      return equals_custom(site, values, term.field, term.values[i]);
    default:
      return time_of(term.subject, values) / 60'000 == term.time / 60'000;
  }
}

bool is_empty(const Condition& term, const Issue& issue, const Values& values) {
  switch (term.subject) {
    case Subject::labels:
      return values.labels.empty();
    case Subject::description:
      return values.description.empty();
    case Subject::environment:
      return values.environment.empty();
    case Subject::comment:
      return issue.comments.empty();
    case Subject::priority:
      return values.priority == none;
    case Subject::assignee:
      return values.assignee == none;
    case Subject::reporter:
      return values.reporter == none;
    case Subject::resolved:
    case Subject::resolution:
      return values.resolution == none;
    case Subject::due:
      return values.due.empty();
    case Subject::parent:
      return values.parent == none;
    case Subject::component:
      return values.components.empty();
    case Subject::fix_version:
      return values.fix_versions.empty();
    case Subject::affected_version:
      return values.versions.empty();
    case Subject::custom:
      return !custom_value(values, term.field);
    default:
      return false;
  }
}

bool term_holds(const Condition& term, const Site& site, const Issue& issue, const Values& values) {
  switch (term.op) {
    case Operator::is_empty:
      return is_empty(term, issue, values);
    case Operator::is_set:
      return !is_empty(term, issue, values);
    case Operator::contains:
      return contains(term, site, issue, values);
    case Operator::lacks:
      return !contains(term, site, issue, values);
    case Operator::less:
    case Operator::at_most:
    case Operator::greater:
    case Operator::at_least:
      return relates(term, site, issue, values);
    default:
      break;
  }
  bool found = false;
  for (std::size_t i = 0; i < term.values.size() && !found; ++i) found = equals(term, i, site, issue, values);
  const bool negative = term.op == Operator::unequal || term.op == Operator::not_in;
  // An issue without the value fulfils neither "=" nor "!=".
  return negative ? !found && !is_empty(term, issue, values) : found;
}

}  // namespace

bool fulfils(const Condition& condition, const Site& site, const Issue& issue, const Values& values) {
  const auto holds_too = [&](const Condition& part) { return fulfils(part, site, issue, values); };
  switch (condition.shape) {
    case Condition::Shape::all:
      return std::all_of(condition.parts.begin(), condition.parts.end(), holds_too);
    case Condition::Shape::any:
      return std::any_of(condition.parts.begin(), condition.parts.end(), holds_too);
    case Condition::Shape::negated:
      return !holds_too(condition.parts.front());
    case Condition::Shape::term:
      break;
  }
  return term_holds(condition, site, issue, values);
}

std::optional<std::vector<Index>> candidates(const Condition& condition, const Store& store) {
  if (condition.shape == Condition::Shape::all) {
    std::optional<std::vector<Index>> fewest;
    for (const Condition& part : condition.parts) {
      std::optional<std::vector<Index>> list = candidates(part, store);
      if (list && (!fewest || list->size() < fewest->size())) fewest = std::move(list);
    }
    return fewest;
  }
  if (condition.shape != Condition::Shape::term) return std::nullopt;
  if (condition.op == Operator::contains && condition.indexed) return store.with_words(condition.words);
  if (condition.op != Operator::equal && condition.op != Operator::in) return std::nullopt;
  std::vector<Index> list;
  if (condition.subject == Subject::key) {
    list = condition.resolved;
  } else if (condition.subject == Subject::labels) {
    for (const std::string& label : condition.values) {
      const std::vector<Index>& with = store.labelled(label);
      list.insert(list.end(), with.begin(), with.end());
    }
  } else {
    return std::nullopt;
  }
  std::sort(list.begin(), list.end());
  list.erase(std::unique(list.begin(), list.end()), list.end());
  return list;
}

int compare(const Ordering& order, const Site& site, const Issue& a, const Values& va, const Issue& b,
            const Values& vb) {
  const auto three_way = [](const auto& x, const auto& y) { return x < y ? -1 : y < x ? 1 : 0; };
  int result = 0;
  switch (order.subject) {
    case Subject::summary:
      result = three_way(lower(va.summary), lower(vb.summary));
      break;
    // "Highest" is the first of the list and the greatest in order; no priority is the least.
    case Subject::priority:
      result = three_way(vb.priority, va.priority);
      break;
    case Subject::status:
      result = three_way(va.status, vb.status);
      break;
    case Subject::type:
      result = three_way(va.type, vb.type);
      break;
    case Subject::project:
      result = three_way(site.projects[a.project].key, site.projects[b.project].key);
      break;
    case Subject::key:
      result = a.project != b.project ? three_way(site.projects[a.project].key, site.projects[b.project].key)
                                      : three_way(a.number, b.number);
      break;
    default:
      result = three_way(time_of(order.subject, va), time_of(order.subject, vb));
      break;
  }
  return order.descending ? -result : result;
}

}  // namespace migrate::jira::sim
