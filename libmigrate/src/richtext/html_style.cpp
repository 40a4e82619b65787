#include "html_style.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>

#include "utf8.hpp"

MIGRATE_BEGIN
namespace richtext {
namespace {

struct Named {
  std::string_view name;
  std::int32_t value;
};
// The sixteen of HTML 4 and the ones that editors offer.
constexpr std::array<Named, 24> colours = {{
    {"aqua", 0x00FFFF},    {"blue", 0x0000FF},     {"brown", 0xA52A2A},     {"crimson", 0xDC143C},
    {"cyan", 0x00FFFF},    {"darkblue", 0x00008B}, {"darkgreen", 0x006400}, {"darkred", 0x8B0000},
    {"fuchsia", 0xFF00FF}, {"gold", 0xFFD700},     {"gray", 0x808080},      {"green", 0x008000},
    {"grey", 0x808080},    {"lime", 0x00FF00},     {"magenta", 0xFF00FF},   {"maroon", 0x800000},
    {"navy", 0x000080},    {"olive", 0x808000},    {"orange", 0xFFA500},    {"purple", 0x800080},
    {"red", 0xFF0000},     {"silver", 0xC0C0C0},   {"teal", 0x008080},      {"yellow", 0xFFFF00},
}};

std::int32_t from_hex(std::string_view digits) {
  if (digits.size() != 3 && digits.size() != 6) return -1;
  std::string full;
  for (const char c : digits) full.append(digits.size() == 3 ? 2 : 1, c);
  std::int32_t value = -1;
  const auto [end, error] = std::from_chars(full.data(), full.data() + full.size(), value, 16);
  return error == std::errc() && end == full.data() + full.size() ? value : -1;
}

std::int32_t from_rgb(std::string_view arguments) {
  std::int32_t value = 0;
  for (int part = 0; part < 3; ++part) {
    const std::size_t start = arguments.find_first_of("0123456789");
    if (start == std::string_view::npos) return -1;
    arguments.remove_prefix(start);
    int number = 0;
    const auto [end, error] = std::from_chars(arguments.data(), arguments.data() + arguments.size(), number);
    if (error != std::errc()) return -1;
    arguments.remove_prefix(static_cast<std::size_t>(end - arguments.data()));
    value = value << 8 | std::clamp(number, 0, 255);
  }
  return value;
}

/// "italic bold .8em/1.2 Arial": what stands before the size. It only adds, so that no mark is lost by a size.
void apply_font(std::string_view value, HtmlStyle& style) {
  while (!value.empty()) {
    const std::size_t end = std::min(value.find(' '), value.size());
    const std::string_view word = value.substr(0, end);
    value = trim(value.substr(end));
    int weight = 0;
    const auto [rest, error] = std::from_chars(word.data(), word.data() + word.size(), weight);
    const bool is_weight = error == std::errc() && rest == word.data() + word.size();
    if (!is_weight && (is_ascii_digit(word[0]) || word[0] == '.')) return;
    if (word.starts_with("bold") || weight >= 600) style.marks = style.marks.with(Mark::strong);
    if (word == "italic" || word == "oblique") style.marks = style.marks.with(Mark::em);
  }
}

void apply(std::string_view property, std::string_view value, HtmlStyle& style) {
  const auto set = [&](Mark mark, bool on) { style.marks = on ? style.marks.with(mark) : style.marks.without(mark); };
  if (property == "font-weight") {
    int weight = 0;
    std::from_chars(value.data(), value.data() + value.size(), weight);
    set(Mark::strong, value.starts_with("bold") || weight >= 600);
  } else if (property == "font-style") {
    set(Mark::em, value.starts_with("italic") || value.starts_with("oblique"));
  } else if (property == "font") {
    apply_font(value, style);
  } else if (property == "text-decoration" || property == "text-decoration-line") {
    // Lines of an element outside go on through those inside: nothing is taken away.
    if (value.find("underline") != std::string_view::npos) set(Mark::underline, true);
    if (value.find("line-through") != std::string_view::npos) set(Mark::strike, true);
  } else if (property == "vertical-align") {
    if (value == "sub") set(Mark::sub, true);
    if (value == "super") set(Mark::sup, true);
  } else if (property == "color") {
    style.colour = colour_of(value);
  } else if (property == "white-space") {
    style.keeps_blanks = value.starts_with("pre") || value == "break-spaces";
  }
}

/// Whether words stand on a colour that is seen: not white, as pages are anyway, nor one that all shines through. What
/// of `background` is neither a known colour nor a single word is a picture or a gradient, which lays out.
bool is_ground(std::string_view property, std::string_view value) {
  static constexpr std::string_view usual[] = {"",       "auto",        "canvas", "inherit", "initial", "none",
                                               "revert", "transparent", "unset",  "white",   "window"};
  if (std::find(std::begin(usual), std::end(usual), value) != std::end(usual)) return false;
  const std::size_t last = value.starts_with("rgba") ? value.rfind(',') : std::string_view::npos;
  if (last != std::string_view::npos && value.find_first_of("123456789", last) == std::string_view::npos) return false;
  const std::size_t end = value.find(value.starts_with("rgb") ? ')' : ' ');
  const std::int32_t colour = colour_of(value.substr(0, end));
  const bool one_word = value.find_first_of(" (") == std::string_view::npos && !is_ascii_digit(value[0]);
  return colour != 0xFFFFFF && (colour >= 0 || one_word || property == "background-color");
}

}  // namespace

std::int32_t colour_of(std::string_view css) {
  const std::string value = lower(trim(css));
  std::int32_t colour = -1;
  if (value.starts_with('#')) {
    colour = from_hex(std::string_view(value).substr(1));
  } else if (value.starts_with("rgb")) {
    colour = from_rgb(value);
  } else {
    const auto found =
        std::find_if(colours.begin(), colours.end(), [&](const Named& named) { return named.name == value; });
    if (found != colours.end()) colour = found->value;
  }
  return colour == 0 ? -1 : colour;
}

bool is_lost_colour(std::string_view css) {
  static constexpr std::string_view usual[] = {"",        "auto",   "black", "canvastext", "currentcolor", "inherit",
                                               "initial", "revert", "text",  "unset",      "windowtext"};
  const std::string value = lower(trim(css));
  if (std::find(std::begin(usual), std::end(usual), value) != std::end(usual)) return false;
  const bool black = value.starts_with('#') ? from_hex(std::string_view(value).substr(1)) == 0
                                            : value.starts_with("rgb") && from_rgb(value) == 0;
  return !black && colour_of(value) < 0;
}

LostStyle apply_css(std::string_view css, HtmlStyle& style) {
  LostStyle lost;
  while (!css.empty()) {
    const std::size_t end = std::min(css.find(';'), css.size());
    const std::string_view declaration = css.substr(0, end);
    css.remove_prefix(std::min(end + 1, css.size()));
    const std::size_t colon = declaration.find(':');
    if (colon == std::string_view::npos) continue;
    std::string value = lower(trim(declaration.substr(colon + 1)));
    if (const std::size_t important = value.find('!'); important != std::string::npos) value.erase(important);
    const std::string property = lower(trim(declaration.substr(0, colon)));
    apply(property, trim(value), style);
    if (property == "color" && is_lost_colour(value)) lost.colour = trim(value);
    if (property == "background" || property == "background-color") lost.ground = is_ground(property, trim(value));
  }
  return lost;
}

}  // namespace richtext
MIGRATE_END
