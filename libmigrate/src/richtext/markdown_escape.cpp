#include "markdown_escape.hpp"

#include <algorithm>

#include "gitlab.hpp"
#include "utf8.hpp"

MIGRATE_BEGIN
namespace richtext {
namespace {

bool contains(std::string_view set, char c) { return set.find(c) != std::string_view::npos; }

/// What would begin a block at the start of a line: heading, quote, item, rule, underline of a heading, front matter,
/// definition, inclusion, command.
std::size_t block_mark_at(std::string_view words) {
  const char c = words[0];
  const char next = words.size() > 1 ? words[1] : ' ';
  if (c == '#' || c == '>' || c == '=' || c == '/' || c == ':') return 0;
  if ((c == '-' || c == '+' || c == ';') && (is_ascii_space(next) || next == c || next == ':')) return 0;
  std::size_t digits = 0;
  while (digits < words.size() && is_ascii_digit(words[digits])) ++digits;
  const bool number =
      digits > 0 && digits <= 9 && digits < words.size() && (words[digits] == '.' || words[digits] == ')');
  return number && (digits + 1 == words.size() || is_ascii_space(words[digits + 1])) ? digits : std::string_view::npos;
}

/// ":smile:" from its first colon on.
bool is_emoji(std::string_view words) {
  std::size_t end = 1;
  while (end < words.size() && end < 64 && (is_ascii_alnum(words[end]) || contains("_+-", words[end]))) ++end;
  return end > 1 && end < words.size() && words[end] == ':';
}

/// The dot of "www.", which makes a link.
bool ends_www(std::string_view words, std::size_t at) {
  return words[at] == '.' && at >= 3 && lower(words.substr(at - 3, 3)) == "www";
}

bool needs_escape(std::string_view words, std::size_t at, const MarkdownPlace& place) {
  const char c = words[at];
  const bool last = at + 1 == words.size();
  // What follows in another piece of the line is not known here.
  const char next = last ? (place.ends_line ? ' ' : 'x') : words[at + 1];
  const char before = at > 0 ? words[at - 1] : place.before;
  if (contains("\\`*_[]<~$@|", c)) return true;
  switch (c) {
    case '#':
      return is_word(next) || next == '"' || last;
    case '!':
      return is_ascii_digit(next) || next == '[' || (last && !place.ends_line);
    case '&':
      return is_ascii_alnum(next) || next == '#';
    case '%':
      return is_word(next) || next == '"' || next == '{';
    case '^':
      return is_word(next) || next == '[';
    case ':':
      return (next == '/' && is_word(before)) || is_emoji(words.substr(at)) || (last && !place.ends_line);
    case '.':
      return ends_www(words, at);
    case '{':
      return at == 0 && (before == ')' || before == '}');  // an image's size
    default:
      return false;
  }
}

/// Renderers fold blanks, and cut them off at the ends: writes the blank at `at` so that it stays. `blank`: whether a
/// plain one came before. False when there is none; a non-breaking one is two bytes, over the first of which `at` goes.
bool kept_blank(std::string_view words, std::size_t& at, bool at_end, bool& blank, std::string& result) {
  if (words[at] == ' ') {
    blank = !(blank || at_end);
    result += blank ? " " : "&nbsp;";
    return true;
  }
  blank = false;
  if (words.substr(at, 2) != "\u00A0") return false;
  result += "&nbsp;";
  ++at;
  return true;
}

}  // namespace

std::string markdown_escaped(std::string_view words, const MarkdownPlace& place) {
  std::string result;
  result.reserve(words.size() + words.size() / 8);
  const std::size_t mark = place.line_start && !words.empty() ? block_mark_at(words) : std::string_view::npos;
  bool blank = place.line_start || place.before == ' ';
  for (std::size_t at = 0; at < words.size(); ++at) {
    const char c = words[at];
    const bool ends = place.ends_line && at + 1 == words.size();
    if (kept_blank(words, at, ends, blank, result)) continue;
    if (at == mark || needs_escape(words, at, place)) result += '\\';
    result += c;
  }
  return result;
}

std::string markdown_address(std::string_view address) {
  const bool angled = address.empty() || address.find_first_of(" ()<") != std::string_view::npos;
  std::string result = angled ? "<" : "";
  for (std::size_t at = 0; at < address.size(); ++at) {
    const char c = address[at];
    const bool entity = c == '&' && contains(address.substr(at, 50), ';');
    // Some parsers take marks in an address for marks.
    const bool word =
        at > 0 && at + 1 < address.size() && is_ascii_alnum(address[at - 1]) && is_ascii_alnum(address[at + 1]);
    if (contains("\\<>|`*[]~", c) || entity || (c == '_' && !word)) result += '\\';
    result += c;
  }
  return angled ? result + ">" : result;
}

std::string markdown_code(std::string_view words, bool in_table) {
  std::size_t longest = 0;
  for (std::size_t at = 0, run = 0; at < words.size(); ++at) {
    run = words[at] == '`' ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  if (in_table && contains(words, '|')) {
    // A cell ends at a bar, in code too.
    std::string result = "<code>";
    bool blank = true;
    for (std::size_t at = 0; at < words.size(); ++at) {
      const char c = words[at];
      if (kept_blank(words, at, at + 1 == words.size(), blank, result)) continue;
      const std::string_view escaped = c == '&'   ? "&amp;"
                                       : c == '<' ? "&lt;"
                                       : c == '|' ? "&#124;"
                                                  : std::string_view();
      if (escaped.empty() && (contains("\\`*_[]~$@#!%^:", c) || ends_www(words, at))) result += '\\';
      escaped.empty() ? void(result += c) : void(result += escaped);
    }
    return result + "</code>";
  }
  const std::string fence(longest + 1, '`');
  const bool padded = words.front() == '`' || words.back() == '`' || (words.front() == ' ' && words.back() == ' ');
  return fence + (padded ? " " : "") + std::string(words) + (padded ? " " : "") + fence;
}

Class class_of(char32_t code) {
  if (is_space(code)) return Class::blank;
  if (code < 0x80) return is_ascii_punctuation(static_cast<char>(code)) ? Class::punctuation : Class::letter;
  const auto in = [&](char32_t from, char32_t to) { return code >= from && code <= to; };
  const bool letter = (in(0xC0, 0x24F) && code != 0xD7 && code != 0xF7) || in(0x391, 0x3FF) || in(0x400, 0x481) ||
                      in(0x48A, 0x52F) || in(0x5D0, 0x5EA) || in(0x621, 0x64A) || in(0x904, 0x939) ||
                      in(0xE01, 0xE2E) || in(0x3041, 0x3096) || in(0x30A1, 0x30FA) || in(0x4E00, 0x9FFF) ||
                      in(0xAC00, 0xD7A3);
  return letter ? Class::letter : Class::unknown;
}

}  // namespace richtext
MIGRATE_END
