// What the stand-in refuses and permits: credentials, validation, lists, quotas, addresses of files, plans.
#include <random>
#include <set>

#include "desk.hpp"
#include "migrate/plugin.hpp"

MIGRATE_DECLARE_PLUGIN(freshdesk);

using namespace desk_tests;

namespace {

std::string fault(Desk& desk, const std::string& target) {
  const http::Response response = desk.api(target);
  if (response.status != 400) return fmt::format("status {}", response.status);
  const Value body = boost::json::parse(response.body);
  CHECK(body.at("description") == Value("Validation failed"));
  std::string faults;
  for (const Value& each : body.at("errors").as_array()) {
    faults += fmt::format("{}: {} ({})\n", text_of(each, "field"), text_of(each, "message"), text_of(each, "code"));
  }
  return faults;
}

double header(const http::Response& response, std::string_view name) {
  return std::stod(std::string(response.headers.get(name)));
}

}  // namespace

TEST_CASE("a wrong key, another scheme and no key are refused; any password will do") {
  Desk desk;
  for (const std::string& key : {std::string("wrong"), std::string()}) {
    const http::Response response = desk.api("/tickets", key);
    CHECK(response.status == 401);
    CHECK(boost::json::parse(response.body) ==
          boost::json::parse(
              R"({"code":"invalid_credentials","message":"You have to be logged in to perform this action."})"));
  }
  http::Request bearer = Desk::request("GET", "/api/v2/tickets", "");
  bearer.headers.set("Authorization", "Bearer " + admin);
  CHECK(desk.send(bearer).status == 401);
  http::Request raw = Desk::request("GET", "/api/v2/tickets", "");
  raw.headers.set("Authorization", "Basic " + admin + ":X");
  CHECK(desk.send(raw).status == 401);
  http::Request other = Desk::request("GET", "/api/v2/agents/me", "");
  other.headers.set("Authorization", "Basic " + base64_encode(admin + ":anything at all"));
  CHECK(desk.send(other).status == 200);
}

TEST_CASE("media types, unknown addresses and verbs are refused as documented") {
  Desk desk;
  http::Request xml = Desk::request("GET", "/api/v2/tickets");
  xml.headers.set("Accept", "application/xml");
  CHECK(desk.send(xml).status == 406);
  xml.headers.set("Accept", "text/html, application/json;q=0.5");
  CHECK(desk.send(xml).status == 200);
  xml.headers.set("Content-Type", "application/xml");
  CHECK(desk.send(xml).status == 415);

  const http::Response unknown = desk.api("/no/such/thing");
  CHECK(unknown.status == 404);
  CHECK(unknown.body.empty());
  const http::Response elsewhere = desk.send(Desk::request("GET", "/helpdesk"));
  CHECK(elsewhere.status == 404);
  CHECK(elsewhere.headers.get("Content-Type").starts_with("text/html"));
  CHECK(desk.api("/tickets/abc").status == 404);
  CHECK(desk.api("/tickets/1/").status == 404);

  const http::Response put = desk.send(Desk::request("PUT", "/api/v2/tickets"));
  CHECK(put.status == 405);
  CHECK(put.headers.get("Allow") == "GET, POST");
  CHECK(desk.send(Desk::request("POST", "/api/v2/tickets")).status == 403);
  CHECK(desk.send(Desk::request("HEAD", "/api/v2/tickets")).status == 200);
}

TEST_CASE("parameters are validated, every fault at once, and unknown ones refused") {
  Desk desk;
  CHECK(fault(desk, "/tickets?per_page=101") ==
        "per_page: It should be a Positive Integer less than or equal to 100 (invalid_value)\n");
  CHECK(fault(desk, "/tickets?page=0") == "page: It should be a Positive Integer (invalid_value)\n");
  CHECK(fault(desk, "/tickets?page=one") == "page: It should be a Positive Integer (invalid_value)\n");
  CHECK(fault(desk, "/tickets?limit=100") == "limit: Unexpected/invalid field in request (invalid_field)\n");
  const std::vector<std::string> wrong_ones{"order_by=id",
                                            "order_type=up",
                                            "include=everything",
                                            "include=requester,,stats",
                                            "filter=all",
                                            "updated_since=yesterday",
                                            "updated_since=2026-2-1",
                                            "updated_since=2026-02-30",
                                            "requester_id=x",
                                            "email=nobody@nowhere.test"};
  for (const std::string& wrong : wrong_ones) {
    INFO(wrong);
    CHECK(fault(desk, "/tickets?" + wrong).ends_with(")\n"));
  }
  CHECK(fault(desk, "/tickets?per_page=200&a=b") ==
        "a: Unexpected/invalid field in request (invalid_field)\n"
        "per_page: It should be a Positive Integer less than or equal to 100 (invalid_value)\n");
  CHECK(fault(desk, "/agents/me?page=1") == "page: Unexpected/invalid field in request (invalid_field)\n");
  CHECK(fault(desk, "/tickets/61?include=description").starts_with("include: "));
  CHECK(fault(desk, "/tickets/archived/61?include=stats").starts_with("include: "));
  const std::vector<std::string> right_ones{"2026-02-01",
                                            "2026-02-01T10:00",
                                            "2026-02-01T10:00Z",
                                            "2026-02-01T10:00:00",
                                            "2026-02-01T10:00:00Z",
                                            "2026-02-01T10:00:00%2B05:30",
                                            "2026-02-01T10:00:00-08",
                                            "2026-02-01T10:00:00%2B0530"};
  for (const std::string& right : right_ones) {
    INFO(right);
    CHECK(desk.api("/tickets?updated_since=" + right).status == 200);
  }
}

