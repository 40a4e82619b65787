// HTML into the tree: what browsers, mail programs, Freshdesk, Azure DevOps and Matrix write.
#include <doctest/doctest.h>

#include "migrate/richtext/text.hpp"
#include "richtext_kit.hpp"

using namespace migrate;
using namespace migrate::richtext;
using migrate::richtext_tests::shape;
using migrate::richtext_tests::told;

namespace {

std::string tree(std::string_view html) { return shape(parse_html(html).document); }
std::string losses(std::string_view html) { return told(parse_html(html).losses); }

struct Row {
  const char* html;
  const char* tree;
};

void check(std::initializer_list<Row> rows) {
  for (const Row& row : rows) {
    CAPTURE(row.html);
    CHECK(tree(row.html) == row.tree);
  }
}

}  // namespace

TEST_CASE("paragraphs, breaks and blanks are those that a browser shows") {
  check({
      {"", ""},
      {"  \n ", ""},
      {"a", R"(p("a"))"},
      {"<p>a</p><p>b</p>", R"(p("a") p("b"))"},
      {"<div>a</div><div>b<div>c</div>d</div>", R"(p("a") p("b") p("c") p("d"))"},
      {"<div>a</div><div><br></div><div>b</div>", R"(p("a") p("b"))"},
      {"a<br>b", R"(p("a" br "b"))"},
      {"a<br><br>b", R"(p("a") p("b"))"},
      {"a <br> b<br>", R"(p("a" br "b"))"},
      {"  a \n  b\t<b> c </b> d", R"(p("a b " "c "b "d"))"},
      {"<p>&nbsp;</p>", ""},
      {"<p>a&nbsp;b &amp; &lt;c&gt; &euro; &#8222;</p>", "p(\"a\u00a0b & <c> \u20ac \u201e\")"},
      {"<div style='white-space: pre-wrap'>a  b\n c</div>", R"(p("a  b" br "c"))"},
      {"<center><address>a</address></center><section>b</section>", R"(p("a") p("b"))"},
      {"a<script>alert(1)</script><style>p{}</style><!-- c -->b", R"(p("ab"))"},
      {"<html><head><title>t</title></head><body>b</body></html>", R"(p("b"))"},
      {"a<wbr>b", R"(p("ab"))"},
  });
}

TEST_CASE("marks of elements and of styles") {
  check({
      {"<b>b</b><i>i</i><u>u</u><s>s</s><sub>v</sub><sup>^</sup><code>c</code>", R"(p("b"b "i"i "u"u "s"s "v"v "^"^ "c"c))"},
      {"<strong><em>x</em></strong>", R"(p("x"bi))"},
      {"<b>a</b><strong>b</strong>", R"(p("ab"b))"},
      {"<ins>a</ins><del>b</del><strike>c</strike><tt>d</tt><kbd>e</kbd>", R"(p("a"u "bc"s "de"c))"},
      {"<span style='font-weight:700;font-style:italic'>x</span>", R"(p("x"bi))"},
      {"<span style='text-decoration: underline line-through'>x</span>", R"(p("x"su))"},
      {"<b style='font-weight:normal'>x</b>", R"(p("x"))"},
      {"<b>a<span style='font-weight:normal'>b</span></b>", R"(p("a"b "b"))"},
      {"<span style='color:#f00'>x</span><font color=green>y</font>", R"(p("x"#ff0000 "y"#008000))"},
      {"<span style='color:rgb(1, 2, 3)'>x</span>", R"(p("x"#010203))"},
      {"<span style='COLOR: Black'>x</span><span style='color:#000000'>y</span><span style='color:windowtext'>z</span>", R"(p("xyz"))"},
      {"<q>x</q>", "p(\"\u201cx\u201d\")"},
      {"<sub>a<sup>b</sup></sub>", R"(p("a"v "b"^))"},
  });
}

TEST_CASE("a style takes back what its element says, and nothing else does") {
  check({
      {"<b style='mso-bidi-font-weight:normal'>x</b><i style='mso-bidi-font-style:normal'>y</i>", R"(p("x"b "y"i))"},
      {"<strong style='font-weight:normal'>x</strong><b style='FONT-WEIGHT: 400'>y</b>", R"(p("xy"))"},
      {"<em style='font-style:normal'>x</em>", R"(p("x"))"},
      {"<b style='font-weight:bold'>x</b><b style='color:#ff0000'>y</b>", R"(p("x"b "y"b#ff0000))"},
      {"<b style='font-weight:normal' id=docs-internal-guid-1><p>x<b>y</b></p></b>", R"(p("x" "y"b))"},
      {"<b style='font:bold 14px Arial'>x</b><b style='font:14px Arial'>y</b>", R"(p("xy"b))"},
      {"<span style='font:bold 14px Arial'>x</span><span style='font:italic 700 .8em/1.2 Arial'>y</span>", R"(p("x"b "y"bi))"},
      {"<span style='font:400 14px Arial Bold'>x</span><span style='font:7.0pt \"Times New Roman\"'>y</span>", R"(p("xy"))"},
  });
}

