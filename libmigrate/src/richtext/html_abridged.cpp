#include "html_abridged.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

#include "html_scan.hpp"
#include "utf8.hpp"

MIGRATE_BEGIN
namespace richtext {

namespace {

// Stand-ins are characters for private use, four bytes each, in the order of what they stand for.
constexpr char32_t first_text = 0xF0000, first_value = 0x100000;
constexpr char text_byte = '\xF3', value_byte = '\xF4';  ///< what they begin with
constexpr std::size_t stand_in_size = 4;
constexpr std::size_t most_stand_ins = 0xFFFD;
// Less is not worth putting back.
constexpr std::size_t least_text = 8, least_value = 12;

// Elements whose attributes Gumbo does not look at. It does look at those of <input> and <annotation-xml>, and compares
// those of formatting elements with each other; a link is one, but never stands in another one.
constexpr std::array<std::string_view, 22> with_any_value = {
    "a",  "blockquote", "body", "br", "div", "h1",  "h2",   "h3",    "h4",    "h5", "h6",
    "hr", "img",        "li",   "ol", "p",   "pre", "span", "table", "tbody", "td", "tr"};

/// Gumbo puts U+FFFD in the place of these.
bool is_noncharacter(char32_t code) noexcept { return (code & 0xFFFE) == 0xFFFE || (code >= 0xFDD0 && code < 0xFDF0); }

/// Whether the small letters of `word` stand there, large or small.
bool starts_with(std::string_view html, std::size_t at, std::string_view word) noexcept {
  if (html.size() < at + word.size()) return false;
  return std::equal(word.begin(), word.end(), html.begin() + static_cast<std::ptrdiff_t>(at),
                    [](char small, char letter) { return small == (letter | 0x20); });
}

/// Bytes from `at` on that mean nothing to HTML but themselves, where "<" is none of them or means nothing.
std::size_t plain_bytes(std::string_view html, std::size_t at) noexcept {
  const std::size_t start = at;
  html = html.substr(0, html.find('&', at));
  while (at < html.size()) {
    at += printable_bytes(html, at);
    if (at == html.size()) break;
    const char byte = html[at];
    if (byte == 0x7F) break;
    if (byte >= ' ' || byte == '\n' || byte == '\t') {
      ++at;
      continue;
    }
    if (static_cast<unsigned char>(byte) < 0x80) break;
    const Utf8 next = decode(html, at);
    if (!next.valid || next.code < 0xA0 || is_noncharacter(next.code)) break;
    at += next.size;
  }
  return at - start;
}

class Abridging {
 public:
  explicit Abridging(std::string_view html) : from_(html) { result_.html.reserve(html.size()); }

  Abridged result() {
    while (at_ < from_.size()) {
      text();
      if (at_ < from_.size()) markup();
    }
    return std::move(result_);
  }

 private:
  void keep(std::size_t end) {
    result_.html.append(from_, at_, end - at_);
    at_ = end;
  }

  void replace(std::size_t size, char32_t first, std::vector<std::string_view>& replaced) {
    if (replaced.size() == most_stand_ins) return keep(at_ + size);
    append(result_.html, first + static_cast<char32_t>(replaced.size()));
    replaced.push_back(from_.substr(at_, size));
    at_ += size;
  }

  /// Up to the next "<".
  void text() {
    const std::string_view whole = from_.substr(0, from_.find('<', at_));
    while (at_ < whole.size()) {
      // Blanks at the beginning count: before a body, between table rows, behind <pre>.
      std::size_t begin = at_;
      while (begin < whole.size() && is_ascii_space(whole[begin])) ++begin;
      keep(begin);
      const std::size_t size = plain_bytes(whole, at_);
      if (size >= least_text) {
        replace(size, first_text, result_.texts);
      } else {
        keep(at_ + size);
      }
      if (at_ == whole.size()) return;
      // An entity, with what could be taken for a part of it; or a byte that Gumbo corrects.
      std::size_t end = at_ + 1;
      if (whole[at_] == '&')
        while (end < whole.size() && (is_ascii_alnum(whole[end]) || whole[end] == '#' || whole[end] == ';')) ++end;
      keep(end);
    }
  }

  /// From "<" on to where text may be again.
  void markup() {
    if (from_.substr(at_, 4) == "<!--") return keep(after_comment(from_, at_));
    const std::size_t begin = at_ + 1;
    quoted_.clear();
    std::size_t end = read_tag(from_, begin, &quoted_).end;
    // A script has states of its own, in which text is more than text.
    if (starts_with(from_, begin, "script")) end = after_raw(from_, end, "script");
    if (!quoted_.empty() && has_any_value(begin)) values();
    keep(end);
  }

  bool has_any_value(std::size_t begin) const {
    const std::string name = lower(name_at(from_, begin));
    return std::find(with_any_value.begin(), with_any_value.end(), name) != with_any_value.end();
  }

  void values() {
    for (const std::string_view value : quoted_) {
      if (value.size() < least_value || plain_bytes(value, 0) < value.size()) continue;
      keep(static_cast<std::size_t>(value.data() - from_.data()));
      replace(value.size(), first_value, result_.values);
    }
  }

