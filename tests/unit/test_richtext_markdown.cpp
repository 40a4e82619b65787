// Markdown in, as GitLab and Azure DevOps have it, and out, so that GitLab reads what the tree says and nothing else.
#include <doctest/doctest.h>

#include "richtext_checks.hpp"

using namespace migrate;
using namespace migrate::richtext;
using migrate::richtext_tests::shape;
using migrate::richtext_tests::told;

namespace {

std::string tree(std::string_view markdown, MarkdownFlavour flavour = MarkdownFlavour::gitlab) {
  MarkdownOptions options;
  options.flavour = flavour;
  return shape(parse_markdown(markdown, options).document);
}

/// What print_markdown() makes of HTML, without the last line end.
std::string out(std::string_view html) {
  const std::string text = print_markdown(parse_html(html).document).text;
  return text.substr(0, text.size() - (text.empty() ? 0 : 1));
}

std::string losses(std::string_view html) { return told(print_markdown(parse_html(html).document).losses); }

struct Row {
  const char *in, *out;
};

using Rows = std::initializer_list<Row>;

void check_in(Rows rows) {
  for (const Row& row : rows) {
    CAPTURE(row.in);
    CHECK(tree(row.in) == row.out);
  }
}
void check_out(Rows rows) {
  for (const Row& row : rows) {
    CAPTURE(row.in);
    CHECK(out(row.in) == row.out);
  }
}
/// And nothing is lost.
void check_out_whole(Rows rows) {
  check_out(rows);
  for (const Row& row : rows) CHECK(losses(row.in) == "");
}

/// A mention, reference or image in a paragraph, between two words.
std::string around(const char* before, Node node, const char* after) {
  Node line(Kind::paragraph);
  line.children.push_back(text(before));
  line.children.push_back(std::move(node));
  line.children.push_back(text(after));
  Node document;
  document.children.push_back(std::move(line));
  const std::string wrong = migrate::richtext_tests::check_markdown(document);
  CHECK(wrong == "");
  return print_markdown(document).text;
}

Node mention(std::string target) {
  Node node(Kind::mention);
  node.id = "1d2c";
  node.text = "Lea N";
  node.target = std::move(target);
  return node;
}

Node reference(std::string target) {
  Node node(Kind::reference);
  node.id = "12";
  node.text = "#12";
  node.url = "https://x.test/_i/12";
  node.target = std::move(target);
  return node;
}

}  // namespace

TEST_CASE("Markdown in: blocks") {
  check_in({
      {"", ""},
      {"a\nb\n\nc", R"(p("a b") p("c"))"},
      {"a  \nb\\\nc", R"(p("a" br "b" br "c"))"},
      {"# a #\n\nb\n===", R"(h1("a") h1("b"))"},
      {"- a\n- b\n  - c\n\n1. d", R"(ul(li(p("a")) li(p("b") ul(li(p("c"))))) ol1(li(p("d"))))"},
      {"3) a\n4) b", R"(ol3(li(p("a")) li(p("b"))))"},
      {"- [ ] a\n- [x] b\n- c", R"(ul(open(p("a")) done(p("b")) li(p("c"))))"},
      {"> a\n> > b", R"(quote(p("a") quote(p("b"))))"},
      {"> [!warning]\n> a", R"(warning(p("a")))"},
      {"> \\[!warning\\]\n> a", R"(quote(p("[!warning] a")))"},
      {"```c++ x\na\n\tb\n```", "code(c++|a\n\tb)"},
      {"    a\n      b", "code(-|a\n  b)"},
      {"a\n\n---\n\nb", R"(p("a") hr p("b"))"},
      {"| a | b |\n|---|:-:|\n| `1` | 2<br>3 |", R"(table(tr(th(p("a")) th(p("b"))) tr(td(p("1"c)) td(p("2" br "3")))))"},
      {"<details>\n<summary>s</summary>\n\n**b**\n\n</details>", R"(p("s"b) p("b"b))"},
      {"<table><tr><td>a</td></tr></table>", R"(table(tr(td(p("a")))))"},
  });
}

