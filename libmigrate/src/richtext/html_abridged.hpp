// Gumbo takes every character as a token of its own. Most of what people write is text between tags, of which it has to
// know no more than that it is there: a stretch of it is replaced by one character, and put back into the tree.
#pragma once

#include <gumbo.h>

#include <string>
#include <string_view>
#include <vector>

#include "migrate/abi.hpp"

MIGRATE_BEGIN
namespace richtext {

struct Abridged {
  std::string html;  ///< with stand-ins
  std::vector<std::string_view>
      texts;  ///< of `html` as it was given, by the stand-ins' numbers; none: nothing was done
};

/// Replaces stretches that Gumbo would keep as they are: no markup, no entities, nothing that it corrects.
Abridged abridged(std::string_view html);

/// Puts the texts back into the tree that Gumbo has made of `of.html`; the nodes point into `storage` then. False when
/// not each stand-in is in a text, once: what looked like text was part of something else (an attribute, a comment),
/// and the tree is no good. When it is true, the tree is that of the whole HTML.
bool restore(const GumboNode& root, const Abridged& of, std::string& storage);

}  // namespace richtext
MIGRATE_END
