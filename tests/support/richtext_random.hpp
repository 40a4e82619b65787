// Trees and texts out of a seed: some as documents are, some as nobody would write them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <string>
#include <vector>

#include "migrate/richtext/document.hpp"

namespace migrate::richtext_tests {

/// How many seeds a test tries: MIGRATE_SEEDS=1000000 looks further than a build has time for.
inline std::uint64_t seeds(std::uint64_t of_a_build) {
  const char* wanted = std::getenv("MIGRATE_SEEDS");
  return wanted == nullptr ? of_a_build : std::strtoull(wanted, nullptr, 10);
}

/// The same numbers everywhere, for a seed (splitmix64).
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed) {}
  /// What a fuzzer throws: two bytes a throw, then always 0.
  explicit Dice(std::string_view bytes) : bytes_(bytes), thrown_(true) {}
  std::uint64_t next() {
    if (thrown_) {
      const std::string_view two = bytes_.substr(0, 2);
      bytes_.remove_prefix(two.size());
      return two.size() < 2 ? 0 : static_cast<unsigned char>(two[0]) * 256U + static_cast<unsigned char>(two[1]);
    }
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15U);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
  }
  /// 0 to below - 1.
  std::size_t below(std::size_t bound) { return static_cast<std::size_t>(next() % bound); }
  bool one_in(std::size_t count) { return below(count) == 0; }
  template <class T, std::size_t N>
  const T& pick(const T (&from)[N]) {
    return from[below(N)];
  }

 private:
  std::uint64_t state_ = 0;
  std::string_view bytes_;
  bool thrown_ = false;
};

class RandomTree {
 public:
  /// `wild`: nodes stand where they do not belong, and fields hold what they should not.
  RandomTree(std::uint64_t seed, bool wild) : dice_(seed), wild_(wild) {}
  RandomTree(const Dice& dice, bool wild) : dice_(dice), wild_(wild) {}

  richtext::Node document() {
    richtext::Node made;
    made.children = blocks(0);
    return made;
  }

 private:
  using Node = richtext::Node;
  using Nodes = std::vector<Node>;
  using Kind = richtext::Kind;

  std::string words() {
    static constexpr const char* pieces[] = {"word",
                                             "a",
                                             "b.",
                                             "C#",
                                             "Zürich",
                                             "日本語",
                                             "\u201Equote\u201C",
                                             "\u2026",
                                             "x_y",
                                             "*",
                                             "**",
                                             "_",
                                             "__",
                                             "~~",
                                             "~",
                                             "`",
                                             "``",
                                             "[",
                                             "](",
                                             "]",
                                             "(x)",
                                             "!",
                                             "![",
                                             "#12",
                                             "# h",
                                             "@lea",
                                             "a@b.test",
                                             "&amp;",
                                             "&4",
                                             "!3",
                                             "$5",
                                             "$x$",
                                             "%m",
                                             "~label",
                                             "^",
                                             ":smile:",
                                             "12:30",
                                             "/close",
                                             "/",
                                             "- i",
                                             "+ i",
                                             "1. n",
                                             "2) m",
                                             "> q",
                                             "---",
                                             "===",
                                             "```",
                                             "~~~",
                                             "|",
                                             "| a | b |",
                                             "<b>",
                                             "<!-- c -->",
                                             "</table>",
                                             "https://x.test/a_b?c=1&d=2",
                                             "www.x.test",
                                             "\\",
                                             "\\*",
                                             "\\n",
                                             "{code}",
                                             "{quote}",
                                             "{{x}}",
                                             "[x]",
                                             "[ ]",
                                             "h1. t",
                                             "bq. q",
                                             "----",
                                             "(!)",
                                             ":)",
                                             "??",
                                             "''",
                                             "\"",
                                             "{+a+}",
                                             "{width=3}",
                                             "&#124;",
                                             "acme/app#3",
                                             "\U0001F600",
                                             "\u00A0",
                                             "  ",
                                             "[!note]",
                                             ": d",
                                             "::include",
                                             "%{x}",
                                             ">>>",
                                             ";;;",
                                             "+++",
                                             "*iteration:1",
                                             "e\u0301",
                                             "a--b",
                                             "-x-",
                                             "+y+",
                                             "5*3",
                                             "2^3",
                                             "--",
                                             "- ",
                                             "1.",
                                             "*a*"};
    std::string all;
    for (std::size_t count = 1 + dice_.below(4); count > 0; --count) {
      all += dice_.pick(pieces);
      if (dice_.one_in(2)) all += ' ';
    }
    if (wild_ && dice_.one_in(8)) {
      static constexpr const char* bad[] = {"\n", "\n\n", "\t", "\x01", "\xff", "\xed\xa0\x80", "\r\n", "\x7f"};
      all.insert(dice_.below(all.size() + 1), dice_.pick(bad));
    }
    return all;
  }