TEST_CASE("a list without updated_since holds what was made in the last 30 days, newest first, 30 a page") {
  Desk desk(120, generous());
  const Value page = desk.json("/tickets");
  const auto& items = page.get_array();
  CHECK(items.size() == 30);
  for (std::size_t i = 0; i < items.size(); ++i) {
    CHECK(text_of(items[i], "created_at") > "2026-01-04T10:20:30Z");
    if (i > 0) CHECK(text_of(items[i - 1], "created_at") >= text_of(items[i], "created_at"));
  }
  const std::size_t recent = desk.all("/tickets?per_page=100").size();
  const std::size_t all = desk.all(every_ticket).size();
  CHECK(recent > 30);
  CHECK(all > recent + 20);
  CHECK(all < 120);  // deleted, spam and archived ones are not among them
}

TEST_CASE("updated_since includes its second, and order_by and order_type order") {
  Desk desk(120, generous());
  const auto items = desk.all(every_ticket);
  for (std::size_t i = 1; i < items.size(); ++i) {
    CHECK(text_of(items[i - 1], "updated_at") <= text_of(items[i], "updated_at"));
  }
  const std::string time = text_of(items[40], "updated_at");
  const auto since = desk.all("/tickets?order_by=updated_at&order_type=asc&updated_since=" + time);
  std::size_t first = 40;
  while (first > 0 && text_of(items[first - 1], "updated_at") == time) --first;
  CHECK(since.size() == items.size() - first);
  CHECK(id_of(since.front()) == id_of(items[first]));
  auto previous = std::string("9999");
  for (const Value& item : desk.all("/tickets?updated_since=2000-01-01&order_by=due_by")) {
    CHECK(text_of(item, "due_by") <= previous);
    previous = text_of(item, "due_by");
  }
  std::int64_t status = 0;
  for (const Value& item : desk.all("/tickets?updated_since=2000-01-01&order_by=status&order_type=asc")) {
    CHECK(item.at("status").as_int64() >= status);
    status = item.at("status").as_int64();
  }
}

TEST_CASE(
    "a list has a description, requester and statistics where they are included, and never company or attachments") {
  Desk desk;
  for (const Value& item : items_of(desk.json(every_ticket))) {
    for (const char* name : {"description", "description_text", "requester", "stats", "company", "attachments"}) {
      CHECK_FALSE(item.get_object().contains(name));
    }
  }
  for (const Value& item : items_of(desk.json(every_ticket + "&include=description,requester,stats"))) {
    CHECK(item.at("description").is_string());
    CHECK(item.at("description_text").is_string());
    CHECK(item.at("requester").at("id") == item.at("requester_id"));
    CHECK(item.at("stats").get_object().contains("first_responded_at"));
    CHECK_FALSE(item.get_object().contains("company"));
    CHECK_FALSE(item.get_object().contains("attachments"));
  }
  CHECK(fault(desk, every_ticket + "&include=company").starts_with("include: "));
}

TEST_CASE("pages are linked until the cap; behind it the service refuses") {
  Desk desk(60, with(generous(), "page_cap", 2));
  const std::string list = every_ticket + "&per_page=10";
  http::Response response = desk.api(list);
  CHECK(Desk::next_page(response).find("page=2") != std::string::npos);
  response = desk.send(Desk::request("GET", Desk::next_page(response)));
  CHECK(response.status == 200);
  response = desk.send(Desk::request("GET", Desk::next_page(response)));
  CHECK(response.status == 400);
  CHECK(response.body.find("You cannot access tickets beyond the 2th page. Please provide a smaller page number.") !=
        std::string::npos);
  CHECK(fault(desk, list + "&page=3").starts_with("page: "));
  Desk real(3, generous());
  CHECK(real.api("/tickets?page=300").status == 200);
  CHECK(real.api("/tickets?page=301").status == 400);
  CHECK(real.json("/tickets?page=300").as_array().empty());
  CHECK(real.api("/contacts?page=301").status == 200);
}

