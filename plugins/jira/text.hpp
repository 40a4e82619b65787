// Descriptions and comments on their way into Jira: who wrote them and when, the text, what did not fit.
//
// Pure functions, callable from any thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "migrate/item.hpp"
#include "migrate/richtext/document.hpp"

namespace migrate::jira {

enum class Markup { document, wiki };

/// A file of the sink's own: the whole of a text of which only the beginning fits.
struct Original {
  std::string step, name, media_type, content;
};

/// One text of an item, complete but for the places of its images on the target.
struct Text {
  /// `storage` has to outlive `body`.
  explicit Text(const boost::json::storage_ptr& storage = {}) : body(storage) {}
  richtext::Node tree;
  richtext::Losses losses;
  std::vector<std::string> images;  ///< blobs that the text shows
  std::optional<Original> original;
  Value body;  ///< printed, where there are no images
};

/// "name: value", in order.
using Rows = std::vector<std::pair<std::string, std::string>>;

/// What surrounds an item's texts.
struct TextContext {
  Markup markup = Markup::document;
  std::size_t limit = 0;  ///< characters of a text
  const std::vector<InlineImage>* images = nullptr;
  boost::json::storage_ptr storage;  ///< where the printed text is made
};

/// A file that a comment brings along, by its name on the target.
struct NamedFile {
  std::string name, address;
};

/// `whole`, with a panel that says where the item comes from, who wrote it and when, and one with the further fields.
Text description_text(const RecordRef& record, const Item& item, const ItemText& whole, const Rows& further,
                      const TextContext& context);
/// Whether the panel leaves the text enough room. What does not fit there becomes a part of the text, and is cut with
/// it.
bool fit_panel(const Rows& rows, const TextContext& context);
ItemText with_rows(const ItemText& text, const Rows& rows);
/// One text. Of a comment that is `hidden` from some as many as it takes, each of which fits: Jira shows attachments to
/// all who see the issue, so that the rest of such a text must not go into one.
std::vector<Text> comment_texts(const Comment& comment, bool hidden, const TextContext& context);
Text worklog_text(const Worklog& worklog, const TextContext& context);

/// The whole of a text as a file; `what` is "description", "comment-5001" or "worklog-7". Step and file are named by
/// the content too: of another content there is another file, and the text that names it is another text.
Original original_of(const std::string& what, const ItemText& text);
/// What stands for the file in the place of a blob's id, by the name of its step.
std::string original_blob(const std::string& step);
/// What a text that was cut says where it ends, followed by the file's name.
inline constexpr std::string_view goes_on = "The text goes on in the attachment ";

/// The text as Jira takes it: a document, or markup as a string. `media`: what a blob of an image is on the target:
/// media id (document) or file name (wiki). `files`: listed at the end, with links.
Value printed(const Text& text, Markup markup, const std::map<std::string, std::string>& media,
              const std::vector<NamedFile>& files);

/// The same, handed over rather than copied: a second time it is printed anew.
Value printed_once(Text& text, Markup markup, const std::map<std::string, std::string>& media,
                   const std::vector<NamedFile>& files);

/// For comparing: equal for what was written and what Jira gives back of it. Images by their presence.
std::string canonical(const Value& body, Markup markup);
/// Short and the same in every run: what stands for a text in the property.
std::string fingerprint_of(const std::string& canonical);

/// Members of an item that Jira has no place for, flat: {"custom_fields":{"cf_a":1}} is "custom_fields.cf_a". Empty
/// ones are left out.
Rows flat(const Object& members);
/// A person for a preamble: "Lea (lea@x.test)".
std::string named(const Person& person);
/// One line of at most `limit` characters as Java counts them; `cut` tells whether something is missing.
std::string one_line(const std::string& text, std::size_t limit, bool& cut);

}  // namespace migrate::jira
