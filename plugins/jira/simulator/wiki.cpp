// Wiki markup to documents, as Jira Cloud converts what arrives through version 2 of its API.
#include <fmt/format.h>

#include <algorithm>

#include "adf.hpp"
#include "wiki_inline.hpp"

namespace migrate::jira::sim {
namespace {

Value node(std::string_view type) { return Object{{"type", type}}; }

Value node(std::string_view type, Array content) {
  Object made{{"type", type}};
  made.emplace("content", std::move(content));
  return made;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t' || text.front() == '\r')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) text.remove_suffix(1);
  return text;
}

/// Paragraphs, with each picture between them as a block of its own.
Array blocks_of(std::string_view text, const MediaOf& media) {
  Array blocks, line;
  const auto close = [&](bool even_empty) {
    if (!line.empty() && line.back().at("type") == "hardBreak") line.pop_back();
    if (!line.empty() || even_empty) blocks.push_back(node("paragraph", std::move(line)));
    line = Array();
  };
  for (Value& each : read_inline(text, media)) {
    if (each.at("type") != "media") {
      if (line.empty() && each.at("type") == "hardBreak") continue;
      line.push_back(std::move(each));
      continue;
    }
    close(false);
    Object single{{"type", "mediaSingle"}, {"attrs", Object{{"layout", "center"}}}};
    single.emplace("content", Array{std::move(each)});
    blocks.push_back(std::move(single));
  }
  close(blocks.empty());
  return blocks;
}

Array inline_only(std::string_view text, const MediaOf& media) {
  Array out = read_inline(text, media);
  for (Value& each : out) {
    if (each.at("type") == "media") each = Object{{"type", "text"}, {"text", each.at("attrs").at("alt")}};
  }
  return out;
}

constexpr std::size_t deepest_list = 20;

enum class Place { top, panel, quote };

class BlockReader {
 public:
  BlockReader(std::string_view text, const MediaOf& media) : media_(media) {
    for (std::size_t from = 0; from <= text.size();) {
      const std::size_t to = std::min(text.find('\n', from), text.size());
      std::string_view line = text.substr(from, to - from);
      if (line.ends_with('\r')) line.remove_suffix(1);
      lines_.push_back(line);
      from = to + 1;
    }
  }

  Array read(std::size_t from, std::size_t to, Place place) {
    Array out;
    std::string paragraph;
    const auto close = [&] {
      if (trimmed(paragraph).empty()) return paragraph.clear();
      for (Value& each : blocks_of(paragraph, media_)) out.push_back(std::move(each));
      paragraph.clear();
    };
    while (from < to) {
      const std::string_view line = trimmed(lines_[from]);
      Array made;
      const std::size_t next = block(from, to, line, place, made);
      if (next != from || line.empty()) {
        close();
        for (Value& each : made) out.push_back(std::move(each));
        from = std::max(next, from + 1);
      } else {
        if (!paragraph.empty()) paragraph += '\n';
        paragraph += lines_[from++];
      }
    }
    close();
    return out;
  }

  std::size_t size() const { return lines_.size(); }

 private:
  /// Behind the block that begins with this line; `from` when it is part of a paragraph.
  std::size_t block(std::size_t from, std::size_t to, std::string_view line, Place place, Array& made) {
    if (line.starts_with("{code") || line.starts_with("{noformat")) return code(from, to, line, made);
    if (const std::size_t mark = list_mark(line)) return mark ? list(from, to, made) : from;
    if (place == Place::quote) return from;
    if (line.size() > 3 && line[0] == 'h' && line[1] >= '1' && line[1] <= '6' && line.substr(2, 2) == ". ") {
      Object head{{"type", "heading"}, {"attrs", Object{{"level", line[1] - '0'}}}};
      head.emplace("content", inline_only(line.substr(4), media_));
      made.push_back(std::move(head));
      return from + 1;
    }
    if (line == "----") {
      made.push_back(node("rule"));
      return from + 1;
    }
    if (place != Place::top) return from;
    if (line.starts_with("bq. ")) {
      made.push_back(node("blockquote", blocks_of(line.substr(4), media_)));
      return from + 1;
    }
    if (line.starts_with("{quote}")) return wrapped(from, to, line, "{quote}", made);
    if (line.starts_with("{panel")) return wrapped(from, to, line, "{panel}", made);
    if (line.starts_with("|")) return table(from, to, made);
    return from;
  }

  std::size_t code(std::size_t from, std::size_t to, std::string_view line, Array& made) {
    const std::size_t head = line.find('}');
    if (head == std::string_view::npos) return from;
    const std::string close = line.starts_with("{code") ? "{code}" : "{noformat}";
    std::string_view option = line.substr(0, head);
    option = option.find(':') == std::string_view::npos ? std::string_view() : option.substr(option.find(':') + 1);
    std::string text(line.substr(head + 1));
    std::size_t at = from + 1;
    for (; text.find(close) == std::string::npos; ++at) {
      if (at >= to) return from;
      if (at != from + 1 || !text.empty()) text += '\n';
      text += lines_[at];
    }
    text.resize(text.find(close));
    if (text.ends_with('\n')) text.pop_back();
    Object block{{"type", "codeBlock"}};
    option = option.substr(0, option.find('|'));
    if (!option.empty() && option.find('=') == std::string_view::npos)
      block.emplace("attrs", Object{{"language", option}});
    Array content;
    if (!text.empty()) content.push_back(Object{{"type", "text"}, {"text", text}});
    block.emplace("content", std::move(content));
    made.push_back(std::move(block));
    return at;
  }

