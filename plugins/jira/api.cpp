#include "api.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "json.hpp"
#include "migrate/task_group.hpp"
#include "names.hpp"

namespace migrate::jira {

using std::chrono::milliseconds;

namespace {

constexpr std::size_t page_size = 100;
constexpr std::size_t single_reads = 8;  // at once, where there is no call for many
constexpr std::chrono::seconds login_trusted{60};
/// Limits of single issues share so many places, so that their number is bounded.
constexpr std::int64_t issue_slots = 64;

std::string account_limit() { return "account"; }

bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char byte) { return byte >= '0' && byte <= '9'; });
}

/// Segments of the path behind "/rest/api/3/".
std::vector<std::string_view> segments_of(std::string_view path) {
  path = path.substr(0, path.find('?'));
  const std::size_t root = path.find("/rest/api/");
  if (root != std::string_view::npos) path.remove_prefix(std::min(path.size(), path.find('/', root + 10)));
  std::vector<std::string_view> segments;
  segments.reserve(8);
  while (!path.empty()) {
    path.remove_prefix(1);
    const std::size_t slash = std::min(path.find('/'), path.size());
    segments.push_back(path.substr(0, slash));
    path.remove_prefix(slash);
  }
  return segments;
}

/// "issue 17" for writes to an issue, else empty.
std::string issue_limit(std::string_view method_and_path) {
  if (method_and_path.starts_with("GET")) return {};
  const std::vector<std::string_view> segments = segments_of(method_and_path);
  if (segments.size() < 2 || segments[0] != "issue") return {};
  const std::optional<std::int64_t> number = number_of(segments[1]);
  return number ? fmt::format("issue {}", *number % issue_slots) : std::string();
}

Array to_list(const std::vector<std::string>& texts) {
  Array list;
  for (const std::string& text : texts) list.emplace_back(text);
  return list;
}

std::string joined(const std::vector<std::string>& texts) {
  std::string out;
  for (const std::string& text : texts) out += (out.empty() ? "" : ",") + text;
  return out;
}

http::RateClass class_of(const http::Request& request) {
  const std::string name = request.method + " " + std::string(request.path());
  http::RateClass taken(account_limit());
  taken.take(endpoint_of(name));
  if (std::string issue = issue_limit(name); !issue.empty()) taken.take(std::move(issue));
  return taken;
}

/// Whether a refusal need not be about more than one issue or file. With or without the method in front.
bool concerns_one(std::string_view path) {
  const std::vector<std::string_view> segments = segments_of(path);
  if (segments.empty()) return false;
  const std::string_view second = segments.size() > 1 ? segments[1] : std::string_view();
  if (segments[0] == "issue") return second != "createmeta" && second != "bulkfetch";
  return segments[0] == "issueLink" || (segments[0] == "attachment" && second != "meta");
}

/// A 403 about one thing: the account is well.
http::StatusError forbidden(const http::StatusError& plain) {
  http::StatusError error(ErrorKind::invalid, "forbidden", plain.what(), plain.status(), plain.refused());
  error.with_advice(
      "the account is signed in and has its rights: Jira, or a firewall in front of it, refuses this call alone. Look "
      "at the issue's status and security level, and at what is unusual in the item's texts and files");
  error.with_detail(plain.detail);
  return error;
}

/// Of what came from send().
http::StatusError refusal_of(const http::Response& response) {
  http::StatusError plain = http::error_of(response);
  if (plain.kind() == ErrorKind::invalid && plain.advice.empty())
    plain.with_advice(
        "Jira refuses this call for what it says there: look at the item in the source, mend or map what it is about, "
        "then try it again (migrate retry)");
  return response.status == 403 && concerns_one(response.request) ? forbidden(plain) : plain;
}

/// Throws for a gateway's page, too, whatever its status says.
http::Response accepted(http::Response response) {
  if (!response.ok()) throw refusal_of(response);
  return http::checked(std::move(response));
}

http::ClientOptions client_options(const SinkConfig& config) {
  http::ClientOptions options;
  options.base_url = config.url;
  options.auth =
      config.email.empty() ? http::Auth::bearer(config.token) : http::Auth::basic(config.email, config.token);
  options.headers.add("Accept", "application/json");
  options.limits.emplace_back();
  options.limits.back().name = account_limit();
  options.quota_reader = read_jira_quota;
  return options;
}

}  // namespace

