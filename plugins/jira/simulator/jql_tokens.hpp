// The words of JQL.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace migrate::jira::sim {

struct Token {
  enum class Kind { word, quoted, symbol, end };
  Kind kind = Kind::end;
  std::string text;
  std::size_t at = 0;
};

/// The last one is of kind end. Throws JqlError for a character that must be quoted, and for a quote without an end.
std::vector<Token> jql_tokens(std::string_view jql);

[[noreturn]] void refuse_jql(std::string message);

}  // namespace migrate::jira::sim
