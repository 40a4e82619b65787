// HTML and wiki markup out; text for people and for comparison; the part that fits.
#include <doctest/doctest.h>

#include "richtext_checks.hpp"

using namespace migrate;
using namespace migrate::richtext;
using migrate::richtext_tests::shape;
using migrate::richtext_tests::told;

namespace {

std::string wiki(std::string_view html) { return print_wiki(parse_html(html).document).text; }
std::string wiki_losses(std::string_view html) { return told(print_wiki(parse_html(html).document).losses); }
std::string html(std::string_view from) { return print_html(parse_html(from).document).text; }

struct Row {
  const char *in, *out;
};

using Rows = std::initializer_list<Row>;

void check_html(Rows rows) {
  for (const Row& row : rows) {
    CAPTURE(row.in);
    CHECK(html(row.in) == row.out);
    CHECK(migrate::richtext_tests::check_html(parse_html(row.in).document) == "");
  }
}
void check_wiki(Rows rows) {
  for (const Row& row : rows) {
    CAPTURE(row.in);
    CHECK(wiki(row.in) == row.out);
    CHECK(wiki_losses(row.in) == "");
  }
}

constexpr const char* everything = R"(<h1>T</h1><p>It <b>beeps</b>,<br>twice &amp; <code>now</code>&nbsp;! <a href="https://x.test">x</a></p>
<ul><li>a<ul><li>b</ul><li>c</ul><ol start=3><li>d</ol><blockquote>q</blockquote><pre lang=ruby>1
2</pre><hr><table><tr><th>k<th>v<tr><td>1<td>2</table><p>end <img src="https://x.test/a.png" alt=A></p>)";

}  // namespace

TEST_CASE("HTML out: the elements that everybody knows") {
  check_html({
      {"<div>a<div>b", "<p>a</p><p>b</p>"},
      {"<b>a</b> <i>b</i><u>c</u><s>d</s>", "<p><strong>a</strong> <em>b</em><ins>c</ins><del>d</del></p>"},
      {"<font color=red>a</font>", "<p><span style=\"color:#ff0000\">a</span></p>"},
      {"<a href='https://x.test/?a=1&amp;b=\"'>a&lt;</a>", "<p><a href=\"https://x.test/?a=1&amp;b=&quot;\">a&lt;</a></p>"},
      {"<ul><li>a<p>b<li>c<ul><li>d</ul></ul>", "<ul><li><p>a</p><p>b</p></li><li>c<ul><li>d</li></ul></li></ul>"},
      {"<ul><li><input type=checkbox checked>a</ul>", "<ul><li data-task=\"done\"><input type=\"checkbox\" disabled checked> a</li></ul>"},
      {"<pre lang=c>a<b>\n", "<pre lang=\"c\"><code>a</code></pre>"},
      {"<table><tr><th colspan=2>a<tr><td>b<td>c</table>", "<table border=\"1\"><tr><th colspan=\"2\">a</th></tr><tr><td>b</td><td>c</td></tr></table>"},
      {"<img src='data:image/png;base64,AA' alt='\"'>", "<p><img src=\"data:image/png;base64,AA\" alt=\"&quot;\"></p>"},
      {"<div style='white-space:pre'>a  b</div>", "<p>a &nbsp;b</p>"},
  });
}

TEST_CASE("HTML out runs nothing") {
  for (const char* bad : {"<script>alert(1)</script>x", "<img src=x onerror=alert(1)>", "<a href='javascript:alert(1)'>x</a>", "<a href='JaVa&#10;Script:alert(1)'>x</a>",
                          "<a href='data:text/html,<script>'>x</a>", "<svg onload=alert(1)><script>alert(1)</script></svg>", "<iframe src='javascript:alert(1)'>",
                          "<img src='data:text/html,x'>", "<img src='data:image/svg+xml,<svg onload=alert(1)>'>", "<p style='background:url(javascript:x)'>x</p>",
                          "<a href='vbscript:x'>x</a>", "<math><mtext><script>alert(1)</script></mtext></math>", "<a href=\"x\" onclick='&quot;&gt;&lt;script&gt;'>x</a>",
                          "<div data-panel='\"><script>alert(1)</script>'>x</div>", "<pre lang='\" onload=\"x'>x</pre>", "<span data-mention='\"><script>'>x</span>"}) {
    CAPTURE(bad);
    Node document = parse_html(bad).document;
    rewrite(document, [](Node& node) { node.target = node.id; });
    const std::string printed = print_html(document).text;
    CHECK(migrate::richtext_tests::html_faults(printed) == "");
  }
}

