// From the service's JSON to an item: pure functions.
#include "item.hpp"

#include <doctest/doctest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <random>

#include "config.hpp"
#include "html.hpp"
#include "json.hpp"
#include "migrate/base64.hpp"
#include "migrate/item.hpp"
#include "shape.hpp"

using namespace migrate;
using namespace migrate::freshdesk;
using boost::json::parse;

namespace {

const std::string site = "https://acme.freshdesk.com";

std::string token(const std::string& payload) {
  return base64_encode(R"({"alg":"HS256"})", Base64::url) + "." + base64_encode(payload, Base64::url) + ".c2ln";
}

Names names() {
  Names names;
  names.statuses = {{2, "Open"}, {6, "Waiting on Customer"}};
  names.priorities = {{3, "High"}};
  names.sources = {{1, "Email"}};
  names.groups = {{5, "Helpdesk"}};
  names.companies = {{8, "Super Nova"}};
  names.people = {{11, Person{"11", "Ada", "ada@acme.test"}}};
  return names;
}

/// A ticket with one of everything.
TicketParts full() {
  TicketParts parts;
  parts.ticket = parse(R"({"id":81,"subject":"Printer down","status":6,"priority":3,"source":1,"type":"Incident",
    "requester_id":10,"responder_id":11,"group_id":5,"company_id":8,"product_id":9,"email_config_id":77,
    "to_emails":["help@acme.test"],"cc_emails":[],"fwd_emails":null,"tags":["hw","a b"],"spam":false,"deleted":null,
    "custom_fields":{"cf_site":"Süd","cf_none":null,"cf_asset":"P-7"},"due_by":"2024-02-03T10:00:00Z",
    "fr_due_by":"2024-02-01T10:00:00Z","created_at":"2014-12-31T12:27:09+10:00","updated_at":"2024-02-01T08:00:00Z",
    "association_type":2,"associated_tickets_list":[80],"description_text":"It beeps","unheard_of":{"b":1,"a":[]},
    "requester":{"id":10,"name":"Lea","email":null,"phone":"+49 221"},"stats":{"closed_at":null,"resolved_at":"2024-02-01T07:00:00Z"},
    "attachments":[{"id":9,"name":"log.txt","content_type":"text/plain","size":120,"attachment_url":"https://x"},
                   {"id":12,"name":"","content_type":"image/png","file_size":7}],
    "cloud_files":[{"name":"A&B","url":"https://drive.test/x?a=1&b=2"}]})");
  parts.ticket.as_object()["description"] =
      "<div>It <b>beeps</b><img src=\"" + site + "/inline/attachment?token=" + token(R"({"id":12})") + "\">" +
      "<img alt='shot 1.png' src=\"https://euattachment.freshdesk.com/inline/attachment?token=" +
      token(R"({"id":13})") + "\"><img src='cid:x@y'><img src='https://elsewhere.test/logo.png'></div>";
  parts.conversations.push_back({parse(R"({"id":5002,"body":"<div>Rebooted</div>","private":true,"user_id":99,
    "source":2,"from_email":"Bob Gone <bob@acme.test>","to_emails":[],"created_at":"2024-01-31T09:31:00Z",
    "updated_at":"2024-01-31T09:31:00Z","attachments":[]})"),
                                 2});
  parts.conversations.push_back({parse(R"({"id":5001,"body":"<div>Please reboot</div>","private":false,"incoming":false,
    "user_id":11,"source":0,"support_email":"help@acme.test","to_emails":["lea@x.test"],"created_at":"2024-01-31T09:30:00Z",
    "updated_at":"2024-01-31T09:30:00Z","last_edited_at":"2024-01-31T09:40:00Z","attachments":[{"id":20,"name":"a.txt","size":1}],
    "has_quoted_text":false})"),
                                 1});
  parts.conversations.push_back({parse(R"({"id":5003,"body":"x","deleted":true,"private":false})"), 2});
  parts.time_entries = parse(R"([{"id":1,"agent_id":11,"time_spent":"01:30","executed_at":"2024-01-31T10:00:00Z",
    "start_time":"2024-01-31T09:55:00Z","updated_at":"2024-01-31T12:00:00Z","company_id":8,"timer_running":false,
    "ticket_id":81,"own_field":"x","created_at":null,"billable":true,"note":"on site"},{"id":2,"agent_id":4711,"time_spent":"soon","created_at":"2024-01-31T11:00:00Z"}])")
                           .as_array();
  parts.prime = 80;
  return parts;
}

