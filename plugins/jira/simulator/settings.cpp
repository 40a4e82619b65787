#include "settings.hpp"

namespace migrate::jira::sim {
namespace {

Spec<ProjectSetting> project_spec() {
  return Spec<ProjectSetting>("A project.")
      .field("key", &ProjectSetting::key, "Its key, upper case")
      .not_empty()
      .field("name", &ProjectSetting::name, "Its name")
      .not_empty()
      .field("type", &ProjectSetting::type, "Its kind")
      .optional()
      .one_of({"service_desk", "software", "business"})
      .field("issue_types", &ProjectSetting::issue_types, "Names of its issue types; default: all")
      .optional();
}

Spec<UserSetting> user_spec() {
  return Spec<UserSetting>("A user.")
      .field("name", &UserSetting::name, "Display name")
      .not_empty()
      .field("email", &UserSetting::email, "E-mail address")
      .not_empty()
      .field("active", &UserSetting::active, "May log in and be assigned")
      .optional()
      .field("hidden", &UserSetting::hidden, "The address is found by a search, but not shown")
      .optional()
      .field("customer", &UserSetting::customer, "Of the portal only: cannot be assigned")
      .optional();
}

Spec<FieldSetting> field_spec() {
  return Spec<FieldSetting>("A custom field.")
      .field("name", &FieldSetting::name, "Its name")
      .not_empty()
      .field("type", &FieldSetting::type, "Its type")
      .optional()
      .one_of({"text", "paragraph", "number", "date", "datetime", "url", "select", "multiselect", "user", "labels"})
      .field("options", &FieldSetting::options, "Of a select or multiselect")
      .optional()
      .field("on_screen", &FieldSetting::on_screen, "Is on the screens of the projects")
      .optional()
      .field("required", &FieldSetting::required, "Must be set")
      .optional();
}

void add_limits(Spec<Settings>& spec) {
  spec.field("rate_get", &Settings::rate_get, "GET requests a second of one endpoint; 0: no limit")
      .optional()
      .at_least(0)
      .field("rate_post", &Settings::rate_post, "The same for POST")
      .optional()
      .at_least(0)
      .field("rate_put", &Settings::rate_put, "The same for PUT")
      .optional()
      .at_least(0)
      .field("rate_delete", &Settings::rate_delete, "The same for DELETE")
      .optional()
      .at_least(0)
      .field("burst_seconds", &Settings::burst_seconds, "How many seconds' worth a bucket holds")
      .optional()
      .at_least(1)
      .field("issue_writes_2s", &Settings::issue_writes_2s, "Writes to one issue in 2 s; 0: no limit")
      .optional()
      .at_least(0)
      .field("issue_writes_30s", &Settings::issue_writes_30s, "Writes to one issue in 30 s; 0: no limit")
      .optional()
      .at_least(0)
      .field("user_search_rate", &Settings::user_search_rate, "Searches for users a second, all together; 0: no limit")
      .optional()
      .at_least(0)
      .field("server_rate", &Settings::server_rate, "Data Center: tokens a second; 0: no limit")
      .optional()
      .at_least(0)
      .field("server_capacity", &Settings::server_capacity, "Data Center: tokens that a user's bucket holds")
      .optional()
      .at_least(1)
      .field("retry_after", &Settings::retry_after, "What a refusal says in Retry-After")
      .optional()
      .one_of({"seconds", "absent", "zero"})
      .field("upload_limit", &Settings::upload_limit, "Bytes of one file")
      .optional()
      .at_least(1)
      .field("max_comments", &Settings::max_comments, "Of one issue")
      .optional()
      .at_least(0)
      .field("max_attachments", &Settings::max_attachments, "Of one issue")
      .optional()
      .at_least(0)
      .field("max_links", &Settings::max_links, "Of one issue")
      .optional()
      .at_least(0);
}

}  // namespace

Spec<Settings> settings_spec() {
  Spec<Settings> spec("Settings of the stand-in of Jira.");
  spec.field("deployment", &Settings::deployment, "Whose behaviour")
      .optional()
      .one_of({"cloud", "server"})
      .field("base_url", &Settings::base_url,
             "What the site calls itself, wherever it is reached; default: the address it listens at")
      .optional()
      .field("email", &Settings::email, "The account's name in Basic authentication")
      .optional()
      .not_empty()
      .field("token", &Settings::token, "Its API token; on Data Center also the personal access token")
      .optional()
      .not_empty()
      .field("index_lag_ms", &Settings::index_lag_ms,
             "How long a search does not see a change; default 5000, on Data Center 0")
      .optional()
      .at_least(0)
      .field("search_page_cap", &Settings::search_page_cap, "Issues a page when more than id and key are asked for")
      .optional()
      .at_least(1);
  add_limits(spec);
  spec.field("keep_bytes", &Settings::keep_bytes,
             "Contents of files that are kept for downloads: up to 1 MiB, all, none")
      .optional()
      .one_of({"small", "all", "none"})
      .field("text_limit_counts", &Settings::text_limit_counts,
             "What of a document counts against the 32,767 characters: its text, or its JSON")
      .optional()
      .one_of({"text", "document"})
      .field("denied_permissions", &Settings::denied_permissions, "Keys of permissions that the account lacks")
      .optional()
      .field("not_member_of", &Settings::not_member_of,
             "Project roles and groups that the account is not in; it is in all others")
      .optional()
      .field("read_only_statuses", &Settings::read_only_statuses,
             "Names of statuses in which an issue cannot be edited, as Closed in Jira's classic workflow")
      .optional()
      .field("notification_events", &Settings::notification_events,
             "Events of which the projects' notification scheme tells people, as it is shown; none: there is no scheme")
      .optional()
      .field("silent_notifications", &Settings::silent_notifications, "The projects send no mail")
      .optional()
      .field("anonymous_access", &Settings::anonymous_access,
             "The projects are open to everybody: who does not sign in may read and write, and is named nowhere")
      .optional()
      .field("masked", &Settings::masked, "state() is what masked_state() makes of it")
      .optional()
      .field("utc_offset_hours", &Settings::utc_offset_hours, "Time zone of site and account")
      .optional()
      .at_least(-12)
      .at_most(14)
      .field("media_url_seconds", &Settings::media_url_seconds, "How long a download's address works")
      .optional()
      .at_least(1)
      .field("projects", &Settings::projects, project_spec(), "Default: SUP, a service desk, and OPS, for software")
      .optional()
      .field("users", &Settings::users, user_spec(), "Default: those of README.md")
      .optional()
      .field("more_users", &Settings::more_users, "Made-up ones in addition")
      .optional()
      .at_least(0)
      .field("custom_fields", &Settings::custom_fields, field_spec(), "In addition to the site's own")
      .optional()
      .field("required_fields", &Settings::required_fields, "Names of fields that must be set")
      .optional()
      .field("off_screen_fields", &Settings::off_screen_fields, "Names of fields that are not on the screens")
      .optional();
  return spec;
}

}  // namespace migrate::jira::sim
