#include "site.hpp"

#include <fmt/format.h>
#include <boost/json/parse.hpp>

#include <algorithm>

namespace migrate::jira::sim {
namespace {

constexpr std::string_view category_options[] = {"Hardware", "Software", "Account", "Other"};
constexpr std::string_view product_options[] = {"Desk", "Lamp", "Chair"};

template <std::size_t N>
std::vector<std::string> texts(const std::string_view (&list)[N]) {
  return {std::begin(list), std::end(list)};
}

Kind kind_of(std::string_view type) {
  if (type == "paragraph") return Kind::rich;
  if (type == "number") return Kind::number;
  if (type == "date") return Kind::date;
  if (type == "datetime") return Kind::datetime;
  if (type == "url") return Kind::url;
  if (type == "select") return Kind::option;
  if (type == "multiselect") return Kind::options;
  if (type == "user") return Kind::user;
  if (type == "labels") return Kind::labels;
  return Kind::text;
}

}  // namespace

Site::Site(Settings chosen, std::uint64_t seed) : settings(std::move(chosen)), random(seed) {
  last_id_ = 10'000 + random() % 20'000;
  shift_ = random() % 7;
  add_people();
  add_workflow();
  add_types();
  add_system_fields();
  add_custom_fields();
  add_projects();
}

bool Site::may(std::string_view permission) const { return !one_of(permission, settings.denied_permissions); }

bool Site::is_member(Index user, std::string_view of) const {
  return user != none && (user != 0 || !one_of(of, settings.not_member_of));
}

std::uint64_t Site::next_id() { return last_id_ += 1 + random() % 3; }

std::string Site::media_id() {
  const std::uint64_t high = random(), low = random();
  return fmt::format("{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}", high >> 32, high >> 16 & 0xFFFF, high & 0xFFF,
                     0x8000 | (low >> 48 & 0x3FFF), low & 0xFFFF'FFFF'FFFF);
}

void Site::add_people() {
  std::vector<UserSetting> people = settings.users;
  if (people.empty()) {
    people = {{"Ana Ruiz", "ana.ruiz@example.com", true, false, false},
              {"Ben Okafor", "ben.okafor@example.com", true, true, false},
              {"Chen Wei", "chen.wei@example.com", true, false, false},
              {"Dana Novak", "dana.novak@example.com", false, false, false},
              {"Ana Ruiz", "ana.ruiz2@example.com", true, false, false},
              {"Customer One", "customer.one@example.org", true, false, true}};
  }
  for (std::int64_t i = 0; i < settings.more_users; ++i) {
    people.push_back({fmt::format("User {:04}", i), fmt::format("user.{:04}@example.com", i), true, false, false});
  }
  people.insert(people.begin(), {"Migration Account", settings.email, true, false, false});
  users.reserve(people.size());
  for (UserSetting& person : people) {
    User user;
    const std::uint64_t high = random(), low = random();
    user.account_id = fmt::format("{}{:06x}{:016x}", person.customer ? "qm:" : "5b", high & 0xFF'FFFF, low);
    user.login = lower(person.email.substr(0, person.email.find('@')));
    user.name = std::move(person.name);
    user.email = std::move(person.email);
    user.active = person.active;
    user.hidden = person.hidden && !server();
    user.customer = person.customer;
    by_account_.emplace(server() ? user.login : user.account_id, static_cast<Index>(users.size()));
    users.push_back(std::move(user));
  }
  roles = {{"10002", "Administrators"}, {"10101", "Service Desk Team"}, {"10102", "Viewers"}};
  groups = {{"1f5c", "jira-administrators"}, {"2a7d", "jira-users"}};
}

void Site::add_workflow() {
  const auto id = [this](std::uint64_t n) { return fmt::format("{}", 10'000 + shift_ * 10 + n); };
  const auto status = [&](std::string name, std::string category) {
    Status made;
    made.id = id(statuses.size());
    made.name = std::move(name);
    made.category = std::move(category);
    statuses.push_back(std::move(made));
  };
  status("Open", "new");
  status("In Progress", "indeterminate");
  status("Waiting for customer", "indeterminate");
  status("In Review", "indeterminate");
  status("Resolved", "done");
  status("Closed", "done");
  const auto transition = [&](std::string name, Index from, Index to, bool wants_resolution = false) {
    Transition made;
    made.id = fmt::format("{}", (transitions.size() + 1 + shift_) * 10 + 1);
    made.name = std::move(name);
    made.from = from;
    made.to = to;
    made.wants_resolution = wants_resolution;
    transitions.push_back(std::move(made));
  };
  transition("Start work", 0, 1);
  transition("Wait for customer", 1, 2);
  transition("Customer replied", 2, 1);
  transition("Ask for review", 1, 3);
  transition("Reject", 3, 1);
  transition("Resolve", 3, 4, true);
  transition("Close", 4, 5);
  transition("Reopen", 4, 0);
  transition("Reopen", 5, 0);
  resolutions = {{id(1), "Done"}, {id(2), "Won't Do"}, {id(3), "Duplicate"}, {id(4), "Cannot Reproduce"}};
  const auto link = [&](std::string name, std::string inward, std::string outward) {
    LinkType made;
    made.id = id(link_types.size());
    made.name = std::move(name);
    made.inward = std::move(inward);
    made.outward = std::move(outward);
    link_types.push_back(std::move(made));
  };
  link("Blocks", "is blocked by", "blocks");
  link("Cloners", "is cloned by", "clones");
  link("Duplicate", "is duplicated by", "duplicates");
  link("Relates", "relates to", "relates to");
}

void Site::add_types() {
  const auto type = [this](std::string name, int level) {
    IssueType made;
    made.id = fmt::format("{}", 10'100 + shift_ * 10 + types.size());
    made.name = std::move(name);
    made.level = level;
    types.push_back(std::move(made));
  };
  type("Epic", 1);
  type("Task", 0);
  type("Bug", 0);
  type("Story", 0);
  type("Service Request", 0);
  type("Sub-task", -1);
  priorities = {{"1", "Highest"}, {"2", "High"}, {"3", "Medium"}, {"4", "Low"}, {"5", "Lowest"}};
}

void Site::add_system_fields() {
  const auto add = [this](std::string id, std::string name, Kind kind, bool on_screen, bool required = false) {
    Field field;
    field.id = std::move(id);
    field.name = std::move(name);
    field.kind = kind;
    field.on_create = field.on_edit = on_screen;
    field.required = required || one_of(field.name, settings.required_fields);
    if (one_of(field.name, settings.off_screen_fields)) field.on_create = field.on_edit = false;
    field_ids_.emplace(field.id, static_cast<Index>(fields.size()));
    fields.push_back(std::move(field));
  };
  add("summary", "Summary", Kind::text, true, true);
  add("issuetype", "Issue Type", Kind::issue_type, true, true);
  add("project", "Project", Kind::project, true, true);
  add("description", "Description", Kind::rich, true);
  add("environment", "Environment", Kind::rich, true);
  add("priority", "Priority", Kind::priority, true);
  add("labels", "Labels", Kind::labels, true);
  add("assignee", "Assignee", Kind::user, true);
  add("reporter", "Reporter", Kind::user, true);
  add("duedate", "Due date", Kind::date, true);
  add("parent", "Parent", Kind::parent, true);
  add("components", "Components", Kind::components, true);
  add("fixVersions", "Fix versions", Kind::versions, true);
  add("versions", "Affects versions", Kind::versions, true);
  add("timetracking", "Time tracking", Kind::time_tracking, true);
  add("resolution", "Resolution", Kind::resolution, false);
  add("status", "Status", Kind::status, false);
  for (const auto& [id, name] :
       {std::pair("created", "Created"), std::pair("updated", "Updated"), std::pair("creator", "Creator"),
        std::pair("resolutiondate", "Resolved"), std::pair("statuscategorychangedate", "Status Category Changed"),
        std::pair("subtasks", "Sub-tasks"), std::pair("issuelinks", "Linked Issues"), std::pair("watches", "Watchers"),
        std::pair("timespent", "Time Spent"), std::pair("timeestimate", "Remaining Estimate"),
        std::pair("timeoriginalestimate", "Original estimate")}) {
    add(id, name, Kind::read_only, false);
  }
  for (const auto& [id, name] :
       {std::pair("attachment", "Attachment"), std::pair("comment", "Comment"), std::pair("worklog", "Log Work")}) {
    add(id, name, Kind::read_only, false);
    fields.back().navigable = fields.back().id == "attachment";
  }
  // Not on a screen of their own right: project and issue type are fixed once the issue is there.
  fields[field("project")].on_edit = false;
}

void Site::add_custom_fields() {
  std::vector<FieldSetting> list = {{"External ID", "text", {}, true, false},
                                    {"Source URL", "url", {}, true, false},
                                    {"Requester", "text", {}, true, false},
                                    {"Original created", "datetime", {}, true, false},
                                    {"Category", "select", texts(category_options), true, false},
                                    {"Products", "multiselect", texts(product_options), true, false},
                                    {"Original text", "paragraph", {}, true, false},
                                    {"Effort", "number", {}, true, false},
                                    {"Follow-up date", "date", {}, true, false},
                                    {"Responsible", "user", {}, true, false},
                                    {"Teams", "labels", {}, true, false},
                                    {"Internal code", "text", {}, false, false}};
  list.insert(list.end(), settings.custom_fields.begin(), settings.custom_fields.end());
  std::uint64_t number = 10'030 + shift_ * 3;
  const auto add = [&](const FieldSetting& setting, Kind kind) {
    Field field;
    field.id = fmt::format("customfield_{}", ++number);
    field.name = setting.name;
    field.kind = kind;
    field.custom = true;
    field.on_create = field.on_edit = setting.on_screen && !one_of(setting.name, settings.off_screen_fields);
    field.required = setting.required || one_of(setting.name, settings.required_fields);
    for (const std::string& option : setting.options) {
      field.options.push_back({fmt::format("{}", 10'200 + number % 100 * 10 + field.options.size()), option});
    }
    field_ids_.emplace(field.id, static_cast<Index>(fields.size()));
    fields.push_back(std::move(field));
  };
  for (const FieldSetting& setting : list) add(setting, kind_of(setting.type));
  if (server()) add({"Epic Link", "text", {}, true, false}, Kind::epic_link);
}

void Site::add_projects() {
  std::vector<ProjectSetting> list = settings.projects;
  if (list.empty()) list = {{"SUP", "Support", "service_desk", {}}, {"OPS", "Operations", "software", {}}};
  for (const ProjectSetting& setting : list) {
    Project project;
    project.id = fmt::format("{}", next_id());
    project.key = setting.key;
    project.name = setting.name;
    project.type = setting.type;
    project.last_number = 20 + static_cast<std::uint32_t>(random() % 60);
    for (Index type = 0; type < types.size(); ++type) {
      if (setting.issue_types.empty() || one_of(types[type].name, setting.issue_types)) {
        project.issue_types.push_back(type);
      }
    }
    projects.push_back(std::move(project));
  }
}

Index Site::field(std::string_view id) const {
  const auto found = field_ids_.find(std::string(id));
  return found == field_ids_.end() ? none : found->second;
}

Index Site::field_called(std::string_view name) const {
  for (Index i = 0; i < fields.size(); ++i) {
    const Field& field = fields[i];
    if (same_text(field.id, name) || same_text(field.name, name)) return i;
    if (field.custom && same_text(fmt::format("cf[{}]", std::string_view(field.id).substr(12)), name)) return i;
  }
  return none;
}

Index Site::project(std::string_view key_or_id) const {
  for (Index i = 0; i < projects.size(); ++i) {
    if (projects[i].key == key_or_id || projects[i].id == key_or_id) return i;
    if (one_of(key_or_id, projects[i].former_keys)) return i;
  }
  return none;
}

Index Site::user(std::string_view account) const {
  const auto found = by_account_.find(std::string(account));
  return found == by_account_.end() ? none : found->second;
}

bool Site::on_screen(const Field& field, const IssueType& type, bool creating) const {
  if (!(creating ? field.on_create : field.on_edit)) return false;
  if (field.id == "environment") return type.name == "Bug";
  if (field.kind == Kind::parent) return type.level < 0 || (type.level == 0 && !server());
  if (field.id == "timetracking") return type.level <= 0;
  return true;
}

bool same_text(std::string_view a, std::string_view b) noexcept {
  const auto fold = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return fold(x) == fold(y); });
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

bool of_word(char c) noexcept {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || static_cast<unsigned char>(c) >= 0x80;
}

std::vector<std::string> words_of(std::string_view text, bool stars) {
  std::vector<std::string> list;
  const std::string small = lower(text);
  for (std::size_t from = 0; from < small.size();) {
    if (!of_word(small[from])) {
      ++from;
      continue;
    }
    std::size_t to = from;
    while (to < small.size() && of_word(small[to])) ++to;
    if (stars && to < small.size() && small[to] == '*') ++to;
    list.push_back(small.substr(from, to - from));
    from = to;
  }
  return list;
}

std::string line_of(const std::string& json) {
  if (json.find('\\') == std::string::npos) return json.substr(1, json.size() - 2);
  return std::string(boost::json::parse(json).as_string());
}

bool one_of(std::string_view text, const std::vector<std::string>& list) {
  return std::any_of(list.begin(), list.end(), [&](const std::string& each) { return same_text(each, text); });
}

}  // namespace migrate::jira::sim
