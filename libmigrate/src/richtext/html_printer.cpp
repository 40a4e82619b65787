#include "html_printer.hpp"

#include <fmt/format.h>

#include "gitlab.hpp"
#include "link.hpp"
#include "live.hpp"
#include "normal_form.hpp"
#include "spans.hpp"
#include "utf8.hpp"

MIGRATE_BEGIN
namespace richtext {

void append_escaped(std::string& to, std::string_view text, bool in_attribute) {
  for (const char c : text) {
    switch (c) {
      case '&':
        to += "&amp;";
        break;
      case '<':
        to += "&lt;";
        break;
      case '>':
        to += "&gt;";
        break;
      case '"':
        if (in_attribute)
          to += "&quot;";
        else
          to += c;
        break;
      default:
        to += c;
    }
  }
}

namespace {

using Nodes = std::vector<Node>;

struct Tag {
  Layer layer;
  const char* name;
};
constexpr Tag tags[] = {{Layer::strong, "strong"}, {Layer::em, "em"},    {Layer::strike, "del"},
                        {Layer::underline, "ins"}, {Layer::sub, "sub"},  {Layer::sup, "sup"},
                        {Layer::colour, "span"},   {Layer::code, "code"}};

class HtmlPrinter {
 public:
  HtmlPrinter(HtmlFor reader, Losses& losses) : for_gitlab_(reader == HtmlFor::gitlab), losses_(losses) {}

  void blocks(const Nodes& nodes) {
    for (const Node& node : nodes) block(node);
  }
  std::string take() { return std::move(out_); }

 private:
  void block(const Node& node) {
    switch (node.kind) {
      case Kind::paragraph:
        element("p", node);
        break;
      case Kind::heading:
        element(fmt::format("h{}", node.level).c_str(), node);
        break;
      case Kind::list:
        list(node);
        break;
      case Kind::code_block:
        code(node);
        break;
      case Kind::quote:
        around("<blockquote>", node, "</blockquote>");
        break;
      case Kind::panel:
        panel(node);
        break;
      case Kind::rule:
        out_ += "<hr>";
        break;
      case Kind::table:
        table(node);
        break;
      default:
        blocks(node.children);
        break;
    }
  }

  void element(const char* tag, const Node& node) {
    out_ += fmt::format("<{}>", tag);
    line(node.children);
    out_ += fmt::format("</{}>", tag);
  }

  void around(std::string_view opening, const Node& node, std::string_view closing) {
    out_ += opening;
    blocks(node.children);
    out_ += closing;
  }

  void panel(const Node& node) {
    if (!for_gitlab_) return around(fmt::format("<div data-panel=\"{}\">", node.id), node, "</div>");
    losses_.add("panel", "quote", first_words(node));
    around("<blockquote>", node, "</blockquote>");
  }

  void code(const Node& node) {
    out_ += "<pre";
    if (!node.id.empty()) out_ += fmt::format(" lang=\"{}\"", node.id);
    out_ += "><code>";
    std::string text;
    append_escaped(text, node.text);
    if (for_gitlab_) text = guarded(text);
    for (const char c : text) {
      // A line of its own could be empty, which would end the table, or begin with a command.
      if (c == '\n' && for_gitlab_)
        out_ += "&#10;";
      else
        out_ += c;
    }
    out_ += "</code></pre>";
  }

  void list(const Node& node) {
    const char* tag = node.ordered ? "ol" : "ul";
    out_ += fmt::format("<{}", tag);
    if (node.ordered && node.start != 1) out_ += fmt::format(" start=\"{}\"", node.start);
    out_ += '>';
    for (const Node& item : node.children) {
      out_ += "<li";
      if (item.task != Task::none && !for_gitlab_) {
        const bool done = item.task == Task::done;
        out_ += fmt::format(" data-task=\"{}\"><input type=\"checkbox\" disabled{}> ", done ? "done" : "open",
                            done ? " checked" : "");
      } else {
        out_ += '>';
      }
      if (item.task != Task::none && for_gitlab_) {
        losses_.add("task", "text", first_words(item));
        out_ += item.task == Task::done ? "\u2611 " : "\u2610 ";
      }
      held(item);
      out_ += "</li>";
    }
    out_ += fmt::format("</{}>", tag);
  }

