// The change log: who has changed which fields of an issue, and when.
#include <fmt/format.h>

#include "service.hpp"

namespace migrate::jira::sim {

namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : " ") + word;
  return out;
}

template <class List>
std::string name_of(const List& list, Index index) {
  return index == none ? std::string() : list[index].name;
}

/// A text as the log shows it: long ones are not what a log is for.
std::string shown(const std::string& text) { return text.substr(0, 200); }

const std::string& stored(const Values& values, Index field) {
  static const std::string nothing;
  for (const auto& [index, json] : values.custom)
    if (index == field) return json;
  return nothing;
}

}  // namespace

void Store::remember(Issue& issue, const Values& before, const Values& after, Millis now) {
  Change change;
  const auto note = [&change](std::string_view field, const std::string& from, const std::string& to) {
    // A long text that was not changed is one object.
    if (&from != &to && from != to) change.items.push_back({std::string(field), shown(from), shown(to)});
  };
  note("summary", before.summary, after.summary);
  note("description", before.description, after.description);
  note("environment", before.environment, after.environment);
  note("duedate", before.due, after.due);
  note("labels", joined(before.labels), joined(after.labels));
  note("issuetype", name_of(site_.types, before.type), name_of(site_.types, after.type));
  note("priority", name_of(site_.priorities, before.priority), name_of(site_.priorities, after.priority));
  note("status", name_of(site_.statuses, before.status), name_of(site_.statuses, after.status));
  note("resolution", name_of(site_.resolutions, before.resolution), name_of(site_.resolutions, after.resolution));
  note("assignee", name_of(site_.users, before.assignee), name_of(site_.users, after.assignee));
  note("reporter", name_of(site_.users, before.reporter), name_of(site_.users, after.reporter));
  const auto key_of = [this](Index parent) { return parent == none || !at(parent) ? std::string() : at(parent)->key; };
  note("parent", key_of(before.parent), key_of(after.parent));
  for (Index field = 0; before.custom != after.custom && field < site_.fields.size(); ++field)
    if (site_.fields[field].custom) note(site_.fields[field].id, stored(before, field), stored(after, field));
  if (change.items.empty()) return;
  // Of its own row of numbers: those of everything else do not depend on who edits.
  change.id = issue.id * 10'000 + issue.history.size();
  change.at = now;
  change.author = actor;
  issue.history.push_back(std::move(change));
}

Value Answers::change(const Call& call, const Change& change) const {
  Array items;
  for (const Change::Item& item : change.items) {
    const Index field = site_.field(item.field);
    const bool custom = field != none && site_.fields[field].custom;
    Object one;
    one.emplace("field", custom ? site_.fields[field].name : item.field);
    one.emplace("fieldtype", custom ? "custom" : "jira");
    if (!site_.server()) one.emplace("fieldId", item.field);
    one.emplace("from", nullptr);
    one.emplace("fromString", item.from);
    one.emplace("to", nullptr);
    one.emplace("toString", item.to);
    items.push_back(std::move(one));
  }
  Object out;
  out.emplace("id", fmt::format("{}", change.id));
  name_user(call, out, "author", change.author);
  out.emplace("created", site_.time(change.at));
  out.emplace("items", std::move(items));
  return out;
}

/// Oldest first.
http::Response Service::changelog(Call& call) {
  const Issue& of = issue(call);
  Array all;
  for (const Change& change : of.history) all.push_back(answers_.change(call, change));
  const auto total = static_cast<std::int64_t>(all.size());
  Object out = page(call, std::move(all), "values", 100, 100);
  out.emplace("isLast",
              out.at("startAt").as_int64() + static_cast<std::int64_t>(out.at("values").as_array().size()) >= total);
  out.emplace("self", site_.self(call.api, fmt::format("issue/{}/changelog", of.key)));
  return ok(std::move(out));
}

}  // namespace migrate::jira::sim
