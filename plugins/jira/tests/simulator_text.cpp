// Documents: what is refused, what an edit takes along, and wiki markup.
#include <algorithm>
#include <limits>

#include "../simulator/adf.hpp"
#include "every_node.hpp"
#include "site.hpp"

using namespace jira_tests;
using jira::sim::examine;

namespace {

Value node(std::string_view json) { return parsed(json); }
std::string fault_of(std::string_view blocks) {
  return examine(parsed(fmt::format(R"({{"type":"doc","version":1,"content":[{}]}})", blocks))).fault;
}
std::string in_paragraph(std::string_view inlines) {
  return fault_of(fmt::format(R"({{"type":"paragraph","content":[{}]}})", inlines));
}

}  // namespace

TEST_CASE("jira simulator: a document of all common nodes is valid") {
  const jira::sim::Examined found = examine(parsed(every_node));
  CHECK(found.fault == "");
  CHECK(found.mentions == std::vector<std::string>{"5b10"});
  CHECK_FALSE(found.empty);
  Site site;
  const std::string key = site.create("all", {{"description", parsed(every_node)}});
  CHECK(site.fields(key).at("description") == parsed(every_node));
}

TEST_CASE("jira simulator: documents are refused for what real ones are refused for") {
  CHECK(in_paragraph(R"({"type":"text","text":""})") != "");
  CHECK(in_paragraph(R"({"type":"text","text":"a\u0001b"})") != "");
  CHECK(in_paragraph(R"({"type":"text","text":"a","extra":1})") != "");
  CHECK(in_paragraph(R"({"type":"text","text":"a","marks":[{"type":"code"},{"type":"strong"}]})") != "");
  CHECK(in_paragraph(R"({"type":"text","text":"a","marks":[{"type":"textColor","attrs":{"color":"red"}}]})") != "");
  CHECK(in_paragraph(R"({"type":"text","text":"a","marks":[{"type":"textColor","attrs":{"color":"#f00"}}]})") != "");
  CHECK(in_paragraph(R"({"type":"text","text":"a","marks":[{"type":"link","attrs":{"href":""}}]})") != "");
  CHECK(in_paragraph(R"({"type":"text","text":"a","marks":[{"type":"link","attrs":{"href":"JavaScript:go"}}]})") != "");
  CHECK(in_paragraph(R"({"type":"text","text":"a","marks":[{"type":"link"}]})") != "");
  CHECK(in_paragraph(R"({"type":"text","text":"a","marks":[{"type":"blink"}]})") != "");
  CHECK(in_paragraph(R"({"type":"mention","attrs":{"text":"@x"}})") != "");
  CHECK(in_paragraph(R"({"type":"paragraph","content":[]})") != "");
  CHECK(fault_of(R"({"type":"heading","attrs":{"level":7},"content":[]})") != "");
  CHECK(fault_of(R"({"type":"heading","content":[]})") != "");
  CHECK(fault_of(R"({"type":"text","text":"bare"})") != "");
  CHECK(fault_of(R"({"type":"bulletList","content":[]})") != "");
  CHECK(fault_of(R"({"type":"bulletList","content":[{"type":"paragraph"}]})") != "");
  CHECK(fault_of(R"({"type":"codeBlock","content":[{"type":"text","text":"a","marks":[{"type":"strong"}]}]})") != "");
  CHECK(fault_of(R"({"type":"codeBlock","content":[{"type":"hardBreak"}]})") != "");
  CHECK(fault_of(R"({"type":"panel","attrs":{"panelType":"fancy"},"content":[{"type":"paragraph"}]})") != "");
  CHECK(fault_of(R"({"type":"panel","attrs":{"panelType":"info"},"content":[{"type":"table","content":[]}]})") != "");
  CHECK(fault_of(R"({"type":"blockquote","content":[{"type":"heading","attrs":{"level":1}}]})") != "");
  CHECK(fault_of(R"({"type":"layoutSection","content":[]})") != "");
  CHECK(fault_of(R"({"type":"extension","attrs":{"extensionKey":"a","extensionType":"b"}})") != "");
  CHECK(fault_of(R"({"type":"paragraph","attrs":{"style":"x"}})") != "");
  CHECK(fault_of(R"({"type":"rule","content":[]})") != "");
  CHECK(fault_of(R"({"type":"table","content":[{"type":"tableRow","content":[]}]})") != "");
  CHECK(fault_of(R"({"type":"mediaSingle","content":[]})") != "");
  CHECK(
      fault_of(
          R"({"type":"mediaSingle","attrs":{"layout":"center"},"content":[{"type":"media","attrs":{"type":"file","id":"x"}}]})") !=
      "");
  CHECK(fault_of(R"({"type":"taskList","content":[]})") != "");
  const std::pair<std::string_view, std::string_view> fine[] = {
      {"heading", R"({"type":"heading","attrs":{"level":1}})"},
      {"table",
       R"({"type":"table","content":[{"type":"tableRow","content":[{"type":"tableCell","content":[{"type":"rule"}]}]}]})"},
      {"blockquote", R"({"type":"blockquote","content":[{"type":"paragraph"}]})"},
      {"panel", R"({"type":"panel","attrs":{"panelType":"info"},"content":[{"type":"paragraph"}]})"},
      {"rule", R"({"type":"rule"})"}};
  for (const auto& [name, child] : fine) {
    const std::string cannot = fmt::format("cannot hold '{}'", name);
    CHECK(fault_of(child) == "");
    CHECK(fault_of(
              fmt::format(
                  R"({{"type":"bulletList","content":[{{"type":"listItem","content":[{{"type":"paragraph"}},{}]}}]}})",
                  child))
              .find(cannot) != std::string::npos);
    CHECK(fault_of(fmt::format(R"({{"type":"blockquote","content":[{}]}})", child)).find(cannot) != std::string::npos);
    CHECK(in_paragraph(child).find(cannot) != std::string::npos);
  }
  const std::string nested =
      R"({"type":"bulletList","content":[{"type":"listItem","content":[{"type":"bulletList","content":[
      {"type":"listItem","content":[{"type":"paragraph"}]}]}]}]})";
  CHECK(fault_of(nested) != "");
  const std::string in_cell =
      R"({"type":"table","content":[{"type":"tableRow","content":[{"type":"tableCell","content":[
      {"type":"table","content":[{"type":"tableRow","content":[{"type":"tableCell","content":[{"type":"paragraph"}]}]}]}]}]}]})";
  CHECK(fault_of(in_cell).find("cannot hold 'table'") != std::string::npos);
  CHECK(examine(node(R"({"type":"doc","content":[]})")).fault != "");
  CHECK(examine(node(R"({"type":"doc","version":2,"content":[]})")).fault != "");
  CHECK(examine(node(R"({"type":"doc","version":1})")).fault != "");
  CHECK(examine(node(R"({"type":"doc","version":1,"content":[null]})")).fault != "");
}