  /// The content of an item or cell: one paragraph in front of other blocks needs no element.
  void held(const Node& node) {
    const Nodes& inside = node.children;
    std::size_t at = 0;
    const bool bare = !inside.empty() && inside[0].kind == Kind::paragraph &&
                      (inside.size() == 1 || inside[1].kind != Kind::paragraph);
    if (bare) line(inside[at++].children);
    for (; at < inside.size(); ++at) block(inside[at]);
  }

  void table(const Node& node) {
    // A border tells a table from a layout, also to parse_html().
    out_ += for_gitlab_ ? "<table>" : "<table border=\"1\">";
    for (const Node& row : node.children) {
      if (for_gitlab_ && !in_table_) out_ += '\n';
      const bool outer = std::exchange(in_table_, true);
      out_ += "<tr>";
      for (const Node& cell : row.children) {
        const char* tag = cell.header ? "th" : "td";
        out_ += fmt::format("<{}", tag);
        if (cell.colspan > 1) out_ += fmt::format(" colspan=\"{}\"", cell.colspan);
        if (cell.rowspan > 1) out_ += fmt::format(" rowspan=\"{}\"", cell.rowspan);
        out_ += '>';
        held(cell);
        out_ += fmt::format("</{}>", tag);
      }
      out_ += "</tr>";
      in_table_ = outer;
    }
    if (for_gitlab_ && !in_table_) out_ += '\n';
    out_ += "</table>";
  }

  void line(const Nodes& nodes) {
    blank_before_ = true;
    for (const Span& span : spans_of(nodes)) {
      switch (span.what) {
        case Span::What::open:
          opens(span);
          break;
        case Span::What::close:
          closes(span);
          break;
        case Span::What::words:
          words(span.words);
          break;
        case Span::What::node:
          inside_line(*span.node);
          break;
      }
    }
  }

  bool writes(const Span& span) {
    if (span.layer == Layer::link) return is_safe_link(span.node->link);
    return span.layer != Layer::colour || !for_gitlab_;
  }

  void opens(const Span& span) {
    if (!writes(span)) {
      if (span.layer == Layer::link)
        losses_.add("link", "text", span.node->link);
      else
        losses_.add("colour", "nothing", span.node->text);
      return;
    }
    if (span.layer == Layer::link) {
      out_ += "<a href=\"";
      append_escaped(out_, span.node->link, true);
      out_ += "\">";
    } else if (span.layer == Layer::colour) {
      out_ += fmt::format("<span style=\"color:#{:06x}\">", span.node->colour);
    } else {
      for (const Tag& tag : tags) {
        if (tag.layer == span.layer) out_ += fmt::format("<{}>", tag.name);
      }
    }
  }

  void closes(const Span& span) {
    if (!writes(span)) return;
    if (span.layer == Layer::link) out_ += "</a>";
    for (const Tag& tag : tags) {
      if (tag.layer == span.layer) out_ += fmt::format("</{}>", tag.name);
    }
  }

  void words(std::string_view text) {
    std::string escaped;
    for (std::size_t at = 0; at < text.size(); ++at) {
      // Browsers fold blanks.
      if (text[at] == ' ') {
        escaped += blank_before_ ? "&nbsp;" : " ";
        blank_before_ = !blank_before_;
      } else if (text.substr(at, 2) == "\u00A0") {
        escaped += "&nbsp;";
        ++at;
        blank_before_ = false;
      } else {
        append_escaped(escaped, text.substr(at, 1));
        blank_before_ = false;
      }
    }
    out_ += for_gitlab_ ? guarded(escaped) : escaped;
  }

