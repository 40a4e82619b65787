// Reading all tickets: seconds that many share, changes meanwhile, the search, the export.
#include <algorithm>
#include <map>
#include <set>

#include "desk.hpp"

using namespace desk_tests;

namespace {

/// Reads as the documents advise: ascending by the last update, windows at the cap of pages.
struct Reader {
  Desk& desk;
  std::int64_t page_cap;
  int page_size;
  std::map<std::int64_t, std::string> seen = {};  ///< the time of the last update that was seen
  int doubles = 0, windows = 1;

  /// Returns how many were new or had changed.
  int pass(std::string since) {
    int news = 0;
    std::set<std::int64_t> in_pass;
    for (std::int64_t page = 1;; ++page) {
      const http::Response response = desk.api(fmt::format(
          "/tickets?order_by=updated_at&order_type=asc&updated_since={}&per_page={}&page={}", since, page_size, page));
      REQUIRE(response.status == 200);
      desk.wait(1);
      const Value body = boost::json::parse(response.body);
      for (const Value& item : body.get_array()) {
        if (!in_pass.insert(id_of(item)).second) ++doubles;
        std::string& known = seen[id_of(item)];
        if (known != text_of(item, "updated_at")) ++news;
        known = text_of(item, "updated_at");
      }
      if (!response.headers.has("link")) return news;
      if (page < page_cap) continue;
      const std::string last = text_of(body.get_array().back(), "updated_at");
      REQUIRE(last != since);
      since = last;
      page = 0;
      ++windows;
    }
  }
};

}  // namespace

TEST_CASE("many tickets share a second, also across the borders of pages and windows") {
  Desk desk(700, generous());
  const auto items = desk.all(every_ticket + "&per_page=100");
  REQUIRE(items.size() > 401);
  for (std::size_t border = 10; border < items.size(); border += 10) {
    CHECK(text_of(items[border - 1], "updated_at") == text_of(items[border], "updated_at"));
  }
  bool by_id = true;
  for (std::size_t border = 100; border + 3 < items.size(); border += 100) {
    for (std::size_t i = border - 3; i < border + 3; ++i) {
      CHECK(text_of(items[i], "updated_at") == text_of(items[border], "updated_at"));
      by_id = by_id && (i == border - 3 || id_of(items[i - 1]) < id_of(items[i]));
    }
  }
  CHECK_FALSE(by_id);
  Desk crowd(200, with(generous(), "same_second", 100));
  std::set<std::string> times;
  for (const Value& item : crowd.all(every_ticket)) times.insert(text_of(item, "updated_at"));
  CHECK(times.size() == 1);
}

TEST_CASE("tickets that change while they are read: page numbers lose some for good, windows of one page lose none") {
  const Object settings = with(with(with(generous(), "touch_every", 1), "page_cap", 3), "change_limit", 40);
  const auto wanted = [](Desk& desk) {
    std::map<std::int64_t, std::string> times;
    for (const Value& ticket : of_kind(desk.simulator->state(), "active")) {
      times[id_of(ticket)] = text_of(ticket, "updated_at");
    }
    return times;
  };
  Desk paged(400, settings);
  Reader by_page{paged, 3, 10};
  by_page.pass("2000-01-01T00:00:00Z");
  CHECK(by_page.doubles > 0);
  CHECK(by_page.windows > 5);
  // What a moved ticket let slip past the border of a page is as old as ever: reading what is new does not find it.
  while (by_page.pass("2026-02-03T10:19:30Z") > 0) {
  }
  CHECK(by_page.seen.size() < wanted(paged).size());

  Desk desk(400, settings);
  const auto before = desk.simulator->state();
  Reader by_window{desk, 1, 10};
  by_window.pass("2000-01-01T00:00:00Z");
  CHECK(by_window.seen.size() == wanted(desk).size());
  while (by_window.pass("2026-02-03T10:19:30Z") > 0) {
  }
  CHECK(by_window.seen == wanted(desk));
  const Value after = desk.simulator->state();
  CHECK(after.at("changes") == Value(40));
  std::size_t more_conversations = 0, changed = 0, notes = 0;
  for (std::size_t i = 0; i < before.at("tickets").as_array().size(); ++i) {
    const Value &old = before.at("tickets").at(i), &now = after.at("tickets").at(i);
    changed += old != now;
    if (old != now) CHECK(text_of(now, "updated_at") >= "2026-02-03T10:20:30Z");
    const auto &had = old.at("conversations").get_array(), &has = now.at("conversations").get_array();
    for (std::size_t k = 0; k < had.size(); ++k) CHECK(had[k] == has[k]);
    more_conversations += has.size() - had.size();
    for (std::size_t k = had.size(); k < has.size(); ++k) {
      notes += has[k].at("private") == Value(true);
      CHECK(text_of(has[k], "created_at") >= "2026-02-03T10:20:30Z");
    }
  }
  CHECK(changed > 25);
  CHECK(more_conversations == 20);
  CHECK(notes == 10);
}

