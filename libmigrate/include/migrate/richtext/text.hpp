// What a document says, without what it looks like; and the part of it that fits somewhere.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "migrate/richtext/document.hpp"

MIGRATE_BEGIN
namespace richtext {

/// For people: paragraphs apart by an empty line, items with "- " or a number, cells apart by " | ".
MIGRATE_API std::string plain_text(const Node& document);

/// For comparison: two documents of equal content give the same text, whatever the format that they were read from. One
/// line each for paragraphs and their lines, blanks folded to one, what does not show left out; "[image]" for an image,
/// the account of a mention, the item of a reference (their target, else their id). To verify what was written, compare
/// the canonical text of what was sent, parsed from its own format, with that of what the service gives back.
MIGRATE_API std::string canonical_text(const Node& document);

struct Split {
  Node head;         ///< the whole document when it fits
  bool cut = false;  ///< something is missing: it ends with the note then
};
/// As much of the document's beginning as fits `limit` by `length`, which measures a tree's printed form, for example
/// `[](const Node& tree) { return utf16_length(print_wiki(tree).text); }` for Jira's 32,767 characters. `note` is a
/// block that says where the rest is; the caller puts the whole text there. Without room for the note the head is
/// empty. Prints the document about as often as its length has binary digits.
MIGRATE_API Split split_at(const Node& document, std::size_t limit, const Node& note,
                           const std::function<std::size_t(const Node&)>& length);

/// Characters as Java and JavaScript count them.
MIGRATE_API std::size_t utf16_length(std::string_view text) noexcept;

}  // namespace richtext
MIGRATE_END
