#include "intake.hpp"

#include <fmt/format.h>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>

#include "adf.hpp"

namespace migrate::jira::sim {
namespace {

constexpr std::size_t text_limit = 32'767;  // characters of a text field, the product's default
constexpr std::size_t line_limit = 255;
constexpr std::int64_t most_seconds = 1'000'000'000'000;  // of a duration: far beyond any, and sums stay in range

std::string off_screen(std::string_view field) {
  return fmt::format("Field '{}' cannot be set. It is not on the appropriate screen, or unknown.", field);
}

}  // namespace

std::string_view naming(const Value& value, std::string_view by) { return text_or(member(value, by)); }

bool is_set(const Site& site, Index field, const Values& values) {
  const Field& of = site.fields[field];
  if (of.custom) return custom_of(values, field) != nullptr;
  if (of.id == "summary") return !values.summary.empty();
  if (of.id == "description") return !values.description.empty();
  if (of.id == "environment") return !values.environment.empty();
  if (of.id == "labels") return !values.labels.empty();
  if (of.id == "assignee") return values.assignee != none;
  if (of.id == "duedate") return !values.due.empty();
  if (of.id == "components") return !values.components.empty();
  if (of.id == "fixVersions") return !values.fix_versions.empty();
  if (of.id == "versions") return !values.versions.empty();
  if (of.id == "parent") return values.parent != none;
  if (of.id == "priority") return values.priority != none;
  return true;
}

std::optional<std::int64_t> duration(std::string_view text) {
  std::int64_t total = 0;
  bool any = false;
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] == ' ') {
      ++i;
      continue;
    }
    std::int64_t number = 0;
    std::size_t digits = 0;
    while (i < text.size() && text[i] >= '0' && text[i] <= '9' && digits < 9) {
      number = number * 10 + (text[i++] - '0');
      ++digits;
    }
    const char unit = i < text.size() && text[i] != ' ' ? text[i++] : 'm';
    const std::int64_t size = unit == 'w' ? 144'000 : unit == 'd' ? 28'800 : unit == 'h' ? 3600 : unit == 'm' ? 60 : 0;
    if (digits == 0 || size == 0) return std::nullopt;
    total += number * size;
    if (total > most_seconds) return std::nullopt;
    any = true;
  }
  return any ? std::optional<std::int64_t>(total) : std::nullopt;
}

void Intake::fields(const Object& sent, Values& values) {
  for (const auto& [name, value] : sent) {
    const Index index = site_.field(name);
    if (index == none || !site_.on_screen(site_.fields[index], site_.types[values.type], issue_ == nullptr)) {
      faults.field(name, off_screen(name));
    } else {
      field(index, value, values);
    }
  }
}

void Intake::field(Index index, const Value& value, Values& values) {
  const Field& of = site_.fields[index];
  if (of.custom) return custom(index, value, values);
  switch (of.kind) {
    case Kind::text:
      return text(of, value, values.summary);
    case Kind::rich: {
      LongText& out = of.id == "description" ? values.description : values.environment;
      out = rich(of.id, value);
      return;
    }
    case Kind::labels:
      return labels(of, value, values.labels);
    case Kind::user:
      return user(of, value, of.id == "assignee" ? values.assignee : values.reporter);
    case Kind::parent:
      return parent(of, value, values.parent);
    case Kind::priority:
      return priority(of, value, values.priority);
    case Kind::issue_type:
      return issue_type(of, value, values.type);
    case Kind::components:
      return list(of, value, values.components);
    case Kind::versions:
      return list(of, value, of.id == "versions" ? values.versions : values.fix_versions);
    case Kind::time_tracking:
      return estimates(of, value, values);
    case Kind::date:
      if (value.is_null()) return values.due.clear();
      if (!value.is_string()) return faults.field(of.id, "Operation value must be a string");
      if (!parse_date(value.get_string())) {
        return faults.field(of.id, fmt::format("Error parsing date string: {}", std::string_view(value.get_string())));
      }
      values.due = value.get_string();
      return;
    default:
      return;  // the project: the caller has seen to it
  }
}

void Intake::text(const Field& of, const Value& value, std::string& out) {
  if (value.is_null()) return out.clear();
  if (!value.is_string()) return faults.field(of.id, "Operation value must be a string");
  const std::string_view given = value.get_string();
  if (!of.custom && given.find_first_of("\r\n") != std::string_view::npos) {
    return faults.field(of.id, "The summary is invalid because it contains newline characters.");
  }
  if (utf16_length(given) > line_limit) {
    return faults.field(of.id, of.custom
                                   ? "The entered text is too long. It exceeds the allowed limit of 255 characters."
                                   : "Summary can't exceed 255 characters.");
  }
  out = given.find_first_not_of(' ') == std::string_view::npos ? std::string_view() : given;
}

