#include "config.hpp"

#include <algorithm>

#include "migrate/http/message.hpp"
#include "window.hpp"

namespace migrate::freshdesk {

namespace {

void check_url(const SourceConfig& config) {
  http::Url url;
  try {
    url = http::parse_url(config.url);
  } catch (const Error& error) {
    throw ConfigError("url", error.what());
  }
  if (url.target != "/" || config.url.ends_with('/'))
    throw ConfigError("url", "is the address of the helpdesk alone, for example https://acme.freshdesk.com");
}

void check_numbers(const SourceConfig& config) {
  if (config.leave_for_people >= 1)
    throw ConfigError("leave_for_people", "leaves nothing to this migration; it is a share, for example 0.1");
  if (config.archived_through && *config.archived_through < config.archived_from)
    throw ConfigError("archived_through", "comes before archived_from");
  try {
    second_from(config.since);
  } catch (const Error& error) {
    throw ConfigError("since", error.what());
  }
}

}  // namespace

bool SourceConfig::includes(std::string_view what) const {
  return std::find(include.begin(), include.end(), what) != include.end();
}

Spec<SourceConfig> source_spec() {
  using Config = SourceConfig;
  return Spec<Config>("Reads tickets of Freshdesk with their conversations, files, time entries and associations.")
      .field("url", &Config::url, "The helpdesk's own address; the address of a portal of another domain serves no API")
      .not_empty()
      .field("api_key", &Config::api_key,
             "The key of an agent who sees all tickets (profile settings, \"Your API key\")")
      .not_empty()
      .field("include", &Config::include, "What is read beside the plain list. `archived` asks for each id in turn")
      .optional()
      .one_of({"deleted", "spam", "archived"})
      .one_or_many()
      .field("since", &Config::since, "Only tickets that were changed at that time or later")
      .optional()
      .field("archived_from", &Config::archived_from, "First id that is tried for an archived ticket")
      .optional()
      .at_least(1)
      .field("archived_through", &Config::archived_through,
             "Last id that is tried; default: found out, see archived_misses")
      .optional()
      .at_least(1)
      .field("archived_misses", &Config::archived_misses,
             "Without archived_through: so many ids in a row behind the newest ticket that lead to no archived one are "
             "the end")
      .optional()
      .at_least(1)
      .field("conversations", &Config::conversations, "Read replies and notes: one request a ticket")
      .optional()
      .field("time_entries", &Config::time_entries,
             "Read time entries where the plan has them: one request a ticket, see time_entries_by")
      .optional()
      .field("time_entries_by", &Config::time_entries_by,
             "`ticket` asks for those of each ticket; `list` only where the account's list of time entries names the "
             "ticket, which saves most of the requests and trusts that list to be complete")
      .optional()
      .one_of({"ticket", "list"})
      .field("satisfaction_ratings", &Config::satisfaction_ratings, "Read ratings: one request a ticket")
      .optional()
      .field("accept_restricted_scope", &Config::accept_restricted_scope,
             "Go on although the key's agent sees a part of the tickets only")
      .optional()
      .field("plan", &Config::plan, "Whose limits hold; default: found out from the first answer")
      .optional()
      .one_of({"trial", "growth", "pro", "enterprise"})
      .field("leave_for_people", &Config::leave_for_people,
             "Share of the account's requests a minute that is left to agents and other programs")
      .optional()
      .at_least(0)
      .at_most(1)
      .field("per_page", &Config::per_page, "Rows a request of a list")
      .optional()
      .at_least(1)
      .at_most(100)
      .field("requests_at_once", &Config::requests_at_once, "Requests that may be under way at the same time")
      .optional()
      .at_least(1)
      .at_most(64)
      .validate(check_url)
      .validate(check_numbers);
}

}  // namespace migrate::freshdesk