TEST_CASE("links: where they lead, and which are none") {
  check({
      {"<a href='https://x.test/?a=1&amp;b=2'>x</a>", R"(p("x"->https://x.test/?a=1&b=2))"},
      {"<a href='#'>x</a><a>y</a><a href=''>z</a>", R"(p("xyz"))"},
      {"<a href=' /a b '>x</a>", R"(p("x"->/a b))"},
      {"<a href='https://x.test'><b>x</b> y</a>", R"(p("x"b->https://x.test " y"->https://x.test))"},
  });
}

TEST_CASE("headings, lists, quotes, code and rules") {
  check({
      {"<h1>a</h1><h6>b</h6>", R"(h1("a") h6("b"))"},
      {"<h2><div>a</div><p>b</p></h2>", R"(h2("a" br "b"))"},
      {"<ul><li>a<li>b</ul>", R"(ul(li(p("a")) li(p("b"))))"},
      {"<ol start=3><li>a</ol>", R"(ol3(li(p("a"))))"},
      {"<ul><li>a<ul><li>b</li></ul></li></ul>", R"(ul(li(p("a") ul(li(p("b"))))))"},
      {"<ul><li>a</li><ul><li>b</li></ul></ul>", R"(ul(li(p("a") ul(li(p("b"))))))"},
      {"<ul>x<li>a</li></ul><li>b</li>", R"(ul(li(p("x")) li(p("a"))) ul(li(p("b"))))"},
      {"<ul><li></li></ul>", ""},
      {"<ul><li><input type=checkbox checked> a<li><input type=checkbox>b</ul>", R"(ul(done(p("a")) open(p("b"))))"},
      {"<blockquote>a<blockquote>b</blockquote></blockquote>", R"(quote(p("a") quote(p("b"))))"},
      {"<pre>a\n  b\n</pre>", "code(-|a\n  b)"},
      {"<pre><code class='language-c++'>x&lt;y</code></pre>", "code(c++|x<y)"},
      {"<pre lang=ruby>a<br>b</pre>", "code(ruby|a\nb)"},
      {"a<hr>b", R"(p("a") hr p("b"))"},
      {"<dl><dt>a<dd>b</dl>", R"(p("a"b) p("b"))"},
      {"<details><summary>s</summary>x</details>", R"(p("s"b) p("x"))"},
  });
}

TEST_CASE("tables, and tables that only lay out") {
  check({
      {"<table><tr><th>a<th>b<tr><td>1<td>2</table>", R"(table(tr(th(p("a")) th(p("b"))) tr(td(p("1")) td(p("2")))))"},
      {"<table><tr><td colspan=2 rowspan=9>a<td><tr><td>b</table>", R"(table(tr(td2x2(p("a")) td()) tr(td(p("b")))))"},
      {"<table><caption>c</caption><tr><td>a<td>b</table>", R"(p("c") table(tr(td(p("a")) td(p("b")))))"},
      {"<table><tr><td><p>a</p><p>b</p></table>", R"(p("a") p("b"))"},
      {"<table role=presentation><tr><td>a<td>b</table>", R"(p("a") p("b"))"},
      {"<table><tr><td>a<table><tr><td>1<td>2</table><td>b</table>", R"(table(tr(td(p("a") table(tr(td(p("1")) td(p("2"))))) td(p("b")))))"},
      {"<table></table>", ""},
  });
  CHECK(losses("<table><tr><td>a</table>") == "table: its content 1");
}