std::string causes(const Record& record) {
  std::string causes;
  for (const Warning& warning : record.warnings) causes += warning.cause + " ";
  return causes;
}

}  // namespace

TEST_CASE("every member of a ticket has its place") {
  const Record record = record_of(full(), names(), site);
  const Item item(record.data);
  CHECK(record.ref == RecordRef{"tickets", "81"});
  CHECK(item.title == "Printer down");
  CHECK(item.kind == "Incident");
  CHECK(item.status == "Waiting on Customer");
  CHECK(item.priority == "High");
  CHECK(item.labels == std::vector<std::string>{"hw", "a b"});
  CHECK(item.reporter == Person{"10", "Lea", ""});
  CHECK(item.assignee == Person{"11", "Ada", "ada@acme.test"});
  CHECK(item.created == "2014-12-31T02:27:09Z");
  CHECK(item.due == "2024-02-03T10:00:00Z");
  CHECK(item.url == site + "/a/tickets/81");
  CHECK(item.description.format == "html");
  CHECK(item.description.text.ends_with("<p><a href=\"https://drive.test/x?a=1&amp;b=2\">A&amp;B</a></p>"));
  const Value expected = parse(R"({"association_type":"child","company":"Super Nova",
    "conversations":{"5001":{"support_email":"help@acme.test","to_emails":["lea@x.test"]}},
    "custom_fields":{"cf_asset":"P-7","cf_site":"Süd"},"email_config_id":77,"fr_due_by":"2024-02-01T10:00:00Z",
    "group":"Helpdesk","product":"9","requester":{"phone":"+49 221"},"source":"Email",
    "stats":{"resolved_at":"2024-02-01T07:00:00Z"},
    "time_entries":{"1":{"company_id":8,"own_field":"x","start_time":"2024-01-31T09:55:00Z",
                         "updated_at":"2024-01-31T12:00:00Z"},"2":{"created_at":"2024-01-31T11:00:00Z"}},
    "to_emails":["help@acme.test"],"unheard_of":{"b":1}})");
  CHECK(boost::json::serialize(item.others) == boost::json::serialize(expected));
  REQUIRE(record.links.size() == 1);
  CHECK(record.links[0].relation == "parent");
  CHECK(record.links[0].target == RecordRef{"tickets", "80"});
  CHECK(record.links[0].cause == "missing_parent");
}

TEST_CASE(
    "conversations become comments in the order in which they were said; a deleted user keeps the name of the mail") {
  const Item item(record_of(full(), names(), site).data);
  REQUIRE(item.comments.size() == 2);
  CHECK(item.comments[0].id == "5001");
  CHECK(item.comments[0].kind == "reply");
  CHECK(item.comments[0].author == Person{"11", "Ada", "ada@acme.test"});
  CHECK(item.comments[0].updated == "2024-01-31T09:40:00Z");
  CHECK_FALSE(item.comments[0].internal);
  CHECK(item.comments[0].blobs == std::vector<std::string>{"20"});
  CHECK(item.comments[1].internal);
  CHECK(item.comments[1].kind == "note");
  CHECK(item.comments[1].author == Person{"99", "Bob Gone", "bob@acme.test"});
  REQUIRE(item.worklogs.size() == 2);
  CHECK(item.worklogs[0].seconds == 5400);
  CHECK(item.worklogs[0].billable);
  CHECK(item.worklogs[0].note.text == "on site");
  CHECK(item.worklogs[1].seconds == 0);
}

