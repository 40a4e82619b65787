// The options of the connector `jira`, as sink.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "migrate/config_spec.hpp"

namespace migrate::jira {

/// Seconds until a new issue is certainly found by a search: seconds as a rule, up to two minutes as people report.
inline constexpr int default_index_lag = 90;
/// Jira takes 32,767 characters; how it counts those of a document is not known, so there is room.
inline constexpr int default_text_limit = 30'000;

struct SinkConfig {
  std::string url, email;
  Secret token;
  std::string project;
  int api = 3;
  std::string issue_type = "Task";
  std::string others = "preamble";
  std::filesystem::path users;
  std::string fallback_assignee;
  bool reporters = true;
  std::string internal_comments = "auto";
  std::string internal_audience = "Administrators";
  std::string internal_files = "attach";
  std::string resolution = "Done";
  std::map<std::string, std::string> relations;
  std::string label = "migrated";
  bool source_link = true;
  int index_lag = default_index_lag;
  int text_limit = default_text_limit;
  std::string notifications = "unchecked";
  std::string unmovable_files = "fail";
  std::string vanished = "keep";
  int in_flight = 20;
};

/// Throws ConfigError when the options do not go together.
void validate(const SinkConfig& config);

inline Spec<SinkConfig> sink_spec() {
  return Spec<SinkConfig>("Writes issues to Jira Cloud or Jira Data Center.")
      .field("url", &SinkConfig::url, "The site: `https://acme.atlassian.net`, or a Data Center with its context path")
      .not_empty()
      .field(
          "email", &SinkConfig::email,
          "The account that the token belongs to. Data Center: the user name of a password; none for an access token")
      .optional()
      .field("token", &SinkConfig::token, "API token (Cloud), personal access token or password (Data Center)")
      .not_empty()
      .field("project", &SinkConfig::project, "Key of the project that receives the issues")
      .not_empty()
      .field("api", &SinkConfig::api, "3: documents (Cloud). 2: wiki markup (Data Center, and Cloud)")
      .optional()
      .at_least(2)
      .at_most(3)
      .field("issue_type", &SinkConfig::issue_type, "Type of items whose own kind the project does not have")
      .optional()
      .field(
          "others", &SinkConfig::others,
          "Fields of an item that Jira has no place for: `preamble` lists them at the end of the description, `drop` "
          "leaves them out with a warning, `fail` refuses the item")
      .optional()
      .one_of({"preamble", "drop", "fail"})
      .field("users", &SinkConfig::users,
             "Mapping file (CSV or JSON): e-mail address to account id (Data Center: user name)")
      .optional()
      .field("fallback_assignee", &SinkConfig::fallback_assignee,
             "E-mail address or account id for items whose assignee Jira does not know; none: left unassigned")
      .optional()
      .field("reporters", &SinkConfig::reporters, "Set the reporter where Jira knows the person")
      .optional()
      .field(
          "internal_comments", &SinkConfig::internal_comments,
          "How comments for staff stay internal: `service_management` (internal notes), `role` or `group` (visible to "
          "`internal_audience`), `fail` (such an item is refused), `auto` (internal notes where the project has "
          "them, else `role`). One that cannot be made internal fails; it is never published")
      .optional()
      .one_of({"auto", "service_management", "role", "group", "fail"})
      .field("internal_audience", &SinkConfig::internal_audience,
             "The project role or group that sees internal comments")
      .optional()
      .field(
          "internal_files", &SinkConfig::internal_files,
          "Files of internal comments, which all who see the issue can read, since Jira hides no attachment: `attach` "
          "brings them over with a warning each, `leave_out` leaves them out")
      .optional()
      .one_of({"attach", "leave_out"})
      .field("resolution", &SinkConfig::resolution, "For transitions that demand a resolution")
      .optional()
      .field("relations", &SinkConfig::relations,
             "Relation of the source to `parent` or the name of a link type, for example `{parent: Relates}`. Default: "
             "`parent` is the parent, others the link type of that name or phrase")
      .optional()
      .field("label", &SinkConfig::label, "What the labels begin with by which the migration finds its issues again")
      .optional()
      .not_empty()
      .field("source_link", &SinkConfig::source_link, "A web link on each issue to the item at the source")
      .optional()
      .field("index_lag", &SinkConfig::index_lag, "Seconds after which a search is trusted to show a new issue")
      .optional()
      .at_least(0)
      .at_most(3600)
      .field("text_limit", &SinkConfig::text_limit,
             "Characters of a description or comment; the whole of a longer text goes into an attachment")
      .optional()
      .at_least(1000)
      .at_most(32'767)
      .field("notifications", &SinkConfig::notifications,
             "`none`: the check fails when the project's notification scheme would tell people of what the migration "
             "does, or the account may not see it. `unchecked`: it only advises")
      .optional()
      .one_of({"unchecked", "none"})
      .field("unmovable_files", &SinkConfig::unmovable_files,
             "Files that are larger than Jira takes, or gone at the source: `fail` refuses the item, `leave_out` moves "
             "it without them, with a warning")
      .optional()
      .one_of({"fail", "leave_out"})
      .field("vanished", &SinkConfig::vanished,
             "Delta run: issues whose item the source reports as deleted (neither `freshdesk` nor `jsonl` does) stay "
             "(`keep`), get a label (`label`), or are deleted unless somebody has changed them (`delete`)")
      .optional()
      .one_of({"keep", "label", "delete"})
      .field("in_flight", &SinkConfig::in_flight, "Issues that are written at once")
      .optional()
      .at_least(1)
      .at_most(100)
      .validate(validate);
}

}  // namespace migrate::jira