TEST_CASE("images stay typed, with what is needed to find the file") {
  check({
      {"<img src='https://x.test/a.png' alt=A width=20 height=10>", R"(p(img(A|https://x.test/a.png|-|-)20x10))"},
      {"<img src=\"https://eucattachment.freshdesk.com/inline/attachment?token=eyJ.a.b\">",
       R"(p(img(-|https://eucattachment.freshdesk.com/inline/attachment?token=eyJ.a.b|-|-)))"},
      {"<img src='cid:part1@x'>", R"(p(img(-|cid:part1@x|-|-)))"},
      {"<img src=\"https://dev.azure.com/o/p/_apis/wit/attachments/g?fileName=image.png&amp;x=1\" alt=Image>",
       R"(p(img(Image|https://dev.azure.com/o/p/_apis/wit/attachments/g?fileName=image.png&x=1|-|-)))"},
      {"<a href='https://x.test'><img src=/a.png></a>", R"(p(img(-|/a.png|-|-)->https://x.test))"},
      {"a<br><img src=/a.png><br>b", R"(p("a") p(img(-|/a.png|-|-)) p("b"))"},
      {"a <img src=/a.png> b", R"(p("a " img(-|/a.png|-|-) " b"))"},
      {"<img src=/track.gif width=1 height=1>", ""},
  });
  CHECK(losses("<img src=/track.gif width=1 height=1>") == "image: nothing 1");
}

TEST_CASE("only numbers of pixels say that a picture is one pixel") {
  for (const std::string size : {"", "auto", "0.9in", "1%", "1em", "99999999999", "-1", "+1"}) {
    CAPTURE(size);
    const std::string image = fmt::format("<img src=/a.png width='{}' height='{}'>", size, size);
    CHECK(tree(image) == "p(img(-|/a.png|-|-))");
    CHECK(losses(image) == "");
  }
  CHECK(tree("<img src=/a.png width='100%' height=' 40px'>") == "p(img(-|/a.png|-|-)0x40)");
  for (const std::string size : {"0", "1", " 1 ", "1px", "1 PX"}) {
    CAPTURE(size);
    CHECK(losses(fmt::format("<img src=/t.gif width='{}' height='{}'>", size, size)) == "image: nothing 1");
  }
}

