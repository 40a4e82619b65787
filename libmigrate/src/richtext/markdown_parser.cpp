// Markdown is brought to HTML, as it is defined, and that into the tree: raw HTML between the marks is read by a parser
// of HTML then, as GitLab does it. What Markdown alone knows travels in attributes.
#include <fmt/format.h>
#include <md4c.h>

#include <algorithm>
#include <array>
#include <limits>

#include "autolink.hpp"
#include "azure_mentions.hpp"
#include "gitlab.hpp"
#include "html_parser.hpp"
#include "html_printer.hpp"
#include "utf8.hpp"

MIGRATE_BEGIN
namespace richtext {
namespace {

// md4c fills up short rows of a table: their cells grow with the product of columns and rows.
constexpr std::size_t growth = 24;
constexpr std::size_t base = 1 << 16;

struct Alert {
  std::string_view mark, panel;
};
constexpr Alert alerts[] = {{"[!note]", "info"},
                            {"[!important]", "note"},
                            {"[!tip]", "tip"},
                            {"[!warning]", "warning"},
                            {"[!caution]", "error"}};

class MarkdownReader {
 public:
  MarkdownReader(std::string_view source, MarkdownFlavour flavour, const AzureMentions& mentions)
      : source_(source), flavour_(flavour), mentions_(mentions) {}

  /// Empty when the text is built to exhaust a parser.
  bool read() {
    MD_PARSER parser{};
    parser.flags = MD_FLAG_TABLES | MD_FLAG_STRIKETHROUGH | MD_FLAG_TASKLISTS;
    parser.enter_block = [](MD_BLOCKTYPE type, void* detail, void* self) { return of(self).enter(type, detail); };
    parser.leave_block = [](MD_BLOCKTYPE type, void* detail, void* self) { return of(self).leave(type, detail); };
    parser.enter_span = [](MD_SPANTYPE type, void* detail, void* self) { return of(self).enter(type, detail); };
    parser.leave_span = [](MD_SPANTYPE type, void*, void* self) { return of(self).leave(type); };
    parser.text = [](MD_TEXTTYPE type, const MD_CHAR* text, MD_SIZE size, void* self) {
      return of(self).text(type, {text, size});
    };
    if (source_.size() > std::numeric_limits<MD_SIZE>::max() / 2) return false;
    return md_parse(source_.data(), static_cast<MD_SIZE>(source_.size()), &parser, this) == 0;
  }

  const std::string& html() const { return out_; }

 private:
  static MarkdownReader& of(void* self) { return *static_cast<MarkdownReader*>(self); }
  int go_on() const { return out_.size() > base + growth * source_.size() ? 1 : 0; }
  int put(std::string_view html) {
    out_ += html;
    before_ = 0;
    return go_on();
  }

  int enter(MD_BLOCKTYPE type, void* detail) {
    fresh_quote_ = fresh_quote_ && type == MD_BLOCK_P;
    switch (type) {
      case MD_BLOCK_QUOTE:
        quotes_.push_back({out_.size(), false});
        fresh_quote_ = true;
        return put("<blockquote>");
      case MD_BLOCK_UL:
        return put("<ul>");
      case MD_BLOCK_OL:
        return put(fmt::format("<ol start=\"{}\">", static_cast<MD_BLOCK_OL_DETAIL*>(detail)->start));
      case MD_BLOCK_LI:
        return item(*static_cast<MD_BLOCK_LI_DETAIL*>(detail));
      case MD_BLOCK_HR:
        return put("<hr>");
      case MD_BLOCK_H:
        return put(fmt::format("<h{}>", static_cast<MD_BLOCK_H_DETAIL*>(detail)->level));
      case MD_BLOCK_CODE:
        return code(*static_cast<MD_BLOCK_CODE_DETAIL*>(detail));
      case MD_BLOCK_P:
        return put("<p>");
      case MD_BLOCK_TABLE:
        return put("<table>");
      case MD_BLOCK_TR:
        return put("<tr>");
      case MD_BLOCK_TH:
        return put("<th>");
      case MD_BLOCK_TD:
        return put("<td>");
      default:
        return go_on();
    }
  }

