#include "live.hpp"

#include "link.hpp"
#include "utf8.hpp"

MIGRATE_BEGIN
namespace richtext {

std::string label_of(const Node& image) {
  if (!image.text.empty()) return image.text;
  for (const std::string* address : {&image.url, &image.target}) {
    if (std::string name = file_name_of(*address); name.find('.') != std::string::npos) return name;
  }
  return "image";
}

std::string name_of(const Node& mention) {
  const std::string& name = !mention.text.empty() ? mention.text : !mention.id.empty() ? mention.id : mention.target;
  return name.starts_with('@') ? name.substr(1) : name;
}

std::string notation_of(const Node& reference) {
  for (const std::string* part : {&reference.text, &reference.id, &reference.target, &reference.url}) {
    if (!part->empty()) return *part;
  }
  return {};
}

Node as_words(const Node& node, Losses& losses) {
  Node made(Kind::text);
  // The item of the target is not where the source's address leads.
  const bool at_target = !node.target.empty() && (is_web_address(node.target) || node.kind == Kind::reference);
  const std::string& address = at_target ? node.target : node.url;
  switch (node.kind) {
    case Kind::mention:
      made.text = "@" + name_of(node);
      break;
    case Kind::image:
      made.text = label_of(node);
      break;
    case Kind::emoji:
      made.text = node.text.empty() ? node.id : node.text;
      break;
    case Kind::reference:
      made.text = node.target.empty() ? notation_of(node) : node.target;
      break;
    default:
      made.text = node.text.empty() ? address : node.text;
      break;
  }
  if (node.kind == Kind::image && !node.link.empty() && is_safe_link(node.link)) {
    made.link = node.link;
  } else if (is_web_address(address) && node.kind != Kind::mention) {
    made.link = address;
  }
  const std::string_view kind =
      node.kind == Kind::raw && !node.id.empty() ? std::string_view(node.id) : to_string(node.kind);
  losses.add(kind, made.link.empty() ? "text" : "a link", made.text);
  return made;
}

std::string first_words(const Node& node) {
  constexpr std::size_t enough = 60;
  std::string words;
  std::vector<const Node*> waiting{&node};
  while (!waiting.empty() && words.size() < enough) {
    const Node& next = *waiting.back();
    waiting.pop_back();
    if (!next.text.empty()) words.append(words.empty() ? "" : " ").append(prefix(next.text, enough));
    for (auto child = next.children.rbegin(); child != next.children.rend(); ++child) waiting.push_back(&*child);
  }
  return std::string(prefix(words, enough));
}

}  // namespace richtext
MIGRATE_END
