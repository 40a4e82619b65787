// What holds for every tree, for hundreds of them out of seeds. A failure names the seed; the same seed fails again.
#include <doctest/doctest.h>

#include <functional>

#include "richtext_checks.hpp"
#include "richtext_random.hpp"

using namespace migrate;
using namespace migrate::richtext_tests;
using richtext::Marks;

namespace {

void check_seeds(bool wild) {
  const std::uint64_t last = seeds(200);
  for (std::uint64_t seed = 1; seed <= last; ++seed) {
    const Node document = RandomTree(seed, wild).document();
    const std::string wrong = check_everything(document);
    if (wrong.empty()) continue;
    const Node small = shrunk(document, [](const Node& tree) { return !check_everything(tree).empty(); });
    CAPTURE(seed);
    REQUIRE(check_everything(small) == "");
    REQUIRE(wrong == "");
  }
  CHECK(last > 0);
}

}  // namespace

TEST_CASE("documents as people write them: valid, complete, read back the same, every loss told") {
  check_seeds(false);
}

TEST_CASE("trees that nobody would write: the same") { check_seeds(true); }

namespace {

/// Each kind of node, in order.
Node tidy() {
  const auto with = [](Node node, std::string Node::*field, const char* value) {
    node.*field = value;
    return node;
  };
  const auto link = [&](Node node) { return with(std::move(node), &Node::link, "https://x.test/a"); };
  const auto line = [](const char* words) { return richtext::paragraph(words); };
  Node heading(Kind::heading, {richtext::text("Title")});
  Node words(Kind::paragraph,
             {link(richtext::text("a", Mark::strong)), richtext::text(" b"), Node(Kind::hard_break),
              with(Node(Kind::image), &Node::url, "https://x.test/a.png"), richtext::text(" c "),
              with(Node(Kind::mention), &Node::id, "lea"), with(Node(Kind::reference), &Node::id, "1"),
              with(Node(Kind::emoji), &Node::id, ":x:"), with(Node(Kind::raw), &Node::url, "https://x.test/b")});
  for (std::size_t at = 3; at < words.children.size(); ++at)
    if (words.children[at].kind != Kind::text) words.children[at].text = "Lea N";
  Node inner(Kind::list, {Node(Kind::list_item, {line("d")})});
  Node list(Kind::list, {Node(Kind::list_item, {line("e"), inner}), Node(Kind::list_item, {line("f"), line("g")})});
  list.ordered = true, list.start = 3;
  Node row(Kind::row, {Node(Kind::cell, {line("h")}), Node(Kind::cell)});
  Node code = with(Node(Kind::code_block), &Node::id, "c++");
  code.text = "i\nj";
  Node image(Kind::paragraph, {link(with(Node(Kind::image), &Node::target, "shot"))});
  return Node(Kind::document,
              {heading, words, image, list, with(Node(Kind::panel, {line("k")}), &Node::id, "note"), code,
               Node(Kind::rule), Node(Kind::quote, {line("l"), line("m")}), Node(Kind::table, {row, row})});
}

/// What puts a node out of order, or only looks as if it did.
std::vector<std::function<void(Node&)>> disturbances() {
  std::vector<std::function<void(Node&)>> all;
  for (std::string Node::*field : {&Node::text, &Node::id, &Node::url, &Node::target, &Node::link}) {
    for (const char* more : {" ", "\n", "\t", "\x01", "\u00A0", "\xff", "  b", "@", "-", "\ufffe"}) {
      all.push_back([=](Node& node) { node.*field += more; });
      all.push_back([=](Node& node) { (node.*field).insert(0, more); });
    }
    all.push_back([=](Node& node) { (node.*field).clear(); });
  }
  for (const Kind kind : {Kind::text, Kind::paragraph, Kind::heading, Kind::list_item, Kind::quote, Kind::rule,
                          Kind::image, Kind::emoji, Kind::document, Kind::hard_break})
    all.push_back([=](Node& node) { node.kind = kind; });
  for (const int number : {-1, 0, 2, 0x1000000, 1'000'000'000}) {
    all.push_back([=](Node& node) { node.colour = number; });
    all.push_back([=](Node& node) { node.start = number; });
    all.push_back([=](Node& node) { node.width = number; });
    all.push_back([=](Node& node) { node.height = number; });
    all.push_back([=](Node& node) { node.level = static_cast<std::uint8_t>(number == 2 ? 9 : number); });
    all.push_back([=](Node& node) { node.colspan = static_cast<std::uint16_t>(number); });
    all.push_back([=](Node& node) { node.rowspan = static_cast<std::uint16_t>(number == 2 ? 3 : number); });
  }
  all.push_back([](Node& node) { node.marks = Marks(Mark::sub).with(Mark::sup); });
  Node marked = richtext::text(" ", Mark::strong), linked = richtext::text(" "), coloured = linked, child = linked;
  Node target(Kind::image);
  linked.link = "https://x.test/a", coloured.colour = 7, target.target = "shot";
  child.text = "n", child.children.push_back(richtext::text("o"));
  for (const Node& more : {marked, linked, coloured, child, target, richtext::text("\u00A0"), richtext::text("p"),
                           Node(Kind::hard_break), Node(Kind::rule), Node(Kind::list_item), Node(Kind::row),
                           Node(Kind::cell), richtext::paragraph("q"), Node(Kind::heading), Node(Kind::mention),
                           Node(Kind::raw), Node(Kind::list), Node(Kind::table), Node(Kind::quote)}) {
    all.push_back([=](Node& node) { node.children.push_back(more); });
    all.push_back([=](Node& node) { node.children.insert(node.children.begin(), more); });
  }
  all.push_back([](Node& node) { node.children.clear(); });
  all.push_back([=](Node& node) {
    for (int line = 0; line < 2; ++line)
      node.children.push_back(Node(Kind::hard_break)), node.children.push_back(line == 0 ? target : coloured);
  });
  all.push_back([=](Node& node) { node.children.push_back(Node(Kind::hard_break)), node.children.push_back(target); });
  all.push_back([=](Node& node) { node.children.insert(node.children.begin(), {target, Node(Kind::hard_break)}); });
  all.push_back([](Node& node) {
    if (!node.children.empty()) node.children.push_back(Node(node.children.back()));
  });
  return all;
}

/// Puts a blank at the end of each paragraph: it comes off again, but none is taken for one that is in order.
void add_blanks(Node& node) {
  if (node.kind == Kind::paragraph)
    node.children.push_back(richtext::text(" "));
  else if (!richtext::is_inline(node.kind) && node.kind != Kind::heading && node.kind != Kind::code_block)
    for (Node& child : node.children) add_blanks(child);
}

/// All that printers and comparisons make of a tree. `before`: what was lost on the way to it.
std::string all_of(const Node& tree, const richtext::Losses& before) {
  std::string all;
  const auto put = [&](const std::string& text, const richtext::Losses& after) {
    richtext::Losses both = before;
    both.add(after);
    all += text + "\n" + told(both) + "\n";
  };
  const richtext::PrintedAdf adf = richtext::print_adf(tree);
  put(boost::json::serialize(adf.document), adf.losses);
  for (const auto& print : {richtext::print_html, richtext::print_markdown, richtext::print_wiki}) {
    const richtext::Printed printed = print(tree);
    put(printed.text, printed.losses);
  }
  return all + richtext::canonical_text(tree) + "\n" + richtext::plain_text(tree);
}

}  // namespace

TEST_CASE("a tree that is nearly in order is printed as what comes of putting it in order") {
  const Node tree = tidy();
  REQUIRE(check_normal(tree) == "");
  std::size_t count = 0, done = 0;
  Node copy = tree;
  richtext::rewrite(copy, [&](Node&) { ++count; });
  for (const auto& disturb : disturbances()) {
    for (std::size_t at = 0; at < count; ++at) {
      Node other = tree;
      std::size_t index = 0;
      richtext::rewrite(other, [&](Node& node) {
        if (index++ == at) disturb(node);
      });
      Node blank = other;
      add_blanks(blank);
      richtext::Losses losses;
      const Node ordered = richtext::normalised(std::move(blank), losses);
      const std::string printed = all_of(other, richtext::Losses()), wanted = all_of(ordered, losses);
      if (printed != wanted) {
        CAPTURE(shape(other));
        REQUIRE(printed == wanted);
      }
      ++done;
    }
  }
  CHECK(done > 1000);
}
