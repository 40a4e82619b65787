#include "gitlab.hpp"

#include "utf8.hpp"

MIGRATE_BEGIN
namespace richtext {

std::size_t user_name_at(std::string_view text) {
  const auto inside = [](char c) { return is_ascii_alnum(c) || c == '_' || c == '.' || c == '-' || c == '/'; };
  if (text.empty() || !(is_ascii_alnum(text[0]) || text[0] == '_')) return 0;
  std::size_t end = 1;
  while (end < text.size() && inside(text[end])) ++end;
  // A sentence may end behind the name.
  while (!is_ascii_alnum(text[end - 1]) && text[end - 1] != '_') --end;
  return end <= 255 ? end : 0;
}

bool is_user_name(std::string_view text) { return !text.empty() && user_name_at(text) == text.size(); }

bool is_item_reference(std::string_view text) {
  const std::size_t sigil = text.find_first_of("#!&");
  if (sigil == std::string_view::npos || sigil + 1 >= text.size() || text.size() - sigil > 20) return false;
  if (sigil > 0 && !is_user_name(text.substr(0, sigil))) return false;
  for (const char c : text.substr(sigil + 1)) {
    if (!is_ascii_digit(c)) return false;
  }
  return true;
}

}  // namespace richtext
MIGRATE_END
