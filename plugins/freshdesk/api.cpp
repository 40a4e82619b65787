#include "api.hpp"

#include <date/date.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/parse.hpp>
#include <iterator>
#include <sstream>

#include "json.hpp"

namespace migrate::freshdesk {

namespace {

constexpr const char* base = "/api/v2";
constexpr int per_child_page = 100;
constexpr std::size_t files_at_once = 16;  // from the helpdesk's own address: each other host has a limit of its own

/// Calls a minute, and of these lists of tickets: "Rate Limit" of the service's API documentation. A trial has no
/// limit of its own for lists.
struct Plan {
  const char* name;
  int calls, lists;
};
constexpr std::array<Plan, 6> plans{{{"trial", 50, 0},
                                     {"growth", 200, 20},
                                     {"pro", 400, 100},
                                     {"enterprise", 700, 200},
                                     {"a bundle of 1000", 1000, 300},
                                     {"a bundle of 2000", 2000, 400}}};

const Plan* plan_of(int calls) {
  const auto found =
      std::find_if(plans.begin(), plans.end(), [calls](const Plan& plan) { return plan.calls == calls; });
  return found == plans.end() ? nullptr : &*found;
}

/// The service's own code in an error's body: "require_feature".
std::string code_of(const http::Response& response) {
  if (response.body.empty() || response.body.front() != '{') return {};
  try {
    return text(response.json(), "code");
  } catch (const Error&) {
    return {};
  }
}

/// Whether the service itself has answered: what it has not, or does not permit, it says without a body or in JSON. A
/// gateway, an ingress or a firewall on the way says it in words of its own.
bool is_own_answer(const http::Response& response) {
  const std::string_view body = response.body;
  const std::size_t start = body.find_first_not_of(" \t\r\n");
  if (start == std::string_view::npos) return true;
  if (body[start] != '{' && body[start] != '[') return false;
  boost::json::error_code trouble;
  boost::json::parse(body, trouble);
  return !trouble;
}

bool says_none(int status) { return status == 404 || status == 405 || status == 410; }

/// There is no such thing, or it is not shown: in the service's own words.
bool is_none(const http::Response& response) { return says_none(response.status) && is_own_answer(response); }

bool is_denial(std::string_view code) { return code == "require_feature" || code == "access_denied"; }

/// The plan has none of it, or the key may not see it. Whatever else is refused with 403 (a suspended account, a
/// firewall) says nothing of the thing that was asked for.
bool is_denied(const http::Response& response) { return response.status == 403 && is_denial(code_of(response)); }

/// Not even the service's refusal: a trouble on the way to it, that may pass.
http::StatusError of_another(const http::Response& response) {
  const http::StatusError told = http::error_of(response);
  http::StatusError error(ErrorKind::transient, "not_the_helpdesk",
                          fmt::format("{}. That is no answer of Freshdesk's", told.what()), response.status, true);
  error.with_advice(
      "check url (the helpdesk's own address, for example https://acme.freshdesk.com) and what lies on the way to it, "
      "a "
      "proxy, a gateway or a firewall; then start the same command again");
  error.with_detail(told.detail);
  return error;
}

std::string advice_for(int status, const std::string& code) {
  if (code == "account_suspended") return "the helpdesk's account is suspended: its owner has to settle that first";
  if (code == "password_lockout" || code == "password_expired")
    return "log in to the helpdesk as the key's agent once, then take the key from the profile settings anew";
  if (code == "require_feature") return "the account's plan does not have this: leave it out in the options";
  if (status == 401)
    return "check api_key: it stands in the profile settings of an agent; it changes when that agent resets it";
  if (status == 403)
    return "the key's agent may not do this: use the key of an administrator, or leave it out in the options";
  if (status == 404) return "check url: it is the helpdesk's own address, for example https://acme.freshdesk.com";
  return {};
}

/// When the service answered; `now` where it does not say.
Second time_of(const http::Response& response, std::chrono::system_clock::time_point now) {
  std::istringstream in{std::string(response.headers.get("Date"))};
  Second time;
  in >> date::parse("%a, %d %b %Y %T GMT", time);
  return in.fail() ? std::chrono::floor<std::chrono::seconds>(now) : time;
}

std::string ticket_path(TicketId ticket) {
  return fmt::format("{}/tickets/{}{}", base, ticket.archived ? "archived/" : "", ticket.id);
}

ListPage page_of(const http::Response& response) {
  ListPage page;
  Value body = response.json();
  if (!body.is_array())
    throw Error(ErrorKind::transient, "not_a_list", fmt::format("{} has answered no list", response.request));
  page.rows = std::move(body.get_array());
  page.more = has_next(response);
  return page;
}

}  // namespace

bool has_next(const http::Response& response) {
  const std::string_view link = response.headers.get("Link");
  return link.find("rel=\"next\"") != std::string_view::npos || link.find("rel=next") != std::string_view::npos;
}

bool is_restricted(const Value& agent) { return number(agent, "ticket_scope") > 1; }

http::StatusError refusal(const http::Response& response) {
  if ((response.status == 403 || says_none(response.status)) && !is_own_answer(response)) return of_another(response);
  http::StatusError error = http::error_of(response);
  const std::string code = code_of(response);
  std::string advice = advice_for(response.status, code);
  if (!advice.empty()) error.advice = std::move(advice);
  if (!code.empty() && error.kind() == ErrorKind::unauthorized) error.cause = code;
  return error;
}

std::string Api::plan_name(int calls_per_minute) {
  const Plan* plan = plan_of(calls_per_minute);
  return plan ? plan->name : "";
}

Api::Api(const SourceConfig& config, const Services& services) : config_(config), services_(services) {
  if (config_.plan)
    for (const Plan& plan : plans)
      if (*config_.plan == plan.name) {
        account_.calls_per_minute = plan.calls;
        account_.lists_per_minute = plan.lists;
      }
  http::ClientOptions files;
  files.base_url = config_.url;
  http::LimitOptions at_once("files", 0, std::chrono::minutes(1));
  at_once.max_in_flight = files_at_once;
  files.limits.push_back(std::move(at_once));
  http::ClientOptions looks = files;
  files_.emplace(std::move(files), services_);
  looks.exchange.idle = std::chrono::seconds(15);
  looks.exchange.total = std::chrono::seconds(30);
  looks.retry.budget = std::chrono::minutes(1);
  looks_.emplace(std::move(looks), services_);
}

http::ClientOptions Api::options() const {
  http::ClientOptions options;
  options.base_url = config_.url;
  options.auth = http::Auth::basic(config_.api_key.reveal(), Secret("X"));
  options.headers.add("Accept", "application/json");
  options.limits = limits();
  return options;
}

std::vector<http::LimitOptions> Api::limits() const {
  using std::chrono::minutes;
  // What remains of the account's calls stands in every answer, so its size need not be known.
  http::LimitOptions account("account", config_.plan ? account_.calls_per_minute : 0, minutes(1));
  account.head_room = config_.leave_for_people;
  account.max_in_flight = static_cast<std::size_t>(config_.requests_at_once);
  http::LimitOptions lists("tickets_list", account_.lists_per_minute, minutes(1));
  lists.head_room = config_.leave_for_people;
  std::vector<http::LimitOptions> limits;
  limits.push_back(std::move(account));
  limits.push_back(std::move(lists));
  return limits;
}

/// No answer tells the limit of the lists, but the account's tells the plan; the client is made anew when it is known.
awaitable<void> Api::connect() {
  if (connected_) co_return;
  http::Client probe(options(), services_);
  http::Request request("GET", fmt::format("{}/agents/me", base));
  http::Response response = co_await probe.send(std::move(request));
  if (connected_) co_return;  // another partition's first read was faster
  if (!response.ok()) throw refusal(response);
  account_.agent = response.json();
  const http::QuotaReading quota = http::read_quota(response, services_.clock->now());
  if (quota.limit) account_.calls_per_minute = static_cast<int>(*quota.limit);
  if (!config_.plan)
    if (const Plan* plan = plan_of(account_.calls_per_minute)) account_.lists_per_minute = plan->lists;
  const auto now = services_.clock->now();
  account_.ahead = time_of(response, now) - std::chrono::floor<std::chrono::seconds>(now);
  client_.emplace(options(), services_);
  connected_ = true;
}

awaitable<http::Response> Api::get(std::string target, http::RateClass taken) {
  http::Request request("GET", std::move(target));
  co_return co_await client_->send(std::move(request), std::move(taken));
}

awaitable<http::Response> Api::get(std::string target, double cost) {
  http::RateClass taken("account", cost);
  co_return co_await get(std::move(target), std::move(taken));
}

/// Nothing where there is none, or the key may not see it.
awaitable<std::optional<Value>> Api::look_up(std::string target) {
  http::Response response = co_await get(std::move(target));
  if (is_none(response) || is_denied(response)) co_return std::nullopt;
  if (!response.ok()) throw refusal(response);
  co_return response.json();
}

awaitable<ListPage> Api::tickets(Shelf shelf, Second updated_since, int page, bool with_description) {
  http::Query query;
  if (shelf != Shelf::desk) query.add("filter", shelf == Shelf::spam ? "spam" : "deleted");
  query.add("updated_since", to_text(updated_since));
  query.add("order_by", "updated_at").add("order_type", "asc");
  query.add("include", with_description ? "description,requester,stats" : "requester,stats");
  query.add("per_page", config_.per_page).add("page", page);
  http::RateClass taken("account", with_description ? 7 : 5);
  taken.take("tickets_list", 1);
  std::string target = base + std::string("/tickets") + query.text();
  http::Response response = co_await get(std::move(target), std::move(taken));
  if (!response.ok()) throw refusal(response);
  ListPage listed = page_of(response);
  listed.answered = time_of(response, now());
  co_return listed;
}

awaitable<std::int64_t> Api::newest_ticket(Shelf shelf) {
  http::Query query;
  if (shelf != Shelf::desk) query.add("filter", shelf == Shelf::spam ? "spam" : "deleted");
  query.add("updated_since", "2000-01-01T00:00:00Z").add("order_by", "created_at").add("order_type", "desc");
  query.add("per_page", 1).add("page", 1);
  http::RateClass taken("account", 1);
  taken.take("tickets_list", 1);
  std::string target = base + std::string("/tickets") + query.text();
  http::Response response = co_await get(std::move(target), std::move(taken));
  if (!response.ok()) throw refusal(response);
  const ListPage page = page_of(response);
  if (page.rows.empty()) co_return 0;
  co_return number(page.rows.front(), "id");
}

awaitable<std::int64_t> Api::newest_listed() {
  std::int64_t newest = 0;
  for (const Shelf shelf : {Shelf::desk, Shelf::deleted, Shelf::spam}) {
    try {
      const std::int64_t of_list = co_await newest_ticket(shelf);
      newest = std::max(newest, of_list);
    } catch (const http::StatusError& error) {
      if (shelf == Shelf::desk || !is_denial(error.cause)) throw;
    }
  }
  co_return newest;
}

awaitable<ShownTicket> Api::ticket(TicketId ticket, bool with_people) {
  std::string target = ticket_path(ticket);
  if (with_people) target += http::Query().add("include", "requester,stats").text();
  const double cost = with_people ? 3 : 1;
  http::Response response = co_await get(std::move(target), cost);
  ShownTicket shown;
  shown.status = response.status;
  if (is_none(response)) co_return shown;
  if (!response.ok()) throw refusal(response);
  shown.ticket = response.json();
  co_return shown;
}

awaitable<ListPage> Api::conversations(TicketId ticket, int page) {
  std::string target =
      ticket_path(ticket) + "/conversations" + http::Query().add("per_page", per_child_page).add("page", page).text();
  http::Response response = co_await get(std::move(target));
  ListPage none;
  none.status = response.status;
  if (is_none(response)) co_return none;
  if (!response.ok()) throw refusal(response);
  co_return page_of(response);
}

awaitable<ChildList> Api::children(std::int64_t ticket, std::string what) {
  ChildList children;
  for (int page = 1;; ++page) {
    std::string target = ticket_path(TicketId{ticket}) + "/" + what;
    if (page > 1) target += http::Query().add("page", page).text();
    http::Response response = co_await get(std::move(target));
    children.status = response.status;
    children.of_ticket = response.status == 403 && code_of(response) == "access_denied";
    if (is_none(response) || is_denied(response)) co_return children;
    if (!response.ok()) throw refusal(response);
    ListPage listed = page_of(response);
    std::move(listed.rows.begin(), listed.rows.end(), std::back_inserter(children.rows));
    if (!listed.more) co_return children;
  }
}

awaitable<ChildList> Api::time_entries(std::int64_t ticket) { co_return co_await children(ticket, "time_entries"); }
awaitable<ChildList> Api::satisfaction_ratings(std::int64_t ticket) {
  co_return co_await children(ticket, "satisfaction_ratings");
}

awaitable<std::optional<ListPage>> Api::all_time_entries(int page) {
  std::string target =
      base + std::string("/time_entries") + http::Query().add("per_page", per_child_page).add("page", page).text();
  http::Response response = co_await get(std::move(target));
  if (is_none(response) || is_denied(response)) co_return std::nullopt;
  if (!response.ok()) throw refusal(response);
  co_return page_of(response);
}

awaitable<std::int64_t> Api::prime_association(std::int64_t ticket) {
  std::string target = ticket_path(TicketId{ticket}) + "/prime_association";
  std::optional<Value> prime = co_await look_up(std::move(target));
  co_return prime ? number(*prime, "id") : 0;
}

awaitable<std::optional<Array>> Api::all(std::string resource) {
  Array rows;
  // Ticket fields come in one answer.
  const bool paged = resource != "ticket_fields";
  for (int page = 1;; ++page) {
    std::string target = fmt::format("{}/{}", base, resource);
    if (paged) target += http::Query().add("per_page", per_child_page).add("page", page).text();
    http::Response response = co_await get(std::move(target));
    if (is_none(response) || is_denied(response)) co_return std::nullopt;
    if (!response.ok()) throw refusal(response);
    ListPage listed = page_of(response);
    std::move(listed.rows.begin(), listed.rows.end(), std::back_inserter(rows));
    if (!listed.more) co_return rows;
  }
}

awaitable<std::optional<Value>> Api::one(std::string resource, std::int64_t id) {
  std::string target = fmt::format("{}/{}/{}", base, resource, id);
  co_return co_await look_up(std::move(target));
}

awaitable<http::StreamedResponse> Api::download(std::string address) {
  http::Request request("GET", std::move(address));
  co_return co_await files_->open(std::move(request));
}

awaitable<http::StreamedResponse> Api::first_byte(std::string address) {
  http::Request request("GET", std::move(address));
  request.headers.add("Range", "bytes=0-0");
  co_return co_await looks_->open(std::move(request));
}

}  // namespace migrate::freshdesk
