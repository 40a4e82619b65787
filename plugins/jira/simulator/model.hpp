// What the stand-in holds: plain data, small enough for tens of thousands of issues.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "migrate/record.hpp"

namespace migrate::jira::sim {

using Millis = std::int64_t;  ///< since 1970, by the services' clock
using Index = std::uint32_t;  ///< a position in a list of the site or the store
inline constexpr Index none = std::numeric_limits<Index>::max();

struct Named {
  std::string id, name;
};

struct User {
  std::string account_id, login, name, email;
  bool active = true, hidden = false, customer = false;
  bool assignable() const noexcept { return active && !customer; }
};

struct Status : Named {
  std::string category;  ///< new, indeterminate, done
};

/// A step of the workflow, which all projects share.
struct Transition : Named {
  Index from = none, to = none;
  bool wants_resolution = false;
};

struct IssueType : Named {
  int level = 0;  ///< -1 sub-task, 0 standard, 1 epic
};

struct LinkType : Named {
  std::string inward, outward;
};

struct Component : Named {
  Index project = none;
  std::string description;
};

enum class Kind {
  text,
  rich,
  number,
  date,
  datetime,
  url,
  option,
  options,
  user,
  labels,  // these custom fields have too
  project,
  issue_type,
  priority,
  status,
  resolution,
  parent,
  epic_link,
  components,
  versions,
  time_tracking,
  read_only
};

struct Field : Named {
  Kind kind = Kind::text;
  bool custom = false, on_create = false, on_edit = false, required = false, navigable = true;
  std::vector<Named> options;
};

struct Project : Named {
  std::string key, type;
  std::vector<std::string> former_keys;  ///< by which it is found still
  std::vector<Index> issue_types;
  std::uint32_t last_number = 0;
};

struct Attachment {
  std::uint64_t id = 0, size = 0;
  std::string media, name, media_type, sha256;
  Millis created = 0;
  Index author = 0;
  std::shared_ptr<const std::string> bytes;  ///< null: only size and hash were kept
};

using Property = std::pair<std::string, std::string>;  ///< key and JSON

/// Rich text is kept as it is answered: on Cloud the JSON of a document, on Data Center wiki markup; empty: null.
struct Comment {
  std::uint64_t id = 0;
  std::string body;
  Millis created = 0, updated = 0;
  Index author = 0, update_author = 0;
  std::string visibility_type, visibility_value;
  std::vector<Property> properties;
};

struct Worklog {
  std::uint64_t id = 0;
  std::int64_t seconds = 0;
  Millis created = 0, updated = 0, started = 0;
  Index author = 0, update_author = 0;
  std::string comment, visibility_type, visibility_value;
  std::vector<Property> properties;
};

struct RemoteLink {
  std::uint64_t id = 0;
  std::string global_id;
  std::string json;  ///< object, relationship and application as they were sent
};

/// "inward does to outward what the type's outward phrase says": POST {Blocks, inwardIssue: A, outwardIssue: B} makes
/// "A blocks B".
struct Link {
  std::uint64_t id = 0;
  Index type = none, inward = none, outward = none;
};

/// A text that may be long and that nobody changes: copies share it.
class LongText {
 public:
  LongText() = default;
  LongText(std::string text) {
    if (!text.empty()) text_ = std::make_shared<const std::string>(std::move(text));
  }
  bool empty() const noexcept { return !text_; }
  /// Of copies the very same object.
  operator const std::string&() const noexcept { return text_ ? *text_ : nothing; }

 private:
  static inline const std::string nothing;
  std::shared_ptr<const std::string> text_;
};

/// The values of an issue's fields. A change makes a new copy; the index keeps the one that it has seen.
struct Values {
  std::string summary, due;
  LongText description, environment;
  std::vector<std::string> labels;  ///< sorted, as they are answered
  Index type = none, priority = none, status = 0, resolution = none, assignee = none, reporter = none, parent = none;
  std::vector<Index> components, fix_versions, versions;
  std::vector<std::pair<Index, std::string>> custom;  ///< field, JSON of its stored form; no entry: null
  Millis created = 0, updated = 0, resolved = 0, status_changed = 0;
  std::int64_t estimate = -1, remaining = -1;  ///< seconds; -1: null
};

/// One edit of an issue's fields, as the change log shows it.
struct Change {
  struct Item {
    std::string field, from, to;  ///< the field's id; the values as people read them
  };
  std::uint64_t id = 0;
  Millis at = 0;
  Index author = 0;
  std::vector<Item> items;
};

/// Tokens that refill with time.
struct Bucket {
  double tokens = -1;  ///< -1: never used, so full
  Millis at = 0;
};

struct Issue {
  std::uint64_t id = 0;
  Index position = none, project = none, creator = 0;
  std::string key;
  std::uint32_t number = 0;
  bool deleted = false;
  std::shared_ptr<const Values> now;
  std::shared_ptr<const Values> indexed;  ///< what a search sees; null: nothing yet
  std::vector<Attachment> attachments;
  std::vector<Comment> comments;
  std::vector<Worklog> worklogs;
  std::vector<RemoteLink> remote_links;
  std::vector<std::uint64_t> links;
  std::vector<Property> properties;
  std::vector<Change> history;
  std::vector<Index> children, watchers;  ///< children: sub-tasks, or what belongs to an epic
  std::array<Bucket, 2> writes;           ///< of 2 s and of 30 s
};

}  // namespace migrate::jira::sim
