// Gumbo takes every character as a token of its own. Most of what people write is text between tags, and most of what
// their programs add are long attributes, of which it has to know no more than that they are there: each is replaced by
// one character, and put back into the tree.
#pragma once

#include <gumbo.h>

#include <string>
#include <string_view>
#include <vector>

#include "migrate/abi.hpp"

MIGRATE_BEGIN
namespace richtext {

struct Abridged {
  std::string html;                      ///< with stand-ins
  std::vector<std::string_view> texts;   ///< of `html` as it was given, by the stand-ins' numbers
  std::vector<std::string_view> values;  ///< of attributes, likewise
  bool empty() const noexcept { return texts.empty() && values.empty(); }  ///< nothing was replaced
};

/// Replaces stretches that Gumbo would keep as they are: no markup, no entities, nothing that it corrects.
Abridged abridged(std::string_view html);

/// Puts them back into the tree that Gumbo has made of `of.html`; the nodes point into `storage` then. False when not
/// each stand-in is where it belongs, in one text or as the value of an attribute: what looked like text was part of
/// something else (a comment, a tag that Gumbo drops), and the tree is no good. When it is true, the tree is that of
/// the whole HTML.
bool restore(const GumboNode& root, const Abridged& of, std::string& storage);

}  // namespace richtext
MIGRATE_END
