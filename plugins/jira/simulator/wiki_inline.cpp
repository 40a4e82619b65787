// Wiki markup within a line: emphasis, links, pictures, code.
#include "wiki_inline.hpp"

#include <algorithm>
#include <cctype>

namespace migrate::jira::sim {
namespace {

Object media_attributes(const std::string& id, std::string_view name) {
  return Object{{"type", "file"}, {"id", id}, {"collection", ""}, {"alt", name}};
}

bool word(char c) { return std::isalnum(static_cast<unsigned char>(c)) || static_cast<unsigned char>(c) >= 0x80; }

constexpr std::size_t most_marks = 20, most_tries = 200;  // within one another; ends that are looked at for a beginning

class InlineReader {
 public:
  InlineReader(std::string_view text, const MediaOf& media) : text_(text), media_(media) {}

  Array read() {
    part(0, text_.size());
    flush();
    return std::move(out_);
  }

 private:
  void part(std::size_t at, std::size_t end) {
    while (at < end) {
      const std::size_t next = special(at, end);
      if (next == at) {
        pending_ += text_[at++];
      } else {
        at = next;
      }
    }
  }

  /// Behind the markup that begins at `at`; `at` itself when none does.
  std::size_t special(std::size_t at, std::size_t end) {
    const char c = text_[at];
    const std::string_view rest = text_.substr(at, end - at);
    if (c == '\n') return hard_break(at + 1);
    if (rest.starts_with("\\\\")) return hard_break(at + 2);
    if (c == '\\' && rest.size() > 1 && std::ispunct(static_cast<unsigned char>(rest[1]))) {
      pending_ += rest[1];
      return at + 2;
    }
    if (rest.starts_with("{{")) return code(at, rest);
    if (rest.starts_with("{color:")) return color(at, end, rest);
    if (c == '[') return link(at, rest);
    if (c == '!') return picture(at, rest);
    const bool begins = at == 0 || !word(text_[at - 1]);
    if (begins && (rest.starts_with("http://") || rest.starts_with("https://"))) return address(at, rest);
    if (begins && rest.starts_with("??")) return emphasis(at, end, "??", "em", {});
    if (begins && std::string_view("*_-+^~").find(c) != std::string_view::npos) return emphasis(at, end, c);
    return at;
  }

  std::size_t emphasis(std::size_t at, std::size_t end, char c) {
    switch (c) {
      case '*':
        return emphasis(at, end, "*", "strong", {});
      case '_':
        return emphasis(at, end, "_", "em", {});
      case '-':
        return emphasis(at, end, "-", "strike", {});
      case '+':
        return emphasis(at, end, "+", "underline", {});
      case '^':
        return emphasis(at, end, "^", "subsup", Object{{"type", "sup"}});
      default:
        return emphasis(at, end, "~", "subsup", Object{{"type", "sub"}});
    }
  }

  std::size_t emphasis(std::size_t at, std::size_t end, std::string_view mark, std::string_view type,
                       Object attributes) {
    const std::size_t from = at + mark.size();
    if (marks_.size() >= most_marks || from >= end) return at;
    if (text_[from] == ' ' || text_[from] == '\n' || text_[from] == mark[0]) return at;
    std::size_t tries = 0;
    for (std::size_t to = text_.find(mark, from); to != std::string_view::npos && to + mark.size() <= end;
         to = text_.find(mark, to + 1)) {
      if (++tries > most_tries) break;
      const std::size_t behind = to + mark.size();
      if (text_[to - 1] == ' ' || text_[to - 1] == '\\' || (behind < text_.size() && word(text_[behind]))) continue;
      marked(from, to, type, std::move(attributes));
      return behind;
    }
    return at;
  }

  void marked(std::size_t from, std::size_t to, std::string_view type, Object attributes) {
    flush();
    Object mark{{"type", type}};
    if (!attributes.empty()) mark.emplace("attrs", std::move(attributes));
    marks_.push_back(std::move(mark));
    part(from, to);
    flush();
    marks_.pop_back();
  }

