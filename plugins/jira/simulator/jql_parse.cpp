#include <fmt/format.h>

#include <algorithm>

#include "jql.hpp"
#include "jql_tokens.hpp"

namespace migrate::jira::sim {
namespace {

struct FieldName {
  std::string_view name;
  Subject subject;
};
constexpr FieldName field_names[] = {{"project", Subject::project},
                                     {"key", Subject::key},
                                     {"issuekey", Subject::key},
                                     {"issue", Subject::key},
                                     {"id", Subject::key},
                                     {"labels", Subject::labels},
                                     {"summary", Subject::summary},
                                     {"description", Subject::description},
                                     {"environment", Subject::environment},
                                     {"text", Subject::text},
                                     {"comment", Subject::comment},
                                     {"status", Subject::status},
                                     {"statusCategory", Subject::status_category},
                                     {"issuetype", Subject::type},
                                     {"type", Subject::type},
                                     {"priority", Subject::priority},
                                     {"assignee", Subject::assignee},
                                     {"reporter", Subject::reporter},
                                     {"created", Subject::created},
                                     {"createdDate", Subject::created},
                                     {"updated", Subject::updated},
                                     {"updatedDate", Subject::updated},
                                     {"resolved", Subject::resolved},
                                     {"resolutiondate", Subject::resolved},
                                     {"due", Subject::due},
                                     {"duedate", Subject::due},
                                     {"resolution", Subject::resolution},
                                     {"parent", Subject::parent},
                                     {"component", Subject::component},
                                     {"fixVersion", Subject::fix_version},
                                     {"affectedVersion", Subject::affected_version}};

class Parser {
 public:
  Parser(std::string_view jql, const Site& site, Store& store, Millis now)
      : tokens_(jql_tokens(jql)), site_(site), store_(store), now_(now) {}

  Query query() {
    Query made;
    if (!ordering_begins() && next().kind != Token::Kind::end) made.where = any_of();
    if (ordering_begins()) {
      at_ += 2;
      do made.order.push_back(ordering());
      while (symbol(","));
      if (made.order.size() > 7) refuse_jql("The 'order by' clause can contain a maximum of 7 fields.");
    }
    if (next().kind != Token::Kind::end) unexpected("either 'OR' or 'AND'");
    return made;
  }

 private:
  const Token& next() const { return tokens_[at_]; }
  bool word(std::string_view text) {
    if (next().kind != Token::Kind::word || !same_text(next().text, text)) return false;
    ++at_;
    return true;
  }
  bool symbol(std::string_view text) {
    if (next().kind != Token::Kind::symbol || next().text != text) return false;
    ++at_;
    return true;
  }
  bool ordering_begins() const {
    return next().kind == Token::Kind::word && same_text(next().text, "order") &&
           tokens_[at_ + 1].kind == Token::Kind::word && same_text(tokens_[at_ + 1].text, "by");
  }
  [[noreturn]] void unexpected(std::string_view wanted) const {
    if (next().kind == Token::Kind::end) {
      refuse_jql(fmt::format("Error in the JQL Query: Expecting {} before the end of the query.", wanted));
    }
    refuse_jql(fmt::format("Error in the JQL Query: Expecting {} but got '{}'. (line 1, character {})", wanted,
                           next().text, next().at));
  }

  Condition any_of() {
    Condition group;
    group.shape = Condition::Shape::any;
    do group.parts.push_back(all_of());
    while (word("or"));
    if (group.parts.size() == 1) return std::move(group.parts.front());
    return group;
  }

  Condition all_of() {
    Condition group;
    group.shape = Condition::Shape::all;
    do group.parts.push_back(one());
    while (word("and"));
    if (group.parts.size() == 1) return std::move(group.parts.front());
    return group;
  }

  Condition one() {
    if (++depth_ > 100) refuse_jql("Error in the JQL Query: it is nested too deeply.");
    Condition made;
    if (word("not") || symbol("!")) {
      made.shape = Condition::Shape::negated;
      made.parts.push_back(one());
    } else if (symbol("(")) {
      made = any_of();
      if (!symbol(")")) unexpected("')'");
    } else {
      made = term();
    }
    --depth_;
    return made;
  }

  Subject subject(Index& field) {
    if (next().kind != Token::Kind::word && next().kind != Token::Kind::quoted) unexpected("a field name");
    const std::string name = next().text;
    ++at_;
    for (const FieldName& each : field_names) {
      if (same_text(each.name, name)) return each.subject;
    }
    if (same_text(name, "creator")) return Subject::reporter;
    field = site_.field_called(name);
    if (field != none && site_.fields[field].custom) return Subject::custom;
    refuse_jql(fmt::format("Field '{}' does not exist or you do not have permission to view it.", name));
  }