TEST_CASE("nobody reads in the further fields whom a note, a forward or a blind copy went to") {
  TicketParts parts = full();
  Object& ticket = parts.ticket.as_object();
  for (const char* name : {"fwd_emails", "bcc_emails", "ticket_bcc_emails"}) ticket[name] = Array{"unseen@acme.test"};
  parts.conversations[1].conversation.as_object()["bcc_emails"] = Array{"unseen@acme.test"};
  for (const char* said :
       {R"({"id":5004,"private":true,"source":2,"to_emails":["unseen@acme.test"],"cc_emails":["unseen@acme.test"]})",
        R"({"id":5005,"private":true,"source":8,"to_emails":["unseen@acme.test"],"from_email":"unseen@acme.test"})",
        R"({"id":5006,"source":2,"to_emails":["unseen@acme.test"]})",
        R"({"id":5007,"private":false,"source":8,"to_emails":["unseen@acme.test"]})"})
    parts.conversations.push_back({parse(said), 1});
  const Item item(record_of(parts, names(), site).data);
  CHECK(item.comments.size() == 6);
  CHECK(boost::json::serialize(item.others).find("unseen") == std::string::npos);
  CHECK(boost::json::serialize(item.others) ==
        boost::json::serialize(Item(record_of(full(), names(), site).data).others));
}

TEST_CASE("files: of the ticket, of a comment, and pictures that the text shows; what cannot be carried is told") {
  const Record record = record_of(full(), names(), site);
  const Item item(record.data);
  REQUIRE(record.blobs.size() == 4);
  CHECK(record.blobs[0].name == "log.txt");
  CHECK(record.blobs[0].size == 120);
  CHECK(record.blobs[1].name == "attachment-12");
  CHECK(record.blobs[1].size == 7);
  CHECK(record.blobs[2].id == "inline:13");
  CHECK(record.blobs[2].name == "shot 1.png");
  CHECK(record.blobs[3].id == "20");
  CHECK(boost::json::serialize(record.blobs[3].locator) ==
        R"({"owner":"conversation","ticket":81,"conversation":5001,"page":1})");
  REQUIRE(item.images.size() == 2);
  CHECK(item.images[0].blob == "12");  // listed: no second file
  CHECK(item.images[1].blob == "inline:13");
  CHECK(causes(record) == "unknown_product picture_missing deleted_conversation unknown_person unreadable_time_spent ");
  TicketParts parts = full();
  parts.pictures["13"].gone = true;
  const Record without = record_of(parts, names(), site);
  CHECK(without.blobs.size() == 3);
  CHECK(causes(without).starts_with("unknown_product picture_missing picture_missing "));
}

TEST_CASE("the version changes with what belongs to a ticket, and with nothing else") {
  const std::string version = record_of(full(), names(), site).version;
  CHECK(version.starts_with("2024-02-01T08:00:00Z+"));
  CHECK(record_of(full(), names(), site).version == version);
  const auto changed = [&](auto change) {
    TicketParts parts = full();
    change(parts);
    return record_of(parts, names(), site).version != version;
  };
  CHECK(changed([](TicketParts& parts) { parts.ticket.as_object()["priority"] = 1; }));
  CHECK(changed([](TicketParts& parts) { parts.ticket.as_object()["custom_fields"].as_object()["cf_site"] = "Nord"; }));
  CHECK(changed([](TicketParts& parts) { parts.conversations.pop_back(); }));
  CHECK(changed([](TicketParts& parts) {
    parts.conversations[0].conversation.as_object()["updated_at"] = "2024-01-31T09:32:00Z";
  }));
  CHECK(changed([](TicketParts& parts) { parts.time_entries.clear(); }));
  CHECK(changed([](TicketParts& parts) { parts.time_entries[0].as_object()["time_spent"] = "01:45"; }));
  CHECK(changed([](TicketParts& parts) {
    parts.conversations[0].conversation.as_object()["from_email"] = "Bob Gone <bob@other.test>";
  }));
  CHECK(changed([](TicketParts& parts) { parts.ticket.as_object()["attachments"].as_array().clear(); }));
  CHECK_FALSE(
      changed([](TicketParts& parts) { parts.ticket.as_object()["description"] = "<img src='https://x?sig=2'>"; }));
}