TEST_CASE("Markdown in: words") {
  check_in({
      {"**b** _i_ ~~s~~ `c` <u>u</u> <sub>v</sub>", R"(p("b"b " " "i"i " " "s"s " " "c"c " " "u"u " " "v"v))"},
      {"&amp; &copy; &#65; &nope; \\& \\*", "p(\"& \u00a9 A &nope; & *\")"},
      {"[a](https://x.test 'title') <https://y.test> [r]\n\n[r]: /z", R"(p("a"->https://x.test " " "https://y.test"->https://y.test " " "r"->/z))"},
      {"see https://x.test/a_b?c=(1). www.x.test, a.b@c.test.",
            R"x(p("see " "https://x.test/a_b?c=(1)"->https://x.test/a_b?c=(1) ". " "www.x.test"->http://www.x.test ", " "a.b@c.test"->mailto:a.b@c.test "."))x"},
      {"![al\\*t](/a.png) ![](<b c.png>){width=20 height=10px}x", R"(p(img(al*t|/a.png|-|-) " " img(-|b c.png|-|-)20x10 "x"))"},
      {"@lea, @acme/team. a@lea \\@lea `@lea`", R"(p(@(lea|lea|-) ", " @(acme/team|acme/team|-) ". a@lea @lea " "@lea"c))"},
      {"#12 !3 &4 acme/app#5 #x a#b \\#6 [#7](/x)",
            R"(p(ref(#12|#12|-|-) " " ref(!3|!3|-|-) " " ref(&4|&4|-|-) " " ref(acme/app#5|acme/app#5|-|-) " #x a#b #6 " "#7"->/x))"},
      {"a<script>alert(1)</script>b", R"(p("ab"))"},
  });
}

TEST_CASE("Markdown in: what has no place in the tree is told") {
  const auto read = [](std::string_view markdown) { return told(parse_markdown(markdown).losses); };
  CHECK(read("[a](https://x.test \"The whole \\\"story\\\"\")") == "title: nothing 1");
  CHECK(tree("[a](https://x.test \"The whole\")") == R"(p("a"->https://x.test))");
  CHECK(read("![a](/a.png 'The whole story'){width=3}") == "title: nothing 1");
  CHECK(tree("![a](/a.png 'The whole story'){width=3}") == R"(p(img(a|/a.png|-|-)3x0))");
  CHECK(read("[a](https://x.test 'a') ![b](/b.png 'b') [c][c]\n\n[c]: https://x.test/c 'https://x.test/c'") == "");
  CHECK(read("a <mark>b</mark>") == "mark: text 1");
  CHECK(read("```json:table\n{}\n```\n\n```suggestion:-0+0\nx\n```\n\n```c++\ny\n```") ==
        "language of code: nothing 2");
  CHECK(read("- [ ]\n- [x] a\n") == "task: nothing 1");
}

TEST_CASE("Markdown of Azure DevOps has its own mentions, and none of GitLab's") {
  CHECK(tree("@<1D2C3B4A-0000-1111-2222-333344445555> see #12, @lea !3", MarkdownFlavour::azure_devops) ==
        R"(p(@(1D2C3B4A-0000-1111-2222-333344445555|1D2C3B4A-0000-1111-2222-333344445555|-) " see " ref(12|#12|-|-) ", @lea !3"))");
  CHECK(tree("@lea #12", MarkdownFlavour::plain) == R"(p("@lea #12"))");
}

TEST_CASE("mentions of Azure DevOps are such in words only") {
  const std::string id = "1D2C3B4A-0000-1111-2222-333344445555", sign = "@<" + id + ">";
  const std::string mention = fmt::format("@({0}|{0}|-)", id);
  const auto azure = [](std::string_view markdown) { return tree(markdown, MarkdownFlavour::azure_devops); };
  CHECK(azure("a **" + sign + "**, #12 " + sign) == "p(\"a \" " + mention + " \", \" ref(12|#12|-|-) \" \" " + mention + ")");
  CHECK(azure("`" + sign + "`") == "p(\"" + sign + "\"c)");
  CHECK(azure("```\nmail " + sign + "\n\t" + sign + "\n```") == "code(-|mail " + sign + "\n\t" + sign + ")");
  CHECK(azure("    " + sign) == "code(-|" + sign + ")");
  CHECK(azure("![" + sign + "](/a.png)") == "p(img(" + sign + "|/a.png|-|-))");
  CHECK(azure("[a](</" + id + "?" + sign + ">)").find("data-") == std::string::npos);
  CHECK(azure("\\" + sign + " \\\\" + sign) == "p(\"" + sign + " \\\" " + mention + ")");
  CHECK(azure("<div>" + sign + "</div>") == "p(" + mention + ")");
  CHECK(azure("<b title='" + sign + "'>a</b>") == "p(\"a\"b)");
  // Signs of the text's own.
  CHECK(azure("\ue000" + id + "\ue000 " + sign) == "p(\"\ue000" + id + "\ue000 \" " + mention + ")");
  std::string signs;
  for (int last = 0; last < 16; ++last) signs += std::string("\xEE\x80") + static_cast<char>(0x80 + last);
  CHECK(azure(signs + "`" + sign + "`") == "p(\"" + signs + "\" \"" + sign + "\"c)");

  std::string exhausting = sign + "\n\n|";
  for (int column = 0; column < 100; ++column) exhausting += "a|";
  exhausting += "\n|";
  for (int column = 0; column < 100; ++column) exhausting += "---|";
  for (int row = 0; row < 3000; ++row) exhausting += "\n|x|";
  MarkdownOptions options;
  options.flavour = MarkdownFlavour::azure_devops;
  const Parsed parsed = parse_markdown(exhausting, options);
  CHECK(told(parsed.losses) == "markup: plain text 1");
  CHECK(plain_text(parsed.document).find(sign) != std::string::npos);
}

TEST_CASE("Markdown out: blocks") {
  check_out_whole({
      {"<h2>a #</h2>b<br>c", "## a \\#\n\nb\\\nc"},
      {"<ul><li>a<ul><li>b</ul><li>c</ul>", "- a\n  - b\n- c"},
      {"<ol start=9><li>a<p>b<li>c</ol>", "9. a\n\n   b\n\n10. c"},
      {"<ul><li>a</ul><ul><li>b</ul>", "- a\n\n+ b"},
      {"<ul><li><input type=checkbox checked>a</ul>", "- [x] a"},
      {"<blockquote>a<blockquote>b</blockquote></blockquote>", "> a\n>\n> > b"},
      {"<div data-panel=error>a</div>", "> [!caution]\n>\n> a"},
      {"<pre lang=ruby>a\n```\nb</pre>", "````ruby\na\n```\nb\n````"},
      {"<hr>", "***"},
      {"<table><tr><th>a<th>b|c<tr><td>1<br>2<td></table>", "| a | b\\|c |\n| --- | --- |\n| 1<br>2 |  |"},
      {"<table><tr><td>a<td>@b<tr><td colspan=2><ul><li>c</ul></table>",
            "<table>\n<tr><td>a</td><td><span>@</span>b</td></tr>\n<tr><td colspan=\"2\"><ul><li>c</li></ul></td></tr>\n</table>"},
  });
}

TEST_CASE("Markdown out: words, and marks where the rules of emphasis let them be") {
  check_out_whole({
      {"<b>b</b> <i>i</i> <s>s</s> <u>u</u> <sub>v</sub> <code>c</code>", "**b** _i_ ~~s~~ <ins>u</ins> <sub>v</sub> `c`"},
      {"a<b>b</b>c<i>d</i>e", "a**b**c<em>d</em>e"},
      {"x<b>y.</b>z", "x<strong>y.</strong>z"},
      {"<b>a </b>b<b> c</b>", "**a** b **c**"},
      {"<b>a <i>b</i></b>", "**a _b_**"},
      {"<code>a`b</code><code></code> <code>`</code>", "``a`b`` `` ` ``"},
      {"<a href='https://x.test/a b'>l*</a> <a href='https://x.test'>https://x.test</a>", "[l\\*](<https://x.test/a b>) <https://x.test>"},
      {"Hello!<a href=/x>y</a>", "Hello\\![y](/x)"},
      {"<img src=/a.png alt='a]b' width=20>", "![a\\]b](/a.png){width=20}"},
      {"a&nbsp; b", "a&nbsp; b"},
  });
}

TEST_CASE("nothing becomes a mark, a block, a link or an entity by accident") {
  check_out({
      {"*a* _b_ `c` ~~d~~ [e](f) &lt;b&gt; \\ |", "\\*a\\* \\_b\\_ \\`c\\` \\~\\~d\\~\\~ \\[e\\](f) \\<b> \\\\ \\|"},
      {"# a<br>- b<br>+ c<br>1. d<br>2) e<br>&gt; f<br>---<br>===<br>: g", "\\# a\\\n\\- b\\\n\\+ c\\\n1\\. d\\\n2\\) e\\\n\\> f\\\n\\---\\\n\\===\\\n\\: g"},
      {"&amp;copy; AT&amp;T a &amp; b", "\\&copy; AT\\&T a & b"},
      {"http://x.test www.x.test a@b.test", "http\\://x.test www\\.x.test a\\@b.test"},
      {"a #<i> </i>b", "a # b"},
      {"<img data-mx-emoticon alt=12 src=x>. a", "12\\. a"},
      {"<table border=1><tr><th><code>www.x|&nbsp; &nbsp;y</code></table>", "| <code>www\\.x&#124;&nbsp; &nbsp;y</code> |\n| --- |"},
      {"+++<br>;;;", "\\+++\\\n\\;;;"},
      {"5 - 3 = 2. No: 100%!", "5 - 3 = 2. No: 100%!"},
  });
}

TEST_CASE("GitLab: no text is a command, a mention, a reference, a label, a formula or an emoji") {
  check_out({
      {"/close<br>/assign @lea", "\\/close\\\n\\/assign \\@lea"},
      {"<pre>/close\nx</pre>", " ```\n /close\n x\n ```"},
      {"<ul><li>/close</ul>", "- \\/close"},
      {"@all #12 !3 &amp;4 ~bug %v1 $x$ ^a acme/app#5 :smile: 12:30", "\\@all \\#12 \\!3 \\&4 \\~bug \\%v1 \\$x\\$ \\^a acme/app\\#5 \\:smile: 12:30"},
      {"[[wiki]] [^1] %{x}", "\\[\\[wiki\\]\\] \\[\\^1\\] \\%{x}"},
  });
  // Inside of HTML backslashes say nothing.
  const std::string table = out("<table><tr><td>@lea #12 ~bug<td><pre>/close\n\n@lea</pre></table>");
  CHECK(table == "<table>\n<tr><td><span>@</span>lea <span>#</span>12 <span>~</span>bug</td><td><pre><code>/close&#10;&#10;<span>@</span>lea</code></pre></td></tr>\n</table>");
}

TEST_CASE("mentions and references of the target are live, and end where they end") {
  CHECK(around("hi ", mention("lea"), ", done") == "hi @lea, done\n");
  CHECK(around("hi ", mention("lea"), "s") == "hi @lea<!-- -->s\n");
  CHECK(around("hi ", mention("lea"), ".x") == "hi @lea<!-- -->.x\n");
  CHECK(around("hi", mention("lea"), ".") == "hi<!-- -->@lea.\n");
  CHECK(around("hi ", mention(""), "!") == "hi \\@Lea N!\n");
  CHECK(around("hi ", mention("557058:9f"), "!") == "hi \\@Lea N!\n");
  CHECK(around("see ", reference("#45"), ".") == "see #45.\n");
  CHECK(around("see ", reference("acme/app#45"), "6") == "see acme/app#45<!-- -->6\n");
  CHECK(around("see acme/", reference("#45"), "") == "see acme/<!-- -->#45\n");
  CHECK(around("see ", reference(""), "") == "see [\\#12](https://x.test/\\_i/12)\n");
  CHECK(around("see ", reference("https://gl.test/a/-/issues/45"), "") == "see [https\\://gl.test/a/-/issues/45](https://gl.test/a/-/issues/45)\n");
}

TEST_CASE("images: with their target, with their address, or by their name") {
  Node image(Kind::image);
  image.text = "shot";
  image.url = "cid:1@x";
  CHECK(around("a ", image, "") == "a shot\n");
  image.url = "https://x.test/shot.png";
  CHECK(around("a ", image, "") == "a ![shot](https://x.test/shot.png)\n");
  image.target = "/uploads/0f1e/shot.png";
  image.link = "https://x.test/full";
  CHECK(around("a ", image, "") == "a [![shot](/uploads/0f1e/shot.png)](https://x.test/full)\n");
}

TEST_CASE("what Markdown cannot hold is told") {
  CHECK(losses("<span style='color:red'>a</span>") == "colour: nothing 1");
  CHECK(losses("<div data-panel=success>a</div>") == "success panel: tip 1");
  CHECK(losses("<a href='javascript:x'>a</a>") == "link: text 1");
  CHECK(losses("<iframe src='https://x.test'></iframe>") == "iframe: a link 1");
  CHECK(losses("<table><tr><td><input type=checkbox>a<td><ul><li><input type=checkbox>b</ul></table>") == "task: text 1");
}

TEST_CASE("Markdown to tree to Markdown: a fixed point, whatever the style of the first one") {
  const std::string_view text = R"(Title
=====

* a
* b

    more *text*

+ [ ] task
+ [x] done

1) one
2) two

```ruby
puts "x"
```

~~~
/close
~~~

| a | b |
|:--|--:|
| **x** | `y` |

> quote
continued

> [!NOTE]
> Mind **this**.

Text with <b>HTML</b>, <https://x.test>, https://y.test/a_b, ![i](/u/a.png){width=5}, a&nbsp;b, \@x, 2 * 3 and C#.

<details><summary>More</summary>

hidden

</details>
)";
  const std::string first = print_markdown(parse_markdown(text).document).text;
  const std::string second = print_markdown(parse_markdown(first).document).text;
  CHECK(first == second);
  CHECK(first.find("+ [x] done") != std::string::npos);
}

TEST_CASE("a heading or rule in a list ends no list, wherever in the text it stands") {
  for (std::size_t size = 1; size <= 300; ++size) {
    CAPTURE(size);
    const std::string before = std::string(size, 'x') + "\n\n";
    CHECK(tree(before + "- # a\n\n  b\n").ends_with(R"(ul(li(h1("a") p("b"))))"));
    CHECK(tree(before + "- - ***\n\n    a\n\n  b\n").ends_with(R"(ul(li(ul(li(hr p("a"))) p("b"))))"));
    CHECK(tree(before + "- ```\n  x\n  ```\n\n  b\n").ends_with(R"(ul(li(code(-|x) p("b"))))"));
    CHECK(tree(before + "- ***\r\n\r\n  b\r\n").ends_with(R"(ul(li(hr p("b"))))"));
  }
}

TEST_CASE("text built to exhaust a parser of Markdown") {
  std::string wide = "|";
  for (int column = 0; column < 100; ++column) wide += "a|";
  wide += "\n|";
  for (int column = 0; column < 100; ++column) wide += "---|";
  for (int row = 0; row < 3000; ++row) wide += "\n|x|";
  const Parsed parsed = parse_markdown(wide);
  CHECK(told(parsed.losses) == "markup: plain text 1");
  CHECK(shape(parsed.document).find('x') != std::string::npos);
  CHECK(tree(std::string(20'000, '>') + " deep").find("deep") != std::string::npos);
  CHECK(tree(std::string(50'000, '[') + "x").find('x') != std::string::npos);
  CHECK(tree(std::string(50'000, '*') + "x").find('x') != std::string::npos);
  CHECK(tree("a" + std::string(3000, '-') + "a-a-a-#1").find("#1") != std::string::npos);
}

TEST_CASE("long texts take time as they are long: what is looked for may be far away or missing, again and again") {
  const auto repeated = [](std::string_view piece, std::size_t size) {
    std::string all;
    while (all.size() < size) all += piece;
    return all;
  };
  CHECK(tree(repeated("http://-", 2'000'000) + " end").find("end") != std::string::npos);
  const std::string signs = repeated("@<\u2039", 2'000'000) + "> end";
  CHECK(tree(signs, MarkdownFlavour::azure_devops).find("end") != std::string::npos);

  Node line(Kind::paragraph, {text("a")});
  line.children[0].link = "https://x.test/?" + std::string(2'000'000, '&');
  CHECK(print_markdown(line).text.ends_with("&)\n"));
  line.children[0].link.clear();
  line.children[0].text = std::string(2'000'000, '&');
  CHECK(print_wiki(line).text.size() == 2'000'000);

  line.children.clear();
  for (int index = 0; index < 200'000; ++index)
    line.children.push_back(text(" ", index % 2 == 0 ? Mark::strike : Mark::underline));
  line.children.push_back(text("end"));
  Losses losses;
  CHECK(shape(normalised(line, losses)) == R"(p("end"))");
}