TEST_CASE("wiki markup out") {
  check_wiki({
      {"<h2>a</h2><p>b<br>c</p>", "h2. a\n\nb\nc"},
      {"<b>a</b> <i>b</i> <u>c</u> <s>d</s> <code>e</code>", "*a* _b_ +c+ -d- {{e}}"},
      {"a<b>b</b>c <sub>v</sub>", "a{*}b{*}c ~v~"},
      {"<font color=red>a</font>", "{color:#ff0000}a{color}"},
      {"<a href='https://x.test/a|b'>l</a>", "[l|https://x.test/a%7Cb]"},
      {"<ul><li>a<ol><li>b</ol><li>c</ul>", "* a\n*# b\n* c"},
      {"<blockquote>a</blockquote>", "{quote}\na\n{quote}"},
      {"<pre lang=java>a{b}</pre>", "{code:java}\na{b}\n{code}"},
      {"<pre>a</pre>", "{noformat}\na\n{noformat}"},
      {"<hr>", "----"},
      {"<table><tr><th>a<th>b<tr><td>1<td></table>", "||a||b||\n|1| |"},
      {"<table><tr><th># of users<th>h1. a<tr><td>bq. b<td># c # d</table>",
       "||\\# of users||h1&#46; a||\n|bq&#46; b|\\# c # d|"},
      {"<div data-panel=info>a</div>", "{panel:bgColor=#deebff}\na\n{panel}"},
      {"a{b}[c]*d*_e_|f !g! -h- i-j ~k ^l ??m?? \\n",
       "a\\{b\\}\\[c\\]\\*d\\*\\_e\\_\\|f \\!g! \\-h\\- i-j \\~k \\^l \\?\\?m\\?\\? &#92;n"},
      {"h1. a<br>bq. b<br># c<br>* d<br>- e", "h1&#46; a\nbq&#46; b\n\\# c\n\\* d\n\\- e"},
      {"<u>a+</u> <s>b-</s>", "+a\\++ -b\\--"},
      {":) (!) &amp;amp;", "&#58;) \\(\\!) &amp;amp;"},
  });
}

TEST_CASE("wiki markup: a mark before a number sign begins no list") {
  check_wiki({
      {"<b># of seats: 5</b><br><b># of users: 7</b>", "*\\# of seats: 5*\n*\\# of users: 7*"},
      {"<s># x</s>", "-\\# x-"},
      {"<s>#</s> x <b># y</b>", "-\\#- x *# y*"},
      {"<b><s># x</s></b>", "*{-}# x{-}*"},
      {"<b>#</b>x # y", "{*}#{*}x # y"},
  });
}

TEST_CASE("wiki markup: an item that begins with a list") {
  check_wiki({
      {"<ul><ul><li>z</li></ul></ul>", "** z"},
      {"<ul><li><ol><li>z<li>y</ol><li>x</ul>", "*# z\n*# y\n* x"},
      {"<ul><li><pre>z</pre></ul>", "* \u00a0\n{noformat}\nz\n{noformat}"},
      {"<ol><li>a<li><ul><li>z</ul><li>c</ol>", "# a\n# \u00a0\n#* z\n# c"},
  });
}

TEST_CASE("wiki markup: marks and links end with their line") {
  check_wiki({
      {"<b>Regards,<br>Anna</b>", "*Regards,*\n*Anna*"},
      {"<a href=https://x.test>a<br>b</a>", "[a|https://x.test]\n[b|https://x.test]"},
      {"x<b><i>a <br> b</i>c</b>", "x{*}{_}a{_}{*}\n*{_}b{_}c*"},
      {"<font color=red>a<br>b</font>", "{color:#ff0000}a\nb{color}"},
      {"<b><font color=red>a<br>b</font></b>", "*{color:#ff0000}a{color}*\n*{color:#ff0000}b{color}*"},
      {"<code>a<br>b</code>", "{{a}}\n{{b}}"},
      // This break ends no line.
      {"<ul><li><b>a<br>b</b></ul>", "* *a\\\\ b*"},
      {"<h1><b>a<br>b</b></h1>", "h1. *a\\\\ b*"},
  });
}

