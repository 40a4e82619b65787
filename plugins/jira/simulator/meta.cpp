// Resources about the site: account, projects, fields, types, users.
#include <fmt/format.h>

#include <algorithm>

#include "service.hpp"

namespace migrate::jira::sim {
namespace {

constexpr std::int64_t most_users = 1000;  // a search reaches no further

struct Permission {
  std::string_view key;
  bool global;
};
constexpr Permission permissions[] = {{"BROWSE_PROJECTS", false},
                                      {"CREATE_ISSUES", false},
                                      {"EDIT_ISSUES", false},
                                      {"DELETE_ISSUES", false},
                                      {"ASSIGN_ISSUES", false},
                                      {"ASSIGNABLE_USER", false},
                                      {"TRANSITION_ISSUES", false},
                                      {"LINK_ISSUES", false},
                                      {"MODIFY_REPORTER", false},
                                      {"SCHEDULE_ISSUES", false},
                                      {"CREATE_ATTACHMENTS", false},
                                      {"DELETE_ALL_ATTACHMENTS", false},
                                      {"DELETE_OWN_ATTACHMENTS", false},
                                      {"ADD_COMMENTS", false},
                                      {"EDIT_ALL_COMMENTS", false},
                                      {"EDIT_OWN_COMMENTS", false},
                                      {"DELETE_ALL_COMMENTS", false},
                                      {"DELETE_OWN_COMMENTS", false},
                                      {"WORK_ON_ISSUES", false},
                                      {"EDIT_ALL_WORKLOGS", false},
                                      {"EDIT_OWN_WORKLOGS", false},
                                      {"DELETE_OWN_WORKLOGS", false},
                                      {"MANAGE_WATCHERS", false},
                                      {"ADMINISTER_PROJECTS", false},
                                      {"ADMINISTER", true},
                                      {"BULK_CHANGE", true},
                                      {"USER_PICKER", true}};

template <class List, class Make>
Array each_of(const List& list, Make make) {
  Array out;
  for (Index i = 0; i < list.size(); ++i) out.push_back(make(i));
  return out;
}

/// {values, startAt, maxResults, total, isLast}
Object value_page(const Call& call, Array all, std::int64_t most) {
  Object out = page(call, std::move(all), "values", 50, most);
  const std::int64_t end =
      out.at("startAt").get_int64() + static_cast<std::int64_t>(out.at("values").get_array().size());
  out.emplace("isLast", end >= out.at("total").get_int64());
  return out;
}

}  // namespace

http::Response Service::myself(Call& call) {
  if (call.anonymous || store_.actor == none) {
    return ok(Object{{"message", "Client must be authenticated to access this resource."}, {"status-code", 401}}, 401);
  }
  Object me = site_.user_json(call.api, store_.actor).get_object();
  me.emplace("locale", "en_US");
  if (call.expands("groups")) {
    Array items;
    for (const Named& group : site_.groups)
      if (site_.is_member(store_.actor, group.name))
        items.push_back(Object{{"name", group.name}, {"groupId", group.id}});
    Object groups;
    groups.emplace("size", items.size());
    groups.emplace("items", std::move(items));
    me.emplace("groups", std::move(groups));
  }
  return ok(std::move(me));
}

http::Response Service::server_info(Call&) {
  const bool server = site_.server();
  Object out;
  out.emplace("baseUrl", site_.settings.base_url.empty() ? site_.origin : site_.settings.base_url);
  out.emplace("version", server ? "9.12.5" : "1001.0.0-SNAPSHOT");
  out.emplace("versionNumbers", server ? Array{9, 12, 5} : Array{1001, 0, 0});
  out.emplace("deploymentType", server ? "Server" : "Cloud");
  out.emplace("buildNumber", server ? 9120005 : 100283);
  out.emplace("serverTime", site_.time(now()));
  out.emplace("serverTitle", "Jira");
  return ok(std::move(out));
}

http::Response Service::my_permissions(Call& call) {
  std::vector<std::string> asked = call.list("permissions");
  if (asked.empty() && !site_.server()) refuse(400, "The 'permissions' query parameter is required.");
  if (asked.empty()) {
    for (const Permission& each : permissions) asked.emplace_back(each.key);
  }
  const std::string* key = call.get("projectKey") ? call.get("projectKey") : call.get("projectId");
  if (key && (call.anonymous || site_.project(*key) == none)) {
    refuse(404, fmt::format("No project could be found with key '{}'.", *key));
  }
  for (const std::string_view of : {"issueKey", "issueId"}) {
    if (call.get(of)) issue(call, *call.get(of));
  }
  Object list;
  for (const std::string& name : asked) {
    const auto* known = std::find_if(std::begin(permissions), std::end(permissions),
                                     [&](const Permission& each) { return each.key == name; });
    if (known == std::end(permissions)) refuse(400, fmt::format("Unrecognized permission: {}", name));
    Object one;
    one.emplace("id", fmt::format("{}", known - permissions + 1));
    one.emplace("key", name);
    one.emplace("name", name);
    one.emplace("type", known->global ? "GLOBAL" : "PROJECT");
    one.emplace("description", "");
    one.emplace("havePermission", !call.anonymous && site_.may(name));
    list.emplace(name, std::move(one));
  }
  Object out;
  out.emplace("permissions", std::move(list));
  return ok(std::move(out));
}

http::Response Service::projects(Call& call) {
  if (call.anonymous) return ok(Array());
  return ok(each_of(site_.projects, [&](Index i) { return site_.project_json(call.api, i, false); }));
}

http::Response Service::project_search(Call& call) {
  Array found;
  const std::vector<std::string> keys = call.list("keys"), ids = call.list("id");
  const std::string* query = call.get("query");
  for (Index i = 0; i < site_.projects.size() && !call.anonymous; ++i) {
    const Project& each = site_.projects[i];
    if (!keys.empty() && std::find(keys.begin(), keys.end(), each.key) == keys.end()) continue;
    if (!ids.empty() && std::find(ids.begin(), ids.end(), each.id) == ids.end()) continue;
    if (query && lower(each.name).find(lower(*query)) == std::string::npos && !same_text(each.key, *query)) continue;
    found.push_back(site_.project_json(call.api, i, false));
  }
  Object out = value_page(call, std::move(found), 50);
  out.emplace("self", site_.self(call.api, "project/search"));
  return ok(std::move(out));
}

namespace {

Index project_of(const Site& site, const Call& call, std::string_view key) {
  const Index found = call.anonymous || !site.may("BROWSE_PROJECTS") ? none : site.project(key);
  if (found == none) refuse(404, fmt::format("No project could be found with key '{}'.", key));
  return found;
}

}  // namespace

http::Response Service::project(Call& call) {
  return ok(site_.project_json(call.api, project_of(site_, call, call.path[0]), true));
}

/// Of all that can be changed, the key.
http::Response Service::edit_project(Call& call) {
  const Index of = project_of(site_, call, call.path[0]);
  const Value* sent = text_member(call.object({"key"}), "key");
  if (!site_.may("ADMINISTER")) refuse(403, "You cannot edit the configuration of this project.");
  const std::string key(text_or(sent));
  const bool fit = key.size() >= 2 && key.size() <= 10 && key.front() >= 'A' && key.front() <= 'Z' &&
                   key.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == std::string::npos;
  if (!fit) {
    refuse_field(400, "projectKey",
                 "Project keys must start with an uppercase letter, followed by one or more uppercase alphanumeric "
                 "characters.");
  }
  if (const Index other = site_.project(key); other != none && other != of) {
    refuse_field(400, "projectKey", fmt::format("Project '{}' uses this project key.", key));
  }
  if (site_.projects[of].key != key) store_.rename(of, key);
  return ok(site_.project_json(call.api, of, true));
}

http::Response Service::project_statuses(Call& call) {
  const Project& of = site_.projects[project_of(site_, call, call.path[0])];
  Array list;
  for (const Index type : of.issue_types) {
    Object one;
    one.emplace("self", site_.self(call.api, "issuetype/" + site_.types[type].id));
    one.emplace("id", site_.types[type].id);
    one.emplace("name", site_.types[type].name);
    one.emplace("subtask", site_.types[type].level < 0);
    one.emplace("statuses", each_of(site_.statuses, [&](Index i) { return site_.status_json(call.api, i); }));
    list.push_back(std::move(one));
  }
  return ok(std::move(list));
}

http::Response Service::project_components(Call& call) {
  const Index of = project_of(site_, call, call.path[0]);
  return ok(site_.project_json(call.api, of, true).at("components"));
}

http::Response Service::project_versions(Call& call) {
  const Index of = project_of(site_, call, call.path[0]);
  return ok(site_.project_json(call.api, of, true).at("versions"));
}

http::Response Service::notification_scheme(Call& call) {
  const Index of = project_of(site_, call, call.path[0]);
  const std::vector<std::string>& told = site_.settings.notification_events;
  const bool shown = site_.may("ADMINISTER_PROJECTS") || site_.may("ADMINISTER");
  if (!shown || told.empty())
    refuse(404, fmt::format("No notification scheme found for the project {}.", site_.projects[of].key));
  Array events;
  for (std::size_t i = 0; i < told.size(); ++i) {
    Object event{{"id", i + 1}, {"name", told[i]}, {"description", ""}};
    Array to;
    for (const char* receiver : {"CurrentAssignee", "Reporter", "AllWatchers"})
      to.push_back(Object{{"id", i * 3 + to.size() + 1}, {"notificationType", receiver}});
    events.push_back(Object{{"event", std::move(event)}, {"notifications", std::move(to)}});
  }
  Object out;
  out.emplace("id", 10000);
  out.emplace("self", site_.self(call.api, "notificationscheme/10000"));
  out.emplace("name", "Default Notification Scheme");
  out.emplace("description", "");
  if (call.expands("notificationSchemeEvents")) out.emplace("notificationSchemeEvents", std::move(events));
  return ok(std::move(out));
}

http::Response Service::project_roles(Call& call) {
  const Index of = project_of(site_, call, call.path[0]);
  Object roles;
  for (const Named& role : site_.roles)
    roles.emplace(role.name, site_.self(call.api, fmt::format("project/{}/role/{}", site_.projects[of].id, role.id)));
  return ok(std::move(roles));
}

http::Response Service::role_details(Call& call) {
  project_of(site_, call, call.path[0]);
  const bool mine = call.flag("currentMember", false);
  Array roles;
  for (const Named& role : site_.roles)
    if (!mine || site_.is_member(store_.actor, role.name))
      roles.push_back(Object{{"name", role.name}, {"id", std::stoll(role.id)}});
  return ok(Value(std::move(roles)));
}

http::Response Service::project_role(Call& call) {
  project_of(site_, call, call.path[0]);
  if (!site_.may("ADMINISTER_PROJECTS")) refuse(403, "You do not have permission to administer this project.");
  const Index found = find_id(site_.roles, call.path[1]);
  if (found == none) refuse(404, fmt::format("Can not find a role with id '{}'.", call.path[1]));
  Array actors;
  for (Index user = 0; user < site_.users.size(); ++user) {
    if (!site_.is_member(user, site_.roles[found].name)) continue;
    Object actor{{"displayName", site_.users[user].name}, {"type", "atlassian-user-role-actor"}};
    if (site_.server())
      actor.emplace("name", site_.users[user].login);
    else
      actor.emplace("actorUser", Object{{"accountId", site_.users[user].account_id}});
    actors.push_back(std::move(actor));
  }
  Object out{{"name", site_.roles[found].name}, {"id", std::stoll(site_.roles[found].id)}};
  out.emplace("actors", std::move(actors));
  return ok(std::move(out));
}

http::Response Service::group_picker(Call& call) {
  const std::string wanted = call.get("query") ? lower(*call.get("query")) : std::string();
  Array found;
  for (const Named& group : site_.groups) {
    if (call.anonymous || lower(group.name).find(wanted) == std::string::npos) continue;
    found.push_back(Object{{"name", group.name}, {"html", group.name}, {"labels", Array()}, {"groupId", group.id}});
  }
  Object out;
  out.emplace("header", fmt::format("Showing {} of {} matching groups", found.size(), found.size()));
  out.emplace("total", found.size());
  out.emplace("groups", std::move(found));
  return ok(std::move(out));
}

namespace {

/// Takes what a component and a version have in common.
Component take_listed(Site& site, const Call& call, const std::vector<Component>& all, std::string_view what) {
  const Object& sent = call.object({"name", "description", "project", "projectId", "leadAccountId", "assigneeType",
                                    "releaseDate", "startDate", "released", "archived"});
  if (!site.may("ADMINISTER_PROJECTS")) refuse(403, "You cannot administer this project.");
  Component made;
  made.name = text_or(text_member(sent, "name"));
  made.description = text_or(text_member(sent, "description"));
  const Value* id = sent.if_contains("projectId");
  const std::string key =
      id && id->is_int64() ? fmt::format("{}", id->get_int64()) : std::string(text_or(text_member(sent, "project")));
  made.project = site.project(key);
  if (made.project == none) refuse(404, fmt::format("No project could be found with key '{}'.", key));
  if (made.name.empty()) refuse_field(400, "name", fmt::format("The {} name is required.", what));
  for (const Component& each : all) {
    if (each.project == made.project && same_text(each.name, made.name)) {
      refuse_field(400, "name", fmt::format("A {} with the name {} already exists in this project.", what, made.name));
    }
  }
  made.id = fmt::format("{}", site.next_id());
  return made;
}

}  // namespace

http::Response Service::add_component(Call& call) {
  site_.components.push_back(take_listed(site_, call, site_.components, "component"));
  return ok(site_.component_json(call.api, static_cast<Index>(site_.components.size() - 1)), 201);
}

http::Response Service::add_version(Call& call) {
  site_.versions.push_back(take_listed(site_, call, site_.versions, "version"));
  return ok(site_.version_json(call.api, static_cast<Index>(site_.versions.size() - 1)), 201);
}

http::Response Service::fields(Call& call) {
  if (call.anonymous) return ok(Array());
  return ok(each_of(site_.fields, [&](Index i) { return site_.field_json(i); }));
}

http::Response Service::issue_types(Call& call) {
  if (call.anonymous) return ok(Array());
  return ok(each_of(site_.types, [&](Index i) { return site_.type_json(call.api, i); }));
}

http::Response Service::priorities(Call& call) {
  return ok(each_of(site_.priorities, [&](Index i) { return site_.priority_json(call.api, i); }));
}

http::Response Service::priority_search(Call& call) {
  Array all = each_of(site_.priorities, [&](Index i) {
    Object one = site_.priority_json(call.api, i).get_object();
    one.emplace("isDefault", i == 2);
    return Value(std::move(one));
  });
  return ok(value_page(call, std::move(all), 50));
}

http::Response Service::statuses(Call& call) {
  if (call.anonymous) return ok(Array());
  return ok(each_of(site_.statuses, [&](Index i) { return site_.status_json(call.api, i); }));
}

http::Response Service::resolutions(Call& call) {
  return ok(each_of(site_.resolutions, [&](Index i) { return site_.resolution_json(call.api, i); }));
}

http::Response Service::link_types(Call& call) {
  Object out;
  out.emplace("issueLinkTypes", each_of(site_.link_types, [&](Index i) { return site_.link_type_json(call.api, i); }));
  return ok(std::move(out));
}

http::Response Service::link_type(Call& call) {
  const Index found = find_id(site_.link_types, call.path[0]);
  if (found == none) refuse(404, fmt::format("No issue link type with id '{}' found.", call.path[0]));
  return ok(site_.link_type_json(call.api, found));
}

http::Response Service::attachment_settings(Call& call) {
  if (call.anonymous) refuse(401, "You are not authenticated.");
  return ok(Object{{"enabled", true}, {"uploadLimit", site_.settings.upload_limit}});
}

http::Response Service::create_types(Call& call) {
  const Project& of = site_.projects[project_of(site_, call, call.path[0])];
  if (call.number("maxResults", 50) > 200) refuse(400, "Parameter 'maxResults' must not exceed the limit '200'");
  Array list;
  for (const Index type : of.issue_types) list.push_back(site_.type_json(call.api, type));
  if (site_.server()) return ok(value_page(call, std::move(list), 200));
  return ok(page(call, std::move(list), "issueTypes", 50, 200));
}

http::Response Service::create_fields(Call& call) {
  const Project& of = site_.projects[project_of(site_, call, call.path[0])];
  const Index type = find_id(site_.types, call.path[1]);
  if (std::find(of.issue_types.begin(), of.issue_types.end(), type) == of.issue_types.end()) {
    refuse(400, fmt::format("The issue type with id '{}' is not offered by the project.", call.path[1]));
  }
  if (call.number("maxResults", 50) > 200) refuse(400, "Parameter 'maxResults' must not exceed the limit '200'");
  Array list;
  for (const Field& field : site_.fields) {
    if (site_.on_screen(field, site_.types[type], true)) {
      list.push_back(site_.field_meta(call.api, field, of, site_.types[type], true));
    }
  }
  if (site_.server()) return ok(value_page(call, std::move(list), 200));
  return ok(page(call, std::move(list), "fields", 50, 200));
}

http::Response Service::user(Call& call) {
  const std::string* account = call.get(site_.server() ? "username" : "accountId");
  if (!account) refuse(400, "The user is not named.");
  const Index found = call.anonymous ? none : site_.user(*account);
  if (found == none) refuse(404, fmt::format("Specified user does not exist or you do not have required permissions"));
  return ok(site_.user_json(call.api, found));
}

std::vector<Index> Service::matching_users(const Call& call) const {
  const std::string* query = call.get("query");
  const std::string* account = call.get("accountId");
  if (site_.server()) query = call.get("username");
  if (!site_.server() && call.get("username"))
    refuse(400, "The query parameter 'username' is not available in GDPR strict mode.");
  if (call.get("property")) refuse(400, "The stand-in does not search users by property.");
  if (!query && !account) refuse(400, "Either 'query' or 'accountId' is required.");
  if (query && account) refuse(400, "The 'query' and 'accountId' parameters cannot be given together.");
  std::vector<Index> found;
  const std::string wanted = query ? lower(*query) : std::string();
  for (Index i = 0; i < site_.users.size() && !call.anonymous; ++i) {
    const User& each = site_.users[i];
    const std::string name = lower(each.name);
    bool match = account ? each.account_id == *account : lower(each.email).starts_with(wanted);
    if (query && !match) match = name.starts_with(wanted) || name.find(" " + wanted) != std::string::npos;
    if (site_.server() && query) match = match || each.login.starts_with(wanted);
    if (match) found.push_back(i);
  }
  return found;
}

Value Service::user_page(const Call& call, const std::vector<Index>& found) const {
  const std::int64_t start = call.start(), count = std::min(call.number("maxResults", 50), most_users);
  Array list;
  const auto end = std::min<std::int64_t>({start + count, most_users, static_cast<std::int64_t>(found.size())});
  for (std::int64_t i = start; i < end; ++i) {
    list.push_back(site_.user_json(call.api, found[static_cast<std::size_t>(i)]));
  }
  return list;
}

http::Response Service::user_search(Call& call) {
  std::vector<Index> found = matching_users(call);
  std::erase_if(found, [this](Index i) { return !site_.users[i].active; });
  return ok(user_page(call, found));
}

http::Response Service::assignable_search(Call& call) {
  const std::string* project = call.get("project");
  if (project) {
    project_of(site_, call, *project);
  } else if (call.get("issueKey") || call.get("issueId")) {
    issue(call, call.get("issueKey") ? *call.get("issueKey") : *call.get("issueId"));
  } else {
    refuse(400, "Either 'project' or 'issueKey' is required.");
  }
  std::vector<Index> found = matching_users(call);
  std::erase_if(found, [this](Index i) { return !site_.users[i].assignable(); });
  return ok(user_page(call, found));
}

http::Response Service::all_users(Call& call) {
  std::vector<Index> all;
  for (Index i = 0; i < site_.users.size() && !call.anonymous; ++i) all.push_back(i);
  const std::int64_t start = call.start(), count = std::min(call.number("maxResults", 50), most_users);
  Array list;
  for (std::int64_t i = start; i < start + count && i < static_cast<std::int64_t>(all.size()); ++i) {
    list.push_back(site_.user_json(call.api, all[static_cast<std::size_t>(i)]));
  }
  return ok(std::move(list));
}

}  // namespace migrate::jira::sim
