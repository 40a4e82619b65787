#include <fmt/format.h>

#include <algorithm>

#include "link.hpp"
#include "live.hpp"
#include "migrate/richtext/formats.hpp"
#include "normal_form.hpp"
#include "spans.hpp"
#include "utf8.hpp"
#include "wiki_escape.hpp"

MIGRATE_BEGIN
namespace richtext {
namespace {

using Nodes = std::vector<Node>;

struct Panel {
  std::string_view type, colour;
};
// Jira's own colours of panels; it makes the panel of the type from the colour.
constexpr Panel panels[] = {{"info", "#deebff"},    {"note", "#eae6ff"},    {"tip", "#e3fcef"},
                            {"success", "#e3fcef"}, {"warning", "#fffae6"}, {"error", "#ffebe6"}};

struct WikiMark {
  Layer layer;
  char mark;
};
constexpr WikiMark wiki_marks[] = {{Layer::strong, '*'},    {Layer::em, '_'},  {Layer::strike, '-'},
                                   {Layer::underline, '+'}, {Layer::sub, '~'}, {Layer::sup, '^'}};

/// Behind blanks of another kind alone Jira sees no item.
constexpr const char* empty_item = "\u00A0";

/// Where a line stands: how it breaks, and what it may not hold.
enum class Where { block, item, cell };

class WikiPrinter {
 public:
  explicit WikiPrinter(Losses& losses) : losses_(losses) {}

  std::string blocks(const Nodes& nodes) {
    std::string all;
    for (const Node& node : nodes) {
      if (!all.empty()) all += "\n\n";
      all += block(node);
    }
    return all;
  }

 private:
  std::string block(const Node& node) {
    switch (node.kind) {
      case Kind::paragraph:
        return line(node.children, Where::block);
      case Kind::heading:
        return fmt::format("h{}. {}", node.level, line(node.children, Where::item));
      case Kind::list:
        return list(node, "");
      case Kind::code_block:
        return code(node);
      case Kind::quote:
        return quote(node);
      case Kind::panel:
        return panel(node);
      case Kind::rule:
        return "----";
      case Kind::table:
        return table(node);
      default:
        return blocks(node.children);
    }
  }

  std::string quote(const Node& node) {
    if (in_quote_) {
      losses_.add("quote", "its content", first_words(node));
      return blocks(node.children);
    }
    in_quote_ = true;
    const std::string inside = blocks(node.children);
    in_quote_ = false;
    return "{quote}\n" + inside + "\n{quote}";
  }

  std::string panel(const Node& node) {
    if (in_panel_) {
      losses_.add("panel", "its content", first_words(node));
      return blocks(node.children);
    }
    in_panel_ = true;
    const std::string inside = blocks(node.children);
    in_panel_ = false;
    const auto* found =
        std::find_if(std::begin(panels), std::end(panels), [&](const Panel& one) { return one.type == node.id; });
    return fmt::format("{{panel:bgColor={}}}\n{}\n{{panel}}", found == std::end(panels) ? "#deebff" : found->colour,
                       inside);
  }

  std::string code(const Node& node) {
    std::string text = node.text;
    const bool has_code = text.find("{code") != std::string::npos;
    const bool has_noformat = text.find("{noformat") != std::string::npos;
    if (has_code && has_noformat) {
      // Nothing could end the one without ending early.
      losses_.add("code_block", "{code} with a blank in it", first_words(node));
      for (std::size_t at = 0; (at = text.find("{code", at)) != std::string::npos; at += 2) text.insert(at + 1, " ");
    }
    if (node.id.empty() || (has_code && !has_noformat)) {
      if (!node.id.empty()) losses_.add("language of code", "nothing", node.id);
      if (!has_noformat) return "{noformat}\n" + text + "\n{noformat}";
      return "{code}\n" + text + "\n{code}";
    }
    const bool known = is_wiki_language(node.id);
    if (!known) losses_.add("language of code", "nothing", node.id);
    return (known ? "{code:" + lower(node.id) + "}\n" : std::string("{code}\n")) + text + "\n{code}";
  }

