#include "simulator/desk.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "migrate/base64.hpp"

namespace migrate::freshdesk::simulation {
namespace {

constexpr std::string_view api = "/api/v2/";
constexpr std::size_t administrator = 0, restricted_agent = 2;

/// Whether `path` is like `pattern`; the number that stands for * goes to `id`.
bool fits(std::string_view pattern, std::string_view path, std::int64_t& id) {
  const std::size_t star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == path;
  if (!path.starts_with(pattern.substr(0, star))) return false;
  path.remove_prefix(star);
  const auto [end, error] = std::from_chars(path.data(), path.data() + path.size(), id);
  if (error != std::errc() || id < 0) return false;
  return path.substr(static_cast<std::size_t>(end - path.data())) == pattern.substr(star + 1);
}

bool lower_equal(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return (x | 0x20) == (y | 0x20); });
}

bool lists(std::string_view verbs, std::string_view verb) {
  return fmt::format(" {},", verbs).find(fmt::format(" {},", verb)) != std::string::npos;
}

/// Anything, or JSON among others.
bool accepts_json(std::string_view accept) {
  return accept.empty() || accept.find("*/*") != std::string_view::npos ||
         accept.find("application/*") != std::string_view::npos ||
         accept.find("application/json") != std::string_view::npos;
}

bool is_json(std::string_view media_type) {
  return media_type.empty() || media_type.starts_with("application/json") ||
         media_type.starts_with("multipart/form-data");
}

std::int64_t parts_included(const http::Request& request) {
  const auto include = request.query("include");
  if (!include || include->empty()) return 0;
  return 1 + std::count(include->begin(), include->end(), ',');
}

/// "host:port" of an origin.
std::string_view authority(std::string_view origin) { return origin.substr(origin.find("//") + 2); }

Seconds seconds_of(const Clock& clock) {
  return std::chrono::floor<std::chrono::seconds>(clock.now()).time_since_epoch().count();
}

Seconds day_of(Seconds time) { return time - time % day; }

}  // namespace

Desk::Desk(std::uint64_t seed, std::size_t items, Settings settings, std::shared_ptr<Clock> clock)
    : settings_(std::move(settings)),
      clock_(std::move(clock)),
      account_(seed, items, day_of(seconds_of(*clock_))),
      tickets_(seed, items, account_.today(), settings_),
      addresses_(seed, settings_.url_seconds),
      content_(account_, tickets_, addresses_, settings_),
      render_(account_, tickets_, content_, addresses_),
      store_(content_, addresses_),
      quota_(limits_of(settings_)) {}

Seconds Desk::now() const { return seconds_of(*clock_); }

void Desk::located(std::string origin, std::string other_origin) {
  addresses_.locate(std::move(origin), std::move(other_origin));
}

awaitable<http::Response> Desk::handle(http::Request request) { co_return answer(request); }

const std::vector<Desk::Route>& Desk::routes() {
  static const std::vector<Route> all{
      {"tickets", "GET, POST", &Desk::list_tickets, LimitedList::tickets, 2},
      {"tickets/*", "GET, PUT, DELETE", &Desk::view_ticket, LimitedList::none, 1},
      {"tickets/*/conversations", "GET", &Desk::list_conversations},
      {"tickets/*/time_entries", "GET, POST", &Desk::list_ticket_times, LimitedList::none, 0, true},
      {"tickets/*/satisfaction_ratings", "GET, POST", &Desk::list_ticket_ratings, LimitedList::none, 0, true},
      {"tickets/*/watchers", "GET", &Desk::list_watchers},
      {"tickets/*/associated_tickets", "GET", &Desk::list_associated},
      {"tickets/*/prime_association", "GET", &Desk::view_prime},
      {"tickets/archived/*", "GET, DELETE", &Desk::view_archived, LimitedList::none, 0, true},
      {"tickets/archived/*/conversations", "GET", &Desk::list_archived_conversations, LimitedList::none, 0, true},
      {"search/tickets", "GET", &Desk::search_tickets},
      {"time_entries", "GET", &Desk::list_times, LimitedList::none, 0, true},
      {"surveys/satisfaction_ratings", "GET", &Desk::list_ratings, LimitedList::none, 0, true},
      {"contacts", "GET, POST", &Desk::list_contacts, LimitedList::contacts},
      {"contacts/*", "GET, PUT, DELETE", &Desk::view_contact},
      {"agents", "GET, POST", &Desk::list_agents},
      {"agents/me", "GET", &Desk::view_me},
      {"agents/*", "GET, PUT, DELETE", &Desk::view_agent},
      {"companies", "GET, POST", &Desk::list_companies},
      {"companies/*", "GET, PUT, DELETE", &Desk::view_company},
      {"groups", "GET, POST", &Desk::list_groups},
      {"groups/*", "GET, PUT, DELETE", &Desk::view_group},
      {"products", "GET", &Desk::list_products},
      {"products/*", "GET", &Desk::view_product},
      {"ticket_fields", "GET", &Desk::list_fields},
      {"settings/helpdesk", "GET", &Desk::view_settings},
      {"account/export", "POST", &Desk::start_export},
      {"jobs/*", "GET", &Desk::view_job},
  };
  return all;
}

