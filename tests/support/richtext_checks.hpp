// What holds for every tree and every output, for the property tests and the fuzzers. A check returns what is wrong, or
// nothing.
#pragma once

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <set>
#include <string>
#include <string_view>

#include "migrate/richtext/text.hpp"
#include "richtext_kit.hpp"

namespace migrate::richtext_tests {

/// What the reader of a line gets: words with their marks, blanks folded and unmarked, images, mentions and the like by
/// what they point at.
inline std::string essence_of_line(const std::vector<Node>& line) {
  std::string all, style;
  bool blank = false;
  const auto put = [&](const std::string& next, std::string_view words) {
    if (next != style) all += "}" + next + "{";
    style = next;
    if (blank) all += ' ';
    blank = false;
    all += words;
  };
  const auto put_words = [&](std::string_view words, const std::string& next) {
    for (std::size_t at = 0; at < words.size(); ++at) {
      const bool no_break = words.substr(at, 2) == "\u00A0";
      if (no_break) ++at;
      if (no_break || words[at] == ' ')
        blank = true;
      else
        put(next, words.substr(at, 1));
    }
  };
  for (const Node& node : line) {
    const std::string& target = node.target.empty() ? node.id : node.target;
    switch (node.kind) {
      case Kind::hard_break:
        put("", "<br>"), style = "";
        break;
      case Kind::image:
        put("", fmt::format("<img {} {}x{} {}>", node.target.empty() && node.id.empty() ? node.url : target, node.width,
                            node.height, node.link));
        break;
      case Kind::mention:
        put("", "<@" + target + ">");
        break;
      case Kind::reference:
        // A link to a work item is one of these when it is read again.
        if (node.target.empty() && node.url.find("/_workitems") != std::string::npos)
          put_words(node.text, node.url);
        else
          put("", "<ref " + target + ">");
        break;
      case Kind::raw:
        put("", "<raw " + node.id + node.text + node.url + ">");
        break;
      case Kind::emoji:
        if (node.text.empty())
          put("", "<emoji " + node.id + ">");
        else
          put("", node.text);
        break;
      default:
        put_words(node.text, fmt::format("{}{}{}", node.marks.bits == 0 ? "" : std::to_string(node.marks.bits),
                                         node.colour < 0 ? "" : fmt::format("#{:06x}", node.colour), node.link));
    }
  }
  return all;
}

inline std::string essence(const Node& node) {
  if (node.kind == Kind::paragraph) return "p(" + essence_of_line(node.children) + ")";
  if (node.kind == Kind::heading) return fmt::format("h{}(", node.level) + essence_of_line(node.children) + ")";
  if (node.kind == Kind::code_block) return fmt::format("code({}|{})", node.id, node.text);
  std::string all = std::string(to_string(node.kind)) + node.id;
  if (node.kind == Kind::list) all += node.ordered ? std::to_string(node.start) : "";
  if (node.kind == Kind::list_item) all += std::to_string(static_cast<int>(node.task));
  if (node.kind == Kind::cell) all += fmt::format("{}{}x{}", node.header ? "h" : "d", node.colspan, node.rowspan);
  all += '(';
  for (const Node& child : node.children) all += essence(child);
  return all + ")";
}

/// The characters of the text, blanks left out; `all`: and those of mentions, references and the like.
inline std::string letters(const Node& document, bool all_kinds = false) {
  std::string all;
  Node copy = document;
  richtext::rewrite(copy, [&](Node& node) {
    const bool other =
        node.kind == Kind::image || (node.kind != Kind::text && node.kind != Kind::code_block && !all_kinds);
    if (other) return;
    for (std::size_t at = 0; at < node.text.size(); ++at) {
      if (std::string_view(node.text).substr(at, 2) == "\u00A0")
        ++at;
      else if (static_cast<unsigned char>(node.text[at]) > ' ' && node.text[at] != 127)
        all += node.text[at];
    }
  });
  return all;
}

inline bool is_within(std::string_view part, std::string_view whole) {
  std::size_t at = 0;
  for (const char c : whole) {
    if (at < part.size() && part[at] == c) ++at;
  }
  return at == part.size();
}

/// Whether HTML of ours is harmless: known elements, known attributes, no address that runs something.
inline std::string html_faults(std::string_view html) {
  static const std::set<std::string_view> tags = {"p",  "h1",  "h2",  "h3",   "h4",         "h5",   "h6",   "ul",
                                                  "ol", "li",  "pre", "code", "blockquote", "div",  "hr",   "table",
                                                  "tr", "th",  "td",  "br",   "img",        "a",    "span", "strong",
                                                  "em", "del", "ins", "sub",  "sup",        "input"};
  static const std::set<std::string_view> attributes = {
      "href",   "src",   "alt",        "width",     "height",       "colspan",   "rowspan", "start",    "lang",
      "border", "style", "data-panel", "data-task", "data-mention", "data-item", "type",    "disabled", "checked"};
  for (std::size_t at = 0; (at = html.find('<', at)) != std::string_view::npos;) {
    ++at;
    const bool closing = html.substr(at, 1) == "/";
    if (closing) ++at;
    const std::size_t end = html.find_first_of(" >", at);
    if (end == std::string_view::npos) return "an open tag";
    if (!tags.contains(html.substr(at, end - at))) return "element " + std::string(html.substr(at, end - at));
    at = end;
    while (html[at] == ' ') {
      const std::size_t stop = html.find_first_of("= >", ++at);
      if (stop == std::string_view::npos) return "an open attribute";
      const std::string_view name = html.substr(at, stop - at);
      if (!attributes.contains(name)) return "attribute " + std::string(name);
      at = stop;
      if (html[at] != '=') continue;
      if (html.substr(at, 2) != "=\"") return "a bare attribute";
      const std::size_t quote = html.find('"', at + 2);
      if (quote == std::string_view::npos) return "an open quote";
      std::string value;
      for (const char c : html.substr(at + 2, quote - at - 2)) {
        if (static_cast<unsigned char>(c) > ' ') value += static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
      }
      const bool address = name == "href" || name == "src";
      if (address && (value.starts_with("javascript:") || value.starts_with("vbscript:"))) return "address " + value;
      if (address && value.starts_with("data:") && !(name == "src" && value.starts_with("data:image/")))
        return "address " + value;
      if (name == "style" && !value.starts_with("color:#")) return "style " + value;
      at = quote + 1;
    }
    if (html[at] != '>') return "a broken tag";
  }
  return {};
}

inline std::size_t count_of(const Node& document, Kind kind) {
  std::size_t count = 0;
  Node copy = document;
  richtext::rewrite(copy, [&](Node& node) { count += node.kind == kind ? 1 : 0; });
  return count;
}

/// `tree` is normalised. What was printed without a loss reads back as it was, and what was lost was told.
inline std::string same_or_told(const char* format, const Node& tree, const richtext::Losses& losses, const Node& back,
                                std::string_view printed) {
  const std::string before = essence(tree), after = essence(back);
  if ((before == after) == losses.empty()) return {};
  // A link to a work item is read as a reference again.
  const auto is_reference = [](const richtext::Loss& loss) { return loss.kind == "reference"; };
  if (before == after && std::all_of(losses.all().begin(), losses.all().end(), is_reference)) return {};
  return fmt::format("{}: losses [{}]\n  before {}\n  after  {}\n  shape  {}\n  printed {}\n", format, told(losses),
                     before, after, shape(tree), printed);
}

inline std::string check_adf(const Node& tree) {
  const richtext::PrintedAdf printed = richtext::print_adf(tree);
  const std::string text = boost::json::serialize(printed.document);
  if (const std::string faults = AdfRules::faults(printed.document); !faults.empty()) return "ADF: " + faults + text;
  const Node back = richtext::parse_adf(printed.document).document;
  if (!is_within(letters(tree), letters(back, true)))
    return fmt::format("ADF: text is gone\n  {}\n  {}", shape(tree), text);
  return same_or_told("ADF", tree, printed.losses, back, text);
}

inline std::string check_html(const Node& tree) {
  const richtext::Printed printed = richtext::print_html(tree);
  if (const std::string faults = html_faults(printed.text); !faults.empty())
    return "HTML: " + faults + "\n  " + printed.text;
  const Node back = richtext::parse_html(printed.text).document;
  if (!is_within(letters(tree), letters(back, true)))
    return fmt::format("HTML: text is gone\n  {}\n  {}", shape(tree), printed.text);
  return same_or_told("HTML", tree, printed.losses, back, printed.text);
}

inline std::string check_markdown(const Node& tree) {
  const richtext::Printed printed = richtext::print_markdown(tree);
  if (printed.text.starts_with('/') || printed.text.find("\n/") != std::string::npos)
    return "Markdown: a command\n  " + printed.text;
  Node back = richtext::parse_markdown(printed.text).document;
  if (!is_within(letters(tree), letters(back, true)))
    return fmt::format("Markdown: text is gone\n  {}\n  {}\n  {}", shape(tree), shape(back), printed.text);
  // A link to a work item is a reference again, with an address.
  std::size_t references = 0;
  richtext::rewrite(back, [&](Node& node) { references += node.kind == Kind::reference && node.url.empty() ? 1 : 0; });
  if (count_of(back, Kind::mention) > count_of(tree, Kind::mention) || references > count_of(tree, Kind::reference)) {
    return fmt::format("Markdown: a mention or reference that was none\n  {}\n  {}", shape(tree), printed.text);
  }
  // Inside of lists and quotes md4c makes blanks of the tabs that a line of code begins with.
  bool tabs = false;
  Node copy = tree;
  richtext::rewrite(copy, [&](Node& node) { tabs = tabs || node.text.find('\t') != std::string::npos; });
  if (tabs) return {};
  // With so many of them its defect with these in lists cannot be gone round.
  if (count_of(tree, Kind::rule) + count_of(tree, Kind::heading) > 100) return {};
  if (const std::string wrong = same_or_told("Markdown", tree, printed.losses, back, printed.text); !wrong.empty())
    return wrong;
  // What was read once prints as it was read.
  richtext::rewrite(back, [](Node& node) {
    if (node.kind == Kind::mention || (node.kind == Kind::reference && node.url.empty())) node.target = node.id;
  });
  const std::string second = richtext::print_markdown(back).text;
  if (printed.losses.empty() && second != printed.text)
    return fmt::format("Markdown: no fixed point\n  {}\n  {}", printed.text, second);
  return {};
}

/// The entities that wiki markup of ours has, replaced; in code they stand for themselves. "&amp;" goes first and
/// wholly, so that text which looks like an entity ("&#58;") ends as the same on both sides of a comparison.
inline std::string without_entities(std::string text) {
  for (std::size_t at = 0; (at = text.find("&amp;", at)) != std::string::npos;) text.replace(at, 5, 1, '&');
  using Entity = std::pair<std::string_view, char>;
  for (const Entity& entity : {Entity{"&#92;", '\\'}, {"&#46;", '.'}, {"&#58;", ':'}, {"&#59;", ';'}}) {
    for (std::size_t at = 0; (at = text.find(entity.first, at)) != std::string::npos; ++at)
      text.replace(at, entity.first.size(), 1, entity.second);
  }
  return text;
}

/// What Jira would show of wiki markup that has no marks; a fault where something in it would be one. Reads what is
/// escaped as a renderer does, without the printer's rules for what needs it.
inline std::string wiki_text_faults(std::string_view markup, std::string& shown) {
  const auto is_word = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  };
  for (std::size_t at = 0; at < markup.size(); ++at) {
    const std::string_view rest = markup.substr(at);
    const char c = rest[0], before = at > 0 ? markup[at - 1] : ' ', next = rest.size() > 1 ? rest[1] : ' ';
    const bool starts = before == '\n' || at == 0;
    if (c == '\\') {
      if (std::string_view("{}[]|*_^~-+!?#()").find(next) == std::string_view::npos) return "a stray backslash";
      shown += next, ++at;
      continue;
    }
    const std::size_t end = c == '&' ? rest.substr(0, 12).find(';') : std::string_view::npos;
    const std::string_view name = end == std::string_view::npos ? std::string_view() : rest.substr(1, end - 1);
    if (!name.empty() &&
        std::all_of(name.begin(), name.end(), [&](char each) { return each == '#' || is_word(each); })) {
      const bool number = name.size() > 1 && name.size() < 4 && name[0] == '#' &&
                          name.find_first_not_of("0123456789", 1) == std::string_view::npos;
      if (!number && name != "amp") return "an entity " + std::string(name);
      shown += number ? static_cast<char>(std::stoi(std::string(name.substr(1)))) : '&';
      at += end;
      continue;
    }
    const bool mark = std::string_view("{}[]|*_^~").find(c) != std::string_view::npos;
    const bool inside_word = is_word(before) && is_word(next);
    const bool heading = (c == 'h' || c == 'H') && next >= '1' && next <= '6' && rest.substr(2, 1) == ".";
    if (mark || ((c == '-' || c == '+') && !inside_word) || (c == '!' && next != ' ') || (c == '#' && starts) ||
        rest.starts_with("??") || (starts && (rest.starts_with("bq.") || heading)))
      return "a mark " + std::string(rest.substr(0, 5));
    for (const std::string_view sign :
         {":)", ":(", ":D", ":P", ";)", "(y)", "(n)", "(i)", "(/)", "(x)", "(on)", "(off)"})
      if (rest.starts_with(sign)) return "a picture " + std::string(sign);
    shown += c;
  }
  return {};
}

