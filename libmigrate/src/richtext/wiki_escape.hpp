// Words as Jira wiki markup that says nothing but them.
#pragma once

#include <string>
#include <string_view>

#include "migrate/abi.hpp"

MIGRATE_BEGIN
namespace richtext {

struct WikiPlace {
  bool line_start = false;
  bool mark_start = false;  ///< nothing but marks that could begin an item stands in the line so far
  char before = ' ';        ///< the character before it
};
std::string wiki_escaped(std::string_view words, const WikiPlace& place);

/// An address between the bar and the bracket of a link.
std::string wiki_address(std::string_view address);

/// Whether Jira colours code of it; it shows an error for others.
bool is_wiki_language(std::string_view name);

}  // namespace richtext
MIGRATE_END
