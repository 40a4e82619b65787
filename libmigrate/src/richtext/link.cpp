#include "link.hpp"

#include <algorithm>
#include <iterator>

#include "utf8.hpp"

MIGRATE_BEGIN
namespace richtext {

std::string clean_address(std::string_view address) {
  std::string result(trim(address));
  clean(result);
  std::erase_if(result, [](char c) { return c == '\n' || c == '\t'; });
  return result;
}

bool is_clean_address(std::string_view address) noexcept {
  if (address.empty()) return true;
  if (is_ascii_space(address.front()) || is_ascii_space(address.back())) return false;
  return printable_bytes(address, 0) == address.size() || (!has_break_or_tab(address) && is_clean(address));
}

std::string scheme_of(std::string_view address) {
  std::string scheme;
  for (const char c : address) {
    if (static_cast<unsigned char>(c) <= ' ') continue;
    if (c == ':') return lower(scheme);
    const bool inside = is_ascii_alnum(c) || c == '+' || c == '-' || c == '.';
    if (!inside) return {};
    scheme += c;
  }
  return {};
}

bool is_safe_link(std::string_view address) {
  // What runs nothing in a browser. A list of the dangerous ones would miss the next one.
  static constexpr std::string_view safe[] = {
      "",    "callto", "file",    "ftp",  "ftps",   "geo",    "git",    "http",    "https", "im",
      "irc", "ircs",   "ldap",    "maps", "magnet", "mailto", "matrix", "msteams", "mxc",   "news",
      "nfs", "nntp",   "onenote", "rtsp", "sftp",   "sip",    "sips",   "skype",   "slack", "smb",
      "sms", "ssh",    "svn",     "tel",  "vstfs",  "webcal", "xmpp",   "zoommtg"};
  return !trim(address).empty() && std::find(std::begin(safe), std::end(safe), scheme_of(address)) != std::end(safe);
}

bool is_safe_image(std::string_view address) {
  const std::string scheme = scheme_of(address);
  if (scheme != "data") return is_safe_link(address) || scheme == "cid";
  const std::string start = lower(trim(address).substr(0, 40));
  for (const std::string_view type : {"png", "jpeg", "jpg", "gif", "webp", "bmp"}) {
    const std::string opening = "data:image/" + std::string(type);
    if (start.starts_with(opening) && (start[opening.size()] == ';' || start[opening.size()] == ',')) return true;
  }
  return false;
}

bool is_web_address(std::string_view address) {
  const std::string scheme = scheme_of(address);
  const std::string_view clear = trim(address);
  return (scheme == "http" || scheme == "https") && clear.size() > scheme.size() + 3 &&
         clear.substr(scheme.size(), 3) == "://" && !is_ascii_space(clear[scheme.size() + 3]);
}

std::string file_name_of(std::string_view address) {
  const std::string scheme = scheme_of(address);
  if (scheme == "data" || scheme == "cid") return {};
  // Azure DevOps and others name the file in a parameter.
  const std::string small = lower(address);
  for (const std::string_view key : {"filename="}) {
    const std::size_t at = small.find(key);
    if (at == std::string::npos) continue;
    const std::string_view value = address.substr(at + key.size());
    const std::string name = percent_decoded(value.substr(0, value.find_first_of("&#")));
    if (!name.empty()) return name;
  }
  address = address.substr(0, address.find_first_of("?#"));
  if (!scheme.empty() && address.find('/', scheme.size() + 3) == std::string_view::npos) return {};
  return percent_decoded(address.substr(address.find_last_of('/') + 1));
}

std::string percent_decoded(std::string_view text) {
  const auto digit = [](char c) -> int {
    if (is_ascii_digit(c)) return c - '0';
    const char small = static_cast<char>(c | 0x20);
    return small >= 'a' && small <= 'f' ? small - 'a' + 10 : -1;
  };
  std::string result;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const int high = text[at] == '%' && at + 2 < text.size() ? digit(text[at + 1]) : -1;
    const int low = high >= 0 ? digit(text[at + 2]) : -1;
    if (low >= 0) {
      result += static_cast<char>(high * 16 + low);
      at += 2;
    } else {
      result += text[at];
    }
  }
  clean(result);
  return result;
}

}  // namespace richtext
MIGRATE_END
