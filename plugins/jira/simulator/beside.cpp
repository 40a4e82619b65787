// What hangs on an issue: links, remote links, properties, watchers.
#include <fmt/format.h>
#include <boost/json/serialize.hpp>

#include <algorithm>

#include "service.hpp"

namespace migrate::jira::sim {
namespace {

constexpr std::size_t key_limit = 255, property_limit = 32'768, global_id_limit = 255;

http::Response property_of(const std::vector<Property>& properties, const std::string& key) {
  for (const auto& [name, json] : properties) {
    if (name == key) return ok(Object{{"key", name}, {"value", parse_deep(json)}});
  }
  refuse(404, fmt::format("The property {} does not exist.", key));
}

http::Response delete_from(std::vector<Property>& properties, const std::string& key) {
  if (std::erase_if(properties, [&](const Property& each) { return each.first == key; }) == 0) {
    refuse(404, fmt::format("The property {} does not exist.", key));
  }
  return no_content();
}

}  // namespace

http::Response Service::add_link(Call& call) {
  if (!site_.may("LINK_ISSUES")) refuse(404, "No Link Issue Permission for issue");
  Intake intake(call, site_, store_, none, nullptr);
  const std::optional<Link> made = intake.link(call.body);
  if (made->inward == none || made->outward == none) refuse_payload();
  if (made->inward == made->outward) refuse(400, "You cannot link an issue to itself.");
  Issue& inward = *store_.at(made->inward);
  Issue& outward = *store_.at(made->outward);
  limit_writes(inward, call);
  limit_writes(outward, call);
  const auto most = static_cast<std::size_t>(site_.settings.max_links);
  if (inward.links.size() >= most || outward.links.size() >= most) {
    refuse(413, "The limit of links of this issue has been reached.");
  }
  std::optional<Comment> comment;
  if (const Value* sent = member(call.body, "comment"); sent && !sent->is_null()) {
    // The comment goes to the issue that was sent as outwardIssue.
    Intake of_comment(call, site_, store_, outward.project, &outward);
    comment = of_comment.comment(*sent);
    of_comment.faults.check();
  }
  store_link(call, *made);
  if (comment) store_comment(call, outward, std::move(*comment));
  notify(inward, "linked");
  notify(outward, "linked");
  return no_content(201);
}

void Service::store_link(const Call& call, Link link) {
  Issue& inward = *store_.at(link.inward);
  Issue& outward = *store_.at(link.outward);
  for (const std::uint64_t id : inward.links) {
    const Link& old = store_.links.at(id);
    if (old.type == link.type && old.inward == link.inward && old.outward == link.outward) return;
  }
  link.id = site_.next_id();
  store_.links.emplace(link.id, link);
  inward.links.push_back(link.id);
  outward.links.push_back(link.id);
  store_.touch(inward, call.now);
  store_.touch(outward, call.now);
}

http::Response Service::get_link(Call& call) {
  const auto found = store_.links.find(id_of(call.path[0]));
  if (call.anonymous || found == store_.links.end())
    refuse(404, fmt::format("No issue link with id '{}' exists.", call.path[0]));
  return ok(answers_.link(call, found->second, nullptr));
}

http::Response Service::delete_link(Call& call) {
  const auto found = store_.links.find(id_of(call.path[0]));
  if (found == store_.links.end() || !site_.may("LINK_ISSUES")) {
    refuse(404, fmt::format("No issue link with id '{}' exists.", call.path[0]));
  }
  for (const Index end : {found->second.inward, found->second.outward}) {
    limit_writes(*store_.at(end), call);
    std::erase(store_.at(end)->links, found->first);
    store_.touch(*store_.at(end), call.now);
  }
  store_.links.erase(found);
  return no_content();
}

RemoteLink& Service::remote_link_of(Issue& of, std::string_view id) {
  const std::uint64_t number = id_of(id);
  for (RemoteLink& each : of.remote_links) {
    if (each.id == number) return each;
  }
  refuse(404, fmt::format("No remote issue link with id '{}' exists for this issue.", id));
}

namespace {

Value remote_json(const Site& site, const Call& call, const Issue& of, const RemoteLink& link) {
  Object out;
  out.emplace("id", link.id);
  out.emplace("self", site.self(call.api, fmt::format("issue/{}/remotelink/{}", of.id, link.id)));
  if (!link.global_id.empty()) out.emplace("globalId", link.global_id);
  const Value kept = parse_deep(link.json);
  for (const auto& [name, value] : kept.get_object()) out.emplace(name, value);
  if (!out.contains("application")) out.emplace("application", Object());
  return out;
}

/// What is not sent is taken away.
RemoteLink take_remote_link(const Call& call) {
  const Object& sent = call.object({"globalId", "application", "relationship", "object"});
  const Value* object = sent.if_contains("object");
  if (!object || !object->is_object()) refuse_field(400, "object", "'object' is required.");
  only_members(object->get_object(), {"url", "title", "summary", "icon", "status"});
  Faults faults;
  for (const std::string_view name : {"title", "url"}) {
    if (text_or(member(*object, name)).empty()) faults.field(name, fmt::format("'{}' is required.", name));
  }
  RemoteLink made;
  made.global_id = text_or(text_member(sent, "globalId"));
  if (made.global_id.size() > global_id_limit)
    faults.field("globalId", "globalId must not be longer than 255 characters.");
  faults.check();
  Object kept;
  for (const std::string_view name : {"application", "relationship", "object"}) {
    if (const Value* value = sent.if_contains(name); value && !value->is_null()) kept.emplace(name, *value);
  }
  made.json = boost::json::serialize(kept);
  return made;
}

}  // namespace

http::Response Service::list_remote_links(Call& call) {
  const Issue& of = issue(call);
  const std::string* global_id = call.get("globalId");
  Array list;
  for (const RemoteLink& each : of.remote_links) {
    if (!global_id) list.push_back(remote_json(site_, call, of, each));
    if (global_id && each.global_id == *global_id) return ok(remote_json(site_, call, of, each));
  }
  if (global_id) refuse(404, "No remote issue link with the given global id exists for this issue.");
  return ok(std::move(list));
}

http::Response Service::add_remote_link(Call& call) {
  Issue& of = writable(call, "LINK_ISSUES");
  RemoteLink made = take_remote_link(call);
  int status = 201;
  for (RemoteLink& each : of.remote_links) {
    if (made.global_id.empty() || each.global_id != made.global_id) continue;
    each.json = std::move(made.json);
    made.id = each.id;
    status = 200;
  }
  if (status == 201) {
    if (of.remote_links.size() >= static_cast<std::size_t>(site_.settings.max_links)) {
      refuse(413, "The limit of remote links of this issue has been reached.");
    }
    made.id = site_.next_id();
    of.remote_links.push_back(made);
  }
  return ok(
      Object{{"id", made.id}, {"self", site_.self(call.api, fmt::format("issue/{}/remotelink/{}", of.id, made.id))}},
      status);
}

http::Response Service::get_remote_link(Call& call) {
  Issue& of = issue(call);
  return ok(remote_json(site_, call, of, remote_link_of(of, call.path[1])));
}

http::Response Service::put_remote_link(Call& call) {
  Issue& of = writable(call, "LINK_ISSUES");
  RemoteLink& old = remote_link_of(of, call.path[1]);
  const std::uint64_t id = old.id;
  old = take_remote_link(call);
  old.id = id;
  return no_content();
}

http::Response Service::delete_remote_link(Call& call) {
  Issue& of = writable(call, "LINK_ISSUES");
  const RemoteLink& found = remote_link_of(of, call.path[1]);
  of.remote_links.erase(of.remote_links.begin() + (&found - of.remote_links.data()));
  return no_content();
}

http::Response Service::delete_remote_link_by_global_id(Call& call) {
  Issue& of = writable(call, "LINK_ISSUES");
  const std::string* global_id = call.get("globalId");
  if (!global_id) refuse(400, "'globalId' is required.");
  if (std::erase_if(of.remote_links, [&](const RemoteLink& each) { return each.global_id == *global_id; }) == 0) {
    refuse(404, "No remote issue link with the given global id exists for this issue.");
  }
  return no_content();
}

http::Response Service::list_properties(Call& call) {
  const Issue& of = issue(call);
  return ok(answers_.property_keys(call, fmt::format("issue/{}", of.id), of.properties));
}

http::Response Service::get_property(Call& call) { return property_of(issue(call).properties, call.path[1]); }

http::Response Service::put_property(const Call& call, std::vector<Property>& properties, const std::string& key) {
  if (key.empty() || key.size() > key_limit) refuse(400, "The property key cannot be longer than 255 characters.");
  std::string json = boost::json::serialize(call.body);
  if (json.size() > property_limit) refuse(400, "The property value cannot be longer than 32768 characters.");
  const auto at = std::lower_bound(properties.begin(), properties.end(), key,
                                   [](const Property& each, const std::string& name) { return each.first < name; });
  if (at != properties.end() && at->first == key) {
    at->second = std::move(json);
    return http::Response(200);
  }
  properties.emplace(at, key, std::move(json));
  return http::Response(201);
}

http::Response Service::set_property(Call& call) {
  return put_property(call, writable(call, "EDIT_ISSUES").properties, call.path[1]);
}

http::Response Service::delete_property(Call& call) {
  return delete_from(writable(call, "EDIT_ISSUES").properties, call.path[1]);
}

http::Response Service::list_comment_properties(Call& call) {
  const Comment& of = *comment_by_id(call).second;
  return ok(answers_.property_keys(call, fmt::format("comment/{}", of.id), of.properties));
}

http::Response Service::get_comment_property(Call& call) {
  return property_of(comment_by_id(call).second->properties, call.path[1]);
}

http::Response Service::set_comment_property(Call& call) {
  const auto [of, comment] = comment_by_id(call);
  limit_writes(*of, call);
  return put_property(call, comment->properties, call.path[1]);
}

http::Response Service::delete_comment_property(Call& call) {
  const auto [of, comment] = comment_by_id(call);
  limit_writes(*of, call);
  return delete_from(comment->properties, call.path[1]);
}

http::Response Service::list_watchers(Call& call) {
  const Issue& of = issue(call);
  Array list;
  for (const Index user : of.watchers) list.push_back(site_.user_json(call.api, user));
  Object out;
  out.emplace("self", site_.self(call.api, fmt::format("issue/{}/watchers", of.key)));
  out.emplace("isWatching", std::find(of.watchers.begin(), of.watchers.end(), Index{0}) != of.watchers.end());
  out.emplace("watchCount", of.watchers.size());
  out.emplace("watchers", std::move(list));
  return ok(std::move(out));
}

http::Response Service::add_watcher(Call& call) {
  Issue& of = writable(call, "");
  // The body is the account as a JSON text and nothing else; without one it is the account that asks.
  if (!call.body.is_string() && !call.body.is_null()) refuse_payload();
  const Index user = call.body.is_null() ? 0 : site_.user(call.body.get_string());
  if (user == none) refuse(404, "The user does not exist.");
  if (user != 0) need("MANAGE_WATCHERS");
  if (std::find(of.watchers.begin(), of.watchers.end(), user) == of.watchers.end()) of.watchers.push_back(user);
  std::sort(of.watchers.begin(), of.watchers.end());
  return no_content();
}

http::Response Service::delete_watcher(Call& call) {
  Issue& of = writable(call, "");
  const std::string* account = call.get(site_.server() ? "username" : "accountId");
  if (!account) refuse(400, "The user is not named.");
  const Index user = site_.user(*account);
  if (user != 0) need("MANAGE_WATCHERS");
  if (user == none || std::erase(of.watchers, user) == 0) refuse(404, "The user does not watch this issue.");
  return no_content();
}

}  // namespace migrate::jira::sim
