#include "service.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/monotonic_resource.hpp>
#include <cmath>

#include "migrate/base64.hpp"
#include "routes.hpp"

namespace migrate::jira::sim {
namespace {

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  for (std::size_t from = 0; from <= text.size();) {
    const std::size_t to = std::min(text.find(at, from), text.size());
    parts.push_back(text.substr(from, to - from));
    from = to + 1;
  }
  return parts;
}

struct Split {
  const Route* route;
  std::vector<std::string_view> parts;
};

const std::vector<Split>& split_routes() {
  static const std::vector<Split> all = [] {
    std::vector<Split> made;
    for (const Route& route : routes()) made.push_back({&route, split(route.pattern, '/')});
    return made;
  }();
  return all;
}

bool matches(const std::vector<std::string_view>& pattern, const std::vector<std::string>& path) {
  if (pattern.size() != path.size()) return false;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (pattern[i] != "{}" && pattern[i] != path[i]) return false;
  }
  return true;
}

std::string decoded(std::string_view text, bool plus_is_space) {
  std::optional<std::string> plain = http::decode(text, plus_is_space);
  if (!plain) refuse(400, fmt::format("The address has a broken escape: {}", text));
  return std::move(*plain);
}

http::Response plain(int status, std::string_view message) {
  return http::Response(status, Object{{"message", message}, {"status-code", status}});
}

/// The tokens that are there at `now`; a bucket without a rate is never empty.
double refill(Bucket& bucket, double rate, double capacity, Millis now) {
  if (bucket.tokens < 0) {
    bucket.tokens = capacity;
  } else {
    bucket.tokens = std::min(capacity, bucket.tokens + static_cast<double>(now - bucket.at) * rate / 1000);
  }
  bucket.at = now;
  return bucket.tokens;
}

/// Until a bucket with a rate has a whole token again.
Millis wait_for(const Bucket& bucket, double rate) {
  return static_cast<Millis>(std::ceil((1 - bucket.tokens) / rate * 1000));
}

double rate_of(const Settings& settings, std::string_view method) {
  if (method == "GET") return static_cast<double>(settings.rate_get);
  if (method == "POST") return static_cast<double>(settings.rate_post);
  return static_cast<double>(method == "PUT" ? settings.rate_put : settings.rate_delete);
}

std::string host_of(std::string_view origin) {
  const std::size_t at = origin.find("://");
  return std::string(at == std::string_view::npos ? origin : origin.substr(at + 3));
}

Value read_body(const http::Request& request, const Route& route, boost::json::storage_ptr memory) {
  const std::string_view type = request.headers.get("Content-Type");
  if (route.body == Route::json) {
    if (!same_text(type.substr(0, type.find(';')), "application/json")) {
      throw Refusal{plain(415, "HTTP 415 Unsupported Media Type")};
    }
    try {
      return parse_deep(request.body, std::move(memory));
    } catch (const boost::system::system_error&) {
      refuse(400, "There was an error parsing JSON. Check that your request body is valid.");
    }
  }
  if (route.body == Route::empty && !request.body.empty()) refuse(400, "This resource takes no body.");
  return nullptr;
}

}  // namespace

Service::Service(Settings settings, std::uint64_t seed, const Services& services)
    : clock_(services.clock), site_(std::move(settings), seed), store_(site_), answers_(site_, store_) {
  buckets_.resize(routes().size());
}

awaitable<http::Response> Service::handle(http::Request request) {
  try {
    co_return answer(request);
  } catch (const std::exception& defect) {
    throw Error(ErrorKind::internal, fmt::format("{} {}: {}", request.method, request.target, defect.what()));
  }
}

void Service::located(std::string origin, std::string other_origin) {
  site_.origin = std::move(origin);
  site_.media_origin = std::move(other_origin);
}

Millis Service::now() const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(clock_->now().time_since_epoch()).count();
}

http::Response Service::answer(const http::Request& request) {
  ++requests_;
  // A tree of JSON is many small pieces: they go at once when the request is answered.
  boost::json::monotonic_resource memory(room_.get(), body_room);
  Call call(request, &memory);
  call.method = request.method == "HEAD" ? "GET" : request.method;
  call.now = now();
  store_.catch_up(call.now);
  settle(call.now);
  std::size_t route = routes().size();
  http::Response response;
  try {
    const std::string_view target = request.target;
    const std::string_view path = target.substr(0, target.find('?'));
    for (const std::string_view part : split(path.substr(path.starts_with('/') ? 1 : 0), '/')) {
      call.path.push_back(decoded(part, false));
    }
    if (target.size() > path.size() + 1) {
      for (const std::string_view pair : split(target.substr(path.size() + 1), '&')) {
        const std::size_t equals = std::min(pair.find('='), pair.size());
        call.query.emplace_back(decoded(pair.substr(0, equals), true),
                                equals < pair.size() ? decoded(pair.substr(equals + 1), true) : std::string());
      }
    }
    if (request.headers.get("Host") == host_of(site_.media_origin) && site_.media_origin != site_.origin) {
      return media_file(call);
    }
    const bool rest = call.path.size() > 3 && call.path[0] == "rest" && call.path[1] == "api";
    if (rest) {
      call.api = call.path[2] == "3" && !site_.server() ? 3 : call.path[2] == "2" || call.path[2] == "latest" ? 2 : 0;
      call.path.erase(call.path.begin(), call.path.begin() + 3);
    }
    if (rest ? call.api == 0 : call.path.front() != "secure") {
      throw Refusal{plain(404, "null for uri: " + std::string(path))};
    }
    route = route_of(call, path);
    response = run(route, call);
  } catch (Refusal& refusal) {
    response = std::move(refusal.response);
  }
  add_headers(response, route, call);
  return response;
}

