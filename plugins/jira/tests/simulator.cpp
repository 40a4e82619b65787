// Issues: what is taken, what is refused, and how they move, change and go.
#include "site.hpp"

using namespace jira_tests;

TEST_CASE("jira simulator: an issue is made by the account, now, under the project's next number") {
  Site site;
  const Reply made = site.post("/issue", Site::issue("Printer down", {{"description", text_document("It beeps")},
                                                                      {"labels", {"run-1", "fd-81", "fd-81"}},
                                                                      {"created", nullptr}}));
  CHECK(made.status() == 400);
  CHECK(made.error("created").starts_with("Field 'created' cannot be set."));
  const std::string first = site.create(
      "Printer down", {{"description", text_document("It beeps")}, {"labels", {"run-1", "fd-81", "fd-81"}}});
  site.wait(1500);
  const std::string second = site.create("Another");
  CHECK(std::stoi(second.substr(4)) == std::stoi(first.substr(4)) + 1);
  const Value issue = site.get("/issue/" + first).json();
  const Value& fields = issue.at("fields");
  CHECK(fields.at("summary") == "Printer down");
  CHECK(fields.at("description") == text_document("It beeps"));
  CHECK(fields.at("labels") == Array{"fd-81", "run-1"});
  CHECK(fields.at("created") == "2026-02-03T10:20:30.000+0000");
  CHECK(text(fields.at("creator").at("emailAddress")) == email);
  CHECK(text(fields.at("reporter").at("emailAddress")) == email);
  CHECK(fields.at("priority").at("name") == "Medium");
  CHECK(fields.at("status").at("name") == "Open");
  CHECK(fields.at("assignee").is_null());
  CHECK(issue.at("id").is_string());
  CHECK(text(issue.at("id")) != first.substr(4));
  CHECK(site.get("/issue/" + text(issue.at("id"))).json().at("key") == Value(first));
  CHECK(site.get("/issue/SUP-1").status() == 404);
}

TEST_CASE("jira simulator: what is wrong with an issue is said field by field, all at once") {
  Site site(with(unlimited(), "required_fields", {"External ID"}));
  const std::string external = site.field("External ID"), effort = site.field("Effort");
  const Reply reply = site.post("/issue", Site::issue("", {{"labels", {"two words"}},
                                                           {"priority", {{"name", "Urgent"}}},
                                                           {"assignee", {{"accountId", "5b-nobody"}}},
                                                           {"duedate", "2026-02-30"},
                                                           {"environment", text_document("not for a task")},
                                                           {"components", {{{"name", "Nothing"}}}},
                                                           {site.field("Category"), {{"value", "Cheese"}}},
                                                           {site.field("Original created"), "2026-02-03T10:20:30Z"},
                                                           {site.field("Internal code"), "X"},
                                                           {effort, "3"},
                                                           {"customfield_1", "x"}}));
  CHECK(reply.status() == 400);
  CHECK(reply.error("summary") == "You must specify a summary of the issue.");
  CHECK(reply.error("labels") == "The label 'two words' contains spaces which is invalid.");
  CHECK(reply.error("priority") == "The priority selected is invalid.");
  CHECK(reply.error("assignee") == "User '5b-nobody' does not exist.");
  CHECK(reply.error("duedate") == "Error parsing date string: 2026-02-30");
  CHECK(reply.error("components") == "Component name 'Nothing' is not valid");
  CHECK(reply.error(effort) == "Operation value must be a number");
  CHECK(reply.error(external) == "External ID is required.");
  for (const std::string_view field : {"environment", "customfield_1"}) {
    CHECK(reply.error(field) ==
          fmt::format("Field '{}' cannot be set. It is not on the appropriate screen, or unknown.", field));
  }
  for (const std::string_view name : {"Category", "Original created", "Internal code"}) {
    CHECK(reply.error(site.field(name)) != "");
  }
  CHECK(site.state().at("issues").as_object().empty());

  const auto summary = [&](const std::string& text) {
    return site.post("/issue", Site::issue(text, {{external, "fd:1"}})).json();
  };
  CHECK(summary("two\nlines").at("errors").at("summary") ==
        "The summary is invalid because it contains newline characters.");
  CHECK(summary(std::string(256, 'x')).at("errors").at("summary") == "Summary can't exceed 255 characters.");
  CHECK(summary(std::string(255, 'x')).as_object().contains("key"));
  CHECK(site.post("/issue", Object{{"fields", {{"summary", "x"}}}}).error("project") != "");
  CHECK(site.post("/issue", Object{{"fields", {{"project", {{"key", "SUP"}}}}}}).error("issuetype") != "");
  CHECK(site.post("/issue", Object{{"field", Object()}}).status() == 400);
}