std::string endpoint_of(std::string_view method_and_path) {
  std::string name(method_and_path.substr(0, method_and_path.find(' ')));
  std::string_view before;
  char gap = ' ';
  for (const std::string_view segment : segments_of(method_and_path)) {
    const bool named = all_digits(segment) || number_of(segment) || before == "project" || before == "createmeta";
    name += gap;
    name += named ? std::string_view("*") : segment;
    before = segment;
    gap = '/';
  }
  return name;
}

http::QuotaReading read_jira_quota(const http::Response& response, std::chrono::system_clock::time_point now) {
  http::QuotaReading reading = http::read_quota(response, now);
  const http::Headers& headers = response.headers;
  // Data Center keeps one bucket an account and tells of it with each answer; the Cloud has limits an endpoint.
  if (headers.has("X-RateLimit-FillRate") || headers.has("X-RateLimit-Interval-Seconds")) return reading;
  reading.name = endpoint_of(response.request);
  if (headers.get("RateLimit-Reason").find("per-issue") != std::string_view::npos) {
    if (std::string issue = issue_limit(response.request); !issue.empty()) reading.name = std::move(issue);
    // What remains of an issue's writes is not told; the numbers are about other limits.
    reading.limit.reset();
    reading.remaining.reset();
    reading.reset_after.reset();
  }
  if (response.status == 429 && reading.retry_after) {
    reading.remaining = 0;  // so that this very limit is closed, and no other
    reading.reset_after = std::max(*reading.retry_after, milliseconds(1000));
  }
  return reading;
}

Account account_from(const Value& user) {
  Account account;
  account.id = text_at(user, {"accountId"});
  if (account.id.empty()) account.id = text_at(user, {"name"});
  account.name = text_at(user, {"displayName"});
  account.email = text_at(user, {"emailAddress"});
  const Value* active = find(user, {"active"});
  account.active = !active || !active->is_bool() || active->get_bool();
  const std::string type = text_at(user, {"accountType"});
  account.person = type != "app";
  return account;
}

Api::Api(const SinkConfig& config, const Services& services)
    : url_(config.url.substr(0, config.url.find_last_not_of('/') + 1)),
      project_(config.project),
      root_(fmt::format("/rest/api/{}", config.api)),
      documents_(config.api == 3),
      cloud_(config.api == 3),
      services_(services),
      client_(std::make_unique<http::Client>(client_options(config), services)),
      started_(services.clock->now()) {}

milliseconds Api::since_call(const std::string& key) const {
  const auto given_up = given_up_.find(key);
  const auto from = given_up == given_up_.end() ? started_ : given_up->second;
  return std::chrono::duration_cast<milliseconds>(services_.clock->now() - from);
}

std::string Api::browse_address(const std::string& issue) const { return base_url() + "/browse/" + issue; }

std::string Api::file_address(const std::string& id, const std::string& name) const {
  return base_url() + file_path(id, name);
}

std::string Api::file_path(const std::string& id, const std::string& name) const {
  if (cloud_) return fmt::format("/rest/api/3/attachment/content/{}", id);
  return fmt::format("/secure/attachment/{}/{}", id, http::encode(name));
}

http::Request Api::request(std::string method, const std::string& path) const {
  return http::Request(std::move(method), root_ + path);
}

awaitable<http::Response> Api::send(http::Request request) {
  const bool one = concerns_one(request.path());
  http::RateClass taken = class_of(request);
  http::Response response = co_await client_->send(std::move(request), std::move(taken));
  if (response.status == 403 && one) co_await assure_rights();
  co_return response;
}

awaitable<http::Response> Api::take_effect(Step& step, http::Request request) {
  http::Response response;
  std::optional<http::TransportError> failure;
  try {
    response = co_await send(std::move(request));
  } catch (const http::TransportError& error) {
    failure = error;
  }
  given_up_.erase(step.key());
  std::optional<http::StatusError> refusal;
  if (!failure) {
    try {
      response = accepted(std::move(response));
    } catch (const http::StatusError& error) {
      refusal = error;
    }
  }
  if (!failure && !refusal) co_return response;
  const bool refused = failure ? http::nothing_applied(*failure) : refusal->refused();
  if (refused)
    co_await step.refused();
  else
    given_up_[step.key()] = services_.clock->now();
  if (failure) throw *failure;
  throw *refusal;
}

awaitable<Value> Api::get(std::string path) {
  http::Request asked = request("GET", path);
  const http::Response response = accepted(co_await send(std::move(asked)));
  co_return response.json();
}

