#include "adf.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "adf_rules.hpp"

namespace migrate::jira::sim {
namespace {

const unsigned no_node = 64;

std::string_view text_of(const Object& object, std::string_view name) {
  const Value* value = object.if_contains(name);
  return value && value->is_string() ? std::string_view(value->get_string()) : std::string_view();
}

bool in(std::string_view name, std::initializer_list<std::string_view> list) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

bool has_control_characters(std::string_view value) {
  return std::any_of(value.begin(), value.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t' && c != '\r';
  });
}

class Examiner {
 public:
  explicit Examiner(Examined& found) : found_(found) {}

  /// The kind of node as its position in node_rules(), or no_node after a fault.
  unsigned node(const Value& value, std::string_view parent) {
    if (!value.is_object()) return fault("is no object");
    const Object& object = value.get_object();
    const unsigned kind = number_of(node_rules(), text_of(object, "type"));
    if (kind == node_rules().size()) return fault(fmt::format("no node '{}'", text_of(object, "type")));
    const NodeRule& rule = node_rules()[kind];
    trail_.emplace_back(rule.name, 0);
    members(object, rule);
    if (found_.fault.empty()) attributes(object, rule.attributes, true);
    marks(object, rule, parent);
    if (found_.fault.empty()) look_closer(object, rule.name);
    content(object, rule);
    trail_.pop_back();
    return found_.fault.empty() ? kind : no_node;
  }

 private:
  unsigned fault(std::string_view what) {
    if (!found_.fault.empty()) return no_node;
    for (const auto& [name, child] : trail_) found_.fault += fmt::format("{}[{}]/", name, child);
    found_.fault += fmt::format(" {}", what);
    return no_node;
  }

  void members(const Object& object, const NodeRule& rule) {
    const bool document = rule.name == "doc", text = rule.name == "text";
    // A few nodes may have marks and may have none in them.
    const bool marked = rule.marks != 0 || in(rule.name, {"codeBlock", "expand", "nestedExpand"});
    for (const auto& [name, value] : object) {
      const bool known = name == "type" || (name == "attrs" && !document && !text) || (name == "marks" && marked) ||
                         (name == "content" && rule.content != NodeRule::Content::absent) || (name == "text" && text) ||
                         (name == "version" && document);
      if (!known) fault(fmt::format("has no member '{}'", std::string_view(name)));
    }
  }

  void attributes(const Object& object, const std::vector<Attribute>& known, bool of_node) {
    const Value* given = object.if_contains("attrs");
    static const Object nothing;
    if (given && !given->is_object()) {
      fault("attrs is no object");
      return;
    }
    const Object& attrs = given ? given->get_object() : nothing;
    for (const auto& [key, value] : attrs) {
      const std::string_view name = key;
      if (of_node && name == "localId" && value.is_string()) continue;
      const auto rule =
          std::find_if(known.begin(), known.end(), [name](const Attribute& each) { return each.name == name; });
      if (rule == known.end()) {
        fault(fmt::format("has no attribute '{}'", name));
      } else if (!has_form(value, *rule)) {
        fault(fmt::format("attribute '{}' has a wrong value", name));
      }
    }
    for (const Attribute& each : known) {
      if (each.required && !attrs.contains(each.name)) fault(fmt::format("attribute '{}' is missing", each.name));
    }
  }

  static std::uint64_t allowed_marks(const NodeRule& rule, std::string_view parent) {
    if (rule.name == "text") return parent == "codeBlock" ? 0 : rule.marks;
    if (!in(rule.name, {"paragraph", "heading"}) || parent == "doc") return rule.marks;
    if (!in(parent, {"tableCell", "tableHeader"})) return 0;
    return rule.name == "heading" ? rule.marks : bit(number_of(mark_rules(), "alignment"));
  }

  void marks(const Object& object, const NodeRule& rule, std::string_view parent) {
    const Value* given = object.if_contains("marks");
    if (!given) return;
    if (!given->is_array()) {
      fault("marks is no list");
      return;
    }
    bool code = false, other = false;
    for (const Value& each : given->get_array()) {
      const std::string_view name = each.is_object() ? text_of(each.get_object(), "type") : std::string_view();
      const unsigned which = number_of(mark_rules(), name);
      if (which == mark_rules().size() || !(allowed_marks(rule, parent) & bit(which))) {
        fault(fmt::format("cannot have the mark '{}'", name));
        return;
      }
      const Object& mark = each.get_object();
      for (const auto& [key, value] : mark) {
        if (key != "type" && key != "attrs") fault("a mark has a member too many");
      }
      attributes(mark, mark_rules()[which].attributes, false);
      if (name == "link" && found_.fault.empty()) address(text_of(mark.at("attrs").get_object(), "href"));
      code = code || name == "code";
      other = other || !in(name, {"code", "link", "annotation"});
    }
    if (code && other) fault("code goes with link only");
  }

