#include "text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <iterator>
#include <set>
#include <utility>

#include "migrate/digest.hpp"
#include "migrate/http/message.hpp"
#include "migrate/richtext/formats.hpp"
#include "migrate/richtext/text.hpp"
#include "names.hpp"
#include "pieces.hpp"

namespace migrate::jira {

namespace {

// Of the limit, what the panel of further fields may take.
constexpr std::size_t rows_share = 4;
// Of a text that is cut, what pictures behind the cut may take.
constexpr std::size_t pictures_share = 4;
// Characters of a text that goes on in further comments, in each of them.
constexpr std::size_t least_piece = 200;

using richtext::Kind;
using richtext::Node;

Node words(std::string text, std::string link = {}) {
  Node node = richtext::text(std::move(text));
  node.link = std::move(link);
  return node;
}

Node strong(std::string text) { return richtext::text(std::move(text), richtext::Mark::strong); }

Node panel(std::string kind, std::vector<Node> blocks) {
  Node node(Kind::panel, std::move(blocks));
  node.id = std::move(kind);
  return node;
}

Node line(std::vector<Node> inside) { return Node(Kind::paragraph, std::move(inside)); }

std::string host_of(const std::string& url) {
  if (url.empty()) return {};
  try {
    return http::parse_url(url).host;
  } catch (const Error&) {
    return {};
  }
}

/// "Imported from tickets 81 of acme.freshdesk.com, reported by Lea (lea@x.test) on 2024-01-31 09:00 UTC"
Node origin_panel(const RecordRef& record, const Item& item) {
  const std::string host = host_of(item.url);
  std::vector<Node> parts;
  parts.push_back(words("Imported from "));
  parts.push_back(words(fmt::format("{} {}{}", record.type, record.id, host.empty() ? "" : " of " + host),
                        host.empty() ? std::string() : item.url));
  std::string rest;
  if (item.reporter) rest += ", reported by " + named(*item.reporter);
  if (!item.created.empty()) rest += (item.reporter ? " on " : ", created on ") + readable_time(item.created);
  if (item.assignee) rest += ", assigned to " + named(*item.assignee);
  if (!rest.empty()) parts.push_back(words(rest));
  std::vector<Node> blocks;
  blocks.push_back(line(std::move(parts)));
  return panel("info", std::move(blocks));
}

std::vector<Node> rows_blocks(const Rows& rows) {
  Node list(Kind::list);
  for (const auto& [name, value] : rows) {
    std::vector<Node> parts;
    parts.push_back(strong(name + ": "));
    parts.push_back(words(value));
    std::vector<Node> blocks;
    blocks.push_back(line(std::move(parts)));
    list.children.emplace_back(Kind::list_item, std::move(blocks));
  }
  std::vector<Node> title;
  title.push_back(strong("Further fields"));
  std::vector<Node> blocks;
  blocks.push_back(line(std::move(title)));
  blocks.push_back(std::move(list));
  return blocks;
}

/// Wiki markup may need an escape for each character.
std::size_t growth(Markup markup) { return markup == Markup::wiki ? 2 : 1; }

/// Whose words, when, and of what kind.
Node author_panel(const std::optional<Person>& author, const std::string& created, const std::string& updated,
                  const std::string& kind, bool internal, const std::string& which = {}) {
  std::string said = author ? named(*author) : std::string("Somebody");
  if (!created.empty()) said += " on " + readable_time(created);
  if (!updated.empty() && updated != created) said += ", changed on " + readable_time(updated);
  if (internal)
    said += kind.empty() ? " (internal)" : fmt::format(" ({}, internal)", kind);
  else if (!kind.empty())
    said += fmt::format(" ({})", kind);
  said += which;
  std::vector<Node> parts;
  parts.push_back(words(said));
  std::vector<Node> blocks;
  blocks.push_back(line(std::move(parts)));
  return panel(internal ? "note" : "info", std::move(blocks));
}

/// Each image that the item has as a file gets the blob's id.
std::vector<std::string> find_images(Node& tree, const std::vector<InlineImage>& images) {
  std::vector<std::string> shown;
  if (images.empty()) return shown;
  richtext::rewrite(tree, [&](Node& node) {
    if (node.kind != Kind::image) return;
    const auto found =
        std::find_if(images.begin(), images.end(), [&](const InlineImage& image) { return image.address == node.url; });
    node.id = found == images.end() ? std::string() : found->blob;
    if (node.id.empty()) return;
    if (std::find(shown.begin(), shown.end(), node.id) == shown.end()) shown.push_back(node.id);
  });
  return shown;
}

/// The pictures of a tree that are files of the item, each once, and the room that they take where they are shown.
std::vector<Node> pictures_in(const Node& tree, std::size_t room, const TextContext& context, std::size_t& taken) {
  std::vector<Node> found;
  if (!context.images || context.images->empty()) return found;
  Node copy = tree;
  find_images(copy, *context.images);
  std::set<std::string> known;
  richtext::rewrite(copy, [&](Node& node) {
    if (node.kind != Kind::image || node.id.empty() || known.count(node.id)) return;
    // Markup names the file.
    const std::size_t size = node.text.size() + (context.markup == Markup::wiki ? 2 * node.id.size() + 100 : 1);
    if (taken + size > room) return;
    taken += size;
    known.insert(node.id);
    found.push_back(node);
  });
  return found;
}

std::size_t length_of(const Node& tree, Markup markup) {
  return richtext::utf16_length(markup == Markup::wiki ? richtext::print_wiki(tree).text : richtext::plain_text(tree));
}

Node with_media(const Node& original, const std::map<std::string, std::string>& media) {
  Node tree = original;
  if (media.empty()) return tree;
  richtext::rewrite(tree, [&](Node& node) {
    if (node.kind != Kind::image) return;
    const auto found = media.find(node.id);
    if (found != media.end()) node.target = found->second;
  });
  return tree;
}

Value print(const Node& tree, Markup markup, richtext::Losses& losses, boost::json::storage_ptr storage = {}) {
  if (markup == Markup::wiki) {
    richtext::Printed out = richtext::print_wiki(tree);
    losses.add(out.losses);
    return Value(out.text, std::move(storage));
  }
  richtext::PrintedAdf out = richtext::print_adf(tree, std::move(storage));
  losses.add(out.losses);
  return std::move(out.document);
}

/// What is put together here gets the form that the texts have already, so that nothing is copied to be printed.
std::vector<Node> in_order(std::vector<Node> blocks, richtext::Losses& losses) {
  return richtext::normalised(Node(Kind::document, std::move(blocks)), losses).children;
}

void append(Node& tree, std::vector<Node> blocks) {
  std::move(blocks.begin(), blocks.end(), std::back_inserter(tree.children));
}

/// Those of the pictures that the text does not show, behind it.
void append_missing(Node& text, std::vector<Node> pictures, const TextContext& context) {
  if (pictures.empty()) return;
  const std::vector<std::string> shown = find_images(text, *context.images);
  std::erase_if(pictures,
                [&](const Node& picture) { return std::find(shown.begin(), shown.end(), picture.id) != shown.end(); });
  if (!pictures.empty()) text.children.push_back(line(std::move(pictures)));
}

/// The text between what stands before and after it.
Text finished(std::vector<Node> before, Node body, std::vector<Node> after, Text text, const TextContext& context) {
  if (context.images) text.images = find_images(body, *context.images);
  before = in_order(std::move(before), text.losses);
  after = in_order(std::move(after), text.losses);
  text.tree.children.reserve(before.size() + body.children.size() + after.size());
  append(text.tree, std::move(before));
  append(text.tree, std::move(body.children));
  append(text.tree, std::move(after));
  // Printed once here to hear what the format cannot hold: as if every image had its place already.
  std::map<std::string, std::string> media;
  for (const std::string& image : text.images) media.emplace(image, image);
  if (text.images.empty())
    text.body = print(text.tree, context.markup, text.losses, context.storage);
  else
    print(with_media(text.tree, media), context.markup, text.losses);
  return text;
}

/// Whether a text may be longer than what fits: to measure it takes time. Markup and entities only make it shorter.
bool may_overflow(const ItemText& source, const TextContext& context) {
  const std::size_t size = source.format == "adf" ? context.limit : source.text.size();
  return size * growth(context.markup) + context.limit / rows_share + 2000 > context.limit;
}

/// `before`, the text, `after`; of the text as much as fits, and then where the rest is.
Text assembled(const std::string& what, const ItemText& source, std::vector<Node> before, std::vector<Node> after,
               const TextContext& context) {
  Text text(context.storage);
  richtext::Parsed parsed = richtext::parse(source);
  text.losses = std::move(parsed.losses);
  Node body = std::move(parsed.document);
  if (may_overflow(source, context)) {
    Node frame(Kind::document);
    for (const Node& node : before) frame.children.push_back(node);
    for (const Node& node : after) frame.children.push_back(node);
    const std::size_t taken = length_of(frame, context.markup) + 2;
    Original original = original_of(what, source);
    std::vector<Node> said;
    said.push_back(words(std::string(goes_on)));
    said.push_back(strong(original.name));
    std::vector<Node> blocks;
    blocks.push_back(line(std::move(said)));
    const Node note = panel("warning", std::move(blocks));
    const Markup markup = context.markup;
    const auto length = [markup](const Node& tree) { return length_of(tree, markup); };
    const std::size_t room = context.limit > taken ? context.limit - taken : 0;
    richtext::Split split = richtext::split_at(body, room, note, length);
    if (split.cut) {
      // Jira deletes a picture that its text shows no longer: those of the rest stand behind the note.
      std::size_t shown = 0;
      std::vector<Node> pictures = pictures_in(body, room / pictures_share, context, shown);
      if (!pictures.empty()) split = richtext::split_at(body, room - shown, note, length);
      body = std::move(split.head);
      if (body.children.empty()) body.children.push_back(note);
      append_missing(body, std::move(pictures), context);
      text.original = std::move(original);
      text.losses.add("text", "the beginning, and the whole as an attachment");
    }
  }
  return finished(std::move(before), std::move(body), std::move(after), std::move(text), context);
}

/// As many as it takes, each under a panel that says which one it is.
std::vector<Text> hidden_texts(const Comment& comment, const TextContext& context) {
  const auto under = [&](const std::string& which) {
    std::vector<Node> panel;
    panel.push_back(
        author_panel(comment.author, comment.created, comment.updated, comment.kind, comment.internal, which));
    return panel;
  };
  richtext::Parsed parsed = richtext::parse(comment.body);
  std::vector<Node> pieces;
  if (may_overflow(comment.body, context)) {
    const auto length = [&](const Node& tree) { return length_of(tree, context.markup); };
    const std::size_t taken = length(Node(Kind::document, under(", part 1000 of 1000"))) + 2;
    // Without this much room nothing would ever be done.
    const std::size_t room = std::max(context.limit, taken + least_piece) - taken;
    pieces = pieces_of(std::move(parsed.document), room, length);
  } else {
    pieces.push_back(std::move(parsed.document));
  }
  std::vector<Text> texts;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    Text text(context.storage);
    if (i == 0) text.losses = std::move(parsed.losses);
    const bool only = pieces.size() == 1;
    const std::string which = only ? std::string() : fmt::format(", part {} of {}", i + 1, pieces.size());
    texts.push_back(finished(under(which), std::move(pieces[i]), {}, std::move(text), context));
  }
  return texts;
}

std::string text_of(const Value& value) {
  if (value.is_string()) return std::string(value.get_string());
  if (value.is_bool()) return value.get_bool() ? "yes" : "no";
  if (const Object* object = value.if_object(); object && object->size() == 1) {
    const auto& member = *object->begin();
    if (member.key().starts_with('$') && member.value().is_string()) {
      const std::string text(member.value().get_string());
      return member.key() == "$date" ? readable_time(text) : text;
    }
  }
  return boost::json::serialize(value);
}

void flatten(const std::string& path, const Value& value, Rows& rows) {
  if (value.is_null()) return;
  if (const Object* object = value.if_object()) {
    const bool marked = object->size() == 1 && object->begin()->key().starts_with('$');
    if (!marked) {
      for (const auto& member : *object)
        flatten(fmt::format("{}.{}", path, std::string(member.key())), member.value(), rows);
      return;
    }
  }
  if (const Array* list = value.if_array()) {
    const bool plain =
        std::none_of(list->begin(), list->end(), [](const Value& each) { return each.is_object() || each.is_array(); });
    if (!plain) {
      std::size_t number = 0;
      for (const Value& each : *list) flatten(fmt::format("{}[{}]", path, number++), each, rows);
      return;
    }
    std::string joined;
    for (const Value& each : *list) joined += (joined.empty() ? "" : ", ") + text_of(each);
    if (!joined.empty()) rows.emplace_back(path, joined);
    return;
  }
  std::string text = text_of(value);
  if (!text.empty()) rows.emplace_back(path, std::move(text));
}

}  // namespace

