// Two things make this more than a walk. What a node may hold depends on where it stands, and what may not stand there
// moves behind the nearest block that can let it go: so each block is printed as a row of pieces, and whoever wraps
// them parts its own piece where one does not fit. And the published schema lets more pass than Jira does.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "link.hpp"
#include "live.hpp"
#include "migrate/richtext/formats.hpp"
#include "normal_form.hpp"
#include "utf8.hpp"

MIGRATE_BEGIN
namespace richtext {
namespace {

using Nodes = std::vector<Node>;

enum class Place { document, cell, list_item, quote, panel };
enum class Type { paragraph, heading, list, task_list, media, code, quote, panel, rule, table };

struct Piece {
  Type type;
  Object json;
};
using Pieces = std::vector<Piece>;

bool fits(Type type, Place place) {
  if (type == Type::paragraph || type == Type::list || type == Type::media || type == Type::code) return true;
  switch (place) {
    case Place::document:
      return true;
    case Place::cell:
      return type != Type::table;
    case Place::list_item:
      return type == Type::task_list;
    case Place::quote:
      return false;
    case Place::panel:
      return type == Type::heading || type == Type::task_list || type == Type::rule;
  }
  return false;
}

bool is_blank(const Value& value) {
  const Value* words = value.get_object().if_contains("text");
  return words != nullptr && trim(words->get_string()).empty();
}

/// An image that a paragraph gave up leaves blanks and breaks at the ends.
void trim_line(Array& line) {
  const auto is_edge = [](const Value& value) {
    // Compared as text: a value would be made to compare with.
    const std::string_view type = value.get_object().at("type").get_string();
    return type == "hardBreak" || (type == "text" && is_blank(value));
  };
  while (!line.empty() && is_edge(line.back())) line.pop_back();
  std::size_t start = 0;
  while (start < line.size() && is_edge(line[start])) ++start;
  if (start > 0) line.erase(line.begin(), line.begin() + static_cast<std::ptrdiff_t>(start));
}

class AdfPrinter {
 public:
  AdfPrinter(Losses& losses, boost::json::storage_ptr storage) : losses_(losses), storage_(std::move(storage)) {}

  Pieces blocks(const Nodes& nodes, Place place) {
    Pieces out;
    out.reserve(nodes.size());
    for (const Node& node : nodes) block(node, place, out);
    return out;
  }

  /// Everything is made where the document is: what is put together from different storages is copied.
  Array array() const { return Array(storage_); }
  Object object_of(std::string_view type, std::size_t members = 3) const {
    Object object(storage_);
    object.reserve(members);
    object.emplace("type", type);
    return object;
  }
  Object holder(std::string_view type, Array content) const {
    Object object = object_of(type);
    object.emplace("content", std::move(content));
    return object;
  }

 private:
  static void append(Pieces& out, Pieces more) { std::move(more.begin(), more.end(), std::back_inserter(out)); }

  void block(const Node& node, Place place, Pieces& out) {
    switch (node.kind) {
      case Kind::paragraph:
        lines(node.children, out);
        break;
      case Kind::heading:
        heading(node, place, out);
        break;
      case Kind::code_block:
        code(node, out);
        break;
      case Kind::rule:
        rule(place, out);
        break;
      case Kind::list:
        list(node, place, out);
        break;
      case Kind::table:
        table(node, place, out);
        break;
      case Kind::quote:
      case Kind::panel:
        container(node, place, out);
        break;
      default:
        append(out, blocks(node.children, place));
        break;
    }
  }

  void heading(const Node& node, Place place, Pieces& out) {
    const bool allowed = fits(Type::heading, place);
    const Marks before = std::exchange(extra_, allowed ? extra_ : Marks(Mark::strong));
    Pieces pieces;
    lines(node.children, pieces, allowed);
    extra_ = before;
    if (!allowed) {
      losses_.add("heading", "a strong paragraph", first_words(node));
      return append(out, std::move(pieces));
    }
    Piece made{Type::heading, object_of("heading")};
    Object attrs(storage_);
    attrs.emplace("level", node.level);
    made.json.emplace("attrs", std::move(attrs));
    made.json.emplace("content", joined(pieces));
    if (!made.json["content"].get_array().empty()) out.push_back(std::move(made));
    append(out, std::move(pieces));
  }