std::size_t Service::route_of(const Call& call, std::string_view path) const {
  const std::vector<Split>& all = split_routes();
  bool other_method = false;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Route& route = *all[i].route;
    if (!matches(all[i].parts, call.path)) continue;
    if (route.where != Route::everywhere && (route.where == Route::server) != site_.server()) continue;
    if (route.method == call.method) return i;
    other_method = true;
  }
  throw Refusal{other_method ? plain(405, "HTTP 405 Method Not Allowed")
                             : plain(404, "null for uri: " + std::string(path))};
}

http::Response Service::run(std::size_t number, Call& call) {
  const Route& route = routes()[number];
  const Index user = signed_in(call.request);
  const bool open = site_.settings.anonymous_access && !call.request.headers.has("Authorization");
  call.anonymous = user == none && !open;
  store_.actor = call.anonymous ? 0 : user;
  if (call.anonymous && (call.method != "GET" || site_.server())) {
    throw Refusal{plain(401, "Client must be authenticated to access this resource.")};
  }
  limit_rate(number, call);
  const std::vector<std::string_view> known = split(route.query, ' ');
  for (const auto& [name, value] : call.query) {
    if (std::find(known.begin(), known.end(), std::string_view(name)) == known.end() || name.empty()) {
      refuse(400, fmt::format("The resource {} has no query parameter '{}'.", route.pattern, name));
    }
  }
  call.body = read_body(call.request, route, call.body.storage());
  const std::vector<std::string_view>& pattern = split_routes()[number].parts;
  std::vector<std::string> named;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == "{}") named.push_back(std::move(call.path[i]));
  }
  call.path = std::move(named);
  return (this->*route.handler)(call);
}

Index Service::signed_in(const http::Request& request) {
  const std::string_view given = request.headers.get("Authorization");
  if (given.empty()) return none;
  if (site_.server() && failed_logins_ >= 3 && given.starts_with("Basic ")) {
    http::Response response = plain(403, "Forbidden");
    response.headers.set("X-Authentication-Denied-Reason",
                         fmt::format("CAPTCHA_CHALLENGE; login-url={}/login.jsp", site_.origin));
    throw Refusal{std::move(response)};
  }
  if (site_.server() && given == "Bearer " + site_.settings.token) return 0;
  if (given.starts_with("Basic ")) {
    std::string plain_text;
    const bool read = base64_decode(given.substr(6), plain_text);
    for (Index i = 0; read && i < site_.users.size(); ++i) {
      const User& user = site_.users[i];
      const std::string& cloud_name = i == 0 ? site_.settings.email : user.email;
      if (!user.assignable() || plain_text != (site_.server() ? user.login : cloud_name) + ":" + site_.settings.token)
        continue;
      failed_logins_ = 0;
      return i;
    }
  }
  ++failed_logins_;
  return none;
}

void Service::limit_rate(std::size_t number, const Call& call) {
  const Settings& settings = site_.settings;
  if (site_.server()) {
    if (settings.server_rate == 0) return;
    const auto rate = static_cast<double>(settings.server_rate),
               capacity = static_cast<double>(settings.server_capacity);
    if (refill(server_bucket_, rate, capacity, call.now) < 1) {
      throttle("", wait_for(server_bucket_, rate), settings.server_capacity, call);
    }
    server_bucket_.tokens -= 1;
    return;
  }
  const double rate = rate_of(settings, call.method);
  if (rate > 0) {
    const double capacity = rate * static_cast<double>(settings.burst_seconds);
    Bucket& bucket = buckets_[number];
    if (refill(bucket, rate, capacity, call.now) < 1) {
      throttle("jira-burst-based", wait_for(bucket, rate), static_cast<std::int64_t>(capacity), call);
    }
    bucket.tokens -= 1;
  }
  const bool user_search = routes()[number].pattern.starts_with("user/") || routes()[number].pattern == "users/search";
  if (user_search && settings.user_search_rate > 0) {
    const auto per_second = static_cast<double>(settings.user_search_rate);
    if (refill(user_searches_, per_second, per_second, call.now) < 1) {
      throttle("jira-burst-based", wait_for(user_searches_, per_second), settings.user_search_rate, call);
    }
    user_searches_.tokens -= 1;
  }
}

