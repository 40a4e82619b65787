#include "html_builder.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "utf8.hpp"

MIGRATE_BEGIN
namespace richtext {

namespace {

/// A blank behind another one is none.
std::string folded(std::string_view text, bool blank) {
  std::string result(text.size(), '\0');
  char* end = result.data();
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t as_it_is = single_spaced_bytes(text, at, blank);
    end = std::copy_n(text.data() + at, as_it_is, end);
    at += as_it_is;
    if (as_it_is > 0) blank = text[at - 1] == ' ';
    for (const std::size_t some = std::min(at + 8, text.size()); at < some; ++at) {
      const bool space = is_ascii_space(text[at]);
      if (!space || !blank) *end++ = space ? ' ' : text[at];
      blank = space;
    }
  }
  result.resize(static_cast<std::size_t>(end - result.data()));
  return result;
}

}  // namespace

// A link is repeated in every piece of its text, so one long address around many marks would grow with their product.
HtmlBuilder::HtmlBuilder(std::size_t input, Losses& losses) : losses_(losses), link_budget_(16 * input + (1 << 16)) {
  open_.reserve(8);
  open_.push_back({Node(), 0});
  // Few paragraphs of HTML are shorter.
  open_.front().node.children.reserve(std::min<std::size_t>(input / 64, 32));
}

void HtmlBuilder::open(Node block) {
  boundary();
  const bool left_out = depth_ >= max_depth - 3;
  if (left_out) {
    losses_.add("depth", "text");
    block = Node(Kind::document);
  } else {
    ++depth_;
  }
  open_.push_back({std::move(block), left_out ? open_.back().holder : open_.size()});
}

void HtmlBuilder::close() {
  boundary();
  if (!is_left_out()) {
    --depth_;
    open_[open_[open_.size() - 2].holder].node.children.push_back(std::move(open_.back().node));
  }
  open_.pop_back();
}

int HtmlBuilder::open_item_of_level(int level, const Node& list) {
  boundary();
  const auto opened = open_.size();
  // The last node of what is open, as long as it fits, is opened again.
  const auto reopen = [&](Kind kind, std::string_view id) {
    Node& around = holder();
    if (around.children.empty() || around.children.back().kind != kind || around.children.back().id != id) return false;
    Node last = std::move(around.children.back());
    around.children.pop_back();
    open(std::move(last));
    return true;
  };
  for (int at = 1; at <= level; ++at) {
    if (at > 1 && !reopen(Kind::list_item, "")) open(Node(Kind::list_item));
    const Node* const last = holder().children.empty() ? nullptr : &holder().children.back();
    const bool same = last != nullptr && last->ordered == list.ordered &&
                      (!list.ordered || last->start + static_cast<int>(last->children.size()) == list.start);
    if ((at == level && !same) || !reopen(Kind::list, list.id)) open(list);
  }
  open(Node(Kind::list_item));
  return static_cast<int>(open_.size() - opened);
}

void HtmlBuilder::close_before() {
  if (is_left_out()) return close();
  boundary();
  Open closed = std::move(open_.back());
  open_.pop_back();
  --depth_;
  Node& around = open_[open_.size() > 1 ? open_[open_.size() - 2].holder : 0].node;
  std::move(closed.node.children.begin(), closed.node.children.end(), std::back_inserter(around.children));
}

void HtmlBuilder::attach(Node block) { holder().children.push_back(std::move(block)); }

void HtmlBuilder::boundary() { in_line_ = false; }

Node& HtmlBuilder::line() {
  Node& around = holder();
  const bool starts = !std::exchange(in_line_, true);
  if (around.kind == Kind::heading) {
    if (starts && !around.children.empty()) around.children.emplace_back(Kind::hard_break);
    return around;
  }
  // Words, a link and breaks: a node is large to move.
  if (starts) around.children.emplace_back(Kind::paragraph).children.reserve(4);
  return around.children.back();
}

bool HtmlBuilder::ends_blank() const {
  const Node& around = open_[open_.back().holder].node;
  const Node* const line = !in_line_ ? nullptr : around.kind == Kind::heading ? &around : &around.children.back();
  const Node* const last = line == nullptr || line->children.empty() ? nullptr : &line->children.back();
  return last == nullptr || last->kind == Kind::hard_break ||
         (last->kind == Kind::text && !last->text.empty() && is_ascii_space(last->text.back()));
}

void HtmlBuilder::words(std::string_view text, const HtmlStyle& style) {
  std::string shown;
  if (style.keeps_blanks) {
    shown = text;
    clean(shown);
  } else {
    shown = folded(text, ends_blank());
  }
  if (shown.empty()) return;
  Node& node = line().children.emplace_back(Kind::text);
  node.text = std::move(shown);
  node.marks = style.marks;
  node.colour = style.colour;
  if (style.link.size() <= link_budget_) {
    link_budget_ -= style.link.size();
    node.link = style.link;
  } else {
    losses_.add("link", "text", style.link);
  }
}

void HtmlBuilder::add(Node inside_line) { line().children.push_back(std::move(inside_line)); }

void HtmlBuilder::add_block(Node block) {
  boundary();
  attach(std::move(block));
}

Node* HtmlBuilder::innermost(Kind kind) {
  for (auto open = open_.rbegin(); open != open_.rend(); ++open) {
    if (open->node.kind == kind) return &open->node;
  }
  return nullptr;
}

Node HtmlBuilder::finish() {
  while (open_.size() > 1) close();
  return std::move(open_.front().node);
}

}  // namespace richtext
MIGRATE_END