awaitable<std::optional<Value>> Api::get_if_shown(std::string path) {
  http::Request asked = request("GET", path);
  const http::Response response = co_await send(std::move(asked));
  if (response.status == 403 || response.status == 404) {
    co_await assure_login();
    co_return std::nullopt;
  }
  co_return accepted(response).json();
}

awaitable<Value> Api::post_json(std::string path, Value body) {
  http::Request asked = request("POST", path);
  asked.set_json(body);
  asked.idempotent = true;
  const http::Response response = accepted(co_await send(std::move(asked)));
  if (response.body.empty()) co_return Value();
  co_return response.json();
}

awaitable<void> Api::server() {
  const Value info = co_await get("/serverInfo");
  base_url_ = text_at(info, {"baseUrl"});
  base_url_.erase(base_url_.find_last_not_of('/') + 1);
  cloud_ = text_at(info, {"deploymentType"}) == "Cloud" || (documents_ && !find(info, {"deploymentType"}));
}

awaitable<Account> Api::myself() {
  http::Request asked = request("GET", "/myself");
  const http::Response response = co_await send(std::move(asked));
  Account account;
  if (response.ok()) account = account_from(response.json());
  if (response.status >= 500 || response.status == 429) throw refusal_of(response);
  if (account.id.empty()) {
    const std::string_view denied = response.headers.get("X-Authentication-Denied-Reason");
    Error error(ErrorKind::unauthorized, "not_signed_in",
                denied.empty() ? fmt::format("{} does not know the account: {} was answered {}", url_, response.request,
                                             response.status)
                               : fmt::format("{} wants a CAPTCHA solved before this account may sign in", url_));
    error.with_advice(denied.empty() ? "check email and token; a token of the Cloud runs out after a year at most, and "
                                       "goes with the e-mail address of its owner"
                                     : "sign in with a browser once, then run again");
    // Who is sent on to another address comes there without credentials.
    if (const std::string moved = http::error_of(response).advice; moved.find("`url`") != std::string::npos)
      error.with_advice(moved);
    throw error;
  }
  known_at_ = services_.clock->now();
  co_return account;
}

awaitable<void> Api::assure_login() {
  if (known_at_ && services_.clock->now() - *known_at_ < login_trusted) co_return;
  co_await myself();
}

/// A 403 may be about the account or about what was asked for: it is the account's where it is not known any more, or
/// has lost a right.
awaitable<void> Api::assure_rights() {
  const Account self = co_await myself();
  if (rights_.empty()) co_return;
  std::vector<std::string> names;
  for (const auto& [name, given] : rights_) names.push_back(name);
  const std::map<std::string, bool> before = rights_;
  const std::map<std::string, bool> now = co_await rights(std::move(names));
  for (const auto& [name, given] : before) {
    if (!given || now.at(name)) continue;
    rights_ = before;  // it is still missing when the next one asks
    throw Error(ErrorKind::unauthorized, "right_lost",
                fmt::format("{} has lost the right {} in the project {}", self.name, name, project_))
        .with_advice("grant it again in the project's permission scheme, then run again");
  }
}

awaitable<std::map<std::string, bool>> Api::rights(std::vector<std::string> names) {
  http::Query query;
  query.add("projectKey", project_).add("permissions", joined(names));
  const Value answer = co_await get("/mypermissions" + query.text());
  std::map<std::string, bool> given;
  for (const std::string& name : names) given[name] = truth_at(answer, {"permissions", name, "havePermission"});
  rights_ = given;
  co_return given;
}

awaitable<std::optional<Value>> Api::find_issue(std::string issue, std::string rest) {
  http::Request asked = request("GET", "/issue/" + http::encode(issue) + rest);
  const http::Response response = co_await send(std::move(asked));
  if (response.status == 404 || response.status == 410) {
    co_await assure_login();
    co_return std::nullopt;
  }
  co_return accepted(response).json();
}