TEST_CASE("wiki markup: code and pictures touch no letter") {
  const auto shown = [](std::string_view from) {
    Node document = parse_html(from).document;
    rewrite(document, [](Node& node) {
      if (node.kind == Kind::image) node.target = "x.png";
    });
    const Printed printed = print_wiki(document);
    return printed.text + (printed.losses.empty() ? "" : " | " + told(printed.losses));
  };
  const std::string one = "the same with a blank beside it 1", two = "the same with a blank beside it 2";
  CHECK(shown("a<code>b</code>c") == "a {{b}} c | code: " + two);
  CHECK(shown("<b>a<code>b</code></b>s") == "{*}a {{b}}{*}s | code: " + one);
  CHECK(shown("\u00fc<code>b</code>, 1") == "\u00fc {{b}}, 1 | code: " + one);
  CHECK(shown("(<code>b</code>) \u201c<code>c</code>\u201d&nbsp;<code>d</code>&nbsp;<code>e</code>.") ==
        "({{b}}) \u201c{{c}}\u201d\u00a0{{d}}\u00a0{{e}}.");
  CHECK(shown("a<img src=/a>b") == "a !x.png! b | image: " + two);
  CHECK(shown("\u00fc<img src=/a>\u00fc") == "\u00fc !x.png! \u00fc | image: " + two);
  CHECK(shown("a <img src=/a> 1 (<img src=/a>)<br>b") == "a !x.png! 1 (!x.png!)\nb");
  CHECK(shown("a<a href=https://x.test><img src=/a>b</a>") == "a[!x.png! b|https://x.test] | image: " + one);
  CHECK(shown("<p>a</p><p><code>b</code></p><p>c</p>") == "a\n\n{{b}}\n\nc");
}