  /// GitLab looks for references in the text between two tags.
  static std::string guarded(std::string_view escaped) {
    std::string result;
    for (std::size_t at = 0; at < escaped.size(); ++at) {
      const char c = escaped[at];
      const bool entity = escaped.substr(at, 5) == "&amp;";
      const char next = entity ? (at + 5 < escaped.size() ? escaped[at + 5] : '\0')
                               : (at + 1 < escaped.size() ? escaped[at + 1] : '\0');
      const bool starts = entity || std::string_view("@#!$%~^:").find(c) != std::string_view::npos;
      if (!starts || is_ascii_space(next)) {
        result += c;
        continue;
      }
      result += entity ? "<span>&amp;</span>" : fmt::format("<span>{}</span>", c);
      if (entity) at += 4;
    }
    return result;
  }

  void inside_line(const Node& node) {
    switch (node.kind) {
      case Kind::hard_break:
        out_ += "<br>";
        blank_before_ = true;
        return;
      case Kind::image:
        if (const std::string& address = node.target.empty() ? node.url : node.target; shows(address))
          return image(node, address);
        break;
      case Kind::mention:
        if (node.target.empty() || (for_gitlab_ && !is_user_name(node.target))) break;
        return typed("data-mention", node.target, "", "@" + (for_gitlab_ ? node.target : name_of(node)));
      case Kind::reference:
        if (node.target.empty() || (for_gitlab_ && !is_item_reference(node.target))) break;
        return typed("data-item", node.target, is_web_address(node.target) ? node.target : "",
                     node.text.empty() || for_gitlab_ ? node.target : node.text);
      case Kind::emoji:
        if (!node.text.empty()) return words(node.text);
        break;
      default:
        break;
    }
    const Node said = as_words(node, losses_);
    Nodes line_of_one;
    line_of_one.push_back(said);
    const bool linked = !said.link.empty() && node.link.empty();
    const std::vector<Span> spans = spans_of(line_of_one);
    for (const Span& span : spans) {
      if (span.what == Span::What::open && linked) opens(span);
      if (span.what == Span::What::words) words(span.words);
      if (span.what == Span::What::close && linked) closes(span);
    }
  }

  bool shows(const std::string& address) const {
    if (address.empty() || !is_safe_image(address)) return false;
    const std::string scheme = scheme_of(address);
    return scheme != "cid" && (scheme != "data" || !for_gitlab_);
  }

  void image(const Node& node, const std::string& address) {
    out_ += "<img src=\"";
    append_escaped(out_, address, true);
    out_ += "\" alt=\"";
    append_escaped(out_, node.text, true);
    out_ += '"';
    if (node.width > 0) out_ += fmt::format(" width=\"{}\"", node.width);
    if (node.height > 0) out_ += fmt::format(" height=\"{}\"", node.height);
    out_ += '>';
    blank_before_ = false;
  }

  void typed(const char* attribute, const std::string& value, const std::string& address, const std::string& said) {
    out_ += fmt::format("<{} {}=\"", address.empty() ? "span" : "a", attribute);
    append_escaped(out_, value, true);
    if (!address.empty()) {
      out_ += "\" href=\"";
      append_escaped(out_, address, true);
    }
    out_ += "\">";
    append_escaped(out_, said);
    out_ += address.empty() ? "</span>" : "</a>";
    blank_before_ = false;
  }

  const bool for_gitlab_;
  Losses& losses_;
  std::string out_;
  bool blank_before_ = true;
  bool in_table_ = false;
};

}  // namespace

std::string html_of(const Nodes& nodes, HtmlFor reader, Losses& losses) {
  HtmlPrinter printer(reader, losses);
  printer.blocks(nodes);
  return printer.take();
}

Printed print_html(const Node& document) {
  Printed printed;
  Node made;
  const Node& tree = normal_form(document, made, printed.losses);
  printed.text = html_of(tree.children, HtmlFor::browsers, printed.losses);
  return printed;
}

}  // namespace richtext
MIGRATE_END
