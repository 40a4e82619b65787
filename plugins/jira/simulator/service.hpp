// The stand-in's resources, one handler each, over site and store.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "answers.hpp"
#include "intake.hpp"
#include "jql.hpp"
#include "migrate/services.hpp"
#include "migrate/testing/simulator.hpp"

namespace migrate::jira::sim {

class Service : public testing::Simulator {
 public:
  Service(Settings settings, std::uint64_t seed, const Services& services);
  awaitable<http::Response> handle(http::Request request) override;
  Value state() const override;
  void located(std::string origin, std::string other_origin) override;

  // meta.cpp: the site
  http::Response myself(Call&), server_info(Call&), my_permissions(Call&), projects(Call&), project_search(Call&);
  http::Response project(Call&), edit_project(Call&), project_statuses(Call&), project_components(Call&),
      project_versions(Call&);
  http::Response add_component(Call&), add_version(Call&), fields(Call&), issue_types(Call&), priorities(Call&);
  http::Response priority_search(Call&), statuses(Call&), resolutions(Call&), link_types(Call&), link_type(Call&);
  http::Response attachment_settings(Call&), create_types(Call&), create_fields(Call&);
  http::Response notification_scheme(Call&), project_roles(Call&), group_picker(Call&);
  http::Response project_role(Call&), role_details(Call&);
  void check_editable(const Issue& found, int status_then) const;
  http::Response user(Call&), user_search(Call&), assignable_search(Call&), all_users(Call&);
  // issues.cpp
  http::Response create(Call&), create_bulk(Call&), bulk_fetch(Call&), get_issue(Call&), edit(Call&), erase(Call&);
  http::Response set_assignee(Call&), edit_meta(Call&), list_transitions(Call&), transition(Call&);
  http::Response bulk_delete(Call&), bulk_progress(Call&);
  http::Response changelog(Call&);  // history.cpp
  // search.cpp
  http::Response search(Call&), count(Call&), old_search(Call&), gone(Call&);
  // comments.cpp: comments and worklogs
  http::Response list_comments(Call&), add_comment(Call&), get_comment(Call&), edit_comment(Call&);
  http::Response delete_comment(Call&);
  http::Response list_worklogs(Call&), add_worklog(Call&), get_worklog(Call&), edit_worklog(Call&),
      delete_worklog(Call&);
  // files.cpp
  http::Response upload(Call&), get_attachment(Call&), attachment_content(Call&), delete_attachment(Call&);
  http::Response server_file(Call&), media_file(Call&);
  // beside.cpp: links, remote links, properties, watchers
  http::Response add_link(Call&), get_link(Call&), delete_link(Call&);
  http::Response list_remote_links(Call&), add_remote_link(Call&), get_remote_link(Call&), put_remote_link(Call&);
  http::Response delete_remote_link(Call&), delete_remote_link_by_global_id(Call&);
  http::Response list_properties(Call&), get_property(Call&), set_property(Call&), delete_property(Call&);
  http::Response list_comment_properties(Call&), get_comment_property(Call&), set_comment_property(Call&);
  http::Response delete_comment_property(Call&), list_watchers(Call&), add_watcher(Call&), delete_watcher(Call&);

 private:
  // service.cpp: from the request to the handler
  http::Response answer(const http::Request& request);
  std::size_t route_of(const Call& call, std::string_view path) const;
  http::Response run(std::size_t route, Call& call);
  /// Who asks: the account, or with its token another of the site's people. None: a stranger.
  Index signed_in(const http::Request& request);
  void limit_rate(std::size_t route, const Call& call);
  [[noreturn]] void throttle(std::string_view reason, Millis wait, std::int64_t limit, const Call& call);
  void add_headers(http::Response& response, std::size_t route, const Call& call);
  Millis now() const;

  // What handlers share. An Issue& stays valid until the issue is deleted.
  Issue& issue(const Call& call, std::string_view key_or_id);
  Issue& issue(const Call& call) { return issue(call, call.path.front()); }
  /// The same, for a change: against the permission (403) and the limit of writes to one issue (429).
  Issue& writable(const Call& call, std::string_view permission);
  void limit_writes(Issue& issue, const Call& call);
  void need(std::string_view permission) const;
  /// Counts the mails that the event sends: to reporter, assignee, watchers and those mentioned, but the account
  /// itself.
  void notify(const Issue& issue, std::string_view event, bool wanted = true,
              const std::vector<std::string>& mentions = {});

