// Whether a tree has the form of normalised() already, so that it need not be copied to get it.
#pragma once

#include <string_view>

#include "migrate/richtext/document.hpp"

MIGRATE_BEGIN
namespace richtext {

/// True only if normalised() would return the same tree and tell of no loss. May be false for a few that have the form.
bool is_normal(const Node& document);

/// The same of a paragraph, wherever it stands.
bool is_normal_paragraph(const Node& node);
/// Whether panels are of that kind.
bool is_panel(std::string_view kind) noexcept;

/// `document` itself where it has the form, else `made`, which becomes its normalised copy.
const Node& normal_form(const Node& document, Node& made, Losses& losses);

}  // namespace richtext
MIGRATE_END