awaitable<Array> Api::issues(std::vector<std::string> keys, std::vector<std::string> fields,
                             std::vector<std::string> properties) {
  Array found;
  if (cloud_) {
    Object body;
    body.emplace("issueIdsOrKeys", to_list(keys));
    body.emplace("fields", to_list(fields));
    if (!properties.empty()) body.emplace("properties", to_list(properties));
    Value answer = co_await post_json("/issue/bulkfetch", std::move(body));
    if (const Value* issues = jira::find(answer, {"issues"}); issues && issues->is_array())
      found = answer.get_object()["issues"].get_array();
    if (found.size() < keys.size()) co_await assure_login();
    co_return found;
  }
  http::Query query;
  query.add("fields", joined(fields));
  if (!properties.empty()) query.add("properties", joined(properties));
  const std::string text = query.text();
  boost::asio::any_io_executor executor = co_await boost::asio::this_coro::executor;
  TaskGroup group(executor, single_reads);
  auto read_one = [this, &found](std::string key, std::string asked) -> awaitable<void> {
    std::optional<Value> issue = co_await find_issue(std::move(key), std::move(asked));
    if (issue) found.push_back(std::move(*issue));
  };
  for (const std::string& key : keys) {
    awaitable<void> reading = read_one(key, text);
    const bool started = co_await group.spawn(std::move(reading));
    if (!started) break;
  }
  co_await group.join();
  co_return found;
}

awaitable<std::vector<std::string>> Api::present_keys(std::vector<std::string> keys) {
  std::vector<std::string> fields{"labels"}, properties, present(keys.size());
  std::set<std::string> there;
  if (cloud_) {
    std::vector<std::string> asked = keys;
    const Array found = co_await issues(std::move(asked), std::move(fields), std::move(properties));
    for (const Value& issue : found) there.insert(text_at(issue, {"key"}));
  }
  boost::asio::any_io_executor executor = co_await boost::asio::this_coro::executor;
  TaskGroup group(executor, single_reads);
  // An answer for many does not say which of them was asked for by another key.
  auto read_one = [this, &keys, &present](std::size_t i) -> awaitable<void> {
    const std::optional<Value> issue = co_await find_issue(keys[i], "?fields=labels");
    if (issue) present[i] = text_at(*issue, {"key"});
  };
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (there.count(keys[i])) {
      present[i] = keys[i];
      continue;
    }
    awaitable<void> reading = read_one(i);
    const bool started = co_await group.spawn(std::move(reading));
    if (!started) break;
  }
  co_await group.join();
  co_return present;
}

awaitable<SearchPage> Api::search(Search search, std::string next) {
  Object body;
  body.emplace("jql", search.jql);
  body.emplace("fields", to_list(search.fields));
  // Data Center's search knows no properties, and refuses what it does not know.
  if (cloud_ && !search.properties.empty()) body.emplace("properties", to_list(search.properties));
  body.emplace("maxResults", search.limit);
  SearchPage page;
  if (cloud_) {
    if (!next.empty()) body.emplace("nextPageToken", next);
    const Value answer = co_await post_json("/search/jql", std::move(body));
    page.issues = list_at(answer, {"issues"});
    if (!truth_at(answer, {"isLast"})) page.next = text_at(answer, {"nextPageToken"});
  } else {
    const std::int64_t start = next.empty() ? 0 : std::stoll(next);
    body.emplace("startAt", start);
    const Value answer = co_await post_json("/search", std::move(body));
    page.issues = list_at(answer, {"issues"});
    const std::int64_t end = start + static_cast<std::int64_t>(page.issues.size());
    if (!page.issues.empty() && end < number_at(answer, {"total"})) page.next = std::to_string(end);
    if (!search.properties.empty()) page.issues = co_await with_properties(std::move(page.issues), std::move(search));
  }
  if (page.issues.empty()) co_await assure_login();
  co_return page;
}

/// The same issues, each read once more; one that is gone meanwhile is left out.
awaitable<Array> Api::with_properties(Array issues, Search search) {
  http::Query query;
  query.add("fields", joined(search.fields)).add("properties", joined(search.properties));
  const std::string text = query.text();
  std::vector<std::optional<Value>> read(issues.size());
  boost::asio::any_io_executor executor = co_await boost::asio::this_coro::executor;
  TaskGroup group(executor, single_reads);
  auto read_one = [this, &issues, &read, &text](std::size_t i) -> awaitable<void> {
    const std::string key = text_at(issues[i], {"key"});
    read[i] = co_await find_issue(key, text);
  };
  for (std::size_t i = 0; i < issues.size(); ++i) {
    awaitable<void> reading = read_one(i);
    const bool started = co_await group.spawn(std::move(reading));
    if (!started) break;
  }
  co_await group.join();
  Array found;
  for (std::optional<Value>& each : read)
    if (each) found.push_back(std::move(*each));
  co_return found;
}

