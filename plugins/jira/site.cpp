#include "site.hpp"

#include <fmt/format.h>
#include <boost/asio/this_coro.hpp>

#include <algorithm>

#include "json.hpp"
#include "names.hpp"

namespace migrate::jira {

namespace {

constexpr std::size_t reads_at_once = 5;

Field field_from(const Value& value) {
  Field field;
  field.id = text_at(value, {"fieldId"});
  if (field.id.empty()) field.id = text_at(value, {"key"});
  field.name = text_at(value, {"name"});
  field.type = text_at(value, {"schema", "type"});
  field.items = text_at(value, {"schema", "items"});
  field.custom = text_at(value, {"schema", "custom"});
  field.required = truth_at(value, {"required"}) && !truth_at(value, {"hasDefaultValue"});
  for (const Value& allowed : list_at(value, {"allowedValues"})) {
    std::string name = text_at(allowed, {"name"});
    if (name.empty()) name = text_at(allowed, {"value"});
    if (!name.empty()) field.allowed.push_back(std::move(name));
  }
  return field;
}

/// Wakes those who wait, however the reading ends.
struct Announced {
  explicit Announced(std::shared_ptr<Event>& event) : event_(event) {}
  Announced(const Announced&) = delete;
  Announced& operator=(const Announced&) = delete;
  ~Announced() { std::exchange(event_, nullptr)->set(); }
  std::shared_ptr<Event>& event_;
};

}  // namespace

bool Field::is_document() const noexcept {
  return id == "description" || id == "environment" || custom.ends_with(":textarea");
}

const Field* parent_field(const Screen& screen) {
  if (const auto parent = screen.fields.find("parent"); parent != screen.fields.end()) return &parent->second;
  for (const auto& [id, field] : screen.fields)
    if (field.custom.ends_with(":gh-epic-link")) return &field;
  return nullptr;
}

Value parent_value(const Field& field, const std::string& key) {
  if (field.id != "parent") return Value(key);
  return object("key", key);
}

std::string parent_in(const Value& issue, const Field& field) {
  return field.id == "parent" ? text_at(issue, {"fields", "parent", "key"}) : text_at(issue, {"fields", field.id});
}

IssueType* Site::type(const std::string& name) {
  for (IssueType& type : types)
    if (same_name(type.name, name)) return &type;
  return nullptr;
}

bool Site::lacks(const std::string& right) const {
  const auto found = rights.find(right);
  return found != rights.end() && !found->second;
}

const IssueStatus* Site::status(const IssueType& type, const std::string& name) {
  for (const IssueStatus& status : type.statuses)
    if (same_name(status.name, name)) return &status;
  return nullptr;
}

std::vector<std::string> rights_asked() {
  return {"BROWSE_PROJECTS",
          "CREATE_ISSUES",
          "EDIT_ISSUES",
          "ADD_COMMENTS",
          "CREATE_ATTACHMENTS",
          "TRANSITION_ISSUES",
          "LINK_ISSUES",
          "DELETE_ISSUES",
          "MODIFY_REPORTER",
          "ASSIGN_ISSUES",
          "WORK_ON_ISSUES",
          "ADMINISTER_PROJECTS",
          "ADMINISTER",
          "EDIT_OWN_COMMENTS",
          "EDIT_ALL_COMMENTS",
          "DELETE_OWN_COMMENTS",
          "DELETE_ALL_COMMENTS",
          "DELETE_OWN_ATTACHMENTS",
          "DELETE_ALL_ATTACHMENTS",
          "EDIT_OWN_WORKLOGS",
          "EDIT_ALL_WORKLOGS"};
}

awaitable<Site*> SiteReader::site() {
  while (loading_) {
    std::shared_ptr<Event> loading = loading_;
    co_await loading->wait();
  }
  if (site_) co_return site_.get();
  boost::asio::any_io_executor executor = co_await boost::asio::this_coro::executor;
  loading_ = std::make_shared<Event>(executor);
  Announced announced(loading_);
  auto fresh = std::make_unique<Site>();
  co_await load(*fresh);
  site_ = std::move(fresh);
  co_return site_.get();
}

awaitable<void> SiteReader::load(Site& site) {
  site.self = co_await api_.myself();
  co_await api_.server();
  // These need nothing of each other, and each answer may take its time.
  boost::asio::any_io_executor executor = co_await boost::asio::this_coro::executor;
  TaskGroup group(executor, reads_at_once);
  for (const auto part : {&SiteReader::load_project, &SiteReader::load_rights, &SiteReader::load_types,
                          &SiteReader::load_links, &SiteReader::load_uploads}) {
    awaitable<void> reading = (this->*part)(site);
    const bool started = co_await group.spawn(std::move(reading));
    if (!started) break;
  }
  co_await group.join();
}

awaitable<void> SiteReader::load_project(Site& site) {
  const Value project = co_await api_.get("/project/" + http::encode(api_.project()));
  site.project_key = text_at(project, {"key"});
  site.project_name = text_at(project, {"name"});
  site.project_id = text_at(project, {"id"});
  site.service_management = text_at(project, {"projectTypeKey"}) == "service_desk";
  if (const Value* roles = find(project, {"roles"}); roles && roles->is_object())
    for (const auto& role : roles->get_object()) site.roles.emplace_back(role.key());
}

awaitable<void> SiteReader::load_rights(Site& site) {
  std::vector<std::string> names = rights_asked();
  site.rights = co_await api_.rights(std::move(names));
  site.silences = site.rights["ADMINISTER_PROJECTS"] || site.rights["ADMINISTER"];
}

awaitable<void> SiteReader::load_links(Site& site) {
  const std::optional<Value> links = co_await api_.get_if_shown("/issueLinkType");
  site.linking = links.has_value();
  if (!links) co_return;
  for (const Value& link : list_at(*links, {"issueLinkTypes"})) {
    LinkType type;
    type.name = text_at(link, {"name"});
    type.inward = text_at(link, {"inward"});
    type.outward = text_at(link, {"outward"});
    site.links.push_back(std::move(type));
  }
}

awaitable<void> SiteReader::load_uploads(Site& site) {
  const Value uploads = co_await api_.get("/attachment/meta");
  site.attachments = truth_at(uploads, {"enabled"});
  site.upload_limit = static_cast<std::uint64_t>(std::max<std::int64_t>(0, number_at(uploads, {"uploadLimit"})));
}

awaitable<void> SiteReader::screens() {
  Site* const all = co_await site();
  boost::asio::any_io_executor executor = co_await boost::asio::this_coro::executor;
  TaskGroup group(executor, reads_at_once);
  auto read = [this](IssueType* type) -> awaitable<void> { co_await screen(*type); };
  for (IssueType& type : all->types) {
    awaitable<void> reading = read(&type);
    const bool started = co_await group.spawn(std::move(reading));
    if (!started) break;
  }
  co_await group.join();
}

awaitable<void> SiteReader::load_types(Site& site) {
  const std::string path = "/issue/createmeta/" + http::encode(api_.project()) + "/issuetypes";
  for (std::size_t start = 0;;) {
    const std::string target = fmt::format("{}?startAt={}&maxResults=100", path, start);
    const Value page = co_await api_.get(target);
    const Array& cloud = list_at(page, {"issueTypes"});
    const Array& list = cloud.empty() ? list_at(page, {"values"}) : cloud;
    for (const Value& each : list) {
      IssueType type;
      type.id = text_at(each, {"id"});
      type.name = text_at(each, {"name"});
      type.subtask = truth_at(each, {"subtask"});
      site.types.push_back(std::move(type));
    }
    start += list.size();
    if (list.empty() || static_cast<std::int64_t>(start) >= number_at(page, {"total"})) break;
  }
  const Value workflows = co_await api_.get("/project/" + http::encode(api_.project()) + "/statuses");
  if (!workflows.is_array()) co_return;
  for (const Value& workflow : workflows.get_array())
    for (IssueType& type : site.types) {
      if (type.id != text_at(workflow, {"id"})) continue;
      for (const Value& each : list_at(workflow, {"statuses"})) {
        IssueStatus status;
        status.id = text_at(each, {"id"});
        status.name = text_at(each, {"name"});
        status.category = text_at(each, {"statusCategory", "key"});
        type.statuses.push_back(std::move(status));
      }
    }
}

awaitable<const Screen*> SiteReader::screen(IssueType& type) {
  if (type.screen) co_return &*type.screen;
  Screen screen;
  const std::string path = fmt::format("/issue/createmeta/{}/issuetypes/{}", http::encode(api_.project()), type.id);
  for (std::size_t start = 0;;) {
    const std::string target = fmt::format("{}?startAt={}&maxResults=200", path, start);
    const Value page = co_await api_.get(target);
    const Array& cloud = list_at(page, {"fields"});
    const Array& list = cloud.empty() ? list_at(page, {"values"}) : cloud;
    for (const Value& each : list) {
      Field field = field_from(each);
      std::string id = field.id;
      screen.fields.emplace(std::move(id), std::move(field));
    }
    start += list.size();
    if (list.empty() || static_cast<std::int64_t>(start) >= number_at(page, {"total"})) break;
  }
  // Somebody else may have been quicker.
  if (!type.screen) type.screen = std::move(screen);
  co_return &*type.screen;
}

}  // namespace migrate::jira