  std::size_t code(std::size_t at, std::string_view rest) {
    const std::size_t to = rest.find("}}", 2);
    if (to == std::string_view::npos || to == 2) return at;
    flush();
    Array marks{Object{{"type", "code"}}};
    out_.push_back(Object{{"type", "text"}, {"text", rest.substr(2, to - 2)}, {"marks", std::move(marks)}});
    return at + to + 2;
  }

  std::size_t color(std::size_t at, std::size_t end, std::string_view rest) {
    const std::size_t head = rest.find('}');
    const std::size_t tail = head == std::string_view::npos ? head : rest.find("{color}", head);
    if (tail == std::string_view::npos || at + tail > end || marks_.size() >= most_marks) return at;
    const std::string_view name = rest.substr(7, head - 7);
    if (name.size() == 7 && name[0] == '#') {
      marked(at + head + 1, at + tail, "textColor", Object{{"color", name}});
    } else {
      part(at + head + 1, at + tail);
    }
    return at + tail + 7;
  }

  std::size_t link(std::size_t at, std::string_view rest) {
    const std::size_t to = rest.find(']');
    if (to == std::string_view::npos || to < 2 || rest.substr(0, to).find('\n') != std::string_view::npos) return at;
    const std::string_view inside = rest.substr(1, to - 1);
    if (inside.starts_with("~accountid:")) {
      flush();
      out_.push_back(Object{{"type", "mention"}, {"attrs", Object{{"id", inside.substr(11)}}}});
      return at + to + 1;
    }
    if (inside[0] == '^') {
      const std::string_view name = inside.substr(1);
      const std::optional<std::string> file = media_(name);
      if (!file) return at;
      flush();
      out_.push_back(Object{{"type", "mediaInline"}, {"attrs", media_attributes(*file, name)}});
      return at + to + 1;
    }
    const std::size_t bar = inside.find('|');
    const std::string_view label = bar == std::string_view::npos ? inside : inside.substr(0, bar);
    std::string_view href = bar == std::string_view::npos ? inside : inside.substr(bar + 1);
    href = href.substr(0, href.find('|'));
    if (href.find("://") == std::string_view::npos && !href.starts_with("mailto:") && !href.starts_with("#")) return at;
    linked(label.empty() ? href : label, href);
    return at + to + 1;
  }

  std::size_t address(std::size_t at, std::string_view rest) {
    std::size_t size = rest.find_first_of(" \n\t|]})");
    if (size == std::string_view::npos) size = rest.size();
    while (size > 0 && std::string_view(".,;:!?").find(rest[size - 1]) != std::string_view::npos) --size;
    linked(rest.substr(0, size), rest.substr(0, size));
    return at + size;
  }

  void linked(std::string_view label, std::string_view href) {
    flush();
    marks_.push_back(Object{{"type", "link"}, {"attrs", Object{{"href", href}}}});
    pending_ += label;
    flush();
    marks_.pop_back();
  }

  std::size_t picture(std::size_t at, std::string_view rest) {
    const std::size_t to = rest.find('!', 1);
    if (to == std::string_view::npos || to < 2 || rest[1] == ' ') return at;
    const std::string_view name = rest.substr(1, std::min(rest.find('|'), to) - 1);
    if (name.find('\n') != std::string_view::npos) return at;
    const std::optional<std::string> file = media_(name);
    if (!file) return at;
    flush();
    out_.push_back(Object{{"type", "media"}, {"attrs", media_attributes(*file, name)}});
    return at + to + 1;
  }

  std::size_t hard_break(std::size_t next) {
    flush();
    out_.push_back(Object{{"type", "hardBreak"}});
    return next;
  }

  void flush() {
    std::erase_if(pending_, [](char c) { return static_cast<unsigned char>(c) < 0x20 && c != '\t'; });
    if (pending_.empty()) return;
    Object made{{"type", "text"}, {"text", pending_}};
    if (!marks_.empty()) made.emplace("marks", marks_);
    out_.push_back(std::move(made));
    pending_.clear();
  }

  std::string_view text_;
  const MediaOf& media_;
  std::string pending_;
  Array marks_, out_;
};

}  // namespace

Array read_inline(std::string_view text, const MediaOf& media) { return InlineReader(text, media).read(); }

}  // namespace migrate::jira::sim
