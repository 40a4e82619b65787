// What parse_html() and parse_markdown() share.
#pragma once

#include <string_view>

#include "migrate/richtext/formats.hpp"

MIGRATE_BEGIN
namespace richtext {

/// `exact`: the markup was made by us, blanks that it has are kept and nothing in it is layout.
Parsed parse_html_as(std::string_view html, const HtmlOptions& options, bool exact);

}  // namespace richtext
MIGRATE_END
