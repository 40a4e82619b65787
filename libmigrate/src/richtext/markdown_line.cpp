#include "markdown_line.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "gitlab.hpp"
#include "link.hpp"
#include "live.hpp"
#include "markdown_escape.hpp"
#include "spans.hpp"
#include "utf8.hpp"

MIGRATE_BEGIN
namespace richtext {
namespace {

/// Nothing that shows, and the end of any word.
constexpr std::string_view separator = "<!-- -->";

struct Token {
  enum class Is { words, open, close, live, image, line_end };
  Is is;
  Layer layer = Layer::link;
  std::size_t mate = 0;
  std::string out;
};

struct Delimiter {
  Layer layer;
  const char *mark, *tag;
};
constexpr Delimiter delimiters[] = {{Layer::strong, "**", "strong"}, {Layer::em, "_", "em"},
                                    {Layer::strike, "~~", "del"},    {Layer::underline, nullptr, "ins"},
                                    {Layer::sub, nullptr, "sub"},    {Layer::sup, nullptr, "sup"}};

class LinePrinter {
 public:
  LinePrinter(MarkdownLine place, Losses& losses) : place_(place), losses_(losses) {}

  std::string print(const std::vector<Node>& nodes) {
    const std::vector<Span> spans = spans_of(nodes);
    for (std::size_t at = 0; at < spans.size(); ++at) at = take(spans, at);
    for (std::size_t at = 0; at < tokens_.size(); ++at) {
      if (tokens_[at].is == Token::Is::open) choose(at);
    }
    std::string all;
    for (std::size_t at = 0; at < tokens_.size(); ++at) {
      if (tokens_[at].is == Token::Is::live)
        part(at, all);
      else
        all += tokens_[at].out;
    }
    return all;
  }

 private:
  using Is = Token::Is;

  /// Returns the last span that it took.
  std::size_t take(const std::vector<Span>& spans, std::size_t at) {
    const Span& span = spans[at];
    switch (span.what) {
      case Span::What::open:
        return open(spans, at);
      case Span::What::close: {
        const std::size_t mate = at_[span.mate];
        tokens_[mate].mate = tokens_.size();
        tokens_.push_back({Is::close, span.layer, mate, ""});
        if (span.layer == Layer::link) tokens_.back().out = "](" + markdown_address(span.node->link) + ")";
        return at;
      }
      case Span::What::words: {
        // Blanks are pieces of their own, and what needs an escape depends on what follows.
        std::string text(span.words);
        while (at + 1 < spans.size() && spans[at + 1].what == Span::What::words) text += spans[++at].words;
        words(text, ends_line(spans, at));
        return at;
      }
      case Span::What::node:
        node(*span.node, ends_line(spans, at));
        return at;
    }
    return at;
  }

  static bool ends_line(const std::vector<Span>& spans, std::size_t at) {
    return at + 1 == spans.size() ||
           (spans[at + 1].what == Span::What::node && spans[at + 1].node->kind == Kind::hard_break);
  }

  std::size_t open(const std::vector<Span>& spans, std::size_t at) {
    const Span& span = spans[at];
    if (span.layer == Layer::code) {
      std::string code;
      for (std::size_t inside = at + 1; inside < span.mate; ++inside) code += spans[inside].words;
      put({Is::words, Layer::code, 0, markdown_code(code, place_ == MarkdownLine::cell)});
      return span.mate;
    }
    if (span.layer == Layer::link && is_bare_address(spans, at)) {
      put({Is::words, Layer::link, 0, "<" + span.node->link + ">"});
      return span.mate;
    }
    at_.resize(spans.size());
    at_[at] = tokens_.size();
    Token token{Is::open, span.layer, 0, ""};
    if (span.layer == Layer::link) token.out = "[";
    line_start_ = number_ = false;
    tokens_.push_back(std::move(token));
    return at;
  }

  static bool is_bare_address(const std::vector<Span>& spans, std::size_t at) {
    const std::string& address = spans[at].node->link;
    return spans[at].mate == at + 2 && spans[at + 1].what == Span::What::words && spans[at + 1].words == address &&
           is_web_address(address) && std::none_of(address.begin(), address.end(), [](char c) {
             return c == ' ' || c == '<' || c == '>' || c == '|' || c == '\\';
           });
  }

  void put(Token token) {
    line_start_ = number_ = false;
    tokens_.push_back(std::move(token));
  }

  void words(std::string_view text, bool ends_line) {
    MarkdownPlace place;
    place.line_start = line_start_ && place_ == MarkdownLine::paragraph;
    place.ends_line = ends_line;
    place.before = before();
    std::string escaped = markdown_escaped(text, place);
    // A number in another piece of the line is the number of an item, too.
    if (number_ && (text.starts_with('.') || text.starts_with(')'))) escaped.insert(0, 1, '\\');
    const bool digits = !text.empty() && std::all_of(text.begin(), text.end(), is_ascii_digit);
    const bool number = digits && (place.line_start || number_);
    put({Is::words, Layer::link, 0, std::move(escaped)});
    number_ = number;
  }

  char before() const {
    if (tokens_.empty() || tokens_.back().out.empty() || tokens_.back().is == Is::line_end) return 0;
    return tokens_.back().out.back();
  }

