#include "adf_rules.hpp"

#include <algorithm>
#include <cctype>
#include <unordered_map>

namespace migrate::jira::sim {
namespace {

/// attributes: `name`, `name:form` or `name=choice/choice`; `!` at the end: required. children: the content may be
/// missing (?), may be empty (*) or has at least one child (+); `$group` stands for the names of a group.
struct Line {
  std::string_view name, attributes, children, marks;
};

struct Group {
  std::string_view name, members;
};

constexpr Group groups[] = {
    {"$inline", "text hardBreak mention emoji date status inlineCard mediaInline"},
    {"$list", "bulletList orderedList"},
    {"$file", "mediaSingle mediaGroup"},
    {"$block", "paragraph heading codeBlock blockquote panel rule taskList decisionList blockCard $list $file"},
};

constexpr std::string_view cell = "colspan:number rowspan:number colwidth:numbers background valign=top/middle/bottom";
constexpr std::string_view formatting =
    "strong em strike underline subsup textColor backgroundColor link annotation code";

constexpr Line node_lines[] = {
    {"doc", "", "* $block table expand", ""},
    {"paragraph", "", "? $inline", "alignment indentation"},
    {"heading", "level:level!", "? $inline", "alignment indentation"},
    {"bulletList", "", "+ listItem", ""},
    {"orderedList", "order:number", "+ listItem", ""},
    {"listItem", "", "+ paragraph codeBlock mediaSingle taskList $list", ""},
    {"codeBlock", "language uniqueId wrap:boolean hideLineNumbers:boolean", "? text", ""},
    {"blockquote", "", "+ paragraph codeBlock $list $file", ""},
    {"panel", "panelType=info/note/tip/warning/error/success/custom! panelIcon panelIconId panelIconText panelColor",
     "+ paragraph heading codeBlock rule taskList decisionList blockCard $list $file", ""},
    {"rule", "", "", ""},
    {"table",
     "displayMode=default/fixed isNumberColumnEnabled:boolean width:number "
     "layout=wide/full-width/center/align-end/align-start/default",
     "+ tableRow", ""},
    {"tableRow", "", "+ tableHeader tableCell", ""},
    {"tableHeader", cell, "+ $block nestedExpand", ""},
    {"tableCell", cell, "+ $block nestedExpand", ""},
    {"mediaSingle",
     "layout=wide/full-width/center/wrap-right/wrap-left/align-end/align-start! width:number "
     "widthType=percentage/pixel",
     "+ media caption", "link"},
    {"mediaGroup", "", "+ media", ""},
    {"media", "type=link/file/external! id:filled alt collection height:number width:number occurrenceKey:filled url",
     "", "link annotation border"},
    {"caption", "", "? text hardBreak mention emoji date inlineCard status", ""},
    {"taskList", "", "+ taskItem taskList", ""},
    {"taskItem", "state=TODO/DONE!", "? $inline", ""},
    {"expand", "title", "+ $block table nestedExpand", ""},
    {"nestedExpand", "title", "+ paragraph heading codeBlock blockquote panel rule taskList decisionList $list $file",
     ""},
    {"decisionList", "", "+ decisionItem", ""},
    {"decisionItem", "state!", "? $inline", ""},
    {"blockCard", "url data:anything", "", ""},
    {"text", "", "", formatting},
    {"hardBreak", "text=\n", "", ""},
    {"mention", "id! text accessLevel userType=DEFAULT/SPECIAL/APP", "", ""},
    {"emoji", "shortName! id text", "", ""},
    {"date", "timestamp:filled!", "", ""},
    {"status", "text:filled! color=neutral/purple/blue/red/yellow/green! style", "", ""},
    {"inlineCard", "url data:anything", "", ""},
    {"mediaInline",
     "type=link/file/image id:filled! alt collection! height:number width:number occurrenceKey:filled data:anything",
     "", "link annotation border"},
};

constexpr Line mark_lines[] = {
    {"strong", "", "", ""},
    {"em", "", "", ""},
    {"strike", "", "", ""},
    {"underline", "", "", ""},
    {"subsup", "type=sub/sup!", "", ""},
    {"textColor", "color:color!", "", ""},
    {"backgroundColor", "color:color!", "", ""},
    {"link", "href:filled! title id collection occurrenceKey", "", ""},
    {"code", "", "", ""},
    {"annotation", "id! annotationType=inlineComment!", "", ""},
    {"border", "size:number! color:color!", "", ""},
    {"alignment", "align=center/end!", "", ""},
    {"indentation", "level:level!", "", ""},
};

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  for (std::size_t from = 0; from < text.size();) {
    const std::size_t to = std::min(text.find(at, from), text.size());
    if (to > from) parts.push_back(text.substr(from, to - from));
    from = to + 1;
  }
  return parts;
}

Attribute::Form form_of(std::string_view name) {
  if (name == "filled") return Attribute::Form::filled;
  if (name == "number") return Attribute::Form::number;
  if (name == "level") return Attribute::Form::level;
  if (name == "boolean") return Attribute::Form::boolean;
  if (name == "color") return Attribute::Form::color;
  if (name == "numbers") return Attribute::Form::numbers;
  return Attribute::Form::anything;
}

std::vector<Attribute> attributes_of(std::string_view line) {
  std::vector<Attribute> made;
  for (std::string_view each : split(line, ' ')) {
    Attribute attribute;
    attribute.required = each.ends_with('!');
    if (attribute.required) each.remove_suffix(1);
    attribute.name = each.substr(0, each.find_first_of(":="));
    const std::string_view rest = each.substr(attribute.name.size());
    if (rest.starts_with('=')) {
      attribute.form = Attribute::Form::choice;
      attribute.choices = split(rest.substr(1), '/');
    } else if (!rest.empty()) {
      attribute.form = form_of(rest.substr(1));
    }
    made.push_back(std::move(attribute));
  }
  return made;
}

/// The bits of these names, whose positions are those of `lines`.
template <std::size_t N>
std::uint64_t bits_of(std::string_view names, const Line (&lines)[N]) {
  std::uint64_t bits = 0;
  for (const std::string_view name : split(names, ' ')) {
    for (unsigned i = 0; i < N; ++i) {
      if (lines[i].name == name) bits |= bit(i);
    }
    for (const Group& group : groups) {
      if (group.name == name) bits |= bits_of(group.members, lines);
    }
  }
  return bits;
}

using Numbers = std::unordered_map<std::string_view, unsigned>;

template <std::size_t N>
Numbers numbers_of(const Line (&lines)[N]) {
  Numbers numbers;
  for (unsigned i = 0; i < N; ++i) numbers.emplace(lines[i].name, i);
  return numbers;
}

}  // namespace