TEST_CASE("credits, the limits of lists, and their headers") {
  Desk desk(30, Object{{"quota_per_minute", 20}, {"list_per_minute", 3}});
  http::Response response = desk.api("/agents/me");
  CHECK(header(response, "x-ratelimit-total") == 20);
  CHECK(header(response, "x-ratelimit-remaining") == 19);
  CHECK(header(response, "x-ratelimit-used-currentrequest") == 1);
  const std::string one(response.headers.get("X-RateLimit-Total"));
  response = desk.api(every_ticket + "&include=description,requester,stats");
  CHECK(header(response, "x-ratelimit-used-currentrequest") == 7);
  CHECK(header(response, "x-ratelimit-remaining") == 12);
  CHECK(std::string(response.headers.get("X-RateLimit-Total")) != one);  // "20" and "20.0"
  std::set<std::string> spellings;
  for (const auto& [name, value] : response.headers) spellings.insert(name);
  for (const auto& [name, value] : desk.api("/nothing").headers) spellings.insert(name);
  CHECK(spellings.count("X-RateLimit-Total") + spellings.count("X-Ratelimit-Total") == 2);

  const std::int64_t ticket = id_of(desk.json("/tickets?per_page=1").at(0));
  response = desk.api(fmt::format("/tickets/{}?include=conversations,company", ticket));
  CHECK(header(response, "x-ratelimit-used-currentrequest") == 3);
  CHECK(header(response, "x-ratelimit-remaining") == 7);  // the unknown address counted too
  CHECK(desk.api("/tickets?per_page=0").status == 400);
  response = desk.api("/tickets");
  CHECK(response.status == 429);  // the fourth list, though credits are left
  CHECK(header(response, "x-ratelimit-remaining") == 5);
  CHECK(response.headers.get("Retry-After") == "30");
  CHECK(boost::json::parse(response.body) ==
        boost::json::parse(R"({"message":"You have exceeded the limit of requests per minute"})"));
  CHECK(desk.api("/contacts").status == 200);  // has a limit of its own

  for (int i = 0; i < 4; ++i) CHECK(desk.api("/agents/me", i < 3 ? "wrong" : admin).status == (i < 3 ? 401 : 200));
  desk.wait(12);
  response = desk.api("/agents/me");
  CHECK(response.status == 429);
  CHECK(response.headers.get("Retry-After") == "18");
  CHECK(header(response, "x-ratelimit-remaining") == 0);
  CHECK_FALSE(desk.open(store_origin + "/data/x").headers.has("Retry-After"));  // files cost nothing
  desk.wait(18);
  response = desk.api("/tickets");
  CHECK(response.status == 200);
  CHECK_FALSE(response.headers.has("Retry-After"));
  CHECK(header(response, "x-ratelimit-remaining") == 19);
}

TEST_CASE("plans: quotas, and features that the smallest lacks") {
  Desk growth(40, Object{{"plan", "growth"}});
  const http::Response response = growth.api("/tickets/70/time_entries");
  CHECK(response.status == 403);
  CHECK(boost::json::parse(response.body).at("code") == Value("require_feature"));
  CHECK(header(response, "x-ratelimit-total") == 200);
  const std::vector<std::string> extras{"/tickets/70/satisfaction_ratings", "/time_entries",
                                        "/surveys/satisfaction_ratings", "/tickets/archived/70",
                                        "/tickets/archived/70/conversations"};
  for (const std::string& target : extras) {
    CHECK(growth.api(target).status == 403);
  }
  for (int i = 0; i < 20; ++i) CHECK(growth.api("/tickets?per_page=1").status == 200);
  CHECK(growth.api("/tickets?per_page=1").status == 429);
  CHECK(header(Desk(1, Object{{"plan", "trial"}}).api("/agents/me"), "x-ratelimit-total") == 50);
  CHECK(header(Desk(1, Object{{"plan", "enterprise"}}).api("/agents/me"), "x-ratelimit-total") == 700);
  CHECK(header(Desk(1).api("/agents/me"), "x-ratelimit-total") == 400);
}

TEST_CASE("settings that do not exist are refused") {
  CHECK_THROWS_AS(Desk(1, Object{{"pagecap", 3}}), Error);
  CHECK_THROWS_AS(Desk(1, Object{{"plan", "gold"}}), Error);
  CHECK_THROWS_AS(Desk(1, Object{{"page_cap", 0}}), Error);
}

