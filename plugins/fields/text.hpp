// Text as records hold it: what is blank, what is UTF-8, other charsets, digits of other scripts. No rule knows more.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "migrate/record.hpp"

namespace migrate::fields {

/// White space is blank, tab, CR, LF, VT and FF. Anything else, a no-break space too, is text.
inline bool is_space(char c) noexcept { return c == ' ' || (c >= '\t' && c <= '\r'); }
inline bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
inline char to_lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
inline char to_upper(char c) noexcept { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }

std::string_view trimmed(std::string_view text) noexcept;
std::string lowered(std::string_view text);
bool is_ascii(std::string_view text) noexcept;
/// Strictly: no overlong form, no surrogate, nothing beyond U+10FFFF.
bool is_utf8(std::string_view text) noexcept;

/// Null, absent, or text that is empty or white space.
bool is_blank(const Value* value) noexcept;

/// Decodes one charset of iconv. A charset of single bytes is a table, made once; safe for any number of threads.
class Charset {
 public:
  /// Throws Error(invalid) when iconv does not know the name.
  explicit Charset(std::string name);
  const std::string& name() const noexcept { return name_; }
  /// UTF-8, or nothing when a byte has no meaning in this charset.
  std::optional<std::string> decode(std::string_view bytes) const;

 private:
  struct Letter {
    std::array<char, 4> bytes{};
    std::uint8_t size = 0;  ///< 0: no meaning
  };
  std::string name_;
  bool single_byte_ = true;
  std::array<Letter, 256> table_{};
};

/// Arabic-Indic and Persian digits become ASCII, in place.
void digits_to_ascii(boost::json::string& text);

/// The bytes of `{"$binary":{"base64":…}}`; nothing when `value` is something else or not well-formed.
std::optional<std::string> binary_bytes(const Value& value);

/// Text of a scalar: strings as they are, numbers in decimal, true and false, null as empty. `spare` holds what is not
/// a string already. Nothing for arrays and objects.
std::optional<std::string_view> scalar_text(const Value& value, std::string& spare);

/// For messages: quoted, shortened, with bytes that are not UTF-8 as \xNN.
std::string quoted(const Value& value);
std::string quoted(std::string_view text);

}  // namespace migrate::fields