/// Words without marks stay words, whatever they are.
inline std::string check_wiki_text(const Node& tree) {
  std::string wrong;
  Node copy = tree;
  richtext::rewrite(copy, [&](Node& node) {
    if (node.kind != Kind::text || !wrong.empty()) return;
    Node alone(Kind::document, {Node(Kind::paragraph, {richtext::text(node.text)})});
    richtext::Losses losses;
    alone = richtext::normalised(alone, losses);
    if (alone.children.size() != 1 || alone.children[0].children.size() != 1) return;
    std::string shown;
    const std::string markup = richtext::print_wiki(alone).text;
    wrong = wiki_text_faults(markup, shown);
    const std::string& words = alone.children[0].children[0].text;
    if (wrong.empty() && shown != words) wrong = "other words: " + shown;
    if (!wrong.empty()) wrong = fmt::format("wiki: {}\n  {}\n  {}", wrong, words, markup);
  });
  return wrong;
}

inline std::string check_wiki(const Node& tree) {
  const std::string text = richtext::print_wiki(tree).text;
  if (!is_within(without_entities(letters(tree)), without_entities(text)))
    return fmt::format("wiki: text is gone\n  {}\n  {}", shape(tree), text);
  return check_wiki_text(tree);
}

inline std::string check_split(const Node& tree) {
  const auto length = [](const Node& part) { return richtext::utf16_length(richtext::print_markdown(part).text); };
  const Node note = richtext::paragraph("The rest is in the file");
  const std::size_t whole = length(tree);
  // Dear: every cut prints the tree some ten times.
  if (whole > 500) return {};
  const richtext::Split split = richtext::split_at(tree, whole / 2, note, length);
  if (whole > 0 && !split.cut) return "split: not cut\n  " + shape(tree);
  if (length(split.head) > whole / 2) return "split: too long\n  " + shape(split.head);
  if (richtext::split_at(tree, whole, note, length).cut) return "split: cut without need\n  " + shape(tree);
  return {};
}