  /// The content of all paragraphs as one line; what is left in `pieces` are the images.
  Array joined(Pieces& pieces) const {
    Array line = array();
    for (Piece& piece : pieces) {
      if (piece.type != Type::paragraph) continue;
      if (!line.empty()) line.push_back({{"type", "text"}, {"text", " "}});
      for (Value& value : piece.json["content"].get_array()) line.push_back(std::move(value));
    }
    std::erase_if(pieces, [](const Piece& piece) { return piece.type == Type::paragraph; });
    return line;
  }

  void code(const Node& node, Pieces& out) const {
    Piece made{Type::code, object_of("codeBlock")};
    if (!node.id.empty()) made.json["attrs"] = {{"language", node.id}};
    made.json["content"] = Array{{{"type", "text"}, {"text", node.text}}};
    out.push_back(std::move(made));
  }

  void rule(Place place, Pieces& out) {
    if (place == Place::list_item) return losses_.add("rule", "nothing");
    if (!fits(Type::rule, place)) losses_.add("rule", "moved");
    out.push_back({Type::rule, object_of("rule")});
  }

  /// Quotes and panels. Where they may not stand, their content does.
  void container(const Node& node, Place place, Pieces& out) {
    const bool is_quote = node.kind == Kind::quote;
    const Type type = is_quote ? Type::quote : Type::panel;
    if (!fits(type, place)) {
      losses_.add(to_string(node.kind), "its content", first_words(node));
      return append(out, blocks(node.children, place));
    }
    const Place inner = is_quote ? Place::quote : Place::panel;
    Array inside = array();
    const auto finish = [&] {
      if (inside.empty()) return;
      Piece made{type, object_of(is_quote ? "blockquote" : "panel")};
      if (!is_quote) made.json["attrs"] = {{"panelType", node.id}};
      made.json.emplace("content", std::exchange(inside, array()));
      out.push_back(std::move(made));
    };
    for (Piece& piece : blocks(node.children, inner)) {
      if (fits(piece.type, inner)) {
        inside.push_back(std::move(piece.json));
      } else {
        finish();
        out.push_back(std::move(piece));
      }
    }
    finish();
  }

  /// Items become one list, or several with what had to leave it between them.
  void list(const Node& node, Place place, Pieces& out) {
    const auto is_task = [](const Node& item) { return item.task != Task::none; };
    const auto tasks = static_cast<std::size_t>(std::count_if(node.children.begin(), node.children.end(), is_task));
    if (tasks > 0 && node.ordered) losses_.add("ordered list", "task list", first_words(node));
    if (tasks > 0 && tasks < node.children.size())
      losses_.add("list", "lists of tasks and of items", first_words(node));
    if (tasks > 0 && !fits(Type::task_list, place)) losses_.add("task list", "moved", first_words(node));
    for (std::size_t at = 0; at < node.children.size();) {
      at = is_task(node.children[at]) ? task_items(node, at, place, out) : items(node, at, out);
    }
  }

  /// The run of plain items from `at` on, up to one that had to let something go. Returns the next item.
  std::size_t items(const Node& list, std::size_t at, Pieces& out) {
    Piece made{Type::list, object_of(list.ordered ? "orderedList" : "bulletList")};
    if (const std::int64_t number = list.start + static_cast<std::int64_t>(at); list.ordered && number != 1) {
      made.json["attrs"] = {{"order", number}};
    }
    Array items = array();
    Pieces moved;
    for (; at < list.children.size() && list.children[at].task == Task::none && moved.empty(); ++at) {
      Array body = array();
      for (Piece& piece : blocks(list.children[at].children, Place::list_item)) {
        if (!moved.empty() || !fits(piece.type, Place::list_item)) {
          moved.push_back(std::move(piece));
          continue;
        }
        // Jira of some ages wants a paragraph first.
        if (body.empty() && piece.type != Type::paragraph) body.push_back(holder("paragraph", array()));
        body.push_back(std::move(piece.json));
      }
      // It counts, whether or not anything is left to be read in it.
      if (body.empty() && moved.empty() && list.ordered) body.push_back(holder("paragraph", array()));
      if (!body.empty()) items.push_back(holder("listItem", std::move(body)));
      if (moved.size() > 1) losses_.add("list_item", "moved", first_words(list.children[at]));
    }
    if (!items.empty()) {
      made.json.emplace("content", std::move(items));
      out.push_back(std::move(made));
    }
    append(out, std::move(moved));
    return at;
  }

