// Searches: paged by token on Cloud, by position on Data Center, and always as late as the index is.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <numeric>

#include "service.hpp"

namespace migrate::jira::sim {
namespace {

constexpr std::size_t most_ids = 5000, most_reconciled = 50, most_properties = 5, most_on_server = 1000;

/// What a token is bound to, as a number that says nothing to whoever reads it.
std::uint64_t mark_of(std::string_view bound) {
  std::uint64_t hash = 14'695'981'039'346'656'037U;  // FNV-1a
  for (const char c : bound) hash = (hash ^ static_cast<unsigned char>(c)) * 1'099'511'628'211U;
  return hash;
}

struct Asked {
  std::string jql, token, expand;
  std::size_t count = 50;
  std::vector<std::string> fields, properties;
  std::vector<std::uint64_t> reconcile;
};

std::vector<std::string> texts(const Value& value) {
  std::vector<std::string> out;
  if (!value.is_array()) refuse_payload();
  for (const Value& each : value.get_array()) {
    if (!each.is_string()) refuse_payload();
    out.emplace_back(each.get_string());
  }
  return out;
}

std::size_t count_of(std::int64_t count) {
  if (count < 1 || count > static_cast<std::int64_t>(most_ids)) {
    refuse(400, "The value of maxResults must be between 1 and 5000.");
  }
  return static_cast<std::size_t>(count);
}

Asked asked_in_body(const Call& call) {
  const Object& sent = call.object(
      {"jql", "nextPageToken", "maxResults", "fields", "expand", "properties", "fieldsByKeys", "reconcileIssues"});
  Asked asked;
  asked.jql = text_or(text_member(sent, "jql"));
  asked.token = text_or(text_member(sent, "nextPageToken"));
  asked.expand = text_or(text_member(sent, "expand"));
  if (const Value* count = sent.if_contains("maxResults")) {
    if (!count->is_int64()) refuse_payload();
    asked.count = count_of(count->get_int64());
  }
  if (const Value* fields = sent.if_contains("fields")) asked.fields = texts(*fields);
  if (const Value* properties = sent.if_contains("properties")) asked.properties = texts(*properties);
  if (const Value* ids = sent.if_contains("reconcileIssues")) {
    if (!ids->is_array()) refuse_payload();
    for (const Value& each : ids->get_array()) {
      if (!each.is_int64() || each.get_int64() < 0) refuse_payload();
      asked.reconcile.push_back(static_cast<std::uint64_t>(each.get_int64()));
    }
  }
  return asked;
}

Asked asked_in_query(const Call& call) {
  Asked asked;
  if (const std::string* jql = call.get("jql")) asked.jql = *jql;
  if (const std::string* token = call.get("nextPageToken")) asked.token = *token;
  if (const std::string* expand = call.get("expand")) asked.expand = *expand;
  asked.count = count_of(call.number("maxResults", 50));
  asked.fields = call.list("fields");
  asked.properties = call.list("properties");
  for (const std::string& id : call.list("reconcileIssues")) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), number);
    if (error != std::errc() || end != id.data() + id.size())
      refuse(400, fmt::format("'{}' is no id of an issue.", id));
    asked.reconcile.push_back(number);
  }
  return asked;
}

/// Whether the order is that of creation, or its reverse: then a page continues behind the last one's end.
bool by_creation(const Query& query, const Site& site) {
  if (query.order.empty()) return true;
  const Subject first = query.order.front().subject;
  return query.order.size() == 1 && (first == Subject::created || (first == Subject::key && site.projects.size() == 1));
}

}  // namespace

Query Service::bounded(const Call& call, std::string_view jql) {
  try {
    Query query = parse_jql(jql, site_, store_, call.now);
    if (!query.where && !site_.server()) {
      refuse(400, "Unbounded JQL queries are not allowed here. Please add a search restriction to your query.");
    }
    return query;
  } catch (const JqlError& error) {
    refuse(400, error.message);
  }
}