TEST_CASE("an author who is called otherwise makes another version, of a comment as of a time entry") {
  TicketParts said = full(), worked = full();
  said.ticket.as_object()["responder_id"] = nullptr;
  worked.ticket.as_object()["responder_id"] = nullptr;
  said.time_entries.clear();
  worked.conversations.clear();
  for (const TicketParts& parts : {said, worked}) {
    const std::string version = record_of(parts, names(), site).version;
    for (const Person& person : {Person{"11", "Ada King", "ada@acme.test"}, Person{"11", "Ada", "king@acme.test"}}) {
      Names now = names();
      now.people[11] = person;
      CHECK(record_of(parts, now, site).version != version);
    }
    Names nobody = names();
    nobody.people.clear();
    CHECK(record_of(parts, nobody, site).version != version);
  }
}

TEST_CASE("labels are found whichever way round they are told") {
  CHECK(labels_of(parse(R"({"2":["Open","Being Processed"],"6":["Waiting","Awaiting"]})")).at(6) == "Waiting");
  CHECK(labels_of(parse(R"({"Low":1,"Urgent":4})")).at(4) == "Urgent");
  CHECK(labels_of(parse(R"({"1":"Low"})")).at(1) == "Low");
  CHECK(labels_of(parse(R"(["Question","Incident"])")).empty());
  CHECK(labels_of(parse("null")).empty());
}