  std::string_view from_;
  std::vector<std::string_view> quoted_;  ///< values of the present tag
  std::size_t at_ = 0;
  Abridged result_;
};

/// Puts back what stand-ins stand for. One for a text may come once, one for a value in all copies of its element.
class Restoring {
 public:
  Restoring(const Abridged& of, std::string& storage)
      : of_(of),
        storage_(storage),
        seen_(of.texts.size()),
        values_(of.values.size()),
        left_(seen_.size() + values_.size()) {
    std::size_t size = of.html.size();  // of what stays, and zeros where nodes end
    for (const std::string_view text : of.texts) size += text.size();
    for (const std::string_view value : of.values) size += value.size();
    storage_.clear();
    storage_.reserve(size);
    capacity_ = storage_.capacity();
  }

  bool text(GumboText& node) {
    const std::string_view abridged = node.text;
    if (abridged.find(value_byte) != std::string_view::npos) return false;
    std::size_t at = abridged.find(text_byte);
    if (at == std::string_view::npos) return true;
    const std::size_t begin = storage_.size();
    std::size_t done = 0;
    for (; at != std::string_view::npos; at = abridged.find(text_byte, done)) {
      const std::size_t number = decode(abridged, at).code - first_text;
      if (number >= of_.texts.size() || seen_[number]) return false;
      seen_[number] = true;
      --left_;
      storage_.append(abridged, done, at - done).append(of_.texts[number]);
      done = at + stand_in_size;
    }
    storage_.append(abridged, done).push_back('\0');
    // A tree with more text than was counted would move what the nodes point to: it is none of ours.
    if (storage_.capacity() != capacity_) return false;
    node.text = storage_.data() + begin;
    return true;
  }

  bool attributes(const GumboVector& all) {
    for (unsigned index = 0; index < all.length; ++index) {
      auto& attribute = *static_cast<GumboAttribute*>(all.data[index]);
      const std::string_view abridged = attribute.value;
      if (abridged.find(value_byte) == std::string_view::npos) continue;
      const std::size_t number = decode(abridged, 0).code - first_value;
      if (abridged.size() != stand_in_size || number >= values_.size()) return false;
      const char*& value = values_[number];
      if (value == nullptr) {
        value = storage_.data() + storage_.size();
        storage_.append(of_.values[number]).push_back('\0');
        if (storage_.capacity() != capacity_) return false;
        --left_;
      }
      attribute.value = value;
    }
    return true;
  }

  bool complete() const { return left_ == 0; }

 private:
  const Abridged& of_;
  std::string& storage_;
  std::vector<bool> seen_;           ///< texts
  std::vector<const char*> values_;  ///< put back
  std::size_t left_;
  std::size_t capacity_ = 0;
};

/// Whether text can end in the midst of text, or an attribute become text.
bool has_odd_markup(std::string_view html) {
  for (std::size_t at = html.find('<'); at < html.size(); at = html.find('<', at + 1)) {
    if (html.substr(at + 1, 8) == "![CDATA[" || starts_with(html, at + 1, "isindex")) return true;
  }
  return false;
}

/// Whether an entity may be a stand-in's character by number. Gumbo's numbers wrap: long ones are any number.
bool has_stand_in_entity(std::string_view html) {
  for (std::size_t at = html.find("&#"); at < html.size(); at = html.find("&#", at + 2)) {
    const bool hexadecimal = lower(html.substr(at + 2, 1)) == "x";
    const std::string_view digits = html.substr(at + (hexadecimal ? 3 : 2), 9);
    std::uint32_t code = 0;
    const auto [end, trouble] =
        std::from_chars(digits.data(), digits.data() + digits.size(), code, hexadecimal ? 16 : 10);
    if (trouble == std::errc::result_out_of_range || end == digits.data() + 9 || code >= first_text) return true;
  }
  return false;
}

}  // namespace

Abridged abridged(std::string_view html) {
  const bool taken = html.find(text_byte) != std::string_view::npos || html.find(value_byte) != std::string_view::npos;
  if (taken || has_odd_markup(html) || has_stand_in_entity(html)) return {};
  return Abridging(html).result();
}

bool restore(const GumboNode& root, const Abridged& of, std::string& storage) {
  Restoring restoring(of, storage);
  std::vector<const GumboNode*> waiting{&root};
  while (!waiting.empty()) {
    const GumboNode& parent = *waiting.back();
    waiting.pop_back();
    if (!restoring.attributes(parent.v.element.attributes)) return false;
    const GumboVector& children = parent.v.element.children;
    for (unsigned index = 0; index < children.length; ++index) {
      auto& node = *static_cast<GumboNode*>(children.data[index]);
      if (node.type == GUMBO_NODE_ELEMENT || node.type == GUMBO_NODE_TEMPLATE) {
        waiting.push_back(&node);
      } else if (node.type == GUMBO_NODE_TEXT || node.type == GUMBO_NODE_CDATA) {
        // In a script the text may have hidden where the script ends.
        const bool script = parent.v.element.tag == GUMBO_TAG_SCRIPT;
        if (script && std::string_view(node.v.text.text).find(text_byte) != std::string_view::npos) return false;
        if (!restoring.text(node.v.text)) return false;
      }
    }
  }
  return restoring.complete();
}

}  // namespace richtext
MIGRATE_END