TEST_CASE("jira simulator: custom fields of every type come back as they were sent") {
  Site site;
  const Value person = site.account("chen.wei@example.com");
  const Object sent{{site.field("External ID"), "freshdesk:acme:81"},
                    {site.field("Source URL"), "https://acme.example/a/tickets/81"},
                    {site.field("Original created"), "2024-01-31T09:00:00.000+0100"},
                    {site.field("Category"), {{"value", "Software"}}},
                    {site.field("Products"), {{{"value", "Lamp"}}, {{"value", "Desk"}}}},
                    {site.field("Original text"), text_document("as it was")},
                    {site.field("Effort"), 2.5},
                    {site.field("Follow-up date"), "2024-02-29"},
                    {site.field("Responsible"), {{"accountId", person}}},
                    {site.field("Teams"), {"b", "a"}}};
  const std::string key = site.create("custom", sent);
  const Value fields = site.fields(key);
  CHECK(fields.at(site.field("External ID")) == "freshdesk:acme:81");
  CHECK(fields.at(site.field("Original created")) == "2024-01-31T08:00:00.000+0000");
  CHECK(fields.at(site.field("Category")).at("value") == "Software");
  CHECK(fields.at(site.field("Products")).as_array().size() == 2);
  CHECK(fields.at(site.field("Products")).as_array()[0].at("value") == "Lamp");
  CHECK(fields.at(site.field("Original text")) == text_document("as it was"));
  CHECK(fields.at(site.field("Effort")) == 2.5);
  CHECK(fields.at(site.field("Follow-up date")) == "2024-02-29");
  CHECK(fields.at(site.field("Responsible")).at("accountId") == person);
  CHECK(fields.at(site.field("Teams")) == Array{"a", "b"});
  const Value state = site.state().at("issues").at(key).at("fields");
  CHECK(state.at("External ID") == "freshdesk:acme:81");
  CHECK(state.at("Responsible") == "chen.wei@example.com");
  CHECK(state.at("Products") == Array{"Lamp", "Desk"});
}

TEST_CASE("jira simulator: an edit sets, adds and removes, and names no field twice") {
  Site site;
  const std::string key = site.create("before", {{"labels", {"a", "migration-incomplete"}}});
  const std::string path = "/issue/" + key;
  site.wait(1000);
  CHECK(site.put(path, Object{{"fields", {{"summary", "after"}}},
                              {"update", {{"labels", {{{"remove", "migration-incomplete"}}, {{"add", "b"}}}}}}})
            .status() == 204);
  CHECK(site.fields(key).at("summary") == "after");
  CHECK(site.fields(key).at("labels") == Array{"a", "b"});
  CHECK(site.fields(key).at("updated") == "2026-02-03T10:20:31.000+0000");
  CHECK(site.put(path, Object{{"fields", {{"labels", {"c"}}}}, {"update", {{"labels", {{{"add", "d"}}}}}}})
            .error("labels") == "Field 'labels' cannot appear in both 'fields' and 'update'");
  CHECK(site.put(path, Object()).message() == "one of 'fields' or 'update' required");
  CHECK(site.put(path, Object{{"fields", {{"status", {{"name", "Closed"}}}}}}).error("status") != "");
  CHECK(site.put(path, Object{{"fields", {{"summary", nullptr}}}}).error("summary") != "");
  CHECK(site.put(path, Object{{"fields", {{"priority", {{"id", "5"}}}}}}).status() == 204);
  CHECK(site.fields(key).at("priority").at("name") == "Lowest");
  CHECK(site.put("/issue/SUP-1", Object{{"fields", {{"summary", "x"}}}}).status() == 404);
  const Reply returned = site.put(path + "?returnIssue=true", Object{{"fields", {{"duedate", "2026-03-01"}}}});
  CHECK(returned.status() == 200);
  CHECK(returned.json().at("fields").at("duedate") == "2026-03-01");
  CHECK(site.fields(key).at("labels") == Array{"a", "b"});
}

