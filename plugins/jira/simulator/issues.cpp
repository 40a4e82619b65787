// Issues: made, read, changed, moved through the workflow, deleted.
#include <fmt/format.h>
#include <boost/json/serialize.hpp>

#include <algorithm>

#include "service.hpp"

namespace migrate::jira::sim {
namespace {

constexpr std::size_t most_created = 50, most_fetched = 100, most_deleted = 1000;
constexpr Millis deletion_of_one = 100;  // how long a bulk deletion takes an issue; the vendor names no number
constexpr Index default_priority = 2;

const Object& object_of(const Value& value, std::string_view name) {
  static const Object nothing;
  const Value* found = member(value, name);
  if (!found || found->is_null()) return nothing;
  if (!found->is_object()) refuse_payload();
  return found->get_object();
}

void check_members(const Value& sent) {
  if (!sent.is_object()) refuse_payload();
  only_members(sent.get_object(), {"fields", "update", "transition", "properties", "historyMetadata"});
}

/// The same field in both parts is refused.
void check_twice(const Object& fields, const Object& update, Faults& faults) {
  for (const auto& [name, value] : update) {
    if (fields.contains(name)) {
      faults.field(name, fmt::format("Field '{}' cannot appear in both 'fields' and 'update'", std::string_view(name)));
    }
  }
}

}  // namespace

Service::Created Service::create_one(const Call& call, const Value& sent) {
  check_members(sent);
  const Object& fields = object_of(sent, "fields");
  const Object& update = object_of(sent, "update");
  Faults faults;
  const Value* project_sent = fields.if_contains("project");
  std::string_view key = project_sent ? text_or(member(*project_sent, "key")) : std::string_view();
  if (key.empty() && project_sent) key = text_or(member(*project_sent, "id"));
  const Index project = key.empty() || !site_.may("BROWSE_PROJECTS") ? none : site_.project(key);
  if (project == none) {
    refuse_field(400, "project", key.empty() ? "Specify a valid project ID or key" : "valid project is required");
  }
  if (!site_.may("CREATE_ISSUES")) refuse(400, "You do not have permission to create issues in this project.");
  const Value* type_sent = fields.if_contains("issuetype");
  if (!type_sent) refuse_field(400, "issuetype", "Specify an issue type");
  Intake intake(call, site_, store_, project, nullptr);
  Values values;
  values.reporter = 0;
  values.priority = site_.fields[site_.field("priority")].on_create ? default_priority : none;
  values.type = site_.projects[project].issue_types.front();
  // The type first: it decides which fields are on the screen.
  intake.fields(Object{{"issuetype", *type_sent}}, values);
  intake.faults.check();
  intake.fields(fields, values);
  check_twice(fields, update, intake.faults);
  intake.update(update, values);
  intake.required(values, nullptr);
  intake.parent_fits(values);
  std::vector<Property> properties;
  if (const Value* list = member(sent, "properties")) properties = intake.properties(*list);
  intake.faults.check();

  Created made;
  made.issue = &store_.add(project, std::move(values), call.now);
  made.issue->creator = store_.actor;
  made.issue->properties = std::move(properties);
  notify(*made.issue, "created", true, intake.mentions);
  store_besides(call, *made.issue, intake);
  Object answer;
  answer.emplace("id", fmt::format("{}", made.issue->id));
  answer.emplace("key", made.issue->key);
  answer.emplace("self", site_.self(call.api, fmt::format("issue/{}", made.issue->id)));
  if (const Value* wanted = member(sent, "transition")) {
    Faults refused;
    const bool moved = move(call, *made.issue, *wanted, Object(), Object(), refused);
    Object transition{{"status", moved ? 200 : 400}};
    transition.emplace("errorCollection", refused.json());
    answer.emplace("transition", std::move(transition));
  }
  made.answer = std::move(answer);
  return made;
}

void Service::store_besides(const Call& call, Issue& issue, Intake& intake) {
  for (Comment& comment : intake.comments) store_comment(call, issue, std::move(comment));
  for (Link link : intake.links) {
    if (link.inward == none) link.inward = issue.position;
    if (link.outward == none) link.outward = issue.position;
    store_link(call, link);
  }
}

http::Response Service::create(Call& call) { return ok(create_one(call, call.body).answer, 201); }

http::Response Service::create_bulk(Call& call) {
  const Value* list = call.object({"issueUpdates"}).if_contains("issueUpdates");
  if (!list || !list->is_array() || list->get_array().empty()) refuse_payload();
  const Array& sent = list->get_array();
  if (sent.size() > most_created) refuse(400, fmt::format("The number of issues must not exceed {}.", most_created));
  Array made, errors;
  for (std::size_t i = 0; i < sent.size(); ++i) {
    try {
      made.push_back(create_one(call, sent[i]).answer);
    } catch (const Refusal& refusal) {
      Object one;
      one.emplace("status", refusal.response.status);
      one.emplace("elementErrors", parse_deep(refusal.response.body));
      one.emplace("failedElementNumber", i);
      errors.push_back(std::move(one));
    }
  }
  const int status = made.empty() ? 400 : 201;
  Object out;
  out.emplace("issues", std::move(made));
  out.emplace("errors", std::move(errors));
  return ok(std::move(out), status);
}

http::Response Service::bulk_fetch(Call& call) {
  const Object& sent = call.object({"issueIdsOrKeys", "fields", "fieldsByKeys", "properties", "expand"});
  const Value* list = sent.if_contains("issueIdsOrKeys");
  if (!list || !list->is_array() || list->get_array().empty()) refuse(400, "No issue IDs or keys were given.");
  if (list->get_array().size() > most_fetched) {
    refuse(400, fmt::format("The number of issues must not exceed {}.", most_fetched));
  }
  const auto names = [&](std::string_view of) {
    std::vector<std::string> out;
    const Value* given = sent.if_contains(of);
    if (given && !given->is_array()) refuse_payload();
    for (const Value& each : given ? given->get_array() : Array()) out.emplace_back(text_or(&each));
    return out;
  };
  Selection selection = answers_.select(names("fields"), "*navigable");
  selection.id_only = false;
  selection.properties = names("properties");
  std::vector<const Issue*> found;
  Array errors;
  for (const Value& each : list->get_array()) {
    if (!each.is_string()) refuse_payload();
    if (const Issue* one = store_.find(each.get_string())) {
      if (std::find(found.begin(), found.end(), one) == found.end()) found.push_back(one);
    } else {
      errors.push_back(
          Object{{"id", each}, {"errorMessage", "Issue does not exist or you do not have permission to see it."}});
    }
  }
  std::sort(found.begin(), found.end(), [](const Issue* a, const Issue* b) { return a->position < b->position; });
  Array issues;
  for (const Issue* one : found) issues.push_back(answers_.issue(call, *one, *one->now, selection));
  Object out;
  out.emplace("expand", "schema,names");
  out.emplace("issues", std::move(issues));
  out.emplace("issueErrors", std::move(errors));
  return ok(std::move(out));
}

http::Response Service::get_issue(Call& call) {
  const Issue& found = issue(call);
  Selection selection = answers_.select(call.list("fields"), "*all");
  selection.id_only = false;
  selection.properties = call.list("properties");
  Object out = answers_.issue(call, found, *found.now, selection).get_object();
  answers_.expand(call, found, out);
  if (call.expands("changelog")) {
    Array all;
    for (const Change& change : found.history) all.push_back(answers_.change(call, change));
    Object log;
    log.emplace("startAt", 0);
    log.emplace("maxResults", all.size());
    log.emplace("total", all.size());
    log.emplace("histories", std::move(all));
    out.emplace("changelog", std::move(log));
  }
  return ok(std::move(out));
}

void Service::check_editable(const Issue& found, int status_then) const {
  const std::vector<std::string>& closed = site_.settings.read_only_statuses;
  const std::string& status = site_.statuses[found.now->status].name;
  if (std::find(closed.begin(), closed.end(), status) != closed.end())
    refuse(status_then, fmt::format("You can not edit issues in the workflow status {}.", status));
}

http::Response Service::edit(Call& call) {
  Issue& found = writable(call, "EDIT_ISSUES");
  check_members(call.body);
  check_editable(found, 400);
  const bool notifies = call.flag("notifyUsers", true), returns = call.flag("returnIssue", false);
  const Object& fields = object_of(call.body, "fields");
  const Object& update = object_of(call.body, "update");
  const Value* properties_sent = member(call.body, "properties");
  if (!member(call.body, "fields") && !member(call.body, "update") && (!properties_sent || site_.server())) {
    refuse(400, "one of 'fields' or 'update' required");
  }
  Intake intake(call, site_, store_, found.project, &found);
  Values values = *found.now;
  intake.fields(fields, values);
  check_twice(fields, update, intake.faults);
  intake.update(update, values);
  intake.required(values, &fields);
  intake.required(values, &update);
  intake.parent_fits(values);
  std::vector<Property> properties;
  if (properties_sent) properties = intake.properties(*properties_sent);
  intake.faults.check();

  const std::vector<std::string> media = media_in(*found.now);
  store_.change(found, std::move(values), call.now);
  for (Property& each : properties) {
    std::erase_if(found.properties, [&](const Property& old) { return old.first == each.first; });
    found.properties.push_back(std::move(each));
  }
  std::sort(found.properties.begin(), found.properties.end());
  drop_orphans(found, media);
  store_besides(call, found, intake);
  notify(found, "updated", notifies, intake.mentions);
  if (!returns) return no_content();
  return ok(answers_.issue(call, found, *found.now, answers_.select({}, "*all")));
}

http::Response Service::set_assignee(Call& call) {
  Issue& found = writable(call, "ASSIGN_ISSUES");
  check_editable(found, 400);
  const Object& sent = call.object({"accountId", "name", "key"});
  const Value* account = sent.if_contains(site_.server() ? "name" : "accountId");
  if (!account) refuse_payload();
  Intake intake(call, site_, store_, found.project, &found);
  Values values = *found.now;
  intake.fields(Object{{"assignee", account->is_null() ? Value() : Value(sent)}}, values);
  intake.faults.check();
  store_.change(found, std::move(values), call.now);
  notify(found, "assigned");
  return no_content();
}

http::Response Service::edit_meta(Call& call) { return ok(answers_.edit_meta(call, issue(call))); }

http::Response Service::list_transitions(Call& call) {
  const Issue& found = issue(call);
  const std::string* only = call.get("transitionId");
  Array list;
  for (const Transition* each : answers_.transitions(found)) {
    if (only && each->id != *only) continue;
    list.push_back(site_.transition_json(call.api, *each, call.expands("transitions.fields")));
  }
  Object out;
  out.emplace("expand", "transitions");
  out.emplace("transitions", std::move(list));
  return ok(std::move(out));
}

bool Service::move(const Call& call, Issue& found, const Value& wanted, const Object& fields, const Object& update,
                   Faults& faults) {
  const std::string_view id = text_or(member(wanted, "id"));
  if (id.empty() || id.find_first_not_of("0123456789") != std::string_view::npos) {
    faults.message("'transition' identifier must be an integer");
    return false;
  }
  const std::vector<const Transition*> open = answers_.transitions(found);
  const auto chosen = std::find_if(open.begin(), open.end(), [&](const Transition* each) { return each->id == id; });
  if (chosen == open.end()) {
    faults.message(fmt::format("Transition id '{}' is not valid for this issue.", id));
    return false;
  }
  const Transition& transition = **chosen;
  Values values = *found.now;
  values.status = transition.to;
  if (site_.statuses[transition.to].category == "new") values.resolution = none;
  for (const auto& [name, value] : fields) {
    if (name != "resolution" || !transition.wants_resolution) {
      faults.field(name, fmt::format("Field '{}' cannot be set. It is not on the appropriate screen, or unknown.",
                                     std::string_view(name)));
      continue;
    }
    const std::string_view by_id = text_or(member(value, "id")), by_name = text_or(member(value, "name"));
    values.resolution = by_id.empty() ? find_name(site_.resolutions, by_name) : find_id(site_.resolutions, by_id);
    if (values.resolution == none) faults.field(name, "The resolution selected is invalid.");
  }
  if (transition.wants_resolution && !fields.contains("resolution"))
    faults.field("resolution", "Resolution is required.");
  Intake intake(call, site_, store_, found.project, &found);
  for (const auto& [name, value] : update) {
    if (name == "comment") {
      intake.update(Object{{"comment", value}}, values);
    } else {
      faults.field(name, fmt::format("Field '{}' cannot be set. It is not on the appropriate screen, or unknown.",
                                     std::string_view(name)));
    }
  }
  if (faults.any()) return false;
  intake.faults.check();
  values.status_changed = call.now;
  values.resolved = values.resolution == none ? 0 : values.resolved == 0 ? call.now : values.resolved;
  store_.change(found, std::move(values), call.now);
  store_besides(call, found, intake);
  return true;
}

http::Response Service::transition(Call& call) {
  Issue& found = writable(call, "");
  check_members(call.body);
  Faults faults;
  const Value* wanted = member(call.body, "transition");
  const Object& fields = object_of(call.body, "fields");
  const Object& update = object_of(call.body, "update");
  check_twice(fields, update, faults);
  faults.check();
  move(call, found, wanted ? *wanted : Value(), fields, update, faults);
  faults.check();
  notify(found, "transitioned");
  return no_content();
}

http::Response Service::erase(Call& call) {
  Issue& found = writable(call, "");
  if (!site_.may("DELETE_ISSUES")) refuse(403, "You do not have permission to delete issues in this project.");
  const bool has_subtasks = std::any_of(found.children.begin(), found.children.end(), [this](Index child) {
    return site_.types[store_.at(child)->now->type].level < 0;
  });
  if (has_subtasks && !call.flag("deleteSubtasks", false)) {
    refuse(400,
           fmt::format("The issue '{}' has subtasks. You must specify the 'deleteSubtasks' parameter to delete this "
                       "issue and all its subtasks.",
                       found.key));
  }
  erase_tree(found, call.now, true);
  return no_content();
}

void Service::erase_tree(Issue& found, Millis at, bool notifies) {
  for (const Index child : std::vector<Index>(found.children)) {
    if (site_.types[store_.at(child)->now->type].level < 0) erase_tree(*store_.at(child), at, notifies);
  }
  if (notifies) notify(found, "deleted");
  store_.erase(found, at);
}

http::Response Service::bulk_delete(Call& call) {
  const Object& sent = call.object({"selectedIssueIdsOrKeys", "sendBulkNotification"});
  const Value* list = sent.if_contains("selectedIssueIdsOrKeys");
  if (!list || !list->is_array() || list->get_array().empty()) refuse_payload();
  if (list->get_array().size() > most_deleted) refuse(400, "The number of issues must not exceed 1000.");
  need("BULK_CHANGE");
  Task task;
  const Value* notifies = sent.if_contains("sendBulkNotification");
  if (notifies && !notifies->is_bool()) refuse_payload();
  task.notifies = !notifies || notifies->get_bool();
  task.submitted = call.now;
  task.due = call.now + static_cast<Millis>(list->get_array().size()) * deletion_of_one;
  for (const Value& each : list->get_array()) {
    const Issue* found = each.is_string() ? store_.find(each.get_string()) : nullptr;
    if (found && site_.may("DELETE_ISSUES")) {
      task.issues.push_back(found->id);
    } else {
      ++task.invalid;
    }
  }
  const std::uint64_t id = site_.next_id();
  tasks_.emplace(id, std::move(task));
  return ok(Object{{"taskId", fmt::format("{}", id)}}, 201);
}

void Service::settle(Millis now) {
  for (auto& [id, task] : tasks_) {
    if (task.done || task.due > now) continue;
    task.done = true;
    for (const std::uint64_t each : task.issues) {
      if (Issue* found = store_.find(fmt::format("{}", each))) erase_tree(*found, task.due, task.notifies);
    }
  }
}

http::Response Service::bulk_progress(Call& call) {
  const auto found = tasks_.find(id_of(call.path[0]));
  if (call.anonymous || found == tasks_.end())
    refuse(400, "The task associated with this taskId is not a bulk operation task");
  const Task& task = found->second;
  const Millis whole = task.due - task.submitted;
  Array processed;
  for (const std::uint64_t id : task.done ? task.issues : std::vector<std::uint64_t>()) processed.emplace_back(id);
  Object out;
  out.emplace("taskId", call.path[0]);
  out.emplace("status", task.done ? "COMPLETE" : "RUNNING");
  out.emplace("progressPercent", task.done ? 100 : (call.now - task.submitted) * 100 / whole);
  out.emplace("submittedBy", site_.user_json(call.api, 0));
  out.emplace("created", site_.time(task.submitted));
  out.emplace("started", site_.time(task.submitted));
  out.emplace("updated", site_.time(std::min(call.now, task.due)));
  out.emplace("totalIssueCount", task.issues.size() + static_cast<std::size_t>(task.invalid));
  out.emplace("processedAccessibleIssues", std::move(processed));
  out.emplace("failedAccessibleIssues", Object());
  out.emplace("invalidOrInaccessibleIssueCount", task.invalid);
  return ok(std::move(out));
}

}  // namespace migrate::jira::sim
