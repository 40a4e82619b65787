#include "html_scan.hpp"

#include <algorithm>
#include <array>

#include "html_nesting.hpp"
#include "utf8.hpp"

MIGRATE_BEGIN
namespace richtext {

namespace {

// Gumbo walks up its stack of open elements for most tags, and along a tag's attributes for each of them.
constexpr std::size_t harmless_size = 1 << 14;
constexpr std::size_t most_attributes = 4000;
// Measured: 12 ns a step. What is deep without being large takes no time to speak of.
constexpr std::size_t steps_of_a_tag = 1000;
constexpr std::size_t steps_beside = 10'000'000;

/// Of those that only mark words.
bool is_inline(std::string_view name) {
  static constexpr std::array<std::string_view, 27> names = {
      "abbr", "acronym", "b", "bdo",  "big",   "cite", "code",   "del",    "em",  "font", "i",  "ins", "kbd", "label",
      "mark", "q",       "s", "samp", "small", "span", "strike", "strong", "sub", "sup",  "tt", "u",   "var"};
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

std::size_t after_comment(std::string_view html, std::size_t at) {
  // "<!-->" is a whole one, and "--!>" an end.
  const std::size_t content = at + 4;
  for (at += 2; (at = html.find("--", at)) < html.size(); ++at) {
    const std::string_view rest = html.substr(at + 2, 2);
    if (rest.starts_with('>')) return at + 3;
    if (rest == "!>" && at >= content) return at + 4;
  }
  return html.size();
}

Tag read_tag(std::string_view html, std::size_t at, std::vector<std::string_view>* quoted) {
  Tag tag{html.size()};
  if (at < html.size() && html[at] == '/') ++at;
  while (at < html.size() && !is_ascii_space(html[at]) && html[at] != '>' && html[at] != '/') ++at;
  char quote = 0;
  std::size_t value = 0;
  bool has_name = false, awaits_value = false, bare_value = false;
  for (; at < html.size(); ++at) {
    const char c = html[at];
    if (quote != 0) {
      if (c != quote) continue;
      quote = 0;
      has_name = false;
      ++tag.attributes;
      if (quoted != nullptr) quoted->push_back(html.substr(value, at - value));
      continue;
    }
    if (c == '>') {
      tag.end = at + 1;
      return tag;
    }
    const bool separates = is_ascii_space(c) || (c == '/' && !bare_value && !awaits_value);
    tag.self_closed = separates && c == '/';
    if (separates) {
      ++tag.attributes;
      if (bare_value || c == '/') has_name = false;
      bare_value = false;
    } else if (bare_value) {
      continue;
    } else if (awaits_value) {
      awaits_value = false;
      bare_value = c != '"' && c != '\'';
      if (!bare_value) {
        quote = c;
        value = at + 1;
      }
    } else if (c == '=' && has_name) {
      awaits_value = true;
    } else {
      has_name = true;
    }
  }
  return tag;
}

std::size_t after_raw(std::string_view html, std::size_t at, std::string_view tag) {
  const std::string end = "</" + std::string(tag);
  for (; at < html.size(); ++at) {
    at = html.find('<', at);
    if (at == std::string_view::npos) return html.size();
    if (lower(html.substr(at, end.size())) == end) return at;
  }
  return html.size();
}

std::string_view name_at(std::string_view html, std::size_t at) {
  std::size_t end = at;
  while (end < html.size() && !is_ascii_space(html[end]) && html[end] != '>' && html[end] != '/') ++end;
  return html.substr(at, std::min<std::size_t>(end - at, 32));
}

bool would_exhaust(std::string_view html) {
  if (html.size() <= harmless_size) return false;
  HtmlNesting nesting;
  std::size_t left = steps_beside;
  for (std::size_t at = html.find('<'); at < html.size(); at = html.find('<', at)) {
    if (html.substr(at, 4) == "<!--") {
      at = after_comment(html, at);
      continue;
    }
    const bool closes = at + 1 < html.size() && html[at + 1] == '/';
    const std::string name = lower(name_at(html, at + 1 + (closes ? 1 : 0)));
    if (name.empty() || name[0] < 'a' || name[0] > 'z') {
      ++at;
      continue;
    }
    const Tag tag = read_tag(html, at + 1);
    if (tag.attributes > most_attributes) return true;
    at = tag.end;
    if (closes) {
      nesting.end(name);
    } else {
      if (nesting.is_raw(name)) at = after_raw(html, at, name);
      nesting.start(name, tag.self_closed);
    }
    left += steps_of_a_tag;
    const std::size_t cost = nesting.cost_of(name);
    if (cost > left) return true;
    left -= cost;
  }
  return false;
}

std::string without_nesting(std::string_view html) {
  std::string all;
  bool in_link = false;
  // What divides blocks divides paragraphs, none of which stands in another.
  const auto divide = [&] {
    if (in_link) all += "</a>";
    in_link = false;
    if (!all.ends_with("<p>")) all += "<p>";
  };
  for (std::size_t at = 0; at < html.size();) {
    const std::size_t tag = std::min(html.find('<', at), html.size());
    all.append(html, at, tag - at);
    if (tag == html.size()) break;
    const bool closes = tag + 1 < html.size() && html[tag + 1] == '/';
    const std::string name = lower(name_at(html, tag + 1 + (closes ? 1 : 0)));
    if (html.substr(tag, 4) == "<!--") {
      at = after_comment(html, tag);
    } else if (name.empty() || name[0] < 'a' || name[0] > 'z') {
      all += "&lt;";
      at = tag + 1;
    } else {
      const Tag read = read_tag(html, tag + 1);
      at = read.end;
      const bool whole = read.attributes <= most_attributes && html[read.end - 1] == '>';
      if (name == "script" || name == "style") {
        at = closes ? at : after_raw(html, at, name);
      } else if (name == "img" || name == "br") {
        if (whole) all.append(html, tag, at - tag);
      } else if (name == "a") {
        if (in_link) all += "</a>";
        in_link = !closes && whole;
        if (in_link) all.append(html, tag, at - tag);
      } else if (!is_inline(name)) {
        divide();
      }
    }
  }
  return all;
}

}  // namespace richtext
MIGRATE_END
