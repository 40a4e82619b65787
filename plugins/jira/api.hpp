// Jira's calls as typed functions: Cloud (interface 3 or 2) and Data Center (interface 2). Paging lives here.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config.hpp"
#include "migrate/http/client.hpp"
#include "migrate/sink.hpp"

namespace migrate::jira {

/// A user as Jira names them: `id` is the accountId, on Data Center the user name.
struct Account {
  std::string id, name, email;
  bool active = true, person = true;  ///< person: no app and no automation
};
struct Created {
  std::string id, key;
};
struct Upload {
  std::string id, name;
  std::uint64_t size = 0;
};
struct Search {
  explicit Search(std::string query) : jql(std::move(query)) {}
  std::string jql;
  std::vector<std::string> fields{"labels"}, properties;
  int limit = 100;  ///< of a page
};
struct SearchPage {
  Array issues;
  std::string next;  ///< empty: that was the last one
};
/// What somebody changed in an issue after it was made.
struct Change {
  struct Item {
    std::string id, name;  ///< of a field; Data Center tells no id
  };
  Account author;
  std::vector<Item> fields;
  /// Whether the field is among them. `name`: what the site calls it; of Jira's own fields it need not be known.
  bool concerns(const std::string& id, const std::string& name) const;
};

/// On the run's strand; any number of calls at once. Every call may throw http::StatusError or http::TransportError;
/// what has a Step is noted in it as refused when it was certainly not applied. A 503 counts as unknown, whatever it
/// says. A 403 to a call about one issue or file is of the kind `invalid` while the account is known and has its
/// rights.
class Api {
 public:
  Api(const SinkConfig& config, const Services& services);

  bool documents() const noexcept { return documents_; }  ///< texts are ADF; else wiki markup
  bool cloud() const noexcept { return cloud_; }          ///< as server() has found; by the interface before that
  const std::string& project() const noexcept { return project_; }
  /// What Jira calls itself, as server() has found; the configured address where it does not say.
  const std::string& base_url() const noexcept { return base_url_.empty() ? url_ : base_url_; }
  // For people, so below what Jira calls itself: it may be reached by another name, through a proxy.
  std::string browse_address(const std::string& issue) const;
  std::string file_address(const std::string& id, const std::string& name) const;

  awaitable<void> server();
  /// Throws Error(unauthorized) when the credentials are not known: Jira serves many reads to such as to nobody.
  awaitable<Account> myself();
  /// The same, not asked more than once a minute: before "not found" is taken for "gone".
  awaitable<void> assure_login();
  /// Of the account in the project, by name of the permission.
  awaitable<std::map<std::string, bool>> rights(std::vector<std::string> names);

  awaitable<Value> get(std::string path);  ///< below the interface's root: "/issue/SUP-1"
  /// Nothing where the account may not see it, or there is none.
  awaitable<std::optional<Value>> get_if_shown(std::string path);
  awaitable<std::optional<Value>> find_issue(std::string issue, std::string rest);  ///< nothing: gone, or never was
  /// At most 100; those that are there, in any order.
  awaitable<Array> issues(std::vector<std::string> keys, std::vector<std::string> fields,
                          std::vector<std::string> properties);
  /// At most 100; what they are called now, in the same order; empty: gone.
  awaitable<std::vector<std::string>> present_keys(std::vector<std::string> keys);
  /// `next`: of the page before; empty for the first one.
  awaitable<SearchPage> search(Search search, std::string next);
  awaitable<Array> comments(std::string issue);
  awaitable<Array> worklogs(std::string issue);
  awaitable<std::vector<Change>> changes(std::string issue);
  awaitable<std::vector<Account>> users(std::string query, bool assignable);
  awaitable<Array> transitions(std::string issue);

  /// How long ago the call of a step was given up without an answer; of one that an earlier run has made, this run's
  /// age. A call may wait long for its turn: when its step was begun tells nothing.
  std::chrono::milliseconds since_call(const std::string& key) const;
  awaitable<Created> create_issue(Step& step, Value body);
  awaitable<Value> add_comment(Step& step, std::string issue, Value body);
  awaitable<Value> add_worklog(Step& step, std::string issue, Value body);
  awaitable<Upload> upload(Step& step, std::string issue, http::Part part);
  /// Not to be repeated without a look at the status.
  awaitable<void> transit(std::string issue, Value body);
  // These may be repeated at will.
  awaitable<void> edit_issue(std::string issue, Value body, bool silently);
  /// The issue's property `property_key`. Data Center takes no edit that sets nothing but properties.
  awaitable<void> set_mark(std::string issue, Value mark);
  awaitable<void> edit_comment(std::string issue, std::string comment, Value body, bool silently);
  awaitable<void> edit_worklog(std::string issue, std::string worklog, Value body);
  awaitable<void> set_remote_link(std::string issue, Value body);
  /// `first` says the link's outward phrase of `second`: "A blocks B". A link that is there stays as it is.
  awaitable<void> link_issues(std::string type, std::string first, std::string second);
  /// What is gone already is success.
  awaitable<void> remove(std::string path);

  /// The id under which texts show an attachment; empty when Jira does not tell.
  awaitable<std::string> media_id(std::string attachment);
  awaitable<std::unique_ptr<ByteStream>> download(std::string id, std::string name);

 private:
  awaitable<http::Response> send(http::Request request);
  awaitable<void> assure_rights();
  awaitable<http::Response> take_effect(Step& step, http::Request request);
  awaitable<Array> with_properties(Array issues, Search search);
  awaitable<Value> post_json(std::string path, Value body);
  awaitable<Array> all_pages(std::string path, std::string query, std::string list);
  http::Request request(std::string method, const std::string& path) const;
  std::string file_path(const std::string& id, const std::string& name) const;

  std::string url_, project_, root_, base_url_;
  bool documents_, cloud_;
  Services services_;
  std::unique_ptr<http::Client> client_;
  std::optional<std::chrono::system_clock::time_point> known_at_;  ///< when the credentials were last seen to work
  std::map<std::string, bool> rights_;                             ///< as last asked
  std::chrono::system_clock::time_point started_;
  std::map<std::string, std::chrono::system_clock::time_point> given_up_;  ///< by key of the step
};

Account account_from(const Value& user);

/// "POST issue/*/comment": which of Jira's burst limits a request falls under. For the limiter, and for its tests.
std::string endpoint_of(std::string_view method_and_path);
/// How long Jira wants to be left alone, and by whom: RateLimit-Reason names the endpoint's burst or the issue's
/// writes.
http::QuotaReading read_jira_quota(const http::Response& response, std::chrono::system_clock::time_point now);

}  // namespace migrate::jira