  Condition term() {
    Condition made;
    const std::size_t named = at_;
    made.subject = subject(made.field);
    name_ = tokens_[named].text;
    made.op = operation();
    if (made.op == Operator::is_empty || made.op == Operator::is_set) return made;
    if (made.op == Operator::in || made.op == Operator::not_in) {
      if (!symbol("(")) unexpected("'('");
      do made.values.push_back(value());
      while (symbol(","));
      if (!symbol(")")) unexpected("')'");
    } else {
      made.values.push_back(value());
    }
    const bool empty = made.values.size() == 1 && !quoted_ &&
                       (same_text(made.values.front(), "empty") || same_text(made.values.front(), "null"));
    if (empty && (made.op == Operator::equal || made.op == Operator::unequal)) {
      made.op = made.op == Operator::equal ? Operator::is_empty : Operator::is_set;
      return made;
    }
    check_operator(made);
    resolve(made);
    return made;
  }

  Operator operation() {
    const Token token = next();
    if (token.kind == Token::Kind::symbol) {
      ++at_;
      if (token.text == "=") return Operator::equal;
      if (token.text == "!=") return Operator::unequal;
      if (token.text == "~") return Operator::contains;
      if (token.text == "!~") return Operator::lacks;
      if (token.text == "<") return Operator::less;
      if (token.text == "<=") return Operator::at_most;
      if (token.text == ">") return Operator::greater;
      if (token.text == ">=") return Operator::at_least;
      --at_;
    } else if (word("in")) {
      return Operator::in;
    } else if (word("not")) {
      if (word("in")) return Operator::not_in;
    } else if (word("is")) {
      const Operator op = word("not") ? Operator::is_set : Operator::is_empty;
      if (word("empty") || word("null")) return op;
      unexpected("'EMPTY' or 'NULL'");
    }
    unexpected("operator");
  }

  std::string value() {
    if (next().kind != Token::Kind::word && next().kind != Token::Kind::quoted) unexpected("a value, list or function");
    quoted_ = next().kind == Token::Kind::quoted;
    std::string text = next().text;
    ++at_;
    if (quoted_ || !symbol("(")) return text;
    if (!symbol(")")) unexpected("')'");
    if (same_text(text, "currentUser")) return site_.server() ? site_.users[0].login : site_.users[0].account_id;
    if (same_text(text, "now")) return "0m";
    refuse_jql(fmt::format("Unable to find JQL function '{}()'.", text));
  }

  static bool is_time(Subject subject) {
    return subject == Subject::created || subject == Subject::updated || subject == Subject::resolved ||
           subject == Subject::due;
  }

  void check_operator(const Condition& term) const {
    const Subject subject = term.subject;
    bool text = subject == Subject::summary || subject == Subject::description || subject == Subject::environment ||
                subject == Subject::text || subject == Subject::comment;
    bool ordered = is_time(subject) || subject == Subject::priority || subject == Subject::key;
    if (subject == Subject::custom) {
      const Kind kind = site_.fields[term.field].kind;
      text = kind == Kind::text || kind == Kind::rich || kind == Kind::url;
      ordered = kind == Kind::number || kind == Kind::date || kind == Kind::datetime;
    }
    const bool contains = term.op == Operator::contains || term.op == Operator::lacks;
    const bool relates = term.op >= Operator::less && term.op <= Operator::at_least;
    if (text != contains || (relates && !ordered)) {
      static constexpr std::string_view names[] = {"=", "!=", "in", "not in", "~", "!~", "<", "<=", ">", ">="};
      refuse_jql(fmt::format("The operator '{}' is not supported by the '{}' field.", names[static_cast<int>(term.op)],
                             name_));
    }
  }

