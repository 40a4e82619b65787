// What <pre> holds beside text.
#pragma once

#include <gumbo.h>

#include <string_view>

#include "html_style.hpp"
#include "migrate/richtext/document.hpp"

MIGRATE_BEGIN
namespace richtext {

/// Whether code that looks like `style` says all there is below: true for most of it.
bool is_only_text(const GumboNode& pre, const HtmlStyle& style);
/// A link of code is lost unless its words are its address.
void tell_lost_link(std::string_view address, std::string_view words, Losses& losses);
/// `inside` is what the code would be as ordinary content, links apart.
void tell_lost_in_code(const Node& inside, Losses& losses);

}  // namespace richtext
MIGRATE_END