TEST_CASE("jira simulator: sub-tasks need a parent of their project, standard issues an epic") {
  Site site;
  const std::string parent = site.create("parent");
  const Object sub{{"issuetype", {{"name", "Sub-task"}}}};
  CHECK(site.post("/issue", Site::issue("child", sub)).message() ==
        "Issue type is a sub-task but parent issue key or id not specified.");
  CHECK(site.post("/issue",
                  Site::issue("child", with(with(sub, "project", {{"key", "OPS"}}), "parent", {{"key", parent}})))
            .error("project") == "Sub-tasks must be created in the same project as the parent.");
  CHECK(site.post("/issue", Site::issue("task", {{"parent", {{"key", parent}}}})).error("parentId") != "");
  const std::string child = site.create("child", with(sub, "parent", {{"key", parent}}));
  CHECK(site.fields(child).at("parent").at("key") == Value(parent));
  CHECK(site.fields(parent).at("subtasks").as_array().size() == 1);
  const std::string epic = site.create("epic", {{"issuetype", {{"name", "Epic"}}}});
  const std::string member = site.create("member", {{"parent", {{"key", epic}}}});
  CHECK(site.fields(epic).at("subtasks").as_array().empty());
  const auto retype = [&](const std::string& key, std::string_view type) {
    return site.put("/issue/" + key, Object{{"fields", {{"issuetype", {{"name", type}}}}}}).status();
  };
  CHECK(retype(child, "Task") == 400);
  CHECK(retype(parent, "Sub-task") == 400);
  CHECK(retype(parent, "Bug") == 204);

  SUBCASE("a parent goes with its sub-tasks or not at all") {
    CHECK(site.erase("/issue/" + parent).status() == 400);
    CHECK(site.get("/issue/" + child).status() == 200);
    CHECK(site.erase("/issue/" + parent + "?deleteSubtasks=true").status() == 204);
    CHECK(site.get("/issue/" + child).status() == 404);
    CHECK(site.erase("/issue/" + parent).status() == 404);
  }
  SUBCASE("an epic goes without its members") {
    CHECK(site.erase("/issue/" + epic).status() == 204);
    CHECK(site.fields(member).at("parent").is_null());
  }
  SUBCASE("a member leaves its epic") {
    CHECK(site.put("/issue/" + member, Object{{"update", {{"parent", {{{"set", {{"none", true}}}}}}}}}).status() ==
          204);
    CHECK(site.fields(member).at("parent").is_null());
  }
}

TEST_CASE("jira simulator: a number is never used again") {
  Site site;
  const std::string first = site.create("first");
  CHECK(site.erase("/issue/" + first).status() == 204);
  const std::string second = site.create("second");
  CHECK(std::stoi(second.substr(4)) == std::stoi(first.substr(4)) + 1);
  const std::string elsewhere = site.create("elsewhere", {{"project", {{"key", "OPS"}}}});
  CHECK(std::stoi(site.create("third").substr(4)) == std::stoi(first.substr(4)) + 2);
  CHECK(std::stoi(site.create("more", {{"project", {{"key", "OPS"}}}}).substr(4)) ==
        std::stoi(elsewhere.substr(4)) + 1);
  CHECK(site.get("/issue/" + first).message() == "Issue does not exist or you do not have permission to see it.");
}