awaitable<Array> Api::all_pages(std::string path, std::string query, std::string list) {
  Array all;
  while (true) {
    const std::string target = fmt::format("{}?startAt={}&maxResults={}{}", path, all.size(), page_size, query);
    const Value page = co_await get(target);
    const Array& part = list_at(page, {list});
    all.insert(all.end(), part.begin(), part.end());
    if (part.empty() || static_cast<std::int64_t>(all.size()) >= number_at(page, {"total"})) co_return all;
  }
}

awaitable<Array> Api::comments(std::string issue) {
  co_return co_await all_pages("/issue/" + http::encode(issue) + "/comment", "&orderBy=created&expand=properties",
                               "comments");
}

awaitable<Array> Api::worklogs(std::string issue) {
  co_return co_await all_pages("/issue/" + http::encode(issue) + "/worklog", "&expand=properties", "worklogs");
}

bool Change::concerns(const std::string& id, const std::string& name) const {
  // What the history calls fields that are called otherwise everywhere else.
  static const std::multimap<std::string, std::string> others{
      {"components", "Component"},      {"fixVersions", "Fix Version"},
      {"versions", "Version"},          {"parent", "IssueParentAssociation"},
      {"parent", "Parent Issue"},       {"parent", "Epic Link"},
      {"timetracking", "timeestimate"}, {"timetracking", "timeoriginalestimate"}};
  const auto [first, last] = others.equal_range(id);
  const bool custom = id.starts_with("customfield_");
  return std::any_of(fields.begin(), fields.end(), [&, from = first, to = last](const Item& item) {
    const auto also = [&](const auto& other) { return same_name(item.name, other.second); };
    if (std::any_of(from, to, also)) return true;
    if (!item.id.empty()) return item.id == id;
    return (!custom && same_name(item.name, id)) || (!name.empty() && same_name(item.name, name));
  });
}

awaitable<std::vector<Change>> Api::changes(std::string issue) {
  Array histories;
  if (cloud_) {
    histories = co_await all_pages("/issue/" + http::encode(issue) + "/changelog", "", "values");
  } else {
    const std::optional<Value> found = co_await find_issue(issue, "?fields=created&expand=changelog");
    if (found) histories = list_at(*found, {"changelog", "histories"});
  }
  std::vector<Change> changes;
  for (const Value& history : histories) {
    Change change;
    if (const Value* author = jira::find(history, {"author"})) change.author = account_from(*author);
    for (const Value& item : list_at(history, {"items"})) {
      Change::Item changed{text_at(item, {"fieldId"}), text_at(item, {"field"})};
      change.fields.push_back(std::move(changed));
    }
    changes.push_back(std::move(change));
  }
  co_return changes;
}

awaitable<std::vector<Account>> Api::users(std::string query, bool assignable) {
  http::Query asked;
  asked.add(cloud_ ? "query" : "username", query);
  if (assignable) asked.add("project", project_);
  const std::string path = assignable ? "/user/assignable/search" : "/user/search";
  const Value answer = co_await get(path + asked.text());
  std::vector<Account> found;
  if (answer.is_array())
    for (const Value& user : answer.get_array()) found.push_back(account_from(user));
  co_return found;
}

awaitable<Array> Api::transitions(std::string issue) {
  const Value answer = co_await get("/issue/" + http::encode(issue) + "/transitions?expand=transitions.fields");
  co_return list_at(answer, {"transitions"});
}

awaitable<Created> Api::create_issue(Step& step, Value body) {
  http::Request asked = request("POST", "/issue");
  asked.set_json(body);
  const http::Response response = co_await take_effect(step, std::move(asked));
  const Value answer = response.json();
  Created created{text_at(answer, {"id"}), text_at(answer, {"key"})};
  if (created.key.empty())
    throw Error(ErrorKind::transient, "no_key", "Jira has made an issue and does not say which: it is looked for");
  co_return created;
}

awaitable<Value> Api::add_comment(Step& step, std::string issue, Value body) {
  http::Request asked = request("POST", "/issue/" + http::encode(issue) + "/comment?expand=properties");
  asked.set_json(body);
  const http::Response response = co_await take_effect(step, std::move(asked));
  co_return response.json();
}

awaitable<Value> Api::add_worklog(Step& step, std::string issue, Value body) {
  http::Request asked =
      request("POST", "/issue/" + http::encode(issue) + "/worklog?adjustEstimate=leave&notifyUsers=false");
  asked.set_json(body);
  const http::Response response = co_await take_effect(step, std::move(asked));
  co_return response.json();
}

