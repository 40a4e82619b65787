// How what hangs on an issue is answered: files, comments, worklogs, links.
#include <fmt/format.h>

#include "answers.hpp"

namespace migrate::jira::sim {
namespace {

Array properties_json(const std::vector<Property>& properties) {
  Array list;
  for (const auto& [key, json] : properties) {
    Object one;
    one.emplace("key", key);
    one.emplace("value", parse_deep(json));
    list.push_back(std::move(one));
  }
  return list;
}

Value visibility_json(const Site& site, const std::string& type, const std::string& value) {
  Object out;
  out.emplace("type", type);
  out.emplace("value", value);
  const std::vector<Named>& known = type == "role" ? site.roles : site.groups;
  if (!site.server()) out.emplace("identifier", type == "role" ? value : known[find_name(known, value)].id);
  return out;
}

}  // namespace

std::string duration_text(std::int64_t seconds) {
  std::string out;
  const auto part = [&](std::int64_t size, char unit) {
    if (seconds < size) return;
    out += fmt::format("{}{}{}", out.empty() ? "" : " ", seconds / size, unit);
    seconds %= size;
  };
  part(144'000, 'w');
  part(28'800, 'd');
  part(3600, 'h');
  part(60, 'm');
  return out.empty() ? "0m" : out;
}

bool is_public(const Comment& comment) {
  for (const auto& [key, json] : comment.properties) {
    if (key != "sd.public.comment") continue;
    const Value value = parse_deep(json);
    const Value* internal = member(value, "internal");
    return !internal || !internal->is_bool() || !internal->get_bool();
  }
  return true;
}

Value Answers::stub(const Call& call, const Issue& issue) const {
  Object fields;
  fields.emplace("summary", issue.now->summary);
  fields.emplace("status", site_.status_json(call.api, issue.now->status));
  fields.emplace("priority", site_.priority_json(call.api, issue.now->priority));
  fields.emplace("issuetype", site_.type_json(call.api, issue.now->type));
  Object out;
  out.emplace("id", fmt::format("{}", issue.id));
  out.emplace("key", issue.key);
  out.emplace("self", site_.self(call.api, fmt::format("issue/{}", issue.id)));
  out.emplace("fields", std::move(fields));
  return out;
}

/// Who has not signed in is left out.
void Answers::name_user(const Call& call, Object& out, std::string_view role, Index user) const {
  if (user != none) out.emplace(role, site_.user_json(call.api, user));
}

Value Answers::attachment(const Call& call, const Attachment& file) const {
  Object out;
  out.emplace("self", site_.self(call.api, fmt::format("attachment/{}", file.id)));
  out.emplace("id", fmt::format("{}", file.id));
  out.emplace("filename", file.name);
  name_user(call, out, "author", file.author);
  out.emplace("created", site_.time(file.created));
  out.emplace("size", file.size);
  out.emplace("mimeType", file.media_type);
  out.emplace("content", site_.server()
                             ? fmt::format("{}/secure/attachment/{}/{}", site_.origin, file.id, http::encode(file.name))
                             : site_.self(call.api, fmt::format("attachment/content/{}", file.id)));
  return out;
}

Value Answers::comment(const Call& call, const Issue& issue, const Comment& comment, bool with_properties) const {
  Object out;
  out.emplace("self", site_.self(call.api, fmt::format("issue/{}/comment/{}", issue.id, comment.id)));
  out.emplace("id", fmt::format("{}", comment.id));
  name_user(call, out, "author", comment.author);
  out.emplace("body", rich(call, issue, comment.body));
  name_user(call, out, "updateAuthor", comment.update_author);
  out.emplace("created", site_.time(comment.created));
  out.emplace("updated", site_.time(comment.updated));
  if (!comment.visibility_type.empty()) {
    out.emplace("visibility", visibility_json(site_, comment.visibility_type, comment.visibility_value));
  }
  if (site_.projects[issue.project].type == "service_desk" && !site_.server()) {
    out.emplace("jsdPublic", is_public(comment));
  }
  if (with_properties) out.emplace("properties", properties_json(comment.properties));
  return out;
}

Value Answers::worklog(const Call& call, const Issue& issue, const Worklog& worklog, bool with_properties) const {
  Object out;
  out.emplace("self", site_.self(call.api, fmt::format("issue/{}/worklog/{}", issue.id, worklog.id)));
  name_user(call, out, "author", worklog.author);
  name_user(call, out, "updateAuthor", worklog.update_author);
  if (!worklog.comment.empty()) out.emplace("comment", rich(call, issue, worklog.comment));
  out.emplace("created", site_.time(worklog.created));
  out.emplace("updated", site_.time(worklog.updated));
  if (!worklog.visibility_type.empty()) {
    out.emplace("visibility", visibility_json(site_, worklog.visibility_type, worklog.visibility_value));
  }
  out.emplace("started", site_.time(worklog.started));
  out.emplace("timeSpent", duration_text(worklog.seconds));
  out.emplace("timeSpentSeconds", worklog.seconds);
  out.emplace("id", fmt::format("{}", worklog.id));
  out.emplace("issueId", fmt::format("{}", issue.id));
  if (with_properties) out.emplace("properties", properties_json(worklog.properties));
  return out;
}

Value Answers::link(const Call& call, const Link& link, const Issue* seen_from) const {
  Object out;
  out.emplace("id", fmt::format("{}", link.id));
  out.emplace("self", site_.self(call.api, fmt::format("issueLink/{}", link.id)));
  out.emplace("type", site_.link_type_json(call.api, link.type));
  // Who was posted as inwardIssue sees the other one as outwardIssue, and the other way round.
  if (!seen_from || seen_from->position == link.outward)
    out.emplace("inwardIssue", stub(call, *store_.at(link.inward)));
  if (!seen_from || seen_from->position == link.inward)
    out.emplace("outwardIssue", stub(call, *store_.at(link.outward)));
  return out;
}

Value Answers::property_keys(const Call& call, std::string_view of, const std::vector<Property>& properties) const {
  Array keys;
  for (const auto& [key, json] : properties) {
    Object one;
    one.emplace("self", site_.self(call.api, fmt::format("{}/properties/{}", of, http::encode(key))));
    one.emplace("key", key);
    keys.push_back(std::move(one));
  }
  Object out;
  out.emplace("keys", std::move(keys));
  return out;
}

}  // namespace migrate::jira::sim
