// Every resource that the stand-in offers. Of two that match, the first is taken.
#include "routes.hpp"

namespace migrate::jira::sim {

const std::vector<Route>& routes() {
  constexpr auto all = Route::everywhere, cloud = Route::cloud, server = Route::server;
  constexpr auto no_body = Route::empty, json = Route::json, multipart = Route::multipart;
  using S = Service;
  static const std::vector<Route> list = {
      {"GET", "myself", &S::myself, "expand"},
      {"GET", "serverInfo", &S::server_info},
      {"GET", "mypermissions", &S::my_permissions, "projectKey projectId issueKey issueId permissions"},
      {"GET", "project", &S::projects, "expand recent properties"},
      {"GET", "project/search", &S::project_search, "startAt maxResults keys id query", cloud},
      {"GET", "project/{}", &S::project, "expand properties"},
      {"GET", "project/{}/statuses", &S::project_statuses},
      {"GET", "project/{}/components", &S::project_components},
      {"GET", "project/{}/versions", &S::project_versions, "expand"},
      {"POST", "component", &S::add_component, "", all, json},
      {"POST", "version", &S::add_version, "", all, json},
      {"GET", "field", &S::fields},
      {"GET", "issuetype", &S::issue_types},
      {"GET", "priority", &S::priorities},
      {"GET", "priority/search", &S::priority_search, "startAt maxResults", cloud},
      {"GET", "status", &S::statuses},
      {"GET", "resolution", &S::resolutions},
      {"GET", "issueLinkType", &S::link_types},
      {"GET", "issueLinkType/{}", &S::link_type},
      {"GET", "attachment/meta", &S::attachment_settings},
      {"GET", "issue/createmeta/{}/issuetypes", &S::create_types, "startAt maxResults"},
      {"GET", "issue/createmeta/{}/issuetypes/{}", &S::create_fields, "startAt maxResults"},
      {"GET", "user", &S::user, "accountId username key expand"},
      {"GET", "user/search", &S::user_search, "query username accountId startAt maxResults property"},
      {"GET", "user/assignable/search", &S::assignable_search,
       "query username accountId project issueKey issueId startAt maxResults"},
      {"GET", "users/search", &S::all_users, "startAt maxResults", cloud},

      {"POST", "search/jql", &S::search, "", cloud, json},
      {"GET", "search/jql", &S::search,
       "jql nextPageToken maxResults fields expand properties fieldsByKeys failFast reconcileIssues", cloud},
      {"POST", "search/approximate-count", &S::count, "", cloud, json},
      {"GET", "search", &S::gone, "jql startAt maxResults validateQuery fields expand properties fieldsByKeys", cloud},
      {"POST", "search", &S::gone, "", cloud, json},
      {"GET", "search", &S::old_search, "jql startAt maxResults validateQuery fields expand", server},
      {"POST", "search", &S::old_search, "", server, json},

      {"POST", "issue", &S::create, "updateHistory", all, json},
      {"POST", "issue/bulk", &S::create_bulk, "", all, json},
      {"POST", "issue/bulkfetch", &S::bulk_fetch, "", cloud, json},
      {"POST", "bulk/issues/delete", &S::bulk_delete, "", cloud, json},
      {"GET", "bulk/queue/{}", &S::bulk_progress, "", cloud},
      {"GET", "issue/{}", &S::get_issue, "fields fieldsByKeys expand properties updateHistory failFast"},
      {"PUT", "issue/{}", &S::edit, "notifyUsers returnIssue expand", all, json},
      {"DELETE", "issue/{}", &S::erase, "deleteSubtasks"},
      {"PUT", "issue/{}/assignee", &S::set_assignee, "", all, json},
      {"GET", "issue/{}/editmeta", &S::edit_meta},
      {"GET", "issue/{}/changelog", &S::changelog, "startAt maxResults", cloud},
      {"GET", "issue/{}/transitions", &S::list_transitions, "expand transitionId"},
      {"POST", "issue/{}/transitions", &S::transition, "", all, json},

      {"GET", "issue/{}/comment", &S::list_comments, "startAt maxResults orderBy expand"},
      {"POST", "issue/{}/comment", &S::add_comment, "expand", all, json},
      {"GET", "issue/{}/comment/{}", &S::get_comment, "expand"},
      {"PUT", "issue/{}/comment/{}", &S::edit_comment, "notifyUsers expand", all, json},
      {"DELETE", "issue/{}/comment/{}", &S::delete_comment},
      {"GET", "comment/{}/properties", &S::list_comment_properties},
      {"GET", "comment/{}/properties/{}", &S::get_comment_property},
      {"PUT", "comment/{}/properties/{}", &S::set_comment_property, "", all, json},
      {"DELETE", "comment/{}/properties/{}", &S::delete_comment_property},
      {"GET", "issue/{}/worklog", &S::list_worklogs, "startAt maxResults startedAfter startedBefore expand"},
      {"POST", "issue/{}/worklog", &S::add_worklog, "notifyUsers adjustEstimate newEstimate reduceBy expand", all,
       json},
      {"GET", "issue/{}/worklog/{}", &S::get_worklog, "expand"},
      {"PUT", "issue/{}/worklog/{}", &S::edit_worklog, "notifyUsers adjustEstimate newEstimate expand", all, json},
      {"DELETE", "issue/{}/worklog/{}", &S::delete_worklog, "notifyUsers adjustEstimate newEstimate increaseBy"},

      {"POST", "issue/{}/attachments", &S::upload, "", all, multipart},
      {"GET", "attachment/content/{}", &S::attachment_content, "redirect", cloud},
      {"GET", "attachment/{}", &S::get_attachment},
      {"DELETE", "attachment/{}", &S::delete_attachment},
      {"GET", "secure/attachment/{}/{}", &S::server_file, "", server, no_body},

      {"POST", "issueLink", static_cast<http::Response (S::*)(Call&)>(&S::add_link), "", all, json},
      {"GET", "issueLink/{}", &S::get_link},
      {"DELETE", "issueLink/{}", &S::delete_link},
      {"GET", "issue/{}/remotelink", &S::list_remote_links, "globalId"},
      {"POST", "issue/{}/remotelink", &S::add_remote_link, "", all, json},
      {"DELETE", "issue/{}/remotelink", &S::delete_remote_link_by_global_id, "globalId"},
      {"GET", "issue/{}/remotelink/{}", &S::get_remote_link},
      {"PUT", "issue/{}/remotelink/{}", &S::put_remote_link, "", all, json},
      {"DELETE", "issue/{}/remotelink/{}", &S::delete_remote_link},
      {"GET", "issue/{}/properties", &S::list_properties},
      {"GET", "issue/{}/properties/{}", &S::get_property},
      {"PUT", "issue/{}/properties/{}", &S::set_property, "", all, json},
      {"DELETE", "issue/{}/properties/{}", &S::delete_property},
      {"GET", "issue/{}/watchers", &S::list_watchers},
      {"POST", "issue/{}/watchers", &S::add_watcher, "", all, json},
      {"DELETE", "issue/{}/watchers", &S::delete_watcher, "username accountId"},
  };
  return list;
}

}  // namespace migrate::jira::sim