http::Response Desk::answer(const http::Request& request) {
  const Seconds time = now();
  if (lower_equal(request.headers.get("Host"), authority(addresses_.store()))) {
    return store_.answer(request, time, [this](std::int64_t job) { return exported(job); });
  }
  if (request.path().starts_with(api)) return answer_api(request, time);
  if (request.path() == "/inline/attachment") return store_.follow_token(request, time);
  return html_page(404, "There is no help desk here");
}

http::Response Desk::answer_api(const http::Request& request, Seconds time) {
  const std::string_view path = request.path().substr(api.size());
  Call call{request, 0, {}, time};
  const Route* route = nullptr;
  for (const Route& known : routes()) {
    if (!route && fits(known.path, path, call.id)) route = &known;
  }
  const std::int64_t credits = 1 + (route ? route->include_credits * parts_included(request) : 0);
  const Quota::Verdict verdict = quota_.take(time, credits, route ? route->list : LimitedList::none);
  http::Response response;
  if (verdict.refused) {
    response = http::Response(429, Object{{"message", "You have exceeded the limit of requests per minute"}});
    response.headers.set("Retry-After", std::to_string(verdict.retry_after));
  } else if (const auto viewer = viewer_of(request); !viewer) {
    response = refusal(401, "invalid_credentials", "You have to be logged in to perform this action.");
  } else if (!http::decode(request.target)) {
    response = without_body(400);  // a torn escape
  } else if (!route) {
    response = without_body(404);
  } else {
    call.viewer = *viewer;
    response = answer_route(*route, call);
  }
  // Seen in the wild in either spelling, and as whole numbers as well as decimals.
  const bool odd = requests_++ % 2;
  const std::string_view prefix = odd ? "X-Ratelimit" : "X-RateLimit", fraction = odd ? "" : ".0";
  response.headers.set(fmt::format("{}-Total", prefix), fmt::format("{}{}", quota_.total(), fraction));
  response.headers.set(fmt::format("{}-Remaining", prefix), fmt::format("{}{}", verdict.remaining, fraction));
  response.headers.set(fmt::format("{}-Used-CurrentRequest", prefix), fmt::format("{}{}", verdict.used, fraction));
  response.headers.set("X-Freshdesk-Api-Version", "latest=v2; requested=v2");
  response.headers.set("X-Request-Id", fmt::format("{:016x}", mixed(static_cast<std::uint64_t>(requests_))));
  if (!response.body.empty()) response.headers.set("Content-Type", "application/json; charset=utf-8");
  return response;
}

http::Response Desk::answer_route(const Route& route, Call call) {
  const std::string_view method = call.request.method == "HEAD" ? "GET" : std::string_view(call.request.method);
  if (!accepts_json(call.request.headers.get("Accept"))) return without_body(406);
  if (!is_json(call.request.headers.get("Content-Type"))) return without_body(415);
  if (!lists(route.verbs, method)) {
    http::Response response = without_body(405);
    response.headers.set("Allow", std::string(route.verbs));
    return response;
  }
  const bool starts_export = route.answer == &Desk::start_export;
  if (method != "GET" && !starts_export)
    return refusal(403, "access_denied", "You are not authorized to perform this action.");
  if (route.extra && !has_extras(settings_)) {
    return refusal(403, "require_feature",
                   "This feature is not supported in your plan. Please upgrade your account to use it.");
  }
  return (this->*route.answer)(call);
}

std::optional<Desk::Viewer> Desk::viewer_of(const http::Request& request) const {
  const std::string_view header = request.headers.get("Authorization");
  constexpr std::string_view scheme = "Basic ";
  std::string pair;
  if (header.size() < scheme.size() || !lower_equal(header.substr(0, scheme.size()), scheme)) return std::nullopt;
  if (!base64_decode(header.substr(scheme.size()), pair)) return std::nullopt;
  const std::size_t colon = pair.find(':');
  if (colon == std::string::npos) return std::nullopt;
  const std::string_view key = std::string_view(pair).substr(0, colon);
  if (key == settings_.api_key) return Viewer{administrator, false};
  if (key == settings_.restricted_api_key) return Viewer{restricted_agent, true};
  return std::nullopt;
}

bool Desk::may_see(const Viewer& viewer, std::size_t ticket) const {
  return !viewer.restricted || content_.fields(ticket).responder == viewer.agent;
}

int Desk::scope_of(std::size_t agent) { return agent == restricted_agent ? 3 : agent % 4 == 1 ? 2 : 1; }

}  // namespace migrate::freshdesk::simulation
