// Atlassian documents: out of any tree one that Jira takes, and back into the same tree.
#include <doctest/doctest.h>

#include <boost/json/parse.hpp>

#include "richtext_kit.hpp"

using namespace migrate;
using namespace migrate::richtext;
using migrate::richtext_tests::AdfRules;
using migrate::richtext_tests::shape;
using migrate::richtext_tests::told;

namespace {

Node html(std::string_view text) { return parse_html(text).document; }

/// The content of the printed document, valid.
std::string adf(const Node& document) {
  const PrintedAdf printed = print_adf(document);
  const std::string faults = AdfRules::faults(printed.document);
  CHECK(faults == "");
  return boost::json::serialize(printed.document.at("content"));
}

/// The tree that Jira would give back.
std::string back(std::string_view text) {
  const PrintedAdf printed = print_adf(html(text));
  const std::string faults = AdfRules::faults(printed.document);
  CHECK(faults == "");
  return shape(parse_adf(printed.document).document);
}

std::string losses(std::string_view text) { return told(print_adf(html(text)).losses); }

void resolve(Node& document) {
  rewrite(document, [](Node& node) {
    if (node.kind == Kind::image) node.target = "media-1";
    if (node.kind == Kind::mention) node.target = "557058:lea";
    if (node.kind == Kind::reference) node.target = "https://acme.atlassian.net/browse/SUP-" + node.id;
  });
}

}  // namespace

