// How words look at one place of an HTML document.
#pragma once

#include <string>
#include <string_view>

#include "migrate/richtext/document.hpp"

MIGRATE_BEGIN
namespace richtext {

struct HtmlStyle {
  Marks marks;
  std::int32_t colour = -1;
  std::string_view link;  ///< lives in the parsed document
  bool keeps_blanks = false;
  bool on_ground = false;  ///< highlighted, and told
};

/// What a `style` attribute says beyond that.
struct LostStyle {
  std::string colour;   ///< when it is one that is lost
  bool ground = false;  ///< it paints behind the words
};

/// What of a `style` attribute the tree can hold: weight, slant, lines, colour, position, white space.
LostStyle apply_css(std::string_view css, HtmlStyle& style);

/// "#fa0", "#ffaa00", "rgb(255, 170, 0)" or a name; -1 for black, which is how text looks anyway, and for anything
/// else.
std::int32_t colour_of(std::string_view css);
/// Whether that says a colour which colour_of() does not know: not black, nor a word for how text looks anyway.
bool is_lost_colour(std::string_view css);

}  // namespace richtext
MIGRATE_END