awaitable<Upload> Api::upload(Step& step, std::string issue, http::Part part) {
  http::Request asked = request("POST", "/issue/" + http::encode(issue) + "/attachments");
  asked.headers.add("X-Atlassian-Token", "no-check");
  std::vector<http::Part> parts;
  parts.push_back(std::move(part));
  http::set_multipart(asked, std::move(parts), boundary(step.key()));
  const http::Response response = co_await take_effect(step, std::move(asked));
  const Value answer = response.json();
  if (!answer.is_array() || answer.get_array().empty())
    throw Error(ErrorKind::transient, "no_attachment", "Jira has taken a file and does not say what became of it");
  const Value& made = answer.get_array().front();
  co_return Upload{text_at(made, {"id"}), text_at(made, {"filename"}),
                   static_cast<std::uint64_t>(number_at(made, {"size"}))};
}

awaitable<void> Api::transit(std::string issue, Value body) {
  http::Request asked = request("POST", "/issue/" + http::encode(issue) + "/transitions");
  asked.set_json(body);
  accepted(co_await send(std::move(asked)));
}

awaitable<void> Api::edit_issue(std::string issue, Value body, bool silently) {
  http::Request asked = request("PUT", "/issue/" + http::encode(issue) + (silently ? "?notifyUsers=false" : ""));
  asked.set_json(body);
  accepted(co_await send(std::move(asked)));
}

awaitable<void> Api::set_mark(std::string issue, Value mark) {
  http::Request asked = request("PUT", fmt::format("/issue/{}/properties/{}", http::encode(issue), property_key));
  asked.set_json(mark);
  accepted(co_await send(std::move(asked)));
}

awaitable<void> Api::edit_comment(std::string issue, std::string comment, Value body, bool silently) {
  // Data Center knows no such thing for comments.
  const char* const query = silently && cloud() ? "?notifyUsers=false" : "";
  http::Request asked =
      request("PUT", fmt::format("/issue/{}/comment/{}{}", http::encode(issue), http::encode(comment), query));
  asked.set_json(body);
  accepted(co_await send(std::move(asked)));
}

awaitable<void> Api::edit_worklog(std::string issue, std::string worklog, Value body) {
  http::Request asked = request("PUT", fmt::format("/issue/{}/worklog/{}?adjustEstimate=leave&notifyUsers=false",
                                                   http::encode(issue), http::encode(worklog)));
  asked.set_json(body);
  accepted(co_await send(std::move(asked)));
}

awaitable<void> Api::set_remote_link(std::string issue, Value body) {
  co_await post_json("/issue/" + http::encode(issue) + "/remotelink", std::move(body));
}

awaitable<void> Api::link_issues(std::string type, std::string first, std::string second) {
  // The subject of the outward phrase goes into inwardIssue, whatever the names suggest.
  Object body;
  body.emplace("type", object("name", type));
  body.emplace("inwardIssue", object("key", first));
  body.emplace("outwardIssue", object("key", second));
  co_await post_json("/issueLink", std::move(body));
}

awaitable<void> Api::remove(std::string path) {
  http::Request asked = request("DELETE", path);
  const http::Response response = co_await send(std::move(asked));
  if (response.status == 404 || response.status == 410) {
    co_await assure_login();
    co_return;
  }
  accepted(response);
}

awaitable<std::string> Api::media_id(std::string attachment) {
  http::Request asked = request("GET", "/attachment/content/" + http::encode(attachment));
  asked.redirects = 0;
  const http::Response response = co_await send(std::move(asked));
  // …/file/{id}/binary?token=…
  const std::string_view location = response.headers.get("Location");
  const std::size_t at = location.find("/file/");
  if (at == std::string_view::npos) {
    if (response.status >= 400) throw refusal_of(response);
    co_return std::string();
  }
  const std::string_view rest = location.substr(at + 6);
  co_return std::string(rest.substr(0, rest.find_first_of("/?")));
}

awaitable<std::unique_ptr<ByteStream>> Api::download(std::string id, std::string name) {
  http::Request asked("GET", file_path(id, name));
  asked.headers.add("Accept", "*/*");
  http::RateClass taken = class_of(asked);
  http::StreamedResponse response;
  std::optional<http::StatusError> refusal;
  try {
    response = co_await client_->open(std::move(asked), std::move(taken));
  } catch (const http::StatusError& error) {
    refusal = error;
  }
  if (refusal && refusal->status() == 403) {
    co_await assure_rights();
    throw forbidden(*refusal);
  }
  if (refusal) throw *refusal;
  co_return std::move(response.body);
}

}  // namespace migrate::jira
