// Rich text as one tree, whatever format it came in: nodes, marks, and the list of what a format could not hold.
//
// Everything in migrate::richtext is a pure function: callable from any thread, no I/O, and no input makes it throw
// (std::bad_alloc apart). See docs/richtext.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "migrate/abi.hpp"

MIGRATE_BEGIN
namespace richtext {

/// Blocks stand for themselves or hold blocks; what stands within a line comes from `text` on.
enum class Kind : std::uint8_t {
  document,
  paragraph,
  heading,
  list,
  list_item,
  code_block,
  quote,
  panel,
  rule,
  table,
  row,
  cell,
  text,
  hard_break,
  image,
  mention,
  reference,
  emoji,
  raw
};
MIGRATE_API std::string_view to_string(Kind kind) noexcept;
inline bool is_inline(Kind kind) noexcept { return kind >= Kind::text; }

enum class Mark : std::uint8_t { strong = 1, em = 2, strike = 4, underline = 8, sub = 16, sup = 32, code = 64 };

/// A set of marks.
struct Marks {
  std::uint8_t bits = 0;
  Marks() = default;
  Marks(Mark mark) : bits(static_cast<std::uint8_t>(mark)) {}
  bool has(Mark mark) const noexcept { return (bits & static_cast<std::uint8_t>(mark)) != 0; }
  Marks with(Mark mark) const noexcept { return of(bits | static_cast<std::uint8_t>(mark)); }
  Marks without(Mark mark) const noexcept { return of(bits & ~static_cast<std::uint8_t>(mark)); }
  bool operator==(const Marks&) const = default;
  static Marks of(int bits) noexcept {
    Marks marks;
    marks.bits = static_cast<std::uint8_t>(bits);
    return marks;
  }
};

enum class Task : std::uint8_t { none, open, done };

/// One node. A field means something for the kinds that name it and is left alone for the others.
///
/// Images, mentions and references point at something of the system that the text came from: `id` and `url` are the
/// source's. A connector looks at them (see rewrite()) and sets `target` to what they are on its own system. Only a
/// target makes them live: without one they are written as harmless text or a link, and the loss is reported, so an
/// account of the source is never notified and an item of the target never linked by accident.
struct Node {
  Kind kind = Kind::document;
  Marks marks;                ///< text
  Task task = Task::none;     ///< list_item
  bool ordered = false;       ///< list
  bool header = false;        ///< cell
  std::uint8_t level = 1;     ///< heading: 1 to 6
  std::uint16_t colspan = 1;  ///< cell
  std::uint16_t rowspan = 1;  ///< cell
  std::int32_t start = 1;     ///< ordered list: its first number
  std::int32_t colour = -1;   ///< text: 0xRRGGBB, or -1
  std::int32_t width = 0;     ///< image: pixels, 0 when unknown
  std::int32_t height = 0;    ///< image
  /// text, code_block: what it says, a line feed is a line break. image: its alternative text. mention: the name
  /// without
  /// "@". reference: its notation ("#12"). emoji: the character. raw: what can be read of it.
  std::string text;
  /// image: media id. mention: account id. reference: item id or key. emoji: short name (":smile:"). code_block:
  /// language. panel: info, note, tip, warning, error or success. raw: what the format calls it ("iframe").
  std::string id;
  std::string url;     ///< image, reference, raw: its address at the source
  std::string target;  ///< image: media id (ADF), address (Markdown, HTML) or file name (wiki). mention: account.
                       ///< reference: item key ("#45") or the item's address
  std::string link;    ///< text, image: where it leads; empty when nowhere
  std::vector<Node> children;

  Node() = default;
  explicit Node(Kind of) : kind(of) {}
  Node(Kind of, std::vector<Node> inside) : kind(of), children(std::move(inside)) {}
};

MIGRATE_API Node text(std::string words, Marks marks = Marks());
MIGRATE_API Node paragraph(std::string words);
/// Blank lines part paragraphs, line feeds are breaks.
MIGRATE_API Node plain(std::string_view words);

/// What could not be kept as it was: `count` nodes of a kind, and what has become of them.
struct Loss {
  std::string kind;    ///< a Kind's or Mark's name, "colour", "link", "depth", or what the format calls it ("iframe")
  std::string became;  ///< "text", "a link", "nothing", …: for people
  std::size_t count = 0;
  std::string example;  ///< of the first one, at most 80 characters
};

/// Few entries whatever the text: past 64 kinds the rest is counted as "other".
class MIGRATE_API Losses {
 public:
  void add(std::string_view kind, std::string_view became, std::string_view example = {}, std::size_t count = 1);
  void add(const Losses& others);
  bool empty() const noexcept { return all_.empty(); }
  const std::vector<Loss>& all() const noexcept { return all_; }

 private:
  std::vector<Loss> all_;
};

/// Blocks nested deeper than this are written at this depth, with a loss of kind "depth".
inline constexpr int max_depth = 100;

/// The form that every parser returns and that every printer brings its input to: text is valid UTF-8 without control
/// characters, neighbours of equal marks are one, only blocks in blocks and words in paragraphs, lists hold items,
/// tables rows, rows cells; nothing is empty but cells; two line breaks in a row part paragraphs.
MIGRATE_API Node normalised(Node document, Losses& losses);

/// Calls `change` for every node but the document, parents first. It may set fields (an image's `target`), and may make
/// the node another one: what it makes is not visited again, its children are.
MIGRATE_API void rewrite(Node& document, const std::function<void(Node&)>& change);

}  // namespace richtext
MIGRATE_END
