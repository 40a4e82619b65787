// Links between issues, and parents: one is set when both ends are there, and a person's choice stays.
#include <fmt/format.h>

#include "json.hpp"
#include "names.hpp"
#include "sink.hpp"

namespace migrate::jira {

namespace {

/// A link as an issue shows it. On the one that says the outward phrase, the other one stands under outwardIssue.
bool is_link(const Value& link, const std::string& issue, const Value& of) {
  const std::string first = text_at(of, {"first"}), second = text_at(of, {"second"});
  if (text_at(link, {"type", "name"}) != text_at(of, {"type"})) return false;
  return issue == first ? text_at(link, {"outwardIssue", "key"}) == second
                        : text_at(link, {"inwardIssue", "key"}) == first;
}

bool has_link(const Value& issue, const std::string& key, const Value& link) {
  for (const Value& each : list_at(issue, {"fields", "issuelinks"}))
    if (is_link(each, key, link)) return true;
  return false;
}

}  // namespace

awaitable<void> JiraSink::link(Operation& operation) {
  site_ = co_await reader_.site();
  Job job(operation);
  job.key = std::string(operation.target_id().as_string());
  std::string asked = fmt::format("?fields=issuetype&properties={}", property_key);
  const std::optional<Value> issue = co_await api_.find_issue(job.key, std::move(asked));
  if (issue) {
    job.ours = is_ours(*issue, create_key(operation.migration(), operation.record().ref));
    job.type = site_->type(text_at(*issue, {"fields", "issuetype", "name"}));
  }
  co_await set_links(job);
}

/// An issue has one parent: of several the last one counts.
const Link* JiraSink::parent_link(const Operation& operation) const {
  const Link* parent = nullptr;
  for (const Link& link : operation.record().links) {
    const std::optional<Value> target = operation.linked(link.target);
    if (target && target->is_string() && relation_for(link.relation, *site_, config_).parent) parent = &link;
  }
  return parent;
}

awaitable<void> JiraSink::set_links(Job& job) {
  const Link* const parent = parent_link(job.operation);
  for (const Link& link : job.operation.record().links) {
    const std::optional<Value> target = job.operation.linked(link.target);
    if (!target || !target->is_string()) continue;
    const bool is_parent = relation_for(link.relation, *site_, config_).parent;
    if (is_parent && &link != parent) continue;
    Link copy = link;
    std::string other(target->get_string());
    if (is_parent)
      co_await set_parent(job, std::move(copy), std::move(other));
    else
      co_await set_link(job, std::move(copy), std::move(other));
  }
}

awaitable<void> JiraSink::set_link(Job& job, Link link, std::string other) {
  const Relation relation = relation_for(link.relation, *site_, config_);
  const std::string first = relation.outward ? job.key : other;
  const std::string second = relation.outward ? other : job.key;
  Object undo = undo_of(job.key, job.ours);
  undo.emplace("type", relation.type);
  undo.emplace("first", first);
  undo.emplace("second", second);
  Value receipt(std::move(undo));
  if (!job.ours) {
    // A person's is none to take back; of one that an earlier attempt has set its intent tells.
    const Value issue = co_await present(job, "issuelinks");
    if (has_link(issue, job.key, receipt)) co_return;
  }
  std::string name = step_name("link", fmt::format("{}:{}/{}", link.relation, link.target.type, link.target.id));
  Value known = receipt;
  Step step = co_await job.operation.begin(std::move(name), std::move(known));
  if (step.done()) co_return;
  co_await api_.link_issues(relation.type, first, second);
  co_await step.finish_soon(other, std::move(receipt));
}

/// The parent that was last written decides whether the source has another one by now, then the one that the issue has,
/// then whose choice that was.
awaitable<void> JiraSink::set_parent(Job& job, Link link, std::string other) {
  // It came with the call that made the issue.
  if (job.just_made) co_return;
  Field field = co_await parent_field_of(job);
  const Value issue = co_await present(job, field.id);
  const Value* mark = find(issue, {"properties", property_key});
  if (job.mark.is_null() && mark) job.mark = *mark;
  std::string said = fingerprint_of(link.target.type + "/" + link.target.id);
  const std::string last = text_at(job.mark, {"fields", "parent"});
  if (said == last) co_return;
  const std::string there = parent_in(issue, field);
  if (there != other && !(there.empty() && last.empty())) {
    const bool theirs = co_await changed_by_others(job, field.id, field.name);
    if (theirs) {
      warn(job.operation, Warning{"changed_on_both_sides", "parent",
                                  fmt::format("the parent was changed in Jira too: {} is left as it is there",
                                              there.empty() ? std::string("none") : there)});
      co_return;
    }
  }
  if (there == other) {
    co_await save_parent(job, std::move(field), std::string(), std::move(said));
    co_return;
  }
  // One step a version: parents may change to and fro.
  std::string name = step_name("link", fmt::format("{}:{}/{}:{}", link.relation, link.target.type, link.target.id,
                                                   fingerprint_of(job.operation.record().version)));
  Object undo = undo_of(job.key, job.ours);
  undo.emplace("parent", other);
  undo.emplace("field", field.id);
  undo.emplace("before", there);
  // After a death behind the call the mark tells that it is done, and what was there stands in the intent.
  Value known(undo);
  Step step = co_await job.operation.begin(std::move(name), std::move(known));
  co_await save_parent(job, std::move(field), other, std::move(said));
  Value receipt(std::move(undo));
  if (!step.done()) co_await step.finish_soon(other, std::move(receipt));
}

/// Parent and mark in one call, so that no death comes between them. `other`: empty when the parent is right already.
awaitable<void> JiraSink::save_parent(Job& job, Field field, std::string other, std::string said) {
  Value mark = job.mark;
  if (Object* fields = mark.is_object() ? mark.get_object()["fields"].if_object() : nullptr)
    fields->insert_or_assign("parent", said);
  if (other.empty()) {
    if (mark.is_object()) co_await api_.set_mark(job.key, mark);
  } else {
    Object body = object("fields", object(field.id, parent_value(field, other)));
    Object property = object("key", property_key);
    property.emplace("value", mark);
    Array properties;
    properties.push_back(std::move(property));
    if (mark.is_object()) body.emplace("properties", std::move(properties));
    Value change(std::move(body));
    co_await edit(job, std::move(change));
  }
  job.mark = std::move(mark);
}

/// The issue with this field and the property. What an update has read at its beginning has all of them.
awaitable<Value> JiraSink::present(Job& job, std::string field) {
  if (job.issue.is_object()) co_return job.issue;
  std::string asked = fmt::format("?fields={}&properties={}", field, property_key);
  std::optional<Value> issue = co_await api_.find_issue(job.key, std::move(asked));
  if (!issue) co_return Value();
  co_return std::move(*issue);
}

awaitable<Field> JiraSink::parent_field_of(Job& job) {
  if (!job.type) {
    const std::optional<Value> issue = co_await api_.find_issue(job.key, "?fields=issuetype");
    if (issue) job.type = site_->type(text_at(*issue, {"fields", "issuetype", "name"}));
  }
  const Field* field = nullptr;
  if (job.type) field = parent_field(*co_await reader_.screen(*job.type));
  if (field) co_return *field;
  throw Error(ErrorKind::invalid, "parent_impossible",
              fmt::format("{} is of a type that cannot have a parent", job.key))
      .with_advice(
          "map the relation to a link type (relations: {parent: Relates}), or choose a type that can have one");
}

awaitable<void> JiraSink::undo_link(std::string issue, Value undo) {
  Field field;
  field.id = text_at(undo, {"field"});
  const std::string query = field.id.empty() ? std::string("?fields=issuelinks") : "?fields=" + field.id;
  const std::optional<Value> found = co_await api_.find_issue(issue, query);
  if (!found) co_return;
  if (!field.id.empty()) {
    if (parent_in(*found, field) != text_at(undo, {"parent"})) co_return;
    const std::string before = text_at(undo, {"before"});
    Value former;
    if (!before.empty()) former = parent_value(field, before);
    Value body(object("fields", object(field.id, std::move(former))));
    co_await api_.edit_issue(issue, std::move(body), site_->silences);
    co_return;
  }
  for (const Value& link : list_at(*found, {"fields", "issuelinks"})) {
    if (!is_link(link, issue, undo)) continue;
    const std::string path = "/issueLink/" + http::encode(text_at(link, {"id"}));
    co_await api_.remove(path);
  }
}

}  // namespace migrate::jira
