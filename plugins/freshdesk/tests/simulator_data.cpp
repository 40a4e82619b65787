// What the stand-in holds, how it changes while it is read, and that state() tells all of it.
#include <algorithm>
#include <set>

#include "desk.hpp"

using namespace desk_tests;

TEST_CASE("the same seed gives the same account, another seed another one, and ids are nobody else's") {
  const std::string one = boost::json::serialize(Desk(40).simulator->state());
  CHECK(one == boost::json::serialize(Desk(40).simulator->state()));
  CHECK(one != boost::json::serialize(Desk(40, {}, 8).simulator->state()));
  Desk desk(40, generous());
  desk.all(every_ticket + "&include=description");
  CHECK(one == boost::json::serialize(desk.simulator->state()));
  const Value state = desk.simulator->state();
  std::int64_t previous = 20;
  bool gaps = false;
  for (const Value& ticket : state.at("tickets").as_array()) {
    gaps |= previous > 20 && id_of(ticket) != previous + 1;
    CHECK(id_of(ticket) > previous);
    previous = id_of(ticket);
  }
  CHECK(gaps);
}

TEST_CASE("small accounts are whole accounts") {
  for (const std::size_t items : {0, 1, 2, 3, 5, 12}) {
    Desk desk(items, generous());
    const auto tickets = items_of(desk.simulator->state().at("tickets"));
    CHECK(tickets.size() == items);
    CHECK(desk.all(every_ticket).size() <= items);
    CHECK(desk.all("/contacts").size() > 3);
  }
}

TEST_CASE("deleted and spam tickets stand in their own lists, archived ones in none") {
  Desk desk(90, generous());
  const Value state = desk.simulator->state();
  const std::string list = every_ticket + "&per_page=100";
  CHECK(ids_of(desk.all(list)) == ids_of(of_kind(state, "active")));
  CHECK(ids_of(desk.all(list + "&filter=deleted")) == ids_of(of_kind(state, "deleted")));
  CHECK(ids_of(desk.all(list + "&filter=spam")) == ids_of(of_kind(state, "spam")));
  CHECK(of_kind(state, "deleted").size() > 2);
  CHECK(of_kind(state, "spam").size() > 2);
  for (const Value& item : desk.all(list + "&filter=deleted")) CHECK(item.at("deleted") == Value(true));
  for (const Value& item : desk.all(list + "&filter=spam")) CHECK(item.at("spam") == Value(true));
  for (const Value& item : desk.all(list)) {
    // What was closed and rested for 120 days is archived.
    CHECK((item.at("status") != Value(5) || text_of(item, "updated_at") > "2025-10-06"));
  }
  int null = 0, absent = 0;
  for (const Value& item : desk.all(list)) {
    const Value* deleted = item.get_object().if_contains("deleted");
    CHECK((!deleted || deleted->is_null()));
    ++(deleted ? null : absent);
  }
  CHECK(null > 5);
  CHECK(absent > 5);

  const auto archived = of_kind(state, "archived");
  CHECK(archived.size() > 3);
  int moved = 0;
  for (const Value& ticket : archived) {
    CHECK(ticket.at("status") == Value(5));
    CHECK(text_of(ticket, "updated_at") < "2025-10-06");
    const std::string id = std::to_string(id_of(ticket));
    const http::Response plain = desk.api("/tickets/" + id);
    if (plain.status == 301) {
      ++moved;
      CHECK(plain.headers.get("Location") == desk_origin + "/api/v2/tickets/archived/" + id);
    } else {
      CHECK(plain.status == 404);
      CHECK(plain.body.empty());
    }
    CHECK(desk.api("/tickets/" + id + "/conversations").status == 404);
    CHECK(desk.json("/tickets/archived/" + id).at("archived") == Value(true));
    CHECK(desk.all("/tickets/archived/" + id + "/conversations").size() ==
          ticket.at("conversations").as_array().size());
  }
  CHECK(moved > 0);
  CHECK(moved < static_cast<int>(archived.size()));
  CHECK(desk.api(fmt::format("/tickets/archived/{}", id_of(of_kind(state, "active")[0]))).status == 404);
  CHECK(desk.api("/tickets/999999").status == 404);
}

