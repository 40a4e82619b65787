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

/// Nodes that are treated alike, as bits.
struct Kinds {
  /// A few nodes may have marks and may have none in them.
  std::uint64_t with_empty_marks = bits_of_nodes("codeBlock expand nestedExpand");
  std::uint64_t styled = bits_of_nodes("paragraph heading"), cells = bits_of_nodes("tableCell tableHeader");
  std::uint64_t cards = bits_of_nodes("blockCard inlineCard"), files = bits_of_nodes("media mediaInline");
  std::uint64_t with_id = bits_of_nodes("taskList taskItem decisionList decisionItem");
  std::uint64_t seen = bits_of_nodes("text mention emoji date status inlineCard blockCard media mediaInline rule");
  std::uint64_t counted = bits_of_nodes("hardBreak paragraph heading codeBlock");
  std::uint64_t lists = bits_of_nodes("bulletList orderedList taskList");
  std::uint64_t not_begun_by_lists = bits_of_nodes("listItem taskList");
  std::uint64_t doc = bits_of_nodes("doc"), text = bits_of_nodes("text"), mention = bits_of_nodes("mention");
  std::uint64_t code = bits_of_nodes("codeBlock"), heading = bits_of_nodes("heading");
  std::uint64_t single = bits_of_nodes("mediaSingle"), media = bits_of_nodes("media");
  std::uint64_t alignment = bit(mark_number("alignment"));
};

const Kinds& kinds() {
  static const Kinds all;
  return all;
}

/// A node's members, looked up once.
struct Members {
  const Value *attrs = nullptr, *marks = nullptr, *content = nullptr, *text = nullptr, *version = nullptr;
};

class Examiner {
 public:
  explicit Examiner(Examined& found) : found_(found) {}

  /// The kind of node as its position in node_rules(), or no_node after a fault.
  unsigned node(const Value& value, std::uint64_t parent) {
    if (!value.is_object()) return fault("is no object");
    const Object& object = value.get_object();
    const unsigned kind = node_number(text_of(object, "type"));
    if (kind == rules_.size()) return fault(fmt::format("no node '{}'", text_of(object, "type")));
    const NodeRule& rule = rules_[kind];
    const std::uint64_t self = bit(kind);
    trail_.emplace_back(rule.name, 0);
    const Members found = members(object, rule, self);
    if (found_.fault.empty()) attributes(found.attrs, rule.attributes, true);
    if (found.marks) marks(*found.marks, rule, self, parent);
    if (found_.fault.empty()) look_closer(found, self);
    content(found.content, rule, self);
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

  Members members(const Object& object, const NodeRule& rule, std::uint64_t self) {
    const bool document = self == kinds_.doc, text = self == kinds_.text;
    const bool marked = rule.marks != 0 || (self & kinds_.with_empty_marks);
    Members found;
    for (const auto& [key, value] : object) {
      const std::string_view name = key;
      const auto take = [&value = value](const Value*& member, bool known) {
        member = &value;
        return known;
      };
      const bool known = name == "type" || (name == "attrs" && take(found.attrs, !document && !text)) ||
                         (name == "marks" && take(found.marks, marked)) ||
                         (name == "content" && take(found.content, rule.content != NodeRule::Content::absent)) ||
                         (name == "text" && take(found.text, text)) ||
                         (name == "version" && take(found.version, document));
      if (!known) fault(fmt::format("has no member '{}'", name));
    }
    return found;
  }

  void attributes(const Value* given, const std::vector<Attribute>& known, bool of_node) {
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

  std::uint64_t allowed_marks(const NodeRule& rule, std::uint64_t self, std::uint64_t parent) const {
    if (self == kinds_.text) return parent == kinds_.code ? 0 : rule.marks;
    if (!(self & kinds_.styled) || parent == kinds_.doc) return rule.marks;
    if (!(parent & kinds_.cells)) return 0;
    return self == kinds_.heading ? rule.marks : kinds_.alignment;
  }

  void marks(const Value& given, const NodeRule& rule, std::uint64_t self, std::uint64_t parent) {
    if (!given.is_array()) {
      fault("marks is no list");
      return;
    }
    bool code = false, other = false;
    const std::uint64_t allowed = allowed_marks(rule, self, parent);
    for (const Value& each : given.get_array()) {
      const std::string_view name = each.is_object() ? text_of(each.get_object(), "type") : std::string_view();
      const unsigned which = mark_number(name);
      if (which == mark_rules().size() || !(allowed & bit(which))) {
        fault(fmt::format("cannot have the mark '{}'", name));
        return;
      }
      const Object& mark = each.get_object();
      for (const auto& [key, value] : mark) {
        if (key != "type" && key != "attrs") fault("a mark has a member too many");
      }
      attributes(mark.if_contains("attrs"), mark_rules()[which].attributes, false);
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
  void look_closer(const Members& members, std::uint64_t self) {
    static const Object nothing;
    const Object& attrs = members.attrs ? members.attrs->get_object() : nothing;
    if (self == kinds_.text) {
      const bool is_text = members.text && members.text->is_string();
      const std::string_view text = is_text ? std::string_view(members.text->get_string()) : std::string_view();
      if (text.empty()) fault("has no text");
      if (has_control_characters(text)) fault("has control characters");
      found_.characters += utf16_length(text);
    } else if (self & kinds_.files) {
      const bool external = text_of(attrs, "type") == "external";
      const bool proper = external ? attrs.contains("url") && !attrs.contains("id") && !attrs.contains("collection")
                                   : attrs.contains("id") && attrs.contains("collection") && !attrs.contains("url");
      if (!proper) fault("a file needs id and collection, an external picture url");
      if (!external) found_.media.emplace_back(text_of(attrs, "id"));
    } else if (self == kinds_.mention) {
      found_.mentions.emplace_back(text_of(attrs, "id"));
    } else if ((self & kinds_.cards) && attrs.contains("url") == attrs.contains("data")) {
      fault("a card needs either url or data");
    } else if ((self & kinds_.with_id) && !attrs.contains("localId")) {
      fault("attribute 'localId' is missing");
    } else if (self == kinds_.doc) {
      const Value* version = members.version;
      if (!version || !version->is_number() || version->to_number<double>() != 1) fault("version is not 1");
    }
    if (self & kinds_.seen) found_.empty = false;
    if (self & kinds_.counted) ++found_.characters;
  }

  void content(const Value* given, const NodeRule& rule, std::uint64_t self) {
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
      const unsigned kind = node(children[i], self);
      if (kind == no_node) return;
      const std::uint64_t child = bit(kind);
      if (!(rule.children & child)) fault(fmt::format("cannot hold '{}'", rules_[kind].name));
      if (i == 0 && (child & kinds_.lists) && (self & kinds_.not_begun_by_lists)) fault("begins with a list");
      if (self == kinds_.single && (i > 1 || (i == 0) != (child == kinds_.media)))
        fault("holds one file and one caption");
    }
  }

  Examined& found_;
  const Kinds& kinds_ = kinds();
  const std::vector<NodeRule>& rules_ = node_rules();
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
  examiner.node(document, 0);
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