  std::string list(const Node& node, const std::string& above) {
    const std::string mark = above + (node.ordered ? '#' : '*');
    if (node.ordered && node.start != 1) losses_.add("first number of a list", "1", fmt::format("{}", node.start));
    std::string all;
    for (const Node& item : node.children) {
      const bool begins_with_list = !item.children.empty() && item.children[0].kind == Kind::list;
      // Such an item has no line of its own, but where the list would fall to the item before.
      const bool bare = begins_with_list && all.empty() && item.task == Task::none;
      if (!all.empty()) all += '\n';
      if (!bare) all += mark + ' ';
      if (item.task != Task::none) {
        losses_.add("task", "text", first_words(item));
        all += item.task == Task::done ? "\u2611 " : "\u2610 ";
      }
      if (begins_with_list && !bare) all += std::string(item.task == Task::none ? empty_item : "") + "\n";
      all += held(item.children, mark, Where::item);
    }
    return all;
  }

  /// The blocks of an item or cell. Where nothing may be empty in between, paragraphs part with a break.
  std::string held(const Nodes& nodes, const std::string& mark, Where where) {
    std::string all;
    bool after_block = false;
    for (const Node& node : nodes) {
      if (node.kind == Kind::list && where == Where::item) {
        all += (all.empty() ? std::string() : "\n") + list(node, mark);
        after_block = true;
        continue;
      }
      if (is_macro(node) && where == Where::item) {
        all += (all.empty() ? empty_item : "") + ("\n" + block(node));
        after_block = true;
        continue;
      }
      const std::string words = one_line(node, where);
      if (words.empty()) continue;
      if (!all.empty()) all += after_block ? "\n" : "\\\\ ";
      if (after_block)
        losses_.add("list_item", "text behind the list", first_words(node));
      else if (!all.empty())
        losses_.add("paragraph", "a line", first_words(node));
      all += words;
    }
    if (all.empty()) all = where == Where::item ? empty_item : " ";
    return all;
  }

  static bool is_macro(const Node& node) {
    return node.kind == Kind::code_block || node.kind == Kind::quote || node.kind == Kind::panel;
  }

  /// A block where only a line has room.
  std::string one_line(const Node& node, Where where) {
    switch (node.kind) {
      case Kind::paragraph:
        return line(node.children, where);
      case Kind::rule:
        losses_.add("rule", "nothing");
        return {};
      case Kind::code_block: {
        losses_.add("code_block", "lines of code", first_words(node));
        std::string all;
        std::string_view rest = node.text;
        while (!rest.empty()) {
          const std::size_t end = std::min(rest.find('\n'), rest.size());
          const std::string words = wiki_escaped(rest.substr(0, end), WikiPlace());
          if (!words.empty()) all += (all.empty() ? "{{" : "\\\\ {{") + words + "}}";
          rest.remove_prefix(std::min(end + 1, rest.size()));
        }
        return all;
      }
      default:
        break;
    }
    losses_.add(to_string(node.kind), "lines", first_words(node));
    if (node.kind == Kind::heading) {
      const std::string words = line(node.children, where);
      return words.find('*') == std::string::npos ? "{*}" + words + "{*}" : words;
    }
    std::string all;
    for (const Node& child : node.children) {
      const std::string words = is_inline(child.kind)           ? std::string()
                                : child.kind == Kind::paragraph ? line(child.children, where)
                                                                : one_line_inner(child, where);
      if (words.empty()) continue;
      if (!all.empty()) all += "\\\\ ";
      all += words;
    }
    return all;
  }

  /// As one_line(), with the loss told once for all of the block.
  std::string one_line_inner(const Node& node, Where where) {
    std::string all;
    if (node.kind == Kind::rule || node.kind == Kind::code_block || node.kind == Kind::heading)
      return one_line(node, where);
    for (const Node& child : node.children) {
      const std::string words =
          child.kind == Kind::paragraph ? line(child.children, where) : one_line_inner(child, where);
      if (words.empty()) continue;
      if (!all.empty()) all += node.kind == Kind::row ? wiki_escaped(" | ", WikiPlace()) : std::string("\\\\ ");
      all += words;
    }
    return node.kind == Kind::list_item && !all.empty() ? "\\- " + all : all;
  }

