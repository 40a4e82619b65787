// A line of words with marks as a sequence of things that open, close and stand between.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "migrate/richtext/document.hpp"

MIGRATE_BEGIN
namespace richtext {

/// From the outside in.
enum class Layer { link, strong, em, strike, underline, sub, sup, colour, code };

struct Span {
  enum class What { open, close, words, node };
  What what;
  Layer layer = Layer::link;    ///< open, close
  std::size_t mate = 0;         ///< open, close: where the other one is
  const Node* node = nullptr;   ///< open, close: one that has the layer (its link, its colour). node: which
  std::string_view words = {};  ///< words: a part of a node's text
};

/// What a line break ends: nothing but code, or every layer but a colour that nothing else is around. What ends opens
/// again behind it.
enum class AtBreak { goes_on, ends };

/// Blanks at the ends of marked words stand outside of the marks: no format with delimiters can hold them inside.
/// Words of one layer are never blank. `line` has to outlive the result.
std::vector<Span> spans_of(const std::vector<Node>& line, AtBreak at_break = AtBreak::goes_on);

}  // namespace richtext
MIGRATE_END
