#include "utf8.hpp"

#include <cstring>

MIGRATE_BEGIN
namespace richtext {

Utf8 decode_longer(std::string_view text, std::size_t at) noexcept {
  const auto byte = [&](std::size_t offset) -> unsigned {
    return at + offset < text.size() ? static_cast<unsigned char>(text[at + offset]) : 0U;
  };
  const unsigned first = byte(0);
  const int more = first >= 0xF0 && first < 0xF5 ? 3 : first >= 0xE0 ? 2 : first >= 0xC2 ? 1 : 0;
  if (more == 0 || first >= 0xF5) return {0xFFFD, 1, false};
  char32_t code = first & (0x3FU >> more);
  for (int index = 1; index <= more; ++index) {
    if ((byte(static_cast<std::size_t>(index)) & 0xC0) != 0x80) return {0xFFFD, 1, false};
    code = code << 6 | (byte(static_cast<std::size_t>(index)) & 0x3F);
  }
  const char32_t least = more == 1 ? 0x80 : more == 2 ? 0x800 : 0x10000;
  if (code < least || code > 0x10FFFF) return {0xFFFD, 1, false};
  // Half a surrogate pair: three bytes that stand for no character.
  if (code >= 0xD800 && code < 0xE000) return {0, 3, false};
  return {code, static_cast<std::uint8_t>(more + 1), true};
}

void append(std::string& to, char32_t code) {
  const auto put = [&](char32_t byte) { to += static_cast<char>(byte); };
  if (code < 0x80) return put(code);
  if (code < 0x800) return put(0xC0 | code >> 6), put(0x80 | (code & 0x3F));
  if (code < 0x10000) return put(0xE0 | code >> 12), put(0x80 | (code >> 6 & 0x3F)), put(0x80 | (code & 0x3F));
  put(0xF0 | code >> 18), put(0x80 | (code >> 12 & 0x3F)), put(0x80 | (code >> 6 & 0x3F)), put(0x80 | (code & 0x3F));
}

namespace {

bool is_control(char32_t code) noexcept {
  return (code < 0x20 && code != '\n' && code != '\t') || (code >= 0x7F && code < 0xA0) || code == 0xFFFE ||
         code == 0xFFFF;
}

constexpr std::uint64_t each = 0x0101010101010101U, high = 0x80 * each;

/// Eight bytes of the text in one number; there have to be so many behind `at`.
std::uint64_t load(std::string_view text, std::size_t at) noexcept {
  std::uint64_t eight;
  std::memcpy(&eight, text.data() + at, sizeof eight);
  return eight;
}

bool are_printable(std::uint64_t eight) noexcept {
  // Below 0x20 the subtraction borrows, at 0x7F the addition carries into the highest bit.
  return ((eight | (eight - 0x20 * each) | (eight + each)) & high) == 0;
}

/// Whether two blanks stand side by side in printable characters.
bool hold_two_blanks(std::uint64_t eight) noexcept {
  // The highest bit of all but blanks.
  const std::uint64_t others = ((eight ^ (0x20 * each)) + 0x7F * each) | ~high;
  return (~others & (~others << 8U)) != 0;
}

}  // namespace

std::size_t printable_bytes(std::string_view text, std::size_t at) noexcept {
  const std::size_t start = at;
  for (; at + 8 <= text.size(); at += 8) {
    if (!are_printable(load(text, at))) return at - start;
  }
  // The rest together with what is known already.
  if (at > start && at < text.size() && are_printable(load(text, text.size() - 8))) at = text.size();
  return at - start;
}

std::size_t single_spaced_bytes(std::string_view text, std::size_t at, bool blank) noexcept {
  const std::size_t start = at;
  for (; at + 8 <= text.size(); at += 8) {
    const std::uint64_t eight = load(text, at);
    if (!are_printable(eight) || hold_two_blanks(eight) || (blank && text[at] == ' ')) break;
    blank = text[at + 7] == ' ';
  }
  return at - start;
}

bool is_clean(std::string_view text) noexcept {
  for (std::size_t at = printable_bytes(text, 0); at < text.size();) {
    const Utf8 next = decode(text, at);
    if (!next.valid || is_control(next.code)) return false;
    at += next.size;
    if (next.code < ' ') at += printable_bytes(text, at);
  }
  return true;
}

std::size_t clean(std::string& text) {
  if (is_clean(text)) return 0;
  std::string kept;
  kept.reserve(text.size());
  std::size_t changed = 0;
  for (std::size_t at = 0; at < text.size();) {
    const Utf8 next = decode(text, at);
    if (next.valid && next.code == '\r') {
      if (at + 1 >= text.size() || text[at + 1] != '\n') kept += '\n';
    } else if (!next.valid || is_control(next.code)) {
      ++changed;
      if (!next.valid && next.code != 0) append(kept, next.code);
    } else {
      kept.append(text, at, next.size);
    }
    at += next.size;
  }
  text = std::move(kept);
  return changed;
}

bool is_wide_space(char32_t code) noexcept {
  return code == 0xA0 || code == 0x1680 || (code >= 0x2000 && code <= 0x200A) || code == 0x2028 || code == 0x2029 ||
         code == 0x202F || code == 0x205F || code == 0x3000;
}

bool is_blank(std::string_view text) noexcept {
  for (std::size_t at = 0; at < text.size();) {
    const Utf8 next = decode(text, at);
    if (!is_space(next.code)) return false;
    at += next.size;
  }
  return true;
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  return result;
}

std::string_view trim(std::string_view text) noexcept {
  while (!text.empty() && is_ascii_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_ascii_space(text.back())) text.remove_suffix(1);
  return text;
}

std::string_view prefix(std::string_view text, std::size_t bytes) noexcept {
  if (text.size() <= bytes) return text;
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xC0) == 0x80) --bytes;
  return text.substr(0, bytes);
}

}  // namespace richtext
MIGRATE_END
