#include "html_dom.hpp"

#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstdlib>
#include <map>
#include <utility>
#include <vector>

#include "utf8.hpp"

MIGRATE_BEGIN
namespace richtext {

// Measured: Gumbo takes up to 80 times the size of well-formed input (mostly "<p>x"). What takes twice that repeats
// formatting elements in every block, which grows with the square of the input.
constexpr std::size_t memory_factor = 160;
constexpr std::size_t memory_base = 1 << 20;
constexpr std::size_t chunk_size = 1 << 16;
// What most documents take: kept by a thread from one to the next.
constexpr std::size_t most_spare_chunks = 8;
// Gumbo walks up its stack of open elements for most tags, and along a tag's attributes for each of them.
constexpr std::size_t harmless_size = 1 << 14;
constexpr std::size_t deepest = 1000;
constexpr std::size_t most_attributes = 4000;

struct alignas(std::max_align_t) HtmlDom::Chunk {
  Chunk* next;
  std::size_t size, used;
  char* bytes() { return reinterpret_cast<char*>(this + 1); }
};

namespace {

bool is_void(std::string_view tag) {
  // Also those whose end tag may be missing: they close each other, and nest only inside others.
  static constexpr std::array<std::string_view, 28> names = {
      "area",   "base",  "body", "br",    "col", "colgroup", "dd",   "dt",     "embed", "head",
      "hr",     "html",  "img",  "input", "li",  "link",     "meta", "option", "p",     "param",
      "source", "tbody", "td",   "tfoot", "th",  "thead",    "tr",   "wbr"};
  return std::find(names.begin(), names.end(), tag) != names.end();
}

struct Tag {
  std::size_t end;
  std::size_t attributes = 0;  ///< at most
};
Tag read_tag(std::string_view html, std::size_t at) {
  Tag tag{html.size()};
  char quote = 0;
  char before = 0;
  bool bare_value = false;
  for (; at < html.size(); ++at) {
    const char c = html[at];
    if (quote != 0) {
      if (c != quote) continue;
      quote = 0;
      ++tag.attributes;
    } else if (c == '>') {
      tag.end = at + 1;
      return tag;
    } else if (is_ascii_space(c) || (c == '/' && !bare_value)) {
      bare_value = false;
      ++tag.attributes;
    } else if (before == '=' && !bare_value) {
      if (c == '"' || c == '\'')
        quote = c;
      else
        bare_value = true;
    }
    if (!is_ascii_space(c)) before = c;
  }
  return tag;
}

/// Past a comment or a raw element like <script>, whose content is no markup.
std::size_t after_raw(std::string_view html, std::size_t at, std::string_view tag) {
  const std::string end = "</" + std::string(tag);
  for (; at < html.size(); ++at) {
    at = html.find('<', at);
    if (at == std::string_view::npos) return html.size();
    if (lower(html.substr(at, end.size())) == end) return at;
  }
  return html.size();
}

bool is_raw(std::string_view tag) {
  return tag == "script" || tag == "style" || tag == "textarea" || tag == "title" || tag == "xmp" || tag == "iframe" ||
         tag == "noembed" || tag == "noframes";
}

std::string_view name_at(std::string_view html, std::size_t at) {
  std::size_t end = at;
  while (end < html.size() && !is_ascii_space(html[end]) && html[end] != '>' && html[end] != '/') ++end;
  return html.substr(at, std::min<std::size_t>(end - at, 32));
}

/// Whether reading it would take time that grows with the square of its size: elements nested too deep (an estimate
/// from above: those opened and not closed, by name), or too many attributes in one tag.
bool would_exhaust(std::string_view html) {
  if (html.size() <= harmless_size) return false;
  std::map<std::string, std::size_t, std::less<>> open;
  std::size_t depth = 0;
  for (std::size_t at = html.find('<'); at < html.size(); at = html.find('<', at)) {
    if (html.substr(at, 4) == "<!--") {
      at = std::min(html.size(), html.find("-->", at + 4));
      continue;
    }
    const bool closes = at + 1 < html.size() && html[at + 1] == '/';
    const std::string name = lower(name_at(html, at + 1 + (closes ? 1 : 0)));
    if (name.empty() || name[0] < 'a' || name[0] > 'z') {
      ++at;
      continue;
    }
    const Tag tag = read_tag(html, at + 1);
    if (tag.attributes > most_attributes) return true;
    at = tag.end;
    if (is_void(name)) continue;
    std::size_t& count = open[name];
    if (closes) {
      if (count > 0) --count, --depth;
      continue;
    }
    if (is_raw(name)) at = after_raw(html, at, name);
    ++count;
    if (++depth > deepest) return true;
  }
  return false;
}

const GumboElement* element(const GumboNode& node) {
  return node.type == GUMBO_NODE_ELEMENT || node.type == GUMBO_NODE_TEMPLATE ? &node.v.element : nullptr;
}

/// Calls `each` for every node below in order, until it returns false. Without recursion.
template <class Each>
void walk_below(const GumboNode& top, Each each) {
  std::vector<const GumboNode*> waiting{&top};
  while (!waiting.empty()) {
    const GumboNode& node = *waiting.back();
    waiting.pop_back();
    if (&node != &top && !each(node)) return;
    const GumboElement* inside = element(node);
    for (unsigned index = inside == nullptr ? 0 : inside->children.length; index > 0; --index) {
      waiting.push_back(static_cast<const GumboNode*>(inside->children.data[index - 1]));
    }
  }
}

}  // namespace

HtmlDom::HtmlDom(std::string_view html) : budget_(memory_base + html.size() * memory_factor) {
  if (would_exhaust(html)) return;
  if (!parse(html.data() == nullptr ? "" : html.data(), html.size())) root_ = nullptr;
}

/// Chunks of the usual size that a thread has at hand.
struct HtmlDom::Spare {
  Chunk* first = nullptr;
  std::size_t count = 0;
  ~Spare() {
    while (first != nullptr) std::free(std::exchange(first, first->next));
  }
  static Spare& of_thread() {
    thread_local Spare spare;
    return spare;
  }
};

HtmlDom::~HtmlDom() {
  // gumbo_destroy_output() recurses as deep as the tree; the memory is ours.
  Spare& spare = Spare::of_thread();
  while (chunks_ != nullptr) {
    Chunk* const chunk = std::exchange(chunks_, chunks_->next);
    if (chunk->size == chunk_size && spare.count < most_spare_chunks) {
      chunk->next = std::exchange(spare.first, chunk);
      ++spare.count;
    } else {
      std::free(chunk);
    }
  }
}

HtmlDom::Chunk* HtmlDom::chunk_of(std::size_t size) {
  Spare& spare = Spare::of_thread();
  if (size != chunk_size || spare.first == nullptr) {
    return static_cast<Chunk*>(std::malloc(sizeof(Chunk) + size));
  }
  --spare.count;
  return std::exchange(spare.first, spare.first->next);
}

void* HtmlDom::allocate(void* self, std::size_t size) {
  HtmlDom& dom = *static_cast<HtmlDom*>(self);
  size = (size + alignof(std::max_align_t) - 1) / alignof(std::max_align_t) * alignof(std::max_align_t);
  if (size > dom.left_) {
    const std::size_t wanted = std::max(size, chunk_size);
    Chunk* chunk = wanted > dom.budget_ ? nullptr : chunk_of(wanted);
    // Gumbo cannot be told that there is no memory. It is C and holds nothing but what came from here.
    if (chunk == nullptr) std::longjmp(*static_cast<std::jmp_buf*>(dom.give_up_), 1);
    *chunk = {dom.chunks_, wanted, 0};
    dom.chunks_ = chunk;
    dom.budget_ -= wanted;
    dom.left_ = wanted;
  }
  void* const result = dom.chunks_->bytes() + dom.chunks_->used;
  dom.chunks_->used += size;
  dom.left_ -= size;
  return result;
}

bool HtmlDom::parse(const char* text, std::size_t size) {
  // Nothing with a destructor lives in here: longjmp() would skip it.
  std::jmp_buf give_up;
  if (setjmp(give_up) != 0) return false;
  give_up_ = &give_up;
  GumboOptions options = kGumboDefaultOptions;
  options.allocator = &HtmlDom::allocate;
  options.deallocator = [](void*, void*) {};
  options.userdata = this;
  options.max_errors = 0;
  root_ = gumbo_parse_with_options(&options, text, size)->root;
  return true;
}

std::string_view attribute(const GumboNode& node, const char* name) {
  const GumboElement* inside = element(node);
  const GumboAttribute* found = inside == nullptr ? nullptr : gumbo_get_attribute(&inside->attributes, name);
  return found == nullptr ? std::string_view() : std::string_view(found->value);
}

bool has_attribute(const GumboNode& node, const char* name) {
  const GumboElement* inside = element(node);
  return inside != nullptr && gumbo_get_attribute(&inside->attributes, name) != nullptr;
}

bool has_class(const GumboNode& node, std::string_view word) {
  std::string_view words = attribute(node, "class");
  while (!words.empty()) {
    words = trim(words);
    const std::size_t end = std::min(words.find_first_of(" \t\n\r\f"), words.size());
    if (words.substr(0, end) == word) return true;
    words.remove_prefix(end);
  }
  return false;
}

std::string tag_name(const GumboNode& node) {
  const GumboElement* inside = element(node);
  if (inside == nullptr) return {};
  if (inside->tag != GUMBO_TAG_UNKNOWN) return gumbo_normalized_tagname(inside->tag);
  GumboStringPiece original = inside->original_tag;
  gumbo_tag_from_original_text(&original);
  return original.data == nullptr ? std::string() : lower({original.data, original.length});
}

std::string text_below(const GumboNode& top, std::size_t bytes) {
  std::string all;
  walk_below(top, [&](const GumboNode& node) {
    if (node.type == GUMBO_NODE_TEXT || node.type == GUMBO_NODE_CDATA || node.type == GUMBO_NODE_WHITESPACE) {
      all += node.v.text.text;
    } else if (node.type == GUMBO_NODE_ELEMENT && node.v.element.tag == GUMBO_TAG_BR) {
      all += '\n';
    }
    return all.size() < bytes;
  });
  return all;
}

bool has_below(const GumboNode& top, GumboTag tag) {
  bool found = false;
  walk_below(top, [&](const GumboNode& node) {
    found = node.type == GUMBO_NODE_ELEMENT && node.v.element.tag == tag;
    return !found;
  });
  return found;
}

std::string without_tags(std::string_view html) {
  std::string all;
  for (std::size_t at = 0; at < html.size();) {
    const std::size_t tag = std::min(html.find('<', at), html.size());
    all.append(html, at, tag - at);
    if (tag == html.size()) break;
    const bool closes = tag + 1 < html.size() && html[tag + 1] == '/';
    const std::string name = lower(name_at(html, tag + 1 + (closes ? 1 : 0)));
    if (html.substr(tag, 4) == "<!--") {
      const std::size_t end = html.find("-->", tag + 4);
      at = end == std::string_view::npos ? html.size() : end + 3;
    } else if (name.empty() || !is_ascii_alnum(name[0])) {
      all += '<';
      at = tag + 1;
    } else {
      at = read_tag(html, tag + 1).end;
      if (name == "script" || name == "style") {
        at = closes ? at : after_raw(html, at, name);
      } else if (!all.empty() && all.back() != '\n') {
        all += '\n';
      }
    }
  }
  return all;
}

}  // namespace richtext
MIGRATE_END
