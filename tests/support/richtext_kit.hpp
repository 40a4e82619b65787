// For tests of rich text: a tree as one readable line, and the rules that Jira sets for a document, checked.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "migrate/richtext/formats.hpp"

namespace migrate::richtext_tests {

using richtext::Kind;
using richtext::Mark;
using richtext::Node;

/// `p("It " "beeps"b)`: marks follow a text as letters (b i s u, v below, ^ above, c code), then its colour and link.
inline std::string shape(const Node& node) {
  std::string inside;
  for (const Node& child : node.children) inside += (inside.empty() ? "" : " ") + shape(child);
  const auto fields = [](std::initializer_list<std::string> parts) {
    std::string all;
    for (const std::string& part : parts) all += (all.empty() ? "" : "|") + (part.empty() ? "-" : part);
    return "(" + all + ")";
  };
  switch (node.kind) {
    case Kind::document:
      return inside;
    case Kind::paragraph:
      return "p(" + inside + ")";
    case Kind::heading:
      return fmt::format("h{}({})", node.level, inside);
    case Kind::list:
      return (node.ordered ? fmt::format("ol{}(", node.start) : "ul(") + inside + ")";
    case Kind::list_item:
      return (node.task == richtext::Task::none   ? "li("
              : node.task == richtext::Task::done ? "done("
                                                  : "open(") +
             inside + ")";
    case Kind::code_block:
      return "code" + fields({node.id, node.text});
    case Kind::quote:
      return "quote(" + inside + ")";
    case Kind::panel:
      return node.id + "(" + inside + ")";
    case Kind::rule:
      return "hr";
    case Kind::table:
      return "table(" + inside + ")";
    case Kind::row:
      return "tr(" + inside + ")";
    case Kind::cell: {
      const std::string span = node.colspan * node.rowspan > 1 ? fmt::format("{}x{}", node.colspan, node.rowspan) : "";
      return (node.header ? "th" : "td") + span + "(" + inside + ")";
    }
    case Kind::hard_break:
      return "br";
    case Kind::image: {
      std::string words = "img" + fields({node.text, node.url, node.id, node.target});
      if (node.width + node.height > 0) words += fmt::format("{}x{}", node.width, node.height);
      return words + (node.link.empty() ? "" : "->" + node.link);
    }
    case Kind::mention:
      return "@" + fields({node.id, node.text, node.target});
    case Kind::reference:
      return "ref" + fields({node.id, node.text, node.url, node.target});
    case Kind::emoji:
      return "emoji" + fields({node.id, node.text});
    case Kind::raw:
      return "raw" + fields({node.id, node.text, node.url});
    case Kind::text:
      break;
  }
  std::string words = '"' + node.text + '"';
  const auto put = [&](Mark mark, char letter) {
    if (node.marks.has(mark)) words += letter;
  };
  put(Mark::strong, 'b'), put(Mark::em, 'i'), put(Mark::strike, 's'), put(Mark::underline, 'u');
  put(Mark::sub, 'v'), put(Mark::sup, '^'), put(Mark::code, 'c');
  if (node.colour >= 0) words += fmt::format("#{:06x}", node.colour);
  return words + (node.link.empty() ? "" : "->" + node.link);
}

/// "table moved 1, colour nothing 2": sorted, without the examples.
inline std::string told(const richtext::Losses& losses) {
  std::vector<std::string> lines;
  for (const richtext::Loss& loss : losses.all())
    lines.push_back(fmt::format("{}: {} {}", loss.kind, loss.became, loss.count));
  std::sort(lines.begin(), lines.end());
  return fmt::format("{}", fmt::join(lines, ", "));
}

/// What of an Atlassian document Jira would refuse, by the rules of the published schema for the nodes that we write
/// and by Jira's narrower ones. Empty when there is nothing.
class AdfRules {
 public:
  static std::string faults(const Value& document) {
    AdfRules rules;
    rules.check_document(document);
    return rules.faults_;
  }

 private:
  using Names = std::initializer_list<std::string_view>;

  void fault(const std::string& text) { faults_ += text + "\n"; }
  static bool among(std::string_view name, Names names) {
    return std::find(names.begin(), names.end(), name) != names.end();
  }

  void only(const Object& object, Names keys, std::string_view where) {
    for (const auto& member : object) {
      if (!among(std::string_view(member.key()), keys))
        fault(fmt::format("{}: unexpected {}", where, std::string_view(member.key())));
    }
  }