Original original_of(const std::string& what, const ItemText& text) {
  Original original;
  std::string end = ".txt";
  original.media_type = "text/plain; charset=utf-8";
  original.content = text.text;
  if (text.format == "html") {
    end = ".html";
    original.media_type = "text/html; charset=utf-8";
  } else if (text.format == "markdown") {
    end = ".md";
    original.media_type = "text/markdown; charset=utf-8";
  } else if (text.format == "adf") {
    end = ".json";
    original.media_type = "application/json";
    original.content = boost::json::serialize(text.document);
  }
  original.step = step_name("original", fmt::format("{}:{}", what, fingerprint_of(original.content).substr(0, 8)));
  Blob blob;
  blob.id = original_blob(original.step);
  blob.name = what + end;
  original.name = file_name(blob);
  return original;
}

std::string original_blob(const std::string& step) { return "original-" + step.substr(step.rfind(':') + 1); }

Text description_text(const RecordRef& record, const Item& item, const ItemText& whole, const Rows& further,
                      const TextContext& context) {
  std::vector<Node> before, after;
  before.push_back(origin_panel(record, item));
  if (!further.empty()) after.push_back(panel("info", rows_blocks(further)));
  return assembled("description", whole, std::move(before), std::move(after), context);
}

bool fit_panel(const Rows& rows, const TextContext& context) {
  std::size_t size = 0;
  for (const auto& [name, value] : rows) size += name.size() + value.size() + 3;
  return size * growth(context.markup) <= context.limit / rows_share;
}

