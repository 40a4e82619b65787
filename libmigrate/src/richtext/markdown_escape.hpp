// Words as Markdown that says nothing but them.
#pragma once

#include <string>
#include <string_view>

#include "migrate/abi.hpp"

MIGRATE_BEGIN
namespace richtext {

struct MarkdownPlace {
  bool line_start = false;  ///< nothing of this line of the block stands before it
  bool ends_line = false;   ///< nothing follows on the line
  char before = 0;          ///< the character before it, 0 at the start
};
/// Escaped so that neither CommonMark nor GitLab reads marks, blocks, links, mentions, references or commands.
std::string markdown_escaped(std::string_view words, const MarkdownPlace& place);

/// "(address)" of a link or image, without the brackets.
std::string markdown_address(std::string_view address);

/// In backticks; for text that Markdown cannot hold so, in the HTML element.
std::string markdown_code(std::string_view words, bool in_table);

/// Whether a character, as the first or last of words, counts as a blank or as punctuation for the rules of emphasis.
/// `unknown`: that is not known for sure, it may be either.
enum class Class { blank, punctuation, letter, unknown };
Class class_of(char32_t code);

}  // namespace richtext
MIGRATE_END
