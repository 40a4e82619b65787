#include "html_dom.hpp"

#include <algorithm>
#include <csetjmp>
#include <cstdlib>
#include <utility>
#include <vector>

#include "html_scan.hpp"
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

struct alignas(std::max_align_t) HtmlDom::Chunk {
  Chunk* next;
  std::size_t size, used;
  char* bytes() { return reinterpret_cast<char*>(this + 1); }
};

namespace {

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

HtmlDom::HtmlDom(std::string_view html, Whole whole) : budget_(memory_base + html.size() * memory_factor) {
  if (would_exhaust(html)) return;
  if (whole == Whole::where_needed) abridged_ = abridged(html);
  if (!abridged_.empty()) {
    parse(abridged_.html);
    if (root_ == nullptr || restore(*root_, abridged_, texts_)) return;
    release();
  }
  parse(html);
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

HtmlDom::~HtmlDom() { release(); }

void HtmlDom::release() noexcept {
  // gumbo_destroy_output() recurses as deep as the tree; the memory is ours.
  Spare& spare = Spare::of_thread();
  while (chunks_ != nullptr) {
    Chunk* const chunk = std::exchange(chunks_, chunks_->next);
    budget_ += chunk->size;
    if (chunk->size == chunk_size && spare.count < most_spare_chunks) {
      chunk->next = std::exchange(spare.first, chunk);
      ++spare.count;
    } else {
      std::free(chunk);
    }
  }
  left_ = 0;
  root_ = nullptr;
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

void HtmlDom::parse(std::string_view html) {
  // Nothing with a destructor lives in here: longjmp() would skip it.
  std::jmp_buf give_up;
  if (setjmp(give_up) != 0) return;
  give_up_ = &give_up;
  GumboOptions options = kGumboDefaultOptions;
  options.allocator = &HtmlDom::allocate;
  options.deallocator = [](void*, void*) {};
  options.userdata = this;
  options.max_errors = 0;
  root_ = gumbo_parse_with_options(&options, html.data() == nullptr ? "" : html.data(), html.size())->root;
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

const GumboNode* find_below(const GumboNode& top, bool (*wanted)(const GumboNode& element)) {
  const GumboNode* found = nullptr;
  walk_below(top, [&](const GumboNode& node) {
    if (node.type == GUMBO_NODE_ELEMENT && wanted(node)) found = &node;
    return found == nullptr;
  });
  return found;
}

bool has_below(const GumboNode& top, GumboTag tag) {
  bool found = false;
  walk_below(top, [&](const GumboNode& node) {
    found = node.type == GUMBO_NODE_ELEMENT && node.v.element.tag == tag;
    return !found;
  });
  return found;
}

}  // namespace richtext
MIGRATE_END