void Intake::user(const Field& of, const Value& value, Index& out) {
  if (value.is_null()) {
    if (of.id == "reporter") return faults.field(of.id, "Reporter is required.");
    out = none;
    return;
  }
  std::string_view account = naming(value, site_.server() ? "name" : "accountId");
  if (account.empty() && !site_.server()) account = naming(value, "id");
  if (account.empty()) return faults.field(of.id, "data was not an object with a user");
  if (of.id == "reporter" && !site_.may("MODIFY_REPORTER")) return faults.field(of.id, off_screen(of.id));
  const Index found = site_.user(account);
  if (found == none) {
    return faults.field(of.id, of.id == "reporter" ? std::string("The reporter specified is not a user.")
                                                   : fmt::format("User '{}' does not exist.", account));
  }
  if (of.id == "assignee" && (!site_.users[found].assignable() || !site_.may("ASSIGN_ISSUES"))) {
    return faults.field(of.id, fmt::format("User '{}' cannot be assigned issues.", account));
  }
  out = found;
}

void Intake::labels(const Field& of, const Value& value, std::vector<std::string>& out) {
  if (!value.is_null() && !value.is_array()) return faults.field(of.id, "data was not an array");
  out.clear();
  if (value.is_null()) return;
  for (const Value& each : value.get_array()) change_labels(of, true, each, out);
}

void Intake::change_labels(const Field& of, bool adds, const Value& value, std::vector<std::string>& labels_list) {
  if (!value.is_string()) return faults.field(of.id, "string expected at index 0");
  const std::string_view label = value.get_string();
  if (label.find_first_of(" \t\r\n") != std::string_view::npos) {
    return faults.field(of.id, fmt::format("The label '{}' contains spaces which is invalid.", label));
  }
  if (label.empty()) return faults.field(of.id, "The label is empty.");
  if (utf16_length(label) > line_limit) {
    return faults.field(of.id, fmt::format("The label '{}' exceeds the maximum length of 255 characters.", label));
  }
  const auto at = std::lower_bound(labels_list.begin(), labels_list.end(), label);
  const bool there = at != labels_list.end() && *at == label;
  if (adds && !there) labels_list.insert(at, std::string(label));
  if (!adds && there) labels_list.erase(at);
}

void Intake::parent(const Field& of, const Value& value, Index& out) {
  if (value.is_null() || (value.is_object() && value.get_object().contains("none"))) {
    out = none;
    return;
  }
  std::string_view key = naming(value, "key");
  if (key.empty()) key = naming(value, "id");
  const Issue* found = key.empty() ? nullptr : store_.find(key);
  if (!found || found == issue_) return faults.field(of.id, "Could not find issue by id or key.");
  out = found->position;
}

void Intake::priority(const Field& of, const Value& value, Index& out) {
  if (value.is_null()) {
    out = none;
    return;
  }
  const std::string_view id = naming(value, "id"), name = naming(value, "name");
  if (id.empty() && name.empty()) return faults.field(of.id, "Specify the Priority (id or name) in the string format");
  const Index found = id.empty() ? find_name(site_.priorities, name) : find_id(site_.priorities, id);
  if (found == none) return faults.field(of.id, "The priority selected is invalid.");
  out = found;
}

void Intake::issue_type(const Field& of, const Value& value, Index& out) {
  const std::string_view id = naming(value, "id"), name = naming(value, "name");
  const Index found = id.empty() ? find_name(site_.types, name) : find_id(site_.types, id);
  const std::vector<Index>& offered = site_.projects[project_].issue_types;
  if (found == none || std::find(offered.begin(), offered.end(), found) == offered.end()) {
    return faults.field(of.id, "The issue type selected is invalid.");
  }
  if (issue_ && (site_.types[found].level < 0) != (site_.types[out].level < 0)) {
    return faults.field(of.id, "The issue type selected is invalid.");
  }
  out = found;
}

std::optional<Index> Intake::listed(const Field& of, const Value& value) {
  const std::vector<Component>& all = of.kind == Kind::components ? site_.components : site_.versions;
  const std::string_view id = naming(value, "id"), name = naming(value, "name");
  for (Index i = 0; i < all.size(); ++i) {
    if (all[i].project == project_ && (id.empty() ? same_text(all[i].name, name) : all[i].id == id)) return i;
  }
  faults.field(of.id, fmt::format("{} {} '{}' is not valid", of.kind == Kind::components ? "Component" : "Version",
                                  id.empty() ? "name" : "id", id.empty() ? name : id));
  return std::nullopt;
}

