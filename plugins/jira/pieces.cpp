#include "pieces.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

namespace migrate::jira {

namespace {

using richtext::Kind;
using richtext::Node;

/// Bytes of a character, at most: a piece weighs no more than so many times its length, but for nodes without words.
constexpr std::size_t widest = 4;

bool has_words(const Node& node) { return node.kind == Kind::text || node.kind == Kind::code_block; }

/// What a node counts by itself: a piece of text its bytes, anything else one.
std::size_t weight(const Node& node) { return has_words(node) ? std::max<std::size_t>(node.text.size(), 1) : 1; }

std::size_t total(const Node& node) {
  std::size_t sum = weight(node);
  for (const Node& child : node.children) sum += total(child);
  return sum;
}

/// What is rather moved as a whole than parted, when it is short.
bool belongs_together(Kind kind) {
  return kind == Kind::paragraph || kind == Kind::heading || kind == Kind::row || kind == Kind::list_item ||
         kind == Kind::code_block;
}

/// Where to part words of which so many bytes fit: behind a word where one ends near, never within a character.
std::size_t place_in(const std::string& text, std::size_t bytes) {
  if (bytes >= text.size()) return text.size();
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xC0) == 0x80) --bytes;
  constexpr std::size_t near = 40;
  const std::size_t blank = std::string_view(text).substr(0, bytes).find_last_of(" \n");
  const std::size_t place = blank == std::string_view::npos ? 0 : blank + 1;
  return bytes - place < near ? place : bytes;
}

Node without_children(const Node& node) {
  Node made(node.kind);
  made.marks = node.marks, made.task = node.task, made.ordered = node.ordered, made.header = node.header;
  made.level = node.level, made.colspan = node.colspan, made.rowspan = node.rowspan, made.start = node.start;
  made.colour = node.colour, made.width = node.width, made.height = node.height, made.text = node.text;
  made.id = node.id, made.url = node.url, made.target = node.target, made.link = node.link;
  return made;
}

struct Halves {
  Node head, tail;
};

/// The first `left` of a node's weight, and the rest. What belongs together and weighs no more than `short_one` stays
/// so.
Halves part(const Node& node, std::size_t left, std::size_t short_one) {
  Halves made;
  made.head = without_children(node);
  made.tail = made.head;
  if (has_words(node)) {
    const std::size_t at = place_in(node.text, left);
    made.head.text.resize(at);
    made.tail.text.erase(0, at);
    return made;
  }
  left -= std::min(left, weight(node));
  bool full = false;
  for (const Node& child : node.children) {
    const std::size_t size = total(child);
    if (!full && size <= left) {
      left -= size;
      made.head.children.push_back(child);
      // Columns stay in their places, and items keep their numbers.
      if (node.kind == Kind::row) made.tail.children.push_back(without_children(child));
      if (node.kind == Kind::list) ++made.tail.start;
      continue;
    }
    const bool stays = belongs_together(child.kind) && size <= short_one;
    const bool parts = !full && !stays && left > (has_words(child) ? 0u : 1u);
    full = true;
    if (!parts) {
      made.tail.children.push_back(child);
      continue;
    }
    Halves halves = part(child, left, short_one);
    made.head.children.push_back(std::move(halves.head));
    made.tail.children.push_back(std::move(halves.tail));
  }
  return made;
}

Node tidy(Node node) {
  richtext::Losses ignored;
  return richtext::normalised(std::move(node), ignored);
}

}  // namespace

std::vector<Node> pieces_of(Node rest, std::size_t limit, const std::function<std::size_t(const Node&)>& length) {
  std::vector<Node> pieces;
  while (length(rest) > limit) {
    std::size_t fits = 0;
    std::size_t too_much = std::min(total(rest), widest * limit + 2);
    while (fits + 1 < too_much) {
      const std::size_t middle = fits + (too_much - fits) / 2;
      const bool short_enough = length(tidy(part(rest, middle, limit / 4).head)) <= limit;
      (short_enough ? fits : too_much) = middle;
    }
    Halves halves = part(rest, fits, limit / 4);
    Node head = tidy(std::move(halves.head));
    if (head.children.empty()) break;
    pieces.push_back(std::move(head));
    rest = tidy(std::move(halves.tail));
  }
  if (pieces.empty() || !rest.children.empty()) pieces.push_back(std::move(rest));
  return pieces;
}

}  // namespace migrate::jira
