#include <fmt/format.h>

#include <algorithm>

#include "html_printer.hpp"
#include "live.hpp"
#include "markdown_line.hpp"
#include "normal_form.hpp"

MIGRATE_BEGIN
namespace richtext {
namespace {

using Nodes = std::vector<Node>;

/// Text whose lines all begin with what the blocks around demand.
class Lines {
 public:
  void write(std::string_view text) {
    for (const char c : text) {
      if (std::exchange(fresh_, false))
        all_ += c == '\n' ? std::string_view(prefix_).substr(0, prefix_.find_last_not_of(' ') + 1) : prefix_;
      all_ += c;
      fresh_ = c == '\n';
    }
  }
  /// The next lines begin with more.
  void indent(std::string_view more) { prefix_ += more; }
  void outdent(std::size_t size) { prefix_.resize(prefix_.size() - size); }
  bool at_margin() const { return prefix_.empty(); }
  std::string take() { return std::move(all_); }

 private:
  std::string all_, prefix_;
  bool fresh_ = false;
};

bool is_tight(const Node& list) {
  return std::all_of(list.children.begin(), list.children.end(), [](const Node& item) {
    if (item.children.empty()) return true;
    if (item.children[0].kind != Kind::paragraph) return false;
    return std::all_of(item.children.begin() + 1, item.children.end(), [](const Node& below) {
      // Only a list that begins with 1 may follow a paragraph without an empty line.
      return below.kind == Kind::list && (!below.ordered || below.start == 1) && is_tight(below);
    });
  });
}

/// Whether bars and dashes can hold it: a row of headers, then rows of as many plain cells of one line.
bool is_simple(const Node& table) {
  const std::size_t columns = table.children[0].children.size();
  for (const Node& row : table.children) {
    if (row.children.size() != columns) return false;
    for (const Node& cell : row.children) {
      const bool fits =
          cell.colspan == 1 && cell.rowspan == 1 && cell.header == (&row == &table.children[0]) &&
          (cell.children.empty() || (cell.children.size() == 1 && cell.children[0].kind == Kind::paragraph));
      if (!fits) return false;
    }
  }
  return columns <= 100;
}

class MarkdownPrinter {
 public:
  explicit MarkdownPrinter(Losses& losses) : losses_(losses) {}

  void blocks(const Nodes& nodes, std::string_view between = "\n\n") {
    for (std::size_t at = 0; at < nodes.size(); ++at) {
      if (at > 0) lines_.write(between);
      const bool like_before = at > 0 && nodes[at - 1].kind == Kind::list && nodes[at].kind == Kind::list &&
                               nodes[at - 1].ordered == nodes[at].ordered;
      other_mark_ = like_before && !other_mark_;
      block(nodes[at]);
    }
  }
  std::string take() { return lines_.take(); }

 private:
  void block(const Node& node) {
    switch (node.kind) {
      case Kind::paragraph:
        lines_.write(markdown_line(node.children, MarkdownLine::paragraph, losses_));
        break;
      case Kind::heading:
        lines_.write(std::string(node.level, '#') + " " + markdown_line(node.children, MarkdownLine::single, losses_));
        break;
      case Kind::code_block:
        code(node);
        break;
      // Dashes at the top would begin front matter.
      case Kind::rule:
        lines_.write("***");
        break;
      case Kind::quote:
        quote(node);
        break;
      case Kind::panel:
        panel(node);
        break;
      case Kind::list:
        list(node);
        break;
      case Kind::table:
        table(node);
        break;
      default:
        blocks(node.children);
        break;
    }
  }

  void quote(const Node& node) {
    lines_.write("> ");
    lines_.indent("> ");
    blocks_apart(node.children);
    lines_.outdent(2);
  }

  /// The marks of lists inside begin anew, those around go on behind.
  void blocks_apart(const Nodes& nodes, std::string_view between = "\n\n") {
    const bool mark = std::exchange(other_mark_, false);
    blocks(nodes, between);
    other_mark_ = mark;
  }

  void panel(const Node& node) {
    const std::string_view alert = node.id == "info"      ? "note"
                                   : node.id == "note"    ? "important"
                                   : node.id == "warning" ? "warning"
                                   : node.id == "error"   ? "caution"
                                                          : "tip";
    if (node.id == "success") losses_.add("success panel", "tip", first_words(node));
    lines_.write(fmt::format("> [!{}]\n", alert));
    lines_.indent("> ");
    lines_.write("\n");
    blocks_apart(node.children);
    lines_.outdent(2);
  }

  void code(const Node& node) {
    std::size_t longest = 2;
    for (std::size_t at = 0, run = 0; at < node.text.size(); ++at) {
      run = node.text[at] == '`' ? run + 1 : 0;
      longest = std::max(longest, run);
    }
    const std::string fence(longest + 1, '`');
    // A blank in front keeps a line from being a command; the fence's own blank takes it away again.
    const bool command =
        lines_.at_margin() && (node.text.starts_with('/') || node.text.find("\n/") != std::string::npos);
    if (command) {
      lines_.write(" ");
      lines_.indent(" ");
    }
    lines_.write(fence + node.id + "\n" + node.text + "\n" + fence);
    if (command) lines_.outdent(1);
  }

  void list(const Node& node) {
    const bool tight = is_tight(node);
    const bool other = other_mark_;
    for (std::size_t at = 0; at < node.children.size(); ++at) {
      const Node& item = node.children[at];
      if (at > 0) lines_.write(tight ? "\n" : "\n\n");
      const std::string mark =
          node.ordered
              ? fmt::format("{}{} ", std::min<std::int64_t>(node.start + static_cast<std::int64_t>(at), 999'999'999),
                            other ? ')' : '.')
              : std::string(other ? "+ " : "- ");
      if (item.children.empty()) {
        // An empty line behind nothing would end the list for some.
        lines_.write(tight ? mark.substr(0, mark.size() - 1) : mark + "<!-- -->");
        continue;
      }
      lines_.write(mark);
      lines_.indent(std::string(mark.size(), ' '));
      if (item.task != Task::none) lines_.write(item.task == Task::done ? "[x] " : "[ ] ");
      // A box needs words behind it.
      if (item.task != Task::none && item.children[0].kind != Kind::paragraph) lines_.write("<!-- -->\n\n");
      blocks_apart(item.children, tight ? "\n" : "\n\n");
      lines_.outdent(mark.size());
    }
  }

  void table(const Node& node) {
    if (!is_simple(node)) {
      Nodes one;
      one.push_back(node);
      return lines_.write(html_of(one, HtmlFor::gitlab, losses_));
    }
    for (const Node& row : node.children) {
      const bool head = &row == &node.children[0];
      if (!head) lines_.write("\n");
      lines_.write("|");
      for (const Node& cell : row.children) {
        const std::string words =
            cell.children.empty() ? "" : markdown_line(cell.children[0].children, MarkdownLine::cell, losses_);
        lines_.write(" " + words + " |");
      }
      if (!head) continue;
      lines_.write("\n|");
      for (std::size_t column = 0; column < row.children.size(); ++column) lines_.write(" --- |");
    }
  }

  Losses& losses_;
  Lines lines_;
  bool other_mark_ = false;
};

}  // namespace

Printed print_markdown(const Node& document) {
  Printed printed;
  Node made;
  const Node& tree = normal_form(document, made, printed.losses);
  MarkdownPrinter printer(printed.losses);
  printer.blocks(tree.children);
  printed.text = printer.take();
  if (!printed.text.empty()) printed.text += '\n';
  return printed;
}

}  // namespace richtext
MIGRATE_END
