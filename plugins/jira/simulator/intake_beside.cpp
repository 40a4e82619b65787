// What is sent beside an issue's fields: changes of lists, comments, worklogs, links, properties.
#include <fmt/format.h>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>

#include "intake.hpp"

namespace migrate::jira::sim {
namespace {

constexpr std::size_t property_limit = 32'768;            // bytes of a property's JSON
constexpr std::int64_t most_seconds = 1'000'000'000'000;  // of one worklog: sums stay in range

}  // namespace

void Intake::update(const Object& sent, Values& values) {
  for (const auto& [name, operations] : sent) {
    const Index index = site_.field(name);
    const bool beside = name == "comment" || name == "issuelinks";
    if (index == none || (!beside && !site_.on_screen(site_.fields[index], site_.types[values.type], !issue_))) {
      faults.field(name, fmt::format("Field '{}' cannot be set. It is not on the appropriate screen, or unknown.",
                                     std::string_view(name)));
      continue;
    }
    if (!operations.is_array()) {
      faults.field(name, "data was not an array");
      continue;
    }
    for (const Value& operation : operations.get_array()) {
      if (!operation.is_object() || operation.get_object().size() != 1) refuse_payload();
      const auto& [verb, value] = *operation.get_object().begin();
      change(index, verb, value, values);
    }
  }
}

void Intake::change(Index index, std::string_view verb, const Value& value, Values& values) {
  const Field& of = site_.fields[index];
  if (of.id == "comment" && verb == "add") {
    if (std::optional<Comment> made = comment(value)) comments.push_back(std::move(*made));
  } else if (of.id == "issuelinks" && verb == "add") {
    if (std::optional<Link> made = link(value)) links.push_back(*made);
  } else if (of.kind == Kind::read_only || (verb != "set" && verb != "add" && verb != "remove" && verb != "edit")) {
    faults.field(of.id, fmt::format("Field does not support update '{}'", verb));
  } else if (verb == "set" || (verb == "edit" && of.kind == Kind::time_tracking)) {
    field(index, value, values);
  } else {
    change_list(index, verb == "add", value, values);
  }
}

void Intake::change_list(Index index, bool adds, const Value& value, Values& values) {
  const Field& of = site_.fields[index];
  if (of.custom) return change_custom_list(index, adds, value, values);
  if (of.kind == Kind::labels) return change_labels(of, adds, value, values.labels);
  if (of.kind != Kind::components && of.kind != Kind::versions) {
    return faults.field(of.id, fmt::format("Field does not support update '{}'", adds ? "add" : "remove"));
  }
  std::vector<Index>& all = of.kind == Kind::components ? values.components
                            : of.id == "versions"       ? values.versions
                                                        : values.fix_versions;
  const std::optional<Index> found = listed(of, value);
  if (!found) return;
  std::erase(all, *found);
  if (adds) all.push_back(*found);
}

void Intake::change_custom_list(Index index, bool adds, const Value& value, Values& values) {
  const Field& of = site_.fields[index];
  const std::string* before = custom_of(values, index);
  Array all = before ? boost::json::parse(*before).as_array() : Array();
  if (of.kind == Kind::labels) {
    std::vector<std::string> labels_list;
    for (const Value& each : all) labels_list.emplace_back(each.get_string());
    change_labels(of, adds, value, labels_list);
    all = Array(labels_list.begin(), labels_list.end());
  } else if (of.kind == Kind::options) {
    const std::optional<Index> found = option(of, value);
    if (!found) return;
    const auto same = std::find(all.begin(), all.end(), Value(*found));
    if (!adds && same != all.end()) all.erase(same);
    if (adds && same == all.end()) all.emplace_back(*found);
  } else {
    return faults.field(of.id, fmt::format("Field does not support update '{}'", adds ? "add" : "remove"));
  }
  set_custom(values, index, all.empty() ? std::nullopt : std::optional<std::string>(boost::json::serialize(all)));
}

std::optional<Comment> Intake::comment(const Value& sent) {
  if (!sent.is_object()) refuse_payload();
  const Object& object = sent.get_object();
  // What the service decides itself is known and has no effect: nobody can set author or time.
  only_members(object, {"body", "visibility", "properties", "id", "self", "author", "updateAuthor", "created",
                        "updated", "jsdPublic", "jsdAuthorCanSeeRequest", "renderedBody"});
  Comment made;
  const Value* body = object.if_contains("body");
  if (!body || body->is_null()) {
    faults.field("comment", "Comment body can not be empty!");
    return std::nullopt;
  }
  made.body = rich("comment", *body);
  if (made.body.empty() && !faults.any()) faults.field("comment", "Comment body can not be empty!");
  visibility(object, made.visibility_type, made.visibility_value);
  if (const Value* list_of = object.if_contains("properties")) made.properties = properties(*list_of);
  if (faults.any()) return std::nullopt;
  return made;
}

std::optional<Worklog> Intake::worklog(const Value& sent) {
  if (!sent.is_object()) refuse_payload();
  const Object& object = sent.get_object();
  only_members(object, {"comment", "started", "timeSpent", "timeSpentSeconds", "visibility", "properties", "id", "self",
                        "author", "updateAuthor", "created", "updated", "issueId"});
  Worklog made;
  made.started = call_.now;
  if (const Value* started = object.if_contains("started")) {
    const std::optional<Millis> at = started->is_string() ? parse_time(started->get_string()) : std::nullopt;
    if (!at) refuse_payload();
    made.started = *at;
  }
  const Value* seconds = object.if_contains("timeSpentSeconds");
  const Value* spent = object.if_contains("timeSpent");
  if (seconds && (!seconds->is_int64() || seconds->get_int64() > most_seconds)) refuse_payload();
  made.seconds = seconds ? seconds->get_int64() : spent ? duration(text_or(spent)).value_or(0) : 0;
  // Jira keeps whole minutes.
  if (made.seconds < 60) faults.field("timeLogged", "You must indicate the time spent working.");
  made.seconds -= made.seconds % 60;
  if (const Value* text_value = object.if_contains("comment")) made.comment = rich("comment", *text_value);
  visibility(object, made.visibility_type, made.visibility_value);
  if (const Value* list_of = object.if_contains("properties")) made.properties = properties(*list_of);
  if (faults.any()) return std::nullopt;
  return made;
}

void Intake::visibility(const Object& sent, std::string& type, std::string& value) {
  const Value* given = sent.if_contains("visibility");
  if (!given || given->is_null()) return;
  if (!given->is_object()) refuse_payload();
  only_members(given->get_object(), {"type", "value", "identifier"});
  type = text_or(member(*given, "type"));
  value = text_or(member(*given, "value"));
  const std::string_view id = text_or(member(*given, "identifier"));
  if (type != "role" && type != "group") return faults.field("commentLevel", "Visibility type must be role or group.");
  const std::vector<Named>& known = type == "role" ? site_.roles : site_.groups;
  const Index found = value.empty() ? find_id(known, id) : find_name(known, value);
  if (found == none) {
    return faults.field("commentLevel",
                        fmt::format("{} '{}' does not exist.", type == "role" ? "Role" : "Group", value));
  }
  value = known[found].name;
  if (!site_.is_member(store_.actor, value))
    faults.field("commentLevel", fmt::format("You are currently not a member of the {}: {}.",
                                             type == "role" ? "project role" : "group", value));
}

std::optional<Link> Intake::link(const Value& sent) {
  if (!sent.is_object()) refuse_payload();
  const Object& object = sent.get_object();
  only_members(object, {"type", "inwardIssue", "outwardIssue", "comment"});
  const Value* type = object.if_contains("type");
  const Value* inward = object.if_contains("inwardIssue");
  const Value* outward = object.if_contains("outwardIssue");
  if (!type || !type->is_object()) refuse_payload();
  Link made;
  const std::string_view id = text_or(member(*type, "id")), name = text_or(member(*type, "name"));
  made.type = id.empty() ? find_name(site_.link_types, name) : find_id(site_.link_types, id);
  if (made.type == none) {
    refuse(404,
           fmt::format("No issue link type with {} '{}' found.", id.empty() ? "name" : "id", id.empty() ? name : id));
  }
  const auto end = [&](const Value* given) {
    if (!given) return none;
    std::string_view key = text_or(member(*given, "key"));
    if (key.empty()) key = text_or(member(*given, "id"));
    const Issue* found = key.empty() || call_.anonymous ? nullptr : store_.find(key);
    if (!found) refuse(404, "Issue does not exist or you do not have permission to see it.");
    return found->position;
  };
  made.inward = end(inward);
  made.outward = end(outward);
  return made;
}

std::vector<Property> Intake::properties(const Value& sent) {
  std::vector<Property> made;
  if (!sent.is_array()) refuse_payload();
  for (const Value& each : sent.get_array()) {
    const std::string_view key = text_or(member(each, "key"));
    const Value* value = member(each, "value");
    if (key.empty() || !value) refuse_payload();
    only_members(each.get_object(), {"key", "value"});
    if (key.size() > 255) refuse(400, "The property key cannot be longer than 255 characters.");
    std::string json = boost::json::serialize(*value);
    if (json.size() > property_limit) refuse(400, "The property value cannot be longer than 32768 characters.");
    made.emplace_back(std::string(key), std::move(json));
  }
  std::sort(made.begin(), made.end());
  return made;
}

}  // namespace migrate::jira::sim
