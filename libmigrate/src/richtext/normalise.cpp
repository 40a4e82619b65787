// The form of a tree that printers can rely on.
#include <algorithm>
#include <functional>
#include <iterator>
#include <utility>

#include "link.hpp"
#include "migrate/richtext/document.hpp"
#include "normal_form.hpp"
#include "utf8.hpp"

MIGRATE_BEGIN
namespace richtext {
namespace {

using Nodes = std::vector<Node>;

bool same_style(const Node& left, const Node& right) {
  return left.marks == right.marks && left.colour == right.colour && left.link == right.link;
}

bool is_blank(const Node& node) { return node.kind == Kind::text && richtext::is_blank(node.text); }

/// Everything below `nodes` that says something, in order and without recursion.
Nodes leaves(Nodes nodes) {
  Nodes found;
  std::reverse(nodes.begin(), nodes.end());
  while (!nodes.empty()) {
    Node node = std::move(nodes.back());
    nodes.pop_back();
    std::move(node.children.rbegin(), node.children.rend(), std::back_inserter(nodes));
    node.children.clear();
    const bool line = node.kind == Kind::paragraph || node.kind == Kind::heading || node.kind == Kind::list_item ||
                      node.kind == Kind::cell;
    if (line) found.emplace_back(Kind::hard_break);
    if (is_inline(node.kind) || node.kind == Kind::code_block) found.push_back(std::move(node));
  }
  return found;
}

class Normaliser {
 public:
  explicit Normaliser(Losses& losses) : losses_(losses) {}

  /// `depth` counts the levels above, those that vanish included: it bounds the recursion.
  Nodes blocks(Nodes nodes, int depth) {
    Nodes out;
    Nodes line;
    out.reserve(nodes.size());
    for (std::size_t at = 0; at < nodes.size();) {
      Node& node = nodes[at];
      if (is_inline(node.kind)) {
        Nodes below = leaves(std::exchange(node.children, {}));
        line.push_back(std::move(node));
        for (Node& leaf : below) {
          if (leaf.kind == Kind::code_block) leaf.kind = Kind::text;
          line.push_back(std::move(leaf));
        }
        ++at;
        continue;
      }
      end_line(line, out);
      at += block(nodes, at, depth, out);
    }
    end_line(line, out);
    return out;
  }

 private:
  /// Takes one block, or a run of pieces of a list or table that has none around it. Returns how many nodes it took.
  std::size_t block(Nodes& nodes, std::size_t at, int depth, Nodes& out) {
    Node& node = nodes[at];
    if (depth >= max_depth - 3 && node.kind != Kind::code_block && node.kind != Kind::rule) {
      losses_.add("depth", "text");
      flatten(std::move(node), out);
      return 1;
    }
    switch (node.kind) {
      case Kind::paragraph:
        if (!is_normal_paragraph(node)) break;
        out.push_back(std::move(node));
        return 1;
      case Kind::heading:
        heading(std::move(node), depth, out);
        return 1;
      case Kind::code_block:
        code(std::move(node), out);
        return 1;
      case Kind::list:
        list(std::move(node), depth, out);
        return 1;
      case Kind::table:
        table(std::move(node), depth, out);
        return 1;
      case Kind::list_item:
        return stray(nodes, at, Kind::list, depth, out);
      case Kind::row:
      case Kind::cell:
        return stray(nodes, at, Kind::table, depth, out);
      case Kind::quote:
      case Kind::panel:
        container(std::move(node), depth, out);
        return 1;
      case Kind::rule:
        out.emplace_back(Kind::rule);
        break;
      default:
        break;
    }
    append(out, blocks(std::move(node.children), depth + 1));
    return 1;
  }

  static void append(Nodes& out, Nodes more) {
    if (out.empty()) return void(out = std::move(more));
    std::move(more.begin(), more.end(), std::back_inserter(out));
  }

  void flatten(Node node, Nodes& out) {
    Nodes all;
    all.push_back(std::move(node));
    Nodes line;
    for (Node& leaf : leaves(std::move(all))) {
      if (leaf.kind != Kind::code_block) {
        line.push_back(std::move(leaf));
        continue;
      }
      end_line(line, out);
      code(std::move(leaf), out);
    }
    end_line(line, out);
  }