  struct Created {
    Issue* issue = nullptr;
    Value answer;
  };
  Created create_one(const Call& call, const Value& sent);
  /// Through a transition, {"id"}, with the fields of its screen.
  bool move(const Call& call, Issue& issue, const Value& wanted, const Object& fields, const Object& update,
            Faults& faults);
  void store_besides(const Call& call, Issue& issue, Intake& intake);
  void erase_tree(Issue& issue, Millis at, bool notifies);  ///< with its sub-tasks
  void settle(Millis now);                                  ///< finishes bulk deletions whose time has come

  std::pair<Issue*, Comment*> comment_by_id(const Call& call);
  Comment& comment_of(Issue& issue, std::string_view id);
  Worklog& worklog_of(Issue& issue, std::string_view id);
  RemoteLink& remote_link_of(Issue& issue, std::string_view id);
  void store_comment(const Call& call, Issue& issue, Comment comment);
  void store_link(const Call& call, Link link);
  http::Response put_property(const Call& call, std::vector<Property>& properties, const std::string& key);
  std::vector<Index> matching_users(const Call& call) const;
  Value user_page(const Call& call, const std::vector<Index>& found) const;

  std::vector<std::string> media_in(const std::string& stored) const;
  std::vector<std::string> media_in(const Values& values) const;
  /// Removes those of `before` that nothing in the issue shows any more, as Jira does after an edit.
  void drop_orphans(Issue& issue, const std::vector<std::string>& before);
  void drop_attachment(Issue& issue, std::uint64_t id);
  std::pair<Issue*, Attachment*> attachment_by_id(const Call& call, std::string_view id);
  std::shared_ptr<const std::string> keep(std::string_view bytes, const std::string& hash);
  http::Response bytes_of(const Call& call, const Attachment& file) const;

  struct Found {
    std::vector<Index> page;
    std::optional<Index> next;  ///< of the token for the next page
  };
  Query bounded(const Call& call, std::string_view jql);
  const Values* seen(const Issue& issue, const std::vector<Index>& reconciled) const;
  bool found_by(const Query& query, Index position, const std::vector<Index>& reconciled) const;
  std::vector<Index> considered(const Query& query, const std::vector<Index>& reconciled) const;
  std::vector<Index> sorted(const Query& query, const std::vector<Index>& reconciled) const;
  Found behind(const Query& query, std::optional<Index> last, std::size_t count,
               const std::vector<Index>& reconciled) const;
  Found find(const Query& query, const std::string& token, std::uint64_t mark, std::size_t count,
             const std::vector<Index>& reconciled) const;

  Value issue_state(const Issue& issue) const;
  Value rich_state(const std::string& stored) const;
  Object field_state(const Values& values) const;
  Array file_state(const Issue&issue) const, comment_state(const Issue&issue) const;
  Array worklog_state(const Issue&issue) const, link_state(const Issue&issue) const;

  struct Task {
    Millis submitted = 0, due = 0;
    std::vector<std::uint64_t> issues;
    std::int64_t invalid = 0;
    bool done = false, notifies = true;
  };
  struct Mail {
    std::uint64_t sent = 0, suppressed = 0;
    std::map<std::string, std::uint64_t> by_event;
  };

  std::shared_ptr<Clock> clock_;
  Site site_;
  Store store_;
  Answers answers_;
  std::vector<Bucket> buckets_;  ///< one for each route
  Bucket user_searches_, server_bucket_;
  std::map<std::uint64_t, Task> tasks_;
  Mail mail_;
  std::unordered_map<std::string, std::weak_ptr<const std::string>> contents_;  ///< by SHA-256
  /// For the body of the request that is being answered, one at a time: most fit.
  static constexpr std::size_t body_room = 256 * 1024;
  std::unique_ptr<unsigned char[]> room_ = std::make_unique<unsigned char[]>(body_room);
  std::uint64_t requests_ = 0, failed_logins_ = 0, orphaned_ = 0, leaked_credentials_ = 0;
};

}  // namespace migrate::jira::sim
