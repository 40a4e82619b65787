#include "html_links.hpp"

#include "link.hpp"
#include "utf8.hpp"

MIGRATE_BEGIN
namespace richtext {
namespace {

Node mention(std::string account, const GumboNode& node) {
  Node made(Kind::mention);
  made.id = std::move(account);
  made.text = trim(text_below(node));
  return made;
}

/// The number of the work item that an address of Azure DevOps shows.
std::string work_item_of(std::string_view address) {
  if (address.find("/_") == std::string_view::npos) return {};
  const std::string small = lower(address);
  for (const std::string_view opening : {"/_workitems/edit/", "/_workitems?id=", "/_workitems/view/"}) {
    std::size_t at = small.find(opening);
    if (at == std::string::npos) continue;
    at += opening.size();
    std::size_t end = at;
    while (end < small.size() && is_ascii_digit(small[end])) ++end;
    if (end > at && end - at < 20) return small.substr(at, end - at);
  }
  return {};
}

/// "#12", "12", "Bug 12": a notation of the item, not words that lead to it.
bool is_notation(std::string_view text, std::string_view number) {
  text = trim(text);
  if (!text.ends_with(number)) return false;
  text.remove_suffix(number.size());
  if (!text.empty() && is_ascii_digit(text.back())) return false;
  return text.size() <= 24 && text.find_first_of(".,:;\n") == std::string_view::npos;
}

}  // namespace

std::optional<Node> known_link(const GumboNode& node) {
  if (has_attribute(node, "data-mention")) return mention(std::string(attribute(node, "data-mention")), node);
  // As the tree will hold it: browsers read "https://mat\nrix.to" as one word, too.
  const std::string address = clean_address(attribute(node, "href"));
  if (has_attribute(node, "data-item")) {
    Node made(Kind::reference);
    made.id = attribute(node, "data-item");
    made.text = trim(text_below(node));
    made.url = address;
    return made;
  }
  const std::string_view azure = attribute(node, "data-vss-mention");
  if (azure.starts_with("version:2.")) {
    const std::size_t comma = azure.find(',');
    if (comma != std::string_view::npos) return mention(std::string(trim(azure.substr(comma + 1))), node);
  }
  constexpr std::string_view matrix = "https://matrix.to/#/";
  if (address.starts_with(matrix)) {
    const std::string_view rest = std::string_view(address).substr(matrix.size());
    const std::string who = percent_decoded(rest.substr(0, rest.find('?')));
    if (who.starts_with('@') && who.find('/') == std::string::npos) return mention(who, node);
  }
  // What is no address of the web would not be written as a link again, and a reference holds no picture.
  const std::string number = is_web_address(address) ? work_item_of(address) : "";
  if (!number.empty() && !has_below(node, GUMBO_TAG_IMG) && is_notation(text_below(node), number)) {
    Node made(Kind::reference);
    made.id = number;
    made.text = trim(text_below(node));
    made.url = address;
    return made;
  }
  return std::nullopt;
}

}  // namespace richtext
MIGRATE_END
