// Comments and worklogs. Author and times are always the account's and now, whatever is sent.
#include <fmt/format.h>

#include <algorithm>

#include "service.hpp"

namespace migrate::jira::sim {
namespace {

template <class List>
auto* by_id(List& list, std::string_view id) {
  const std::uint64_t number = id_of(id);
  const auto found = std::find_if(list.begin(), list.end(), [&](const auto& each) { return each.id == number; });
  return found == list.end() ? nullptr : &*found;
}

}  // namespace

Comment& Service::comment_of(Issue& issue, std::string_view id) {
  Comment* found = by_id(issue.comments, id);
  if (!found) refuse(404, fmt::format("Can not find a comment for the id: {}.", id));
  return *found;
}

std::pair<Issue*, Comment*> Service::comment_by_id(const Call& call) {
  const auto found = store_.comments.find(id_of(call.path[0]));
  if (call.anonymous || found == store_.comments.end()) {
    refuse(404, fmt::format("Can not find a comment for the id: {}.", call.path[0]));
  }
  Issue& of = *store_.at(found->second);
  return {&of, &comment_of(of, call.path[0])};
}

http::Response Service::list_comments(Call& call) {
  const Issue& of = issue(call);
  const std::string* order = call.get("orderBy");
  if (order && *order != "created" && *order != "-created" && *order != "+created" && *order != " created") {
    refuse(400, "orderBy takes created only.");
  }
  const bool newest_first = order && order->front() == '-';
  Array all;
  for (std::size_t i = 0; i < of.comments.size(); ++i) {
    const Comment& each = of.comments[newest_first ? of.comments.size() - 1 - i : i];
    all.push_back(answers_.comment(call, of, each, call.expands("properties")));
  }
  return ok(page(call, std::move(all), "comments", 100, 5000));
}

void Service::store_comment(const Call& call, Issue& of, Comment comment) {
  comment.id = site_.next_id();
  comment.created = comment.updated = call.now;
  comment.author = comment.update_author = store_.actor;
  store_.comments.emplace(comment.id, of.position);
  of.comments.push_back(std::move(comment));
  store_.touch(of, call.now);
}

http::Response Service::add_comment(Call& call) {
  Issue& of = writable(call, "");
  if (!site_.may("ADD_COMMENTS")) refuse(400, "You do not have the permission to comment on this issue.");
  if (of.comments.size() >= static_cast<std::size_t>(site_.settings.max_comments)) {
    refuse(413, "The limit of comments of this issue has been reached.");
  }
  Intake intake(call, site_, store_, of.project, &of);
  std::optional<Comment> made = intake.comment(call.body);
  intake.faults.check();
  store_comment(call, of, std::move(*made));
  notify(of, "commented", true, intake.mentions);
  return ok(answers_.comment(call, of, of.comments.back(), call.expands("properties")), 201);
}

http::Response Service::get_comment(Call& call) {
  Issue& of = issue(call);
  return ok(answers_.comment(call, of, comment_of(of, call.path[1]), call.expands("properties")));
}

http::Response Service::edit_comment(Call& call) {
  Issue& of = writable(call, "");
  Comment& old = comment_of(of, call.path[1]);
  if (!site_.may("EDIT_ALL_COMMENTS") && !site_.may("EDIT_OWN_COMMENTS")) {
    refuse(400, "You do not have the permission to edit this comment.");
  }
  check_editable(of, 400);
  const bool notifies = call.flag("notifyUsers", true);
  Intake intake(call, site_, store_, of.project, &of);
  std::optional<Comment> made = intake.comment(call.body);
  intake.faults.check();
  const std::vector<std::string> media = media_in(old.body);
  old.body = std::move(made->body);
  // What is not sent is taken away, but properties stay.
  old.visibility_type = std::move(made->visibility_type);
  old.visibility_value = std::move(made->visibility_value);
  for (Property& each : made->properties) {
    std::erase_if(old.properties, [&](const Property& before) { return before.first == each.first; });
    old.properties.push_back(std::move(each));
  }
  std::sort(old.properties.begin(), old.properties.end());
  old.updated = call.now;
  old.update_author = store_.actor;
  drop_orphans(of, media);
  store_.touch(of, call.now);
  notify(of, "comment edited", notifies, intake.mentions);
  return ok(answers_.comment(call, of, old, call.expands("properties")));
}

http::Response Service::delete_comment(Call& call) {
  Issue& of = writable(call, "");
  Comment& found = comment_of(of, call.path[1]);
  if (!site_.may("DELETE_ALL_COMMENTS") && !site_.may("DELETE_OWN_COMMENTS")) {
    refuse(400, "You do not have the permission to delete this comment.");
  }
  check_editable(of, 400);
  store_.comments.erase(found.id);
  of.comments.erase(of.comments.begin() + (&found - of.comments.data()));
  store_.touch(of, call.now);
  notify(of, "comment deleted");
  return no_content();
}

Worklog& Service::worklog_of(Issue& issue, std::string_view id) {
  Worklog* found = by_id(issue.worklogs, id);
  if (!found) refuse(404, fmt::format("Cannot find worklog with id: '{}'.", id));
  return *found;
}

http::Response Service::list_worklogs(Call& call) {
  const Issue& of = issue(call);
  const std::int64_t after = call.number("startedAfter", 0), before = call.number("startedBefore", 0);
  Array all;
  for (const Worklog& each : of.worklogs) {
    if (each.started < after || (before != 0 && each.started >= before)) continue;
    all.push_back(answers_.worklog(call, of, each, call.expands("properties")));
  }
  return ok(page(call, std::move(all), "worklogs", 5000, 5000));
}

namespace {

/// What `adjustEstimate` makes of the remaining estimate when so many seconds are logged (negative: taken back).
std::int64_t adjusted(const Call& call, std::int64_t remaining, std::int64_t seconds) {
  const std::string* how = call.get("adjustEstimate");
  const auto given = [&](std::string_view name) {
    const std::string* text = call.get(name);
    const std::optional<std::int64_t> value = text ? duration(*text) : std::nullopt;
    if (!value) refuse(400, fmt::format("'{}' is missing or no duration.", name));
    return *value;
  };
  if (!how || *how == "auto") return remaining < 0 ? remaining : std::max<std::int64_t>(0, remaining - seconds);
  if (*how == "leave") return remaining;
  if (*how == "new") return given("newEstimate");
  if (*how == "manual" && seconds < 0) return std::max<std::int64_t>(0, remaining) + given("increaseBy");
  if (*how == "manual" && call.method == "POST") {
    return std::max<std::int64_t>(0, std::max<std::int64_t>(0, remaining) - given("reduceBy"));
  }
  refuse(400, fmt::format("'{}' is no way to adjust the estimate.", *how));
}

}  // namespace

http::Response Service::add_worklog(Call& call) {
  Issue& of = writable(call, "");
  if (!site_.may("WORK_ON_ISSUES")) refuse(400, "You do not have the permission to log work on this issue.");
  const bool notifies = call.flag("notifyUsers", true);
  Intake intake(call, site_, store_, of.project, &of);
  std::optional<Worklog> made = intake.worklog(call.body);
  intake.faults.check();
  Values values = *of.now;
  values.remaining = adjusted(call, values.remaining, made->seconds);
  made->id = site_.next_id();
  made->created = made->updated = call.now;
  made->author = made->update_author = store_.actor;
  of.worklogs.push_back(std::move(*made));
  store_.change(of, std::move(values), call.now);
  notify(of, "work logged", notifies);
  return ok(answers_.worklog(call, of, of.worklogs.back(), call.expands("properties")), 201);
}

http::Response Service::get_worklog(Call& call) {
  Issue& of = issue(call);
  return ok(answers_.worklog(call, of, worklog_of(of, call.path[1]), call.expands("properties")));
}

http::Response Service::edit_worklog(Call& call) {
  Issue& of = writable(call, "");
  Worklog& old = worklog_of(of, call.path[1]);
  if (!site_.may("EDIT_ALL_WORKLOGS") && !site_.may("EDIT_OWN_WORKLOGS")) {
    refuse(400, "You do not have the permission to edit this worklog.");
  }
  const bool notifies = call.flag("notifyUsers", true);
  Object sent = call.body.is_object() ? call.body.get_object() : Object();
  // What is not sent stays.
  if (!sent.contains("timeSpent") && !sent.contains("timeSpentSeconds")) sent.emplace("timeSpentSeconds", old.seconds);
  Intake intake(call, site_, store_, of.project, &of);
  std::optional<Worklog> made = intake.worklog(Value(sent));
  intake.faults.check();
  Values values = *of.now;
  values.remaining = adjusted(call, values.remaining, made->seconds - old.seconds);
  if (sent.contains("started")) old.started = made->started;
  if (sent.contains("comment")) old.comment = std::move(made->comment);
  old.seconds = made->seconds;
  old.updated = call.now;
  old.update_author = store_.actor;
  store_.change(of, std::move(values), call.now);
  notify(of, "worklog edited", notifies);
  return ok(answers_.worklog(call, of, old, call.expands("properties")));
}

http::Response Service::delete_worklog(Call& call) {
  Issue& of = writable(call, "");
  Worklog& found = worklog_of(of, call.path[1]);
  const bool notifies = call.flag("notifyUsers", true);
  Values values = *of.now;
  values.remaining = adjusted(call, values.remaining, -found.seconds);
  of.worklogs.erase(of.worklogs.begin() + (&found - of.worklogs.data()));
  store_.change(of, std::move(values), call.now);
  notify(of, "worklog deleted", notifies);
  return no_content();
}

}  // namespace migrate::jira::sim