  void node(const Node& node, bool ends_line) {
    switch (node.kind) {
      case Kind::hard_break:
        tokens_.push_back({Is::line_end, Layer::link, 0, place_ == MarkdownLine::paragraph ? "\\\n" : "<br>"});
        line_start_ = true;
        number_ = false;
        return;
      case Kind::image:
        if (image(node)) return;
        break;
      case Kind::mention:
        if (is_user_name(node.target)) return put({Is::live, Layer::link, 0, "@" + node.target});
        break;
      case Kind::reference:
        if (is_item_reference(node.target)) return put({Is::live, Layer::link, 0, node.target});
        break;
      case Kind::emoji:
        if (!node.text.empty()) return words(node.text, ends_line);
        break;
      default:
        break;
    }
    const Node said = as_words(node, losses_);
    // Within a link there is no other.
    const bool linked = !said.link.empty() && node.link.empty();
    if (linked) put({Is::words, Layer::link, 0, "["});
    words(said.text, ends_line && !linked);
    if (linked) put({Is::words, Layer::link, 0, "](" + markdown_address(said.link) + ")"});
  }

  bool image(const Node& node) {
    const std::string& address = node.target.empty() ? node.url : node.target;
    const std::string scheme = scheme_of(address);
    if (address.empty() || scheme == "data" || scheme == "cid" || !is_safe_link(address)) return false;
    MarkdownPlace place;
    place.before = 'x';
    std::string out = "![" + markdown_escaped(node.text, place) + "](" + markdown_address(address) + ")";
    std::string size;
    if (node.width > 0) size = fmt::format("width={}", node.width);
    if (node.height > 0) size += fmt::format("{}height={}", size.empty() ? "" : " ", node.height);
    if (!size.empty()) out += "{" + size + "}";
    put({Is::image, Layer::link, 0, std::move(out)});
    return true;
  }

  // The rules of emphasis look at the characters on both sides of a mark.

  Class class_before(std::size_t at) const {
    while (at > 0) {
      const Token& token = tokens_[--at];
      if (token.is == Is::line_end) return place_ == MarkdownLine::paragraph ? Class::blank : Class::punctuation;
      if (token.is == Is::open || token.is == Is::close) return Class::punctuation;
      std::size_t start = token.out.size() - 1;
      while (start > 0 && (static_cast<unsigned char>(token.out[start]) & 0xC0) == 0x80) --start;
      return class_of(decode(token.out, start).code);
    }
    return Class::blank;
  }

  Class class_after(std::size_t at) const {
    for (++at; at < tokens_.size(); ++at) {
      const Token& token = tokens_[at];
      if (token.is == Is::line_end) return Class::punctuation;
      if (token.is == Is::open || token.is == Is::close) return Class::punctuation;
      return class_of(decode(token.out, 0).code);
    }
    return Class::blank;
  }

  /// Whether a run of marks with `inside` next to it within the marks and `outside` on the other side works.
  static bool works(Class inside, Class outside, bool strict) {
    if (inside == Class::blank) return false;
    const bool clear = outside == Class::blank || outside == Class::punctuation;
    return clear || (!strict && inside == Class::letter);
  }

  /// The mark of Markdown where its rules let it be one, else the element of HTML.
  void choose(std::size_t at) {
    const std::size_t mate = tokens_[at].mate;
    for (const Delimiter& delimiter : delimiters) {
      if (delimiter.layer != tokens_[at].layer) continue;
      const bool strict = delimiter.layer == Layer::em;
      const bool marks = delimiter.mark != nullptr && works(class_after(at), class_before(at), strict) &&
                         works(class_before(mate), class_after(mate), strict);
      tokens_[at].out = marks ? delimiter.mark : fmt::format("<{}>", delimiter.tag);
      tokens_[mate].out = marks ? delimiter.mark : fmt::format("</{}>", delimiter.tag);
    }
  }

  /// A mention or reference ends where its name ends.
  void part(std::size_t at, std::string& all) const {
    const auto in_path = [](char c) { return is_word(c) || c == '.' || c == '-' || c == '/'; };
    const bool reference = tokens_[at].out[0] != '@';
    const char last = all.empty() ? ' ' : all.back();
    if (reference ? in_path(last) : is_word(last)) all += separator;
    all += tokens_[at].out;
    do ++at;
    while (at < tokens_.size() && tokens_[at].out.empty());
    if (at == tokens_.size() || (tokens_[at].is != Is::words && tokens_[at].is != Is::live)) return;
    const std::string& next = tokens_[at].out;
    const bool goes_on = is_word(next[0]) ||
                         (in_path(next[0]) && (next.size() > 1 ? !is_ascii_space(next[1]) : at + 1 < tokens_.size()));
    if (goes_on) all += separator;
  }

  const MarkdownLine place_;
  Losses& losses_;
  std::vector<Token> tokens_;
  std::vector<std::size_t> at_;  ///< the token of an opening span
  bool number_ = false;          ///< nothing but digits stands on the line
  bool line_start_ = true;
};

}  // namespace

std::string markdown_line(const std::vector<Node>& nodes, MarkdownLine place, Losses& losses) {
  // What cannot be written must not part words: two pieces of code side by side would be one.
  std::vector<Node> plainer = nodes;
  for (Node& node : plainer) {
    if (node.colour >= 0) losses.add("colour", "nothing", node.text);
    node.colour = -1;
    if (!node.link.empty() && !is_safe_link(node.link)) {
      losses.add("link", "text", node.link);
      node.link.clear();
    }
  }
  return LinePrinter(place, losses).print(plainer);
}

}  // namespace richtext
MIGRATE_END
