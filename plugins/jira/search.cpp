// Did an issue come into being although nobody heard of it? And which ones bear the mark of a migration?
//
// Jira has no idempotency key, and its search lags. But issues are numbered: what was made after a known number can be
// read by its number, straight from the database. So a label finds it when the index has had time, and the numbers
// prove that there is nothing to be found.
//
// Two states may migrate into one project, two accounts of a help desk with the same numbers: their labels and keys are
// the same then. So what bears the label has to say in its property that it is this state's.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "json.hpp"
#include "names.hpp"
#include "sink.hpp"

namespace migrate::jira {

namespace {

constexpr std::int64_t walk_page = 100;  // what one request may ask for
/// Clocks of this machine and of Jira may differ by so much.
constexpr std::chrono::seconds clock_margin{300};

std::int64_t seconds_since_epoch(std::chrono::system_clock::time_point time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

std::string in_jql(const std::string& text) {
  std::string out = "\"";
  for (const char byte : text) {
    if (byte == '"' || byte == '\\') out += '\\';
    out += byte;
  }
  return out + "\"";
}

}  // namespace

JiraSink::Sought JiraSink::sought_by(const Step& step, const Job& job) const {
  return Sought{marker_label(config_.label, step.key()), step.key(), step.state(), step.state().empty(), job.item.url,
                services_.clock->now() - step.age()};
}

JiraSink::Sought JiraSink::sought_by(const Receipt& receipt) const {
  const std::string key = create_key(receipt.key);
  Sought sought{
      marker_label(config_.label, key), key, receipt.state, receipt.state.empty(), std::string(), std::nullopt};
  if (receipt.step == "create") sought.begun = receipt.begun;
  // The issue was marked by another step, which may be older.
  if (receipt.step != "create" && receipt.step != "adopt") sought.unnamed = true;
  return sought;
}

/// Whether its property says so: a label proves nothing. A mark that names no state is of a version that had none, as
/// the step is then: of two states that were begun with such versions the address at the source tells which one it is,
/// and that nothing is made before its step is begun.
awaitable<bool> JiraSink::is_sought(std::string issue, Sought sought) {
  std::string asked = fmt::format("?fields=created&properties={}", property_key);
  const std::optional<Value> found = co_await api_.find_issue(std::move(issue), std::move(asked));
  const Value* mark = found ? find(*found, {"properties", property_key}) : nullptr;
  if (!mark || text_at(*mark, {"key"}) != sought.key) co_return false;
  if (const std::string state = text_at(*mark, {"state"}); !state.empty()) co_return state == sought.state;
  if (!sought.unnamed) co_return false;
  const std::string url = text_at(*mark, {"source", "url"});
  if (!url.empty() && !sought.url.empty() && url != sought.url) co_return false;
  const std::optional<std::int64_t> made = seconds_of(text_at(*found, {"fields", "created"}));
  co_return !sought.begun || !made || *made >= seconds_since_epoch(*sought.begun - clock_margin);
}

awaitable<std::optional<std::string>> JiraSink::find_by_label(Sought sought) {
  const Search search(fmt::format("project = {} AND labels = {}", in_jql(site_->project_key), in_jql(sought.marker)));
  std::string next;
  while (true) {
    Search asked = search;
    const SearchPage page = co_await api_.search(std::move(asked), next);
    for (const Value& issue : page.issues) {
      std::string key = text_at(issue, {"key"});
      Sought looked = sought;
      const bool found = co_await is_sought(key, std::move(looked));
      if (found) co_return key;
    }
    if (page.next.empty()) co_return std::nullopt;
    next = page.next;
  }
}

/// The highest number that the search knows.
awaitable<std::int64_t> JiraSink::newest_found() {
  Search search(fmt::format("project = {} ORDER BY key DESC", in_jql(site_->project_key)));
  search.limit = 1;
  const SearchPage page = co_await api_.search(std::move(search), "");
  if (page.issues.empty()) co_return 0;
  co_return number_of(text_at(page.issues.front(), {"key"})).value_or(0);
}

/// The number of an issue that was certainly made before this call. One that the search does not show yet only makes
/// the walk longer.
awaitable<std::int64_t> JiraSink::last_before(std::chrono::system_clock::time_point call) {
  const std::int64_t before = seconds_since_epoch(call - clock_margin);
  Search search(fmt::format("project = {} ORDER BY key DESC", in_jql(site_->project_key)));
  search.fields = std::vector<std::string>(1, "created");
  std::string next;
  while (true) {
    const SearchPage page = co_await api_.search(search, next);
    for (const Value& issue : page.issues) {
      const std::optional<std::int64_t> made = seconds_of(text_at(issue, {"fields", "created"}));
      if (made && *made < before) co_return number_of(text_at(issue, {"key"})).value_or(0);
    }
    if (page.next.empty()) co_return 0;
    next = page.next;
  }
}

awaitable<std::optional<std::string>> JiraSink::find_by_key(Sought sought, std::int64_t after) {
  const std::int64_t found = co_await newest_found();
  newest_ = std::max(newest_, found);
  const std::vector<std::string> fields{"labels"}, properties;
  for (std::int64_t first = after + 1;; first += walk_page) {
    std::vector<std::string> keys;
    for (std::int64_t number = first; number < first + walk_page; ++number)
      keys.push_back(fmt::format("{}-{}", site_->project_key, number));
    const Array issues = co_await api_.issues(std::move(keys), fields, properties);
    for (const Value& issue : issues) {
      if (!bears_label(issue, sought.marker)) continue;
      std::string key = text_at(issue, {"key"});
      Sought looked = sought;
      const bool is_it = co_await is_sought(key, std::move(looked));
      if (is_it) co_return key;
    }
    // Numbers of deleted issues leave gaps: the end is where nothing is, beyond all that is known.
    if (issues.empty() && first + walk_page > newest_) co_return std::nullopt;
  }
}

awaitable<std::optional<std::string>> JiraSink::find_made(Sought sought, std::chrono::milliseconds since_call) {
  const std::chrono::milliseconds lag = std::chrono::seconds(config_.index_lag);
  std::optional<std::string> found;
  if (since_call >= lag) {
    found = co_await find_by_label(sought);
    if (found) co_return found;
  }
  const auto known = made_after_.find(sought.marker);
  std::int64_t after = known == made_after_.end() ? 0 : known->second;
  if (after == 0 && sought.begun) after = co_await last_before(*sought.begun);
  found = co_await find_by_key(sought, after);
  if (found || since_call >= lag) co_return found;
  // The call may still be at work at Jira's end: only when the index, too, has had its time is it believed that not.
  co_await services_.clock->sleep(lag - since_call);
  found = co_await find_by_label(sought);
  if (!found) found = co_await find_by_key(sought, after);
  co_return found;
}

/// The same for what belongs to an issue, whose lists do not lag. True when it had to wait, so that what was seen
/// before is no answer.
awaitable<bool> JiraSink::settle(std::string key) {
  const std::chrono::milliseconds lag = std::chrono::seconds(config_.index_lag), since_call = api_.since_call(key);
  if (since_call >= lag) co_return false;
  co_await services_.clock->sleep(lag - since_call);
  co_return true;
}

awaitable<void> JiraSink::for_each_marked(std::string migration, std::chrono::system_clock::time_point last_write,
                                          std::function<void(const Marked&)> each) {
  site_ = co_await reader_.site();
  const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(services_.clock->now() - last_write);
  const std::chrono::milliseconds lag = std::chrono::seconds(config_.index_lag);
  // Of a time that is yet to come, by whichever clock, no more is known than that it was not long ago.
  const std::chrono::milliseconds missing = std::min(lag, lag - since);
  if (missing.count() > 0) {
    services_.write_log(
        LogLevel::info, "jira",
        fmt::format("waits {} s: what was made just now is shown by Jira's search only then (index_lag)",
                    (missing.count() + 999) / 1000));
    co_await services_.clock->sleep(missing);
  }
  const std::string label = migration_label(config_.label, migration);
  const Search search = marked_by(migration);
  std::string next;
  while (true) {
    const SearchPage page = co_await api_.search(search, next);
    for (const Value& issue : page.issues)
      if (bears_label(issue, label)) each(marked_from(issue));
    if (page.next.empty()) co_return;
    next = page.next;
  }
}

awaitable<std::optional<Marked>> JiraSink::any_marked(std::string migration) {
  site_ = co_await reader_.site();
  Search search = marked_by(migration);
  search.limit = 1;
  const SearchPage page = co_await api_.search(std::move(search), "");
  if (page.issues.empty()) co_return std::nullopt;
  co_return marked_from(page.issues.front());
}

Search JiraSink::marked_by(const std::string& migration) const {
  Search search(fmt::format("project = {} AND labels = {} ORDER BY key ASC", in_jql(site_->project_key),
                            in_jql(migration_label(config_.label, migration))));
  search.fields.emplace_back("summary");
  search.properties.emplace_back(property_key);
  return search;
}

Marked JiraSink::marked_from(const Value& issue) const {
  Marked marked;
  marked.key = text_at(issue, {"properties", property_key, "key"});
  marked.state = text_at(issue, {"properties", property_key, "state"});
  // What was there before bears the mark since the step "adopt": no step has made it.
  if (truth_at(issue, {"properties", property_key, "adopted"})) marked.key = adopt_key(marked.key);
  marked.target_id = text_at(issue, {"key"});
  marked.title = text_at(issue, {"fields", "summary"});
  marked.url = api_.browse_address(marked.target_id);
  return marked;
}

awaitable<std::vector<bool>> JiraSink::exist(std::vector<std::string> target_ids) {
  const std::vector<std::string> present = co_await present_ids(std::move(target_ids));
  std::vector<bool> there(present.size());
  for (std::size_t i = 0; i < present.size(); ++i) there[i] = !present[i].empty();
  co_return there;
}

/// Issues get other keys when they are moved and when their project gets another key.
awaitable<std::vector<std::string>> JiraSink::present_ids(std::vector<std::string> target_ids) {
  site_ = co_await reader_.site();
  std::vector<std::string> present;
  present.reserve(target_ids.size());
  for (std::size_t first = 0; first < target_ids.size(); first += walk_page) {
    const std::size_t end = std::min(target_ids.size(), first + static_cast<std::size_t>(walk_page));
    std::vector<std::string> keys(target_ids.begin() + static_cast<std::ptrdiff_t>(first),
                                  target_ids.begin() + static_cast<std::ptrdiff_t>(end));
    std::vector<std::string> found = co_await api_.present_keys(std::move(keys));
    std::move(found.begin(), found.end(), std::back_inserter(present));
  }
  co_return present;
}

}  // namespace migrate::jira