  std::size_t wrapped(std::size_t from, std::size_t to, std::string_view line, std::string_view close, Array& made) {
    const std::size_t head = line.find('}');
    if (head == std::string_view::npos) return from;
    std::size_t end = from;
    std::string inner(line.substr(head + 1));
    while (inner.find(close) == std::string::npos) {
      if (++end >= to) return from;
      inner += '\n';
      inner += lines_[end];
    }
    inner.resize(inner.find(close));
    const bool panel = close == "{panel}";
    BlockReader reader(inner, media_);
    Array content = reader.read(0, reader.size(), panel ? Place::panel : Place::quote);
    const std::size_t title = line.substr(0, head).find("title=");
    if (panel && title != std::string_view::npos) {
      std::string_view name = line.substr(title + 6, head - title - 6);
      name = name.substr(0, name.find('|'));
      content.insert(content.begin(), node("paragraph", inline_only(fmt::format("*{}*", name), media_)));
    }
    if (content.empty()) content.push_back(node("paragraph", Array()));
    Value block = node(panel ? "panel" : "blockquote", std::move(content));
    if (panel) block.get_object().emplace("attrs", Object{{"panelType", "info"}});
    made.push_back(std::move(block));
    return end + 1;
  }

  static std::size_t list_mark(std::string_view line) {
    std::size_t size = line.find_first_not_of("*#-");
    if (size == 0 || size == std::string_view::npos || size > deepest_list || line[size] != ' ') return 0;
    return line.find_first_not_of(' ', size) == std::string_view::npos ? 0 : size;
  }

  std::size_t list(std::size_t from, std::size_t to, Array& made) {
    std::size_t end = from;
    while (end < to && list_mark(trimmed(lines_[end]))) ++end;
    items(from, end, 0, made);
    return end;
  }

  void items(std::size_t from, std::size_t to, std::size_t depth, Array& made) {
    char mark = 0;
    while (from < to) {
      const std::string_view line = trimmed(lines_[from]);
      if (made.empty() || mark != line[depth]) {
        mark = line[depth];
        made.push_back(node(mark == '#' ? "orderedList" : "bulletList", Array()));
      }
      Array& list_items = made.back().at("content").get_array();
      Array content;
      std::size_t next = from;
      if (list_mark(line) == depth + 1) {
        content = blocks_of(trimmed(line.substr(depth + 1)), media_);
        ++next;
      } else {
        content.push_back(node("paragraph", Array()));
      }
      std::size_t end = next;
      while (end < to && list_mark(trimmed(lines_[end])) > depth + 1) ++end;
      Array nested;
      if (end > next) items(next, end, depth + 1, nested);
      for (Value& each : nested) content.push_back(std::move(each));
      list_items.push_back(node("listItem", std::move(content)));
      from = end;
    }
  }

  std::size_t table(std::size_t from, std::size_t to, Array& made) {
    Array rows;
    std::size_t end = from;
    for (; end < to && trimmed(lines_[end]).starts_with("|"); ++end) {
      Array cells = row(trimmed(lines_[end]));
      if (!cells.empty()) rows.push_back(node("tableRow", std::move(cells)));
    }
    if (!rows.empty()) made.push_back(node("table", std::move(rows)));
    return end;
  }

  Array row(std::string_view line) {
    Array cells;
    while (line.starts_with("|")) {
      const bool head = line.starts_with("||");
      line.remove_prefix(head ? 2 : 1);
      if (trimmed(line).empty()) break;
      const std::size_t end = cell_end(line);
      cells.push_back(node(head ? "tableHeader" : "tableCell", blocks_of(trimmed(line.substr(0, end)), media_)));
      line.remove_prefix(end);
    }
    return cells;
  }

  /// A bar inside a link or a picture separates no cells.
  static std::size_t cell_end(std::string_view line) {
    char inside = 0;
    for (std::size_t i = 0; i < line.size(); ++i) {
      const char c = line[i];
      if (c == '\\') {
        ++i;
      } else if (inside) {
        if (c == inside) inside = 0;
      } else if (c == '[' && line.find(']', i) != std::string_view::npos) {
        inside = ']';
      } else if (c == '|') {
        return i;
      }
    }
    return line.size();
  }

  const MediaOf& media_;
  std::vector<std::string_view> lines_;
};

}  // namespace

Value from_wiki(std::string_view text, const MediaOf& media) {
  BlockReader reader(text, media);
  Object document{{"type", "doc"}, {"version", 1}};
  document.emplace("content", reader.read(0, reader.size(), Place::top));
  return document;
}

std::vector<std::string> wiki_files(std::string_view text) {
  std::vector<std::string> names;
  const MediaOf collect = [&names](std::string_view name) {
    names.emplace_back(name);
    return std::optional<std::string>("x");
  };
  from_wiki(text, collect);
  return names;
}

}  // namespace migrate::jira::sim