TEST_CASE("an agent with restricted scope silently sees fewer tickets") {
  Desk desk(120, generous());
  const Value me = desk.json("/agents/me", restricted);
  CHECK(me.at("ticket_scope") == Value(3));
  CHECK(desk.json("/agents/me").at("ticket_scope") == Value(1));
  const auto all = desk.all(every_ticket), own = desk.all(every_ticket, restricted);
  CHECK(own.size() > 0);
  CHECK(own.size() < all.size() / 2);
  for (const Value& item : own) CHECK(item.at("responder_id") == me.at("id"));
  const Value& foreign = first_of(all, [&](const Value& item) { return item.at("responder_id") != me.at("id"); });
  CHECK(desk.api(fmt::format("/tickets/{}", id_of(foreign)), restricted).status == 403);
  CHECK(desk.api(fmt::format("/tickets/{}", id_of(foreign))).status == 200);
}

TEST_CASE("no request, however broken, is answered with anything but an answer") {
  Desk desk(40, generous());
  std::mt19937 random(11);
  const auto below = [&](std::size_t bound) {
    return std::uniform_int_distribution<std::size_t>(0, bound - 1)(random);
  };
  const std::vector<std::string> parts{"tickets",
                                       "/",
                                       "archived",
                                       "?",
                                       "&",
                                       "page=",
                                       "per_page=",
                                       "61",
                                       "-1",
                                       "99999999999999999999",
                                       "%",
                                       "%zz",
                                       "%00",
                                       "include=",
                                       "query=",
                                       "%22status:2%22",
                                       "(((",
                                       "contacts",
                                       "conversations",
                                       "updated_since=",
                                       "2026-02-30T25:61:61Z",
                                       "jobs",
                                       "token=",
                                       "a.b.c",
                                       "\xff",
                                       "=",
                                       "inline/attachment",
                                       "search/",
                                       "agents/",
                                       "null"};
  const std::set<int> expected{200, 301, 302, 400, 403, 404, 405};
  for (int i = 0; i < 4000; ++i) {
    std::string target = below(4) ? "/api/v2/" : "/";
    for (std::size_t more = below(7); more > 0; --more) target += parts[below(parts.size())];
    INFO(target);
    http::Request request = Desk::request("GET", "/");
    request.headers.set("Host", below(5) ? "desk.test" : "files.test");
    if (below(5) == 0) request.headers.remove("Authorization");
    request.target = target;
    const int status = desk.raw(std::move(request)).status;
    CHECK((expected.count(status) == 1 || status == 401));
  }
}

TEST_CASE("reached through a host: the second origin, the redirect, the log without the key") {
  Services services;
  services.clock = Clock::simulated(std::chrono::system_clock::time_point(std::chrono::seconds(start)));
  testing::SimulatorOptions options;
  options.items = 60;
  Registry registry;
  registry.add(MIGRATE_PLUGIN_SYMBOL(freshdesk));
  testing::SimulatorHost host("freshdesk", registry.make_simulator("freshdesk", options, services), services);
  http::SimulatedTransport transport;
  host.attach(transport, desk_origin, store_origin);
  std::string log;
  host.observe([&](const Value& exchange) { log += boost::json::serialize(exchange); });
  boost::asio::io_context context;
  const auto get = [&](const std::string& url, bool authorized) {
    const http::Url to = http::parse_url(url);
    http::Request request = Desk::request("GET", to.target, authorized ? admin : "");
    http::Response response;
    boost::asio::co_spawn(context, transport.exchange(to, std::move(request), http::ExchangeLimits()),
                          [&](std::exception_ptr trouble, http::Response answer) {
                            CHECK_FALSE(trouble);
                            response = std::move(answer);
                          });
    context.run();
    context.restart();
    return response;
  };
  CHECK(get(desk_origin + "/api/v2/agents/me", true).status == 200);
  const std::string list = get(desk_origin + "/api/v2" + every_ticket + "&include=description&per_page=100", true).body;
  const std::string address = desk_origin + "/inline/attachment?token=";
  const std::size_t at = list.find(address);
  REQUIRE(at != std::string::npos);
  const std::string url = list.substr(at, list.find("\\\"", at) - at);
  const http::Response moved = get(url, false);
  REQUIRE(moved.status == 302);
  const std::string location(moved.headers.get("Location"));
  CHECK(get(location, true).status == 400);
  CHECK(get(location, false).status == 200);
  CHECK(host.counters().requests == 5);
  CHECK(log.find("agents/me") != std::string::npos);
  CHECK(log.find(base64_encode(admin + ":X")) == std::string::npos);
}
