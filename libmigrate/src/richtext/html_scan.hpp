// HTML looked at without being parsed: where tags, comments and text begin and end, nearly always. Nothing here may be
// relied on for more than an estimate.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "migrate/abi.hpp"

MIGRATE_BEGIN
namespace richtext {

struct Tag {
  std::size_t end;             ///< behind its ">"
  std::size_t attributes = 0;  ///< at most
  bool self_closed = false;    ///< "/>"
};
/// The tag whose "<" stands before `at`. Values between quotes are added to `quoted`.
Tag read_tag(std::string_view html, std::size_t at, std::vector<std::string_view>* quoted = nullptr);

/// The name of a tag at `at`, or what stands there, of at most 32 bytes.
std::string_view name_at(std::string_view html, std::size_t at);

/// Behind the comment whose "<!--" is at `at`.
std::size_t after_comment(std::string_view html, std::size_t at);

/// The end tag of a raw element like <script>, whose content is no markup and begins at `at`.
std::size_t after_raw(std::string_view html, std::size_t at, std::string_view tag);

/// Whether parsing it would take time that grows with the square of its size: a parser walks along the open elements
/// for each tag (html_nesting.hpp), and along the attributes of one tag for each of them.
bool would_exhaust(std::string_view html);

/// What can be read of markup that would exhaust a parser: HTML of paragraphs, pictures, links and line breaks alone.
std::string without_nesting(std::string_view html);

}  // namespace richtext
MIGRATE_END
