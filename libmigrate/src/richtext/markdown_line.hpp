// Words with marks as a line of Markdown.
#pragma once

#include <string>
#include <vector>

#include "migrate/richtext/document.hpp"

MIGRATE_BEGIN
namespace richtext {

enum class MarkdownLine {
  paragraph,  ///< breaks are line ends, and each line could begin a block
  single,     ///< headings: on one line, behind a mark
  cell        ///< of a table with bars
};

/// `nodes` are normalised.
std::string markdown_line(const std::vector<Node>& nodes, MarkdownLine place, Losses& losses);

}  // namespace richtext
MIGRATE_END
