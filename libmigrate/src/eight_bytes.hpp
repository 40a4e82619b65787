// Eight characters of a text at a time, in one number.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "migrate/abi.hpp"

MIGRATE_BEGIN
namespace eight_bytes {

inline constexpr std::uint64_t each = 0x0101010101010101U;
inline constexpr std::uint64_t high = 0x80 * each;

/// Those from `at` on; there have to be so many.
inline std::uint64_t load(std::string_view text, std::size_t at) noexcept {
  std::uint64_t eight;
  std::memcpy(&eight, text.data() + at, sizeof eight);
  return eight;
}
/// Not 0 when one of them is less than `least`, which is 0x80 at most.
constexpr std::uint64_t below(std::uint64_t eight, std::uint8_t least) noexcept {
  return (eight - least * each) & ~eight & high;
}
/// Not 0 when one of them is that one.
constexpr std::uint64_t equal(std::uint64_t eight, char byte) noexcept {
  return below(eight ^ (static_cast<unsigned char>(byte) * each), 1);
}
/// Not 0 when one of them is no ASCII.
constexpr std::uint64_t wide(std::uint64_t eight) noexcept { return eight & high; }

}  // namespace eight_bytes
MIGRATE_END
