// How the site's configuration is answered.
#include <fmt/format.h>

#include <charconv>
#include <chrono>

#include "site.hpp"

namespace migrate::jira::sim {
namespace {

using std::chrono::sys_days;
using std::chrono::year_month_day;

/// Digits only: the value of text[at, at + count); nothing when something else stands there.
std::optional<int> digits(std::string_view text, std::size_t at, std::size_t count) {
  if (at + count > text.size()) return std::nullopt;
  int value = 0;
  for (const char c : text.substr(at, count)) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value;
}

Value custom_schema(const Field& field, std::string_view type, std::string_view items, std::string_view kind) {
  Object schema;
  schema.emplace("type", type);
  if (!items.empty()) schema.emplace("items", items);
  schema.emplace("custom", fmt::format("com.atlassian.jira.plugin.system.customfieldtypes:{}", kind));
  std::int64_t number = 0;
  const std::string_view text = std::string_view(field.id).substr(12);
  std::from_chars(text.data(), text.data() + text.size(), number);
  schema.emplace("customId", number);
  return schema;
}

Value avatars(const Site& site) {
  Object sizes;
  for (const std::string_view size : {"16x16", "24x24", "32x32", "48x48"}) {
    sizes.emplace(size, fmt::format("{}/avatars/{}.png", site.origin, size));
  }
  return sizes;
}

}  // namespace

std::optional<Millis> parse_date(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  const auto y = digits(text, 0, 4), m = digits(text, 5, 2), d = digits(text, 8, 2);
  if (!y || !m || !d) return std::nullopt;
  const year_month_day date{std::chrono::year(*y), std::chrono::month(static_cast<unsigned>(*m)),
                            std::chrono::day(static_cast<unsigned>(*d))};
  if (!date.ok()) return std::nullopt;
  return std::chrono::milliseconds(sys_days(date).time_since_epoch()).count();
}

std::optional<Millis> parse_time(std::string_view text) {
  if (text.size() != 28 || text[10] != 'T' || text[13] != ':' || text[16] != ':' || text[19] != '.')
    return std::nullopt;
  const auto day = parse_date(text.substr(0, 10));
  const auto hour = digits(text, 11, 2), minute = digits(text, 14, 2), second = digits(text, 17, 2);
  const auto milli = digits(text, 20, 3), zone_hour = digits(text, 24, 2), zone_minute = digits(text, 26, 2);
  if (!day || !hour || !minute || !second || !milli || !zone_hour || !zone_minute) return std::nullopt;
  if (*hour > 23 || *minute > 59 || *second > 59 || (text[23] != '+' && text[23] != '-')) return std::nullopt;
  const Millis zone = (*zone_hour * 60 + *zone_minute) * 60'000;
  return *day + (*hour * 3600 + *minute * 60 + *second) * 1000LL + *milli - (text[23] == '+' ? zone : -zone);
}

std::string Site::self(int api, std::string_view path) const {
  return fmt::format("{}/rest/api/{}/{}", origin, api, path);
}

std::string Site::time(Millis at) const {
  at += settings.utc_offset_hours * 3'600'000;
  const std::chrono::sys_time<std::chrono::milliseconds> point{std::chrono::milliseconds(at)};
  const auto day = std::chrono::floor<std::chrono::days>(point);
  const year_month_day date(day);
  const auto rest = (point - day).count();
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}{}{:02}00", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), rest / 3'600'000,
                     rest / 60'000 % 60, rest / 1000 % 60, rest % 1000, settings.utc_offset_hours < 0 ? '-' : '+',
                     std::abs(settings.utc_offset_hours));
}

std::string Site::minute(Millis at) {
  const std::chrono::sys_time<std::chrono::milliseconds> point{std::chrono::milliseconds(at)};
  const auto day = std::chrono::floor<std::chrono::days>(point);
  const year_month_day date(day);
  const auto minutes = (point - day).count() / 60'000;
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), minutes / 60,
                     minutes % 60);
}