ItemText with_rows(const ItemText& text, const Rows& rows) {
  ItemText whole;
  whole.format = "html";
  Node list(Kind::document, rows_blocks(rows));
  if (text.format == "html") {
    whole.text = text.text + richtext::print_html(list).text;
    return whole;
  }
  Node tree = richtext::parse(text).document;
  append(tree, std::move(list.children));
  whole.text = richtext::print_html(tree).text;
  return whole;
}

std::vector<Text> comment_texts(const Comment& comment, bool hidden, const TextContext& context) {
  if (hidden) return hidden_texts(comment, context);
  std::vector<Node> before;
  before.push_back(author_panel(comment.author, comment.created, comment.updated, comment.kind, comment.internal));
  std::vector<Text> texts;
  texts.push_back(assembled("comment-" + comment.id, comment.body, std::move(before), {}, context));
  return texts;
}

Text worklog_text(const Worklog& worklog, const TextContext& context) {
  std::vector<Node> before;
  before.push_back(author_panel(worklog.author, {}, {}, worklog.billable ? "billable" : "", false));
  return assembled("worklog-" + worklog.id, worklog.note, std::move(before), {}, context);
}

Value printed_once(Text& text, Markup markup, const std::map<std::string, std::string>& media,
                   const std::vector<NamedFile>& files) {
  if (!text.body.is_null() && files.empty()) return std::exchange(text.body, Value());
  return printed(text, markup, media, files);
}