void Intake::list(const Field& of, const Value& value, std::vector<Index>& out) {
  if (!value.is_null() && !value.is_array()) return faults.field(of.id, "data was not an array");
  out.clear();
  if (value.is_null()) return;
  for (const Value& each : value.get_array()) {
    const std::optional<Index> found = listed(of, each);
    if (found && std::find(out.begin(), out.end(), *found) == out.end()) out.push_back(*found);
  }
}

void Intake::estimates(const Field& of, const Value& value, Values& values) {
  if (!value.is_object()) return faults.field(of.id, "data was not an object");
  for (const auto& [name, text] : value.get_object()) {
    const bool original = name == "originalEstimate";
    if (!original && name != "remainingEstimate") return faults.field(of.id, off_screen(of.id));
    const std::optional<std::int64_t> seconds = duration(text_or(&text));
    if (!seconds) return faults.field(of.id, fmt::format("'{}' is no valid duration.", text_or(&text)));
    (original ? values.estimate : values.remaining) = *seconds;
    if (original && values.remaining < 0) values.remaining = *seconds;
  }
}

void Intake::required(const Values& values, const Object* sent) {
  const IssueType& type = site_.types[values.type];
  for (Index i = 0; i < site_.fields.size(); ++i) {
    const Field& of = site_.fields[i];
    if (!of.required || !site_.on_screen(of, type, !issue_) || is_set(site_, i, values)) continue;
    if ((sent && !sent->contains(of.id)) || faults.of(of.id)) continue;
    faults.field(of.id, of.id == "summary" ? std::string("You must specify a summary of the issue.")
                                           : fmt::format("{} is required.", of.name));
  }
}

void Intake::parent_fits(const Values& values) {
  const IssueType& type = site_.types[values.type];
  if (values.parent == none) {
    if (type.level < 0) faults.message("Issue type is a sub-task but parent issue key or id not specified.");
    return;
  }
  const Issue* above = store_.at(values.parent);
  if (type.level < 0 && above->project != project_) {
    faults.field("project", "Sub-tasks must be created in the same project as the parent.");
  } else if (site_.types[above->now->type].level <= type.level ||
             (type.level < 0 && site_.types[above->now->type].level > 0)) {
    faults.field("parentId", "Given parent work item does not belong to appropriate hierarchy.");
  }
}

std::string Intake::rich(std::string_view field_id, const Value& value) {
  if (value.is_null()) return {};
  const std::string_view too_long = "The entered text is too long. It exceeds the allowed limit of 32,767 characters.";
  if (call_.api == 2) {
    if (!value.is_string()) {
      faults.field(field_id, "Operation value must be a string");
      return {};
    }
    const std::string_view wiki = value.get_string();
    if (utf16_length(wiki) > text_limit) faults.field(field_id, std::string(too_long));
    return site_.server() || wiki.empty() ? std::string(wiki) : from_wiki_text(wiki);
  }
  if (text_or(member(value, "type")) != "doc") {
    faults.field(field_id, field_id == "comment" ? "Comment body is not valid!"
                                                 : "Operation value must be an Atlassian Document (see the Atlassian "
                                                   "Document Format)");
    return {};
  }
  Examined found = examine(value);
  Faults refused;
  if (!found.fault.empty()) refused.message("INVALID_INPUT");
  for (const std::string& media : found.media) {
    const auto at = store_.media.find(media);
    if (refused.any() || (at != store_.media.end() && issue_ && at->second.first == issue_->position)) continue;
    refused.message("ATTACHMENT_VALIDATION_ERROR");
    found.fault = fmt::format("the issue has no file '{}'", media);
  }
  if (refused.any()) {
    http::Response response(400, refused.json());
    std::erase_if(found.fault, [](char c) { return static_cast<unsigned char>(c) < 0x20; });
    response.headers.set("X-Simulator-Reason", found.fault.substr(0, 500));
    throw Refusal{std::move(response)};
  }
  std::string stored = boost::json::serialize(value);
  const bool whole = site_.settings.text_limit_counts == "document";
  if ((whole ? utf16_length(stored) : found.characters) > text_limit) faults.field(field_id, std::string(too_long));
  std::move(found.mentions.begin(), found.mentions.end(), std::back_inserter(mentions));
  const Value* content = member(value, "content");
  const bool nothing = field_id == "comment" ? found.empty : content->get_array().empty();
  return nothing ? std::string() : stored;
}

std::string Intake::from_wiki_text(std::string_view wiki) const {
  const auto media = [this](std::string_view name) -> std::optional<std::string> {
    if (!issue_) return std::nullopt;
    const auto& files = issue_->attachments;
    const auto newest =
        std::find_if(files.rbegin(), files.rend(), [&](const Attachment& file) { return file.name == name; });
    return newest == files.rend() ? std::nullopt : std::optional<std::string>(newest->media);
  };
  return boost::json::serialize(from_wiki(wiki, media));
}

}  // namespace migrate::jira::sim
