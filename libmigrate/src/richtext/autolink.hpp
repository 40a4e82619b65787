// Addresses that stand in a text without any mark.
#pragma once

#include <cstddef>
#include <string_view>

#include "migrate/abi.hpp"

MIGRATE_BEGIN
namespace richtext {

struct Autolink {
  std::size_t from = 0, size = 0;  ///< size 0: none
  std::string_view scheme = {};    ///< what the link has in front of the text: "http://", "mailto:" or nothing
};
/// The web or mail address around the sign (a colon, point or "@") at `sign`, not from before `least`. `before` is the
/// character before the text. As GitHub's specification has it: what ends a sentence is no part of it.
Autolink autolink_at(std::string_view text, std::size_t least, std::size_t sign, char before);

}  // namespace richtext
MIGRATE_END
