#include "migrate/base64.hpp"

#include <array>
#include <cstdint>

MIGRATE_BEGIN

namespace {

constexpr std::string_view standard_digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view url_digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

using Digits = std::array<signed char, 256>;

constexpr Digits values_of(std::string_view digits) {
  Digits values{};
  values.fill(-1);
  for (std::size_t i = 0; i < digits.size(); ++i) {
    values[static_cast<unsigned char>(digits[i])] = static_cast<signed char>(i);
  }
  return values;
}

constexpr Digits standard_values = values_of(standard_digits);
constexpr Digits url_values = values_of(url_digits);

}  // namespace

std::string base64_encode(std::string_view bytes, Base64 alphabet) {
  const std::string_view digits = alphabet == Base64::url ? url_digits : standard_digits;
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      group = group << 8 | (i + j < bytes.size() ? static_cast<unsigned char>(bytes[i + j]) : 0U);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      if (i + j <= bytes.size()) {
        out += digits[group >> (18 - 6 * j) & 63U];
      } else if (alphabet == Base64::standard) {
        out += '=';
      }
    }
  }
  return out;
}

bool base64_decode(std::string_view text, std::string& bytes, Base64 alphabet) {
  const Digits& values = alphabet == Base64::url ? url_values : standard_values;
  bytes.clear();
  while (text.ends_with('=')) text.remove_suffix(1);
  std::uint32_t group = 0;
  int bits = 0;
  for (const char c : text) {
    const int value = values[static_cast<unsigned char>(c)];
    if (value < 0) return false;
    group = group << 6 | static_cast<std::uint32_t>(value);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes += static_cast<char>(group >> bits & 255U);
    }
  }
  return bits < 6;
}

MIGRATE_END
