#include "autolink.hpp"

#include <algorithm>

#include "gitlab.hpp"
#include "utf8.hpp"

MIGRATE_BEGIN
namespace richtext {
namespace {

bool contains(std::string_view set, char c) { return set.find(c) != std::string_view::npos; }

std::size_t end_of_address(std::string_view text, std::size_t from) {
  std::size_t end = from;
  int open = 0;
  while (end < text.size() && !is_ascii_space(text[end]) && text[end] != '<' && text.substr(end, 2) != "\u00A0") {
    // A bracket that nothing in the address opened was opened around it.
    if (text[end] == '(') ++open;
    if (text[end] == ')' && open-- == 0) break;
    ++end;
  }
  while (end > from && contains("?!.,:;*_~'\"|`", text[end - 1])) --end;
  return end;
}

Autolink mail_at(std::string_view text, std::size_t least, std::size_t sign) {
  const auto in_name = [](char c) { return is_ascii_alnum(c) || contains("._+-", c); };
  std::size_t from = sign;
  while (from > least && sign - from < 64 && in_name(text[from - 1])) --from;
  std::size_t end = sign + 1;
  while (end < text.size() && end - sign < 255 && (is_ascii_alnum(text[end]) || contains(".-", text[end]))) ++end;
  while (end > sign && !is_ascii_alnum(text[end - 1])) --end;
  const bool has_point = end > sign && text.substr(sign + 1, end - sign - 1).find('.') != std::string_view::npos;
  if (from == sign || !has_point) return {};
  return {from, end - from, "mailto:"};
}

}  // namespace

Autolink autolink_at(std::string_view text, std::size_t least, std::size_t sign, char before) {
  const auto apart = [&](std::size_t from) {
    return from > least ? !is_word(text[from - 1]) : least > 0 || !is_word(before);
  };
  if (text[sign] == '@') {
    const Autolink mail = mail_at(text, least, sign);
    return mail.size > 0 && apart(mail.from) ? mail : Autolink();
  }
  if (text[sign] == ':' && text.substr(sign, 3) == "://") {
    for (const std::string_view scheme : {"https", "http", "ftp"}) {
      const std::size_t from = sign - std::min(sign, scheme.size());
      if (from < least || lower(text.substr(from, sign - from)) != scheme || !apart(from)) continue;
      // Asked first: what is no address is not read to its end, which may be that of the text.
      if (sign + 3 >= text.size() || !is_word(text[sign + 3])) return {};
      const std::size_t end = end_of_address(text, sign + 3);
      return end > sign + 3 ? Autolink{from, end - from} : Autolink();
    }
  }
  if (text[sign] == '.' && sign >= least + 3 && lower(text.substr(sign - 3, 3)) == "www" && apart(sign - 3)) {
    const std::size_t end = end_of_address(text, sign + 1);
    const bool has_point = end > sign + 1 && text.substr(sign + 1, end - sign - 1).find('.') != std::string_view::npos;
    if (has_point) return {sign - 3, end - sign + 3, "http://"};
  }
  return {};
}

}  // namespace richtext
MIGRATE_END
