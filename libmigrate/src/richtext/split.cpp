#include <algorithm>
#include <utility>

#include "migrate/richtext/text.hpp"
#include "utf8.hpp"

MIGRATE_BEGIN
namespace richtext {
namespace {

/// What a node counts by itself: a piece of text its bytes, anything else one.
std::size_t weight(const Node& node) {
  return node.kind == Kind::text || node.kind == Kind::code_block ? std::max<std::size_t>(node.text.size(), 1) : 1;
}

std::size_t total(const Node& node) {
  std::size_t sum = weight(node);
  for (const Node& child : node.children) sum += total(child);
  return sum;
}

/// Its first bytes, up to the end of a word where one is near.
std::string beginning(const std::string& text, std::size_t bytes) {
  std::string_view kept = prefix(text, bytes);
  if (kept.size() == text.size()) return text;
  constexpr std::size_t near = 40;
  const std::size_t blank = kept.find_last_of(" \n");
  if (blank != std::string_view::npos && kept.size() - blank < near) kept = kept.substr(0, blank);
  return std::string(kept);
}

/// The beginning of the tree that weighs `left`, which is lowered by what was taken.
Node taken(const Node& node, std::size_t& left) {
  const std::size_t own = std::min(weight(node), left);
  left -= own;
  Node made(node.kind);
  if (own < weight(node)) {
    made = node;
    made.children.clear();
    made.text = beginning(node.text, own);
    return made;
  }
  std::vector<Node> children;
  for (const Node& child : node.children) {
    if (left == 0) break;
    children.push_back(taken(child, left));
  }
  // Copied field by field this way, the children that are not wanted are not copied first.
  made.marks = node.marks, made.task = node.task, made.ordered = node.ordered, made.header = node.header;
  made.level = node.level, made.colspan = node.colspan, made.rowspan = node.rowspan, made.start = node.start;
  made.colour = node.colour, made.width = node.width, made.height = node.height, made.text = node.text;
  made.id = node.id, made.url = node.url, made.target = node.target, made.link = node.link;
  made.children = std::move(children);
  return made;
}

}  // namespace

Split split_at(const Node& document, std::size_t limit, const Node& note,
               const std::function<std::size_t(const Node&)>& length) {
  Losses ignored;
  Split split;
  split.head = normalised(document, ignored);
  if (length(split.head) <= limit) return split;
  split.cut = true;
  const Node whole = std::exchange(split.head, Node());
  const auto begin = [&](std::size_t size) {
    Node head = taken(whole, size);
    head.children.push_back(note);
    return normalised(std::move(head), ignored);
  };
  // The weight of the document itself is 1.
  std::size_t fits = 0;
  std::size_t too_much = total(whole) + 1;
  while (fits + 1 < too_much) {
    const std::size_t middle = fits + (too_much - fits) / 2;
    Node head = begin(middle);
    if (length(head) <= limit) {
      fits = middle;
      split.head = std::move(head);
    } else {
      too_much = middle;
    }
  }
  return split;
}

}  // namespace richtext
MIGRATE_END