TEST_CASE("tickets that are deleted while they are read leave the list and appear in that of deleted ones") {
  Desk desk(200, with(generous(), "delete_every", 2));
  const std::size_t active = of_kind(desk.simulator->state(), "active").size();
  const std::size_t deleted = of_kind(desk.simulator->state(), "deleted").size();
  desk.all(every_ticket + "&per_page=10");
  const Value state = desk.simulator->state();
  const auto gone = static_cast<std::size_t>(state.at("changes").as_int64());
  CHECK(gone > 3);
  CHECK(of_kind(state, "active").size() == active - gone);
  CHECK(ids_of(desk.all(every_ticket + "&filter=deleted&per_page=100")).size() >= deleted + gone);
}

TEST_CASE("the search takes the documented queries, 30 a page and 10 pages, and lags behind") {
  Desk desk(400, with(with(generous(), "touch_every", 1), "change_limit", 1));
  const auto found = [&](const std::string& query) {
    return desk.json("/search/tickets?query=" + http::encode('"' + query + '"'));
  };
  const auto all = of_kind(desk.simulator->state(), "active");
  const auto count = [&](auto wanted) {
    return static_cast<std::size_t>(std::count_if(all.begin(), all.end(), wanted));
  };
  const Value closed = found("status:5");
  CHECK(closed.at("total") == Value(count([](const Value& each) { return each.at("status") == Value(5); })));
  CHECK(closed.at("results").as_array().size() == 30);
  CHECK(found("(status:2 OR status:3) AND priority:>3").at("total") == Value(count([](const Value& each) {
          return each.at("status").as_int64() <= 3 && each.at("priority").as_int64() >= 3;
        })));
  CHECK(found("created_at:<'2025-06-30' AND agent_id:null").at("total") == Value(count([](const Value& each) {
          return text_of(each, "created_at") < "2025-07-01" && each.at("responder_id").is_null();
        })));
  CHECK(found("type:'Incident' AND tag:'a,b'").at("total") == Value(count([](const Value& each) {
          const auto& tags = each.at("tags").as_array();
          return each.at("type") == Value("Incident") &&
                 std::find(tags.begin(), tags.end(), Value("a,b")) != tags.end();
        })));
  const std::vector<std::string> wrong_ones{"status=2",    "status:open", "status:2 AND",    "(status:2",
                                            "cf_vip:true", "type:5",      "created_at:'now'"};
  for (const std::string& wrong : wrong_ones) {
    INFO(wrong);
    CHECK(desk.api("/search/tickets?query=" + http::encode('"' + wrong + '"')).status == 400);
  }
  CHECK(desk.api("/search/tickets?query=status:5").status == 400);
  CHECK(desk.api("/search/tickets?query=%22status:5%22&page=10").status == 200);
  CHECK(desk.api("/search/tickets?query=%22status:5%22&page=11").status == 400);
  CHECK(desk.api("/search/tickets?query=" + http::encode('"' + std::string(600, '(') + '"')).status == 400);

  desk.json(every_ticket);  // changes one
  CHECK(found("updated_at:'2026-02-03'").at("total") == Value(0));
  desk.wait(121);
  CHECK(found("updated_at:'2026-02-03'").at("total") == Value(1));
}

TEST_CASE("an export runs for a while, then holds archived tickets behind an address that expires") {
  Desk desk(60, with(generous(), "export_seconds", 60));
  const auto post = [&](const std::string& body, const std::string& key = admin) {
    http::Request request = Desk::request("POST", "/api/v2/account/export", key);
    request.headers.set("Content-Type", "application/json");
    request.body = body;
    return desk.send(request);
  };
  const std::string wanted =
      R"({"date_range":{"start_date":"2000-01-01T00:00:00Z","end_date":"2030-01-01T00:00:00Z"},
          "resources":[{"name":"tickets"},{"name":"archive_tickets","include":["notes","attachments"]}],"output_format":"json"})";
  CHECK(post("{").status == 400);
  CHECK(post("{}").status == 400);
  CHECK(post(R"({"date_range":{"start_date":"2000-01-01","end_date":"2030-01-01"},"resources":[{"name":"forums"}]})")
            .status == 400);
  CHECK(post(wanted, restricted).status == 403);
  const http::Response started = post(wanted);
  CHECK(started.status == 202);
  const Value job = boost::json::parse(started.body).at("job");
  CHECK(text_of(job.at("link"), "href").starts_with("desk.test/api/v2/jobs/"));
  const std::string address = fmt::format("/jobs/{}", id_of(job));
  CHECK(desk.json(address).at("status") == Value("IN PROGRESS"));
  CHECK_FALSE(desk.json(address).get_object().contains("download_url"));
  desk.wait(30);
  CHECK(desk.json(address).at("progress") == Value(50));
  desk.wait(30);
  const Value done = desk.json(address);
  CHECK(done.at("status") == Value("COMPLETED"));
  const std::string url = text_of(done, "download_url");
  const Value exported = boost::json::parse(desk.open(url).body);
  const Value state = desk.simulator->state();
  std::set<std::int64_t> archived;
  for (const Value& ticket : exported.at("archive_tickets").as_array()) {
    archived.insert(id_of(ticket));
    CHECK(ticket.at("notes").is_array());
  }
  CHECK(archived == ids_of(of_kind(state, "archived")));
  CHECK(exported.at("tickets").as_array().size() == 60 - archived.size());
  desk.wait(301);
  CHECK(desk.open(url).status == 403);
  CHECK(desk.open(text_of(desk.json(address), "download_url")).status == 200);
  CHECK(desk.api("/jobs/1").status == 404);
}
