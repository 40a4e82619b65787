#include "html_nesting.hpp"

#include <gumbo.h>

#include <algorithm>
#include <numeric>

MIGRATE_BEGIN
namespace richtext {

enum class HtmlNesting::Kind : std::uint8_t {
  other,       // closed by its end tag, unless a block stands between
  formatting,  // the same, and opened again behind the block
  anchor,      // formatting, of which one ends the other
  block,
  list,
  heading,
  paragraph,
  item,         // of lists
  description,  // <dd>, <dt>
  form,         // its end tag may be another one's
  button,
  boundary,  // nothing inside closes what is outside
  table,
  section,  // of a table
  row,
  cell,
  column,
  select,
  option,
  ruby_part,
  drawing,  // an element of SVG or MathML
  point,    // one that HTML may stand in
  rule,
  raw,
  nothing,  // never has content, or is there already
  unknown   // it has rules of its own
};

namespace {

template <class Names>
auto find_name(const Names& sorted, std::string_view wanted) {
  const auto at = std::lower_bound(sorted.begin(), sorted.end(), wanted,
                                   [](const auto& each, std::string_view name) { return each.name < name; });
  return at != sorted.end() && at->name == wanted ? &*at : nullptr;
}

struct Name {
  std::string_view name;
};
constexpr auto by_name = [](const auto& a, const auto& b) { return a.name < b.name; };

/// Tags of HTML that end a drawing.
bool ends_drawing(std::string_view wanted) {
  static constexpr auto names = std::to_array<Name>(
      {{"b"},      {"big"},  {"blockquote"}, {"body"},  {"br"},   {"center"}, {"code"},    {"dd"},   {"div"},
       {"dl"},     {"dt"},   {"em"},         {"embed"}, {"h1"},   {"h2"},     {"h3"},      {"h4"},   {"h5"},
       {"h6"},     {"head"}, {"hr"},         {"i"},     {"img"},  {"li"},     {"listing"}, {"menu"}, {"meta"},
       {"nobr"},   {"ol"},   {"p"},          {"pre"},   {"ruby"}, {"s"},      {"small"},   {"span"}, {"strike"},
       {"strong"}, {"sub"},  {"sup"},        {"table"}, {"tt"},   {"u"},      {"ul"},      {"var"}});
  static_assert(std::is_sorted(names.begin(), names.end(), by_name));
  return find_name(names, wanted) != nullptr;
}

/// Gumbo takes names that it does not know for the same.
std::string_view known_name(std::string_view name) {
  const auto size = static_cast<unsigned>(name.size());
  return gumbo_tagn_enum(name.data(), size) == GUMBO_TAG_UNKNOWN ? "?" : name;
}

}  // namespace

struct HtmlNesting::Named {
  std::string_view name;
  Kind kind;
};

HtmlNesting::Kind HtmlNesting::kind_of(std::string_view wanted) {
  using enum Kind;
  static constexpr auto names = std::to_array<Named>({
      {"a", anchor},
      {"address", block},
      {"applet", boundary},
      {"area", nothing},
      {"article", block},
      {"aside", block},
      {"b", formatting},
      {"base", nothing},
      {"basefont", nothing},
      {"bgsound", nothing},
      {"big", formatting},
      {"blockquote", block},
      {"body", nothing},
      {"br", nothing},
      {"button", button},
      {"caption", cell},
      {"center", block},
      {"code", formatting},
      {"col", column},
      {"colgroup", column},
      {"dd", description},
      {"details", block},
      {"dir", block},
      {"div", block},
      {"dl", block},
      {"dt", description},
      {"em", formatting},
      {"embed", nothing},
      {"fieldset", block},
      {"figcaption", block},
      {"figure", block},
      {"font", formatting},
      {"footer", block},
      {"form", form},
      {"frame", nothing},
      {"frameset", unknown},
      {"h1", heading},
      {"h2", heading},
      {"h3", heading},
      {"h4", heading},
      {"h5", heading},
      {"h6", heading},
      {"head", nothing},
      {"header", block},
      {"hgroup", block},
      {"hr", rule},
      {"html", nothing},
      {"i", formatting},
      {"iframe", raw},
      {"image", nothing},
      {"img", nothing},
      {"input", nothing},
      {"isindex", unknown},
      {"keygen", nothing},
      {"li", item},
      {"link", nothing},
      {"listing", block},
      {"main", block},
      {"malignmark", unknown},
      {"marquee", boundary},
      {"math", drawing},
      {"menu", block},
      {"menuitem", unknown},
      {"meta", nothing},
      {"mglyph", unknown},
      {"nav", block},
      {"nobr", anchor},
      {"noembed", raw},
      {"noframes", raw},
      {"noscript", unknown},
      {"object", boundary},
      {"ol", list},
      {"optgroup", option},
      {"option", option},
      {"p", paragraph},
      {"param", nothing},
      {"plaintext", unknown},
      {"pre", block},
      {"rb", ruby_part},
      {"rp", ruby_part},
      {"rt", ruby_part},
      {"rtc", ruby_part},
      {"s", formatting},
      {"script", raw},
      {"section", block},
      {"select", select},
      {"small", formatting},
      {"source", nothing},
      {"strike", formatting},
      {"strong", formatting},
      {"style", raw},
      {"summary", block},
      {"svg", drawing},
      {"table", table},
      {"tbody", section},
      {"td", cell},
      {"template", unknown},
      {"textarea", raw},
      {"tfoot", section},
      {"th", cell},
      {"thead", section},
      {"title", raw},
      {"tr", row},
      {"track", nothing},
      {"tt", formatting},
      {"u", formatting},
      {"ul", list},
      {"wbr", nothing},
      {"xmp", raw},
  });
  static_assert(std::is_sorted(names.begin(), names.end(), by_name));
  const Named* const known = find_name(names, wanted);
  return known != nullptr ? known->kind : other;
}

/// What stops an end tag that is not a block's.
bool HtmlNesting::is_special(const Open& open) noexcept {
  switch (open.kind) {
    case Kind::other:
    case Kind::formatting:
    case Kind::anchor:
    case Kind::option:
    case Kind::ruby_part:
    case Kind::drawing:
      return false;
    default:
      return open.name != "main" && open.name != "title";
  }
}

bool HtmlNesting::is_formatting(Kind kind) noexcept { return kind == Kind::formatting || kind == Kind::anchor; }

bool HtmlNesting::bounds_scope(const Open& open) noexcept {
  return open.kind == Kind::table || open.kind == Kind::select || open.kind == Kind::point ||
         bounds_formatting(open.kind);
}

bool HtmlNesting::bounds_formatting(Kind kind) noexcept { return kind == Kind::cell || kind == Kind::boundary; }

/// Elements whose end tag need not be written.
bool HtmlNesting::is_closed_unsaid(const Open& open) noexcept {
  return open.kind == Kind::paragraph || open.kind == Kind::item || open.kind == Kind::description ||
         open.kind == Kind::option || open.kind == Kind::ruby_part;
}

std::size_t HtmlNesting::formatting_number(std::string_view name) {
  static constexpr std::array<std::string_view, std::tuple_size_v<Unclosed>> names = {
      "a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"};
  return static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin());
}

