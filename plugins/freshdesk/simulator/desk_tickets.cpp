// Tickets and what hangs on them.
#include <fmt/format.h>

#include <boost/json/monotonic_resource.hpp>

#include "simulator/desk.hpp"

namespace migrate::freshdesk::simulation {
namespace {

constexpr Seconds default_window = 30 * day;
constexpr std::int64_t search_page = 30, search_pages = 10;
constexpr std::size_t longest_query = 512;

Tickets::Order order_named(std::string_view name) {
  if (name == "updated_at") return Tickets::Order::updated;
  if (name == "due_by") return Tickets::Order::due;
  if (name == "status") return Tickets::Order::status;
  return Tickets::Order::created;
}

}  // namespace

Desk::Wanted Desk::wanted_tickets(Parameters& given) const {
  Wanted wanted;
  wanted.since = given.time("updated_since");
  wanted.order = order_named(given.choice("order_by", {"created_at", "due_by", "updated_at", "status"}));
  wanted.descending = given.choice("order_type", {"desc", "asc"}) == "desc";
  const std::string filter = given.choice("filter", {"", "new_and_my_open", "watching", "spam", "deleted"});
  if (filter == "spam") wanted.kind = TicketKind::spam;
  if (filter == "deleted") wanted.kind = TicketKind::deleted;
  wanted.watching = filter == "watching";
  wanted.mine = filter == "new_and_my_open";
  if (const auto id = given.id("requester_id")) {
    wanted.requester = account_.find_user(*id);
    wanted.nobody |= !wanted.requester;
  }
  if (const auto id = given.id("company_id")) {
    wanted.company = account_.find_company(*id);
    wanted.nobody |= !wanted.company;
  }
  if (const auto email = given.text("email")) {
    wanted.requester = find_by_email(*email);
    if (!wanted.requester) given.fault("email", "There is no contact matching the given email");
  }
  if (const auto external = given.text("unique_external_id")) {
    for (std::size_t user = Account::agents; user < account_.users() && !wanted.requester; ++user) {
      if (account_.user(user).external == *external) wanted.requester = user;
    }
    wanted.nobody |= !wanted.requester;
  }
  return wanted;
}

bool Desk::is_wanted(const Wanted& wanted, const Call& call, std::size_t ticket) const {
  const Row& row = tickets_.row(ticket);
  if (wanted.since ? row.updated < *wanted.since : row.created < call.now - default_window) return false;
  if (wanted.watching) {
    const auto watchers = content_.watchers(ticket);
    if (std::find(watchers.begin(), watchers.end(), call.viewer.agent) == watchers.end()) return false;
  }
  if (!wanted.requester && !wanted.company && !wanted.mine && !call.viewer.restricted) return true;
  const TicketFields fields = content_.fields(ticket);
  if (wanted.mine && (row.status != 2 || (fields.responder && *fields.responder != call.viewer.agent))) return false;
  return (!wanted.requester || fields.requester == *wanted.requester) &&
         (!wanted.company || fields.company == wanted.company) &&
         (!call.viewer.restricted || fields.responder == call.viewer.agent);
}

http::Response Desk::list_tickets(const Call& call) {
  Parameters given(call.request, {"page", "per_page", "updated_since", "order_by", "order_type", "include", "filter",
                                  "requester_id", "email", "company_id", "unique_external_id"});
  const Page page = page_of(given);
  if (page.number > settings_.page_cap) {
    given.fault("page",
                fmt::format("You cannot access tickets beyond the {}th page. Please provide a smaller page number.",
                            settings_.page_cap));
  }
  const auto includes = given.choices("include", {"description", "requester", "stats"});
  const Wanted wanted = wanted_tickets(given);
  if (auto refused = given.refusal()) return std::move(*refused);
  const std::string_view list = wanted.kind == TicketKind::deleted ? "deleted"
                                : wanted.kind == TicketKind::spam  ? "spam"
                                                                   : "active";
  if (list == settings_.refused_list)
    return refusal(403, "access_denied", "You are not authorized to perform this action.");

  const bool active = wanted.kind == TicketKind::active;
  const auto others = active ? std::vector<std::uint32_t>() : tickets_.listed(wanted.kind, wanted.order);
  const auto& candidates = active ? tickets_.active(wanted.order) : others;
  std::vector<std::uint32_t> found;
  std::size_t passed = 0;
  bool more = false;
  for (std::size_t i = 0; i < candidates.size() && !more && !wanted.nobody; ++i) {
    const std::uint32_t ticket = candidates[wanted.descending ? candidates.size() - 1 - i : i];
    if (!is_wanted(wanted, call, ticket) || passed++ < page.first()) continue;
    more = found.size() == static_cast<std::size_t>(page.size);
    if (!more) found.push_back(ticket);
  }
  http::Response response = list_page(call, page, found, more, includes);
  last_page_ = std::move(found);
  let_happen(call.now);
  return response;
}

http::Response Desk::list_page(const Call& call, const Page& page, const std::vector<std::uint32_t>& tickets, bool more,
                               const Render::Includes& includes) const {
  boost::json::monotonic_resource arena;
  Array items(&arena);
  items.reserve(tickets.size());
  for (const std::uint32_t ticket : tickets) {
    items.push_back(render_.ticket(ticket, Shape::listed, includes, call.now, &arena));
  }
  return page_answer(std::move(items), call.request, addresses_.desk(), page, more);
}

void Desk::let_happen(Seconds now) {
  ++lists_;
  const auto due = [&](std::int64_t every) {
    return every > 0 && lists_ % every == 0 && changes_ < settings_.change_limit;
  };
  if (due(settings_.touch_every)) {
    if (const auto ticket = pick_active(static_cast<std::uint64_t>(changes_))) {
      tickets_.touch(*ticket, static_cast<std::size_t>(changes_++), now);
    }
  }
  if (due(settings_.delete_every)) {
    if (const auto ticket = pick_active(static_cast<std::uint64_t>(changes_))) {
      tickets_.remove(*ticket, now);
      ++changes_;
    }
  }
}

std::optional<std::size_t> Desk::pick_active(std::uint64_t number) const {
  Random random(account_.seed(), Topic::change, number);
  // Every other time one that has just been read: what follows moves up into pages that were read already.
  if (number % 2 == 0 && !last_page_.empty()) {
    const std::size_t ticket = last_page_[random.below(last_page_.size())];
    if (tickets_.row(ticket).kind == TicketKind::active) return ticket;
  }
  const auto& active = tickets_.active(Tickets::Order::created);
  if (active.empty()) return std::nullopt;
  return active[random.below(active.size())];
}

std::optional<http::Response> Desk::find_ticket(const Call& call, bool archived, std::size_t& ticket) const {
  const auto found = tickets_.find(call.id);
  if (!found || (tickets_.row(*found).kind == TicketKind::archived) != archived) return without_body(404);
  if (!may_see(call.viewer, *found))
    return refusal(403, "access_denied", "You are not authorized to perform this action.");
  const TicketKind kind = tickets_.row(*found).kind;
  const bool removed = kind == TicketKind::deleted || kind == TicketKind::spam;
  if (removed && settings_.removed_tickets == "refused") return without_body(405);
  ticket = *found;
  return std::nullopt;
}

http::Response Desk::view_ticket(const Call& call) {
  Parameters given(call.request, {"include"});
  const auto includes = given.choices("include", {"requester", "company", "stats", "conversations"});
  if (auto refused = given.refusal()) return std::move(*refused);
  const auto found = tickets_.find(call.id);
  if (found && tickets_.row(*found).kind == TicketKind::archived && call.id % 2 && has_extras(settings_)) {
    // What the service does here is not documented; a client has to be ready for either.
    http::Response response = without_body(301);
    response.headers.set("Location", fmt::format("{}/api/v2/tickets/archived/{}", addresses_.desk(), call.id));
    return response;
  }
  std::size_t ticket = 0;
  if (auto refused = find_ticket(call, false, ticket)) return std::move(*refused);
  return http::Response(200, render_.ticket(ticket, Shape::viewed, includes, call.now));
}

http::Response Desk::view_archived(const Call& call) {
  Parameters given(call.request, {});
  if (auto refused = given.refusal()) return std::move(*refused);
  std::size_t ticket = 0;
  if (auto refused = find_ticket(call, true, ticket)) return std::move(*refused);
  return http::Response(200, render_.ticket(ticket, Shape::archived, {}, call.now));
}

http::Response Desk::list_conversations(const Call& call) { return conversations_of(call, false); }

http::Response Desk::list_archived_conversations(const Call& call) { return conversations_of(call, true); }

http::Response Desk::conversations_of(const Call& call, bool archived) const {
  Parameters given(call.request, {"page", "per_page"});
  const Page page = page_of(given);
  if (auto refused = given.refusal()) return std::move(*refused);
  std::size_t ticket = 0;
  if (auto refused = find_ticket(call, archived, ticket)) return std::move(*refused);
  return paged(call, page, tickets_.conversations(ticket),
               [&](std::size_t number) { return render_.conversation(ticket, number, call.now); });
}

http::Response Desk::list_ticket_times(const Call& call) {
  Parameters given(call.request, {"page", "per_page"});
  const Page page = page_of(given);
  if (auto refused = given.refusal()) return std::move(*refused);
  std::size_t ticket = 0;
  if (auto refused = find_ticket(call, false, ticket)) return std::move(*refused);
  const auto entries = content_.time_entries(ticket);
  return paged(call, page, entries.size(), [&](std::size_t i) { return render_.time_entry(ticket, entries[i]); });
}

http::Response Desk::list_ticket_ratings(const Call& call) {
  Parameters given(call.request, {"page", "per_page"});
  const Page page = page_of(given);
  if (auto refused = given.refusal()) return std::move(*refused);
  std::size_t ticket = 0;
  if (auto refused = find_ticket(call, false, ticket)) return std::move(*refused);
  const auto rating = content_.rating(ticket);
  return paged(call, page, rating ? 1 : 0, [&](std::size_t) { return render_.rating(ticket, *rating); });
}

http::Response Desk::list_watchers(const Call& call) {
  Parameters given(call.request, {});
  if (auto refused = given.refusal()) return std::move(*refused);
  std::size_t ticket = 0;
  if (auto refused = find_ticket(call, false, ticket)) return std::move(*refused);
  Array ids;
  for (const std::size_t agent : content_.watchers(ticket)) ids.emplace_back(account_.user_id(agent));
  return http::Response(200, Object{{"watcher_ids", std::move(ids)}});
}

http::Response Desk::list_associated(const Call& call) {
  Parameters given(call.request, {"page", "per_page"});
  page_of(given);
  if (auto refused = given.refusal()) return std::move(*refused);
  std::size_t ticket = 0;
  if (auto refused = find_ticket(call, false, ticket)) return std::move(*refused);
  const Association association = content_.association(ticket);
  if (association.type != 1 && association.type != 3) return without_body(404);
  Array others;
  for (const std::size_t other : association.others) {
    if (tickets_.row(other).kind == TicketKind::active)
      others.push_back(render_.ticket(other, Shape::associated, {}, call.now));
  }
  return http::Response(200, Object{{"tickets", std::move(others)}});
}

http::Response Desk::view_prime(const Call& call) {
  Parameters given(call.request, {});
  if (auto refused = given.refusal()) return std::move(*refused);
  std::size_t ticket = 0;
  if (auto refused = find_ticket(call, false, ticket)) return std::move(*refused);
  const Association association = content_.association(ticket);
  if (association.type != 2 && association.type != 4) return without_body(404);
  const std::size_t prime = association.others.front();
  if (tickets_.row(prime).kind != TicketKind::active) return without_body(404);
  return http::Response(200, render_.ticket(prime, Shape::associated, {}, call.now));
}

Searched Desk::searched(std::size_t ticket, Seconds now) const {
  const Change* change = tickets_.change(ticket);
  const Row& row = change && now - change->at < settings_.index_lag_seconds ? change->before : tickets_.row(ticket);
  const TicketFields fields = content_.fields(ticket);
  Searched seen;
  if (fields.responder) seen.agent = account_.user_id(*fields.responder);
  if (fields.group) seen.group = account_.group(*fields.group).id;
  seen.status = row.status;
  seen.priority = row.priority;
  seen.type = fields.type;
  seen.tags = fields.tags;
  seen.created = row.created;
  seen.updated = row.updated;
  seen.due = tickets_.due(ticket);
  return seen;
}

http::Response Desk::search_tickets(const Call& call) {
  Parameters given(call.request, {"query", "page"});
  Page page{given.number("page", 1, search_pages), search_page};
  const std::string quoted = given.text("query").value_or("");
  std::optional<Search> search;
  const bool in_quotes = quoted.size() >= 2 && quoted.front() == '"' && quoted.back() == '"';
  if (in_quotes && quoted.size() - 2 <= longest_query) {
    search = Search::parse(std::string_view(quoted).substr(1, quoted.size() - 2));
  }
  if (!search) {
    given.fault(
        "query",
        in_quotes
            ? "It should be a query of at most 512 characters with the fields agent_id, group_id, status, priority, "
              "type, tag, created_at, updated_at or due_by"
            : "Given query is invalid: it has to stand in double quotes");
  }
  if (auto refused = given.refusal()) return std::move(*refused);
  Array results;
  std::size_t total = 0;
  const auto& active = tickets_.active(Tickets::Order::created);
  for (auto ticket = active.rbegin(); ticket != active.rend(); ++ticket) {
    if (!may_see(call.viewer, *ticket) || !search->matches(searched(*ticket, call.now))) continue;
    if (total >= page.first() && results.size() < static_cast<std::size_t>(page.size)) {
      results.push_back(render_.ticket(*ticket, Shape::listed, {"description"}, call.now));
    }
    ++total;
  }
  return http::Response(200, Object{{"total", total}, {"results", std::move(results)}});
}

http::Response Desk::list_times(const Call& call) {
  Parameters given(call.request,
                   {"page", "per_page", "company_id", "agent_id", "executed_after", "executed_before", "billable"});
  const Page page = page_of(given);
  const auto company = given.id("company_id"), agent = given.id("agent_id");
  const auto after = given.time("executed_after"), before = given.time("executed_before");
  const auto billable = given.truth("billable");
  if (auto refused = given.refusal()) return std::move(*refused);
  std::vector<std::pair<std::size_t, TimeEntry>> found;
  for (const std::size_t ticket : tickets_.active(Tickets::Order::created)) {
    for (TimeEntry& entry : content_.time_entries(ticket)) {
      const auto of_company = company ? content_.fields(ticket).company : std::nullopt;
      if (company && (!of_company || account_.company(*of_company).id != *company)) continue;
      if (agent && account_.user_id(entry.agent) != *agent) continue;
      if ((after && entry.executed < *after) || (before && entry.executed > *before)) continue;
      if (billable && entry.billable != *billable) continue;
      found.emplace_back(ticket, std::move(entry));
    }
  }
  return paged(call, page, found.size(),
               [&](std::size_t i) { return render_.time_entry(found[i].first, found[i].second); });
}

http::Response Desk::list_ratings(const Call& call) {
  Parameters given(call.request, {"page", "per_page", "created_since", "user_id"});
  const Page page = page_of(given);
  const auto since = given.time("created_since");
  const auto user = given.id("user_id");
  if (auto refused = given.refusal()) return std::move(*refused);
  std::vector<std::pair<std::size_t, Rating>> found;
  for (const std::size_t ticket : tickets_.active(Tickets::Order::created)) {
    auto rating = content_.rating(ticket);
    if (!rating || (since && rating->created < *since) || (user && account_.user_id(rating->user) != *user)) continue;
    found.emplace_back(ticket, std::move(*rating));
  }
  return paged(call, page, found.size(),
               [&](std::size_t i) { return render_.rating(found[i].first, found[i].second); });
}

}  // namespace migrate::freshdesk::simulation