  std::string table(const Node& node) {
    std::string all;
    for (const Node& row : node.children) {
      if (!all.empty()) all += '\n';
      bool header = false;
      for (const Node& cell : row.children) {
        header = cell.header;
        all += header ? "||" : "|";
        all += held(cell.children, "", Where::cell);
        if (cell.colspan > 1 || cell.rowspan > 1) losses_.add("span of a cell", "cells", first_words(cell));
        for (int column = 1; column < cell.colspan; ++column) all += header ? "|| " : "| ";
      }
      all += header ? "||" : "|";
    }
    return all;
  }

  std::string line(const Nodes& nodes, Where where) {
    std::string all;
    std::vector<std::size_t> opened;  // where in `all` the mark of an open span stands
    // Where a break ends the line, marks and links end there, too: Jira reads those of one line only.
    const std::vector<Span> spans = spans_of(nodes, where == Where::block ? AtBreak::ends : AtBreak::goes_on);
    tight_end_ = std::string::npos;
    for (std::size_t at = 0; at < spans.size(); ++at) {
      const Span& span = spans[at];
      switch (span.what) {
        case Span::What::open:
          if (span.layer == Layer::code) {
            at = code_span(spans, at, all);
          } else {
            open(spans, at, all);
          }
          break;
        case Span::What::close:
          close(spans, at, all);
          break;
        case Span::What::words:
          words(span.words, all);
          break;
        case Span::What::node:
          node_in_line(*span.node, all, where);
          break;
      }
    }
    return all;
  }

  /// Jira sees code and pictures only where no letter or digit touches them.
  void part_before(std::string& all, std::string_view kind, std::string_view example) {
    if (all.empty()) return;
    std::size_t last = all.size() - 1;
    while (last > 0 && (static_cast<unsigned char>(all[last]) & 0xC0) == 0x80) --last;
    if (may_be_word(decode(all, last).code)) part(all, kind, example);
  }
  void part_after(std::string& all, std::string_view next) {
    if (all.size() == tight_end_ && !next.empty() && may_be_word(decode(next, 0).code)) part(all, tight_kind_, next);
  }
  void part(std::string& all, std::string_view kind, std::string_view example) {
    losses_.add(kind, "the same with a blank beside it", example);
    all += ' ';
  }
  void end_tight(const std::string& all, std::string_view kind) {
    tight_end_ = all.size();
    tight_kind_ = kind;
  }
  /// Beyond ASCII only blanks and the signs between words (dashes, quotation marks) are certain to be none.
  static bool may_be_word(char32_t code) {
    if (code < 0x80) return is_ascii_alnum(static_cast<char>(code));
    return !is_space(code) && code != 0xAB && code != 0xBB && (code < 0x2010 || code > 0x205E);
  }

  void words(std::string_view text, std::string& all) {
    part_after(all, text);
    WikiPlace place;
    // In a cell, too: Jira reads lists, headings and quotes there.
    place.line_start = all.empty() || all.back() == '\n';
    place.mark_start = begins_with_marks(all);
    place.before = all.empty() ? ' ' : all.back();
    all += wiki_escaped(text, place);
  }

  /// Of the line that is written: "*# a*" were an item of a list.
  static bool begins_with_marks(const std::string& all) {
    const std::size_t last = all.find_last_not_of("*-");
    return last == std::string::npos || all[last] == '\n';
  }

  std::size_t code_span(const std::vector<Span>& spans, std::size_t at, std::string& all) {
    std::string code;
    const std::size_t end = spans[at].mate;
    while (++at < end) code += spans[at].words;
    part_before(all, "code", code);
    all += "{{" + wiki_escaped(code, WikiPlace()) + "}}";
    end_tight(all, "code");
    return end;
  }