TEST_CASE("a ticket shows ten conversations at most; their own list has all, 30 a page, oldest first") {
  Desk desk(60, generous());
  const Value state = desk.simulator->state();
  const Value& ticket = first_of(state.at("tickets").as_array(), [](const Value& each) {
    return each.at("kind") == Value("active") && each.at("conversations").as_array().size() > 30;
  });
  const auto& expected = ticket.at("conversations").get_array();
  const std::string address = fmt::format("/tickets/{}", id_of(ticket));
  const Value view = desk.json(address + "?include=conversations");
  CHECK(view.at("conversations").as_array().size() == 10);
  CHECK_FALSE(desk.json(address).get_object().contains("conversations"));
  CHECK(desk.json(address + "/conversations").as_array().size() == 30);
  const auto all = desk.all(address + "/conversations");
  REQUIRE(all.size() == expected.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    CHECK(id_of(all[i]) == id_of(expected[i]));
    CHECK(all[i].at("body") == expected[i].at("body"));
    CHECK(all[i].at("private") == expected[i].at("private"));
    if (i > 0) CHECK(text_of(all[i - 1], "created_at") <= text_of(all[i], "created_at"));
    if (i < 10) CHECK(id_of(view.at("conversations").at(i)) == id_of(all[i]));
  }
}

TEST_CASE("people: contacts, agents, and those whose numbers lead nowhere") {
  Desk desk(150, generous());
  const Value state = desk.simulator->state();
  std::map<std::string, int> kinds;
  for (const char* list : {"contacts", "agents"}) {
    for (const Value& user : state.at(list).as_array()) {
      const std::string kind = text_of(user, "kind");
      ++kinds[kind];
      const http::Response contact = desk.api(fmt::format("/contacts/{}", id_of(user)));
      const http::Response agent = desk.api(fmt::format("/agents/{}", id_of(user)));
      const bool shown = kind == "contact" || kind == "blocked" || kind == "downgraded_agent";
      CHECK(contact.status == (shown ? 200 : kind == "deleted" ? 405 : 404));
      CHECK(agent.status == (kind == "agent" ? 200 : 404));
      if (contact.status != 200) CHECK(contact.body.empty());
    }
  }
  for (const char* kind : {"contact", "blocked", "deleted", "merged", "agent"}) CHECK(kinds[kind] > 1);
  for (const char* kind : {"former_agent", "downgraded_agent"}) CHECK(kinds[kind] == 1);
  CHECK(static_cast<int>(desk.all("/contacts").size()) == kinds["contact"] + kinds["downgraded_agent"]);
  CHECK(static_cast<int>(desk.all("/contacts?state=deleted").size()) == kinds["deleted"]);
  CHECK(static_cast<int>(desk.all("/contacts?state=blocked").size()) == kinds["blocked"]);
  CHECK(desk.all("/contacts?state=verified").size() + desk.all("/contacts?state=unverified").size() ==
        desk.all("/contacts").size());
  CHECK(static_cast<int>(desk.all("/agents").size()) == kinds["agent"]);
  CHECK(desk.all("/contacts?updated_since=2026-01-01").size() < desk.all("/contacts").size());
  CHECK(desk.all("/contacts?_updated_since=2026-01-01").size() ==
        desk.all("/contacts?updated_since=2026-01-01").size());
  std::string previous;
  int without_email = 0;
  for (const Value& contact : desk.all("/contacts")) {
    CHECK(previous <= text_of(contact, "name"));
    previous = text_of(contact, "name");
    if (contact.at("email").is_null()) {
      ++without_email;
      continue;
    }
    CHECK(id_of(desk.json("/contacts?email=" + http::encode(text_of(contact, "email"))).at(0)) == id_of(contact));
  }
  CHECK(without_email > 1);
  // Conversations and tickets speak of people who are gone.
  std::set<std::int64_t> gone;
  for (const Value& user : state.at("contacts").as_array()) {
    if (user.at("kind") == Value("merged") || user.at("kind") == Value("deleted")) gone.insert(id_of(user));
  }
  for (const Value& user : state.at("agents").as_array()) {
    if (user.at("kind") == Value("former_agent")) gone.insert(id_of(user));
  }
  int spoken_of = 0;
  for (const Value& ticket : state.at("tickets").as_array()) {
    for (const Value& each : ticket.at("conversations").as_array())
      spoken_of += gone.count(each.at("user_id").as_int64());
  }
  CHECK(spoken_of > 10);
}

