#include "answers.hpp"

#include <fmt/format.h>
#include <boost/json/parse.hpp>

#include <algorithm>

#include "adf.hpp"
#include "intake.hpp"

namespace migrate::jira::sim {
namespace {

constexpr std::size_t comments_in_issue = 100, worklogs_in_issue = 20;

Value text_or_null(const std::string& text) { return text.empty() ? Value() : Value(text); }
Value seconds_or_null(std::int64_t seconds) { return seconds < 0 ? Value() : Value(seconds); }

}  // namespace

Selection Answers::select(const std::vector<std::string>& names, std::string_view otherwise) const {
  Selection made;
  made.fields.assign(site_.fields.size(), false);
  const auto all = [&](bool navigable_only) {
    for (Index i = 0; i < site_.fields.size(); ++i) {
      if (!navigable_only || site_.fields[i].navigable) made.fields[i] = true;
    }
  };
  std::vector<std::string> wanted = names;
  if (wanted.empty()) wanted.emplace_back(otherwise);
  // Only exclusions: from what would be there without them.
  if (wanted.front().starts_with('-')) all(otherwise != "*all");
  made.id_only = true;
  for (const std::string& name : wanted) {
    if (name == "id") continue;
    made.id_only = false;
    if (name == "*all" || name == "*navigable") {
      all(name == "*navigable");
    } else if (const Index field_index = site_.field(name.starts_with('-') ? name.substr(1) : name);
               field_index != none) {
      made.fields[field_index] = !name.starts_with('-');
    }
  }
  return made;
}

Value Answers::issue(const Call& call, const Issue& issue, const Values& values, const Selection& selection) const {
  Object out;
  const std::string id = fmt::format("{}", issue.id);
  if (selection.id_only && selection.properties.empty()) {
    out.emplace("id", id);
    return out;
  }
  out.emplace("expand", "renderedFields,names,schema,operations,editmeta,changelog,versionedRepresentations");
  out.emplace("id", id);
  out.emplace("self", site_.self(call.api, "issue/" + id));
  out.emplace("key", issue.key);
  Object fields;
  for (Index i = 0; i < site_.fields.size(); ++i) {
    if (selection.fields[i]) fields.emplace(site_.fields[i].id, field(call, issue, values, i));
  }
  if (!fields.empty()) out.emplace("fields", std::move(fields));
  if (!selection.properties.empty()) {
    const bool all = selection.properties.front() == "*all";
    Object properties;
    for (const auto& [key, json] : issue.properties) {
      const auto& wanted = selection.properties;
      const bool named = std::find(wanted.begin(), wanted.end(), key) != wanted.end();
      const bool dropped = std::find(wanted.begin(), wanted.end(), "-" + key) != wanted.end();
      if ((named || all) && !dropped) properties.emplace(key, parse_deep(json));
    }
    out.emplace("properties", std::move(properties));
  }
  return out;
}

Value Answers::field(const Call& call, const Issue& issue, const Values& values, Index index) const {
  const Field& of = site_.fields[index];
  if (of.custom) {
    const std::string* stored = custom_of(values, index);
    return stored ? custom(call, issue, of, *stored) : Value();
  }
  switch (of.kind) {
    case Kind::text:
      return Value(values.summary);
    case Kind::rich:
      return rich(call, issue, of.id == "description" ? values.description : values.environment);
    case Kind::labels:
      return Array(values.labels.begin(), values.labels.end());
    case Kind::user:
      return site_.user_json(call.api, of.id == "assignee" ? values.assignee : values.reporter);
    case Kind::priority:
      return site_.priority_json(call.api, values.priority);
    case Kind::status:
      return site_.status_json(call.api, values.status);
    case Kind::resolution:
      return site_.resolution_json(call.api, values.resolution);
    case Kind::issue_type:
      return site_.type_json(call.api, values.type);
    case Kind::project:
      return site_.project_json(call.api, issue.project, false);
    case Kind::parent: {
      const Issue* above = values.parent == none ? nullptr : store_.at(values.parent);
      return above ? stub(call, *above) : Value();
    }
    case Kind::date:
      return text_or_null(values.due);
    case Kind::components:
    case Kind::versions: {
      Array list;
      const std::vector<Index>& all = of.kind == Kind::components ? values.components
                                      : of.id == "versions"       ? values.versions
                                                                  : values.fix_versions;
      for (const Index each : all) {
        list.push_back(of.kind == Kind::components ? site_.component_json(call.api, each)
                                                   : site_.version_json(call.api, each));
      }
      return list;
    }
    case Kind::time_tracking: {
      Object out;
      if (values.estimate >= 0) {
        out.emplace("originalEstimate", duration_text(values.estimate));
        out.emplace("originalEstimateSeconds", values.estimate);
      }
      if (values.remaining >= 0) {
        out.emplace("remainingEstimate", duration_text(values.remaining));
        out.emplace("remainingEstimateSeconds", values.remaining);
      }
      return out;
    }
    default:
      return read_only(call, issue, values, of.id);
  }
}

Value Answers::read_only(const Call& call, const Issue& issue, const Values& values, std::string_view id) const {
  if (id == "created") return Value(site_.time(values.created));
  if (id == "updated") return Value(site_.time(values.updated));
  if (id == "creator") return site_.user_json(call.api, issue.creator);
  if (id == "resolutiondate") return values.resolved == 0 ? Value() : Value(site_.time(values.resolved));
  if (id == "statuscategorychangedate") return Value(site_.time(values.status_changed));
  if (id == "timeestimate") return seconds_or_null(values.remaining);
  if (id == "timeoriginalestimate") return seconds_or_null(values.estimate);
  Array list;
  if (id == "timespent") {
    std::int64_t total = 0;
    for (const Worklog& each : issue.worklogs) total += each.seconds;
    return total == 0 ? Value() : Value(total);
  }
  if (id == "subtasks") {
    for (const Index child : issue.children) {
      const Issue& below = *store_.at(child);
      if (site_.types[below.now->type].level < 0) list.push_back(stub(call, below));
    }
    return list;
  }
  if (id == "issuelinks") {
    for (const std::uint64_t each : issue.links) list.push_back(link(call, store_.links.at(each), &issue));
    return list;
  }
  if (id == "attachment") {
    for (const Attachment& file : issue.attachments) list.push_back(attachment(call, file));
    return list;
  }
  Object out;
  if (id == "watches") {
    out.emplace("self", site_.self(call.api, fmt::format("issue/{}/watchers", issue.key)));
    out.emplace("watchCount", issue.watchers.size());
    out.emplace("isWatching", std::find(issue.watchers.begin(), issue.watchers.end(), 0) != issue.watchers.end());
    return out;
  }
  const bool comments = id == "comment";
  const std::size_t total = comments ? issue.comments.size() : issue.worklogs.size();
  const std::size_t most = comments ? comments_in_issue : worklogs_in_issue;
  for (std::size_t i = 0; i < std::min(total, most); ++i) {
    list.push_back(comments ? comment(call, issue, issue.comments[i], false)
                            : worklog(call, issue, issue.worklogs[i], false));
  }
  out.emplace(comments ? "comments" : "worklogs", std::move(list));
  if (comments) out.emplace("self", site_.self(call.api, fmt::format("issue/{}/comment", issue.id)));
  out.emplace("maxResults", std::max<std::size_t>(std::min(total, most), comments ? 0 : worklogs_in_issue));
  out.emplace("total", total);
  out.emplace("startAt", 0);
  return out;
}

Value Answers::option(const Call& call, const Field& of, Index index) const {
  const Named& each = of.options[index];
  Object out;
  out.emplace("self", site_.self(call.api, "customFieldOption/" + each.id));
  out.emplace("value", each.name);
  out.emplace("id", each.id);
  return out;
}

Value Answers::custom(const Call& call, const Issue& issue, const Field& of, const std::string& stored) const {
  if (of.kind == Kind::rich) return rich(call, issue, stored);
  Value value = boost::json::parse(stored);
  switch (of.kind) {
    case Kind::datetime:
      return Value(site_.time(value.to_number<Millis>()));
    case Kind::option:
      return option(call, of, value.to_number<Index>());
    case Kind::options: {
      Array list;
      for (const Value& each : value.get_array()) list.push_back(option(call, of, each.to_number<Index>()));
      return list;
    }
    case Kind::user:
      return site_.user_json(call.api, value.to_number<Index>());
    default:
      return value;
  }
}

Value Answers::plain(const Field& of, const std::string& stored) const {
  if (of.kind == Kind::rich) return site_.server() ? Value(stored) : parse_deep(stored);
  Value value = boost::json::parse(stored);
  switch (of.kind) {
    case Kind::datetime:
      return Value(site_.time(value.to_number<Millis>()));
    case Kind::option:
      return Value(of.options[value.to_number<Index>()].name);
    case Kind::options:
      for (Value& each : value.get_array()) each = of.options[each.to_number<Index>()].name;
      return value;
    case Kind::user:
      return Value(site_.users[value.to_number<Index>()].email);
    default:
      return value;
  }
}

Value Answers::rich(const Call& call, const Issue& issue, const std::string& stored) const {
  if (stored.empty()) return nullptr;
  if (site_.server()) return Value(stored);
  Value document = parse_deep(stored);
  if (call.api == 3) return document;
  return Value(to_wiki(document, [&](std::string_view media) {
    for (const Attachment& file : issue.attachments) {
      if (file.media == media) return file.name;
    }
    return std::string("unknown-attachment");
  }));
}

void Answers::expand(const Call& call, const Issue& issue, Object& answer) const {
  Object names, schema;
  if (const Value* fields = answer.if_contains("fields")) {
    for (const auto& [id, value] : fields->get_object()) {
      const Index index = site_.field(id);
      if (call.expands("names")) names.emplace(id, site_.fields[index].name);
      if (call.expands("schema")) schema.emplace(id, site_.schema_json(site_.fields[index]));
    }
  }
  if (call.expands("names")) answer.emplace("names", std::move(names));
  if (call.expands("schema")) answer.emplace("schema", std::move(schema));
  if (call.expands("editmeta")) answer.emplace("editmeta", edit_meta(call, issue));
  if (call.expands("transitions")) {
    Array list;
    for (const Transition* each : transitions(issue)) list.push_back(site_.transition_json(call.api, *each, false));
    answer.emplace("transitions", std::move(list));
  }
}

Value Answers::edit_meta(const Call& call, const Issue& issue) const {
  const IssueType& type = site_.types[issue.now->type];
  Object fields;
  for (const Field& of : site_.fields) {
    if (!site_.on_screen(of, type, false)) continue;
    fields.emplace(of.id, site_.field_meta(call.api, of, site_.projects[issue.project], type, false));
  }
  Object out;
  out.emplace("fields", std::move(fields));
  return out;
}

std::vector<const Transition*> Answers::transitions(const Issue& issue) const {
  std::vector<const Transition*> open;
  for (const Transition& each : site_.transitions) {
    if (each.from == issue.now->status && site_.may("TRANSITION_ISSUES")) open.push_back(&each);
  }
  return open;
}

}  // namespace migrate::jira::sim