  /// A mark works between words only; in braces it works everywhere.
  static bool is_apart(const std::vector<Span>& spans, std::size_t open) {
    const auto blank_words = [](const Span& span, bool at_end) {
      return span.what == Span::What::words && !span.words.empty() &&
             is_ascii_space(at_end ? span.words.back() : span.words.front());
    };
    const auto breaks = [](const Span& span) {
      return span.what == Span::What::node && span.node->kind == Kind::hard_break;
    };
    const std::size_t close = spans[open].mate;
    const bool before = open == 0 || blank_words(spans[open - 1], true) || breaks(spans[open - 1]);
    const bool after = close + 1 == spans.size() || blank_words(spans[close + 1], false) || breaks(spans[close + 1]);
    return before && after;
  }

  void open(const std::vector<Span>& spans, std::size_t at, std::string& all) {
    const Span& span = spans[at];
    if (span.layer == Layer::link) {
      if (is_safe_link(span.node->link))
        all += '[';
      else
        losses_.add("link", "text", span.node->link);
    } else if (span.layer == Layer::colour) {
      all += fmt::format("{{color:#{:06x}}}", span.node->colour);
    } else {
      mark(spans, at, span.layer, all);
    }
  }

  void close(const std::vector<Span>& spans, std::size_t at, std::string& all) {
    const Span& span = spans[at];
    if (span.layer == Layer::link) {
      if (is_safe_link(span.node->link)) all += "|" + wiki_address(span.node->link) + "]";
    } else if (span.layer == Layer::colour) {
      all += "{color}";
    } else {
      mark(spans, span.mate, span.layer, all);
    }
  }

  static void mark(const std::vector<Span>& spans, std::size_t open, Layer layer, std::string& all) {
    for (const WikiMark& one : wiki_marks) {
      if (one.layer != layer) continue;
      all += is_apart(spans, open) ? std::string(1, one.mark) : fmt::format("{{{}}}", one.mark);
    }
  }

  void node_in_line(const Node& node, std::string& all, Where where) {
    switch (node.kind) {
      case Kind::hard_break:
        all += where == Where::block ? "\n" : "\\\\ ";
        return;
      case Kind::image:
        if (image(node, all)) return;
        break;
      case Kind::mention:
        if (node.target.empty() || node.target.find_first_of("[]|\\") != std::string::npos) break;
        all += "[~" + node.target + "]";
        return;
      case Kind::reference:
        if (node.target.empty()) break;
        // Jira makes links of the keys of its items.
        part_after(all, node.target);
        all += is_web_address(node.target) ? "[" + wiki_address(node.target) + "]"
                                           : wiki_escaped(node.target, WikiPlace());
        return;
      case Kind::emoji:
        if (!node.text.empty()) return words(node.text, all);
        break;
      default:
        break;
    }
    const Node said = as_words(node, losses_);
    const bool linked = !said.link.empty() && node.link.empty();
    if (linked) all += '[';
    words(said.text, all);
    if (linked) all += "|" + wiki_address(said.link) + "]";
  }

  bool image(const Node& node, std::string& all) {
    if (node.target.empty() || node.target.find_first_of("|!\\{}") != std::string::npos) return false;
    part_before(all, "image", node.target);
    all += "!" + node.target;
    std::string more;
    const auto put = [&](const std::string& one) { more += (more.empty() ? "|" : ",") + one; };
    if (node.width > 0) put(fmt::format("width={}", node.width));
    if (node.height > 0) put(fmt::format("height={}", node.height));
    // Nothing could keep these from ending the value or the macro.
    if (node.text.find_first_of("|!,=\"\\{}") != std::string::npos) {
      losses_.add("description of an image", "nothing", node.text);
    } else if (!node.text.empty()) {
      put("alt=\"" + node.text + "\"");
    }
    all += more + "!";
    end_tight(all, "image");
    return true;
  }

  Losses& losses_;
  bool in_quote_ = false, in_panel_ = false;
  std::size_t tight_end_ = std::string::npos;  ///< of the line: where code or a picture ended that was written last
  std::string_view tight_kind_;
};

}  // namespace

Printed print_wiki(const Node& document) {
  Printed printed;
  Node made;
  const Node& tree = normal_form(document, made, printed.losses);
  printed.text = WikiPrinter(printed.losses).blocks(tree.children);
  return printed;
}

}  // namespace richtext
MIGRATE_END