TEST_CASE("words and marks") {
  CHECK(
      adf(html("It <b>beeps</b><br>now")) ==
      R"([{"type":"paragraph","content":[{"type":"text","text":"It "},{"type":"text","text":"beeps","marks":[{"type":"strong"}]},{"type":"hardBreak"},{"type":"text","text":"now"}]}])");
  CHECK(
      adf(html("<a href='https://x.test'><span style='color:#FF0000'>x</span></a>")) ==
      R"([{"type":"paragraph","content":[{"type":"text","text":"x","marks":[{"type":"textColor","attrs":{"color":"#ff0000"}},{"type":"link","attrs":{"href":"https://x.test"}}]}]}])");
  CHECK(adf(Node()) == "[]");
}

TEST_CASE("code goes with links only") {
  CHECK(back("<b><code>x</code></b>") == R"(p("x"c))");
  CHECK(losses("<b><code>x</code></b>") == "strong: nothing 1");
  CHECK(back("<a href='https://x.test'><code>x</code></a>") == R"(p("x"c->https://x.test))");
  CHECK(losses("<a href='https://x.test'><code>x</code></a>") == "");
}

TEST_CASE("links that run something are text") {
  constexpr const char* addresses[] = {"javascript:alert(1)", " JavaScript:alert(1)", "java\tscript:alert(1)",
                                       "data:text/html,x", "vbscript:x"};
  for (const char* address : addresses) {
    CAPTURE(address);
    const std::string text = std::string("<a href=\"") + address + "\">x</a>";
    CHECK(back(text) == R"(p("x"))");
    CHECK(losses(text) == "link: text 1");
  }
  CHECK(back("<a href='mailto:a@x.test'>x</a>") == R"(p("x"->mailto:a@x.test))");
}

TEST_CASE("what a list item may not hold: a table moves out, quotes, panels and headings leave their words") {
  CHECK(back("<ul><li>a<table><tr><td>1<td>2</table>b<li>c</ul>") ==
        R"(ul(li(p("a"))) table(tr(td(p("1")) td(p("2")))) p("b") ul(li(p("c"))))");
  CHECK(losses("<ul><li>a<table><tr><td>1<td>2</table>b<li>c</ul>") == "list_item: moved 1, table: moved 1");
  CHECK(back("<ol><li>a<li>b<table><tr><td>1<td>2</table><li>c</ol>") ==
        R"(ol1(li(p("a")) li(p("b"))) table(tr(td(p("1")) td(p("2")))) ol3(li(p("c"))))");
  CHECK(back("<ul><li>a<ul><li>b<table><tr><td>1<td>2</table><li>c</ul>d<li>e</ul>") ==
        R"(ul(li(p("a") ul(li(p("b"))))) table(tr(td(p("1")) td(p("2")))) ul(li(p("c"))) p("d") ul(li(p("e"))))");
  CHECK(back("<ul><li><h2>a</h2>b<blockquote>c</blockquote><hr></ul>") == R"(ul(li(p("a"b) p("b") p("c"))))");
  CHECK(losses("<ul><li><h2>a</h2>b<blockquote>c</blockquote><hr></ul>") ==
        "heading: a strong paragraph 1, quote: its content 1, rule: nothing 1");
  CHECK(adf(html("<ul><li><pre>x</pre></ul>"))
            .find(R"("content":[{"type":"paragraph","content":[]},{"type":"codeBlock")") != std::string::npos);
  CHECK(losses("<ul><li><pre>x</pre></ul>") == "");
}

TEST_CASE("what a quote or a panel may not hold") {
  CHECK(back("<blockquote>a<table><tr><td>1<td>2</table>b<hr>c<h1>d</h1><blockquote>e</blockquote></blockquote>") ==
        R"(quote(p("a")) table(tr(td(p("1")) td(p("2")))) quote(p("b")) hr quote(p("c") p("d"b) p("e")))");
  CHECK(back("<div data-panel=warning><h2>a</h2>b<blockquote>c</blockquote><div data-panel=tip>d</div></div>") ==
        R"(warning(h2("a") p("b") p("c") p("d")))");
  CHECK(back("<blockquote><ul><li><input type=checkbox>a</ul></blockquote>") == R"(ul(open(p("a"))))");
}

TEST_CASE("tables: spans, empty cells, and none inside another") {
  CHECK(back("<table><tr><th colspan=2>a<tr><td>b<td></table>") == R"(table(tr(th2x1(p("a"))) tr(td(p("b")) td())))");
  CHECK(losses("<table><tr><th colspan=2>a<tr><td>b<td></table>") == "");
  CHECK(back("<table><tr><td>a<table><tr><td>1<td>2<tr><td>3<td><p>4<p>5</table><td>b</table>") ==
        R"(table(tr(td(p("a") p("1 | 2") p("3") p("4") p("5")) td(p("b")))))");
  CHECK(losses("<table><tr><td>a<table><tr><td>1<td>2</table><td>b</table>") == "table: paragraphs 1");
}

TEST_CASE("tasks") {
  const std::string_view tasks =
      "<ul><li><input type=checkbox checked>a<ul><li><input type=checkbox>b</ul><li><input type=checkbox>c</ul>";
  CHECK(back(tasks) == R"(ul(done(p("a") ul(open(p("b")))) open(p("c"))))");
  CHECK(losses(tasks) == "");
  CHECK(back("<ol><li><input type=checkbox>a<p>more<li>b</ol>") == R"(ul(open(p("a"))) p("more") ol2(li(p("b"))))");
}

TEST_CASE("images, mentions and references are live with a target only") {
  Node document = html(
      R"(a <img src="https://x.test/a.png" alt="A" width=3> b <a href="#" data-vss-mention="version:2.0,G">@Lea</a> )"
      R"(<a href="https://dev.azure.com/o/p/_workitems/edit/12">#12</a>)");
  CHECK(shape(parse_adf(print_adf(document).document).document) ==
        R"(p("a " "A"->https://x.test/a.png " b @Lea " "#12"->https://dev.azure.com/o/p/_workitems/edit/12))");
  CHECK(told(print_adf(document).losses) == "image: a link 1, mention: text 1, reference: a link 1");
  resolve(document);
  CHECK(
      adf(document) ==
      R"([{"type":"paragraph","content":[{"type":"text","text":"a "}]},)"
      R"({"type":"mediaSingle","attrs":{"layout":"center"},"content":[{"type":"media","attrs":{"type":"file","id":"media-1","collection":"","alt":"A","width":3}}]},)"
      R"({"type":"paragraph","content":[{"type":"text","text":" b "},{"type":"mention","attrs":{"id":"557058:lea","text":"@Lea"}},{"type":"text","text":" "},)"
      R"({"type":"inlineCard","attrs":{"url":"https://acme.atlassian.net/browse/SUP-12"}}]}])");
  CHECK(told(print_adf(document).losses) == "image: a block of its own 1");
}

TEST_CASE("an image on a line of its own loses nothing") {
  Node document = html("a<br><img src=/a.png><br>b");
  resolve(document);
  CHECK(told(print_adf(document).losses) == "");
}

TEST_CASE("control characters and broken UTF-8 do not reach Jira") {
  Node document;
  document.children.push_back(paragraph(std::string("a\0\x01\x1f\x7f z\xed\xa0\x80\xff\xc3", 12)));
  CHECK(adf(document) == "[{\"type\":\"paragraph\",\"content\":[{\"type\":\"text\",\"text\":\"a z\uFFFD\uFFFD\"}]}]");
}

TEST_CASE("trees that no parser makes are printed all the same") {
  Node document;
  document.children.push_back(text("a"));
  document.children.emplace_back(Kind::hard_break);
  Node item(Kind::list_item);
  item.children.push_back(Node(Kind::heading, {text("b")}));
  document.children.push_back(item);
  Node row(Kind::row);
  row.children.push_back(text("c"));
  document.children.push_back(row);
  Node heading(Kind::heading);
  heading.level = 9;
  heading.children.push_back(Node(Kind::quote, {text("d")}));
  document.children.push_back(heading);
  document.children.push_back(Node(Kind::list));
  document.children.push_back(Node(Kind::panel, {text("e")}));
  document.children.push_back(Node(Kind::text, {text("f")}));
  CHECK(shape(parse_adf(print_adf(document).document).document) ==
        R"(p("a") ul(li(p("b"b))) table(tr(td(p("c")))) quote(p("d")) info(p("e")) p("f"))");
  CHECK(AdfRules::faults(print_adf(document).document) == "");
}

TEST_CASE("depth is bounded, the words survive") {
  Node deep = paragraph("core");
  for (int level = 0; level < 2000; ++level) {
    Node around(level % 2 == 0 ? Kind::quote : Kind::list);
    around.children.push_back(std::move(deep));
    deep = std::move(around);
  }
  const PrintedAdf printed = print_adf(deep);
  CHECK(AdfRules::faults(printed.document) == "");
  CHECK(boost::json::serialize(printed.document).find("core") != std::string::npos);
  CHECK(told(printed.losses).starts_with("depth: text 1"));
}

TEST_CASE("Atlassian documents come back as they were") {
  const Value document = boost::json::parse(R"({"type":"doc","version":1,"content":[
    {"type":"heading","attrs":{"level":2},"content":[{"type":"text","text":"T"}]},
    {"type":"paragraph","content":[{"type":"text","text":"a  b ","marks":[{"type":"em"}]},{"type":"mention","attrs":{"id":"5b","text":"@Lea"}},
      {"type":"emoji","attrs":{"shortName":":smile:","text":"😄"}},{"type":"hardBreak"},{"type":"text","text":"H"},
      {"type":"text","text":"2","marks":[{"type":"subsup","attrs":{"type":"sub"}}]},{"type":"inlineCard","attrs":{"url":"https://x.test/1"}}]},
    {"type":"panel","attrs":{"panelType":"success"},"content":[{"type":"paragraph","content":[{"type":"text","text":"p"}]}]},
    {"type":"orderedList","attrs":{"order":3},"content":[{"type":"listItem","content":[{"type":"paragraph","content":[{"type":"text","text":"i"}]},
      {"type":"bulletList","content":[{"type":"listItem","content":[{"type":"paragraph","content":[{"type":"text","text":"j"}]}]}]}]}]},
    {"type":"codeBlock","attrs":{"language":"text"},"content":[{"type":"text","text":"1\n2"}]},{"type":"rule"},
    {"type":"mediaSingle","attrs":{"layout":"center"},"content":[{"type":"media","attrs":{"type":"file","id":"m","collection":"","alt":"a.png","width":2}}]},
    {"type":"table","content":[{"type":"tableRow","content":[{"type":"tableHeader","attrs":{"colspan":2},"content":[{"type":"paragraph","content":[{"type":"text","text":"k"}]}]}]},
      {"type":"tableRow","content":[{"type":"tableCell","content":[{"type":"paragraph","content":[]}]},
      {"type":"tableCell","content":[{"type":"blockquote","content":[{"type":"paragraph","content":[{"type":"text","text":"q"}]}]}]}]}]},
    {"type":"taskList","attrs":{"localId":"task-3"},"content":[{"type":"taskItem","attrs":{"localId":"task-1","state":"DONE"},"content":[{"type":"text","text":"t"}]},
      {"type":"taskItem","attrs":{"localId":"task-2","state":"TODO"},"content":[{"type":"text","text":"u"}]}]}]})");
  CHECK(AdfRules::faults(document) == "");
  Parsed parsed = parse_adf(document);
  CHECK(told(parsed.losses) == "");
  rewrite(parsed.document, [](Node& node) { node.target = node.id; });
  const PrintedAdf printed = print_adf(parsed.document);
  CHECK(told(printed.losses) == "");
  CHECK(boost::json::serialize(printed.document) == boost::json::serialize(document));
}

TEST_CASE("nodes that only Confluence has leave their words, and a loss of their name") {
  const Parsed parsed = parse_adf(boost::json::parse(R"({"type":"doc","version":1,"content":[
    {"type":"expand","attrs":{"title":"More"},"content":[{"type":"paragraph","content":[{"type":"text","text":"x","marks":[{"type":"backgroundColor","attrs":{"color":"#ff0000"}}]}]}]},
    {"type":"paragraph","content":[{"type":"date","attrs":{"timestamp":"1706659200000"}},{"type":"status","attrs":{"text":"OK","color":"green"}}]},
    {"type":"extension","attrs":{"extensionKey":"chart","extensionType":"jira"}},
    {"type":"decisionList","attrs":{"localId":"1"},"content":[{"type":"decisionItem","attrs":{"localId":"2","state":"DECIDED"},"content":[{"type":"text","text":"go"}]}]}]})"));
  CHECK(shape(parsed.document) == R"(p("More"b) p("x") p("2024-01-31OK") p(raw(extension|chart|-)) ul(li(p("go"))))");
  CHECK(told(parsed.losses) ==
        "backgroundColor: nothing 1, date: text 1, decisionItem: its content 1, decisionList: its content 1, expand: "
        "its content 1, "
        "extension: text 1, status: text 1");
}

TEST_CASE("marks of what is no text are told") {
  const auto losses = [](std::string_view node) {
    return told(
        parse_adf(boost::json::parse(R"([{"type":"paragraph","content":[)" + std::string(node) + "]}]")).losses);
  };
  const std::string marks = R"(,"marks":[{"type":"strong"},{"type":"textColor","attrs":{"color":"#ff0000"}}]})";
  CHECK(losses(R"({"type":"mention","attrs":{"id":"1","text":"@Lea"})" + marks) ==
        "strong: nothing 1, textColor: nothing 1");
  CHECK(losses(R"({"type":"emoji","attrs":{"shortName":":x:"})" + marks) == "strong: nothing 1, textColor: nothing 1");
  CHECK(losses(R"({"type":"inlineCard","attrs":{"url":"https://x.test"})" + marks) ==
        "strong: nothing 1, textColor: nothing 1");
  CHECK(losses(R"({"type":"status","attrs":{"text":"OK"})" + marks) ==
        "status: text 1, strong: nothing 1, textColor: nothing 1");
  CHECK(losses(R"({"type":"mention","attrs":{"id":"1","text":"@Lea"}})") == "");
  // Around a picture one of them counts, wherever it stands.
  const Parsed single = parse_adf(boost::json::parse(
      R"([{"type":"mediaSingle","marks":[{"type":"link","attrs":{"href":"https://x.test"}},{"type":"border"}],
           "content":[{"type":"media","attrs":{"id":"m","type":"file"}}]}])"));
  CHECK(shape(single.document) == "p(img(-|-|m|-)->https://x.test)");
  CHECK(told(single.losses) == "border: nothing 1");
}

TEST_CASE("what is no Atlassian document is taken as text, and no nesting is too deep") {
  CHECK(shape(parse_adf(Value()).document) == "");
  CHECK(shape(parse_adf(Value("words")).document) == R"(p("words"))");
  CHECK(shape(parse_adf(Value(12)).document) == R"(p("12"))");
  CHECK(
      shape(
          parse_adf(
              boost::json::parse(
                  R"([1,{"type":5},{"text":"a"},{"type":"text"},{"type":"list","content":{}},{"type":"text","text":"b","marks":[1,{}]}])"))
              .document) == R"(p(raw(-|a|-) "b"))");
  Value deep = boost::json::parse(R"({"type":"text","text":"core"})");
  for (int level = 0; level < 1000; ++level) deep = Object{{"type", "blockquote"}, {"content", Array{std::move(deep)}}};
  CHECK(shape(parse_adf(deep).document).find("core") != std::string::npos);
}