Value printed(const Text& text, Markup markup, const std::map<std::string, std::string>& media,
              const std::vector<NamedFile>& files) {
  if (!text.body.is_null() && files.empty()) return text.body;
  Node tree = with_media(text.tree, media);
  if (!files.empty()) {
    std::vector<Node> parts;
    parts.push_back(words("Files: "));
    for (const NamedFile& file : files) {
      if (&file != &files.front()) parts.push_back(words(", "));
      parts.push_back(words(file.name, file.address));
    }
    tree.children.push_back(line(std::move(parts)));
  }
  richtext::Losses told;  // when the text was put together
  return print(tree, markup, told);
}

std::string canonical(const Value& body, Markup markup) {
  if (markup == Markup::document) return richtext::canonical_text(richtext::parse_adf(body).document);
  if (!body.is_string()) return {};
  // Line ends and blanks at the ends of lines are Jira's own.
  std::string out;
  for (const char byte : body.get_string()) {
    if (byte == '\r') continue;
    if (byte == '\n')
      while (!out.empty() && (out.back() == ' ' || out.back() == '\n')) out.pop_back();
    out += byte;
  }
  while (!out.empty() && (out.back() == ' ' || out.back() == '\n')) out.pop_back();
  return out;
}

std::string fingerprint_of(const std::string& canonical) { return sha256(canonical).substr(0, 16); }

Rows flat(const Object& members) {
  Rows rows;
  for (const auto& member : members) flatten(std::string(member.key()), member.value(), rows);
  return rows;
}

std::string named(const Person& person) {
  if (person.name.empty()) return person.email.empty() ? person.id : person.email;
  return person.email.empty() ? person.name : fmt::format("{} ({})", person.name, person.email);
}

std::string one_line(const std::string& text, std::size_t limit, bool& cut) {
  std::string line;
  for (const char byte : text) {
    const bool blank = static_cast<unsigned char>(byte) <= ' ' || byte == 0x7F;
    if (!blank)
      line += byte;
    else if (!line.empty() && line.back() != ' ')
      line += ' ';
  }
  while (!line.empty() && line.back() == ' ') line.pop_back();
  cut = false;
  if (line.size() <= limit || richtext::utf16_length(line) <= limit) return line;
  cut = true;
  std::size_t end = line.size();
  // The ellipsis is one character.
  while (end > 0 && richtext::utf16_length(std::string_view(line).substr(0, end)) + 1 > limit) {
    --end;
    while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xC0) == 0x80) --end;
  }
  return line.substr(0, end) + "…";
}

}  // namespace migrate::jira