unsigned node_number(std::string_view name) {
  static const Numbers numbers = numbers_of(node_lines);
  const auto found = numbers.find(name);
  return found == numbers.end() ? static_cast<unsigned>(numbers.size()) : found->second;
}

unsigned mark_number(std::string_view name) {
  static const Numbers numbers = numbers_of(mark_lines);
  const auto found = numbers.find(name);
  return found == numbers.end() ? static_cast<unsigned>(numbers.size()) : found->second;
}

std::uint64_t bits_of_nodes(std::string_view names) { return bits_of(names, node_lines); }

const std::vector<MarkRule>& mark_rules() {
  static const std::vector<MarkRule> rules = [] {
    std::vector<MarkRule> made;
    for (const Line& line : mark_lines) made.push_back({line.name, attributes_of(line.attributes)});
    return made;
  }();
  return rules;
}

const std::vector<NodeRule>& node_rules() {
  static const std::vector<NodeRule> rules = [] {
    std::vector<NodeRule> made;
    for (const Line& line : node_lines) {
      NodeRule rule;
      rule.name = line.name;
      rule.attributes = attributes_of(line.attributes);
      if (!line.children.empty()) {
        rule.content = line.children[0] == '?' ? NodeRule::Content::optional : NodeRule::Content::required;
        rule.filled = line.children[0] == '+';
        rule.children = bits_of(line.children, node_lines);
      }
      rule.marks = bits_of(line.marks, mark_lines);
      made.push_back(std::move(rule));
    }
    return made;
  }();
  return rules;
}

bool has_form(const Value& value, const Attribute& rule) {
  const std::string_view text = value.is_string() ? std::string_view(value.get_string()) : std::string_view();
  const auto hexadecimal = [](char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; };
  switch (rule.form) {
    case Attribute::Form::string:
      return value.is_string();
    case Attribute::Form::filled:
      return !text.empty();
    case Attribute::Form::number:
      return value.is_number();
    case Attribute::Form::level:
      return value.is_number() && value.to_number<double>() >= 1 && value.to_number<double>() <= 6;
    case Attribute::Form::boolean:
      return value.is_bool();
    case Attribute::Form::choice:
      return value.is_string() && std::find(rule.choices.begin(), rule.choices.end(), text) != rule.choices.end();
    case Attribute::Form::color:
      return text.size() == 7 && text[0] == '#' && std::all_of(text.begin() + 1, text.end(), hexadecimal);
    case Attribute::Form::numbers:
      return value.is_array() && std::all_of(value.get_array().begin(), value.get_array().end(),
                                             [](const Value& each) { return each.is_number(); });
    case Attribute::Form::anything:
      return true;
  }
  return false;
}

}  // namespace migrate::jira::sim