const Values* Service::seen(const Issue& issue, const std::vector<Index>& reconciled) const {
  if (std::binary_search(reconciled.begin(), reconciled.end(), issue.position)) return issue.now.get();
  return issue.indexed.get();
}

bool Service::found_by(const Query& query, Index position, const std::vector<Index>& reconciled) const {
  const Issue* issue = store_.all()[position].get();
  const Values* values = issue && !issue->deleted ? seen(*issue, reconciled) : nullptr;
  return values && (!query.where || fulfils(*query.where, site_, *issue, *values));
}

std::vector<Index> Service::considered(const Query& query, const std::vector<Index>& reconciled) const {
  std::optional<std::vector<Index>> few = query.where ? candidates(*query.where, store_) : std::nullopt;
  if (!few) {
    few.emplace(store_.all().size());
    std::iota(few->begin(), few->end(), Index{0});
  } else if (!reconciled.empty()) {
    few->insert(few->end(), reconciled.begin(), reconciled.end());
    std::sort(few->begin(), few->end());
    few->erase(std::unique(few->begin(), few->end()), few->end());
  }
  return std::move(*few);
}

std::vector<Index> Service::sorted(const Query& query, const std::vector<Index>& reconciled) const {
  std::vector<Index> found = considered(query, reconciled);
  std::erase_if(found, [&](Index position) { return !found_by(query, position, reconciled); });
  if (by_creation(query, site_)) {
    if (query.order.empty() || query.order.front().descending) std::reverse(found.begin(), found.end());
    return found;
  }
  std::stable_sort(found.begin(), found.end(), [&](Index a, Index b) {
    const Issue &x = *store_.all()[a], &y = *store_.all()[b];
    for (const Ordering& order : query.order) {
      const int result = compare(order, site_, x, *seen(x, reconciled), y, *seen(y, reconciled));
      if (result != 0) return result < 0;
    }
    return false;
  });
  return found;
}

Service::Found Service::behind(const Query& query, std::optional<Index> last, std::size_t count,
                               const std::vector<Index>& reconciled) const {
  std::vector<Index> all = considered(query, reconciled);
  if (query.order.empty() || query.order.front().descending) {
    if (last) all.erase(std::lower_bound(all.begin(), all.end(), *last), all.end());
    std::reverse(all.begin(), all.end());
  } else if (last) {
    all.erase(all.begin(), std::upper_bound(all.begin(), all.end(), *last));
  }
  Found found;
  for (const Index position : all) {
    if (!found_by(query, position, reconciled)) continue;
    if (found.page.size() == count) {
      found.next = found.page.back();
      break;
    }
    found.page.push_back(position);
  }
  return found;
}

/// A token is "mark n next": `next` is the last position that was handed out where the order is that of creation, and
/// the number of issues handed out before where it is not (so a page can shift when issues change meanwhile).
Service::Found Service::find(const Query& query, const std::string& token, std::uint64_t mark, std::size_t count,
                             const std::vector<Index>& reconciled) const {
  Index next = 0;
  if (!token.empty()) {
    std::uint64_t given = 0;
    const char* end = token.data() + token.size();
    const auto first = std::from_chars(token.data(), end, given, 16);
    const bool whole = first.ec == std::errc() && first.ptr != end && *first.ptr == 'n' &&
                       std::from_chars(first.ptr + 1, end, next, 16).ptr == end;
    if (!whole || given != mark) refuse(400, "The provided next page token is invalid or expired.");
  }
  if (by_creation(query, site_)) {
    return behind(query, token.empty() ? std::nullopt : std::optional<Index>(next), count, reconciled);
  }
  const std::vector<Index> all = sorted(query, reconciled);
  const std::size_t from = std::min<std::size_t>(next, all.size()), to = std::min(all.size(), from + count);
  Found found;
  found.page.assign(all.begin() + static_cast<std::ptrdiff_t>(from), all.begin() + static_cast<std::ptrdiff_t>(to));
  if (to < all.size()) found.next = static_cast<Index>(to);
  return found;
}