TEST_CASE("what code cannot hold is told") {
  const auto in_code = [](std::string_view inside) { return losses(fmt::format("<pre>{}</pre>", inside)); };
  CHECK(in_code("a <a href='https://x.test'>here</a>") == "link: text 1");
  CHECK(parse_html("<pre><a href='https://x.test'>here</a></pre>").losses.all().at(0).example == "https://x.test");
  CHECK(in_code("<a href=' https://x.test'>https://x.test </a> <a href='#'>x</a>") == "");
  CHECK(losses("<a href='https://x.test'><pre>here</pre></a>") == "link: text 1");
  CHECK(in_code("<a href='#' data-vss-mention='version:2.0,b0ba'>@Ann</a>") == "mention: text 1");
  CHECK(in_code("<img src=/a.png><img src=/b.png>") == "image: nothing 2");
  CHECK(in_code("<iframe src='https://video.test/1'></iframe>") == "iframe: nothing 1");
  CHECK(in_code("<b>a</b> <b> </b><i style='color: red'>b</i>") == "colour: nothing 1, em: nothing 1, strong: nothing 1");
  CHECK(losses("<b><pre>a</pre></b>") == "strong: nothing 1");
  CHECK(in_code("<ul><li>a</ul>") == "list: text 1");
  CHECK(in_code("<pre>a</pre>") == "");
  CHECK(in_code("<code class='language-c++'>a<br><span class=k>b</span></code>") == "");
  CHECK(tree("<pre>a <a href='https://x.test'>here</a></pre>") == "code(-|a here)");

  // Nested or linked without end.
  std::string nested = "<pre>";
  for (int level = 0; level < 200; ++level) nested += "<pre>";
  CHECK(tree(nested + "deep") == "code(-|deep)");
  std::string linked = "<a href='https://x.test/" + std::string(100'000, 'a') + "'>";
  for (int index = 0; index < 10'000; ++index) linked += "<pre>x</pre>";
  CHECK(losses(linked).starts_with("link: text"));
}

TEST_CASE("Azure DevOps: mentions and work items are typed") {
  check({
      {R"(<div><a href="#" data-vss-mention="version:2.0,1d2c-GUID">@Lea N</a>&nbsp;done</div>)", "p(@(1d2c-GUID|Lea N|-) \"\u00a0done\")"},
      {R"(<a href="https://dev.azure.com/acme/p/_workitems/edit/12/" data-vss-mention="version:1.0">#12</a>)",
       R"(p(ref(12|#12|https://dev.azure.com/acme/p/_workitems/edit/12/|-)))"},
      {R"(<a href="https://dev.azure.com/acme/p/_workitems/edit/12">Bug 12</a>: Crash)",
       R"(p(ref(12|Bug 12|https://dev.azure.com/acme/p/_workitems/edit/12|-) ": Crash"))"},
      {R"(<a href="https://dev.azure.com/acme/p/_workitems/edit/12">see there</a>)",
       R"(p("see there"->https://dev.azure.com/acme/p/_workitems/edit/12))"},
      {R"(<a href="https://dev.azure.com/acme/p/_workitems/edit/12">Bug 112</a>)",
       R"(p("Bug 112"->https://dev.azure.com/acme/p/_workitems/edit/12))"},
      {"<a href=/_workitems/edit/12>#12</a>", R"(p("#12"->/_workitems/edit/12))"},
      {R"(<a href="https://d.test/_workitems/edit/12">#12<img src=a.png></a>)",
       R"(p("#12"->https://d.test/_workitems/edit/12 img(-|a.png|-|-)->https://d.test/_workitems/edit/12))"},
  });
}

TEST_CASE("Matrix: replies, mentions, spoilers") {
  check({
      {R"(<a href="https://matrix.to/#/@ann:ex.org">Ann</a>: hi)", R"(p(@(@ann:ex.org|Ann|-) ": hi"))"},
      {R"(<a href="https://matrix.to/#/%40ann%3Aex.org">Ann</a>)", R"(p(@(@ann:ex.org|Ann|-)))"},
      {"<a href='https://mat\nrix.to/#/@ann:ex.org'>Ann</a>", R"(p(@(@ann:ex.org|Ann|-)))"},
      {R"(<a href="https://matrix.to/#/#room:ex.org">room</a>)", R"(p("room"->https://matrix.to/#/#room:ex.org))"},
      {"<mx-reply><blockquote>old</blockquote></mx-reply>new", R"(quote(p("old")) p("new"))"},
      {"<font data-mx-color='#ff0000'>x</font>", R"(p("x"#ff0000))"},
      {"<img data-mx-emoticon src=mxc://x/y alt=':cat:'>", "p(emoji(:cat:|-))"},
  });
  HtmlOptions reply;
  reply.matrix_reply = true;
  CHECK(shape(parse_html("<mx-reply><blockquote>old</blockquote></mx-reply>new", reply).document) == R"(p("new"))");
  CHECK(losses("<span data-mx-spoiler>x</span>") == "spoiler: text 1");
}

TEST_CASE("Freshdesk: quoted mail becomes a quote") {
  check({
      {R"(<div>Thanks</div><div class="freshdesk_quote"><div>On Monday you wrote</div><div>Help</div></div>)",
       R"(p("Thanks") quote(p("On Monday you wrote") p("Help")))"},
      {R"(<div class="freshdesk_quote"><blockquote class="freshdesk_quote">Help</blockquote></div>)", R"(quote(p("Help")))"},
      {R"(<div class="gmail_quote"><blockquote>Help</blockquote></div>)", R"(quote(p("Help")))"},
  });
}

TEST_CASE("Word: paragraphs that are items") {
  const std::string bullet = "<![if !supportLists]><span style='mso-list:Ignore'>\u00b7<span>&nbsp;&nbsp; </span></span><![endif]>";
  const std::string one = "<p class=MsoListParagraph style='margin-left:.5in;mso-list:l0 level1 lfo1'>" + bullet;
  const std::string two = "<p class=MsoListParagraph style='mso-list:l0 level2 lfo1'>" + bullet;
  CHECK(tree(one + "a</p>" + one + "<b>b</b><o:p></o:p></p>" + two + "c</p>" + two + "d</p>" + one + "e</p><p>f</p>" + one + "g") ==
        R"(ul(li(p("a")) li(p("b"b) ul(li(p("c")) li(p("d")))) li(p("e"))) p("f") ul(li(p("g"))))");
  CHECK(tree(two + "a</p>" + one + "b") == R"(ul(li(ul(li(p("a")))) li(p("b"))))");
  const auto number = [](const std::string& sign) {
    return "<p style='mso-list:l1 level1 lfo2'><span style='mso-list:Ignore'>" + sign + "<span> </span></span>";
  };
  CHECK(tree(number("3.") + "a</p>" + number("4.") + "b</p>" + one + "c") == R"(ol3(li(p("a")) li(p("b"))) ul(li(p("c"))))");
  CHECK(tree("<p style='color:#ff0000;mso-list:l0 level1 lfo1'>" + bullet + "a") == R"(ul(li(p("a"#ff0000))))");
}

TEST_CASE("Word: what numbers a paragraph stays where the list does not say the same") {
  const auto signed_by = [](const std::string& element, const std::string& sign) {
    return "<" + element + " style='mso-list:l2 level1 lfo1'><![if !supportLists]><span style='mso-list:Ignore'>" + sign +
           "<span>&nbsp;&nbsp; </span></span><![endif]>";
  };
  const auto item = [&](const std::string& sign) { return signed_by("p", sign); };
  CHECK(tree(signed_by("h2", "2.4") + "Scope</h2>") == R"(h2("2.4 Scope"))");
  CHECK(tree(item("\u00a7 7") + "law") == "ul(li(p(\"\u00a7 7 law\")))");
  CHECK(tree(item("Article&nbsp;3:") + "law") == R"(ul(li(p("Article 3: law"))))");
  CHECK(tree(item("1.1.") + "a</p>" + item("1.2.") + "b") == R"(ul(li(p("1.1. a")) li(p("1.2. b"))))");
  CHECK(tree(item("c)") + "a") == R"(ul(li(p("c) a"))))");
  CHECK(tree(item("12)") + "a</p>" + item("13)") + "b") == R"(ol12(li(p("a")) li(p("b"))))");
  CHECK(tree(item("1.") + "a</p>" + item("1.") + "b") == R"(ol1(li(p("a"))) ol1(li(p("b"))))");
  CHECK(tree(item("o") + "a</p>" + item("\u00a7") + "b") == R"(ul(li(p("a")) li(p("b"))))");
  CHECK(losses(item("1.1.") + "a") == "");
}

TEST_CASE("numbers that items have, and kinds of numbers that are not told apart") {
  check({
      {"<ol><li value=5>a<li>b</ol>", R"(ol5(li(p("a")) li(p("b"))))"},
      {"<ol start=3><li>a<li value=4>b<li value=7>c<li>d</ol>e",
       R"(ol3(li(p("a")) li(p("b"))) ol7(li(p("c")) li(p("d"))) p("e"))"},
      {"<ol><li>a<ol><li value=2>b</ol><li>c</ol>", R"(ol1(li(p("a") ol2(li(p("b")))) li(p("c"))))"},
      {"<ul><li value=5>a</ul><ol><li value=x>b</ol>", R"(ul(li(p("a"))) ol1(li(p("b"))))"},
  });
  CHECK(losses("<ol type=1><li value=5>a</ol><ul type=disc><li>b</ul>") == "");
  CHECK(losses("<ol type=a><li>a</ol>") == "type of list: numbers 1");
  CHECK(losses("<ol reversed><li>a</ol>") == "reversed list: numbers 1");
}

TEST_CASE("an empty item keeps the numbers of those behind it") {
  check({
      {"<ol><li>a<li><li>c</ol>", R"(ol1(li(p("a")) li() li(p("c"))))"},
      {"<ol><li>a<li><p>&nbsp;</p><li><br><li>d<li></ol>", R"(ol1(li(p("a")) li() li() li(p("d"))))"},
      {"<ol start=5><li><li>b</ol>", R"(ol6(li(p("b"))))"},
      {"<ol><li><li></ol>", ""},
      {"<ul><li>a<li><li>c</ul>", R"(ul(li(p("a")) li(p("c"))))"},
      {"<ol><li>a<li><input type=checkbox><li>c</ol>", R"(ol1(li(p("a")) li() li(p("c"))))"},
  });
  CHECK(losses("<ol><li>a<li><li>c</ol>") == "");
  const Node document = parse_html("<ol><li>a<li><li>c</ol>").document;
  CHECK(shape(parse_adf(print_adf(document).document).document) == shape(document));
  CHECK(print_markdown(document).text == "1. a\n2.\n3. c\n");
  CHECK(shape(parse_markdown(print_markdown(document).text).document) == shape(document));
  CHECK(print_wiki(document).text == "# a\n# \u00a0\n# c");
  const Node loose = parse_html("<ul><li>x<ol><li>a<p>b</p><li><li>c</ol><li>y</ul>").document;
  CHECK(shape(loose) == R"(ul(li(p("x") ol1(li(p("a") p("b")) li() li(p("c")))) li(p("y"))))");
  CHECK(shape(parse_markdown(print_markdown(loose).text).document) == shape(loose));
  CHECK(plain_text(document) == "1. a\n2. \n3. c");
}

TEST_CASE("what the tree does not know is named, with what can be read of it") {
  CHECK(tree("<iframe src='https://video.test/1'>no frames</iframe>") == "p(raw(iframe|https://video.test/1|https://video.test/1))");
  CHECK(tree("<video><source type=x><source src=/v.mp4>No <b>video</b></video>") == "p(raw(video|No video|/v.mp4))");
  CHECK(tree("<object data=/a.pdf>fall <b>back</b></object>") == "p(raw(object|fall back|/a.pdf))");
  CHECK(tree("<map><area href=https://x.test/1 alt=One><area href=https://x.test/2><area alt=No></map>") ==
        R"(p("One"->https://x.test/1 " " "https://x.test/2"->https://x.test/2))");
  CHECK(losses("<pre><map><area href=https://x.test/1 alt=One></map></pre>") == "link: text 1");
  CHECK(tree("<svg><text>drawn</text></svg>") == "p(raw(svg|drawn|-))");
  CHECK(losses("<svg></svg>") == "svg: nothing 1");
  CHECK(tree("<o:p>a</o:p><foo>b</foo>") == R"(p("ab"))");
}

TEST_CASE("what has no place in the tree is told, what says nothing is not") {
  const char* const link = "<a href='https://x.test/a' title='";
  const auto linked = [&](const std::string& title) { return losses(link + title + "'> see <b>there</b></a>"); };
  CHECK(linked("The whole story") == "title: nothing 1");
  for (const char* redundant : {"", " ", "see there", " https://x.test/a "}) CHECK(linked(redundant) == "");
  CHECK(losses("<img src=/a.png alt=A title=B>") == "title: nothing 1");
  CHECK(losses("<img src=/a.png alt=A title=A>") == "");
  CHECK(losses("<img src=/a.png title=/a.png>") == "");
  CHECK(losses("a <mark>b</mark>") == "mark: text 1");
  CHECK(tree("a <mark>b</mark>") == R"(p("a b"))");

  for (const char* colour : {"tomato", "hsl(9, 100%, 64%)", "#ff634780", "var(--warning)"}) {
    CAPTURE(colour);
    CHECK(losses(std::string("<span style='color: ") + colour + " !important'>x</span>") == "colour: nothing 1");
    CHECK(losses(std::string("<font color='") + colour + "'>x</font>") == "colour: nothing 1");
  }
  for (const char* colour :
       {"red", "black", "#000", "#000000", "rgb(0, 0, 0)", "windowtext", "Inherit", "initial", "#f00"}) {
    CAPTURE(colour);
    CHECK(losses(std::string("<span style='color: ") + colour + "'>x</span>") == "");
  }

  const auto highlighted = [](std::string_view css) { return losses(fmt::format("a <span style='{}'>b</span>", css)); };
  for (const char* css : {"background:yellow;mso-highlight:yellow", "BACKGROUND-COLOR: rgb(255, 0, 0)",
                          "background:#ff0 none repeat scroll 0 0", "background:black", "background-color:lightyellow"}) {
    CAPTURE(css);
    CHECK(highlighted(css) == "background: nothing 1");
  }
  for (const char* css : {"background:none", "background-color:transparent", "background:white", "background:#FFF",
                          "background-color:#ffffff", "background-color:rgb(255, 255, 255)", "background:inherit",
                          "background-color:initial", "background-color:rgba(0, 0, 0, 0)", "background:url(/a.png)",
                          "background:0 0", "background-image:none"}) {
    CAPTURE(css);
    CHECK(highlighted(css) == "");
  }
  CHECK(losses("<b style='background:yellow'>a <span style='background:yellow'>b</span></b>") == "background: nothing 1");
  CHECK(losses("<div style='background:yellow'>a</div><span style='background:yellow'> </span>") == "");
  CHECK(losses("<table border=1 bgcolor=red><tr style='background:red'><td style='background:#eee'>a</table>") == "");

  CHECK(losses("<pre lang='json:table'>x</pre>") == "language of code: nothing 1");
  CHECK(losses("<pre lang='c++'>x</pre>") == "");
  CHECK(losses("<ul><li><input type=checkbox><li>a<li></ul>") == "task: nothing 1");
}

TEST_CASE("bytes that are no text, and markup that is none") {
  CHECK(tree("a\x01\x02"
             "b\xff"
             "c\xed\xa0\x80"
             "d") != "");
  check({
      {"<", R"(p("<"))"},
      {"a < b & c", R"(p("a < b & c"))"},
      {"</div></p>a", R"(p("a"))"},
      {"<b>a<p>b", R"(p("a"b) p("b"b))"},
      {"<![if !supportLists]>x<![endif]>", R"(p("x"))"},
  });
}