TEST_CASE("blanks of changing style take time as they are many") {
  Node line(Kind::paragraph, {text("x")});
  for (int index = 0; index < 400'000; ++index)
    line.children.push_back(text("\u00a0", index % 2 == 0 ? Mark::strike : Mark::underline));
  line.children.push_back(text("end"));
  CHECK(print_wiki(line).text.ends_with("end"));
  CHECK(print_html(line).text.ends_with("end</p>"));
  CHECK(print_markdown(line).text.ends_with("end\n"));
}

TEST_CASE("wiki markup: files, accounts and items of the target, and what has no place") {
  Node document = parse_html(R"(<img src=x.png alt=A width=9> <a href="#" data-vss-mention="version:2.0,G">@Lea</a> <a href="https://d.test/_workitems/edit/12">#12</a>)").document;
  CHECK(print_wiki(document).text == "A @Lea [#12|https://d.test/_workitems/edit/12]");
  rewrite(document, [](Node& node) {
    node.target = node.kind == Kind::image ? "x.png" : node.kind == Kind::mention ? "accountid:55:9f" : "SUP-7";
  });
  CHECK(print_wiki(document).text == "!x.png|width=9,alt=\"A\"! [~accountid:55:9f] SUP-7");
  rewrite(document, [](Node& node) {
    if (node.kind == Kind::image) node.text = "A = b";
  });
  CHECK(print_wiki(document).text == "!x.png|width=9! [~accountid:55:9f] SUP-7");
  CHECK(told(print_wiki(document).losses) == "description of an image: nothing 1");
  // A tilde would name an account.
  CHECK(wiki("<a href='~admin'>text</a> <a href='a/~b'>c</a>") == "[text|%7Eadmin] [c|a/~b]");
  CHECK(wiki("<ul><li>a<p>b<table><tr><td>1<td>2</table></ul>") == "* a\\\\ b\\\\ 1 \\| 2");
  CHECK(wiki_losses("<ul><li>a<p>b<table><tr><td>1<td>2</table></ul>") == "paragraph: a line 2, table: lines 1");
  CHECK(wiki_losses("<ul><li><input type=checkbox>a</ul>") == "task: text 1");
  CHECK(wiki("<table><tr><td colspan=2>a<tr><td><ul><li>b<li>c</ul><td><pre>x\ny</pre></table>") == "|a| |\n|\\- b\\\\ \\- c|{{x}}\\\\ {{y}}|");
  CHECK(wiki("<table><tr><td><ol><li>a<li><li>b</ol><td>c</table>") == "|\\- a\\\\ \\- b|c|");
  CHECK(wiki("<pre lang=brainfuck>x</pre>") == "{code}\nx\n{code}");
  CHECK(wiki_losses("<pre lang=brainfuck>x</pre>") == "language of code: nothing 1");
}

TEST_CASE("text for people") {
  CHECK(plain_text(parse_html(everything).document) ==
        "T\n\nIt beeps,\ntwice & now\u00a0! x\n\n- a\n  - b\n- c\n\n3. d\n\n> q\n\n1\n2\n\n---\n\nk | v\n1 | 2\n\nend [A]");
  CHECK(plain_text(Node()) == "");
}

TEST_CASE("text for comparison is the same whatever the format") {
  const std::string expected = "T\nIt beeps,\ntwice & now ! x\na\nb\nc\nd\nq\n1\n2\nk\nv\n1\n2\nend [image]";
  Node document = parse_html(everything).document;
  CHECK(canonical_text(document) == expected);
  CHECK(canonical_text(parse_markdown(print_markdown(document).text).document) == expected);
  CHECK(canonical_text(parse_html(print_html(document).text).document) == expected);
  rewrite(document, [](Node& node) { node.target = node.kind == Kind::image ? "m" : ""; });
  CHECK(canonical_text(parse_adf(print_adf(document).document).document) == "T\nIt beeps,\ntwice & now ! x\na\nb\nc\nd\nq\n1\n2\nk\nv\n1\n2\nend\n[image]");
  CHECK(canonical_text(parse_html("a\u00ad\u200b  b&nbsp;<br> c").document) == "a b\nc");
  CHECK(canonical_text(plain("a b")) != canonical_text(plain("a c")));
}

TEST_CASE("the beginning that fits, with a note where it was cut") {
  const Node document = parse_html("<p>one two three</p><ul><li>four five<li>six</ul><pre>1\n2\n3</pre>").document;
  const Node note = paragraph("...");
  const auto length = [](const Node& tree) { return utf16_length(print_markdown(tree).text); };
  const std::size_t whole = length(document);
  CHECK_FALSE(split_at(document, whole, note, length).cut);
  CHECK(shape(split_at(document, whole, note, length).head) == shape(document));
  for (std::size_t limit = 0; limit < whole; ++limit) {
    const Split split = split_at(document, limit, note, length);
    CAPTURE(limit);
    CHECK(split.cut);
    CHECK(length(split.head) <= limit);
    CHECK((split.head.children.empty() || shape(split.head).ends_with(R"(p("..."))")));
  }
  CHECK(shape(split_at(document, 20, note, length).head) == R"(p("one two three") p("..."))");
  CHECK(shape(split_at(document, 35, note, length).head) == R"(p("one two three") ul(li(p("four five"))) p("..."))");
  CHECK(shape(split_at(document, 4, note, length).head) == R"(p("..."))");
  CHECK(shape(split_at(document, 3, note, length).head) == "");
}

TEST_CASE("Jira's 32,767 characters") {
  std::string words;
  for (int index = 0; index < 8000; ++index) words += "w\u00f6rd \U0001F600 ";
  const auto length = [](const Node& tree) { return utf16_length(print_wiki(tree).text); };
  const Split split = split_at(plain(words), 32'767, paragraph("The whole text is attached."), length);
  CHECK(split.cut);
  CHECK(length(split.head) <= 32'767);
  CHECK(length(split.head) > 32'700);
  CHECK(print_wiki(split.head).text.ends_with("The whole text is attached."));
  CHECK(utf16_length("a\u00f6\U0001F600") == 4);
}

TEST_CASE("text by the format that it names") {
  ItemText text;
  text.text = "a *b* <i>c</i>";
  CHECK(shape(parse(text).document) == R"(p("a *b* <i>c</i>"))");
  text.format = "html";
  CHECK(shape(parse(text).document) == R"(p("a *b* " "c"i))");
  text.format = "markdown";
  CHECK(shape(parse(text).document) == R"(p("a " "b"i " " "c"i))");
  text.format = "wiki";
  CHECK(shape(parse(text).document) == R"(p("a *b* <i>c</i>"))");
  CHECK(told(parse(text).losses) == "wiki: plain text 1");
  text.format = "adf";
  text.document = print_adf(plain("x")).document;
  CHECK(shape(parse(text).document) == R"(p("x"))");
}