  int leave(MD_BLOCKTYPE type, void* detail) {
    fresh_quote_ = false;
    switch (type) {
      case MD_BLOCK_QUOTE: {
        const bool alert = !quotes_.empty() && quotes_.back().alert;
        if (!quotes_.empty()) quotes_.pop_back();
        return put(alert ? "</div>" : "</blockquote>");
      }
      case MD_BLOCK_UL:
        return put("</ul>");
      case MD_BLOCK_OL:
        return put("</ol>");
      case MD_BLOCK_LI:
        return put("</li>");
      case MD_BLOCK_H:
        return put(fmt::format("</h{}>", static_cast<MD_BLOCK_H_DETAIL*>(detail)->level));
      case MD_BLOCK_CODE:
        return put("</code></pre>");
      case MD_BLOCK_P:
        return put("</p>");
      case MD_BLOCK_TABLE:
        return put("</table>");
      case MD_BLOCK_TR:
        return put("</tr>");
      case MD_BLOCK_TH:
        return put("</th>");
      case MD_BLOCK_TD:
        return put("</td>");
      default:
        return go_on();
    }
  }

  int item(const MD_BLOCK_LI_DETAIL& detail) {
    if (detail.is_task == 0) return put("<li>");
    return put(detail.task_mark == ' ' ? "<li data-task=\"open\">" : "<li data-task=\"done\">");
  }

  int code(const MD_BLOCK_CODE_DETAIL& detail) {
    out_ += "<pre";
    if (detail.lang.size > 0) {
      out_ += " lang=\"";
      attribute(detail.lang);
      out_ += '"';
    }
    return put("><code>");
  }

  int enter(MD_SPANTYPE type, void* detail) {
    fresh_quote_ = false;
    if (images_ > 0 && type != MD_SPAN_IMG) return 0;
    switch (type) {
      case MD_SPAN_EM:
        return put("<em>");
      case MD_SPAN_STRONG:
        return put("<strong>");
      case MD_SPAN_DEL:
        return put("<del>");
      case MD_SPAN_U:
        return put("<ins>");
      // Blanks in a row are told apart in code.
      case MD_SPAN_CODE:
        return put("<code style=\"white-space:pre\">");
      case MD_SPAN_A:
        ++links_;
        out_ += "<a href=\"";
        attribute(static_cast<MD_SPAN_A_DETAIL*>(detail)->href);
        title(static_cast<MD_SPAN_A_DETAIL*>(detail)->title);
        return put("\">");
      case MD_SPAN_IMG:
        // The description may hold images of its own: only words of them count.
        if (images_++ > 0) return 0;
        out_ += "<img src=\"";
        attribute(static_cast<MD_SPAN_IMG_DETAIL*>(detail)->src);
        title(static_cast<MD_SPAN_IMG_DETAIL*>(detail)->title);
        return put("\" alt=\"");
      default:
        return go_on();
    }
  }

  int leave(MD_SPANTYPE type) {
    if (images_ > 0 && type != MD_SPAN_IMG) return 0;
    switch (type) {
      case MD_SPAN_EM:
        return put("</em>");
      case MD_SPAN_STRONG:
        return put("</strong>");
      case MD_SPAN_DEL:
        return put("</del>");
      case MD_SPAN_U:
        return put("</ins>");
      case MD_SPAN_CODE:
        return put("</code>");
      case MD_SPAN_A:
        --links_;
        return put("</a>");
      case MD_SPAN_IMG:
        if (--images_ > 0) return 0;
        put("\">");
        image_end_ = out_.size();
        return go_on();
      default:
        return go_on();
    }
  }

