#include "azure_mentions.hpp"

#include <algorithm>

#include "utf8.hpp"

MIGRATE_BEGIN
namespace richtext {
namespace {

constexpr std::size_t guid_size = 36;

bool is_guid(std::string_view id) {
  return id.size() == guid_size &&
         std::all_of(id.begin(), id.end(), [](char c) { return is_ascii_alnum(c) || c == '-'; });
}

/// A character for private use that is not in the text. Empty when the text was made to hold them.
std::string sign_for(std::string_view text) {
  for (char32_t code = 0xE000; code < 0xE010; ++code) {
    std::string sign;
    append(sign, code);
    if (text.find(sign) == std::string_view::npos) return sign;
  }
  return {};
}

}  // namespace

std::string AzureMentions::put_into(std::string_view markdown) {
  std::size_t at = markdown.find("@<");
  if (at != std::string_view::npos) sign_ = sign_for(markdown);
  std::string result;
  while (at != std::string_view::npos && !sign_.empty()) {
    const std::string_view id = markdown.substr(at + 2, guid_size);
    const bool mention = is_guid(id) && markdown.substr(at + 2 + guid_size, 1) == ">";
    result.append(markdown, 0, mention ? at : at + 2);
    if (mention) result.append(sign_).append(id).append(sign_);
    markdown.remove_prefix(at + 2 + (mention ? guid_size + 1 : 0));
    at = markdown.find("@<");
  }
  return result.append(markdown);
}

AzureMentions::Found AzureMentions::find(std::string_view text) const {
  Found found;
  const std::size_t size = 2 * sign_.size() + guid_size;
  const std::size_t at = sign_.empty() ? std::string_view::npos : text.find(sign_);
  if (at == std::string_view::npos || text.size() - at < size) return found;
  found.at = at;
  found.size = size;
  found.id = text.substr(at + sign_.size(), guid_size);
  return found;
}

std::string AzureMentions::taken_out_of(std::string_view text) const {
  std::string result;
  for (Found found = find(text); found.size > 0; found = find(text)) {
    result.append(text, 0, found.at).append("@<").append(found.id).append(">");
    text.remove_prefix(found.at + found.size);
  }
  return result.append(text);
}

}  // namespace richtext
MIGRATE_END
