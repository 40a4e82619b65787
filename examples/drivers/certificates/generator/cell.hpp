// One value as it lies in the legacy database.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

namespace certificates {

struct Cell {
  enum class Kind { null, integer, text, blob };
  Kind kind = Kind::null;
  std::int64_t number = 0;
  std::string bytes;  ///< of a text (not always UTF-8) or a blob

  static Cell null() { return {}; }
  static Cell integer(std::int64_t value) { return {Kind::integer, value, {}}; }
  static Cell text(std::string value) { return {Kind::text, 0, std::move(value)}; }
};

}  // namespace certificates
