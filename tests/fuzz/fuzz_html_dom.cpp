// Gumbo is given stand-ins for text (html_abridged.hpp): the tree must be the one that it makes of the whole.
#include <vector>

#include "fuzzer.hpp"
#include "richtext/html_dom.hpp"

namespace {

using migrate::richtext::HtmlDom;

void print_element(const GumboNode& node, std::string& out) {
  out += "<" + migrate::richtext::tag_name(node);
  for (unsigned index = 0; index < node.v.element.attributes.length; ++index) {
    const auto& attribute = *static_cast<const GumboAttribute*>(node.v.element.attributes.data[index]);
    out.append(" ").append(attribute.name).append("=").append(attribute.value);
  }
  out += ">";
}

std::string print(const HtmlDom& dom) {
  std::string out;
  if (dom.root() == nullptr) return out;
  struct Level {
    const GumboNode* node;
    unsigned next;
  };
  std::vector<Level> levels{{dom.root(), 0}};
  print_element(*dom.root(), out);
  while (!levels.empty()) {
    const GumboVector& children = levels.back().node->v.element.children;
    if (levels.back().next == children.length) {
      out += "</>";
      levels.pop_back();
      continue;
    }
    const auto& node = *static_cast<const GumboNode*>(children.data[levels.back().next++]);
    if (node.type == GUMBO_NODE_ELEMENT || node.type == GUMBO_NODE_TEMPLATE) {
      print_element(node, out);
      levels.push_back({&node, 0});
    } else if (node.type == GUMBO_NODE_COMMENT) {
      out += "<!-- -->";  // nobody reads them
    } else {
      out.append("{").append(std::to_string(node.type)).append(node.v.text.text).append("}");
    }
  }
  return out;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view html = migrate::fuzzing::bytes(data, size);
  const HtmlDom whole(html, HtmlDom::Whole::always);
  const HtmlDom abridged(html);
  // What takes too much memory as a whole may be read when it is abridged.
  if (whole.root() == nullptr) return 0;
  const std::string wanted = print(whole), got = print(abridged);
  if (got != wanted) migrate::fuzzing::require_nothing("whole:    " + wanted + "\nabridged: " + got);
  return 0;
}