  int text(MD_TEXTTYPE type, std::string_view words) {
    const bool may_be_alert = std::exchange(fresh_quote_, false);
    switch (type) {
      case MD_TEXT_NULLCHAR:
        return put("\uFFFD");
      case MD_TEXT_BR:
        return put(images_ > 0 ? " " : "<br>");
      case MD_TEXT_SOFTBR:
        return put("\n");
      case MD_TEXT_ENTITY:
        return put(words);
      case MD_TEXT_HTML:
        return images_ > 0 ? 0 : html_words(words);
      case MD_TEXT_NORMAL:
        break;
      default:
        return code_words(words);
    }
    if (images_ > 0) {
      as_written(words);
      return go_on();
    }
    // An escaped character comes alone and stands for nothing but itself.
    const bool in_source = words.data() > source_.data() && words.data() < source_.data() + source_.size();
    if (words.size() == 1 && in_source && words.data()[-1] == '\\') {
      append_escaped(out_, words);
      before_ = words[0];
      return go_on();
    }
    if (may_be_alert) words.remove_prefix(alert(words));
    if (image_end_ == out_.size()) words.remove_prefix(image_size(words));
    while (true) {
      const AzureMentions::Found found = mentions_.find(words);
      if (found.size == 0) break;
      mention(words.substr(0, found.at), found.id);
      words.remove_prefix(found.at + found.size);
    }
    plain_words(words);
    return go_on();
  }

  /// A mention of Azure DevOps behind words. To Markdown the stand-in is a word: a backslash before it is left.
  void mention(std::string_view before, std::string_view id) {
    const bool escaped = before.ends_with('\\');
    if (escaped) before.remove_suffix(1);
    plain_words(before);
    if (escaped) {
      out_ += fmt::format("@&lt;{}&gt;", id);
    } else {
      out_ += fmt::format("<span data-mention=\"{0}\">@{0}</span>", id);
    }
    before_ = 0;
  }

  /// Elements of HTML, and in blocks of it the words between them.
  int html_words(std::string_view words) {
    while (true) {
      const AzureMentions::Found found = mentions_.find(words);
      if (found.size == 0) return put(words);
      const std::string_view before = words.substr(0, found.at);
      out_ += before;
      const std::size_t tag = before.rfind('<');
      if (tag != std::string_view::npos && before.find('>', tag) == std::string_view::npos) {
        out_ += fmt::format("@&lt;{}&gt;", found.id);
      } else {
        mention({}, found.id);
      }
      words.remove_prefix(found.at + found.size);
    }
  }

  /// What is no words, or those of a picture's description.
  void as_written(std::string_view words) {
    if (mentions_.find(words).size == 0) return append_escaped(out_, words, true);
    append_escaped(out_, mentions_.taken_out_of(words), true);
  }

  /// md4c makes blanks of the tabs that a line of code begins with. Where nothing but them is in front of it, the tabs
  /// are taken from the source.
  int code_words(std::string_view words) {
    const bool in_source = words.data() >= source_.data() && words.data() < source_.data() + source_.size();
    if (!in_source && words.find_first_not_of(' ') == std::string_view::npos) {
      indent_ += words;
      return go_on();
    }
    if (in_source && !indent_.empty()) {
      const std::size_t at = static_cast<std::size_t>(words.data() - source_.data());
      std::size_t from = at;
      while (from > 0 && (source_[from - 1] == ' ' || source_[from - 1] == '\t')) --from;
      std::size_t width = 0;
      for (std::size_t index = from; index < at; ++index) width += source_[index] == '\t' ? 4 - width % 4 : 1;
      const bool alone = (from == 0 || source_[from - 1] == '\n') && width == indent_.size();
      if (alone) indent_ = source_.substr(from, at - from);
    }
    out_ += indent_;
    indent_.clear();
    as_written(words);
    return go_on();
  }

  /// Makes the quote just begun a panel, when that is what the text says. Returns what it takes of it.
  std::size_t alert(std::string_view words) {
    const std::string small = lower(words.substr(0, 16));
    for (const Alert& known : alerts) {
      if (!small.starts_with(known.mark) || quotes_.empty()) continue;
      out_.replace(quotes_.back().at, std::string_view("<blockquote>").size(),
                   fmt::format("<div data-panel=\"{}\">", known.panel));
      quotes_.back().alert = true;
      return known.mark.size();
    }
    return 0;
  }