http::Response Service::search(Call& call) {
  Asked asked = call.method == "GET" ? asked_in_query(call) : asked_in_body(call);
  if (asked.reconcile.size() > most_reconciled) refuse(400, "reconcileIssues takes at most 50 ids.");
  if (asked.properties.size() > most_properties) refuse(400, "properties takes at most 5 keys.");
  if (call.anonymous) return ok(Object{{"issues", Array()}, {"isLast", true}});
  const Query query = bounded(call, asked.jql);
  std::vector<Index> reconciled;
  for (const std::uint64_t id : asked.reconcile) {
    if (const Issue* known = store_.find(fmt::format("{}", id))) reconciled.push_back(known->position);
  }
  std::sort(reconciled.begin(), reconciled.end());
  Selection selection = answers_.select(asked.fields, "id");
  selection.properties = asked.properties;
  const bool light = selection.id_only || asked.fields == std::vector<std::string>{"key"};
  const auto cap = static_cast<std::size_t>(site_.settings.search_page_cap);
  std::string bound = asked.jql;
  for (const std::string& field : asked.fields) bound += "," + field;
  const std::uint64_t mark = mark_of(bound);
  const Found found = find(query, asked.token, mark, light ? asked.count : std::min(asked.count, cap), reconciled);
  Array issues;
  for (const Index position : found.page) {
    const Issue& each = *store_.at(position);
    issues.push_back(answers_.issue(call, each, *seen(each, reconciled), selection));
  }
  Object out;
  out.emplace("issues", std::move(issues));
  if (found.next) out.emplace("nextPageToken", fmt::format("{:x}n{:x}", mark, *found.next));
  out.emplace("isLast", !found.next);
  return ok(std::move(out));
}

http::Response Service::count(Call& call) {
  const Value* jql = text_member(call.object({"jql"}), "jql");
  const Query query = bounded(call, text_or(jql));
  std::uint64_t counted = 0;
  // What is deleted counts until the index has heard of it.
  for (const std::unique_ptr<Issue>& each : store_.all()) {
    counted += each && each->indexed && fulfils(*query.where, site_, *each, *each->indexed);
  }
  return ok(Object{{"count", counted}});
}

http::Response Service::old_search(Call& call) {
  Asked asked;
  std::int64_t start = 0, most = 50;
  if (call.method == "GET") {
    asked.jql = call.get("jql") ? *call.get("jql") : std::string();
    asked.fields = call.list("fields");
    start = call.start();
    most = call.number("maxResults", 50);
  } else {
    const Object& sent = call.object({"jql", "startAt", "maxResults", "fields", "expand", "validateQuery"});
    asked.jql = text_or(text_member(sent, "jql"));
    if (const Value* fields = sent.if_contains("fields")) asked.fields = texts(*fields);
    const auto number = [&](std::string_view name, std::int64_t otherwise) {
      const Value* given = sent.if_contains(name);
      if (given && !given->is_int64()) refuse_payload();
      return given ? given->get_int64() : otherwise;
    };
    start = number("startAt", 0);
    most = number("maxResults", 50);
  }
  if (start < 0 || most < 0) refuse(400, "startAt and maxResults must not be negative.");
  most = std::min<std::int64_t>(most, most_on_server);
  const std::vector<Index> all = sorted(bounded(call, asked.jql), {});
  Selection selection = answers_.select(asked.fields, "*navigable");
  selection.id_only = false;
  Array issues;
  for (auto i = static_cast<std::size_t>(start); i < all.size() && issues.size() < static_cast<std::size_t>(most);
       ++i) {
    const Issue& each = *store_.at(all[i]);
    issues.push_back(answers_.issue(call, each, *each.indexed, selection));
  }
  Object out;
  out.emplace("expand", "names,schema");
  out.emplace("startAt", start);
  out.emplace("maxResults", most);
  out.emplace("total", all.size());
  out.emplace("issues", std::move(issues));
  return ok(std::move(out));
}

http::Response Service::gone(Call&) {
  refuse(410, "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API.");
}

}  // namespace migrate::jira::sim
