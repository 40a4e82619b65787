// The query language of search/tickets, for the fields that every account has.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "simulator/instant.hpp"

namespace migrate::freshdesk::simulation {

/// What a query can ask of a ticket.
struct Searched {
  std::optional<std::int64_t> agent, group;
  std::int64_t status = 0, priority = 0;
  std::optional<std::string_view> type;
  std::vector<std::string_view> tags;
  Seconds created = 0, updated = 0, due = 0;
};

/// "(status:2 OR status:3) AND created_at:>'2026-01-31'"
class Search {
 public:
  /// Nothing when the text is no query, or asks for something else.
  static std::optional<Search> parse(std::string_view text);
  bool matches(const Searched& ticket) const { return matches(root_, ticket); }

 private:
  enum class Field { agent_id, group_id, status, priority, type, tag, created_at, updated_at, due_by };
  struct Node {
    enum class Kind { both, either, term } kind = Kind::term;
    std::size_t left = 0, right = 0;
    Field field = Field::status;
    char relation = '=';  ///< or < or >, which mean "or equal" too
    bool null = false;
    std::int64_t number = 0;  ///< of a date the first second of the day
    std::string text;
  };
  class Parser;
  bool matches(std::size_t node, const Searched& ticket) const;
  static bool holds(const Node& term, const Searched& ticket);

  std::vector<Node> nodes_;
  std::size_t root_ = 0;
};

}  // namespace migrate::freshdesk::simulation