  std::size_t stray(Nodes& nodes, std::size_t at, Kind around, int depth, Nodes& out) {
    Node made(around);
    const auto fits = [&](Kind kind) {
      return around == Kind::list ? kind == Kind::list_item : kind == Kind::row || kind == Kind::cell;
    };
    std::size_t end = at;
    while (end < nodes.size() && fits(nodes[end].kind)) made.children.push_back(std::move(nodes[end++]));
    around == Kind::list ? list(std::move(made), depth, out) : table(std::move(made), depth, out);
    return end - at;
  }

  void container(Node node, int depth, Nodes& out) {
    Node made(node.kind);
    if (node.kind == Kind::panel) made.id = is_panel(node.id) ? node.id : "info";
    made.children = blocks(std::move(node.children), depth + 1);
    if (!made.children.empty()) out.push_back(std::move(made));
  }

  /// Blocks part a heading in two.
  void heading(Node node, int depth, Nodes& out) {
    Node made(Kind::heading);
    made.level = std::clamp<std::uint8_t>(node.level, 1, 6);
    const auto finish = [&] {
      if (made.children.empty()) return;
      out.push_back(made);
      made.children.clear();
    };
    for (Node& below : blocks(std::move(node.children), depth + 1)) {
      if (below.kind != Kind::paragraph && below.kind != Kind::heading) {
        finish();
        out.push_back(std::move(below));
        continue;
      }
      if (!made.children.empty()) made.children.emplace_back(Kind::hard_break);
      append(made.children, std::move(below.children));
    }
    finish();
  }

  void code(Node node, Nodes& out) {
    for (Node& leaf : leaves(std::exchange(node.children, {}))) {
      node.text += leaf.kind == Kind::hard_break ? "\n" : leaf.text;
    }
    Node made(Kind::code_block);
    cleaned(node.text);
    node.text.erase(node.text.find_last_not_of('\n') + 1);
    if (node.text.find_first_not_of(" \t\n") == std::string::npos) return;
    made.text = std::move(node.text);
    const auto allowed = [](char c) {
      return is_ascii_alnum(c) || std::string_view("_+#.-").find(c) != std::string::npos;
    };
    if (node.id.size() <= 40 && std::all_of(node.id.begin(), node.id.end(), allowed)) {
      made.id = std::move(node.id);
    } else {
      losses_.add("language of code", "nothing", node.id);
    }
    out.push_back(std::move(made));
  }

  void list(Node node, int depth, Nodes& out) {
    Node made(Kind::list);
    made.ordered = node.ordered;
    if (node.ordered) made.start = std::clamp(node.start, 0, 999'999'999);
    for (std::size_t at = 0; at < node.children.size();) {
      Node& child = node.children[at];
      if (child.kind == Kind::list && !made.children.empty()) {
        // HTML of editors has the inner list beside the item that it belongs to.
        Nodes inner;
        inner.push_back(std::move(child));
        append(made.children.back().children, blocks(std::move(inner), depth + 2));
        ++at;
        continue;
      }
      Node item(Kind::list_item);
      if (child.kind == Kind::list_item) {
        item.task = child.task;
        item.children = blocks(std::move(child.children), depth + 2);
        ++at;
      } else {
        Nodes inside;
        do inside.push_back(std::move(node.children[at++]));
        while (at < node.children.size() && is_inline(inside.back().kind) && is_inline(node.children[at].kind));
        item.children = blocks(std::move(inside), depth + 2);
      }
      made.children.push_back(std::move(item));
    }
    drop_empty_items(made);
    if (!made.children.empty()) out.push_back(std::move(made));
  }

