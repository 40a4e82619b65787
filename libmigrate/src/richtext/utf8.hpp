// Characters: what may stand in a text, and how it is counted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "migrate/abi.hpp"

MIGRATE_BEGIN
namespace richtext {

struct Utf8 {
  char32_t code = 0;
  std::uint8_t size = 1;  ///< bytes taken; 1 for a byte that begins nothing
  bool valid = true;
};
/// As decode(), of a character that is not ASCII.
Utf8 decode_longer(std::string_view text, std::size_t at) noexcept;
/// The character at `at`, which is below the size.
inline Utf8 decode(std::string_view text, std::size_t at) noexcept {
  const auto first = static_cast<unsigned char>(text[at]);
  if (first < 0x80) return {first, 1, true};
  return decode_longer(text, at);
}
void append(std::string& to, char32_t code);

/// Valid UTF-8 without control characters but line feed and tab: these and halves of surrogate pairs are left out,
/// other bytes that are no UTF-8 become U+FFFD. CR and CR LF become LF. Returns how many were left out or replaced.
std::size_t clean(std::string& text);
/// Whether clean() would leave it as it is.
bool is_clean(std::string_view text) noexcept;

/// How many bytes from `at` on are printable ASCII: eight at a time, the last few before another one may be left.
std::size_t printable_bytes(std::string_view text, std::size_t at) noexcept;
/// The same of words with single blanks between them; `blank`: one stands before `at`.
std::size_t single_spaced_bytes(std::string_view text, std::size_t at, bool blank) noexcept;

/// As is_space(), of a character that is not ASCII.
bool is_wide_space(char32_t code) noexcept;
/// Blanks of every kind, the no-break space included.
inline bool is_space(char32_t code) noexcept {
  return code < 0x80 ? code == ' ' || (code >= 9 && code <= 13) : is_wide_space(code);
}
/// Whether a line feed or tab is in it. find_first_of() would ask for each character where it stands in the set.
inline bool has_break_or_tab(std::string_view text) noexcept {
  return text.find('\n') != std::string_view::npos || text.find('\t') != std::string_view::npos;
}
/// Nothing but blanks; also when it is empty.
bool is_blank(std::string_view text) noexcept;
inline bool is_ascii_space(char character) noexcept {
  if (static_cast<unsigned char>(character) > ' ') return false;
  return character == ' ' || character == '\t' || character == '\n' || character == '\r' || character == '\f';
}
inline bool is_ascii_alnum(char c) noexcept {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
inline bool is_ascii_digit(char c) noexcept { return c >= '0' && c <= '9'; }
inline bool is_ascii_punctuation(char c) noexcept { return c > ' ' && c < 127 && !is_ascii_alnum(c); }
std::string lower(std::string_view text);
std::string_view trim(std::string_view text) noexcept;

/// At most `bytes` of it, cut between two characters.
std::string_view prefix(std::string_view text, std::size_t bytes) noexcept;

}  // namespace richtext
MIGRATE_END