  std::size_t task_items(const Node& list, std::size_t at, Place place, Pieces& out) {
    Array tasks = array();
    Pieces moved;
    for (; at < list.children.size() && list.children[at].task != Task::none && moved.empty(); ++at) {
      const Node& item = list.children[at];
      const bool has_line = !item.children.empty() && item.children[0].kind == Kind::paragraph;
      Pieces pieces;
      if (has_line) lines(item.children[0].children, pieces, true);
      Object task = object_of("taskItem");
      task["attrs"] = {{"localId", local_id()}, {"state", item.task == Task::done ? "DONE" : "TODO"}};
      task.emplace("content", joined(pieces));
      tasks.push_back(std::move(task));
      const Nodes rest(item.children.begin() + (has_line ? 1 : 0), item.children.end());
      append(pieces, blocks(rest, place));
      for (Piece& piece : pieces) {
        if (piece.type == Type::task_list && moved.empty()) {
          tasks.push_back(std::move(piece.json));
        } else {
          moved.push_back(std::move(piece));
        }
      }
      if (!moved.empty()) losses_.add("list_item", "moved", first_words(item));
    }
    Piece made{Type::task_list, object_of("taskList")};
    made.json["attrs"] = {{"localId", local_id()}};
    made.json.emplace("content", std::move(tasks));
    out.push_back(std::move(made));
    append(out, std::move(moved));
    return at;
  }

  std::string local_id() { return fmt::format("task-{}", ++ids_); }

  void table(const Node& node, Place place, Pieces& out) {
    if (in_cell_) {
      losses_.add("table", "paragraphs", first_words(node));
      return flat_table(node, place, out);
    }
    if (place != Place::document) losses_.add("table", "moved", first_words(node));
    Array rows = array();
    in_cell_ = true;
    for (const Node& row : node.children) {
      Array cells = array();
      for (const Node& cell : row.children) cells.push_back(table_cell(cell));
      rows.push_back(holder("tableRow", std::move(cells)));
    }
    in_cell_ = false;
    out.push_back({Type::table, holder("table", std::move(rows))});
  }

  Object table_cell(const Node& cell) {
    Object made = object_of(cell.header ? "tableHeader" : "tableCell");
    Object attrs(storage_);
    if (cell.colspan > 1) attrs["colspan"] = cell.colspan;
    if (cell.rowspan > 1) attrs["rowspan"] = cell.rowspan;
    if (!attrs.empty()) made.emplace("attrs", std::move(attrs));
    Array content = array();
    // What stands around the table does not mark its words.
    const Marks before = std::exchange(extra_, Marks());
    for (Piece& piece : blocks(cell.children, Place::cell)) content.push_back(std::move(piece.json));
    extra_ = before;
    if (content.empty()) content.push_back(holder("paragraph", array()));
    made.emplace("content", std::move(content));
    return made;
  }

  /// A table in a cell: a row of plain cells is a line, the content of others stands one below the other.
  void flat_table(const Node& node, Place place, Pieces& out) {
    for (const Node& row : node.children) {
      const bool simple = std::all_of(row.children.begin(), row.children.end(), [](const Node& cell) {
        return cell.children.empty() || (cell.children.size() == 1 && cell.children[0].kind == Kind::paragraph);
      });
      Nodes line;
      for (const Node& cell : row.children) {
        if (!simple) {
          append(out, blocks(cell.children, place));
          continue;
        }
        if (&cell != &row.children.front()) line.push_back(richtext::text(" | "));
        if (!cell.children.empty()) {
          line.insert(line.end(), cell.children[0].children.begin(), cell.children[0].children.end());
        }
      }
      lines(line, out);
    }
  }

  /// A paragraph, parted where images stand. `together`: what is not an image becomes one line later.
  void lines(const Nodes& nodes, Pieces& out, bool together = false) {
    Array line = array();
    line.reserve(nodes.size());
    const auto finish = [&] {
      trim_line(line);
      if (!line.empty()) out.push_back({Type::paragraph, holder("paragraph", std::exchange(line, array()))});
    };
    for (const Node& node : nodes) {
      if (node.kind == Kind::image && !node.target.empty()) {
        finish();
        if (nodes.size() > 1 || together) losses_.add("image", "a block of its own", label_of(node));
        out.push_back({Type::media, media(node)});
      } else {
        inside_line(node, line);
      }
    }
    finish();
  }

