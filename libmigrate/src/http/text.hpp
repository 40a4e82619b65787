// Small things of text that the files of this folder share.
#pragma once

#include <string>
#include <string_view>

#include "migrate/abi.hpp"

MIGRATE_BEGIN
namespace http {

/// Of ASCII letters only, whatever the locale is.
constexpr char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
constexpr bool is_alphanumeric(char c) noexcept { return (lower(c) >= 'a' && lower(c) <= 'z') || is_digit(c); }
bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept;
std::string lowered(std::string_view text);
std::string_view trimmed(std::string_view text) noexcept;
/// What RFC 9110 calls a token: methods, names of header fields.
bool is_token(std::string_view text) noexcept;
/// No longer than `limit` bytes, cut between two characters; "…" marks a cut.
std::string shortened(std::string_view text, std::size_t limit);
bool is_utf8(std::string_view text) noexcept;

}  // namespace http
MIGRATE_END