  std::string address() {
    static constexpr const char* addresses[] = {"https://x.test/a",
                                                "https://x.test/a_b(c)?d=1&e;=2",
                                                "/uploads/0f/shot.png",
                                                "mailto:a@b.test",
                                                "#top",
                                                "https://x.test/a b|c",
                                                "javascript:alert(1)",
                                                " JAVA\tSCRIPT:x",
                                                "data:text/html,x",
                                                "vbscript:x",
                                                "https://x.test/`*_[]\\<>\"'",
                                                "x",
                                                "cid:1@x",
                                                "data:image/png;base64,AAAA",
                                                "ftp://x.test/&amp;"};
    return dice_.pick(addresses);
  }

  Node inside_line(std::size_t depth) {
    using richtext::Mark;
    static constexpr Mark marks[] = {Mark::strong, Mark::em,  Mark::strike, Mark::underline,
                                     Mark::sub,    Mark::sup, Mark::code};
    const std::size_t kind = dice_.below(14);
    if (kind == 0) return Node(Kind::hard_break);
    if (kind <= 4) return special(kind);
    Node node = richtext::text(words());
    for (std::size_t count = dice_.below(3); count > 0; --count) node.marks = node.marks.with(dice_.pick(marks));
    if (dice_.one_in(6)) node.link = address();
    if (dice_.one_in(10)) node.colour = static_cast<std::int32_t>(dice_.below(0x1000000));
    if (wild_ && depth < 6 && dice_.one_in(20)) node.children = blocks(std::max<std::size_t>(5, depth + 1));
    return node;
  }

  Node special(std::size_t kind) {
    static constexpr const char* users[] = {"lea", "acme/team", "557058:9f-1", "@lea:ex.org", "no user", "x|y]"};
    static constexpr const char* items[] = {"#45", "acme/app!7", "SUP-12", "https://x.test/browse/SUP-12", "#x"};
    Node node(kind == 1         ? Kind::image
              : kind == 2       ? Kind::mention
              : kind == 3       ? Kind::reference
              : dice_.one_in(2) ? Kind::emoji
                                : Kind::raw);
    node.text = dice_.one_in(3) ? words() : "Lea N";
    if (node.kind == Kind::image) {
      node.url = address();
      node.width = dice_.one_in(3) ? static_cast<std::int32_t>(dice_.below(500)) : 0;
      if (dice_.one_in(4)) node.link = address();
      if (dice_.one_in(2)) node.target = dice_.one_in(2) ? "/uploads/1/a.png" : "b-c-d";
    } else if (node.kind == Kind::mention) {
      node.id = "guid-1";
      if (dice_.one_in(2)) node.target = dice_.pick(users);
    } else if (node.kind == Kind::reference) {
      node.id = "12";
      if (dice_.one_in(2)) node.url = address();
      if (dice_.one_in(2)) node.target = dice_.pick(items);
    } else if (node.kind == Kind::emoji) {
      node.id = ":smile:";
      node.text = dice_.one_in(2) ? "\U0001F604" : "";
    } else {
      node.id = "iframe";
      node.url = address();
    }
    return node;
  }

  Nodes line(std::size_t depth) {
    Nodes nodes;
    for (std::size_t count = 1 + dice_.below(5); count > 0; --count) nodes.push_back(inside_line(depth));
    return nodes;
  }

  Nodes blocks(std::size_t depth) {
    Nodes nodes;
    for (std::size_t count = 1 + dice_.below(depth == 0 ? 5 : 3); count > 0; --count) nodes.push_back(block(depth));
    return nodes;
  }