bool HtmlNesting::in_drawing() const noexcept { return !open_.empty() && open_.back().kind == Kind::drawing; }

/// Whether HTML may stand in this element of the open drawing.
bool HtmlNesting::is_point(std::string_view name) const {
  std::size_t root = open_.size() - 1;
  while (root > 0 && open_[root - 1].kind == Kind::drawing) --root;
  if (open_[root].name == "svg") return name == "desc" || name == "foreignobject" || name == "title";
  return name == "mi" || name == "mn" || name == "mo" || name == "ms" || name == "mtext";
}

std::size_t HtmlNesting::cost_of(std::string_view name) const {
  // Measured: names inside of a drawing are compared as texts, formatting elements by their attributes.
  const std::size_t weight = in_drawing() ? 8 : kind_of(name) == Kind::formatting ? 4 : 1;
  return depth() * weight;
}

bool HtmlNesting::is_raw(std::string_view name) const {
  return kind_of(name) == Kind::raw && !in_drawing() && selects_ == 0 && !unsure_;
}

template <class Wanted, class Stops>
std::size_t HtmlNesting::find(Wanted wanted, Stops stops) const {
  for (std::size_t at = open_.size(); at > 0; --at) {
    if (wanted(open_[at - 1])) return at - 1;
    if (stops(open_[at - 1])) return none;
  }
  return none;
}

void HtmlNesting::close_from(std::size_t at) {
  while (at < open_.size()) {
    const Open& last = open_.back();
    if (is_formatting(last.kind)) {
      ++unclosed_[formatting_number(last.name)];
      ++all_unclosed_;
    }
    if (last.kind == Kind::select) --selects_;
    if (bounds_formatting(last.kind)) {
      unclosed_ = around_.back();
      around_.pop_back();
      all_unclosed_ = std::accumulate(unclosed_.begin(), unclosed_.end(), std::size_t{0});
    }
    open_.pop_back();
  }
}