Value Site::user_json(int api, Index index) const {
  if (index == none) return nullptr;
  const User& user = users[index];
  Object out;
  const std::string& account = server() ? user.login : user.account_id;
  out.emplace("self", self(api, fmt::format("user?{}={}", server() ? "username" : "accountId", account)));
  if (server()) {
    out.emplace("key", fmt::format("JIRAUSER{}", 10'100 + index));
    out.emplace("name", user.login);
  } else {
    out.emplace("accountId", user.account_id);
    out.emplace("accountType", user.customer ? "customer" : "atlassian");
  }
  if (!user.hidden) out.emplace("emailAddress", user.email);
  out.emplace("avatarUrls", avatars(*this));
  out.emplace("displayName", user.name);
  out.emplace("active", user.active);
  // Zones of whole hours; the sign of Etc names is the other way round.
  const auto zone = settings.utc_offset_hours;
  out.emplace("timeZone", zone == 0 ? std::string("Etc/UTC") : fmt::format("Etc/GMT{:+}", -zone));
  return out;
}

Value Site::status_json(int api, Index index) const {
  const Status& status = statuses[index];
  const int number = status.category == "new" ? 2 : status.category == "indeterminate" ? 4 : 3;
  Object category;
  category.emplace("self", self(api, fmt::format("statuscategory/{}", number)));
  category.emplace("id", number);
  category.emplace("key", status.category);
  category.emplace("colorName", number == 2 ? "blue-gray" : number == 4 ? "yellow" : "green");
  category.emplace("name", number == 2 ? "To Do" : number == 4 ? "In Progress" : "Done");
  Object out;
  out.emplace("self", self(api, "status/" + status.id));
  out.emplace("description", "");
  out.emplace("iconUrl", origin + "/images/icons/statuses/generic.png");
  out.emplace("name", status.name);
  out.emplace("id", status.id);
  out.emplace("statusCategory", std::move(category));
  return out;
}

Value Site::type_json(int api, Index index) const {
  const IssueType& type = types[index];
  Object out;
  out.emplace("self", self(api, "issuetype/" + type.id));
  out.emplace("id", type.id);
  out.emplace("description", "");
  out.emplace("iconUrl", origin + "/images/icons/issuetypes/generic.png");
  out.emplace("name", type.name);
  out.emplace("subtask", type.level < 0);
  if (!server()) out.emplace("hierarchyLevel", type.level);
  return out;
}

Value Site::priority_json(int api, Index index) const {
  if (index == none) return nullptr;
  Object out;
  out.emplace("self", self(api, "priority/" + priorities[index].id));
  out.emplace("iconUrl", origin + "/images/icons/priorities/generic.svg");
  out.emplace("name", priorities[index].name);
  out.emplace("id", priorities[index].id);
  return out;
}

Value Site::resolution_json(int api, Index index) const {
  if (index == none) return nullptr;
  Object out;
  out.emplace("self", self(api, "resolution/" + resolutions[index].id));
  out.emplace("id", resolutions[index].id);
  out.emplace("description", "");
  out.emplace("name", resolutions[index].name);
  return out;
}

Value Site::project_json(int api, Index index, bool whole) const {
  const Project& project = projects[index];
  Object out;
  out.emplace("self", self(api, "project/" + project.id));
  out.emplace("id", project.id);
  out.emplace("key", project.key);
  out.emplace("name", project.name);
  out.emplace("projectTypeKey", project.type);
  if (!server()) out.emplace("simplified", false);
  out.emplace("avatarUrls", avatars(*this));
  if (!whole) return out;
  Array issue_types, own_components, own_versions;
  for (const Index type : project.issue_types) issue_types.push_back(type_json(api, type));
  for (Index i = 0; i < components.size(); ++i) {
    if (components[i].project == index) own_components.push_back(component_json(api, i));
  }
  for (Index i = 0; i < versions.size(); ++i) {
    if (versions[i].project == index) own_versions.push_back(version_json(api, i));
  }
  Object urls;
  for (const Named& role : roles) {
    urls.emplace(role.name, self(api, fmt::format("project/{}/role/{}", project.id, role.id)));
  }
  out.emplace("description", "");
  out.emplace("lead", user_json(api, 0));
  out.emplace("components", std::move(own_components));
  out.emplace("issueTypes", std::move(issue_types));
  out.emplace("assigneeType", "UNASSIGNED");
  out.emplace("versions", std::move(own_versions));
  out.emplace("roles", std::move(urls));
  if (!server()) out.emplace("style", "classic");
  return out;
}

Value Site::link_type_json(int api, Index index) const {
  const LinkType& type = link_types[index];
  Object out;
  out.emplace("id", type.id);
  out.emplace("name", type.name);
  out.emplace("inward", type.inward);
  out.emplace("outward", type.outward);
  out.emplace("self", self(api, "issueLinkType/" + type.id));
  return out;
}

Value Site::component_json(int api, Index index) const {
  const Component& component = components[index];
  Object out;
  out.emplace("self", self(api, "component/" + component.id));
  out.emplace("id", component.id);
  out.emplace("name", component.name);
  if (!component.description.empty()) out.emplace("description", component.description);
  out.emplace("project", projects[component.project].key);
  return out;
}

Value Site::version_json(int api, Index index) const {
  const Component& version = versions[index];
  Object out;
  out.emplace("self", self(api, "version/" + version.id));
  out.emplace("id", version.id);
  out.emplace("name", version.name);
  if (!version.description.empty()) out.emplace("description", version.description);
  out.emplace("archived", false);
  out.emplace("released", false);
  return out;
}

Value Site::schema_json(const Field& field) const {
  const auto system = [&](std::string_view type, std::string_view items = {}) {
    Object schema;
    schema.emplace("type", type);
    if (!items.empty()) schema.emplace("items", items);
    schema.emplace("system", field.id);
    return Value(std::move(schema));
  };
  switch (field.kind) {
    case Kind::text:
      return field.custom ? custom_schema(field, "string", "", "textfield") : system("string");
    case Kind::rich:
      return field.custom ? custom_schema(field, "string", "", "textarea") : system("string");
    case Kind::number:
      return custom_schema(field, "number", "", "float");
    case Kind::date:
      return field.custom ? custom_schema(field, "date", "", "datepicker") : system("date");
    case Kind::datetime:
      return custom_schema(field, "datetime", "", "datetime");
    case Kind::url:
      return custom_schema(field, "string", "", "url");
    case Kind::option:
      return custom_schema(field, "option", "", "select");
    case Kind::options:
      return custom_schema(field, "array", "option", "multiselect");
    case Kind::user:
      return field.custom ? custom_schema(field, "user", "", "userpicker") : system("user");
    case Kind::labels:
      return field.custom ? custom_schema(field, "array", "string", "labels") : system("array", "string");
    case Kind::epic_link:
      return custom_schema(field, "any", "", "gh-epic-link");
    case Kind::project:
      return system("project");
    case Kind::issue_type:
      return system("issuetype");
    case Kind::priority:
      return system("priority");
    case Kind::status:
      return system("status");
    case Kind::resolution:
      return system("resolution");
    case Kind::parent:
      return system("issuelink");
    case Kind::components:
      return system("array", "component");
    case Kind::versions:
      return system("array", "version");
    case Kind::time_tracking:
      return system("timetracking");
    case Kind::read_only:
      break;
  }
  if (field.id == "comment") return system("comments-page");
  if (field.id == "attachment") return system("array", "attachment");
  if (field.id == "worklog") return system("array", "worklog");
  if (field.id == "issuelinks" || field.id == "subtasks") return system("array", "issuelinks");
  if (field.id == "creator") return system("user");
  if (field.id == "watches") return system("watches");
  return system(field.id.starts_with("time") ? "number" : "datetime");
}

Value Site::field_json(Index index) const {
  const Field& field = fields[index];
  Object out;
  Array clauses;
  if (field.custom) clauses.emplace_back(fmt::format("cf[{}]", std::string_view(field.id).substr(12)));
  clauses.emplace_back(field.custom ? field.name : field.id);
  out.emplace("id", field.id);
  if (!server()) out.emplace("key", field.id);
  out.emplace("name", field.name);
  out.emplace("custom", field.custom);
  out.emplace("orderable", true);
  out.emplace("navigable", field.navigable);
  out.emplace("searchable", true);
  out.emplace("clauseNames", std::move(clauses));
  out.emplace("schema", schema_json(field));
  return out;
}

Value Site::allowed_values(int api, const Field& field, const Project& project) const {
  Array values;
  const Index of = this->project(project.id);
  if (field.kind == Kind::priority) {
    for (Index i = 0; i < priorities.size(); ++i) values.push_back(priority_json(api, i));
  } else if (field.kind == Kind::project) {
    values.push_back(project_json(api, of, false));
  } else if (field.kind == Kind::components) {
    for (Index i = 0; i < components.size(); ++i) {
      if (components[i].project == of) values.push_back(component_json(api, i));
    }
  } else if (field.kind == Kind::versions) {
    for (Index i = 0; i < versions.size(); ++i) {
      if (versions[i].project == of) values.push_back(version_json(api, i));
    }
  } else if (field.kind == Kind::resolution) {
    for (Index i = 0; i < resolutions.size(); ++i) values.push_back(resolution_json(api, i));
  } else if (field.kind == Kind::option || field.kind == Kind::options) {
    for (const Named& option : field.options) {
      Object one;
      one.emplace("self", self(api, "customFieldOption/" + option.id));
      one.emplace("value", option.name);
      one.emplace("id", option.id);
      values.push_back(std::move(one));
    }
  } else {
    return nullptr;
  }
  return values;
}

Value Site::field_meta(int api, const Field& field, const Project& project, const IssueType& type,
                       bool creating) const {
  Object out;
  out.emplace("required", field.required || (field.kind == Kind::parent && type.level < 0));
  out.emplace("schema", schema_json(field));
  out.emplace("name", field.name);
  if (!server()) out.emplace("key", field.id);
  const bool list = field.kind == Kind::labels || field.kind == Kind::components || field.kind == Kind::versions ||
                    field.kind == Kind::options;
  Array operations;
  if (list) operations = {"add", "set", "remove"};
  if (!list) operations = {"set"};
  out.emplace("hasDefaultValue", field.kind == Kind::priority);
  out.emplace("operations", std::move(operations));
  if (field.kind == Kind::issue_type) {
    Array only;
    only.push_back(type_json(api, find_id(types, type.id)));
    out.emplace("allowedValues", std::move(only));
  } else if (Value values = allowed_values(api, field, project); !values.is_null()) {
    out.emplace("allowedValues", std::move(values));
  }
  if (field.kind == Kind::priority) out.emplace("defaultValue", priority_json(api, 2));
  if (creating) out.emplace("fieldId", field.id);
  return out;
}

Value Site::transition_json(int api, const Transition& transition, bool with_fields) const {
  Object out;
  out.emplace("id", transition.id);
  out.emplace("name", transition.name);
  out.emplace("to", status_json(api, transition.to));
  out.emplace("hasScreen", transition.wants_resolution);
  out.emplace("isGlobal", false);
  out.emplace("isInitial", false);
  out.emplace("isConditional", false);
  if (with_fields) {
    Object shown;
    if (transition.wants_resolution) {
      const Field& resolution = fields[field("resolution")];
      Object meta = field_meta(api, resolution, projects.front(), types.front(), false).get_object();
      meta["required"] = true;
      shown.emplace(resolution.id, std::move(meta));
    }
    out.emplace("fields", std::move(shown));
  }
  return out;
}

}  // namespace migrate::jira::sim
