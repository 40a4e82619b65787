// The kinds of nodes and marks of a document, as a table that is written to be read.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "migrate/record.hpp"

namespace migrate::jira::sim {

struct Attribute {
  enum class Form { string, filled, number, level, boolean, color, numbers, choice, anything };
  std::string_view name;
  Form form = Form::string;  ///< filled: not empty. color: #rrggbb. level: 1 to 6. anything: whatever JSON
  bool required = false;
  std::vector<std::string_view> choices;
};

struct MarkRule {
  std::string_view name;
  std::vector<Attribute> attributes;
};

struct NodeRule {
  enum class Content { absent, optional, required };
  std::string_view name;
  std::vector<Attribute> attributes;  ///< besides localId, which any may have
  Content content = Content::absent;
  bool filled = false;                    ///< needs at least one child
  std::uint64_t children = 0, marks = 0;  ///< bits: positions in nodes() and marks()
};

const std::vector<NodeRule>& node_rules();
const std::vector<MarkRule>& mark_rules();

bool has_form(const Value& value, const Attribute& rule);

/// The position of the rule of that name; the size of the list when there is none.
unsigned node_number(std::string_view name);
unsigned mark_number(std::string_view name);
inline std::uint64_t bit(unsigned position) { return std::uint64_t{1} << position; }
/// The bits of these nodes.
std::uint64_t bits_of_nodes(std::string_view names);

}  // namespace migrate::jira::sim
