// Documents as wiki markup: what version 2 of the API answers on Jira Cloud.
#include <fmt/format.h>

#include <cctype>

#include "adf.hpp"

namespace migrate::jira::sim {
namespace {

using NameOf = std::function<std::string(std::string_view)>;

std::string_view text_of(const Value& value, std::string_view name) {
  const Value* found = value.is_object() ? value.get_object().if_contains(name) : nullptr;
  return found && found->is_string() ? std::string_view(found->get_string()) : std::string_view();
}

std::string_view attribute(const Value& node, std::string_view name) {
  const Value* attrs = node.get_object().if_contains("attrs");
  return attrs ? text_of(*attrs, name) : std::string_view();
}

const Array& children(const Value& node) {
  static const Array nothing;
  const Value* content = node.get_object().if_contains("content");
  return content && content->is_array() ? content->get_array() : nothing;
}

std::string escaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool opens = i + 1 < text.size() && text[i + 1] != ' ';
    const bool begins = i == 0 || !std::isalnum(static_cast<unsigned char>(text[i - 1]));
    if (c == '{' || c == '[' || c == '|' ||
        (opens && begins && std::string_view("*_-+!^~").find(c) != std::string_view::npos)) {
      out += '\\';
    }
    out += c;
  }
  return out;
}

class Writer {
 public:
  explicit Writer(const NameOf& name) : name_(name) {}

  std::string blocks(const Array& list, std::string_view between) {
    std::string out;
    for (const Value& each : list) {
      if (!out.empty()) out += between;
      out += block(each);
    }
    return out;
  }

 private:
  std::string block(const Value& node) {
    const std::string_view type = text_of(node, "type");
    if (type == "heading") {
      const auto level = node.at("attrs").at("level").to_number<int>();
      return fmt::format("h{}. {}", level, inlines(children(node)));
    }
    if (type == "bulletList" || type == "orderedList") return list(node, type == "bulletList" ? "*" : "#");
    if (type == "codeBlock") return code(node);
    if (type == "blockquote") return fmt::format("{{quote}}\n{}\n{{quote}}", blocks(children(node), "\n\n"));
    if (type == "panel") return fmt::format("{{panel}}\n{}\n{{panel}}", blocks(children(node), "\n\n"));
    if (type == "rule") return "----";
    if (type == "table") return table(node);
    if (type == "mediaSingle" || type == "mediaGroup") return files(node);
    if (type == "blockCard") return fmt::format("[{}]", attribute(node, "url"));
    if (type == "taskList" || type == "decisionList") return tasks(node);
    if (type == "expand" || type == "nestedExpand") return blocks(children(node), "\n\n");
    return inlines(children(node));
  }

  std::string list(const Value& node, const std::string& mark) {
    std::string out;
    for (const Value& item : children(node)) {
      std::string head;
      for (const Value& each : children(item)) {
        const std::string_view type = text_of(each, "type");
        if (type == "bulletList" || type == "orderedList") {
          head += (head.empty() ? "" : "\n") + list(each, mark + (type == "bulletList" ? "*" : "#"));
        } else {
          head += head.empty() ? mark + " " + block(each) : "\n" + block(each);
        }
      }
      if (!out.empty()) out += '\n';
      out += head;
    }
    return out;
  }

  std::string code(const Value& node) {
    const std::string_view language = attribute(node, "language");
    std::string out = language.empty() ? std::string("{code}\n") : fmt::format("{{code:{}}}\n", language);
    for (const Value& each : children(node)) out += text_of(each, "text");
    return out + "\n{code}";
  }

  std::string table(const Value& node) {
    std::string out;
    for (const Value& row : children(node)) {
      if (!out.empty()) out += '\n';
      std::string_view bar;
      for (const Value& cell : children(row)) {
        bar = text_of(cell, "type") == "tableHeader" ? "||" : "|";
        const std::string inside = blocks(children(cell), "\n");
        out += fmt::format("{}{}", bar, inside.empty() ? " " : inside);
      }
      out += bar;
    }
    return out;
  }

  std::string files(const Value& node) {
    std::string out;
    for (const Value& each : children(node)) {
      if (text_of(each, "type") != "media") continue;
      const std::string_view url = attribute(each, "url");
      out += url.empty() ? fmt::format("!{}!", name_(attribute(each, "id"))) : fmt::format("!{}!", url);
    }
    return out;
  }

  std::string tasks(const Value& node) {
    std::string out;
    for (const Value& each : children(node)) {
      if (!out.empty()) out += '\n';
      out += "* " + inlines(children(each));
    }
    return out;
  }

  std::string inlines(const Array& list) {
    std::string out;
    for (const Value& each : list) out += inline_node(each);
    return out;
  }

  std::string inline_node(const Value& node) {
    const std::string_view type = text_of(node, "type");
    if (type == "text") return marked(node);
    if (type == "hardBreak") return "\n";
    if (type == "mention") return fmt::format("[~accountid:{}]", attribute(node, "id"));
    if (type == "inlineCard") return fmt::format("[{0}|{0}|smart-link]", attribute(node, "url"));
    if (type == "mediaInline") return fmt::format("[^{}]", name_(attribute(node, "id")));
    if (type == "date") return std::string(attribute(node, "timestamp"));
    if (type == "emoji" && attribute(node, "text").empty()) return std::string(attribute(node, "shortName"));
    return std::string(attribute(node, "text"));
  }

  std::string marked(const Value& node) {
    const std::string_view raw = text_of(node, "text");
    std::string out = escaped(raw);
    const Value* marks = node.get_object().if_contains("marks");
    if (!marks) return out;
    for (const Value& mark : marks->get_array()) {
      const std::string_view type = text_of(mark, "type");
      if (type == "code") out = fmt::format("{{{{{}}}}}", raw);
      if (type == "strong") out = fmt::format("*{}*", out);
      if (type == "em") out = fmt::format("_{}_", out);
      if (type == "strike") out = fmt::format("-{}-", out);
      if (type == "underline") out = fmt::format("+{}+", out);
      if (type == "subsup") out = fmt::format("{0}{1}{0}", attribute(mark, "type") == "sup" ? '^' : '~', out);
      if (type == "textColor") out = fmt::format("{{color:{}}}{}{{color}}", attribute(mark, "color"), out);
      if (type == "link") out = fmt::format("[{}|{}]", out, attribute(mark, "href"));
    }
    return out;
  }

  const NameOf& name_;
};

}  // namespace

std::string to_wiki(const Value& document, const NameOf& name) {
  return Writer(name).blocks(children(document), "\n\n");
}

}  // namespace migrate::jira::sim