  void address(std::string_view href) {
    std::string small(href);
    std::transform(small.begin(), small.end(), small.begin(), [](unsigned char c) { return std::tolower(c); });
    for (const std::string_view scheme : {"javascript:", "vbscript:", "data:"}) {
      if (small.starts_with(scheme)) fault("the link's address is unsafe");
    }
  }

  /// What the table does not say, and what the caller wants to know of the document.
  void look_closer(const Object& object, std::string_view name) {
    static const Object nothing;
    const Value* given = object.if_contains("attrs");
    const Object& attrs = given ? given->get_object() : nothing;
    if (name == "text") {
      const std::string_view text = text_of(object, "text");
      if (text.empty()) fault("has no text");
      if (has_control_characters(text)) fault("has control characters");
      found_.characters += utf16_length(text);
    } else if (name == "media" || name == "mediaInline") {
      const bool external = text_of(attrs, "type") == "external";
      const bool proper = external ? attrs.contains("url") && !attrs.contains("id") && !attrs.contains("collection")
                                   : attrs.contains("id") && attrs.contains("collection") && !attrs.contains("url");
      if (!proper) fault("a file needs id and collection, an external picture url");
      if (!external) found_.media.emplace_back(text_of(attrs, "id"));
    } else if (name == "mention") {
      found_.mentions.emplace_back(text_of(attrs, "id"));
    } else if (in(name, {"blockCard", "inlineCard"}) && attrs.contains("url") == attrs.contains("data")) {
      fault("a card needs either url or data");
    } else if (in(name, {"taskList", "taskItem", "decisionList", "decisionItem"}) && !attrs.contains("localId")) {
      fault("attribute 'localId' is missing");
    } else if (name == "doc") {
      const Value* version = object.if_contains("version");
      if (!version || !version->is_number() || version->to_number<double>() != 1) fault("version is not 1");
    }
    if (in(name,
           {"text", "mention", "emoji", "date", "status", "inlineCard", "blockCard", "media", "mediaInline", "rule"})) {
      found_.empty = false;
    }
    if (in(name, {"hardBreak", "paragraph", "heading", "codeBlock"})) ++found_.characters;
  }

  void content(const Object& object, const NodeRule& rule) {
    const Value* given = object.if_contains("content");
    if (!given) {
      if (rule.content == NodeRule::Content::required) fault("has no content");
      return;
    }
    if (!given->is_array()) {
      fault("content is no list");
      return;
    }
    const Array& children = given->get_array();
    if (rule.filled && children.empty()) fault("has no content");
    for (std::size_t i = 0; i < children.size() && found_.fault.empty(); ++i) {
      trail_.back().second = i;
      const unsigned kind = node(children[i], rule.name);
      if (kind == no_node) return;
      const std::string_view child = node_rules()[kind].name;
      if (!(rule.children & bit(kind))) fault(fmt::format("cannot hold '{}'", child));
      const bool list = in(child, {"bulletList", "orderedList", "taskList"});
      if (i == 0 && list && in(rule.name, {"listItem", "taskList"})) fault("begins with a list");
      if (rule.name == "mediaSingle" && (i > 1 || (i == 0) != (child == "media")))
        fault("holds one file and one caption");
    }
  }

  Examined& found_;
  std::vector<std::pair<std::string_view, std::size_t>> trail_;  ///< nodes from the root, and which child is looked at
};

void append_text(const Value& value, std::string& out) {
  if (!value.is_object()) return;
  const Object& object = value.get_object();
  const std::string_view type = text_of(object, "type");
  if (type == "text") out += text_of(object, "text");
  if (type == "hardBreak") out += '\n';
  const Value* attrs = object.if_contains("attrs");
  if (attrs && attrs->is_object() && in(type, {"mention", "status", "emoji"}))
    out += text_of(attrs->get_object(), "text");
  const Value* content = object.if_contains("content");
  if (!content || !content->is_array()) return;
  for (const Value& child : content->get_array()) append_text(child, out);
  if (in(type, {"paragraph", "heading", "codeBlock"})) out += '\n';
}

}  // namespace

Examined examine(const Value& document) {
  Examined found;
  Examiner examiner(found);
  if (!document.is_object() || text_of(document.get_object(), "type") != "doc") {
    found.fault = "it is no document";
    return found;
  }
  examiner.node(document, "");
  return found;
}

std::string plain_text(const Value& document) {
  std::string out;
  append_text(document, out);
  return out;
}

std::size_t utf16_length(std::string_view text) {
  std::size_t units = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    units += (byte & 0xC0) != 0x80;  // each first byte
    units += byte >= 0xF0;           // beyond the basic plane: a surrogate pair
  }
  return units;
}

}  // namespace migrate::jira::sim