TEST_CASE("pictures that the service keeps are known by their addresses, those of others are left alone") {
  const auto id = [](const std::string& address) {
    const auto kept = kept_picture(address, site);
    return kept ? kept->id + (kept->own_host ? "" : " elsewhere") : std::string();
  };
  CHECK(id("https://indattachment.freshdesk.com/inline/attachment?token=" + token(R"({"id":43,"domain":"a"})")) ==
        "43");
  CHECK(
      id("https://s3.amazonaws.com/cdn.freshdesk.com/data/helpdesk/attachments/production/77/original/x%20y.png?18") ==
      "77");
  CHECK(
      kept_picture("https://s3.amazonaws.com/data/helpdesk/attachments/production/77/original/x%20y.png", site)->name ==
      "x y.png");
  const std::string kept_by = "/data/helpdesk/attachments/production/77/original/x.png";
  CHECK(id("https://s3.eu-central-1.amazonaws.com/euc-cdn.freshdesk.com" + kept_by) == "77");
  CHECK(id("https://s3-ap-south-1.amazonaws.com/ind-cdn.freshdesk.com" + kept_by) == "77");
  CHECK(id("https://s3.dualstack.us-east-1.amazonaws.com/cdn.freshdesk.com" + kept_by) == "77");
  CHECK(id("https://cdn.freshdesk.com.s3.amazonaws.com" + kept_by) == "77");
  CHECK(id("https://euc-cdn.freshdesk.com.s3-eu-central-1.amazonaws.com" + kept_by) == "77");
  // Anybody can have names under Amazon's domain.
  for (const char* anybodys :
       {"https://s3.amazonaws.com", "https://s3.amazonaws.com/bucket", "https://s3.amazonaws.com/x.cdn.freshdesk.com",
        "https://s3.amazonaws.com/x/cdn.freshdesk.com", "https://s3.amazonaws.com/evilcdn.freshdesk.com",
        "https://bucket.s3.amazonaws.com/cdn.freshdesk.com", "https://x.execute-api.amazonaws.com/cdn.freshdesk.com",
        "https://evil.com.s3.amazonaws.com/cdn.freshdesk.com", "https://s3evil.amazonaws.com/cdn.freshdesk.com",
        "https://s3.amazonaws.com.evil.test/cdn.freshdesk.com", "http://s3.amazonaws.com/cdn.freshdesk.com"})
    CHECK_MESSAGE(id(anybodys + kept_by) == "77 elsewhere", anybodys);
  // Anybody can write such an address into a mail: it is not fetched.
  CHECK(id("http://169.254.169.254/inline/attachment?token=" + token(R"({"id":43})")) == "43 elsewhere");
  CHECK(id("https://acme.freshdesk.com:8443/inline/attachment?token=" + token(R"({"id":43})")) == "43 elsewhere");
  CHECK(id("https://files.freshworks.com:22/inline/attachment?token=" + token(R"({"id":43})")) == "43 elsewhere");
  CHECK(id("http://acme.freshdesk.com/inline/attachment?token=" + token(R"({"id":43})")) == "43");
  const std::string address = "https://attachment.freshdesk.com/inline/attachment?token=" + token(R"({"id":43})");
  REQUIRE(kept_picture("cid:" + address, site));
  CHECK(kept_picture("cid:" + address, site)->address == address);
  CHECK(kept_picture(address, site)->address == address);
  CHECK(id("cid:" + address) == "43");
  CHECK(id("cid:image001.png@01D0.55").empty());
  CHECK(id("cid:https://x.test/logo.png").empty());
  CHECK(id("cid:http://169.254.169.254/inline/attachment?token=" + token(R"({"id":43})")) == "43 elsewhere");
  const auto of_stand_in =
      kept_picture("http://127.0.0.1:4002/inline/attachment?token=" + token(R"({"id":43})"), "http://127.0.0.1:4001");
  REQUIRE(of_stand_in);
  CHECK(of_stand_in->own_host);
  CHECK(id("https://evil-freshdesk.com/inline/attachment?token=" + token(R"({"id":43})")) == "43 elsewhere");
  CHECK(id("https://x.test/logo.png").empty());
  CHECK(id(site + "/inline/attachment?token=nonsense").empty());
  CHECK(id(site + "/inline/attachment?token=a.%FF.c").empty());
  CHECK(id(site + "/inline/attachment?token=" + token("[1]")).empty());
  CHECK(id("https://[/inline/attachment").empty());
  CHECK(id("/inline/attachment?token=" + token(R"({"id":43})")).empty());
  const auto picture = embedded_picture("data:image/svg+xml;charset=utf-8;base64,PHN2Zy8+");
  REQUIRE(picture);
  CHECK(picture->media_type == "image/svg+xml");
  CHECK(picture->size == 6);
  CHECK(picture->name.ends_with(".svg"));
  CHECK_FALSE(embedded_picture("data:text/html;base64,PHN2Zy8+"));
  CHECK_FALSE(embedded_picture("data:image/png;base64,*"));
  for (const char* shown : {"data:image/png;base64,aVZCTw%3D%3D", "data:image/png;base64,aVZC%0D%0ATw==",
                            "DATA:IMAGE/PNG;BASE64,aVZCTw==", "data:image/png;base64,\r\n aVZC\r\n\tTw==",
                            "data:image/png;charset=x; base64 ,aVZCTw", " data:image/png;base64,aVZCTw=="}) {
    CAPTURE(shown);
    const auto read = embedded_picture(shown);
    REQUIRE(read);
    CHECK(read->media_type == "image/png");
    CHECK(read->base64.starts_with("aVZCTw"));
    CHECK(read->name == embedded_picture("data:image/png;base64,aVZCTw==")->name);
    CHECK(read->size == 4);
  }
  const auto sum = embedded_picture("data:image/gif;base64,%2B/%2b+");
  REQUIRE(sum);
  CHECK(sum->base64 == "+/++");
  for (const char* unread : {"data:image/png;base64,%", "data:image/png;base64", "data:image/png,base64,aVZCTw==",
                             "data:image/svg+xml;utf8,<svg/>", "xdata:image/png;base64,aVZCTw=="})
    CHECK_FALSE_MESSAGE(embedded_picture(unread), unread);
  const auto shown = pictures_in("<p>a<IMG SRC='b' alt='c.png'><img src=b><img src=\"d\" alt=\"no name\"></p>");
  REQUIRE(shown.size() == 2);
  CHECK(shown[0].name == "c.png");
  CHECK(shown[1].name.empty());
}

TEST_CASE("a picture in its own address is carried however it is written; one that cannot be read is told") {
  TicketParts parts = full();
  parts.ticket.as_object()["description"] =
      "<img src='data:image/png;base64,aVZCTw%3D%3D'><img src='DATA:image/png;BASE64,aVZC\n Tw'>"
      "<img src='data:image/png;base64,*'><img src='Data:image/svg+xml;utf8,%3Csvg/%3E'>";
  parts.conversations.clear();
  const Record record = record_of(parts, names(), site);
  const Item item(record.data);
  CHECK(item.images.size() == 2);
  const auto of_text = [](const Blob& blob) { return text(blob.locator, "owner") == "text"; };
  CHECK(std::count_if(record.blobs.begin(), record.blobs.end(), of_text) == 1);  // the bytes are the same
  const auto missing = [](const Warning& warning) { return warning.cause == "picture_missing"; };
  CHECK(std::count_if(record.warnings.begin(), record.warnings.end(), missing) == 2);
  for (const Warning& warning : record.warnings) CHECK(warning.message.size() < 200);
}