  /// "{width=20 height=10}" behind an image.
  std::size_t image_size(std::string_view words) {
    if (!words.starts_with('{')) return 0;
    const std::size_t end = words.find('}');
    if (end == std::string_view::npos || end > 60) return 0;
    std::string found;
    std::string_view inside = words.substr(1, end - 1);
    while (!(inside = trim(inside)).empty()) {
      const std::string_view one = inside.substr(0, inside.find(' '));
      const std::size_t equals = one.find('=');
      if (equals == std::string_view::npos) return 0;
      const std::string_view name = one.substr(0, equals);
      std::string value(one.substr(equals + 1));
      std::erase(value, '"');
      if (value.ends_with("px")) value.resize(value.size() - 2);
      if ((name != "width" && name != "height") || value.empty() ||
          !std::all_of(value.begin(), value.end(), is_ascii_digit))
        return 0;
      found += fmt::format(" {}=\"{}\"", name, value);
      inside.remove_prefix(one.size());
    }
    out_.insert(out_.size() - 1, found);
    return end + 1;
  }

  /// Words in which only addresses, mentions and references stand for more than themselves.
  void plain_words(std::string_view words) {
    std::size_t done = 0;
    for (std::size_t at = 0; at < words.size() && links_ == 0;) {
      const std::size_t sign = words.find_first_of("@#!&:.", at);
      if (sign == std::string_view::npos) break;
      const Autolink link = autolink_at(words, done, sign, before_);
      if (link.size > 0) {
        append_escaped(out_, words.substr(done, link.from - done));
        const std::string_view address = words.substr(link.from, link.size);
        out_ += fmt::format("<a href=\"{}", link.scheme);
        append_escaped(out_, address, true);
        out_ += "\">";
        append_escaped(out_, address);
        out_ += "</a>";
        done = at = link.from + link.size;
        continue;
      }
      const std::size_t from =
          words[sign] == '@' ? sign : path_before(words, std::max(done, sign - std::min<std::size_t>(sign, 255)), sign);
      const char previous = from > done ? words[from - 1] : done == 0 ? before_ : 'x';
      const std::size_t end = is_word(previous) ? 0 : typed_end(words, from, sign);
      at = sign + 1;
      if (end == 0) continue;
      append_escaped(out_, words.substr(done, from - done));
      typed(words.substr(from, end - from), words[sign] == '@');
      done = at = end;
    }
    append_escaped(out_, words.substr(done));
    if (!words.empty()) before_ = words.back();
  }

  /// Where the path of a project that ends at `end` begins, not before `least`.
  static std::size_t path_before(std::string_view words, std::size_t least, std::size_t end) {
    const auto inside = [](char c) {
      return is_ascii_alnum(c) || std::string_view("_./-").find(c) != std::string_view::npos;
    };
    std::size_t from = end;
    while (from > least && inside(words[from - 1])) --from;
    while (from < end && !is_user_name(words.substr(from, end - from))) ++from;
    return from;
  }

  /// Where the mention or reference from `from` on, with its sign at `sign`, ends; 0 when there is none.
  std::size_t typed_end(std::string_view words, std::size_t from, std::size_t sign) const {
    if (flavour_ == MarkdownFlavour::plain) return 0;
    if (words[sign] == '@') {
      const std::size_t size = flavour_ == MarkdownFlavour::gitlab ? user_name_at(words.substr(sign + 1)) : 0;
      return size == 0 ? 0 : sign + 1 + size;
    }
    std::size_t end = sign + 1;
    while (end < words.size() && is_ascii_digit(words[end])) ++end;
    if (end < words.size() && is_word(words[end])) return 0;
    const bool known = flavour_ == MarkdownFlavour::gitlab || (words[sign] == '#' && from == sign);
    return known && is_item_reference(words.substr(from, end - from)) ? end : 0;
  }

  void typed(std::string_view said, bool mention) {
    out_ += mention ? "<span data-mention=\"" : "<span data-item=\"";
    // Azure DevOps numbers its work items.
    append_escaped(out_, mention || flavour_ == MarkdownFlavour::azure_devops ? said.substr(1) : said, true);
    out_ += "\">";
    append_escaped(out_, said);
    out_ += "</span>";
  }

