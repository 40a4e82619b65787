// Everything that the stand-in holds as canonical JSON, and the same without what the service chose.
#include <fmt/format.h>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <map>

#include "../simulator.hpp"
#include "adf.hpp"
#include "service.hpp"

namespace migrate::jira {
namespace sim {

Value Service::rich_state(const std::string& stored) const {
  if (stored.empty()) return nullptr;
  return site_.server() ? Value(stored) : parse_deep(stored);
}

Array Service::file_state(const Issue& issue) const {
  std::map<std::string, std::vector<std::string>, std::less<>> shown;  // by name at the media service, or by file name
  const auto note = [&](const std::string& stored, const std::string& where) {
    for (const std::string& each : site_.server() ? wiki_files(stored) : media_in(stored)) shown[each].push_back(where);
  };
  note(issue.now->description, "description");
  note(issue.now->environment, "environment");
  for (const auto& [field, stored] : issue.now->custom) {
    if (site_.fields[field].kind == Kind::rich) note(stored, site_.fields[field].name);
  }
  for (std::size_t i = 0; i < issue.comments.size(); ++i)
    note(issue.comments[i].body, fmt::format("comment {}", i + 1));
  Array list;
  for (const Attachment& file : issue.attachments) {
    Array by;
    const auto found = shown.find(site_.server() ? file.name : file.media);
    for (const std::string& where : found == shown.end() ? std::vector<std::string>() : found->second) {
      if (by.empty() || by.back().get_string() != where) by.emplace_back(where);
    }
    Object one{{"id", fmt::format("{}", file.id)}, {"media", file.media}, {"name", file.name}, {"size", file.size}};
    one.emplace("mediaType", file.media_type);
    one.emplace("sha256", file.sha256);
    one.emplace("created", site_.time(file.created));
    one.emplace("referencedBy", std::move(by));
    list.push_back(std::move(one));
  }
  return list;
}

namespace {

Object properties_state(const std::vector<Property>& properties) {
  Object out;
  for (const auto& [key, json] : properties) out.emplace(key, parse_deep(json));
  return out;
}

Value visibility_state(const std::string& type, const std::string& value) {
  return type.empty() ? Value() : Value(Object{{"type", type}, {"value", value}});
}

std::string person(const Site& site, Index user) { return user == none ? std::string() : site.users[user].email; }

Array names(const std::vector<Component>& of, const std::vector<Index>& list) {
  Array out;
  for (const Index each : list) out.emplace_back(of[each].name);
  return out;
}

}  // namespace

Object Service::field_state(const Values& values) const {
  Object fields{{"summary", values.summary}};
  fields.emplace("description", rich_state(values.description));
  fields.emplace("environment", rich_state(values.environment));
  fields.emplace("priority", values.priority == none ? Value() : Value(site_.priorities[values.priority].name));
  fields.emplace("assignee", person(site_, values.assignee));
  fields.emplace("reporter", person(site_, values.reporter));
  fields.emplace("duedate", values.due);
  fields.emplace("components", names(site_.components, values.components));
  fields.emplace("fixVersions", names(site_.versions, values.fix_versions));
  fields.emplace("versions", names(site_.versions, values.versions));
  fields.emplace("estimate", values.estimate);
  fields.emplace("remaining", values.remaining);
  // By name: a person reads it, and ids differ from site to site.
  for (const auto& [field, stored] : values.custom) {
    fields.emplace(site_.fields[field].name, answers_.plain(site_.fields[field], stored));
  }
  return fields;
}

Array Service::comment_state(const Issue& issue) const {
  Array comments;
  for (const Comment& each : issue.comments) {
    Object one{{"id", fmt::format("{}", each.id)}, {"internal", !is_public(each)}};
    one.emplace("body", rich_state(each.body));
    one.emplace("visibility", visibility_state(each.visibility_type, each.visibility_value));
    one.emplace("properties", properties_state(each.properties));
    one.emplace("created", site_.time(each.created));
    one.emplace("updated", site_.time(each.updated));
    comments.push_back(std::move(one));
  }
  return comments;
}

Array Service::worklog_state(const Issue& issue) const {
  Array worklogs;
  for (const Worklog& each : issue.worklogs) {
    Object one{{"id", fmt::format("{}", each.id)}, {"seconds", each.seconds}};
    one.emplace("started", each.started);
    one.emplace("comment", rich_state(each.comment));
    one.emplace("visibility", visibility_state(each.visibility_type, each.visibility_value));
    one.emplace("properties", properties_state(each.properties));
    one.emplace("created", site_.time(each.created));
    worklogs.push_back(std::move(one));
  }
  return worklogs;
}

Array Service::link_state(const Issue& issue) const {
  Array links;
  for (const std::uint64_t id : issue.links) {
    const Link& each = store_.links.at(id);
    const LinkType& type = site_.link_types[each.type];
    const bool subject = each.inward == issue.position;
    Object one{{"id", fmt::format("{}", id)}, {"type", type.name}, {"says", subject ? type.outward : type.inward}};
    one.emplace("issue", store_.all()[subject ? each.outward : each.inward]->key);
    links.push_back(std::move(one));
  }
  return links;
}

Value Service::issue_state(const Issue& issue) const {
  const Values& values = *issue.now;
  Array remote_links, watchers;
  for (const RemoteLink& each : issue.remote_links) {
    Object one = parse_deep(each.json).as_object();
    one.emplace("id", fmt::format("{}", each.id));
    one.emplace("globalId", each.global_id);
    remote_links.push_back(std::move(one));
  }
  for (const Index user : issue.watchers) watchers.emplace_back(person(site_, user));
  Object out{{"id", fmt::format("{}", issue.id)}, {"key", issue.key}};
  out.emplace("project", site_.projects[issue.project].key);
  out.emplace("type", site_.types[values.type].name);
  out.emplace("status", site_.statuses[values.status].name);
  out.emplace("resolution", values.resolution == none ? Value() : Value(site_.resolutions[values.resolution].name));
  out.emplace("parent", values.parent == none ? Value() : Value(store_.all()[values.parent]->key));
  out.emplace("labels", Array(values.labels.begin(), values.labels.end()));
  out.emplace("fields", field_state(values));
  out.emplace("attachments", file_state(issue));
  out.emplace("comments", comment_state(issue));
  out.emplace("worklogs", worklog_state(issue));
  out.emplace("links", link_state(issue));
  out.emplace("remoteLinks", std::move(remote_links));
  out.emplace("properties", properties_state(issue.properties));
  out.emplace("watchers", std::move(watchers));
  out.emplace("created", site_.time(values.created));
  out.emplace("updated", site_.time(values.updated));
  out.emplace("resolved", values.resolved == 0 ? Value() : Value(site_.time(values.resolved)));
  return out;
}

Value Service::state() const {
  Object issues;
  for (const std::unique_ptr<Issue>& each : store_.all()) {
    if (each && !each->deleted) issues.emplace(each->key, issue_state(*each));
  }
  Object mails{{"sent", mail_.sent}, {"suppressed", mail_.suppressed}};
  Object by_event;
  for (const auto& [event, count] : mail_.by_event) by_event.emplace(event, count);
  mails.emplace("byEvent", std::move(by_event));
  Object counters{{"issuesCreated", store_.created}, {"issuesDeleted", store_.deleted}};
  counters.emplace("attachmentsOrphaned", orphaned_);
  counters.emplace("credentialsLeaked", leaked_credentials_);
  counters.emplace("notifications", std::move(mails));
  Object out;
  out.emplace("issues", std::move(issues));
  out.emplace("counters", std::move(counters));
  const Value whole(std::move(out));
  return site_.settings.masked ? masked_state(whole) : whole;
}

}  // namespace sim
}  // namespace migrate::jira