  /// Those between two others of an ordered list stay, so that what is behind them keeps its number.
  void drop_empty_items(Node& list) {
    Nodes& items = list.children;
    const auto says_something = [](const Node& item) { return !item.children.empty(); };
    for (Node& item : items) {
      if (item.task == Task::none || says_something(item)) continue;
      losses_.add("task", "nothing");
      item.task = Task::none;
    }
    if (!list.ordered) return void(std::erase_if(items, std::not_fn(says_something)));
    const auto first = std::find_if(items.begin(), items.end(), says_something);
    if (first != items.end()) list.start = std::min(list.start + static_cast<int>(first - items.begin()), 999'999'999);
    items.erase(items.begin(), first);
    while (!items.empty() && !says_something(items.back())) items.pop_back();
  }

  void table(Node node, int depth, Nodes& out) {
    Node made(Kind::table);
    for (std::size_t at = 0; at < node.children.size();) {
      Node row(Kind::row);
      Nodes cells;
      if (node.children[at].kind == Kind::row) {
        cells = std::move(node.children[at++].children);
      } else {
        while (at < node.children.size() && node.children[at].kind != Kind::row) {
          cells.push_back(std::move(node.children[at++]));
        }
      }
      for (std::size_t index = 0; index < cells.size();) row.children.push_back(cell(cells, index, depth));
      if (!row.children.empty()) made.children.push_back(std::move(row));
    }
    for (std::size_t row = 0; row < made.children.size(); ++row) {
      const std::size_t left = made.children[row].children.empty() ? 1 : made.children.size() - row;
      for (Node& below : made.children[row].children) {
        below.rowspan =
            static_cast<std::uint16_t>(std::clamp<std::size_t>(below.rowspan, 1, std::min<std::size_t>(left, 1000)));
      }
    }
    if (!made.children.empty()) out.push_back(std::move(made));
  }

  Node cell(Nodes& cells, std::size_t& index, int depth) {
    Node made(Kind::cell);
    Nodes inside;
    if (cells[index].kind == Kind::cell) {
      Node& from = cells[index++];
      made.header = from.header;
      made.colspan = std::clamp<std::uint16_t>(from.colspan, 1, 1000);
      made.rowspan = from.rowspan;
      inside = std::move(from.children);
    } else {
      while (index < cells.size() && cells[index].kind != Kind::cell) inside.push_back(std::move(cells[index++]));
    }
    made.children = blocks(std::move(inside), depth + 3);
    return made;
  }

  void cleaned(std::string& text) {
    if (const std::size_t count = clean(text); count > 0) losses_.add("character", "nothing or U+FFFD", "", count);
  }
  /// Names and descriptions: blanks in a row are one.
  std::string cleaned_to_line(std::string text) {
    cleaned(text);
    std::string result;
    for (std::size_t at = 0; at < text.size();) {
      const Utf8 next = decode(text, at);
      if (!is_space(next.code)) {
        result.append(text, at, next.size);
      } else if (!result.empty() && result.back() != ' ') {
        result += ' ';
      }
      at += next.size;
    }
    if (!result.empty() && result.back() == ' ') result.pop_back();
    return result;
  }

  void push_text(Node node, Nodes& line) {
    cleaned(node.text);
    if (node.marks.has(Mark::sub) && node.marks.has(Mark::sup)) {
      losses_.add("sub", "sup", node.text);
      node.marks = node.marks.without(Mark::sub);
    }
    if (!is_clean_address(node.link)) node.link = clean_address(node.link);
    // Black is how text looks anyway, and would stay black on a dark page.
    if (node.colour > 0xFFFFFF || node.colour == 0) node.colour = -1;
    if (!has_break_or_tab(node.text) && !is_blank(node)) {
      Node piece = richtext::text(std::move(node.text), node.marks);
      piece.colour = node.colour;
      piece.link = std::move(node.link);
      return merge(std::move(piece), line);
    }
    std::string_view rest = node.text;
    while (true) {
      const std::size_t end = std::min(rest.find('\n'), rest.size());
      Node piece = richtext::text(std::string(rest.substr(0, end)), node.marks);
      std::replace(piece.text.begin(), piece.text.end(), '\t', ' ');
      const bool blank = is_blank(piece);
      piece.colour = blank ? -1 : node.colour;
      if (!blank) piece.link = node.link;
      // A blank can have nothing but a line through or below it.
      if (blank) piece.marks = Marks::of(piece.marks.bits & Marks(Mark::strike).with(Mark::underline).bits);
      if (!piece.text.empty()) merge(std::move(piece), line);
      if (end == rest.size()) return;
      line.emplace_back(Kind::hard_break);
      rest.remove_prefix(end + 1);
    }
  }

