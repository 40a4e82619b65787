#include "simulator/search.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace migrate::freshdesk::simulation {

/// Recursive descent; `depth` bounds the brackets.
class Search::Parser {
 public:
  Parser(std::string_view text, std::vector<Node>& nodes) : rest_(text), nodes_(nodes) {}

  std::optional<std::size_t> whole() {
    const auto node = either(0);
    blanks();
    return node && rest_.empty() ? node : std::nullopt;
  }

 private:
  static constexpr int deepest = 20;

  void blanks() {
    while (rest_.starts_with(' ')) rest_.remove_prefix(1);
  }
  bool take(std::string_view word) {
    blanks();
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }
  std::size_t add(Node node) {
    nodes_.push_back(std::move(node));
    return nodes_.size() - 1;
  }

  std::optional<std::size_t> either(int depth) { return chain(depth, "OR ", Node::Kind::either, &Parser::both); }
  std::optional<std::size_t> both(int depth) { return chain(depth, "AND ", Node::Kind::both, &Parser::one); }
  std::optional<std::size_t> chain(int depth, std::string_view word, Node::Kind kind,
                                   std::optional<std::size_t> (Parser::*part)(int)) {
    auto left = (this->*part)(depth);
    while (left && take(word)) {
      const auto right = (this->*part)(depth);
      if (!right) return std::nullopt;
      Node node;
      node.kind = kind;
      node.left = *left;
      node.right = *right;
      left = add(std::move(node));
    }
    return left;
  }

  std::optional<std::size_t> one(int depth) {
    if (take("(")) {
      if (depth == deepest) return std::nullopt;
      const auto inner = either(depth + 1);
      return inner && take(")") ? inner : std::nullopt;
    }
    return term();
  }

  std::optional<std::size_t> term() {
    static constexpr std::array<std::pair<std::string_view, Field>, 9> fields{{{"agent_id:", Field::agent_id},
                                                                               {"group_id:", Field::group_id},
                                                                               {"status:", Field::status},
                                                                               {"priority:", Field::priority},
                                                                               {"type:", Field::type},
                                                                               {"tag:", Field::tag},
                                                                               {"created_at:", Field::created_at},
                                                                               {"updated_at:", Field::updated_at},
                                                                               {"due_by:", Field::due_by}}};
    const auto field = std::find_if(fields.begin(), fields.end(), [&](const auto& known) { return take(known.first); });
    if (field == fields.end()) return std::nullopt;
    Node node;
    node.field = field->second;
    if (rest_.starts_with('<') || rest_.starts_with('>')) {
      node.relation = rest_.front();
      rest_.remove_prefix(1);
    }
    return value(node) ? std::optional(add(std::move(node))) : std::nullopt;
  }

  bool value(Node& node) {
    if (take("null")) {
      node.null = true;
      return node.relation == '=';
    }
    const bool text = node.field == Field::type || node.field == Field::tag;
    const bool date = node.field >= Field::created_at;
    if (!text && !date) {
      const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), node.number);
      if (error != std::errc()) return false;
      rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
      return true;
    }
    if (!rest_.starts_with('\'')) return false;
    const std::size_t end = rest_.find('\'', 1);
    if (end == std::string_view::npos) return false;
    node.text = std::string(rest_.substr(1, end - 1));
    rest_.remove_prefix(end + 1);
    if (text) return node.relation == '=';
    const auto time = node.text.size() == 10 ? parse_instant(node.text) : std::nullopt;
    node.number = time.value_or(0);
    return time.has_value();
  }

  std::string_view rest_;
  std::vector<Node>& nodes_;
};

std::optional<Search> Search::parse(std::string_view text) {
  Search search;
  const auto root = Parser(text, search.nodes_).whole();
  if (!root) return std::nullopt;
  search.root_ = *root;
  return search;
}

bool Search::matches(std::size_t index, const Searched& ticket) const {
  const Node& node = nodes_[index];
  switch (node.kind) {
    case Node::Kind::both:
      return matches(node.left, ticket) && matches(node.right, ticket);
    case Node::Kind::either:
      return matches(node.left, ticket) || matches(node.right, ticket);
    case Node::Kind::term:
      break;
  }
  return holds(node, ticket);
}

bool Search::holds(const Node& term, const Searched& ticket) {
  const auto number = [&](std::optional<std::int64_t> value) {
    if (term.null || !value) return term.null && !value;
    return term.relation == '<'   ? *value <= term.number
           : term.relation == '>' ? *value >= term.number
                                  : *value == term.number;
  };
  const auto date = [&](Seconds time) { return number(time - time % day); };
  switch (term.field) {
    case Field::agent_id:
      return number(ticket.agent);
    case Field::group_id:
      return number(ticket.group);
    case Field::status:
      return number(ticket.status);
    case Field::priority:
      return number(ticket.priority);
    case Field::created_at:
      return date(ticket.created);
    case Field::updated_at:
      return date(ticket.updated);
    case Field::due_by:
      return date(ticket.due);
    case Field::type:
      return term.null ? !ticket.type : ticket.type && *ticket.type == term.text;
    case Field::tag:
      break;
  }
  if (term.null) return ticket.tags.empty();
  return std::find(ticket.tags.begin(), ticket.tags.end(), term.text) != ticket.tags.end();
}

}  // namespace migrate::freshdesk::simulation