  void check_document(const Value& document) {
    if (!document.is_object()) return fault("no object");
    const Object& root = document.get_object();
    only(root, {"type", "version", "content"}, "doc");
    if (!root.contains("version") || root.at("version") != 1) fault("version");
    check_content(root, "doc",
                  {"paragraph", "heading", "bulletList", "orderedList", "taskList", "codeBlock", "blockquote", "panel",
                   "rule", "table", "mediaSingle"},
                  0);
  }

  void check_content(const Object& node, std::string_view type, Names allowed, std::size_t least) {
    const Value* content = node.if_contains("content");
    if (content == nullptr || !content->is_array()) return fault(fmt::format("{} without content", type));
    if (content->get_array().size() < least) fault(fmt::format("{} is empty", type));
    for (const Value& child : content->get_array()) {
      if (!child.is_object() || !child.get_object().contains("type")) {
        fault(fmt::format("{} holds no node", type));
        continue;
      }
      const std::string_view kind = child.get_object().at("type").get_string();
      if (!among(kind, allowed)) fault(fmt::format("{} holds {}", type, kind));
      check(child.get_object(), kind);
    }
  }

  const Object& attrs(const Object& node, Names keys, std::string_view type) {
    static const Object none;
    const Value* found = node.if_contains("attrs");
    if (found == nullptr) return none;
    only(found->get_object(), keys, fmt::format("attrs of {}", type));
    return found->get_object();
  }

  void check(const Object& node, std::string_view type) {
    only(node, {"type", "attrs", "content", "text", "marks"}, type);
    if (type != "text" && type != "media" && node.contains("marks")) fault(fmt::format("marks on {}", type));
    if (type != "text" && node.contains("text")) fault(fmt::format("text in {}", type));
    const Names line = {"text", "hardBreak", "mention", "emoji", "inlineCard"};
    if (type == "text") return check_text(node);
    if (type == "paragraph") return attrs(node, {}, type), check_content(node, type, line, 0);
    if (type == "heading") {
      const Object& given = attrs(node, {"level"}, type);
      if (!given.contains("level") || given.at("level").to_number<int>() < 1 || given.at("level").to_number<int>() > 6)
        fault("level");
      return check_content(node, type, line, 0);
    }
    if (type == "bulletList" || type == "orderedList") {
      const Object& given = attrs(node, {"order"}, type);
      if (given.contains("order") && (type == "bulletList" || given.at("order").to_number<double>() < 0))
        fault("order");
      return check_content(node, type, {"listItem"}, 1);
    }
    if (type == "listItem") {
      attrs(node, {}, type);
      check_content(node, type, {"paragraph", "bulletList", "orderedList", "taskList", "mediaSingle", "codeBlock"}, 1);
      const Value* content = node.if_contains("content");
      if (content != nullptr && !content->get_array().empty() && content->get_array()[0].at("type") != "paragraph") {
        fault("listItem does not start with a paragraph");
      }
      return;
    }
    if (type == "taskList") {
      check_local_id(attrs(node, {"localId"}, type));
      return check_content(node, type, {"taskItem", "taskList"}, 1);
    }
    if (type == "taskItem") {
      const Object& given = attrs(node, {"localId", "state"}, type);
      check_local_id(given);
      if (!given.contains("state") || !among(std::string_view(given.at("state").get_string()), {"TODO", "DONE"}))
        fault("state");
      return check_content(node, type, line, 0);
    }
    check_more(node, type);
  }