TEST_CASE("jira simulator: a bad text is refused in the words of its place") {
  Site site;
  const auto description = [&](const Value& value) {
    return site.post("/issue", Site::issue("x", {{"description", value}}));
  };
  CHECK(description("plain").error("description") ==
        "Operation value must be an Atlassian Document (see the Atlassian Document Format)");
  const Reply invalid = description(document({Object{{"type", "bulletList"}, {"content", Array()}}}));
  CHECK(invalid.status() == 400);
  CHECK(invalid.json() == Object{{"errorMessages", {"INVALID_INPUT"}}, {"errors", Object()}});
  CHECK(invalid.header("X-Simulator-Reason") == "doc[0]/bulletList[0]/ has no content");
  const std::string key = site.create("x");
  const auto comment = [&](const Value& value) {
    return site.post("/issue/" + key + "/comment", Object{{"body", value}});
  };
  CHECK(comment("plain").error("comment") == "Comment body is not valid!");
  CHECK(comment(document({})).error("comment") == "Comment body can not be empty!");
  CHECK(comment(document({paragraph("")})).message() == "INVALID_INPUT");
  CHECK(site.post("/issue", Site::issue("x", {{site.field("Requester"), text_document("x")}}))
            .error(site.field("Requester")) == "Operation value must be a string");
  CHECK(description(document({})).status() == 201);
}