TEST_CASE("companies, groups, products, fields and settings") {
  Desk desk(60, generous());
  for (const char* list : {"companies", "groups", "products"}) {
    const auto items = desk.all(fmt::format("/{}", list));
    CHECK(items.size() == desk.simulator->state().at(list).as_array().size());
    for (const Value& item : items) CHECK(id_of(desk.json(fmt::format("/{}/{}", list, id_of(item)))) == id_of(item));
    CHECK(desk.api(fmt::format("/{}/17", list)).status == 404);
  }
  CHECK(desk.json("/companies?updated_since=2030-01-01").as_array().empty());
  std::set<std::string> types;
  for (const Value& field : items_of(desk.json("/ticket_fields"))) types.insert(text_of(field, "type"));
  const std::vector<std::string> every_type{"custom_text",    "custom_paragraph", "custom_checkbox", "custom_number",
                                            "custom_decimal", "custom_date",      "custom_dropdown", "nested_field",
                                            "custom_file",    "custom_lookup",    "default_status"};
  for (const std::string& type : every_type) {
    CHECK(types.count(type) == 1);
  }
  const Value status = desk.json("/ticket_fields?type=default_status").at(0);
  CHECK(status.at("choices").at("2") == Value(Array{"Open", "Being Processed"}));
  CHECK(desk.json("/ticket_fields?type=default_priority").at(0).at("choices").at("Urgent") == Value(4));
  CHECK(desk.json("/settings/helpdesk").at("primary_language") == Value("en"));
}

TEST_CASE("associations: four kinds, some with tickets that cannot be read") {
  Desk desk(240, generous());
  std::map<std::int64_t, int> kinds;
  int dangling = 0;
  const Value state = desk.simulator->state();
  const auto active = of_kind(state, "active");
  const auto readable = ids_of(active);
  for (const Value& ticket : active) {
    const std::string address = fmt::format("/tickets/{}", id_of(ticket));
    const std::int64_t kind = ticket.at("association_type").is_null() ? 0 : ticket.at("association_type").as_int64();
    ++kinds[kind];
    const http::Response others = desk.api(address + "/associated_tickets"),
                         prime = desk.api(address + "/prime_association");
    const Value list = desk.json(address).at("associated_tickets_list");
    CHECK(list == ticket.at("associated_tickets_list"));
    if (kind == 1 || kind == 3) {
      REQUIRE(others.status == 200);
      const std::size_t shown = boost::json::parse(others.body).at("tickets").as_array().size();
      CHECK(shown <= list.as_array().size());
      dangling += static_cast<int>(list.as_array().size() - shown);
    } else {
      CHECK(others.status == 404);
    }
    if (kind == 2 || kind == 4) {
      REQUIRE(list.as_array().size() == 1);
      const bool there = readable.count(list.at(0).as_int64()) > 0;
      CHECK(prime.status == (there ? 200 : 404));
      if (there) CHECK(boost::json::parse(prime.body).at("id") == list.at(0));
      dangling += !there;
    } else {
      CHECK(prime.status == 404);
    }
  }
  for (const std::int64_t kind : {0, 1, 2, 3, 4}) CHECK(kinds[kind] > 2);
  CHECK(dangling > 2);
}

TEST_CASE("times, ratings and watchers, by ticket and all together") {
  Desk desk(150, generous());
  std::size_t times = 0, ratings = 0, watchers = 0;
  for (const Value& ticket : of_kind(desk.simulator->state(), "active")) {
    const std::string address = fmt::format("/tickets/{}", id_of(ticket));
    const auto of_ticket = desk.all(address + "/time_entries");
    CHECK(ids_of(of_ticket).size() == ticket.at("time_entries").as_array().size());
    times += of_ticket.size();
    for (const Value& entry : of_ticket) {
      const std::string spent = text_of(entry, "time_spent");
      CHECK((spent.size() == 5 && spent[2] == ':'));
    }
    ratings += desk.all(address + "/satisfaction_ratings").size();
    watchers += desk.json(address + "/watchers").at("watcher_ids").as_array().size();
  }
  CHECK(times > 20);
  CHECK(ratings > 5);
  CHECK(watchers > 5);
  CHECK(desk.all("/time_entries?per_page=7").size() == times);
  CHECK(desk.all("/surveys/satisfaction_ratings?per_page=3").size() == ratings);
  CHECK(desk.all("/time_entries?billable=true").size() + desk.all("/time_entries?billable=false").size() == times);
}

TEST_CASE("members stand in another order in each object") {
  Desk desk(60, generous());
  std::set<std::string> firsts;
  for (const Value& item : items_of(desk.json(every_ticket)))
    firsts.insert(std::string(item.as_object().begin()->key()));
  CHECK(firsts.size() > 5);
}

