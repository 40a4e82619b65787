#include "html_parser.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "html_builder.hpp"
#include "html_code.hpp"
#include "html_dom.hpp"
#include "html_links.hpp"
#include "html_scan.hpp"
#include "utf8.hpp"

MIGRATE_BEGIN
namespace richtext {
namespace {

using Nodes = std::vector<Node>;

int number(std::string_view text, int otherwise) {
  text = trim(text);
  int value = otherwise;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

/// Of a picture. "auto", "0.9in" and "100%" are no numbers of pixels.
std::optional<int> pixels(std::string_view text) {
  text = trim(text);
  int value = 0;
  const auto [end, trouble] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (trouble != std::errc() || value < 0) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (!text.empty() && lower(trim(text)) != "px") return std::nullopt;
  return value;
}

std::uint16_t span(const GumboNode& node, const char* name) {
  return static_cast<std::uint16_t>(std::clamp(number(attribute(node, name), 1), 1, 1000));
}

std::string language_of(const GumboNode& pre) {
  std::string language(attribute(pre, "lang"));
  const auto from_class = [&](const GumboNode& node) {
    const std::string_view words = attribute(node, "class");
    const std::size_t at = words.find("language-");
    if (at == std::string_view::npos || !language.empty()) return;
    const std::string_view rest = words.substr(at + 9);
    language = rest.substr(0, rest.find_first_of(" \t\n"));
  };
  from_class(pre);
  const GumboVector& children = pre.v.element.children;
  for (unsigned index = 0; index < children.length; ++index) {
    const auto& child = *static_cast<const GumboNode*>(children.data[index]);
    if (child.type == GUMBO_NODE_ELEMENT && child.v.element.tag == GUMBO_TAG_CODE) from_class(child);
  }
  return language;
}

/// Of a text that is only to be recognised by who reads of its loss.
constexpr std::size_t example_size = 60;

class HtmlReader {
 public:
  HtmlReader(const HtmlOptions& options, bool exact, HtmlBuilder& builder, Losses& losses)
      : options_(options), exact_(exact), builder_(builder), losses_(losses) {}

  /// Without recursion: the tree may be a thousand levels deep.
  void read(const GumboNode& root) {
    std::vector<Level> levels;
    levels.reserve(16);
    if (enter(root)) levels.push_back({&root, 0, style_, after_});
    while (!levels.empty()) {
      Level& level = levels.back();
      const GumboVector& children = level.node->v.element.children;
      if (level.next < children.length) {
        const auto& child = *static_cast<const GumboNode*>(children.data[level.next++]);
        const HtmlStyle before = style_;
        if (enter(child)) {
          levels.push_back({&child, 0, before, after_});
        } else {
          style_ = before;
        }
        continue;
      }
      leave(level.after);
      style_ = level.before;
      levels.pop_back();
    }
  }

 private:
  /// What ends with an element.
  enum class After { nothing, boundary, close, close_table, close_caption, close_word_item, quotation_mark };
  struct Level {
    const GumboNode* node;
    unsigned next;
    HtmlStyle before;
    After after;
  };

  void leave(After after) {
    switch (after) {
      case After::nothing:
        break;
      case After::boundary:
        builder_.boundary();
        break;
      case After::close:
        builder_.close();
        break;
      case After::close_table:
        close_table();
        break;
      case After::close_caption:
        builder_.close_before();
        break;
      case After::close_word_item:
        for (; word_blocks_.back() > 0; --word_blocks_.back()) builder_.close();
        word_blocks_.pop_back();
        break;
      case After::quotation_mark:
        builder_.words("\u201D", style_);
        break;
    }
  }

  /// A table of one cell without a border lays out.
  void close_table() {
    Node& table = builder_.current();
    const bool single =
        table.kind == Kind::table && table.children.size() == 1 && table.children[0].children.size() == 1;
    if (single) {
      losses_.add("table", "its content");
      Nodes inside = std::move(table.children[0].children[0].children);
      table = Node(Kind::document, std::move(inside));
    }
    builder_.close();
  }

  bool open(Node block, After after = After::close) {
    builder_.open(std::move(block));
    after_ = after;
    return true;
  }
  bool apart() {
    builder_.boundary();
    after_ = After::boundary;
    return true;
  }
  bool mark(Mark mark) {
    style_.marks = style_.marks.with(mark);
    return true;
  }

  /// Whether the children are to be read. Sets `after_` to what ends with the element.
  bool enter(const GumboNode& node) {
    after_ = After::nothing;
    switch (node.type) {
      case GUMBO_NODE_TEXT:
      case GUMBO_NODE_CDATA:
      case GUMBO_NODE_WHITESPACE:
        builder_.words(node.v.text.text, style_);
        return false;
      case GUMBO_NODE_ELEMENT:
        break;
      default:
        return false;
    }
    // What an element says by itself its style may take back: Google Docs wraps everything in
    // <b style="font-weight:normal">.
    const bool marked = enter_mark(node);
    if (const std::string_view css = attribute(node, "style"); !css.empty()) {
      const std::string word = mso_list_of(css);
      if (word.starts_with("ignore")) return sign(node);
      const LostStyle lost = apply_css(css, style_);
      if (!lost.colour.empty()) losses_.add("colour", "nothing", lost.colour);
      if (lost.ground && (marked || is_words(node.v.element.tag))) tell_lost_ground(node);
      if (node.v.element.tag == GUMBO_TAG_P && word.find("level") != std::string::npos) return word_item(node, word);
    }
    return marked || enter_inline(node) || enter_block(node);
  }

  static bool is_words(GumboTag tag) { return tag == GUMBO_TAG_SPAN || tag == GUMBO_TAG_FONT; }

  /// Words that are highlighted. Once for all that is inside.
  void tell_lost_ground(const GumboNode& node) {
    const std::string words = text_below(node, example_size);
    if (style_.on_ground || trim(words).empty()) return;
    style_.on_ground = true;
    losses_.add("background", "nothing", words);
  }

  bool enter_mark(const GumboNode& node) {
    switch (node.v.element.tag) {
      case GUMBO_TAG_B:
      case GUMBO_TAG_STRONG:
        return mark(Mark::strong);
      case GUMBO_TAG_I:
      case GUMBO_TAG_EM:
      case GUMBO_TAG_VAR:
      case GUMBO_TAG_CITE:
      case GUMBO_TAG_DFN:
        return mark(Mark::em);
      case GUMBO_TAG_U:
      case GUMBO_TAG_INS:
        return mark(Mark::underline);
      case GUMBO_TAG_S:
      case GUMBO_TAG_STRIKE:
      case GUMBO_TAG_DEL:
        return mark(Mark::strike);
      case GUMBO_TAG_SUB:
        return mark(Mark::sub);
      case GUMBO_TAG_SUP:
        return mark(Mark::sup);
      default:
        return false;
    }
  }

  bool enter_inline(const GumboNode& node) {
    switch (node.v.element.tag) {
      case GUMBO_TAG_CODE:
      case GUMBO_TAG_TT:
      case GUMBO_TAG_KBD:
      case GUMBO_TAG_SAMP:
        return mark(Mark::code);
      case GUMBO_TAG_FONT:
        return font(node);
      case GUMBO_TAG_MARK:
        losses_.add("mark", "text", text_below(node, example_size));
        return true;
      case GUMBO_TAG_Q:
        builder_.words("\u201C", style_);
        after_ = After::quotation_mark;
        return true;
      default:
        return false;
    }
  }

  bool font(const GumboNode& node) {
    for (const char* name : {"color", "data-mx-color"}) {
      if (!has_attribute(node, name)) continue;
      const std::string_view colour = attribute(node, name);
      style_.colour = colour_of(colour);
      if (is_lost_colour(colour)) losses_.add("colour", "nothing", colour);
    }
    return true;
  }

  bool enter_block(const GumboNode& node) {
    switch (node.v.element.tag) {
      case GUMBO_TAG_HEAD:
      case GUMBO_TAG_SCRIPT:
      case GUMBO_TAG_STYLE:
      case GUMBO_TAG_TITLE:
      case GUMBO_TAG_TEMPLATE:
      case GUMBO_TAG_LINK:
      case GUMBO_TAG_META:
      case GUMBO_TAG_BASE:
      case GUMBO_TAG_WBR:
        return false;
      case GUMBO_TAG_H1:
      case GUMBO_TAG_H2:
      case GUMBO_TAG_H3:
      case GUMBO_TAG_H4:
      case GUMBO_TAG_H5:
      case GUMBO_TAG_H6:
        return heading(node);
      case GUMBO_TAG_UL:
      case GUMBO_TAG_OL:
      case GUMBO_TAG_DIR:
      case GUMBO_TAG_MENU:
        return list(node);
      case GUMBO_TAG_LI:
        return item(node);
      case GUMBO_TAG_BLOCKQUOTE:
        return open(Node(Kind::quote));
      case GUMBO_TAG_PRE:
      case GUMBO_TAG_LISTING:
      case GUMBO_TAG_XMP:
      case GUMBO_TAG_PLAINTEXT:
        return code(node);
      case GUMBO_TAG_TABLE:
        return table(node);
      case GUMBO_TAG_TR:
        return table_part(node, Kind::row);
      case GUMBO_TAG_TD:
      case GUMBO_TAG_TH:
        return table_part(node, Kind::cell);
      case GUMBO_TAG_CAPTION:
        return open(Node(Kind::document), After::close_caption);
      default:
        return enter_leaf(node);
    }
  }

  bool enter_leaf(const GumboNode& node) {
    switch (node.v.element.tag) {
      case GUMBO_TAG_BR:
        builder_.add(Node(Kind::hard_break));
        return false;
      case GUMBO_TAG_HR:
        builder_.add_block(Node(Kind::rule));
        return false;
      case GUMBO_TAG_IMG:
      case GUMBO_TAG_IMAGE:
        return image(node);
      case GUMBO_TAG_A:
        return anchor(node);
      case GUMBO_TAG_AREA:
        return area(node);
      case GUMBO_TAG_SPAN:
        return special_span(node);
      case GUMBO_TAG_INPUT:
        return input(node);
      case GUMBO_TAG_VIDEO:
      case GUMBO_TAG_AUDIO:
      case GUMBO_TAG_IFRAME:
      case GUMBO_TAG_EMBED:
      case GUMBO_TAG_OBJECT:
      case GUMBO_TAG_CANVAS:
      case GUMBO_TAG_SVG:
      case GUMBO_TAG_MATH:
        return unknown(node);
      case GUMBO_TAG_DETAILS:
        losses_.add("details", "its content");
        return apart();
      case GUMBO_TAG_SUMMARY:
      case GUMBO_TAG_DT:
        mark(Mark::strong);
        return apart();
      case GUMBO_TAG_DL:
        losses_.add("dl", "paragraphs");
        return apart();
      case GUMBO_TAG_DIV:
        return division(node);
      default:
        break;
    }
    if (node.v.element.tag == GUMBO_TAG_UNKNOWN && tag_name(node) == "mx-reply" && options_.matrix_reply) return false;
    return is_block(node.v.element.tag) ? apart() : true;
  }

  static bool is_block(GumboTag tag) {
    switch (tag) {
      case GUMBO_TAG_HTML:
      case GUMBO_TAG_BODY:
      case GUMBO_TAG_P:
      case GUMBO_TAG_DD:
      case GUMBO_TAG_SECTION:
      case GUMBO_TAG_ARTICLE:
      case GUMBO_TAG_HEADER:
      case GUMBO_TAG_FOOTER:
      case GUMBO_TAG_MAIN:
      case GUMBO_TAG_NAV:
      case GUMBO_TAG_ASIDE:
      case GUMBO_TAG_ADDRESS:
      case GUMBO_TAG_CENTER:
      case GUMBO_TAG_FORM:
      case GUMBO_TAG_FIELDSET:
      case GUMBO_TAG_LEGEND:
      case GUMBO_TAG_FIGURE:
      case GUMBO_TAG_FIGCAPTION:
      case GUMBO_TAG_HGROUP:
      case GUMBO_TAG_OPTION:
      case GUMBO_TAG_TEXTAREA:
        return true;
      default:
        return false;
    }
  }

  bool heading(const GumboNode& node) {
    Node made(Kind::heading);
    made.level = static_cast<std::uint8_t>(node.v.element.tag - GUMBO_TAG_H1 + 1);
    return open(std::move(made));
  }

  bool list(const GumboNode& node) {
    Node made(Kind::list);
    made.ordered = node.v.element.tag == GUMBO_TAG_OL;
    made.start = number(attribute(node, "start"), 1);
    if (made.ordered) {
      const std::string_view type = trim(attribute(node, "type"));
      if (!type.empty() && type != "1") losses_.add("type of list", "numbers", type);
      if (has_attribute(node, "reversed")) losses_.add("reversed list", "numbers", text_below(node, example_size));
    }
    return open(std::move(made));
  }

  /// An item that has a number of its own begins the list with it, or another list.
  void number_item(int value) {
    Node& list = builder_.current();
    if (list.kind != Kind::list || !list.ordered) return;
    if (list.children.empty()) {
      list.start = value;
    } else if (list.start + static_cast<int>(list.children.size()) != value) {
      builder_.close();
      Node made(Kind::list);
      made.ordered = true;
      made.start = value;
      builder_.open(std::move(made));
    }
  }

  bool item(const GumboNode& node) {
    Node made(Kind::list_item);
    if (const int value = number(attribute(node, "value"), -1); value >= 0) number_item(value);
    if (const std::string_view task = attribute(node, "data-task"); !task.empty()) {
      made.task = task == "done" ? Task::done : Task::open;
    }
    return open(std::move(made));
  }

  /// Word has paragraphs for items: style="mso-list:l0 level2 lfo1".
  static std::string mso_list_of(std::string_view css) {
    const std::size_t at = css.find("mso-list:");
    if (at == std::string_view::npos) return {};
    css.remove_prefix(at + 9);
    return lower(trim(css.substr(0, css.find(';'))));
  }

  bool word_item(const GumboNode& node, const std::string& word) {
    const int level = std::clamp(number(std::string_view(word).substr(word.find("level") + 5), 1), 1, 9);
    Node list(Kind::list);
    list.id = "word";
    shown_sign_ = nullptr;
    if (const GumboNode* const sign = sign_below(node); sign != nullptr) {
      const std::string text = sign_text(*sign);
      const std::optional<int> number = number_of(text);
      list.ordered = number.has_value();
      list.start = number.value_or(1);
      if (number || is_bullet(text)) shown_sign_ = sign;
    }
    word_blocks_.push_back(builder_.open_item_of_level(level, list));
    after_ = After::close_word_item;
    return true;
  }

  static const GumboNode* sign_below(const GumboNode& node) {
    return find_below(
        node, [](const GumboNode& each) { return mso_list_of(attribute(each, "style")).starts_with("ignore"); });
  }

  /// Blanks of any kind part it from the words.
  static std::string sign_text(const GumboNode& node) {
    const std::string text = text_below(node, 80);
    std::string words;
    for (std::size_t at = 0; at < text.size();) {
      const Utf8 next = decode(text, at);
      if (!is_space(next.code)) words.append(text, at, next.size);
      if (is_space(next.code) && !words.empty() && words.back() != ' ') words += ' ';
      at += next.size;
    }
    return std::string(trim(words));
  }

  /// "7." or "7)".
  static std::optional<int> number_of(std::string_view sign) {
    if (sign.size() < 2 || sign.size() > 9 || (sign.back() != '.' && sign.back() != ')')) return std::nullopt;
    sign.remove_suffix(1);
    if (!std::all_of(sign.begin(), sign.end(), is_ascii_digit)) return std::nullopt;
    return number(sign, 0);
  }

  /// One character, often a letter of a font of symbols; or a picture.
  static bool is_bullet(std::string_view sign) {
    return sign.empty() || (decode(sign, 0).size == sign.size() && !is_ascii_digit(sign[0]));
  }

  /// What Word has put before a paragraph. Text, unless the list shows it.
  bool sign(const GumboNode& node) {
    const std::string text = &node == shown_sign_ ? std::string() : sign_text(node);
    if (!text.empty()) builder_.words(text + " ", style_);
    return false;
  }

  bool division(const GumboNode& node) {
    if (has_attribute(node, "data-panel")) {
      Node panel(Kind::panel);
      panel.id = attribute(node, "data-panel");
      return open(std::move(panel));
    }
    // Freshdesk keeps what an e-mail quotes in such a block.
    if (has_class(node, "freshdesk_quote") && !has_below(node, GUMBO_TAG_BLOCKQUOTE)) return open(Node(Kind::quote));
    return apart();
  }

  bool code(const GumboNode& node) {
    if (in_code_) return apart();
    Node made(Kind::code_block);
    made.text = text_below(node);
    made.id = language_of(node);
    if (!is_only_text(node, style_)) tell_lost_below(node, made.text);
    builder_.add_block(std::move(made));
    return false;
  }

  /// Reads the code as if it were ordinary content, to tell what of that is more than text.
  void tell_lost_below(const GumboNode& pre, std::string_view words) {
    if (!style_.link.empty()) tell_lost_link(style_.link, words, losses_);
    HtmlBuilder builder(0, losses_);
    HtmlReader reader(options_, exact_, builder, losses_);
    reader.in_code_ = true;
    const GumboVector& children = pre.v.element.children;
    for (unsigned index = 0; index < children.length; ++index) {
      reader.style_ = style_;
      reader.style_.link = {};
      reader.read(*static_cast<const GumboNode*>(children.data[index]));
    }
    tell_lost_in_code(builder.finish(), losses_);
  }

  bool table(const GumboNode& node) {
    if (is_layout(node)) return open(Node(Kind::document));
    const bool bordered = number(attribute(node, "border"), 0) > 0;
    return open(Node(Kind::table), exact_ || bordered ? After::close : After::close_table);
  }

  static bool is_layout(const GumboNode& node) {
    return attribute(node, "role") == "presentation" || attribute(node, "role") == "none";
  }

  bool table_part(const GumboNode& node, Kind kind) {
    // Inside a table for layout rows and cells are as good as divisions.
    for (const GumboNode* above = node.parent; above != nullptr; above = above->parent) {
      if (above->type != GUMBO_NODE_ELEMENT || above->v.element.tag != GUMBO_TAG_TABLE) continue;
      if (is_layout(*above)) return apart();
      break;
    }
    Node made(kind);
    if (kind == Kind::cell) {
      made.header = node.v.element.tag == GUMBO_TAG_TH;
      made.colspan = span(node, "colspan");
      made.rowspan = span(node, "rowspan");
    }
    return open(std::move(made));
  }

  bool image(const GumboNode& node) {
    if (has_attribute(node, "data-mx-emoticon")) {
      Node emoji(Kind::emoji);
      emoji.id = attribute(node, "alt").empty() ? attribute(node, "title") : attribute(node, "alt");
      builder_.add(std::move(emoji));
      return false;
    }
    Node made(Kind::image);
    made.text = attribute(node, "alt");
    made.url = attribute(node, "src");
    const std::optional<int> width = pixels(attribute(node, "width")), height = pixels(attribute(node, "height"));
    made.width = width.value_or(0);
    made.height = height.value_or(0);
    made.link = style_.link;
    // A pixel that tells a sender of mail that it was opened.
    const bool tracks = width && height && *width <= 1 && *height <= 1;
    if (tracks || (made.url.empty() && made.text.empty())) {
      losses_.add("image", "nothing", made.url);
      return false;
    }
    title(node, made.text, made.url);
    builder_.add(std::move(made));
    return false;
  }

  bool anchor(const GumboNode& node) {
    std::optional<Node> known = known_link(node);
    if (known) {
      if (style_.marks != Marks())
        losses_.add("marks of a " + std::string(to_string(known->kind)), "nothing", known->text);
      if (has_below(node, GUMBO_TAG_IMG)) losses_.add("image", "nothing", known->text);
      builder_.add(std::move(*known));
      return false;
    }
    const std::string_view address = trim(attribute(node, "href"));
    // "#" and the like only lead to a script.
    const bool leads = address.size() > 1 || (address.size() == 1 && address[0] != '#');
    if (leads && in_code_) tell_lost_link(address, text_below(node, address.size() + example_size), losses_);
    if (leads && !in_code_) style_.link = address;
    if (has_attribute(node, "title")) title(node, text_below(node, attribute(node, "title").size() + 64), address);
    return true;
  }

  /// What shows up under the pointer. One that only repeats what is read anyway says nothing.
  void title(const GumboNode& node, std::string_view words, std::string_view address) {
    const std::string_view said = trim(attribute(node, "title"));
    if (!said.empty() && said != trim(words) && said != trim(address)) losses_.add("title", "nothing", said);
  }

  bool special_span(const GumboNode& node) {
    if (has_attribute(node, "data-mention") || has_attribute(node, "data-item")) return anchor(node);
    if (has_attribute(node, "data-mx-spoiler")) losses_.add("spoiler", "text", text_below(node));
    if (has_attribute(node, "data-mx-color")) return font(node);
    return true;
  }

  bool input(const GumboNode& node) {
    const std::string type = lower(attribute(node, "type"));
    if (type != "checkbox") {
      if (type != "hidden" && type != "radio") builder_.words(attribute(node, "value"), style_);
      return false;
    }
    const bool checked = has_attribute(node, "checked");
    Node* const item = builder_.innermost(Kind::list_item);
    if (item != nullptr && HtmlBuilder::is_empty(*item)) {
      if (item->task == Task::none) item->task = checked ? Task::done : Task::open;
    } else {
      builder_.words(checked ? "\u2611 " : "\u2610 ", style_);
    }
    return false;
  }

  /// What browsers show in its place stays as its words, and where it comes from as their link.
  bool unknown(const GumboNode& node) {
    Node made(Kind::raw);
    made.id = tag_name(node);
    made.url = attribute(node, "src").empty() ? attribute(node, "data") : attribute(node, "src");
    if (made.url.empty()) {
      const GumboNode* const source = find_below(node, [](const GumboNode& each) {
        return each.v.element.tag == GUMBO_TAG_SOURCE && has_attribute(each, "src");
      });
      if (source != nullptr) made.url = attribute(*source, "src");
    }
    // That of a frame is no text but markup.
    if (node.v.element.tag != GUMBO_TAG_IFRAME) made.text = trim(text_below(node));
    if (made.text.empty()) made.text = made.url;
    builder_.add(std::move(made));
    return false;
  }

  /// Of a picture that leads to several places.
  bool area(const GumboNode& node) {
    const std::string_view address = trim(attribute(node, "href"));
    const std::string_view words = trim(attribute(node, "alt"));
    if (address.size() < 2) return false;
    if (in_code_) tell_lost_link(address, words, losses_);
    HtmlStyle style = style_;
    if (!in_code_) style.link = address;
    builder_.words(words.empty() ? address : words, style);
    builder_.words(" ", style_);
    return false;
  }

  const HtmlOptions& options_;
  const bool exact_;
  bool in_code_ = false;  ///< reads only to tell what code cannot hold
  HtmlBuilder& builder_;
  Losses& losses_;
  HtmlStyle style_;
  std::vector<int> word_blocks_;           ///< opened by Word's items that are open
  const GumboNode* shown_sign_ = nullptr;  ///< of Word, which the list shows by itself
  After after_ = After::nothing;
};

}  // namespace

Parsed parse_html_as(std::string_view html, const HtmlOptions& options, bool exact) {
  Parsed parsed;
  std::optional<HtmlDom> dom(std::in_place, html);
  std::string simple;
  if (dom->root() == nullptr) {
    parsed.losses.add("markup", "plain text", "nested too deep");
    simple = without_nesting(html);
    dom.emplace(simple);
  }
  if (dom->root() == nullptr) {
    parsed.document = normalised(paragraph(simple), parsed.losses);
    return parsed;
  }
  HtmlBuilder builder(html.size(), parsed.losses);
  HtmlReader(options, exact, builder, parsed.losses).read(*dom->root());
  parsed.document = normalised(builder.finish(), parsed.losses);
  return parsed;
}

Parsed parse_html(std::string_view html, const HtmlOptions& options) { return parse_html_as(html, options, false); }

}  // namespace richtext
MIGRATE_END
