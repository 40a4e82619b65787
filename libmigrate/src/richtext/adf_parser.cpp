#include <boost/json/serialize.hpp>
#include <charconv>
#include <chrono>
#include <iterator>

#include "migrate/richtext/formats.hpp"
#include "utf8.hpp"

MIGRATE_BEGIN
namespace richtext {
namespace {

const Object empty_object;
const Array empty_array;

const Object& object_at(const Object& from, std::string_view key) {
  const Value* found = from.if_contains(key);
  return found != nullptr && found->is_object() ? found->get_object() : empty_object;
}
const Array& array_at(const Object& from, std::string_view key) {
  const Value* found = from.if_contains(key);
  return found != nullptr && found->is_array() ? found->get_array() : empty_array;
}
std::string string_at(const Object& from, std::string_view key) {
  const Value* found = from.if_contains(key);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}
int int_at(const Object& from, std::string_view key, int otherwise) {
  const Value* found = from.if_contains(key);
  if (found == nullptr) return otherwise;
  if (found->is_int64() && std::abs(found->get_int64()) < 1'000'000'000) return static_cast<int>(found->get_int64());
  if (found->is_uint64() && found->get_uint64() < 1'000'000'000) return static_cast<int>(found->get_uint64());
  if (found->is_double() && found->get_double() > -1e9 && found->get_double() < 1e9) {
    return static_cast<int>(found->get_double());
  }
  return otherwise;
}

/// "2024-01-31" of milliseconds since 1970.
std::string date_of(const std::string& milliseconds) {
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(milliseconds.data(), milliseconds.data() + milliseconds.size(), count);
  // Years 0 to 9999.
  if (error != std::errc() || count < -62'167'219'200'000 || count >= 253'402'300'800'000) return milliseconds;
  const auto day = std::chrono::floor<std::chrono::days>(
      std::chrono::sys_time<std::chrono::milliseconds>(std::chrono::milliseconds(count)));
  const std::chrono::year_month_day date(day);
  std::string text = std::to_string(10'000 + int(date.year())).substr(1);
  for (const unsigned part : {unsigned(date.month()), unsigned(date.day())})
    text += '-' + std::to_string(100 + part).substr(1);
  return text;
}

class AdfReader {
 public:
  explicit AdfReader(Losses& losses) : losses_(losses) {}

  void content(const Array& from, Node& into, int depth) {
    for (const Value& value : from) {
      if (value.is_object()) {
        node(value.get_object(), into, depth);
      } else if (value.is_string()) {
        into.children.push_back(richtext::text(std::string(value.get_string())));
      }
    }
  }

  void node(const Object& from, Node& into, int depth) {
    // The normaliser bounds the tree; this bounds the recursion.
    if (depth > 2 * max_depth) return everything(from, into);
    const std::string type = string_at(from, "type");
    if (type == "text") return words(from, into);
    if (block(type, from, into, depth) || media(type, from, into) || inside_line(type, from, into)) return;
    foreign(type, from, into, depth);
  }

 private:
  void add(Node made, const Object& from, Node& into, int depth) {
    content(array_at(from, "content"), made, depth + 1);
    for (const Value& mark : array_at(from, "marks")) {
      if (mark.is_object()) losses_.add(string_at(mark.get_object(), "type"), "nothing");
    }
    into.children.push_back(std::move(made));
  }

  bool block(const std::string& type, const Object& from, Node& into, int depth) {
    const Object& attrs = object_at(from, "attrs");
    if (type == "paragraph") return add(Node(Kind::paragraph), from, into, depth), true;
    if (type == "bulletList" || type == "taskList") return add(Node(Kind::list), from, into, depth), true;
    if (type == "blockquote") return add(Node(Kind::quote), from, into, depth), true;
    if (type == "rule") return into.children.emplace_back(Kind::rule), true;
    if (type == "table") return add(Node(Kind::table), from, into, depth), true;
    if (type == "tableRow") return add(Node(Kind::row), from, into, depth), true;
    if (type == "doc" || type == "layoutColumn") return add(Node(Kind::document), from, into, depth), true;
    if (type == "heading") {
      Node made(Kind::heading);
      made.level = static_cast<std::uint8_t>(std::clamp(int_at(attrs, "level", 1), 1, 6));
      return add(std::move(made), from, into, depth), true;
    }
    if (type == "orderedList") {
      Node made(Kind::list);
      made.ordered = true;
      made.start = int_at(attrs, "order", 1);
      return add(std::move(made), from, into, depth), true;
    }
    if (type == "listItem" || type == "taskItem" || type == "blockTaskItem") {
      Node made(Kind::list_item);
      if (type != "listItem") made.task = string_at(attrs, "state") == "DONE" ? Task::done : Task::open;
      return add(std::move(made), from, into, depth), true;
    }
    if (type == "codeBlock") {
      Node made(Kind::code_block);
      made.id = string_at(attrs, "language");
      return add(std::move(made), from, into, depth), true;
    }
    if (type == "panel") return panel(from, into, depth), true;
    if (type == "tableCell" || type == "tableHeader") return cell(type, from, into, depth), true;
    return false;
  }

  void panel(const Object& from, Node& into, int depth) {
    Node made(Kind::panel);
    made.id = string_at(object_at(from, "attrs"), "panelType");
    if (made.id == "custom") losses_.add("custom panel", "info");
    add(std::move(made), from, into, depth);
  }

  void cell(const std::string& type, const Object& from, Node& into, int depth) {
    const Object& attrs = object_at(from, "attrs");
    Node made(Kind::cell);
    made.header = type == "tableHeader";
    made.colspan = static_cast<std::uint16_t>(std::clamp(int_at(attrs, "colspan", 1), 1, 1000));
    made.rowspan = static_cast<std::uint16_t>(std::clamp(int_at(attrs, "rowspan", 1), 1, 1000));
    if (attrs.contains("background")) losses_.add("background of a cell", "nothing", string_at(attrs, "background"));
    add(std::move(made), from, into, depth);
  }

  bool media(const std::string& type, const Object& from, Node& into) {
    if (type == "mediaSingle" || type == "mediaGroup") {
      std::string link;
      for (const Value& mark : array_at(from, "marks")) {
        if (!mark.is_object()) continue;
        const std::string kind = string_at(mark.get_object(), "type");
        if (kind == "link")
          link = string_at(object_at(mark.get_object(), "attrs"), "href");
        else
          losses_.add(kind, "nothing");
      }
      for (const Value& child : array_at(from, "content")) {
        if (!child.is_object()) continue;
        Node line(Kind::paragraph);
        const bool single = string_at(child.get_object(), "type") == "media";
        single ? picture(child.get_object(), line) : content(array_at(child.get_object(), "content"), line, max_depth);
        if (single && line.children[0].link.empty()) line.children[0].link = link;
        into.children.push_back(std::move(line));
      }
      return true;
    }
    if (type != "media" && type != "mediaInline") return false;
    picture(from, into);
    return true;
  }

  void picture(const Object& from, Node& into) {
    const Object& attrs = object_at(from, "attrs");
    Node made(Kind::image);
    made.text = string_at(attrs, "alt");
    made.id = string_at(attrs, "id");
    made.url = string_at(attrs, "url");
    made.width = int_at(attrs, "width", 0);
    made.height = int_at(attrs, "height", 0);
    for (const Value& mark : array_at(from, "marks")) {
      if (!mark.is_object()) continue;
      const std::string kind = string_at(mark.get_object(), "type");
      if (kind == "link")
        made.link = string_at(object_at(mark.get_object(), "attrs"), "href");
      else
        losses_.add(kind, "nothing");
    }
    into.children.push_back(std::move(made));
  }

  bool inside_line(const std::string& type, const Object& from, Node& into) {
    const Object& attrs = object_at(from, "attrs");
    if (type == "hardBreak") return into.children.emplace_back(Kind::hard_break), true;
    if (type == "mention" || type == "emoji") {
      Node made(type == "mention" ? Kind::mention : Kind::emoji);
      made.id = string_at(attrs, type == "mention" ? "id" : "shortName");
      made.text = string_at(attrs, "text");
      unmarked(from, made.text.empty() ? made.id : made.text);
      return into.children.push_back(std::move(made)), true;
    }
    if (type == "inlineCard" || type == "blockCard" || type == "embedCard") {
      if (type != "inlineCard") losses_.add(type, "reference", string_at(attrs, "url"));
      Node made(Kind::reference);
      made.id = made.url = string_at(attrs, "url");
      if (made.url.empty()) return false;
      unmarked(from, made.url);
      if (type == "inlineCard") return into.children.push_back(std::move(made)), true;
      Node line(Kind::paragraph);
      line.children.push_back(std::move(made));
      return into.children.push_back(std::move(line)), true;
    }
    if (type == "date" || type == "status" || type == "placeholder") {
      std::string said = type == "date" ? date_of(string_at(attrs, "timestamp")) : string_at(attrs, "text");
      losses_.add(type, "text", said);
      unmarked(from, said);
      return into.children.push_back(richtext::text(std::move(said))), true;
    }
    return false;
  }

  /// Only text has marks in the tree.
  void unmarked(const Object& from, const std::string& words) {
    for (const Value& mark : array_at(from, "marks")) {
      const std::string type = mark.is_object() ? string_at(mark.get_object(), "type") : std::string();
      losses_.add(type.empty() ? "mark" : type, "nothing", words);
    }
  }

  void words(const Object& from, Node& into) {
    Node made = richtext::text(string_at(from, "text"));
    for (const Value& value : array_at(from, "marks")) {
      if (!value.is_object()) continue;
      const std::string type = string_at(value.get_object(), "type");
      const Object& attrs = object_at(value.get_object(), "attrs");
      const auto set = [&](Mark mark) { made.marks = made.marks.with(mark); };
      if (type == "strong")
        set(Mark::strong);
      else if (type == "em")
        set(Mark::em);
      else if (type == "strike")
        set(Mark::strike);
      else if (type == "underline")
        set(Mark::underline);
      else if (type == "code")
        set(Mark::code);
      else if (type == "subsup")
        set(string_at(attrs, "type") == "sup" ? Mark::sup : Mark::sub);
      else if (type == "link")
        made.link = string_at(attrs, "href");
      else if (type == "textColor")
        made.colour = colour(string_at(attrs, "color"), made.text);
      else
        losses_.add(type.empty() ? "mark" : type, "nothing", made.text);
    }
    into.children.push_back(std::move(made));
  }

  std::int32_t colour(const std::string& text, const std::string& words) {
    std::int32_t value = -1;
    if (text.size() == 7 && text[0] == '#') {
      const auto [end, error] = std::from_chars(text.data() + 1, text.data() + text.size(), value, 16);
      if (error == std::errc() && end == text.data() + text.size() && value >= 0) return value;
    }
    losses_.add("colour", "nothing", words);
    return -1;
  }

  /// Expands, layouts, decisions, extensions and what nobody knows: their content stands for them.
  void foreign(const std::string& type, const Object& from, Node& into, int depth) {
    const Object& attrs = object_at(from, "attrs");
    const Array& inside = array_at(from, "content");
    losses_.add(type.empty() ? "node" : type, inside.empty() ? "text" : "its content", string_at(attrs, "title"));
    if (type == "expand" || type == "nestedExpand") {
      Node title(Kind::paragraph);
      title.children.push_back(richtext::text(string_at(attrs, "title"), Mark::strong));
      into.children.push_back(std::move(title));
    }
    if (type == "decisionList" || type == "decisionItem") {
      return add(Node(type == "decisionList" ? Kind::list : Kind::list_item), from, into, depth);
    }
    if (!inside.empty()) return add(Node(type == "caption" ? Kind::paragraph : Kind::document), from, into, depth);
    Node made(Kind::raw);
    made.id = type;
    made.url = string_at(attrs, "url");
    for (const std::string& said :
         {string_at(from, "text"), string_at(attrs, "text"), string_at(attrs, "extensionKey"), made.url}) {
      if (made.text.empty()) made.text = said;
    }
    unmarked(from, made.text);
    into.children.push_back(std::move(made));
  }

  /// The text below, without recursion.
  void everything(const Object& top, Node& into) {
    losses_.add("depth", "text");
    std::vector<const Value*> waiting;
    const auto below = [&](const Object& from) {
      const Array& inside = array_at(from, "content");
      for (auto child = inside.rbegin(); child != inside.rend(); ++child) waiting.push_back(&*child);
    };
    std::string all = string_at(top, "text");
    below(top);
    while (!waiting.empty()) {
      const Value& value = *waiting.back();
      waiting.pop_back();
      if (!value.is_object()) continue;
      const std::string said = string_at(value.get_object(), "text");
      if (!said.empty() && !all.empty()) all += ' ';
      all += said;
      below(value.get_object());
    }
    into.children.push_back(richtext::text(std::move(all)));
  }

  Losses& losses_;
};

}  // namespace

Parsed parse_adf(const Value& adf) {
  Parsed parsed;
  Node top;
  if (adf.is_object()) {
    AdfReader(parsed.losses).node(adf.get_object(), top, 0);
  } else if (adf.is_array()) {
    AdfReader(parsed.losses).content(adf.get_array(), top, 0);
  } else if (adf.is_string()) {
    top.children.push_back(paragraph(std::string(adf.get_string())));
  } else if (!adf.is_null()) {
    top.children.push_back(paragraph(boost::json::serialize(adf)));
  }
  parsed.document = normalised(std::move(top), parsed.losses);
  return parsed;
}

}  // namespace richtext
MIGRATE_END
