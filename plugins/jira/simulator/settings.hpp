// What a test or a rehearsal can set up differently on the stand-in's site.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "migrate/config_spec.hpp"

namespace migrate::jira::sim {

struct ProjectSetting {
  std::string key, name;
  std::string type = "service_desk";
  std::vector<std::string> issue_types;
};

struct UserSetting {
  std::string name, email;
  bool active = true, hidden = false, customer = false;
};

struct FieldSetting {
  std::string name;
  std::string type = "text";
  std::vector<std::string> options;
  bool on_screen = true, required = false;
};

struct Settings {
  std::string deployment = "cloud";
  std::string base_url;
  std::string email = "migrator@example.com", token = "jira-token";
  std::optional<std::int64_t> index_lag_ms;
  std::int64_t search_page_cap = 100;
  // "Rate limiting" of developer.atlassian.com (2026): tokens a second of one endpoint and method, writes to one issue.
  std::int64_t rate_get = 100, rate_post = 100, rate_put = 50, rate_delete = 50;
  std::int64_t burst_seconds = 1;
  std::int64_t issue_writes_2s = 20, issue_writes_30s = 100;
  std::int64_t user_search_rate = 10, server_rate = 50, server_capacity = 100;
  std::string retry_after = "seconds";
  std::int64_t upload_limit = 10 << 20;
  std::string keep_bytes = "small";
  std::int64_t max_comments = 5000, max_attachments = 2000, max_links = 2000;
  std::string text_limit_counts = "text";
  std::vector<std::string> denied_permissions, not_member_of, read_only_statuses;
  std::vector<std::string> notification_events;
  bool silent_notifications = false, masked = false, anonymous_access = false;
  std::int64_t utc_offset_hours = 0;
  std::int64_t media_url_seconds = 600;
  std::vector<ProjectSetting> projects;
  std::vector<UserSetting> users;
  std::int64_t more_users = 0;
  std::vector<FieldSetting> custom_fields;
  std::vector<std::string> required_fields, off_screen_fields;

  bool server() const noexcept { return deployment == "server"; }
  std::int64_t lag() const noexcept { return index_lag_ms.value_or(server() ? 0 : 5000); }
};

Spec<Settings> settings_spec();

}  // namespace migrate::jira::sim
