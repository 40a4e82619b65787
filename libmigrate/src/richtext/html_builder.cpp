#include "html_builder.hpp"

#include <iterator>
#include <utility>

#include "utf8.hpp"

MIGRATE_BEGIN
namespace richtext {

// A link is repeated in every piece of its text, so one long address around many marks would grow with their product.
HtmlBuilder::HtmlBuilder(std::size_t input, Losses& losses) : losses_(losses), link_budget_(16 * input + (1 << 16)) {
  open_.emplace_back();
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
  open_.push_back({std::move(block), left_out});
}

void HtmlBuilder::close() {
  boundary();
  Open closed = std::move(open_.back());
  open_.pop_back();
  if (!closed.left_out) {
    --depth_;
    attach(std::move(closed.node));
    return;
  }
  // A left out block would be one more level of the tree: its content goes straight up.
  for (Node& child : closed.node.children) attach(std::move(child));
}

int HtmlBuilder::open_item_of_level(int level, const Node& list) {
  boundary();
  const auto opened = open_.size();
  // The last node of what is open, as long as it fits, is opened again.
  const auto reopen = [&](Kind kind, std::string_view id) {
    Node& around = open_.back().node;
    if (around.children.empty() || around.children.back().kind != kind || around.children.back().id != id) return false;
    Node last = std::move(around.children.back());
    around.children.pop_back();
    open(std::move(last));
    return true;
  };
  for (int at = 1; at <= level; ++at) {
    if (at > 1 && !reopen(Kind::list_item, "")) open(Node(Kind::list_item));
    const bool same = !open_.back().node.children.empty() && open_.back().node.children.back().ordered == list.ordered;
    if ((at == level && !same) || !reopen(Kind::list, list.id)) open(list);
  }
  open(Node(Kind::list_item));
  return static_cast<int>(open_.size() - opened);
}

void HtmlBuilder::close_before() {
  boundary();
  Open closed = std::move(open_.back());
  open_.pop_back();
  if (!closed.left_out) --depth_;
  Node& around = open_.size() > 1 ? open_[open_.size() - 2].node : open_.back().node;
  std::move(closed.node.children.begin(), closed.node.children.end(), std::back_inserter(around.children));
}

void HtmlBuilder::attach(Node block) { open_.back().node.children.push_back(std::move(block)); }

void HtmlBuilder::boundary() { in_line_ = false; }

Node& HtmlBuilder::line() {
  Node& around = open_.back().node;
  const bool starts = !std::exchange(in_line_, true);
  if (around.kind == Kind::heading) {
    if (starts && !around.children.empty()) around.children.emplace_back(Kind::hard_break);
    return around;
  }
  if (starts) around.children.emplace_back(Kind::paragraph);
  return around.children.back();
}

void HtmlBuilder::words(std::string_view text, const HtmlStyle& style) {
  std::string folded;
  if (style.keeps_blanks) {
    folded = text;
    clean(folded);
  } else {
    const Node& around = open_.back().node;
    const Node* const before = !in_line_ ? nullptr : around.kind == Kind::heading ? &around : &around.children.back();
    const Node* const last = before == nullptr || before->children.empty() ? nullptr : &before->children.back();
    // A blank at the start of a line, or after another one, is none.
    bool blank = last == nullptr || last->kind == Kind::hard_break ||
                 (last->kind == Kind::text && !last->text.empty() && is_ascii_space(last->text.back()));
    folded.resize(text.size());
    std::size_t size = 0;
    for (const char byte : text) {
      const bool space = is_ascii_space(byte);
      if (space && blank) continue;
      blank = space;
      folded[size++] = space ? ' ' : byte;
    }
    folded.resize(size);
  }
  if (folded.empty()) return;
  Node node = richtext::text(std::move(folded), style.marks);
  node.colour = style.colour;
  if (style.link.size() <= link_budget_) {
    link_budget_ -= style.link.size();
    node.link = style.link;
  } else {
    losses_.add("link", "text", style.link);
  }
  line().children.push_back(std::move(node));
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