inline std::string check_normal(const Node& tree) {
  richtext::Losses losses;
  const std::string again = shape(richtext::normalised(tree, losses));
  if (again != shape(tree) || !losses.empty())
    return fmt::format("normalised twice differs: {}\n  {}\n  {}", told(losses), shape(tree), again);
  return {};
}

/// A smaller tree that `fails` as well: nodes are taken out, or give way to their children, while it does.
template <class Fails>
Node shrunk(Node document, Fails fails) {
  for (bool smaller = true; smaller;) {
    smaller = false;
    for (std::size_t index = 0;; ++index) {
      bool found = false;
      for (const int way : {0, 1, 2}) {
        std::size_t at = 0;
        Node copy = document;
        bool changed = false;
        richtext::rewrite(copy, [&](Node& node) {
          if (at++ != index) return;
          found = true;
          changed = way != 1 || !node.children.empty();
          if (way == 0) {
            node = Node(Kind::text);
          } else if (way == 1) {
            node = Node(Kind::document, std::vector<Node>(node.children));
          } else {
            const std::size_t half = node.text.size() / 2;
            changed = half > 0 && node.kind == Kind::text;
            if (changed) node.text.resize(half);
          }
        });
        if (!changed || shape(copy) == shape(document) || !fails(copy)) continue;
        document = std::move(copy);
        smaller = true;
        break;
      }
      if (!found) break;
    }
  }
  return document;
}

/// Of any tree, normalised or not.
inline std::string check_everything(const Node& document) {
  richtext::Losses losses;
  const Node tree = richtext::normalised(document, losses);
  if (losses.empty() && !is_within(letters(document), letters(tree))) return "normalised: text is gone\n" + shape(tree);
  for (const auto& check : {check_normal, check_adf, check_html, check_markdown, check_wiki, check_split}) {
    if (const std::string wrong = check(tree); !wrong.empty()) return wrong;
  }
  return {};
}

}  // namespace migrate::richtext_tests
