// What stands in the way of reading, found before anything is read.
#include <fmt/format.h>

#include <cmath>

#include "json.hpp"
#include "source.hpp"

namespace migrate::freshdesk {

namespace {

Check failed(std::string name, const Error& error) {
  return Check{std::move(name), false, error.what(),
               error.advice.empty() ? "check url, and that this machine reaches it; then try again" : error.advice};
}

/// What the key's agent sees: 1 everything, 2 the tickets of its groups, 3 those that are assigned to it.
Check scope_of(const Value& agent, const SourceConfig& config) {
  const std::int64_t scope = number(agent, "ticket_scope");
  if (!is_restricted(agent)) return Check{"scope", true, "the key's agent sees all tickets", ""};
  const char* const seen = scope == 2 ? "only the tickets of its groups" : "only the tickets that are assigned to it";
  return Check{"scope", config.accept_restricted_scope, fmt::format("the key's agent sees {}", seen),
               "use the key of an agent with global access, or set accept_restricted_scope: true"};
}

Check quota_of(const Account& account, const SourceConfig& config) {
  if (account.calls_per_minute <= 0)
    return Check{"quota", true, "the service does not tell its limit: requests go until it refuses, then slower", ""};
  const std::string plan = Api::plan_name(account.calls_per_minute);
  const int left = static_cast<int>(std::lround(account.calls_per_minute * config.leave_for_people));
  std::string message = fmt::format("{} requests a minute{}, of which {} are left to people", account.calls_per_minute,
                                    plan.empty() ? "" : " (" + plan + ")", left);
  if (account.lists_per_minute > 0) message += fmt::format("; lists of tickets: {}", account.lists_per_minute);
  return Check{"quota", true, std::move(message), ""};
}

Check clock_of(const Account& account) {
  const auto seconds = account.ahead.count();
  if (std::abs(seconds) <= 5) return Check{"clock", true, "agrees with the service's", ""};
  return Check{"clock", true,
               fmt::format("the service's is {} s {}; reading does not depend on it", std::abs(seconds),
                           seconds > 0 ? "ahead" : "behind"),
               ""};
}

awaitable<Check> readable_tickets(Api& api, Shelf shelf, const char* name) {
  try {
    const std::int64_t newest = co_await api.newest_ticket(shelf);
    std::string message = newest > 0
                              ? fmt::format("can be listed; the newest is {}. The service tells no number", newest)
                              : std::string("can be listed; there is none");
    co_return Check{name, true, std::move(message), ""};
  } catch (const Error& error) {
    co_return failed(name, error);
  }
}

awaitable<Check> readable_times(Api& api, const SourceConfig& config) {
  if (!config.time_entries) co_return Check{"time entries", true, "not asked for", ""};
  try {
    const std::optional<ListPage> listed = co_await api.all_time_entries(1);
    co_return Check{
        "time entries", true,
        listed ? "can be listed"
        : config.time_entries_by == "list"
            ? "the plan has none, or the key may not see them: tickets come without"
            : "cannot be listed: where the plan has none, or the key may not see them, tickets come without",
        ""};
  } catch (const Error& error) {
    co_return failed("time entries", error);
  }
}

awaitable<Check> readable_names(Api& api) {
  std::string hidden;
  try {
    for (const char* what : {"ticket_fields", "groups", "products", "agents"}) {
      const std::optional<Array> rows = co_await api.all(what);
      if (!rows) hidden += fmt::format("{}{}", hidden.empty() ? "" : ", ", what);
    }
  } catch (const Error& error) {
    co_return failed("names", error);
  }
  co_return Check{"names", true,
                  hidden.empty() ? "fields, groups, products and agents can be read"
                                 : fmt::format("the key may not see {}: ids stand in their place", hidden),
                  ""};
}

awaitable<Check> readable_archive(Api& api, const SourceConfig& config) {
  if (!config.includes("archived"))
    co_return Check{
        "archived tickets", true,
        "not asked for: closed tickets that nobody has touched for 120 days are in no list and stay behind, "
        "unless include: [archived] has each number tried, one request for each",
        ""};
  const TicketId first{config.archived_from, true};
  try {
    co_await api.ticket(first, false);
    if (config.archived_through)
      co_return Check{"archived tickets", true,
                      fmt::format("can be asked for, one request for each id through {}", *config.archived_through),
                      ""};
    const std::int64_t newest = co_await api.newest_listed();
    if (newest > 0)
      co_return Check{"archived tickets", true,
                      fmt::format("can be asked for, one request for each id through {}, and on until {} in a row lead "
                                  "to none",
                                  newest, config.archived_misses),
                      ""};
    // An account whose numbers begin late would be taken for an empty one.
    co_return Check{"archived tickets", false, "no list shows a ticket, so nothing tells which ids archived ones have",
                    "set archived_through to the number of the newest ticket that there ever was"};
  } catch (const Error& error) {
    co_return failed("archived tickets", error);
  }
}

}  // namespace

awaitable<std::vector<Check>> checks_of(Api& api, const SourceConfig& config) {
  std::vector<Check> checks;
  std::optional<Error> trouble;
  bool answered = false;
  try {
    co_await api.connect();
  } catch (const http::StatusError& error) {
    trouble = error;
    answered = error.kind() == ErrorKind::unauthorized;
  } catch (const Error& error) {
    trouble = error;
  }
  if (trouble && !answered) {
    checks.push_back(failed("reachable", *trouble));
    co_return checks;
  }
  checks.push_back(Check{"reachable", true, api.site() + " answers", ""});
  if (trouble) {
    checks.push_back(failed("credentials", *trouble));
    co_return checks;
  }
  const Account& account = api.account();
  const Value* contact = member(account.agent, "contact");
  const std::string name = contact ? text(*contact, "name") : std::string();
  checks.push_back(
      Check{"credentials", true, fmt::format("the key of agent {} {}", text(account.agent, "id"), name), ""});
  checks.push_back(scope_of(account.agent, config));
  checks.push_back(quota_of(account, config));
  checks.push_back(clock_of(account));
  checks.push_back(co_await readable_tickets(api, Shelf::desk, "tickets"));
  if (config.includes("deleted")) checks.push_back(co_await readable_tickets(api, Shelf::deleted, "deleted tickets"));
  if (config.includes("spam")) checks.push_back(co_await readable_tickets(api, Shelf::spam, "spam"));
  checks.push_back(co_await readable_names(api));
  checks.push_back(co_await readable_times(api, config));
  checks.push_back(co_await readable_archive(api, config));
  co_return checks;
}

}  // namespace migrate::freshdesk
