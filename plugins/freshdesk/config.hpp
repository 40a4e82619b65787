// The options of the source.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "migrate/config_spec.hpp"

namespace migrate::freshdesk {

struct SourceConfig {
  std::string url;  ///< "https://acme.freshdesk.com", without a path
  Secret api_key;
  std::vector<std::string> include;  ///< "deleted", "spam", "archived": what the plain list leaves out
  std::string since = "2000-01-01T00:00:00Z";
  std::int64_t archived_from = 1;
  std::optional<std::int64_t> archived_through;
  std::int64_t archived_misses = 1000;
  bool conversations = true, time_entries = true, satisfaction_ratings = false;
  std::string time_entries_by = "ticket";  ///< or "list"
  bool accept_restricted_scope = false;
  std::optional<std::string> plan;
  double leave_for_people = 0.1;
  int per_page = 100;
  int requests_at_once = 8;

  bool includes(std::string_view what) const;
};

Spec<SourceConfig> source_spec();

}  // namespace migrate::freshdesk