TEST_CASE("small values: mailboxes, time spent, order of members") {
  CHECK(person_of_mailbox("1", "\"Help, Desk\" <help@acme.test>") == Person{"1", "Help, Desk", "help@acme.test"});
  CHECK(person_of_mailbox("", "help@acme.test") == Person{"", "", "help@acme.test"});
  CHECK(seconds_of("00:15") == 900);
  CHECK(seconds_of("100:00") == 360'000);
  for (const char* wrong : {"", "15", "1:", ":1", "-1:00", "a:b", "99999999999:00"}) CHECK(seconds_of(wrong) == -1);
  CHECK(boost::json::serialize(canonical(parse(R"({"b":[{"z":null,"y":1}],"a":"","c":{}})"))) == R"({"b":[{"y":1}]})");
}

TEST_CASE("whatever the service answers, a record or an Error comes out") {
  const Value whole = full().ticket;
  std::vector<std::string> keys;
  for (const auto& each : whole.as_object()) keys.emplace_back(each.key());
  const Value values =
      parse(R"([null,true,-1,18446744073709551615,1.5,"","x","2024",[],[null],[[]],[{"id":{}}],{},{"id":-5},
    {"name":7,"url":null}])");
  std::mt19937 random(1);
  const auto pick = [&](std::size_t n) { return random() % n; };
  int records = 0;
  for (int i = 0; i < 4000; ++i) {
    TicketParts parts = full();
    Object& ticket = parts.ticket.as_object();
    for (std::size_t n = 1 + pick(4); n > 0; --n)
      ticket[keys[pick(keys.size())]] = values.as_array()[pick(values.as_array().size())];
    Value& said = parts.conversations[pick(2)].conversation;
    if (pick(3) == 0) said = values.as_array()[pick(values.as_array().size())];
    if (pick(3) == 0) parts.time_entries[0] = values.as_array()[pick(values.as_array().size())];
    if (Object* object = said.if_object(); object && !object->empty())
      (object->begin() + static_cast<std::ptrdiff_t>(pick(object->size())))->value() =
          values.as_array()[pick(values.as_array().size())];
    try {
      WantedNames wanted;
      add_wanted(parts, wanted);
      const Record record = record_of(parts, names(), site);
      const Item item(record.data);
      ++records;
    } catch (const Error&) {
    }
  }
  CHECK(records > 3000);
}

TEST_CASE("options: what is wrong is said, what is left out has a default") {
  const auto refused = [](const char* options) {
    try {
      source_spec().parse(parse(options));
    } catch (const ConfigError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  const SourceConfig config =
      source_spec().parse(parse(R"({"url":"https://acme.freshdesk.com","api_key":"k","include":"spam"})"));
  CHECK(config.per_page == 100);
  CHECK(config.leave_for_people == doctest::Approx(0.1));
  CHECK(config.includes("spam"));
  CHECK_FALSE(config.includes("archived"));
  CHECK(refused(R"({"url":"https://acme.freshdesk.com/a/tickets","api_key":"k"})").find("url") != std::string::npos);
  CHECK(refused(R"({"url":"acme","api_key":"k"})").find("url") != std::string::npos);
  CHECK(refused(R"({"url":"https://a.test","api_key":""})").find("api_key") != std::string::npos);
  CHECK(refused(R"({"url":"https://a.test","api_key":"k","per_page":101})").find("per_page") != std::string::npos);
  CHECK(refused(R"({"url":"https://a.test","api_key":"k","since":"last week"})").find("since") != std::string::npos);
  CHECK(refused(R"({"url":"https://a.test","api_key":"k","leave_for_people":1})").find("leave_for_people") !=
        std::string::npos);
  CHECK(refused(R"({"url":"https://a.test","api_key":"k","include":["trash"]})").find("include") != std::string::npos);
  CHECK(refused(R"({"url":"https://a.test","api_key":"k","archived_from":9,"archived_through":8})")
            .find("archived_through") != std::string::npos);
}
