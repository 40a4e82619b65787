#include "simulator/settings.hpp"

namespace migrate::freshdesk::simulation {

Spec<Settings> settings_spec() {
  return Spec<Settings>("The switches of the stand-in of Freshdesk.")
      .field("api_key", &Settings::api_key, "The key of an administrator who sees every ticket")
      .optional()
      .not_empty()
      .field("restricted_api_key", &Settings::restricted_api_key, "The key of an agent who sees only his own tickets")
      .optional()
      .not_empty()
      .field("plan", &Settings::plan, "Decides the quotas; growth lacks time entries, ratings and archived tickets")
      .optional()
      .one_of({"trial", "growth", "pro", "enterprise"})
      .field("quota_per_minute", &Settings::quota_per_minute, "Credits a minute, in place of the plan's")
      .optional()
      .at_least(1)
      .field("list_per_minute", &Settings::list_per_minute,
             "Requests a minute to the list of tickets, and as many to that of contacts, in place of the plan's")
      .optional()
      .at_least(1)
      .field("page_cap", &Settings::page_cap, "The last page of the list of tickets that is answered")
      .optional()
      .at_least(1)
      .field("same_second", &Settings::same_second,
             "Tickets that were updated in the same second around each hundredth of the list")
      .optional()
      .at_least(1)
      .field("url_seconds", &Settings::url_seconds, "For which the address of a file is valid")
      .optional()
      .at_least(1)
      .field("export_seconds", &Settings::export_seconds, "That an account export takes")
      .optional()
      .at_least(0)
      .field("index_lag_seconds", &Settings::index_lag_seconds, "Until the search sees a change")
      .optional()
      .at_least(0)
      .field("touch_every", &Settings::touch_every, "Lists of tickets after which a ticket is changed; 0: never")
      .optional()
      .at_least(0)
      .field("delete_every", &Settings::delete_every, "Lists of tickets after which a ticket is deleted; 0: never")
      .optional()
      .at_least(0)
      .field("change_limit", &Settings::change_limit, "Changes and deletions altogether")
      .optional()
      .at_least(0)
      .field("lost_file_every", &Settings::lost_file_every,
             "One of so many attachments cannot be downloaded at all; 0: none")
      .optional()
      .at_least(0)
      .field("cid_every", &Settings::cid_every,
             "One of so many tokens of images stands behind \"cid:\" in the text; 0: none")
      .optional()
      .at_least(0)
      .field("refused_list", &Settings::refused_list, "What no key may list: deleted tickets or spam; empty: nothing")
      .optional()
      .one_of({"", "deleted", "spam"})
      .field("removed_tickets", &Settings::removed_tickets,
             "What the address of a deleted ticket, or of spam, answers: refused is 405, shown the ticket")
      .optional()
      .one_of({"refused", "shown"})
      .field("archived_after", &Settings::archived_after,
             "Every ticket behind the first so many is archived, and none of those; 0: all are")
      .optional()
      .at_least(0)
      .field("long_thread", &Settings::long_thread, "Conversations of the second ticket; 0: as many as others have")
      .optional()
      .at_least(0)
      .at_most(250);
}

PlanLimits limits_of(const Settings& settings) {
  PlanLimits limits{400, 100};
  if (settings.plan == "trial") limits = {50, 50};
  if (settings.plan == "growth") limits = {200, 20};
  if (settings.plan == "enterprise") limits = {700, 200};
  if (settings.quota_per_minute) limits.account = *settings.quota_per_minute;
  if (settings.list_per_minute) limits.list = *settings.list_per_minute;
  return limits;
}

bool has_extras(const Settings& settings) noexcept { return settings.plan != "growth"; }

}  // namespace migrate::freshdesk::simulation
