// Reads along what the normaliser would write. Each rule here is the fixed point of one there; whatever is not known to
// be one is no normal form.
#include "normal_form.hpp"

#include <algorithm>
#include <array>

#include "link.hpp"
#include "utf8.hpp"

MIGRATE_BEGIN
namespace richtext {
namespace {

using Nodes = std::vector<Node>;

/// A name or description: clean, blanks single, none at the ends.
bool is_line(const std::string& text) {
  if (text.empty()) return true;
  if (!is_clean(text) || text.front() == ' ' || text.back() == ' ') return false;
  for (std::size_t at = 0; at < text.size();) {
    const Utf8 next = decode(text, at);
    if (is_space(next.code) && (next.code != ' ' || text[at + 1] == ' ')) return false;
    at += next.size;
  }
  return true;
}

bool is_normal_text(const Node& node) {
  if (node.text.empty() || !is_clean_address(node.link)) return false;
  const bool printable = printable_bytes(node.text, 0) == node.text.size();
  if (!printable && (!is_clean(node.text) || has_break_or_tab(node.text))) return false;
  if (node.marks.has(Mark::sub) && node.marks.has(Mark::sup)) return false;
  if (node.colour == 0 || node.colour > 0xFFFFFF) return false;
  if (!is_blank(node.text)) return true;
  const int shows = Marks(Mark::strike).with(Mark::underline).bits;
  return node.colour == -1 && node.link.empty() && (node.marks.bits & ~shows) == 0;
}

/// Only text has a style: printers of lines look at it before they look at the kind.
bool has_no_style(const Node& node) { return node.marks == Marks() && node.colour == -1; }

/// Images, mentions and whatever else stands in a line.
bool is_normal_thing(const Node& node) {
  if (!has_no_style(node)) return false;
  if (!is_line(node.text) || !is_line(node.id) || !is_clean_address(node.url) || !is_clean_address(node.target))
    return false;
  switch (node.kind) {
    case Kind::image:
      return is_clean_address(node.link) && node.width >= 0 && node.width <= 100'000 && node.height >= 0 &&
             node.height <= 100'000;
    case Kind::mention:
      if (node.text.starts_with('@')) return false;
      break;
    case Kind::emoji:
      if (node.id.empty()) return false;
      break;
    default:
      break;
  }
  const bool named = node.kind != Kind::raw && !node.id.empty();
  return node.link.empty() && (named || !node.text.empty() || !node.url.empty() || !node.target.empty());
}

bool merges(const Node& left, const Node& right) {
  return left.kind == Kind::text && right.kind == Kind::text && left.marks == right.marks &&
         left.colour == right.colour && left.link == right.link;
}

/// What stands between two breaks.
bool is_normal_line(const Node* first, const Node* last) {
  if (first == last) return false;
  const bool trimmed = (first->kind != Kind::text || first->text.front() != ' ') &&
                       (last[-1].kind != Kind::text || last[-1].text.back() != ' ');
  return trimmed &&
         std::any_of(first, last, [](const Node& node) { return node.kind != Kind::text || !is_blank(node.text); });
}

/// An image that has a line for itself has the paragraph for itself; in a line with words it is one of them.
bool holds_lone_image(const Node* first, const Node* last) {
  const auto is_image = [](const Node& node) { return node.kind == Kind::image; };
  return std::count_if(first, last, is_image) == 1 && std::all_of(first, last, [&](const Node& node) {
           return is_image(node) || (node.kind == Kind::text && is_blank(node.text));
         });
}

bool are_normal_lines(const Nodes& nodes, bool images) {
  const Node* const end = nodes.data() + nodes.size();
  const Node* start = nodes.data();
  for (const Node* node = start; node != end; ++node) {
    if (!is_inline(node->kind) || !node->children.empty()) return false;
    if (node->kind == Kind::image && !images) return false;
    if (node->kind == Kind::hard_break) {
      if (!has_no_style(*node) || !node->link.empty()) return false;
      if (!is_normal_line(start, node) || holds_lone_image(start, node)) return false;
      start = node + 1;
    } else if (node->kind == Kind::text) {
      if (!is_normal_text(*node)) return false;
      if (node != start && merges(node[-1], *node)) return false;
    } else if (!is_normal_thing(*node)) {
      return false;
    }
  }
  return is_normal_line(start, end) && (nodes.size() == 1 || !holds_lone_image(start, end));
}

bool are_normal_blocks(const Nodes& nodes, int depth);

bool is_normal_code(const Node& node) {
  const auto allowed = [](char c) {
    return is_ascii_alnum(c) || std::string_view("_+#.-").find(c) != std::string::npos;
  };
  return node.children.empty() && is_clean(node.text) && !node.text.ends_with('\n') &&
         node.text.find_first_not_of(" \t\n") != std::string::npos && node.id.size() <= 40 &&
         std::all_of(node.id.begin(), node.id.end(), allowed);
}

bool is_normal_list(const Node& node, int depth) {
  if (node.children.empty()) return false;
  if (node.ordered ? node.start < 0 || node.start > 999'999'999 : node.start != 1) return false;
  if (node.children.front().children.empty() || node.children.back().children.empty()) return false;
  return std::all_of(node.children.begin(), node.children.end(), [&](const Node& item) {
    const bool kept = !item.children.empty() || (node.ordered && item.task == Task::none);
    return kept && item.kind == Kind::list_item && item.text.empty() && are_normal_blocks(item.children, depth + 2);
  });
}

bool is_normal_table(const Node& node, int depth) {
  for (std::size_t at = 0; at < node.children.size(); ++at) {
    const Node& row = node.children[at];
    if (row.kind != Kind::row || !row.text.empty() || row.children.empty()) return false;
    const std::size_t below = std::min<std::size_t>(node.children.size() - at, 1000);
    for (const Node& cell : row.children) {
      if (cell.kind != Kind::cell || !cell.text.empty() || cell.colspan < 1 || cell.colspan > 1000) return false;
      if (cell.rowspan < 1 || cell.rowspan > below || !are_normal_blocks(cell.children, depth + 3)) return false;
    }
  }
  return !node.children.empty();
}

bool is_normal_block(const Node& node, int depth) {
  if (node.kind == Kind::code_block) return is_normal_code(node);
  if (!node.text.empty()) return false;
  if (node.kind == Kind::rule) return node.children.empty();
  if (depth >= max_depth - 3) return false;
  switch (node.kind) {
    case Kind::paragraph:
      return are_normal_lines(node.children, true);
    case Kind::heading:
      return node.level >= 1 && node.level <= 6 && are_normal_lines(node.children, false);
    case Kind::list:
      return is_normal_list(node, depth);
    case Kind::table:
      return is_normal_table(node, depth);
    case Kind::panel:
      if (!is_panel(node.id)) return false;
      [[fallthrough]];
    case Kind::quote:
      return !node.children.empty() && are_normal_blocks(node.children, depth + 1);
    default:
      return false;
  }
}

bool are_normal_blocks(const Nodes& nodes, int depth) {
  return std::all_of(nodes.begin(), nodes.end(), [&](const Node& node) { return is_normal_block(node, depth); });
}

}  // namespace

bool is_panel(std::string_view kind) noexcept {
  static constexpr std::array<std::string_view, 6> kinds = {"info", "note", "tip", "warning", "error", "success"};
  return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
}

bool is_normal_paragraph(const Node& node) {
  return node.kind == Kind::paragraph && node.text.empty() && are_normal_lines(node.children, true);
}

bool is_normal(const Node& document) {
  return document.kind == Kind::document && document.text.empty() && are_normal_blocks(document.children, 0);
}

const Node& normal_form(const Node& document, Node& made, Losses& losses) {
  if (is_normal(document)) return document;
  made = normalised(document, losses);
  return made;
}

}  // namespace richtext
MIGRATE_END
