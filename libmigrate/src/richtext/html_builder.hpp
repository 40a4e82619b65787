// Puts a tree together from what an HTML document says in order.
#pragma once

#include <string_view>
#include <vector>

#include "html_style.hpp"
#include "migrate/richtext/document.hpp"

MIGRATE_BEGIN
namespace richtext {

class HtmlBuilder {
 public:
  /// `input`: size of the document, which bounds what links may take.
  HtmlBuilder(std::size_t input, Losses& losses);

  /// What follows stands inside this block. Past the greatest depth the block is left out and its content stays.
  void open(Node block);
  void close();
  /// The paragraph, if there is one, ends here.
  void boundary();
  /// Blanks are folded as browsers do it unless the style keeps them.
  void words(std::string_view text, const HtmlStyle& style);
  void add(Node inside_line);
  /// Rules and code.
  void add_block(Node block);
  /// The block that what comes next stands in.
  Node& current() { return open_.back().node; }
  /// The innermost open block of that kind; null when there is none.
  Node* innermost(Kind kind);
  /// Whether nothing stands in it yet, a started paragraph included.
  static bool is_empty(const Node& block) { return block.children.empty(); }
  /// The content of the innermost open block, which this ends, is put before the block around it (captions).
  void close_before();
  /// What follows stands in an item of that level, the first being 1, in the list that ends here or in a new one. Word
  /// writes lists so. Returns how many blocks were opened.
  int open_item_of_level(int level, const Node& list);
  Node finish();

 private:
  struct Open {
    Node node;
    std::size_t holder;  ///< the one that what stands in this one is put into: another one when this is left out
  };
  Node& holder() { return open_[open_.back().holder].node; }
  bool is_left_out() const { return open_.back().holder + 1 < open_.size(); }
  Node& line();
  /// Whether a blank would follow another one, or begin a line.
  bool ends_blank() const;
  void attach(Node block);

  Losses& losses_;
  std::size_t link_budget_;
  std::vector<Open> open_;
  int depth_ = 0;
  bool in_line_ = false;
};

}  // namespace richtext
MIGRATE_END
