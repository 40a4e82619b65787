// What GitLab takes for a mention or a reference in text.
#pragma once

#include <cstddef>
#include <string_view>

#include "migrate/abi.hpp"

MIGRATE_BEGIN
namespace richtext {

/// Length of the name of a user or group that begins here; 0 when there is none. "lea", "acme/team".
std::size_t user_name_at(std::string_view text);
bool is_user_name(std::string_view text);

/// "#12", "!3", "&4", "acme/app#12": the whole of it.
bool is_item_reference(std::string_view text);

inline bool is_word(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80) != 0;
}

}  // namespace richtext
MIGRATE_END
