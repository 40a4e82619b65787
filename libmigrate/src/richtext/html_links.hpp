// Links that are more than links.
#pragma once

#include <optional>

#include "html_dom.hpp"
#include "migrate/richtext/document.hpp"

MIGRATE_BEGIN
namespace richtext {

/// The mention or item reference that a link (or a span of print_html()) stands for.
std::optional<Node> known_link(const GumboNode& node);

}  // namespace richtext
MIGRATE_END
