// What a project is like: its types, screens, statuses, links, and what the account may do in it. Asked once a run.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api.hpp"
#include "migrate/task_group.hpp"
#include "names.hpp"
#include "workflow.hpp"

namespace migrate::jira {

/// One field of a create screen.
struct Field {
  std::string id, name;
  std::string type, items;            ///< "string", "option", "array" of "string", …
  std::string custom;                 ///< the kind of a custom field, for example "…customfieldtypes:textarea"
  bool required = false;              ///< and nobody fills it in by default
  std::vector<std::string> allowed;   ///< names or values; empty: any
  bool is_document() const noexcept;  ///< takes ADF
};

struct Screen {
  std::map<std::string, Field> fields;
  bool has(const std::string& id) const { return fields.count(id) != 0; }
};

/// Where a type's parent stands: "parent", or Data Center's link to an epic. Null: its issues have none.
const Field* parent_field(const Screen& screen);
/// The value of that field for a parent, and the parent's key in an issue as Jira shows it.
Value parent_value(const Field& field, const std::string& key);
std::string parent_in(const Value& issue, const Field& field);

struct IssueType {
  std::string id, name;
  bool subtask = false;
  std::vector<IssueStatus> statuses;
  std::optional<Screen> screen;  ///< once asked
};

struct LinkType {
  std::string name, inward, outward;
};

struct Site {
  Account self;
  std::string project_key, project_name, project_id;
  bool service_management = false;
  bool silences = false;  ///< may edit without notifying watchers
  std::vector<IssueType> types;
  bool linking = true;  ///< issues can be linked at all
  std::vector<LinkType> links;
  std::vector<std::string> roles;  ///< of the project; empty: not told
  bool attachments = true;
  std::uint64_t upload_limit = 0;  ///< bytes; 0: not known
  std::map<std::string, bool> rights;

  /// The account is known not to have it.
  bool lacks(const std::string& right) const;
  bool may_edit_worklogs() const { return !lacks("EDIT_OWN_WORKLOGS") || !lacks("EDIT_ALL_WORKLOGS"); }
  /// Without regard to case; null when there is none.
  IssueType* type(const std::string& name);
  const IssueType* type(const std::string& name) const { return const_cast<Site*>(this)->type(name); }
  /// Null when the type's workflow has no such status.
  static const IssueStatus* status(const IssueType& type, const std::string& name);
};

/// Reads the site, once, however many ask. On the run's strand.
class SiteReader {
 public:
  explicit SiteReader(Api& api) : api_(api) {}
  /// Throws what the calls throw; the next caller tries again then.
  awaitable<Site*> site();
  /// The create screens of all types, side by side: for who will ask for each.
  awaitable<void> screens();
  /// The create screen of a type.
  awaitable<const Screen*> screen(IssueType& type);

 private:
  awaitable<void> load(Site& site);
  awaitable<void> load_project(Site& site);
  awaitable<void> load_rights(Site& site);
  awaitable<void> load_types(Site& site);
  awaitable<void> load_links(Site& site);
  awaitable<void> load_uploads(Site& site);

  Api& api_;
  std::unique_ptr<Site> site_;
  std::shared_ptr<Event> loading_;
};

/// Every right that the migration uses, for one request.
std::vector<std::string> rights_asked();

}  // namespace migrate::jira
