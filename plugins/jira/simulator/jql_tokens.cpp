#include "jql_tokens.hpp"

#include <fmt/format.h>

#include "jql.hpp"

namespace migrate::jira::sim {

void refuse_jql(std::string message) { throw JqlError{std::move(message)}; }

std::vector<Token> jql_tokens(std::string_view jql) {
  std::vector<Token> list;
  for (std::size_t i = 0; i < jql.size();) {
    const char c = jql[i];
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
      ++i;
      continue;
    }
    Token token;
    token.at = i + 1;
    if (c == '"' || c == '\'') {
      token.kind = Token::Kind::quoted;
      for (++i; i < jql.size() && jql[i] != c; ++i) {
        if (jql[i] == '\\' && i + 1 < jql.size()) ++i;
        token.text += jql[i];
      }
      if (i++ >= jql.size()) {
        refuse_jql(
            fmt::format("Error in the JQL Query: The quoted string '{}' has not been completed. (line 1, character {})",
                        token.text, token.at));
      }
    } else if (std::string_view("=!~<>(),").find(c) != std::string_view::npos) {
      token.kind = Token::Kind::symbol;
      token.text = c;
      ++i;
      if (i < jql.size() && (c == '!' || c == '<' || c == '>') && (jql[i] == '=' || (c == '!' && jql[i] == '~'))) {
        token.text += jql[i++];
      }
    } else if (std::string_view("+;?|*/%^$#@{}").find(c) != std::string_view::npos) {
      refuse_jql(
          fmt::format("Error in the JQL Query: The character '{0}' is a reserved JQL character. You must enclose it in "
                      "a string or use the escape '\\u{1:04x}' instead. (line 1, character {2})",
                      c, static_cast<unsigned>(c), i + 1));
    } else {
      token.kind = Token::Kind::word;
      while (i < jql.size() &&
             std::string_view(" \t\r\n=!~<>(),\"'+;?|*/%^$#@{}").find(jql[i]) == std::string_view::npos) {
        token.text += jql[i++];
      }
    }
    list.push_back(std::move(token));
  }
  Token end;
  end.at = jql.size() + 1;
  list.push_back(std::move(end));
  return list;
}

}  // namespace migrate::jira::sim