  static void merge(Node piece, Nodes& line) {
    if (!line.empty() && line.back().kind == Kind::text && same_style(line.back(), piece)) {
      line.back().text += piece.text;
    } else {
      line.push_back(std::move(piece));
    }
  }

  void push_inline(Node node, Nodes& line) {
    if (node.kind == Kind::text) return push_text(std::move(node), line);
    if (node.kind == Kind::hard_break) return void(line.emplace_back(Kind::hard_break));
    Node made(node.kind);
    for (std::string Node::*field : {&Node::text, &Node::id}) {
      made.*field = cleaned_to_line(std::move(node.*field));
    }
    made.url = clean_address(node.url);
    made.target = clean_address(node.target);
    if (node.kind == Kind::image) {
      made.link = clean_address(node.link);
      made.width = std::clamp(node.width, 0, 100'000);
      made.height = std::clamp(node.height, 0, 100'000);
    }
    if (node.kind == Kind::mention && made.text.starts_with('@'))
      made.text = trim(std::string_view(made.text).substr(1));
    if (node.kind == Kind::emoji && made.id.empty()) return push_text(richtext::text(made.text), line);
    const bool named = node.kind == Kind::raw ? false : !made.id.empty();
    if (node.kind == Kind::image || named || !made.text.empty() || !made.url.empty() || !made.target.empty()) {
      line.push_back(std::move(made));
    } else if (node.kind == Kind::raw) {
      losses_.add(made.id.empty() ? "raw" : made.id, "nothing");
    }
  }

  static void trim_line(Nodes& line) {
    auto first = line.begin();
    for (; first != line.end() && first->kind == Kind::text; ++first) {
      first->text.erase(0, first->text.find_first_not_of(' '));
      if (!first->text.empty()) break;
    }
    line.erase(line.begin(), first);
    while (!line.empty() && line.back().kind == Kind::text) {
      std::string& words = line.back().text;
      words.erase(words.find_last_not_of(' ') + 1);
      if (!words.empty()) break;
      line.pop_back();
    }
    if (std::all_of(line.begin(), line.end(), is_blank)) line.clear();
  }

  /// What stands between two blocks: one paragraph, or several parted by empty lines and by images that have a line of
  /// their own.
  void end_line(Nodes& raw, Nodes& out) {
    Nodes all;
    for (Node& node : std::exchange(raw, {})) push_inline(std::move(node), all);
    Node made(Kind::paragraph);
    const auto finish = [&] {
      if (!made.children.empty()) out.push_back(std::exchange(made, Node(Kind::paragraph)));
    };
    for (std::size_t at = 0; at < all.size();) {
      Nodes line;
      while (at < all.size() && all[at].kind != Kind::hard_break) line.push_back(std::move(all[at++]));
      ++at;
      trim_line(line);
      const auto is_image = [](const Node& node) { return node.kind == Kind::image; };
      const bool alone =
          std::count_if(line.begin(), line.end(), is_image) == 1 &&
          std::all_of(line.begin(), line.end(), [&](const Node& node) { return is_image(node) || is_blank(node); });
      if (alone) std::erase_if(line, is_blank);
      if (alone || line.empty()) finish();
      if (!made.children.empty()) made.children.emplace_back(Kind::hard_break);
      append(made.children, std::move(line));
      if (alone) finish();
    }
    finish();
  }

  Losses& losses_;
};

}  // namespace

Node normalised(Node document, Losses& losses) {
  Node made;
  Nodes top;
  if (document.kind == Kind::document) {
    top = std::move(document.children);
  } else {
    top.push_back(std::move(document));
  }
  made.children = Normaliser(losses).blocks(std::move(top), 0);
  return made;
}

}  // namespace richtext
MIGRATE_END