TEST_CASE("jira simulator: a text has 32,767 characters at most, counted the way the setting says") {
  const std::string too_long = "The entered text is too long. It exceeds the allowed limit of 32,767 characters.";
  const auto description = [&](Site& site, std::size_t letters) {
    return site.post("/issue", Site::issue("x", {{"description", text_document(std::string(letters, 'x'))}}));
  };
  Site by_text;
  CHECK(description(by_text, 32'766).status() == 201);
  CHECK(description(by_text, 32'767).error("description") == too_long);
  std::string emoji;
  for (int i = 0; i < 16'384; ++i) emoji += "\xF0\x9F\x98\x80";  // each counts as two
  CHECK(by_text.post("/issue", Site::issue("x", {{"description", text_document(emoji)}})).error("description") ==
        too_long);
  Site by_document(with(unlimited(), "text_limit_counts", "document"));
  CHECK(description(by_document, 32'700).error("description") == too_long);
  CHECK(description(by_document, 32'600).status() == 201);
  const std::string key = by_text.create("x");
  CHECK(by_text.post("/issue/" + key + "/comment", Object{{"body", text_document(std::string(40'000, 'x'))}})
            .error("comment") == too_long);
}

TEST_CASE("jira simulator: an edit that drops a picture deletes its file") {
  Site site;
  const std::string key = site.create("pictures"), path = "/issue/" + key;
  const Value files =
      site.upload(key, {Site::file("a.png", "AAA"), Site::file("b.png", "BBB"), Site::file("c.log", "CCC")}).json();
  std::vector<std::string> ids, media;
  for (const Value& each : files.as_array()) {
    ids.push_back(text(each.at("id")));
    media.push_back(site.media(ids.back()));
    CHECK(media.back() != ids.back());
  }
  const auto describe = [&](const Value& value) {
    return site.put(path, Object{{"fields", {{"description", value}}}}).status();
  };
  const auto there = [&] {
    std::string names;
    const Value fields = site.fields(key);
    for (const Value& each : fields.at("attachment").as_array()) names += text(each.at("filename")) + " ";
    return names;
  };
  CHECK(describe(document({picture(media[0]), picture(media[1])})) == 204);
  CHECK(site.state().at("issues").at(key).at("attachments").as_array()[0].at("referencedBy") == Array{"description"});

  SUBCASE("what is no longer shown goes, what never was shown stays") {
    CHECK(describe(document({picture(media[1])})) == 204);
    CHECK(there() == "b.png c.log ");
    CHECK(site.get("/attachment/" + ids[0]).status() == 404);
    CHECK(site.state().at("counters").at("attachmentsOrphaned") == 1);
  }
  SUBCASE("an edit of another field changes nothing") {
    CHECK(site.put(path, Object{{"fields", {{"summary", "other"}}}}).status() == 204);
    CHECK(there() == "a.png b.png c.log ");
  }
  SUBCASE("what another text shows stays") {
    CHECK(site.post(path + "/comment", Object{{"body", document({picture(media[0])})}}).status() == 201);
    CHECK(describe(text_document("nothing")) == 204);
    CHECK(there() == "a.png c.log ");
  }
  SUBCASE("comments, too") {
    const Value comment = site.post(path + "/comment", Object{{"body", document({picture(media[2])})}}).json();
    CHECK(site.put(path + "/comment/" + text(comment.at("id")), Object{{"body", text_document("x")}}).status() == 200);
    CHECK(there() == "a.png b.png ");
  }
  SUBCASE("a name that the issue does not have is refused") {
    const Reply reply = site.put(path, Object{{"fields", {{"description", document({picture(ids[0])})}}}});
    CHECK(reply.status() == 400);
    CHECK(reply.message() == "ATTACHMENT_VALIDATION_ERROR");
    const std::string other = site.create("other");
    CHECK(site.post("/issue/" + other + "/comment", Object{{"body", document({picture(media[0])})}}).message() ==
          "ATTACHMENT_VALIDATION_ERROR");
    CHECK(there() == "a.png b.png c.log ");
  }
}

TEST_CASE("jira simulator: version 2 takes wiki markup and keeps a document") {
  Site site;
  site.base = "/rest/api/2";
  const std::string wiki =
      "h2. Title\nIt *beeps* _often_ -never- +really+ a^2^ H~2~O {{x = 1}} \\*plain\\* see "
      "[here|https://x.test/a]\nnext line\n\n"
      "* one\n** two\n# three\n\n||k||v||\n|a|[b|https://b.test]|\n\n{code:java}\nint i = 0; // "
      "*no*\n{code}\n{quote}\nquoted\n{quote}\n----\n"
      "{panel:title=Note}\ntext\n{panel}\nhttps://y.test. [~accountid:5b10]";
  CHECK(site.post("/issue", Site::issue("x", {{"description", text_document("x")}})).error("description") ==
        "Operation value must be a string");
  const std::string key = site.create("wiki", {{"description", wiki}});
  const Value document_kept = site.get("/rest/api/3/issue/" + key).json().at("fields").at("description");
  CHECK(examine(document_kept).fault == "");
  std::string kinds;
  for (const Value& each : document_kept.at("content").as_array()) kinds += text(each.at("type")) + " ";
  CHECK(kinds == "heading paragraph bulletList orderedList table codeBlock blockquote rule panel paragraph ");
  const Array& line = document_kept.at("content").as_array()[1].at("content").as_array();
  CHECK(line[1] == node(R"({"type":"text","text":"beeps","marks":[{"type":"strong"}]})"));
  CHECK(std::count_if(line.begin(), line.end(), [](const Value& each) { return each.at("type") == "hardBreak"; }) == 1);
  CHECK(jira::sim::plain_text(document_kept).find("*plain* see here\nnext line") != std::string::npos);
  const std::string back = text(site.fields(key).at("description"));
  for (const std::string_view part :
       {"h2. Title", "*beeps*", "_often_", "-never-", "+really+", "{{x = 1}}", "\\*plain*", "[here|https://x.test/a]",
        "* one\n** two", "# three", "||k||v||", "|a|[b|https://b.test]|", "{code:java}\nint i = 0; // *no*\n{code}",
        "{quote}\nquoted\n{quote}", "[~accountid:5b10]"}) {
    CHECK_MESSAGE(back.find(part) != std::string::npos, part, " is missing in\n", back);
  }
}

TEST_CASE("jira simulator: pictures in wiki markup become files of the issue, where it has them") {
  Site site;
  const std::string key = site.create("x");
  const Value files = site.upload(key, {Site::file("a b.png", "AAA"), Site::file("log.txt", "BBB")}).json();
  site.base = "/rest/api/2";
  CHECK(site.put("/issue/" + key,
                 Object{{"fields", {{"description", "see !a b.png|thumbnail! and [^log.txt] not !c.png! wow!"}}}})
            .status() == 204);
  const Value kept = site.get("/rest/api/3/issue/" + key).json().at("fields").at("description");
  const jira::sim::Examined found = examine(kept);
  CHECK(found.fault == "");
  REQUIRE(found.media.size() == 2);
  CHECK(found.media[0] == site.media(text(files.as_array()[0].at("id"))));
  CHECK(jira::sim::plain_text(kept).find("not !c.png! wow!") != std::string::npos);
  const std::string back = text(site.fields(key).at("description"));
  CHECK(back.find("!a b.png!") != std::string::npos);
  CHECK(back.find("[^log.txt]") != std::string::npos);
  CHECK(site.put("/issue/" + key, Object{{"fields", {{"description", "no picture"}}}}).status() == 204);
  CHECK(site.fields(key).at("attachment").as_array().empty());
}

TEST_CASE("jira simulator: any wiki markup gives a valid document") {
  const std::vector<std::string> pieces = {"*",
                                           "**",
                                           "# ",
                                           "** a",
                                           "|",
                                           "||a|",
                                           "|\n",
                                           "{quote}",
                                           "{code}",
                                           "{panel}",
                                           "h1. ",
                                           "h1.",
                                           "\n",
                                           "\n\n",
                                           "!a.png!",
                                           "[x|",
                                           "]",
                                           "http://",
                                           "-",
                                           "---- ",
                                           "_a_",
                                           "\\",
                                           "\\\\",
                                           "{{",
                                           "}}",
                                           "{color:#ff0000}",
                                           "{color}",
                                           "text ",
                                           "~",
                                           "[^a.png]",
                                           "[~accountid:]",
                                           "bq. ",
                                           "*-# x"};
  const auto media = [](std::string_view name) {
    return name == "a.png" ? std::optional<std::string>("11111111-2222-4333-8444-555555555555") : std::nullopt;
  };
  std::uint64_t random = 42;
  for (int round = 0; round < 4000; ++round) {
    std::string wiki;
    for (int i = 0; i < 12; ++i) {
      random = random * 6'364'136'223'846'793'005U + 1'442'695'040'888'963'407U;
      wiki += pieces[(random >> 33) % pieces.size()];
    }
    const Value made = jira::sim::from_wiki(wiki, media);
    const std::string fault = examine(made).fault;
    CHECK_MESSAGE(fault == "", fault, " in ", wiki);
    jira::sim::to_wiki(made, [](std::string_view) { return std::string("a.png"); });
  }
}

TEST_CASE("jira simulator: hostile texts are taken or refused, and neither recurse nor search for ever") {
  const auto repeated = [](std::string_view piece, std::size_t times) {
    std::string out;
    for (std::size_t i = 0; i < times; ++i) out += piece;
    return out;
  };
  const auto nothing = [](std::string_view) { return std::optional<std::string>(); };
  for (const std::string_view piece :
       {"*", "*_", "*a ", "_a", "[a", "{{", "{color:#ff0000}", "!", "|", "{quote}\n", "\\", "-* "}) {
    for (const std::string_view end : {"", " x", "x*", "_*"}) {
      const std::string wiki = repeated(piece, 10'000) + std::string(end);
      const Value made = jira::sim::from_wiki(wiki, nothing);
      CHECK_MESSAGE(examine(made).fault == "", piece);
      CHECK(parsed(boost::json::serialize(made)) == made);
    }
  }
  Site site;
  std::string deep = R"({"type":"text","text":"x"})";
  for (int i = 0; i < 300; ++i) deep = R"({"type":"bulletList","content":[)" + deep + "]}";
  http::Request request = site.request("POST", "/issue", Object());
  request.body =
      R"({"fields":{"project":{"key":"SUP"},"issuetype":{"name":"Task"},"summary":"x","description":)" + deep + "}}";
  CHECK(site.send(request).status() == 400);
  const std::string key = site.create("x");
  CHECK(site.post("/issue/" + key + "/worklog", Object{{"timeSpent", repeated("999999999w ", 10'000)}}).status() ==
        400);
  CHECK(site.post("/issue/" + key + "/worklog", Object{{"timeSpentSeconds", std::numeric_limits<std::int64_t>::max()}})
            .status() == 400);
  CHECK(site.get("/issue/" + key + "/comment?startAt=9223372036854775807").json().at("comments").as_array().empty());
  CHECK(site.get("/issue/" + key + "/comment?startAt=9223372036854775808").status() == 400);
}
