// Tickets, issues, work items: the one shape that item connectors exchange, so that any source goes with any sink.
//
// A record of an item holds it as an object under these names. A member that is absent is not known; null and an empty
// list say that there is none. Members of other names are the source's own; a sink carries those that its configuration
// names, and reports the others.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "migrate/record.hpp"

MIGRATE_BEGIN

/// Somebody as the source knows them. `id` names the person among the source's; the rest may be empty.
struct Person {
  std::string id, name, email;
  bool operator==(const Person&) const = default;
};

/// Text with its format: "html", "markdown", "adf", "wiki" or "plain"; ADF is `document`, the others are `text`.
/// As a value: {"$richText":{"format":…,"text":…}} or {"$richText":{"format":"adf","doc":…}}.
struct ItemText {
  std::string format = "plain", text;
  Value document;
  bool empty() const noexcept { return text.empty() && document.is_null(); }
};

/// A picture that a text shows, by the address that stands in the text, and the blob that holds its bytes.
struct InlineImage {
  std::string address, blob;
};

struct Comment {
  std::string id;
  std::optional<Person> author;
  std::string created;   ///< RFC 3339, UTC; as all times here
  std::string updated;
  ItemText body;
  bool internal = false; ///< for staff only; must never become visible to the requester
  std::string kind;      ///< "reply", "note", "forward", …: the source's word, for a preamble
  std::vector<std::string> blobs;  ///< ids of Record::blobs that belong to this comment
};

/// Time spent.
struct Worklog {
  std::string id;
  std::optional<Person> author;
  std::string started;
  std::int64_t seconds = 0;
  ItemText note;
  bool billable = false;
};

/// Record::data of an item, typed: {"title","description","kind","status","priority","labels","reporter","assignee",
/// "created","updated","due","url","comments","worklogs","images","fields"}. Files are Record::blobs; those that no
/// comment lists belong to the item itself. Relations to other items are Record::links, with the relation's word
/// ("parent", "relates", "blocks", "duplicates") as Link::relation.
struct MIGRATE_API Item {
  Item();
  /// Throws Error(invalid, "not_an_item") naming the member whose shape is wrong.
  explicit Item(const Value& data);
  /// Members that are empty are left out, except title.
  Value value() const;

  std::string title;
  ItemText description;
  std::string kind, status, priority;
  std::vector<std::string> labels;
  std::optional<Person> reporter, assignee;
  std::string created, updated, due, url;
  std::vector<Comment> comments;
  std::vector<Worklog> worklogs;
  std::vector<InlineImage> images;
  Object fields;  ///< further fields by the name that they have at the sink: {"customfield_10042":"P-7"}
  Object others;  ///< members of other names, as they came
};

MIGRATE_END