  Node block(std::size_t depth) {
    static constexpr Kind leaves[] = {Kind::paragraph, Kind::paragraph,  Kind::paragraph,
                                      Kind::heading,   Kind::code_block, Kind::rule};
    static constexpr Kind holders[] = {Kind::list, Kind::list, Kind::quote, Kind::panel, Kind::table};
    static constexpr Kind strays[] = {Kind::list_item, Kind::row, Kind::cell, Kind::document, Kind::text, Kind::image};
    const bool deep = depth >= 4;
    Node node(wild_ && dice_.one_in(6)  ? dice_.pick(strays)
              : deep || dice_.one_in(2) ? dice_.pick(leaves)
                                        : dice_.pick(holders));
    switch (node.kind) {
      case Kind::heading:
        node.level = static_cast<std::uint8_t>(1 + dice_.below(wild_ ? 9 : 6));
        [[fallthrough]];
      case Kind::paragraph:
        node.children = line(depth);
        break;
      case Kind::code_block:
        code(node);
        break;
      case Kind::list:
        node.ordered = dice_.one_in(2);
        node.start = dice_.one_in(3) ? static_cast<std::int32_t>(dice_.below(12)) : 1;
        for (std::size_t count = 1 + dice_.below(3); count > 0; --count) {
          Node item(Kind::list_item, blocks(depth + 1));
          if (dice_.one_in(4)) item.task = dice_.one_in(2) ? richtext::Task::open : richtext::Task::done;
          node.children.push_back(std::move(item));
        }
        break;
      case Kind::table:
        table(node, depth);
        break;
      case Kind::panel: {
        static constexpr const char* types[] = {"info", "note", "tip", "warning", "error", "success"};
        node.id = dice_.pick(types);
        node.children = blocks(depth + 1);
        break;
      }
      case Kind::rule:
        break;
      case Kind::text:
        node.text = words();
        break;
      case Kind::image:
        node.url = address();
        break;
      default:
        if (!deep) node.children = blocks(depth + 1);
    }
    if (wild_ && depth < 6 && dice_.one_in(10)) {
      for (Node& more : blocks(std::max<std::size_t>(5, depth + 1))) node.children.push_back(std::move(more));
    }
    return node;
  }

  void code(Node& node) {
    static constexpr const char* languages[] = {"", "c++", "ruby", "no such language", "bash`"};
    node.id = dice_.pick(languages);
    for (std::size_t count = 1 + dice_.below(4); count > 0; --count) {
      static constexpr const char* starts[] = {"", "  ", "/close", "```", "````", "~~~", "\n", "| ", "# "};
      node.text += dice_.pick(starts) + words() + "\n";
    }
  }

  void table(Node& node, std::size_t depth) {
    const bool simple = dice_.one_in(2);
    const std::size_t columns = 1 + dice_.below(3);
    for (std::size_t row = 0, rows = 1 + dice_.below(3); row < rows; ++row) {
      Node made(Kind::row);
      for (std::size_t column = 0; column < columns; ++column) {
        Node cell(Kind::cell);
        cell.header = simple ? row == 0 : dice_.one_in(3);
        if (!simple && dice_.one_in(5)) cell.colspan = 2;
        if (!simple && dice_.one_in(5)) cell.rowspan = 2;
        if (!dice_.one_in(6)) cell.children = simple ? Nodes{Node(Kind::paragraph, line(depth))} : blocks(depth + 1);
        made.children.push_back(std::move(cell));
      }
      node.children.push_back(std::move(made));
    }
  }

  Dice dice_;
  const bool wild_;
};

/// `text` with a few places changed: bytes and pieces taken out, doubled, put in, from `pieces` and from itself.
inline std::string mutated(std::string text, Dice& dice, const std::vector<std::string>& pieces) {
  for (std::size_t count = 1 + dice.below(6); count > 0; --count) {
    const std::size_t at = dice.below(text.size() + 1);
    const std::size_t size = std::min<std::size_t>(text.size() - at, dice.below(24));
    switch (dice.below(5)) {
      case 0:
        text.erase(at, size);
        break;
      case 1:
        text.insert(at, text.substr(dice.below(text.size() + 1), size));
        break;
      case 2:
        text.insert(at, pieces[dice.below(pieces.size())]);
        break;
      case 3:
        if (at < text.size()) text[at] = static_cast<char>(dice.below(256));
        break;
      default: {
        std::string piece;
        for (std::size_t times = 1 + dice.below(9); times > 0; --times) piece += pieces[dice.below(pieces.size())];
        text.insert(at, piece);
      }
    }
  }
  return text;
}

}  // namespace migrate::richtext_tests