  Object media(const Node& image) {
    Object attrs(storage_);
    attrs["type"] = "file";
    attrs["id"] = image.target;
    attrs["collection"] = "";
    if (const std::string label = label_of(image); label != "image") attrs["alt"] = label;
    if (image.width > 0) attrs["width"] = image.width;
    if (image.height > 0) attrs["height"] = image.height;
    Object file = object_of("media");
    file.emplace("attrs", std::move(attrs));
    if (!image.link.empty()) {
      Array marks = array();
      link_mark(image.link, label_of(image), marks);
      if (!marks.empty()) file.emplace("marks", std::move(marks));
    }
    Object single = object_of("mediaSingle");
    single["attrs"] = {{"layout", "center"}};
    Array content = array();
    content.push_back(std::move(file));
    single.emplace("content", std::move(content));
    return single;
  }

  void link_mark(const std::string& address, const std::string& words, Array& marks) {
    if (!is_safe_link(address)) {
      return losses_.add("link", "text", fmt::format("{} ({})", prefix(words, 40), address));
    }
    Object mark = object_of("link");
    Object attrs(storage_);
    attrs.emplace("href", address);
    mark.emplace("attrs", std::move(attrs));
    marks.push_back(std::move(mark));
  }

  void inside_line(const Node& node, Array& line) {
    switch (node.kind) {
      case Kind::hard_break:
        line.push_back(object_of("hardBreak", 1));
        break;
      case Kind::text:
        words(node, line);
        break;
      case Kind::emoji: {
        Object attrs{{"shortName", node.id}};
        if (!node.text.empty()) attrs["text"] = node.text;
        line.push_back({{"type", "emoji"}, {"attrs", std::move(attrs)}});
        break;
      }
      case Kind::mention:
        if (node.target.empty()) return words(as_words(node, losses_), line);
        line.push_back({{"type", "mention"}, {"attrs", {{"id", node.target}, {"text", "@" + name_of(node)}}}});
        break;
      case Kind::reference:
        if (!is_web_address(node.target)) return words(as_words(node, losses_), line);
        line.push_back({{"type", "inlineCard"}, {"attrs", {{"url", node.target}}}});
        break;
      default:
        words(as_words(node, losses_), line);
        break;
    }
  }

  void words(const Node& node, Array& line) {
    if (node.text.empty()) return;
    Array marks = array();
    const bool code = node.marks.has(Mark::code);
    const auto put = [&](Mark mark, const char* type, const char* kind = nullptr) {
      if (!(code && mark != Mark::code ? node.marks : Marks::of(node.marks.bits | extra_.bits)).has(mark)) return;
      // Code goes with links only.
      if (code && mark != Mark::code) return losses_.add(type, "nothing", node.text);
      Object made = object_of(kind == nullptr ? type : "subsup", kind == nullptr ? 1 : 2);
      if (kind != nullptr) made["attrs"] = {{"type", kind}};
      marks.push_back(std::move(made));
    };
    put(Mark::code, "code");
    put(Mark::strong, "strong");
    put(Mark::em, "em");
    put(Mark::strike, "strike");
    put(Mark::underline, "underline");
    put(Mark::sub, "sub", "sub");
    put(Mark::sup, "sup", "sup");
    if (node.colour >= 0 && code) {
      losses_.add("colour", "nothing", node.text);
    } else if (node.colour >= 0) {
      Object made = object_of("textColor");
      made["attrs"] = {{"color", fmt::format("#{:06x}", node.colour)}};
      marks.push_back(std::move(made));
    }
    if (!node.link.empty()) link_mark(node.link, node.text, marks);
    Object made = object_of("text");
    made.emplace("text", node.text);
    if (!marks.empty()) made.emplace("marks", std::move(marks));
    line.push_back(std::move(made));
  }

  Losses& losses_;
  const boost::json::storage_ptr storage_;
  Marks extra_;
  bool in_cell_ = false;
  int ids_ = 0;
};

}  // namespace

PrintedAdf print_adf(const Node& document, boost::json::storage_ptr storage) {
  PrintedAdf printed(storage);
  Node copy;
  const Node& tree = normal_form(document, copy, printed.losses);
  AdfPrinter printer(printed.losses, std::move(storage));
  Pieces pieces = printer.blocks(tree.children, Place::document);
  Array content = printer.array();
  content.reserve(pieces.size());
  for (Piece& piece : pieces) content.push_back(std::move(piece.json));
  Object made = printer.object_of("doc");
  made.emplace("version", 1);
  made.emplace("content", std::move(content));
  printed.document = std::move(made);
  return printed;
}

}  // namespace richtext
MIGRATE_END
