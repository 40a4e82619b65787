// What printers write for images, mentions, references and unknown things that have no live form on the target.
#pragma once

#include <string>

#include "migrate/richtext/document.hpp"

MIGRATE_BEGIN
namespace richtext {

/// Its alternative text, else its file's name, else "image".
std::string label_of(const Node& image);
/// Without "@"; the account when nobody said a name.
std::string name_of(const Node& mention);
/// As the text has it, else the item's id or address.
std::string notation_of(const Node& reference);

/// Text, with a link where there is an address for it; the loss is noted.
Node as_words(const Node& node, Losses& losses);

/// The first words below, for examples of losses.
std::string first_words(const Node& node);

}  // namespace richtext
MIGRATE_END
