// HTML as Gumbo reads it, within bounds: memory linear in the input, no deep recursion, no quadratic time.
#pragma once

#include <gumbo.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "html_abridged.hpp"
#include "migrate/abi.hpp"

MIGRATE_BEGIN
namespace richtext {

/// The parsed document; owns everything that its nodes point to.
class HtmlDom {
 public:
  /// Whether Gumbo is given all of the text. The tree is the same; tests compare them.
  enum class Whole { where_needed, always };

  /// `html` has to outlive this.
  explicit HtmlDom(std::string_view html, Whole whole = Whole::where_needed);
  ~HtmlDom();
  HtmlDom(const HtmlDom&) = delete;
  HtmlDom& operator=(const HtmlDom&) = delete;

  /// Null when the input is built to exhaust a parser: nested beyond reason, or a tree many times its size.
  const GumboNode* root() const noexcept { return root_; }

 private:
  struct Chunk;
  struct Spare;
  static Chunk* chunk_of(std::size_t size);
  static void* allocate(void* self, std::size_t size);
  void parse(std::string_view html);
  void release() noexcept;

  Abridged abridged_;
  std::string texts_;
  Chunk* chunks_ = nullptr;
  std::size_t left_ = 0;
  std::size_t budget_ = 0;
  void* give_up_ = nullptr;  ///< jmp_buf of the parse that is under way
  const GumboNode* root_ = nullptr;
};

/// Value of an attribute; empty when there is none.
std::string_view attribute(const GumboNode& node, const char* name);
bool has_attribute(const GumboNode& node, const char* name);
/// Whether the attribute `class` holds the word.
bool has_class(const GumboNode& node, std::string_view word);
/// In small letters, also for tags that HTML does not know ("o:p").
std::string tag_name(const GumboNode& node);
/// All text below, or its beginning of about that many bytes; a <br> is a line feed.
std::string text_below(const GumboNode& node, std::size_t bytes = std::string::npos);
/// The first element below that is `wanted`; null when there is none.
const GumboNode* find_below(const GumboNode& node, bool (*wanted)(const GumboNode& element));
/// Whether an element of that tag is below.
bool has_below(const GumboNode& node, GumboTag tag);

}  // namespace richtext
MIGRATE_END