TEST_CASE("jira simulator: of a project whose key was changed, the former one goes on working") {
  Site site;
  const std::string former = site.create("before");
  const std::string present = "HELP" + former.substr(3);
  CHECK(site.put("/project/SUP", Object{{"key", "help"}}).error("projectKey").find("uppercase") != std::string::npos);
  CHECK(site.put("/project/SUP", Object{{"key", "OPS"}}).status() == 400);
  CHECK(site.put("/project/SUP", Object{{"key", "HELP"}}).json().at("key") == "HELP");
  CHECK(site.get("/project/SUP").json().at("key") == "HELP");
  for (const std::string& key : {former, present}) CHECK(site.get("/issue/" + key).json().at("key") == Value(present));
  const Value both =
      site.post("/issue/bulkfetch", Object{{"issueIdsOrKeys", {former, present}}, {"fields", {"labels"}}}).json();
  REQUIRE(both.at("issues").as_array().size() == 1);
  CHECK(both.at("issues").at(0).at("key") == Value(present));
  const std::string next = site.create("after");
  CHECK(next.starts_with("HELP-"));
  site.wait(60'000);
  for (const char* project : {"SUP", "HELP"})
    CHECK(site.found(fmt::format("project = {}", project)) == std::vector<std::string>{next, present});
  CHECK(site.erase("/issue/" + former).status() == 204);
  for (const std::string& key : {former, present}) CHECK(site.get("/issue/" + key).status() == 404);
}

TEST_CASE("jira simulator: a workflow is walked step by step, with ids that depend on the status") {
  Site site;
  const std::string key = site.create("walk"), path = "/issue/" + key + "/transitions";
  const std::string start_work = site.transition(key, "Start work");
  CHECK(site.get(path).json().at("transitions").as_array().size() == 1);
  CHECK(site.post(path, Object{{"transition", {{"id", start_work}}}}).status() == 204);
  CHECK(site.fields(key).at("status").at("name") == "In Progress");
  CHECK(site.post(path, Object{{"transition", {{"id", start_work}}}}).message() ==
        fmt::format("Transition id '{}' is not valid for this issue.", start_work));
  CHECK(site.post(path, Object{{"transition", {{"id", "Resolve"}}}}).message() ==
        "'transition' identifier must be an integer");
  site.walk(key, {"Ask for review"});
  const std::string resolve = site.transition(key, "Resolve");
  CHECK(site.post(path, Object{{"transition", {{"id", resolve}}}}).error("resolution") == "Resolution is required.");
  CHECK(site.post(path, Object{{"transition", {{"id", resolve}}}, {"fields", {{"summary", "x"}}}}).error("summary") !=
        "");
  const Value shown = site.get(path + "?expand=transitions.fields").json();
  CHECK(shown.at("transitions").as_array()[1].at("fields").at("resolution").at("required") == true);
  CHECK(site.post(path, Object{{"transition", {{"id", resolve}}}, {"fields", {{"resolution", {{"name", "Done"}}}}}})
            .status() == 204);
  CHECK(site.fields(key).at("resolution").at("name") == "Done");
  CHECK(site.fields(key).at("resolutiondate").is_string());
  const std::string reopen = site.transition(key, "Reopen");
  site.walk(key, {"Close"});
  CHECK(site.transition(key, "Reopen") != reopen);
  site.walk(key, {"Reopen"});
  CHECK(site.fields(key).at("resolution").is_null());
  CHECK(site.fields(key).at("resolutiondate").is_null());
}

TEST_CASE("jira simulator: a transition with the create call, well or not, leaves the issue there") {
  Site site;
  const std::string other = site.create("other");
  Value body = Site::issue("moved");
  body.as_object()["transition"] = Object{{"id", site.transition(other, "Start work")}};
  const Reply moved = site.post("/issue", body);
  CHECK(moved.status() == 201);
  CHECK(moved.json().at("transition").at("status") == 200);
  CHECK(site.fields(text(moved.json().at("key"))).at("status").at("name") == "In Progress");
  body.as_object()["transition"] = Object{{"id", "99999"}};
  const Reply stuck = site.post("/issue", body);
  CHECK(stuck.status() == 201);
  CHECK(stuck.json().at("transition").at("status") == 400);
  CHECK(site.fields(text(stuck.json().at("key"))).at("status").at("name") == "Open");
}

TEST_CASE("jira simulator: of a bulk creation some succeed, and the others are told by number") {
  Site site;
  Array updates{Site::issue("first"), Site::issue("bad", {{"labels", {"a b"}}}), Site::issue("third"),
                Value("nonsense")};
  const Reply some = site.post("/issue/bulk", Object{{"issueUpdates", updates}});
  CHECK(some.status() == 201);
  const Value body = some.json();
  REQUIRE(body.at("issues").as_array().size() == 2);
  REQUIRE(body.at("errors").as_array().size() == 2);
  CHECK(body.at("errors").as_array()[0].at("failedElementNumber") == 1);
  CHECK(body.at("errors").as_array()[0].at("elementErrors").at("errors").at("labels") ==
        "The label 'a b' contains spaces which is invalid.");
  CHECK(body.at("errors").as_array()[1].at("failedElementNumber") == 3);
  CHECK(site.fields(text(body.at("issues").as_array()[1].at("key"))).at("summary") == "third");
  const Reply nothing = site.post("/issue/bulk", Object{{"issueUpdates", {Value("nonsense")}}});
  CHECK(nothing.status() == 400);
  CHECK(nothing.json().at("issues").as_array().empty());
  Array many;
  for (int i = 0; i < 51; ++i) many.push_back(Site::issue("x"));
  CHECK(site.post("/issue/bulk", Object{{"issueUpdates", many}}).status() == 400);
  CHECK(site.state().at("issues").as_object().size() == 2);
}

TEST_CASE("jira simulator: up to a hundred issues are fetched at once, and the missing ones are named") {
  Site site;
  const std::string a = site.create("a", {{"labels", {"x"}}}), b = site.create("b");
  CHECK(site.put("/issue/" + b + "/properties/migration.source", Object{{"id", 81}}).status() == 201);
  const Reply reply = site.post(
      "/issue/bulkfetch",
      Object{{"issueIdsOrKeys", {b, "SUP-1", a, b}}, {"fields", {"labels"}}, {"properties", {"migration.source"}}});
  CHECK(reply.status() == 200);
  const Value body = reply.json();
  REQUIRE(body.at("issues").as_array().size() == 2);
  CHECK(body.at("issues").as_array()[0].at("key") == Value(a));
  CHECK(body.at("issues").as_array()[0].at("fields") == Object{{"labels", {"x"}}});
  CHECK(body.at("issues").as_array()[1].at("properties") == Object{{"migration.source", {{"id", 81}}}});
  REQUIRE(body.at("issueErrors").as_array().size() == 1);
  CHECK(body.at("issueErrors").as_array()[0].at("id") == "SUP-1");
  CHECK(site.post("/issue/bulkfetch", Object{{"issueIdsOrKeys", Array()}}).status() == 400);
  CHECK(site.post("/issue/bulkfetch", Object{{"issueIdsOrKeys", Array(101, Value(a))}}).status() == 400);
}

TEST_CASE("jira simulator: a bulk deletion is a task that takes its time") {
  Site site;
  const std::string a = site.create("a"), b = site.create("b");
  const Reply task = site.post("/bulk/issues/delete",
                               Object{{"selectedIssueIdsOrKeys", {a, b, "SUP-1"}}, {"sendBulkNotification", false}});
  CHECK(task.status() == 201);
  const std::string queue = "/bulk/queue/" + text(task.json().at("taskId"));
  CHECK(site.get(queue).json().at("status") == "RUNNING");
  CHECK(site.get("/issue/" + a).status() == 200);
  site.wait(1000);
  const Value done = site.get(queue).json();
  CHECK(done.at("status") == "COMPLETE");
  CHECK(done.at("processedAccessibleIssues").as_array().size() == 2);
  CHECK(done.at("invalidOrInaccessibleIssueCount") == 1);
  CHECK(site.get("/issue/" + a).status() == 404);
  CHECK(site.get("/bulk/queue/1").status() == 400);
}

TEST_CASE("jira simulator: metadata says which fields a create call may and must have") {
  Site site(with(with(unlimited(), "required_fields", {"External ID"}), "off_screen_fields", {"Priority"}));
  const Value types = site.get("/issue/createmeta/SUP/issuetypes").json();
  CHECK(types.at("total") == 6);
  std::string bug, task;
  for (const Value& each : types.at("issueTypes").as_array()) {
    if (each.at("name") == "Bug") bug = each.at("id").as_string();
    if (each.at("name") == "Task") task = each.at("id").as_string();
  }
  const auto fields_of = [&](const std::string& type) {
    std::vector<std::string> names;
    for (int from = 0;; from += 7) {
      const Value page =
          site.get(fmt::format("/issue/createmeta/SUP/issuetypes/{}?startAt={}&maxResults=7", type, from)).json();
      for (const Value& each : page.at("fields").as_array()) names.emplace_back(each.at("fieldId").as_string());
      if (static_cast<std::int64_t>(names.size()) == page.at("total").as_int64()) return names;
      REQUIRE(page.at("fields").as_array().size() == 7);
    }
  };
  const std::vector<std::string> of_task = fields_of(task), of_bug = fields_of(bug);
  const auto has = [](const std::vector<std::string>& list, const std::string& name) {
    return std::find(list.begin(), list.end(), name) != list.end();
  };
  CHECK(has(of_bug, "environment"));
  CHECK_FALSE(has(of_task, "environment"));
  CHECK_FALSE(has(of_task, "priority"));
  CHECK_FALSE(has(of_task, site.field("Internal code")));
  CHECK(has(of_task, site.field("External ID")));
  CHECK(site.get("/issue/createmeta/SUP/issuetypes/" + task + "?maxResults=201").message() ==
        "Parameter 'maxResults' must not exceed the limit '200'");
  CHECK(site.get("/issue/createmeta/NO/issuetypes").status() == 404);
  CHECK(site.get("/issue/createmeta?expand=projects.issuetypes.fields").status() == 404);
  CHECK(site.get("/project/SUP").json().at("projectTypeKey") == "service_desk");
  CHECK(site.get("/project/NO").message() == "No project could be found with key 'NO'.");
  CHECK(site.get("/project/SUP/statuses").json().as_array().size() == 6);
  CHECK(site.get("/priority/search?maxResults=2").json().at("isLast") == false);
  CHECK(site.get("/attachment/meta").json() == Object{{"enabled", true}, {"uploadLimit", 10485760}});
  CHECK(site.get("/serverInfo").json().at("deploymentType") == "Cloud");
  const Value rights = site.get("/mypermissions?projectKey=SUP&permissions=CREATE_ISSUES,DELETE_ISSUES").json();
  CHECK(rights.at("permissions").at("DELETE_ISSUES").at("havePermission") == true);
  CHECK(site.get("/mypermissions").status() == 400);
  CHECK(site.get("/mypermissions?permissions=EAT_CAKE").status() == 400);
}

TEST_CASE("jira simulator: what the account may not do is refused") {
  Site site(with(
      unlimited(), "denied_permissions",
      {"DELETE_ISSUES", "MODIFY_REPORTER", "TRANSITION_ISSUES", "CREATE_ATTACHMENTS", "LINK_ISSUES", "ADD_COMMENTS"}));
  const std::string key = site.create("mine"), other = site.create("other");
  CHECK(site.erase("/issue/" + key).status() == 403);
  CHECK(site.post("/issue", Site::issue("x", {{"reporter", {{"accountId", site.account("ana.ruiz@example.com")}}}}))
            .error("reporter") != "");
  CHECK(site.get("/issue/" + key + "/transitions").json().at("transitions").as_array().empty());
  CHECK(site.upload(key, {Site::file("a.png", "x")}).status() == 403);
  CHECK(site.post("/issueLink", Object{{"type", {{"name", "Blocks"}}},
                                       {"inwardIssue", {{"key", key}}},
                                       {"outwardIssue", {{"key", other}}}})
            .status() == 404);
  CHECK(site.post("/issue/" + key + "/comment", Object{{"body", text_document("x")}}).status() == 400);
  CHECK(site.get("/mypermissions?permissions=DELETE_ISSUES")
            .json()
            .at("permissions")
            .at("DELETE_ISSUES")
            .at("havePermission") == false);
}

TEST_CASE("jira simulator: components and versions must be there before an issue names them") {
  Site site;
  CHECK(site.post("/component", Object{{"name", "Desk"}, {"project", "SUP"}}).status() == 201);
  CHECK(site.post("/component", Object{{"name", "desk"}, {"project", "SUP"}}).error("name") != "");
  const Value version = site.post("/version", Object{{"name", "1.0"}, {"project", "SUP"}}).json();
  const std::string key =
      site.create("x", {{"components", {{{"name", "Desk"}}}}, {"fixVersions", {{{"id", version.at("id")}}}}});
  CHECK(site.fields(key).at("components").as_array()[0].at("name") == "Desk");
  CHECK(site.fields(key).at("fixVersions").as_array()[0].at("name") == "1.0");
  CHECK(site.get("/project/SUP/components").json().as_array().size() == 1);
  CHECK(site.post("/issue", Site::issue("x", {{"project", {{"key", "OPS"}}}, {"components", {{{"name", "Desk"}}}}}))
            .error("components") != "");
  CHECK(site.put("/issue/" + key, Object{{"update", {{"components", {{{"remove", {{"name", "Desk"}}}}}}}}}).status() ==
        204);
  CHECK(site.fields(key).at("components").as_array().empty());
}