template <class Wanted, class Stops>
void HtmlNesting::close(Wanted wanted, Stops stops) {
  std::size_t lowest = none;
  bool in_doubt = false;
  for (std::size_t at = open_.size(); at > 0; --at) {
    const Open& each = open_[at - 1];
    if (wanted(each)) {
      if (!each.doubtful && !in_doubt) return close_from(at - 1);
      lowest = at - 1;
      if (!each.doubtful) break;
      in_doubt = true;
    } else if (stops(each)) {
      if (!each.doubtful) break;
      in_doubt = true;
    }
  }
  doubt_from(lowest);
}

void HtmlNesting::doubt_from(std::size_t at) {
  for (; at < open_.size(); ++at) {
    if (open_[at].kind == Kind::drawing || open_[at].kind == Kind::point) unsure_ = true;
    open_[at].doubtful = true;
  }
}

void HtmlNesting::close_paragraph() {
  close([](const Open& each) { return each.kind == Kind::paragraph; },
        [](const Open& each) { return bounds_scope(each) || each.kind == Kind::button; });
}

void HtmlNesting::push(std::string_view name, Kind kind) {
  open_.push_back({std::string(name), kind});
  if (kind == Kind::select) ++selects_;
  if (bounds_formatting(kind)) around_.push_back(unclosed_);
}

void HtmlNesting::start(std::string_view name, bool self_closed) {
  const Kind kind = kind_of(name);
  if (in_drawing() && !unsure_) {
    if (!ends_drawing(name)) return start_in_drawing(name, self_closed);
    while (in_drawing()) open_.pop_back();
  }
  // Within a choice most is left out, and much ends it.
  const bool may_be_left_out = kind == Kind::option || kind == Kind::nothing || kind == Kind::raw;
  if (kind == Kind::unknown || (selects_ > 0 && !may_be_left_out)) unsure_ = true;
  if (unsure_) return push(name, Kind::other);
  switch (kind) {
    case Kind::nothing:
      return;
    case Kind::raw:
      if (name == "xmp") close_paragraph();
      return;
    case Kind::rule:
      return close_paragraph();
    case Kind::drawing:
      if (self_closed) return;
      break;
    case Kind::block:
    case Kind::list:
    case Kind::form:
    case Kind::paragraph:
      close_paragraph();
      break;
    case Kind::heading:
      close_paragraph();
      if (!open_.empty())
        close([](const Open& each) { return each.kind == Kind::heading; }, [](const Open&) { return true; });
      break;
    case Kind::button:
      close([](const Open& each) { return each.kind == Kind::button; }, bounds_scope);
      break;
    case Kind::anchor:
      end_formatting(name);
      break;
    case Kind::option:
      if (selects_ > 0) return;
      close([](const Open& each) { return each.name == "option"; }, [](const Open&) { return true; });
      break;
    case Kind::ruby_part:
      start_ruby_part(name);
      break;
    case Kind::item:
    case Kind::description:
      return start_item(name, kind);
    case Kind::table:
      return start_table(name);
    case Kind::section:
    case Kind::row:
    case Kind::cell:
    case Kind::column:
      return start_table_part(name, kind);
    default:
      break;
  }
  push(kind == Kind::other ? known_name(name) : name, kind);
}

void HtmlNesting::start_in_drawing(std::string_view name, bool self_closed) {
  if (name == "font" || name == "annotation-xml") {
    // By their attributes the one ends the drawing, and HTML may stand in the other.
    unsure_ = true;
    push(name, Kind::other);
  } else if (!self_closed) {
    push(name, is_point(name) ? Kind::point : Kind::drawing);
  }
}

void HtmlNesting::start_item(std::string_view name, Kind kind) {
  close([&](const Open& each) { return each.kind == kind; },
        [](const Open& each) {
          return is_special(each) && each.kind != Kind::paragraph && each.name != "address" && each.name != "div";
        });
  close_paragraph();
  push(name, kind);
}

/// A table between the cells of another one ends that.
void HtmlNesting::start_table(std::string_view name) {
  const std::size_t around = find([](const Open& each) { return each.kind == Kind::table || each.kind == Kind::cell; },
                                  [](const Open&) { return false; });
  if (around != none && open_[around].doubtful) unsure_ = true;
  if (around != none && open_[around].kind == Kind::table) close_from(around);
  // Whether it ends a paragraph depends on the kind of the document.
  const std::size_t paragraph = find([](const Open& each) { return each.kind == Kind::paragraph; }, bounds_scope);
  doubt_from(paragraph);
  push(name, Kind::table);
}

