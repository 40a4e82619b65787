// Files: signed addresses that expire, images in the text, and what is lost.
#include <map>
#include <set>

#include "desk.hpp"

using namespace desk_tests;

TEST_CASE("addresses of files are signed, expire, and refuse credentials") {
  Desk desk(120, with(with(generous(), "url_seconds", 300), "removed_tickets", "shown"));
  const Value state = desk.simulator->state();
  std::map<std::int64_t, Value> known;
  std::set<std::uint64_t> sizes;
  int files = 0;
  for (const Value& ticket : state.at("tickets").as_array()) {
    if (ticket.at("kind") == Value("archived") || files > 60) continue;
    for (const Value& file : ticket.at("attachments").as_array()) known[id_of(file)] = file;
    for (const Value& file : items_of(desk.json(fmt::format("/tickets/{}", id_of(ticket))).at("attachments"))) {
      const http::Response response = desk.open(text_of(file, "attachment_url"));
      CHECK(response.status == 200);
      CHECK(response.body.size() == file.at("size").to_number<std::uint64_t>());
      CHECK(sha256(response.body) == text_of(known.at(id_of(file)), "sha256"));
      sizes.insert(response.body.size());
      ++files;
    }
  }
  CHECK(files > 40);
  CHECK(*sizes.begin() == 0);
  CHECK(*sizes.rbegin() > 50'000);

  const Value& with_file = first_of(state.at("tickets").as_array(), [](const Value& ticket) {
    return ticket.at("kind") == Value("active") && !ticket.at("attachments").as_array().empty();
  });
  const std::string address = fmt::format("/tickets/{}", id_of(with_file));
  const std::string url = text_of(desk.json(address).at("attachments").at(0), "attachment_url");
  CHECK(url.starts_with(store_origin + "/"));
  http::Request authorized = Desk::request("GET", url);
  http::Response response = desk.send(authorized);
  CHECK(response.status == 400);
  CHECK(response.body.find("Only one auth mechanism allowed") != std::string::npos);
  CHECK(desk.send(Desk::request("HEAD", url, "")).status == 403);
  CHECK(desk.open(url.substr(0, url.find('?'))).body.find("<Code>AccessDenied</Code>") != std::string::npos);
  std::string longer = url;
  longer.replace(longer.find("X-Amz-Expires=300"), 17, "X-Amz-Expires=999");
  CHECK(desk.open(longer).body.find("<Code>SignatureDoesNotMatch</Code>") != std::string::npos);
  desk.wait(300);
  CHECK(desk.open(url).status == 200);
  desk.wait(1);
  response = desk.open(url);
  CHECK(response.status == 403);
  CHECK(response.headers.get("Content-Type") == "application/xml");
  CHECK(response.body.find("<Code>AccessDenied</Code><Message>Request has expired</Message>") != std::string::npos);
  const std::string again = text_of(desk.json(address).at("attachments").at(0), "attachment_url");
  CHECK(again != url);
  CHECK(desk.open(again).status == 200);
}

TEST_CASE("images in the text: tokens lead to the other host, old addresses are open, some lead nowhere") {
  Desk desk(400, generous());
  int by_token = 0, open = 0, vanished = 0, unlisted = 0;
  const Value state = desk.simulator->state();
  for (const Value& ticket : state.at("tickets").as_array()) {
    const std::string html = text_of(ticket, "description");
    for (const Value& image : ticket.at("inline_images").as_array()) {
      if (image.get_object().contains("vanished")) {
        ++vanished;
        continue;
      }
      if (image.at("by_token") == Value(true)) {
        ++by_token;
      } else {
        const std::string path = fmt::format("/data/helpdesk/attachments/production/{}/original/", id_of(image));
        const std::size_t at = html.find(path);
        REQUIRE(at != std::string::npos);
        std::string url = html.substr(at, html.find('"', at) - at);
        url.replace(url.find("&amp;"), 5, "&");
        const http::Response response = desk.open(store_origin + url);
        CHECK(response.status == 200);
        CHECK(sha256(response.body) == text_of(image, "sha256"));
        CHECK(desk.send(Desk::request("GET", store_origin + url)).status == 400);
        ++open;
      }
      if (image.at("listed") == Value(false)) ++unlisted;
    }
    const std::string token_address = "src=\"" + desk_origin + "/inline/attachment?token=";
    for (std::size_t at = html.find(token_address); at != std::string::npos; at = html.find(token_address, at + 1)) {
      const std::string url = html.substr(at + 5, html.find('"', at + 5) - at - 5);
      std::string payload;
      const std::string token = url.substr(url.find('=') + 1);
      const std::size_t first = token.find('.') + 1;
      REQUIRE(base64_decode(token.substr(first, token.rfind('.') - first), payload, Base64::url));
      const std::int64_t id = boost::json::parse(payload).at("id").as_int64();
      const Value& image =
          first_of(ticket.at("inline_images").as_array(), [&](const Value& known) { return id_of(known) == id; });
      const http::Response response = desk.open(url);
      if (image.get_object().contains("vanished")) {
        CHECK(response.status == 404);
        continue;
      }
      CHECK(response.status == 302);
      const std::string location(response.headers.get("Location"));
      CHECK(location.starts_with(store_origin + "/"));
      CHECK(sha256(desk.open(location).body) == text_of(image, "sha256"));
      CHECK(desk.open(url.substr(0, url.size() - 2)).status == 404);
    }
  }
  CHECK(by_token > 20);
  CHECK(open > 5);
  CHECK(vanished > 2);
  CHECK(unlisted > 10);
}

TEST_CASE("a part of a file is answered as such, and one that is not there refused") {
  Desk desk(60, generous());
  const auto ask = [&](const std::string& url, const std::string& range) {
    http::Request request = Desk::request("GET", url, "");
    request.headers.set("Range", range);
    return desk.send(request);
  };
  int empty = 0, others = 0;
  for (const Value& ticket : desk.all(every_ticket)) {
    for (const Value& file : items_of(desk.json(fmt::format("/tickets/{}", id_of(ticket))).at("attachments"))) {
      const std::string url = text_of(file, "attachment_url"), whole = desk.open(url).body;
      const http::Response first = ask(url, "bytes=0-0"), last = ask(url, "bytes=-3"), behind = ask(url, "bytes=2-");
      ++(whole.empty() ? empty : others);
      CHECK(ask(url, "lines=1-2").status == 200);
      if (whole.empty()) {
        CHECK(first.status == 416);
        CHECK(first.headers.get("Content-Range") == "bytes */0");
        CHECK(last.status == 416);
        continue;
      }
      CHECK(first.status == 206);
      CHECK(first.body == whole.substr(0, 1));
      CHECK(first.headers.get("Content-Range") == fmt::format("bytes 0-0/{}", whole.size()));
      CHECK(last.body == whole.substr(whole.size() - std::min<std::size_t>(3, whole.size())));
      if (whole.size() > 2) CHECK(behind.body == whole.substr(2));
      CHECK(ask(url, fmt::format("bytes={}-", whole.size())).status == 416);
      CHECK(ask(url, "bytes=0-999999999").body == whole);
    }
  }
  CHECK(empty > 0);
  CHECK(others > 10);
}

TEST_CASE("lost files: their addresses are good and lead nowhere") {
  Desk desk(120, with(with(generous(), "lost_file_every", 4), "removed_tickets", "shown"));
  int lost = 0, found = 0;
  const Value state = desk.simulator->state();
  for (const Value& ticket : state.at("tickets").as_array()) {
    if (ticket.at("kind") == Value("archived")) continue;
    const Value view = desk.json(fmt::format("/tickets/{}", id_of(ticket)));
    for (std::size_t i = 0; i < ticket.at("attachments").as_array().size(); ++i) {
      const bool gone = ticket.at("attachments").at(i).get_object().contains("lost");
      CHECK(desk.open(text_of(view.at("attachments").at(i), "attachment_url")).status == (gone ? 404 : 200));
      ++(gone ? lost : found);
    }
  }
  CHECK(lost > 5);
  CHECK(found > lost);
}