  void resolve(Condition& term) {
    if (term.op == Operator::contains || term.op == Operator::lacks) {
      const std::string& wanted = term.values.front();
      term.phrase = wanted.size() > 1 && wanted.front() == '"' && wanted.back() == '"';
      term.words = words_of(wanted, true);
      term.indexed = term.subject == Subject::custom && site_.fields[term.field].kind == Kind::text;
      return;
    }
    for (const std::string& text : term.values) {
      switch (term.subject) {
        case Subject::project:
          known(term, site_.project(text), find_name(site_.projects, text), text);
          break;
        case Subject::status:
          known(term, find_id(site_.statuses, text), find_name(site_.statuses, text), text);
          break;
        case Subject::type:
          known(term, find_id(site_.types, text), find_name(site_.types, text), text);
          break;
        case Subject::priority:
          known(term, find_id(site_.priorities, text), find_name(site_.priorities, text), text);
          break;
        case Subject::resolution:
          resolution(term, text);
          break;
        case Subject::component:
          known(term, find_id(site_.components, text), find_name(site_.components, text), text);
          break;
        case Subject::fix_version:
        case Subject::affected_version:
          known(term, find_id(site_.versions, text), find_name(site_.versions, text), text);
          break;
        case Subject::key:
        case Subject::parent:
          issue(term, text);
          break;
        case Subject::assignee:
        case Subject::reporter:
          term.resolved.push_back(site_.user(text));
          break;
        case Subject::created:
        case Subject::updated:
        case Subject::resolved:
        case Subject::due:
          term.time = moment(text);
          break;
        default:
          break;
      }
    }
    if (term.subject == Subject::custom && term.op >= Operator::less && term.op <= Operator::at_least &&
        site_.fields[term.field].kind != Kind::number) {
      term.time = moment(term.values.front());
    }
  }

  void known(Condition& term, Index by_id, Index by_name, const std::string& text) const {
    if (by_id == none && by_name == none) {
      refuse_jql(fmt::format("The value '{}' does not exist for the field '{}'.", text, name_));
    }
    term.resolved.push_back(by_id != none ? by_id : by_name);
  }

  void resolution(Condition& term, const std::string& text) const {
    if (same_text(text, "unresolved")) return term.resolved.push_back(none);
    known(term, find_id(site_.resolutions, text), find_name(site_.resolutions, text), text);
  }

  void issue(Condition& term, const std::string& text) const {
    const Issue* found = store_.find(text);
    if (!found) {
      const bool number = text.find_first_not_of("0123456789") == std::string::npos;
      refuse_jql(number ? fmt::format("A value with ID '{}' does not exist for the field '{}'.", text, name_)
                        : fmt::format("An issue with key '{}' does not exist for field '{}'.", text, name_));
    }
    term.resolved.push_back(found->position);
  }

  Millis moment(std::string text) const {
    const Millis zone = site_.settings.utc_offset_hours * 3'600'000;
    std::replace(text.begin(), text.end(), '/', '-');
    if (const std::optional<Millis> day = parse_date(text.substr(0, 10))) {
      if (text.size() == 10) return *day - zone;
      if (text.size() == 16 && text[10] == ' ') {
        const auto at = parse_time(fmt::format("{}T{}:00.000+0000", text.substr(0, 10), text.substr(11)));
        if (at) return *at - zone;
      }
    }
    const std::size_t digits = text.find_first_not_of("0123456789", text.starts_with('-') ? 1 : 0);
    const std::string_view unit =
        digits == std::string::npos ? std::string_view() : std::string_view(text).substr(digits);
    const Millis size = unit == "m"   ? 60'000
                        : unit == "h" ? 3'600'000
                        : unit == "d" ? 86'400'000
                        : unit == "w" ? 604'800'000
                                      : 0;
    if (size == 0 || digits > 9 || digits == (text.starts_with('-') ? 1U : 0U)) {
      refuse_jql(fmt::format(
          "Date value '{}' for field '{}' is invalid. Valid formats include: 'yyyy/MM/dd HH:mm', 'yyyy-MM-dd "
          "HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', or a period format e.g. '-5d', '4w 2d'.",
          text, name_));
    }
    return now_ + std::stoll(text.substr(0, digits)) * size;
  }

  Ordering ordering() {
    Index field = none;
    Ordering made;
    const std::size_t named = at_;
    made.subject = subject(field);
    const bool sorts = is_time(made.subject) || made.subject == Subject::key || made.subject == Subject::summary ||
                       made.subject == Subject::priority || made.subject == Subject::status ||
                       made.subject == Subject::type || made.subject == Subject::project;
    if (!sorts) refuse_jql(fmt::format("Not able to sort using field '{}'.", tokens_[named].text));
    made.descending = is_time(made.subject) || made.subject == Subject::priority;
    if (word("asc")) made.descending = false;
    if (word("desc")) made.descending = true;
    return made;
  }

  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  int depth_ = 0;
  bool quoted_ = false;
  std::string name_;  ///< of the field at hand, as written
  const Site& site_;
  Store& store_;
  Millis now_;
};

}  // namespace

Query parse_jql(std::string_view jql, const Site& site, Store& store, Millis now) {
  return Parser(jql, site, store, now).query();
}

}  // namespace migrate::jira::sim
