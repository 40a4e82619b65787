#include "simulator/text.hpp"

#include <fmt/format.h>

#include <array>
#include <iterator>

namespace migrate::freshdesk::simulation {
namespace {

struct Block {
  std::string_view html, text;
};

constexpr std::array<Block, 26> blocks{{
    {"<p>The label printer in hall 3 prints blank labels since this morning.</p>",
     "The label printer in hall 3 prints blank labels since this morning."},
    {"<div>Restarted twice, <b>same</b> <i>result</i>, <u>error</u> <strike>17</strike> 18.</div>",
     "Restarted twice, same result, error 17 18."},
    {"<p>Gr\u00fc\u00dfe aus K\u00f6ln &amp; Umgebung &ndash; &bdquo;Drucker&#8220; klemmt "
     "\U0001F600\U0001F468\u200D\U0001F527</p>",
     "Gr\u00fc\u00dfe aus K\u00f6ln & Umgebung \u2013 \u201eDrucker\u201c klemmt \U0001F600\U0001F468\u200D\U0001F527"},
    {"<div dir=\"rtl\">\u0627\u0644\u0637\u0627\u0628\u0639\u0629 \u0644\u0627 \u062a\u0639\u0645\u0644 "
     "<b>\u0645\u0646\u0630 "
     "\u0623\u0645\u0633</b> (HP-4100)</div>",
     "\u0627\u0644\u0637\u0627\u0628\u0639\u0629 \u0644\u0627 \u062a\u0639\u0645\u0644 \u0645\u0646\u0630 "
     "\u0623\u0645\u0633 "
     "(HP-4100)"},
    {"<p>\u200f\u05d4\u05de\u05d3\u05e4\u05e1\u05ea \u2067(3)\u2069 \u05dc\u05d0 \u05e2\u05d5\u05d1\u05d3\u05ea</p>",
     "\u200f\u05d4\u05de\u05d3\u05e4\u05e1\u05ea \u2067(3)\u2069 \u05dc\u05d0 \u05e2\u05d5\u05d1\u05d3\u05ea"},
    {"<p>\u5370\u5237\u6a5f\u304c\u52d5\u304d\u307e\u305b\u3093\u3002<br>\u4e09\u968e\u3067\u3059\u3002</p>",
     "\u5370\u5237\u6a5f\u304c\u52d5\u304d\u307e\u305b\u3093\u3002 \u4e09\u968e\u3067\u3059\u3002"},
    {"<ol><li>Open the lid<ul><li>left <em>and</em> right</li></ul></li><li>Wait 10&nbsp;s</li></ol>",
     "Open the lid left and right Wait 10\u00a0s"},
    {"<table border=\"1\"><tr><th "
     "colspan=\"2\">Part</th><th>Count</th></tr><tr><td>A&lt;1&gt;</td><td>x|y</td><td>3</td>"
     "</tr></table>",
     "Part Count A<1> x|y 3"},
    {"<pre>make: *** [all] Error 2\r\n\tcc -I &quot;a b&quot; &lt;stdin&gt;\r\n</pre>",
     "make: *** [all] Error 2\r\n\tcc -I \"a b\" <stdin>\r\n"},
    {"<p>{code}no macro{code} *no* _markup_ h1. none [x|http://x.test] @all /close ~~~ ``` # no heading "
     "&#123;panel&#125;</p>",
     "{code}no macro{code} *no* _markup_ h1. none [x|http://x.test] @all /close ~~~ ``` # no heading {panel}"},
    {"<p>See the <a href=\"https://status.acme.test/i?id=4&amp;lang=de#top\" rel=\"noreferrer\">status page</a> or "
     "write "
     "to <a href=\"mailto:help@acme.test\">help@acme.test</a></p>",
     "See the status page or write to help@acme.test"},
    {"<p>&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp;amp; &amp;lt; &#x1F4A9; &hearts; &unknown;</p>",
     "<script>alert('1')</script> &amp; &lt; \U0001F4A9 \u2665 &unknown;"},
    {"<div style=\"font-family: Arial, sans-serif; font-size: 13px\"><span style=\"color: rgb(192, 0, "
     "0)\">Urgent!</span> "
     "<font color=\"#888888\">sent from my phone</font></div>",
     "Urgent! sent from my phone"},
    {"<img src=\"cid:image001.png@01DA1234.ABCDEF00\" alt=\"image001.png\">", ""},
    {"<img src=\"data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7\" width=\"1\">", ""},
    {"<p>e\u0301 is not \u00e9, \ufb01 not fi; A\u0300\u0316\u031d\u0332\u0345 stands high</p>",
     "e\u0301 is not \u00e9, \ufb01 not fi; A\u0300\u0316\u031d\u0332\u0345 stands high"},
    {"<p>\U0001D518\U0001D52B\U0001D526 \U00010348 \U0001F1FA\U0001F1F3 \ufeff\u2028\u2029 end</p>",
     "\U0001D518\U0001D52B\U0001D526 \U00010348 \U0001F1FA\U0001F1F3 \ufeff\u2028\u2029 end"},
    {"<p>one<br><br/>two<br>\r\nthree</p><p></p><p>&nbsp;</p>", "one two three \u00a0"},
    {"<blockquote class=\"freshdesk_quote\">On Tue, 3 Feb 2026 at 10:02 AM, Help &lt;help@acme.test&gt; "
     "wrote:<blockquote "
     "class=\"freshdesk_quote\"><div dir=\"ltr\">Which version?</div></blockquote></blockquote>",
     "On Tue, 3 Feb 2026 at 10:02 AM, Help <help@acme.test> wrote: Which version?"},
    {"<h2>Steps</h2><hr><p>C:\\temp\\new \\n 50% $HOME ${x} `ls` 'q' \"q\"</p>",
     "Steps C:\\temp\\new \\n 50% $HOME ${x} `ls` 'q' \"q\""},
    {"<p>AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA</"
     "p>",
     "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},
    {"<p>Unclosed <b>bold <i>nested</b> wrongly</i> <p>and a second paragraph",
     "Unclosed bold nested wrongly and a second paragraph"},
    {"<div><!-- a comment --><o:p></o:p><p class=\"MsoNormal\">From Outlook<o:p>&nbsp;</o:p></p></div>",
     "From Outlook \u00a0"},
    {"<p>Order 0012345 of 2026-02-03, 1.234,50 EUR, +49 221 123, 12:00</p>",
     "Order 0012345 of 2026-02-03, 1.234,50 EUR, +49 221 123, 12:00"},
    {"<details><summary>More</summary><code>if (a &lt; b &amp;&amp; c) { x = \"y\"; }</code></details>",
     "More if (a < b && c) { x = \"y\"; }"},
    {"<p>   leading, trailing and\tinner   blanks   </p>", "leading, trailing and inner blanks"},
}};

constexpr std::array<std::string_view, 20> subjects{
    "Printer prints blank labels",
    "Printer prints blank labels",
    "Re: Re: Fwd: WG: Invoice 2025/117",
    "Login fails \U0001F512",
    "\u041d\u0435 \u0440\u0430\u0431\u043e\u0442\u0430\u0435\u0442 \u043f\u0440\u0438\u043d\u0442\u0435\u0440",
    "\u0627\u0644\u0637\u0627\u0628\u0639\u0629 \u0644\u0627 \u062a\u0639\u0645\u0644 (HP)",
    "\u5370\u5237\u6a5f\u306e\u6545\u969c",
    "R\u00fcckerstattung f\u00fcr \u00abBestellung 7\u00bb",
    "<b>not bold</b> & \"quoted\"",
    "[URGENT] *please* {call} me",
    "Password reset for O'Brien",
    "Slow since update to 4.2.1",
    "Cannot open file C:\\temp\\new.xls",
    "50% off? #4711 @sales",
    "Order 0012345",
    "null",
    "=1+1",
    "Missing parts in delivery",
    "(no subject)",
    "Question about the contract"};

constexpr std::array<std::string_view, 16> tags{"hardware",
                                                "needs review",
                                                "a,b",
                                                "VIP customer",
                                                "gr\u00f6\u00dfe",
                                                "\U0001F525",
                                                "UPPER",
                                                "upper",
                                                "with\"quote",
                                                "return/refund",
                                                "waiting-for-parts",
                                                "2026",
                                                "\u7dca\u6025",
                                                "semi;colon",
                                                "late",
                                                "x"};

constexpr std::array<std::string_view, 22> first_names{"Lea",
                                                       "Jos\u00e9",
                                                       "Zo\u00eb",
                                                       "Mika",
                                                       "Ana",
                                                       "S\u00f8ren",
                                                       "Olga",
                                                       "Nils",
                                                       "Mary Ann",
                                                       "Aylin",
                                                       "Pavel",
                                                       "\u738b\u82b3",
                                                       "\u0645\u062d\u0645\u062f",
                                                       "Chlo\u00e9",
                                                       "Jan",
                                                       "Ida",
                                                       "Marek",
                                                       "Siobh\u00e1n",
                                                       "Ravi",
                                                       "Eva",
                                                       "Tom",
                                                       "Ines"};
constexpr std::array<std::string_view, 22> first_mailboxes{
    "lea",  "jose",     "zoe",   "mika", "ana", "soren", "olga",    "nils", "mary", "aylin", "pavel",
    "fang", "muhammad", "chloe", "jan",  "ida", "marek", "siobhan", "ravi", "eva",  "tom",   "ines"};
constexpr std::array<std::string_view, 16> last_names{
    "Meyer",        "O'Brien",  "Garc\u00eda", "de la Cruz",  "Nov\u00e1k", "Li", "Smith", "Smith", "\u00d6zt\u00fcrk",
    "Van der Berg", "Kowalski", "Rossi",       "M\u00fcller", "Singh",      "Ng", "Dubois"};
constexpr std::array<std::string_view, 16> last_mailboxes{
    "meyer",  "o.brien", "garcia",   "delacruz", "novak",   "li",    "smith", "smith",
    "ozturk", "vdberg",  "kowalski", "rossi",    "mueller", "singh", "ng",    "dubois"};

constexpr std::array<std::string_view, 12> companies{"Northwind Labels",
                                                     "Kr\u00fcger & S\u00f6hne",
                                                     "Acme, Inc.",
                                                     "Blue \"Box\" Ltd",
                                                     "\u682a\u5f0f\u4f1a\u793e\u5c71\u7530",
                                                     "Zenith",
                                                     "Caf\u00e9 Central",
                                                     "Delta/Epsilon",
                                                     "Fourth Floor",
                                                     "Globe",
                                                     "Harbour <West>",
                                                     "Iris"};

struct NamedFile {
  std::string_view name, media_type;
};
constexpr std::array<NamedFile, 20> files{{
    {"screenshot.png", "image/png"},
    {"image001.png", "image/png"},
    {"image001.png", "image/png"},
    {"log.txt", "text/plain"},
    {"invoice.pdf", "application/pdf"},
    {"\u00dcbersicht \u2013 M\u00e4rz.pdf", "application/pdf"},
    {"\u0441\u0445\u0435\u043c\u0430 \u0441\u0435\u0442\u0438.png", "image/png"},
    {"\u5951\u7d04\u66f8.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
    {"\u0635\u0648\u0631\u0629.jpg", "image/jpeg"},
    {"a b+c%20&d;\"e\" 'f'.txt", "text/plain"},
    {"\U0001F600.gif", "image/gif"},
    {"README", "application/octet-stream"},
    {".htaccess", "application/octet-stream"},
    {"archive.tar.gz", "application/gzip"},
    {"letter.eml", "message/rfc822"},
    {"e\u0301tat.csv", "text/csv"},
    {"\u00e9tat.csv", "text/csv"},
    {"video.mp4", "video/mp4"},
    {"no-type.bin", ""},
    {"a name that is longer than many systems like to show or to store, and still shorter than what a file system "
     "takes; "
     "it goes on and on and on and on until somebody cuts it off at the wrong place.xlsx",
     "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
}};

}  // namespace

Body& Body::add(std::string_view more_html, std::string_view more_text) {
  html += more_html;
  if (!more_text.empty()) {
    if (!text.empty()) text += ' ';
    text += more_text;
  }
  return *this;
}

Body random_body(Random& random) {
  Body body;
  if (random.chance(4)) return body;
  body.html = "<div>";
  for (auto count = random.between(1, random.chance(15) ? 24 : 5); count > 0; --count) {
    const Block& block = random.pick(blocks);
    body.add(block.html, block.text);
  }
  body.html += "</div>";
  return body;
}

Body long_body(std::size_t size) {
  Body body;
  for (int line = 1; body.html.size() < size; ++line) {
    fmt::format_to(std::back_inserter(body.html),
                   "<p>{:06} \u2713 GET /labels/{} took {} ms \u2013 ok &amp; done</p>\r\n", line, line * 37,
                   line % 97);
    fmt::format_to(std::back_inserter(body.text), "{}{:06} \u2713 GET /labels/{} took {} ms \u2013 ok & done",
                   line > 1 ? " " : "", line, line * 37, line % 97);
  }
  return body;
}

std::string random_subject(Random& random) {
  std::string subject(random.pick(subjects));
  if (random.chance(60)) subject += fmt::format(" ({})", random.below(1000));
  return subject;
}

std::string_view random_tag(Random& random) { return random.pick(tags); }

PersonName random_person(Random& random) {
  const std::size_t first = random.below(first_names.size()), last = random.below(last_names.size());
  return {fmt::format("{} {}", first_names[first], last_names[last]),
          fmt::format("{}.{}", first_mailboxes[first], last_mailboxes[last])};
}

std::string_view company_name(std::size_t number) { return companies[number % companies.size()]; }

FileName random_file(Random& random) {
  const NamedFile& file = random.pick(files);
  return {std::string(file.name), file.media_type};
}

std::string escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

}  // namespace migrate::freshdesk::simulation