void Service::limit_writes(Issue& issue, const Call& call) {
  const std::int64_t counts[] = {site_.settings.issue_writes_2s, site_.settings.issue_writes_30s};
  const double seconds[] = {2, 30};
  if (site_.server()) return;
  for (std::size_t i = 0; i < 2; ++i) {
    if (counts[i] == 0) continue;
    const double rate = static_cast<double>(counts[i]) / seconds[i];
    if (refill(issue.writes[i], rate, static_cast<double>(counts[i]), call.now) < 1) {
      throttle("jira-per-issue-on-write", wait_for(issue.writes[i], rate), counts[i], call);
    }
  }
  for (Bucket& bucket : issue.writes) bucket.tokens -= 1;
}

void Service::throttle(std::string_view reason, Millis wait, std::int64_t limit, const Call& call) {
  Faults faults;
  faults.message("Rate limit exceeded.");
  http::Response response(429, faults.json());
  const Millis seconds = std::max<Millis>(1, (wait + 999) / 1000);
  if (site_.settings.retry_after != "absent") {
    response.headers.set("Retry-After", site_.settings.retry_after == "zero" ? "0" : fmt::format("{}", seconds));
  }
  if (!reason.empty()) {
    response.headers.set("RateLimit-Reason", std::string(reason));
    response.headers.set("X-RateLimit-Limit", fmt::format("{}", limit));
    response.headers.set("X-RateLimit-Remaining", "0");
    // Of minute grain, as the vendor documents it, so at times in the past.
    response.headers.set("X-RateLimit-Reset", Site::minute(call.now + seconds * 1000));
  }
  throw Refusal{std::move(response)};
}

void Service::add_headers(http::Response& response, std::size_t route, const Call& call) {
  response.headers.set("X-ARequestId", fmt::format("{:08x}", requests_));
  if (site_.server()) {
    if (call.anonymous && response.status == 401 && call.request.headers.has("Authorization")) {
      response.headers.set("X-Seraph-LoginReason", "AUTHENTICATED_FAILED");
    }
    if (site_.settings.server_rate == 0) return;
    response.headers.set("X-RateLimit-Limit", fmt::format("{}", site_.settings.server_capacity));
    response.headers.set("X-RateLimit-Remaining",
                         fmt::format("{}", static_cast<std::int64_t>(std::max(0.0, server_bucket_.tokens))));
    response.headers.set("X-RateLimit-Interval-Seconds", "1");
    response.headers.set("X-RateLimit-FillRate", fmt::format("{}", site_.settings.server_rate));
    if (response.status != 429) response.headers.set("Retry-After", "0");
    return;
  }
  if (call.anonymous && call.request.headers.has("Authorization")) {
    response.headers.set("X-Seraph-LoginReason", "AUTHENTICATED_FAILED");
  }
  if (route >= buckets_.size() || response.headers.has("X-RateLimit-Limit")) return;
  const double rate = rate_of(site_.settings, call.method);
  if (rate == 0) return;
  response.headers.set("X-RateLimit-Limit",
                       fmt::format("{}", static_cast<std::int64_t>(rate) * site_.settings.burst_seconds));
  response.headers.set("X-RateLimit-Remaining",
                       fmt::format("{}", static_cast<std::int64_t>(std::max(0.0, buckets_[route].tokens))));
}

Issue& Service::issue(const Call& call, std::string_view key_or_id) {
  Issue* found = call.anonymous || !site_.may("BROWSE_PROJECTS") ? nullptr : store_.find(key_or_id);
  if (!found) refuse(404, "Issue does not exist or you do not have permission to see it.");
  return *found;
}

Issue& Service::writable(const Call& call, std::string_view permission) {
  Issue& found = issue(call);
  if (!permission.empty()) need(permission);
  limit_writes(found, call);
  return found;
}

void Service::need(std::string_view permission) const {
  if (!site_.may(permission)) refuse(403, fmt::format("You do not have the permission {}.", permission));
}

void Service::notify(const Issue& issue, std::string_view event, bool wanted,
                     const std::vector<std::string>& mentions) {
  std::vector<Index> receivers = issue.watchers;
  receivers.push_back(issue.now->assignee);
  receivers.push_back(issue.now->reporter);
  for (const std::string& account : mentions) receivers.push_back(site_.user(account));
  std::sort(receivers.begin(), receivers.end());
  receivers.erase(std::unique(receivers.begin(), receivers.end()), receivers.end());
  std::erase_if(receivers, [&](Index user) { return user == none || user == 0 || !site_.users[user].active; });
  if (receivers.empty()) return;
  const bool may_silence = site_.may("ADMINISTER") || site_.may("ADMINISTER_PROJECTS");
  if (site_.settings.silent_notifications || (!wanted && may_silence)) {
    mail_.suppressed += receivers.size();
  } else {
    mail_.sent += receivers.size();
    mail_.by_event[std::string(event)] += receivers.size();
  }
}

}  // namespace migrate::jira::sim
