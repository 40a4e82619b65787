// What one item becomes in Jira, worked out before anything is asked or written. Pure; callable from any thread.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "migrate/sink.hpp"
#include "site.hpp"
#include "text.hpp"

namespace migrate::jira {

/// What was looked up for the item.
struct Looked {
  const Site* site = nullptr;
  const IssueType* type = nullptr;
  const Screen* screen = nullptr;
  std::optional<std::string> reporter, assignee;  ///< account ids
  bool assignee_is_fallback = false;
  std::string parent;     ///< issue key; empty: none, or not there yet
  std::size_t limit = 0;  ///< characters of a text
  bool cloud = true;      ///< people are named by accountId; on Data Center by name
};

/// How a comment for staff is kept from others.
enum class Audience { service_management, role, group };
/// Throws Error(invalid, "internal_comment") when there is no way: such a comment must not be written at all.
Audience audience_for(const Site& site, const SinkConfig& config);

struct CommentDraft {
  const Comment* comment = nullptr;
  bool hidden = false;      ///< internal, or it stays so in Jira
  std::vector<Text> texts;  ///< one; of a hidden comment that is too long for one several, each a comment of its own
  std::vector<NamedFile> files;  ///< addresses are filled in when the files are there
  std::vector<std::string> blobs;
  std::size_t limit = 0;  ///< of this text, when it is another than that of the others; 0: as the others
};

struct WorklogDraft {
  explicit WorklogDraft(const boost::json::storage_ptr& storage) : text(storage) {}
  const Worklog* worklog = nullptr;
  Text text;
  std::int64_t seconds = 0;
  std::string started;
};

struct Draft {
  Draft() : arena(make_arena()), fields(arena.get()), description(arena.get()) {}
  Draft(Draft&&) noexcept = default;
  Draft& operator=(Draft&& other) noexcept {
    if (this == &other) return *this;
    // Member by member would copy values from arena to arena, when the first one is gone.
    std::destroy_at(this);
    return *std::construct_at(this, std::move(other));
  }
  ~Draft() = default;

  std::shared_ptr<boost::json::monotonic_resource> arena;  ///< of all that is printed; goes last
  Object fields;             ///< as POST /issue takes them, but for description and labels
  std::string parent_field;  ///< the one of `fields` that names the parent, if any
  std::vector<std::string> labels;
  Text description;
  ItemText whole;  ///< what the description is made of: the item's, and further fields that fit nowhere else
  const IssueStatus* status = nullptr;  ///< null: wherever the workflow begins
  std::vector<CommentDraft> comments;   ///< oldest first
  std::vector<WorklogDraft> worklogs;
  std::vector<const Blob*> files;                   ///< that can be moved
  std::vector<const Blob*> withheld;                ///< of comments for staff alone, left out for it
  std::map<std::string, std::string> fingerprints;  ///< of each field, by its id: what the source says
  std::vector<Warning> warnings;                    ///< what is lost or changed on the way

  bool moves(const std::string& blob) const;
  /// The item's pictures that Jira gets: texts show the others as what they stand for.
  std::vector<InlineImage> pictures(const Item& item) const;
};

/// Refers to `record` and `item`. Throws Error(invalid) when Jira would refuse the item or the configuration does.
Draft draft_of(const Record& record, const Item& item, const Looked& looked, const SinkConfig& config);

/// The type that the item gets, by its kind or by the configuration. Throws Error(invalid, "unknown_issue_type").
IssueType& type_for(Site& site, const Item& item, const SinkConfig& config);

/// A value of `fields` in the form that the field takes: a text for an option is {"value": …}, for a paragraph a
/// document.
Value fitted(const Field& field, const Value& value, Markup markup, bool cloud);

/// The last part of every relation's way: "parent", or a link type with its direction.
struct Relation {
  bool parent = false;
  std::string type;     ///< name of the link type
  bool outward = true;  ///< the record says the outward phrase of its target
};
/// Throws Error(invalid, "unknown_relation").
Relation relation_for(const std::string& word, const Site& site, const SinkConfig& config);

/// Adds a warning to the record, once, however often its operation is tried.
void warn(Operation& operation, const Warning& warning);

}  // namespace migrate::jira
