// Before a run: what is missing, all of it at once, each with what to do about it.
#include <fmt/format.h>

#include <algorithm>

#include "json.hpp"
#include "sink.hpp"

namespace migrate::jira {

namespace {

struct Right {
  const char* permission;
  const char* instead;  ///< one that does as well; empty: none
  const char* name;
  const char* needed;
};
constexpr Right needed_rights[] = {
    {"BROWSE_PROJECTS", "", "Browse Projects", "to see the issues that it makes"},
    {"CREATE_ISSUES", "", "Create Issues", "to make issues"},
    {"EDIT_ISSUES", "", "Edit Issues", "to complete issues: images in descriptions, labels"},
    {"ADD_COMMENTS", "", "Add Comments", "to bring comments over"},
    {"CREATE_ATTACHMENTS", "", "Create Attachments", "to bring files over"},
    {"TRANSITION_ISSUES", "", "Transition Issues", "to bring issues into their status"},
    {"LINK_ISSUES", "", "Link Issues", "to link issues"},
    {"DELETE_ISSUES", "", "Delete Issues", "to take back an issue that cannot be completed, and to roll back"},
    {"EDIT_OWN_COMMENTS", "EDIT_ALL_COMMENTS", "Edit Own Comments",
     "to bring over, in a delta run, comments that were edited at the source"},
    {"DELETE_OWN_COMMENTS", "DELETE_ALL_COMMENTS", "Delete Own Comments",
     "to take away at once a comment for staff that Jira has not hidden"},
    {"DELETE_OWN_ATTACHMENTS", "DELETE_ALL_ATTACHMENTS", "Delete Own Attachments",
     "to take away a file that has not arrived whole, or that another has replaced"},
};

Check made(std::string name, bool passed, std::string message, std::string advice = {}) {
  Check check;
  check.name = std::move(name);
  check.passed = passed;
  check.message = std::move(message);
  if (!passed) check.advice = std::move(advice);
  return check;
}

Check failed(std::string name, const Error& error) { return made(std::move(name), false, error.what(), error.advice); }

void check_rights(const Site& site, const SinkConfig& config, std::vector<Check>& checks) {
  for (const Right& right : needed_rights) {
    const auto has = [&](const char* permission) {
      const auto found = site.rights.find(permission);
      return found != site.rights.end() && found->second;
    };
    const bool given = has(right.permission) || has(right.instead);
    checks.push_back(made(fmt::format("right {}", right.name), given,
                          fmt::format("{} has {}this right", site.self.name, given ? "" : "not "),
                          fmt::format("grant it in the project's permission scheme: it is needed {}", right.needed)));
  }
  const bool reporters = site.rights.count("MODIFY_REPORTER") != 0 && site.rights.at("MODIFY_REPORTER");
  checks.push_back(made("reporters", true,
                        reporters ? "reporters are set where Jira knows the person"
                                  : "without the right Modify Reporter the reporter is the migration's account; the "
                                    "description names the real one"));
  // Which items have time entries and assignees is not known yet. A fallback is meant to be used.
  const bool assigns = !site.lacks("ASSIGN_ISSUES");
  checks.push_back(made("assignees", assigns || config.fallback_assignee.empty(),
                        assigns ? "are set where Jira knows the person"
                                : "without the right Assign Issues they are left out; the description names them",
                        "grant the right Assign Issues, or leave `fallback_assignee` out"));
  checks.push_back(made(
      "time entries", true,
      site.lacks("WORK_ON_ISSUES") ? "without the right Work On Issues an item that has any is refused"
      : site.may_edit_worklogs()   ? "are brought over"
                                 : "are brought over; without the right Edit Own Worklogs those that are edited at the "
                                   "source later stay as they were brought"));
}

/// What the scheme tells people of: names of events.
std::string told_events(const Value& scheme) {
  std::string events;
  for (const Value& each : list_at(scheme, {"notificationSchemeEvents"})) {
    if (list_at(each, {"notifications"}).empty()) continue;
    events += (events.empty() ? "" : ", ") + text_at(each, {"event", "name"});
  }
  return events;
}

constexpr const char* customers_too =
    "a service project also writes to its customers by itself, and no interface tells whether it does: switch its "
    "customer notifications off while the migration runs";

Check check_scheme(const Site& site, const std::optional<Value>& scheme) {
  const std::string others = site.silences ? "" : "; edits too, since the account does not administer the project";
  std::string trouble;
  if (!scheme && !site.silences)
    trouble = "whether the project notifies anybody cannot be told: only who administers it sees its scheme";
  else if (scheme && !find(*scheme, {"notificationSchemeEvents"}))
    trouble = fmt::format("Jira does not tell whom the scheme \"{}\" notifies", text_at(*scheme, {"name"}));
  else if (const std::string events = scheme ? told_events(*scheme) : std::string(); !events.empty())
    trouble = fmt::format("the scheme \"{}\" tells people of: {}", text_at(*scheme, {"name"}), events + others);
  if (trouble.empty())
    return made("notifications", true,
                site.service_management ? fmt::format("the scheme notifies nobody; {}", customers_too)
                                        : std::string("the project notifies nobody"));
  return made("notifications", false, trouble,
              "give the project a notification scheme without recipients while the migration runs, or accept it with "
              "`notifications: unchecked`");
}

Check advise_silence(const Site& site) {
  std::string message =
      site.silences ? "edits notify nobody; for new issues and comments give the project a notification scheme without "
                      "recipients while the migration runs (`notifications: none` looks at it)"
                    : "edits, too, notify watchers: the account does not administer the project. Give the project a "
                      "notification scheme without recipients while the migration runs";
  if (site.service_management) message += fmt::format("; {}", customers_too);
  return made("notifications", true, std::move(message));
}

/// Which of them a transition demands, and takes, shows at the transition only.
Check check_resolution(const std::string& wanted, const Array& known) {
  std::string names;
  bool there = false;
  for (const Value& each : known) {
    const std::string name = text_at(each, {"name"});
    there = there || same_name(name, wanted);
    names += (names.empty() ? "" : ", ") + name;
  }
  return made("resolution", there,
              there ? fmt::format("\"{}\", where a transition demands one", wanted)
                    : fmt::format("there is no \"{}\"; there are {}", wanted, names),
              "set `resolution` to one of these: an item that has to pass a transition that demands one is refused "
              "otherwise");
}

Check check_role(const Site& site, const std::string& wanted) {
  std::string names;
  for (const std::string& role : site.roles) names += (names.empty() ? "" : ", ") + role;
  const bool there = std::find(site.roles.begin(), site.roles.end(), wanted) != site.roles.end();
  return made("internal audience", there || site.roles.empty(),
              there                ? fmt::format("there is the role \"{}\"", wanted)
              : site.roles.empty() ? fmt::format("whether there is a role \"{}\" Jira does not tell", wanted)
                                   : fmt::format("there is no role \"{}\"; there are {}", wanted, names),
              "set `internal_audience` to one that exists");
}

/// Jira lets nobody restrict a comment to a role or group that they are not in.
Check check_member(const std::string& what, const std::string& wanted, const std::string& self,
                   const std::optional<bool>& member) {
  const std::string message =
      !member ? fmt::format(
                    "whether {} is in the {} \"{}\" Jira does not tell the account; if not, it refuses every "
                    "internal comment",
                    self, what, wanted)
      : *member
          ? fmt::format("{} is in the {} \"{}\"", self, what, wanted)
          : fmt::format("{} is not in the {} \"{}\": Jira would refuse every internal comment", self, what, wanted);
  return made("internal audience membership", member.value_or(true), message,
              fmt::format("add the account of the migration to the {}, or choose another one with `internal_comments` "
                          "and `internal_audience`",
                          what));
}

std::vector<std::string> actors_of(const Array& actors, std::string_view type) {
  std::vector<std::string> names;
  for (const Value& actor : actors)
    if (text_at(actor, {"type"}) == type) names.push_back(text_at(actor, {"name"}));
  return names;
}

std::optional<bool> is_named(const Array& list, const std::string& wanted) {
  return std::any_of(list.begin(), list.end(), [&](const Value& each) { return text_at(each, {"name"}) == wanted; });
}

void check_contents(const Site& site, const SinkConfig& config, std::vector<Check>& checks) {
  const bool movable = site.attachments || config.unmovable_files == "leave_out";
  checks.push_back(made("attachments", movable,
                        !site.attachments        ? std::string("attachments are switched off")
                        : site.upload_limit == 0 ? std::string("files of any size, as far as Jira tells")
                                                 : fmt::format("files of up to {} bytes", site.upload_limit),
                        "switch attachments on in Jira's global settings, or set `unmovable_files: leave_out`"));
  try {
    const Audience audience = audience_for(site, config);
    checks.push_back(
        made("internal comments", true,
             audience == Audience::service_management
                 ? std::string("become internal notes")
                 : fmt::format("are visible to the {} \"{}\" only; one that Jira does not hide is removed again "
                               "and its item fails",
                               audience == Audience::role ? "role" : "group", config.internal_audience)));
  } catch (const Error& error) {
    // Only items that have such comments suffer: that is a choice, not a fault.
    checks.push_back(made(
        "internal comments", config.internal_comments == "fail",
        config.internal_comments == "fail" ? "items with comments for staff are refused" : error.what(), error.advice));
  }
  if (!site.linking) {
    checks.push_back(
        made("link types", !config.source_link,
             "issue linking is switched off in Jira: items with links are refused, and links to the source "
             "cannot be set",
             "switch issue linking on in Jira's global settings, or set `source_link: false`"));
    return;
  }
  std::string unknown;
  for (const auto& [relation, type] : config.relations) {
    try {
      relation_for(relation, site, config);
    } catch (const Error&) {
      unknown += (unknown.empty() ? "" : ", ") + fmt::format("{} ({})", type, relation);
    }
  }
  std::string types;
  for (const LinkType& type : site.links) types += (types.empty() ? "" : ", ") + type.name;
  checks.push_back(made("link types", unknown.empty(),
                        unknown.empty() ? fmt::format("there are {}", types)
                                        : fmt::format("there is no link type {}; there are {}", unknown, types),
                        "correct `relations`, or add the link type in Jira"));
}

Check check_screen(const IssueType& type, const Screen& screen) {
  const std::string name = fmt::format("create screen of {}", type.name);
  for (const char* field : {"labels", "description"})
    if (!screen.has(field))
      return made(name, false, fmt::format("{} is not on it", field),
                  "put the field on the screen: the migration needs it");
  static const std::set<std::string> served{"summary", "project",  "issuetype", "description", "reporter",
                                            "labels",  "priority", "assignee",  "duedate",     "parent"};
  std::string demanded;
  for (const auto& [id, field] : screen.fields)
    if (field.required && !served.count(id))
      demanded += (demanded.empty() ? "" : ", ") + fmt::format("{} ({})", id, field.name);
  std::string priorities;
  if (screen.has("priority"))
    for (const std::string& each : screen.fields.at("priority").allowed)
      priorities += (priorities.empty() ? "" : ", ") + each;
  std::string message = priorities.empty() ? std::string("priorities cannot be set") : "priorities are " + priorities;
  if (!demanded.empty()) message += "; items must bring, under `fields`, " + demanded;
  return made(name, true, message);
}

/// Of a type that items may name, or may not: what is missing concerns the items that do.
Check check_other_screen(const IssueType& type, const Screen& screen) {
  Check check = check_screen(type, screen);
  if (!check.passed) check.message += fmt::format(": items whose kind is {} are refused", type.name);
  check.passed = true;
  check.advice.clear();
  return check;
}

}  // namespace

void validate(const SinkConfig& config) {
  if (!config.url.starts_with("http://") && !config.url.starts_with("https://"))
    throw ConfigError("url", "must begin with https:// (or http://)");
  if (config.api == 3 && config.email.empty())
    throw ConfigError("email", "is needed with interface 3: a token of the Cloud goes with its owner's e-mail address");
  for (const char byte : config.label)
    if (static_cast<unsigned char>(byte) <= ' ' || byte == '"' || byte == '\\')
      throw ConfigError("label", "must hold no blanks, quotes and backslashes");
  if (config.label.size() > 60) throw ConfigError("label", "must have 60 characters at most");
}

SinkTraits JiraSink::traits() const {
  SinkTraits traits;
  traits.preferred_batch = 100;
  traits.max_in_flight = static_cast<std::size_t>(config_.in_flight);
  traits.undoes = traits.verifies = traits.links = true;
  return traits;
}

awaitable<std::vector<Check>> JiraSink::check() {
  std::vector<Check> checks;
  std::optional<Error> trouble;
  try {
    users_.load();
  } catch (const Error& error) {
    checks.push_back(failed("users", error));
  }
  try {
    const Account self = co_await api_.myself();
    checks.push_back(made("sign-in", true, fmt::format("as {}", self.name.empty() ? self.id : self.name)));
    co_await api_.server();
  } catch (const Error& error) {
    trouble = error;
  }
  if (trouble) {
    checks.push_back(failed("sign-in", *trouble));
    co_return checks;
  }
  checks.push_back(made("interface", api_.cloud() || config_.api == 2,
                        fmt::format("{}, interface {}", api_.cloud() ? "Jira Cloud" : "Jira Data Center", config_.api),
                        "set `api: 2`: Data Center has no interface 3"));
  Site* site = nullptr;
  const Screen* screen = nullptr;
  IssueType* type = nullptr;
  try {
    site = co_await reader_.site();
    type = site->type(config_.issue_type);
    if (type) screen = co_await reader_.screen(*type);
  } catch (const Error& error) {
    trouble = error;
  }
  if (!site) {
    Check check = failed("project", *trouble);
    if (trouble->kind() == ErrorKind::not_found)
      check.advice = fmt::format("check the key \"{}\", and that the account may browse the project", config_.project);
    checks.push_back(std::move(check));
    co_return checks;
  }
  checks.push_back(made("project", true,
                        fmt::format("{} ({}){}", site->project_key, site->project_name,
                                    site->service_management ? ", a service project" : "")));
  check_rights(*site, config_, checks);
  std::string types;
  for (const IssueType& each : site->types) types += (types.empty() ? "" : ", ") + each.name;
  checks.push_back(made("issue type", type != nullptr,
                        type ? fmt::format("{}; the project has {}", type->name, types)
                             : fmt::format("the project has no type \"{}\"; it has {}", config_.issue_type, types),
                        "set `issue_type` to one of these"));
  if (trouble) checks.push_back(failed("create screen", *trouble));
  if (screen) checks.push_back(check_screen(*type, *screen));
  if (type) {
    std::string statuses;
    for (const IssueStatus& status : type->statuses) statuses += (statuses.empty() ? "" : ", ") + status.name;
    checks.push_back(made("statuses", !type->statuses.empty(), statuses.empty() ? "none are to be seen" : statuses,
                          "check that the project has a workflow for this type"));
  }
  check_contents(*site, config_, checks);
  try {
    co_await check_more(*site, checks);
  } catch (const Error& error) {
    checks.push_back(failed("project", error));
  }
  co_return checks;
}

/// What takes requests of its own.
awaitable<void> JiraSink::check_more(Site& site, std::vector<Check>& checks) {
  co_await reader_.screens();
  for (IssueType& type : site.types) {
    if (same_name(type.name, config_.issue_type)) continue;
    const Screen* screen = co_await reader_.screen(type);
    checks.push_back(check_other_screen(type, *screen));
  }
  const std::optional<Value> resolutions = co_await api_.get_if_shown("/resolution");
  if (resolutions && resolutions->is_array() && !resolutions->get_array().empty())
    checks.push_back(check_resolution(config_.resolution, resolutions->get_array()));
  if (config_.notifications == "none") {
    const std::optional<Value> scheme = co_await api_.get_if_shown(
        "/project/" + http::encode(site.project_key) + "/notificationscheme?expand=notificationSchemeEvents");
    checks.push_back(check_scheme(site, scheme));
  } else {
    checks.push_back(advise_silence(site));
  }
  std::optional<Audience> audience;
  try {
    audience = audience_for(site, config_);
  } catch (const Error&) {
    // Told by check_contents().
  }
  if (!audience || *audience == Audience::service_management) co_return;
  const std::string& wanted = config_.internal_audience;
  if (*audience == Audience::role) {
    const Check role = check_role(site, wanted);
    checks.push_back(role);
    if (!role.passed) co_return;
    const std::optional<bool> member = co_await is_in_role(site);
    checks.push_back(check_member("role", wanted, site.self.name, member));
    co_return;
  }
  http::Query query;
  query.add("query", wanted);
  const std::optional<Value> groups = co_await api_.get_if_shown("/groups/picker" + query.text());
  bool there = false;
  for (const Value& group : groups ? list_at(*groups, {"groups"}) : Array())
    there = there || text_at(group, {"name"}) == wanted;
  checks.push_back(made("internal audience", there || !groups,
                        there     ? fmt::format("there is the group \"{}\"", wanted)
                        : !groups ? fmt::format("whether there is a group \"{}\" the account may not see", wanted)
                                  : fmt::format("there is no group \"{}\"", wanted),
                        "set `internal_audience` to one that exists; groups are seen by who may browse users and "
                        "groups"));
  if (!there && groups) co_return;
  const std::optional<bool> member = co_await is_in_group(wanted);
  checks.push_back(check_member("group", wanted, site.self.name, member));
}

awaitable<std::optional<bool>> JiraSink::is_in_group(std::string group) {
  std::optional<bool> member;
  const Value self = co_await api_.get("/myself?expand=groups");
  if (find(self, {"groups", "items"})) member = is_named(list_at(self, {"groups", "items"}), group);
  co_return member;
}

/// Nothing where Jira does not tell.
awaitable<std::optional<bool>> JiraSink::is_in_role(Site& site) {
  std::optional<bool> member;
  const std::string& wanted = config_.internal_audience;
  const std::string project = "/project/" + http::encode(site.project_key);
  if (api_.cloud()) {
    const std::optional<Value> roles = co_await api_.get_if_shown(project + "/roledetails?currentMember=true");
    if (roles && roles->is_array()) member = is_named(roles->get_array(), wanted);
    co_return member;
  }
  const std::optional<Value> roles = co_await api_.get_if_shown(project + "/role");
  const std::string address = roles ? text_at(*roles, {wanted}) : std::string();
  if (address.empty()) co_return member;
  const std::string path = project + "/role/" + address.substr(address.rfind('/') + 1);
  const std::optional<Value> role = co_await api_.get_if_shown(path);
  if (!role || !find(*role, {"actors"})) co_return member;
  const Array& actors = list_at(*role, {"actors"});
  const std::vector<std::string> people = actors_of(actors, "atlassian-user-role-actor");
  const std::vector<std::string> groups = actors_of(actors, "atlassian-group-role-actor");
  bool found = std::find(people.begin(), people.end(), site.self.id) != people.end();
  for (const std::string& group : groups) {
    if (found) break;
    const std::optional<bool> in_group = co_await is_in_group(group);
    found = in_group.value_or(false);
  }
  member = found;
  co_return member;
}

awaitable<void> JiraSink::prepare(std::vector<TableSchema>) {
  users_.load();
  site_ = co_await reader_.site();
  if (IssueType* type = site_->type(config_.issue_type)) co_await reader_.screen(*type);
}

awaitable<std::vector<Finding>> JiraSink::preview(std::span<Operation> operations) {
  site_ = co_await reader_.site();
  std::vector<Finding> findings;
  for (Operation& operation : operations) {
    const RecordRef& ref = operation.record().ref;
    std::optional<Error> refused;
    std::vector<Warning> lost;
    try {
      Job job(operation);
      co_await look_up(job);
      for (const Link& link : operation.record().links) relation_for(link.relation, *site_, config_);
      lost = job.draft.warnings;
    } catch (const Error& error) {
      refused = error;
    }
    if (refused && refused->kind() != ErrorKind::invalid) throw *refused;
    if (refused) {
      Finding finding;
      finding.record = ref;
      finding.message = refused->what();
      finding.refused = std::move(refused);
      findings.push_back(std::move(finding));
    }
    for (const Warning& warning : lost) {
      warn(operation, warning);
      Finding finding;
      finding.record = ref;
      finding.field = warning.field;
      finding.message = warning.message;
      findings.push_back(std::move(finding));
    }
  }
  co_return findings;
}

}  // namespace migrate::jira
