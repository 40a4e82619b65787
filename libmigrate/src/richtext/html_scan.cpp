#include "html_scan.hpp"

#include <algorithm>
#include <array>
#include <map>

#include "utf8.hpp"

MIGRATE_BEGIN
namespace richtext {

namespace {

// Gumbo walks up its stack of open elements for most tags, and along a tag's attributes for each of them.
constexpr std::size_t harmless_size = 1 << 14;
constexpr std::size_t deepest = 1000;
constexpr std::size_t most_attributes = 4000;

bool is_void(std::string_view tag) {
  // Also those whose end tag may be missing: they close each other, and nest only inside others.
  static constexpr std::array<std::string_view, 28> names = {
      "area",   "base",  "body", "br",    "col", "colgroup", "dd",   "dt",     "embed", "head",
      "hr",     "html",  "img",  "input", "li",  "link",     "meta", "option", "p",     "param",
      "source", "tbody", "td",   "tfoot", "th",  "thead",    "tr",   "wbr"};
  return std::find(names.begin(), names.end(), tag) != names.end();
}

bool is_raw(std::string_view tag) {
  return tag == "script" || tag == "style" || tag == "textarea" || tag == "title" || tag == "xmp" || tag == "iframe" ||
         tag == "noembed" || tag == "noframes";
}

}  // namespace

std::size_t after_comment(std::string_view html, std::size_t at) {
  const std::size_t end = html.find("-->", at + 4);
  return end == std::string_view::npos ? html.size() : end + 3;
}

Tag read_tag(std::string_view html, std::size_t at, std::vector<std::string_view>* quoted) {
  Tag tag{html.size()};
  char quote = 0;
  std::size_t value = 0;
  char before = 0;
  bool bare_value = false;
  for (; at < html.size(); ++at) {
    const char c = html[at];
    if (quote != 0) {
      if (c != quote) continue;
      quote = 0;
      ++tag.attributes;
      if (quoted != nullptr) quoted->push_back(html.substr(value, at - value));
    } else if (c == '>') {
      tag.end = at + 1;
      return tag;
    } else if (is_ascii_space(c) || (c == '/' && !bare_value)) {
      bare_value = false;
      ++tag.attributes;
    } else if (before == '=' && !bare_value) {
      if (c == '"' || c == '\'') {
        quote = c;
        value = at + 1;
      } else {
        bare_value = true;
      }
    }
    if (!is_ascii_space(c)) before = c;
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
  std::map<std::string, std::size_t, std::less<>> open;
  std::size_t depth = 0;
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
    if (is_void(name)) continue;
    std::size_t& count = open[name];
    if (closes) {
      if (count > 0) --count, --depth;
      continue;
    }
    if (is_raw(name)) at = after_raw(html, at, name);
    ++count;
    if (++depth > deepest) return true;
  }
  return false;
}

std::string without_tags(std::string_view html) {
  std::string all;
  for (std::size_t at = 0; at < html.size();) {
    const std::size_t tag = std::min(html.find('<', at), html.size());
    all.append(html, at, tag - at);
    if (tag == html.size()) break;
    const bool closes = tag + 1 < html.size() && html[tag + 1] == '/';
    const std::string name = lower(name_at(html, tag + 1 + (closes ? 1 : 0)));
    if (html.substr(tag, 4) == "<!--") {
      at = after_comment(html, tag);
    } else if (name.empty() || !is_ascii_alnum(name[0])) {
      all += '<';
      at = tag + 1;
    } else {
      at = read_tag(html, tag + 1).end;
      if (name == "script" || name == "style") {
        at = closes ? at : after_raw(html, at, name);
      } else if (!all.empty() && all.back() != '\n') {
        all += '\n';
      }
    }
  }
  return all;
}

}  // namespace richtext
MIGRATE_END
