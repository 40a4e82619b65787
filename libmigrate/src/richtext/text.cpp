#include "migrate/richtext/text.hpp"

#include <fmt/format.h>

#include "live.hpp"
#include "normal_form.hpp"
#include "utf8.hpp"

MIGRATE_BEGIN
namespace richtext {
namespace {

using Nodes = std::vector<Node>;

std::string words_of(const Nodes& line) {
  std::string all;
  for (const Node& node : line) {
    switch (node.kind) {
      case Kind::hard_break:
        all += '\n';
        break;
      case Kind::image:
        all += "[" + label_of(node) + "]";
        break;
      case Kind::mention:
        all += "@" + name_of(node);
        break;
      case Kind::reference:
        all += node.target.empty() ? notation_of(node) : node.target;
        break;
      case Kind::emoji:
        all += node.text.empty() ? node.id : node.text;
        break;
      case Kind::raw:
        all += node.text.empty() ? node.url : node.text;
        break;
      default:
        all += node.text;
    }
  }
  return all;
}

/// The lines after the first one begin with blanks.
void append_indented(std::string& to, const std::string& text, std::size_t blanks) {
  for (const char c : text) {
    to += c;
    if (c == '\n') to.append(blanks, ' ');
  }
}

std::string plain_blocks(const Nodes& nodes, std::string_view between);

std::string plain_block(const Node& node) {
  switch (node.kind) {
    case Kind::paragraph:
    case Kind::heading:
      return words_of(node.children);
    case Kind::code_block:
      return node.text;
    case Kind::rule:
      return "---";
    case Kind::list: {
      std::string all;
      std::int64_t number = node.start;
      for (const Node& item : node.children) {
        std::string mark = node.ordered ? fmt::format("{}. ", number++) : "- ";
        if (item.task != Task::none) mark += item.task == Task::done ? "[x] " : "[ ] ";
        all += (all.empty() ? "" : "\n") + mark;
        append_indented(all, plain_blocks(item.children, "\n"), 2);
      }
      return all;
    }
    case Kind::table: {
      std::string all;
      for (const Node& row : node.children) {
        if (!all.empty()) all += '\n';
        for (const Node& cell : row.children) {
          all += (&cell == &row.children.front() ? "" : " | ") + plain_blocks(cell.children, "\n");
        }
      }
      return all;
    }
    case Kind::quote: {
      std::string all = "> ";
      for (const char c : plain_blocks(node.children, "\n\n"))
        all += c == '\n' ? std::string("\n> ") : std::string(1, c);
      return all;
    }
    default:
      return plain_blocks(node.children, "\n\n");
  }
}

std::string plain_blocks(const Nodes& nodes, std::string_view between) {
  std::string all;
  for (const Node& node : nodes) {
    if (!all.empty()) all += between;
    all += plain_block(node);
  }
  return all;
}

/// Shows nothing: soft hyphen, joiners without effect, byte order mark.
bool is_invisible(char32_t code) { return code == 0xAD || code == 0x200B || code == 0x2060 || code == 0xFEFF; }

class Canonical {
 public:
  void put(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
      // Most of a text are words of ASCII with single blanks between them: each is taken at once, or all of them.
      if (const std::size_t size = single_spaced_bytes(text, at, false); size > 0) {
        words(text.substr(at, size));
        at += size;
        continue;
      }
      const std::size_t end = end_of_word(text, at);
      if (end > at) {
        word(text.substr(at, end - at));
        at = end;
        continue;
      }
      const Utf8 next = decode(text, at);
      if (next.code == '\n') {
        end_line();
      } else if (is_space(next.code)) {
        blank_ = true;
      } else if (!is_invisible(next.code)) {
        word(text.substr(at, next.size));
      }
      at += next.size;
    }
  }
  void end_line() { fresh_ = true, blank_ = false; }

  void nodes(const Nodes& all) {
    for (const Node& node : all) {
      switch (node.kind) {
        case Kind::hard_break:
          end_line();
          break;
        case Kind::image:
          put("[image]");
          break;
        case Kind::mention:
          put("@");
          put(!node.target.empty() ? node.target : !node.id.empty() ? node.id : node.text);
          break;
        case Kind::reference:
          put(!node.target.empty() ? node.target : !node.id.empty() ? node.id : notation_of(node));
          break;
        case Kind::emoji:
          put(node.text.empty() ? node.id : node.text);
          break;
        case Kind::raw:
          put(node.text.empty() ? node.url : node.text);
          break;
        case Kind::text:
          put(node.text);
          break;
        default:
          end_line();
          put(node.text);
          nodes(node.children);
          end_line();
      }
    }
  }
  std::string take() { return std::move(all_); }

 private:
  static std::size_t end_of_word(std::string_view text, std::size_t at) {
    while (at < text.size() && text[at] > ' ' && static_cast<unsigned char>(text[at]) < 0x80) ++at;
    return at;
  }
  void words(std::string_view spaced) {
    if (spaced.front() == ' ') {
      blank_ = true;
      spaced.remove_prefix(1);
    }
    const bool blank = spaced.back() == ' ';
    if (blank) spaced.remove_suffix(1);
    word(spaced);
    blank_ = blank;
  }
  void word(std::string_view letters) {
    if (blank_ && !fresh_) all_ += ' ';
    if (fresh_ && !all_.empty()) all_ += '\n';
    blank_ = fresh_ = false;
    all_ += letters;
  }

  std::string all_;
  bool blank_ = false;
  bool fresh_ = true;
};

}  // namespace

std::string plain_text(const Node& document) {
  Losses ignored;
  Node made;
  return plain_blocks(normal_form(document, made, ignored).children, "\n\n");
}

std::string canonical_text(const Node& document) {
  Losses ignored;
  Node made;
  Canonical canonical;
  canonical.nodes(normal_form(document, made, ignored).children);
  return canonical.take();
}

std::size_t utf16_length(std::string_view text) noexcept {
  std::size_t count = 0;
  for (std::size_t at = 0; at < text.size();) {
    const Utf8 next = decode(text, at);
    count += next.code >= 0x10000 ? 2 : 1;
    at += next.size;
  }
  return count;
}

}  // namespace richtext
MIGRATE_END
