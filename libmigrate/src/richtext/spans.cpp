#include "spans.hpp"

#include <algorithm>

#include "utf8.hpp"

MIGRATE_BEGIN
namespace richtext {
namespace {

/// A part of a text node that is blank or has no blanks at its ends; or another node.
struct Part {
  const Node* node;
  std::string_view words;
  bool blank = false;
};

struct Held {
  Layer layer;
  const Node* node;
};
using Layers = std::vector<Held>;

bool same(const Held& left, const Held& right) {
  if (left.layer != right.layer) return false;
  if (left.layer == Layer::link) return left.node->link == right.node->link;
  return left.layer != Layer::colour || left.node->colour == right.node->colour;
}

Layers layers_of(const Node& node) {
  Layers layers;
  const auto put = [&](Mark mark, Layer layer) {
    if (node.marks.has(mark)) layers.push_back({layer, &node});
  };
  if (node.kind == Kind::text || node.kind == Kind::image) {
    if (!node.link.empty()) layers.push_back({Layer::link, &node});
  }
  if (node.kind != Kind::text) return layers;
  put(Mark::strong, Layer::strong);
  put(Mark::em, Layer::em);
  put(Mark::strike, Layer::strike);
  put(Mark::underline, Layer::underline);
  put(Mark::sub, Layer::sub);
  put(Mark::sup, Layer::sup);
  if (node.colour >= 0) layers.push_back({Layer::colour, &node});
  put(Mark::code, Layer::code);
  return layers;
}

std::size_t blank_at_start(std::string_view words) {
  std::size_t at = 0;
  while (at < words.size()) {
    const Utf8 next = decode(words, at);
    if (!is_space(next.code)) break;
    at += next.size;
  }
  return at;
}

std::size_t blank_at_end(std::string_view words) {
  std::size_t end = words.size();
  while (end > 0) {
    std::size_t start = end - 1;
    while (start > 0 && (static_cast<unsigned char>(words[start]) & 0xC0) == 0x80) --start;
    if (!is_space(decode(words, start).code)) break;
    end = start;
  }
  return words.size() - end;
}

std::vector<Part> parts_of(const std::vector<Node>& line) {
  std::vector<Part> parts;
  for (const Node& node : line) {
    if (node.kind != Kind::text) {
      parts.push_back({&node, {}});
      continue;
    }
    std::string_view words = node.text;
    const std::size_t start = blank_at_start(words);
    if (start > 0) parts.push_back({&node, words.substr(0, start), true});
    words.remove_prefix(start);
    const std::size_t end = blank_at_end(words);
    if (end < words.size()) parts.push_back({&node, words.substr(0, words.size() - end)});
    if (end > 0) parts.push_back({&node, words.substr(words.size() - end), true});
  }
  return parts;
}

/// What blanks and breaks are in is what both their neighbours are in.
bool is_break(const Part& part) { return part.node->kind == Kind::hard_break; }
bool is_between(const Part& part) { return part.blank || is_break(part); }

/// Blanks and breaks in a row, and what the words behind them are in.
struct Run {
  std::size_t end = 0;
  bool breaks = false;
  Layers after;
};

Run run_of(const std::vector<Part>& parts, std::size_t at) {
  Run run;
  for (run.end = at; run.end < parts.size() && is_between(parts[run.end]); ++run.end) {
    run.breaks = run.breaks || is_break(parts[run.end]);
  }
  if (run.end < parts.size()) run.after = layers_of(*parts[run.end].node);
  return run;
}

bool shows_on_blank(Layer layer, const Part& part) {
  switch (layer) {
    case Layer::code:
      return part.blank && part.node->marks.has(Mark::code);
    case Layer::underline:
      return !part.blank || part.node->marks.has(Mark::underline);
    case Layer::strike:
      return !part.blank || part.node->marks.has(Mark::strike);
    default:
      return true;
  }
}

}  // namespace

std::vector<Span> spans_of(const std::vector<Node>& line, AtBreak at_break) {
  const std::vector<Part> parts = parts_of(line);
  std::vector<Span> spans;
  std::vector<std::pair<Held, std::size_t>> open;
  const auto close_to = [&](std::size_t depth) {
    while (open.size() > depth) {
      const auto [held, at] = open.back();
      open.pop_back();
      spans[at].mate = spans.size();
      spans.push_back({Span::What::close, held.layer, at, held.node});
    }
  };
  const auto kept = [&](const Layers& layers) {
    std::size_t depth = 0;
    while (depth < open.size() && depth < layers.size() && same(open[depth].first, layers[depth])) ++depth;
    return depth;
  };
  Run run;
  for (std::size_t at = 0; at < parts.size(); ++at) {
    const Part& part = parts[at];
    if (is_between(part)) {
      if (at >= run.end) run = run_of(parts, at);
      std::size_t depth = kept(run.after);
      const bool parted = run.breaks && at_break == AtBreak::ends;
      // Lines and grounds show where nothing is written: there a blank has only what it had. Breaks part code.
      for (std::size_t index = 0; index < depth; ++index) {
        const Layer layer = open[index].first.layer;
        if (!shows_on_blank(layer, part) || (parted && layer != Layer::colour)) depth = index;
      }
      close_to(depth);
    } else {
      const Layers layers = layers_of(*part.node);
      close_to(kept(layers));
      for (std::size_t index = open.size(); index < layers.size(); ++index) {
        open.emplace_back(layers[index], spans.size());
        spans.push_back({Span::What::open, layers[index].layer, 0, layers[index].node});
      }
    }
    if (part.node->kind == Kind::text) {
      spans.push_back({Span::What::words, Layer::link, 0, part.node, part.words});
    } else {
      spans.push_back({Span::What::node, Layer::link, 0, part.node});
    }
  }
  close_to(0);
  return spans;
}

}  // namespace richtext
MIGRATE_END
