#include "html_code.hpp"

#include <algorithm>
#include <utility>

#include "html_dom.hpp"
#include "live.hpp"
#include "utf8.hpp"

MIGRATE_BEGIN
namespace richtext {
namespace {

constexpr std::pair<Mark, std::string_view> marks[] = {{Mark::strong, "strong"},       {Mark::em, "em"},
                                                       {Mark::strike, "strike"},       {Mark::sub, "sub"},
                                                       {Mark::underline, "underline"}, {Mark::sup, "sup"}};

void tell_marks(const Node& text, Losses& losses) {
  if (trim(text.text).empty()) return;
  for (const auto& [mark, name] : marks) {
    if (text.marks.has(mark)) losses.add(name, "nothing", text.text);
  }
  if (text.colour >= 0) losses.add("colour", "nothing", text.text);
}

void tell(const Node& node, Losses& losses) {
  switch (node.kind) {
    case Kind::document:
    case Kind::paragraph:
    case Kind::list_item:
    case Kind::row:
    case Kind::cell:
    case Kind::hard_break:
      return;
    case Kind::text:
      return tell_marks(node, losses);
    case Kind::raw: {
      const bool read = !node.text.empty() && node.text != node.url;
      return losses.add(node.id, read ? "text" : "nothing", read ? node.text : node.url);
    }
    case Kind::image:
      return losses.add("image", "nothing", node.url.empty() ? node.text : node.url);
    case Kind::emoji:
      return losses.add("emoji", "nothing", node.id);
    case Kind::rule:
      return losses.add("rule", "nothing");
    default:
      return losses.add(to_string(node.kind), "text", first_words(node));
  }
}

}  // namespace

bool is_only_text(const GumboNode& pre, const HtmlStyle& style) {
  if (style.marks.without(Mark::code) != Marks() || style.colour >= 0 || !style.link.empty()) return false;
  std::vector<const GumboNode*> waiting{&pre};
  while (!waiting.empty()) {
    const GumboVector& children = waiting.back()->v.element.children;
    waiting.pop_back();
    for (unsigned index = 0; index < children.length; ++index) {
      const auto& child = *static_cast<const GumboNode*>(children.data[index]);
      if (child.type == GUMBO_NODE_TEMPLATE) return false;
      if (child.type != GUMBO_NODE_ELEMENT || child.v.element.tag == GUMBO_TAG_BR) continue;
      if (child.v.element.tag != GUMBO_TAG_CODE || has_attribute(child, "style")) return false;
      waiting.push_back(&child);
    }
  }
  return true;
}

void tell_lost_link(std::string_view address, std::string_view words, Losses& losses) {
  if (address != trim(words)) losses.add("link", "text", address);
}

void tell_lost_in_code(const Node& inside, Losses& losses) {
  tell(inside, losses);
  for (const Node& child : inside.children) tell_lost_in_code(child, losses);
}

}  // namespace richtext
MIGRATE_END