TEST_CASE("the account is full of trouble") {
  Desk desk(300, generous());
  const Value state = desk.simulator->state();
  std::map<std::string, int> seen;
  const auto text_trouble = [&](const std::string& html) {
    if (html.empty()) ++seen["empty body"];
    if (html.size() >= 64 * 1024) ++seen["64 KB"];
    if (html.size() >= 1024 * 1024) ++seen["1 MB"];
    const std::vector<std::string> parts{
        "\r\n",  "&amp;",  "&nbsp;",     "dir=\"rtl\"", "src=\"cid:",      "src=\"data:", "<table",
        "<pre>", "{code}", "\U0001F600", "&#x1F4A9;",   "freshdesk_quote", "<!--",        "<script>"};
    for (const std::string& part : parts) {
      if (html.find(part) != std::string::npos) ++seen[part];
    }
  };
  for (const Value& ticket : state.at("tickets").as_array()) {
    text_trouble(text_of(ticket, "description"));
    const std::string subject = text_of(ticket, "subject");
    if (subject.empty()) ++seen["empty subject"];
    if (subject.size() > 250) ++seen["long subject"];
    if (ticket.at("responder_id").is_null()) ++seen["unassigned"];
    if (ticket.at("status").as_int64() > 7) ++seen["own status"];
    if (ticket.at("requester").at("email").is_null()) ++seen["no e-mail"];
    if (ticket.at("to_emails").is_null()) ++seen["no to"];
    for (const Value& tag : ticket.at("tags").as_array()) {
      if (tag.as_string().find(' ') != boost::json::string::npos) ++seen["blank in tag"];
      if (tag.as_string().find(',') != boost::json::string::npos) ++seen["comma in tag"];
    }
    const Object& custom = ticket.at("custom_fields").as_object();
    CHECK(custom.size() == 12);
    if (custom.at("cf_amount").is_string()) ++seen["decimal as text"];
    if (custom.at("cf_amount").is_double()) ++seen["decimal as number"];
    if (custom.at("cf_installed_on") == Value("9999-12-31")) ++seen["year 9999"];
    if (custom.at("cf_site").is_string() && custom.at("cf_room").is_null()) ++seen["half a nested field"];
    std::set<std::string> names;
    const auto files = [&](const Value& owner) {
      for (const Value& file : owner.at("attachments").as_array()) {
        const std::string name = text_of(file, "name");
        if (!names.insert(name).second) ++seen["duplicate name"];
        if (std::any_of(name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) > 127; }))
          ++seen["Unicode name"];
        if (file.at("size") == Value(0)) ++seen["0 bytes"];
        if (file.at("size").to_number<int>() > 100'000) ++seen["100 KB"];
      }
    };
    files(ticket);
    std::string first;
    for (const Value& each : ticket.at("conversations").as_array()) {
      text_trouble(text_of(each, "body"));
      files(each);
      if (each.at("private") == Value(true)) ++seen["note"];
      if (each.at("incoming") == Value(true)) ++seen["incoming"];
      if (each.at("from_email").is_null()) ++seen["no sender"];
      if (!each.at("cloud_files").as_array().empty()) ++seen["cloud file"];
      if (each.at("last_edited_at").is_string()) ++seen["edited"];
      ++seen[fmt::format("source {}", each.at("source").as_int64())];
    }
    const auto& conversations = ticket.at("conversations").as_array();
    if (ticket.at("source") == Value(7) && !conversations.empty() &&
        conversations[0].at("body_text") == ticket.at("description_text")) {
      ++seen["chat repeats the description"];
    }
  }
  const std::vector<std::string> wanteds{"empty body",
                                         "64 KB",
                                         "1 MB",
                                         "\r\n",
                                         "&amp;",
                                         "&nbsp;",
                                         "dir=\"rtl\"",
                                         "src=\"cid:",
                                         "src=\"data:",
                                         "<table",
                                         "<pre>",
                                         "{code}",
                                         "\U0001F600",
                                         "&#x1F4A9;",
                                         "freshdesk_quote",
                                         "<!--",
                                         "empty subject",
                                         "long subject",
                                         "unassigned",
                                         "own status",
                                         "no e-mail",
                                         "no to",
                                         "blank in tag",
                                         "comma in tag",
                                         "decimal as text",
                                         "decimal as number",
                                         "year 9999",
                                         "half a nested field",
                                         "duplicate name",
                                         "Unicode name",
                                         "0 bytes",
                                         "100 KB",
                                         "note",
                                         "incoming",
                                         "no sender",
                                         "cloud file",
                                         "edited",
                                         "source 0",
                                         "source 2",
                                         "source 15",
                                         "chat repeats the description"};
  for (const std::string& wanted : wanteds) {
    INFO(wanted);
    CHECK(seen[wanted] > 0);
  }
  CHECK(seen["<script>"] == 0);  // the service lets none in
}
