#include "migrate/richtext/document.hpp"

#include <algorithm>

#include "utf8.hpp"

MIGRATE_BEGIN
namespace richtext {

std::string_view to_string(Kind kind) noexcept {
  switch (kind) {
    case Kind::document:
      return "document";
    case Kind::paragraph:
      return "paragraph";
    case Kind::heading:
      return "heading";
    case Kind::list:
      return "list";
    case Kind::list_item:
      return "list_item";
    case Kind::code_block:
      return "code_block";
    case Kind::quote:
      return "quote";
    case Kind::panel:
      return "panel";
    case Kind::rule:
      return "rule";
    case Kind::table:
      return "table";
    case Kind::row:
      return "row";
    case Kind::cell:
      return "cell";
    case Kind::text:
      return "text";
    case Kind::hard_break:
      return "hard_break";
    case Kind::image:
      return "image";
    case Kind::mention:
      return "mention";
    case Kind::reference:
      return "reference";
    case Kind::emoji:
      return "emoji";
    case Kind::raw:
      return "raw";
  }
  return "raw";
}

Node text(std::string words, Marks marks) {
  Node node(Kind::text);
  node.text = std::move(words);
  node.marks = marks;
  return node;
}

Node paragraph(std::string words) {
  Node node(Kind::paragraph);
  node.children.push_back(text(std::move(words)));
  return node;
}

Node plain(std::string_view words) {
  Node document;
  document.children.push_back(paragraph(std::string(words)));
  Losses ignored;
  return normalised(std::move(document), ignored);
}

void Losses::add(std::string_view kind, std::string_view became, std::string_view example, std::size_t count) {
  constexpr std::size_t most = 64;
  constexpr std::size_t longest = 80;
  const auto same = [&](const Loss& loss) { return loss.kind == kind && loss.became == became; };
  auto found = std::find_if(all_.begin(), all_.end(), same);
  if (found == all_.end() && all_.size() >= most) {
    kind = "other", became = "";
    found = std::find_if(all_.begin(), all_.end(), same);
  }
  if (found == all_.end()) {
    all_.push_back({std::string(prefix(kind, longest)), std::string(became), 0, std::string(prefix(example, longest))});
    found = std::prev(all_.end());
  }
  found->count += count;
}

void Losses::add(const Losses& others) {
  for (const Loss& loss : others.all_) add(loss.kind, loss.became, loss.example, loss.count);
}

void rewrite(Node& document, const std::function<void(Node&)>& change) {
  // No recursion: trees made by hand may be of any depth.
  std::vector<Node*> waiting;
  const auto add_children = [&](Node& node) {
    for (auto child = node.children.rbegin(); child != node.children.rend(); ++child) waiting.push_back(&*child);
  };
  add_children(document);
  while (!waiting.empty()) {
    Node& node = *waiting.back();
    waiting.pop_back();
    change(node);
    add_children(node);
  }
}

}  // namespace richtext
MIGRATE_END