  void check_more(const Object& node, std::string_view type) {
    if (type == "codeBlock") {
      attrs(node, {"language"}, type);
      check_content(node, type, {"text"}, 1);
      for (const Value& text : node.at("content").get_array()) {
        if (text.get_object().contains("marks")) fault("marks in a codeBlock");
      }
    } else if (type == "blockquote") {
      check_content(node, type, {"paragraph", "bulletList", "orderedList", "codeBlock", "mediaSingle"}, 1);
    } else if (type == "panel") {
      const Object& given = attrs(node, {"panelType"}, type);
      const Names panels = {"info", "note", "tip", "warning", "error", "success"};
      if (!given.contains("panelType") || !among(std::string_view(given.at("panelType").get_string()), panels))
        fault("panelType");
      check_content(
          node, type,
          {"paragraph", "heading", "bulletList", "orderedList", "mediaSingle", "codeBlock", "taskList", "rule"}, 1);
    } else if (type == "table") {
      check_content(node, type, {"tableRow"}, 1);
    } else if (type == "tableRow") {
      check_content(node, type, {"tableCell", "tableHeader"}, 1);
    } else if (type == "tableCell" || type == "tableHeader") {
      attrs(node, {"colspan", "rowspan"}, type);
      check_content(node, type,
                    {"paragraph", "heading", "bulletList", "orderedList", "taskList", "codeBlock", "blockquote",
                     "panel", "rule", "mediaSingle"},
                    1);
    } else if (type == "mediaSingle") {
      check_content(node, type, {"media"}, 1);
    } else if (type == "media") {
      const Object& given = attrs(node, {"type", "id", "collection", "alt", "width", "height"}, type);
      if (!given.contains("id") || given.at("id").get_string().empty() || !given.contains("collection")) fault("media");
      if (given.contains("alt")) check_characters(given.at("alt").get_string());
      if (node.contains("marks")) check_marks(node.at("marks").get_array());
    } else if (type == "mention") {
      if (const Object& given = attrs(node, {"id", "text"}, type); !given.contains("id")) fault("mention");
    } else if (type == "emoji") {
      if (const Object& given = attrs(node, {"shortName", "text"}, type); !given.contains("shortName")) fault("emoji");
    } else if (type == "inlineCard") {
      if (const Object& given = attrs(node, {"url"}, type); !given.contains("url")) fault("inlineCard");
    } else if (type != "rule" && type != "hardBreak") {
      fault(fmt::format("unknown {}", type));
    }
  }

  void check_local_id(const Object& given) {
    if (!given.contains("localId")) return fault("localId");
    const std::string id(given.at("localId").get_string());
    if (std::find(ids_.begin(), ids_.end(), id) != ids_.end()) fault("localId twice");
    ids_.push_back(id);
  }

  void check_characters(std::string_view text) {
    for (std::size_t at = 0; at < text.size(); ++at) {
      const auto byte = static_cast<unsigned char>(text[at]);
      if (byte < 0x20 && byte != '\n' && byte != '\t') fault("control character");
      if (byte == 0xED && at + 1 < text.size() && static_cast<unsigned char>(text[at + 1]) >= 0xA0)
        fault("half a surrogate pair");
    }
    boost::json::error_code error;
    boost::json::parse(boost::json::serialize(boost::json::string(text)), error);
    if (error) fault("no UTF-8");
  }

  void check_text(const Object& node) {
    if (!node.contains("text") || !node.at("text").is_string()) return fault("text without text");
    if (node.at("text").get_string().empty()) fault("empty text");
    check_characters(node.at("text").get_string());
    if (node.contains("marks")) check_marks(node.at("marks").get_array());
  }

  void check_marks(const Array& marks) {
    std::vector<std::string> seen;
    for (const Value& value : marks) {
      const Object& mark = value.get_object();
      only(mark, {"type", "attrs"}, "mark");
      const std::string type(mark.at("type").get_string());
      if (std::find(seen.begin(), seen.end(), type) != seen.end()) fault("mark twice: " + type);
      seen.push_back(type);
      const bool plain = among(type, {"strong", "em", "strike", "underline", "code"});
      if (plain == mark.contains("attrs")) fault("attrs of " + type);
      if (type == "textColor") {
        const std::string colour(mark.at("attrs").at("color").get_string());
        if (colour.size() != 7 || colour[0] != '#' ||
            colour.find_first_not_of("0123456789abcdef", 1) != std::string::npos)
          fault("colour");
      } else if (type == "link") {
        std::string href(mark.at("attrs").at("href").get_string());
        std::erase_if(href, [](char c) { return static_cast<unsigned char>(c) <= ' '; });
        std::transform(href.begin(), href.end(), href.begin(),
                       [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
        if (href.empty() || href.starts_with("javascript:") || href.starts_with("data:"))
          fault(fmt::format("link {}", href));
        check_characters(href);
      } else if (type == "subsup") {
        if (!among(std::string_view(mark.at("attrs").at("type").get_string()), {"sub", "sup"})) fault("subsup");
      } else if (!plain) {
        fault("unknown mark " + type);
      }
    }
    const bool code = std::find(seen.begin(), seen.end(), "code") != seen.end();
    if (code && std::any_of(seen.begin(), seen.end(),
                            [](const std::string& type) { return type != "code" && type != "link"; })) {
      fault("code with other marks");
    }
  }

  std::string faults_;
  std::vector<std::string> ids_;
};

}  // namespace migrate::richtext_tests