void HtmlNesting::start_table_part(std::string_view name, Kind kind) {
  const std::size_t table =
      find([](const Open& each) { return each.kind == Kind::table; }, [](const Open&) { return false; });
  if (table == none) return;
  const auto is_there = [&](std::size_t at, Kind wanted) { return at < open_.size() && open_[at].kind == wanted; };
  const bool of_row = name == "td" || name == "th";
  std::size_t kept = table + 1;
  if ((of_row || kind == Kind::row) && is_there(kept, Kind::section)) ++kept;
  if (of_row && is_there(kept, Kind::row)) ++kept;
  for (std::size_t at = table; at < kept; ++at) {
    if (open_[at].doubtful) unsure_ = true;
  }
  close_from(kept);
  if ((of_row || kind == Kind::row) && kept == table + 1) push("tbody", Kind::section);
  if (of_row && open_.back().kind != Kind::row) push("tr", Kind::row);
  if (kind != Kind::column) push(name, kind);
}

void HtmlNesting::start_ruby_part(std::string_view name) {
  if (find([](const Open& each) { return each.name == "ruby"; }, bounds_scope) == none) return;
  const bool keeps_rtc = name == "rt" || name == "rp";
  std::size_t at = open_.size();
  bool in_doubt = false;
  while (at > 0 && is_closed_unsaid(open_[at - 1]) && !(keeps_rtc && open_[at - 1].name == "rtc"))
    in_doubt = in_doubt || open_[--at].doubtful;
  if (in_doubt) {
    doubt_from(at);
  } else {
    close_from(at);
  }
}

void HtmlNesting::end(std::string_view name) {
  if (unsure_ || end_in_drawing(name)) return;
  const Kind kind = kind_of(name);
  if (kind == Kind::other) name = known_name(name);
  const auto named = [&](const Open& each) { return each.kind == kind && each.name == name; };
  const auto is_table = [](const Open& each) { return each.kind == Kind::table; };
  switch (kind) {
    case Kind::block:
    case Kind::boundary:
    case Kind::button:
    case Kind::description:
    case Kind::list:
      return close(named, bounds_scope);
    case Kind::item:
      return close(named, [](const Open& each) { return bounds_scope(each) || each.kind == Kind::list; });
    case Kind::heading:
      return close([](const Open& each) { return each.kind == Kind::heading; }, bounds_scope);
    case Kind::paragraph:
      return close_paragraph();
    case Kind::table:
      return close(is_table, [](const Open&) { return false; });
    case Kind::section:
    case Kind::row:
    case Kind::cell:
      return close(named, is_table);
    case Kind::select:
      if (const std::size_t at = find(named, is_table); at != none && !open_[at].doubtful) {
        --selects_;
        open_.erase(open_.begin() + static_cast<std::ptrdiff_t>(at));
      }
      return;
    case Kind::form:
      return end_form();
    case Kind::formatting:
    case Kind::anchor:
      return end_formatting(name);
    case Kind::option:
    case Kind::ruby_part:
    case Kind::other:
      return close(named, is_special);
    default:
      return;
  }
}

void HtmlNesting::end_formatting(std::string_view name) {
  const auto named = [&](const Open& each) { return is_formatting(each.kind) && each.name == name; };
  std::uint32_t& unclosed = unclosed_[formatting_number(name)];
  if (unclosed > 0) {
    --unclosed;
    --all_unclosed_;
    return doubt_formatting();
  }
  const std::size_t innermost = find(named, bounds_scope);
  if (innermost == none) return;
  // Behind a block it is taken out, and what else marks words there.
  if (find(named, is_special) == none) return doubt_formatting();
  close(named, is_special);
  // What its own tag has closed is not opened again.
  if (unclosed > 0) {
    --unclosed;
    --all_unclosed_;
  }
}

/// What was opened again may stand anywhere, and be closed with all that is no block.
void HtmlNesting::doubt_formatting() {
  for (std::size_t at = open_.size(); at > 0; --at) {
    Open& each = open_[at - 1];
    if (bounds_scope(each) && !each.doubtful) return;
    if (is_special(each)) continue;
    if (each.kind == Kind::drawing || each.kind == Kind::point) unsure_ = true;
    each.doubtful = true;
  }
}

/// The form itself stays, since the tag may be another one's; what stands open in its end may have been closed.
void HtmlNesting::end_form() {
  std::size_t at = open_.size();
  while (at > 0 && is_closed_unsaid(open_[at - 1])) --at;
  doubt_from(at);
}

bool HtmlNesting::end_in_drawing(std::string_view name) {
  const auto is_of_drawing = [](const Open& each) { return each.kind == Kind::drawing || each.kind == Kind::point; };
  const std::size_t at = find([&](const Open& each) { return is_of_drawing(each) && each.name == name; },
                              [&](const Open& each) { return !is_of_drawing(each); });
  close_from(at);
  return at != none;
}

}  // namespace richtext
MIGRATE_END
