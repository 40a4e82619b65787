// HTML that is large, deep or sloppy: what is taken for an attack, what is not, and what is left of it.
#include <doctest/doctest.h>

#include "richtext_kit.hpp"

using namespace migrate;
using namespace migrate::richtext;
using migrate::richtext_tests::shape;
using migrate::richtext_tests::told;

namespace {

std::string tree(std::string_view html) { return shape(parse_html(html).document); }
std::string losses(std::string_view html) { return told(parse_html(html).losses); }

std::string repeated(int times, std::string_view html) {
  std::string all;
  for (int index = 0; index < times; ++index) all += html;
  return all;
}

}  // namespace

TEST_CASE("sloppy markup is read, however much of it there is") {
  // What a cell, a paragraph or a list leaves open ends with it.
  const std::string row = "<tr>" + repeated(4, "<td><font size=1>a &amp; b</td>") + "</tr>";
  const std::string cells = R"(p("a & b"))";
  for (const int rows : {300, 3000}) {
    const std::string report = "<table border=1>" + repeated(rows, row) + "</table><img src=/a.png>";
    CHECK(losses(report) == "");
    CHECK(tree(report).ends_with(R"( p(img(-|/a.png|-|-)))"));
    CHECK(tree(report).find(cells) != std::string::npos);
  }
  CHECK(losses("<table border=1>" + repeated(2000, "<tr><td><b>x<td><span>y") + "</table>") == "");
  CHECK(losses(repeated(20'000, "<div><span class=x>a</div>")) == "");
  CHECK(losses("<ul>" + repeated(5000, "<li><span>a") + "</ul>") == "");
  CHECK(losses(repeated(5000, "<p><span><a name=x>a</p>")) == "");
  // Neither closes an element of its own, and nor does what a drawing consists of.
  CHECK(losses("<svg>" + repeated(1500, "<path d='M0 0'/>") + "</svg>a") == "svg: nothing 1");
  CHECK(losses(repeated(1500, "<br/><img src=/a.png /><hr/>")) == "");
  CHECK(losses(repeated(200, "<svg><title>t</title><g><path/></g></svg><select><option>a<option>b</select>")) == "");
  // Deep is not large.
  CHECK(losses(repeated(1500, "<blockquote>x &lt; y ")).starts_with("depth: text"));
  CHECK(losses(repeated(1500, "<blockquote>") + "deep").find("markup") == std::string::npos);
}

TEST_CASE("what is left of markup that is not parsed: words, links and pictures") {
  const std::string deep = repeated(40'000, "<div>");
  CHECK(tree(deep +
             "a &lt; &eacute; <b>b</b>c 1 < 2<script>x()</script><!-- no --> <a title=t href='https://x.test'>here</a>"
             "<p>d<br>e<img src='cid:1' alt='A'></p></td>f") ==
        "p(\"a < é bc 1 < 2 \" \"here\"->https://x.test) p(\"d\" br \"e\" img(A|cid:1|-|-)) p(\"f\")");
  CHECK(losses(deep + "<img src=/a.png>") == "markup: plain text 1");
  // Neither a comment nor a quote hides what follows.
  CHECK(losses("<!-->" + deep) == "markup: plain text 1");
  CHECK(losses("<!-- --!>" + deep) == "markup: plain text 1");
  CHECK(losses("<p =\">" + deep) == "markup: plain text 1");
  CHECK(losses("<svg>" + repeated(20'000, "<td>") + repeated(20'000, "</x>")) == "markup: plain text 1");
  CHECK(losses(repeated(40'000, "<frameset>")) == "markup: plain text 1");
}

TEST_CASE("markup built to exhaust a parser still gives its text, in bounded time and memory") {
  std::string nested;
  for (int level = 0; level < 200'000; ++level) nested += "<div>";
  nested += "deep";
  CHECK(tree(nested) == R"(p("deep"))");
  CHECK(losses(nested) == "markup: plain text 1");

  std::string quotes;
  for (int level = 0; level < 400; ++level) quotes += "<blockquote>";
  const Parsed parsed = parse_html(quotes + "deep");
  CHECK(told(parsed.losses).starts_with("depth: text"));
  CHECK(shape(parsed.document).find("deep") != std::string::npos);

  std::string repeating;
  for (int index = 0; index < 4000; ++index) repeating += "<font size=" + std::to_string(index) + ">";
  for (int index = 0; index < 20'000; ++index) repeating += "<p>x";
  CHECK(shape(parse_html(repeating).document).find('x') != std::string::npos);

  std::string attributes = "<p";
  for (int index = 0; index < 100'000; ++index) attributes += " a" + std::to_string(index);
  CHECK(tree(attributes + ">x") == R"(p("x"))");

  std::string link = "<a href='https://x.test/" + std::string(100'000, 'a') + "'>";
  for (int index = 0; index < 10'000; ++index) link += "<b>x</b><i>y</i>";
  CHECK(losses(link).starts_with("link: text"));
}
