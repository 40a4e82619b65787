#include "wiki_escape.hpp"

#include <algorithm>
#include <iterator>

#include "utf8.hpp"

MIGRATE_BEGIN
namespace richtext {
namespace {

bool contains(std::string_view set, char c) { return set.find(c) != std::string_view::npos; }

/// Where "h1." or "bq." at the start of a line has its point.
std::size_t block_point(std::string_view words) {
  const bool heading =
      words.size() > 2 && (words[0] | 0x20) == 'h' && words[1] >= '1' && words[1] <= '6' && words[2] == '.';
  return heading || words.starts_with("bq.") ? 2 : std::string_view::npos;
}

bool is_smiley(std::string_view words) {
  return words.size() > 1 && contains(":;", words[0]) && contains(")(DP", words[1]);
}

bool is_sign(std::string_view words) {
  for (const std::string_view sign :
       {"(y)", "(n)", "(i)", "(/)", "(x)", "(!)", "(+)", "(-)", "(?)", "(on)", "(off)", "(*"}) {
    if (words.starts_with(sign)) return true;
  }
  return false;
}

bool needs_backslash(char before, char c, char next, bool at_start) {
  if (contains("{}[]|*_^~", c)) return true;
  // These are marks at the ends of words only.
  const bool at_edge = !is_ascii_alnum(before) || !is_ascii_alnum(next);
  if (c == '-' || c == '+') return at_edge;
  if (c == '!') return !is_ascii_space(next);
  if (c == '?') return before == '?' || next == '?';
  return c == '#' && at_start;
}

}  // namespace

std::string wiki_escaped(std::string_view words, const WikiPlace& place) {
  std::string result;
  result.reserve(words.size() + words.size() / 8);
  const std::size_t point = place.line_start ? block_point(words) : std::string_view::npos;
  for (std::size_t at = 0; at < words.size(); ++at) {
    const char c = words[at];
    const char before = at > 0 ? words[at - 1] : place.before;
    // Behind the last one a mark of ours may come.
    const char next = at + 1 < words.size() ? words[at + 1] : '\0';
    const bool entity = c == '&' && contains(words.substr(at, 12), ';');
    if (c == '\\') {
      // Two of them are a line break, and one might escape what follows.
      result += "&#92;";
    } else if (entity) {
      result += "&amp;";
    } else if (at == point) {
      result += "&#46;";
    } else if (is_smiley(words.substr(at))) {
      result += c == ':' ? "&#58;" : "&#59;";
    } else {
      const bool mark = needs_backslash(before, c, next, place.mark_start && at == 0) || is_sign(words.substr(at, 5));
      if (mark) result += '\\';
      result += c;
    }
  }
  return result;
}

std::string wiki_address(std::string_view address) {
  static constexpr std::string_view digits = "0123456789ABCDEF";
  std::string result;
  for (const char c : address) {
    const auto byte = static_cast<unsigned char>(c);
    // At the start "~" would name an account of Jira's.
    const bool account = c == '~' && result.empty();
    if (byte <= ' ' || account || contains("|[]{}\\^!*", c)) {
      result += '%';
      result += digits[byte >> 4];
      result += digits[byte & 15];
    } else {
      result += c;
    }
  }
  return result;
}

bool is_wiki_language(std::string_view name) {
  static constexpr std::string_view known[] = {
      "actionscript", "ada",   "applescript", "bash",    "c",    "c#",     "c++",        "cpp",  "css",
      "erlang",       "go",    "groovy",      "haskell", "html", "java",   "javascript", "js",   "json",
      "lua",          "none",  "objc",        "perl",    "php",  "python", "r",          "ruby", "scala",
      "sql",          "swift", "visualbasic", "xml",     "yaml"};
  return std::find(std::begin(known), std::end(known), lower(name)) != std::end(known);
}

}  // namespace richtext
MIGRATE_END
