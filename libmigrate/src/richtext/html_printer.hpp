// What print_html() and print_markdown() share.
#pragma once

#include <string>
#include <vector>

#include "migrate/richtext/formats.hpp"

MIGRATE_BEGIN
namespace richtext {

enum class HtmlFor {
  browsers,
  gitlab  ///< inside Markdown: one line a row, nothing that GitLab takes away or takes for a reference
};

/// `nodes` are normalised.
std::string html_of(const std::vector<Node>& nodes, HtmlFor reader, Losses& losses);

/// With &amp; and the like; blanks in a row become no-break spaces, so that they stay.
void append_escaped(std::string& to, std::string_view text, bool in_attribute = false);

}  // namespace richtext
MIGRATE_END