  void attribute(const MD_ATTRIBUTE& value) {
    for (std::size_t part = 0; value.size > 0 && value.substr_offsets[part] < value.size; ++part) {
      const std::string_view words(value.text + value.substr_offsets[part],
                                   value.substr_offsets[part + 1] - value.substr_offsets[part]);
      switch (value.substr_types[part]) {
        case MD_TEXT_ENTITY:
          out_ += words;
          break;
        case MD_TEXT_NULLCHAR:
          out_ += "\uFFFD";
          break;
        default:
          as_written(words);
      }
    }
  }

  /// Behind the value of an attribute that is not closed yet.
  void title(const MD_ATTRIBUTE& value) {
    if (value.size == 0) return;
    out_ += "\" title=\"";
    attribute(value);
  }

  struct Quote {
    std::size_t at;
    bool alert;
  };

  const std::string_view source_;
  const MarkdownFlavour flavour_;
  const AzureMentions& mentions_;
  std::string out_;
  std::string indent_;  ///< of the line of code that comes next
  std::vector<Quote> quotes_;
  bool fresh_quote_ = false;  ///< nothing but a paragraph's begin since the quote began
  int images_ = 0, links_ = 0;
  std::size_t image_end_ = std::string::npos;
  char before_ = 0;  ///< the character before the next words; 0 when it is markup
};

/// How many line ends to put in front. When a heading, rule or fence in a list is followed by an empty line, md4c 0.4
/// takes the last bytes of its notes for a block's kind: those are the offset of the heading or of the end of the code,
/// and one of 4 modulo 256 ends the list.
std::size_t lead_of(std::string_view markdown) {
  std::array<bool, 256> taken{};
  for (std::size_t start = 0; start < markdown.size();) {
    const std::size_t end = std::min(markdown.find('\n', start), markdown.size());
    std::string_view line = markdown.substr(start, end - start);
    if (line.ends_with('\r')) line.remove_suffix(1);
    const auto mark = [&](std::size_t from, std::size_t to) {
      for (std::size_t at = from; at <= std::min(to, from + 255); ++at) taken[(start + at) % 256] = true;
    };
    const std::size_t words = std::min(line.find_first_not_of(" \t>+-*_=.)#0123456789"), line.size());
    // A heading's words begin behind its marks.
    if (const std::size_t heading = line.substr(0, words).find('#'); heading != std::string_view::npos)
      mark(heading, words);
    // A rule goes on to the end of its line.
    const std::size_t last = line.find_last_not_of(" \t");
    if (last != std::string_view::npos && words == line.size() && line[last] != '>') {
      std::size_t rule = last;
      while (rule > 0 && (line[rule - 1] == line[last] || line[rule - 1] == ' ' || line[rule - 1] == '\t')) --rule;
      rule = line.find_first_not_of(" \t", rule);
      mark(rule, rule);
    }
    // What stands over a line that makes it a heading.
    const std::size_t below = markdown.find_first_not_of(" \t>", std::min(end + 1, markdown.size()));
    const char next = below == std::string_view::npos ? ' ' : markdown[below];
    if (next == '`' || next == '~') mark(last + 1, line.size());
    const bool blank = line.find_first_not_of(" \t>") == std::string_view::npos;
    if (!blank && (next == '=' || next == '-')) mark(0, words);
    start = end + 1;
  }
  for (std::size_t lead = 0; lead < 256; ++lead) {
    if (!taken[(256 + 4 - lead) % 256]) return lead;
  }
  return 0;
}

}  // namespace

Parsed parse_markdown(std::string_view markdown, const MarkdownOptions& options) {
  AzureMentions mentions;
  std::string replaced =
      options.flavour == MarkdownFlavour::azure_devops ? mentions.put_into(markdown) : std::string(markdown);
  replaced.insert(0, lead_of(replaced), '\n');
  MarkdownReader reader(replaced, options.flavour, mentions);
  if (!reader.read()) {
    Parsed parsed;
    parsed.losses.add("markup", "plain text", "built to exhaust a parser");
    parsed.document = normalised(paragraph(mentions.taken_out_of(replaced)), parsed.losses);
    return parsed;
  }
  return parse_html_as(reader.html(), HtmlOptions(), true);
}

}  // namespace richtext
MIGRATE_END
